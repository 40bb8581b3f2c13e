"""Opening after a crash: no intact record is lost, no damage is passed over."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kedge.journal import (
    AuditLogger,
    CommitPolicy,
    JournalCorrupt,
    JournalError,
    KeyRefused,
    SigningKey,
    TornTail,
    read,
)
from kedge.journal.checkpoint import CHECKPOINTS
from kedge.journal.memory import MemoryDisk
from kedge.journal.record import parse
from kedge.journal.recover import EPOCH
from kedge.journal.verify import verify

from .journals import DAY, KEY, Files, disk_of, sample, segment_names

SAMPLE = sample(every=1000)


def numbers(disk: MemoryDisk) -> list[int]:
    return [record.n for record in read(disk)]


def torn_tail(n: int, tail: bytes, segment: str) -> TornTail:
    return TornTail(n, len(tail), f"{segment}.torn-{n}", hashlib.sha256(tail).hexdigest())


def unprotected(files: Files) -> Files:
    """The files as a crash leaves them: the checkpoints at the end were never written."""
    first = files[CHECKPOINTS].splitlines(keepends=True)[0]
    return files | {CHECKPOINTS: first}


def test_h59_cut_at_every_byte_of_the_last_records_loses_no_intact_one() -> None:
    name = segment_names(SAMPLE)[-1]
    data = SAMPLE[name]
    lines = data.splitlines(keepends=True)
    before = len(SAMPLE[segment_names(SAMPLE)[0]].splitlines()) + len(SAMPLE[segment_names(SAMPLE)[1]].splitlines())
    for end in range(len(data) - sum(map(len, lines[-4:])), len(data) + 1):
        intact = before + data[:end].count(b"\n")
        disk = disk_of(unprotected(SAMPLE | {name: data[:end]}))
        with AuditLogger(disk=disk, key=KEY) as journal:
            rest = data[:end].rpartition(b"\n")[2]
            if rest:
                assert journal.torn == (torn_tail(intact + 1, rest, name),)
                assert disk.read(journal.torn[0].path) == rest
            else:
                assert journal.torn == ()
            assert journal.n == intact
            assert journal.append("torn", {}, 3 * DAY) == intact + 1
        assert numbers(disk) == list(range(1, intact + 2))
        assert verify(disk).ok


def test_h59_a_bad_line_with_a_record_after_it_is_refused_by_name() -> None:
    names = segment_names(SAMPLE)
    for name in names:
        lines = SAMPLE[name].splitlines(keepends=True)
        for i in range(len(lines) - (name == names[-1])):
            record = parse(lines[i])
            assert record is not None
            damaged = [*lines[:i], lines[i][:50] + b"\n", *lines[i + 1 :]]
            with pytest.raises(JournalCorrupt) as refusal:
                AuditLogger(disk=disk_of(unprotected(SAMPLE | {name: b"".join(damaged)})), key=KEY)
            assert (refusal.value.n, refusal.value.file, refusal.value.line) == (record.n, name, i + 1)


def test_h59_a_well_formed_last_line_that_does_not_follow_is_no_torn_tail() -> None:
    name = segment_names(SAMPLE)[-1]
    lines = SAMPLE[name].splitlines(keepends=True)
    for last in (lines[-1].replace(b'"price":"420"', b'"price":"421"'), lines[-1] + lines[-1], lines[-1] + lines[0]):
        assert last != lines[-1]
        files = unprotected(SAMPLE | {name: b"".join([*lines[:-1], last])})
        with pytest.raises(JournalCorrupt):
            AuditLogger(disk=disk_of(files), key=KEY)


def test_h59_a_cut_below_the_last_checkpoint_is_refused() -> None:
    name = segment_names(SAMPLE)[-1]
    lines = SAMPLE[name].splitlines(keepends=True)
    for tail in (b"", lines[-1][:20], lines[-1][:-1]):
        with pytest.raises(JournalCorrupt, match="checkpoint tells of record 60") as refusal:
            AuditLogger(disk=disk_of(SAMPLE | {name: b"".join(lines[:-1]) + tail}), key=KEY)
        assert refusal.value.n == 60
    for gone in (names := segment_names(SAMPLE)):
        with pytest.raises(JournalCorrupt):
            AuditLogger(disk=disk_of({n: d for n, d in SAMPLE.items() if n != gone}), key=KEY)
    with pytest.raises(JournalCorrupt):
        AuditLogger(disk=disk_of({n: d for n, d in SAMPLE.items() if n not in names}), key=KEY)


def test_a_refused_journal_is_left_as_it_is() -> None:
    name = segment_names(SAMPLE)[-1]
    files = SAMPLE | {name: SAMPLE[name][:-5]}
    disk = disk_of(files)
    with pytest.raises(JournalCorrupt):
        AuditLogger(disk=disk, key=KEY)
    assert {name: disk.read(name) for name in disk.names()} == files


def test_damaged_checkpoints_are_refused_and_a_torn_one_is_cut() -> None:
    lines = SAMPLE[CHECKPOINTS].splitlines(keepends=True)
    assert len(lines) == 4
    other = bytes([lines[1][20] ^ 1])
    for bad in (
        [lines[1], lines[0], *lines[2:]],
        lines[1:],
        [lines[0], lines[2], lines[3]],
        [lines[0], lines[1][:-9] + b"\n", *lines[2:]],
        [lines[0], lines[1].replace(b'"n":20', b'"n":21'), *lines[2:]],
        [lines[0], lines[1][:20] + other + lines[1][21:], *lines[2:]],
    ):
        with pytest.raises(JournalCorrupt):
            AuditLogger(disk=disk_of(SAMPLE | {CHECKPOINTS: b"".join(bad)}), key=KEY)
    for end in range(1, len(lines[-1])):
        disk = disk_of(SAMPLE | {CHECKPOINTS: b"".join([*lines[:-1], lines[-1][:end]])})
        with AuditLogger(disk=disk, key=KEY) as journal:
            journal.append("a", {}, 3 * DAY)
        assert verify(disk).ok


def test_the_key_may_not_change() -> None:
    for key in (SigningKey(bytes(32)), None):
        with pytest.raises(KeyRefused):
            AuditLogger(disk=disk_of(SAMPLE), key=key)
    with pytest.raises(KeyRefused):
        AuditLogger(disk=disk_of(sample(key=None)), key=KEY)


def test_pre_allocated_space_is_not_a_torn_tail() -> None:
    disk = MemoryDisk()
    journal = AuditLogger(disk=disk, key=KEY, preallocate_bytes=4096)
    journal.append("a", {}, 1)
    journal.commit()
    assert disk.size("audit-1970-01-01.jsonl") == 4096
    assert numbers(disk) == [1]
    report = verify(disk)
    assert (report.ok, {warning.kind for warning in report.warnings}) == (True, {"filler", "no-stop", "unpinned"})
    after = disk.crash()
    with AuditLogger(disk=after, key=KEY, preallocate_bytes=4096) as journal:
        assert journal.torn == ()
        journal.append("a", {}, 1)
        journal.append("a", {}, DAY)
    assert all(after.read(name).endswith(b"}\n") for name in after.names() if name.startswith("audit-"))
    assert verify(after).ok


def test_a_torn_tail_in_pre_allocated_space_is_kept_without_the_space() -> None:
    name = segment_names(SAMPLE)[-1]
    disk = disk_of(SAMPLE | {name: SAMPLE[name] + b'{"at":12' + bytes(500)})
    with AuditLogger(disk=disk, key=KEY) as journal:
        assert journal.torn == (torn_tail(61, b'{"at":12', name),)


def test_two_torn_tails_at_one_number_are_both_kept() -> None:
    name = segment_names(SAMPLE)[-1]
    disk = disk_of(SAMPLE)
    for tail in (b"first", b"second", b"first"):
        disk.put(name, disk.read(name) + tail)
        AuditLogger(disk=disk, key=KEY).close()
    torn = {disk.read(file) for file in disk.names() if ".torn-" in file}
    assert torn == {b"first", b"second"}


def test_an_empty_segment_left_by_a_crash_is_removed() -> None:
    disk = disk_of(SAMPLE | {"audit-2030-01-01.jsonl": b""})
    assert {warning.kind for warning in verify(disk).warnings} >= {"empty-segment"}
    with AuditLogger(disk=disk, key=KEY) as journal:
        journal.append("a", {}, 3 * DAY)
    assert "audit-2030-01-01.jsonl" not in disk.names()
    assert verify(disk).ok


def test_epochs_survive_a_torn_epoch_file() -> None:
    for text, epoch in ((b"", 3), (b"00000000000000000009\n", 10), (b"000000", 3)):
        disk = disk_of(SAMPLE | {EPOCH: text})
        with AuditLogger(disk=disk, key=KEY) as journal:
            assert journal.epoch == epoch
    with pytest.raises(JournalCorrupt, match="epoch"):
        AuditLogger(disk=disk_of(SAMPLE | {EPOCH: b"seven\n"}), key=KEY)


def test_a_directory_without_a_journal_is_named(tmp_path: Path) -> None:
    for where in (tmp_path, tmp_path / "absent"):
        with pytest.raises(JournalError, match=str(where)):
            list(read(where))


def test_a_reader_sees_what_is_committed_while_a_writer_works(tmp_path: Path) -> None:
    with AuditLogger(tmp_path) as journal:
        journal.append("a", {}, 1)
        journal.commit()
        file = tmp_path / "audit-1970-01-01.jsonl"
        whole = file.read_bytes()
        file.write_bytes(whole + whole[:40])  # half of the next line has arrived
        assert [record.n for record in read(tmp_path)] == [1]
        file.write_bytes(whole)


def test_a_reader_stops_at_damage_and_names_it() -> None:
    name = segment_names(SAMPLE)[1]
    files = SAMPLE | {name: SAMPLE[name].replace(b'"price":"210"', b'"price":"211"')}
    records = read(disk_of(files))
    seen = [next(records).n for _ in range(29)]
    with pytest.raises(JournalCorrupt) as refusal:
        next(records)
    assert seen == list(range(1, 30))
    assert refusal.value.n == 30


class CrashMachine(RuleBasedStateMachine):
    """Append, commit, lose power with any part of the unsynced bytes kept, open again: for ever.

    The model is the list of appended bodies and how many of them were acknowledged as durable.
    """

    @initialize(sync=st.booleans(), batch=st.integers(1, 5), every=st.integers(1, 4), ahead=st.sampled_from([0, 700]))
    def begin(self, sync: bool, batch: int, every: int, ahead: int) -> None:
        self.policy, self.every, self.ahead = CommitPolicy(records_max=batch), every, ahead
        self.disk = MemoryDisk()
        self.bodies: list[dict[str, object]] = []
        self.durable, self.epoch, self.at = 0, 0, 0
        self.open()

    def open(self) -> None:
        self.journal = AuditLogger(
            disk=self.disk,
            key=KEY,
            policy=self.policy,
            checkpoint_records=self.every,
            preallocate_bytes=self.ahead,
        )
        assert self.journal.epoch > self.epoch
        self.epoch = self.journal.epoch
        assert self.durable <= self.journal.n <= len(self.bodies)
        del self.bodies[self.journal.n :]

    @rule(text=st.text(max_size=30), step=st.sampled_from([-DAY, 0, 1, DAY]))
    def append(self, text: str, step: int) -> None:
        self.at += step
        body: dict[str, object] = {"text": text, "at": self.at}
        self.bodies.append(body)
        assert self.journal.append("a", body, self.at) == len(self.bodies)
        self.durable = self.journal.durable_n

    @rule()
    def commit(self) -> None:
        self.durable = self.journal.commit()
        assert self.durable == len(self.bodies)

    @rule()
    def close_and_open(self) -> None:
        self.journal.close()
        self.durable = len(self.bodies)
        self.open()

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.disk = self.disk.crash(
            lambda name, pending: data.draw(st.integers(0, pending), name),
            lambda name: data.draw(st.booleans(), name),
        )
        self.open()

    @invariant()
    def what_is_on_disk_is_what_was_appended(self) -> None:
        seen = list(read(self.disk))
        assert self.durable <= len(seen) <= len(self.bodies)
        for record, body in zip(seen, self.bodies, strict=False):
            assert record.at == body["at"]
        assert verify(self.disk).ok


TestCrashMachine = CrashMachine.TestCase
TestCrashMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(cut=st.integers(0, 400), junk=st.binary(max_size=40))
def test_any_junk_after_a_cut_is_repaired_or_refused_and_never_accepted(cut: int, junk: bytes) -> None:
    name = segment_names(SAMPLE)[-1]
    data = SAMPLE[name][: len(SAMPLE[name]) - cut] + junk
    disk = disk_of(unprotected(SAMPLE | {name: data}))
    try:
        AuditLogger(disk=disk, key=KEY).close()
    except JournalCorrupt:
        return
    originals = {line for name in segment_names(SAMPLE) for line in SAMPLE[name].splitlines(keepends=True)}
    for name in disk.names():
        if name.endswith(".jsonl") and name.startswith("audit-"):
            assert set(disk.read(name).splitlines(keepends=True)) <= originals
    assert verify(disk).ok
