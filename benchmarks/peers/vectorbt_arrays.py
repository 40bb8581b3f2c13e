"""vectorbt: whole arrays, no events. A signal on a bar's close is shifted by one and fills at that bar's open.

Variant `numba` or `rust` chooses the engine; both compile or load on the first call, so the run is measured on the
second and the first is reported as cold.
"""


# mypy: ignore-errors
# Runs only inside the peer's own virtual environment; the peer is not installed, and mostly not typed, where mypy runs.

from __future__ import annotations

from typing import Any

import numpy as np
import vectorbt as vbt

from benchmarks.child import (
    CASH,
    FAST,
    FEE_RATE,
    PRICE_TICKS,
    SAME,
    SLOW,
    W1_FIRST_BAR,
    Job,
    Outcome,
    Prepared,
    main,
    money,
    pairs_of,
)


def w1(job: Job) -> Prepared:
    vbt.settings["engine"] = job.variant
    vbt.settings.caching["enabled"] = False  # a second run must not find the first one's results
    with np.load(job.data / "bars.npz") as rows:
        opens = rows["open"][: job.rows] / PRICE_TICKS
        closes = rows["close"][: job.rows] / PRICE_TICKS

    def run() -> tuple[Any, float]:
        fast = vbt.MA.run(closes, FAST).ma.to_numpy()
        slow = vbt.MA.run(closes, SLOW).ma.to_numpy()
        difference = fast - slow
        at = np.flatnonzero(np.abs(difference) > SAME)
        at = at[at >= W1_FIRST_BAR]
        side = np.sign(difference[at])
        changed = at[np.concatenate(([True], side[1:] != side[:-1]))]
        changed = changed[changed + 1 < len(closes)]
        target = np.full(len(closes), np.nan)
        target[changed + 1] = np.sign(difference[changed])
        portfolio = vbt.Portfolio.from_orders(
            closes,
            size=target,
            size_type="targetamount",
            price=opens,
            fees=float(FEE_RATE),
            init_cash=CASH,
            freq="1min",
        )
        return portfolio, float(portfolio.final_value())

    def finish(result: tuple[Any, float]) -> Outcome:
        portfolio, value = result
        filled = int(portfolio.orders.count())
        return Outcome(len(closes), fills=filled, pnl=money(value - CASH))

    return Prepared(run, finish, warm=True)


def w2(job: Job) -> Prepared:
    """All pairs in one call, as its users write it: a column a pair."""
    vbt.settings["engine"] = job.variant
    vbt.settings.caching["enabled"] = False
    pairs = pairs_of(100)
    with np.load(job.data / "bars.npz") as rows:
        opens = rows["open"][: job.rows] / PRICE_TICKS
        closes = rows["close"][: job.rows] / PRICE_TICKS

    def run() -> tuple[Any, float]:
        windows = sorted({window for pair in pairs for window in pair})
        averages = vbt.MA.run(closes, windows).ma.to_numpy()
        column = {window: averages[:, at] for at, window in enumerate(windows)}
        target = np.full((len(closes), len(pairs)), np.nan)
        for number, (fast, slow) in enumerate(pairs):
            difference = column[fast] - column[slow]
            at = np.flatnonzero(np.abs(difference) > SAME)
            at = at[at >= slow]
            side = np.sign(difference[at])
            changed = at[np.concatenate(([True], side[1:] != side[:-1]))]
            changed = changed[changed + 1 < len(closes)]
            target[changed + 1, number] = np.sign(difference[changed])
        portfolio = vbt.Portfolio.from_orders(
            closes[:, None],
            size=target,
            size_type="targetamount",
            price=opens[:, None],
            fees=float(FEE_RATE),
            init_cash=CASH,
            freq="1min",
        )
        return portfolio, float(np.sum(portfolio.final_value() - CASH))

    def finish(result: tuple[Any, float]) -> Outcome:
        portfolio, value = result
        return Outcome(len(closes), fills=int(portfolio.orders.count().sum()), pnl=money(value))

    return Prepared(run, finish, warm=True)


if __name__ == "__main__":
    main("vectorbt", vbt.__version__, {"w1": w1, "w2": w2})
