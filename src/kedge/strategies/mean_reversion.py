"""Bollinger bands: against a close outside the band, until the close is back at the middle.

    close > mean + k·σ   and flat:  sell          holding short and close <= mean:  buy back
    close < mean − k·σ   and flat:  buy           holding long  and close >= mean:  sell

Mean and population deviation σ are of the last `window` closes, this one included. No close is more than
√(window − 1) deviations from such a mean: a `num_std` of that or more never trades. What is held is held once: a close
further out adds nothing.

With S = Σx, Q = Σx² and n the window, `close > mean + k·σ` is `n·close − S > 0` and `(n·close − S)² > k²·(n·Q − S²)`:
neither a division nor a root a candle.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from kedge.core.strategy.base import Wishes
from kedge.core.strategy.parameters import Bounds
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.market import Candle
from kedge.model.money import ZERO, canonical
from kedge.strategies.directional import DirectionalStrategy
from kedge.strategies.indicators.deviation import RollingVariance
from kedge.strategies.signals.mean_reversion import MeanReversionSignals


class MeanReversionStrategy(DirectionalStrategy):
    """Sells what is unusually dear and buys what is unusually cheap, by Bollinger bands."""

    #: The same decisions as a column, while no order is turned down: what a sweep runs.
    column_form: ClassVar[type[SignalStrategy]] = MeanReversionSignals

    window: Annotated[int, Bounds(2, 10_000), "candles of the mean and the deviation"] = 20
    num_std: Annotated[Decimal, Bounds(Decimal("0.1"), 10), "standard deviations from the mean to the band"] = Decimal(
        2
    )

    def warmup_bars(self) -> int:
        return self.window

    def reset(self) -> None:
        super().reset()
        self._variance = RollingVariance(self.window)
        self._size = Decimal(self.window)
        self._width = self.num_std * self.num_std

    def on_candle(self, candle: Candle) -> Wishes:
        close = candle.close
        variance = self._variance
        if not variance.push(close):
            return None
        ahead = self._size * close - variance.total
        held = self.held
        if held:
            if self.waiting or (ahead < ZERO if held > ZERO else ahead > ZERO):
                return None
            return self.leave(f"close {canonical(close)} is back at the mean of {self.window} candles")
        if ahead * ahead <= self._width * variance.scaled or self.waiting:
            return None
        far = f"close {canonical(close)} is more than {canonical(self.num_std)} deviations"
        return self.go_short(f"{far} above the mean") if ahead > ZERO else self.go_long(f"{far} below the mean")
