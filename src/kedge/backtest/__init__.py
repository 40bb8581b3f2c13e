"""Backtests: history and a simulated venue around the same `step`; the result and its report."""
