"""A book's start and its resynchronization, as a pure fold: snapshots and changes in, the facts to pass on out.

A book that is numbered has two states. *Waiting*: there is no snapshot that joins; changes are held back, in order and up
to a bound. *Live*: each change is judged by the venue's rule (`kedge.model.sequence`); old ones are dropped, the next one is
passed on, and a gap makes the book wait again, at once. A snapshot ends the wait if the first change held back that is
not older follows it; else it is too old, and another is needed.

When a connection takes over from another, the two may cut the same updates into different changes. The first change of
the new one then overlaps the book: its sizes are absolute, so it is passed on from where the book stands.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct, structs

from kedge.model.market import BookDelta, OrderBook
from kedge.model.sequence import Continuity, SequenceRule

#: Changes held back while a snapshot is awaited: a minute of a very busy market.
HELD_MAX = 10_000


class Need(Enum):
    """What a book needs after a step."""

    NOTHING = "nothing"
    SNAPSHOT = "snapshot"


class Step(Struct, frozen=True):
    """What came of a fact: what to pass on, what is needed now, why the book is no longer good, whether it is again."""

    facts: tuple[OrderBook | BookDelta, ...] = ()
    need: Need = Need.NOTHING
    down: str = ""
    up: bool = False


_NOTHING = Step()


class BookSync:
    """Where one symbol's book stands; it holds no levels."""

    __slots__ = ("_held", "_holds", "_joining", "_last", "_rule", "live")

    def __init__(self, rule: SequenceRule, *, holds: bool) -> None:
        self._rule = rule
        self._holds = holds
        self._held: list[BookDelta] = []
        self._last = 0
        self._joining = False
        self.live = False

    def begin(self) -> None:
        """Wait for a snapshot: the connection is new, or nothing before it is believed."""
        self.live = False
        self._held = []

    def hand_over(self) -> None:
        """From now on changes come by another connection that overlaps the one before."""
        self._joining = True

    def joins(self, delta: BookDelta) -> bool:
        """Whether a connection that begins with `delta` could take over now."""
        return self._rule(self._last, True, delta) is not Continuity.GAP

    def snapshot(self, book: OrderBook) -> Step:
        """Take a whole book."""
        held, self._held = self._held, []
        facts: list[OrderBook | BookDelta] = [book]
        was_live, self.live = self.live, True
        self._last, self._joining = book.sequence, True
        for delta in held:
            continuity = self._rule(self._last, self._joining, delta)
            if continuity is Continuity.GAP:
                self.live = False
                self._held = held if len(facts) == 1 else held[held.index(delta) :]
                return Step(need=Need.SNAPSHOT)
            if continuity is Continuity.FOLLOWS:
                facts.append(delta)
                self._last, self._joining = delta.sequence, False
        return Step(tuple(facts), up=not was_live)

    def change(self, delta: BookDelta) -> Step:
        """Take a change."""
        if not self.live:
            if not self._holds:
                return _NOTHING
            self._held.append(delta)
            if len(self._held) <= HELD_MAX:
                return _NOTHING
            del self._held[: HELD_MAX // 2]
            return Step(need=Need.SNAPSHOT)
        continuity = self._rule(self._last, self._joining, delta)
        if continuity is Continuity.OLD:
            return _NOTHING
        if continuity is Continuity.GAP:
            reason = f"sequence gap: {delta.first_sequence}..{delta.sequence} after {self._last}"
            self.live = False
            self._held = [delta] if self._holds else []
            return Step(need=Need.SNAPSHOT, down=reason)
        if self._joining:
            delta = _from(self._last, delta)
        self._last, self._joining = delta.sequence, False
        return Step((delta,))


def _from(last: int, delta: BookDelta) -> BookDelta:
    """`delta` as it joins a book at `last` exactly; what overlaps are sizes that hold anyway."""
    previous = delta.previous_sequence if delta.previous_sequence == -1 else last
    first = last + 1 if delta.first_sequence and delta.first_sequence <= last else delta.first_sequence
    return structs.replace(delta, first_sequence=first, previous_sequence=previous)
