"""The rules a market fact must satisfy by itself, each with a name.

The hot path in `handler` asks one question, "is everything inside its bounds?", written so that NaN fails it.
Only a fact that fails comes here to be told which rule it broke. Nothing here raises, whatever the values
are: a comparison is made only after the value is known to be a finite `Decimal` (ordering a NaN raises).

The facts are `Any` here, for that is what is asked: typed, the compiled build would raise at the first value that is of
another type, where the rule must be named.

When several rules are broken, the one that is named is the first in the order of `Rule`.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from typing import Any, Final

from kedge.model.decisions import Quarantined
from kedge.model.money import ZERO

#: No instrument is quoted outside of these, and no size is larger.
PRICE_MIN: Final = Decimal("1E-18")
PRICE_MAX: Final = Decimal("1E+18")
SIZE_MAX: Final = Decimal("1E+24")
#: A funding rate beyond this for one period is a wrong unit.
RATE_MAX: Final = Decimal(1)
#: 2262-04-11, the last day of a signed 64-bit nanosecond clock.
TIME_MAX: Final = 2**63 - 1


class Rule(StrEnum):
    """Why a market fact is not believed."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    MISSING = "missing"
    WRONG_TYPE = "wrong_type"
    NON_FINITE = "non_finite"
    NEGATIVE = "negative"
    ZERO = "zero"
    OUT_OF_RANGE = "out_of_range"
    HIGH_BELOW_LOW = "high_below_low"
    OPEN_CLOSE_OUTSIDE = "open_close_outside"
    UNSORTED = "unsorted"
    CROSSED = "crossed"
    NO_SNAPSHOT = "no_snapshot"
    SEQUENCE_GAP = "sequence_gap"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    JUMP = "jump"


#: The rule that was broken, and by which value.
Broken = tuple[Rule, str]


def quarantine(fact: Any, broken: Broken) -> Quarantined:
    """The decision not to believe `fact`."""
    return Quarantined(type(fact).__struct_config__.tag, str(fact.symbol), broken[0].value, broken[1])


def unknown(fact: Any) -> Quarantined:
    """The decision not to believe a fact about a symbol that nobody added."""
    return quarantine(fact, (Rule.UNKNOWN_SYMBOL, f"symbol={fact.symbol!r}"))


def candle_values(candle: Any) -> Broken | None:
    """The rule that the values of a candle break."""
    broken = (
        _price("open", candle.open)
        or _price("high", candle.high)
        or _price("low", candle.low)
        or _price("close", candle.close)
        or _size("volume", candle.volume, zero=True)
        or _time("ts", candle.ts)
        or _time("interval", candle.interval)
        or _time("received", candle.received)
    )
    if broken:
        return broken
    if candle.high < candle.low:
        return Rule.HIGH_BELOW_LOW, f"high={candle.high} low={candle.low}"
    for name, value in (("open", candle.open), ("close", candle.close)):
        if not candle.low <= value <= candle.high:
            return Rule.OPEN_CLOSE_OUTSIDE, f"{name}={value} low={candle.low} high={candle.high}"
    return None


def trade_values(trade: Any) -> Broken | None:
    """The rule that the values of a trade break."""
    broken = _price("price", trade.price) or _size("quantity", trade.quantity) or _times(trade)
    named = isinstance(trade.trade_id, str)
    return broken or (None if named else (Rule.WRONG_TYPE, f"trade_id={trade.trade_id!r}"))


def quote_values(quote: Any) -> Broken | None:
    """The rule that the values of a quote break; a locked one counts as crossed."""
    broken = (
        _price("bid", quote.bid)
        or _price("ask", quote.ask)
        or _size("bid_size", quote.bid_size)
        or _size("ask_size", quote.ask_size)
        or _times(quote)
    )
    if broken:
        return broken
    return None if quote.bid < quote.ask else (Rule.CROSSED, f"bid={quote.bid} ask={quote.ask}")


def mark_values(mark: Any) -> Broken | None:
    """The rule that the values of a mark price break."""
    return _price("price", mark.price) or _times(mark)


def funding_values(funding: Any) -> Broken | None:
    """The rule that the values of a funding rate break; a rate may be zero or negative."""
    broken = _finite("rate", funding.rate) or _times(funding)
    if broken:
        return broken
    return None if -RATE_MAX <= funding.rate <= RATE_MAX else (Rule.OUT_OF_RANGE, f"rate={funding.rate}")


def book_values(book: Any) -> Broken | None:
    """The rule that the values of a whole book break: each level, their order, and that the sides do not
    meet.
    """
    broken = _times(book) or _time("sequence", book.sequence)
    broken = broken or _levels("bids", book.bids, zero=False) or _levels("asks", book.asks, zero=False)
    if broken:
        return broken
    bids, asks = [price for price, _ in book.bids], [price for price, _ in book.asks]
    if any(not upper > lower for upper, lower in pairwise(bids)):
        return Rule.UNSORTED, "bids"
    if any(not lower < upper for lower, upper in pairwise(asks)):
        return Rule.UNSORTED, "asks"
    if bids and asks and not bids[0] < asks[0]:
        return Rule.CROSSED, f"bid={bids[0]} ask={asks[0]}"
    return None


def delta_values(delta: Any) -> Broken | None:
    """The rule that the values of a book's change break; a size of zero removes a level."""
    return (
        _times(delta)
        or _time("first_sequence", delta.first_sequence)
        or _time("sequence", delta.sequence)
        or _levels("bids", delta.bids, zero=True)
        or _levels("asks", delta.asks, zero=True)
    )


def _finite(name: str, value: Any) -> Broken | None:
    if value is None:
        return Rule.MISSING, name
    if type(value) is not Decimal:
        infinite = isinstance(value, float) and not isfinite(value)
        return (Rule.NON_FINITE if infinite else Rule.WRONG_TYPE), f"{name}={value!r}"
    return None if value.is_finite() else (Rule.NON_FINITE, f"{name}={value}")


def _price(name: str, value: Any) -> Broken | None:
    broken = _finite(name, value)
    if broken:
        return broken
    if value < ZERO:
        return Rule.NEGATIVE, f"{name}={value}"
    if value == ZERO:
        return Rule.ZERO, f"{name}={value}"
    return None if PRICE_MIN <= value <= PRICE_MAX else (Rule.OUT_OF_RANGE, f"{name}={value}")


def _size(name: str, value: Any, zero: bool = False) -> Broken | None:
    broken = _finite(name, value)
    if broken:
        return broken
    if value < ZERO:
        return Rule.NEGATIVE, f"{name}={value}"
    if value == ZERO and not zero:
        return Rule.ZERO, f"{name}={value}"
    return None if value <= SIZE_MAX else (Rule.OUT_OF_RANGE, f"{name}={value}")


def _time(name: str, value: Any) -> Broken | None:
    if value is None:
        return Rule.MISSING, name
    if type(value) is not int:
        return Rule.WRONG_TYPE, f"{name}={value!r}"
    return None if 0 <= value <= TIME_MAX else (Rule.OUT_OF_RANGE, f"{name}={value}")


def _times(fact: Any) -> Broken | None:
    return _time("ts", fact.ts) or _time("received", fact.received)


def _levels(name: str, levels: Any, zero: bool) -> Broken | None:
    if not isinstance(levels, tuple | list):
        return (Rule.MISSING, name) if levels is None else (Rule.WRONG_TYPE, name)
    if _sound(levels, zero):
        return None
    for index, level in enumerate(levels):
        if not isinstance(level, tuple | list) or len(level) != 2:
            return Rule.WRONG_TYPE, f"{name}[{index}]"
        broken = _price(f"{name}[{index}].price", level[0]) or _size(f"{name}[{index}].size", level[1], zero)
        if broken:
            return broken
    return None


def _sound(levels: Any, zero: bool) -> bool:
    """Whether every level is inside its bounds; books have thousands, so the reason is looked for only if not."""
    try:
        for price, size in levels:
            if not (
                type(price) is type(size) is Decimal
                and PRICE_MIN <= price <= PRICE_MAX
                and ZERO <= size <= SIZE_MAX
                and (zero or size)
            ):
                return False
    except (InvalidOperation, TypeError, ValueError):
        return False
    return True
