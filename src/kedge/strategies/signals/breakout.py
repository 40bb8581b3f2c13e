"""Donchian channels as a column: with a close outside the range of the last candles, until it falls back through a
nearer one. "Last" means before this candle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.moves import FLAT, KEEP, LONG, SHORT, moves
from kedge.core.strategy.parameters import Bounds
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.errors import StrategyError

if TYPE_CHECKING:
    from kedge.core.strategy.signals import Column

_NO_LONGER_SHORT = moves(if_short=FLAT, if_flat=FLAT, if_long=LONG)
_NO_LONGER_LONG = moves(if_short=SHORT, if_flat=FLAT, if_long=FLAT)


class BreakoutSignals(SignalStrategy):
    """Follows a close that leaves the range of the last candles."""

    window: Annotated[int, Bounds(1, 10_000), "candles of the range to break out of"] = 20
    exit_window: Annotated[int, Bounds(1, 10_000), "candles of the range whose other end is the exit"] = 10

    def check(self) -> None:
        if self.exit_window > self.window:
            raise StrategyError(
                f"exit_window is {self.exit_window} and window is {self.window}; exit_window must not be above window"
            )

    def lookback(self) -> int:
        return self.window + 1

    def signals(self, bars: Bars) -> Column:
        import numpy as np

        column: Column = np.full(len(bars), KEEP, np.int8)
        now, close = column[1:], bars.close[1:]
        near_high, near_low = (found[:-1] for found in bars.range_of(self.exit_window))
        far_high, far_low = (found[:-1] for found in bars.range_of(self.window))
        now[close > near_high] = _NO_LONGER_SHORT
        now[close < near_low] = _NO_LONGER_LONG
        now[close > far_high] = LONG
        now[close < far_low] = SHORT
        return column
