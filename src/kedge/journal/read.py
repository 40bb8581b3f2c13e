"""Reading a journal, one record at a time, in memory that does not grow.

The reader proves the chain as it goes and raises `JournalCorrupt` at the first record that is not what was
written: nothing that has not been proved is ever handed out. An unfinished last line (a writer at work, or
a crash) ends the reading quietly; `verify` is what reports it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from kedge.journal.checkpoint import CHECKPOINTS
from kedge.journal.disk import Disk, OsDisk
from kedge.journal.errors import JournalCorrupt, JournalError
from kedge.journal.record import Record, parse
from kedge.journal.scan import Walk, after
from kedge.journal.segment import segments


def read(where: str | os.PathLike[str] | Disk) -> Iterator[Record]:
    """The records of the journal in `where`, in order."""
    disk = open_for_reading(where)
    walk = Walk(disk)
    yield from walk.records()
    flaw = walk.flaw
    if flaw is None:
        return
    if flaw.record is None and all(parse(raw) is None for _, _, _, raw in after(disk, flaw)):
        return
    raise JournalCorrupt(walk.n + 1, flaw.name, flaw.line, flaw.what)


def open_for_reading(where: str | os.PathLike[str] | Disk) -> Disk:
    """The disk of an existing journal; JournalError if there is none."""
    if not isinstance(where, (str, os.PathLike)):
        return where
    if not os.path.isdir(where):
        raise JournalError(f"journal {os.fspath(where)} is not a directory; give the directory of audit-*.jsonl")
    disk = OsDisk(where)
    if not segments(disk) and CHECKPOINTS not in disk.names():
        raise JournalError(f"journal {os.fspath(where)} has no audit-YYYY-MM-DD.jsonl; give a journal's directory")
    return disk
