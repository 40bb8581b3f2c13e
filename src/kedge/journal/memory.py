"""A directory in memory that can lose power, fill up and lie: the faulty twin of `OsDisk`.

Each file has two contents: what a reader sees (the page cache) and what survives a power cut (durable). A
write reaches the first; `sync` carries it to the second. `crash` gives the disk as the next process finds
it: of the bytes not yet synced any number may have survived, in the order they were written, torn at any
byte; a name that was never followed by `sync_dir` may be gone. The old disk is dead from then on, as its
process is.

A `Fault` strikes the n-th call of an operation, once:

- `write` with an error takes `taken` bytes first (a full disk); without an error it is short: it takes them
  and says so;
- `sync` with an error drops the unsynced bytes, and the next sync succeeds, which is what Linux does
  (fsyncgate, 2018).
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from kedge.journal.errors import JournalLocked
from kedge.journal.record import LINE_BYTES_MAX


class Fault(msgspec.Struct, frozen=True):
    """Strike the `nth` (from 1) call of `op` (write, sync, allocate, truncate, open, remove, sync_dir)."""

    op: str
    nth: int
    error: int = 0  # an errno; 0 for a short write
    taken: int = 0  # bytes a struck write still takes


@dataclass(slots=True)
class _Content:
    seen: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # (offset, bytes), or (size, None): cut
    named: bool = False  # its name is durable


class MemoryDisk:
    """See the module. `faults` is read at every call, so it can be changed between calls."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self.calls: Counter[str] = Counter()
        self._files: dict[str, _Content] = {}
        self._removed: dict[str, _Content] = {}  # not yet durable
        self._locked = False
        self._dead = False

    def strike(self, op: str) -> Fault | None:
        """Count a call; the fault that strikes it, if any. An operation other than `write` raises it."""
        if self._dead:
            raise OSError(errno.EIO, "the machine of this disk has crashed")
        self.calls[op] += 1
        for fault in self.faults:
            if fault.op == op and fault.nth == self.calls[op]:
                if op != "write" and op != "sync":
                    raise OSError(fault.error, os.strerror(fault.error))
                return fault
        return None

    def lock(self) -> None:
        if self._locked:
            raise JournalLocked("journal in memory is being written by another logger; close it first")
        self._locked = True

    def unlock(self) -> None:
        self._locked = False

    def names(self) -> list[str]:
        return sorted(self._files)

    def size(self, name: str) -> int:
        return len(self._content(name).seen)

    def lines(self, name: str) -> Iterator[bytes]:
        data, start = bytes(self._content(name).seen), 0
        while start < len(data):
            end = data.find(b"\n", start, start + LINE_BYTES_MAX) + 1 or min(start + LINE_BYTES_MAX, len(data))
            yield data[start:end]
            start = end

    def read(self, name: str, offset: int = 0) -> bytes:
        return bytes(self._content(name).seen[offset:])

    def open(self, name: str) -> MemoryFile:
        self.strike("open")
        return MemoryFile(self, self._files.setdefault(name, _Content()))

    def remove(self, name: str) -> None:
        self.strike("remove")
        self._removed[name] = self._content(name)
        del self._files[name]

    def sync_dir(self) -> None:
        self.strike("sync_dir")
        self._removed.clear()
        for content in self._files.values():
            content.named = True

    def put(self, name: str, data: bytes) -> None:
        """Set a file, durably: for tests that damage a journal."""
        self._files[name] = _Content(bytearray(data), bytearray(data), [], True)

    def crash(
        self,
        kept: Callable[[str, int], int] = lambda name, pending: 0,
        name_kept: Callable[[str], bool] = lambda name: False,
    ) -> MemoryDisk:
        """The disk after a power cut. `kept(name, pending)` says how many of a file's unsynced bytes
        survived, `name_kept(name)` whether a name that was not synced did. This disk is dead afterwards.
        """
        after = MemoryDisk()
        undone = {name: content for name, content in self._removed.items() if name not in self._files}
        for name, content in (self._files | undone).items():
            if content.named or name_kept(name):
                after.put(name, _survived(content, name, kept))
        self._dead = True
        return after

    def revive(self) -> None:
        """Undo the death by `crash`, to ask what another cut at the same moment would have left."""
        self._dead = False

    def _content(self, name: str) -> _Content:
        try:
            return self._files[name]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from None


class MemoryFile:
    """An open file of a `MemoryDisk`."""

    def __init__(self, disk: MemoryDisk, content: _Content) -> None:
        self._disk = disk
        self._content = content

    def write(self, data: bytes, offset: int) -> int:
        fault = self._disk.strike("write")
        taken = data if fault is None else data[: fault.taken]
        _place(self._content.seen, offset, taken)
        self._content.pending.append((offset, bytes(taken)))
        if fault is not None and fault.error:
            raise OSError(fault.error, os.strerror(fault.error))
        return len(taken)

    def sync(self) -> None:
        fault = self._disk.strike("sync")
        if fault is not None:
            self._content.pending.clear()  # and the next sync will find nothing to do, and succeed
            raise OSError(fault.error, os.strerror(fault.error))
        for offset, data in self._content.pending:
            _apply(self._content.durable, offset, data)
        self._content.pending.clear()

    def allocate(self, size: int) -> None:
        self._disk.strike("allocate")
        missing = size - len(self._content.seen)
        if missing > 0:
            self._content.pending.append((len(self._content.seen), bytes(missing)))
            self._content.seen.extend(bytes(missing))

    def truncate(self, size: int) -> None:
        self._disk.strike("truncate")
        _apply(self._content.seen, size, None)
        self._content.pending.append((size, None))

    def close(self) -> None:
        """Nothing to release."""


def _place(content: bytearray, offset: int, data: bytes) -> None:
    if not data:
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is not None:
        _place(content, offset, data)
    elif offset <= len(content):
        del content[offset:]
    else:
        content.extend(bytes(offset - len(content)))


def _survived(content: _Content, name: str, kept: Callable[[str, int], int]) -> bytes:
    left = kept(name, sum(len(data) for _, data in content.pending if data is not None))
    durable = bytearray(content.durable)
    for offset, data in content.pending:
        if data is None:
            if left > 0:
                _apply(durable, offset, None)
            continue
        _place(durable, offset, data[:left])
        left -= len(data)
        if left <= 0:
            break
    return bytes(durable)
