"""AuditLogger: what it writes, when it is durable, what it refuses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from kedge.journal import AuditLogger, CommitPolicy, JournalMisused, encode_body, read

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
