"""What a backtest is given, as one stream of market facts in the order they become known.

A list of candles without an interval gets the most common step between them: a candle is known when it closes, and
without its length that moment would be a guess. Several streams are merged by the time they are known, so that
an hour's candle never comes before its last minute's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

from msgspec import structs

from kedge.core.market.malformed import whole_stream
from kedge.model.errors import DataError
from kedge.model.facts import MalformedFact
from kedge.model.market import Candle, MarketEvent
from kedge.storage.columns import CandleColumns, Columns
from kedge.storage.formats import MarketFile
from kedge.storage.history import Blocks, History, Stream

#: One stream or several: facts, columns, files; a mapping's keys are only the caller's names for them.
Data = Stream | Sequence[Stream] | Mapping[str, Stream] | Iterable[MarketEvent]


class Feed:
    """The streams of a run: their facts in order, their symbols, and which candles are too coarse to match against.

    `start` and `end` (ns) bound the venue's times, `start <= ts < end`.
    """

    def __init__(self, data: Data, start: int | None = None, end: int | None = None) -> None:
        self._streams = [_stream(stream) for stream in _streams(data)]
        self._bounds = (start, end)
        self.symbols: list[str] = []
        intervals: dict[str, set[int]] = {}
        ticking: set[str] = set()
        for stream in self._streams:
            for symbol, interval in _kinds(stream):
                if symbol not in self.symbols:
                    self.symbols.append(symbol)
                if interval is None:
                    ticking.add(symbol)
                else:
                    intervals.setdefault(symbol, set()).add(interval)
        self.interval_ns = min((each for found in intervals.values() for each in found), default=0)
        self.coarse = frozenset(
            (symbol, interval)
            for symbol, found in intervals.items()
            for interval in found
            if symbol in ticking or interval != min(found)
        )

    def gaps(self) -> int:
        """Places where candles are missing; of what is streamed from files nothing is known beforehand."""
        return sum(_gaps(stream, *self._bounds) for stream in self._streams)

    def facts(self) -> Iterator[MarketEvent]:
        """Every fact, once, in the order it becomes known; at equal times in the order the streams were given."""
        if not self._streams:
            return iter(())
        start, end = self._bounds
        if len(self._streams) == 1 and isinstance(self._streams[0], list) and start is None and end is None:
            return iter(self._streams[0])
        return iter(History(*self._streams, start=start, end=end))


def _streams(data: Data) -> list[Any]:
    """The streams in `data`: itself, or each of several."""
    if isinstance(data, Columns | MarketFile | Blocks):
        return [data]
    if isinstance(data, Mapping):
        return list(data.values())
    if isinstance(data, str | bytes | PathLike) or not isinstance(data, Iterable):
        raise DataError(f"market data is {data!r}; give candles or columns, or read a file with open_candles first")
    rows = list(data)
    if rows and isinstance(rows[0], Columns | MarketFile | Blocks | list | tuple):
        return rows
    return [rows] if rows else []


def _stream(stream: Any) -> Any:
    """A stream the history takes; facts as objects become a list of sound ones with every candle's interval known."""
    if isinstance(stream, MarketFile):
        return stream.columns
    if isinstance(stream, Columns | Blocks):
        return stream
    if not isinstance(stream, Iterable):
        raise DataError(f"one of several streams is {stream!r}; give lists of candles, or columns")
    return with_intervals(whole_stream(stream))


def with_intervals(rows: list[Any]) -> list[Any]:
    """The same rows; candles without an interval get the most common step of their symbol."""
    lacking = [row for row in rows if type(row) is Candle and not row.interval]
    if not lacking:
        return rows
    last: dict[str, int] = {}
    steps: dict[str, Counter[int]] = {}
    for candle in lacking:
        before = last.get(candle.symbol)
        if before is not None and candle.ts > before:
            steps.setdefault(candle.symbol, Counter())[candle.ts - before] += 1
        last[candle.symbol] = candle.ts
    found = {symbol: min(counts.items(), key=lambda item: (-item[1], item[0]))[0] for symbol, counts in steps.items()}
    return [
        structs.replace(row, interval=found.get(row.symbol, 0)) if type(row) is Candle and not row.interval else row
        for row in rows
    ]


def _gaps(stream: Any, start: int | None, end: int | None) -> int:
    if isinstance(stream, CandleColumns):
        stream = stream.between(start, end)
        return int(((stream.ts[1:] - stream.ts[:-1]) > stream.interval).sum())
    if not isinstance(stream, list):
        return 0
    due: dict[tuple[str, int], int] = {}
    gaps = 0
    for row in stream:
        if type(row) is Candle and (start is None or row.ts >= start) and (end is None or row.ts < end):
            gaps += row.ts > due.get((row.symbol, row.interval), row.ts)
            due[row.symbol, row.interval] = row.ts + row.interval
    return gaps


def _kinds(stream: Any) -> Iterator[tuple[str, int | None]]:
    """The symbols of a stream, each with its candle interval, or `None` for ticks."""
    if not isinstance(stream, list):
        yield stream.symbol, getattr(stream, "interval", None)
        return
    seen: set[tuple[str, int | None]] = set()
    for row in stream:
        if type(row) is MalformedFact:
            continue
        kind = (row.symbol, row.interval if type(row) is Candle else None)
        if kind not in seen:
            seen.add(kind)
            yield kind
