"""Rate of change: by how many percent a value is above the one `window` values ago."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from kedge.strategies.indicators.indicator import ROUNDED, Indicator, checked_window

_HUNDRED = Decimal(100)


class ROC(Indicator[Decimal]):
    """`100 · (x / x₋ₙ − 1)`; values are prices, above zero."""

    __slots__ = ("_values", "window")

    def __init__(self, window: int = 10) -> None:
        self.window = checked_window(window, type(self).__name__)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._values: deque[Decimal] = deque(maxlen=self.window)

    def update(self, value: Decimal) -> Decimal | None:
        values = self._values
        if len(values) == self.window:
            before = values[0]
            self.value = ROUNDED.divide(ROUNDED.multiply(_HUNDRED, value - before), before)
        values.append(value)
        return self.value
