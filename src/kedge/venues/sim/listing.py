"""A listing: everything the venue knows of one symbol.

The instrument's rules bound once, the working orders on their three shelves, the prices last seen, our position, and
the two prices at which it would be liquidated. What the next candle must be held against is condensed in one number,
`look`, so that a candle over a quiet position costs one comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, Final

from kedge.model.errors import ConfigError
from kedge.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from kedge.model.market import Candle
from kedge.model.money import EXACT, ONE, ZERO, canonical
from kedge.venues.sim.book import VisibleBook
from kedge.venues.sim.working import DOWN, ENDED, UP, Working

#: Liquidation prices that no market price reaches.
NEVER_BELOW: Final = Decimal(-1)
NEVER_ABOVE: Final = Decimal("Infinity")

#: Prices and quantities are counted in ticks and lots that fit 63 bits; what is larger is no figure of a market.
STEPS_MAX: Final = Decimal(2**63 - 1)

#: What a candle must be held against: nothing, a long's liquidation price, a short's, or everything.
NOTHING_HELD: Final = 0
LONG: Final = 1
SHORT: Final = 2
CLOSELY: Final = 3

#: So that a position of exactly the greatest leverage is admitted where 1 / leverage does not terminate.
_DOWN: Final = Context(prec=60, rounding=ROUND_DOWN)


class Listing:
    """One symbol at the venue.

    `cost` is the signed value paid for what is held of a perpetual, as in `kedge.model.position`; `bar` the last
    candle seen (None while finer data rules or a bar is being matched), `before` the one before it, `last` the last
    price otherwise, `room` what participation leaves of the current volume (None: unbounded) and `volume` that volume
    in units of quantity. While the range of a bar is played, `benefit` is what is left of the position held before
    it, short or not (`held_short`): only that may be closed by a reduce-only limit or take-profit. `timed` counts the
    orders that end by themselves, `trailing` the trailing stops, `triggered` the orders that were triggered in the
    current bar. Factors that are 1 are the very object `ONE`, so that they can be left out.
    """

    __slots__ = (
        "_highest_down", "_lowest_up", "arriving", "bar", "before", "benefit", "book", "contract_size", "cost", "down",
        "finer", "held_short", "initial_rate", "instrument", "is_open", "is_spot", "last", "liquidated",
        "liquidation_above", "liquidation_below", "long_rate", "look", "lot_size", "maker_fee", "mark", "mark_above",
        "mark_below", "min_notional", "position", "price_most", "quantity_least", "quantity_most", "room", "room_of",
        "shelves", "short_rate", "symbol", "taker_fee", "tick_size", "timed", "trailing", "triggered", "unit", "up",
        "volume",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self.bind(instrument)
        self.arriving: dict[str, Working] = {}
        self.down: dict[str, Working] = {}
        self.up: dict[str, Working] = {}
        self.shelves = (self.arriving, self.down, self.up)
        #: The level that a fall reaches first, and a rise; None where it has to be looked for.
        self._highest_down: Decimal | None = None
        self._lowest_up: Decimal | None = None
        self.trailing = 0
        self.timed = 0
        self.triggered = 0
        self.look = NOTHING_HELD
        self.finer = False
        self.bar: Candle | None = None
        self.before: Candle | None = None
        self.last: Decimal | None = None
        self.mark: Decimal | None = None
        self.book: VisibleBook | None = None
        self.room: Decimal | None = None
        self.room_of = 0
        self.volume = ZERO
        self.benefit: Decimal | None = None
        self.held_short = False
        self.position = ZERO
        self.cost = ZERO
        self.liquidated = 0
        self.liquidation_below = NEVER_BELOW
        self.liquidation_above = NEVER_ABOVE
        self.mark_below = NEVER_BELOW
        self.mark_above = NEVER_ABOVE

    def bind(self, instrument: Instrument) -> None:
        """Take the instrument's rules, now and whenever the venue changes them."""
        maintenance = EXACT.multiply(instrument.maintenance_margin, instrument.contract_size)
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.is_spot = instrument.kind is InstrumentKind.SPOT
        self.is_open = instrument.status is InstrumentStatus.OPEN
        self.tick_size = instrument.tick_size
        self.lot_size = instrument.lot_size
        self.price_most = EXACT.multiply(instrument.tick_size, STEPS_MAX)
        self.quantity_least = max(instrument.min_quantity, instrument.lot_size)
        self.quantity_most = EXACT.multiply(instrument.lot_size, STEPS_MAX)
        if instrument.max_quantity is not None:
            self.quantity_most = min(self.quantity_most, instrument.max_quantity)
        self.min_notional = instrument.min_notional
        self.maker_fee = instrument.maker_fee
        self.taker_fee = instrument.taker_fee
        self.contract_size = _one(instrument.contract_size)
        self.unit = self.contract_size is ONE
        self.initial_rate = _one(_DOWN.divide(ONE, instrument.max_leverage))
        self.long_rate = _one(EXACT.subtract(instrument.contract_size, maintenance))
        self.short_rate = _one(EXACT.add(instrument.contract_size, maintenance))

    def see(self, candle: Candle) -> None:
        """A candle over a symbol where nothing happens; the one before it is kept, should this one be no candle."""
        self.before = self.bar
        self.bar = candle

    def price(self) -> Decimal | None:
        """What the venue values a position at: the mark price where one is streamed, else the last price seen."""
        if self.mark is not None:
            return self.mark
        return self.last if self.bar is None else self.bar.close

    def move(self, order: Working, shelf: int) -> None:
        """Put an order on a shelf (`ENDED`: on none) from the one it is on."""
        order_id, before, level = order.id, order.shelf, order.level
        del self.shelves[before][order_id]
        if before == DOWN:
            if level == self._highest_down:
                self._highest_down = None
        elif before == UP and level == self._lowest_up:
            self._lowest_up = None
        order.shelf = shelf
        if shelf == ENDED:
            return
        on_shelf = self.shelves[shelf]
        if shelf == DOWN:
            highest = self._highest_down
            if not on_shelf or (highest is not None and level > highest):
                self._highest_down = level
        elif shelf == UP:
            lowest = self._lowest_up
            if not on_shelf or (lowest is not None and level < lowest):
                self._lowest_up = level
        on_shelf[order_id] = order

    def relevel(self, order: Working, level: Decimal) -> None:
        """Let an order wait for another level."""
        order.level = level
        self._highest_down = self._lowest_up = None

    def falls_to(self, price: Decimal) -> bool:
        """Whether a price as low as this may reach an order that waits for a fall."""
        if not self.down:
            return False
        highest = self._highest_down
        if highest is None:
            highest = self._highest_down = max([order.level for order in self.down.values()])
        return price <= highest

    def rises_to(self, price: Decimal) -> bool:
        """Whether a price as high as this may reach an order that waits for a rise."""
        if not self.up:
            return False
        lowest = self._lowest_up
        if lowest is None:
            lowest = self._lowest_up = min([order.level for order in self.up.values()])
        return price >= lowest

    def settle_look(self) -> None:
        """Condense what the next candle must be held against."""
        if self.down or self.up or self.arriving or self.finer:
            self.look = CLOSELY
        elif not self.position or self.is_spot or self.mark is not None:
            self.look = NOTHING_HELD
        else:
            self.look = LONG if self.position > ZERO else SHORT

    def snapshot(self) -> dict[str, Any]:
        """Plain data that two equal histories agree on."""
        orders = sorted((order for shelf in self.shelves for order in shelf.values()), key=lambda order: order.seq)
        price = self.price()
        return {
            "position": canonical(self.position),
            "cost": canonical(self.cost),
            "liquidated": self.liquidated,
            "price": None if price is None else canonical(price),
            "book": None if self.book is None else self.book.snapshot(),
            "orders": [order.snapshot() for order in orders],
        }


def _one(factor: Decimal) -> Decimal:
    return ONE if factor == ONE else factor


def settlement(instruments: Sequence[Instrument]) -> str:
    """The one currency that all of them settle in."""
    if not instruments:
        raise ConfigError("the simulated venue lists no instrument; give at least one")
    symbols = [instrument.symbol for instrument in instruments]
    if len(set(symbols)) < len(symbols):
        twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
        raise ConfigError(f"instrument {twice} is listed twice; list it once")
    currency = ""
    for instrument in instruments:
        settles = instrument.quote if instrument.kind is InstrumentKind.SPOT else instrument.settle or instrument.quote
        if currency and settles != currency:
            raise ConfigError(
                f"{instrument.symbol} settles in {settles}, the others in {currency}; one account has one currency"
            )
        currency = settles
        check_margin(instrument)
    return currency


def check_margin(instrument: Instrument) -> None:
    """Refuse a perpetual that would be liquidated the moment it is opened."""
    if instrument.kind is InstrumentKind.PERPETUAL and instrument.maintenance_margin * instrument.max_leverage >= ONE:
        raise ConfigError(
            f"{instrument.symbol}: maintenance_margin is {instrument.maintenance_margin}; "
            f"it must be below the initial margin 1/{instrument.max_leverage}"
        )
