"""Relative strength index (Wilder, 1978): 100 · G / (G + L).

`G` and `L` are Wilder's averages of the rises and of the falls from value to value; the first index needs `window`
changes, hence `window + 1` values. A market that has not moved at all is at 50 here (TA-Lib says 0, which reads as
"oversold").
"""

from __future__ import annotations

from decimal import Decimal

from kedge.model.money import ZERO
from kedge.strategies.indicators.indicator import ROUNDED, Indicator
from kedge.strategies.indicators.moving_average import WilderAverage

_HUNDRED = Decimal(100)
_NEUTRAL = Decimal(50)


class RSI(Indicator[Decimal]):
    """Relative strength index of `window` changes, from 0 to 100."""

    __slots__ = ("_falls", "_last", "_rises")

    def __init__(self, window: int = 14) -> None:
        self._rises = WilderAverage(window)
        self._falls = WilderAverage(window)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._rises.reset()
        self._falls.reset()
        self._last: Decimal | None = None

    def update(self, value: Decimal) -> Decimal | None:
        last, self._last = self._last, value
        if last is None:
            return None
        change = ROUNDED.subtract(value, last)
        rise, fall = (change, ZERO) if change > ZERO else (ZERO, change.copy_negate())
        up, down = self._rises.update(rise), self._falls.update(fall)
        if up is not None and down is not None:
            both = ROUNDED.add(up, down)
            self.value = ROUNDED.divide(ROUNDED.multiply(_HUNDRED, up), both) if both else _NEUTRAL
        return self.value
