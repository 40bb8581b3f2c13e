"""Opening a journal: prove what is there, cut what a crash left half-written, refuse what is damaged.

A write that was under way when the machine stopped leaves a *torn tail*: bytes at the very end that are no
record, with no record after them. They were never durable, so nobody acted on them; they are copied to
`<segment>.torn-<n>`, cut off, and reported for the caller to journal. A journal never loses an intact
record that way. Anything else is corruption and is refused by name: a bad line with a record after it, a
well-formed line that does not chain (a torn write cannot make one), an end before the last checkpoint, a
checkpoint that does not agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import msgspec

from kedge.journal.checkpoint import CHECKPOINTS, PUBLIC_KEY, Checkpoint
from kedge.journal.checkpoint import parse as parse_checkpoint
from kedge.journal.disk import Disk, write_all
from kedge.journal.errors import JournalCorrupt, KeyRefused
from kedge.journal.keys import SigningKey
from kedge.journal.record import parse
from kedge.journal.scan import Flaw, Walk, after

EPOCH = "epoch"
_EPOCH_DIGITS = 20


class TornTail(msgspec.Struct, frozen=True):
    """What an unfinished write left: the number its first record would have had, its length, place and hash.

    The hash ties the file, which no chain covers, to the record that the caller makes of this.
    """

    n: int
    bytes: int
    path: str
    sha256: str


class Recovered(msgspec.Struct, frozen=True):
    """The state from which a writer goes on."""

    n: int
    at: int
    chain: bytes
    epoch: int  # of this opening
    last_epoch: int  # of the last record
    day: int | None
    offset: int
    checkpoint_i: int
    checkpoint_n: int
    checkpoint_offset: int
    torn: tuple[TornTail, ...]


def recover(disk: Disk, key: SigningKey | None) -> Recovered:
    """Prove the journal, repair its end, and say where to go on; JournalCorrupt if it is damaged."""
    points = _Checkpoints(disk, key)
    walk = Walk(disk)
    for record in walk.records():
        points.meet(record.n, walk)
    points.end(walk)
    pieces = [] if walk.flaw is None else list(_torn_pieces(disk, walk, walk.flaw))
    torn = tuple(_cut(disk, walk.n + 1, *piece) for piece in pieces)
    for day, name in reversed(walk.places):
        # A segment without a record (its first write never came) would claim a day too early.
        if disk.size(name) == 0 and (walk.day is None or day > walk.day):
            disk.remove(name)
    points.cut()
    disk.sync_dir()
    return Recovered(
        n=walk.n, at=walk.at, chain=walk.chain, epoch=max(walk.epoch, read_epoch(disk)) + 1, last_epoch=walk.epoch,
        day=walk.day, offset=walk.offset,
        checkpoint_i=points.last.i if points.last else 0,
        checkpoint_n=points.last.n if points.last else 0,
        checkpoint_offset=points.offset, torn=tuple(piece for piece in torn if piece is not None),
    )  # fmt: skip


def _torn_pieces(disk: Disk, walk: Walk, flaw: Flaw) -> Iterator[tuple[str, int]]:
    """(segment, offset) from where each segment is to be cut; JournalCorrupt if the flaw is no torn tail."""
    if flaw.record is not None:
        raise JournalCorrupt(walk.n + 1, flaw.name, flaw.line, flaw.what)
    yield flaw.name, flaw.offset
    last = flaw.name
    for name, line, offset, raw in after(disk, flaw):
        if parse(raw) is not None:
            raise JournalCorrupt(
                walk.n + 1, flaw.name, flaw.line, f"{flaw.what}, and a record follows in {name} line {line}"
            )
        if name != last:
            last = name
            yield name, offset


def _cut(disk: Disk, n: int, name: str, offset: int) -> TornTail | None:
    """Copy the tail away, durably, and only then truncate. NULs of pre-allocation are not worth a copy."""
    tail = disk.read(name, offset).rstrip(b"\0")
    kept = None
    if tail:
        kept = TornTail(n, len(tail), _keep(disk, f"{name}.torn-{n}", tail), sha256(tail).hexdigest())
    file = disk.open(name)
    try:
        file.truncate(offset)
        file.sync()
    finally:
        file.close()
    return kept


def _keep(disk: Disk, name: str, tail: bytes) -> str:
    """Write `tail` under `name`, or a numbered one if that holds something else; durable on return."""
    taken, number, free = set(disk.names()), 1, name
    while free in taken and disk.read(free) != tail:
        number += 1
        free = f"{name}-{number}"
    file = disk.open(free)
    try:
        write_all(file, tail, 0)
        file.sync()
    finally:
        file.close()
    disk.sync_dir()
    return free


class _Checkpoints:
    """The checkpoints, met in order while the records pass by."""

    def __init__(self, disk: Disk, key: SigningKey | None) -> None:
        self._disk = disk
        self._key = key
        self.last: Checkpoint | None = None
        self.offset = 0
        self._points = self._read()
        self._next = next(self._points, None)

    def _read(self) -> Iterator[Checkpoint]:
        names = self._disk.names()
        if PUBLIC_KEY in names and self._key is None:
            raise KeyRefused("this journal's checkpoints are signed; open it with its key")
        if CHECKPOINTS not in names:
            return
        lines = list(self._disk.lines(CHECKPOINTS))
        for number, raw in enumerate(lines, 1):
            point = parse_checkpoint(raw)
            if point is None:
                if all(parse_checkpoint(later) is None for later in lines[number:]):
                    return  # a torn tail of the sidecar: it can be cut, the records prove themselves
                raise JournalCorrupt(0, CHECKPOINTS, number, "is not a checkpoint")
            self._prove(point, number)
            self.offset += len(raw)
            self.last = point
            yield point

    def _prove(self, point: Checkpoint, number: int) -> None:
        if point.i != number or (self.last is not None and point.n <= self.last.n):
            raise JournalCorrupt(point.n, CHECKPOINTS, number, "is out of sequence")
        mine = self._key.fingerprint if self._key else ""
        if point.key != mine:
            raise KeyRefused(
                f"checkpoints are signed by key {point.key or 'none'}, not {mine or 'none'}; open with the same key"
            )
        if self._key is not None and not point.is_signed_by(self._key.public):
            raise JournalCorrupt(point.n, CHECKPOINTS, number, "has a bad signature")

    def meet(self, n: int, walk: Walk) -> None:
        """Compare with the checkpoint of record `n`, if there is one."""
        point = self._next
        if point is None or point.n != n:
            return
        if point.sha != walk.chain.hex():
            raise JournalCorrupt(n, walk.name, walk.line, f"differs from checkpoint {point.i}")
        self._next = next(self._points, None)

    def end(self, walk: Walk) -> None:
        """JournalCorrupt if a checkpoint tells of records that are not there."""
        if self._next is not None:
            name, line = (walk.flaw.name, walk.flaw.line) if walk.flaw else (walk.name, walk.line + 1)
            raise JournalCorrupt(
                walk.n + 1, name, line, f"is missing or damaged, though a checkpoint tells of record {self._next.n}"
            )

    def cut(self) -> None:
        """Remove a torn last line of the sidecar."""
        if CHECKPOINTS in self._disk.names() and self._disk.size(CHECKPOINTS) > self.offset:
            file = self._disk.open(CHECKPOINTS)
            try:
                file.truncate(self.offset)
                file.sync()
            finally:
                file.close()


def read_epoch(disk: Disk) -> int:
    """The epoch of the last opening, 0 if there was none."""
    if EPOCH not in disk.names():
        return 0
    text = disk.read(EPOCH).strip(b"\0\n")
    if text and not text.isdigit():
        raise JournalCorrupt(0, EPOCH, 1, "is not a number")
    return int(text or b"0")


def write_epoch(disk: Disk, epoch: int) -> None:
    """Remember an opening that may never write a record. Fixed width: a torn write is still a number."""
    file = disk.open(EPOCH)
    try:
        write_all(file, b"%0*d\n" % (_EPOCH_DIGITS, epoch), 0)
        file.sync()
    finally:
        file.close()
