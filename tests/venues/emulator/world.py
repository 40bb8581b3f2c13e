"""A small exchange without a venue's protocol, and a listener that keeps what it is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kedge.model.facts import FundingPayment
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.venues.emulator.course import RandomCourse
from kedge.venues.emulator.exchange import Exchange, Settings
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution, OrderRequest
from kedge.venues.emulator.tape import BookUpdate, PublicTrade
from kedge.venues.emulator.timeline import Timeline

START = 1_767_225_600_000_000_000
MS = 1_000_000
SECOND = 1_000 * MS
SPOT = "BTCUSDT"
PERP = "BTCPERP"


def d(number: Any) -> Decimal:
    return Decimal(str(number))


def spot(symbol: str = SPOT, base: str = "BTC") -> Instrument:
    return Instrument(
        symbol,
        base,
        "USDT",
        "USDT",
        tick_size=d("0.01"),
        lot_size=d("0.00001"),
        maker_fee=d("0.001"),
        taker_fee=d("0.001"),
    )


def perpetual(symbol: str = PERP, leverage: int = 10) -> Instrument:
    return Instrument(
        symbol, "BTC", "USDT", "USDT", InstrumentKind.PERPETUAL, tick_size=d("0.1"), lot_size=d("0.001"),
        maker_fee=d("0.0002"), taker_fee=d("0.0005"), max_leverage=d(leverage), maintenance_margin=d("0.004"),
        shortable=True,
    )  # fmt: skip


class Ear:
    """Keeps everything, in order."""

    def __init__(self) -> None:
        self.orders: list[tuple[Change, int, Execution | None]] = []
        self.trades: list[PublicTrade] = []
        self.books: list[BookUpdate] = []
        self.marks: list[str] = []
        self.funding: list[FundingPayment] = []

    def on_order(self, order: EmulatedOrder, change: Change, execution: Execution | None) -> None:
        self.orders.append((change, order.number, execution))

    def on_trade(self, trade: PublicTrade) -> None:
        self.trades.append(trade)

    def on_book(self, update: BookUpdate) -> None:
        self.books.append(update)

    def on_mark(self, symbol: str) -> None:
        self.marks.append(symbol)

    def on_funding(self, payment: FundingPayment) -> None:
        self.funding.append(payment)


def exchange(*instruments: Instrument, seed: int = 1, start: int = START, **settings: Any) -> tuple[Exchange, Ear]:
    """An exchange with a listener; BTC at 60,000, 100,000 USDT and 2 BTC."""
    listed = instruments or (spot(),)
    timeline = Timeline(start)
    balances = {"USDT": d(100_000)} | ({"BTC": d(2)} if any(each.symbol == SPOT for each in listed) else {})
    made = Exchange(
        [(each, RandomCourse(each, d(60_000), seed, start)) for each in listed],
        Settings(balances, seed, **settings),
        timeline,
    )
    ear = Ear()
    made.listeners.append(ear)
    return made, ear


def place(made: Exchange, *what: Any, **more: Any) -> EmulatedOrder:
    """Send an order of these fields."""
    return made.place(OrderRequest(*what, **more))
