"""The gateway's streams against the emulators: sessions that end, events that get lost, channels that fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from msgspec import structs

from kedge.core.market.books import Book
from kedge.model.decisions import Approved, CancelRequested
from kedge.model.facts import Fact, Fill, OrderAccepted, OrderCancelled, OrderReport, StreamStatus
from kedge.model.market import BookDelta, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.order import OrderStatus, OrderType
from kedge.venues.binance.protocol.product import SEQUENCE_RULES, Product
from kedge.venues.gateway import Subscription
from kedge.venues.wire.memory import Fault, FaultKind
from kedge.venues.wire.virtual import START_NS
from tests.venues.binance.emulated import Emulated, order, play, whole

D = Decimal
SPOT, USDM = Product.SPOT, Product.USDM
BOTH = pytest.mark.parametrize("product", Product)
LOW = "55000"
T = TypeVar("T")


class Listener:
    """Facts as they came."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def __call__(self, fact: Fact) -> None:
        self.facts.append(fact)

    def of(self, kind: type[T]) -> list[T]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def statuses(self, channel: str) -> list[bool]:
        return [each.up for each in self.of(StreamStatus) if each.channel == channel]


async def listening(venue: Emulated) -> tuple[Listener, Any]:
    heard = Listener()
    stream = venue.gateway.user_stream(heard)
    await stream.start()
    return heard, stream


# our orders ----------------------------------------------------------------------------------------------------------


@BOTH
def test_the_user_stream_tells_what_becomes_of_an_order(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        heard, stream = await listening(venue)
        await venue.gateway.place_order(order(1, price="59000"))
        await venue.gateway.place_order(order(2, price=LOW))
        venue.market("BTCUSDT", price="58900")
        await venue.gateway.cancel_order(CancelRequested("exam-1-2", "a test"))
        await asyncio.sleep(1)
        await stream.stop()
        assert {each.order_id for each in heard.of(OrderAccepted)} == {"exam-1-1", "exam-1-2"}
        fills = heard.of(Fill)
        assert sum(each.quantity for each in fills) == D("0.01")
        assert {(each.order_id, each.liquidity.value) for each in fills} == {("exam-1-1", "maker")}
        assert [each.order_id for each in heard.of(OrderCancelled)] == ["exam-1-2"]
        asked = whole(await venue.gateway.get_fills_since("BTC-USD", venue.clock.now_ns() - 10**11))
        assert {each.trade_id for each in asked} == {each.trade_id for each in fills}
        assert [each.fee for each in asked] == [each.fee for each in fills]
        assert heard.statuses("user") == [True, False]

    play(product, scene)


@BOTH
def test_an_id_too_long_for_the_venue_is_told_as_it_is_here(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        heard, stream = await listening(venue)
        long = Approved(structs.replace(order(1).intent, id="exam-with-a-name-as-long-as-nobody-wants-it-1-1"))
        await venue.gateway.place_order(long)
        await asyncio.sleep(1)
        assert {each.order_id for each in heard.of(Fill)} == {long.intent.id}
        fills = whole(await venue.gateway.get_fills_since("BTC-USD", venue.clock.now_ns() - 10**10))
        assert {each.order_id for each in fills} == {long.intent.id}
        await stream.stop()

    play(product, scene)


@BOTH
def test_what_happened_while_the_stream_was_down_is_told_before_it_is_up(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        heard, stream = await listening(venue)
        await venue.gateway.place_order(order(1, price="59000"))
        await venue.gateway.place_order(order(2, price=LOW))
        await asyncio.sleep(1)
        venue.network.faults.append(Fault(FaultKind.REFUSE, "ws", times=3))
        venue.fault("disconnect")
        await asyncio.sleep(0.1)
        venue.market("BTCUSDT", price="58900")
        await asyncio.sleep(30)
        statuses = heard.statuses("user")
        assert statuses == [True, False, True]
        (fill,) = {each.trade_id: each for each in heard.of(Fill)}.values()
        assert (fill.order_id, fill.quantity) == ("exam-1-1", D("0.01"))
        at_fill = heard.facts.index(fill)
        ups = [n for n, fact in enumerate(heard.facts) if isinstance(fact, StreamStatus) and fact.up]
        assert at_fill < ups[-1], "told before the stream counts as up"
        reports = [each for each in heard.of(OrderReport) if each.order_id == "exam-1-2"]
        assert reports
        assert reports[-1].status is OrderStatus.OPEN
        await stream.stop()

    play(product, scene)


@BOTH
def test_a_session_that_expires_is_a_disconnection_and_a_new_session(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        heard, stream = await listening(venue)
        venue.fault("expire")
        await asyncio.sleep(20)
        assert heard.statuses("user") == [True, False, True]
        await venue.gateway.place_order(order(1))
        await asyncio.sleep(1)
        assert heard.of(Fill)
        await stream.stop()

    play(product, scene)


def test_the_listen_key_is_renewed_beyond_its_hour() -> None:
    async def scene(venue: Emulated) -> None:
        for market in venue.front.exchange.markets.values():
            market.frozen = True
        heard, stream = await listening(venue)
        await asyncio.sleep(70 * 60)
        renewals = [request for request in venue.requests if request.method == "PUT"]
        assert len(renewals) == 2
        assert heard.statuses("user") == [True]
        await venue.gateway.place_order(order(1))
        await asyncio.sleep(1)
        assert heard.of(Fill)
        await stream.stop()

    play(USDM, scene, step_s=10.0)


def test_a_renewal_that_is_refused_ends_the_session_at_once() -> None:
    async def scene(venue: Emulated) -> None:
        for market in venue.front.exchange.markets.values():
            market.frozen = True
        heard, stream = await listening(venue)
        venue.fault(
            "error", path="/fapi/v1/listenKey", status=400, code=-1125, message="This listenKey does not exist."
        )
        await asyncio.sleep(1_700)
        assert heard.statuses("user") == [True, False, True]
        await stream.stop()

    play(USDM, scene, step_s=1.0)


@BOTH
def test_a_connection_that_is_only_half_there_is_given_up(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        heard, stream = await listening(venue)
        venue.fault("half_open", ms=10**9)
        await asyncio.sleep(100)
        assert heard.statuses("user") == [True, False, True]
        await venue.gateway.place_order(order(1))
        await asyncio.sleep(1)
        assert heard.of(Fill)
        await stream.stop()

    play(product, scene)


@BOTH
@pytest.mark.parametrize("fault", ["push_duplicate", "push_reorder", "push_latency"])
def test_events_may_come_twice_late_or_out_of_order(product: Product, fault: str) -> None:
    async def scene(venue: Emulated) -> None:
        heard, stream = await listening(venue)
        venue.fault(fault, count=0, ms=700)
        for number in range(1, 5):
            await venue.gateway.place_order(order(number))
        await asyncio.sleep(3)
        fills = {each.trade_id: each for each in heard.of(Fill)}
        assert sum(each.quantity for each in fills.values()) == D("0.04")
        assert len({each.order_id for each in fills.values()}) == 4
        await stream.stop()

    play(product, scene)


def test_what_a_stop_became_is_told_as_the_stop() -> None:
    async def scene(venue: Emulated) -> None:
        heard, stream = await listening(venue)
        gateway = venue.gateway
        await gateway.place_order(order(1))
        stop = order(2, "sell", order_type=OrderType.STOP, stop_price=D("59500"), reduce_only=True)
        await gateway.place_order(stop)
        venue.market("BTCUSDT", price="59450")
        await asyncio.sleep(2)
        fills = [each for each in heard.of(Fill) if each.side == "sell"]
        assert {each.order_id for each in fills} == {"exam-1-2"}, [repr(fact) for fact in heard.facts]
        assert sum(each.quantity for each in fills) == D("0.01")
        since = whole(await gateway.get_fills_since("BTC-USD", venue.clock.now_ns() - 10**11))
        asked = [each for each in since if each.side == "sell"]
        assert {each.order_id for each in asked} == {"exam-1-2"}
        await stream.stop()
        later = venue.new_gateway(USDM)
        await later.open()
        later.memory.remember(stop.intent)
        *told, report = await later._inquiry.query("exam-1-2")
        assert isinstance(report, OrderReport)
        assert (report.status, report.filled) == (OrderStatus.FILLED, D("0.01"))
        assert {each.order_id for each in told if isinstance(each, Fill)} == {"exam-1-2"}
        await later.close()

    play(USDM, scene)


# the market ----------------------------------------------------------------------------------------------------------

ALL = {
    SPOT: ("book", "trades", "quotes"),
    USDM: ("book", "trades", "quotes", "mark"),
}


def subscriptions(product: Product, *channels: str) -> list[Subscription]:
    return [Subscription(channel, "BTC-USD") for channel in channels or ALL[product]]


class Mirror(Listener):
    """A core's book, folded from the facts while the stream says that it is up."""

    def __init__(self, product: Product) -> None:
        super().__init__()
        self.book = Book(SEQUENCE_RULES[product])
        self.up = False

    def __call__(self, fact: Fact) -> None:
        super().__call__(fact)
        if isinstance(fact, OrderBook):
            assert self.book.reset(fact.bids, fact.asks, fact.sequence) is None
        elif isinstance(fact, BookDelta):
            assert self.book.apply(fact) is None
        elif isinstance(fact, StreamStatus) and fact.channel == "book":
            self.up = fact.up

    def is_up(self) -> bool:
        """Whether the stream says that its book may be used."""
        return self.up

    async def agrees(self, venue: Emulated) -> None:
        """Our book is the venue's, as of the same update."""
        for _ in range(20):
            truth = whole(await venue.gateway.get_order_book("BTC-USD", 1_000))
            if truth.sequence == self.book.sequence:
                assert self.book.levels() == (list(truth.bids), list(truth.asks))
                return
            await asyncio.sleep(0.15)
        pytest.fail("never at the same update")


async def watching(venue: Emulated, product: Product, wanted: Sequence[Subscription]) -> tuple[Mirror, Any]:
    mirror = Mirror(product)
    stream = venue.gateway.market_stream(wanted, mirror)
    await stream.start()
    return mirror, stream


@BOTH
def test_the_book_is_the_venues_book(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        mirror, stream = await watching(venue, product, subscriptions(product))
        await asyncio.sleep(10)
        assert mirror.is_up()
        await mirror.agrees(venue)
        assert mirror.of(Trade)
        assert mirror.of(Quote)
        assert bool(mirror.of(MarkPrice)) is (product is USDM)
        await stream.stop()
        assert not mirror.is_up()

    play(product, scene)


@BOTH
def test_a_lost_change_brings_the_book_down_at_once_and_a_snapshot_up_again(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        mirror, stream = await watching(venue, product, subscriptions(product, "book"))
        await asyncio.sleep(3)
        for _ in range(3):
            venue.fault("gap", channel="depth")
            await asyncio.sleep(5)
        assert mirror.statuses("book") == [False, True] + [False, True] * 3
        await mirror.agrees(venue)
        await stream.stop()

    play(product, scene)


@BOTH
def test_one_channel_that_falls_silent_is_told_while_the_others_go_on(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        mirror, stream = await watching(venue, product, subscriptions(product, "book", "trades"))
        await asyncio.sleep(3)
        venue.fault("silence", channel="depth", count=0)
        trades = len(mirror.of(Trade))
        await asyncio.sleep(14)
        assert not mirror.is_up()
        assert len(mirror.of(Trade)) > trades
        venue.front.faults.clear()
        await asyncio.sleep(20)
        assert mirror.is_up()
        await mirror.agrees(venue)
        await stream.stop()

    play(product, scene)


@BOTH
def test_a_venue_that_announces_its_end_is_left_without_a_gap(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        mirror, stream = await watching(venue, product, subscriptions(product, "book"))
        await asyncio.sleep(3)
        venue.fault("shutdown")
        await asyncio.sleep(15)
        assert mirror.is_up()
        await mirror.agrees(venue)
        await stream.stop()

    play(product, scene)


def test_futures_streams_go_by_their_own_paths() -> None:
    async def scene(venue: Emulated) -> None:
        mirror, stream = await watching(venue, USDM, subscriptions(USDM, "book", "mark", "trades"))
        assert len(stream.feeds) == 2
        paths = {peer.url.removeprefix("ws://emulator.test") for peer in venue.network.connections}
        assert paths == {"/public/stream", "/market/stream"}
        await asyncio.sleep(4)
        assert mirror.of(MarkPrice)
        assert mirror.of(BookDelta)
        await stream.stop()

    play(USDM, scene)


def test_a_funding_rate_is_told_once_when_it_was_settled() -> None:
    async def scene(venue: Emulated) -> None:
        mirror, stream = await watching(venue, USDM, subscriptions(USDM, "mark", "funding"))
        await asyncio.sleep(60)
        (rate,) = mirror.of(FundingRate)
        (settled,) = whole(await venue.gateway.get_funding_rates("BTC-USD", rate.ts - 10**9, rate.ts + 10**9))
        assert (settled.rate, settled.ts // 10**9) == (rate.rate, rate.ts // 10**9)
        await stream.stop()

    play(USDM, scene, start_ns=START_NS + (8 * 3_600 - 40) * 10**9)
