"""JSON from a venue, exactly: numbers from their text, never through a float, within bounds.

What is longer, deeper or larger than anything a venue has to say is refused as a breach of its contract (`VenueError`),
before it costs memory: `1e999999999` is short, and the first sum with it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from kedge.model.errors import VenueError

T = TypeVar("T")

#: The longest text that is decoded; a venue's list of instruments is some 20 MB.
BYTES_MAX: Final = 64 << 20

#: Numbers of a market lie between 1e-40 and 1e40.
EXPONENT_MAX: Final = 40

#: Texts that a table of numbers holds, some 25 MB.
LEARNED_MAX: Final = 100_000

#: Shown of a value that is wrong, so that an error stays one line.
SHOWN_MAX: Final = 80

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)


def decimal_of(text: str, what: str = "number") -> Decimal:
    """The finite number that `text` is, exactly; `VenueError` where it is none, or absurd."""
    if not _NUMBER.fullmatch(text):
        raise VenueError(f"{what} is {shown(text)}, not a decimal number")
    number = Decimal(text)
    if number and abs(number.adjusted()) > EXPONENT_MAX:
        raise VenueError(f"{what} is {shown(text)}; it must lie between 1e-{EXPONENT_MAX} and 1e{EXPONENT_MAX}")
    return number


class Learned(dict[str, Decimal]):
    """Numbers by their text, which come again and again in a book: `read` checks a text that is not there, once, and
    raises what is to be raised. A shortcut, not a memory: cleared when it has `LEARNED_MAX` texts.
    """

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[str], Decimal]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> Decimal:
        number = self._read(text)
        if len(self) >= LEARNED_MAX:
            self.clear()
        self[text] = number
        return number


#: Any JSON; numbers with a fraction or an exponent become `Decimal`, whole ones `int`.
ANYTHING: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=decimal_of)


def decode(data: bytes | str, decoder: msgspec.json.Decoder[T] = ANYTHING, what: str = "answer") -> T:
    """`data` as what `decoder` is for; `VenueError` where it is not that."""
    if len(data) > BYTES_MAX:
        raise VenueError(f"{what} is {len(data)} bytes long, more than {BYTES_MAX}")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ArithmeticError) as error:
        raise VenueError(f"{what}: {shown(str(error))}") from None


def shown(value: object) -> str:
    """A value of the venue's as an error may show it: one line, short, printable."""
    text = ascii(value)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."
