"""Time: UTC nanoseconds since 1970 inside, aware `datetime` at the surface.

A `datetime` holds microseconds, so going out loses up to 999 ns (floored) and coming in is exact.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from kedge.model.errors import UserError

NS_PER_US: Final = 1_000
NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000
NS_PER_DAY: Final = 86_400 * NS_PER_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_ns(moment: datetime | int) -> int:
    """Nanoseconds of an aware `datetime`; an `int` is taken as nanoseconds already."""
    if isinstance(moment, int):
        return moment
    if not isinstance(moment, datetime):
        raise UserError(f"timestamp is {moment!r}; give an aware UTC datetime or integer nanoseconds")
    if moment.tzinfo is None:
        raise UserError(f"timestamp {moment.isoformat()} has no time zone; add tzinfo=timezone.utc")
    return (moment - _EPOCH) // _MICROSECOND * NS_PER_US


def to_datetime(ns: int) -> datetime:
    """The aware UTC `datetime` of `ns` nanoseconds, floored to the microsecond."""
    return _EPOCH + timedelta(microseconds=ns // NS_PER_US)


def iso(ns: int) -> str:
    """`2024-08-08T23:54:00Z`, with as many sub-second digits as are needed."""
    text = to_datetime(ns).strftime("%Y-%m-%dT%H:%M:%S")
    rest = ns % NS_PER_S
    return f"{text}.{rest:09d}".rstrip("0") + "Z" if rest else f"{text}Z"
