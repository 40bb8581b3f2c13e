"""Succession: whether a fact may follow the one before it in its stream, and when it became known.

A stream does not go back in time, and an exact repeat is nothing new. Candles of one interval may not
overlap. Several trades or quotes may share an instant: a trade is then known by its id, and one without an id
that equals the trade before it counts as a repeat. Books are ordered by the venue's numbers where it gives
them, because a snapshot may carry another clock than the changes; an invalid book takes any snapshot.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import structs

from kedge.core.market.record import SymbolMarket
from kedge.core.market.rules import SIZE_MAX, TIME_MAX, Broken, Rule
from kedge.model.market import Candle, OrderBook, Trade
from kedge.model.money import ZERO

#: Bounds of what is kept: trade ids of one instant, candle intervals of one symbol.
TRADE_IDS_MAX = 10_000
INTERVALS_MAX = 64


def as_expected(
    record: SymbolMarket, ts: int, interval: int, opened: Any, high: Any, low: Any, close: Any, volume: Any
) -> bool:
    """Whether a candle is what nearly all are: the next of its stream, sane and within the band. What does not compare
    raises.
    """
    return (
        record.band_low <= low <= opened <= high <= record.band_high
        and low <= close <= high
        and ZERO <= volume <= SIZE_MAX
        and record.candle_ts <= ts <= TIME_MAX
        and interval == record.interval
        and type(opened) is type(high) is type(low) is type(close) is type(volume) is Decimal
    )


def candle_order(record: SymbolMarket, candle: Candle) -> Broken | None:
    """Whether a candle comes too early after the last of its interval."""
    last = record.candle if candle.interval == record.interval else record.candles.get(candle.interval)
    if last is None:
        many = len(record.candles) >= INTERVALS_MAX
        return (Rule.OUT_OF_RANGE, f"interval={candle.interval}, one too many") if many else None
    return None if candle.ts >= last.ts + (last.interval or 1) else repeat_or_late(candle, last)


def mistimed(known: int, received: int) -> Broken:
    """What is wrong with a time of receipt so far from the time at which the fact was known."""
    rule = Rule.TOO_OLD if received > known else Rule.IN_FUTURE
    return rule, f"known={known} received={received}"


def earlier(known: int, received: int) -> int:
    """The time a fact counts from: the venue's, but never after the receipt, so that no age is
    understated.
    """
    return received if 0 < received < known else known


def order(fact: Any, last: Any, last_ts: int) -> Broken | None:
    """Facts of one stream do not go back in time; several may share an instant unless they are equal."""
    if fact.ts > last_ts:
        return None
    return repeat_or_late(fact, last) if fact.ts < last_ts or (last is not None and equal(fact, last)) else None


def trade_order(record: SymbolMarket, trade: Trade) -> Broken | None:
    """Whether a trade is late, or one of this instant again."""
    if trade.ts < record.trade_ts:
        return repeat_or_late(trade, record.trade)
    repeat = trade.ts == record.trade_ts and is_repeat(record, trade)
    return (Rule.DUPLICATE, f"trade_id={trade.trade_id!r} ts={trade.ts}") if repeat else None


def is_repeat(record: SymbolMarket, trade: Trade) -> bool:
    """Whether a trade of the same instant as the last was there already."""
    last, key = record.trade, trade.trade_id
    if last is None or not key:
        return equal(trade, last)
    return key == last.trade_id or (record.trade_ids is not None and key in record.trade_ids)


def keep_id(record: SymbolMarket, trade: Trade) -> None:
    """Remember the trades of one instant as long as it lasts; the oldest is forgotten when they are too
    many.
    """
    last = record.trade
    if last is None or trade.ts > record.trade_ts:
        record.trade_ids = None
        return
    seen = record.trade_ids
    if seen is None:
        seen = record.trade_ids = {last.trade_id: None}
    seen[trade.trade_id] = None
    if len(seen) > TRADE_IDS_MAX:
        del seen[next(iter(seen))]


def book_order(record: SymbolMarket, book: OrderBook) -> Broken | None:
    """A valid book does not go back, by number where the venue gives one, else by time. An invalid one takes
    any.
    """
    held = record.book
    if held.invalid:
        return None
    old = book.sequence < held.sequence if book.sequence else book.ts < record.book_ts
    if old:
        return (
            Rule.OUT_OF_ORDER,
            f"sequence={book.sequence} ts={book.ts} after {held.sequence} {record.book_ts}",
        )
    if (
        book.ts == record.book_ts
        and book.sequence == held.sequence
        and held.levels() == (list(book.bids), list(book.asks))
    ):
        return Rule.DUPLICATE, f"sequence={book.sequence} ts={book.ts}"
    return None


def repeat_or_late(fact: Any, last: Any) -> Broken:
    """The rule that a fact breaks which is not after `last`."""
    if equal(fact, last):
        return Rule.DUPLICATE, f"ts={fact.ts}"
    return Rule.OUT_OF_ORDER, f"ts={fact.ts} after {last.ts}" if last is not None else f"ts={fact.ts}"


def equal(fact: Any, other: Any) -> bool:
    """Whether both say the same, whenever they were received (the last field of each kind)."""
    return other is not None and structs.astuple(fact)[:-1] == structs.astuple(other)[:-1]
