"""What naive clients of Coinbase get wrong (FACTS.md, sections 4 and 5), each at our protocol or gateway."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kedge.core.orders.lifecycle import TABLE, OrderEvent
from kedge.model.decisions import CancelRequested, QueryRequested
from kedge.model.errors import ConfigError, VenueError
from kedge.model.facts import (
    CancelRejected,
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
)
from kedge.model.instant import NS_PER_S
from kedge.model.market import BookDelta, OrderBook, Trade
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.model.secret import Secret
from kedge.venues.answers import ErrorClass, Failed, Whole
from kedge.venues.coinbase import errors, market, messages, orders, requests
from kedge.venues.coinbase.configuration import configuration, unsupported
from kedge.venues.coinbase.products import Fees, Names, listing
from kedge.venues.coinbase.signing import ApiKey, token
from kedge.venues.coinbase.stream import MarketDecoder
from kedge.venues.coinbase.values import Fields
from kedge.venues.wire.memory import FaultKind
from tests.venues.coinbase.bench import BTC, Bench, approved, on_bench

PEM = (
    ec.derive_private_key(12345, ec.SECP256R1())
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    .decode()
)
MINUTE = 60 * NS_PER_S


def claims(text: str) -> dict[str, Any]:
    part = text.split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return told


def message(channel: str, sequence: int, *events: dict[str, Any], at: str = "2026-04-07T14:30:00Z") -> str:
    return json.dumps({"channel": channel, "timestamp": at, "sequence_num": sequence, "events": list(events)})


def level2(kind: str, *levels: tuple[str, str, str], product: str = BTC) -> dict[str, Any]:
    updates = [{"side": side, "price_level": price, "new_quantity": size} for side, price, size in levels]
    return {"type": kind, "product_id": product, "updates": updates}


def decoder(**products: str) -> MarketDecoder:
    """`BTC_USD=""` is a product with a book of its own, else whose book it is."""
    names = {name.replace("_", "-"): alias for name, alias in (products or {"BTC_USD": ""}).items()}
    channels = (messages.LEVEL2_DATA, messages.TRADES, messages.CANDLES, messages.TICKER)
    return MarketDecoder(Names(names), [(channel, name) for channel in channels for name in names])


# tokens


def test_a_token_is_for_method_host_and_path_never_for_the_query() -> None:
    call = requests.candles(BTC, MINUTE, NS_PER_S, 2 * NS_PER_S, signed=True)
    assert "?" in call.url("https://api.coinbase.com")
    made = claims(token(ApiKey("a", Secret(PEM)), 1_700_000_000, "n", call.claim("api.coinbase.com")))
    assert made["uri"] == "GET api.coinbase.com/api/v3/brokerage/products/BTC-USD/candles"
    assert made["exp"] - made["nbf"] == 120


def test_the_token_of_a_stream_is_for_nothing() -> None:
    assert "uri" not in claims(token(ApiKey("a", Secret(PEM)), 1_700_000_000, "n"))


def test_an_es256_signature_is_r_and_s_and_not_der() -> None:
    for n in range(40):  # DER would be 70 to 72 bytes, and short numbers shorter still
        assert len(ApiKey("a", Secret(PEM)).sign(b"%d" % n)) == 64


def test_a_pem_comes_with_its_line_ends_written_out() -> None:
    assert ApiKey("a", Secret(PEM.replace("\n", "\\n"))).algorithm == "ES256"


@pytest.mark.parametrize(
    "secret", ["", "no key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----", "QUJD"]
)
def test_a_key_that_cannot_sign_is_said_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigError) as error:
        ApiKey("a", Secret(secret))
    assert not secret or secret not in str(error.value)
    assert "\n" not in str(error.value)


# orders


def test_a_refusal_is_http_200_and_only_success_tells() -> None:
    failed = orders.placed(
        Fields(
            {
                "success": False,
                "failure_reason": "UNKNOWN_FAILURE_REASON",
                "error_response": {"error": "INSUFFICIENT_FUND", "preview_failure_reason": "PREVIEW_INSUFFICIENT_FUND"},
            },
            "answer",
        )
    )
    assert isinstance(failed, Failed)
    assert failed.kind is ErrorClass.REFUSED
    assert "INSUFFICIENT_FUND" in failed.code
    taken = {"order_id": "x", "client_order_id": "k-1-1"}
    good = {"success": True, "failure_reason": "UNKNOWN_FAILURE_REASON", "success_response": taken}
    assert orders.placed(Fields(good, "answer")) == orders.Accepted("x", "k-1-1")


def test_an_answer_without_success_is_no_answer() -> None:
    with pytest.raises(VenueError, match="success"):
        orders.placed(Fields({"order_id": "x"}, "answer"))


def test_accepted_is_not_resting_and_a_failure_after_it_ends_the_order() -> None:
    told = {
        "order_id": "x",
        "client_order_id": "k-1-1",
        "status": "FAILED",
        "reject_message": "NO_LIQUIDITY",
        "filled_size": "0",
    }
    fact = orders.standing(Fields(told, "order")).told(1, "k-1-1")
    assert fact == OrderCancelled(1, "k-1-1", Decimal(0), "failed: NO_LIQUIDITY")
    assert TABLE.after(OrderStatus.OPEN, OrderEvent.CANCEL) is OrderStatus.CANCELLED  # a rejection would be illegal


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("PENDING", "0", OrderStatus.OPEN),
        ("OPEN", "0.5", OrderStatus.PARTIAL),
        ("QUEUED", "0", OrderStatus.OPEN),
        ("CANCEL_QUEUED", "0", OrderStatus.OPEN),
        ("EDIT_QUEUED", "0", OrderStatus.OPEN),
        ("FILLED", "1", OrderStatus.FILLED),
        ("CANCELLED", "0", OrderStatus.CANCELLED),
        ("EXPIRED", "0", OrderStatus.EXPIRED),
        ("UNKNOWN_ORDER_STATUS", "0", None),
        (None, "0", None),
    ],
)
def test_statuses(word: str | None, filled: str, status: OrderStatus | None) -> None:
    told = {"order_id": "x", "status": word, "filled_size": filled}
    assert orders.standing(Fields(told, "order")).status is status


@pytest.mark.parametrize("word", ["CANCELED", "open", "LIVE"])
def test_a_status_nobody_knows_is_an_error(word: str) -> None:
    with pytest.raises(VenueError, match="not known"):
        orders.standing(Fields({"order_id": "x", "status": word}, "order"))


def test_prices_lie_on_price_increment_and_not_on_quote_increment() -> None:
    told = {
        "product_id": "X-USD", "base_currency_id": "X", "quote_currency_id": "USD", "base_increment": "0.1",
        "quote_increment": "0.01", "price_increment": "0.0001", "status": "online",
    }  # fmt: skip
    assert listing(Fields(told, "product"), Fees()).instrument.tick_size == Decimal("0.0001")


@pytest.mark.parametrize(
    ("side", "kind", "direction"),
    [
        (Side.SELL, OrderType.STOP_LIMIT, "STOP_DIRECTION_STOP_DOWN"),
        (Side.BUY, OrderType.STOP_LIMIT, "STOP_DIRECTION_STOP_UP"),
        (Side.SELL, OrderType.TAKE_PROFIT, "STOP_DIRECTION_STOP_UP"),
        (Side.BUY, OrderType.TAKE_PROFIT, "STOP_DIRECTION_STOP_DOWN"),
    ],
)
def test_a_stop_and_a_target_differ_by_direction_alone(side: Side, kind: OrderType, direction: str) -> None:
    intent = OrderIntent("k-1-1", BTC, side, kind, Decimal(1), Decimal(100), Decimal(110))
    assert configuration(intent)["stop_limit_stop_limit_gtc"]["stop_direction"] == direction


@pytest.mark.parametrize(
    "more",
    [
        {"order_type": OrderType.STOP, "stop_price": Decimal(1)},
        {"order_type": OrderType.TRAILING_STOP, "trail": Decimal(1)},
        {"order_type": OrderType.TAKE_PROFIT, "stop_price": Decimal(1)},
        {"order_type": OrderType.LIMIT, "price": Decimal(1), "reduce_only": True},
        {"order_type": OrderType.LIMIT, "price": Decimal(1), "post_only": True, "time_in_force": TimeInForce.IOC},
        {"order_type": OrderType.LIMIT, "price": Decimal(1), "time_in_force": TimeInForce.GTD},
    ],
)
def test_what_the_venue_has_no_words_for_is_not_sent(more: dict[str, Any]) -> None:
    intent = OrderIntent("k-1-1", BTC, Side.SELL, quantity=Decimal(1), **more)
    assert unsupported(intent)

    async def test(bench: Bench) -> None:
        from kedge.model.decisions import Approved

        (fact,) = await bench.gateway.place_order(Approved(intent))
        assert isinstance(fact, OrderRejected)
        assert not bench.orders

    on_bench(test)


# idempotence, doubt and cancels, at the emulator


def test_a_lost_answer_is_asked_for_with_the_same_bytes_and_one_order_is_there() -> None:
    async def test(bench: Bench) -> None:
        bench.break_network(FaultKind.DROP_AFTER)
        (fact,) = await bench.gateway.place_order(approved("k-1-1"))
        assert isinstance(fact, OrderAccepted)
        (only,) = bench.orders
        assert fact.exchange_id == only.id

    on_bench(test)


def test_an_order_that_nobody_answers_for_is_unknown_until_it_is_found() -> None:
    async def test(bench: Bench) -> None:
        bench.break_network(FaultKind.DROP_AFTER, times=3)
        (fact,) = await bench.gateway.place_order(approved("k-1-1"))
        assert isinstance(fact, OutcomeUnknown)
        (found,) = await bench.gateway.query_order(QueryRequested("k-1-1", "unknown"))
        assert isinstance(found, OrderReport)
        assert found.status is OrderStatus.OPEN
        assert len(bench.orders) == 1

    on_bench(test)


def test_an_order_that_never_came_is_rejected_only_after_its_token_has_expired_and_twice() -> None:
    async def test(bench: Bench) -> None:
        bench.break_network(FaultKind.DROP_BEFORE, times=3)
        assert isinstance((await bench.gateway.place_order(approved("k-1-1")))[0], OutcomeUnknown)

        async def ask() -> Any:
            return (await bench.gateway.query_order(QueryRequested("k-1-1", "unknown")))[0]

        for wait in (1, 60, 60):
            await bench.clock.sleep(wait)
            assert isinstance(await ask(), OutcomeUnknown)
        await bench.clock.sleep(30)
        assert isinstance(await ask(), OutcomeUnknown)  # the first time that nothing can come any more
        await bench.clock.sleep(6)
        last = await ask()
        assert isinstance(last, OrderReport)
        assert last.status is OrderStatus.REJECTED

    on_bench(test)


def test_a_refused_repeat_says_nothing_of_the_first() -> None:
    async def test(bench: Bench) -> None:
        bench.break_network(FaultKind.DROP_BEFORE)
        bench.fault("maintenance", phase="cancel_only")  # the repeat is refused
        (fact,) = await bench.gateway.place_order(approved("k-1-1"))
        assert isinstance(fact, OutcomeUnknown)

    on_bench(test)


def test_a_stale_list_is_no_proof_that_an_order_is_gone() -> None:
    async def test(bench: Bench) -> None:
        bench.fault("stale", path="/api/v3/brokerage/orders/historical", ms=3000)
        await bench.gateway.place_order(approved("k-1-1"))
        (fact,) = await bench.gateway.query_order(QueryRequested("k-1-1", "test"))
        assert isinstance(fact, OutcomeUnknown)
        await bench.clock.sleep(4)
        (fact,) = await bench.gateway.query_order(QueryRequested("k-1-1", "test"))
        assert isinstance(fact, OrderReport)

    on_bench(test)


def test_a_cancel_that_was_heard_is_no_cancel_and_fills_that_race_it_count() -> None:
    async def test(bench: Bench) -> None:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        price = bench.best(asks=False) - 10
        await bench.gateway.place_order(approved("k-1-1", price=price))
        await bench.clock.sleep(0.5)
        assert list(await bench.gateway.cancel_order(CancelRequested("k-1-1", "test"))) == []
        assert bench.orders[0].status == "CANCEL_QUEUED"
        (report,) = await bench.gateway.query_order(QueryRequested("k-1-1", "test"))
        assert isinstance(report, OrderReport)
        assert report.status is OrderStatus.OPEN
        bench.push(price - 100)  # it fills before it is cancelled
        await bench.clock.sleep(2)
        fills = [fact for fact in facts if isinstance(fact, Fill)]
        assert sum(fill.quantity for fill in fills) == Decimal("0.01")
        assert not [fact for fact in facts if isinstance(fact, OrderCancelled)]
        await stream.stop()

    on_bench(test)


def test_a_cancel_of_what_has_ended_is_rejected_and_proves_nothing() -> None:
    async def test(bench: Bench) -> None:
        await bench.gateway.place_order(approved("k-1-1", OrderType.MARKET, price=None))
        await bench.clock.sleep(1)
        (fact,) = await bench.gateway.cancel_order(CancelRequested("k-1-1", "test"))
        assert isinstance(fact, CancelRejected)

    on_bench(test)


def test_open_orders_include_what_is_pending_or_queued() -> None:
    async def test(bench: Bench) -> None:
        await bench.gateway.place_order(approved("k-1-1"))
        bench.orders[0].status = type(bench.orders[0].status).PENDING
        answer = await bench.gateway.get_open_orders()
        assert isinstance(answer, Whole)
        assert [order.order_id for order in answer.value] == ["k-1-1"]

    on_bench(test)


# market data


def test_a_book_is_asked_for_as_level2_and_comes_as_l2_data_with_offers() -> None:
    assert json.loads(messages.subscribe(messages.LEVEL2, [BTC]))["channel"] == "level2"
    reading = decoder()
    (book,) = reading.decode(message("l2_data", 0, level2("snapshot", ("bid", "99", "1"), ("offer", "101", "2"))))
    assert isinstance(book, OrderBook)
    assert (book.bids, book.asks) == (((Decimal(99), Decimal(1)),), ((Decimal(101), Decimal(2)),))
    (delta,) = reading.decode(message("l2_data", 1, level2("update", ("offer", "101", "0"))))
    assert isinstance(delta, BookDelta)
    assert delta.asks == ((Decimal(101), Decimal(0)),)
    with pytest.raises(VenueError, match="side"):
        reading.decode(message("l2_data", 2, level2("update", ("ask", "101", "1"))))


def test_a_number_missing_on_any_channel_puts_every_book_in_doubt() -> None:
    reading = decoder(BTC_USD="", ETH_USD="")
    for n, product in enumerate(("BTC-USD", "ETH-USD")):
        reading.decode(
            message("l2_data", n, level2("snapshot", ("bid", "9", "1"), ("offer", "10", "1"), product=product))
        )
    reading.decode(message("heartbeats", 3, {"heartbeat_counter": 1}))  # 2 is missing
    assert "gap" in reading.lost
    for n, product in enumerate(("BTC-USD", "ETH-USD")):
        (delta,) = reading.decode(message("l2_data", 4 + n, level2("update", ("bid", "9", "2"), product=product)))
        assert isinstance(delta, BookDelta)
        assert delta.previous_sequence > n, "it names a predecessor that the book does not have"


def test_candles_come_newest_first_the_last_still_open_and_buckets_may_be_missing() -> None:
    rows = [
        {"start": str(start), "low": "1", "high": "3", "open": "2", "close": "2", "volume": "5"}
        for start in (1_700_000_400, 1_700_000_100, 1_700_000_040)
    ]
    made = market.candles(Fields({"candles": rows}, "candles"), BTC, MINUTE, 1_700_000_430 * NS_PER_S)
    assert [each.ts // NS_PER_S for each in made] == [1_700_000_040, 1_700_000_100]


def test_an_alias_is_answered_under_the_name_of_the_other_book() -> None:
    reading = decoder(BTC_USD="", BTC_USDC="BTC-USD")
    facts = reading.decode(message("l2_data", 0, level2("snapshot", ("bid", "99", "1"), ("offer", "101", "2"))))
    assert [fact.symbol for fact in facts if isinstance(fact, OrderBook)] == ["BTC-USD", "BTC-USDC"]


def test_the_side_of_a_trade_is_the_makers() -> None:
    trade = {
        "product_id": BTC,
        "trade_id": "5",
        "price": "1",
        "size": "1",
        "time": "2026-04-07T14:30:00Z",
        "side": "BUY",
    }
    (fact,) = decoder().decode(message("market_trades", 0, {"type": "update", "trades": [trade]}))
    assert isinstance(fact, Trade)
    assert fact.side is Side.SELL


def test_heartbeats_are_always_subscribed() -> None:
    async def test(bench: Bench) -> None:
        from kedge.venues.gateway import Subscription

        stream = bench.gateway.market_stream([Subscription("trades", BTC)], lambda _: None)
        await stream.start()
        asked = [connection.asked for connection in bench.dialect.channels.connections.values()]
        assert all("heartbeats" in each for each in asked)
        await bench.clock.sleep(200)  # quiet channels are closed after 90 s
        assert bench.dialect.channels.connections
        await stream.stop()

    on_bench(test)


# errors


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":"INVALID_ARGUMENT","message":"no"}', ErrorClass.OURS),
        (401, b"Unauthorized\n", ErrorClass.OURS),
        (403, b'{"error":"PERMISSION_DENIED","error_details":"Missing required scopes"}', ErrorClass.OURS),
        (404, b'{"error":"NOT_FOUND"}', ErrorClass.REFUSED),
        (429, b'{"errors":[{"id":"rate_limit_exceeded","message":"slow"}]}', ErrorClass.RETRY_LATER),
        (502, b"<html>bad gateway</html>", ErrorClass.UNKNOWN),
        (504, b"", ErrorClass.UNKNOWN),
        (302, b"", ErrorClass.UNKNOWN),
    ],
)
def test_what_a_status_means(status: int, body: bytes, kind: ErrorClass) -> None:
    failed = errors.failure(status, {"retry-after": "7"}, body, 100)
    assert failed is not None
    assert failed.kind is kind
    assert "<" not in failed.message
    if kind is ErrorClass.RETRY_LATER:
        assert failed.retry_at == 100 + 7 * NS_PER_S
