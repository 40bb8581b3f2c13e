"""Amending at Binance: what is sent, what each answer means, and what is told of an amendment by anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
from msgspec import structs

from kedge.core.orders.inflight import OrdersInFlight
from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import UserError, VenueError
from kedge.model.facts import (
    AmendRejected,
    Fill,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
    VenueFact,
)
from kedge.model.order import OrderStatus, OrderType
from kedge.venues.binance.protocol import orders, reports
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.requests import Purpose
from kedge.venues.wire.memory import Fault, FaultKind
from tests.venues.binance.emulated import Emulated, order, play, whole
from tests.venues.binance.test_streams import listening

D = Decimal
SPOT, USDM = Product.SPOT, Product.USDM
BOTH = pytest.mark.parametrize("product", Product)
LOW = "55000"
PATH = {SPOT: "/api/v3/order/amend/keepPriority", USDM: "/fapi/v1/order"}


def other(product: Product) -> Approved:
    """Terms that either product can give an order for 0.01 at 55,000."""
    return order(1, quantity="0.006", price=LOW if product is SPOT else "55100")


def terms(facts: Sequence[VenueFact]) -> list[tuple[str, str]]:
    return [(str(each.quantity), str(each.price)) for each in facts if isinstance(each, OrderAmended)]


def kinds(facts: Sequence[VenueFact]) -> list[type]:
    return [type(fact) for fact in facts]


async def ask(venue: Emulated, number: int = 1) -> Sequence[VenueFact]:
    return await venue.gateway.query_order(QueryRequested(f"exam-1-{number}", "a test"))


async def by_somebody(venue: Emulated, product: Product, **params: str) -> None:
    """Another process of the account amends our first order."""
    raw = await venue.gateway.get_open_orders("BTC-USD")
    exchange_id = next(each.exchange_id for each in whole(raw))
    intent = other(product).intent
    call = orders.amend(product, "BTCUSDT", {"orderId": exchange_id}, intent)
    call = structs.replace(call, params={**call.params, **params})
    call.params.update({name: value for name, value in params.items() if value})
    call = structs.replace(call, params={name: value for name, value in call.params.items() if value})
    read = reports.amended if product is SPOT else reports.order_state
    whole(await venue.gateway.session.ask(call, read))


# what is sent --------------------------------------------------------------------------------------------------------


@BOTH
def test_what_is_sent_names_the_order_and_both_terms(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        accepted = (await venue.gateway.place_order(order(1, price=LOW)))[0]
        assert isinstance(accepted, OrderAccepted)
        facts = await venue.gateway.amend_order(other(product))
        sent = [each for each in venue.requests if each.method == "PUT"]
        assert [each.url.endswith(PATH[product]) for each in sent] == [True]
        told = {name: value[0] for name, value in parse_qs((sent[0].body or b"").decode()).items()}
        assert told["orderId"] == accepted.exchange_id
        if product is SPOT:
            assert (told["newQty"], told["newClientOrderId"]) == ("0.006", "exam-1-1")
            assert "price" not in told
        else:
            assert (told["side"], told["quantity"], told["price"]) == ("BUY", "0.006", "55100")
        assert kinds(facts) == [OrderAmended, OrderReport]
        assert all(fact.received for fact in facts)
        (listed,) = whole(await venue.gateway.get_open_orders())
        assert (listed.order_id, listed.exchange_id) == ("exam-1-1", accepted.exchange_id)
        assert kinds(await ask(venue)) == [OrderReport], "terms that were told are not told again"

    play(product, scene)


def test_an_amendment_of_futures_counts_as_an_order_and_one_of_spot_does_not() -> None:
    intent = order(1, price=LOW).intent
    futures, spot = (orders.amend(product, "BTCUSDT", {"orderId": "1"}, intent) for product in (USDM, SPOT))
    assert (futures.weight, futures.orders, futures.purpose) == (1, 1, Purpose.ORDER)
    assert (spot.weight, spot.orders, spot.purpose) == (4, 0, Purpose.ORDER)
    exit_only = structs.replace(intent, reduce_only=True)
    assert orders.amend(USDM, "BTCUSDT", {"orderId": "1"}, exit_only).purpose is Purpose.EXIT
    with pytest.raises(UserError, match="cannot be modified"):
        orders.amend(SPOT, "BTCUSDT", {"orderId": "1"}, order(1).intent)


@BOTH
def test_what_cannot_be_amended_is_not_sent(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        await gateway.place_order(order(1, price=LOW))
        bad = [
            order(77, price=LOW),
            order(1, quantity="0.006", price=LOW, symbol="ETH-USD"),
            order(1, quantity="0.006"),
            order(1, quantity="0", price=LOW),
            order(1, quantity="0.006", price=LOW, stop_price=D(54_000), order_type=OrderType.STOP_LIMIT),
        ]
        if product is SPOT:
            bad += [order(1, quantity="0.006", price="55001"), order(1, quantity="0.01", price=LOW)]
        before = len([each for each in venue.requests if each.method == "PUT"])
        for approved in bad:
            (refused,) = await gateway.amend_order(approved)
            assert isinstance(refused, AmendRejected), refused
            assert refused.reason.startswith("not sent: ")
        venue.clock.offset_ns += 5 * 10**9  # our wall clock steps
        (refused,) = await gateway.amend_order(other(product))
        assert isinstance(refused, AmendRejected)
        assert len([each for each in venue.requests if each.method == "PUT"]) == before
        (listed,) = whole(await gateway.get_open_orders())
        assert (listed.quantity, listed.price) == (D("0.01"), D(LOW))

    play(product, scene)


def test_a_conditional_order_is_not_amended() -> None:
    async def scene(venue: Emulated) -> None:
        stop = order(1, side="sell", price="54000", stop_price=D(54_500), order_type=OrderType.STOP_LIMIT)
        await venue.gateway.place_order(stop)
        (refused,) = await venue.gateway.amend_order(order(1, side="sell", price="53000"))
        assert isinstance(refused, AmendRejected)
        assert "conditional" in refused.reason

    play(USDM, scene)


# what the answers mean -----------------------------------------------------------------------------------------------


def test_futures_end_an_order_whose_quantity_has_filled_or_that_would_take() -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW, post_only=True))
        facts = await venue.gateway.amend_order(order(1, price="62000", post_only=True))
        assert kinds(facts) == [OrderCancelled], "it was cancelled, and has no new terms"
        assert [each.status for each in await ask(venue) if isinstance(each, OrderReport)] == [OrderStatus.CANCELLED]
        assert terms(await ask(venue)) == []

    play(USDM, scene)


@BOTH
def test_terms_that_it_has_already_are_refused_and_it_works_on(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW))
        facts = await venue.gateway.amend_order(order(1, price=LOW))
        assert isinstance(facts[0], AmendRejected)
        if product is USDM:
            assert "-5027" in facts[0].reason
            assert kinds(facts) == [AmendRejected, OrderReport], "asked in the same breath"

    play(product, scene)


@BOTH
def test_an_order_that_ended_meanwhile_is_asked_about_in_the_same_breath(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price="59000"))
        venue.market("BTCUSDT", price="58900")
        facts = await venue.gateway.amend_order(
            order(1, quantity="0.006", price="59000" if product is SPOT else "58000")
        )
        assert kinds(facts) == [AmendRejected, Fill, OrderReport]
        assert isinstance(facts[-1], OrderReport)
        assert facts[-1].status is OrderStatus.FILLED

    play(product, scene)


@BOTH
@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_every_outcome_that_is_not_known_is_in_doubt(product: Product, fault: str) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW))
        venue.fault(fault, path=PATH[product])
        facts = await venue.gateway.amend_order(other(product))
        assert kinds(facts) == [OutcomeUnknown], facts
        again = await venue.gateway.amend_order(other(product))
        assert isinstance(again[0], AmendRejected), "one doubt at a time"
        assert "no answer yet" in again[0].reason
        happened = fault == "drop_after"
        assert kinds(await ask(venue)) == ([OrderAmended, OrderReport] if happened else [OutcomeUnknown])
        await asyncio.sleep(20)
        assert kinds(await ask(venue)) == ([OrderReport] if happened else [AmendRejected, OrderReport])
        facts = await venue.gateway.amend_order(order(1, quantity="0.005", price=LOW))
        assert kinds(facts) == [OrderAmended, OrderReport], "and then it can be amended again"

    play(product, scene)


@BOTH
def test_the_core_leaves_its_doubt_when_the_venue_is_asked(product: Product) -> None:
    """A lost amendment that never happened: the order was last changed long before the doubt, and is known all the same."""

    async def scene(venue: Emulated) -> None:
        book = OrdersInFlight()
        approved = order(1, price=LOW)
        book.send(approved.intent, venue.clock.now_ns())

        def fold(facts: Sequence[VenueFact]) -> list[str]:
            fold_of: dict[type, Callable[[Any, int], str]] = {
                OrderAccepted: book.accepted, OrderAmended: book.amended, AmendRejected: book.amend_rejected,
                OutcomeUnknown: book.outcome_unknown, OrderReport: book.reported,
            }  # fmt: skip
            return [odd for fact in facts if (odd := fold_of[type(fact)](fact, venue.clock.now_ns()))]

        fold(await venue.gateway.place_order(approved))
        await asyncio.sleep(5)
        venue.fault("drop_before", path=PATH[product])
        fold(await venue.gateway.amend_order(other(product)))
        assert book.unknown
        await asyncio.sleep(20)
        assert fold(await ask(venue)) == []
        assert not book.unknown
        (working,) = book.active.values()
        assert (working.quantity, working.status) == (D("0.01"), OrderStatus.OPEN)

    play(product, scene)


# somebody else's -----------------------------------------------------------------------------------------------------


@BOTH
def test_what_somebody_amended_is_told_by_the_stream_with_its_terms(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW))
        heard, stream = await listening(venue)
        await by_somebody(venue, product)
        await asyncio.sleep(1)
        assert terms(heard.of(OrderAmended)) == [
            ("0.00600000", "55000.00000000") if product is SPOT else ("0.006", "55100")
        ]
        assert {each.order_id for each in heard.of(OrderAmended)} == {"exam-1-1"}
        assert terms(await ask(venue)) == [], "told by the stream, it is not told again"
        await stream.stop()

    play(product, scene)


@BOTH
def test_a_push_that_an_answer_has_overtaken_is_not_told(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW))
        heard, stream = await listening(venue)
        venue.fault("push_latency", ms=800)
        for quantity in ("0.008", "0.006"):
            assert terms(await venue.gateway.amend_order(order(1, quantity=quantity, price=LOW)))
            await asyncio.sleep(0.1)
        await asyncio.sleep(3)
        assert {each[0] for each in terms(heard.of(OrderAmended))} <= {"0.006", "0.00600000"}
        assert kinds(await ask(venue)) == [OrderReport]
        await stream.stop()

    play(product, scene)


@BOTH
def test_what_somebody_amended_while_the_stream_was_down_is_told_before_its_fills(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price="59000"))
        await venue.gateway.place_order(order(2, price=LOW))
        heard, stream = await listening(venue)
        venue.network.faults.append(Fault(FaultKind.REFUSE, "ws", times=3))
        venue.fault("disconnect")
        await asyncio.sleep(0.1)
        await by_somebody(venue, product, price="" if product is SPOT else "59100")
        venue.market("BTCUSDT", price="58900")
        await asyncio.sleep(30)
        assert heard.statuses("user") == [True, False, True]
        told = [fact for fact in heard.facts if getattr(fact, "order_id", "") == "exam-1-1"]
        assert {OrderAmended, Fill} <= set(map(type, told))
        fills = heard.of(Fill)
        assert sum({each.trade_id: each.quantity for each in fills}.values()) == D("0.006")
        await stream.stop()

    play(product, scene)


def test_an_order_that_somebody_renamed_stays_ours() -> None:
    """Spot gives an amended order another client id unless it is told not to: its fills, its end and questions are ours."""

    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price="59000"))
        heard, stream = await listening(venue)
        await by_somebody(venue, SPOT, newClientOrderId="somebody-s")
        await asyncio.sleep(1)
        assert kinds(await ask(venue)) == [OrderReport]
        (listed,) = whole(await venue.gateway.get_open_orders())
        assert (listed.order_id, listed.client_id) == ("exam-1-1", "somebody-s")
        venue.market("BTCUSDT", price="58900")
        await asyncio.sleep(1)
        assert {each.order_id for each in heard.of(Fill)} == {"exam-1-1"}
        assert kinds(await ask(venue)) == [Fill, OrderReport]
        await stream.stop()

    play(SPOT, scene)


def test_an_order_that_was_renamed_unheard_is_found_by_the_venues_id_and_cancelled() -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW))
        await by_somebody(venue, SPOT, newClientOrderId="somebody-s")
        facts = await ask(venue)
        assert kinds(facts) == [OrderAmended, OrderReport]
        await venue.gateway.cancel_order(CancelRequested("exam-1-1", "a test"))
        assert whole(await venue.gateway.get_open_orders()) == ()
        assert [each.status for each in await ask(venue) if isinstance(each, OrderReport)] == [OrderStatus.CANCELLED]
        assert not [fact for fact in await ask(venue) if isinstance(fact, OrderRejected)]

    play(SPOT, scene)


@BOTH
def test_after_a_restart_the_journals_terms_are_held_against_the_venues(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        approved = order(1, price=LOW)
        await venue.gateway.place_order(approved)
        await by_somebody(venue, product)
        later = venue.new_gateway(product)
        await later.open()
        later.memory.remember(approved.intent)
        facts = await later.query_order(QueryRequested("exam-1-1", "a test"))
        assert kinds(facts) == [OrderAmended, OrderReport]
        again = venue.new_gateway(product)
        await again.open()
        facts = await again.amend_order(order(1, quantity="0.005", price=LOW if product is SPOT else "55200"))
        assert kinds(facts) == [OrderAmended, OrderReport, OrderAmended, OrderReport], (
            "first what it is, then what it became"
        )
        for gateway in (later, again):
            await gateway.close()

    play(product, scene)


def test_an_answer_without_its_parts_is_no_amendment() -> None:
    for body in (b"{}", b'{"amendedOrder":{}}', b'{"transactTime":1,"amendedOrder":{"symbol":"BTCUSDT"}}', b"[]", b""):
        with pytest.raises(VenueError):
            reports.amended(body)
