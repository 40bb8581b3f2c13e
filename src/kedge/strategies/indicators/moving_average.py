"""Moving averages: simple, linearly weighted, exponential, and Wilder's.

Simple and weighted averages forget a value completely when it leaves the window; both follow from running sums. With
`T` the sum of the `n` values before `x` comes and `o` the one that leaves:

    T' = T + x − o                    simple:    T' / n
    W' = W + n·x − T                  weighted:  W' / (1 + 2 + … + n): each old weight falls by one, o's from 1 to 0

Exponential averages forget by a constant share: `e' = e + a·(x − e)` with `a = 2 / (n + 1)`; Wilder's is the same with
`a = 1 / n` (New Concepts in Technical Trading Systems, 1978). The first value is the simple average of the first `n`.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from kedge.model.money import EXACT, ONE, ZERO
from kedge.strategies.indicators.indicator import ROUNDED, Indicator, checked_window

_fused = ROUNDED.fma
_less = ROUNDED.subtract


class RollingSum(Indicator[Decimal]):
    """Sum of the last `window` values: an average whose division is left to who needs it.

    `fast.value * slow.window > slow.value * fast.window` compares two averages exactly, without dividing.
    """

    __slots__ = ("_awaited", "_total", "_values", "window")

    def __init__(self, window: int) -> None:
        self.window = checked_window(window, type(self).__name__)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        # Zeros that leave as values come: the same two lines serve a window that fills and one that is full.
        self._values = deque([ZERO] * self.window, self.window)
        self._total = ZERO
        self._awaited = self.window - 1

    def update(self, value: Decimal) -> Decimal | None:
        values = self._values
        self._total = total = self._total + (value - values[0])
        values.append(value)
        if self._awaited:
            self._awaited -= 1
            return None
        self.value = total
        return total


class SMA(RollingSum):
    """Mean of the last `window` values."""

    __slots__ = ("_divisor",)

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._divisor = Decimal(window)

    def update(self, value: Decimal) -> Decimal | None:
        values = self._values
        self._total = total = self._total + (value - values[0])
        values.append(value)
        if self._awaited:
            self._awaited -= 1
            return None
        self.value = mean = total / self._divisor
        return mean


class WMA(RollingSum):
    """Mean of the last `window` values with weights 1 (the oldest) to `window` (the newest)."""

    __slots__ = ("_divisor", "_size", "_weighted")

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._size = Decimal(window)
        self._divisor = Decimal(window * (window + 1) // 2)

    def reset(self) -> None:
        super().reset()
        self._weighted = ZERO

    def update(self, value: Decimal) -> Decimal | None:
        values = self._values
        self._weighted = weighted = self._weighted + (self._size * value - self._total)
        self._total += value - values[0]
        values.append(value)
        if self._awaited:
            self._awaited -= 1
            return None
        self.value = mean = weighted / self._divisor
        return mean


class EMA(Indicator[Decimal]):
    """Exponential average with the share `2 / (window + 1)`, seeded with the mean of the first `window` values."""

    __slots__ = ("_awaited", "_share", "_total", "window")

    def __init__(self, window: int) -> None:
        self.window = checked_window(window, type(self).__name__)
        self._share = self._share_of(Decimal(window))
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._total = ZERO
        self._awaited = self.window

    def update(self, value: Decimal) -> Decimal | None:
        last = self.value
        if last is not None:
            self.value = last = _fused(self._share, _less(value, last), last)
            return last
        self._total = EXACT.add(self._total, value)
        self._awaited -= 1
        if not self._awaited:
            self.value = ROUNDED.divide(self._total, self.window)
        return self.value

    def _share_of(self, window: Decimal) -> Decimal:
        return ROUNDED.divide(Decimal(2), window + ONE)


class WilderAverage(EMA):
    """Wilder's smoothing: the exponential average with the share `1 / window`, seeded in the same way."""

    __slots__ = ()

    def _share_of(self, window: Decimal) -> Decimal:
        return ROUNDED.divide(ONE, window)
