"""Numbers and times as Binance writes them, exact, and the bounds of what is believed.

A price or a quantity arrives as text with at most twenty digits on either side of the point. Text outside that grammar
(a sign where none belongs, `NaN`, `Infinity`, an underscore, an exponent beyond two digits) is the venue breaking its
contract: `VenueError`, never a number. So what is here called a number can always be compared, added and written out.

Prices and sizes come again and again, so they are looked up by their text before they are parsed: a text is checked when
it is learned (`exact.Learned`), once.

Times are integer milliseconds since 1970, made nanoseconds here. Their plausibility against our clock is judged by the
market handler, not by the parser: a parser has no clock.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from kedge.model.errors import UserError, VenueError
from kedge.model.instant import NS_PER_MS
from kedge.model.market import Level
from kedge.model.money import ZERO, canonical
from kedge.venues.exact import Learned, decimal_of, shown

_is_plain = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?").fullmatch

#: 2100-01-01 in milliseconds: no event is later.
_LATEST_MS = 4_102_444_800_000


def _size(text: str) -> Decimal:
    if not _is_plain(text):
        raise VenueError(f"size is {shown(text)}, not a plain decimal number")
    return Decimal(text)


def _price(text: str) -> Decimal:
    if not _is_plain(text):
        raise VenueError(f"price is {shown(text)}, not a plain decimal number")
    number = Decimal(text)
    if not number:
        raise VenueError(f"price is {shown(text)}; it must be above zero")
    return number


#: Prices of levels; their sizes, and whatever else is an amount.
_PRICES = Learned(_price)
_AMOUNTS = Learned(_size)


def amount(text: object, what: str) -> Decimal:
    """A number that is not below zero."""
    number = _AMOUNTS.get(text) if type(text) is str else None
    if number is not None:
        return number
    if type(text) is not str or not _is_plain(text):
        raise VenueError(f"{what} is {shown(text)}, not a plain decimal number")
    return _AMOUNTS[text]


def price(text: object, what: str = "price") -> Decimal:
    """A number above zero."""
    number = amount(text, what)
    if not number:
        raise VenueError(f"{what} is {shown(text)}; it must be above zero")
    return number


def price_or_none(text: object, what: str = "price") -> Decimal | None:
    """A price where zero or an empty text says that there is none."""
    return (amount(text, what) or None) if text not in {"", None} else None


def signed(text: object, what: str) -> Decimal:
    """A number that may be negative; filters write small ones with an exponent, leverage brackets as JSON numbers."""
    if type(text) is int or type(text) is Decimal:
        text = str(text)
    if type(text) is not str:
        raise VenueError(f"{what} is {shown(text)}, not a decimal number")
    return decimal_of(text, what)


def positive(text: object, what: str) -> Decimal:
    """A number of a rule or a setting (exponents allowed) that is not below zero."""
    number = signed(text, what)
    if number < ZERO:
        raise VenueError(f"{what} is {shown(text)}; it must not be below zero")
    return number


def levels(rows: list[tuple[str, str]], *, zero_removes: bool) -> tuple[Level, ...]:
    """Price and size of each row; a size of zero is a removal, and nothing else may be zero."""
    prices, sizes = _PRICES, _AMOUNTS
    found = tuple([(prices[price_text], sizes[size_text]) for price_text, size_text in rows])
    if not zero_removes:
        for level_price, size in found:
            if not size:
                raise VenueError(f"book level is {level_price} x {size}; price and size must be above zero")
    return found


def when(milliseconds: object, what: str = "time") -> int:
    """UTC nanoseconds of integer milliseconds."""
    if type(milliseconds) is not int or not 0 <= milliseconds < _LATEST_MS:
        raise VenueError(f"{what} is {shown(milliseconds)}; it must be milliseconds between 1970 and 2100")
    return milliseconds * NS_PER_MS


def sequence(number: int, what: str) -> int:
    """A number of the venue's own count."""
    if number < 0:
        raise VenueError(f"{what} is {number}; it must not be below zero")
    return number


def to_wire(number: Decimal) -> str:
    """The text of a number as the venue takes it: no exponent, no trailing zeros, no sign."""
    if not number.is_finite() or number < ZERO:
        raise UserError(f"cannot send {number} to Binance; a number on its wire is finite and not below zero")
    text = canonical(number)
    whole, _, fraction = text.partition(".")
    if len(whole) > 20 or len(fraction) > 20:
        raise UserError(f"cannot send {text} to Binance; it takes twenty digits on each side of the point")
    return text


def lenient(kind: Any) -> msgspec.json.Decoder[Any]:
    """A decoder for answers that are asked for: ids and times may be written as text."""
    return msgspec.json.Decoder(kind, strict=False)
