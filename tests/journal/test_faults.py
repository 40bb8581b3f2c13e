"""The first failed write is final: every fault at every call, on the faulty disk."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from kedge.journal import AuditLogger, CommitPolicy, JournalDead, JournalError, JournalMisused, read
from kedge.journal.memory import Fault, MemoryDisk
from kedge.journal.verify import verify

from .journals import DAY, KEY

FAULTS = [
    Fault("write", 0, errno.ENOSPC),
    Fault("write", 0, errno.ENOSPC, taken=37),
    Fault("write", 0, errno.EIO, taken=10_000),
    Fault("write", 0, 0, taken=5),
    Fault("sync", 0, errno.EIO),
    Fault("sync", 0, errno.ENOSPC),
    Fault("open", 0, errno.EMFILE),
    Fault("sync_dir", 0, errno.EIO),
    Fault("allocate", 0, errno.ENOSPC),
    Fault("truncate", 0, errno.EIO),
]


def work(disk: MemoryDisk, acknowledged: list[int]) -> None:
    """Thirty records over three days, committed by threes; what was acknowledged as durable is noted."""
    policy = CommitPolicy(records_max=100)
    with AuditLogger(disk=disk, key=KEY, policy=policy, checkpoint_records=5, preallocate_bytes=1024) as journal:
        for n in range(1, 31):
            journal.append("fill", {"n": n}, n * DAY // 10)
            if n % 3 == 0:
                acknowledged.append(journal.commit())


def reopened(disk: MemoryDisk) -> tuple[list[int], int]:
    """The records that a new process finds after repair, and how often the tail was torn."""
    with AuditLogger(disk=disk, key=KEY) as journal:
        return [record.n for record in read(disk)], len(journal.torn)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.op}-{fault.error}-{fault.taken}")
def test_h58_h60_each_fault_at_each_call_kills_the_journal_and_loses_nothing_acknowledged(fault: Fault) -> None:
    struck = 0
    for nth in range(1, 100):
        disk, acknowledged = MemoryDisk(Fault(fault.op, nth, fault.error, fault.taken)), [0]
        try:
            work(disk, acknowledged)
        except JournalDead:
            struck += 1
        else:
            break
        for kept in (0, 10**9):
            after = disk_after(disk, kept)
            numbers, _ = reopened(after)
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) >= acknowledged[-1], (nth, kept)
            assert verify(after).ok
    assert struck > 0


def disk_after(disk: MemoryDisk, kept: int) -> MemoryDisk:
    """The disk after a power cut, without ending `disk`, so that another may follow."""
    survivor = disk.crash(lambda name, pending: kept, lambda name: kept > 0)
    disk.revive()
    return survivor


def test_h60_after_a_failed_sync_nothing_is_tried_again() -> None:
    """The system would answer the next fsync with success; the journal must not ask."""
    disk = MemoryDisk()
    journal = AuditLogger(disk=disk, key=KEY)
    journal.append("a", {}, 1)
    journal.commit()
    disk.faults.append(Fault("sync", disk.calls["sync"] + 1, errno.EIO))
    journal.append("a", {}, 1)
    with pytest.raises(JournalDead, match="after record 1") as first:
        journal.commit()
    calls = disk.calls.copy()
    assert journal.is_dead
    for again in (journal.commit, lambda: journal.append("a", {}, 1)):
        with pytest.raises(JournalDead) as later:
            again()
        assert later.value is first.value
    journal.close()
    journal.close()
    assert disk.calls == calls
    assert journal.durable_n == 1
    with pytest.raises(JournalDead):
        journal.append("a", {}, 1)
    assert [record.n for record in read(disk.crash())] == [1]


def test_h58_a_full_disk_halts_and_the_half_written_tail_is_repaired_later() -> None:
    disk = MemoryDisk()
    journal = AuditLogger(disk=disk, key=KEY)
    journal.append("a", {}, 1)
    journal.commit()
    disk.faults.append(Fault("write", disk.calls["write"] + 1, errno.ENOSPC, taken=20))
    journal.append("a", {}, 1)
    with pytest.raises(JournalDead, match="No space left"):
        journal.commit()
    journal.close()
    report = verify(disk)
    assert [(problem.kind, problem.n) for problem in report.problems] == [("torn", 2)]
    with AuditLogger(disk=disk, key=KEY) as later:
        assert [(torn.n, torn.bytes) for torn in later.torn] == [(2, 20)]
        assert disk.read(later.torn[0].path) == b'{"at":1,"body":{},"c'
        later.append("torn", {"bytes": 20}, 1)
    assert verify(disk).ok


def test_an_error_in_the_middle_of_a_batch_that_fills_the_buffer_is_final_too(tmp_path: Path) -> None:
    disk = MemoryDisk()
    journal = AuditLogger(disk=disk, policy=CommitPolicy(records_max=4))
    disk.faults.append(Fault("write", disk.calls["write"] + 1, errno.ENOSPC))
    for _ in range(3):
        journal.append("a", {}, 1)
    with pytest.raises(JournalDead):
        journal.append("a", {}, 1)
    assert journal.durable_n == 0


def test_a_closed_journal_refuses() -> None:
    journal = AuditLogger(disk=MemoryDisk())
    journal.close()
    for late in (journal.commit, lambda: journal.append("a", {}, 1)):
        with pytest.raises(JournalMisused, match="closed"):
            late()


def test_without_sync_nothing_is_synced_while_it_runs() -> None:
    """A backtest's journal can be made again."""
    disk = MemoryDisk()
    with AuditLogger(disk=disk, key=KEY, policy=CommitPolicy(sync=False)) as journal:
        before = disk.calls["sync"]
        for n in range(2000):
            journal.append("a", {}, n * DAY // 100)
        assert disk.calls["sync"] == before
        assert journal.durable_n >= 1000
    assert verify(disk).ok


def test_a_failure_while_opening_releases_the_lock() -> None:
    disk = MemoryDisk(Fault("sync_dir", 1, errno.EIO))
    with pytest.raises(JournalDead, match=r"cannot be opened: .*Input/output"):
        AuditLogger(disk=disk)
    AuditLogger(disk=disk).close()
    with pytest.raises(JournalError):
        AuditLogger(disk=disk, key=KEY, checkpoint_records=0)
