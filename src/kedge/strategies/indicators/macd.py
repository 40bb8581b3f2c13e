"""Moving average convergence divergence (Gerald Appel): a fast EMA less a slow one, and an EMA of that.

Both averages are seeded on the same bar, the `slow`-th, so the fast one starts `slow − fast` values later (as in
TA-Lib). Until then there is nothing to compare.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from kedge.model.errors import StrategyError
from kedge.strategies.indicators.indicator import ROUNDED, Indicator
from kedge.strategies.indicators.moving_average import EMA


class MACDLines(NamedTuple):
    """The difference, its average, and how far the first is above the second."""

    macd: Decimal
    signal: Decimal
    histogram: Decimal


class MACD(Indicator[MACDLines]):
    """`EMA(fast) − EMA(slow)`, and its EMA of `signal` values."""

    __slots__ = ("_fast", "_fast_awaits", "_signal", "_slow")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        if fast >= slow:
            raise StrategyError(f"fast of MACD is {fast} and slow is {slow}; fast must be below slow")
        self._fast = EMA(fast)
        self._slow = EMA(slow)
        self._signal = EMA(signal)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        for average in (self._fast, self._slow, self._signal):
            average.reset()
        self._fast_awaits = self._slow.window - self._fast.window

    def update(self, value: Decimal) -> MACDLines | None:
        slow = self._slow.update(value)
        if self._fast_awaits:
            self._fast_awaits -= 1
            return None
        fast = self._fast.update(value)
        if fast is not None and slow is not None:
            macd = ROUNDED.subtract(fast, slow)
            signal = self._signal.update(macd)
            if signal is not None:
                self.value = MACDLines(macd, signal, ROUNDED.subtract(macd, signal))
        return self.value
