from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.model.errors import DataError, WorldError
from kedge.model.market import FundingRate, MarkPrice, Quote, Trade
from kedge.model.order import Side
from kedge.storage import parquet
from kedge.storage.columns import (
    CandleColumns,
    Columns,
    FundingColumns,
    MarkColumns,
    QuoteColumns,
    TradeColumns,
)
from kedge.storage.digest import sha256_of
from kedge.storage.formats import open_candles, read_candles, read_trades
from kedge.storage.parquet import StoredColumns, open_stored, write_stored
from tests.storage.oracle import candle_of

MINUTE = 60_000_000_000
START = 1_700_000_040_000_000_000


def walk(length: int, symbol: str = "ETH-USD") -> CandleColumns:
    rng = np.random.default_rng(length)
    ts = START + np.arange(length) * MINUTE
    close = 100_000 + np.cumsum(rng.integers(-9, 10, length))
    volume = rng.integers(0, 10**9, length)
    return CandleColumns(symbol, MINUTE, 2, 8, ts, close, close + 5, close - 5, close, volume)


STORED_NAMES = ("ts_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_ticks")


def stored(path: Path) -> StoredColumns[Any]:
    found = open_stored(path)
    assert found is not None
    return found


ONE_OF_EACH: list[Columns] = [
    walk(100),
    TradeColumns.from_trades(
        [Trade(1, Decimal("0.1"), Decimal(2), "A-B", Side.SELL, "17"), Trade(2, Decimal(3), Decimal(3), "A-B")]
    ),
    TradeColumns.from_trades([Trade(1, Decimal("0.1"), Decimal(2), "A-B", None, "ä-17")]),
    QuoteColumns.from_quotes([Quote(5, Decimal(1), Decimal("1.5"), Decimal("0.01"), Decimal(2), "A'B")]),
    MarkColumns.from_marks([MarkPrice(-5, Decimal("-0.5"), "A-B")]),
    FundingColumns.from_rates([FundingRate(5, Decimal("-0.000123"), "A-B")]),
]


@pytest.mark.parametrize("columns", ONE_OF_EACH, ids=lambda columns: type(columns).__name__)
def test_every_kind_of_columns_comes_back_as_written(tmp_path: Path, columns: Columns) -> None:
    path = tmp_path / "x.parquet"
    digest = write_stored(path, columns)
    found = stored(path)
    assert found.columns() == columns
    assert list(found.facts()) == list(columns.facts())
    assert found.content_sha256 == digest == sha256_of(columns)
    assert len(found) == len(columns)
    assert found.symbol == columns.symbol


def test_another_program_sees_plain_columns_and_the_metadata(tmp_path: Path) -> None:
    columns = walk(20_000)
    write_stored(tmp_path / "x.parquet", columns)
    file = pq.ParquetFile(tmp_path / "x.parquet")
    assert file.num_row_groups == 2
    table = file.read()
    for name in columns.array_names:
        stored_name = "ts_ns" if name == "ts" else f"{name}_ticks"
        assert table.schema.field(stored_name).type == pa.int64()
        assert table.column(stored_name).to_numpy().tolist() == getattr(columns, name).tolist()
    metadata = file.schema_arrow.metadata or file.metadata.metadata
    assert metadata[b"kedge.symbol"] == b"ETH-USD"
    assert metadata[b"kedge.interval"] == b"60000000000"
    assert metadata[b"kedge.price_scale"] == b"2"


@pytest.mark.parametrize("rows", [1, 700, 16_384, 100_000])
def test_blocks_of_any_size_are_the_same_rows(tmp_path: Path, rows: int) -> None:
    columns = walk(1_500)
    write_stored(tmp_path / "x.parquet", columns[: 1_500 if rows > 1 else 40])
    blocks = list(stored(tmp_path / "x.parquet").blocks(rows=rows))
    assert parquet.joined(blocks, blocks[0]) == columns[: 1_500 if rows > 1 else 40]
    assert all(len(block) <= rows for block in blocks)


def test_rows_between_two_times(tmp_path: Path) -> None:
    columns = walk(40_000)
    write_stored(tmp_path / "x.parquet", columns)
    found = stored(tmp_path / "x.parquet")
    start, end = START + 10_000 * MINUTE, START + 35_000 * MINUTE
    assert found.columns(start, end) == columns[10_000:35_000]
    assert found.columns(None, end) == columns[:35_000]
    assert len(found.columns(start, start)) == 0


def test_the_order_of_rows_is_kept_even_if_it_is_wrong(tmp_path: Path) -> None:
    columns = CandleColumns.from_candles(list(walk(100).candles())[::-1])
    write_stored(tmp_path / "x.parquet", columns)
    assert stored(tmp_path / "x.parquet").columns() == columns


def test_a_changed_value_is_found_when_the_rows_were_read(tmp_path: Path) -> None:
    columns = walk(100)
    write_stored(tmp_path / "x.parquet", columns)
    table = pq.read_table(tmp_path / "x.parquet")
    close = table.column("close_ticks").to_pylist()
    close[50] += 1
    changed = table.set_column(table.schema.get_field_index("close_ticks"), "close_ticks", pa.array(close, pa.int64()))
    metadata = pq.read_metadata(tmp_path / "x.parquet").metadata
    pq.write_table(changed.replace_schema_metadata(metadata), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="is damaged: its rows do not match its digest"):
        stored(tmp_path / "x.parquet").columns()
    with pytest.raises(DataError, match="is damaged"):
        list(stored(tmp_path / "x.parquet").facts())


def test_a_write_that_fails_leaves_the_file_before_and_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.parquet"
    write_stored(path, walk(10))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorldError, match=r"cannot be written.*No space left"):
        write_stored(path, walk(20))
    monkeypatch.undo()
    assert stored(path).columns() == walk(10)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.parquet"]
    with pytest.raises(WorldError, match="cannot be written"):
        write_stored(tmp_path / "none" / "x.parquet", walk(3))


def test_the_kept_symbol_and_interval_are_not_contradicted(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_stored(path, walk(10))
    assert read_candles(path).columns == walk(10)
    assert read_candles(path, "ETH-USD", MINUTE).columns == walk(10)
    opened = open_candles(path)
    assert isinstance(opened, StoredColumns)
    with pytest.raises(DataError, match="holds ETH-USD, not BTC-USD"):
        read_candles(path, "BTC-USD")
    with pytest.raises(DataError, match="holds candles of 60000000000 ns, not 1"):
        open_candles(path, interval=1)
    with pytest.raises(DataError, match="holds CandleColumns, not TradeColumns"):
        read_trades(path)


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ({"kedge.format": "2", "kedge.kind": "candles"}, "of Kedge format '2'"),
        ({"kedge.format": "1", "kedge.kind": "candels"}, "kind 'candels'"),
        ({"kedge.format": "1", "kedge.kind": "candles"}, "its metadata has interval ''"),
        ({"kedge.format": "1", "kedge.kind": "trades"}, "column price_ticks is missing"),
    ],
)
def test_metadata_that_makes_no_sense_is_refused(tmp_path: Path, metadata: dict[str, str], complaint: str) -> None:
    table = pa.table({name: pa.array([1, 2], pa.int64()) for name in STORED_NAMES})
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=complaint):
        open_stored(tmp_path / "x.parquet")


def test_ticks_without_their_metadata_are_not_taken_for_prices(tmp_path: Path) -> None:
    write_stored(tmp_path / "x.parquet", walk(10))
    bare = pq.read_table(tmp_path / "x.parquet").replace_schema_metadata(None)
    pq.write_table(bare, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no open column among 'ts_ns,open_ticks"):
        read_candles(tmp_path / "x.parquet")


# -- everybody else's


def foreign(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


PRICES = ["100.5", "110", "90.25", "100.123456789"]
TIMES = [1_700_000_040_000, 1_700_000_100_000]
EXPECTED = [candle_of(ms * 10**6, PRICES, "0.75", "BTC-USD", MINUTE) for ms in TIMES]


def both(value: Any, kind: Any = None) -> Any:
    return pa.array([value, value], kind)


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(pa.array(TIMES), id="int64 ms"),
        pytest.param(pa.array([ms // 1000 for ms in TIMES], pa.int32()), id="int32 s"),
        pytest.param(pa.array([ms * 1000 for ms in TIMES], pa.timestamp("us")), id="naive us"),
        pytest.param(pa.array(TIMES, pa.timestamp("ms", tz="UTC")), id="ms in UTC"),
        pytest.param(pa.array(TIMES, pa.timestamp("ms", tz="Asia/Tokyo")), id="ms shown in Tokyo"),
        pytest.param(pa.array([ms * 10**6 for ms in TIMES], pa.timestamp("ns")), id="ns"),
        pytest.param(pa.array([str(ms) for ms in TIMES]), id="text"),
        pytest.param(pa.array(["2023-11-14 22:14:00", "2023-11-14 22:15:00"]), id="iso text"),
        pytest.param(pa.array([float(ms) for ms in TIMES]), id="doubles"),
    ],
)
@pytest.mark.parametrize(
    "price",
    [
        pytest.param(both, id="text"),
        pytest.param(lambda text: both(Decimal(text), pa.decimal128(18, 9)), id="decimal18"),
        pytest.param(lambda text: both(Decimal(text), pa.decimal128(38, 12)), id="decimal38"),
        pytest.param(lambda text: both(float(text)), id="double"),
    ],
)
def test_foreign_files_of_all_types_give_the_same_candles(tmp_path: Path, times: Any, price: Any) -> None:
    path = foreign(
        tmp_path / "f.parquet",
        timestamp=times,
        Open=price(PRICES[0]),
        High=price(PRICES[1]),
        Low=price(PRICES[2]),
        Close=price(PRICES[3]),
        Volume=price("0.75"),
        other=both('a,\n"b'),
    )
    read = read_candles(path)
    assert list(read.columns.candles()) == EXPECTED
    floats = pa.float64() in (price("1").type, times.type)
    assert any("binary floats" in note for note in read.notes) == floats


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.lists(st.floats(-(10**8), 10**8).filter(lambda value: value == 0 or abs(value) > 1e-3), min_size=2, max_size=40)
)
def test_doubles_are_taken_by_the_shortest_text_that_names_them(tmp_path: Path, values: list[float]) -> None:
    values = [round(value, 6) for value in values]
    times = pa.array([TIMES[0] + at for at in range(len(values))])
    column = pa.array(values)
    path = foreign(tmp_path / "f.parquet", t=times, o=column, h=column, l=column, c=column, v=column)
    assert [candle.open for candle in read_candles(path).columns.candles()] == [
        Decimal(repr(value)) for value in values
    ]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"close": pa.array([1.0, None])}, "row 2: close is 'NULL', not a finite number"),
        ({"close": pa.array([1.0, float("nan")])}, "row 2: close is 'nan'"),
        ({"low": pa.array([float("inf"), 1.0])}, "row 1: low is 'inf'"),
        ({"time": pa.array([5, 6])}, "row 1: time is 5, which is no time"),
        ({"time": pa.array([TIMES[0], TIMES[1] * 1000])}, "row 2: time is .*in us where the column is in ms"),
        ({"time": pa.array([None, TIMES[1]])}, "row 1: time is 'NULL'"),
        ({"open": pa.array(["1", "x"])}, "row 2: open is 'x'"),
        ({"open": pa.array(["1", "2\n3"])}, "row 2"),
        ({"open": pa.array([True, False])}, "row 1: open is 'true'"),
        ({"volume": None}, "no volume column"),
        ({"time": pa.array([[1], [2]])}, "row 1: time is"),
    ],
)
def test_bad_foreign_values_are_named_by_row(tmp_path: Path, changed: dict[str, Any], complaint: str) -> None:
    columns: dict[str, Any] = {"time": pa.array(TIMES)} | {
        name: pa.array([1, 2]) for name in ("open", "high", "low", "close", "volume")
    }
    columns |= changed
    path = foreign(tmp_path / "f.parquet", **{name: column for name, column in columns.items() if column is not None})
    with pytest.raises(DataError, match=complaint) as caught:
        read_candles(path)
    assert "\n" not in str(caught.value)


def test_an_empty_cut_or_oddly_named_file_is_said(tmp_path: Path) -> None:
    nothing = foreign(
        tmp_path / "f.parquet",
        time=pa.array([], pa.int64()),
        **{name: pa.array([], pa.int64()) for name in ("open", "high", "low", "close", "volume")},
    )
    with pytest.raises(DataError, match="has no rows"):
        read_candles(nothing)
    whole = foreign(tmp_path / "g.parquet", **{name: both(1) for name in ("time", "o", "h", "l", "c", "v")})
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_candles(whole)
    odd = whole.rename(tmp_path / "data[1].parquet")
    with pytest.raises(DataError, match="rename the file"):
        read_candles(odd)


def test_a_directory_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    directory = tmp_path / "close=5"
    directory.mkdir()
    path = foreign(
        directory / "f.parquet",
        time=pa.array(TIMES),
        **{name: both(1) for name in ("open", "high", "low", "close", "volume")},
    )
    assert [candle.close for candle in read_candles(path).columns.candles()] == [1, 1]


def test_a_connection_fetches_no_extension_from_the_network(tmp_path: Path) -> None:
    with parquet._connected(tmp_path) as connection:
        rows = connection.execute(
            "SELECT name, value FROM duckdb_settings() WHERE name IN "
            "('autoinstall_known_extensions', 'autoload_known_extensions')"
        ).fetchall()
        assert dict(rows) == {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        with pytest.raises(duckdb.Error):
            connection.execute("SELECT * FROM 'https://example.invalid/x.parquet'")
