"""Time as venues write it, to UTC: one parse function, because a wrong unit is off by a thousand (hazard
H39).

A number may count seconds, milliseconds, microseconds or nanoseconds since 1970. Which it is follows from its
size: between `EARLIEST` and `LATEST` the four windows do not overlap (the latest time in seconds is a smaller
number than the earliest in milliseconds), so a number fits one unit or none, and one that fits none is
refused. That holds on every venue, also on the day when a venue changes its unit.

Text may be such a number, or ISO 8601. A time without a zone is UTC, whatever the zone of this machine is; an
offset is applied as written, so a summer time transition (H40) is nothing special. A `datetime` must know its
zone.

Integers and text are exact to the nanosecond, digits beyond are cut off; a float is taken by its shortest
decimal text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from kedge.model.errors import UserError
from kedge.model.exchange import Exchange
from kedge.model.instant import NS_PER_S, to_datetime, to_ns
from kedge.model.money import EXACT

#: The sane range.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_FIRST_NS = to_ns(EARLIEST)
_LAST_NS = to_ns(LATEST)
_UNITS = ("s", 9), ("ms", 6), ("us", 3), ("ns", 0)
#: From the least to the greatest number of each unit, and the power of ten that makes it nanoseconds.
_WINDOWS = [(_FIRST_NS // 10**power, _LAST_NS // 10**power, power) for _, power in _UNITS]

_SCALES: dict[int, int] = {power: 10**power for _, power in _UNITS}

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,3})?")
_ISO = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,18}))?)?"
    r" ?(?P<zone>[Zz]|UTC|[+-]\d\d(?::?\d\d)?)?)?"
)
_LENGTH_MAX = 48


class TimestampNormalizer:
    """Any venue's time to UTC."""

    @staticmethod
    def normalize(raw: object, exchange: Exchange | str | None = None) -> datetime:
        """`raw` as an aware UTC `datetime`, floored to the microsecond; `exchange` is named in the error."""
        return to_datetime(normalize_ns(raw, exchange))

    @staticmethod
    def normalize_ns(raw: object, exchange: Exchange | str | None = None) -> int:
        """`raw` as UTC nanoseconds."""
        return normalize_ns(raw, exchange)


def normalize_ns(raw: object, exchange: Exchange | str | None = None) -> int:
    """`raw` as UTC nanoseconds; `ValueError` if it is not sane.

    Takes int, float, `Decimal`, numeric or ISO text and aware `datetime`.
    """
    ns = _parse(raw)
    if ns is None:
        venue = f" from {exchange}" if exchange else ""
        shown = repr(raw) if len(repr(raw)) <= 2 * _LENGTH_MAX else f"{repr(raw)[:_LENGTH_MAX]}..."
        raise UserError(
            f"timestamp {shown}{venue} is no time between {EARLIEST:%Y} and {LATEST:%Y}; give s, ms, us or ns since "
            f"1970, or ISO 8601 with seconds and zone"
        )
    return ns


def _parse(raw: object) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return _from_int(raw)
    if isinstance(raw, str):
        return _from_text(raw)
    if isinstance(raw, float):
        return _from_decimal(Decimal(str(raw)))
    if isinstance(raw, Decimal):
        return _from_decimal(raw)
    if isinstance(raw, datetime) and raw.tzinfo is not None:
        return _sane(to_ns(raw))
    return None


def _from_int(number: int) -> int | None:
    for first, last, power in _WINDOWS:
        if first <= number < last:
            return number * _SCALES[power]
    return None


def _from_decimal(number: Decimal) -> int | None:
    if not number.is_finite():
        return None
    for first, last, power in _WINDOWS:
        if first <= number < last:
            return int(EXACT.multiply(number, _SCALES[power]))
    return None


def _from_text(text: str) -> int | None:
    text = text.strip()
    if len(text) > _LENGTH_MAX or not text.isascii():
        return None
    if _NUMBER.fullmatch(text):
        return _from_decimal(Decimal(text))
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    part = found.groupdict(default="")
    try:
        day = datetime.fromisoformat(part["date"])
        moment = day.replace(
            hour=int(part["hour"] or 0),
            minute=int(part["minute"] or 0),
            second=int(part["second"] or 0),
            tzinfo=_zone(part["zone"]),
        )
    except ValueError:
        return None
    whole = (moment - EARLIEST) // timedelta(seconds=1) * NS_PER_S + _FIRST_NS
    return _sane(whole + int(part["fraction"].ljust(9, "0")[:9]))


def _zone(text: str) -> timezone:
    if text in ("", "Z", "z", "UTC"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) >= 60:
        raise ValueError(text)
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _sane(ns: int) -> int | None:
    return ns if _FIRST_NS <= ns < _LAST_NS else None
