"""The streams: market and account, against the emulator, with what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from kedge.model.errors import UserError, VenueError
from kedge.model.facts import (
    Fact,
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    StreamStatus,
)
from kedge.model.instant import NS_PER_S
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues.emulator.faults import Fault
from kedge.venues.gateway import Subscription
from kedge.venues.hyperliquid.names import Names
from kedge.venues.hyperliquid.protocol import streams
from kedge.venues.hyperliquid.protocol.assets import AssetTable
from kedge.venues.hyperliquid.shell import HyperliquidGateway
from kedge.venues.hyperliquid.talk import UserTalk
from tests.venues.hyperliquid.test_orders import BTC as BTC_ASSET
from tests.venues.hyperliquid.world import BTC, HYPE_SPOT, World, cancel, d, listening, order, play

MINUTE = 60 * NS_PER_S
EVERYTHING = [
    Subscription("book", BTC),
    Subscription("quotes", BTC),
    Subscription("trades", BTC),
    Subscription("candles", BTC, MINUTE),
    Subscription("mark", BTC),
    Subscription("funding", BTC),
    Subscription("mark", HYPE_SPOT),
]


def of(facts: list[Fact], kind: type) -> list[Fact]:
    return [fact for fact in facts if type(fact) is kind]


def test_the_market_as_facts() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        facts: list[Fact] = []
        stream = gateway.market_stream(EVERYTHING, facts.append)
        await stream.start()
        await asyncio.sleep(130)
        kinds = Counter(type(fact) for fact in facts)
        assert set(kinds) == {OrderBook, Quote, Trade, Candle, MarkPrice, FundingRate, StreamStatus}
        down = [fact.reason for fact in facts if isinstance(fact, StreamStatus) and not fact.up]
        assert down == ["resynchronizing"]  # how every book begins
        books = of(facts, OrderBook)
        assert len(books) > 100
        assert {len(fact.bids) for fact in books if isinstance(fact, OrderBook)} == {20}
        bars = [fact for fact in facts if isinstance(fact, Candle)]
        assert [bar.ts for bar in bars] == sorted({bar.ts for bar in bars})
        assert all(bar.received >= bar.ts + MINUTE for bar in bars)
        assert len(bars) == 2
        assert {fact.symbol for fact in facts if isinstance(fact, MarkPrice)} == {BTC, HYPE_SPOT}
        await stream.stop()

    play(scene)


def test_a_minute_without_trades_still_closes_its_candle() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        facts: list[Fact] = []
        stream = gateway.market_stream([Subscription("candles", BTC, MINUTE), Subscription("mark", BTC)], facts.append)
        await stream.start()
        await asyncio.sleep(5)
        world.freeze()
        await asyncio.sleep(70)
        (bar,) = of(facts, Candle)
        assert isinstance(bar, Candle)
        assert bar.ts + MINUTE < bar.received < bar.ts + MINUTE + 10 * NS_PER_S
        await stream.stop()

    play(scene)


def test_only_what_is_wanted_is_told() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        facts: list[Fact] = []
        stream = gateway.market_stream([Subscription("funding", BTC)], facts.append)
        await stream.start()
        await asyncio.sleep(5)
        assert {type(fact) for fact in facts} == {FundingRate, StreamStatus}
        await stream.stop()
        for bad in (Subscription("book", "DOGE-USD"), Subscription("depth", BTC), Subscription("candles", BTC, 7)):
            with pytest.raises((UserError, VenueError)):
                gateway.market_stream([bad], facts.append)

    play(scene)


def test_h35_a_book_that_falls_silent_is_down_though_pings_are_answered() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        facts: list[Fact] = []
        stream = gateway.market_stream([Subscription("book", BTC), Subscription("trades", BTC)], facts.append)
        await stream.start()
        await asyncio.sleep(5)
        world.fault(Fault.SILENCE, channel="l2Book", count=0)
        await asyncio.sleep(40)
        last = [fact for fact in facts if isinstance(fact, StreamStatus) and fact.channel == "book"][-1]
        assert not last.up
        assert "silent" in last.reason
        world.front.faults.clear()
        await asyncio.sleep(30)
        last = [fact for fact in facts if isinstance(fact, StreamStatus) and fact.channel == "book"][-1]
        assert last.up
        await stream.stop()

    play(scene)


def test_a_quiet_account_stays_connected_by_pings() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        stream = await listening(world, gateway)
        world.freeze()
        await asyncio.sleep(200)
        assert [fact.up for fact in world.facts if isinstance(fact, StreamStatus)] == [True]
        await stream.stop()

    play(scene)


def test_orders_and_fills_under_our_names() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        stream = await listening(world, gateway)
        bid = world.best("BTC", asks=False)
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", bid - 5))
        await gateway.place_order(order("kedge-1-2", Side.BUY, "0.01", bid - 500))
        world.push("BTC", bid - 50)
        await gateway.cancel_order(cancel("kedge-1-2"))
        await asyncio.sleep(1)
        told = [fact for fact in world.facts if not isinstance(fact, StreamStatus)]
        assert [(type(fact), fact.order_id) for fact in told] == [  # type: ignore[union-attr]
            (OrderAccepted, "kedge-1-1"),
            (OrderAccepted, "kedge-1-2"),
            (Fill, "kedge-1-1"),
            (OrderReport, "kedge-1-1"),
            (OrderCancelled, "kedge-1-2"),
        ]
        await stream.stop()

    play(scene)


def test_a_refusal_is_told_once() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        stream = await listening(world, gateway)
        facts = list(await gateway.place_order(order("kedge-1-1", Side.BUY, "1000", 50000)))
        await asyncio.sleep(1)
        told = [fact for fact in [*facts, *world.facts] if isinstance(fact, OrderRejected)]
        assert len(told) == 1
        await stream.stop()

    play(scene)


def test_a_trigger_order_that_is_refused_when_it_fires_has_expired() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        stream = await listening(world, gateway)
        bid = world.best("BTC", asks=False)
        stop = order("kedge-1-1", Side.SELL, "0.1", order_type=OrderType.STOP, stop_price=bid - 100, reduce_only=True)
        await gateway.place_order(stop)
        world.push("BTC", bid - 200)
        await asyncio.sleep(3)
        kinds = [type(fact).__name__ for fact in world.facts if getattr(fact, "order_id", "") == "kedge-1-1"]
        assert kinds == ["OrderAccepted", "OrderExpired"]
        await stream.stop()

    play(scene)


def test_h10_what_happened_while_the_stream_was_down_is_told_once() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        stream = await listening(world, gateway)
        bid = world.best("BTC", asks=False)
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", bid - 5))
        await gateway.place_order(order("kedge-1-2", Side.BUY, "0.01", bid - 900))
        await asyncio.sleep(1)
        world.fault(Fault.HALF_OPEN, ms=120_000)
        await asyncio.sleep(1)
        world.push("BTC", bid - 50)
        await asyncio.sleep(150)
        fills = [fact for fact in world.facts if isinstance(fact, Fill)]
        assert [fill.order_id for fill in fills] == ["kedge-1-1"]
        ups = [fact.up for fact in world.facts if isinstance(fact, StreamStatus)]
        assert ups == [True, False, True]
        place = world.facts.index(fills[0])
        assert any(isinstance(fact, StreamStatus) and fact.up for fact in world.facts[place:])
        reports = [fact for fact in world.facts if isinstance(fact, OrderReport) and fact.order_id == "kedge-1-2"]
        assert reports[-1].status is OrderStatus.OPEN
        await stream.stop()

    play(scene)


def test_h10_what_the_snapshot_keeps_back_is_asked_for() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        stream = await listening(world, gateway)
        bid = world.best("BTC", asks=False)
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", bid - 5))
        await asyncio.sleep(1)
        world.fault(Fault.SILENCE, channel="userFills", count=0)
        world.push("BTC", bid - 50)
        await asyncio.sleep(60)
        assert not [fact for fact in world.facts if isinstance(fact, Fill)]
        world.fault(Fault.DISCONNECT)
        await asyncio.sleep(20)
        (fill,) = [fact for fact in world.facts if isinstance(fact, Fill)]
        assert fill.order_id == "kedge-1-1"
        await stream.stop()

    play(scene)


def test_a_fill_without_a_client_id_is_known_by_its_number() -> None:
    names = Names()
    names.bind("kedge-1-1", 77)
    assert names.of(77, "") == "kedge-1-1"
    assert names.of(78, "") == ""


def test_h11_a_snapshot_repeats_nothing_and_tells_nothing_of_before() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", worst=world.best("BTC", asks=True)))
        await asyncio.sleep(10)
        stream = await listening(world, gateway)
        assert not [fact for fact in world.facts if isinstance(fact, Fill)]
        await gateway.place_order(order("kedge-1-2", Side.SELL, "0.01", worst=world.best("BTC", asks=False)))
        for _ in range(3):
            world.fault(Fault.DISCONNECT)
            await asyncio.sleep(20)
        fills = [fact for fact in world.facts if isinstance(fact, Fill)]
        assert [fill.order_id for fill in fills] == ["kedge-1-2"]
        await stream.stop()

    play(scene)


def test_h22_an_order_that_is_not_ours_is_nobodys() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        stream = await listening(world, gateway)
        world.now()
        other = {"a": 0, "b": True, "p": "70000", "s": "0.01", "r": False, "t": {"limit": {"tif": "Ioc"}}}
        world.venue.trading.act({"type": "order", "orders": [other], "grouping": "na"})
        await asyncio.sleep(1)
        names = {fact.order_id for fact in world.facts if isinstance(fact, Fill | OrderReport)}
        assert names == {"hyperliquid:1000001"}
        await stream.stop()

    play(scene)


def test_an_unknown_word_that_ends_an_order_ends_it_and_any_other_is_an_error() -> None:
    table = AssetTable([BTC_ASSET])
    talk = UserTalk("0x" + "0" * 40, table, Names(), 0)
    entry = (
        '{"channel":"orderUpdates","data":[{"order":{"coin":"BTC","side":"B","limitPx":"1","sz":"0.4","oid":7,'
        '"timestamp":1764843090519,"origSz":"1.0"},"status":"%s","statusTimestamp":1764843090520}]}'
    )
    (ended,) = talk.hear(entry % "newRegulationCanceled", 1).facts
    assert isinstance(ended, OrderCancelled)
    assert (ended.filled, ended.reason) == (d("0.6"), "newRegulationCanceled")
    (part,) = talk.hear(entry % "filled", 1).facts
    assert isinstance(part, OrderExpired)
    assert part.filled == d("0.6")
    with pytest.raises(VenueError, match="sleeping"):
        talk.hear(entry % "sleeping", 1)


def test_what_is_no_message_is_an_error() -> None:
    table = AssetTable([BTC_ASSET])
    messages: list[Any] = [{}, [], None, {"channel": "dreams"}, {"channel": "l2Book", "data": {}}]
    for message in [*messages, {"channel": "trades", "data": [1]}]:
        with pytest.raises(VenueError):
            streams.read(message, table, lambda oid, cloid: "", 1)
