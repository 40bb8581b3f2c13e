"""Highest and lowest of the last `n` values, and the Donchian channel made of them.

A value that is not above a later one can never again be the highest, so only a falling sequence of candidates is
kept: its head is the highest, and each value enters and leaves once. That is constant time a value, whatever `n` is.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import NamedTuple

from kedge.strategies.indicators.indicator import ROUNDED, Indicator, checked_window

_TWO = Decimal(2)


class RollingMax(Indicator[Decimal]):
    """Highest of the last `window` values."""

    __slots__ = ("_candidates", "_seen", "window")

    def __init__(self, window: int) -> None:
        self.window = checked_window(window, type(self).__name__)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        #: Value and the count at which it leaves the window.
        self._candidates: deque[tuple[Decimal, int]] = deque()
        self._seen = 0

    def update(self, value: Decimal) -> Decimal | None:
        candidates = self._candidates
        self._seen = seen = self._seen + 1
        while candidates and candidates[-1][0] <= value:
            candidates.pop()
        candidates.append((value, seen + self.window))
        head = candidates[0]
        if head[1] <= seen:
            candidates.popleft()
            head = candidates[0]
        if seen >= self.window:
            self.value = head[0]
        return self.value


class RollingMin(RollingMax):
    """Lowest of the last `window` values."""

    __slots__ = ()

    def update(self, value: Decimal) -> Decimal | None:
        candidates = self._candidates
        self._seen = seen = self._seen + 1
        while candidates and candidates[-1][0] >= value:
            candidates.pop()
        candidates.append((value, seen + self.window))
        head = candidates[0]
        if head[1] <= seen:
            candidates.popleft()
            head = candidates[0]
        if seen >= self.window:
            self.value = head[0]
        return self.value


class Channel(NamedTuple):
    """Lowest low and highest high, as prices."""

    lower: Decimal
    upper: Decimal

    @property
    def middle(self) -> Decimal:
        """Halfway between them."""
        return ROUNDED.divide(ROUNDED.add(self.lower, self.upper), _TWO)


class DonchianChannel(Indicator[Channel]):
    """Highest high and lowest low of the last `window` candles, the newest included."""

    __slots__ = ("_highs", "_lows")

    def __init__(self, window: int = 20) -> None:
        self._highs = RollingMax(window)
        self._lows = RollingMin(window)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._highs.reset()
        self._lows.reset()

    def update(self, high: Decimal, low: Decimal) -> Channel | None:
        upper = self._highs.update(high)
        lower = self._lows.update(low)
        if upper is not None and lower is not None:
            self.value = Channel(lower, upper)
        return self.value
