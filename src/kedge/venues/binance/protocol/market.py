"""Market data that was asked for: books, trades, candles, marks and funding.

A candle that has not closed yet is not a candle: the last row of every answer is the open one, so rows whose close lies
after `now` are dropped. `isBuyerMaker` (and `m` in streams) says that the buyer rested in the book, so the aggressor
*sold* (FACTS.md 1.7). Spot books and premiums carry no time of their own where noted; they get the time they came.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade, of_row
from kedge.model.order import Side
from kedge.venues.binance.protocol.numbers import (
    amount,
    lenient,
    levels,
    price,
    price_or_none,
    sequence,
    signed,
    when,
)
from kedge.venues.exact import decode

_candle = of_row(Candle)
_trade = of_row(Trade)
_book = of_row(OrderBook)
_quote = of_row(Quote)


class _Time(Struct):
    serverTime: int  # noqa: N815


class _Depth(Struct):
    lastUpdateId: int  # noqa: N815
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    E: int = 0
    T: int = 0


class _TradeRow(Struct):
    id: int
    price: str
    qty: str
    time: int
    isBuyerMaker: bool  # noqa: N815


class _AggRow(Struct):
    a: int
    p: str
    q: str
    T: int
    m: bool


class _Ticker(Struct):
    symbol: str
    bidPrice: str  # noqa: N815
    bidQty: str  # noqa: N815
    askPrice: str  # noqa: N815
    askQty: str  # noqa: N815
    time: int = 0


class _Premium(Struct):
    symbol: str
    markPrice: str  # noqa: N815
    time: int
    lastFundingRate: str = ""  # noqa: N815
    nextFundingTime: int = 0  # noqa: N815
    indexPrice: str | None = None  # noqa: N815


class _Funding(Struct):
    symbol: str
    fundingTime: int  # noqa: N815
    fundingRate: str  # noqa: N815
    markPrice: str | None = None  # noqa: N815


class _AveragePrice(Struct):
    price: str
    closeTime: int = 0  # noqa: N815


_TIME = lenient(_Time)
_DEPTH = lenient(_Depth)
_TRADE_ROWS = lenient(list[_TradeRow])
_AGG_ROWS = lenient(list[_AggRow])
_ROWS = lenient(list[list[Any]])
_PREMIUM = lenient(_Premium | list[_Premium])
_FUNDINGS = lenient(list[_Funding])
_TICKER = lenient(_Ticker | list[_Ticker])
_AVERAGE = lenient(_AveragePrice)


class Premium(Struct, frozen=True, gc=False):
    """The mark price of a perpetual and the funding to come. `rate` is a fraction, `settles` 0 where it is not told."""

    raw: str
    mark: Decimal
    index: Decimal | None
    rate: Decimal | None
    settles: int
    ts: int


class Settled(Struct, frozen=True, gc=False):
    """A funding rate that was settled, and the mark price it was settled at."""

    rate: FundingRate
    mark: Decimal | None


def server_time(body: bytes) -> int:
    """The venue's clock, UTC ns."""
    return when(decode(body, _TIME, "server time").serverTime, "server time")


def book(body: bytes, symbol: str, received: int) -> OrderBook:
    """A snapshot. Spot tells no time, so it gets the time it came."""
    found = decode(body, _DEPTH, "book")
    bids, asks = levels(found.bids, zero_removes=False), levels(found.asks, zero_removes=False)
    if not _falls(bids) or not _falls(tuple(reversed(asks))):
        raise VenueError("book: its levels are not in order")
    ts = when(found.T or found.E) if found.T or found.E else received
    return _book(ts, bids, asks, symbol, sequence(found.lastUpdateId, "lastUpdateId"), received)


def trades(body: bytes, symbol: str, received: int) -> tuple[Trade, ...]:
    """The latest trades, oldest first."""
    found = [
        _trade(
            when(row.time),
            price(row.price),
            _some(row.qty),
            symbol,
            _aggressor(row.isBuyerMaker),
            str(row.id),
            received,
        )
        for row in sorted(decode(body, _TRADE_ROWS, "trades"), key=lambda row: row.id)
    ]
    return tuple(found)


def agg_trades(body: bytes, symbol: str, received: int) -> tuple[Trade, ...]:
    """The latest trades as the venue adds them up, oldest first."""
    found = [
        _trade(when(row.T), price(row.p), _some(row.q), symbol, _aggressor(row.m), str(row.a), received)
        for row in sorted(decode(body, _AGG_ROWS, "aggregate trades"), key=lambda row: row.a)
    ]
    return tuple(found)


def candles(body: bytes, symbol: str, interval_ns: int, now_ns: int, received: int = 0) -> tuple[Candle, ...]:
    """Closed candles, oldest first, in the order of the answer."""
    found: list[Candle] = []
    for row in decode(body, _ROWS, "candles"):
        if len(row) < 7:
            raise VenueError(f"candle: {len(row)} columns; it must have 7 at least")
        opened, closes = when(row[0], "open time"), when(row[6], "close time")
        if closes >= now_ns:
            continue
        candle = ohlcv(opened, row[1:6], symbol, interval_ns, received)
        if found and candle.ts <= found[-1].ts:
            raise VenueError("candles: not in the order of time")
        found.append(candle)
    return tuple(found)


def ohlcv(opened: int, texts: list[Any], symbol: str, interval_ns: int, received: int) -> Candle:
    """One candle. Whether its figures agree with each other is for the market handler to judge."""
    first, high, low, last = (
        price(text, what) for text, what in zip(texts, ("open", "high", "low", "close"), strict=False)
    )
    return _candle(opened, first, high, low, last, amount(texts[4], "volume"), symbol, interval_ns, received)


def quotes(body: bytes, symbols: dict[str, str], received: int) -> tuple[Quote, ...]:
    """Best bids and asks of the markets in `symbols` (raw to canonical); one that has no bid or no ask is left out."""
    found = decode(body, _TICKER, "book ticker")
    rows = found if isinstance(found, list) else [found]
    told: list[Quote] = []
    for row in rows:
        bid, ask = price_or_none(row.bidPrice), price_or_none(row.askPrice)
        sizes = amount(row.bidQty, "bid size"), amount(row.askQty, "ask size")
        if row.symbol in symbols and bid is not None and ask is not None:
            ts = when(row.time) if row.time else received
            told.append(_quote(ts, bid, ask, *sizes, symbols[row.symbol], received))
    return tuple(told)


def premiums(body: bytes) -> tuple[Premium, ...]:
    """Mark prices and funding to come, of one market or of all."""
    found = decode(body, _PREMIUM, "premium index")
    rows = found if isinstance(found, list) else [found]
    return tuple(
        Premium(
            row.symbol,
            price(row.markPrice, "mark price"),
            price_or_none(row.indexPrice, "index price"),
            signed(row.lastFundingRate, "funding rate") if row.lastFundingRate else None,
            when(row.nextFundingTime, "next funding time"),
            when(row.time),
        )
        for row in rows
    )


def mark_price(body: bytes, raw: str, symbol: str, received: int) -> MarkPrice:
    """The mark price of one market."""
    for premium in premiums(body):
        if premium.raw == raw:
            return MarkPrice(premium.ts, premium.mark, symbol, received)
    raise VenueError(f"premium index: {raw} is not in the answer")


def funding(body: bytes, symbol: str, received: int) -> tuple[Settled, ...]:
    """Rates that were settled, oldest first."""
    rows = sorted(decode(body, _FUNDINGS, "funding rates"), key=lambda row: row.fundingTime)
    return tuple(
        Settled(
            FundingRate(when(row.fundingTime), signed(row.fundingRate, "funding rate"), symbol, received),
            price_or_none(row.markPrice, "mark price"),
        )
        for row in rows
    )


def average_price(body: bytes) -> Decimal:
    """The mean price of the last minutes, which spot holds its filters against."""
    return price(decode(body, _AVERAGE, "average price").price)


def _aggressor(buyer_is_maker: bool) -> Side:
    return Side.SELL if buyer_is_maker else Side.BUY


def _some(text: str) -> Decimal:
    quantity = amount(text, "quantity")
    if not quantity:
        raise VenueError("a trade of nothing")
    return quantity


def _falls(side: tuple[tuple[Decimal, Decimal], ...]) -> bool:
    return all(side[at][0] > side[at + 1][0] for at in range(len(side) - 1))
