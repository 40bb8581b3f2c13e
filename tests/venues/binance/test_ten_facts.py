"""What naive implementations get wrong about Binance (`../shared/venues/FACTS.md`, the section in each test's name).

Each fact is a test of its own here, at the place where the mistake would be made; how the gateway lives with it is in
`test_gateway.py` and `test_streams.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any

import pytest

from kedge.model.decisions import QueryRequested
from kedge.model.facts import Fill, OrderAccepted, OrderCancelled, OrderRejected, OutcomeUnknown
from kedge.model.market import BookDelta, Candle, Trade
from kedge.model.order import OrderIntent, OrderType, Side
from kedge.model.secret import Secret
from kedge.model.sequence import Continuity
from kedge.venues.answers import ErrorClass
from kedge.venues.binance.protocol import market, orders, reports, streams, wsapi
from kedge.venues.binance.protocol.errors import failure
from kedge.venues.binance.protocol.instruments import listing
from kedge.venues.binance.protocol.names import to_client_id
from kedge.venues.binance.protocol.product import SEQUENCE_RULES, Product
from kedge.venues.binance.protocol.requests import Call, Security, http_request
from kedge.venues.binance.protocol.signing import rest_payload, signer, ws_payload
from kedge.venues.binance.protocol.user_stream import NOTHING, UserStream
from kedge.venues.binance.talk import FuturesUserTalk, SpotUserTalk
from tests.venue_vectors.binance_listing import listing_of
from tests.venues.binance.emulated import Emulated, order, play, whole

D = Decimal
SPOT, USDM = Product.SPOT, Product.USDM
LISTING = listing_of(USDM, {"symbol": "BTCUSDT"})
SECRET = Secret("made-up")


def parse(message: dict[str, Any]) -> Any:
    return streams.parse(json.dumps(message).encode(), LISTING, 9)


# 1.2 signing ---------------------------------------------------------------------------------------------------------


def test_1_2_rest_signs_query_and_body_joined_by_nothing_in_the_bytes_that_are_sent() -> None:
    assert rest_payload("a=1", "b=2") == b"a=1b=2"
    call = Call("GET", "/api/v3/order", {"symbol": "１２"}, Security.SIGNED)
    url = http_request(call, "https://x", Secret("k"), signer(SECRET), 10**18).url
    query, _, signature = url.partition("?")[2].partition("&signature=")
    assert "%EF%BC%91%EF%BC%92" in query
    assert hmac.new(b"made-up", query.encode(), hashlib.sha256).hexdigest() == signature


def test_1_2_the_websocket_api_signs_otherwise_sorted_with_the_key_and_unencoded() -> None:
    assert ws_payload({"symbol": "１", "apiKey": "k", "recvWindow": 5}) == "apiKey=k&recvWindow=5&symbol=１".encode()


# 1.3 identifiers and numbers -----------------------------------------------------------------------------------------


def test_1_3_no_number_leaves_with_an_exponent() -> None:
    tiny = OrderIntent("k-1-1", "X-USD", Side.BUY, OrderType.LIMIT, D("1E-5"), D("1E+2"))
    params = orders.place(SPOT, "XUSDT", tiny).params
    assert (params["quantity"], params["price"]) == ("0.00001", "100")


@pytest.mark.parametrize("product", Product)
def test_1_3_a_client_id_is_no_protection_against_doing_it_twice(product: Product) -> None:
    """The same id is taken again once the first order is over, so nothing may ever be sent again under it."""

    async def scene(venue: Emulated) -> None:
        first = await venue.gateway.place_order(order(1))
        again = await venue.gateway.place_order(order(1))
        assert isinstance(first[0], OrderAccepted)
        assert isinstance(again[0], OrderAccepted), "the venue would execute it twice"
        await venue.gateway.place_order(order(2, price="55000"))
        (open_again,) = await venue.gateway.place_order(order(2, price="55000"))
        assert isinstance(open_again, OutcomeUnknown), "only while it is open does the venue notice"

    play(product, scene)


def test_1_3_on_a_cancel_the_orders_own_id_is_the_original_one() -> None:
    told = {
        "symbol": "BTCUSDT",
        "origClientOrderId": "k-1-1",
        "clientOrderId": "the-cancel",
        "orderId": 4,
        "status": "CANCELED",
        "transactTime": 1,
        "side": "BUY",
        "type": "LIMIT",
        "origQty": "1",
        "executedQty": "0",
    }
    assert reports.order_state(json.dumps(told).encode()).client_id == "k-1-1"
    event = {
        "e": "executionReport",
        "E": 1,
        "s": "BTCUSDT",
        "c": "the-cancel",
        "C": "k-1-1",
        "S": "BUY",
        "o": "LIMIT",
        "q": "1",
        "x": "CANCELED",
        "X": "CANCELED",
        "i": 4,
        "l": "0",
        "z": "0",
        "L": "0",
        "T": 1,
    }
    (fact,) = UserStream(LISTING).read(json.dumps(event).encode(), 9).facts
    assert isinstance(fact, OrderCancelled)
    assert fact.order_id == "k-1-1"


# 1.5, 2.5 filters ----------------------------------------------------------------------------------------------------


def test_1_5_a_filter_of_zero_is_off_and_precisions_are_no_grid() -> None:
    entry = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "baseAssetPrecision": 8,
        "quotePrecision": 2,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "0", "maxPrice": "0"},
            {"filterType": "LOT_SIZE", "stepSize": "1e-05", "minQty": "0.00001", "maxQty": "9000"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.00000000", "minQty": "0.00000000", "maxQty": "119.23"},
        ],
    }
    found = listing(SPOT, json.dumps({"symbols": [entry]}).encode()).market("BTC-USD")
    assert (found.instrument.tick_size, found.instrument.lot_size) == (D("0.1"), D("0.00001"))
    assert found.instrument.round_quantity(D("0.123456789")) == D("0.12345"), (
        "market orders too: nothing divides by zero"
    )
    assert found.instrument.max_quantity == 9_000


# 1.6, 2.6 user streams -----------------------------------------------------------------------------------------------


def test_1_6_the_spot_user_stream_has_no_listen_key() -> None:
    talk = SpotUserTalk(UserStream(LISTING), Secret("k"), signer(SECRET), lambda: 10**18)
    (opening,) = talk.opening(0)
    said = json.loads(opening)
    assert said["method"] == "userDataStream.subscribe.signature"
    assert set(said["params"]) == {"apiKey", "timestamp", "recvWindow", "signature"}
    wrapped = b'{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1,"a":"BTC","d":"1","T":1}}'
    assert UserStream(LISTING).read(wrapped, 9) is NOTHING


def test_2_6_an_expired_listen_key_is_a_disconnection() -> None:
    heard = FuturesUserTalk(UserStream(LISTING)).hear(b'{"e":"listenKeyExpired","E":1,"listenKey":"x"}', 9)
    assert heard.over == "listenKeyExpired"


def test_2_6_a_trade_is_told_twice_and_counts_once() -> None:
    lite = {
        "e": "TRADE_LITE",
        "E": 1,
        "T": 1,
        "s": "BTCUSDT",
        "c": "k-1-1",
        "S": "BUY",
        "q": "1",
        "p": "0",
        "i": 4,
        "l": "1",
        "L": "5",
        "t": 8,
        "m": False,
    }
    assert UserStream(LISTING).read(json.dumps(lite).encode(), 9).facts == ()


# 1.7, 2.7 market streams ---------------------------------------------------------------------------------------------


def test_1_7_buyer_is_maker_means_that_somebody_sold() -> None:
    trade = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": 1, "p": "5", "q": "1", "T": 1, "m": True}
    (fact,) = parse(trade)
    assert isinstance(fact, Trade)
    assert fact.side is Side.SELL
    (asked,) = market.trades(b'[{"id":1,"price":"5","qty":"1","time":1,"isBuyerMaker":true}]', "BTC-USD", 9)
    assert asked.side is Side.SELL


def test_1_7_a_kline_is_a_candle_only_when_it_says_that_it_is_final() -> None:
    bar = {"t": 0, "i": "1m", "o": "1", "c": "1", "h": "1", "l": "1", "v": "1"}
    assert parse({"e": "kline", "E": 1, "s": "BTCUSDT", "k": bar | {"x": False}}) == ()
    (fact,) = parse({"e": "kline", "E": 1, "s": "BTCUSDT", "k": bar | {"x": True}})
    assert isinstance(fact, Candle)
    rows = json.dumps([[0, "1", "1", "1", "1", "1", 59_999], [60_000, "1", "1", "1", "1", "1", 119_999]]).encode()
    assert len(market.candles(rows, "BTC-USD", 60 * 10**9, 90_000 * 10**6)) == 1, (
        "the last row of an answer is still open"
    )


def test_2_7_futures_updates_are_chained_and_not_counted() -> None:
    first, second = {"U": 150, "u": 160, "pu": 149}, {"U": 555, "u": 560, "pu": 160}
    deltas = [
        parse({"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "b": [], "a": [], **each})[0]
        for each in (first, second)
    ]
    assert all(isinstance(each, BookDelta) for each in deltas)
    assert SEQUENCE_RULES[USDM](160, False, deltas[1]) is Continuity.FOLLOWS
    assert SEQUENCE_RULES[SPOT](160, False, deltas[1]) is Continuity.GAP
    lost = parse({"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "b": [], "a": [], "U": 161, "u": 170, "pu": 165})[
        0
    ]
    assert SEQUENCE_RULES[USDM](160, False, lost) is Continuity.GAP, (
        "its U is the next number, and still one is missing"
    )


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("btcusdt@depth@100ms", "public"),
        ("btcusdt@bookTicker", "public"),
        ("btcusdt@trade", "public"),
        ("btcusdt@aggTrade", "market"),
        ("btcusdt@markPrice@1s", "market"),
        ("btcusdt@kline_1m", "market"),
    ],
)
def test_2_1_a_stream_on_the_wrong_path_would_be_silent_for_ever(stream: str, path: str) -> None:
    assert streams.path_of(stream) == path
    assert streams.url(USDM, "wss://x", [stream]) == f"wss://x/{path}/stream"


# 1.10, 2.9 errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Unknown error, please check your request or try again later.", ErrorClass.UNKNOWN),
        ("Service Unavailable.", ErrorClass.RETRY_LATER),
    ],
)
def test_2_9_a_503_means_what_its_words_say(message: str, kind: ErrorClass) -> None:
    assert failure(503, {}, json.dumps({"code": 0, "msg": message}).encode(), 1).kind is kind


def test_1_10_a_4xx_can_be_unknown_too() -> None:
    assert failure(400, {}, b'{"code":-1007,"msg":"Timeout"}', 1).kind is ErrorClass.UNKNOWN


@pytest.mark.parametrize("product", Product)
def test_1_11_order_does_not_exist_is_no_proof(product: Product) -> None:
    async def scene(venue: Emulated) -> None:
        path = {SPOT: "/api/v3/order", USDM: "/fapi/v1/order"}[product]
        venue.fault("drop_before", path=path)
        await venue.gateway.place_order(order(1, price="55000"))
        (fact,) = await venue.gateway.query_order(QueryRequested("exam-1-1", "a test"))
        assert isinstance(fact, OutcomeUnknown)

    play(product, scene)


# 1.12, 2.3, 2.4 ------------------------------------------------------------------------------------------------------


def test_1_12_what_is_bought_pays_its_fee_itself() -> None:
    async def scene(venue: Emulated) -> None:
        facts = await venue.gateway.place_order(order(1))
        (fill,) = [fact for fact in facts if isinstance(fact, Fill)]
        assert fill.fee_currency == "BTC"
        held = whole(await venue.gateway.get_balances())["BTC"].total
        assert held == 2 + fill.quantity - fill.fee

    play(SPOT, scene)


def test_2_4_conditional_orders_live_elsewhere_and_outlive_a_cancel_of_all() -> None:
    async def scene(venue: Emulated) -> None:
        gateway = venue.gateway
        await gateway.place_order(order(1))
        stop = order(2, "sell", order_type=OrderType.STOP, stop_price=D("55000"), reduce_only=True)
        await gateway.place_order(stop)
        session = gateway.session
        plain = await session.ask(orders.cancel_all(USDM, "BTCUSDT"), lambda body: body)
        assert json.loads(whole(plain))["code"] == 200
        assert [each.order_id for each in whole(await gateway.get_open_orders())] == ["exam-1-2"]
        by_plain_name = orders.query(USDM, "BTCUSDT", {"origClientOrderId": to_client_id("exam-1-2")})
        assert getattr(await session.ask(by_plain_name, reports.order_state), "code", "") == "-2013"
        refused = await session.ask(
            Call(
                "POST",
                "/fapi/v1/order",
                orders.place(USDM, "BTCUSDT", stop.intent).params | {"type": "STOP_MARKET"},
                Security.SIGNED,
            ),
            reports.order_state,
        )
        assert getattr(refused, "code", "") == "-4120"

    play(USDM, scene)


def test_2_4_average_price_and_quote_come_and_go() -> None:
    told = {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "clientOrderId": "k",
        "updateTime": 1,
        "status": "NEW",
        "side": "BUY",
        "type": "LIMIT",
        "origQty": "1",
        "executedQty": "0",
    }
    assert reports.order_state(json.dumps(told).encode()).average_price is None
    assert reports.order_state(json.dumps(told | {"avgPrice": "5.5", "cumQuote": "5.5"}).encode()).average_price == D(
        "5.5"
    )


def test_2_4_a_post_only_order_that_would_take_is_no_order_at_all() -> None:
    async def scene(venue: Emulated) -> None:
        (fact,) = await venue.gateway.place_order(order(1, price="62000", post_only=True))
        assert isinstance(fact, OrderRejected)
        assert "-5022" in fact.reason

    play(USDM, scene)


def test_1_9_the_websocket_api_names_a_moment_and_not_a_delay() -> None:
    message = b'{"id":1,"status":418,"error":{"code":-1003,"msg":"banned","data":{"retryAfter":1700000077000}}}'
    assert getattr(wsapi.answer(message, 1), "retry_at", 0) == 1_700_000_077_000 * 10**6
