"""What an adversary finds between ccxt and us: lists that were cut, words nobody knows, doubts taken for refusals, gaps in time.

Each over an emulator and real sockets, with the fault put into the emulator or into the room that a page has.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ccxt
import pytest
from msgspec import structs

from kedge.model.decisions import CancelRequested, QueryRequested
from kedge.model.facts import (
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
    StreamStatus,
)
from kedge.model.instant import NS_PER_S
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues.answers import ErrorClass, Failed, Partial, Whole
from kedge.venues.ccxt import fills, trading
from kedge.venues.ccxt.errors import failed
from kedge.venues.gateway import Subscription
from tests.venues.ccxt.bench import CcxtBench, at_emulator, later, until
from tests.venues.ccxt.test_gateway import order, whole

D = Decimal
MINUTE = 60 * NS_PER_S


async def sell(bench: CcxtBench, venue: str, order_id: str) -> None:
    sold = order(venue, order_id, OrderType.MARKET, Side.SELL, price=None)
    assert isinstance((await bench.gateway.place_order(sold))[0], OrderAccepted)


def quirk(bench: CcxtBench, **more: Any) -> None:
    connection = bench.gateway._connection
    connection.quirk = structs.replace(connection.quirk, **more)


# ------------------------------------------------------------------------------------------------- a cut is not an end
@pytest.mark.parametrize("venue", ["binance", "coinbase"])
async def test_fills_that_do_not_fit_a_page_are_all_told(venue: str) -> None:
    """Binance cuts the latest of a page, Coinbase the earliest: windows are halved until nothing can have been cut."""
    async with at_emulator(venue) as bench:
        begun = bench.front.timeline.now - NS_PER_S
        for number in range(6):
            await sell(bench, venue, f"k-1-{number}")
            bench.front.advance(bench.front.timeline.now + NS_PER_S // 5)
        symbol = "BTC-USDT" if venue == "binance" else "BTC-USD"
        quirk(bench, page=2)
        bench.gateway._inquiry._fills = fills.Fills(
            bench.gateway._connection, bench.gateway._clock.now_ns, bench.gateway._inquiry._owner
        )

        async def ask() -> Any:
            return await bench.gateway.get_fills_since(symbol, begun)

        answer = await later(ask, lambda each: isinstance(each, Whole) and len(each.value) >= 6)
        assert {fill.order_id for fill in answer.value} == {f"k-1-{number}" for number in range(6)}


async def test_fills_of_an_untried_venue_that_fill_a_page_are_a_part() -> None:
    async with at_emulator("binance") as bench:
        for number in range(3):
            await sell(bench, "binance", f"k-1-{number}")
        told = bench.gateway._inquiry._fills
        told._rows = told._sure = 2
        told._span_ms = 0  # ccxt names no length of time: no window can be ended
        answer = await bench.gateway.get_fills_since("BTC-USDT", bench.front.timeline.now - MINUTE)
        assert isinstance(answer, Partial), answer
        assert "more fills than a page holds" in answer.missing


async def test_fills_from_long_ago_are_asked_for_in_windows_and_never_cut_in_silence() -> None:
    async with at_emulator("binance") as bench:
        await sell(bench, "binance", "k-1-1")
        now, day = bench.front.timeline.now, 86_400 * NS_PER_S
        answer = await bench.gateway.get_fills_since("BTC-USDT", now - 5 * day)
        assert [fill.order_id for fill in whole(answer)] == ["k-1-1"]
        answer = await bench.gateway.get_fills_since("BTC-USDT", now - 400 * day)
        assert isinstance(answer, Partial)
        assert "ask again from there" in answer.missing
        assert isinstance(await bench.gateway.get_fills_since("BTC-USDT", 0), Partial)


async def test_a_fill_in_the_same_millisecond_as_the_watermark_is_told() -> None:
    """Venues tell milliseconds, watermarks are nanoseconds: the fill after one may be named before it."""
    async with at_emulator("binance") as bench:
        await sell(bench, "binance", "k-1-1")
        (fill,) = whole(await bench.gateway.get_fills_since("BTC-USDT", bench.front.timeline.now - MINUTE))
        again = await bench.gateway.get_fills_since("BTC-USDT", fill.ts + 999_999)
        assert [each.trade_id for each in whole(again)] == [fill.trade_id]


async def test_open_orders_that_fill_a_page_are_a_part() -> None:
    async with at_emulator("coinbase") as bench:
        for number in range(3):
            assert isinstance((await bench.gateway.place_order(order("coinbase", f"k-1-{number}")))[0], OrderAccepted)
        await later(lambda: bench.gateway.get_open_orders("BTC-USD"), lambda each: len(whole(each)) == 3)
        quirk(bench, page=3)
        answer = await bench.gateway.get_open_orders("BTC-USD")
        assert isinstance(answer, Partial)
        assert len(answer.value) == 3
        concerned = await bench.gateway.cancel_all("BTC-USD")
        assert isinstance(concerned, Partial)
        assert set(concerned.value) == {"k-1-0", "k-1-1", "k-1-2"}


async def test_an_untried_venue_is_not_believed_to_have_listed_all() -> None:
    async with at_emulator("binance") as bench:
        for number in range(2):
            await bench.gateway.place_order(order("binance", f"k-1-{number}"))
        quirk(bench, page=0, lists_all=False)
        assert isinstance(await bench.gateway.get_open_orders("BTC-USDT"), Whole)
        quirk(bench, page=2)
        assert isinstance(await bench.gateway.get_open_orders("BTC-USDT"), Partial)
        assert trading.OPEN_SURE <= 50, "the shortest page that a venue is known to have"


async def test_an_order_that_is_on_no_page_is_not_gone() -> None:
    async with at_emulator("coinbase") as bench:
        for number in range(3):
            await bench.gateway.place_order(order("coinbase", f"k-1-{number}"))
        quirk(bench, page=2)
        facts = await bench.gateway.query_order(QueryRequested("nobody-1-1", "test"))
        assert [type(fact) for fact in facts] == [OutcomeUnknown]
        assert "more orders than a page holds" in facts[0].reason  # type: ignore[union-attr]


async def test_candles_are_asked_for_until_their_end() -> None:
    """A page of a venue may hold less than was asked for: the next one is asked for, not believed to be empty."""
    async with at_emulator("binance") as bench:
        now = bench.front.timeline.now
        start = now - now % MINUTE - 50 * MINUTE
        plain = bench.gateway._connection.trading.fetch_ohlcv
        asked: list[int] = []

        async def short(market: str, frame: str, since: int, limit: int) -> Any:
            asked.append(since)
            return await plain(market, frame, since, 20)

        bench.gateway._connection.trading.fetch_ohlcv = short
        candles = whole(await bench.gateway.get_candles("BTC-USDT", MINUTE, start, start + 50 * MINUTE))
        assert [each.ts for each in candles] == [start + n * MINUTE for n in range(50)]
        assert len(asked) == 3


async def test_candles_of_a_venue_that_begins_where_it_likes_are_a_part() -> None:
    async with at_emulator("binance") as bench:
        now = bench.front.timeline.now
        start = now - now % MINUTE - 50 * MINUTE
        plain = bench.gateway._connection.trading.fetch_ohlcv

        async def latest(market: str, frame: str, since: int, limit: int) -> Any:
            return await plain(market, frame, None, 10)

        bench.gateway._connection.trading.fetch_ohlcv = latest
        quirk(bench, keeps_since=False)
        answer = await bench.gateway.get_candles("BTC-USDT", MINUTE, start, start + 20 * MINUTE)
        assert isinstance(answer, Partial), "an empty market is not what was told"
        assert "candles before" in answer.missing


# ------------------------------------------------------------------------------------------------ doubt is not refusal
def test_a_status_that_is_unknown_is_doubt_whatever_the_class() -> None:
    text = "venue An unexpected response was received from the message bus. Execution status unknown."
    for kind in (ccxt.BadRequest, ccxt.InvalidOrder, ccxt.RateLimitExceeded, ccxt.OperationRejected):
        assert failed(kind(text)).kind is ErrorClass.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        'binance {"code":-2010,"msg":"Duplicate order sent."}',
        'binanceusdm {"code":-4116,"msg":"ClientOrderId is duplicated."}',
        'okx {"sCode":"51016","sMsg":"Client order ID already exists."}',
        'bybit {"retCode":110072,"retMsg":"OrderLinkedID is duplicate"}',
    ],
)
def test_what_is_there_already_is_no_refusal(text: str) -> None:
    assert failed(ccxt.InvalidOrder(text)).code == "DuplicateOrderId"
    assert failed(ccxt.InvalidOrder("venue Order size is too small")).code == "InvalidOrder"


@pytest.mark.parametrize("venue", ["binance", "binanceusdm"])
async def test_an_order_that_works_is_not_rejected_by_its_second_sending(venue: str) -> None:
    async with at_emulator(venue) as bench:
        quantity = "0.01"
        made = order("binance", "k-1-1", quantity=quantity)
        assert isinstance((await bench.gateway.place_order(made))[0], OrderAccepted)
        again = await bench.gateway.place_order(made)
        assert not [fact for fact in again if isinstance(fact, OrderRejected)], again
        assert len(bench.front.exchange.open_orders()) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 408])
async def test_a_server_error_is_doubt(status: int) -> None:
    async with at_emulator("binance") as bench:
        bench.fault(
            "error", path="/api/v3/order", status=status, message="<html><h1>Bad Gateway</h1></html>", executed=True
        )
        (fact,) = await bench.gateway.place_order(order("binance", "k-1-1"))
        assert isinstance(fact, OutcomeUnknown), fact
        assert len(bench.front.exchange.open_orders()) == 1


async def test_whatever_ccxt_raises_is_a_fact() -> None:
    """A key that cannot be read raises what no list of exceptions has; the caller gets a fact."""
    async with at_emulator("coinbase") as bench:
        for each in (bench.gateway._connection.trading, bench.gateway._connection.exits):
            each.secret = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n"
        (fact,) = await bench.gateway.place_order(order("coinbase", "k-1-1"))
        assert isinstance(fact, OutcomeUnknown | OrderRejected), fact
        assert isinstance(await bench.gateway.get_balances(), Failed)


async def test_a_word_that_nobody_knows_is_no_exception() -> None:
    async with at_emulator("binance") as bench:
        await bench.gateway.place_order(order("binance", "k-1-1"))
        bench.gateway._connection.exits.parse_order_status = lambda status: "PENDING_NOBODY_KNOWS"
        (fact,) = await bench.gateway.query_order(QueryRequested("k-1-1", "test"))
        assert isinstance(fact, OutcomeUnknown)
        assert "PENDING_NOBODY_KNOWS" in fact.reason


async def test_an_answer_without_an_id_is_doubt() -> None:
    async with at_emulator("binance") as bench:
        plain = bench.gateway._connection.trading.parse_order
        bench.gateway._connection.trading.parse_order = lambda *told: {**plain(*told), "id": None}
        (fact,) = await bench.gateway.place_order(order("binance", "k-1-1"))
        assert isinstance(fact, OutcomeUnknown), fact


async def test_coinbase_says_no_where_ccxt_knows_no_word() -> None:
    async with at_emulator("coinbase") as bench:
        (fact,) = await bench.gateway.place_order(order("coinbase", "k-1-1", price="90000", post_only=True))
        if isinstance(fact, OrderAccepted):
            pytest.skip("the market is above it")
        assert isinstance(fact, OrderRejected), fact


# ------------------------------------------------------------------------------------------------------------ pauses
@pytest.mark.parametrize(("fault", "kind"), [("rate_limit", ErrorClass.RETRY_LATER), ("ban", ErrorClass.BANNED)])
async def test_after_the_venues_word_nothing_is_sent_until_its_time_is_over(fault: str, kind: ErrorClass) -> None:
    async with at_emulator("binance") as bench:
        bench.fault(fault, path="/api/v3/account", ms=30_000)
        first = await bench.gateway.get_balances()
        assert isinstance(first, Failed)
        assert first.kind is kind
        assert first.retry_at > bench.front.timeline.now + 20 * NS_PER_S
        assert not bench.front.exchange.open_orders()
        (fact,) = await bench.gateway.place_order(order("binance", "k-1-1"))
        assert isinstance(fact, OrderRejected), "it was not sent"
        cancel = await bench.gateway.get_order_book("BTC-USDT")
        assert isinstance(cancel, Failed)
        assert cancel.code == "not sent"
        assert not bench.front.exchange.orders


# ------------------------------------------------------------------------------------------------------------ streams
async def test_an_order_that_comes_and_ends_between_two_questions_is_told() -> None:
    async with at_emulator("binance") as bench:
        told: list[Any] = []
        stream = bench.gateway.user_stream(told.append)
        await stream.start()
        await bench.gateway.place_order(order("binance", "k-1-1"))
        await bench.gateway.cancel_order(CancelRequested("k-1-1", "test"))

        def ended() -> bool:
            return any(
                isinstance(fact, OrderCancelled | OrderReport)
                and fact.order_id == "k-1-1"
                and getattr(fact, "status", OrderStatus.CANCELLED) is OrderStatus.CANCELLED
                for fact in told
            )

        await until(ended)
        await stream.stop()
        assert [fact.up for fact in told if isinstance(fact, StreamStatus)][-1] is False


async def test_a_stream_that_ends_by_a_bug_says_so() -> None:
    async with at_emulator("binance") as bench:
        told: list[Any] = []

        def broken(fact: Any) -> None:
            told.append(fact)
            if isinstance(fact, Fill):
                raise RuntimeError("a bug of ours")  # noqa: TRY004  (it is no type that is wrong)

        stream = bench.gateway.user_stream(broken)
        await stream.start()
        await sell(bench, "binance", "k-1-1")
        await until(lambda: any(isinstance(fact, StreamStatus) and not fact.up for fact in told))
        with pytest.raises(RuntimeError, match="a bug of ours"):
            await stream.stop()


async def test_a_message_that_cannot_be_read_ends_the_connection_and_is_told() -> None:
    """ccxt leaves such a connection open and reads it no more."""
    async with at_emulator("coinbase") as bench:
        told: list[Any] = []
        stream = bench.gateway.market_stream([Subscription("book", "BTC-USD")], told.append)
        await stream.start()
        plain = bench.gateway._connection.streams.handle_message

        def broken(client: Any, message: Any) -> None:
            client.on_message_callback = plain
            raise KeyError("a field that was always there")

        for client in bench.gateway._connection.streams.clients.values():
            client.on_message_callback = broken
        for market in bench.front.exchange.markets.values():
            market.frozen = False
        await until(lambda: [fact.up for fact in told if isinstance(fact, StreamStatus)] == [True, False, True])
        await stream.stop()


async def test_what_was_closed_stays_closed() -> None:
    """ccxt opens a session for whatever it still has under way; nobody would close it."""
    async with at_emulator("binance") as bench:
        connection = bench.gateway._connection
        await bench.gateway.close()
        answer = await bench.gateway.get_order_book("BTC-USDT")
        assert isinstance(answer, Failed)
        assert answer.code == "not sent"
        (fact,) = await bench.gateway.place_order(order("binance", "k-1-1"))
        assert isinstance(fact, OrderRejected), "it never left, and nobody need ask about it"
        assert [each.session for each in (connection.trading, connection.exits, connection.streams)] == [None] * 3


async def test_a_market_where_nobody_trades_does_not_hold_up_the_start() -> None:
    async with at_emulator("binance") as bench:
        bench.fault("disconnect")
        told: list[Any] = []
        stream = bench.gateway.market_stream([Subscription("trades", "BTC-USDT")], told.append)
        bench.gateway._connection.streams.urls["api"]["ws"]["spot"] = "ws://127.0.0.1:1/ws"
        await stream.start()
        assert [fact.up for fact in told if isinstance(fact, StreamStatus)] == [False]
        await stream.stop()
