"""Synthetic ledgers: a seeded market, fills against it, and the same told to a recorder.

The oracle is a line of cash: every fill pays its value and its fee, the rest is quantity times price.
"""

from __future__ import annotations

import random
from decimal import Decimal

from kedge.backtest.curve import CurveRecorder
from kedge.backtest.record import RunRecord
from kedge.backtest.result import BacktestResult, BacktestTrade
from kedge.backtest.trade import trade_of
from kedge.core.portfolio.tracker import PositionTracker
from kedge.model.facts import Fill, FundingPayment
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import Candle
from kedge.model.money import ZERO
from kedge.model.order import Side

D = Decimal
HOUR = 3600 * NS_PER_S
START = 1_640_995_200 * NS_PER_S  # 2022-01-01


def instrument(symbol: str, kind: InstrumentKind = InstrumentKind.PERPETUAL, size: str = "1") -> Instrument:
    base, _, quote = symbol.partition("-")
    return Instrument(symbol, base, quote, quote, kind, contract_size=D(size), shortable=True, max_leverage=D(5))


class Desk:
    """Books fills as the system does and tells the recorder, so that results can be made without an engine."""

    def __init__(self, capital: Decimal, instruments: list[Instrument], points_max: int | None = None) -> None:
        self.capital = capital
        self.instruments = {found.symbol: found for found in instruments}
        self.index = {found.symbol: place for place, found in enumerate(instruments)}
        self.tracker = PositionTracker(capital, "USD", instruments)
        self.recorder = CurveRecorder(capital, list(self.index), points_max)
        self.trades: list[BacktestTrade] = []
        self.funding: list[FundingPayment] = []
        self.prices: dict[str, Decimal] = {}
        self.now = START
        self.bars = 0

    def candle(self, symbol: str, price: Decimal, now: int) -> None:
        self.now = now
        self.prices[symbol] = price
        self.recorder.times.append(now)
        self.recorder.prices.append(price)
        if len(self.index) > 1:
            self.recorder.symbols.append(self.index[symbol])
        self.bars += 1

    def fill(
        self,
        symbol: str,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        fee: Decimal = ZERO,
        fee_currency: str = "",
        slippage: Decimal = ZERO,
        strategy: str = "s",
    ) -> None:
        number = str(len(self.trades))
        found = Fill(self.now, number, number, symbol, side, quantity, price, fee, fee_currency, slippage=slippage)
        realized = self.tracker.update_from_fill(found, strategy)
        self.trades.append(trade_of(found, self.instruments[symbol], strategy, realized, account_currency="USD"))
        self._changed()

    def pay(self, symbol: str, amount: Decimal) -> None:
        payment = FundingPayment(self.now, symbol, amount, D("0.0001"), self.tracker.position(symbol))
        self.tracker.update_from_funding(payment)
        self.funding.append(payment)
        self._changed()

    def result(self, **record: object) -> BacktestResult:
        given: dict[str, object] = {"bars": self.bars, "symbols": tuple(self.index), "strategies": ("s",)} | record
        return BacktestResult(
            self.capital,
            self.recorder.curve(),
            self.trades,
            RunRecord(**given),  # type: ignore[arg-type]
            self.funding,
        )

    def _changed(self) -> None:
        held = tuple(
            (
                self.index[own.symbol],
                own.quantity,
                own.multiplier,
                None if self.instruments[own.symbol].kind is InstrumentKind.SPOT else own.cost,
            )
            for own in self.tracker.held()
        )
        self.recorder.changed(len(self.recorder.times), self.tracker.cash, held)


def market(seed: int, bars: int, start: int = 20_000, drift: float = 0.00004) -> list[Candle]:
    """Hourly candles of a seeded random walk on a grid of cents."""
    chance = random.Random(seed)
    price, candles = float(start), []
    for number in range(bars):
        path = [price]
        for _ in range(4):
            price *= 1 + chance.gauss(drift / 4, 0.004)
            path.append(price)
        opened, high, low, close = (D(f"{value:.2f}") for value in (path[0], max(path), min(path), path[-1]))
        volume = D(chance.randrange(10, 5000)) / 10
        candles.append(Candle(START + number * HOUR, opened, high, low, close, volume, "BTC-USD", HOUR))
    return candles


def sample(
    seed: int = 7, bars: int = 24 * 400, every: int = 60, fee: str = "0.0005"
) -> tuple[BacktestResult, list[Candle]]:
    """A year and more of trading by coin, with fees, slippage and funding."""
    chance = random.Random(seed + 1)
    candles = market(seed, bars)
    desk = Desk(D(100_000), [instrument("BTC-USD")])
    held = D(0)
    for number, candle in enumerate(candles):
        if number and chance.randrange(every) == 0:
            target = chance.choice([D(-2), D(0), D("1.5"), D(2), D(3)])
            if target != held:
                side = Side.BUY if target > held else Side.SELL
                slippage = (candle.open * D("0.0002")).quantize(D("0.01"))
                price = candle.open + slippage * side.sign
                quantity = abs(target - held)
                desk.now = candle.ts
                desk.fill("BTC-USD", side, quantity, price, quantity * price * D(fee), slippage=slippage)
                held = target
        if held and number % 8 == 0:
            desk.pay("BTC-USD", (-held * candle.open * D("0.00001")).quantize(D("0.000001")))
        desk.candle("BTC-USD", candle.close, candle.ts + HOUR)
    result = desk.result(
        title="Coin toss on BTC-USD",
        parameters={"s": {"every": str(every), "seed": str(seed)}},
        settings={"fee_rate": fee, "slippage_bps": "2", "latency_ms": "0"},
        interval_ns=HOUR,
        run_seconds=0.5,
        assumptions=(
            "A signal on a candle's close fills at the next candle's open at the earliest.",
            "Market orders pay 2 basis points of slippage and the taker's fee of 0.05%.",
            "A limit order fills only when the market trades through its price.",
        ),
    )
    return result, candles
