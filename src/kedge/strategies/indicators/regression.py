"""Least-squares line of `y` on `x` over the last `n` pairs, their correlation, and the z-score of a spread.

With sums over the window, `Cxx = n·Σx² − (Σx)²`, `Cxy = n·Σxy − Σx·Σy`, `Cyy = n·Σy² − (Σy)²` are exact, and

    slope        b = Cxy / Cxx
    correlation  r = Cxy / √(Cxx · Cyy)
    z-score of the newest spread y − h·x against the window's:
                 z = (n·y − Σy − h·(n·x − Σx)) / √(Cyy − 2h·Cxy + h²·Cxx)

The population deviation divides z. With `h = b` the spread is the residual of the line.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from kedge.model.money import EXACT, ZERO
from kedge.strategies.indicators.indicator import ROUNDED, Indicator, checked_window

_fused = EXACT.fma
_times = EXACT.multiply
_MINUS_TWO = Decimal(-2)

#: A spread whose variance is this small a part of its legs' is rounding, not a spread.
NO_SPREAD = Decimal("1E-30")


class RollingRegression(Indicator[Decimal]):
    """Slope of `y` on `x` over the last `window` pairs; `None` also where `x` did not move."""

    __slots__ = ("_awaited", "_pairs", "_size", "_x", "_xx", "_xy", "_y", "_yy", "window")

    def __init__(self, window: int) -> None:
        self.window = checked_window(window, type(self).__name__, 2)
        self._size = Decimal(window)
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._pairs = deque([(ZERO, ZERO)] * self.window, self.window)
        self._x = self._y = self._xx = self._xy = self._yy = ZERO
        self._awaited = self.window

    @property
    def full(self) -> bool:
        """Whether the window holds as many pairs as it should."""
        return not self._awaited

    def push(self, x: Decimal, y: Decimal) -> bool:
        """Move the sums on without dividing; whether the window is full."""
        pairs = self._pairs
        old_x, old_y = pairs[0]
        change_x, change_y = x - old_x, y - old_y
        self._x += change_x
        self._y += change_y
        self._xx = _fused(change_x, x + old_x, self._xx)
        self._yy = _fused(change_y, y + old_y, self._yy)
        self._xy = _fused(x, y, _fused(old_x.copy_negate(), old_y, self._xy))
        pairs.append((x, y))
        if self._awaited:
            self._awaited -= 1
        return not self._awaited

    def update(self, x: Decimal, y: Decimal) -> Decimal | None:
        self.value = self.slope() if self.push(x, y) else None
        return self.value

    def slope(self) -> Decimal | None:
        """Units of `y` that go with one of `x`."""
        spread_x = self._scaled(self._xx, self._x, self._x)
        if self._awaited or not spread_x:
            return None
        return ROUNDED.divide(self._scaled(self._xy, self._x, self._y), spread_x)

    def correlation(self) -> Decimal | None:
        """Pearson's r, from -1 to 1; `None` where one of the two did not move."""
        if self._awaited:
            return None
        both = _times(self._scaled(self._xx, self._x, self._x), self._scaled(self._yy, self._y, self._y))
        return ROUNDED.divide(self._scaled(self._xy, self._x, self._y), ROUNDED.sqrt(both)) if both else None

    def z_score(self, hedge_ratio: Decimal) -> Decimal | None:
        """Deviations that the newest `y − hedge_ratio · x` is above its mean; `None` where it does not vary."""
        if self._awaited:
            return None
        legs = _fused(
            _times(hedge_ratio, hedge_ratio),
            self._scaled(self._xx, self._x, self._x),
            self._scaled(self._yy, self._y, self._y),
        )
        variance = _fused(_times(_MINUS_TWO, hedge_ratio), self._scaled(self._xy, self._x, self._y), legs)
        if not variance > _times(NO_SPREAD, legs):
            return None
        x, y = self._pairs[-1]
        ahead_x = _fused(self._size, x, self._x.copy_negate())
        ahead_y = _fused(self._size, y, self._y.copy_negate())
        return ROUNDED.divide(_fused(hedge_ratio.copy_negate(), ahead_x, ahead_y), ROUNDED.sqrt(variance))

    def _scaled(self, products: Decimal, left: Decimal, right: Decimal) -> Decimal:
        return _fused(left.copy_negate(), right, _times(self._size, products))
