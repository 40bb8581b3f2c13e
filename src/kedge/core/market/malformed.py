"""What no record can hold: a market fact whose values are not what its fields are declared to be.

A candle with a NaN or a missing price, a float where a decimal belongs, a time that is no integer: none of them can be
written and read back as a candle, so none of them may become a fact. Where facts come in as objects each is looked at
once, by `whole`; in place of one that is not sound stands a `MalformedFact`, which names the kind, the rule that was
broken and every value as text. It is journaled as any fact, and decided again in a replay: to quarantine it.

Only the shape is judged here: types, finiteness, the range of times. Whether a price can be believed is
`MarketDataHandler`'s question, which every fact is asked afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from math import isfinite
from types import NoneType
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from kedge.core.market.rules import TIME_MAX, Broken, Rule
from kedge.core.market.view import MarketView
from kedge.model.decisions import Quarantined
from kedge.model.errors import DataError
from kedge.model.facts import MalformedFact
from kedge.model.market import BookDelta, Candle, FundingRate, MarketEvent, MarkPrice, OrderBook, Quote, Trade
from kedge.model.order import Side

#: Text of a value beyond this many characters is cut: a record has a size.
TEXT_LENGTH_MAX = 200
_INT_BITS_MAX = 256


def whole(fact: Any, at: int) -> MarketEvent | MalformedFact:
    """`fact`, or what can be said of one that is not sound, known at `at` (ns) where its own time cannot be used."""
    values = astuple(fact)
    if (*map(type, values),) in _USUAL[type(fact)] and _is_sound(values):
        known = fact.ts + (fact.interval if type(fact) is Candle else 0)
        if known <= TIME_MAX:
            return fact  # type: ignore[no-any-return]
    broken = _flaw(fact)
    return fact if broken is None else _told(fact, broken, at)


def whole_stream(facts: Iterable[Any]) -> list[Any]:
    """Every fact of a stream, sound or told of; `DataError` for what is no market fact at all."""
    rows: list[Any] = []
    take = rows.append
    at = 0
    for fact in facts:
        if type(fact) not in _USUAL:
            raise DataError(
                f"row {len(rows)} of the market data is {_text(fact)}; give Candle, Trade, Quote or OrderBook objects, "
                "or columns"
            )
        fact = whole(fact, at)  # noqa: PLW2901  (what stands in its place)
        at = fact.ts
        take(fact)
    return rows


def quarantined(fact: MalformedFact, market: MarketView) -> Quarantined:
    """Fold the word of a fact that nothing can be made of: a book that missed it is no longer valid."""
    record = market.record(fact.symbol)
    if record is not None and fact.fact in _OF_BOOKS:
        record.book.invalidate(f"{fact.rule}: {fact.value}")
    return Quarantined(fact.fact, fact.symbol, fact.rule, fact.value)


_OF_BOOKS = frozenset(kind.__struct_config__.tag for kind in (OrderBook, BookDelta))


def _is_sound(values: tuple[Any, ...]) -> bool:
    """Whether values of the usual types are finite, and times on the clock; levels of books are looked at in full."""
    for value in values:
        kind = type(value)
        if kind is Decimal:
            if not value.is_finite():
                return False
        elif kind is int:
            if not -1 <= value <= TIME_MAX:
                return False
        elif kind is tuple or (kind is str and not value.isascii()):
            return False
    return bool(values[0] >= 0)


# -- which value is wrong ---------------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    """Whether `value` is text that can be written: half of a surrogate pair cannot."""
    return type(value) is str and not any("\ud800" <= each <= "\udfff" for each in value)


def _symbol(name: str, value: Any) -> Broken | None:
    return None if _is_text(value) else (Rule.UNKNOWN_SYMBOL, f"{name}={_text(value)}")


def _number(name: str, value: Any) -> Broken | None:
    if value is None:
        return Rule.MISSING, name
    if type(value) is Decimal:
        return None if value.is_finite() else (Rule.NON_FINITE, f"{name}={_text(value)}")
    infinite = isinstance(value, float) and not isfinite(value)
    return (Rule.NON_FINITE if infinite else Rule.WRONG_TYPE), f"{name}={_text(value)}"


def _clock(name: str, value: Any) -> Broken | None:
    if value is None:
        return Rule.MISSING, name
    if type(value) is not int:
        return Rule.WRONG_TYPE, f"{name}={_text(value)}"
    low = -1 if name == "previous_sequence" else 0
    return None if low <= value <= TIME_MAX else (Rule.OUT_OF_RANGE, f"{name}={_text(value)}")


def _name(name: str, value: Any) -> Broken | None:
    return None if _is_text(value) else (Rule.WRONG_TYPE, f"{name}={_text(value)}")


def _side(name: str, value: Any) -> Broken | None:
    named = value is None or type(value) is Side or (type(value) is str and value in tuple(Side))
    return None if named else (Rule.WRONG_TYPE, f"{name}={_text(value)}")


def _levels(name: str, levels: Any) -> Broken | None:
    if levels is None:
        return Rule.MISSING, name
    if type(levels) not in (tuple, list):
        return Rule.WRONG_TYPE, f"{name}={_text(levels)}"
    for place, level in enumerate(levels):
        if type(level) not in (tuple, list) or len(level) != 2:
            return Rule.WRONG_TYPE, f"{name}[{place}]={_text(level)}"
        broken = _number(f"{name}[{place}].price", level[0]) or _number(f"{name}[{place}].size", level[1])
        if broken:
            return broken
    return None


#: A field's name and value, and what is wrong with it.
Judge = Callable[[str, Any], Broken | None]

_JUDGES: dict[str, Judge] = {
    "symbol": _symbol, "ts": _clock, "interval": _clock, "received": _clock, "sequence": _clock,
    "first_sequence": _clock, "previous_sequence": _clock, "trade_id": _name, "side": _side, "bids": _levels,
    "asks": _levels,
}  # fmt: skip

#: The fields of each kind with their judges, the symbol's first: of an unknown symbol nothing else is asked.
_FIELDS: dict[type[Struct], tuple[tuple[str, Judge], ...]] = {
    kind: tuple(
        (name, _JUDGES.get(name, _number)) for name in sorted(kind.__struct_fields__, key=lambda name: name != "symbol")
    )
    for kind in (Candle, Trade, Quote, OrderBook, BookDelta, MarkPrice, FundingRate)
}


def _usual(kind: type[Struct], side: type) -> tuple[type, ...]:
    types: dict[Judge, type] = {_symbol: str, _clock: int, _name: str, _number: Decimal, _side: side, _levels: tuple}
    judges = dict(_FIELDS[kind])
    return tuple(types[judges[name]] for name in kind.__struct_fields__)


#: The types of the values of nearly all facts, in one comparison or two.
_USUAL: dict[type, frozenset[tuple[type, ...]]] = {
    kind: frozenset((_usual(kind, Side), _usual(kind, NoneType))) for kind in _FIELDS
}


def _flaw(fact: Any) -> Broken | None:
    """The first thing that no record can hold; `None` where all can be held."""
    for name, judge in _FIELDS[type(fact)]:
        broken = judge(name, getattr(fact, name))
        if broken:
            return broken
    if type(fact) is Candle and fact.ts + fact.interval > TIME_MAX:
        return Rule.OUT_OF_RANGE, f"ts={fact.ts} interval={fact.interval}"
    return None


# -- what is said of it -----------------------------------------------------------------------------------------------


def _told(fact: Any, broken: Broken, at: int) -> MalformedFact:
    ts, interval, received = fact.ts, getattr(fact, "interval", 0), fact.received
    if _clock("ts", ts) is None:
        known = ts + interval if _clock("interval", interval) is None else ts
        at = known if known <= TIME_MAX else at
    return MalformedFact(
        ts=at,
        fact=str(type(fact).__struct_config__.tag),
        symbol=fact.symbol if _is_text(fact.symbol) else _text(fact.symbol),
        rule=broken[0].value,
        value=broken[1],
        values={name: _text(getattr(fact, name)) for name in type(fact).__struct_fields__},
        received=received if _clock("received", received) is None else 0,
    )


def _text(value: Any) -> str:
    """`value` as the same text in every run: nothing of where it lies in memory, no code of its own."""
    kind = type(value)
    if kind is str:
        text = ascii(value)
    elif isinstance(value, Decimal):
        text = Decimal.__str__(value)
    elif value is None or kind is bool or kind is float:
        text = repr(value)
    elif isinstance(value, int):
        text = (
            int.__repr__(value) if value.bit_length() <= _INT_BITS_MAX else f"<an integer of {value.bit_length()} bits>"
        )
    elif isinstance(value, list | tuple):
        text = f"<{len(value)} of {kind.__name__}>"
    else:
        text = f"<{kind.__name__}>"
    return text if len(text) <= TEXT_LENGTH_MAX else text[:TEXT_LENGTH_MAX] + "..."
