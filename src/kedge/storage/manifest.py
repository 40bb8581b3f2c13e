"""The manifest of a data set: which files it is made of, and how they are kept safe.

Only what the manifest names exists. It is replaced in one rename, after the files it names are on the disk; what it
no longer names is swept away by the next change. One process at a time may change a data set, and holds its lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from kedge.model.errors import DataError, WorldError
from kedge.storage.parquet import replace_synced

MANIFEST = "manifest.json"
FORMAT = 1


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a data set: `first` and `last` are its opening times (ns), `sha256` is of the file's bytes."""

    file: str
    rows: int
    first: int
    last: int
    price_scale: int
    size_scale: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts of a data set, in time order and without overlap."""

    format: int
    venue: str
    symbol: str
    interval: int
    parts: tuple[Part, ...] = ()


def read_manifest(path: Path) -> Manifest:
    """The manifest; one that is damaged, or of another format, is a `DataError`."""
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged ({error}); import the data again into a new directory") from None
    if manifest.format != FORMAT:
        raise DataError(f"{path} is of format {manifest.format}; this version reads {FORMAT}")
    for part in manifest.parts:
        if Path(part.file).name != part.file:
            raise DataError(f"{path} names the part {part.file!r} outside its directory; import the data again")
    return manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace the manifest, durably, in one step."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    except OSError as error:
        raise WorldError(f"{path} cannot be written: {error}") from None
    replace_synced(part, path)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the data set for writing; a second writer is refused. The lock ends with the process that holds it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise WorldError(f"{directory} cannot be written: {error.strerror or error}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise WorldError(f"{directory} is being written by another process; try again when it is done") from None
    try:
        yield
    finally:
        os.close(handle)


def sweep(directory: Path, manifest: Manifest) -> None:
    """Remove what no manifest names any more: parts before the last change, remains of a crash."""
    named = {part.file for part in manifest.parts}
    for path in sorted(directory.iterdir()):
        if path.name not in named and (path.suffix == ".parquet" or path.suffix == ".part"):
            path.unlink(missing_ok=True)


def verify(path: Path, part: Part) -> None:
    """Hold the bytes of a part against the manifest; `DataError` where they differ."""
    if file_sha256(path) != part.sha256:
        raise DataError(f"{path} is damaged: its bytes do not match the manifest; import the data again")


def file_sha256(path: Path) -> str:
    """The digest of a file's bytes."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); import the data again") from None
    return digest.hexdigest()
