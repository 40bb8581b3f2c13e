"""Stochastic oscillator (George Lane): where the close stands in the range of the last `window` candles, 0 to 100.

    raw = 100 · (close − lowest low) / (highest high − lowest low);   %K = SMA(raw, smooth);   %D = SMA(%K, signal)

A range of nothing puts the close at 50 here (TA-Lib says 0).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from kedge.strategies.indicators.channel import DonchianChannel
from kedge.strategies.indicators.indicator import ROUNDED, Indicator
from kedge.strategies.indicators.moving_average import SMA

_HUNDRED = Decimal(100)
_NEUTRAL = Decimal(50)


class StochasticLines(NamedTuple):
    """%K and %D, from 0 to 100."""

    k: Decimal
    d: Decimal


class Stochastic(Indicator[StochasticLines]):
    """Slow stochastic; `smooth=1` makes it the fast one."""

    __slots__ = ("_channel", "_k", "_signal")

    def __init__(self, window: int = 14, smooth: int = 3, signal: int = 3) -> None:
        self._channel = DonchianChannel(window)
        self._k = SMA(smooth)
        self._signal = SMA(signal)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._channel.reset()
        self._k.reset()
        self._signal.reset()

    def update(self, high: Decimal, low: Decimal, close: Decimal) -> StochasticLines | None:
        channel = self._channel.update(high, low)
        if channel is None:
            return None
        lower, upper = channel
        span = upper - lower
        raw = ROUNDED.divide(ROUNDED.multiply(_HUNDRED, close - lower), span) if span else _NEUTRAL
        k = self._k.update(raw)
        if k is not None:
            d = self._signal.update(k)
            if d is not None:
                self.value = StochasticLines(k, d)
        return self.value
