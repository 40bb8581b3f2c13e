"""Orders as calls, and what the venue says of orders as facts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import UserError, VenueError
from kedge.model.facts import (
    Fill,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
)
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.binance.protocol import orders, reports
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.requests import Purpose
from kedge.venues.binance.protocol.user_stream import UserStream
from tests.venue_vectors.binance_listing import listing_of

D = Decimal
SPOT, USDM = Product.SPOT, Product.USDM
LISTING = listing_of(USDM, {"symbol": "BTCUSDT"})


def intent(kind: OrderType, **more: Any) -> OrderIntent:
    return OrderIntent("k-1-2", "BTC-USD", Side.SELL, kind, D("0.5"), **more)


LIMIT = intent(OrderType.LIMIT, price=D(100))


@pytest.mark.parametrize(
    ("product", "wanted", "path", "expected"),
    [
        (SPOT, intent(OrderType.MARKET), "/api/v3/order", {"type": "MARKET"}),
        (SPOT, LIMIT, "/api/v3/order", {"type": "LIMIT", "price": "100", "timeInForce": "GTC"}),
        (
            SPOT,
            intent(OrderType.LIMIT, price=D(100), post_only=True),
            "/api/v3/order",
            {"type": "LIMIT_MAKER", "price": "100"},
        ),
        (SPOT, intent(OrderType.STOP, stop_price=D(90)), "/api/v3/order", {"type": "STOP_LOSS", "stopPrice": "90"}),
        (
            SPOT,
            intent(OrderType.STOP_LIMIT, stop_price=D(90), price=D(89)),
            "/api/v3/order",
            {"type": "STOP_LOSS_LIMIT", "stopPrice": "90", "price": "89", "timeInForce": "GTC"},
        ),
        (
            SPOT,
            intent(OrderType.TAKE_PROFIT, stop_price=D(110)),
            "/api/v3/order",
            {"type": "TAKE_PROFIT", "stopPrice": "110"},
        ),
        (
            SPOT,
            intent(OrderType.TAKE_PROFIT, stop_price=D(110), price=D(111)),
            "/api/v3/order",
            {"type": "TAKE_PROFIT_LIMIT", "stopPrice": "110", "price": "111", "timeInForce": "GTC"},
        ),
        (
            SPOT,
            intent(OrderType.TRAILING_STOP, trail=D(1)),
            "/api/v3/order",
            {"type": "STOP_LOSS", "trailingDelta": "100"},
        ),
        (USDM, intent(OrderType.MARKET, reduce_only=True), "/fapi/v1/order", {"type": "MARKET", "reduceOnly": "true"}),
        (USDM, LIMIT, "/fapi/v1/order", {"type": "LIMIT", "price": "100", "timeInForce": "GTC"}),
        (
            USDM,
            intent(OrderType.LIMIT, price=D(100), post_only=True),
            "/fapi/v1/order",
            {"type": "LIMIT", "price": "100", "timeInForce": "GTX"},
        ),
        (
            USDM,
            intent(OrderType.LIMIT, price=D(100), time_in_force=TimeInForce.GTD, expires_ns=1_700_000_000_900_000_000),
            "/fapi/v1/order",
            {"type": "LIMIT", "price": "100", "timeInForce": "GTD", "goodTillDate": "1700000000000"},
        ),
        (
            USDM,
            intent(OrderType.STOP, stop_price=D(90)),
            "/fapi/v1/algoOrder",
            {"type": "STOP_MARKET", "triggerPrice": "90", "algoType": "CONDITIONAL"},
        ),
        (
            USDM,
            intent(OrderType.STOP_LIMIT, stop_price=D(90), price=D(89)),
            "/fapi/v1/algoOrder",
            {"type": "STOP", "triggerPrice": "90", "price": "89", "algoType": "CONDITIONAL"},
        ),
        (
            USDM,
            intent(OrderType.TAKE_PROFIT, stop_price=D(110), reduce_only=True),
            "/fapi/v1/algoOrder",
            {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "110", "algoType": "CONDITIONAL", "reduceOnly": "true"},
        ),
        (
            USDM,
            intent(OrderType.TRAILING_STOP, trail=D("1.57")),
            "/fapi/v1/algoOrder",
            {"type": "TRAILING_STOP_MARKET", "callbackRate": "1.5", "algoType": "CONDITIONAL"},
        ),
    ],
)
def test_an_order_becomes(product: Product, wanted: OrderIntent, path: str, expected: dict[str, str]) -> None:
    call = orders.place(product, "BTCUSDT", wanted, reference=D(100))
    base = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.5"}
    named = {"clientAlgoId" if path.endswith("algoOrder") else "newClientOrderId": "k-1-2"}
    respond = {"newOrderRespType": "FULL" if product is SPOT else "RESULT"}
    assert (call.path, call.params) == (path, base | expected | named | respond)
    assert call.purpose is (Purpose.EXIT if wanted.reduce_only else Purpose.ORDER)


@pytest.mark.parametrize(
    ("product", "wanted"),
    [
        (SPOT, intent(OrderType.LIMIT)),
        (SPOT, intent(OrderType.LIMIT, price=D(1), time_in_force=TimeInForce.GTD, expires_ns=1)),
        (SPOT, intent(OrderType.STOP)),
        (SPOT, intent(OrderType.STOP_LIMIT, stop_price=D(1))),
        (USDM, intent(OrderType.LIMIT)),
        (USDM, intent(OrderType.STOP)),
        (USDM, intent(OrderType.STOP_LIMIT, stop_price=D(1))),
        (USDM, intent(OrderType.TRAILING_STOP)),
        (USDM, OrderIntent("k", "BTC-USD", Side.BUY, OrderType.MARKET, D(0))),
        (SPOT, OrderIntent("", "BTC-USD", Side.BUY, OrderType.MARKET, D(1))),
        (SPOT, OrderIntent("k", "BTC-USD", Side.BUY, OrderType.LIMIT, D(1), D("NaN"))),
    ],
)
def test_what_the_venue_cannot_be_asked_is_refused_here(product: Product, wanted: OrderIntent) -> None:
    with pytest.raises(UserError):
        orders.place(product, "BTCUSDT", wanted)


@given(st.decimals("0.01", "20", places=4), st.decimals("1", "100000", places=2))
def test_a_trailing_stop_is_never_further_away_than_was_asked(trail: Decimal, reference: Decimal) -> None:
    wanted = intent(OrderType.TRAILING_STOP, trail=trail)
    for product, name, unit in ((SPOT, "trailingDelta", D("0.0001")), (USDM, "callbackRate", D("0.01"))):
        try:
            call = orders.place(product, "BTCUSDT", wanted, reference=reference)
        except UserError:
            part = trail / reference
            assert part < D("0.0001") or (product is USDM and not D("0.001") <= part <= D("0.101"))
        else:
            assert D(call.params[name]) * unit * reference <= trail


def test_a_trail_needs_a_price_to_be_a_part_of() -> None:
    with pytest.raises(UserError, match="none is known"):
        orders.place(USDM, "BTCUSDT", intent(OrderType.TRAILING_STOP, trail=D(1)))


def test_an_order_type_that_the_market_does_not_take_is_refused_here() -> None:
    call = orders.place(SPOT, "BTCUSDT", intent(OrderType.STOP, stop_price=D(90)))
    with pytest.raises(UserError, match="takes no STOP_LOSS"):
        orders.check_offered(call, {"LIMIT", "MARKET"})
    orders.check_offered(call, ())


def test_conditional_orders_are_named_cancelled_and_asked_for_apart() -> None:
    name = orders.named("k-1-2", algo=True)
    assert orders.query(USDM, "BTCUSDT", name).path == "/fapi/v1/algoOrder"
    assert orders.cancel(USDM, "BTCUSDT", name).path == "/fapi/v1/algoOrder"
    assert orders.cancel_all(USDM, "BTCUSDT").path == "/fapi/v1/allOpenOrders"
    assert orders.cancel_all_algo("BTCUSDT").path == "/fapi/v1/algoOpenOrders"


def test_batches_have_their_sizes() -> None:
    with pytest.raises(UserError, match="takes 1 to 5"):
        orders.place_batch([("BTCUSDT", LIMIT)] * 6)
    with pytest.raises(UserError, match="takes 1 to 10"):
        orders.cancel_batch("BTCUSDT", ["k"] * 11)
    with pytest.raises(UserError, match="not in a batch"):
        orders.place_batch([("BTCUSDT", intent(OrderType.STOP, stop_price=D(1)))])


# what the venue says -------------------------------------------------------------------------------------------------


def told(**more: Any) -> bytes:
    base = {
        "symbol": "BTCUSDT",
        "orderId": 7,
        "clientOrderId": "k-1-2",
        "transactTime": 1_700_000_000_000,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "origQty": "2",
        "executedQty": "0",
        "price": "100",
        "status": "NEW",
    }
    return json.dumps(base | more).encode()


FILLS = [{"price": "100", "qty": "1.5", "commission": "0.0015", "commissionAsset": "BTC", "tradeId": 11}]


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (told(), [OrderAccepted]),
        (told(status="PARTIALLY_FILLED", executedQty="1.5", fills=FILLS), [OrderAccepted, Fill]),
        (
            told(status="EXPIRED", executedQty="1.5", fills=FILLS, timeInForce="IOC"),
            [OrderAccepted, Fill, OrderExpired],
        ),
        (told(status="EXPIRED_IN_MATCH"), [OrderAccepted, OrderExpired]),
        (told(status="FILLED", executedQty="2"), [OrderAccepted, OrderReport]),
        (told(status="PARTIALLY_FILLED", executedQty="1"), [OrderAccepted, OrderReport]),
        (told(status="REJECTED"), [OrderRejected]),
        (told(status=""), [OrderAccepted]),
        (told(status="PENDING_NEW"), [OrderAccepted]),
    ],
)
def test_the_answer_to_an_order_says(answer: bytes, kinds: list[type]) -> None:
    facts = reports.placed(reports.order_state(answer), "k-1-2", "BTC-USD")
    assert [type(fact) for fact in facts] == kinds
    for fact in facts:
        if isinstance(fact, OrderExpired):
            assert fact.filled == sum(each.quantity for each in facts if isinstance(each, Fill))


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "MELTED"},
        {"side": "HOLD"},
        {"type": "LIMITISH"},
        {"executedQty": "-1"},
        {"orderId": 0},
        {"origQty": "NaN"},
        {"transactTime": -5},
    ],
)
def test_what_the_protocol_does_not_know_is_an_error(broken: dict[str, Any]) -> None:
    with pytest.raises(VenueError):
        reports.order_state(told(**broken))


def test_fields_that_nobody_knows_pass() -> None:
    assert reports.order_state(told(brandNew={"a": [1]})).status is OrderStatus.OPEN


def test_money_that_is_not_known_is_written_negative() -> None:
    assert reports.order_state(told(cummulativeQuoteQty="-1.00000000")).quote_filled is None


# pushed --------------------------------------------------------------------------------------------------------------


def report(execution: str, status: str, **more: Any) -> bytes:
    base = {
        "e": "executionReport",
        "E": 1_700_000_000_001,
        "s": "BTCUSDT",
        "c": "k-1-2",
        "C": "",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "2",
        "p": "100",
        "x": execution,
        "X": status,
        "r": "NONE",
        "i": 7,
        "l": "0",
        "z": "0",
        "L": "0",
        "n": "0",
        "N": None,
        "T": 1_700_000_000_000,
        "t": -1,
        "m": False,
    }
    return json.dumps(base | more).encode()


TRADED = {"l": "0.5", "z": "1.5", "L": "99.5", "n": "0.001", "N": "BNB", "t": 33, "m": True}


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        (report("NEW", "NEW"), [OrderAccepted]),
        (report("TRADE", "PARTIALLY_FILLED", **TRADED), [Fill]),
        (report("TRADE", "FILLED", **TRADED), [Fill]),
        (report("CANCELED", "CANCELED", z="1.5"), [OrderCancelled]),
        (report("EXPIRED", "EXPIRED", z="1.5"), [OrderExpired]),
        (report("TRADE_PREVENTION", "EXPIRED_IN_MATCH", z="1.5"), [OrderExpired]),
        (report("TRADE_PREVENTION", "PARTIALLY_FILLED", z="1.5"), [OrderReport]),
        (report("REJECTED", "REJECTED", r="INSUFFICIENT_BALANCE"), [OrderRejected]),
        (report("REPLACED", "NEW"), [OrderAmended, OrderReport]),
        (report("TRADE", "EXPIRED", **TRADED), [Fill, OrderExpired]),
    ],
)
def test_an_execution_report_says(message: bytes, kinds: list[type]) -> None:
    news = UserStream(LISTING).read(message, 9)
    assert [type(fact) for fact in news.facts] == kinds
    for fact in news.facts:
        assert fact.order_id == "k-1-2"  # type: ignore[union-attr]
        if isinstance(fact, OrderCancelled | OrderExpired):
            assert fact.filled == D("1.5")
        if isinstance(fact, Fill):
            assert (fact.trade_id, fact.fee, fact.fee_currency, fact.liquidity) == ("33", D("0.001"), "BNB", "maker")


@pytest.mark.parametrize(
    "broken",
    [{"x": "WARP"}, {"X": "MELTED"}, {"S": "HOLD"}, {"s": "NOSUCH"}, {"l": "-1"}, {"T": -1}, {"o": "LIMITISH"}],
)
def test_a_pushed_value_that_is_unknown_is_an_error(broken: dict[str, Any]) -> None:
    with pytest.raises(VenueError):
        UserStream(LISTING).read(report("TRADE", "FILLED", **(TRADED | broken)), 9)


def test_an_event_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(VenueError, match="none that we know"):
        UserStream(LISTING).read(b'{"e":"ORDER_OF_TOMORROW","E":1}', 9)


def test_a_closing_by_the_venue_without_a_trade_id_gets_one_that_a_repeat_makes_again() -> None:
    message = report("CALCULATED", "FILLED", **(TRADED | {"t": 0, "c": "autoclose-1"}))
    (first,) = UserStream(LISTING).read(message, 9).facts
    (again,) = UserStream(LISTING).read(message, 10).facts
    assert isinstance(first, Fill)
    assert isinstance(again, Fill)
    assert first.trade_id == again.trade_id != "0"
    assert first.order_id == "autoclose-1"


def test_what_a_conditional_order_became_is_told_as_ours() -> None:
    stream = UserStream(LISTING)
    update = {
        "e": "ALGO_UPDATE",
        "E": 1,
        "T": 1,
        "o": {"caid": "k-1-9", "aid": 5, "s": "BTCUSDT", "X": "TRIGGERED", "ai": "77"},
    }
    news = stream.read(json.dumps(update).encode(), 9)
    assert news.became == ("77", "k-1-9")
    (fill,) = stream.read(report("TRADE", "FILLED", **(TRADED | {"c": "android_xyz", "i": 77})), 9).facts
    assert isinstance(fill, Fill)
    assert fill.order_id == "k-1-9"
