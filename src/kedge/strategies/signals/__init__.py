"""Shipped strategies that decide by columns: they run event by event like any other, and in compiled sweeps.

SMA cross, breakout and mean reversion make the decisions of the event strategies of those names, and are the column
forms that a sweep of those runs; with exits of their own they are strategies besides. RSI is Cutler's, of plain sums,
because Wilder's averages remember everything and no window holds that.
"""
