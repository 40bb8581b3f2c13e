"""The disk as the journal needs it: a directory of files written at an offset, synced, and locked.

Everything the journal asks of the operating system is in `Disk`, so that a disk that fails, tears and
forgets can take its place (`kedge.journal.memory`). Errors are `OSError`s, as the system raises them. A
write may be short: it returns how many bytes were taken. A file's name is durable only after `sync_dir`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from kedge.journal.errors import JournalLocked
from kedge.journal.record import LINE_BYTES_MAX

_READ_BYTES = 1 << 18


class DiskFile(Protocol):
    """One open file."""

    def write(self, data: bytes, offset: int) -> int:
        """Write at `offset`; returns the bytes taken, which may be fewer than given."""

    def sync(self) -> None:
        """Return only when all that was written survives a power cut (fdatasync)."""

    def allocate(self, size: int) -> None:
        """Make the file at least `size` bytes long, filled with NULs, so that later writes do not grow it."""

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""

    def close(self) -> None:
        """Release the file; does not sync."""


class Disk(Protocol):
    """One directory."""

    def lock(self) -> None:
        """Become the only writer until `unlock` or the end of the process; JournalLocked if another is."""

    def unlock(self) -> None:
        """Let another writer in."""

    def names(self) -> list[str]:
        """Names of the files in the directory, sorted."""

    def size(self, name: str) -> int:
        """Length of a file in bytes."""

    def lines(self, name: str) -> Iterator[bytes]:
        """The file's lines with their newlines, one beyond LINE_BYTES_MAX in pieces of that length."""

    def read(self, name: str, offset: int = 0) -> bytes:
        """All bytes of a file from `offset` on."""

    def open(self, name: str) -> DiskFile:
        """Open for writing; made if absent."""

    def remove(self, name: str) -> None:
        """Remove a file."""

    def sync_dir(self) -> None:
        """Make the directory's names durable."""


def write_all(file: DiskFile, data: bytes, offset: int) -> None:
    """Write `data` whole; an OSError if fewer bytes were taken.

    On a regular file that means a full disk, or nearly one: the rest is not tried.
    """
    taken = file.write(data, offset)
    if taken != len(data):
        raise OSError(f"short write, {taken} of {len(data)} bytes")


class OsFile:
    """A file of the operating system."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)

    def write(self, data: bytes, offset: int) -> int:
        return os.pwrite(self._fd, data, offset)

    def sync(self) -> None:
        # macOS has no fdatasync.
        (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(self._fd)

    def allocate(self, size: int) -> None:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._fd, 0, size)
        elif os.fstat(self._fd).st_size < size:
            os.ftruncate(self._fd, size)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class OsDisk:
    """A directory of the operating system. The lock is an flock on the directory: no lock file to delete."""

    def __init__(self, directory: str | os.PathLike[str], *, create: bool = False) -> None:
        self.directory = Path(directory)
        self._lock_fd = -1
        if create and not self.directory.is_dir():
            self.directory.mkdir(parents=True, exist_ok=True)
            self._sync(self.directory.parent)

    def lock(self) -> None:
        fd = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise JournalLocked(
                f"journal {self.directory} is being written by another process; stop it first"
            ) from None
        self._lock_fd = fd

    def unlock(self) -> None:
        fd, self._lock_fd = self._lock_fd, -1
        if fd >= 0:
            os.close(fd)

    def names(self) -> list[str]:
        return sorted(entry.name for entry in os.scandir(self.directory) if entry.is_file())

    def size(self, name: str) -> int:
        return (self.directory / name).stat().st_size

    def lines(self, name: str) -> Iterator[bytes]:
        with open(self.directory / name, "rb", buffering=_READ_BYTES) as file:
            readline = file.readline
            while line := readline(LINE_BYTES_MAX):
                yield line

    def read(self, name: str, offset: int = 0) -> bytes:
        with open(self.directory / name, "rb") as file:
            file.seek(offset)
            return file.read()

    def open(self, name: str) -> OsFile:
        return OsFile(self.directory / name)

    def remove(self, name: str) -> None:
        (self.directory / name).unlink()

    def sync_dir(self) -> None:
        self._sync(self.directory)

    @staticmethod
    def _sync(directory: Path) -> None:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
