"""Requests without an answer: what the gateway says, and that it ends in the venue's truth and nothing else (H1-H4)."""

from __future__ import annotations

import asyncio

import pytest

from kedge.model.decisions import Approved
from kedge.model.facts import CancelRejected, Fill, OrderCancelled, OrderRejected, OrderReport, OutcomeUnknown
from kedge.model.instant import NS_PER_MS
from kedge.model.order import OrderStatus, Side
from kedge.venues.emulator.faults import Fault
from kedge.venues.emulator.wire import Request
from kedge.venues.hyperliquid.shell import HyperliquidGateway
from kedge.venues.wire.memory import Fault as NetFault
from kedge.venues.wire.memory import FaultKind
from tests.venues.hyperliquid.world import World, cancel, d, order, play, query, whole

ID = "kedge-1-1"


def resting(world: World, order_id: str = ID) -> Approved:
    return order(order_id, Side.BUY, "0.01", world.best("BTC", asks=False) - 1000)


async def place(world: World, gateway: HyperliquidGateway, kind: FaultKind) -> None:
    world.network.faults.append(NetFault(kind, "/exchange"))
    (fact,) = await gateway.place_order(resting(world))
    assert isinstance(fact, OutcomeUnknown), fact


@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.RESET_AFTER])
def test_h01_an_order_that_acted_is_found(kind: FaultKind) -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await place(world, gateway, kind)
        (reported,) = await gateway.query_order(query(ID))
        assert isinstance(reported, OrderReport)
        assert reported.status is OrderStatus.OPEN
        assert len(world.venue.book.orders) == 1
        (ended,) = await gateway.cancel_order(cancel(ID))
        assert isinstance(ended, OrderCancelled)

    play(scene)


@pytest.mark.parametrize("kind", [FaultKind.DROP_BEFORE, FaultKind.RESET_BEFORE])
def test_h01_an_order_that_never_came_never_will(kind: FaultKind) -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await place(world, gateway, kind)
        lost = [request for request in world.requests if request.url.endswith("/exchange")]
        assert lost == []
        (ended,) = await gateway.query_order(query(ID))
        assert isinstance(ended, OrderRejected)
        assert "burnt" in ended.reason
        assert world.venue.book.orders == {}

    play(scene)


def test_a_request_that_comes_late_finds_its_nonce_burnt() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await place(world, gateway, FaultKind.DROP_BEFORE)
        envelope = gateway._names.know(ID).envelope
        assert envelope is not None
        await gateway.query_order(query(ID))
        answer = world.venue.http(_post(envelope.body))
        assert b"duplicate nonce" in answer.body
        assert world.venue.book.orders == {}

    play(scene)


def test_the_same_bytes_act_once() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await place(world, gateway, FaultKind.DROP_AFTER)
        envelope = gateway._names.know(ID).envelope
        assert envelope is not None
        assert b"duplicate nonce" in world.venue.http(_post(envelope.body)).body
        assert len(world.venue.book.orders) == 1

    play(scene)


def test_h04_not_found_right_after_is_no_proof() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.fault(Fault.STALE, path="/info", ms=5_000, count=0)
        await place(world, gateway, FaultKind.RESET_AFTER)
        for _ in range(3):  # the nonce was used: it did come, and is still to be told of
            (fact,) = await gateway.query_order(query(ID))
            assert isinstance(fact, OutcomeUnknown)
            await asyncio.sleep(0.5)
        await asyncio.sleep(5)
        (reported,) = await gateway.query_order(query(ID))
        assert isinstance(reported, OrderReport)
        assert reported.status is OrderStatus.OPEN

    play(scene)


def test_without_the_nonce_only_time_and_two_pages_help() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        """Another process sent it, or nobody did."""
        for _ in range(4):
            (fact,) = await gateway.query_order(query(ID))
            assert isinstance(fact, OutcomeUnknown)
            await asyncio.sleep(4)
        await asyncio.sleep(10)
        world.fault(Fault.ERROR, path="/info", count=1, status=503)
        (fact,) = await gateway.query_order(query(ID))
        assert isinstance(fact, OutcomeUnknown)
        (ended,) = await gateway.query_order(query(ID))
        assert isinstance(ended, OrderRejected)
        (again,) = await gateway.query_order(query(ID))
        assert isinstance(again, OrderReport)
        assert again.status is OrderStatus.REJECTED

    play(scene)


def test_h02_a_network_that_fails_ends_no_order() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await place(world, gateway, FaultKind.DROP_AFTER)
        world.network.names_down = True
        for _ in range(10):
            (fact,) = await gateway.query_order(query(ID))
            assert isinstance(fact, OutcomeUnknown)
            await asyncio.sleep(15)
        world.network.names_down = False
        (reported,) = await gateway.query_order(query(ID))
        assert isinstance(reported, OrderReport)
        assert reported.status is OrderStatus.OPEN

    play(scene)


def test_what_was_not_sent_did_not_happen() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.network.names_down = True
        (fact,) = await gateway.place_order(resting(world))
        assert isinstance(fact, OrderRejected)
        assert "not sent" in fact.reason

    play(scene)


def test_h13_a_cancel_that_came_too_late_says_nothing_of_the_order() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        bid = world.best("BTC", asks=False)
        await gateway.place_order(order(ID, Side.BUY, "0.01", bid - 5))
        world.push("BTC", bid - 50)
        (fact,) = await gateway.cancel_order(cancel(ID))
        assert isinstance(fact, CancelRejected)
        fill, reported = await gateway.query_order(query(ID))
        assert isinstance(fill, Fill)
        assert isinstance(reported, OrderReport)
        assert (reported.status, reported.filled) == (OrderStatus.FILLED, d("0.01"))

    play(scene)


def test_h14_a_cancelled_order_comes_with_what_it_filled() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        ask = world.best("ETH", asks=True)
        size = world.venue.exchange.tapes["ETH"].asks[ask]
        facts = await gateway.place_order(order(ID, Side.BUY, size + 1, ask, symbol="ETH-USD"))
        assert any(isinstance(fact, Fill) for fact in facts)
        fill, ended = await gateway.cancel_order(cancel(ID))
        assert isinstance(fill, Fill)
        assert isinstance(ended, OrderCancelled)
        assert ended.filled == fill.quantity == size

    play(scene)


def test_a_cancel_without_an_answer_is_unknown_and_then_known() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await gateway.place_order(resting(world))
        world.network.faults.append(NetFault(FaultKind.DROP_AFTER, "/exchange"))
        (fact,) = await gateway.cancel_order(cancel(ID))
        assert isinstance(fact, OutcomeUnknown)
        (reported,) = await gateway.query_order(query(ID))
        assert isinstance(reported, OrderReport)
        assert reported.status is OrderStatus.CANCELLED

    play(scene)


def test_an_answer_that_is_garbage_is_unknown_and_counted() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.fault(Fault.ERROR, path="/exchange", status=200, message="", executed=True)
        (fact,) = await gateway.place_order(resting(world))
        assert isinstance(fact, OutcomeUnknown)
        assert gateway._desk.caller.breaches == {"action order": 1}
        (reported,) = await gateway.query_order(query(ID))
        assert isinstance(reported, OrderReport)

    play(scene)


@pytest.mark.parametrize("executed", [False, True])
def test_a_5xx_is_unknown_whether_it_acted_or_not(executed: bool) -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.fault(Fault.ERROR, path="/exchange", status=502, executed=executed)
        (fact,) = await gateway.place_order(resting(world))
        assert isinstance(fact, OutcomeUnknown)
        (then,) = await gateway.query_order(query(ID))
        assert isinstance(then, OrderReport if executed else OrderRejected)

    play(scene)


def test_a_late_request_does_nothing() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await place(world, gateway, FaultKind.DROP_BEFORE)
        envelope = gateway._names.know(ID).envelope
        assert envelope is not None
        assert envelope.expires_after is not None
        await asyncio.sleep(11)
        assert b"expired" in world.venue.http(_post(envelope.body)).body
        assert world.venue.book.orders == {}

    play(scene)


def test_a_clock_that_is_off_lets_exits_pass_and_nothing_else() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.1", worst=world.best("BTC", asks=True)))
        world.clock.offset_ns = 5_000_000_000
        await gateway.get_clock()
        (fact,) = await gateway.place_order(order("kedge-1-2", Side.BUY, "0.1", worst=world.best("BTC", asks=True)))
        assert isinstance(fact, OrderRejected)
        assert "clock" in fact.reason
        facts = await gateway.place_order(
            order("kedge-1-3", Side.SELL, "0.1", worst=world.best("BTC", asks=False), reduce_only=True)
        )
        assert any(isinstance(fact, Fill) for fact in facts)
        assert whole(await gateway.get_positions()) == ()

    play(scene)


def test_429_stops_new_orders_and_says_until_when() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.fault(Fault.RATE_LIMIT, path="/exchange")
        (fact,) = await gateway.place_order(resting(world))
        assert isinstance(fact, OrderRejected)
        sent = len(world.requests)
        (fact,) = await gateway.place_order(resting(world, "kedge-1-2"))
        assert isinstance(fact, OrderRejected)
        assert "stopped" in fact.reason
        assert len(world.requests) == sent

    play(scene)


def _post(body: bytes) -> Request:

    return Request("POST", "/exchange", body=body)


def test_h08_an_order_that_was_sent_is_not_sent_again() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        wanted = resting(world)
        await gateway.place_order(wanted)
        (again,) = await gateway.place_order(wanted)
        assert isinstance(again, OrderReport)
        assert again.status is OrderStatus.OPEN
        assert len(world.venue.book.orders) == 1

    play(scene)


def test_h09_a_nonce_that_another_used_first_is_no_refusal() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        """Two processes with one key: which of the two requests acted, the answer does not say."""
        world.now()
        at_ms = (world.front.timeline.now // NS_PER_MS) + 10  # when the request will be signed
        for nonce in range(at_ms - 20, at_ms + 20):
            world.venue.nonces.take(world.keys["agent_address"], nonce, world.front.timeline.now)
        (fact,) = await gateway.place_order(resting(world))
        assert isinstance(fact, OutcomeUnknown)
        assert "duplicate nonce" in fact.reason
        await asyncio.sleep(25)
        (ended,) = await gateway.query_order(query(ID))
        assert isinstance(ended, OrderRejected)
        assert world.venue.book.orders == {}

    play(scene)


def test_what_an_answer_costs_by_its_length_is_counted() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        limiter = gateway._desk.caller.limiter
        for n in range(25):
            await gateway.place_order(order(f"kedge-1-{n}", Side.BUY, "0.001", world.best("BTC", asks=True)))
        await asyncio.sleep(61)
        begun = limiter.used("weight")
        fills = whole(await gateway.get_fills_since("", 0))
        assert len(fills) == 25
        assert limiter.used("weight") - begun == 20 + 25 // 20

    play(scene)
