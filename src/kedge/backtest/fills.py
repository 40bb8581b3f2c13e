"""`FillLog`: the fills that a run booked, each with whose it was and what profit it realized.

A result tells of every fill, a run may have hundreds of thousands, and as objects each costs 700 bytes. So all but the
latest are packed, a block at a time, into the bytes of their fields: a fifth of that, and the very same values come out.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import astuple, fields

from kedge.model.facts import Fill
from kedge.model.market import of_row

#: Fills that are packed at once.
BLOCK = 1024

#: The fields of a fill, then its owner and the profit it realized.
_ROW: Any = tuple[(*(field.type for field in fields(Fill)), str, Decimal)]  # type: ignore[misc]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_ROW]).decode
_fill = of_row(Fill)


class FillLog:
    """Fills in the order they were booked."""

    __slots__ = ("_latest", "_packed")

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._latest: list[tuple[Any, ...]] = []

    def append(self, fill: Fill, owner: str, realized: Decimal) -> None:
        """Add a fill that belongs to the strategy `owner` and realized so much profit."""
        self._latest.append((*astuple(fill), owner, realized))
        if len(self._latest) == BLOCK:
            self._packed.append(_encode(self._latest))
            self._latest.clear()

    def __len__(self) -> int:
        return len(self._packed) * BLOCK + len(self._latest)

    def __iter__(self) -> Iterator[Fill]:
        return (fill for fill, _, _ in self.bookings())

    def bookings(self) -> Iterator[tuple[Fill, str, Decimal]]:
        """Each fill, whose it was, and the profit it realized."""
        for packed in self._packed:
            yield from map(_booking, _decode(packed))
        yield from map(_booking, self._latest)


def _booking(row: tuple[Any, ...]) -> tuple[Fill, str, Decimal]:
    return _fill(*row[:-2]), row[-2], row[-1]
