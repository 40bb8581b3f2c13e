"""What the market tells: candles, trades, quotes, order books, mark prices and funding rates.

These are built as they come, bad values too: the one place that judges them is
`kedge.core.market.handler.MarketDataHandler`, which quarantines with a reason. `ts` is the venue's time and
`received` ours (0: the same moment); for a candle `ts` is the time it opened and `interval` its length, so it
is known at `ts + interval` and not before.

Constructing one takes `timestamp` first, an aware `datetime` or integer nanoseconds. Decoders and the
simulator build millions of them and use `of_row`, which converts nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, StructMeta

from kedge.model.instant import to_datetime, to_ns
from kedge.model.order import Side

DEFAULT_SYMBOL = "BTC-USD"

#: Price and size.
Level = tuple[Decimal, Decimal]

T = TypeVar("T", bound="Stamped")


class TimestampFirst(StructMeta):
    """Calling the class converts the timestamp; everything that skips the call (decoding, `of_row`) does
    not.
    """

    def __call__(self, timestamp: datetime | int, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(to_ns(timestamp), *args, **kwargs)


class Stamped(Struct, frozen=True, gc=False):
    """What carries the venue's time."""

    ts: int

    @property
    def timestamp(self) -> datetime:
        """The venue's time as an aware UTC `datetime`."""
        return to_datetime(self.ts)


class Candle(Stamped, frozen=True, gc=False, tag="candle", metaclass=TimestampFirst):
    """Open, high, low and close of `[ts, ts + interval)` and the volume traded, in the base currency."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    symbol: str = DEFAULT_SYMBOL
    interval: int = 0
    received: int = 0

    if TYPE_CHECKING:

        def __init__(
            self,
            timestamp: datetime | int,
            open: Decimal,  # noqa: A002  (the field's name)
            high: Decimal,
            low: Decimal,
            close: Decimal,
            volume: Decimal,
            symbol: str = DEFAULT_SYMBOL,
            interval: int = 0,
            received: int = 0,
        ) -> None: ...


class Trade(Stamped, frozen=True, gc=False, tag="trade", metaclass=TimestampFirst):
    """One execution on the venue between others; `side` is the aggressor's, `None` where not told."""

    price: Decimal
    quantity: Decimal
    symbol: str = DEFAULT_SYMBOL
    side: Side | None = None
    trade_id: str = ""
    received: int = 0

    if TYPE_CHECKING:

        def __init__(
            self,
            timestamp: datetime | int,
            price: Decimal,
            quantity: Decimal,
            symbol: str = DEFAULT_SYMBOL,
            side: Side | None = None,
            trade_id: str = "",
            received: int = 0,
        ) -> None: ...


class Quote(Stamped, frozen=True, gc=False, tag="quote", metaclass=TimestampFirst):
    """The best bid and ask with their sizes."""

    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal
    symbol: str = DEFAULT_SYMBOL
    received: int = 0

    if TYPE_CHECKING:

        def __init__(
            self,
            timestamp: datetime | int,
            bid: Decimal,
            ask: Decimal,
            bid_size: Decimal,
            ask_size: Decimal,
            symbol: str = DEFAULT_SYMBOL,
            received: int = 0,
        ) -> None: ...


class OrderBook(Stamped, frozen=True, gc=False, tag="book", metaclass=TimestampFirst):
    """A whole book: bids from the highest price down, asks from the lowest up, as of update `sequence`."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    symbol: str = DEFAULT_SYMBOL
    sequence: int = 0
    received: int = 0

    if TYPE_CHECKING:

        def __init__(
            self,
            timestamp: datetime | int,
            bids: tuple[Level, ...],
            asks: tuple[Level, ...],
            symbol: str = DEFAULT_SYMBOL,
            sequence: int = 0,
            received: int = 0,
        ) -> None: ...


class BookDelta(Stamped, frozen=True, gc=False, tag="book_delta", metaclass=TimestampFirst):
    """Levels that changed in updates `first_sequence..sequence`; a size of zero removes the level.

    `previous_sequence` is the last update of the delta before this one where the venue says so, else -1.
    """

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    symbol: str = DEFAULT_SYMBOL
    first_sequence: int = 0
    sequence: int = 0
    previous_sequence: int = -1
    received: int = 0

    if TYPE_CHECKING:

        def __init__(
            self,
            timestamp: datetime | int,
            bids: tuple[Level, ...],
            asks: tuple[Level, ...],
            symbol: str = DEFAULT_SYMBOL,
            first_sequence: int = 0,
            sequence: int = 0,
            previous_sequence: int = -1,
            received: int = 0,
        ) -> None: ...


class MarkPrice(Stamped, frozen=True, gc=False, tag="mark_price", metaclass=TimestampFirst):
    """The venue's price for margin and liquidation of a perpetual."""

    price: Decimal
    symbol: str = DEFAULT_SYMBOL
    received: int = 0

    if TYPE_CHECKING:

        def __init__(
            self, timestamp: datetime | int, price: Decimal, symbol: str = DEFAULT_SYMBOL, received: int = 0
        ) -> None: ...


class FundingRate(Stamped, frozen=True, gc=False, tag="funding_rate", metaclass=TimestampFirst):
    """The rate of a perpetual's funding at `ts`; positive: longs pay shorts `rate x notional`."""

    rate: Decimal
    symbol: str = DEFAULT_SYMBOL
    received: int = 0

    if TYPE_CHECKING:

        def __init__(
            self, timestamp: datetime | int, rate: Decimal, symbol: str = DEFAULT_SYMBOL, received: int = 0
        ) -> None: ...


MarketEvent = Candle | Trade | Quote | OrderBook | BookDelta | MarkPrice | FundingRate


def of_row(kind: type[T]) -> Callable[..., T]:
    """The constructor of `kind` that takes its fields as stored, `ts` in nanoseconds first, and converts
    nothing.
    """
    construct: Callable[..., T] = StructMeta.__call__.__get__(kind, StructMeta)  # bound: half the cost of a partial
    return construct
