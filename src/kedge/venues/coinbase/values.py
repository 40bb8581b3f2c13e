"""How Coinbase writes things: numbers as text, times as RFC 3339 text or seconds, words in capitals, and all of it in
JSON objects to which fields are added any day.

`Fields` is one such object under suspicion. A field is asked for by name and kind, and comes back as ours or raises
`VenueError` naming what was wrong: a price that is no plain decimal number, a word that is not in the table, a list that
is none. Fields nobody asks for do not matter; a word we do not know does, because guessing its meaning costs money.

An empty text counts as absent: that is how the venue writes "none" (`"leverage": ""`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from kedge.model.errors import VenueError
from kedge.model.instant import NS_PER_MS, NS_PER_S, iso, to_ns
from kedge.model.money import ZERO
from kedge.venues.exact import decimal_of, decode, shown

W = TypeVar("W")

#: A time as the venue writes it, with up to nanoseconds, always in UTC.
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_EARLIEST_NS = to_ns(datetime(2012, 1, 1, tzinfo=UTC))
_LATEST_NS = to_ns(datetime(2100, 1, 1, tzinfo=UTC))

_TEXT_LENGTH_MAX = 4096


def decode_object(message: str | bytes, what: str) -> Fields:
    """The JSON object of a message."""
    return Fields(decode(message, what=what), what)


def number(value: object, what: str) -> Decimal:
    """A finite number of sane size, from text or a JSON number."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise VenueError(f"{what} is {shown(value)}, not a number")
    return decimal_of(value if isinstance(value, str) else str(value), what)


def moment(value: object, what: str) -> int:
    """UTC nanoseconds of an RFC 3339 text or of whole seconds since 1970, which candles use (as text too)."""
    text = value if isinstance(value, str) else str(value) if type(value) is int else ""
    found = _TIME.fullmatch(text)
    if found is not None:
        whole = _seconds(found[1])
        ns = whole + int((found[2] or "0").ljust(9, "0")) if whole else 0
    else:
        ns = int(text) * NS_PER_S if text.isascii() and text.isdigit() and len(text) <= 11 else 0
    if not _EARLIEST_NS <= ns < _LATEST_NS:
        raise VenueError(f"{what} is {shown(value)}, which is no time of this venue's")
    return ns


@lru_cache(maxsize=128)  # a stream names the same second many times
def _seconds(text: str) -> int:
    """UTC nanoseconds of `2026-04-07T14:30:00`; 0 where there is no such moment."""
    try:
        return to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC))
    except ValueError:
        return 0


def rfc3339(ns: int) -> str:
    """A time as the venue takes it, to the millisecond, floored: `2023-07-22T04:26:40.000Z`."""
    millisecond = ns // NS_PER_MS % 1000
    return f"{iso(ns - ns % NS_PER_S)[:-1]}.{millisecond:03d}Z"


class Fields:
    """One JSON object from the venue; `what` names it in errors."""

    __slots__ = ("_fields", "what")

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise VenueError(f"{what} is {shown(value)}, not an object")
        self._fields: dict[str, Any] = value
        self.what = what

    def has(self, name: str) -> bool:
        """Whether the field is there and says anything."""
        value = self._fields.get(name)
        return value is not None and value != ""

    def names(self) -> list[str]:
        """The names of the fields that are there."""
        return list(self._fields)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        value = self._fields.get(name)
        if value is None or value == "":
            if default is None:
                raise VenueError(f"{self.what} has no {name}")
            return default
        if not isinstance(value, str) or len(value) > _TEXT_LENGTH_MAX:
            raise VenueError(f"{self.what}: {name} is {shown(value)}, not a text")
        return value

    def number(self, name: str, default: Decimal | None = None) -> Decimal:
        """A finite number; without a default it must be there."""
        if not self.has(name):
            if default is None:
                raise VenueError(f"{self.what} has no {name}")
            return default
        return number(self._fields[name], f"{self.what}: {name}")

    def positive(self, name: str) -> Decimal:
        """A number above zero that must be there: a price, the size of a trade."""
        value = self.number(name)
        if not value > ZERO:
            raise VenueError(f"{self.what}: {name} is {value}; it must be above zero")
        return value

    def not_negative(self, name: str, default: Decimal | None = None) -> Decimal:
        """A number not below zero: a size, a balance, a cumulative quantity."""
        value = self.number(name, default)
        if value < ZERO:
            raise VenueError(f"{self.what}: {name} is {value}; it must not be below zero")
        return value

    def integer(self, name: str) -> int:
        """A whole number not below zero that must be there."""
        value = self.not_negative(name)
        if value != value.to_integral_value() or value > 2**63:
            raise VenueError(f"{self.what}: {name} is {value}, not a whole number")
        return int(value)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false, which the user channel writes as text."""
        value = self._fields.get(name)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value in {"true", "false"}:
            return value == "true"
        if default is None or self.has(name):
            raise VenueError(f"{self.what}: {name} is {shown(value)}, not true or false")
        return default

    def moment(self, name: str) -> int:
        """A time that must be there, in UTC nanoseconds."""
        if not self.has(name):
            raise VenueError(f"{self.what} has no {name}")
        return moment(self._fields[name], f"{self.what}: {name}")

    def word(self, name: str, table: Mapping[str, W], default: str | None = None) -> W:
        """What the word in the field means by `table`; a word that is not there is an error (C22)."""
        said = self.text(name, default)
        if said not in table:
            raise VenueError(f"{self.what}: {name} is {shown(said)}, which is not known")
        return table[said]

    def object(self, name: str) -> Fields:
        """An object that must be there."""
        return Fields(self._fields.get(name), f"{self.what}: {name}")

    def items(self, name: str) -> list[Fields]:
        """A list of objects that must be there; empty is not absent (hazard H18)."""
        return [Fields(item, f"{self.what}: {name}") for item in self.list(name)]

    def list(self, name: str) -> list[Any]:
        """A list that must be there."""
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise VenueError(f"{self.what}: {name} is {shown(value)}, not a list")
        return value
