"""`DataReplayEngine`: recorded streams as the one stream that the system would have seen.

A fact comes when it was known, not when it began: a candle at the end of its interval, anything that carries
a time of receipt at that time. Streams are merged by that time, lazily. Of facts known at the same time those
of the stream given first come first, within a stream the order stays as it is; so the same input is always
replayed the same way.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kedge.model.errors import DataError
from kedge.model.instant import iso
from kedge.model.market import Candle, MarketEvent


def known_ns(fact: MarketEvent) -> int:
    """When `fact` was known, UTC nanoseconds."""
    known = fact.ts + fact.interval if type(fact) is Candle else fact.ts
    received: int = fact.received
    return received or known


class DataReplayEngine:
    """Replays one or more streams of market facts in strict chronological order.

    A sequence (list, tuple) is sorted if it has to be and may be replayed again. An iterator is read as it
    goes and must be in order already; one that goes back in time is an error.
    """

    __slots__ = ("_streams",)

    def __init__(self, *streams: Iterable[MarketEvent]) -> None:
        self._streams = streams

    def replay(self) -> Iterator[MarketEvent]:
        """The facts of all streams, by the time at which they were known."""
        ordered = [_ordered(number, stream) for number, stream in enumerate(self._streams, 1)]
        return ordered[0] if len(ordered) == 1 else heapq.merge(*ordered, key=known_ns)

    def __iter__(self) -> Iterator[MarketEvent]:
        return self.replay()


def _ordered(number: int, stream: Iterable[Any]) -> Iterator[MarketEvent]:
    if isinstance(stream, Sequence):
        yield from sorted(stream, key=known_ns)
        return
    last = 0
    for index, fact in enumerate(stream):
        known = known_ns(fact)
        if known < last:
            raise DataError(
                f"item {index} of stream {number} goes back from {iso(last)} to {iso(known)}; "
                f"sort the stream or pass a list"
            )
        last = known
        yield fact
