"""What a parser may answer: nothing that could not be true.

Walked over whatever comes out, structures and collections of them. Every `Decimal` is finite and within 1e±40, no float
is anywhere, times lie between 1970 and 2100, and what is named a price, a size or a quantity has the sign of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

_LATEST_NS = 4_102_444_800_000_000_000
_ABOVE_ZERO = {
    "price",
    "stop_price",
    "bid",
    "ask",
    "open",
    "high",
    "low",
    "close",
    "mark",
    "tick_size",
    "lot_size",
    "worst_price",
}
_NOT_BELOW = {
    "quantity",
    "filled",
    "bid_size",
    "ask_size",
    "volume",
    "min_quantity",
    "min_notional",
    "leverage",
    "tick",
    "step",
}
_SIGNED_QUANTITY = {"VenuePosition", "PositionChange"}
_TIMES = {"ts", "settles"}


class Insane(AssertionError):
    """Nonsense was accepted."""


def judge(answer: Any) -> None:
    """Raise `Insane` where `answer` holds what cannot be true."""
    for path, owner, name, value in _walk("", "", "", answer):
        problem = _problem(owner, name, value)
        if problem:
            raise Insane(f"{path} is {value!r}: {problem}")


def _problem(owner: str, name: str, value: Any) -> str:
    if isinstance(value, float):
        return "a float"
    if isinstance(value, Decimal):
        return _number_problem(owner, name, value)
    if name in _TIMES and (type(value) is not int or not 0 <= value < _LATEST_NS):
        return "no time between 1970 and 2100"
    if isinstance(value, str) and len(value) > 20_000:
        return "a text without end"
    return ""


def _number_problem(owner: str, name: str, value: Decimal) -> str:
    if not value.is_finite():
        return "not finite"
    if value and not -60 <= value.adjusted() <= 60:
        return "absurd"
    if name in _ABOVE_ZERO and not value > 0:
        return "must be above zero"
    if name in _NOT_BELOW and value < 0 and owner not in _SIGNED_QUANTITY:
        return "must not be below zero"
    return ""


def _walk(path: str, owner: str, name: str, value: Any) -> Iterator[tuple[str, str, str, Any]]:
    if isinstance(value, Struct):
        for field in value.__struct_fields__:
            yield from _walk(f"{path}.{field}", type(value).__name__, field, getattr(value, field))
    elif isinstance(value, tuple | list):
        if name in {"bids", "asks"}:
            yield from _levels(path, value)
            return
        for at, each in enumerate(value):
            yield from _walk(f"{path}[{at}]", owner, name, each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _walk(f"{path}[{key}]", owner, name, each)
    elif not isinstance(value, msgspec.Raw):
        yield path, owner, name, value


def _levels(path: str, levels: Any) -> Iterator[tuple[str, str, str, Any]]:
    for at, (price, size) in enumerate(levels):
        yield f"{path}[{at}].price", "", "price", price
        yield f"{path}[{at}].size", "", "quantity", size
