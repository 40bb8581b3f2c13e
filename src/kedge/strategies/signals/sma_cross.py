"""Two moving averages as a column: long while the fast sum is the higher one, short while it is the lower one.

`Σfast · slow > Σslow · fast` compares the means exactly, without dividing. Equal means keep what is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.moves import KEEP
from kedge.core.strategy.parameters import Bounds
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.errors import StrategyError

if TYPE_CHECKING:
    from kedge.core.strategy.signals import Column


class SmaCrossSignals(SignalStrategy):
    """Follows the trend that two simple averages of closes show."""

    fast: Annotated[int, Bounds(1, 10_000), "candles of the fast average"] = 10
    slow: Annotated[int, Bounds(2, 10_000), "candles of the slow average"] = 30

    def check(self) -> None:
        if self.fast >= self.slow:
            raise StrategyError(f"fast is {self.fast} and slow is {self.slow}; fast must be below slow")

    def lookback(self) -> int:
        return self.slow + 1

    def signals(self, bars: Bars) -> Column:
        import numpy as np

        ahead = bars.sums("close", self.fast) * self.slow
        ahead -= bars.sums("close", self.slow) * self.fast
        column: Column = np.sign(ahead).astype(np.int8)
        column[ahead == 0] = KEEP
        return column
