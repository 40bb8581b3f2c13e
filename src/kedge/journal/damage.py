"""Naming damage: what happened to the records of a stretch of journal that does not chain.

`verify` reads lines as long as each follows from the one before. At the first that does not, it begins to
collect, and goes on until the chain can be taken up again: because a collected line fits (lines were
swapped, doubled or put in), or because a checkpoint gives the whole hash at a later record. This module
then says what happened between.

The argument, on the lines in file order and the numbers they carry:

- The longest rising subsequence of the numbers is what stands in order; every other line is a *stray*.
- A number missing from it, but carried by a stray: reordered. Missing, with an unexplained stray or an
  unreadable line in its place: changed. Missing otherwise: removed.
- A stray left over: duplicated if it repeats another line byte for byte, else inserted.
- The first number in order whose line does not follow from a proven one: changed. If the next line follows
  from what that line's text hashes to, only its `sha` was touched and the proof goes on; else nothing is
  proven until the next checkpoint, because the hash of the original is lost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from kedge.journal.record import Record, chained, text_of


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong. `kind` is one of KINDS; `n` the record (0: none in particular); lines count from 1."""

    kind: str
    n: int
    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: record {self.n}, {self.file} line {self.line}: {self.what}"


KINDS = frozenset({
    "changed", "removed", "missing-segment", "inserted", "reordered", "duplicated", "truncated", "torn",
    "misplaced", "non-canonical", "epoch", "cause",
    "checkpoint", "checkpoint-missing", "checkpoint-signature", "key",
})  # fmt: skip


class Entry(msgspec.Struct, gc=False):
    """A collected line and where it stands; `record` is None if it cannot be read."""

    file: str
    line: int
    raw: bytes
    record: Record | None

    @property
    def n(self) -> int:
        return self.record.n if self.record is not None else 0

    @property
    def sha(self) -> str:
        return self.record.sha if self.record is not None else ""

    def problem(self, kind: str, what: str) -> Problem:
        return Problem(kind, self.n, self.file, self.line, what)


class Explained(msgspec.Struct):
    """What a stretch turned out to be, and where the walk goes on: after record `n` with hash `chain`."""

    problems: list[Problem]
    in_order: list[Entry]
    kept: list[Entry]  # one line for each number, in order or not
    n: int
    chain: bytes | None
    unproven: int


def follows(chain: bytes, entry: Entry) -> bytes | None:
    """The chain hash after `entry`, if it follows from `chain`."""
    assert entry.record is not None
    after = chained(chain, text_of(entry.raw))
    return after if after[:16].hex() == entry.record.sha else None


class Stretch(msgspec.Struct):
    """A stretch of lines after record `n` (and its chain hash, if known) that ends with record `limit`.

    `limit` is None where nobody knows how far it should go; `at_end` says that no line follows. `points` are
    the whole hashes that checkpoints give; `earlier(n)` is the raw line of a record before the stretch, if
    that is still known.
    """

    n: int
    chain: bytes | None
    entries: Sequence[Entry]
    limit: int | None
    at_end: bool
    points: Mapping[int, bytes]
    earlier: Callable[[int], bytes | None]

    def explain(self) -> Explained:
        """Name what happened, and say how the walk goes on."""
        inside = self._inside()
        rising = [inside[i] for i in in_order([self.entries[i].n for i in inside], self.n + 1)]
        in_line = set(rising)
        ordered = {self.entries[i].n: i for i in rising}
        strays = [i for i in range(len(self.entries)) if i not in in_line]
        by_number: dict[int, list[int]] = {}
        for i in [*rising, *(i for i in inside if i not in in_line)]:
            by_number.setdefault(self.entries[i].n, []).append(i)
        problems: list[Problem] = []
        unproven, chain = self._prove(by_number, problems)
        used: set[int] = set()
        missing = list(self._missing(rising))
        for first, last, _, _ in missing:
            problems += self._place(first, last, by_number, used)
        for first, last, before, behind in missing:
            problems += self._fill(first, last, before, behind, strays, used)
        problems += self._left_over([i for i in strays if i not in used], ordered)
        standing = [self.entries[i] for i in rising]
        kept = [self.entries[indices[0]] for indices in by_number.values()]
        return Explained(problems, standing, kept, max(by_number, default=self.n), chain, unproven)

    def _inside(self) -> list[int]:
        """Indices of the lines whose number can belong here; sets an open `limit` to what is plausible."""
        numbers = [entry.n for entry in self.entries]
        if self.limit is None:
            top = self.n + len(numbers)
            self.limit = max((number for number in numbers if self.n < number <= top), default=None)
            return [i for i, number in enumerate(numbers) if number > self.n]
        return [i for i, number in enumerate(numbers) if self.n < number <= self.limit]

    def _prove(self, by_number: dict[int, list[int]], problems: list[Problem]) -> tuple[int, bytes | None]:
        """Follow the chain through the numbers, from checkpoint to checkpoint where it is broken.

        Returns how many are not proven, and the chain hash after the last if that is.
        """
        unproven, chain, previous = 0, self.chain, self.n
        for number in sorted(by_number):
            if number != previous + 1 or chain is None:
                chain = self.points.get(number - 1)
            previous = number
            entries = [self.entries[i] for i in by_number[number]]
            point = self.points.get(number)
            if chain is None:
                unproven += 1
                if point is not None and not any(point[:16].hex() == entry.sha for entry in entries):
                    problems.append(entries[0].problem("changed", "its checkpoint says otherwise"))
                continue
            after = next((h for entry in entries if (h := follows(chain, entry)) is not None), None)
            if after is None:
                after = chained(chain, text_of(entries[0].raw))
                if not any(follows(after, self.entries[i]) for i in by_number.get(number + 1, ())):
                    problems.append(entries[0].problem("changed", "it is not what was written"))
                    unproven, chain = unproven + 1, None
                    continue
                problems.append(entries[0].problem("changed", "its sha was changed"))
            elif point is not None and point != after:
                problems.append(entries[0].problem("checkpoint", "its checkpoint says otherwise"))
            chain = after
        return unproven, chain

    def _missing(self, rising: list[int]) -> Iterator[tuple[int, int, int, int]]:
        """(first, last, index before, index behind) of every range of numbers that is not in order."""
        number, before = self.n, -1
        for i in rising:
            if self.entries[i].n > number + 1:
                yield number + 1, self.entries[i].n - 1, before, i
            number, before = self.entries[i].n, i
        if self.limit is not None and number < self.limit:
            yield number + 1, self.limit, before, len(self.entries)

    def _place(self, first: int, last: int, by_number: dict[int, list[int]], used: set[int]) -> Iterator[Problem]:
        """Missing numbers that stand elsewhere."""
        for number in by_number:
            if first <= number <= last:
                i = by_number[number][0]
                used.add(i)
                entry = self.entries[i]
                yield Problem("reordered", number, entry.file, entry.line, "it stands out of its order")

    def _fill(
        self, first: int, last: int, before: int, behind: int, strays: list[int], used: set[int]
    ) -> Iterator[Problem]:
        """Missing numbers: changed beyond recognition if a strange line stands in the gap, else removed."""
        placed = sorted(self.entries[i].n for i in used if first <= self.entries[i].n <= last)
        gap = [i for i in strays if before < i < behind and i not in used]
        # A number may be absurd (a digit was changed), so ranges are cut, never counted through.
        starts, stops = ([first, *(number + 1 for number in placed)], [*(number - 1 for number in placed), last])
        for start, stop in zip(starts, stops, strict=True):
            number = start
            while number <= stop and gap:
                i = gap.pop(0)
                used.add(i)
                entry = self.entries[i]
                says = f"it says n={entry.n}" if entry.record is not None else "it cannot be read"
                yield Problem("changed", number, entry.file, entry.line, f"{says} where {number} belongs")
                number += 1
            if number <= stop:
                yield self._removed(number, stop, behind)

    def _removed(self, first: int, last: int, behind: int) -> Problem:
        at = self.entries[min(behind, len(self.entries) - 1)]  # a stretch has at least one line
        file, line = at.file, at.line
        records = f"record {first} is" if first == last else f"records {first} to {last} are"
        if line == 1:
            return Problem(
                "missing-segment", first, file, line,
                f"{records} missing before this file: whole segments, or the end or beginning of one",
            )  # fmt: skip
        return Problem("removed", first, file, line, f"{records} missing here")

    def _left_over(self, strays: list[int], ordered: dict[int, int]) -> Iterator[Problem]:
        for i in strays:
            entry = self.entries[i]
            if entry.record is None:
                last = max(ordered, default=self.n)
                if self.at_end and i > ordered.get(last, -1):
                    what = "an unfinished write; the next opening cuts it off"
                    yield Problem("torn", last + 1, entry.file, entry.line, what)
                else:
                    yield Problem("inserted", 0, entry.file, entry.line, "it is not a record")
                continue
            twin = self.entries[ordered[entry.n]].raw if entry.n in ordered else self.earlier(entry.n)
            if twin == entry.raw:
                yield Problem("duplicated", entry.n, entry.file, entry.line, "the same record stands elsewhere too")
            else:
                yield Problem("inserted", entry.n, entry.file, entry.line, "it is not a record of this journal")


def in_order(numbers: Sequence[int], first: int) -> list[int]:
    """Indices of the numbers that stand in order: a longest rising subsequence of them.

    If none is missing and what stands exactly in its place is as long but for one, it is that: two lines that
    were swapped are then both out of order, and none between them.
    """
    rising = longest_rising(numbers)
    exact = [i for i, number in enumerate(numbers) if number == first + i]
    dense = sorted(numbers) == list(range(first, first + len(numbers)))
    return exact if dense and len(exact) >= len(rising) - 1 else rising


def longest_rising(numbers: Sequence[int]) -> list[int]:
    """Indices of a longest strictly rising subsequence (patience sorting, O(n log n))."""
    tails: list[int] = []  # the smallest number that ends a rising run of each length
    ends: list[int] = []
    parent: list[int] = []
    for i, number in enumerate(numbers):
        length = bisect_left(tails, number)
        parent.append(ends[length - 1] if length else -1)
        if length == len(tails):
            tails.append(number)
            ends.append(i)
        else:
            tails[length], ends[length] = number, i
    chosen = []
    i = ends[-1] if ends else -1
    while i >= 0:
        chosen.append(i)
        i = parent[i]
    return chosen[::-1]
