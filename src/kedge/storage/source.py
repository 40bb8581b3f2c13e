"""A file as the user gave it: what it is, told by its first bytes and never by its name, and its bytes in whole lines.

Everything that can be wrong with a file before its content matters is said here, in one line: not there, a
directory, empty, another kind of file, cut off or damaged compression.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from kedge.model.errors import DataError

#: Text read at a time. A block's columns take about as much again.
BLOCK_BYTES = 1 << 20
#: No line of market data comes near this; a file without line ends is not a CSV.
LINE_BYTES_MAX = 1 << 20

_OTHER_KINDS = {
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "zstd compressed",
    b"\xfd7zXZ\x00": "xz compressed",
    b"BZh": "bzip2 compressed",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x89HDF": "an HDF5 file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3\x00": "an SQLite database",
}


class FileKind(StrEnum):
    """What the first bytes say."""

    TEXT = "csv"
    GZIP = "csv.gz"
    PARQUET = "parquet"


def kind_of(path: Path) -> FileKind:
    """The kind of a file, by content."""
    head = _head(path)
    if head[:4] == b"PAR1":
        return FileKind.PARQUET
    if head[:2] == b"\x1f\x8b":
        return FileKind.GZIP
    for magic, name in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise DataError(f"{path} is {name}; unpack or export it to CSV (gzip is read as it is) or Parquet")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is UTF-16 text; save it as UTF-8")
    if b"\0" in head:
        raise DataError(f"{path} holds binary data; give a CSV (gzip is read as it is) or Parquet file")
    return FileKind.TEXT


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise DataError(f"{path} is a directory; give a file in it")
        if not path.is_file():
            raise DataError(f"{path} is not a file; check the path")
        with path.open("rb") as file:
            head = file.read(4096)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not head:
        raise DataError(f"{path} is empty; give a file with a header line and rows")
    return head


def text_blocks(path: Path, kind: FileKind) -> Iterator[bytes]:
    """The text of a CSV, unpacked, as blocks of whole lines; the last line gets its line end if it lacks one."""
    rest = b""
    seen = False
    try:
        with path.open("rb") as raw:
            file: BinaryIO = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if kind is FileKind.GZIP else raw
            while piece := file.read(BLOCK_BYTES):
                if not seen and piece.startswith(b"\xef\xbb\xbf"):
                    piece = piece[3:]
                seen = True
                cut = piece.rfind(b"\n") + 1
                if cut:
                    yield rest + piece[:cut]
                    rest = piece[cut:]
                else:
                    rest += piece
                if len(rest) > LINE_BYTES_MAX:
                    raise DataError(f"{path} has a line longer than {LINE_BYTES_MAX} bytes; it is not a CSV file")
    except EOFError:
        raise DataError(f"{path} is cut off: its gzip data ends too early; get the file again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged gzip data ({error}); get the file again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if rest:
        yield rest + b"\n"
    if not seen:
        raise DataError(f"{path} is empty; give a file with a header line and rows")
