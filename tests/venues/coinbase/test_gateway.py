"""The gateway against the emulator: what happens when the world does what it does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.decisions import CancelRequested, QueryRequested
from kedge.model.errors import ConfigError, WorldError
from kedge.model.facts import (
    Fill,
    OrderAccepted,
    OrderAmended,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
    StreamStatus,
)
from kedge.model.instant import NS_PER_S
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.model.secret import Secret
from kedge.venues.answers import ErrorClass, Failed, Partial, Whole
from kedge.venues.coinbase import requests
from kedge.venues.coinbase.configuration import configuration, terms, unsupported
from kedge.venues.coinbase.known import Known, ours
from kedge.venues.coinbase.values import Fields, moment, number, rfc3339
from kedge.venues.gateway import Subscription
from kedge.venues.wire.memory import FaultKind
from tests.venues.coinbase.bench import BTC, Bench, approved, on_bench

MINUTE = 60 * NS_PER_S


def whole(answer: Any) -> Any:
    assert isinstance(answer, Whole), answer
    return answer.value


# reports


def test_fills_missed_while_nobody_listened_are_told_before_the_stream_is_up_again() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        price = bench.best(asks=False) - 10
        await bench.gateway.place_order(approved("k-1-1", price=price))
        await bench.clock.sleep(1)
        bench.fault("disconnect")
        bench.push(price - 100)
        await bench.clock.sleep(10)
        told = [type(fact) for fact in facts]
        states = [fact.up for fact in facts if isinstance(fact, StreamStatus)]
        assert states == [True, False, True]
        fill = next(fact for fact in facts if isinstance(fact, Fill))
        assert (fill.order_id, fill.quantity) == ("k-1-1", Decimal("0.01"))
        assert told.index(Fill) < len(told) - 1 - told[::-1].index(StreamStatus)
        await stream.stop()

    on_bench(test)


def test_an_order_that_ended_while_nobody_listened_is_told() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        await bench.gateway.place_order(approved("k-1-1"))
        await bench.clock.sleep(1)
        bench.fault("disconnect")
        bench.dialect.desk.cancel(bench.orders[0].id)
        await bench.clock.sleep(10)
        ends = [fact for fact in facts if isinstance(fact, OrderReport) and fact.status is OrderStatus.CANCELLED]
        assert [fact.order_id for fact in ends] == ["k-1-1"]
        await stream.stop()

    on_bench(test)


def test_what_was_asked_in_vain_after_a_disconnection_is_asked_for_again() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        price = bench.best(asks=False) - 10
        await bench.gateway.place_order(approved("k-1-1", price=price))
        await bench.clock.sleep(1)
        bench.fault("disconnect")
        bench.push(price - 100)
        bench.fault(
            "error", path="/api/v3/brokerage/orders/historical/batch", status=503
        )  # the fills are known by then
        await bench.clock.sleep(20)
        assert sum(fact.quantity for fact in facts if isinstance(fact, Fill)) == Decimal("0.01")
        await stream.stop()

    on_bench(test)


def test_fills_that_rest_does_not_have_yet_are_owed_and_told_once() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        bench.fault("stale", path="/api/v3/brokerage/orders/historical/fills", ms=4000)
        await bench.gateway.place_order(approved("k-1-1", OrderType.MARKET, price=None))
        await bench.clock.sleep(2)
        (report,) = [fact for fact in facts if isinstance(fact, OrderReport)]
        assert (report.status, report.filled) == (OrderStatus.FILLED, Decimal("0.01"))
        assert not [fact for fact in facts if isinstance(fact, Fill)]
        await bench.clock.sleep(20)
        fills = [fact for fact in facts if isinstance(fact, Fill)]
        assert sum(fill.quantity for fill in fills) == Decimal("0.01")
        assert len({fill.trade_id for fill in fills}) == len(fills)
        await stream.stop()

    on_bench(test)


def test_the_end_of_a_dated_order_is_told() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        until = bench.clock.now_ns() + 5 * NS_PER_S
        order = approved("k-1-1", time_in_force=TimeInForce.GTD, expires_ns=until - until % NS_PER_S)
        assert isinstance((await bench.gateway.place_order(order))[0], OrderAccepted)
        await bench.clock.sleep(10)
        assert [fact.order_id for fact in facts if isinstance(fact, OrderExpired)] == ["k-1-1"]
        await stream.stop()

    on_bench(test)


def test_a_message_lost_on_the_user_stream_makes_a_new_connection() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        bench.fault("gap", channel="user", count=3)
        await bench.gateway.place_order(approved("k-1-1", OrderType.MARKET, price=None))
        await bench.clock.sleep(15)
        assert sum(fact.quantity for fact in facts if isinstance(fact, Fill)) == Decimal("0.01")
        await stream.stop()

    on_bench(test)


# questions


def test_orders_of_others_are_seen_and_left_alone() -> None:
    async def test(bench: Bench) -> None:
        other = bench.connect()
        await other.open()
        await other.place_order(approved("a-person"))
        await bench.gateway.place_order(approved("k-1-1"))
        await bench.clock.sleep(1)
        listed = whole(await bench.gateway.get_open_orders())
        assert sorted((each.order_id, each.client_id) for each in listed) == [("", "a-person"), ("k-1-1", "k-1-1")]
        assert whole(await bench.gateway.cancel_all()) == ("k-1-1",)
        mine = bench.connect(instance="other")
        await mine.open()
        assert whole(await mine.cancel_all()) == ()
        await other._timing.stop()
        await mine._timing.stop()

    on_bench(test)


def test_another_process_finds_an_order_by_searching_and_can_cancel_it() -> None:
    async def test(bench: Bench) -> None:
        await bench.gateway.place_order(approved("k-1-1"))
        await bench.clock.sleep(1)
        later = bench.connect()
        await later.open()
        terms, report = await later.query_order(QueryRequested("k-1-1", "recovery"))
        assert isinstance(terms, OrderAmended), "it knows no terms: those that it hears first are told"
        assert isinstance(report, OrderReport)
        again = bench.connect()
        await again.open()
        assert list(await again.cancel_order(CancelRequested("k-1-1", "recovery"))) == []
        await bench.clock.sleep(1)
        assert bench.orders[0].status == "CANCELLED"
        await later._timing.stop()
        await again._timing.stop()

    on_bench(test)


def test_an_error_is_not_an_empty_list() -> None:
    async def test(bench: Bench) -> None:
        for name in ("get_open_orders", "get_balances", "get_positions"):
            bench.fault("error", status=502)
            answer = await getattr(bench.gateway, name)()
            assert isinstance(answer, Failed), name
            assert answer.kind is ErrorClass.UNKNOWN
            assert "<" not in answer.message, "a proxy's page is not quoted"

    on_bench(test)


def test_candles_are_cut_at_the_venues_page_and_said_to_be() -> None:
    async def test(bench: Bench) -> None:
        now = bench.clock.now_ns() // MINUTE * MINUTE
        part = await bench.gateway.get_candles(BTC, MINUTE, now - 600 * MINUTE, now)
        assert isinstance(part, Partial)
        assert len(part.value) == requests.CANDLES_MAX
        rest = whole(await bench.gateway.get_candles(BTC, MINUTE, part.value[-1].ts + MINUTE, now))
        starts = [each.ts for each in (*part.value, *rest)]
        assert starts == list(range(now - 600 * MINUTE, now, MINUTE))
        assert isinstance(await bench.gateway.get_candles(BTC, 7 * NS_PER_S, 0, now), Failed)

    on_bench(test)


def test_the_market_needs_no_key_and_the_account_does() -> None:
    async def test(bench: Bench) -> None:
        nobody = bench.connect(api_key="", api_secret="")
        await nobody.open()
        assert whole(await nobody.get_order_book(BTC)).bids
        for answer in (await nobody.get_balances(), await nobody.get_open_orders()):
            assert isinstance(answer, Failed)
            assert "API key" in answer.message
        with pytest.raises(ConfigError, match="API key"):
            nobody.user_stream(print)
        await nobody._timing.stop()

    on_bench(test)


def test_what_is_asked_in_vain_is_said() -> None:
    async def test(bench: Bench) -> None:
        gateway = bench.gateway
        for answer in (
            await gateway.get_mark_price(BTC),
            await gateway.arm_dead_mans_switch(BTC, 1),
            await gateway.get_margin(BTC),
            await gateway.get_funding_since(BTC, 0),
        ):
            assert isinstance(answer, Failed)
            assert answer.code == "unsupported"
        assert isinstance(await gateway.get_order_book("NO-SUCH"), Failed)
        assert isinstance(await gateway.get_open_orders("NO-SUCH"), Failed)
        assert isinstance((await gateway.replace_order("k-1-1", approved("k-1-2")))[0], OrderRejected)
        for wanted in (Subscription("mark", BTC), Subscription("candles", BTC, MINUTE)):
            with pytest.raises(ConfigError, match="coinbase"):
                gateway.market_stream([wanted], print)

    on_bench(test)


def test_an_order_is_not_sent_while_the_clock_is_in_doubt_and_a_cancel_is() -> None:
    async def test(bench: Bench) -> None:
        await bench.gateway.place_order(approved("k-1-1"))
        bench.clock.offset_ns += 5 * NS_PER_S  # our wall clock steps
        (fact,) = await bench.gateway.place_order(approved("k-1-2"))
        assert isinstance(fact, OrderRejected)
        assert "clock" in fact.reason
        assert list(await bench.gateway.cancel_order(CancelRequested("k-1-1", "test"))) == []

    on_bench(test)


def test_no_connection_is_no_order_and_a_cancel_that_was_not_sent_is_said() -> None:
    async def test(bench: Bench) -> None:
        bench.break_network(FaultKind.REFUSE)
        (fact,) = await bench.gateway.place_order(approved("k-1-1"))
        assert isinstance(fact, OrderRejected)
        await bench.gateway.place_order(approved("k-1-2"))
        bench.break_network(FaultKind.DROP_AFTER)
        (lost,) = await bench.gateway.cancel_order(CancelRequested("k-1-2", "test"))
        assert isinstance(lost, OutcomeUnknown)

    on_bench(test)


def test_a_venue_that_does_not_answer_cannot_be_opened() -> None:
    async def test(bench: Bench) -> None:
        bench.fault("error", status=503, count=0)
        with pytest.raises(WorldError, match="coinbase: no clock"):
            await bench.gateway.open()

    on_bench(test, opened=False)


def test_too_many_requests_stop_everything_until_the_time_given() -> None:
    async def test(bench: Bench) -> None:
        bench.fault("rate_limit", ms=5000)
        assert isinstance(await bench.gateway.get_balances(), Failed)
        before = bench.clock.monotonic_ns()
        whole(await bench.gateway.get_balances())
        assert bench.clock.monotonic_ns() - before >= 5 * NS_PER_S

    on_bench(test)


def test_no_secret_is_in_anything_that_is_shown() -> None:
    async def test(bench: Bench) -> None:
        canary = bench.dialect.keys.ec_pem.splitlines()[1]
        wrong = bench.connect(
            api_key="organizations/canary/apiKeys/canary", api_secret=Secret(bench.dialect.keys.ec_pem)
        )
        answer = await wrong.get_balances()
        assert isinstance(answer, Failed)
        assert answer.kind is ErrorClass.OURS
        shown = [repr(wrong), repr(answer), str(answer), repr(vars(wrong)), repr(vars(wrong._asker)), repr(wrong._key)]
        with pytest.raises(ConfigError) as error:
            bench.connect(api_secret=canary + "!")
        shown.append(str(error.value))
        assert not any(canary in text or "Bearer" in text for text in shown)

    on_bench(test, opened=False)


# small things


def test_which_ids_are_ours() -> None:
    assert ours("bt-1-35") == "bt-1-35"
    assert ours("bt-1-35", "bt") == "bt-1-35"
    assert ours("bt-1-35", "b") == ""
    assert ours("a0f970a2-05fa-4e1f-9517-f6702c33cfd1") == ""
    assert ours("") == ""


def test_an_unknown_order_of_an_earlier_process_is_doubted_from_our_start() -> None:
    known = Known(1_000 * NS_PER_S)
    assert not known.is_nowhere("x-1-1", 1_100 * NS_PER_S)
    assert not known.is_nowhere("x-1-1", 1_131 * NS_PER_S)
    assert known.is_nowhere("x-1-1", 1_137 * NS_PER_S)
    known.learn("x-1-1", "theirs")
    assert known.exchange_id("x-1-1") == "theirs"


@given(st.integers(1_400_000_000_000, 4_000_000_000_000))
def test_times_go_out_as_they_come_in(ms: int) -> None:
    assert moment(rfc3339(ms * 1_000_000), "time") == ms * 1_000_000


@pytest.mark.parametrize(
    "nonsense", ["NaN", "Infinity", "1e999", "1_000", " 1", "٣", "", None, True, [], "0x1", "1" * 70]
)
def test_nonsense_is_no_number(nonsense: Any) -> None:
    from kedge.model.errors import VenueError

    with pytest.raises(VenueError):
        number(nonsense, "price")


_prices = st.decimals("0.01", "100000", places=2)


@given(
    st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT]),
    st.sampled_from(list(Side)),
    st.decimals("0.00000001", "1000", places=8),
    _prices,
    _prices,
    st.sampled_from(list(TimeInForce)),
    st.booleans(),
)
def test_every_order_we_can_say_is_read_back_as_what_was_meant(
    kind: OrderType, side: Side, quantity: Decimal, price: Decimal, stop: Decimal, force: TimeInForce, only: bool
) -> None:
    priced = kind is not OrderType.MARKET
    stopped = kind in {OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT}
    expires = 1_900_000_000 * NS_PER_S if force is TimeInForce.GTD else 0
    intent = OrderIntent(
        "k-1-1", BTC, side, kind, quantity, price if priced else None, stop if stopped else None,
        time_in_force=force, expires_ns=expires, post_only=only and priced,
    )  # fmt: skip
    if unsupported(intent):
        return
    told = terms(Fields(configuration(intent), "configuration"), side)
    assert (told.order_type, told.quantity, told.price, told.stop_price) == (
        kind,
        quantity,
        intent.price,
        intent.stop_price,
    )
    assert told.post_only is (intent.post_only and kind is OrderType.LIMIT)
    if kind is OrderType.LIMIT:
        assert told.time_in_force is force
