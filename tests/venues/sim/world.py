"""A small world around the simulated venue: orders by name, bars by four numbers, reports as they come."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.facts import Fill, VenueFact
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import BookDelta, Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.order import OrderIntent, OrderType, Side
from kedge.venues.sim.venue import SimulatedVenue

MINUTE = 60_000_000_000
SYMBOL = "BTC-USD"


def d(number: Any) -> Decimal:
    return Decimal(str(number))


def perpetual(symbol: str = SYMBOL, **rules: Any) -> Instrument:
    base, quote = symbol.split("-")
    settings: dict[str, Any] = {
        "tick_size": d("0.01"),
        "lot_size": d("0.001"),
        "max_leverage": d(10),
        "maintenance_margin": d("0.05"),
        "shortable": True,
        **rules,
    }
    return Instrument(symbol, base, quote, quote, InstrumentKind.PERPETUAL, **settings)


def spot(symbol: str = SYMBOL, **rules: Any) -> Instrument:
    base, quote = symbol.split("-")
    return Instrument(symbol, base, quote, **{"tick_size": d("0.01"), "lot_size": d("0.001"), **rules})


class World:
    """One venue with time in bars of a minute; `now` is when the next bar opens."""

    def __init__(self, *instruments: Instrument, cash: Any = 100_000, **settings: Any) -> None:
        self.venue = SimulatedVenue(instruments or (perpetual(),), d(cash), **settings)
        self.now = MINUTE
        self.orders = 0

    def order(
        self, side: Side, kind: str, quantity: Any = 1, *, at: int | None = None, **fields: Any
    ) -> list[VenueFact]:
        """Send an order; it arrives now unless `at` says otherwise. Its id is `id` or its number among those without."""
        order_id = fields.pop("id", "")
        if not order_id:
            self.orders += 1
            order_id = str(self.orders)
        symbol = fields.pop("symbol", SYMBOL)
        for name in ("price", "stop_price", "trail"):
            if name in fields:
                fields[name] = d(fields[name])
        intent = OrderIntent(order_id, symbol, side, OrderType(kind), d(quantity), **fields)
        return list(self.venue.submit(Approved(intent), self.now if at is None else at))

    def buy(self, kind: str = "market", quantity: Any = 1, **fields: Any) -> list[VenueFact]:
        return self.order(Side.BUY, kind, quantity, **fields)

    def sell(self, kind: str = "market", quantity: Any = 1, **fields: Any) -> list[VenueFact]:
        return self.order(Side.SELL, kind, quantity, **fields)

    def cancel(self, order_id: str, at: int | None = None) -> list[VenueFact]:
        return list(self.venue.submit(CancelRequested(order_id, "test"), self.now if at is None else at))

    def query(self, order_id: str) -> list[VenueFact]:
        return list(self.venue.submit(QueryRequested(order_id, "test"), self.now))

    def bar(
        self,
        opened: Any,
        high: Any = None,
        low: Any = None,
        close: Any = None,
        *,
        volume: Any = 100,
        symbol: str = SYMBOL,
    ) -> list[VenueFact]:
        """The next bar; what is left out is flat."""
        top, bottom, last = (opened if price is None else price for price in (high, low, close))
        candle = Candle(self.now, d(opened), d(top), d(bottom), d(last), d(volume), symbol, MINUTE)
        self.now += MINUTE
        return list(self.venue.on_market(candle))

    def trade(self, price: Any, quantity: Any = 1, side: Side | None = None) -> list[VenueFact]:
        self.now += 1
        return list(self.venue.on_market(Trade(self.now, d(price), d(quantity), SYMBOL, side)))

    def quote(self, bid: Any, ask: Any, bid_size: Any = 10, ask_size: Any = 10) -> list[VenueFact]:
        self.now += 1
        return list(self.venue.on_market(Quote(self.now, d(bid), d(ask), d(bid_size), d(ask_size), SYMBOL)))

    def book(self, bids: Iterable[tuple[Any, Any]], asks: Iterable[tuple[Any, Any]]) -> list[VenueFact]:
        self.now += 1
        return list(self.venue.on_market(OrderBook(self.now, _levels(bids), _levels(asks), SYMBOL)))

    def delta(self, bids: Iterable[tuple[Any, Any]], asks: Iterable[tuple[Any, Any]]) -> list[VenueFact]:
        self.now += 1
        return list(self.venue.on_market(BookDelta(self.now, _levels(bids), _levels(asks), SYMBOL)))

    def mark(self, price: Any, symbol: str = SYMBOL) -> list[VenueFact]:
        self.now += 1
        return list(self.venue.on_market(MarkPrice(self.now, d(price), symbol)))

    def funding(self, rate: Any, symbol: str = SYMBOL) -> list[VenueFact]:
        self.now += 1
        return list(self.venue.on_market(FundingRate(self.now, d(rate), symbol)))

    def long(self, quantity: Any = 1, price: Any = 100) -> None:
        """Hold a long position bought at `price`, by a flat bar."""
        self.buy("market", quantity, id=f"long-{self.now}")
        assert [fill.price for fill in fills(self.bar(price))] == [d(price)]

    def short(self, quantity: Any = 1, price: Any = 100) -> None:
        """Hold a short position sold at `price`, by a flat bar."""
        self.sell("market", quantity, id=f"short-{self.now}")
        assert [fill.price for fill in fills(self.bar(price))] == [d(price)]


def fills(reports: Iterable[VenueFact]) -> list[Fill]:
    return [report for report in reports if isinstance(report, Fill)]


def kinds(reports: Iterable[VenueFact]) -> list[str]:
    """`["Fill 1", "OrderCancelled 2"]`: what happened to which order."""
    return [f"{type(report).__name__} {getattr(report, 'order_id', '')}".strip() for report in reports]


def prices(reports: Iterable[VenueFact]) -> list[Decimal]:
    return [fill.price for fill in fills(reports)]


def reason(reports: Iterable[VenueFact]) -> str:
    """The reason of the last report."""
    last = list(reports)[-1]
    found = getattr(last, "reason", None)
    assert isinstance(found, str), f"{last} has no reason"
    return found


def _levels(levels: Iterable[tuple[Any, Any]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((d(price), d(size)) for price, size in levels)
