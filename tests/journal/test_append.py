"""AuditLogger: what it writes, when it is durable, what it refuses."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kedge.journal import (
    AuditLogger,
    CommitPolicy,
    JournalDead,
    JournalError,
    JournalMisused,
    SigningKey,
    encode_body,
    read,
)
from kedge.journal.memory import MemoryDisk

DAY = 86_400 * 10**9


def test_c36_lines_are_canonical_json_chained_over_the_bytes_before_sha(tmp_path: Path) -> None:
    with AuditLogger(tmp_path) as journal:
        journal.append("start", {"code": "abc"}, 5)
        journal.append("fill", encode_body({"b": 1, "a": "x"}), 6, cause=1)
    lines = (tmp_path / "audit-1970-01-01.jsonl").read_bytes().splitlines()
    chain = bytes(32)
    for number, line in enumerate(lines, 1):
        value = json.loads(line)
        assert list(value) == ["at", "body", "cause", "epoch", "kind", "n", "schema", "sha"]
        assert value["n"] == number
        assert line == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        text, _ = line.rsplit(b',"sha"', 1)
        chain = hashlib.sha256(chain + text).digest()
        assert value["sha"] == chain.hex()[:32]
    assert len(lines) == 2


def test_numbers_are_dense_and_a_given_number_must_be_the_next(tmp_path: Path) -> None:
    with AuditLogger(tmp_path) as journal:
        assert [journal.append("a", {}, 1), journal.append("a", {}, 1, n=2)] == [1, 2]
        for wrong in (2, 4, 0):
            with pytest.raises(JournalMisused, match="3 is next"):
                journal.append("a", {}, 1, n=wrong)
        assert journal.append("a", {}, 1) == 3
    assert [record.n for record in read(tmp_path)] == [1, 2, 3]


def test_nothing_is_durable_before_commit(tmp_path: Path) -> None:
    with AuditLogger(tmp_path, policy=CommitPolicy(records_max=3)) as journal:
        journal.append("a", {}, 1)
        journal.append("a", {}, 1)
        assert (journal.n, journal.durable_n, list(read(tmp_path))) == (2, 0, [])
        assert journal.commit() == 2
        assert [record.n for record in read(tmp_path)] == [1, 2]
        for _ in range(3):
            journal.append("a", {}, 1)
        assert journal.durable_n == 5  # the full buffer commits by itself


def test_a_utc_day_is_a_segment_and_time_never_goes_back_to_an_earlier_one(tmp_path: Path) -> None:
    with AuditLogger(tmp_path) as journal:
        for at in (DAY - 1, DAY, DAY - 1, 3 * DAY):
            journal.append("a", {"at": at}, at)
    counts = {path.name: len(path.read_bytes().splitlines()) for path in tmp_path.glob("audit-*")}
    assert counts == {"audit-1970-01-01.jsonl": 1, "audit-1970-01-02.jsonl": 2, "audit-1970-01-04.jsonl": 1}
    assert [record.at for record in read(tmp_path)] == [DAY - 1, DAY, DAY - 1, 3 * DAY]


def test_reopening_goes_on_where_it_ended_in_a_higher_epoch(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        with AuditLogger(tmp_path) as journal:
            assert journal.epoch == epoch
            journal.append("a", {}, 1)
    with AuditLogger(tmp_path) as journal:
        assert (journal.n, journal.epoch) == (3, 4)
    with AuditLogger(tmp_path) as journal:  # an opening that wrote nothing counts too
        assert journal.epoch == 5
    assert [(record.n, record.epoch) for record in read(tmp_path)] == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize(
    "change",
    [
        {"cause": 2}, {"cause": -1}, {"at": 1.5}, {"at": dt.datetime(2024, 1, 1)},  # noqa: DTZ001
        {"at": 2**63}, {"at": "1"},
        {"schema": 0}, {"body": b'{"a":1}\n'}, {"body": b""}, {"body": b"[]"}, {"body": [1]}, {"body": None},
        {"kind": "a b"}, {"kind": ""}, {"kind": "é"}, {"kind": 'a","n":1'}, {"kind": "x" * 65},
    ],
)  # fmt: skip
def test_a_wrong_append_is_refused_and_changes_nothing(change: dict[str, Any], tmp_path: Path) -> None:
    with AuditLogger(tmp_path) as journal:
        journal.append("a", {}, 1)
        head = journal.head
        arguments: dict[str, Any] = {"kind": "a", "body": {}, "at": 1} | change
        with pytest.raises(JournalError):
            journal.append(**arguments)
        assert (journal.n, journal.head) == (1, head)
        journal.append("a", {}, 1)
    assert [record.n for record in read(tmp_path)] == [1, 2]


def test_an_aware_datetime_is_taken_to_the_nanosecond_it_means(tmp_path: Path) -> None:
    zone = dt.timezone(dt.timedelta(hours=-5))
    with AuditLogger(tmp_path) as journal:
        journal.append("a", {}, dt.datetime(2024, 8, 8, 23, 54, 0, 123456, tzinfo=zone))
        journal.append("a", {}, dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC))
    assert [record.at for record in read(tmp_path)] == [1_723_179_240_123_456_000, -1_000]
    assert {path.name for path in tmp_path.glob("audit-*")} == {"audit-2024-08-09.jsonl"}


def test_checkpoints_stand_at_the_start_at_their_distance_and_at_the_end(tmp_path: Path, key: SigningKey) -> None:
    heads: list[str] = []
    for last in (23, 31):
        with AuditLogger(tmp_path, key=key, checkpoint_records=10, policy=CommitPolicy(records_max=7)) as journal:
            while journal.n < last:
                journal.append("a", {}, 1)
            heads.append(journal.head)
    lines = (tmp_path / "checkpoints.jsonl").read_bytes().splitlines(keepends=True)
    points = [json.loads(line) for line in lines]
    assert [point["n"] for point in points] == [1, 10, 20, 23, 24, 30, 31]
    assert [point["i"] for point in points] == [1, 2, 3, 4, 5, 6, 7]
    assert points[-1]["sha"] == heads[-1]
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex((tmp_path / "checkpoints.pub").read_text()))
    for line, point in zip(lines, points, strict=True):
        signed = b"kedge journal checkpoint 1\n" + line.rsplit(b',"sig"', 1)[0]
        public.verify(bytes.fromhex(point["sig"]), signed)


def test_a_checkpoint_never_tells_of_what_is_not_durable(key: SigningKey) -> None:
    disk = MemoryDisk()
    journal = AuditLogger(disk=disk, key=key, checkpoint_records=1)
    for n in range(1, 20):
        journal.append("a", {}, n)
        if n % 5 == 0:
            journal.commit()
        survivors = disk.crash(lambda name, pending: pending if name == "checkpoints.jsonl" else 0)
        disk.revive()
        AuditLogger(disk=survivors, key=key).close()


def test_a_directory_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalDead, match="cannot be opened"):
        AuditLogger(tmp_path / "file")
    for neither in ({}, {"log_dir": tmp_path, "disk": MemoryDisk()}):
        with pytest.raises(JournalMisused, match="one of them"):
            AuditLogger(**neither)  # type: ignore[arg-type]


def test_reading_takes_the_same_memory_however_long_the_journal(tmp_path: Path) -> None:
    with AuditLogger(tmp_path, policy=CommitPolicy(sync=False)) as journal:
        for n in range(8_000):
            journal.append("a", {"text": "x" * 300}, n)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read(tmp_path)) == 8_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000 < (tmp_path / "audit-1970-01-01.jsonl").stat().st_size / 3


@pytest.mark.parametrize("extra", [0, 1, 17])
def test_a_segment_grown_ahead_is_cut_to_its_records_when_closed(tmp_path: Path, extra: int) -> None:
    plain, ahead = tmp_path / "plain", tmp_path / "ahead"
    for where, size in ((plain, 0), (ahead, 700 + extra)):
        with AuditLogger(where, preallocate_bytes=size, policy=CommitPolicy(records_max=3)) as journal:
            for n in range(40):
                journal.append("a", {"n": n}, n * DAY // 15)
    assert [path.read_bytes() for path in sorted(plain.iterdir())] == [
        path.read_bytes() for path in sorted(ahead.iterdir())
    ]
