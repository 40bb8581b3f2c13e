"""The report of a backtest: one HTML page that needs nothing else."""

from kedge.backtest.report.write import write_report

__all__ = ["write_report"]
