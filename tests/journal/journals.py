"""Journals to damage: written by `AuditLogger` into memory, several days, epochs and checkpoints."""

from __future__ import annotations

from kedge.journal import STOP, AuditLogger, CommitPolicy, SigningKey
from kedge.journal.checkpoint import CHECKPOINTS
from kedge.journal.memory import MemoryDisk

DAY = 86_400 * 10**9
KEY = SigningKey(bytes(range(32)))
Files = dict[str, bytes]


def sample(records: int = 60, *, every: int = 15, days: int = 3, key: SigningKey | None = KEY) -> Files:
    """The files of a journal of two openings that ended with a stop."""
    disk = MemoryDisk()
    for first, last in ((1, records // 3), (records // 3 + 1, records)):
        with AuditLogger(disk=disk, key=key, checkpoint_records=every, policy=CommitPolicy(records_max=7)) as journal:
            for n in range(first, last + 1):
                kind = STOP if n in (records // 3, records) else ("start" if n == first else "fill")
                body = {"price": str(n * 7), "symbol": "BTC-USD", "fees": [n, None, True], "note": f"é{n}"}
                journal.append(kind, body, n * days * DAY // (records + 1), cause=max(0, n - 3))
    return {name: disk.read(name) for name in disk.names()}


def disk_of(files: Files) -> MemoryDisk:
    """A disk that holds the files."""
    disk = MemoryDisk()
    for name, data in files.items():
        disk.put(name, data)
    return disk


def evidence(files: Files) -> list[str]:
    """The names whose every byte counts: segments and checkpoints."""
    return [name for name in sorted(files) if name.startswith("audit-") or name == CHECKPOINTS]


def segment_names(files: Files) -> list[str]:
    """The segments, oldest first."""
    return [name for name in sorted(files) if name.startswith("audit-")]
