"""Whatever the bytes, reading ends in columns or in a `DataError` of one line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.model.errors import DataError
from kedge.storage import source
from kedge.storage.columns import CandleColumns
from kedge.storage.formats import read_candles, read_funding, read_mark_candles, read_quotes, read_trades
from kedge.storage.parquet import write_stored

CANDLES = "open_time_ms,open,high,low,close,volume\n" + "".join(
    f"{1_700_000_040_000 + at * 60_000},10{at}.5,11{at},9{at}.25,-10{at},{at}.75e1\n" for at in range(9)
)
DATED = "date,open,high,low,close,volume\n" + "".join(
    f"2024-01-0{at + 1}T00:00:00Z,10{at}.5,11{at},9{at}.25,10{at},{at}.75\n" for at in range(9)
)
TRADES = "time_ms,trade_id,side,price,amount\n" + "".join(
    f"{1_700_000_040_000 + at},{at},buy,0.0014{at},2{at}\n" for at in range(9)
)
READERS: list[Callable[..., Any]] = [read_candles, read_mark_candles, read_trades, read_quotes, read_funding]

fuzzing = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def read_or_refuse(path: Path, content: bytes, reader: Callable[..., Any]) -> None:
    path.write_bytes(content)
    try:
        columns = reader(path).columns
    except DataError as error:
        refusal = str(error)
    else:
        assert len(list(columns.facts())) == len(columns) > 0
        return
    assert refusal.startswith(str(path))
    assert "\n" not in refusal


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """A good file with a few bytes replaced, removed, repeated or put in."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([1, 1, 2, 7, 40]))
        piece = draw(
            st.binary(max_size=3)
            | st.sampled_from([b",", b".", b"\n", b"\r", b'"', b"-", b"e9", b"e-99", b"\0", b"\xff", b"nan", b";"])
            | st.just(bytes(content[at : at + length]) * 2)
        )
        content[at : at + draw(st.sampled_from([0, length]))] = piece
    return bytes(content)


@fuzzing
@given(content=st.binary(max_size=300), reader=st.sampled_from(READERS))
def test_any_bytes(tmp_path: Path, content: bytes, reader: Callable[..., Any]) -> None:
    read_or_refuse(tmp_path / "f", content, reader)
    read_or_refuse(tmp_path / "f", gzip.compress(content), reader)


@fuzzing
@given(
    text=st.text('0123456789,.-+eE:;TZ "\n\r\tnaif', max_size=300),
    header=st.sampled_from([CANDLES, DATED, TRADES, "\n"]),
)
def test_any_text_below_a_header(tmp_path: Path, text: str, header: str) -> None:
    content = header.partition("\n")[0] + "\n" + text
    for reader in (read_candles, read_trades):
        read_or_refuse(tmp_path / "f", content.encode(), reader)


@fuzzing
@given(
    content=st.sampled_from([CANDLES, DATED, TRADES]).flatmap(lambda text: mutated(text.encode())),
    block=st.sampled_from([30, 1 << 20]),
)
def test_mutated_text(tmp_path: Path, content: bytes, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK_BYTES", block)
        for reader in (read_candles, read_trades):
            read_or_refuse(tmp_path / "f", content, reader)


@fuzzing
@given(content=mutated(gzip.compress(CANDLES.encode(), mtime=0)))
def test_mutated_gzip(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(tmp_path / "f", content, read_candles)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory = tmp_path_factory.mktemp("fuzz")
    (directory / "c.csv").write_text(CANDLES)
    columns = read_candles(directory / "c.csv").columns
    write_stored(directory / "c.parquet", columns)
    return (directory / "c.parquet").read_bytes()


@settings(fuzzing, max_examples=60)
@given(data=st.data())
def test_mutated_parquet(tmp_path: Path, stored: bytes, data: st.DataObject) -> None:
    read_or_refuse(tmp_path / "f", data.draw(mutated(stored)), read_candles)


@settings(fuzzing, max_examples=60)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_of_stored_columns_changes_no_value(tmp_path: Path, stored: bytes, at: int, bit: int) -> None:
    (tmp_path / "good").write_bytes(stored)
    good = read_candles(tmp_path / "good").columns
    content = bytearray(stored)
    content[at % len(content)] ^= 1 << bit
    (tmp_path / "bad").write_bytes(content)
    try:
        found = read_candles(tmp_path / "bad").columns
    except DataError:
        return
    assert isinstance(found, CandleColumns)
    assert found == good
