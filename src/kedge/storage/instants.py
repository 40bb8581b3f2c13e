"""Times in files: whole or fractional numbers since 1970, or ISO text; both become UTC nanoseconds, exactly.

A number does not say its unit, but its size does: between 1990 and 2100 the four units do not overlap by a factor
of a hundred and more,

    seconds 6.3e8 .. 4.1e9    milliseconds 6.3e11 .. 4.1e12    microseconds e14..15    nanoseconds e17..18

so each value is in exactly one range or is implausible. One column has one unit; a column that changes it (Binance
moved its dumps from ms to us in 2025) is refused. A unit in the column's name (`open_time_ms`) is taken at its word
and the value must then be plausible in it. ISO text without a zone is UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kedge.model.instant import NS_PER_DAY, NS_PER_MS, NS_PER_S, NS_PER_US, to_ns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

UNITS_NS = {"s": NS_PER_S, "ms": NS_PER_MS, "us": NS_PER_US, "ns": 1}

#: 1990-01-01 and 2100-01-01: no electronic market data lies outside.
PLAUSIBLE_FIRST_NS = 631_152_000 * NS_PER_S
PLAUSIBLE_LAST_NS = 4_102_444_800 * NS_PER_S

_ISO = re.compile(
    r"(\d{4})([-/])(\d{2})\2(\d{2})"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?"
    r"(?: ?(Z|z|UTC|[+-]\d{2}:?\d{2}))?",
    re.ASCII,
)


class Implausible(Exception):
    """Row `row` of a column has a time that cannot be used, and why."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row = row
        self.why = why


def unit_of(number: int) -> str | None:
    """The unit in which a whole number is a plausible time; `None` if in none."""
    for unit, ns in UNITS_NS.items():
        if PLAUSIBLE_FIRST_NS <= number * ns < PLAUSIBLE_LAST_NS:
            return unit
    return None


def ns_of_numbers(ticks: Ints, scale: int, unit: str) -> Ints:
    """Times `ticks / 10**scale` in `unit`, as nanoseconds; raises `Implausible` for the first that is not one."""
    import numpy as np

    ns = UNITS_NS[unit]
    low = _ceil(PLAUSIBLE_FIRST_NS * 10**scale, ns)
    high = _ceil(PLAUSIBLE_LAST_NS * 10**scale, ns)
    bad = (ticks < _bounded(low)) | (ticks >= _bounded(high))
    if bad.any():
        row = int(np.argmax(bad))
        other = unit_of(int(ticks[row]) // 10**scale)
        if other is not None:
            raise Implausible(row, f"is in {other} where the column is in {unit}; give one unit a file")
        raise Implausible(row, f"is no time between 1990 and 2100 in {unit}")
    if 10**scale <= ns:
        whole: Ints = ticks * (ns // 10**scale)
        return whole
    finer = 10**scale // ns
    bad = ticks % finer != 0
    if bad.any():
        raise Implausible(int(np.argmax(bad)), "is finer than a nanosecond")
    cut: Ints = ticks // finer
    return cut


def _ceil(value: int, by: int) -> int:
    return -(-value // by)


def _bounded(value: int) -> int:
    return min(value, 2**63 - 1)


def ns_of_text(text: str) -> int:
    """Nanoseconds of ISO text; naive text is UTC. `ValueError` says what is wrong with it."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError("is not a time; give ISO text such as 2024-08-08T23:54:00Z or a number since 1970")
    year, _, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError as error:
        raise ValueError(f"is not a time: {error}") from None
    ns = to_ns(moment) + int((fraction or "").ljust(9, "0")) - _offset_ns(zone)
    if not PLAUSIBLE_FIRST_NS <= ns < PLAUSIBLE_LAST_NS:
        raise ValueError("is no time between 1990 and 2100")
    return ns


def _offset_ns(zone: str | None) -> int:
    if zone is None or zone[0] not in "+-":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 14 or minutes > 59:
        raise ValueError(f"has the zone {zone}, which does not exist")
    offset = timedelta(hours=hours, minutes=minutes) // timedelta(microseconds=1) * NS_PER_US
    return offset if zone[0] == "+" else -offset


def ns_of_matrix(letters: NDArray[np.uint8]) -> Ints | None:
    """Nanoseconds of ISO texts of one shape, a row each; `None` where a row is odd and must be read by itself.

    The first row gives the shape. Days since 1970 by Howard Hinnant's `days_from_civil`
    (https://howardhinnant.github.io/date_algorithms.html).
    """
    import numpy as np

    match = _ISO.fullmatch(letters[0].tobytes().decode("ascii", "replace"))
    if match is None or (match[9] and match[9][0] in "+-" and match[9].strip("+-0:")):
        return None
    spans = [match.span(group) for group in (1, 3, 4, 5, 6, 7, 8) if match[group]]
    digit = np.zeros(letters.shape[1], dtype=np.bool_)
    for first, last in spans:
        digit[first:last] = True
    if (letters[:, ~digit] != letters[0, ~digit]).any():
        return None
    values = letters - np.uint8(48)
    if (values[:, digit] > 9).any():
        return None
    numbers = [_number(values[:, first:last]) for first, last in spans]
    numbers += [np.zeros(len(letters), dtype=np.int64)] * (7 - len(numbers))
    year, month, day, hour, minute, second, fraction = numbers
    if (month < 1).any() or (month > 12).any() or (day < 1).any():
        return None
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[month - 1] + (leap & (month == 2))
    if (day > lengths).any() or (hour > 23).any() or (minute > 59).any() or (second > 59).any():
        return None
    shifted = year - (month <= 2)
    era, of_era = shifted // 400, shifted % 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    if match[8]:
        fraction = fraction * 10 ** (9 - len(match[8]))
    sound = (days >= PLAUSIBLE_FIRST_NS // NS_PER_DAY) & (days < PLAUSIBLE_LAST_NS // NS_PER_DAY)
    if not sound.all():
        return None
    ns: Ints = ((days * 24 + hour) * 60 + minute) * (60 * NS_PER_S) + second * NS_PER_S + fraction
    return ns


def _number(digits: NDArray[np.uint8]) -> Ints:
    import numpy as np

    number = np.zeros(len(digits), dtype=np.int64)
    for at in range(digits.shape[1]):
        number = number * 10 + digits[:, at]
    return number
