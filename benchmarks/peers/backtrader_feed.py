"""backtrader: market orders fill at the next open, limits at their price when a bar reaches them.

Its native form is a data feed of `array` lines, filled one bar at a time inside `run` (preload). That filling is
measured apart and counted as loading; the run is what follows. Indicators are computed as whole columns (runonce).
"""

# ruff: noqa: D101  (a class is named after the work its strategy does)
# mypy: ignore-errors
# Runs only inside the peer's own virtual environment; the peer is not installed, and mostly not typed, where mypy runs.

from __future__ import annotations

import csv
import time
from array import array
from datetime import UTC, datetime
from typing import Any

import backtrader as bt

from benchmarks.child import (
    CASH,
    FAST,
    FEE_RATE,
    PRICE_TICKS,
    SAME,
    SLOW,
    W1_FIRST_BAR,
    W3_FIRST_BAR,
    W3_OFFSET,
    Job,
    Outcome,
    Prepared,
    main,
    money,
)


class Columns(bt.feed.DataBase):
    """A feed from arrays in memory."""

    params = (("columns", None), ("timeframe", bt.TimeFrame.Minutes))

    def start(self) -> None:
        super().start()
        self.at = 0
        self.loading = (0.0, 0.0)

    def preload(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        super().preload()
        self.loading = (time.perf_counter() - wall, time.process_time() - cpu)

    def _load(self) -> bool:
        at = self.at
        columns = self.p.columns
        if at >= len(columns[0]):
            return False
        self.lines.datetime[0] = columns[0][at]
        self.lines.open[0] = columns[1][at]
        self.lines.high[0] = columns[2][at]
        self.lines.low[0] = columns[3][at]
        self.lines.close[0] = columns[4][at]
        self.lines.volume[0] = columns[5][at]
        self.lines.openinterest[0] = 0.0
        self.at = at + 1
        return True


class ReadBars(bt.Strategy):
    def __init__(self) -> None:
        self.read = 0
        self.total = 0.0
        self.close = self.data.close

    def next(self) -> None:
        self.read += 1
        self.total += self.close[0]


class Counting(bt.Strategy):
    def __init__(self) -> None:
        self.sent = 0
        self.fills = 0
        self.live: Any = None

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.fills += 1
        if self.live is not None and order.ref == self.live.ref and not order.alive():
            self.live = None


class SmaFlip(Counting):
    def __init__(self) -> None:
        super().__init__()
        self.fast = bt.indicators.SMA(self.data.close, period=FAST)
        self.slow = bt.indicators.SMA(self.data.close, period=SLOW)
        self.wanted = 0

    def next(self) -> None:
        if len(self.data) <= W1_FIRST_BAR:
            return
        difference = self.fast[0] - self.slow[0]
        if difference > SAME:
            if self.wanted != 1:
                self.buy(size=1 - self.wanted)
                self.wanted = 1
                self.sent += 1
        elif difference < -SAME and self.wanted != -1:
            self.sell(size=1 + self.wanted)
            self.wanted = -1
            self.sent += 1


class LimitEachBar(Counting):
    def next(self) -> None:
        if len(self.data) <= W3_FIRST_BAR:
            return
        if self.live is not None:
            self.cancel(self.live)
        close = self.data.close[0]
        if self.position.size:
            self.live = self.sell(size=1, exectype=bt.Order.Limit, price=round(close + W3_OFFSET, 2))
        else:
            self.live = self.buy(size=1, exectype=bt.Order.Limit, price=round(close - W3_OFFSET, 2))
        self.sent += 1


def columns_of(job: Job) -> list[array[float]]:
    columns = [array("d") for _ in range(6)]
    with (job.data / "bars.csv").open(encoding="ascii", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for at, row in enumerate(rows):
            if at >= job.rows:
                break
            moment = datetime.fromtimestamp(int(row[0]) / 1000, UTC).replace(tzinfo=None)
            columns[0].append(bt.date2num(moment))
            for place in range(1, 6):
                columns[place].append(float(row[place]))
    return columns


def prepare(job: Job, strategy: type[bt.Strategy]) -> tuple[bt.Cerebro, Columns]:
    engine = bt.Cerebro(stdstats=False)
    feed = Columns(columns=columns_of(job))
    engine.adddata(feed)
    engine.addstrategy(strategy)
    engine.broker.setcash(CASH)
    engine.broker.setcommission(commission=float(FEE_RATE))
    return engine, feed


def w0(job: Job) -> Prepared:
    engine, feed = prepare(job, ReadBars)

    def finish(result: Any) -> Outcome:
        seen = result[0]
        return Outcome(seen.read, total_ticks=round(seen.total * PRICE_TICKS), loading=feed.loading)

    return Prepared(engine.run, finish)


def trading(job: Job, strategy: type[bt.Strategy]) -> Prepared:
    engine, feed = prepare(job, strategy)

    def finish(result: Any) -> Outcome:
        seen = result[0]
        pnl = money(engine.broker.getvalue() - CASH)
        return Outcome(len(feed), seen.sent, seen.fills, pnl, loading=feed.loading)

    return Prepared(engine.run, finish)


def w1(job: Job) -> Prepared:
    return trading(job, SmaFlip)


def w3(job: Job) -> Prepared:
    return trading(job, LimitEachBar)


if __name__ == "__main__":
    main("backtrader", bt.__version__, {"w0": w0, "w1": w1, "w3": w3})
