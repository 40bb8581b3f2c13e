"""Volume-weighted average price: Σ price · volume / Σ volume.

Over the last `window` updates, or with `window=None` over all since `reset()`, which is how a session's VWAP is made.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from kedge.model.money import EXACT, ZERO
from kedge.strategies.indicators.indicator import ROUNDED, Indicator, checked_window


class VWAP(Indicator[Decimal]):
    """Volume-weighted mean price; `None` while nothing was traded in the window."""

    __slots__ = ("_awaited", "_trades", "_turnover", "_volume", "window")

    def __init__(self, window: int | None = None) -> None:
        self.window = None if window is None else checked_window(window, type(self).__name__)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        size = self.window or 0
        #: Turnover and volume of each update that is still to leave the window.
        self._trades = deque([(ZERO, ZERO)] * size, size)
        self._turnover = ZERO
        self._volume = ZERO
        self._awaited = size - 1 if size else 0

    def update(self, price: Decimal, volume: Decimal) -> Decimal | None:
        turnover = EXACT.multiply(price, volume)
        total, traded = EXACT.add(self._turnover, turnover), EXACT.add(self._volume, volume)
        if self.window is not None:
            old_turnover, old_volume = self._trades[0]
            total, traded = EXACT.subtract(total, old_turnover), EXACT.subtract(traded, old_volume)
            self._trades.append((turnover, volume))
        self._turnover, self._volume = total, traded
        if self._awaited:
            self._awaited -= 1
            return None
        self.value = ROUNDED.divide(total, traded) if traded else None
        return self.value
