"""hftbacktest: a compiled event loop, the strategy compiled too (numba). Works W3 and W4, where it applies.

It knows trades and book changes, not bars; for W3 each bar becomes four trades (open, low, high, close). A resting
limit fills at its price when a trade goes through it. Latency is zero. The strategy is compiled on the first call,
so the run is measured on the second and the first is reported as cold.
"""


# mypy: ignore-errors
# Runs only inside the peer's own virtual environment; the peer is not installed, and mostly not typed, where mypy runs.

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    EXCH_EVENT,
    FILLED,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    NEW,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    event_dtype,
)
from numba import njit

from benchmarks.child import (
    FEE_RATE,
    PRICE_TICKS,
    W3_FIRST_BAR,
    W3_OFFSET,
    Job,
    Outcome,
    Prepared,
    main,
    money,
)

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
TRADE = TRADE_EVENT | EXCH_EVENT | LOCAL_EVENT


def venue(events: Any) -> Any:
    fee = float(FEE_RATE)
    asset = (
        BacktestAsset()
        .data(events)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(fee, fee)
        .tick_size(0.01)
        .lot_size(0.001)
        .last_trades_capacity(16)
    )
    return HashMapMarketDepthBacktest([asset])


@njit
def read_ticks(hbt: Any) -> tuple[int, float]:
    read = 0
    total = 0.0
    while hbt.wait_next_feed(False, MINUTE_NS) != 1:
        for trade in hbt.last_trades(0):
            read += 1
            total += trade.px
        hbt.clear_last_trades(0)
    for trade in hbt.last_trades(0):
        read += 1
        total += trade.px
    return read, total


@njit
def limit_each_bar(hbt: Any, start: int, bars: int) -> tuple[int, int]:
    sent = 0
    filled = 0
    hbt.wait_next_feed(False, MINUTE_NS)
    for bar in range(bars):
        hbt.elapse(start + (bar + 1) * MINUTE_NS - hbt.current_timestamp)
        trades = hbt.last_trades(0)
        close = trades[len(trades) - 1].px
        hbt.clear_last_trades(0)
        orders = hbt.orders(0)
        if sent > 0:
            last = orders.get(sent)
            if last.status == FILLED:
                filled += 1
            elif last.status == NEW:
                hbt.cancel(0, sent, False)
        hbt.clear_inactive_orders(0)
        if bar < W3_FIRST_BAR:
            continue
        sent += 1
        if hbt.position(0) > 0.5:
            hbt.submit_sell_order(0, sent, close + W3_OFFSET, 1.0, GTC, LIMIT, False)
        else:
            hbt.submit_buy_order(0, sent, close - W3_OFFSET, 1.0, GTC, LIMIT, False)
    return sent, filled


def w3(job: Job) -> Prepared:
    with np.load(job.data / "bars.npz") as rows:
        ts = rows["ts"][: job.rows]
        prices = [rows[name][: job.rows] / PRICE_TICKS for name in ("open", "low", "high", "close")]
        volume = rows["volume"][: job.rows] / 4000
    events = np.zeros(4 * len(ts), event_dtype)
    sides = (BUY_EVENT, SELL_EVENT, BUY_EVENT, BUY_EVENT)
    for leg, (price, side) in enumerate(zip(prices, sides, strict=True)):
        events["ev"][leg::4] = TRADE | side
        events["exch_ts"][leg::4] = ts + (1 + 19 * leg) * SECOND_NS
        events["local_ts"][leg::4] = ts + (1 + 19 * leg) * SECOND_NS
        events["px"][leg::4] = price
        events["qty"][leg::4] = volume
    last = float(prices[3][-1])

    def run() -> Any:
        hbt = venue(events)
        return hbt, limit_each_bar(hbt, int(ts[0]), len(ts))

    def finish(result: Any) -> Outcome:
        hbt, (sent, _) = result
        state = hbt.state_values(0)
        pnl = money(float(state.balance - state.fee + state.position * last))
        return Outcome(len(ts), sent, int(state.num_trades), pnl)

    return Prepared(run, finish, warm=True)


def w4(job: Job) -> Prepared:
    with np.load(job.data / "ticks.npz") as rows:
        events = np.zeros(job.rows, event_dtype)
        events["ev"] = TRADE | np.where(rows["side"][: job.rows] > 0, BUY_EVENT, SELL_EVENT)
        events["exch_ts"] = events["local_ts"] = rows["ts"][: job.rows]
        events["px"] = rows["price"][: job.rows] / PRICE_TICKS
        events["qty"] = rows["quantity"][: job.rows] / 1000

    def finish(result: Any) -> Outcome:
        return Outcome(int(result[0]), total_ticks=round(result[1] * PRICE_TICKS))

    return Prepared(lambda: read_ticks(venue(events)), finish, warm=True)


if __name__ == "__main__":
    main("hftbacktest", version("hftbacktest"), {"w3": w3, "w4": w4})
