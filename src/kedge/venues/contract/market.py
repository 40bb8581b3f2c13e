"""Questions about the market: what is listed, the clock, the book, trades, candles, mark price and funding."""

from __future__ import annotations

from itertools import pairwise

from kedge.model.errors import UserError
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import InstrumentKind, InstrumentStatus
from kedge.model.order import Side
from kedge.venues.answers import Failed, Partial, Whole
from kedge.venues.contract.examinee import Candidate, whole

#: A clock that is read within so much is read well enough for a venue that takes requests for seconds.
OFFSET_NS_MAX = NS_PER_S


async def instruments_have_rules(candidate: Candidate) -> None:
    """Everything listed has a name of its own and grids that something can lie on."""
    listed = whole(await candidate.gateway.get_instruments())
    symbols = [each.symbol for each in listed]
    assert len(set(symbols)) == len(symbols), "a symbol is listed twice"
    instrument = await candidate.instrument()
    assert instrument.status is InstrumentStatus.OPEN
    assert all("-" in symbol for symbol in symbols)
    assert instrument.tick_size > 0 < instrument.lot_size


async def the_clock_is_known(candidate: Candidate) -> None:
    """The venue's clock is read with an honest uncertainty."""
    reading = whole(await candidate.gateway.get_clock())
    assert abs(reading.offset_ns) <= OFFSET_NS_MAX + reading.uncertainty_ns
    assert reading.uncertainty_ns >= 0


async def the_book_is_a_book(candidate: Candidate) -> None:
    """Bids fall, asks rise, they do not meet, and nothing of size zero is shown; depth bounds each side."""
    book = await candidate.book()
    assert book.symbol == candidate.symbol
    assert all(higher[0] > lower[0] for higher, lower in pairwise(book.bids))
    assert all(lower[0] < higher[0] for lower, higher in pairwise(book.asks))
    assert book.bids[0][0] < book.asks[0][0]
    assert all(price > 0 < size for price, size in (*book.bids, *book.asks))
    instrument = await candidate.instrument()
    assert all(not price % instrument.tick_size for price, _ in (*book.bids, *book.asks)), "a price is off the tick"
    few = whole(await candidate.gateway.get_order_book(candidate.symbol, 5))
    assert len(few.bids) <= 5 >= len(few.asks)


async def trades_are_in_order(candidate: Candidate) -> None:
    """The latest trades, oldest first, within the number asked for."""
    await candidate.examinee.trade_at(await candidate.far(Side.BUY, "0.001"))
    trades = whole(await candidate.gateway.get_trades(candidate.symbol, 10))
    assert 0 < len(trades) <= 10
    assert all(earlier.ts <= later.ts for earlier, later in pairwise(trades))
    assert all(trade.symbol == candidate.symbol and trade.price > 0 < trade.quantity for trade in trades)


async def candles_are_closed_and_in_order(candidate: Candidate) -> None:
    """Closed candles that open in the time asked for; a cut page says that it is one."""
    candidate.need(candidate.can.candle_intervals, "candles")
    interval = min(candidate.can.candle_intervals, key=lambda each: abs(each - 60 * NS_PER_S))
    now = candidate.examinee.clock.now_ns()
    start = (now // interval - 20) * interval
    answer = await candidate.gateway.get_candles(candidate.symbol, interval, start, now)
    assert isinstance(answer, Whole | Partial), answer
    candles = answer.value
    assert candles, "no candle in twenty intervals"
    assert all(earlier.ts < later.ts for earlier, later in pairwise(candles))
    for candle in candles:
        assert (candle.symbol, candle.interval) == (candidate.symbol, interval)
        assert candle.ts % interval == 0
        assert start <= candle.ts < now
        assert candle.ts + interval <= now + OFFSET_NS_MAX, "a candle that is not closed yet"
        assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
    none = await candidate.gateway.get_candles(candidate.symbol, interval, start, start)
    assert isinstance(none, Whole)
    assert none.value == ()


async def a_perpetual_has_a_mark_price(candidate: Candidate) -> None:
    """The price that margin is computed at, near the book."""
    instrument = await candidate.instrument()
    candidate.need(instrument.kind is InstrumentKind.PERPETUAL, "perpetuals")
    mark = whole(await candidate.gateway.get_mark_price(candidate.symbol))
    book = await candidate.book()
    assert abs(mark.price / book.bids[0][0] - 1) < 1


async def funding_is_in_order(candidate: Candidate) -> None:
    """Rates that were settled, oldest first."""
    instrument = await candidate.instrument()
    candidate.need(instrument.kind is InstrumentKind.PERPETUAL, "perpetuals")
    now = candidate.examinee.clock.now_ns()
    answer = await candidate.gateway.get_funding_rates(candidate.symbol, now - 86_400 * NS_PER_S, now)
    assert isinstance(answer, Whole | Partial), answer
    assert all(earlier.ts < later.ts for earlier, later in pairwise(answer.value))


async def what_is_not_listed_is_an_error_and_not_empty(candidate: Candidate) -> None:
    """An unknown symbol is our mistake or the venue's refusal, never an empty market (H18)."""
    try:
        answer = await candidate.gateway.get_order_book("NOSUCH-THING")
    except UserError:
        return
    assert isinstance(answer, Failed), f"an unknown symbol has a book: {answer}"


QUESTIONS = (
    instruments_have_rules,
    the_clock_is_known,
    the_book_is_a_book,
    trades_are_in_order,
    candles_are_closed_and_in_order,
    a_perpetual_has_a_mark_price,
    funding_is_in_order,
    what_is_not_listed_is_an_error_and_not_empty,
)
