"""The digest of market history: what was read, as one SHA-256, however it was stored or cut into blocks.

Each column has a running hash over its little-endian int64 bytes; the digest is the hash over the kind, the symbol,
the scales and those. So a file read whole, in blocks of any size, or from a CSV of the same values gives the same
digest. Blocks of one stream have one scale; a stream made of files of several scales is brought to the finest
first.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kedge.model.errors import DataError

if TYPE_CHECKING:
    from kedge.storage.columns import Columns


class ColumnsDigest:
    """Feed it the blocks of a stream in order, then ask."""

    def __init__(self) -> None:
        self._head: bytes | None = None
        self._columns: dict[str, hashlib._Hash] = {}

    def update(self, block: Columns) -> None:
        """Add the rows of the next block."""
        head = _head_of(block)
        if self._head is None:
            self._head = head
            self._columns = {name: hashlib.sha256() for name in block.array_names}
        if head != self._head:
            raise DataError(f"blocks of one stream differ: {self._head.decode()} then {head.decode()}")
        for name, column in self._columns.items():
            array = getattr(block, name)
            if array.dtype.kind == "S":  # ids that are not numbers: by length, because blocks differ in width
                column.update(b"".join(len(value).to_bytes(4, "little") + value for value in array.tolist()))
            else:
                column.update(array.astype("<i8", copy=False).tobytes())

    def hexdigest(self) -> str:
        """The digest of all rows so far; of no rows it is that of nothing."""
        whole = hashlib.sha256(self._head or b"")
        for name, column in self._columns.items():
            whole.update(b"\n" + name.encode() + b":" + column.hexdigest().encode())
        return whole.hexdigest()


def sha256_of(columns: Columns) -> str:
    """The digest of columns held whole."""
    digest = ColumnsDigest()
    digest.update(columns)
    return digest.hexdigest()


def _head_of(block: Columns) -> bytes:
    parts = [type(block).__name__]
    names = (name for name in block.__struct_fields__ if name not in block.array_names)
    parts += [f"{name}={getattr(block, name)}" for name in names]
    return " ".join(parts).encode()
