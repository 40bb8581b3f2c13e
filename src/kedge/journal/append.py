"""`AuditLogger`: the only writer of a journal.

    append  -> a line in the buffer, chained        (no I/O unless the buffer is full or the day changes)
    commit  -> one write, one fdatasync; `durable_n` moves; due checkpoints follow
    close   -> commit, a last checkpoint, everything released

Nothing may leave the process before `durable_n` covers its record; the caller waits for that, not the
journal. The buffer is bounded: when it is full, append commits by itself. Nothing is dropped.

The first error of a write or sync is final. After a failed fsync the system may have thrown the bytes away
and answer the next one with success, so nothing is tried again: the journal is dead, every later call
raises the same `JournalDead`, and whatever was buffered was never durable.

One thread, one process: the directory is locked, and every opening has a higher epoch. No file holds a wall
clock reading, a random number or a process id: equal records under an equal key make equal files.
"""

from __future__ import annotations

import os
from binascii import hexlify
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

import msgspec

from kedge.journal.canonical import encode_body
from kedge.journal.checkpoint import CHECKPOINTS, PUBLIC_KEY, make
from kedge.journal.codec import Encoded
from kedge.journal.disk import Disk, DiskFile, OsDisk, write_all
from kedge.journal.errors import JournalDead, JournalError, JournalMisused, KeyRefused
from kedge.journal.keys import SigningKey, load_key
from kedge.journal.record import INT_MAX, INT_MIN, LINE, TEXT, kind_bytes
from kedge.journal.recover import TornTail, recover, write_epoch
from kedge.journal.redact import Redactor
from kedge.journal.segment import NS_PER_DAY, segment_name

_NEWLINE = ord("\n")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CommitPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When buffered records are written, if nobody calls `commit` before.

    `sync=False` is for backtests, whose journal can be made again: it is written, but no power cut is
    survived, and `durable_n` then only means "written".
    """

    records_max: int = 512
    bytes_max: int = 1 << 20
    sync: bool = True


class AuditLogger:
    """The append-only, hash-chained journal in `log_dir`, one `audit-YYYY-MM-DD.jsonl` a UTC day.

    `key` signs the checkpoints: a SigningKey or the path of its file. `checkpoint_records` is their
    distance. `preallocate_bytes` grows each segment ahead so that fdatasync need not (0: off). `redactor`
    masks secrets in bodies encoded here and refuses encoded ones that hold any. After opening, `torn` tells
    what was cut from the end of a journal whose last write did not complete: the caller appends that as a
    record.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        *,
        key: SigningKey | str | os.PathLike[str] | None = None,
        policy: CommitPolicy | None = None,
        checkpoint_records: int = 1000,
        preallocate_bytes: int = 0,
        redactor: Redactor | None = None,
        disk: Disk | None = None,
    ) -> None:
        if (log_dir is None) == (disk is None):
            raise JournalMisused("give the journal's directory or a disk, one of them")
        if checkpoint_records < 1:
            raise JournalMisused(f"checkpoint_records is {checkpoint_records}; it must be at least 1")
        self._key = key if key is None or isinstance(key, SigningKey) else load_key(key)
        self._policy = policy or CommitPolicy()
        self._checkpoint_records = checkpoint_records
        self._preallocate_bytes = preallocate_bytes
        self._redactor = redactor
        self._buffer: list[bytes] = []
        self._buffered_bytes = 0
        self._kinds: dict[str, bytes] = {}
        self._due: list[tuple[int, int, int, bytes]] = []  # checkpoints after the commit: (n, at, epoch, chain)
        self._dead: JournalDead | None = None
        self._closed = False
        self._file: DiskFile | None = None
        self._checkpoints: DiskFile | None = None
        try:
            self._disk: Disk = disk if disk is not None else OsDisk(log_dir or "", create=True)
            self._disk.lock()
        except OSError as error:
            raise JournalDead(f"journal cannot be opened: {error}") from error
        try:
            self._recover()
        except OSError as error:
            self._release()
            raise JournalDead(f"journal cannot be opened: {error}") from error
        except JournalError:
            self._release()
            raise

    def _recover(self) -> None:
        found = recover(self._disk, self._key)
        self.torn: tuple[TornTail, ...] = found.torn
        self.epoch: int = found.epoch
        write_epoch(self._disk, found.epoch)
        self.n: int = found.n
        self.durable_n: int = found.n
        self._chain, self._at, self._found_epoch = found.chain, found.at, found.last_epoch
        self._day, self._offset, self._allocated = found.day, found.offset, 0
        self._checkpoint_i, self._checkpoint_n = found.checkpoint_i, found.checkpoint_n
        self._first_n = found.n + 1  # of this epoch: gets a checkpoint
        self._checkpoints = self._disk.open(CHECKPOINTS)
        self._checkpoints_offset = found.checkpoint_offset
        if self._key is not None:
            self._publish(self._key)
        self._disk.sync_dir()
        if self._day is not None:
            self._file = self._disk.open(segment_name(self._day))

    def _publish(self, key: SigningKey) -> None:
        text = key.public.hex().encode("ascii") + b"\n"
        if PUBLIC_KEY in self._disk.names():
            stored = self._disk.read(PUBLIC_KEY)
            if stored == text:
                return
            if not text.startswith(stored.rstrip(b"\0")):  # else the write of an earlier opening was torn
                raise KeyRefused(f"{PUBLIC_KEY} is not that of key {key.fingerprint}; open with the journal's own key")
        file = self._disk.open(PUBLIC_KEY)
        try:
            write_all(file, text, 0)
            file.sync()
        finally:
            file.close()

    @property
    def head(self) -> str:
        """The chain hash at `n`, whole, in hex."""
        return self._chain.hex()

    @property
    def is_dead(self) -> bool:
        """Whether a write has failed; nothing can be appended any more."""
        return self._dead is not None

    def append(
        self,
        kind: str,
        body: bytes | msgspec.Struct | Mapping[str, Any],
        at: int | datetime,
        cause: int = 0,
        *,
        schema: int = 1,
        n: int | None = None,
    ) -> int:
        """Put one record into the buffer; returns its number.

        `body` is canonical JSON from `encode_body` or a `Codec`, or a value to encode; `at` UTC nanoseconds
        or an aware datetime; `cause` the number of an earlier record. `n`, if given, must be the next
        number.
        """
        if self._dead is not None or self._closed:
            self._refuse()
        number = self.n + 1
        if n is not None and n != number:
            raise JournalMisused(f"record {n} was to be appended where {number} is next")
        if not 0 <= cause < number:
            raise JournalMisused(f"record {number} names {cause} as its cause; it must be an earlier record or 0")
        if body.__class__ is not bytes:
            body = encode_body(body, self._redactor)  # type: ignore[arg-type]
        elif _NEWLINE in body or body[:1] != b"{" or (self._redactor is not None and self._redactor.hits(body)):
            raise JournalMisused(f"the body of record {number} is not canonical JSON, or holds a secret")
        if at.__class__ is not int:
            at = _nanoseconds(at)
        if not INT_MIN <= at <= INT_MAX or not 1 <= schema <= INT_MAX:
            raise JournalMisused(f"record {number} has at={at}, schema={schema}, out of range")
        self._extend(((kind, schema, body),), at, cause)
        return number

    def append_step(self, entries: Sequence[Encoded], at: int, n: int) -> None:
        """Put a fact and what was decided because of it into the buffer: the first is the cause of the others.

        `entries` are as a `Codec` with the journal's own redactor made them, `n` is the number of the first.
        """
        if self._dead is not None or self._closed:
            self._refuse()
        if n != self.n + 1:
            raise JournalMisused(f"record {n} was to be appended where {self.n + 1} is next")
        if not INT_MIN <= at <= INT_MAX:
            raise JournalMisused(f"record {n} has at={at}, out of range")
        self._extend(entries, at, 0)

    def _extend(self, entries: Sequence[tuple[str, int, bytes]], at: int, cause: int) -> None:
        """Chain and buffer records of one moment; those after the first name it as their cause."""
        day = at // NS_PER_DAY
        if self._day is None or day > self._day:
            self._roll(day)
        kinds, buffer, epoch, chain, n = self._kinds, self._buffer, self.epoch, self._chain, self.n
        first, size = n + 1, 0
        for kind, schema, body in entries:
            n += 1
            name = kinds.get(kind)
            if name is None:
                name = kinds[kind] = kind_bytes(kind)
            text = TEXT % (at, body, cause, epoch, name, n, schema)  # as in `record`, without the calls
            chain = sha256(chain + text).digest()
            line = LINE % (text, hexlify(chain[:16]))
            buffer.append(line)
            size += len(line)
            cause = first
            if n % self._checkpoint_records == 0 or n == self._first_n:
                self._due.append((n, at, epoch, chain))
        self._chain, self.n, self._at = chain, n, at
        self._buffered_bytes += size
        if len(buffer) >= self._policy.records_max or self._buffered_bytes >= self._policy.bytes_max:
            self.commit()

    def commit(self) -> int:
        """Make every appended record durable; returns `durable_n`."""
        if self._dead is not None or self._closed:
            self._refuse()
        if self._buffer:
            data = b"".join(self._buffer)
            try:
                self._write_segment(data)
                self.durable_n = self.n
                self._buffer.clear()
                self._buffered_bytes = 0
                self._write_checkpoints()
            except OSError as error:
                self._die(error)
        return self.durable_n

    def close(self) -> None:
        """Commit, add a last checkpoint and release the directory. A dead journal is only released."""
        if self._closed:
            return
        try:
            if self._dead is None:
                self.commit()
                self._finish()
        finally:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- inside -----------------------------------------------------------------------------------------

    def _write_segment(self, data: bytes) -> None:
        assert self._file is not None
        end = self._offset + len(data)
        if self._preallocate_bytes and end > self._allocated:
            self._allocated = -(-end // self._preallocate_bytes) * self._preallocate_bytes
            self._file.allocate(self._allocated)
        write_all(self._file, data, self._offset)
        if self._policy.sync:
            self._file.sync()
        self._offset = end

    def _write_checkpoints(self) -> None:
        if not self._due:
            return
        lines = []
        for n, at, epoch, chain in self._due:
            self._checkpoint_i += 1
            lines.append(make(at, epoch, self._checkpoint_i, n, chain, self._key).line())
        assert self._checkpoints is not None
        data = b"".join(lines)
        write_all(self._checkpoints, data, self._checkpoints_offset)
        if self._policy.sync:
            self._checkpoints.sync()
        self._checkpoints_offset += len(data)
        self._checkpoint_n = self._due[-1][0]
        self._due.clear()

    def _roll(self, day: int) -> None:
        """Begin the segment of `day`. What the old one holds is durable first, so that no gap can arise."""
        self.commit()
        try:
            if self._file is not None:
                self._trim()
                self._file.close()
            self._file = self._disk.open(segment_name(day))
            if self._policy.sync:
                self._disk.sync_dir()
        except OSError as error:
            self._die(error)
        self._day, self._offset, self._allocated = day, 0, 0

    def _finish(self) -> None:
        try:
            if self.n > self._checkpoint_n:
                epoch = self.epoch if self.n >= self._first_n else self._found_epoch
                self._due.append((self.n, self._at, epoch, self._chain))
                self._write_checkpoints()
            self._trim()
        except OSError as error:
            self._die(error)

    def _trim(self) -> None:
        if self._allocated > self._offset and self._file is not None:
            self._file.truncate(self._offset)
            self._file.sync()
            self._allocated = 0

    def _die(self, error: OSError) -> None:
        self._dead = JournalDead(
            f"journal write failed after record {self.durable_n}: {error}; halted, nothing more is written"
        )
        raise self._dead from error

    def _refuse(self) -> None:
        if self._dead is not None:
            raise self._dead
        raise JournalMisused("the journal is closed")

    def _release(self) -> None:
        self._closed = True
        for file in (self._file, self._checkpoints):
            if file is not None:
                file.close()
        self._disk.unlock()


def _nanoseconds(at: int | datetime) -> int:
    if isinstance(at, datetime) and at.tzinfo is not None:
        since = at - _EPOCH
        return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
    raise JournalMisused(f"at is {at!r}; give integer UTC nanoseconds or an aware datetime")
