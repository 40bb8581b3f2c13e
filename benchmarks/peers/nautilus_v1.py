"""NautilusTrader's Cython engine, versions 1.221 and 1.231: bars drive an L1 book, a market order fills at the close.

The same code runs in both versions. Logging is bypassed, everything else is as the engine comes: risk engine on,
analysis at the end on. Its analyzer appends to a pandas series for every closed trade, which pandas 3 (1.231 installs
it) made much slower: variant `mended` goes back to pandas' old text type and leaves the final analysis out. Data are
`Bar` and `TradeTick` objects made before the clock. Positions are netted on a margin account, the commission is 0.1%
for maker and taker.
"""

# ruff: noqa: D101  (a class is named after the work its strategy does)
# mypy: ignore-errors
# Runs only inside the peer's own virtual environment; the peer is not installed, and mostly not typed, where mypy runs.

from __future__ import annotations

from decimal import Decimal
from typing import Any

import nautilus_trader
import numpy as np
import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import Bar, BarType, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, TraderId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

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

VENUE = Venue("SIM")
ID = InstrumentId(Symbol("BTCUSDT-PERP"), VENUE)
BAR_TYPE = BarType.from_str(f"{ID}-1-MINUTE-LAST-EXTERNAL")
MINUTE_NS = 60_000_000_000


def instrument() -> CryptoPerpetual:
    return CryptoPerpetual(
        instrument_id=ID,
        raw_symbol=Symbol("BTCUSDT"),
        base_currency=BTC,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=2,
        size_precision=3,
        price_increment=Price.from_str("0.01"),
        size_increment=Quantity.from_str("0.001"),
        margin_init=Decimal("0.05"),
        margin_maint=Decimal("0.025"),
        maker_fee=Decimal(FEE_RATE),
        taker_fee=Decimal(FEE_RATE),
        ts_event=0,
        ts_init=0,
    )


class ReadBars(Strategy):
    def on_start(self) -> None:
        self.read = 0
        self.total = 0.0
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Bar) -> None:
        self.read += 1
        self.total += bar.close.as_double()


class ReadTicks(Strategy):
    def on_start(self) -> None:
        self.read = 0
        self.total = 0.0
        self.subscribe_trade_ticks(ID)

    def on_trade_tick(self, tick: TradeTick) -> None:
        self.read += 1
        self.total += tick.price.as_double()


class Counting(Strategy):
    def on_start(self) -> None:
        self.sent = 0
        self.fills = 0
        self.position = 0
        self.bars = 0
        self.live: Any = None
        self.one = Quantity.from_str("1.000")
        self.two = Quantity.from_str("2.000")
        self.ready()
        self.subscribe_bars(BAR_TYPE)

    def ready(self) -> None:
        pass

    def on_order_filled(self, event: Any) -> None:
        self.fills += 1
        self.position += 1 if event.order_side == OrderSide.BUY else -1
        self.live = None


class SmaFlip(Counting):
    def ready(self) -> None:
        self.fast = SimpleMovingAverage(FAST)
        self.slow = SimpleMovingAverage(SLOW)
        self.wanted = 0
        self.register_indicator_for_bars(BAR_TYPE, self.fast)
        self.register_indicator_for_bars(BAR_TYPE, self.slow)

    def on_bar(self, bar: Bar) -> None:
        self.bars += 1
        if self.bars <= W1_FIRST_BAR:
            return
        difference = self.fast.value - self.slow.value
        if difference > SAME:
            if self.wanted != 1:
                self.flip(OrderSide.BUY, 1)
        elif difference < -SAME and self.wanted != -1:
            self.flip(OrderSide.SELL, -1)

    def flip(self, side: OrderSide, wanted: int) -> None:
        self.submit_order(self.order_factory.market(ID, side, self.two if self.wanted else self.one))
        self.wanted = wanted
        self.sent += 1


class LimitEachBar(Counting):
    def on_bar(self, bar: Bar) -> None:
        self.bars += 1
        if self.bars <= W3_FIRST_BAR:
            return
        if self.live is not None:
            self.cancel_order(self.live)
        close = bar.close.as_double()
        if self.position:
            side, price = OrderSide.SELL, Price(close + W3_OFFSET, 2)
        else:
            side, price = OrderSide.BUY, Price(close - W3_OFFSET, 2)
        self.live = self.order_factory.limit(ID, side, self.one, price)
        self.submit_order(self.live)
        self.sent += 1


def bars(job: Job) -> list[Bar]:
    with np.load(job.data / "bars.npz") as rows:
        prices = [
            [f"{v / PRICE_TICKS:.2f}" for v in rows[n][: job.rows].tolist()] for n in ("open", "high", "low", "close")
        ]
        volumes = [f"{v / 1000:.3f}" for v in rows["volume"][: job.rows].tolist()]
        times = (rows["ts"][: job.rows] + MINUTE_NS).tolist()
    price, quantity = Price.from_str, Quantity.from_str
    return [
        Bar(BAR_TYPE, price(o), price(h), price(low), price(c), quantity(v), ts, ts)
        for o, h, low, c, v, ts in zip(*prices, volumes, times, strict=True)
    ]


def ticks(job: Job) -> list[TradeTick]:
    with np.load(job.data / "ticks.npz") as rows:
        columns = [rows[name][: job.rows].tolist() for name in ("ts", "price", "quantity", "side")]
    sides = {1: AggressorSide.BUYER, -1: AggressorSide.SELLER}
    return [
        TradeTick(ID, Price(p / PRICE_TICKS, 2), Quantity(q / 1000, 3), sides[s], TradeId(str(at)), ts, ts)
        for at, (ts, p, q, s) in enumerate(zip(*columns, strict=True), 1)
    ]


def prepare(job: Job, data: list[Any], strategy: Strategy) -> BacktestEngine:
    if job.variant == "mended":
        pd.set_option("future.infer_string", False)
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-001"),
            logging=LoggingConfig(bypass_logging=True),
            run_analysis=job.variant != "mended",
        )
    )
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        starting_balances=[Money(CASH, USDT)],
        base_currency=None,
        default_leverage=Decimal(10),
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
        value = engine.portfolio.account(VENUE).balance_total(USDT).as_decimal()
        for position in engine.cache.positions_open():
            value += position.unrealized_pnl(last).as_decimal()
        filled = sum(1 for order in engine.cache.orders() if order.filled_qty.as_decimal() > 0)
        return Outcome(len(data), strategy.sent, filled, money(value - CASH))

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
    main("nautilus", nautilus_trader.__version__, {"w0": w0, "w1": w1, "w3": w3, "w4": w4})
