"""Files that are not what they should be: one line that names the file, the place in it and what to do."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .shell import WAVES, Shell, candles

GOOD = candles(WAVES)
HEADER, *ROWS = GOOD.splitlines(keepends=True)


def with_row(row: str, at: int = 2) -> str:
    """The good file with one row in place of its third (line 4)."""
    return "".join([HEADER, *ROWS[:at], row + "\n", *ROWS[at + 1 :]])


def parquet(shell: Shell, data: pa.Table) -> bytes:
    path = shell.place.parent / "made.parquet"
    pq.write_table(data, path)
    return path.read_bytes()


BAD_TEXT: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "empty": (b"", ("empty", "header")),
    "header only": (HEADER, ("bad.csv",)),
    "one row": (HEADER + ROWS[0], ("bad.csv", "interval")),
    "blank lines": ("\n\n\n", ("bad.csv",)),
    "binary": (bytes(range(256)) * 8, ("binary",)),
    "nul bytes": (b"\0" * 100, ("binary",)),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ("bad.csv",)),
    "zip": (b"PK\x03\x04aaaa", ("zip archive", "unpack")),
    "zstd": (b"\x28\xb5\x2f\xfdaaaa", ("zstd", "unpack")),
    "xz": (b"\xfd7zXZ\x00aaaa", ("xz", "unpack")),
    "bzip2": (b"BZh91AY&SY", ("bzip2", "unpack")),
    "sqlite": (b"SQLite format 3\x00aaaa", ("SQLite",)),
    "utf-16": ("open_time,open\n1,2\n".encode("utf-16"), ("UTF-16", "UTF-8")),
    "latin-1 value": (with_row("1704074400000,1é0,101,99,100,10").encode("latin-1"), ("bad.csv", "line 4")),
    "not utf-8 header": (b"t\xffme,open,high,low,close,volume\n" + b"1,2,3,4,5,6\n" * 2, ("bad.csv",)),
    "truncated gzip": (gzip.compress(GOOD.encode(), mtime=0)[:-60], ("cut off", "get the file again")),
    "gzip header only": (b"\x1f\x8b\x08\x00", ("bad.csv", "get the file again")),
    "damaged gzip": (gzip.compress(GOOD.encode(), mtime=0)[:40] + b"\xff" * 60, ("bad.csv", "get the file again")),
    "gzip of nothing": (gzip.compress(b"", mtime=0), ("empty",)),
    "gzip of binary": (gzip.compress(b"\0\1\2" * 50, mtime=0), ("bad.csv",)),
    "json": ('[{"open": 1}, {"open": 2}]\n', ("bad.csv",)),
    "html": ("<html><body>404 not found</body></html>\n", ("bad.csv",)),
    "no time column": ("open,high,low,close,volume\n1,2,3,4,5\n2,3,4,5,6\n", ("bad.csv", "time")),
    "no close column": ("time,open,high,low,volume\n1704067200,2,3,4,5\n", ("bad.csv", "close")),
    "two close columns": ("time,open,high,low,close,close,volume\n1704067200,2,3,4,5,6,7\n", ("bad.csv", "close")),
    "a text for a number": (with_row("1704074400000,abc,101,99,100,10"), ("line 4", "open", "abc")),
    "an empty number": (with_row("1704074400000,,101,99,100,10"), ("line 4", "open")),
    "NaN": (with_row("1704074400000,NaN,101,99,100,10"), ("line 4", "open", "NaN")),
    "infinity": (with_row("1704074400000,100,inf,99,100,10"), ("line 4", "high", "inf")),
    "null": (with_row("1704074400000,100,101,null,100,10"), ("line 4", "low", "null")),
    "a comma for a point": (with_row('1704074400000,"100,5",101,99,100,10'), ("line 4",)),
    "a currency sign": (with_row("1704074400000,$100,101,99,100,10"), ("line 4", "$100")),
    "hexadecimal": (with_row("1704074400000,0x64,101,99,100,10"), ("line 4", "0x64")),
    "an absurd exponent": (with_row("1704074400000,1e999999999,101,99,100,10"), ("line 4",)),
    "digits without end": (with_row("1704074400000," + "9" * 400 + ",101,99,100,10"), ("line 4",)),
    "too few columns": (with_row("1704074400000,100,101"), ("line 4",)),
    "too many columns": (with_row("1704074400000,100,101,99,100,10,77,78"), ("line 4",)),
    "an unclosed quote": (with_row('1704074400000,"100,101,99,100,10'), ("bad.csv",)),
    "a text for a time": (with_row("yesterday,100,101,99,100,10"), ("line 4", "yesterday")),
    "no time": (with_row(",100,101,99,100,10"), ("line 4",)),
    "a negative time": (with_row("-5,100,101,99,100,10"), ("line 4", "-5")),
    "a time out of range": (with_row("99999999999999999999,100,101,99,100,10"), ("line 4",)),
    "another unit of time": (with_row("1704074400,100,101,99,100,10"), ("line 4", "1704074400")),
    "a date that does not exist": ("time,open,high,low,close,volume\n2024-02-30,1,2,1,1,1\n", ("2024-02-30",)),
    "a line without end": (b"x" * 3_000_000, ("bad.csv",)),
    "not a parquet file": (b"PAR1" + b"\0" * 100 + b"PAR1", ("Parquet", "again")),
    "a head of a parquet file": (b"PAR1", ("Parquet", "again")),
}


@pytest.mark.parametrize("name", BAD_TEXT)
def test_a_malformed_file_is_refused_with_its_place(shell: Shell, name: str) -> None:
    content, words = BAD_TEXT[name]
    shell.write("bad.csv", content)
    full = ["backtest", "sma_cross", "--data", "bad.csv", "--report", "r.html", "--journal", "j", "--json", "r.json"]
    shell.refused(full, "bad.csv", *words)
    shell.refused(["data", "check", "bad.csv"], "bad.csv", *words)
    shell.refused(["data", "import", "bad.csv", "--catalogue", "c"], "bad.csv", *words)


def table(rows: int, **instead: object) -> pa.Table:
    """A good table of that many rows, with some columns replaced."""
    columns: dict[str, object] = {
        name: pa.array([1.0] * rows, pa.float64()) for name in ("open", "high", "low", "close", "volume")
    }
    columns["time"] = pa.array([1_704_067_200_000_000_000 + at * 3_600_000_000_000 for at in range(rows)], pa.int64())
    return pa.table({**columns, **instead})


BAD_TABLES: dict[str, tuple[Callable[[], pa.Table], tuple[str, ...]]] = {
    "other columns": (lambda: pa.table({"a": [1, 2], "b": [1, 2]}), ("time",)),
    "no rows": (lambda: table(0), ("bad.csv",)),
    "a null": (lambda: table(3, open=pa.array([1.0, None, 1.0])), ("open", "row")),
    "a NaN": (lambda: table(3, open=pa.array([1.0, float("nan"), 1.0])), ("open", "row")),
    "prices that are lists": (lambda: table(2, open=pa.array([[1], [2]])), ("open",)),
    "times that are truths": (lambda: table(2, time=pa.array([True, False])), ("time",)),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_malformed_parquet_file_is_refused(shell: Shell, name: str) -> None:
    made, words = BAD_TABLES[name]
    shell.write("bad.csv", parquet(shell, made()))
    shell.refused(["backtest", "sma_cross", "--data", "bad.csv", "--report", "r.html", "--journal", "j"], *words)


def test_a_parquet_file_cut_short_or_changed_is_refused(shell: Shell) -> None:
    shell.done("data", "import", "market.csv", "--catalogue", "c")
    (stored,) = Path("c").rglob("*.parquet")
    whole = stored.read_bytes()
    for at in (8, len(whole) // 2, len(whole) - 1):
        shell.write("bad.parquet", whole[:at])
        shell.refused(["backtest", "sma_cross", "--data", "bad.parquet", "--journal", "j"], "bad.parquet")
    middle = len(whole) // 3
    shell.write("bad.parquet", whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    ran = shell("backtest", "sma_cross", "--data", "bad.parquet", "--journal", "j", "--report", "r.html")
    assert (ran.code, Path("j").exists(), Path("r.html").exists()) == (2, False, False), ran
    assert ran.err.startswith("error: bad.parquet"), ran


@pytest.mark.parametrize("command", ["backtest sma_cross --data", "data check", "data import"])
def test_what_is_no_readable_file_is_refused(shell: Shell, command: str) -> None:
    typed = command.split()
    shell.refused([*typed, "nowhere.csv"], "nowhere.csv", "check the path")
    Path("folder").mkdir()
    shell.refused([*typed, "folder"], "folder", "directory")
    shell.refused([*typed, ""], "check the path")
    os.mkfifo("pipe")
    assert shell(*typed, "pipe").code == 2


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no /proc: there is no file that even root cannot read")
def test_a_file_that_cannot_be_read_is_refused(shell: Shell) -> None:
    shell.refused(["backtest", "sma_cross", "--data", "/proc/self/mem"], "/proc/self/mem", "cannot be read")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(shell: Shell) -> None:
    Path("market.csv").chmod(0)
    shell.refused(["backtest", "sma_cross", "--data", "market.csv"], "market.csv", "ermission denied")


def test_bad_market_data_is_traded_but_told(shell: Shell) -> None:
    shell.write("bad.csv", with_row("1704074400000,100,99,101,100,10"))
    out = shell.done("data", "check", "bad.csv", code=1)
    assert "high_below_low" in out
    assert "Quarantined facts" in shell.done("backtest", "sma_cross", "--data", "bad.csv")


_FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@_FUZZ
@given(data=st.binary(max_size=600))
def test_any_bytes_are_read_or_refused_with_one_line(shell: Shell, data: bytes) -> None:
    shell.write("any", data)
    shell.refused(["backtest", "sma_cross", "--data", "any", "--journal", "j", "--report", "r.html"], "any")


@_FUZZ
@given(
    at=st.integers(0, len(GOOD) - 1),
    cut=st.integers(0, 40),
    data=st.text(st.characters(codec="utf-8"), max_size=12) | st.binary(max_size=12),
    packed=st.booleans(),
)
def test_a_good_file_with_any_damage_is_read_or_refused_with_one_line(
    shell: Shell, at: int, cut: int, data: str | bytes, packed: bool
) -> None:
    whole = gzip.compress(GOOD.encode(), mtime=0) if packed else GOOD.encode()
    at %= len(whole)
    shell.write("any", whole[:at] + (data.encode() if isinstance(data, str) else data) + whole[at + cut :])
    ran = shell("backtest", "sma_cross", "--data", "any", "--journal", "j", "--json", "r.json")
    if ran.code:
        assert ran.code == 2, ran
        assert ran.err.startswith("error: any"), ran
        assert len(ran.err.splitlines()) == 1, ran
    assert Path("j").exists() is Path("r.json").exists() is (ran.code == 0)
    for path in [*Path("j").glob("*"), Path("r.json")]:
        path.unlink(missing_ok=True)
    if Path("j").exists():
        Path("j").rmdir()
