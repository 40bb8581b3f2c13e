r"""The parameters of one request, read by name under the grammar of the documentation.

A number is `^([0-9]{1,20})(\.[0-9]{1,20})?$`: no sign, no exponent, no leading dot. A name that is sent twice is refused,
as is one that is sent empty.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

from kedge.model.instant import NS_PER_MS
from kedge.model.money import EXACT
from kedge.venues.emulator.binance.refused import Refused, missing

_DECIMAL = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_MILLISECONDS = 10**12  # 2001
DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


class Fields:
    """What a request carries. `now` is its arrival, UTC ns; `api_key` whose it is, where it is signed."""

    def __init__(self, values: dict[str, str], now: int = 0, api_key: str = "") -> None:
        self.values = values
        self.now = now
        self.api_key = api_key

    @property
    def now_ms(self) -> int:
        """Arrival in milliseconds."""
        return self.now // NS_PER_MS

    def has(self, name: str) -> bool:
        """Whether a parameter was sent."""
        return name in self.values

    def text(self, name: str) -> str:
        """A parameter that must be there."""
        value = self.values.get(name, "")
        if not value:
            raise missing(name)
        return value

    def maybe(self, name: str) -> str | None:
        """A parameter that may be absent, but not empty."""
        if name not in self.values:
            return None
        if not self.values[name]:
            raise Refused(-1105, f"Parameter '{name}' was empty.")
        return self.values[name]

    def choice(self, name: str, allowed: tuple[str, ...], refusal: Refused) -> str:
        """One of a list; `refusal` otherwise."""
        value = self.text(name)
        if value not in allowed:
            raise refusal
        return value

    def option(self, name: str, allowed: tuple[str, ...], default: str, refusal: Refused) -> str:
        """One of a list, or the default where it was not sent."""
        return self.choice(name, allowed, refusal) if self.maybe(name) is not None else default

    def number(self, name: str) -> Decimal:
        """A decimal that must be there."""
        return decimal_of(name, self.text(name))

    def maybe_number(self, name: str) -> Decimal | None:
        """A decimal that may be absent."""
        value = self.maybe(name)
        return None if value is None else decimal_of(name, value)

    def whole(self, name: str) -> int:
        """An integer that must be there."""
        return whole_of(name, self.text(name))

    def maybe_whole(self, name: str) -> int | None:
        """An integer that may be absent."""
        value = self.maybe(name)
        return None if value is None else whole_of(name, value)

    def limit(self, default: int, most: int) -> int:
        """`limit`, bounded as the venue bounds it: what is above is cut."""
        given = self.maybe_whole("limit")
        if given is None:
            return default
        if given < 1:
            raise Refused(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(given, most)

    def truth(self, name: str, *, default: bool = False) -> bool:
        """`true` or `false`, in any case."""
        value = self.maybe(name)
        if value is None:
            return default
        if value.lower() not in {"true", "false"}:
            raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value.lower() == "true"

    def period(self, most_ms: int) -> tuple[int, int]:
        """`startTime` and `endTime` in ms, at most `most_ms` apart where both were sent."""
        start, end = self.maybe_whole("startTime"), self.maybe_whole("endTime")
        if start is not None and end is not None and not 0 <= end - start <= most_ms:
            raise Refused(-1127, f"More than {most_ms // 3_600_000} hours between startTime and endTime.")
        return start or 0, 2**62 if end is None else end


def decimal_of(name: str, value: str) -> Decimal:
    """A decimal under the venue's grammar."""
    if not _DECIMAL.fullmatch(value):
        raise Refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{DECIMAL_RANGE}'.")
    return Decimal(value)


def whole_of(name: str, value: str) -> int:
    """An integer."""
    if not _WHOLE.fullmatch(value):
        raise Refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(value)


def parsed(*parts: str) -> dict[str, str]:
    """Parameters of query and body, decoded; the first part's value counts, a repeat inside one part is refused."""
    values: dict[str, str] = {}
    for part in parts:
        seen: set[str] = set()
        for pair in filter(None, part.split("&")):
            name, _, value = pair.partition("=")
            name = unquote_plus(name)
            if name in seen:
                raise Refused(-1101, f"Duplicate values for parameter '{name}' detected.")
            seen.add(name)
            values.setdefault(name, unquote_plus(value))
    return values


def flat(params: dict[str, Any]) -> dict[str, str]:
    """A WebSocket request's JSON parameters as text."""
    return {name: _text(value) for name, value in params.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ",".join(f'"{each}"' for each in value) + "]"
    return str(value)


def fixed(number: Decimal, places: int = 8) -> str:
    """A number with so many decimals, cut towards zero."""
    return format(number.quantize(Decimal(1).scaleb(-places), "ROUND_DOWN", EXACT), "f")


def plain(number: Decimal) -> str:
    """A number without exponent and without trailing zeros."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"", "-0"} else text


def ms(ns: int) -> int:
    """Milliseconds of nanoseconds."""
    return ns // NS_PER_MS


def microseconds(answer: Any) -> Any:
    """An answer with its times in microseconds: every whole number that can be no id of ours but a time in milliseconds."""
    if isinstance(answer, dict):
        return {name: microseconds(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [microseconds(value) for value in answer]
    is_time = isinstance(answer, int) and _MILLISECONDS <= answer < _MILLISECONDS * 100
    return answer * 1_000 if is_time else answer


def wants_microseconds(query: str) -> bool:
    """Whether a connection's address asks for them."""
    return "timeunit=microsecond" in query.lower()
