"""The columns of a curve, as they came or packed: times as a rule where they have one, prices as ticks."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from msgspec import json

from kedge.model.money import EXACT

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Letters of a number, sign and point included, that surely fits 64 bits.
_TICK_LETTERS_MAX = 18
_COMMA, _DOT, _NINE = b",.9"
_encode = json.Encoder().encode


class Times:
    """A column of times in nanoseconds as they were reached, never falling; packed and evenly spaced, three numbers."""

    __slots__ = ("_count", "_first", "_moments", "_step")

    def __init__(self, times: array[int]) -> None:
        moments = np.frombuffer(times, np.int64) if times else np.empty(0, np.int64)
        if (moments[1:] < moments[:-1]).any():
            moments = np.maximum.accumulate(moments)
        self._moments: Integers | None = moments
        self._first = self._step = 0
        self._count = len(moments)

    def pack(self) -> None:
        """Keep the rule instead of the times, where there is one."""
        moments = self._moments
        if moments is None or self._count < 3:
            return
        steps = np.diff(moments)
        if (steps == steps[0]).all():
            self._first, self._step, self._moments = int(moments[0]), int(steps[0]), None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> int:
        if self._moments is not None:
            return int(self._moments[place])
        return self._first + place * self._step

    def all(self) -> Integers:
        """Every time, in order."""
        if self._moments is not None:
            return self._moments
        return self._first + np.arange(self._count, dtype=np.int64) * self._step


class Prices:
    """A column of exact prices, kept as they came or, packed, as ticks of one scale above the lowest: 4 to 8 bytes each."""

    __slots__ = ("_low", "_numbers", "_scale", "_ticks")

    def __init__(self, numbers: list[Decimal]) -> None:
        self._numbers: list[Decimal] | None = numbers
        self._ticks: npt.NDArray[np.uint32] | Integers = np.empty(0, np.int64)
        self._low = 0
        self._scale = 0

    def pack(self) -> Prices:
        """Turn into ticks, where the numbers fit; returns itself."""
        if self._numbers:
            found = _ticks(self._numbers)
            if found is not None:
                ticks, self._scale = found
                low, high = int(ticks.min()), int(ticks.max())
                if high - low < 2**32:
                    self._low, self._ticks = low, (ticks - low).astype(np.uint32)
                else:
                    self._ticks = ticks
                self._numbers = None
        return self

    def __len__(self) -> int:
        return len(self._ticks) if self._numbers is None else len(self._numbers)

    def __getitem__(self, place: int) -> Decimal:
        if self._numbers is None:
            return Decimal(self._low + int(self._ticks[place])).scaleb(-self._scale, EXACT)
        return self._numbers[place]

    def __iter__(self) -> Iterator[Decimal]:
        if self._numbers is None:
            low, scale = self._low, -self._scale
            return (Decimal(low + tick).scaleb(scale, EXACT) for tick in self._ticks.tolist())
        return iter(self._numbers)

    def floats(self, low: int, high: int) -> Floats:
        """The prices of some places as floats, to a rounding or two."""
        self.pack()
        if self._numbers is None:
            near: Floats = (self._ticks[low:high].astype(np.int64) + self._low) / 10.0**self._scale
            return near
        return np.array(self._numbers[low:high], np.float64)


def _ticks(numbers: list[Decimal]) -> tuple[Integers, int] | None:
    """The numbers as integers of one power of ten, read from their text at once; `None` where they do not fit."""
    text = _encode(numbers)[2:-2].replace(b'","', b",").decode()  # the quickest way to the text of many numbers
    letters = np.frombuffer(f",{text},".encode(), np.uint8)
    commas = np.flatnonzero(letters == _COMMA)
    lengths = np.diff(commas) - 1
    dots = np.flatnonzero(letters == _DOT)
    if int((letters > _NINE).any()) or int(lengths.max()) > _TICK_LETTERS_MAX:
        return None
    places = np.zeros(len(numbers), np.int64)
    owners = np.searchsorted(commas, dots) - 1
    places[owners] = commas[owners + 1] - dots - 1
    scale = int(places.max())
    if int((lengths + scale - places).max()) > _TICK_LETTERS_MAX:
        return None
    ticks = np.fromstring(text.replace(".", ""), np.int64, sep=",")
    return (ticks if int(places.min()) == scale else ticks * 10 ** (scale - places)), scale
