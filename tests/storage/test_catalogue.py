from __future__ import annotations

import contextlib
import os
import random
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kedge.model.errors import DataError, WorldError
from kedge.model.instant import NS_PER_DAY
from kedge.model.market import Candle
from kedge.storage import catalogue
from kedge.storage.catalogue import Catalogue, interval_name
from kedge.storage.columns import CandleColumns
from kedge.storage.digest import sha256_of
from kedge.storage.history import History
from kedge.storage.manifest import locked, read_manifest

HOUR = 3_600_000_000_000
START = 1_700_000_000 * 1_000_000_000 // HOUR * HOUR


def candle(hour: int, version: int = 0) -> Candle:
    price = Decimal(1000 + hour * 7 % 13) + Decimal(version) / 100
    return Candle(START + hour * HOUR, price, price + 2, price - 2, price, Decimal(hour % 5), "BTC-USD", HOUR)


def columns(hours: list[int]) -> CandleColumns:
    return CandleColumns.from_candles([candle(hour) for hour in hours])


def held(data: Catalogue, start: int | None = None, end: int | None = None) -> list[Candle]:
    return list(data.open("binance", "BTC-USD", HOUR, start, end).facts())


class Imports(RuleBasedStateMachine):
    """Any series of imports against a plain dictionary of candles by time."""

    def __init__(self) -> None:
        super().__init__()
        self._rows_max = catalogue.PART_ROWS_MAX
        catalogue.PART_ROWS_MAX = 7  # several parts without many rows
        self._directory = tempfile.TemporaryDirectory()
        self._data = Catalogue(self._directory.name)
        self._oracle: dict[int, Candle] = {}

    def teardown(self) -> None:
        catalogue.PART_ROWS_MAX = self._rows_max
        self._directory.cleanup()

    @rule(
        first=st.integers(0, 60),
        count=st.integers(1, 25),
        step=st.integers(1, 3),
        seed=st.randoms(use_true_random=False),
    )
    def add(self, first: int, count: int, step: int, seed: random.Random) -> None:
        hours = list(range(first, first + count * step, step))
        hours += hours[: count // 3]  # exact repeats
        seed.shuffle(hours)
        done = self._data.add("binance", columns(hours))
        new = {START + hour * HOUR: candle(hour) for hour in hours}
        assert done.added == len(new.keys() - self._oracle.keys())
        assert done.added + done.known == len(hours)
        self._oracle |= new
        assert done.rows == len(self._oracle)

    @rule(hour=st.integers(0, 100), others=st.lists(st.integers(0, 100), max_size=5, unique=True))
    def contradict(self, hour: int, others: list[int]) -> None:
        rows = [candle(hour, version=1), *(candle(other) for other in others if other != hour)]
        contradicted = START + hour * HOUR in self._oracle
        if contradicted:
            with pytest.raises(DataError, match="decide which is right"):
                self._data.add("binance", CandleColumns.from_candles(rows))

    @invariant()
    def all_is_there_once_and_in_order(self) -> None:
        if self._oracle:
            assert held(self._data) == [self._oracle[ts] for ts in sorted(self._oracle)]
            (listed,) = self._data.list()
            assert listed.rows == len(self._oracle)
            assert (listed.first, listed.last) == (min(self._oracle), max(self._oracle))
            assert listed.missing == (listed.last - listed.first) // HOUR + 1 - listed.rows
            assert self._data.resume_ns("binance", "BTC-USD", HOUR) == listed.last + HOUR


TestImports = Imports.TestCase
TestImports.settings = settings(max_examples=12, stateful_step_count=8, deadline=None)


def test_importing_a_file_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    rows = [
        f"{candle(at).ts // 10**6},{candle(at).open},{candle(at).high},{candle(at).low},{candle(at).close},{at % 5}"
        for at in range(50)
    ]
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    data = Catalogue(tmp_path / "data")
    assert data.import_file(path, "binance").added == 50
    before = {entry: entry.stat().st_mtime_ns for entry in (tmp_path / "data").rglob("*.*")}
    again = data.import_file(path, "binance", "BTC-USD", HOUR)
    assert (again.added, again.known, again.rows) == (0, 50, 50)
    assert {entry: entry.stat().st_mtime_ns for entry in (tmp_path / "data").rglob("*.*")} == before
    assert held(data) == [candle(at) for at in range(50)]


def test_a_contradiction_names_time_and_values_and_changes_nothing(tmp_path: Path) -> None:
    data = Catalogue(tmp_path)
    data.add("binance", columns([1, 2, 3]))
    rows = [candle(3), candle(2, version=1), candle(9)]
    with pytest.raises(DataError, match=r"BTC-USD at 2023-11-15T00:00:00Z has open 1001 and 1001\.01; decide"):
        data.add("binance", CandleColumns.from_candles(rows))
    with pytest.raises(DataError, match=r"feed: BTC-USD at .* decide"):
        data.add("binance", CandleColumns.from_candles([candle(7), candle(7, version=2)]), source="feed")
    assert held(data) == [candle(1), candle(2), candle(3)]


def test_finer_values_later_keep_all_exact(tmp_path: Path) -> None:
    data = Catalogue(tmp_path)
    data.add("binance", columns([1, 2]))
    tiny = Decimal("0.00000001")
    fine = Candle(START + 3 * HOUR, tiny, tiny, tiny, tiny, tiny, "BTC-USD", HOUR)
    data.add("binance", CandleColumns.from_candles([fine]))
    assert held(data) == [candle(1), candle(2), fine]


def test_opening_between_times_crosses_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PART_ROWS_MAX", 10)
    data = Catalogue(tmp_path)
    data.add("binance", columns(list(range(100))))
    assert len(list(tmp_path.rglob("*.parquet"))) == 10
    assert held(data, START + 15 * HOUR, START + 42 * HOUR) == [candle(at) for at in range(15, 42)]
    assert held(data, START + 500 * HOUR, None) == []
    whole = data.open("binance", "BTC-USD", HOUR)
    assert whole.content_sha256() == sha256_of(whole.columns())
    assert sum(len(block) for block in whole.blocks(rows=3)) == 100
    assert list(History(whole)) == [candle(at) for at in range(100)]


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    data = Catalogue(tmp_path / "none")
    assert data.list() == []
    with pytest.raises(DataError, match="has no binance BTC-USD 1h; it has nothing yet"):
        data.open("binance", "BTC-USD", HOUR)
    data.add("binance", columns([1]))
    with pytest.raises(DataError, match="has no binance BTC-USD 1d; it has binance BTC-USD 1h"):
        data.open("binance", "BTC-USD", NS_PER_DAY)
    assert data.resume_ns("binance", "ETH-USD", HOUR) is None
    for venue, symbol in (("../up", "BTC-USD"), ("binance", "a/b"), ("", "x"), ("binance", "..")):
        with pytest.raises(DataError, match="cannot name a directory"):
            data.open(venue, symbol, HOUR)
    with pytest.raises(DataError, match="interval is 0"):
        data.open("binance", "BTC-USD", 0)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="is not a directory"):
        Catalogue(tmp_path / "file").list()


class FailingDisk:
    """`fsync` that works until the call that is to fail."""

    def __init__(self, fatal: int) -> None:
        self.calls = 0
        self._fatal = fatal
        self._real = os.fsync

    def __call__(self, handle: int) -> None:
        self.calls += 1
        if self.calls == self._fatal:
            raise OSError(5, "Input/output error")
        self._real(handle)


def test_a_crash_at_any_write_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PART_ROWS_MAX", 10)
    old, new = [candle(at) for at in range(0, 40, 2)], [candle(at) for at in range(40)]
    outcomes = []
    for fatal in range(1, 30):
        data = Catalogue(tmp_path / str(fatal))
        data.add("binance", columns(list(range(0, 40, 2))))
        disk = FailingDisk(fatal)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", disk)
            with contextlib.suppress(WorldError):
                data.add("binance", columns(list(range(40))))
        now = held(data)
        assert now in (old, new)
        outcomes.append(now == new)
        data.add("binance", columns(list(range(40))))
        assert held(data) == new
        data.add("binance", columns([99]))
        data.add("binance", columns([98]))
        named = {part.file for part in read_manifest(next(data.root.rglob("manifest.json"))).parts}
        kept = {path.name for path in data.root.rglob("*.parquet")}
        assert named <= kept
        assert len(kept) <= len(named) + 1, "what a crash left behind is swept away"
        if disk.calls < fatal:
            break
    else:
        pytest.fail("an import syncs more often than was tried")
    assert outcomes == sorted(outcomes), "the manifest decides: before it the old, after it the new"
    assert not outcomes[0]
    assert outcomes[-1]


def test_who_is_reading_can_finish_while_another_writes(tmp_path: Path) -> None:
    data = Catalogue(tmp_path)
    data.add("binance", columns(list(range(0, 20, 2))))
    reading = data.open("binance", "BTC-USD", HOUR)
    data.add("binance", columns(list(range(20))))
    assert list(reading.facts()) == [candle(at) for at in range(0, 20, 2)]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    data = Catalogue(tmp_path)
    data.add("binance", columns([1]))
    with (
        locked(tmp_path / "binance" / "BTC-USD" / "1h"),
        pytest.raises(WorldError, match="is being written by another process"),
    ):
        data.add("binance", columns([2]))
    assert data.add("binance", columns([2])).added == 1


@pytest.mark.parametrize("flip", range(0, 900, 37))
def test_a_damaged_part_is_never_read(tmp_path: Path, flip: int) -> None:
    data = Catalogue(tmp_path)
    data.add("binance", columns([1, 2, 3]))
    part = next(tmp_path.rglob("*.parquet"))
    content = bytearray(part.read_bytes())
    content[flip % len(content)] ^= 0x10
    part.write_bytes(content)
    with pytest.raises(DataError, match="is damaged: its bytes do not match the manifest"):
        held(data)
    with pytest.raises(DataError, match="is damaged"):
        data.add("binance", columns([4]))
    part.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        held(data)
    with pytest.raises(DataError, match="is missing"):
        data.list()


OUTSIDE = (
    '{"format":1,"venue":"v","symbol":"s","interval":1,"parts":[{"file":"../../x","rows":1,"first":1,"last":1,'
    '"price_scale":0,"size_scale":0,"sha256":""}]}'
)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        '{"format": 9, "venue": "v", "symbol": "s", "interval": 1}',
        '{"format": 1, "venue": "v"}',
        '{"format": 1, "venue": "v", "symbol": "s", "interval": 1, "extra": 1}',
        OUTSIDE,
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: str) -> None:
    data = Catalogue(tmp_path)
    data.add("binance", columns([1]))
    next(tmp_path.rglob("manifest.json")).write_text(content)
    with pytest.raises(DataError, match=r"manifest\.json"):
        data.list()
    with pytest.raises(DataError, match=r"manifest\.json"):
        data.add("binance", columns([2]))


@pytest.mark.parametrize(
    ("interval", "name"),
    [
        (60_000_000_000, "1m"),
        (15 * 60_000_000_000, "15m"),
        (HOUR, "1h"),
        (4 * HOUR, "4h"),
        (24 * HOUR, "1d"),
        (7 * 24 * HOUR, "1w"),
        (10**9, "1s"),
        (1_500_000_000, "1500000000ns"),
    ],
)
def test_intervals_have_short_names(interval: int, name: str) -> None:
    assert interval_name(interval) == name
