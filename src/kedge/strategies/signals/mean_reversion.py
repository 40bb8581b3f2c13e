"""Bollinger bands as a column: against a close outside the band, until the close is back at the middle.

With S = Σx, Q = Σx² and n the window, `close > mean + k·σ` is `n·close − S > 0` and `(n·close − S)² > k²·(n·Q − S²)`.
The four terms are whole numbers. Where they fit 63 bits they are computed so (sums that wrap on the way do no harm);
the comparison itself is made in floating point, and exactly where that cannot tell.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.moves import FLAT, KEEP, LONG, SHORT, moves
from kedge.core.strategy.parameters import Bounds
from kedge.core.strategy.signals import SignalStrategy

if TYPE_CHECKING:
    from kedge.core.strategy.signals import Column

#: Twice this, squared, is below 2**63.
_SPREAD_MAX = 2**31

#: Relative difference below which floating point is not believed.
_CLOSE_CALL = 1e-12

_BELOW = moves(if_short=FLAT, if_flat=FLAT, if_long=LONG)
_ABOVE = moves(if_short=SHORT, if_flat=FLAT, if_long=FLAT)
_FAR_BELOW = moves(if_short=FLAT, if_flat=LONG, if_long=LONG)
_FAR_ABOVE = moves(if_short=SHORT, if_flat=SHORT, if_long=FLAT)


class MeanReversionSignals(SignalStrategy):
    """Sells what is unusually dear and buys what is unusually cheap, by Bollinger bands."""

    window: Annotated[int, Bounds(2, 10_000), "candles of the mean and the deviation"] = 20
    num_std: Annotated[Decimal, Bounds(Decimal("0.1"), 10), "standard deviations from the mean to the band"] = Decimal(
        2
    )

    def lookback(self) -> int:
        return self.window

    def signals(self, bars: Bars) -> Column:
        import numpy as np

        window = self.window
        column: Column = np.full(len(bars), KEEP, np.int8)
        if len(bars) < window:
            return column
        full = slice(window - 1, None)
        sums = bars.sums("close", window)[full]
        ahead = bars.close[full] * window - sums
        squares = np.concatenate((np.zeros(1, np.int64), np.cumsum(bars.close * bars.close)))
        scaled = (squares[window:] - squares[:-window]) * window - sums * sums
        num, den = (self.num_std * self.num_std).as_integer_ratio()
        left, right = np.square(ahead.astype(float)) * den, scaled.astype(float) * num
        outside = left > right
        high, low = bars.range_of(window, of=("close", "close"))
        doubtful = np.abs(left - right) <= right * _CLOSE_CALL
        doubtful |= (high - low)[full] >= _SPREAD_MAX // window
        for at in np.flatnonzero(doubtful).tolist():
            values = bars.close[at : at + window].tolist()
            total = sum(values)
            spread = window * sum(value * value for value in values) - total * total
            outside[at] = (window * values[-1] - total) ** 2 * den > num * spread
        column[full] = np.where(ahead > 0, np.where(outside, _FAR_ABOVE, _ABOVE), np.where(outside, _FAR_BELOW, _BELOW))
        column[full][ahead == 0] = FLAT
        return column
