"""The catalogue: a directory that keeps candles by venue, symbol and interval.

    ROOT/binance/BTC-USD/1h/manifest.json            which parts there are, and their digests
    ROOT/binance/BTC-USD/1h/1514764800000000000-9f86d081884c7d65.parquet

A data set is a row of parts that do not overlap, each in time order without repeats. Only what the manifest names
exists: a change writes new parts under new names, then replaces the manifest in one rename, and the parts it no
longer names stay until the next change, so that whoever is reading them can finish. A crash at any moment leaves the
old data set or the new one.

Adding is idempotent: rows that are there already are left out, and a row that differs from the one kept for the
same time is refused together with all that came with it. Which of the two is right, a human must say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kedge.model.errors import DataError
from kedge.model.instant import NS_PER_DAY, NS_PER_S, iso
from kedge.model.market import Candle
from kedge.storage.columns import CandleColumns
from kedge.storage.digest import ColumnsDigest, sha256_of
from kedge.storage.formats import read_candles
from kedge.storage.manifest import (
    FORMAT,
    MANIFEST,
    Manifest,
    Part,
    file_sha256,
    locked,
    read_manifest,
    sweep,
    verify,
    write_manifest,
)
from kedge.storage.parquet import BLOCK_ROWS, joined, open_stored, write_stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Rows of a part: 64 row groups, about 50 MB while it is written.
PART_ROWS_MAX = 1 << 20

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
_VALUES = ("open", "high", "low", "close", "volume")
_UNITS = (
    ("w", 7 * NS_PER_DAY),
    ("d", NS_PER_DAY),
    ("h", 3600 * NS_PER_S),
    ("m", 60 * NS_PER_S),
    ("s", NS_PER_S),
    ("ns", 1),
)


class DataSet(msgspec.Struct, frozen=True):
    """What `Catalogue.list` tells of one data set; times in ns, `bytes` on disk."""

    venue: str
    symbol: str
    interval: int
    rows: int
    first: int
    last: int
    parts: int
    bytes: int

    @property
    def missing(self) -> int:
        """Candles that lie between the first and the last and are not there."""
        return (self.last - self.first) // self.interval + 1 - self.rows


class Imported(msgspec.Struct, frozen=True):
    """What an import did: rows added, rows that were there already, and the notes of the reader."""

    venue: str
    symbol: str
    interval: int
    added: int
    known: int
    rows: int
    notes: tuple[str, ...] = ()


class StoredCandles:
    """Candles of a catalogue between two times, read as often as wanted, in blocks or whole."""

    def __init__(self, directory: Path, manifest: Manifest, start: int | None, end: int | None) -> None:
        self._directory = directory
        self._start = start
        self._end = end
        self._parts = [
            part
            for part in manifest.parts
            if (start is None or part.last >= start) and (end is None or part.first < end)
        ]
        self.symbol = manifest.symbol
        self.interval = manifest.interval
        self.price_scale = max((part.price_scale for part in self._parts), default=0)
        self.size_scale = max((part.size_scale for part in self._parts), default=0)

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator[CandleColumns]:
        """The candles in time order, about `rows` at a time; memory is that of a block, whatever the length."""
        for part in self._parts:
            path = self._directory / part.file
            verify(path, part)
            stored = open_stored(path)
            if stored is None or stored.kind is not CandleColumns or stored.symbol != self.symbol:
                raise DataError(f"{path} is not a part of {self.symbol}; import the data again")
            inner = (self._start is None or self._start <= part.first) and (self._end is None or part.last < self._end)
            for block in stored.blocks(*((None, None) if inner else (self._start, self._end)), rows):
                yield block.at_scales(self.price_scale, self.size_scale)

    def columns(self) -> CandleColumns:
        """The candles, whole."""
        import numpy as np

        none = np.empty(0, dtype=np.int64)
        empty = CandleColumns(self.symbol, self.interval, self.price_scale, self.size_scale, *(none,) * 6)
        return joined(list(self.blocks()), empty)

    def facts(self) -> Iterator[Candle]:
        """The candles as facts, with the memory of a block."""
        for block in self.blocks():
            yield from block.candles()

    def content_sha256(self) -> str:
        """The digest of the candles, read for it."""
        digest = ColumnsDigest()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()


class Catalogue:
    """The data sets under one directory. Any number may read while one writes."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def list(self) -> list[DataSet]:
        """What there is, by venue, symbol and interval."""
        if not self.root.exists():
            return []
        if not self.root.is_dir():
            raise DataError(f"{self.root} is not a directory; give the directory of the catalogue")
        found = []
        for path in sorted(self.root.glob(f"*/*/*/{MANIFEST}")):
            manifest = read_manifest(path)
            if manifest.parts:
                found.append(_data_set(path.parent, manifest))
        return sorted(found, key=lambda data: (data.venue, data.symbol, data.interval))

    def open(
        self, venue: str, symbol: str, interval: int, start: int | None = None, end: int | None = None
    ) -> StoredCandles:
        """The candles with `start <= ts < end` (ns). A data set that is not there is a `DataError`."""
        directory = self._directory(venue, symbol, interval)
        path = directory / MANIFEST
        if not path.is_file():
            there = ", ".join(f"{d.venue} {d.symbol} {interval_name(d.interval)}" for d in self.list()[:8])
            raise DataError(
                f"{self.root} has no {venue} {symbol} {interval_name(interval)}; it has {there or 'nothing yet'}"
            )
        return StoredCandles(directory, read_manifest(path), start, end)

    def resume_ns(self, venue: str, symbol: str, interval: int) -> int | None:
        """The opening time of the candle after the last one kept: where a download goes on; `None` if none is."""
        path = self._directory(venue, symbol, interval) / MANIFEST
        parts = read_manifest(path).parts if path.is_file() else ()
        return parts[-1].last + interval if parts else None

    def import_file(self, path: Path | str, venue: str, symbol: str | None = None, interval: int = 0) -> Imported:
        """Add the candles of a file; all of them, or none and a `DataError`."""
        read = read_candles(path, symbol, interval)
        return self.add(venue, read.columns, source=str(path), notes=read.notes)

    def add(
        self, venue: str, candles: CandleColumns, source: str = "the new data", notes: tuple[str, ...] = ()
    ) -> Imported:
        """Add candles; rows already kept are left out, and a row that contradicts one kept refuses them all."""
        if not len(candles):
            raise DataError(f"{source} has no candles to add to {venue} {candles.symbol}")
        fresh = _in_order(candles.normalized(), source)
        directory = self._directory(venue, fresh.symbol, fresh.interval)
        with locked(directory):
            path = directory / MANIFEST
            manifest = Manifest(FORMAT, venue, fresh.symbol, fresh.interval)
            if path.is_file():
                manifest = read_manifest(path)
            sweep(directory, manifest)
            before, touched, after = _around(manifest.parts, int(fresh.ts[0]), int(fresh.ts[-1]), len(fresh))
            kept = _read_parts(directory, manifest, touched)
            merged = _merged(kept, fresh, source)
            added = len(merged) - (len(kept) if kept is not None else 0)
            if added:
                parts = (*before, *_write_parts(directory, merged, touched), *after)
                write_manifest(path, msgspec.structs.replace(manifest, parts=parts))
        rows = sum(part.rows for part in manifest.parts) + added
        return Imported(venue, fresh.symbol, fresh.interval, added, len(candles) - added, rows, notes)

    def _directory(self, venue: str, symbol: str, interval: int) -> Path:
        for what, name in (("venue", venue), ("symbol", symbol)):
            if not _NAME.fullmatch(name):
                raise DataError(f"{what} {name!r} cannot name a directory; use letters, digits and . _ + -")
        if interval <= 0:
            raise DataError(f"interval is {interval} ns; it must be above zero")
        return self.root / venue / symbol / interval_name(interval)


def interval_name(interval: int) -> str:
    """`1h` for 3,600,000,000,000 ns: the largest unit that divides it."""
    for unit, ns in _UNITS:
        if interval % ns == 0 and interval:
            return f"{interval // ns}{unit}"
    return "0ns"


def _data_set(directory: Path, manifest: Manifest) -> DataSet:
    size = 0
    for part in manifest.parts:
        try:
            size += (directory / part.file).stat().st_size
        except OSError:
            raise DataError(f"{directory / part.file} is missing; import the data again") from None
    return DataSet(
        manifest.venue,
        manifest.symbol,
        manifest.interval,
        sum(part.rows for part in manifest.parts),
        manifest.parts[0].first,
        manifest.parts[-1].last,
        len(manifest.parts),
        size,
    )


def _around(
    parts: Sequence[Part], first: int, last: int, rows: int
) -> tuple[tuple[Part, ...], tuple[Part, ...], tuple[Part, ...]]:
    """The parts before, touched by, and after the times `first..last`; a part before with room left is touched too."""
    low = next((at for at, part in enumerate(parts) if part.last >= first), len(parts))
    high = next((at for at, part in enumerate(parts) if part.first > last), len(parts))
    if low and low == high and parts[low - 1].rows + rows <= PART_ROWS_MAX:
        low -= 1
    return tuple(parts[:low]), tuple(parts[low:high]), tuple(parts[high:])


def _read_parts(directory: Path, manifest: Manifest, parts: tuple[Part, ...]) -> CandleColumns | None:
    if not parts:
        return None
    return StoredCandles(directory, msgspec.structs.replace(manifest, parts=parts), None, None).columns()


def _merged(kept: CandleColumns | None, fresh: CandleColumns, source: str) -> CandleColumns:
    """Both in time order without repeats; a `DataError` names the first row on which they differ."""
    if kept is None:
        return fresh
    scales = max(kept.price_scale, fresh.price_scale), max(kept.size_scale, fresh.size_scale)
    both = [kept.at_scales(*scales), fresh.at_scales(*scales)]
    return _in_order(joined(both, both[0]), f"the catalogue and {source}")


def _in_order(candles: CandleColumns, source: str) -> CandleColumns:
    """The candles by time, exact repeats once; a `DataError` names the first time that has two different ones."""
    import numpy as np

    order = np.argsort(candles.ts, kind="stable")
    ts = candles.ts[order]
    arrays = {name: getattr(candles, name)[order] for name in _VALUES}
    repeat: NDArray[np.bool_] = np.zeros(len(ts), dtype=np.bool_)
    repeat[1:] = ts[1:] == ts[:-1]
    for name in _VALUES:
        differs = np.flatnonzero(repeat[1:] & (arrays[name][1:] != arrays[name][:-1]))
        if len(differs):
            at = int(differs[0])
            one, other = (_taken(candles, order[row : row + 1]) for row in (at, at + 1))
            raise DataError(
                f"{source}: {candles.symbol} at {iso(int(ts[at]))} has {name} {_only(one, name)} and "
                f"{_only(other, name)}; decide which is right and remove the other"
            )
    return _taken(candles, order[~repeat])


def _taken(candles: CandleColumns, rows: NDArray[np.intp]) -> CandleColumns:
    return CandleColumns(
        candles.symbol,
        candles.interval,
        candles.price_scale,
        candles.size_scale,
        candles.ts[rows],
        *(getattr(candles, name)[rows] for name in _VALUES),
    )


def _only(candles: CandleColumns, name: str) -> str:
    (candle,) = candles.candles()
    return str(getattr(candle, name))


def _write_parts(directory: Path, candles: CandleColumns, kept: Sequence[Part]) -> Iterator[Part]:
    """Write the candles as parts; one that is kept already, row for row, is left as it is."""
    known = {part.file: part for part in kept}
    for at in range(0, len(candles), PART_ROWS_MAX):
        rows = candles[at : at + PART_ROWS_MAX].normalized()
        first, last = int(rows.ts[0]), int(rows.ts[-1])
        path = directory / f"{first}-{sha256_of(rows)[:16]}.parquet"
        if path.name in known:
            yield known[path.name]
            continue
        write_stored(path, rows)
        yield Part(path.name, len(rows), first, last, rows.price_scale, rows.size_scale, file_sha256(path))
