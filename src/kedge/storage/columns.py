"""Columns: market history as int64 arrays, and the facts built from them.

A million candles as objects take half a gigabyte; as columns 48 MB. So history is kept as columns (times in UTC
nanoseconds, values as `kedge.storage.ticks`) and facts are built a few thousand at a time, when they are read.
Values are taken as they are, bad ones too: judging them is the work of the core's market data handler.

Columns are frozen: their arrays are marked read-only, and a slice is a view, not a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr

from kedge.model.errors import DataError
from kedge.model.market import Candle, FundingRate, MarkPrice, Quote, Trade, of_row
from kedge.model.order import Side
from kedge.storage.ticks import decimal_lists, decimals, normal, rescaled, scale_of, ticks_of

if TYPE_CHECKING:
    from decimal import Decimal

    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

T = TypeVar("T")

#: Facts built at a time: small enough to stay in cache, large enough to pay for the array calls.
CHUNK = 4096

#: How a side is kept in a column, and read back by index.
SIDE_CODES: dict[Side | None, int] = {None: 0, Side.BUY: 1, Side.SELL: -1}
_SIDES: tuple[Side | None, ...] = (None, Side.BUY, Side.SELL)  # index -1 is the last

_candle = of_row(Candle)
_trade = of_row(Trade)
_quote = of_row(Quote)
_mark = of_row(MarkPrice)
_funding = of_row(FundingRate)


class Columns(Struct, frozen=True, eq=False):
    """What all kinds of columns share: equal lengths, read-only arrays, slices, equality by value."""

    array_names: ClassVar[tuple[str, ...]] = ()
    if TYPE_CHECKING:

        @property
        def symbol(self) -> str: ...
        @property
        def ts(self) -> Ints: ...

    def __post_init__(self) -> None:
        import numpy as np

        rows = len(self.ts)
        for name in self.array_names:
            array = getattr(self, name)
            if array.ndim != 1 or len(array) != rows:
                raise DataError(f"column {name} of {self.symbol} has shape {array.shape}; ts has {rows} rows")
            if array.dtype != np.int64 and not (name == "trade_id" and array.dtype.kind == "S"):
                raise DataError(f"column {name} of {self.symbol} is {array.dtype}; it must be int64")
            if array.flags.writeable:
                view = array.view()
                view.flags.writeable = False
                force_setattr(self, name, view)

    def __len__(self) -> int:
        return len(self.ts)

    def __getitem__(self, rows: slice) -> Self:
        """The rows of a slice, as a view of the same memory."""
        if not isinstance(rows, slice):
            raise TypeError(f"columns are sliced, as in columns[10:20]; got {rows!r}")
        return self._with({name: getattr(self, name)[rows] for name in self.array_names})

    def _with(self, changed: dict[str, Any]) -> Self:
        kept = {name: getattr(self, name) for name in self.__struct_fields__}
        return type(self)(**(kept | changed))

    def __eq__(self, other: object) -> bool:
        import numpy as np

        if type(other) is not type(self):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            if name in self.array_names
            else getattr(self, name) == getattr(other, name)
            for name in self.__struct_fields__
        )

    def __ne__(self, other: object) -> bool:
        return not self == other  # a Struct without `eq` brings a `!=` by identity

    __hash__ = None  # type: ignore[assignment]

    def between(self, start: int | None, end: int | None) -> Self:
        """The rows with `start <= ts < end`, ns; `None` is no bound. Order is kept, sorted or not."""
        import numpy as np

        if not len(self) or (start is None and end is None):
            return self
        ts = self.ts
        if bool((ts[1:] >= ts[:-1]).all()):
            first = 0 if start is None else int(np.searchsorted(ts, start, "left"))
            last = len(ts) if end is None else int(np.searchsorted(ts, end, "left"))
            return self[first : max(first, last)]
        keep = np.ones(len(ts), dtype=np.bool_)
        if start is not None:
            keep &= ts >= start
        if end is not None:
            keep &= ts < end
        return self._with({name: getattr(self, name)[keep] for name in self.array_names})

    def known(self) -> Ints:
        """When each row is known, ns: a candle when it ends, anything else when it happens."""
        return self.ts

    def facts(self, chunk: int = CHUNK) -> Iterator[Any]:
        """The rows as facts, built `chunk` at a time."""
        raise NotImplementedError

    def _chunks(self, chunk: int, build: Callable[[slice], Iterator[T]]) -> Iterator[T]:
        """What `build` makes of each `chunk` of rows, when it is read. No Python runs between two facts of a chunk."""
        return chain.from_iterable(build(slice(at, at + chunk)) for at in range(0, len(self), chunk))


class CandleColumns(Columns, frozen=True, eq=False):
    """Candles of one symbol and interval.

    `interval` in ns; `ts` the opening times in UTC ns; prices are `ticks / 10**price_scale`, volumes
    `ticks / 10**size_scale`.
    """

    array_names: ClassVar[tuple[str, ...]] = ("ts", "open", "high", "low", "close", "volume")

    symbol: str
    interval: int
    price_scale: int
    size_scale: int
    ts: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    @classmethod
    def from_candles(cls, candles: Iterable[Candle]) -> Self:
        """Columns that give back exactly these candles; one symbol, one interval, finite values.

        `received` is not kept: history has the venue's time only.
        """
        rows = list(candles)
        first = _one_stream(rows)
        if len({row.interval for row in rows}) > 1:
            raise DataError(f"candles of {first.symbol} have several intervals; keep one interval a stream")
        (open_, high, low, close), price_scale = _ticks(rows, ("open", "high", "low", "close"))
        (volume,), size_scale = _ticks(rows, ("volume",))
        return cls(first.symbol, first.interval, price_scale, size_scale, _times(rows), open_, high, low, close, volume)

    def candles(self, chunk: int = CHUNK) -> Iterator[Candle]:
        """The candles in order, built `chunk` at a time, so memory does not grow with the length."""
        return self._chunks(chunk, self._candles)

    def _candles(self, rows: slice) -> Iterator[Candle]:
        prices = (self.open[rows], self.high[rows], self.low[rows], self.close[rows])
        return map(
            _candle,
            self.ts[rows].tolist(),
            *decimal_lists(prices, self.price_scale),
            decimals(self.volume[rows], self.size_scale),
            repeat(self.symbol),
            repeat(self.interval),
        )

    facts = candles

    def known(self) -> Ints:
        known: Ints = self.ts + self.interval
        return known

    def at_scales(self, price_scale: int, size_scale: int) -> CandleColumns:
        """The same candles at finer scales; a value that no longer fits is a `DataError`."""
        open_, high, low, close = (
            rescaled(getattr(self, name), self.price_scale, price_scale, f"{name} of {self.symbol}")
            for name in ("open", "high", "low", "close")
        )
        volume = rescaled(self.volume, self.size_scale, size_scale, f"volume of {self.symbol}")
        return CandleColumns(
            self.symbol, self.interval, price_scale, size_scale, self.ts, open_, high, low, close, volume
        )

    def normalized(self) -> CandleColumns:
        """The same candles at the smallest scales that hold them: equal candles, equal columns."""
        prices, price_scale = normal((self.open, self.high, self.low, self.close), self.price_scale)
        open_, high, low, close = prices
        (volume,), size_scale = normal((self.volume,), self.size_scale)
        return CandleColumns(
            self.symbol, self.interval, price_scale, size_scale, self.ts, open_, high, low, close, volume
        )


class TradeColumns(Columns, frozen=True, eq=False):
    """Trades of one symbol. `side` is 1 buy, -1 sell, 0 not told; `trade_id` int64, or bytes where ids are not numbers."""

    array_names: ClassVar[tuple[str, ...]] = ("ts", "price", "quantity", "side", "trade_id")

    symbol: str
    price_scale: int
    size_scale: int
    ts: Ints
    price: Ints
    quantity: Ints
    side: Ints
    trade_id: NDArray[Any]

    @classmethod
    def from_trades(cls, trades: Iterable[Trade]) -> Self:
        """Columns that give back exactly these trades; one symbol, finite values. `received` is not kept."""
        import numpy as np

        rows = list(trades)
        first = _one_stream(rows)
        (price,), price_scale = _ticks(rows, ("price",))
        (quantity,), size_scale = _ticks(rows, ("quantity",))
        side = np.array([SIDE_CODES[row.side] for row in rows], dtype=np.int64)
        ids = trade_ids([row.trade_id for row in rows])
        return cls(first.symbol, price_scale, size_scale, _times(rows), price, quantity, side, ids)

    def trades(self, chunk: int = CHUNK) -> Iterator[Trade]:
        """The trades in order, built `chunk` at a time."""
        return self._chunks(chunk, self._trades)

    def _trades(self, rows: slice) -> Iterator[Trade]:
        import numpy as np

        ids = self.trade_id[rows].tolist()
        return map(
            _trade,
            self.ts[rows].tolist(),
            decimals(self.price[rows], self.price_scale),
            decimals(self.quantity[rows], self.size_scale),
            repeat(self.symbol),
            np.array(_SIDES, dtype=np.object_)[self.side[rows]].tolist(),
            map(str, ids) if self.trade_id.dtype == np.int64 else map(bytes.decode, ids),
        )

    facts = trades

    def normalized(self) -> TradeColumns:
        """The same trades at the smallest scales that hold them."""
        (price,), price_scale = normal((self.price,), self.price_scale)
        (quantity,), size_scale = normal((self.quantity,), self.size_scale)
        return TradeColumns(self.symbol, price_scale, size_scale, self.ts, price, quantity, self.side, self.trade_id)


class QuoteColumns(Columns, frozen=True, eq=False):
    """Best bids and asks of one symbol."""

    array_names: ClassVar[tuple[str, ...]] = ("ts", "bid", "ask", "bid_size", "ask_size")

    symbol: str
    price_scale: int
    size_scale: int
    ts: Ints
    bid: Ints
    ask: Ints
    bid_size: Ints
    ask_size: Ints

    @classmethod
    def from_quotes(cls, quotes: Iterable[Quote]) -> Self:
        """Columns that give back exactly these quotes; one symbol, finite values. `received` is not kept."""
        rows = list(quotes)
        first = _one_stream(rows)
        prices, price_scale = _ticks(rows, ("bid", "ask"))
        sizes, size_scale = _ticks(rows, ("bid_size", "ask_size"))
        return cls(first.symbol, price_scale, size_scale, _times(rows), *prices, *sizes)

    def quotes(self, chunk: int = CHUNK) -> Iterator[Quote]:
        """The quotes in order, built `chunk` at a time."""
        return self._chunks(chunk, self._quotes)

    def _quotes(self, rows: slice) -> Iterator[Quote]:
        return map(
            _quote,
            self.ts[rows].tolist(),
            *decimal_lists((self.bid[rows], self.ask[rows]), self.price_scale),
            *decimal_lists((self.bid_size[rows], self.ask_size[rows]), self.size_scale),
            repeat(self.symbol),
        )

    facts = quotes


class MarkColumns(Columns, frozen=True, eq=False):
    """Mark prices of one symbol."""

    array_names: ClassVar[tuple[str, ...]] = ("ts", "price")

    symbol: str
    price_scale: int
    ts: Ints
    price: Ints

    @classmethod
    def of_candles(cls, candles: CandleColumns) -> MarkColumns:
        """The mark at the close of each mark-price candle, at the time it is known: `ts + interval`."""
        return MarkColumns(candles.symbol, candles.price_scale, candles.ts + candles.interval, candles.close)

    @classmethod
    def from_marks(cls, marks: Iterable[MarkPrice]) -> Self:
        """Columns that give back exactly these mark prices; one symbol, finite values."""
        rows = list(marks)
        first = _one_stream(rows)
        (price,), scale = _ticks(rows, ("price",))
        return cls(first.symbol, scale, _times(rows), price)

    def marks(self, chunk: int = CHUNK) -> Iterator[MarkPrice]:
        """The mark prices in order, built `chunk` at a time."""
        return self._chunks(chunk, self._marks)

    def _marks(self, rows: slice) -> Iterator[MarkPrice]:
        return map(_mark, self.ts[rows].tolist(), decimals(self.price[rows], self.price_scale), repeat(self.symbol))

    facts = marks


class FundingColumns(Columns, frozen=True, eq=False):
    """Funding rates of one perpetual, as fractions of the notional."""

    array_names: ClassVar[tuple[str, ...]] = ("ts", "rate")

    symbol: str
    rate_scale: int
    ts: Ints
    rate: Ints

    @classmethod
    def from_rates(cls, rates: Iterable[FundingRate]) -> Self:
        """Columns that give back exactly these rates; one symbol, finite values."""
        rows = list(rates)
        first = _one_stream(rows)
        (rate,), scale = _ticks(rows, ("rate",))
        return cls(first.symbol, scale, _times(rows), rate)

    def rates(self, chunk: int = CHUNK) -> Iterator[FundingRate]:
        """The rates in order, built `chunk` at a time."""
        return self._chunks(chunk, self._rates)

    def _rates(self, rows: slice) -> Iterator[FundingRate]:
        return map(_funding, self.ts[rows].tolist(), decimals(self.rate[rows], self.rate_scale), repeat(self.symbol))

    facts = rates


def trade_ids(ids: list[str]) -> NDArray[Any]:
    """Ids as int64 where each is the plain text of a number, else as bytes; either way they come back unchanged."""
    import numpy as np

    if all(len(text) < 19 and text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") for text in ids):
        return np.array(ids, dtype=np.int64)
    encoded = [text.encode() for text in ids]
    if any(text.endswith(b"\0") for text in encoded):
        raise DataError("a trade id ends in a NUL character; ids are plain text")
    return np.array(encoded, dtype=np.bytes_)


def _one_stream(rows: list[Any]) -> Any:
    if not rows:
        raise DataError("no rows: columns cannot be made of nothing; give at least one")
    first = rows[0]
    for row in rows:
        if row.symbol != first.symbol:
            raise DataError(f"rows of {first.symbol} and {row.symbol} in one stream; give each symbol its own")
    return first


def _times(rows: list[Any]) -> Ints:
    import numpy as np

    return np.array([row.ts for row in rows], dtype=np.int64)


def _ticks(rows: list[Any], names: tuple[str, ...]) -> tuple[list[Ints], int]:
    values: list[list[Decimal]] = [[getattr(row, name) for row in rows] for name in names]
    for name, column in zip(names, values, strict=True):
        for value in column:
            if not value.is_finite():
                raise DataError(f"{name} of {rows[0].symbol} is {value}; a stored value must be a finite number")
    scale = max(scale_of(value) for column in values for value in column)
    return [ticks_of(column, scale, name) for name, column in zip(names, values, strict=True)], scale
