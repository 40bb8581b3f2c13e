"""The report of a backtest: the figures as text, what a careful colleague would say, and one HTML page."""

from kedge.backtest.report.write import write_report

__all__ = ["write_report"]
