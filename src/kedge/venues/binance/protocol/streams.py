"""Market data as it is pushed: what to subscribe to, and what a message says.

    channel        spot                     USD-M
    trades         <s>@trade                <s>@trade (public)
    quotes         <s>@bookTicker           <s>@bookTicker (public)
    book           <s>@depth@100ms          <s>@depth@100ms (public)
    candles        <s>@kline_<i>            <s>@kline_<i> (market)
    mark, funding  -                        <s>@markPrice@1s (market)

A futures stream on the wrong path connects, acknowledges and pings, and never says a word (FACTS.md 2.1): `path_of` is
the table. Messages come plain or in the envelope of a combined stream; `bookTicker` of spot carries neither its kind
nor a time, and is known by its fields. A kline is a candle once it says that it is final.

An event kind that we do not know is a breach of contract, counted by whoever feeds us; those that we know and have no
use for (`IGNORED`) are passed over. `m` says that the buyer was maker: the aggressor sold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec
from msgspec import Struct

from kedge.model.errors import UserError, VenueError
from kedge.model.instant import NS_PER_MS
from kedge.model.market import BookDelta, FundingRate, MarketEvent, MarkPrice, OrderBook, Quote, Trade, of_row
from kedge.model.order import Side
from kedge.venues.binance.protocol import pushed
from kedge.venues.binance.protocol.instruments import Listing
from kedge.venues.binance.protocol.market import ohlcv
from kedge.venues.binance.protocol.names import interval_name, interval_ns
from kedge.venues.binance.protocol.numbers import amount, levels, price, price_or_none, sequence, signed, when
from kedge.venues.binance.protocol.product import Product
from kedge.venues.exact import decode, shown
from kedge.venues.gateway import Subscription

_delta = of_row(BookDelta)
_trade = of_row(Trade)
_quote = of_row(Quote)
_mark = of_row(MarkPrice)
_rate = of_row(FundingRate)
_book = of_row(OrderBook)

#: Kinds of event that say nothing which Kedge uses.
IGNORED = frozenset(
    {
        *("24hrTicker", "24hrMiniTicker", "1hTicker", "4hTicker", "1dTicker", "avgPrice", "referencePrice"),
        *("blockTrade", "forceOrder", "contractInfo", "compositeIndex", "assetIndexUpdate", "continuous_kline"),
        *("rpiDepthUpdate", "tradingSession", "indexPriceUpdate"),
    }
)

#: Kinds of event that say that the connection will end.
ENDINGS = frozenset({"serverShutdown"})

#: A connection lives for a day; roll it before (FACTS.md 1.8, 2.8).
SESSION_S = 24 * 3_600

#: Streams of one connection, and messages a second that the venue takes of us.
STREAMS_MAX = 1_024
MESSAGES_PER_S_MAX = {Product.SPOT: 5, Product.USDM: 10}


#: A change of a book tells its kind this early; most of what comes is one, so it is read in one pass.
_HEAD = 96
_DEPTH_TEXT, _DEPTH_BYTES = '"depthUpdate"', b'"depthUpdate"'


class Path(StrEnum):
    """The families of futures streams, each with a path of its own."""

    PUBLIC = "public"
    MARKET = "market"
    PRIVATE = "private"


class Settlements:
    """Funding rates as they are settled.

    The stream tells the rate that *will* be settled, again and again, and when. Passed on as it is told it would be paid
    each time. A rate is a fact once its moment has passed: when the next moment is told, the last rate told for the one
    before is the one that was settled, as near as the stream says it (`get_funding_rates` has it exactly).
    """

    __slots__ = ("_awaited",)

    def __init__(self) -> None:
        self._awaited: dict[str, tuple[int, Decimal]] = {}

    def told(self, symbol: str, settles: int, rate: Decimal, received: int) -> tuple[FundingRate, ...]:
        """Take what is told of the next settlement; the one before where it has passed."""
        before = self._awaited.get(symbol)
        self._awaited[symbol] = settles, rate
        if before is None or settles <= before[0]:
            return ()
        return (_rate(before[0], before[1], symbol, received),)

    def awaited(self, symbol: str) -> tuple[int, Decimal] | None:
        """When the next settlement is, and the rate it would have now."""
        return self._awaited.get(symbol)


class Notice(Struct, frozen=True):
    """What is about the connection and not about the market: an acknowledgement, a refusal, an end to come."""

    kind: str
    id: int | str | None = None
    text: str = ""


def stream_name(product: Product, subscription: Subscription, raw: str) -> str:
    """The name of the stream that a subscription asks for."""
    symbol = raw.lower()
    match subscription.channel:
        case "trades":
            return f"{symbol}@trade"
        case "quotes":
            return f"{symbol}@bookTicker"
        case "book":
            return f"{symbol}@depth@100ms"
        case "candles":
            return f"{symbol}@kline_{interval_name(subscription.interval)}"
        case "mark" | "funding" if product is Product.USDM:
            return f"{symbol}@markPrice@1s"
        case other:
            raise UserError(f"channel {other!r} is none of {product}; it has {', '.join(channels(product))}")


def channels(product: Product) -> tuple[str, ...]:
    """The channels that a product has."""
    common = ("trades", "quotes", "book", "candles")
    return common if product is Product.SPOT else (*common, "mark", "funding")


def path_of(stream: str) -> Path:
    """The family of a futures stream."""
    kind = stream.partition("@")[2] or stream
    if kind.startswith(("bookTicker", "depth", "rpiDepth", "trade")) and not kind.startswith("tradingSession"):
        return Path.PUBLIC
    return Path.MARKET


def url(product: Product, base: str, streams: Iterable[str]) -> str:
    """Where a connection for these streams is made, before it subscribes. On futures they must be of one family."""
    if product is Product.SPOT:
        return f"{base}/stream"
    families = list(dict.fromkeys(path_of(stream) for stream in streams))
    if len(families) != 1:
        raise UserError(f"one connection carries one family of Binance futures streams, not {len(families)}")
    return f"{base}/{families[0]}/stream"


def subscribe(streams: Iterable[str], number: int, method: str = "SUBSCRIBE") -> str:
    """The message that asks for streams, or with UNSUBSCRIBE for their end."""
    return msgspec.json.encode({"method": method, "params": list(streams), "id": number}).decode()


def parse(
    message: str | bytes, listing: Listing, received: int, settlements: Settlements | None = None
) -> tuple[MarketEvent, ...] | Notice:
    """What a message says: facts, none for what is of no use, or a notice about the connection.

    `settlements` is what the connection has said of funding so far; without it funding is passed over.
    """
    if _is_list(message):
        return _many(message, listing, received, settlements)
    changes = _combined_depth(message)
    if changes is not None:
        return _changes(changes, listing, received)
    head = decode(message, pushed.ENVELOPE, "stream message")
    data = bytes(head.data)
    if data:
        if _is_list(data):
            return _many(data, listing, received, settlements)
        return _one(data, decode(data, pushed.ENVELOPE, "stream data"), head.stream, listing, received, settlements)
    error = bytes(head.error)
    if error or head.code is not None:
        return Notice("error", head.id, shown(_text(error) if error else head.msg))
    if not head.e and head.u is None and head.lastUpdateId is None:
        if head.id is None and not bytes(head.result):
            raise VenueError(f"stream message is none that we know: {shown(_text(message))}")
        return Notice("ack", head.id)
    return _one(message, head, head.stream, listing, received, settlements)


def _many(
    message: str | bytes, listing: Listing, received: int, settlements: Settlements | None
) -> tuple[MarketEvent, ...]:
    found: list[MarketEvent] = []
    for raw in decode(message, pushed.LIST, "stream message"):
        data = bytes(raw)
        told = _one(data, decode(data, pushed.ENVELOPE, "stream data"), "", listing, received, settlements)
        if not isinstance(told, Notice):
            found.extend(told)
    return tuple(found)


def _one(
    data: str | bytes,
    head: pushed.Envelope,
    stream: str,
    listing: Listing,
    received: int,
    settlements: Settlements | None,
) -> tuple[MarketEvent, ...] | Notice:
    if head.e in ENDINGS:
        return Notice("ending", None, head.e)
    if head.lastUpdateId is not None and not head.e:
        return (_partial(data, stream, listing, received),)
    read = _READERS.get(head.e)
    if read is not None:
        return read(data, listing, received)
    if head.e == "markPriceUpdate":
        return _read_mark(data, listing, received, settlements)
    if head.e in IGNORED:
        return ()
    raise VenueError(f"event {shown(head.e)} is none that we know")


def depth(text: str | bytes, listing: Listing, received: int) -> tuple[MarketEvent, ...]:
    """Changes of a book."""
    return _changes(decode(text, pushed.DEPTH, "depthUpdate"), listing, received)


def _combined_depth(message: str | bytes) -> pushed.Depth | None:
    """A change of a book in the envelope of a combined stream; `None` where it is anything else, sound or not."""
    head = message[:_HEAD]
    if not (_DEPTH_TEXT in head if isinstance(head, str) else _DEPTH_BYTES in head):
        return None
    try:
        found = decode(message, pushed.COMBINED_DEPTH).data
    except VenueError:
        return None
    return found if found.e == "depthUpdate" else None


def _changes(found: pushed.Depth, listing: Listing, received: int) -> tuple[BookDelta]:
    if not 0 <= found.U <= found.u:
        raise VenueError(f"depthUpdate: first update {found.U} and last {found.u} are no range")
    if found.pu < -1:
        raise VenueError(f"depthUpdate: previous update is {found.pu}; it must not be below zero")
    return (
        _delta(
            when(found.T or found.E),
            levels(found.b, zero_removes=True),
            levels(found.a, zero_removes=True),
            listing.symbol(found.s),
            found.U,
            found.u,
            found.pu,
            received,
        ),
    )


def _read_trade(text: str | bytes, listing: Listing, received: int) -> tuple[MarketEvent, ...]:
    found = decode(text, pushed.TRADE, "trade")
    if found.X not in {"", "MARKET"}:
        return ()  # futures: the insurance fund and deleveraging are told as trades too, outside the book
    quantity = amount(found.q, "quantity")
    if not quantity:
        return ()  # futures push such an empty trade where only hidden liquidity has met
    number = found.t or found.a
    side = Side.SELL if found.m else Side.BUY
    symbol = listing.symbol(found.s)
    return (_trade(when(found.T), price(found.p), quantity, symbol, side, str(sequence(number, "trade id")), received),)


def _read_ticker(text: str | bytes, listing: Listing, received: int) -> tuple[MarketEvent, ...]:
    found = decode(text, pushed.TICKER, "bookTicker")
    bid, ask = price_or_none(found.b, "bid"), price_or_none(found.a, "ask")
    bid_size, ask_size = amount(found.B, "bid size"), amount(found.A, "ask size")
    if bid is None or ask is None:
        return ()  # one side of the book is empty: there is no quote
    ts = when(found.T or found.E) if found.T or found.E else received
    return (_quote(ts, bid, ask, bid_size, ask_size, listing.symbol(found.s), received),)


def _read_kline(text: str | bytes, listing: Listing, received: int) -> tuple[MarketEvent, ...]:
    found = decode(text, pushed.KLINE, "kline")
    bar = found.k
    step = interval_ns(bar.i) if bar.i != "1M" else 0
    candle = ohlcv(when(bar.t), [bar.o, bar.h, bar.l, bar.c, bar.v], listing.symbol(found.s), step, received)
    return (candle,) if bar.x and step else ()


def _read_mark(
    text: str | bytes, listing: Listing, received: int, settlements: Settlements | None
) -> tuple[MarketEvent, ...]:
    found = decode(text, pushed.MARK, "markPriceUpdate")
    symbol = listing.symbol(found.s)
    mark = _mark(when(found.E), price(found.p, "mark price"), symbol, received)
    if not found.r or not found.T:
        return (mark,)  # a contract without funding
    rate, settles = signed(found.r, "funding rate"), when(found.T, "funding time")
    if settlements is None:
        return (mark,)
    return (mark, *settlements.told(symbol, settles, rate, received))


def _partial(data: str | bytes, stream: str, listing: Listing, received: int) -> OrderBook:
    """The top of a spot book, which names neither its market nor its time: the envelope does."""
    found = decode(data, pushed.PARTIAL, "partial book")
    raw = stream.partition("@")[0].upper()
    return _book(
        received or NS_PER_MS,
        levels(found.bids, zero_removes=False),
        levels(found.asks, zero_removes=False),
        listing.symbol(raw),
        sequence(found.lastUpdateId, "lastUpdateId"),
        received,
    )


_Reader = Callable[[str | bytes, Listing, int], tuple[MarketEvent, ...]]

_READERS: dict[str, _Reader] = {
    "depthUpdate": depth,
    "trade": _read_trade,
    "aggTrade": _read_trade,
    "bookTicker": _read_ticker,
    "": _read_ticker,
    "kline": _read_kline,
}

#: The kinds of event that a connection of ours may push.
KINDS = frozenset({*_READERS, "markPriceUpdate", *IGNORED, *ENDINGS})


def _is_list(message: str | bytes) -> bool:
    return message[:1] in {"[", b"["}


def _text(message: str | bytes) -> str:
    return message if isinstance(message, str) else message.decode("utf-8", "replace")
