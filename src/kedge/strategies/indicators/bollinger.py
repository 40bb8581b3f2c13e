"""Bollinger bands: the mean of the last `n` values, and `k` population standard deviations around it.

After John Bollinger, Bollinger on Bollinger Bands (2001), who divides by n, as TA-Lib does.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from kedge.model.errors import StrategyError
from kedge.model.money import ZERO
from kedge.strategies.indicators.deviation import RollingVariance
from kedge.strategies.indicators.indicator import ROUNDED, Indicator


class Band(NamedTuple):
    """The three lines, as prices."""

    lower: Decimal
    middle: Decimal
    upper: Decimal


class BollingerBands(Indicator[Band]):
    """Bands of `window` values, `num_std` standard deviations away from their mean."""

    __slots__ = ("_size", "num_std", "variance")

    def __init__(self, window: int = 20, num_std: Decimal = Decimal(2)) -> None:
        if not num_std > ZERO:
            raise StrategyError(f"num_std of BollingerBands is {num_std}; it must be above zero")
        self.num_std = num_std
        self.variance = RollingVariance(window)
        self._size = Decimal(window)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.variance.reset()

    def update(self, value: Decimal) -> Band | None:
        variance = self.variance
        if variance.push(value):
            size = self._size
            middle = ROUNDED.divide(variance.total, size)
            width = ROUNDED.divide(ROUNDED.multiply(self.num_std, ROUNDED.sqrt(variance.scaled)), size)
            self.value = Band(ROUNDED.subtract(middle, width), middle, ROUNDED.add(middle, width))
        return self.value
