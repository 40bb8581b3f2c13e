"""Reading segments in order, line by line, and proving the chain as far as it holds.

`walk` is the one place that says what an intact journal is: well-formed lines, `n` dense from 1, each in
the segment its day belongs to, each hash right, epochs never falling. It yields the records and stops at
the first line that is not so, saying which; what that means (a torn tail, corruption, a writer at work) its
callers decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kedge.journal.disk import Disk
from kedge.journal.record import GENESIS, Record, chained, parse, text_of
from kedge.journal.segment import NS_PER_DAY, segments


@dataclass(slots=True)
class Flaw:
    """The first line that breaks the journal: where it is and why."""

    name: str
    line: int
    offset: int
    raw: bytes
    record: Record | None
    what: str


@dataclass(slots=True)
class Walk:
    """How far the walk has come; valid at every step of `records`."""

    disk: Disk
    n: int = 0
    at: int = 0
    epoch: int = 0
    chain: bytes = GENESIS
    day: int | None = None
    name: str = ""
    line: int = 0
    offset: int = 0  # end of the last intact line in segment `name`
    kind: str = ""
    flaw: Flaw | None = None
    places: list[tuple[int, str]] = field(default_factory=list)
    _next: bytes = GENESIS

    def records(self) -> Iterator[Record]:
        """Every intact record, until the end or the first flaw."""
        self.places = segments(self.disk)
        for day, name in self.places:
            offset = 0
            for line, raw in enumerate(self.disk.lines(name), 1):
                record = parse(raw)
                what = "is not a whole record" if record is None else self._fault(record, raw, day)
                if what:
                    self.flaw = Flaw(name, line, offset, raw, record, what)
                    return
                assert record is not None
                offset += len(raw)
                self._advance(record, day, name, line, offset)
                yield record

    def _fault(self, record: Record, raw: bytes, day: int) -> str:
        if record.n != self.n + 1:
            return f"says n={record.n} where {self.n + 1} belongs"
        self._next = chained(self.chain, text_of(raw))
        if self._next[:16].hex() != record.sha:
            return "does not follow from the record before it (chain hash differs)"
        due = record.at // NS_PER_DAY
        if (due if self.day is None else max(due, self.day)) != day:
            return "stands in the wrong day's file"
        if record.epoch < max(self.epoch, 1):
            return f"has epoch {record.epoch} after {self.epoch}"
        if record.cause >= record.n:
            return f"names record {record.cause} as its cause, which is not before it"
        return ""

    def _advance(self, record: Record, day: int, name: str, line: int, offset: int) -> None:
        self.n, self.at, self.epoch, self.kind = (record.n, record.at, record.epoch, record.kind)
        self.chain, self.day, self.name, self.line, self.offset = (self._next, day, name, line, offset)


def after(disk: Disk, flaw: Flaw) -> Iterator[tuple[str, int, int, bytes]]:
    """(name, line, offset, raw) of all lines that follow a flaw, in the same and in later segments."""
    reached = False
    for _, name in segments(disk):
        offset = 0
        if name < flaw.name:
            continue
        for line, raw in enumerate(disk.lines(name), 1):
            if reached or name != flaw.name:
                yield name, line, offset, raw
            elif line == flaw.line:
                reached = True
            offset += len(raw)
        reached = True


def is_filler(raw: bytes) -> bool:
    """Whether a line is only the NULs of a pre-allocated segment."""
    return not raw.strip(b"\0")
