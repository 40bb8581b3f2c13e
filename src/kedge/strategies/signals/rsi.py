"""Cutler's relative strength index as a column: against a market that has moved one way too long.

With U and D the sums of the rises and of the falls of the last `window` changes the index is `100 · U / (U + D)`, 50
where nothing moved. Cutler's index differs from Wilder's in its averages: plain ones, which forget a change when it
leaves the window, so that the index does not depend on where the data begin.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.moves import FLAT, KEEP, LONG, SHORT, moves
from kedge.core.strategy.parameters import Bounds
from kedge.core.strategy.signals import SignalStrategy
from kedge.strategies.rsi import check_levels

if TYPE_CHECKING:
    from kedge.core.strategy.bars import Ints
    from kedge.core.strategy.signals import Column

_RECOVERED = moves(if_short=SHORT, if_flat=FLAT, if_long=FLAT)
_FALLEN = moves(if_short=FLAT, if_flat=FLAT, if_long=LONG)
_OVERSOLD = moves(if_short=FLAT, if_flat=LONG, if_long=LONG)
_OVERBOUGHT = moves(if_short=SHORT, if_flat=SHORT, if_long=FLAT)


class RsiSignals(SignalStrategy):
    """Buys what was sold too long and sells what was bought too long, by Cutler's index."""

    window: Annotated[int, Bounds(1, 10_000), "changes that the index sums"] = 14
    oversold: Annotated[Decimal, Bounds(0, 100), "buy below this index"] = Decimal(30)
    overbought: Annotated[Decimal, Bounds(0, 100), "sell above this index"] = Decimal(70)
    exit_level: Annotated[Decimal, Bounds(0, 100), "the index at which a position is closed"] = Decimal(50)

    def check(self) -> None:
        check_levels(self.oversold, self.exit_level, self.overbought)

    def lookback(self) -> int:
        return self.window + 1

    def signals(self, bars: Bars) -> Column:
        import numpy as np

        column: Column = np.full(len(bars), KEEP, np.int8)
        if len(bars) <= self.window:
            return column
        changes = np.diff(bars.close)
        up, down = self._sum(np.maximum(changes, 0)), self._sum(np.maximum(-changes, 0))
        both = up + down
        up[both == 0] = 1
        both[both == 0] = 2
        now = column[self.window :]
        now[_against(up, both, self.exit_level) > 0] = _RECOVERED
        now[_against(up, both, self.exit_level) < 0] = _FALLEN
        now[_against(up, both, self.exit_level) == 0] = FLAT
        now[_against(up, both, self.oversold) < 0] = _OVERSOLD
        now[_against(up, both, self.overbought) > 0] = _OVERBOUGHT
        return column

    def _sum(self, changes: Ints) -> Ints:
        import numpy as np

        totals = np.concatenate((np.zeros(1, np.int64), np.cumsum(changes)))
        sums: Ints = totals[self.window :] - totals[: -self.window]
        return sums


def _against(up: Ints, both: Ints, level: Decimal) -> Ints:
    """Above zero where the index is above `level`, below zero where it is below."""
    num, den = level.as_integer_ratio()
    difference: Ints = up * (100 * den) - both * num
    return difference
