"""A grid of resting limit orders: buy a step lower, sell a step higher, again and again.

Line `i` is at `centre · (1 + step)^i`, from `−levels` to `+levels`. Where the strategy stands on the grid follows from
what it holds: `c = −position / quantity`, because every line the price falls through is a unit bought and every line
it rises through is a unit sold. Then each line below `c` wants a buy, each line above `c` a sell, and line `c` is the
one that filled last and wants nothing. A unit bought at line 3 is so sold at line 4: a step earned.

This is a function of the position and the open orders alone: lost, refused and half-filled orders mend themselves, and a
restart needs no memory. Position and resting orders together never exceed `levels` units a side, in whatever order
fills are reported; so a line that is filled in part is answered on the other side once it is whole.

The centre is the first close, shifted by what is already held, unless it is given; lines between a given centre and the
price fill at once. Outside the grid the strategy waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.core.strategy.parameters import Bounds
from kedge.model.errors import StrategyError
from kedge.model.facts import Fill
from kedge.model.market import DEFAULT_SYMBOL, Candle
from kedge.model.money import EXACT, ONE, ZERO
from kedge.model.order import OrderType, Side
from kedge.model.signal import Signal
from kedge.strategies.directional import QUANTITY_MIN

#: Candles until a line whose order was refused or taken back is asked for again, unless something fills before.
RETRY_CANDLES = 60

#: An order may be this part of a line short: fees in the base currency take a little of what was bought.
SHORT_OF_A_LINE = Decimal("0.1")

_HUNDRED = Decimal(100)


class GridStrategy(BaseStrategy):
    """Earns a step of the grid each time the price goes down a line and up again, or up and down."""

    symbol: Annotated[str, "what to trade, by its canonical name"] = DEFAULT_SYMBOL
    quantity: Annotated[
        Decimal | None, Bounds(QUANTITY_MIN), "units or contracts a line; none: equity_pct over all lines of a side"
    ] = None
    levels: Annotated[int, Bounds(1, 50), "lines on each side of the centre"] = 5
    step_pct: Annotated[Decimal, Bounds(Decimal("0.01"), 50), "percent from a line to the next"] = Decimal(1)
    centre: Annotated[Decimal | None, Bounds(QUANTITY_MIN), "price of the middle line; none: the first close"] = None
    equity_pct: Annotated[Decimal, Bounds(Decimal("0.01"), 100), "percent of equity a full side may hold"] = Decimal(50)
    allow_short: Annotated[bool, "whether to sell above the centre what is not held"] = True

    def required_symbols(self) -> Sequence[str]:
        return [self.symbol]

    def reset(self) -> None:
        self._lines: dict[int, Decimal] = {}
        self._unit = ZERO
        self._candles = 0
        #: Line to the candle at which its order was asked for, since the last fill.
        self._asked: dict[int, int] = {}

    def on_candle(self, candle: Candle) -> Wishes:
        self._candles += 1
        if not self._lines:
            self._draw(candle.close)
        return list(self._missing())

    def on_fill(self, fill: Fill) -> Wishes:
        self._asked.clear()
        return list(self._missing()) if self._lines else None

    def _draw(self, price: Decimal) -> None:
        """Fix the lines and the quantity of each."""
        instrument = self.view.instrument(self.symbol)
        wanted = self.quantity
        if wanted is None:
            share = self.view.equity() * self.equity_pct / _HUNDRED
            wanted = share / (instrument.notional(ONE, price) * self.levels)
        unit = instrument.round_quantity(wanted) if wanted > ZERO else ZERO
        if not unit:
            raise StrategyError(
                f"a line of the grid comes to {wanted:.10f} {self.symbol}, below the lot {instrument.lot_size};"
                " give a larger quantity or fewer levels"
            )
        self._unit = unit
        ratio = ONE + self.step_pct / _HUNDRED
        middle = self.centre
        if middle is None:
            stands = -(self.view.position(self.symbol) / unit).to_integral_value(ROUND_HALF_EVEN)
            middle = EXACT.divide(price, EXACT.power(ratio, stands))
        self._lines = {
            line: instrument.round_price(EXACT.multiply(middle, EXACT.power(ratio, line)))
            for line in range(-self.levels, self.levels + 1)
        }

    def _missing(self) -> Iterator[Signal]:
        """An order for each line that wants one and has none, the nearest lines first."""
        held = self.view.position(self.symbol)
        stands = -int((held / self._unit).to_integral_value(ROUND_HALF_EVEN))
        top = self._unit * self.levels
        bottom = -top if self.allow_short else ZERO
        yield from self._asking(Side.BUY, range(stands - 1, -self.levels - 1, -1), top - held)
        yield from self._asking(Side.SELL, range(stands + 1, self.levels + 1), held - bottom)

    def _asking(self, side: Side, lines: Iterable[int], room: Decimal) -> Iterator[Signal]:
        """Orders on `lines` without one, while they and those that stand together leave room."""
        standing = {order.tag: order for order in self.view.open_orders(self.symbol)}
        room -= sum((order.remaining_quantity for order in standing.values() if order.side is side), ZERO)
        for line in lines:
            tag = f"line {line}"
            asked = self._asked.get(line)
            price = self._lines.get(line)
            if price is None or tag in standing or (asked is not None and self._candles - asked < RETRY_CANDLES):
                continue
            if room < self._unit * (ONE - SHORT_OF_A_LINE):
                return
            quantity = min(self._unit, room)
            room -= quantity
            self._asked[line] = self._candles
            reason = f"grid: {side} at {tag}"
            yield Signal(self.symbol, side, quantity, order_type=OrderType.LIMIT, price=price, tag=tag, reason=reason)
