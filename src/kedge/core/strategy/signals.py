"""`SignalStrategy`: one rule that gives a whole column of decisions from arrays of the past.

    class Momentum(SignalStrategy):
        window: int = 20

        def lookback(self): return self.window + 1

        def signals(self, bars):
            column = np.full(len(bars), KEEP, np.int8)
            column[self.window :] = np.sign(bars.close[self.window :] - bars.close[: -self.window])
            return column

Row t is decided at the close of bar t from the `lookback()` bars that end there (`moves` says what the numbers
mean). The class runs unchanged event by event, in a backtest, on paper and live, where `signals` is called on
the trailing window and its last row counts; and in compiled sweeps, where it is called once on the whole
history. That both agree, and that no row depends on what comes after it, is what `kedge lookahead` examines.

**From a column to orders.** An entry is asked for once, when the side wanted changes; what risk refuses is not
asked for again before the next change. An exit is asked for until it has happened. So a position that a stop has
closed is not bought back while the column still says "long", and one that should not be there does not stay.

- Without exits of its own a turn goes through zero in one order. If it does not happen, what is held is closed on
  the next bar and the entry asked for once flat.
- With `stop_loss_bps`, `take_profit_bps` or `trail_bps` every entry is protected by working orders. The entry's
  stop and target are a bracket, the trailing stop joins their group when the entry fills; distances are from the
  close that decided. A signal to leave closes in the same group, so the fill ends the protection; a turn is then
  two steps, out and on the next bar in, because what protects the old side counts against the room of the new.
- `quantity` is the units to hold; without it the strategy's budget, whole, for each symbol.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from kedge.core.strategy.bars import Bars, BarWindow
from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.core.strategy.moves import FLAT, MOVE_MAX, MOVE_MIN, SHORT, after
from kedge.core.strategy.parameters import Bounds
from kedge.model.errors import StrategyError
from kedge.model.facts import Fill
from kedge.model.market import DEFAULT_SYMBOL, Candle
from kedge.model.money import EXACT, TEN_THOUSAND, ZERO, round_price_down, round_price_up
from kedge.model.order import OrderType, Side
from kedge.model.signal import Signal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.int8]

TRAIL = "trail"
_LEAST = Decimal("0.00000001")
_BPS_MAX = Decimal(9_999)


class Course:
    """Where a strategy is with one symbol: the side it wants, whether an entry is still owed, its window, its trail."""

    __slots__ = ("owed", "trail", "wanted", "window")

    def __init__(self, symbol: str, lookback: int) -> None:
        self.wanted = FLAT
        self.owed = False
        self.trail = ZERO
        self.window = BarWindow(symbol, lookback)


class SignalStrategy(BaseStrategy):
    """Base of the strategies that decide by columns; define `signals` and `lookback`."""

    symbol: Annotated[str, "what to trade, by its canonical name; several with commas"] = DEFAULT_SYMBOL
    quantity: Annotated[Decimal | None, Bounds(_LEAST), "units or contracts to hold; none: the strategy's budget"] = (
        None
    )
    allow_short: Annotated[bool, "whether to go short; where not, the same signal only closes a long position"] = True
    stop_loss_bps: Annotated[Decimal | None, Bounds(_LEAST, _BPS_MAX), "stop this far from the deciding close"] = None
    take_profit_bps: Annotated[Decimal | None, Bounds(_LEAST, _BPS_MAX), "target this far from the deciding close"] = (
        None
    )
    trail_bps: Annotated[Decimal | None, Bounds(_LEAST, _BPS_MAX), "stop trailing this far, of the deciding close"] = (
        None
    )

    def signals(self, bars: Bars) -> Column:
        """A move for each row of `bars`, of its past alone; the first `lookback() - 1` rows are not looked at."""
        raise NotImplementedError(f"{type(self).__name__} must define signals(bars)")

    def lookback(self) -> int:
        """How many bars, the deciding one included, a row depends on; from the parameters."""
        raise NotImplementedError(f"{type(self).__name__} must define lookback()")

    def required_symbols(self) -> Sequence[str]:
        return [name.strip() for name in self.symbol.split(",") if name.strip()]

    def warmup_bars(self) -> int:
        return self.lookback()

    def reset(self) -> None:
        lookback = self.lookback()
        if type(lookback) is not int or lookback < 1:
            raise StrategyError(
                f"{type(self).__name__} has lookback() {lookback!r}; it must be a whole number from 1 on"
            )
        self._courses = {symbol: Course(symbol, lookback) for symbol in self.required_symbols()}

    @property
    def is_protected(self) -> bool:
        """Whether entries come with working exits."""
        return self.stop_loss_bps is not None or self.take_profit_bps is not None or self.trail_bps is not None

    def on_candle(self, candle: Candle) -> Wishes:
        course = self._courses[candle.symbol]
        course.window.push(candle)
        bars = course.window.bars()
        if bars is None:
            return None
        move = int(checked(self.signals(bars), bars, type(self).__name__)[-1])
        wanted = after(move, course.wanted)
        if wanted == SHORT and not self.allow_short:
            wanted = FLAT
        if wanted != course.wanted:
            course.wanted = wanted
            course.owed = True
        return self._follow(course, candle)

    def on_fill(self, fill: Fill) -> Wishes:
        trail = self._courses[fill.symbol].trail if fill.symbol in self._courses else ZERO
        held = self.view.position(fill.symbol)
        if self.trail_bps is None or not held or (held > ZERO) is not (fill.side is Side.BUY):
            return None
        protect = Signal.sell if held > ZERO else Signal.buy
        group = f"{fill.order_id}-{fill.trade_id}"
        return [
            protect(
                fill.symbol,
                abs(held),
                trail=trail,
                reduce_only=True,
                group=group,
                tag=TRAIL,
                reason="follows the price",
            )
        ]

    # inside ----------------------------------------------------------------------------------------------------------

    def _follow(self, course: Course, candle: Candle) -> Wishes:
        """What is missing between the side wanted and what is held."""
        symbol, wanted = candle.symbol, course.wanted
        held = self.view.position(symbol)
        if not held and not course.owed:
            return None
        group = ""
        for order in self.view.open_orders(symbol):
            if not order.reduce_only or order.order_type is OrderType.MARKET:
                return None  # on its way: the next bar shows what came of it
            group = order.group
        if (held and (held > ZERO) is not (wanted > FLAT)) or (held and not wanted):
            if course.owed and wanted and not self.is_protected:
                course.owed = False
                return [self._enter(course, candle)]
            course.owed = bool(wanted)
            return [Signal.close(symbol, group=group, reason="the signal is another side")]
        if not course.owed:
            return None
        course.owed = False
        return [self._enter(course, candle)] if wanted and not held else None

    def _enter(self, course: Course, candle: Candle) -> Signal:
        """The entry to the side wanted, from flat or through zero, with its bracket."""
        symbol, close, long = candle.symbol, candle.close, course.wanted > FLAT
        order: dict[str, Any] = {"reason": "the signal is long" if long else "the signal is short"}
        if self.stop_loss_bps is not None:
            order["stop_loss"] = self._level(symbol, close, self.stop_loss_bps, up=not long, sells=long)
        if self.take_profit_bps is not None:
            order["take_profit"] = self._level(symbol, close, self.take_profit_bps, up=long, sells=long)
        if self.trail_bps is not None:
            tick = self.view.instrument(symbol).tick_size
            away = EXACT.multiply(close, EXACT.divide(self.trail_bps, TEN_THOUSAND))
            course.trail = max(round_price_up(away, tick), tick)
        if self.quantity is not None:
            return Signal.to_target(symbol, self.quantity if long else -self.quantity, **order)
        return Signal.buy(symbol, **order) if long else Signal.sell(symbol, **order)

    def _level(self, symbol: str, close: Decimal, bps: Decimal, *, up: bool, sells: bool) -> Decimal:
        """An exit's price on the tick, against us: down for one that sells, up for one that buys; at least a tick."""
        tick = self.view.instrument(symbol).tick_size
        away = EXACT.multiply(close, EXACT.divide(bps, TEN_THOUSAND))
        price = EXACT.add(close, away) if up else EXACT.subtract(close, away)
        return max((round_price_down if sells else round_price_up)(price, tick), tick)


def checked(column: Any, bars: Bars, owner: str) -> Column:
    """A column as a strategy gave it, if it is one: a whole number a bar, each a move."""
    shape = getattr(column, "shape", None)
    kind = getattr(getattr(column, "dtype", None), "kind", "")
    if shape != (len(bars),) or kind not in {"i", "u"}:
        raise StrategyError(
            f"{owner}.signals gave {shape or type(column).__name__} of kind {kind or 'none'}; give int8, one a bar"
        )
    low, high = int(column.min()), int(column.max())
    if low < MOVE_MIN or high > MOVE_MAX:
        raise StrategyError(
            f"{owner}.signals gave {low if low < MOVE_MIN else high}; a move is one of -1, 0, 1, KEEP, moves(...)"
        )
    moves: Column = column.astype("int8", copy=False)
    return moves
