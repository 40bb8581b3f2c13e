"""Average true range (Wilder, 1978): how far a candle travels, the gap to the last close included.

True range: `max(high, last close) − min(low, last close)`. The first candle has no last close and therefore no true
range, so the first average needs `window + 1` candles.
"""

from __future__ import annotations

from decimal import Decimal

from kedge.strategies.indicators.indicator import Indicator
from kedge.strategies.indicators.moving_average import WilderAverage


class ATR(Indicator[Decimal]):
    """Wilder's average of `window` true ranges, in price units."""

    __slots__ = ("_average", "_last")

    def __init__(self, window: int = 14) -> None:
        self._average = WilderAverage(window)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._average.reset()
        self._last: Decimal | None = None

    def update(self, high: Decimal, low: Decimal, close: Decimal) -> Decimal | None:
        last, self._last = self._last, close
        if last is None:
            return None
        self.value = self._average.update((high if high > last else last) - (low if low < last else last))
        return self.value
