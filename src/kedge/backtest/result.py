"""`BacktestResult`: the figures of a run, and what is said of them to people and to machines.

The dependency goes one way: figures know nothing of texts, texts are made of figures, a result has both, and the report
is drawn from a result.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from kedge.backtest.figures import Figures, StrategyResult
from kedge.backtest.record import RunRecord
from kedge.backtest.text.plain import plain
from kedge.backtest.text.readable import limits, summary
from kedge.backtest.text.warnings import warnings_of
from kedge.backtest.trade import BacktestTrade, trade_of

__all__ = ["BacktestResult", "BacktestTrade", "RunRecord", "StrategyResult", "trade_of"]


class BacktestResult(Figures):
    """The outcome of a run."""

    @cached_property
    def warnings(self) -> list[str]:
        """What a careful colleague would say of this result."""
        return warnings_of(self)

    def to_json(self) -> dict[str, Any]:
        """Plain data for machines: decimals as strings, statistics as numbers or null, times as ISO 8601 UTC."""
        return plain(self, self.warnings)

    def summary_table(self) -> list[tuple[str, str]]:
        """Rows of (figure, value) for people."""
        return summary(self)

    def limits_table(self) -> list[tuple[str, str]]:
        """Rows of (whose limits, the limits): what was in force, and what was not set."""
        return limits(self)
