"""Amending at Coinbase: a wish like a cancel; what the order is comes by the channel or a question."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from kedge.model.decisions import QueryRequested
from kedge.model.facts import (
    AmendRejected,
    Fact,
    Fill,
    OrderAmended,
    OrderReport,
    OutcomeUnknown,
    StreamStatus,
    VenueFact,
)
from kedge.model.instant import NS_PER_S
from kedge.model.order import OrderStatus, OrderType, TimeInForce
from kedge.venues.coinbase import orders
from kedge.venues.coinbase.values import Fields
from kedge.venues.wire.memory import FaultKind
from tests.venues.coinbase.bench import BTC, Bench, approved, on_bench

D = Decimal


def kinds(facts: Sequence[VenueFact]) -> list[type]:
    return [type(fact) for fact in facts]


def terms(facts: Sequence[Fact]) -> list[tuple[Decimal, Decimal | None]]:
    return [(each.quantity, each.price) for each in facts if isinstance(each, OrderAmended)]


async def ask(bench: Bench, order_id: str = "k-1-1") -> Sequence[VenueFact]:
    return await bench.gateway.query_order(QueryRequested(order_id, "a test"))


async def resting(bench: Bench, **more: Any) -> None:
    await bench.gateway.place_order(approved("k-1-1", **more))
    await bench.clock.sleep(1)


def test_a_taken_edit_is_no_fact_and_asking_tells_the_new_terms() -> None:
    async def test(bench: Bench) -> None:
        await resting(bench)
        assert list(await bench.gateway.amend_order(approved("k-1-1", quantity="0.02", price="50100"))) == []
        facts = await ask(bench)
        assert kinds(facts) == [OutcomeUnknown], "taken in, and not yet seen"
        await bench.clock.sleep(1)
        facts = await ask(bench)
        assert kinds(facts) == [OrderAmended, OrderReport]
        assert terms(facts) == [(D("0.02"), D(50_100))]
        assert kinds(await ask(bench)) == [OrderReport], "told once"
        (order,) = bench.orders
        assert (order.client_id, order.size, order.wish.price) == ("k-1-1", D("0.02"), D(50_100))

    on_bench(test)


def test_the_stream_tells_the_new_terms_before_the_fills_on_them() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        await resting(bench, quantity="0.02", price=bench.best(asks=False) - 20)
        price = bench.best(asks=False) - 10
        await bench.gateway.amend_order(approved("k-1-1", quantity="0.03", price=price))
        await bench.clock.sleep(1)
        assert terms(facts) == [(D("0.03"), price)]
        bench.push(price - 100)
        await bench.clock.sleep(5)
        told = [type(fact) for fact in facts if isinstance(fact, OrderAmended | Fill)]
        assert told[0] is OrderAmended
        fills = [fact for fact in facts if isinstance(fact, Fill)]
        assert sum(each.quantity for each in fills) == D("0.03")
        assert isinstance(facts[-1], OrderReport)
        assert facts[-1].status is OrderStatus.FILLED
        await stream.stop()

    on_bench(test)


def test_an_edit_by_somebody_else_is_told_by_the_stream_even_where_only_its_price_is_another() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        await resting(bench)
        (order,) = bench.orders
        assert bench.dialect.desk.edit(order.id, D(50_100), D("0.01")) == ""
        await bench.clock.sleep(1)
        assert terms(facts) == [(D("0.01"), D(50_100))]
        assert bench.dialect.desk.edit(order.id, D(50_100), D("0.04")) == ""
        await bench.clock.sleep(1)
        assert terms(facts)[1:] == [(D("0.04"), D(50_100))]
        await stream.stop()

    on_bench(test)


def test_an_edit_while_nobody_listened_is_told_before_the_stream_is_up() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        await resting(bench)
        bench.fault("disconnect")
        (order,) = bench.orders
        assert bench.dialect.desk.edit(order.id, D(50_100), D("0.04")) == ""
        await bench.clock.sleep(10)
        ups = [n for n, fact in enumerate(facts) if isinstance(fact, StreamStatus) and fact.up]
        (told,) = [n for n, fact in enumerate(facts) if isinstance(fact, OrderAmended)]
        assert len(ups) == 2
        assert told < ups[1]
        await stream.stop()

    on_bench(test)


def test_after_a_restart_the_order_is_found_and_its_terms_are_told_first() -> None:
    async def test(bench: Bench) -> None:
        await resting(bench)
        later = bench.connect()
        await later.open()
        facts = await later.amend_order(approved("k-1-1", quantity="0.02", price="50100"))
        assert kinds(facts) == [OrderAmended, OrderReport]
        assert terms(facts) == [(D("0.01"), D(50_000))], "what it is; what it becomes is not known yet"
        await bench.clock.sleep(1)
        facts = await later.query_order(QueryRequested("k-1-1", "a test"))
        assert terms(facts) == [(D("0.02"), D(50_100))]
        await later.close()

    on_bench(test)


def test_an_edit_is_never_repeated_and_in_doubt_until_its_token_is_over() -> None:
    async def test(bench: Bench) -> None:
        await resting(bench)
        bench.break_network(FaultKind.DROP_BEFORE, "/edit", times=1)
        facts = await bench.gateway.amend_order(approved("k-1-1", quantity="0.02"))
        assert kinds(facts) == [OutcomeUnknown]
        assert len([each for each in bench.carried.requests if each.url.endswith("/edit")]) == 0
        await bench.clock.sleep(100)
        assert kinds(await ask(bench)) == [OutcomeUnknown]
        (refused,) = await bench.gateway.amend_order(approved("k-1-1", quantity="0.03"))
        assert isinstance(refused, AmendRejected)
        await bench.clock.sleep(40)
        assert kinds(await ask(bench)) == [AmendRejected, OrderReport]

    on_bench(test)


def test_what_cannot_be_edited_is_not_sent() -> None:
    async def test(bench: Bench) -> None:
        await resting(bench)
        end = bench.clock.now_ns() + 3_600 * NS_PER_S
        for wanted in (
            approved("k-1-1", kind=OrderType.MARKET, price=None),
            approved("k-1-1", time_in_force=TimeInForce.GTD, expires_ns=end),
            approved("k-1-1", quantity="0"),
        ):
            (refused,) = await bench.gateway.amend_order(wanted)
            assert isinstance(refused, AmendRejected)
            assert refused.reason.startswith("not sent: ")
        assert AmendRejected in kinds(await bench.gateway.amend_order(approved("k-1-9")))
        bench.clock.offset_ns += 5 * NS_PER_S
        (refused,) = await bench.gateway.amend_order(approved("k-1-1", quantity="0.02"))
        assert isinstance(refused, AmendRejected)
        assert not [each for each in bench.carried.requests if each.url.endswith("/edit")]

    on_bench(test)


def test_a_refused_edit_leaves_the_order_and_says_why() -> None:
    async def test(bench: Bench) -> None:
        await resting(bench)
        (refused,) = await bench.gateway.amend_order(approved("k-1-1", price="50000.001"))
        assert isinstance(refused, AmendRejected)
        assert "PREVIEW_INVALID_PRICE_PRECISION" in refused.reason
        assert kinds(await ask(bench)) == [OrderReport]
        bench.push("49000")
        await bench.clock.sleep(1)
        facts = await bench.gateway.amend_order(approved("k-1-1", quantity="0.02"))
        assert kinds(facts) == [AmendRejected, Fill, OrderReport]
        assert isinstance(facts[-1], OrderReport)
        assert facts[-1].status is OrderStatus.FILLED

    on_bench(test)


ORDER = {
    "order_id": "x", "client_order_id": "k-1-1", "product_id": BTC, "status": "OPEN", "side": "BUY", "filled_size": "0",
    "order_configuration": {"limit_limit_gtc": {"base_size": "1", "limit_price": "100", "post_only": False}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (None, ("1", "100")),
        ([], ("1", "100")),
        ([("2", "90", 1)], ("2", "90")),
        ([("2", "90", 2), ("3", "80", 1)], ("2", "90")),
        ([("", "90", 1)], ("1", "90")),
        ([("2", "0", 1)], ("2", "100")),
    ],
)
def test_the_latest_edit_says_the_terms(edits: list[tuple[str, str, int]] | None, expected: tuple[str, str]) -> None:
    history = [
        {"size": size, "price": price, "replace_accept_timestamp": f"2026-01-01T00:00:0{second}Z"}
        for size, price, second in edits or ()
    ]
    told = Fields(ORDER if edits is None else {**ORDER, "edit_history": history}, "order")
    standing = orders.standing(told)
    assert (standing.quantity, standing.price) == tuple(map(D, expected))


def test_an_order_of_another_kind_tells_no_terms() -> None:
    dated = {"limit_limit_gtd": {"base_size": "1", "limit_price": "100", "end_time": "2026-01-01T00:00:00Z"}}
    for configuration in (dated, {"market_market_ioc": {"base_size": "1"}}, {}):
        standing = orders.standing(Fields({**ORDER, "order_configuration": configuration}, "order"))
        assert (standing.quantity, standing.price) == (None, None)
