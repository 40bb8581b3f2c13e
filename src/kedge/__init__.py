"""Kedge: one strategy file, in a backtest, on paper and live, behind risk controls that cannot be bypassed."""

__version__ = "0.1.0"
