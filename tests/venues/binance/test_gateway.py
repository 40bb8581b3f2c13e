"""The gateway against the emulators, which were written from the venue's documents alone: orders, doubt, account."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from kedge.model.decisions import CancelRequested, QueryRequested
from kedge.model.errors import ConfigError
from kedge.model.facts import (
    CancelRejected,
    Fill,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
)
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.order import OrderStatus, OrderType, TimeInForce
from kedge.venues.answers import ErrorClass, Failed, Whole
from kedge.venues.binance.protocol.product import Product
from kedge.venues.gateway import MarginMode, MarginSettings
from kedge.venues.wire.http import HttpRequest, HttpResponse
from kedge.venues.wire.memory import Fault, FaultKind
from kedge.venues.wire.virtual import START_NS
from tests.contract.emulated import HOST
from tests.venues.binance.emulated import Emulated, order, play, whole

D = Decimal
SPOT, USDM = Product.SPOT, Product.USDM
BOTH = pytest.mark.parametrize("product", Product)
PLACE = {SPOT: "/api/v3/order", USDM: "/fapi/v1/order"}
#: The emulators' markets stand near this.
LOW, HIGH = "55000", "66000"


def kinds(facts: Any) -> list[type]:
    return [type(fact) for fact in facts]


def cancel(number: int) -> CancelRequested:
    return CancelRequested(f"exam-1-{number}", "a test")


def query(number: int) -> QueryRequested:
    return QueryRequested(f"exam-1-{number}", "a test")


def working(venue: Emulated) -> int:
    return len(venue.truth()["open_orders"])


# orders --------------------------------------------------------------------------------------------------------------

TYPES: list[dict[str, Any]] = [
    {"price": LOW},
    {"price": LOW, "post_only": True},
    {"side": "sell", "order_type": OrderType.STOP, "stop_price": D(LOW)},
    {"side": "sell", "order_type": OrderType.STOP_LIMIT, "stop_price": D(LOW), "price": "54900"},
    {"side": "sell", "order_type": OrderType.TAKE_PROFIT, "stop_price": D(HIGH)},
    {"side": "sell", "order_type": OrderType.TAKE_PROFIT, "stop_price": D(HIGH), "price": "66100"},
    {"side": "sell", "order_type": OrderType.TRAILING_STOP, "trail": D(1_800)},
]


@BOTH
def test_an_order_of_each_type_works_is_listed_and_ends(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        if product is USDM:
            await gateway.place_order(order(99))
        for number, wanted in enumerate(TYPES, 1):
            facts = await gateway.place_order(order(number, **wanted))
            assert kinds(facts) == [OrderAccepted], (wanted, facts)
        listed = {each.order_id: each for each in whole(await gateway.get_open_orders("BTC-USD"))}
        assert set(listed) == {f"exam-1-{number}" for number in range(1, len(TYPES) + 1)}
        for number, wanted in enumerate(TYPES, 1):
            found = listed[f"exam-1-{number}"]
            expected = wanted.get("order_type", OrderType.LIMIT)
            # spot knows no trailing stop as such: it is a stop with a trail
            assert found.order_type in {expected, OrderType.STOP if expected is OrderType.TRAILING_STOP else expected}
            assert found.stop_price == wanted.get("stop_price") or expected is OrderType.TRAILING_STOP
            (fact,) = await gateway.cancel_order(cancel(number))
            assert isinstance(fact, OrderCancelled | OrderReport), fact
            if isinstance(fact, OrderReport):
                assert fact.status is OrderStatus.CANCELLED
        assert whole(await gateway.get_open_orders()) == ()
        assert working(venue) == 0

    play(product, scene)


@BOTH
def test_a_market_order_fills_and_everything_agrees_with_the_venue(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        await gateway.place_order(order(1))
        *fills, report = await gateway.query_order(query(1))
        assert isinstance(report, OrderReport)
        assert (report.status, report.filled) == (OrderStatus.FILLED, D("0.01"))
        since = whole(await gateway.get_fills_since("BTC-USD", venue.clock.now_ns() - NS_PER_S))
        assert [(each.trade_id, each.quantity) for each in since] == [(each.trade_id, each.quantity) for each in fills]  # type: ignore[union-attr]
        assert {each.order_id for each in since} == {"exam-1-1"}
        executed = venue.truth()["executions"]
        assert sum(each.quantity for each in since) == D("0.01")
        assert len(executed) == len(since)
        if product is USDM:
            (held,) = whole(await gateway.get_positions())
            assert held.quantity == D("0.01")
        else:
            assert whole(await gateway.get_positions()) == ()
            fee = sum(each.fee for each in since)
            assert {each.fee_currency for each in since} == {"BTC"}, "bought coins pay the fee themselves"
            assert whole(await gateway.get_balances())["BTC"].total == D(2) + D("0.01") - fee

    play(product, scene)


@BOTH
def test_times_in_force(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        rest = await gateway.place_order(order(1, price=LOW, time_in_force=TimeInForce.IOC))
        assert kinds(rest) == [OrderAccepted, OrderExpired]
        crossing = await gateway.place_order(order(2, price="62000", post_only=True))
        assert kinds(crossing) == [OrderRejected]
        assert crossing[0].reason.startswith("-5022" if product is USDM else "-2010")  # type: ignore[union-attr]
        ask, size = whole(await gateway.get_order_book("BTC-USD")).asks[0]
        huge = await gateway.place_order(
            order(3, price=str(ask), quantity=str(size + D("0.5")), time_in_force=TimeInForce.FOK)
        )
        # futures refuse what cannot be filled whole (-5021), spot takes it and lets it expire
        assert kinds(huge) == ([OrderRejected] if product is USDM else [OrderAccepted, OrderExpired])
        assert working(venue) == 0

    play(product, scene)


@BOTH
def test_an_order_that_filled_before_its_cancel_arrived_is_filled(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        await gateway.place_order(order(1, price="59000"))
        venue.market("BTCUSDT", price="58900")
        refused, *fills, report = await gateway.cancel_order(cancel(1))
        assert isinstance(refused, CancelRejected)
        assert kinds(fills) == [Fill] * len(fills)
        assert isinstance(report, OrderReport)
        assert report.status is OrderStatus.FILLED

    play(product, scene)


def test_a_replacement_is_one_request_and_says_of_both() -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        await gateway.place_order(order(1, price=LOW))
        facts = await gateway.replace_order("exam-1-1", order(2, price="55001"))
        assert kinds(facts) == [OrderCancelled, OrderAccepted]
        facts = await gateway.replace_order("exam-1-1", order(3, price="55002"))
        assert kinds(facts) == [CancelRejected, OrderRejected], "the old one was gone, so nothing new was sent"
        facts = await gateway.replace_order("exam-1-2", order(4, price="55003", quantity="0.000001"))
        assert OrderRejected in kinds(facts)
        facts = await gateway.replace_order("exam-1-9", order(5, price="55003"))
        assert kinds(facts) == [OrderRejected]

    play(SPOT, scene)


@BOTH
def test_all_orders_are_cancelled_conditional_ones_too(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        if product is USDM:
            await gateway.place_order(order(99))
        for number, wanted in enumerate(TYPES[:4], 1):
            await gateway.place_order(order(number, **wanted))
        await gateway.place_order(order(8, symbol="ETH-USD", price="1000", quantity="0.1"))
        ids = whole(await gateway.cancel_all("BTC-USD"))
        assert set(ids) == {f"exam-1-{number}" for number in range(1, 5)}
        assert [each.order_id for each in whole(await gateway.get_open_orders())] == ["exam-1-8"]
        assert whole(await gateway.cancel_all()) == ("exam-1-8",)
        assert whole(await gateway.cancel_all()) == ()

    play(product, scene)


@BOTH
@pytest.mark.parametrize(
    "wanted",
    [
        {"price": "55000.001"},
        {"price": LOW, "quantity": "0.00000001"},
        {"price": LOW, "symbol": "NONE-USD"},
        {"order_type": OrderType.LIMIT},
        {"price": "55000", "quantity": "500"},
    ],
)
def test_a_refusal_is_a_rejection_with_a_reason(product: Product, wanted: dict[str, Any]) -> None:
    async def scene(venue: Emulated) -> None:
        (fact,) = await venue.gateway.place_order(order(1, **wanted))
        assert isinstance(fact, OrderRejected)
        assert fact.reason

    play(product, scene)


# doubt ---------------------------------------------------------------------------------------------------------------


@BOTH
def test_an_answer_that_got_lost_leaves_the_order_unknown_until_it_is_found(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        venue.fault("drop_after", path=PLACE[product])
        (fact,) = await venue.gateway.place_order(order(1, price=LOW))
        assert isinstance(fact, OutcomeUnknown)
        assert working(venue) == 1
        (fact,) = await venue.gateway.query_order(query(1))
        assert isinstance(fact, OrderReport)
        assert fact.status is OrderStatus.OPEN
        (fact,) = await venue.gateway.cancel_order(cancel(1))
        assert isinstance(fact, OrderCancelled)

    play(product, scene)


@BOTH
def test_absence_is_no_proof_until_the_request_can_no_longer_arrive(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        venue.fault("drop_before", path=PLACE[product])
        (fact,) = await venue.gateway.place_order(order(1, price=LOW))
        assert isinstance(fact, OutcomeUnknown)
        for _ in range(3):
            (fact,) = await venue.gateway.query_order(query(1))
            assert isinstance(fact, OutcomeUnknown), "its window is not over"
            await asyncio.sleep(4)
        await asyncio.sleep(4)
        asked = len(venue.requests)
        (fact,) = await venue.gateway.query_order(query(1))
        assert isinstance(fact, OrderRejected)
        assert len(venue.requests) - asked == 2, "two witnesses"

    play(product, scene)


@BOTH
def test_a_stale_read_does_not_lose_an_order(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        venue.fault("stale", ms=3_000, count=0)
        venue.fault("drop_after", path=PLACE[product])
        await venue.gateway.place_order(order(1, price=LOW))
        (fact,) = await venue.gateway.query_order(query(1))
        assert isinstance(fact, OutcomeUnknown)
        await asyncio.sleep(4)
        (fact,) = await venue.gateway.query_order(query(1))
        assert isinstance(fact, OrderReport)
        assert fact.status is OrderStatus.OPEN

    play(product, scene)


@BOTH
def test_an_order_that_waits_for_its_turn_is_not_given_up(product: Product) -> None:
    """The window begins when the request leaves: a stop of a minute keeps it here for longer than the window lasts."""

    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        await gateway.place_order(order(1))
        gateway.session.limiter.stop(venue.clock.now_ns() + 60 * NS_PER_S)
        leaving = asyncio.ensure_future(gateway.place_order(order(2, "sell", price=HIGH, reduce_only=True)))
        await asyncio.sleep(55)
        asked = asyncio.ensure_future(gateway.query_order(query(2)))
        await asyncio.sleep(10)
        facts = await leaving
        assert kinds(facts)[0] is OrderAccepted, facts
        (fact,) = await asked
        assert not isinstance(fact, OrderRejected)
        sent = gateway.memory.known("exam-1-2")
        assert sent is not None
        assert venue.clock.now_ns() - sent.sent_ns < 8 * NS_PER_S

    play(product, scene)


@BOTH
def test_what_is_still_being_sent_is_not_absent(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        sent = venue.gateway.memory.remember(order(1, price=LOW).intent, 1)
        sent.under_way = True
        (fact,) = await venue.gateway.query_order(query(1))
        assert isinstance(fact, OutcomeUnknown)
        sent.under_way = False
        (fact,) = await venue.gateway.query_order(query(1))
        assert isinstance(fact, OrderRejected)

    play(product, scene)


@BOTH
def test_a_read_that_lags_for_long_is_contradicted_by_the_second_witness(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        venue.fault("stale", path=PLACE[product], ms=600_000, count=0)
        venue.fault("drop_after", path=PLACE[product])
        await venue.gateway.place_order(order(1, price=LOW))
        await asyncio.sleep(16)
        (fact,) = await venue.gateway.query_order(query(1))
        assert isinstance(fact, OrderReport)
        assert fact.status is OrderStatus.OPEN

    play(product, scene)


@BOTH
@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize(("status", "code"), [(503, 0), (504, 0), (408, -1007), (500, -1000)])
def test_a_5xx_and_a_timeout_of_the_engine_are_unknown(
    product: Product, executed: bool, status: int, code: int
) -> None:
    async def scene(venue: Emulated) -> None:
        message = "Unknown error, please check your request or try again later."
        venue.fault("error", path=PLACE[product], status=status, code=code, message=message, executed=executed)
        (fact,) = await venue.gateway.place_order(order(1, price=LOW))
        assert isinstance(fact, OutcomeUnknown), fact
        await asyncio.sleep(16)
        (fact,) = await venue.gateway.query_order(query(1))
        assert isinstance(fact, OrderReport if executed else OrderRejected)

    play(product, scene)


@BOTH
def test_the_same_id_again_is_an_answer_about_the_first_order(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW))
        (fact,) = await venue.gateway.place_order(order(1, price=LOW))
        assert isinstance(fact, OutcomeUnknown)
        assert working(venue) == 1

    play(product, scene)


@BOTH
def test_a_cancel_without_an_answer_is_unknown_and_may_be_repeated(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW))
        venue.fault("drop_after", path=PLACE[product])
        (fact,) = await venue.gateway.cancel_order(cancel(1))
        assert isinstance(fact, OutcomeUnknown)
        first, *rest = await venue.gateway.cancel_order(cancel(1))
        assert isinstance(first, CancelRejected)
        assert [each.status for each in rest] == [OrderStatus.CANCELLED]  # type: ignore[union-attr]

    play(product, scene)


@BOTH
def test_what_never_left_is_no_doubt(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        venue.network.faults.append(Fault(FaultKind.REFUSE, PLACE[product]))
        (fact,) = await venue.gateway.place_order(order(1, price=LOW))
        assert isinstance(fact, OrderRejected)
        assert "not sent" in fact.reason

    play(product, scene)


def test_after_a_restart_an_order_is_found_by_its_id_alone() -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW))
        later = venue.new_gateway(USDM)
        await later.open()
        terms, fact = await later.query_order(query(1))
        assert isinstance(terms, OrderAmended), "it knows no terms: those that it hears first are told"
        assert (terms.quantity, terms.price) == (D("0.01"), D(LOW))
        assert isinstance(fact, OrderReport)
        (fact,) = await later.query_order(query(1))
        assert isinstance(fact, OrderReport)
        (fact,) = await later.cancel_order(cancel(1))
        assert isinstance(fact, OrderCancelled)
        (fact,) = await later.query_order(query(77))
        assert isinstance(fact, OutcomeUnknown), "an order that nobody knows of stays unknown"
        await later.close()

    play(USDM, scene)


# limits and clocks ---------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(("fault", "kind"), [("rate_limit", ErrorClass.RETRY_LATER), ("ban", ErrorClass.BANNED)])
def test_a_429_or_418_stops_everything_until_its_time(product: Product, fault: str, kind: ErrorClass) -> None:
    async def scene(venue: Emulated) -> None:
        venue.fault(fault, ms=30_000)
        answer = await venue.gateway.get_balances()
        assert isinstance(answer, Failed)
        assert answer.kind is kind
        until = venue.gateway.session.limiter.stopped_until
        assert 29_000 <= (until - venue.clock.now_ns()) // NS_PER_MS <= 31_000
        sent = len(venue.requests)
        (fact,) = await venue.gateway.place_order(order(1, price=LOW))
        assert isinstance(fact, OrderRejected)
        waiting = asyncio.ensure_future(venue.gateway.get_balances())
        await asyncio.sleep(25)
        assert len(venue.requests) == sent
        assert isinstance(await waiting, Whole)

    play(product, scene)


@BOTH
def test_the_venues_own_figures_become_our_limits_with_room_to_spare(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        rules = {rule.name: rule for rule in venue.gateway.session.limiter.rules}
        told = {f"{each.kind}:{each.seconds}": each.limit for each in venue.gateway.session.listing.rate_limits}
        assert rules["weight"].limit == told["REQUEST_WEIGHT:60"]
        assert rules["weight"].budget == told["REQUEST_WEIGHT:60"] * 3 // 4
        assert rules["orders:10"].limit == told["ORDERS:10"]
        before = venue.gateway.session.limiter.used("weight")
        await venue.gateway.get_order_book("BTC-USD", 5_000)
        assert venue.gateway.session.limiter.used("weight") > before

    play(product, scene)


def test_a_flood_of_orders_never_passes_the_limit_and_cancels_go_through() -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        facts = [fact for n in range(60) for fact in await gateway.place_order(order(n, price=LOW, quantity="0.001"))]
        accepted = [fact for fact in facts if isinstance(fact, OrderAccepted)]
        refused = [fact for fact in facts if isinstance(fact, OrderRejected)]
        assert 0 < len(accepted) <= 50
        assert all("not sent" in fact.reason for fact in refused)
        (fact,) = await gateway.cancel_order(CancelRequested(accepted[0].order_id, "a test"))
        assert isinstance(fact, OrderCancelled)

    play(SPOT, scene)


@BOTH
def test_a_clock_that_is_off_signs_with_the_venues_time_but_opens_nothing(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        reading = whole(await venue.gateway.get_clock())
        assert abs(reading.offset_ns - 7 * NS_PER_S) < NS_PER_S // 10
        assert isinstance(await venue.gateway.get_balances(), Whole)
        (fact,) = await venue.gateway.place_order(order(1, price=LOW))
        assert isinstance(fact, OrderRejected)
        assert "clock" in fact.reason
        (fact,) = await venue.gateway.place_order(order(2, "sell", price=HIGH, reduce_only=True))
        assert "clock" not in getattr(fact, "reason", "")

    play(product, scene, clock_off_ns=7 * NS_PER_S)


# the account ---------------------------------------------------------------------------------------------------------


def test_leverage_and_margin_mode_are_set_and_read_back() -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        wanted = MarginSettings("BTC-USD", D(7), MarginMode.ISOLATED)
        for _ in range(2):  # the second time there is no need to change
            assert whole(await gateway.set_margin(wanted)) == wanted
        assert whole(await gateway.get_margin("BTC-USD")) == wanted
        refused = await gateway.set_margin(MarginSettings("BTC-USD", D(999), MarginMode.ISOLATED))
        assert isinstance(refused, Failed)
        assert whole(await gateway.get_margin("BTC-USD")) == wanted

    play(USDM, scene)


def test_the_dead_mans_switch_fires_for_its_symbol_and_can_be_stopped() -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        await gateway.place_order(order(1, price=LOW))
        await gateway.place_order(order(2, symbol="ETH-USD", price="1000", quantity="0.1"))
        due = whole(await gateway.arm_dead_mans_switch("BTC-USD", 20_000))
        assert 19_000 < (due - venue.clock.now_ns()) // NS_PER_MS <= 20_000
        await asyncio.sleep(12)
        await gateway.arm_dead_mans_switch("BTC-USD", 20_000)
        await asyncio.sleep(12)
        assert working(venue) == 2
        assert whole(await gateway.arm_dead_mans_switch("BTC-USD", 0)) == 0
        await asyncio.sleep(30)
        assert working(venue) == 2
        await gateway.arm_dead_mans_switch("BTC-USD", 5_000)
        await asyncio.sleep(6)
        assert [each.order_id for each in whole(await gateway.get_open_orders())] == ["exam-1-2"]

    play(USDM, scene)


def test_a_venue_that_cannot_says_so_and_sends_nothing() -> None:
    async def scene(venue: Emulated) -> None:
        gateway, sent = venue.gateway, len(venue.requests)
        for answer in (
            await gateway.get_mark_price("BTC-USD"),
            await gateway.get_margin("BTC-USD"),
            await gateway.arm_dead_mans_switch("BTC-USD", 5_000),
            await gateway.get_funding_since("BTC-USD", 0),
        ):
            assert isinstance(answer, Failed)
            assert (answer.kind, answer.code) == (ErrorClass.OURS, "unsupported")
        assert len(venue.requests) == sent

    play(SPOT, scene)


@BOTH
def test_without_a_key_the_market_is_open_and_the_account_is_not(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        from kedge.model.secret import Secret
        from kedge.venues.binance.shell import BinanceGateway

        guest = BinanceGateway(
            product,
            http=venue.network,
            websocket=venue.network,
            clock=venue.clock,
            site=venue.gateway.session.site,
            api_key=Secret(""),
        )
        await guest.open()
        assert whole(await guest.get_order_book("BTC-USD")).bids
        answer = await guest.get_balances()
        assert isinstance(answer, Failed)
        assert answer.kind is ErrorClass.OURS
        with pytest.raises(ConfigError):
            await guest.user_stream(lambda fact: None).start()
        await guest.close()

    play(product, scene)


@BOTH
def test_no_secret_is_in_any_failure(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        said = [repr(gateway), repr(gateway.session), repr(gateway.session.signer), repr(vars(gateway.session))]
        for fault in ("drop_after", "drop_before", "rate_limit"):
            venue.fault(fault, ms=1_000)
            said.append(repr(await gateway.get_balances()))
        said += [repr(request) for request in venue.requests]
        text = " ".join(said)
        assert venue.told["api_secret"] not in text
        assert venue.told["api_key"] not in text

    play(product, scene)


def test_a_conditional_order_that_never_arrived_has_two_witnesses_too() -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        venue.fault("drop_before", path="/fapi/v1/algoOrder")
        stop = order(1, "sell", order_type=OrderType.STOP, stop_price=D(LOW))
        (fact,) = await gateway.place_order(stop)
        assert isinstance(fact, OutcomeUnknown)
        await asyncio.sleep(16)
        (fact,) = await gateway.query_order(query(1))
        assert isinstance(fact, OrderRejected)
        asked = [request.url.partition("?")[0].rpartition("/")[2] for request in venue.requests[-2:]]
        assert asked == ["algoOrder", "allAlgoOrders"]

    play(USDM, scene)


@BOTH
def test_a_repeated_trade_does_not_end_an_order(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        await venue.gateway.place_order(order(1, price=LOW, quantity="1"))
        memory = venue.gateway.memory
        fill = Fill(1, "exam-1-1", "77", "BTC-USD", "buy", D("0.5"), D(LOW))  # type: ignore[arg-type]
        for _ in range(3):
            memory.heard("exam-1-1", "5", fill)
        assert [sent.order_id for sent in memory.live()] == ["exam-1-1"]
        memory.heard("exam-1-1", "5", Fill(1, "exam-1-1", "78", "BTC-USD", "buy", D("0.5"), D(LOW)))  # type: ignore[arg-type]
        assert memory.live() == []

    play(product, scene)


def test_a_kind_of_limit_that_nobody_knows_is_said_and_stops_nothing() -> None:
    async def scene(venue: Emulated) -> None:
        from kedge.venues.binance.protocol.instruments import Listing, RateLimit

        session = venue.gateway.session
        listing = session.listing
        odd = Listing(SPOT, listing.by_raw, {}, (*listing.rate_limits, RateLimit("TOMORROW", 60, 5)))
        session._take_listing(odd)
        assert session.unknown_rules == ("TOMORROW",)
        assert "TOMORROW" not in {rule.name for rule in session.limiter.rules}

    play(SPOT, scene)


@BOTH
def test_a_key_that_may_withdraw_is_told(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        first = whole(await venue.gateway.get_key_permissions())
        assert (first.read, first.trade, first.withdraw, first.ip_restricted) == (True, True, False, True)
        venue.post("keys", withdraw=True, ip_restricted=False)
        then = whole(await venue.gateway.get_key_permissions())
        assert (then.withdraw, then.ip_restricted) == (True, False)
        venue.fault("error", path="/sapi", status=404, message="no such page")
        without = whole(await venue.gateway.get_key_permissions())
        assert (without.read, without.trade, without.withdraw) == (True, True, None), "a test net has no such page"

    play(product, scene)


def test_an_account_in_hedge_mode_is_refused() -> None:
    async def scene(venue: Emulated) -> None:
        async def hedged(request: HttpRequest) -> HttpResponse:
            if "/positionSide/dual" in request.url:  # the emulator's account always nets
                return HttpResponse(200, {}, b'{"dualSidePosition":true}')
            return await venue._http(request)

        venue.network.serve_http(HOST, hedged)
        later = venue.new_gateway(USDM)
        with pytest.raises(ConfigError, match="hedge mode"):
            await later.open()
        await later.close()

    play(USDM, scene)


def test_funding_that_was_paid_says_rate_and_position() -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        await gateway.place_order(order(1))
        await asyncio.sleep(60)
        since = venue.clock.now_ns() - 120 * NS_PER_S
        (paid,) = whole(await gateway.get_funding_since("BTC-USD", since))
        (rate,) = whole(await gateway.get_funding_rates("BTC-USD", since, venue.clock.now_ns()))
        assert paid.rate == rate.rate
        assert (paid.amount < 0) is (rate.rate > 0)
        if rate.rate:
            assert abs(paid.position - D("0.01")) < D("0.0001")

    play(USDM, scene, start_ns=START_NS + (8 * 3_600 - 40) * NS_PER_S)
