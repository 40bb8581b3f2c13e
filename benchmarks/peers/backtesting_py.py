"""backtesting.py: market orders fill at the next open, limits at their price when a bar reaches them.

It works on a pandas frame of floats. A strategy is first called on the second bar, or on the first one where every
indicator has a value. Indicators are whole columns computed before the loop, which is how its users write them.
"""

# ruff: noqa: D101  (a class is named after the work its strategy does)
# mypy: ignore-errors
# Runs only inside the peer's own virtual environment; the peer is not installed, and mostly not typed, where mypy runs.

from __future__ import annotations

import warnings
from typing import Any

import backtesting
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

from benchmarks.child import (
    CASH,
    FAST,
    FEE_RATE,
    PRICE_TICKS,
    SAME,
    SLOW,
    W3_OFFSET,
    Job,
    Outcome,
    Prepared,
    main,
    money,
    pairs_of,
)


def frame(job: Job) -> pd.DataFrame:
    with np.load(job.data / "bars.npz") as rows:
        columns = {name.capitalize(): rows[name][: job.rows] / PRICE_TICKS for name in ("open", "high", "low", "close")}
        columns["Volume"] = rows["volume"][: job.rows] / 1000
        index = pd.DatetimeIndex(rows["ts"][: job.rows].astype("datetime64[ns]"))
    return pd.DataFrame(columns, index=index)


def average(values: Any, length: int) -> Any:
    """The moving average, exact in ticks so that equal averages are equal."""
    ticks = np.rint(np.asarray(values) * PRICE_TICKS).astype(np.int64)
    total = np.cumsum(np.concatenate(([0], ticks)))
    result = np.full(len(ticks), np.nan)
    result[length - 1 :] = (total[length:] - total[:-length]) / (length * PRICE_TICKS)
    return result


class ReadBars(Strategy):
    def init(self) -> None:
        self.read = 0
        self.total = 0.0

    def next(self) -> None:
        self.read += 1
        self.total += self.data.Close[-1]


class SmaFlip(Strategy):
    def init(self) -> None:
        close = self.data.Close
        self.fast = self.I(average, close, FAST)
        self.slow = self.I(average, close, SLOW)
        self.wanted = 0
        self.sent = 0

    def next(self) -> None:
        difference = self.fast[-1] - self.slow[-1]
        if difference > SAME:
            if self.wanted != 1:
                self.buy(size=1 - self.wanted)
                self.wanted = 1
                self.sent += 1
        elif difference < -SAME and self.wanted != -1:
            self.sell(size=1 + self.wanted)
            self.wanted = -1
            self.sent += 1


class LimitEachBar(Strategy):
    def init(self) -> None:
        self.sent = 0

    def next(self) -> None:
        for order in self.orders:
            order.cancel()
        close = self.data.Close[-1]
        if self.position.size:
            self.sell(size=1, limit=round(close + W3_OFFSET, 2))
        else:
            self.buy(size=1, limit=round(close - W3_OFFSET, 2))
        self.sent += 1


def prepare(job: Job, strategy: type[Strategy]) -> tuple[Backtest, int]:
    warnings.simplefilter("ignore")
    rows = frame(job)
    return Backtest(rows, strategy, cash=CASH, commission=float(FEE_RATE), finalize_trades=False), len(rows)


def w0(job: Job) -> Prepared:
    test, _ = prepare(job, ReadBars)

    def finish(stats: Any) -> Outcome:
        seen = stats["_strategy"]
        return Outcome(read=seen.read, total_ticks=round(seen.total * PRICE_TICKS))

    return Prepared(test.run, finish)


def w1(job: Job) -> Prepared:
    test, rows = prepare(job, SmaFlip)

    def finish(stats: Any) -> Outcome:
        closed, still_open = len(stats["_trades"]), len(stats["_strategy"].trades)
        # Each filled order opens one trade (and closes the one before).
        return Outcome(rows, stats["_strategy"].sent, closed + still_open, money(stats["Equity Final [$]"] - CASH))

    return Prepared(test.run, finish)


def w3(job: Job) -> Prepared:
    test, rows = prepare(job, LimitEachBar)

    def finish(stats: Any) -> Outcome:
        closed, still_open = len(stats["_trades"]), len(stats["_strategy"].trades)
        return Outcome(rows, stats["_strategy"].sent, 2 * closed + still_open, money(stats["Equity Final [$]"] - CASH))

    return Prepared(test.run, finish)


class SmaPair(SmaFlip):
    """W1's rule with lengths that a sweep sets."""

    fast_length = FAST
    slow_length = SLOW

    def init(self) -> None:
        close = self.data.Close
        self.fast = self.I(average, close, self.fast_length)
        self.slow = self.I(average, close, self.slow_length)
        self.wanted = 0
        self.sent = 0


def w2(job: Job) -> Prepared:
    """One run after the other, on one core; its own `optimize` does the same in a pool."""
    test, rows = prepare(job, SmaPair)

    def run() -> tuple[int, int, float]:
        sent = fills = 0
        profit = 0.0
        for fast, slow in pairs_of(100):
            stats = test.run(fast_length=fast, slow_length=slow)
            seen = stats["_strategy"]
            sent += seen.sent
            fills += len(stats["_trades"]) + len(seen.trades)
            profit += stats["Equity Final [$]"] - CASH
        return sent, fills, profit

    def finish(result: tuple[int, int, float]) -> Outcome:
        return Outcome(rows, result[0], result[1], money(result[2]))

    return Prepared(run, finish)


if __name__ == "__main__":
    main("backtesting.py", backtesting.__version__, {"w0": w0, "w1": w1, "w2": w2, "w3": w3})
