"""Market facts for tests: good ones made to measure, one kind of defect at a time, and bad values of every type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from msgspec import structs

from kedge.model.market import (
    BookDelta,
    Candle,
    FundingRate,
    MarketEvent,
    MarkPrice,
    OrderBook,
    Quote,
    Trade,
    of_row,
)

D = Decimal
SYMBOL = "BTC-USD"
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_700_000_040 * SECOND  # on a minute of UTC

HUNDRED, BID, ASK, RATE = D(100), D(99), D(101), D("0.0001")

#: Any two of these are within the default jump limit of each other.
PRICES = st.decimals(D("85.0000"), D("120.0000"), places=4)
SIZES = st.decimals(D("0.00000001"), D(1_000_000), places=8)
VOLUMES = st.decimals(D(0), D(1_000_000), places=8)

candle_row = of_row(Candle)
trade_row = of_row(Trade)
quote_row = of_row(Quote)
book_row = of_row(OrderBook)
delta_row = of_row(BookDelta)
mark_row = of_row(MarkPrice)
funding_row = of_row(FundingRate)

#: What must never be believed as a price.
NOT_A_PRICE: list[Any] = [
    *(
        None,
        D("NaN"),
        D("-NaN"),
        D("sNaN"),
        D("Infinity"),
        D("-Infinity"),
        D(0),
        D("-0"),
        D(-1),
        D("-1E-9"),
        D("1E+25"),
    ),
    *(100, 0, True, 100.0, float("nan"), float("inf"), "100", "", b"100", [], {}, ()),
]
#: A volume may be zero.
NOT_A_VOLUME: list[Any] = [value for value in NOT_A_PRICE if not (type(value) is Decimal and value.is_zero())]
NOT_LEVELS: list[Any] = [None, 1, "x", (1,), ((D(99),),), ((D(99), None),), ((None, D(1)),), (("99", "1"),)]
NOT_A_TIME: list[Any] = [None, -1, 2**63, 2**80, "1700000000", D("NaN")]


def candle(
    ts: int, price: Decimal = HUNDRED, interval: int = MINUTE, received: int = 0, symbol: str = SYMBOL
) -> Candle:
    """A good candle about `price`."""
    return candle_row(ts, price, price + 1, price - 1, price, D(5), symbol, interval, received)


def trade(ts: int, price: Decimal = HUNDRED, trade_id: str = "", received: int = 0, symbol: str = SYMBOL) -> Trade:
    """A good trade."""
    return trade_row(ts, price, D(2), symbol, None, trade_id, received)


def quote(ts: int, bid: Decimal = BID, ask: Decimal = ASK, received: int = 0, symbol: str = SYMBOL) -> Quote:
    """A good quote."""
    return quote_row(ts, bid, ask, D(3), D(4), symbol, received)


def book(ts: int, sequence: int = 0, received: int = 0, symbol: str = SYMBOL) -> OrderBook:
    """A good book around 100: bids 99, 98; asks 101, 102."""
    return book_row(ts, ((D(99), D(1)), (D(98), D(2))), ((D(101), D(1)), (D(102), D(2))), symbol, sequence, received)


def delta(ts: int, sequence: int = 0, received: int = 0, symbol: str = SYMBOL) -> BookDelta:
    """A good change: the best bid's size."""
    return delta_row(ts, ((D(99), D(3)),), (), symbol, sequence, sequence, -1, received)


def mark(ts: int, price: Decimal = HUNDRED, received: int = 0, symbol: str = SYMBOL) -> MarkPrice:
    """A good mark price."""
    return mark_row(ts, price, symbol, received)


def funding(ts: int, rate: Decimal = RATE, received: int = 0, symbol: str = SYMBOL) -> FundingRate:
    """A good funding rate."""
    return funding_row(ts, rate, symbol, received)


@st.composite
def candles(draw: st.DrawFn) -> Candle:
    """A good candle of the first minute."""
    low, first, second, high = sorted(draw(st.lists(PRICES, min_size=4, max_size=4)))
    opened, close = draw(st.permutations([first, second]))
    return candle_row(START, opened, high, low, close, draw(VOLUMES), SYMBOL, MINUTE)


trades = st.builds(trade_row, st.just(START), PRICES, SIZES, st.just(SYMBOL))
marks = st.builds(mark_row, st.just(START), PRICES, st.just(SYMBOL))
fundings = st.builds(funding_row, st.just(START), st.decimals(D(-1), D(1), places=6), st.just(SYMBOL))


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    """A good quote."""
    bid, ask = sorted(draw(st.lists(PRICES, min_size=2, max_size=2, unique=True)))
    return quote_row(START, bid, ask, draw(SIZES), draw(SIZES), SYMBOL)


@st.composite
def books(draw: st.DrawFn) -> OrderBook:
    """A good book, an empty side included."""
    prices = sorted(draw(st.lists(PRICES, max_size=8, unique=True)))
    cut = draw(st.integers(0, len(prices)))
    bids = tuple((price, draw(SIZES)) for price in reversed(prices[:cut]))
    asks = tuple((price, draw(SIZES)) for price in prices[cut:])
    return book_row(START, bids, asks, SYMBOL, draw(st.one_of(st.just(0), st.integers(2, 10**6))))


facts: st.SearchStrategy[MarketEvent] = st.one_of(candles(), trades, quotes(), books(), marks, fundings)


def changed(fact: Any, **fields: Any) -> Any:
    """`fact` with some fields other, unchecked."""
    row = dict(zip(fact.__struct_fields__, structs.astuple(fact), strict=True)) | fields
    return of_row(type(fact))(*row.values())
