"""History: market facts in the order in which they became known, from any number of streams.

A fact is known at its time, a candle at its end (`ts + interval`): merged by that, nothing is ever told before it
could have been known. Facts known at the same moment come in the order in which their streams were given. Within a
stream the order is kept as it is: a row that comes late, after one with a later time, is told where it stands (the
core's market data handler judges it), and its time holds nothing back.

One stream is passed through as it is. Several are merged by blocks: all that is known up to the earliest end of the
blocks at hand is sorted at once, which costs a tenth of a microsecond a fact where a heap costs one and more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from kedge.model.errors import DataError
from kedge.model.facts import MarketFact
from kedge.model.market import Candle
from kedge.storage.columns import CHUNK, Columns
from kedge.storage.digest import ColumnsDigest
from kedge.storage.formats import MarketFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@runtime_checkable
class Blocks(Protocol):
    """A stream kept in files: gives its rows in blocks of columns, again each time it is asked."""

    def blocks(self) -> Iterator[Columns]:
        """The rows, in order."""
        ...


#: What a history is made of.
Stream = Columns | MarketFile[Any] | Blocks | Sequence[MarketFact] | Iterator[MarketFact]


class History(Iterable[MarketFact]):
    """Market facts with `start <= ts < end` (ns; `None` is no bound), in the order they became known.

    It can be read again unless a stream is an iterator, which can be read once.
    """

    def __init__(self, *streams: Stream, start: int | None = None, end: int | None = None) -> None:
        if not streams:
            raise DataError("a history needs at least one stream; give candles, trades or a file")
        if start is not None and end is not None and start >= end:
            raise DataError(f"start {start} is not before end {end} (ns); nothing lies between")
        self._streams = [_Stream(stream, start, end) for stream in streams]

    def __iter__(self) -> Iterator[MarketFact]:
        if len(self._streams) == 1:
            return self._streams[0].facts()
        return _merge([stream.batches() for stream in self._streams])

    def content_sha256(self) -> str:
        """The digest of all facts within the bounds, by stream; reads the streams for it.

        Columns and files of equal values give equal digests; facts given as objects are hashed as their canonical
        text, so they differ from the same values in columns. An iterator is a `DataError` until it has been read.
        """
        return hashlib.sha256("\n".join(stream.sha256() for stream in self._streams).encode()).hexdigest()


class _Stream:
    """One stream, whichever its form: facts, batches for merging, and a digest."""

    def __init__(self, source: Stream, start: int | None, end: int | None) -> None:
        if isinstance(source, MarketFile):
            source = source.columns
        if isinstance(source, str | bytes | Path):
            raise DataError(f"a history is made of facts, not of the path {source!r}; read it with open_candles first")
        self._source = source
        self._start = start
        self._end = end
        self._once = hashlib.sha256() if isinstance(source, Iterator) else None
        self._read = False

    def facts(self) -> Iterator[Any]:
        if isinstance(self._source, Columns | Blocks):
            return chain.from_iterable(block.facts() for block in self._blocks())
        return self._objects()

    def batches(self) -> Iterator[tuple[Ints, list[Any]]]:
        """Facts with the times they are known, a chunk at a time; the times never fall."""
        latest = -(2**63)
        for known, facts in self._chunks():
            rising = _rising(known, latest)
            latest = int(rising[-1])
            yield rising, facts

    def _chunks(self) -> Iterator[tuple[Ints, list[Any]]]:
        import numpy as np

        if isinstance(self._source, Columns | Blocks):
            for block in self._blocks():
                for at in range(0, len(block), CHUNK):
                    part = block[at : at + CHUNK]
                    yield part.known(), list(part.facts())
            return
        facts = self._objects()
        while batch := list(islice(facts, CHUNK)):
            known = [fact.ts + fact.interval if type(fact) is Candle else fact.ts for fact in batch]
            yield np.array(known, dtype=np.int64), batch

    def sha256(self) -> str:
        if self._once is not None:
            if not self._read:
                raise DataError("a stream given as an iterator has no digest before it was read; give a list")
            return self._once.hexdigest()
        if isinstance(self._source, Columns | Blocks):
            digest = ColumnsDigest()
            for block in self._blocks():
                digest.update(block)
            return digest.hexdigest()
        text = hashlib.sha256()
        encode = msgspec.json.Encoder().encode
        for fact in self._objects():
            text.update(encode(fact) + b"\n")
        return text.hexdigest()

    def _blocks(self) -> Iterator[Columns]:
        assert isinstance(self._source, Columns | Blocks)
        blocks: Iterable[Columns] = (self._source,) if isinstance(self._source, Columns) else self._source.blocks()
        for block in blocks:
            rows = block.between(self._start, self._end)
            if len(rows):
                yield rows

    def _objects(self) -> Iterator[Any]:
        assert not isinstance(self._source, Columns | Blocks | MarketFile)
        low = -(2**63) if self._start is None else self._start
        high = 2**63 if self._end is None else self._end
        facts: Iterator[Any] = iter(self._source)
        if self._start is not None or self._end is not None:
            facts = (fact for fact in facts if low <= fact.ts < high)
        if self._once is None:
            yield from facts
            return
        if self._read:
            raise DataError("a stream given as an iterator was read already; give a list to read it again")
        encode = msgspec.json.Encoder().encode
        for fact in facts:
            self._once.update(encode(fact) + b"\n")
            yield fact
        self._read = True


def _rising(known: Ints, latest: int) -> Ints:
    import numpy as np

    rising: Ints = np.maximum(np.maximum.accumulate(known), latest)
    return rising


def _merge(streams: list[Iterator[tuple[Ints, list[Any]]]]) -> Iterator[Any]:
    """All facts by the time they are known, ties by stream; holds about a batch of each stream."""
    import numpy as np

    empty: tuple[Ints, list[Any]] = (np.empty(0, dtype=np.int64), [])
    known = [empty[0]] * len(streams)
    facts: list[list[Any]] = [[] for _ in streams]
    open_streams = set(range(len(streams)))
    while True:
        for at in sorted(open_streams):
            while not facts[at] and at in open_streams:
                batch = next(streams[at], None)
                if batch is None:
                    open_streams.discard(at)
                else:
                    known[at], facts[at] = batch
        held = [at for at in range(len(streams)) if facts[at]]
        if not held:
            return
        if len(held) == 1:
            yield from facts[held[0]]
            facts[held[0]] = []
            continue
        # Complete up to the earliest end of what is held; a stream may still bring more at exactly that moment.
        bound = min(int(known[at][-1]) for at in held)
        cuts = {at: int(np.searchsorted(known[at], bound, "left")) for at in held}
        if not any(cuts.values()):
            cuts = {at: _tied(streams[at], known, facts, at, bound, open_streams) for at in held}
        taken = [fact for at in held for fact in facts[at][: cuts[at]]]
        order = np.argsort(np.concatenate([known[at][: cuts[at]] for at in held]), kind="stable")
        for at in held:
            known[at], facts[at] = known[at][cuts[at] :], facts[at][cuts[at] :]
        yield from map(taken.__getitem__, order.tolist())


def _tied(
    stream: Iterator[tuple[Ints, list[Any]]],
    known: list[Ints],
    facts: list[list[Any]],
    at: int,
    bound: int,
    open_streams: set[int],
) -> int:
    """Bring in all that stream `at` knows at exactly `bound`; returns how many facts that is."""
    import numpy as np

    while int(known[at][-1]) == bound and at in open_streams:
        batch = next(stream, None)
        if batch is None:
            open_streams.discard(at)
        else:
            known[at] = np.concatenate((known[at], batch[0]))
            facts[at] = facts[at] + batch[1]
    return int(np.searchsorted(known[at], bound, "right"))
