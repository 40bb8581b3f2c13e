"""What naive clients of Hyperliquid get wrong (FACTS.md, section 3 and the tables of section 5), each shown on the emulator
and held against the gateway or its protocol.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kedge.model.facts import Fill, OrderAccepted, OrderExpired, OrderRejected, OrderReport
from kedge.model.instant import NS_PER_MS
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.model.secret import Secret
from kedge.venues.emulator.wire import Request
from kedge.venues.hyperliquid.protocol import actions, streams
from kedge.venues.hyperliquid.protocol.assets import AssetTable
from kedge.venues.hyperliquid.protocol.exchange import Sender, signed
from kedge.venues.hyperliquid.protocol.signing import Signer
from kedge.venues.hyperliquid.shell import HyperliquidGateway
from tests.venues.hyperliquid.test_orders import BTC as BTC_ASSET
from tests.venues.hyperliquid.world import BTC, IOC, World, d, listening, order, play, query, whole

NOBODY = "does not exist"


def post(world: World, action: Any, nonce: int = 0, key: str = "api_secret") -> dict[str, Any]:
    """Sign an action as it stands and send it."""
    world.now()
    nonce = nonce or world.front.timeline.now // NS_PER_MS - 60_000  # the gateway gives nonces of the moment
    envelope = signed(Sender(Signer(Secret(world.keys[key])), False), action, nonce)
    reply = world.venue.http(Request("POST", "/exchange", body=envelope.body))
    assert reply.status == 200
    told: dict[str, Any] = json.loads(reply.body)
    return told


def ask(world: World, **question: Any) -> Any:
    return json.loads(world.venue.http(Request("POST", "/info", body=json.dumps(question).encode())).body)


def limit(price: str, size: str = "0.01", **more: Any) -> dict[str, Any]:
    return {"a": 0, "b": True, "p": price, "s": size, "r": False, "t": {"limit": {"tif": "Gtc"}}, **more}


def test_1_a_trailing_zero_is_another_signer() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        wrong = post(world, actions.place([limit("50000.0")]))
        assert NOBODY in wrong["response"]
        assert world.keys["agent_address"] not in wrong["response"]
        assert post(world, actions.place([limit("50000")]))["status"] == "ok"
        (fact,) = await gateway.place_order(order("kedge-1-1", Side.BUY, "0.010", "50000.00"))
        assert isinstance(fact, OrderAccepted)

    play(scene)


def test_2_a_null_is_another_signer_and_the_order_of_keys_is_signed() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        assert NOBODY in post(world, actions.place([limit("50000", c=None)]))["response"]
        turned = dict(reversed(limit("50000").items()))
        body = json.loads(signed(_sender(world), actions.place([turned]), 1_767_225_600_001).body)
        body["action"]["orders"] = [limit("50000")]
        told = json.loads(world.venue.http(Request("POST", "/exchange", body=json.dumps(body).encode())).body)
        assert NOBODY in told["response"]
        assert "c" not in actions.order(0, True, d(1), d(1), {})

    play(scene)


def test_3_an_agent_signs_and_the_account_is_asked() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", 50000))
        agent = world.keys["agent_address"]
        assert ask(world, type="frontendOpenOrders", user=agent) == []
        assert ask(world, type="clearinghouseState", user=agent)["marginSummary"]["accountValue"] == "0.0"
        assert len(whole(await gateway.get_open_orders())) == 1
        assert all(agent.encode() not in request.body for request in world.requests if request.url.endswith("/info"))

    play(scene)


def test_4_errors_come_with_http_200_and_one_stands_for_a_batch() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        told = post(world, actions.place([limit("50000"), limit("50000.123"), limit("50001")]))
        assert told["response"]["data"]["statuses"] == [{"error": "Price must be divisible by tick size."}]
        assert ask(world, type="openOrders", user=world.keys["api_key"]) == []
        (refused,) = await gateway.place_order(order("kedge-1-1", Side.BUY, "1000", 50000))
        assert isinstance(refused, OrderRejected)

    play(scene)


def test_5_the_size_in_a_status_is_old() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        ask_ = world.best("ETH", asks=True)
        size = world.venue.exchange.tapes["ETH"].asks[ask_]
        placed = await gateway.place_order(order("kedge-1-1", Side.BUY, size + 1, ask_, symbol="ETH-USD"))
        oid = int(next(fact.exchange_id for fact in placed if isinstance(fact, OrderAccepted)))
        said = ask(world, type="orderStatus", user=world.keys["api_key"], oid=oid)["order"]
        assert (said["status"], said["order"]["sz"]) == ("open", said["order"]["origSz"])
        (_, reported) = await gateway.query_order(query("kedge-1-1"))
        assert isinstance(reported, OrderReport)
        assert (reported.status, reported.filled) == (OrderStatus.PARTIAL, size)
        (found,) = whole(await gateway.get_open_orders())
        assert (found.filled, found.quantity) == (size, size + 1)

    play(scene)


def test_6_filled_is_not_all() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        ask_ = world.best("ETH", asks=True)
        size = world.venue.exchange.tapes["ETH"].asks[ask_]
        facts = await gateway.place_order(
            order("kedge-1-1", Side.BUY, size + 5, ask_, symbol="ETH-USD", time_in_force=IOC)
        )
        assert isinstance(facts[-1], OrderExpired)
        assert facts[-1].filled == size

    play(scene)


def test_7_the_nonce_guards_against_twice_and_a_client_id_does_not() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        action = actions.place([limit("50000", c="0x" + "1" * 32)])
        nonce = 1_767_225_600_500
        assert post(world, action, nonce)["status"] == "ok"
        assert "duplicate nonce" in post(world, action, nonce)["response"]
        assert post(world, action, nonce + 1)["status"] == "ok"
        assert len(ask(world, type="openOrders", user=world.keys["api_key"])) == 2

    play(scene)


@pytest.mark.parametrize(
    ("price", "good"), [("60001", True), ("61000", True), ("60000.5", False), ("59999.1", False), ("100001", True)]
)
def test_8_five_significant_figures_and_whole_numbers_always(price: str, good: bool) -> None:
    assert BTC_ASSET.is_price(d(price)) is good

    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        (status,) = post(world, actions.place([limit(price, b=False)]))["response"]["data"]["statuses"]
        assert ("error" not in status) is good
        (fact,) = await gateway.place_order(order("kedge-1-1", Side.SELL, "0.01", price))
        assert isinstance(fact, OrderAccepted if good else OrderRejected)
        sent = [json.loads(each.body)["action"] for each in world.requests if each.url.endswith("/exchange")]
        assert len(sent) == good  # what the venue would refuse is not sent

    play(scene)


def test_9_a_book_is_always_whole_and_unnumbered() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        first = ask(world, type="l2Book", coin="BTC")
        await asyncio.sleep(2)
        world.now()
        second = ask(world, type="l2Book", coin="BTC")
        assert [len(side) for side in second["levels"]] == [20, 20]
        assert set(second) == {"coin", "time", "levels"}
        assert second["time"] > first["time"]
        book = whole(await gateway.get_order_book(BTC))
        assert (book.sequence, len(book.bids)) == (0, 20)

    play(scene)


def test_10_events_of_the_user_come_on_another_channel_and_the_greeting_is_no_json() -> None:
    table = AssetTable([BTC_ASSET])
    fill = {
        "coin": "BTC",
        "px": "1.0",
        "sz": "1.0",
        "side": "B",
        "time": 1764840678849,
        "oid": 1,
        "tid": 5,
        "fee": "0.0",
    }
    told = streams.read({"channel": "user", "data": {"fills": [fill]}}, table, lambda oid, cloid: "", 1)
    assert isinstance(told, streams.FillNews)

    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        stream = await listening(world, gateway)  # the emulator greets
        await stream.stop()

    play(scene)


def test_11_the_two_cancels_name_their_keys_differently() -> None:
    assert actions.cancel([(1, 2)])["cancels"] == [{"a": 1, "o": 2}]
    assert actions.cancel_by_cloid([(1, "0x")])["cancels"] == [{"asset": 1, "cloid": "0x"}]


def test_12_the_switch_is_the_whole_accounts_and_its_time_absolute() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        assert post(world, {"type": "scheduleCancel", "time": 10_000})["status"] == "err"
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", 50000))
        await gateway.place_order(order("kedge-1-2", Side.BUY, "1", 2000, symbol="ETH-USD"))
        await gateway.arm_dead_mans_switch(BTC, 6_000)
        await asyncio.sleep(7)
        assert whole(await gateway.get_open_orders()) == ()

    play(scene)


def test_13_triggers_look_at_the_mark_price() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.1", worst=world.best("BTC", asks=True)))
        at = world.best("BTC", asks=False) - 1000
        await gateway.place_order(
            order("kedge-1-2", Side.SELL, "0.1", order_type=OrderType.STOP, stop_price=at, reduce_only=True)
        )
        mark = world.venue.exchange.mark("BTC")
        world.venue.exchange.pinned_marks["BTC"] = mark
        world.push("BTC", at - 500)
        await asyncio.sleep(3)
        assert len(whole(await gateway.get_positions())) == 1
        del world.venue.exchange.pinned_marks["BTC"]
        await asyncio.sleep(3)
        assert whole(await gateway.get_positions()) == ()

    play(scene)


def test_14_a_malformed_body_is_the_one_error_that_is_not_200() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        for path, body in (("/info", b'{"type":"nothing"}'), ("/exchange", b"{}"), ("/exchange", b"no json")):
            reply = world.venue.http(Request("POST", path, body=body))
            assert (reply.status, reply.body) == (422, b"Failed to deserialize the JSON body into the target type")

    play(scene)


def test_15_no_fill_is_a_fill_twice() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        stream = await listening(world, gateway)
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", worst=world.best("BTC", asks=True)))
        await asyncio.sleep(1)
        told = [fact.trade_id for fact in world.facts if isinstance(fact, Fill)]
        assert len(told) == len(set(told)) == 1
        await stream.stop()

    play(scene)


def _sender(world: World) -> Sender:
    return Sender(Signer(Secret(world.keys["api_secret"])), False)
