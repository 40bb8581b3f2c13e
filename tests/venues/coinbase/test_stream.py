"""Books over the stream: whatever is lost, a book that is believed is the venue's."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market.books import Book
from kedge.model.facts import InstrumentChanged
from kedge.model.instrument import InstrumentStatus
from kedge.model.market import BookDelta, Candle, OrderBook, Trade
from kedge.model.sequence import chained
from kedge.venues.coinbase import messages
from kedge.venues.coinbase.products import Names
from kedge.venues.coinbase.stream import CANDLE_NS, MarketDecoder, Memory
from kedge.venues.gateway import Subscription
from tests.venues.coinbase.bench import BTC, Bench, on_bench
from tests.venues.coinbase.test_facts import decoder, level2, message

PRODUCTS = ("BTC-USD", "ETH-USD")


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 5), st.integers(0, 3), st.booleans()), max_size=60),
    st.integers(0, 7),
)
def test_lost_messages_never_leave_a_wrong_book_believed(steps: list[tuple[int, int, int, bool]], again: int) -> None:
    """One message a step for one of two books; those marked are lost. Every `again` steps (0: never) a book begins anew."""
    reading = decoder(BTC_USD="", ETH_USD="")
    truth: dict[str, dict[int, int]] = {name: {1: 1} for name in PRODUCTS}
    books = {name: Book(chained) for name in PRODUCTS}

    def tell(text: str) -> None:
        for fact in reading.decode(text):
            if isinstance(fact, OrderBook):
                books[fact.symbol].reset(fact.bids, fact.asks, fact.sequence)
            elif isinstance(fact, BookDelta):
                books[fact.symbol].apply(fact)

    def snapshot(n: int, name: str) -> str:
        levels = [("bid", str(price), str(size)) for price, size in truth[name].items()]
        return message("l2_data", n, level2("snapshot", *levels, ("offer", "100", "1"), product=name))

    n = 0
    for name in PRODUCTS:
        tell(snapshot(n, name))
        n += 1
    for step, (which, price, size, lost) in enumerate(steps):
        name = PRODUCTS[which]
        truth[name][price] = size
        text = message("l2_data", n, level2("update", ("bid", str(price), str(size)), product=name))
        if again and step % again == again - 1:
            text = snapshot(n, name)
        n += 1
        if not lost:
            tell(text)
            book = books[name]
            if not book.invalid:
                bids, _ = book.levels()
                told = {int(price): int(size) for price, size in bids}
                assert told == {price: size for price, size in truth[name].items() if size}, step


def test_the_numbers_of_a_later_connection_are_higher() -> None:
    names, wanted = Names({BTC: ""}), [(messages.LEVEL2_DATA, BTC)]
    before, after = MarketDecoder(names, wanted, base=1_000), MarketDecoder(names, wanted, base=2_000)
    shot = level2("snapshot", ("bid", "1", "1"))
    (first,) = before.decode(message("l2_data", 500, shot))
    (second,) = after.decode(message("l2_data", 0, shot))
    assert isinstance(first, OrderBook)
    assert isinstance(second, OrderBook)
    assert second.sequence > first.sequence


def test_two_changes_of_one_book_in_one_message_are_one() -> None:
    reading, book = decoder(), Book(chained)
    (shot,) = reading.decode(message("l2_data", 0, level2("snapshot", ("bid", "9", "1"), ("offer", "10", "1"))))
    assert isinstance(shot, OrderBook)
    book.reset(shot.bids, shot.asks, shot.sequence)
    (delta,) = reading.decode(
        message("l2_data", 1, level2("update", ("bid", "9", "2")), level2("update", ("offer", "10", "3")))
    )
    assert isinstance(delta, BookDelta)
    assert book.apply(delta) is None
    assert (book.best_bid, book.best_ask) == ((Decimal(9), Decimal(2)), (Decimal(10), Decimal(3)))


def trades(kind: str, *ids: int) -> dict[str, Any]:
    told = [
        {
            "product_id": BTC,
            "trade_id": str(n),
            "price": "1",
            "size": "1",
            "time": "2026-04-07T14:30:00Z",
            "side": "BUY",
        }
        for n in ids
    ]
    return {"type": kind, "trades": told}


def test_trades_are_told_once_oldest_first_and_history_is_passed_over() -> None:
    reading = decoder()
    assert reading.decode(message("market_trades", 0, trades("snapshot", 9, 8, 7))) == []
    told = reading.decode(message("market_trades", 1, trades("update", 11, 10, 9)))
    assert [fact.trade_id for fact in told if isinstance(fact, Trade)] == ["10", "11"]
    assert reading.decode(message("market_trades", 2, trades("update", 11))) == []
    later = MarketDecoder(Names({BTC: ""}), [("market_trades", BTC)], memory=reading.memory.copy())
    missed = later.decode(message("market_trades", 0, trades("snapshot", 13, 12, 11)))
    assert [fact.trade_id for fact in missed if isinstance(fact, Trade)] == ["12", "13"]


def candle(start: int, close: str = "2") -> dict[str, Any]:
    row = {"start": str(start), "open": "2", "high": "3", "low": "1", "close": close, "volume": "1", "product_id": BTC}
    return {"type": "update", "candles": [row]}


def test_a_candle_is_told_once_when_it_has_closed() -> None:
    reading, start = decoder(), 1_775_572_200
    at = "2026-04-07T14:31:00Z"
    assert reading.decode(message("candles", 0, candle(start), at=at)) == []
    assert reading.decode(message("candles", 1, candle(start, "2.5"), at=at)) == []
    (closed,) = reading.decode(message("candles", 2, candle(start + 300), at="2026-04-07T14:35:01Z"))
    assert isinstance(closed, Candle)
    assert (closed.close, closed.interval) == (Decimal("2.5"), CANDLE_NS)
    (second,) = reading.decode(message("heartbeats", 3, at="2026-04-07T14:40:06Z"))
    assert isinstance(second, Candle)
    assert reading.decode(message("candles", 4, candle(start + 300, "1.5"), at="2026-04-07T14:40:07Z")) == []
    assert reading.decode(message("candles", 5, candle(start + 600), at="2026-04-07T14:40:08Z")) == []
    assert Memory() == Memory()


def test_a_gap_at_the_venue_is_told_healed_and_the_book_is_right_again() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        book = Book(chained)

        def hear(fact: Any) -> None:
            facts.append(fact)
            if isinstance(fact, OrderBook):
                book.reset(fact.bids, fact.asks, fact.sequence)
            elif isinstance(fact, BookDelta):
                book.apply(fact)
            elif getattr(fact, "channel", "") == "book" and not fact.up:
                book.invalidate(fact.reason)

        stream = bench.gateway.market_stream([Subscription("book", BTC)], hear)
        await stream.start()
        for market in bench.dialect.exchange.markets.values():
            market.frozen = False
        await bench.clock.sleep(2)
        bench.fault("gap", channel="l2_data", count=3)
        await bench.clock.sleep(10)
        downs = [fact for fact in facts if getattr(fact, "up", None) is False and "gap" in fact.reason]
        assert downs
        bench.dialect.exchange.markets[BTC].frozen = True
        await bench.clock.sleep(3)
        tape = bench.dialect.exchange.tapes[BTC]
        assert not book.invalid
        assert book.levels() == (tape.levels(asks=False), tape.levels(asks=True))
        await stream.stop()

    on_bench(test)


def test_a_venue_that_closes_says_so() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.market_stream([Subscription("trades", BTC)], facts.append)
        await stream.start()
        bench.fault("maintenance", phase="closed")
        await bench.clock.sleep(1)
        changed = {
            fact.instrument.symbol: fact.instrument.status for fact in facts if isinstance(fact, InstrumentChanged)
        }
        assert changed[BTC] is InstrumentStatus.CLOSED
        await stream.stop()

    on_bench(test)


def test_json_of_the_samples_is_what_we_say() -> None:
    said = json.loads(messages.subscribe("user", (), "token", wanted=False))
    assert said == {"type": "unsubscribe", "channel": "user", "jwt": "token"}
