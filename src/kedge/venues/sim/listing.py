"""A listing: everything the venue knows of one symbol.

The instrument's rules bound once, the working orders on their three shelves, the prices last seen, our position, and the two
prices at which it would be liquidated. A quiet market fact costs a look at the shelves and two comparisons.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, Final

from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import Candle
from kedge.model.money import EXACT, ONE, ZERO, canonical
from kedge.venues.sim.book import VisibleBook
from kedge.venues.sim.working import Working

#: Liquidation prices that no market price reaches.
NEVER_BELOW: Final = Decimal(-1)
NEVER_ABOVE: Final = Decimal("Infinity")

#: So that a position of exactly the greatest leverage is admitted where 1 / leverage does not terminate.
_DOWN: Final = Context(prec=60, rounding=ROUND_DOWN)


class Listing:
    """One symbol at the venue.

    `cost` is the signed value paid for what is held, as in `kedge.model.position`; `bar` the last candle seen (None while
    finer data rules or a bar is being matched), `last` the last price otherwise, `room` what participation leaves of the
    current volume (None: unbounded) and `volume` that volume in units of quantity.
    """

    __slots__ = (
        "arriving", "bar", "book", "contract_size", "cost", "down", "fees", "finer", "funding", "initial_rate",
        "instrument", "is_spot", "last", "liquidated", "liquidation_above", "liquidation_below", "long_rate", "lot_size",
        "maintenance", "mark", "mark_above", "mark_below", "position", "realized", "room", "room_of", "short_rate",
        "shelves", "symbol", "tick_size", "timed", "trailing", "up", "volume",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.tick_size = instrument.tick_size
        self.lot_size = instrument.lot_size
        self.is_spot = instrument.kind is InstrumentKind.SPOT
        self.contract_size = instrument.contract_size
        self.maintenance = EXACT.multiply(instrument.maintenance_margin, instrument.contract_size)
        self.initial_rate = _DOWN.divide(ONE, instrument.max_leverage)
        self.long_rate = EXACT.subtract(self.contract_size, self.maintenance)
        self.short_rate = EXACT.add(self.contract_size, self.maintenance)
        self.arriving: dict[str, Working] = {}
        self.down: dict[str, Working] = {}
        self.up: dict[str, Working] = {}
        self.shelves = (self.arriving, self.down, self.up)
        self.trailing = 0
        self.timed = 0
        self.finer = False
        self.bar: Candle | None = None
        self.last: Decimal | None = None
        self.mark: Decimal | None = None
        self.book: VisibleBook | None = None
        self.room: Decimal | None = None
        self.room_of = 0
        self.volume = ZERO
        self.position = ZERO
        self.cost = ZERO
        self.realized = ZERO
        self.fees = ZERO
        self.funding = ZERO
        self.liquidated = 0
        self.liquidation_below = NEVER_BELOW
        self.liquidation_above = NEVER_ABOVE
        self.mark_below = NEVER_BELOW
        self.mark_above = NEVER_ABOVE

    def price(self) -> Decimal | None:
        """What the venue values a position at: the mark price where one is streamed, else the last price seen."""
        if self.mark is not None:
            return self.mark
        return self.last if self.bar is None else self.bar.close

    def unrealized(self, price: Decimal) -> Decimal:
        """Profit of what is held if it were closed at `price`."""
        return EXACT.subtract(
            EXACT.multiply(EXACT.multiply(self.position, self.contract_size), price), self.cost
        )

    def snapshot(self) -> dict[str, Any]:
        """Plain data that two equal histories agree on."""
        orders = sorted(
            (order for shelf in self.shelves for order in shelf.values()), key=lambda order: order.seq
        )
        price = self.price()
        return {
            "position": canonical(self.position),
            "cost": canonical(self.cost),
            "realized": canonical(self.realized),
            "fees": canonical(self.fees),
            "funding": canonical(self.funding),
            "liquidated": self.liquidated,
            "price": None if price is None else canonical(price),
            "book": None if self.book is None else self.book.snapshot(),
            "orders": [
                {
                    "id": order.id,
                    "exchange_id": order.exchange_id,
                    "kind": order.kind,
                    "shelf": order.shelf,
                    "left": canonical(order.left),
                    "filled": canonical(order.filled),
                    "level": canonical(order.level),
                    "cancel_at": order.cancel_at,
                    "ahead": None if order.ahead is None else canonical(order.ahead),
                }
                for order in orders
            ],
        }
