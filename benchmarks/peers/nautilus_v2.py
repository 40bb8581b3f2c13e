"""NautilusTrader's second engine, written in Rust and driven from Python through PyO3, as 1.231 ships it.

Bars drive an L1 book as in the first engine and a market order fills at the close. Logging is bypassed, the risk
engine is on.
"""

# ruff: noqa: D101  (a class is named after the work its strategy does)
# mypy: ignore-errors
# Runs only inside the peer's own virtual environment; the peer is not installed, and mostly not typed, where mypy runs.

from __future__ import annotations

from decimal import Decimal
from typing import Any

import nautilus_trader
import numpy as np
from nautilus_trader.core import nautilus_pyo3 as core

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

VENUE = core.Venue("SIM")
ID = core.InstrumentId.from_str("BTCUSDT-PERP.SIM")
BAR_TYPE = core.BarType.from_str(f"{ID}-1-MINUTE-LAST-EXTERNAL")
USDT = core.Currency.from_str("USDT")
BUY, SELL = core.OrderSide.BUY, core.OrderSide.SELL
MINUTE_NS = 60_000_000_000


def instrument() -> Any:
    return core.CryptoPerpetual(
        ID,
        core.Symbol("BTCUSDT"),
        core.Currency.from_str("BTC"),
        USDT,
        USDT,
        False,
        2,
        3,
        core.Price.from_str("0.01"),
        core.Quantity.from_str("0.001"),
        0,
        0,
        margin_init=Decimal("0.05"),
        margin_maint=Decimal("0.025"),
        maker_fee=Decimal(FEE_RATE),
        taker_fee=Decimal(FEE_RATE),
    )


class ReadBars(core.Strategy):
    def on_start(self) -> None:
        self.read = 0
        self.total = 0.0
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Any) -> None:
        self.read += 1
        self.total += bar.close.as_double()


class ReadTicks(core.Strategy):
    def on_start(self) -> None:
        self.read = 0
        self.total = 0.0
        self.subscribe_trades(ID)

    def on_trade(self, tick: Any) -> None:
        self.read += 1
        self.total += tick.price.as_double()


class Counting(core.Strategy):
    def on_start(self) -> None:
        self.sent = 0
        self.fills = 0
        self.position = 0
        self.bars = 0
        self.live: Any = None
        self.one = core.Quantity.from_str("1.000")
        self.two = core.Quantity.from_str("2.000")
        self.ready()
        self.subscribe_bars(BAR_TYPE)

    def ready(self) -> None:
        pass

    def on_order_filled(self, event: Any) -> None:
        self.fills += 1
        self.position += 1 if event.order_side == BUY else -1
        self.live = None


class SmaFlip(Counting):
    def ready(self) -> None:
        self.fast = core.SimpleMovingAverage(FAST)
        self.slow = core.SimpleMovingAverage(SLOW)
        self.wanted = 0

    def on_bar(self, bar: Any) -> None:
        self.bars += 1
        self.fast.handle_bar(bar)
        self.slow.handle_bar(bar)
        if self.bars <= W1_FIRST_BAR:
            return
        difference = self.fast.value - self.slow.value
        if difference > SAME:
            if self.wanted != 1:
                self.flip(BUY, 1)
        elif difference < -SAME and self.wanted != -1:
            self.flip(SELL, -1)

    def flip(self, side: Any, wanted: int) -> None:
        self.submit_order(self.order_factory.market(ID, side, self.two if self.wanted else self.one))
        self.wanted = wanted
        self.sent += 1


class LimitEachBar(Counting):
    def on_bar(self, bar: Any) -> None:
        self.bars += 1
        if self.bars <= W3_FIRST_BAR:
            return
        if self.live is not None:
            self.cancel_order(self.live)
        close = bar.close.as_double()
        if self.position:
            side, price = SELL, core.Price(close + W3_OFFSET, 2)
        else:
            side, price = BUY, core.Price(close - W3_OFFSET, 2)
        order = self.order_factory.limit(ID, side, self.one, price)
        self.live = order.client_order_id
        self.submit_order(order)
        self.sent += 1


def bars(job: Job) -> list[Any]:
    with np.load(job.data / "bars.npz") as rows:
        columns = [
            [f"{v / PRICE_TICKS:.2f}" for v in rows[n][: job.rows].tolist()] for n in ("open", "high", "low", "close")
        ]
        columns.append([f"{v / 1000:.3f}" for v in rows["volume"][: job.rows].tolist()])
        times = (rows["ts"][: job.rows] + MINUTE_NS).tolist()
    price, quantity = core.Price.from_str, core.Quantity.from_str
    return [
        core.Bar(BAR_TYPE, price(o), price(h), price(low), price(c), quantity(v), ts, ts)
        for o, h, low, c, v, ts in zip(*columns, times, strict=True)
    ]


def ticks(job: Job) -> list[Any]:
    with np.load(job.data / "ticks.npz") as rows:
        columns = [rows[name][: job.rows].tolist() for name in ("ts", "price", "quantity", "side")]
    sides = {1: core.AggressorSide.BUYER, -1: core.AggressorSide.SELLER}
    return [
        core.TradeTick(
            ID,
            core.Price(p / PRICE_TICKS, 2),
            core.Quantity(q / 1000, 3),
            sides[s],
            core.TradeId(str(at)),
            ts,
            ts,
        )
        for at, (ts, p, q, s) in enumerate(zip(*columns, strict=True), 1)
    ]


def prepare(job: Job, data: list[Any], strategy: Any) -> Any:
    engine = core.BacktestEngine(
        core.BacktestEngineConfig(logging=core.LoggerConfig(bypass_logging=True), bypass_logging=True)
    )
    engine.add_venue(
        VENUE,
        core.OmsType.NETTING,
        core.AccountType.MARGIN,
        [core.Money(CASH, USDT)],
        default_leverage=Decimal(10),
        fee_model=core.MakerTakerFeeModel(),
    )
    engine.add_instrument(instrument())
    engine.add_data(data)
    engine.add_strategy(strategy)
    return engine


def reading(job: Job, data: list[Any], strategy: Any) -> Prepared:
    engine = prepare(job, data, strategy)

    def finish(_: Any) -> Outcome:
        return Outcome(strategy.read, total_ticks=round(strategy.total * PRICE_TICKS))

    return Prepared(engine.run, finish)


def trading(job: Job, strategy: Any) -> Prepared:
    data = bars(job)
    engine = prepare(job, data, strategy)
    last = data[-1].close

    def finish(_: Any) -> Outcome:
        value = engine.cache.account_for_venue(VENUE).balance_total(USDT).as_decimal()
        for position in engine.cache.positions_open():
            value += position.unrealized_pnl(last).as_decimal()
        return Outcome(len(data), strategy.sent, strategy.fills, money(value - CASH))

    return Prepared(engine.run, finish)


def w0(job: Job) -> Prepared:
    return reading(job, bars(job), ReadBars())


def w1(job: Job) -> Prepared:
    return trading(job, SmaFlip())


def w3(job: Job) -> Prepared:
    return trading(job, LimitEachBar())


def w4(job: Job) -> Prepared:
    return reading(job, ticks(job), ReadTicks())


if __name__ == "__main__":
    main("nautilus v2", nautilus_trader.__version__, {"w0": w0, "w1": w1, "w3": w3, "w4": w4})
