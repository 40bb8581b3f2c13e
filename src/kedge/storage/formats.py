"""Market data files, whatever their format: read as columns, with notes on what a careful user should know.

The format is told by the content, the columns by their names, the unit of time by the size of the numbers. What
cannot be read exactly is a `DataError` that names file, line, column, value and remedy. What can be read but is bad
market data (a high below the low, a repeated or late row, a negative price) is passed on as it is: judging it is
the work of the core's market data handler, which keeps a journal of what it did not believe. The notes count it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from kedge.model.errors import DataError
from kedge.model.market import DEFAULT_SYMBOL
from kedge.storage.columns import (
    CandleColumns,
    Columns,
    FundingColumns,
    MarkColumns,
    QuoteColumns,
    TradeColumns,
)
from kedge.storage.csv import read_csv
from kedge.storage.layout import (
    CANDLE_FIELDS,
    FUNDING_FIELDS,
    MARK_CANDLE_FIELDS,
    QUOTE_FIELDS,
    TRADE_FIELDS,
    Field,
)
from kedge.storage.parquet import StoredColumns, open_stored, read_foreign
from kedge.storage.source import FileKind, kind_of
from kedge.storage.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

C = TypeVar("C", bound=Columns)
Progress = Callable[[int], None]


class MarketFile(Struct, Generic[C], frozen=True):
    """What a file held: its columns, how its time was read, and what the user should know of it."""

    path: str
    kind: FileKind
    columns: C
    time_column: str
    time_unit: str
    notes: tuple[str, ...] = ()


def read_candles(
    path: Path | str, symbol: str | None = None, interval: int = 0, progress: Progress | None = None
) -> MarketFile[CandleColumns]:
    """The candles of a CSV (also gzipped) or Parquet file, whole.

    `symbol` `None`: the one the file states (Kedge's own Parquet does), else `BTC-USD`. `interval` in ns; 0: the most
    common step between the times. `progress` is told the rows read so far.
    """
    opened = _opened(Path(path), CANDLE_FIELDS, CandleColumns, symbol, progress)
    if isinstance(opened, StoredColumns):
        _agree(opened, interval)
        return MarketFile(str(path), FileKind.PARQUET, opened.columns(), "ts", "ns")
    table, kind = opened
    volume, size_scale = table.cut_numbers("volume")
    return _candles(table, kind, symbol, interval, volume, size_scale)


def open_candles(
    path: Path | str, symbol: str | None = None, interval: int = 0, progress: Progress | None = None
) -> MarketFile[CandleColumns] | StoredColumns[CandleColumns]:
    """As `read_candles`, but Kedge's own Parquet is left in its file, to be streamed with flat memory."""
    if kind_of(Path(path)) is FileKind.PARQUET:
        stored = _stored(Path(path), CandleColumns, symbol)
        if stored is not None:
            _agree(stored, interval)
            return stored
    return read_candles(path, symbol, interval, progress)


def read_mark_candles(
    path: Path | str, symbol: str | None = None, interval: int = 0, progress: Progress | None = None
) -> MarketFile[CandleColumns]:
    """Candles of a mark price, which trade nothing: their volume is zero, whatever the file says."""
    import numpy as np

    opened = _opened(Path(path), MARK_CANDLE_FIELDS, CandleColumns, symbol, progress)
    if isinstance(opened, StoredColumns):
        _agree(opened, interval)
        return MarketFile(str(path), FileKind.PARQUET, opened.columns(), "ts", "ns")
    table, kind = opened
    return _candles(table, kind, symbol, interval, np.zeros(len(table), dtype=np.int64), 0)


def read_marks(
    path: Path | str, symbol: str | None = None, interval: int = 0, progress: Progress | None = None
) -> MarketFile[MarkColumns]:
    """The mark prices at the closes of a file of mark-price candles, each at the time its candle ends."""
    read = read_mark_candles(path, symbol, interval, progress)
    columns = MarkColumns.of_candles(read.columns)
    return MarketFile(read.path, read.kind, columns, read.time_column, read.time_unit, read.notes)


def read_trades(
    path: Path | str, symbol: str | None = None, progress: Progress | None = None
) -> MarketFile[TradeColumns]:
    """The trades of a file; `side` is the aggressor's, or derived from `is_buyer_maker`, or not told."""
    import numpy as np

    opened = _opened(Path(path), TRADE_FIELDS, TradeColumns, symbol, progress)
    if isinstance(opened, StoredColumns):
        return MarketFile(str(path), FileKind.PARQUET, opened.columns(), "ts", "ns")
    table, kind = opened
    (price,), price_scale = table.numbers("price")
    (quantity,), size_scale = table.numbers("quantity")
    ids = table.texts("trade_id")
    columns = TradeColumns(
        symbol or DEFAULT_SYMBOL,
        price_scale,
        size_scale,
        table.times(),
        price,
        quantity,
        _sides(table),
        _ids(ids) if ids is not None else np.zeros(len(table), dtype="S1"),
    )
    return _file(table, kind, columns)


def read_quotes(
    path: Path | str, symbol: str | None = None, progress: Progress | None = None
) -> MarketFile[QuoteColumns]:
    """The best bids and asks of a file."""
    opened = _opened(Path(path), QUOTE_FIELDS, QuoteColumns, symbol, progress)
    if isinstance(opened, StoredColumns):
        return MarketFile(str(path), FileKind.PARQUET, opened.columns(), "ts", "ns")
    table, kind = opened
    prices, price_scale = table.numbers("bid", "ask")
    sizes, size_scale = table.numbers("bid_size", "ask_size")
    return _file(
        table, kind, QuoteColumns(symbol or DEFAULT_SYMBOL, price_scale, size_scale, table.times(), *prices, *sizes)
    )


def read_funding(
    path: Path | str, symbol: str | None = None, progress: Progress | None = None
) -> MarketFile[FundingColumns]:
    """The funding rates of a file, fractions of the notional."""
    opened = _opened(Path(path), FUNDING_FIELDS, FundingColumns, symbol, progress)
    if isinstance(opened, StoredColumns):
        return MarketFile(str(path), FileKind.PARQUET, opened.columns(), "ts", "ns")
    table, kind = opened
    (rate,), scale = table.numbers("rate")
    return _file(table, kind, FundingColumns(symbol or DEFAULT_SYMBOL, scale, table.times(), rate))


def _opened(
    path: Path, wanted: Sequence[Field], columns: type[C], symbol: str | None, progress: Progress | None
) -> StoredColumns[C] | tuple[Table, FileKind]:
    """Kedge's own file as it is stored, or any other as a table."""
    kind = kind_of(path)
    if kind is not FileKind.PARQUET:
        return read_csv(path, kind, wanted, progress), kind
    return _stored(path, columns, symbol) or (read_foreign(path, wanted), kind)


def _stored(path: Path, columns: type[C], symbol: str | None) -> StoredColumns[C] | None:
    stored = open_stored(path)
    if stored is None:
        return None
    if stored.kind is not columns:
        raise DataError(f"{path} holds {stored.kind.__name__}, not {columns.__name__}; give another file")
    if symbol not in (None, stored.symbol):
        raise DataError(f"{path} holds {stored.symbol}, not {symbol}; name it {stored.symbol} or give another file")
    return stored


def _agree(stored: StoredColumns[Any], interval: int) -> None:
    if interval not in (0, stored.interval):
        raise DataError(f"{stored.path} holds candles of {stored.interval} ns, not {interval}; leave the interval out")


def _candles(
    table: Table, kind: FileKind, symbol: str | None, interval: int, volume: Ints, size_scale: int
) -> MarketFile[CandleColumns]:
    (open_, high, low, close), price_scale = table.numbers("open", "high", "low", "close")
    ts = table.times()
    step = interval or common_step(ts, table.path)
    name = symbol or DEFAULT_SYMBOL
    columns = CandleColumns(name, step, price_scale, size_scale, ts, open_, high, low, close, volume)
    return _file(table, kind, columns)


def _file(table: Table, kind: FileKind, columns: Any) -> MarketFile[Any]:
    ts = columns.ts
    if len(ts) > 1:
        late = int((ts[1:] < ts[:-1]).sum())
        if late == len(ts) - 1:
            table.notes.append("rows are newest first; sort the file by time, oldest first")
        elif late:
            table.notes.append(f"{late} rows are earlier than the row before them")
    return MarketFile(table.path, kind, columns, table.time_name, table.time_unit, tuple(table.notes))


def common_step(ts: Ints, path: str) -> int:
    """The most common step between neighbouring times, ns; the smaller one where two are as common."""
    import numpy as np

    steps = np.abs(np.diff(ts))
    if len(steps) and steps[0] > 0 and bool((steps == steps[0]).all()):
        return int(steps[0])  # no gap and no repeat: the usual file
    steps = steps[steps > 0]
    if not len(steps):
        raise DataError(f"{path} has no two different times, so its interval cannot be told; state the interval")
    lengths, counts = np.unique(steps, return_counts=True)
    return int(lengths[np.argmax(counts)])


def _sides(table: Table) -> Ints:
    import numpy as np

    codes = np.zeros(len(table), dtype=np.int64)
    words = table.texts("side")
    meaning = {b"buy": 1, b"b": 1, b"bid": 1, b"sell": -1, b"s": -1, b"a": -1, b"ask": -1, b"": 0, b"none": 0}
    role = "side"
    if words is None:
        words = table.texts("buyer_is_maker")
        meaning = {b"true": -1, b"1": -1, b"t": -1, b"false": 1, b"0": 1, b"f": 1}
        role = "is_buyer_maker"
    if words is None:
        return codes
    lowered = np.char.lower(words)
    known = np.zeros(len(words), dtype=np.bool_)
    for word, code in meaning.items():
        same = lowered == word
        codes[same] = code
        known |= same
    if not known.all():
        row = int(np.argmin(known))
        value = words[row].decode("utf-8", "replace")
        raise DataError(f"{table.where(row)}: {role} is {value!r}; use {'/'.join(w.decode() for w in meaning if w)}")
    return codes


def _ids(ids: NDArray[Any]) -> NDArray[Any]:
    """Ids as int64 where each is the plain text of a number, so that they take 8 bytes; else as they are."""
    import numpy as np

    letters = np.ascontiguousarray(ids).view(np.uint8).reshape(len(ids), -1)
    plain = ((letters >= 48) & (letters <= 57)) | (letters == 0)
    leading_zero = (letters[:, 0] == 48) & (letters[:, 1:2] != 0).any(axis=1)
    if letters.shape[1] > 18 or not plain.all() or (letters[:, 0] == 0).any() or leading_zero.any():
        return ids
    return ids.astype(np.int64)
