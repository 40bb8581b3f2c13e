"""Market data over REST: books, trades and candles.

A book has no sequence number here; the WebSocket's numbers cannot be joined to it, and need not be: the channel itself
begins with a snapshot. Candles come newest first, the latest still open, and a bucket without a trade is missing: that is
no gap in what we know.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from kedge.model.errors import VenueError
from kedge.model.market import Candle, Level, OrderBook, Trade, of_row
from kedge.model.order import Side
from kedge.venues.coinbase.orders import SIDES
from kedge.venues.coinbase.values import Fields

_candle = of_row(Candle)
_book = of_row(OrderBook)
_trade = of_row(Trade)

#: The aggressor's side. REST and WebSocket tell the maker's, so it is the other one (decision 0032).
_TAKERS: Mapping[str, Side] = {word: side.opposite for word, side in SIDES.items()}


def server_time(told: Fields) -> int:
    """The venue's clock, UTC nanoseconds."""
    return told.integer("epochMillis") * 1_000_000


def book(told: Fields, symbol: str, received: int = 0) -> OrderBook:
    """A snapshot."""
    inside = told.object("pricebook")
    bids = levels(inside, "bids", descending=True)
    asks = levels(inside, "asks", descending=False)
    return _book(inside.moment("time"), bids, asks, symbol, 0, received)


def levels(told: Fields, name: str, descending: bool) -> tuple[Level, ...]:
    """One side of a book, the best first; `VenueError` where it is not in order."""
    read = tuple((level.positive("price"), level.positive("size")) for level in told.items(name))
    prices = [price for price, _ in read]
    if prices != sorted(set(prices), reverse=descending):
        raise VenueError(f"{told.what}: the {name} are not in order")
    return read


def trades(told: Fields, symbol: str, received: int = 0) -> tuple[Trade, ...]:
    """The latest trades, oldest first."""
    read = [trade(item, symbol, received) for item in told.items("trades")]
    return tuple(sorted(read, key=lambda item: item.ts))


def trade(told: Fields, symbol: str, received: int = 0) -> Trade:
    """One trade, from REST or WebSocket."""
    side = told.word("side", _TAKERS) if told.has("side") else None
    trade_id = told.text("trade_id")
    return _trade(told.moment("time"), told.positive("price"), told.positive("size"), symbol, side, trade_id, received)


def best(told: Fields) -> tuple[Decimal, Decimal]:
    """The best bid and ask beside the latest trades."""
    return told.positive("best_bid"), told.positive("best_ask")


def candles(told: Fields, symbol: str, interval: int, closed_by: int, received: int = 0) -> tuple[Candle, ...]:
    """Candles that have closed by `closed_by` (UTC ns), oldest first."""
    read = [candle(item, symbol, interval, received) for item in told.items("candles")]
    starts = [item.ts for item in read]
    if len(set(starts)) < len(starts):
        raise VenueError(f"{told.what} has a bucket twice")
    return tuple(sorted((item for item in read if item.ts + interval <= closed_by), key=lambda item: item.ts))


def candle(told: Fields, symbol: str, interval: int, received: int = 0) -> Candle:
    """One candle; `VenueError` where its prices do not enclose each other."""
    start = told.moment("start")
    open_, high, low, close = (told.positive(name) for name in ("open", "high", "low", "close"))
    if not (low <= open_ <= high and low <= close <= high):
        raise VenueError(f"{told.what} of {start}: low {low} and high {high} do not enclose {open_} and {close}")
    return _candle(start, open_, high, low, close, told.not_negative("volume"), symbol, interval, received)
