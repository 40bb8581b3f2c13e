"""Segments: one file a UTC day, `audit-YYYY-MM-DD.jsonl`.

A record belongs to the latest day that any record up to it has carried: time that steps back stays in the
current segment. So the segment of every record is a function of the records before it, and a line moved
from the end of one file to the start of the next is found although the order of the lines has not changed.
"""

from __future__ import annotations

import re
from datetime import date

from kedge.journal.disk import Disk

NS_PER_DAY = 86_400 * 10**9
_DAY_ZERO = date(1970, 1, 1).toordinal()
_NAME = re.compile(r"audit-([0-9]{4})-([0-9]{2})-([0-9]{2})\.jsonl")


def segment_name(day: int) -> str:
    """File name of the `day`-th UTC day since 1970-01-01."""
    return f"audit-{date.fromordinal(_DAY_ZERO + day).isoformat()}.jsonl"


def segment_day(name: str) -> int | None:
    """The day a segment's name tells, None if it is not a segment's name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return date(*map(int, match.groups())).toordinal() - _DAY_ZERO
    except ValueError:
        return None


def segments(disk: Disk) -> list[tuple[int, str]]:
    """(day, name) of every segment of the directory, oldest first."""
    return sorted((day, name) for name in disk.names() if (day := segment_day(name)) is not None)
