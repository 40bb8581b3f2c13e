"""Variance and standard deviation of the last `n` values, from the running sums S = Σx and Q = Σx².

    n·Q − S²  is  n² times the population variance and  n·(n − 1) times the sample variance

In binary floats this difference of two large sums loses most of its digits; in exact decimals it loses none, so the
textbook formula is also the right one. Both sums move by `x − o` and `x² − o² = (x − o)(x + o)` for `x` coming and
`o` leaving.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from kedge.model.money import EXACT, ZERO
from kedge.strategies.indicators.indicator import ROUNDED, Indicator, checked_window

_fused = EXACT.fma


class RollingVariance(Indicator[Decimal]):
    """Variance of the last `window` values: of the population, or with `sample=True` unbiased (divided by n − 1)."""

    __slots__ = ("_awaited", "_divisor", "_size", "_squares", "_values", "total", "window")

    def __init__(self, window: int, *, sample: bool = False) -> None:
        self.window = checked_window(window, type(self).__name__, 2 if sample else 1)
        self._size = Decimal(window)
        self._divisor = Decimal(window * (window - 1 if sample else window))
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._values = deque([ZERO] * self.window, self.window)
        self._squares = ZERO
        #: Sum of the values in the window.
        self.total = ZERO
        self._awaited = self.window

    @property
    def scaled(self) -> Decimal:
        """`n·Q − S²`: the population variance times the square of the window, exactly."""
        total = self.total
        return _fused(total.copy_negate(), total, EXACT.multiply(self._size, self._squares))

    def push(self, value: Decimal) -> bool:
        """Move the sums on without dividing; whether the window is full."""
        values = self._values
        gone = values[0]
        change = value - gone
        self.total += change
        self._squares = _fused(change, value + gone, self._squares)
        values.append(value)
        if self._awaited:
            self._awaited -= 1
        return not self._awaited

    def update(self, value: Decimal) -> Decimal | None:
        if self.push(value):
            self.value = ROUNDED.divide(self.scaled, self._divisor)
        return self.value


class StandardDeviation(RollingVariance):
    """Square root of the rolling variance."""

    __slots__ = ()

    def update(self, value: Decimal) -> Decimal | None:
        if self.push(value):
            self.value = ROUNDED.sqrt(ROUNDED.divide(self.scaled, self._divisor))
        return self.value
