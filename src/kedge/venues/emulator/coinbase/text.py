"""Numbers, times and ids as Coinbase writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

from kedge.model.instant import NS_PER_S, NS_PER_US, to_ns

_NUMBER = re.compile(r"\d{1,18}(\.\d{1,18})?", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


def plain(number: Decimal) -> str:
    """No exponent and no zeros at the end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parsed(value: object) -> Decimal | None:
    """A number as clients must send it, as text; None where it is none."""
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def written(ns: int) -> str:
    """`2026-04-07T14:30:00.123456Z`"""
    moment = datetime.fromtimestamp(ns // NS_PER_S, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % NS_PER_S // NS_PER_US:06d}Z"


def read_time(value: object) -> int | None:
    """UTC nanoseconds of an RFC 3339 text; None where it is none."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        whole = datetime.fromisoformat(f"{found[1]}{found[3].replace('Z', '+00:00')}")
    except ValueError:
        return None
    return to_ns(whole) + int((found[2] or "0").ljust(9, "0"))


def uuid(*parts: object) -> str:
    """An id that looks drawn and is made from its parts."""
    digits = sha256("-".join(map(str, parts)).encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
