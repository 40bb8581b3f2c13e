"""Numbers on the wire: decimal text in, decimal text out, and nothing that is not a figure of a market.

Hyperliquid sends prices, sizes and fees as decimal strings and times and ids as integers (some recorded answers have
the latter as strings of digits, so both are read). Signed numbers go out without trailing zeros and with at most eight
decimals: `60000.0` instead of `60000` is another hash, and the venue then sees another signer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from kedge.model.errors import UserError, VenueError
from kedge.model.instant import NS_PER_MS
from kedge.model.money import ZERO, canonical

#: Decimals that a number in a signed action may have.
WIRE_DECIMALS_MAX = 8

#: Milliseconds of 2015-01-01 and 2100-01-01: a time outside is in another unit, or none (hazard H39).
EARLIEST_MS = 1_420_070_400_000
LATEST_MS = 4_102_444_800_000

#: Ids are 64 bits wide at most.
ID_MAX = 2**64 - 1

_DECIMAL = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)


def number(given: Any, what: str) -> Decimal:
    """A finite decimal from its text, or from a JSON number that was decoded exactly."""
    if type(given) is str and _DECIMAL.fullmatch(given):
        return Decimal(given)
    if type(given) is int and abs(given) <= ID_MAX:
        return Decimal(given)
    if type(given) is Decimal and given.is_finite() and _DECIMAL.fullmatch(format(given, "f")):
        return given
    raise VenueError(f"{what} is {given!r:.80}, not a decimal number")


def price(given: Any, what: str = "price") -> Decimal:
    """A number above zero."""
    value = number(given, what)
    if not value > ZERO:
        raise VenueError(f"{what} is {given!r:.80}; it must be above zero")
    return value


def size(given: Any, what: str = "size") -> Decimal:
    """A number not below zero."""
    value = number(given, what)
    if value < ZERO:
        raise VenueError(f"{what} is {given!r:.80}; it must not be below zero")
    return value


def whole(given: Any, what: str) -> int:
    """A whole number not below zero."""
    value = given
    if type(value) is str and _DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is not int or not 0 <= value <= ID_MAX:
        raise VenueError(f"{what} is {given!r:.80}, not a whole number")
    return value


def moment(given: Any, what: str = "time") -> int:
    """UTC nanoseconds of the venue's milliseconds."""
    milliseconds = whole(given, what)
    if not EARLIEST_MS <= milliseconds < LATEST_MS:
        raise VenueError(f"{what} is {given!r:.80}, not milliseconds since 1970 of this century")
    return milliseconds * NS_PER_MS


def text(given: Any, what: str) -> str:
    """A non-empty printable string of sane length."""
    if type(given) is not str or not given or len(given) > 200 or not given.isprintable():
        raise VenueError(f"{what} is {given!r:.80}, not a text")
    return given


def word(given: Any, known: Collection[str], what: str) -> str:
    """One of the words known; any other is an error, for nobody can say what it would mean."""
    if type(given) is not str or given not in known:
        raise VenueError(f"{what} is {given!r:.60}, none of {', '.join(sorted(known))}")
    return given


def mapping(given: Any, what: str) -> dict[str, Any]:
    """A JSON object."""
    if type(given) is not dict:
        raise VenueError(f"{what} is {given!r:.80}, not an object")
    return given


def sequence(given: Any, what: str) -> list[Any]:
    """A JSON array."""
    if type(given) is not list:
        raise VenueError(f"{what} is {given!r:.80}, not an array")
    return given


def flag(given: Any, what: str) -> bool:
    """A truth value; absent or null is false."""
    if given is None:
        return False
    if type(given) is not bool:
        raise VenueError(f"{what} is {given!r:.80}, neither true nor false")
    return given


def wire(value: Decimal, what: str = "number") -> str:
    """The one text of a number in a signed action.

    Raises:
        UserError: it is not finite, or has more than eight decimals: what is signed is never rounded here.
    """
    if not value.is_finite():
        raise UserError(f"{what} is {value}; it must be finite")
    written = canonical(value)
    if len(written.partition(".")[2]) > WIRE_DECIMALS_MAX:
        raise UserError(
            f"{what} is {written}; Hyperliquid takes at most {WIRE_DECIMALS_MAX} decimals, so round it first"
        )
    return written
