"""Two moving averages: long while the fast one is above the slow one, short while it is below.

The candle that completes the slow average only shows where the two stand; from the next one on the strategy is on the
side it sees, and turns when that side changes. Averages that are equal are no reason to turn. An entry that risk refuses,
or that fell into the warm-up after a restart, is not repeated: the next cross makes up for it.

Means are compared by their sums, `Σfast · slow > Σslow · fast`: exact, and without a division a candle.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from kedge.core.strategy.base import Wishes
from kedge.core.strategy.parameters import Bounds
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.errors import StrategyError
from kedge.model.market import Candle
from kedge.strategies.directional import DirectionalStrategy
from kedge.strategies.indicators.moving_average import RollingSum
from kedge.strategies.signals.sma_cross import SmaCrossSignals


class SmaCrossStrategy(DirectionalStrategy):
    """Follows the trend that two simple averages of closes show."""

    #: The same decisions as a column, while no order is turned down: what a sweep runs.
    column_form: ClassVar[type[SignalStrategy]] = SmaCrossSignals

    fast: Annotated[int, Bounds(1, 10_000), "candles of the fast average"] = 10
    slow: Annotated[int, Bounds(2, 10_000), "candles of the slow average"] = 30

    def check(self) -> None:
        if self.fast >= self.slow:
            raise StrategyError(f"fast is {self.fast} and slow is {self.slow}; fast must be below slow")

    def warmup_bars(self) -> int:
        return self.slow + 1

    def reset(self) -> None:
        super().reset()
        self._fast_sum = RollingSum(self.fast)
        self._slow_sum = RollingSum(self.slow)
        self._fast_size = Decimal(self.fast)
        self._slow_size = Decimal(self.slow)
        self._awaited = self.slow
        self._above: bool | None = None

    def on_candle(self, candle: Candle) -> Wishes:
        close = candle.close
        fast = self._fast_sum.update(close)
        slow = self._slow_sum.update(close)
        if self._awaited:
            self._awaited -= 1
            return None
        assert fast is not None, "the window of the fast average is the shorter one"
        assert slow is not None, "the slow average is complete after `slow` candles"
        fast *= self._slow_size
        slow *= self._fast_size
        above = fast > slow
        if above is self._above or fast == slow:
            return None if self.turning is None else self.settle()
        self._above = above
        if above:
            return self.go_long(f"SMA {self.fast} rose above SMA {self.slow}")
        return self.go_short(f"SMA {self.fast} fell below SMA {self.slow}")
