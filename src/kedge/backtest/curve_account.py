"""The account between the points of a curve: cash and holdings by the first point they are valid for, and their worth."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

import msgspec

from kedge.model.errors import OurBug
from kedge.model.money import EXACT

#: Symbol index, signed quantity, multiplier, and the cost of a linear contract (`None`: spot).
Holding = tuple[int, Decimal, Decimal, Decimal | None]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[Decimal], list[tuple[Holding, ...]]]).decode


class Segments:
    """The states of the account by the first point each is valid for.

    Segments that are over can be packed into bytes: a state of objects takes 450 bytes, and a run has one a fill. The
    ones asked last stay unpacked, so that asking point by point stays cheap.
    """

    __slots__ = ("_packed", "_states", "starts")

    #: The packed segments that were asked last.
    _asked: ClassVar[Segments | None] = None

    def __init__(self, cash: Decimal, held: tuple[Holding, ...] = ()) -> None:
        self.starts = array("q", [0])
        self._states: tuple[list[Decimal], list[tuple[Holding, ...]]] | None = ([cash], [held])
        self._packed = b""

    @property
    def cash(self) -> list[Decimal]:
        """The cash of each segment."""
        return self._unpacked()[0]

    @property
    def held(self) -> list[tuple[Holding, ...]]:
        """The holdings of each segment."""
        return self._unpacked()[1]

    def pack(self) -> None:
        """Keep the states as bytes: nothing will be added."""
        if self._states is not None:
            self._packed, self._states = self._packed or _encode(self._states), None

    def _unpacked(self) -> tuple[list[Decimal], list[tuple[Holding, ...]]]:
        states = self._states
        if states is None:
            before, Segments._asked = Segments._asked, self
            if before is not None:
                before.pack()
            states = self._states = _decode(self._packed)
        return states

    def add(self, start: int, cash: Decimal, held: tuple[Holding, ...]) -> None:
        """From point `start` on the account is this."""
        if start == self.starts[-1]:
            self.cash[-1], self.held[-1] = cash, held
            return
        if start < self.starts[-1]:
            raise OurBug(f"the account changed at point {start}, after a change at {self.starts[-1]}")
        self.starts.append(start)
        self.cash.append(cash)
        self.held.append(held)

    def clamp(self, points: int) -> None:
        """Let a change after the last point count for that point: nothing comes that could show it."""
        if points and self.starts[-1] >= points:
            cash, held = self.cash.pop(), self.held.pop()
            self.starts.pop()
            if self.starts:
                self.add(points - 1, cash, held)
            else:
                self.starts, self._states = array("q", [0]), ([cash], [held])

    def at(self, place: int) -> tuple[Decimal, tuple[Holding, ...]]:
        """Cash and holdings at a point."""
        number = bisect_right(self.starts, place) - 1
        return self.cash[number], self.held[number]

    def split(self, place: int) -> tuple[Segments, Segments]:
        """What is valid before `place`, and what from there on, counted from there."""
        number = bisect_right(self.starts, place) - 1
        rest = Segments(self.cash[number], self.held[number])
        for at in range(number + 1, len(self.starts)):
            rest.add(self.starts[at] - place, self.cash[at], self.held[at])
        end = bisect_right(self.starts, place - 1)
        self.starts, self._states = self.starts[:end], (self.cash[:end], self.held[:end])
        return self, rest


def value(cash: Decimal, held: tuple[Holding, ...], price: Callable[[int], Decimal | None]) -> Decimal:
    """Cash and holdings at the prices that `price(symbol)` gives; a contract without a price adds nothing yet."""
    total = cash
    for symbol, quantity, multiplier, cost in held:
        mark = price(symbol)
        if mark is not None:
            worth = EXACT.multiply(EXACT.multiply(quantity, multiplier), mark)
            total = EXACT.add(total, worth if cost is None else EXACT.subtract(worth, cost))
        elif cost is None and quantity:
            raise OurBug(f"{quantity} of symbol number {symbol} is held and has no price; give the recorder its mark")
    return total
