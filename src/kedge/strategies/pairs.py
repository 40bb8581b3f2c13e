"""Two symbols that move together: against their spread when it is unusually wide, until it has closed again.

The spread is `y − h·x`, with `y` the close of `symbol`, `x` that of `hedge_symbol` and `h` units of `hedge_symbol`
held against one of `symbol`: given, or the least-squares slope of the last `window` candles. Its z-score is how many
standard deviations the newest spread is away from the mean of the window (Gatev, Goetzmann and Rouwenhorst, 2006, trade
the same rule on normalized prices).

    z > entry_z and flat:   sell symbol, buy h hedge_symbol      until z <= exit_z
    z < −entry_z and flat:  buy symbol, sell h hedge_symbol      until z >= −exit_z
    |z| >= stop_z:          close both: what held them together may be gone

It decides on a candle of either symbol once both have one of the same time; a candle that the other lacks is left out.
A leg that finds itself alone, because the other was refused or closed, is closed too: half a pair is a bet, no hedge.
After that, and after a stop, it stands aside until the spread has closed once. The hedge of an open pair stays as it
was entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Annotated

from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.core.strategy.parameters import Bounds
from kedge.model.errors import StrategyError
from kedge.model.market import DEFAULT_SYMBOL, Candle
from kedge.model.money import ZERO, canonical
from kedge.model.order import Side
from kedge.model.signal import Signal
from kedge.strategies.directional import QUANTITY_MIN
from kedge.strategies.indicators.regression import RollingRegression

#: Digits of a hedge ratio in a reason.
SHORT = Context(prec=6)

_HUNDRED = Decimal(100)


class PairsStrategy(BaseStrategy):
    """Trades the spread of two symbols back to its mean, by its z-score."""

    symbol: Annotated[str, "the first leg, by its canonical name"] = DEFAULT_SYMBOL
    hedge_symbol: Annotated[str, "the leg held against it"] = "ETH-USD"
    quantity: Annotated[
        Decimal | None, Bounds(QUANTITY_MIN), "units or contracts of symbol; none: equity_pct over both legs"
    ] = None
    hedge_ratio: Annotated[
        Decimal | None, Bounds(QUANTITY_MIN), "units of hedge_symbol against one of symbol; none: the regression's"
    ] = None
    window: Annotated[int, Bounds(3, 10_000), "candles of the regression and the z-score"] = 100
    entry_z: Annotated[Decimal, Bounds(Decimal("0.1"), 10), "deviations at which the spread is traded"] = Decimal(2)
    exit_z: Annotated[Decimal, Bounds(0, 10), "deviations at which it has closed"] = Decimal("0.5")
    stop_z: Annotated[Decimal | None, Bounds(0), "deviations at which the pair is given up; none: never"] = None
    equity_pct: Annotated[Decimal, Bounds(Decimal("0.01"), 100), "percent of equity in both legs"] = Decimal(50)

    def required_symbols(self) -> Sequence[str]:
        return [self.symbol, self.hedge_symbol]

    def check(self) -> None:
        if self.symbol == self.hedge_symbol:
            raise StrategyError(f"symbol and hedge_symbol are both {self.symbol}; a pair needs two symbols")
        if self.exit_z >= self.entry_z:
            raise StrategyError(f"exit_z is {self.exit_z} and entry_z is {self.entry_z}; exit_z must be below entry_z")
        if self.stop_z is not None and self.stop_z <= self.entry_z:
            raise StrategyError(f"stop_z is {self.stop_z} and entry_z is {self.entry_z}; stop_z must be above entry_z")

    def warmup_bars(self) -> int:
        return self.window

    def reset(self) -> None:
        self._regression = RollingRegression(self.window)
        self._newest: dict[str, Candle] = {}
        #: The sign of the z-score that must be gone before the pair is entered again; zero: none.
        self._aside = 0

    def on_candle(self, candle: Candle) -> Wishes:
        self._newest[candle.symbol] = candle
        other = self._newest.get(self.hedge_symbol if candle.symbol == self.symbol else self.symbol)
        if other is None or other.ts != candle.ts:
            return None
        y, x = self._newest[self.symbol].close, self._newest[self.hedge_symbol].close
        if not self._regression.push(x, y):
            return None
        ratio = self._regression.slope() if self.hedge_ratio is None else self.hedge_ratio
        z = None if ratio is None else self._regression.z_score(ratio)
        held, hedged = self.view.position(self.symbol), self.view.position(self.hedge_symbol)
        if self._waiting:
            return None
        if held or hedged:
            return self._holding(held, hedged, z)
        if ratio is None or z is None:
            return None
        if self._aside:
            if self._aside * z <= self.exit_z:
                self._aside = 0
            return None
        return self._flat(y, x, ratio, z)

    def _holding(self, held: Decimal, hedged: Decimal, z: Decimal | None) -> Wishes:
        if not held or not hedged:
            self._aside = -1 if z is not None and z < ZERO else 1
            return self._close("the other leg of the pair is missing")
        if z is None:
            return None
        if self.stop_z is not None and abs(z) >= self.stop_z:
            self._aside = -1 if z < ZERO else 1
            return self._close(f"z-score {z:.2f} is beyond the stop at {canonical(self.stop_z)}")
        if z >= -self.exit_z if held > ZERO else z <= self.exit_z:
            return self._close(f"z-score {z:.2f} is back within {canonical(self.exit_z)}")
        return None

    def _flat(self, y: Decimal, x: Decimal, ratio: Decimal, z: Decimal) -> Wishes:
        wide = abs(z)
        if wide <= self.entry_z or (self.stop_z is not None and wide >= self.stop_z) or not ratio > ZERO:
            return None
        mine, other = self.view.instrument(self.symbol), self.view.instrument(self.hedge_symbol)
        per_unit = ratio * mine.contract_size / other.contract_size
        quantity = self.quantity
        if quantity is None:
            share = self.view.equity() * self.equity_pct / _HUNDRED
            quantity = share / (mine.notional(Decimal(1), y) + other.notional(per_unit, x))
        quantity = mine.round_quantity(quantity)
        hedge = other.round_quantity(quantity * per_unit)
        if not quantity > ZERO or not hedge > ZERO:
            return None
        side = Side.SELL if z > ZERO else Side.BUY
        shown = canonical(SHORT.plus(ratio))
        reason = f"z-score {z:.2f} is beyond {canonical(self.entry_z)} at hedge ratio {shown}"
        return [
            Signal(self.symbol, side, quantity, reason=reason),
            Signal(self.hedge_symbol, side.opposite, hedge, reason=reason),
        ]

    def _close(self, reason: str) -> list[Signal]:
        legs = (self.symbol, self.hedge_symbol)
        return [Signal.close(symbol, reason=reason) for symbol in legs if self.view.position(symbol)]

    @property
    def _waiting(self) -> bool:
        return bool(self.view.open_orders(self.symbol) or self.view.open_orders(self.hedge_symbol))
