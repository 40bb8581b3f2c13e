"""Sequence rules: how the numbered changes of an order book join.

A venue numbers its updates so that a missed one can be noticed. How the numbers join differs by venue family and is a
function: given the last number of the book, whether that is a snapshot's, and a change, is the change old, the next
one, or is there a gap? Both the book that the core keeps and the stream that feeds it ask the same function.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from kedge.model.market import BookDelta


class Continuity(Enum):
    """How a change relates to the book it is offered to."""

    OLD = "old"
    FOLLOWS = "follows"
    GAP = "gap"


#: (last sequence of the book, whether that is a snapshot's, the change) -> how they relate.
SequenceRule = Callable[[int, bool, BookDelta], Continuity]


def contiguous(last: int, from_snapshot: bool, delta: BookDelta) -> Continuity:
    """Numbers without holes: the change begins at `last + 1`. The first after a snapshot may begin earlier,
    overlapping it.

    Binance spot (https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, "How to manage
    a local order book correctly").
    """
    if delta.sequence <= last:
        return Continuity.OLD
    begins = delta.first_sequence
    joins = begins <= last + 1 if from_snapshot else begins == last + 1
    return Continuity.FOLLOWS if joins else Continuity.GAP


def chained(last: int, from_snapshot: bool, delta: BookDelta) -> Continuity:
    """Each change names the last number of the one before it. The first after a snapshot must leave none out.

    Binance USD-M futures (https://developers.binance.com/docs/derivatives/usds-margined-futures, `pu` and
    `u`).
    """
    if delta.sequence < last or (delta.sequence == last and not from_snapshot):
        return Continuity.OLD
    before = delta.previous_sequence
    joins = before <= last if from_snapshot else before == last
    return Continuity.FOLLOWS if joins else Continuity.GAP


def unnumbered(last: int, from_snapshot: bool, delta: BookDelta) -> Continuity:
    """The venue numbers nothing: whatever comes is applied, and only the connection's word tells of a
    loss.
    """
    return Continuity.FOLLOWS


def by_fields(last: int, from_snapshot: bool, delta: BookDelta) -> Continuity:
    """The rule that the change's own fields call for: chained if it names its predecessor, contiguous if it
    has a number.
    """
    if delta.previous_sequence != -1:
        return chained(last, from_snapshot, delta)
    if delta.sequence:
        return contiguous(last, from_snapshot, delta)
    return unnumbered(last, from_snapshot, delta) if not last else Continuity.GAP
