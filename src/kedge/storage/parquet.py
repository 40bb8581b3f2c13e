"""Parquet, in Kedge's own layout and in everybody else's, through DuckDB.

Kedge's layout is the columns as they are in memory: int64 nanoseconds and ticks, with kind, symbol, interval, scales
and the digest of the content in the file's key-value metadata under `kedge.` names. Its row groups are small
(16,384 rows), so a file of any length is read in blocks with flat memory. A file is written beside its place,
synced and renamed into it, so nobody ever sees half of one; it is read against its digest, so a damaged one is
refused. Its columns are named with their units (`ts_ns`, `close_ticks`): should damage hide the metadata, the file
does not pass for a foreign one whose prices are ticks.

A foreign file is read through the text of its values, by the same reader as a CSV, because that is exact: a DECIMAL
or integer has one text, and of a DOUBLE the shortest text that names it is taken, which the notes say. Timestamps
come as integer nanoseconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import structs

from kedge.model.errors import DataError, WorldError
from kedge.storage.columns import (
    CandleColumns,
    Columns,
    FundingColumns,
    MarkColumns,
    QuoteColumns,
    TradeColumns,
)
from kedge.storage.csv import LineReader
from kedge.storage.digest import ColumnsDigest, sha256_of
from kedge.storage.layout import Field, ValueKind, pick
from kedge.storage.table import Table

if TYPE_CHECKING:
    import duckdb

#: Rows of a row group and of a block that is read: 0.8 and 1.6 MB of candles.
ROW_GROUP_ROWS = 16_384
BLOCK_ROWS = 32_768
#: Rows of a foreign file turned into text at a time.
_TEXT_ROWS = 32_768

_FORMAT = "1"
_KINDS: dict[str, type[Columns]] = {
    "candles": CandleColumns,
    "trades": TradeColumns,
    "quotes": QuoteColumns,
    "marks": MarkColumns,
    "funding": FundingColumns,
}
_KIND_OF = {kind: name for name, kind in _KINDS.items()}
_SEPARATOR = 0x1F  # no number and no sane id holds ASCII's unit separator

C = TypeVar("C", bound=Columns)


@lru_cache(maxsize=1)
def _database(process: int) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, one a process (opening it takes 20 ms); it loads nothing from the network."""
    import duckdb

    database = duckdb.connect(
        ":memory:",
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "1"},
    )
    database.execute("SET enable_external_file_cache=false")  # each file is read once: keep none of it
    return database


@contextmanager
def _connected(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection; DuckDB's errors become `DataError`s naming the file."""
    import duckdb

    if set("*?[]{}") & set(str(path)):
        raise DataError(f"{path} holds one of *?[]{{}}, which Parquet reading takes as a pattern; rename the file")
    connection = _database(os.getpid()).cursor()
    try:
        yield connection
    except duckdb.Error as error:
        if isinstance(error, duckdb.FatalException | duckdb.InternalException):
            _database.cache_clear()  # a damaged file can make DuckDB give up its whole database
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise DataError(f"{path} cannot be read as Parquet ({reason}); get or export the file again") from None
    finally:
        connection.close()


class StoredColumns(Generic[C]):
    """A file in Kedge's layout, read as often as wanted, in blocks or whole."""

    def __init__(self, path: Path, kind: type[C], facts: dict[str, Any], rows: int, content_sha256: str) -> None:
        self.path = path
        self.kind = kind
        self.content_sha256 = content_sha256
        self._facts = facts
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    @property
    def symbol(self) -> str:
        """The symbol stored with the rows."""
        return str(self._facts["symbol"])

    @property
    def interval(self) -> int:
        """The length of a candle, ns; 0 for what is not a candle."""
        return int(self._facts.get("interval", 0))

    def blocks(self, start: int | None = None, end: int | None = None, rows: int = BLOCK_ROWS) -> Iterator[C]:
        """The rows with `start <= ts < end` (ns) in file order, about `rows` at a time; memory is that of a block.

        A file read to its end without bounds is held against its digest.
        """
        digest = ColumnsDigest() if start is None and end is None else None
        names = ", ".join(f"{_column(name)} AS {name}" for name in self.kind.array_names)
        query = (
            f"SELECT {names} FROM read_parquet(?, file_row_number=true, hive_partitioning=false) "
            "WHERE file_row_number >= ? AND file_row_number < ? AND ts_ns >= ? AND ts_ns < ?"
        )
        first = -(2**63) if start is None else start
        last = 2**63 - 1 if end is None else end
        seen = 0
        with _connected(self.path) as connection:
            for at in range(0, self._rows, rows):
                found = connection.execute(query, [str(self.path), at, at + rows, first, last]).fetchnumpy()
                block = self._block(found)
                if len(block):
                    seen += len(block)
                    if digest is not None:
                        digest.update(block)
                    yield block
        if digest is not None and (seen != self._rows or digest.hexdigest() != self.content_sha256):
            raise DataError(f"{self.path} is damaged: its rows do not match its digest; get or import it again")

    def facts(self) -> Iterator[Any]:
        """All rows as facts, with the memory of a block."""
        for block in self.blocks():
            yield from block.facts()

    def columns(self, start: int | None = None, end: int | None = None) -> C:
        """The rows with `start <= ts < end` (ns), whole."""
        return joined(list(self.blocks(start, end)), self._empty())

    def _empty(self) -> C:
        import numpy as np

        none = np.empty(0, dtype=np.int64)
        return _made(self.kind, self._facts | dict.fromkeys(self.kind.array_names, none))

    def _block(self, found: dict[str, Any]) -> C:
        import numpy as np

        arrays: dict[str, Any] = {}
        for name in self.kind.array_names:
            array = found[name]
            if isinstance(array, np.ma.MaskedArray):
                raise DataError(f"{self.path}: column {name} has empty cells; get or import the file again")
            if array.dtype == np.object_ and name == "trade_id":
                array = np.array([value.encode() for value in array.tolist()], dtype=np.bytes_)
            arrays[name] = array
        return _made(self.kind, self._facts | arrays)


def _made(kind: type[C], values: dict[str, Any]) -> C:
    return kind(**values)


def joined(blocks: Sequence[C], empty: C) -> C:
    """Blocks of one stream as one; `empty` where there are none."""
    import numpy as np

    if len(blocks) < 2:
        return blocks[0] if blocks else empty
    first = blocks[0]
    arrays = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in first.array_names}
    kept = {name: getattr(first, name) for name in first.__struct_fields__ if name not in arrays}
    return _made(type(first), kept | arrays)


def open_stored(path: Path) -> StoredColumns[Any] | None:
    """The file, if it is in Kedge's layout; `None` for any other Parquet."""
    with _connected(path) as connection:
        found = connection.execute(
            "SELECT decode(key), decode(value) FROM parquet_kv_metadata(?) WHERE starts_with(decode(key), 'kedge.')",
            [str(path)],
        ).fetchall()
        stated = {key.removeprefix("kedge."): value for key, value in found}
        if not stated:
            return None
        if stated.get("format") != _FORMAT or stated.get("kind") not in _KINDS:
            raise DataError(
                f"{path} is of Kedge format {stated.get('format')!r}, kind {stated.get('kind')!r}; this version "
                f"reads format {_FORMAT} ({', '.join(_KINDS)}); import the data again"
            )
        kind = _KINDS[stated["kind"]]
        rows = connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [str(path)]).fetchone()
        types = _types(connection, path)
    for name in map(_column, kind.array_names):
        if types.get(name) != "BIGINT" and not (name == "trade_id" and types.get(name) == "VARCHAR"):
            raise DataError(f"{path}: column {name} is {types.get(name, 'missing')}; import the data again")
    facts: dict[str, Any] = {"symbol": stated.get("symbol", "")}
    for name in kind.__struct_fields__:
        if name in kind.array_names or name == "symbol":
            continue
        text = stated.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise DataError(f"{path}: its metadata has {name} {text!r}; import the data again")
        facts[name] = int(text)
    return StoredColumns(path, kind, facts, int(rows[0]) if rows else 0, stated.get("content_sha256", ""))


def write_stored(path: Path, columns: Columns) -> str:
    """Write `columns` in Kedge's layout, whole or not at all; returns the digest of the content."""
    import numpy as np

    digest = sha256_of(columns)
    stated = {
        name: str(getattr(columns, name)) for name in columns.__struct_fields__ if name not in columns.array_names
    }
    stated |= {"format": _FORMAT, "kind": _KIND_OF[type(columns)], "content_sha256": digest}
    metadata = ", ".join(f"{_literal('kedge.' + key)}: {_literal(value)}" for key, value in sorted(stated.items()))
    arrays = {name: getattr(columns, name) for name in columns.array_names}
    selected = ", ".join(f"{name} AS {_column(name)}" for name in arrays)
    if "trade_id" in arrays and arrays["trade_id"].dtype.kind == "S":
        arrays["trade_id"] = np.array([name.decode() for name in arrays["trade_id"].tolist()], dtype=np.object_)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _connected(part) as connection:
            connection.register("columns", arrays)
            connection.execute(
                f"COPY (SELECT {selected} FROM columns) TO {_literal(str(part))} (FORMAT parquet, "
                f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}, COMPRESSION zstd, KV_METADATA {{{metadata}}})"
            )
        replace_synced(part, path)
    except DataError as error:
        reason = str(error).partition("(")[2].rpartition(")")[0]
        raise WorldError(f"{path} cannot be written ({reason}); check the disk and its space") from None
    finally:
        part.unlink(missing_ok=True)
    return digest


def write_table(path: Path, columns: dict[str, Any]) -> None:
    """Write named arrays of one length as a Parquet file of anybody's, whole or not at all; text columns hold `str`."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _connected(part) as connection:
            connection.register("columns", columns)
            connection.execute(f"COPY columns TO {_literal(str(part))} (FORMAT parquet, COMPRESSION zstd)")
        replace_synced(part, path)
    except DataError as error:
        raise WorldError(f"{path} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)


def _column(name: str) -> str:
    """The name of a column in the file. It says the unit, and no foreign reader takes ticks for prices."""
    return name if name in ("side", "trade_id") else "ts_ns" if name == "ts" else f"{name}_ticks"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _types(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """The columns of a file and their SQL types, in order."""
    query = "DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning=false)"
    return {str(row[0]): str(row[1]) for row in connection.execute(query, [str(path)]).fetchall()}


def replace_synced(part: Path, path: Path) -> None:
    """Put the finished file `part` in the place of `path`, durably."""
    try:
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise WorldError(f"{path} cannot be written: {error}") from None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# -- everybody else's


def read_foreign(path: Path, wanted: Sequence[Field]) -> Table:
    """The columns of `wanted` of a Parquet file that is not Kedge's."""
    table = Table(str(path), "row")
    with _connected(path) as connection:
        types = _types(connection, path)
        picked = pick(list(types), wanted, table.path)
        expressions = []
        for column in picked:
            type_ = types[column.name]
            expressions.append(_as_text(column.name, type_))
            if column.kind is ValueKind.TIME:
                table.time_name = column.name
                table.time_unit = "ns" if _is_moment(type_) else column.unit or ""
        inexact = [column.name for column in picked if types[column.name] in ("DOUBLE", "FLOAT")]
        if inexact:
            table.notes.append(
                f"{', '.join(inexact)}: binary floats, taken by their shortest decimal text; DECIMAL or text is exact"
            )
        reader = LineReader(
            table,
            [structs.replace(column, index=at) for at, column in enumerate(picked)],
            len(picked),
            _SEPARATOR,
            quoted=False,
        )
        query = f"SELECT concat_ws(chr({_SEPARATOR}), {', '.join(expressions)}) FROM read_parquet(?, hive_partitioning=false)"
        rows = connection.execute(query, [str(path)])
        line = 1
        while some := rows.fetchmany(_TEXT_ROWS):
            line = reader.read("".join(f"{text}\n" for (text,) in some).encode(), line)
    if not len(table):
        raise DataError(f"{path} has no rows; give a file with data")
    return table


def _is_moment(type_: str) -> bool:
    return type_.startswith("TIMESTAMP") or type_ == "DATE"


def _as_text(name: str, type_: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    value = f"epoch_ns({quoted})" if _is_moment(type_) else quoted
    return f"coalesce(CAST({value} AS VARCHAR), 'NULL')"
