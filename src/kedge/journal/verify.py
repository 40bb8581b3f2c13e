"""`verify`: is this journal what was written? Every flaw, named by record, file and line.

Four proofs, each for what the others cannot see:
- the form of every line, down to canonical JSON: one way to write each value;
- the hash chain and the dense numbers: a record changed, removed, inserted, moved or doubled;
- the day of each segment: a line moved between files without changing the order of lines;
- the signed checkpoints: an end cut off at a record boundary, a chain computed anew.

Memory is flat: lines are kept only from where the chain breaks until it can be taken up again (`damage`).

What it cannot see: a directory put back, whole, to an earlier state; a forger who has the key, or, unless
the public key is pinned, one who replaces the key too. Checkpoints kept elsewhere are the answer to both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from kedge.journal.canonical import is_canonical
from kedge.journal.checkpoint import CHECKPOINTS, PUBLIC_KEY, Checkpoint
from kedge.journal.checkpoint import parse as parse_checkpoint
from kedge.journal.damage import Entry, Problem, Stretch, follows
from kedge.journal.disk import Disk
from kedge.journal.errors import KeyRefused
from kedge.journal.keys import fingerprint
from kedge.journal.keys import public_key as parse_public_key
from kedge.journal.read import open_for_reading
from kedge.journal.record import GENESIS, STOP, Record, chained, parse, text_of
from kedge.journal.scan import is_filler
from kedge.journal.segment import NS_PER_DAY, segments

PROBLEMS_MAX = 200
STRETCH_LINES_MAX = 4096  # collected before the chain is given up until the next checkpoint
RECENT_LINES = 4096  # kept to recognise a line that is doubled
WARNINGS = frozenset({"no-stop", "unsigned", "unpinned", "empty-segment", "filler"})


class VerifyReport(msgspec.Struct, frozen=True):
    """What `verify` found. `ok` is the verdict; warnings do not change it.

    `unproven` records stand where they should, but after damage that broke the chain, so nobody can tell
    whether they were changed. `head` is the chain hash at the last record, empty if it is not proven.
    """

    records: int
    unproven: int
    segments: int
    checkpoints: int
    signed_by: str
    n: int
    first_at: int
    last_at: int
    epochs: int
    head: str
    ended: bool
    problems: tuple[Problem, ...]
    problems_total: int
    warnings: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was changed, removed, inserted, moved or cut off."""
        return self.problems_total == 0


def verify(where: str | os.PathLike[str] | Disk, public_key: str | bytes | None = None) -> VerifyReport:
    """Check the journal in `where`. `public_key` pins the signer: 64 hex digits, or the 32 bytes."""
    disk = open_for_reading(where)
    pinned = parse_public_key(public_key) if isinstance(public_key, str) else public_key
    run = _Run(disk)
    run.read_checkpoints(pinned)
    for day, name in segments(disk):
        run.read_segment(day, name)
    return run.report()


class _Run:
    """One verification: where the walk stands, and what it has found."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._problems: list[Problem] = []
        self._problems_total = 0
        self._warnings: list[Problem] = []
        self._points: dict[int, Checkpoint] = {}
        self._points_read = 0
        self._signer = ""
        self._n = 0
        self._chain: bytes | None = GENESIS
        self._recent: list[bytes] = [b""] * RECENT_LINES
        self._day = -(2**63)
        self._epoch = 1
        self._segments = 0
        self._records = self._unproven = 0
        self._first: Record | None = None
        self._last: Record | None = None
        self._misplaced = ""
        self._entries: list[Entry] = []
        self._waiting: dict[int, list[Entry]] = {}
        self._front_n = self._top_n = 0
        self._front_chain: bytes | None = GENESIS

    # -- checkpoints ------------------------------------------------------------------------------------

    def read_checkpoints(self, pinned: bytes | None) -> None:
        """Prove the checkpoints by themselves; they are compared with the records later."""
        names = self._disk.names()
        public = self._public(names, pinned)
        last: Checkpoint | None = None
        lines = self._disk.lines(CHECKPOINTS) if CHECKPOINTS in names else iter(())
        for number, raw in enumerate(lines, 1):
            point = parse_checkpoint(raw)
            if point is None:
                whole = raw.endswith(b"\n")
                self._problem("checkpoint" if whole else "torn", 0, CHECKPOINTS, number, "it is not a checkpoint")
                continue
            self._points_read += 1
            if point.i != (last.i if last else 0) + 1 or point.n <= (last.n if last else 0):
                self._problem("checkpoint", point.n, CHECKPOINTS, number, "a checkpoint is missing before it")
            last = point
            if self._trusts(point, public, number):
                self._points[point.n] = point
        if last is not None and not last.key and public is None:
            self._warning("unsigned", last.n, CHECKPOINTS, 1, "checkpoints are not signed: accidents show, forgery not")
        elif pinned is None and public is not None:
            self._warning("unpinned", 0, PUBLIC_KEY, 1, "give the public key, kept elsewhere, to detect a swapped key")

    def _public(self, names: list[str], pinned: bytes | None) -> bytes | None:
        stored = None
        if PUBLIC_KEY in names:
            try:
                text = self._disk.read(PUBLIC_KEY)
                stored = parse_public_key(text.decode("ascii", "replace"))
                if text != stored.hex().encode("ascii") + b"\n":
                    raise KeyRefused("not the canonical text")
            except KeyRefused as error:
                self._problem("key", 0, PUBLIC_KEY, 1, f"it is not a public key: {error}")
        if pinned is not None and stored is not None and pinned != stored:
            self._problem("key", 0, PUBLIC_KEY, 1, f"the key is {fingerprint(stored)}, not {fingerprint(pinned)}")
        public = pinned if pinned is not None else stored
        self._signer = fingerprint(public) if public is not None else ""
        return public

    def _trusts(self, point: Checkpoint, public: bytes | None, line: int) -> bool:
        if public is None and not point.key and not point.sig:
            return True
        if public is None:
            what = "it is signed, but there is no public key"
        elif not point.sig:
            what = "it is not signed"
        elif point.key != self._signer or not point.is_signed_by(public):
            what = f"the signature is not that of key {self._signer}"
        else:
            return True
        self._problem("checkpoint-signature", point.n, CHECKPOINTS, line, what)
        return False

    # -- records ----------------------------------------------------------------------------------------

    def read_segment(self, day: int, name: str) -> None:
        """Check one segment's lines, after those of the segments before it."""
        self._segments += 1
        line = 0
        for line, raw in enumerate(self._disk.lines(name), 1):
            record = parse(raw)
            if record is not None and record.n == self._n + 1 and not self._entries:
                if self._chain is None:
                    self._accept(record, raw, None, name, line, day)
                    continue
                after = chained(self._chain, text_of(raw))
                if after[:16].hex() == record.sha:
                    self._accept(record, raw, after, name, line, day)
                    continue
            if record is None and is_filler(raw):
                self._filler(name, line)
            else:
                self._collect(Entry(name, line, raw, record))
        if line == 0:
            self._warning("empty-segment", 0, name, 1, "it holds no record")

    def _filler(self, name: str, line: int) -> None:
        if name == segments(self._disk)[-1][1]:
            self._warning("filler", 0, name, line, "it was not closed: pre-allocated space follows the last record")
        else:
            self._problem("inserted", 0, name, line, "NUL bytes are not a record")

    def _accept(self, record: Record, raw: bytes, chain: bytes | None, file: str, line: int, day: int) -> None:
        """A record that stands in order; with `chain`, proven."""
        self._records += 1
        self._n = record.n
        self._recent[record.n % RECENT_LINES] = raw
        if chain is None:
            self._unproven += 1
            point = self._points.get(record.n)
            if point is not None and point.sha.startswith(record.sha):
                chain = bytes.fromhex(point.sha)  # the proof goes on from here
        self._chain = chain
        self._look(record, file, line, day)
        if chain is not None and record.n in self._points:
            self._compare(record, chain.hex(), file, line)

    def _look(self, record: Record, file: str, line: int, day: int) -> None:
        """What a record must be besides chained."""
        due = record.at // NS_PER_DAY
        self._day = max(self._day, due)
        if self._day != day and self._misplaced != file:
            self._misplaced = file
            self._problem("misplaced", record.n, file, line, "its day belongs to another segment")
        if record.epoch < self._epoch:
            self._problem("epoch", record.n, file, line, f"epoch {record.epoch} after {self._epoch}")
        self._epoch = max(self._epoch, record.epoch)
        if record.cause >= record.n:
            self._problem("cause", record.n, file, line, f"its cause {record.cause} is not an earlier record")
        if not is_canonical(record.body):
            self._problem("non-canonical", record.n, file, line, "its body is not canonical JSON")
        if self._first is None:
            self._first = record
        self._last = record

    def _compare(self, record: Record, chain: str, file: str, line: int) -> None:
        point = self._points[record.n]
        if (point.sha, point.at, point.epoch) != (chain, record.at, record.epoch):
            self._problem(
                "checkpoint", record.n, file, line,
                f"checkpoint {point.i} says otherwise: it, or one before it, was written anew",
            )  # fmt: skip

    # -- where the chain breaks -------------------------------------------------------------------------

    def _collect(self, entry: Entry) -> None:
        """Keep a line that does not follow; explain the stretch as soon as the chain is whole again."""
        if not self._entries:
            self._front_n, self._front_chain, self._top_n = self._n, self._chain, self._n
        steady = bool(self._entries) and entry.n == self._entries[-1].n + 1
        self._entries.append(entry)
        if entry.record is not None:
            self._waiting.setdefault(entry.n, []).append(entry)
            self._top_n = max(self._top_n, entry.n)
            self._advance()
            # Two lines in their place: what came before is over.
            if steady and entry.n == self._front_n >= self._top_n:
                self._settle(self._front_n)
                return
        # Not after a line that may carry an absurd number: the walk would go on from there.
        if len(self._entries) >= (STRETCH_LINES_MAX if steady else 2 * STRETCH_LINES_MAX):
            self._settle(None)

    def _advance(self) -> None:
        """Follow the chain through the collected lines, in whatever order they stand."""
        while candidates := self._waiting.get(self._front_n + 1):
            after = None
            if (front := self._front_chain) is not None:
                after = next((h for e in candidates if (h := follows(front, e)) is not None), None)
                if after is None:
                    return
            self._front_n, self._front_chain = self._front_n + 1, after

    def _settle(self, limit: int | None, *, at_end: bool = False) -> None:
        points = {n: bytes.fromhex(point.sha) for n, point in self._points.items()}
        found = Stretch(
            self._n, self._chain, self._entries, limit, at_end, points, self._earlier
        ).explain()  # fmt: skip
        for problem in found.problems:
            self._problem(problem.kind, problem.n, problem.file, problem.line, problem.what)
        self._records += len(found.kept)
        self._unproven += found.unproven
        days = {name: day for day, name in segments(self._disk)}
        for entry in found.in_order:
            assert entry.record is not None
            self._look(entry.record, entry.file, entry.line, days[entry.file])
        for entry in found.kept:
            self._recent[entry.n % RECENT_LINES] = entry.raw
        self._n, self._chain = found.n, found.chain
        self._entries, self._waiting = [], {}

    def _earlier(self, n: int) -> bytes | None:
        return self._recent[n % RECENT_LINES] if self._n - RECENT_LINES < n <= self._n else None

    # -- the end ----------------------------------------------------------------------------------------

    def report(self) -> VerifyReport:
        """Settle what is open, compare the end with the last checkpoint, and sum up."""
        if self._entries:
            self._settle(None, at_end=True)
        self._check_end()
        first, last = self._first, self._last
        return VerifyReport(
            records=self._records, unproven=self._unproven, segments=self._segments,
            checkpoints=self._points_read, signed_by=self._signer, n=self._n,
            first_at=first.at if first else 0, last_at=last.at if last else 0, epochs=self._epoch,
            head=self._chain.hex() if self._chain is not None else "",
            ended=last is not None and last.kind == STOP,
            problems=tuple(self._problems), problems_total=self._problems_total,
            warnings=tuple(self._warnings),
        )  # fmt: skip

    def _check_end(self) -> None:
        last = self._last
        name = segments(self._disk)[-1][1] if self._segments else ""
        told = max(self._points, default=0)
        if told > self._n:
            self._problem(
                "truncated", self._n + 1, name, 0,
                f"it ends at record {self._n}, but checkpoint {self._points[told].i} tells of {told}",
            )  # fmt: skip
        if last is None:
            return
        if self._points_read == 0:
            self._problem("checkpoint-missing", last.n, CHECKPOINTS, 1, "there are no checkpoints")
        elif last.kind == STOP and told < last.n:
            self._problem("checkpoint-missing", last.n, CHECKPOINTS, 0, "no trusted checkpoint covers the stop")
        if last.kind != STOP:
            self._warning(
                "no-stop", last.n, name, 0,
                f"ended without a stop; {max(0, self._n - told)} records follow the last checkpoint",
            )  # fmt: skip

    def _problem(self, kind: str, n: int, file: str, line: int, what: str) -> None:
        self._problems_total += 1
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(Problem(kind, n, file, line, what))

    def _warning(self, kind: str, n: int, file: str, line: int, what: str) -> None:
        if len(self._warnings) < PROBLEMS_MAX:
            self._warnings.append(Problem(kind, n, file, line, what))


def lines_of(report: VerifyReport) -> Iterator[str]:
    """The report as text, one finding a line."""
    for problem in report.problems:
        yield str(problem)
    if report.problems_total > len(report.problems):
        yield f"and {report.problems_total - len(report.problems)} more problems"
    for warning in report.warnings:
        yield f"warning: {warning}"
