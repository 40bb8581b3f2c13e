"""Binance USD-M Futures: what FACTS say of it, each by its code and message; the facts that naive clients get wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from kedge.venues.emulator.faults import Fault, Phase, Rule
from tests.venues.emulator.futures import FuturesClient
from tests.venues.emulator.spot import events
from tests.venues.emulator.test_spot import refused

HOUR_MS = 3_600_000
LIMIT = {"quantity": "0.01", "price": "58000"}


@pytest.fixture
def client() -> FuturesClient:
    return FuturesClient()


# ------------------------------------------------------------------------------------------------------------- orders
@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"quantity": "1e-05"}, -1100, "Illegal characters"),
        ({"quantity": "0.0001"}, -1111, "Precision is over the maximum defined for this asset."),
        ({"quantity": "0"}, -4003, "Quantity less than or equal to zero."),
        ({"quantity": "1001"}, -4005, "Quantity greater than max quantity."),
        ({"price": "58000.05"}, -4014, "Price not increased by tick size."),
        ({"price": "58000.001"}, -1111, "Precision is over the maximum defined for this asset."),
        ({"price": "0"}, -4001, "Price less than 0."),
        ({"price": "80000"}, -4016, "Limit price can't be higher than"),
        ({"quantity": "0.001", "price": "40000"}, -4164, "Order's notional must be no smaller than 50"),
        ({"quantity": "40"}, -2019, "Margin is insufficient."),
        ({"symbol": "NONE"}, -1121, "Invalid symbol."),
        ({"type": "STOP_MARKET"}, -4120, "Order type not supported for this endpoint."),
        ({"type": "TRAILING_STOP_MARKET"}, -4120, "Order type not supported for this endpoint."),
        ({"type": "MAGIC"}, -1116, "Invalid orderType."),
        ({"positionSide": "LONG"}, -4061, "Order's position side does not match user's setting."),
        ({"reduceOnly": "true"}, -2022, "ReduceOnly Order is rejected."),
        ({"newClientOrderId": "a" * 37}, -4015, "Client order id length should be less than 36 chars"),
        ({"newClientOrderId": "no spaces"}, -1100, "Illegal characters"),
        ({"timeInForce": "GTX", "price": "60800"}, -5022, "could not be executed as maker"),
        ({"timeInForce": "FOK", "price": "58000"}, -5021, "could not be filled immediately"),
        ({"timeInForce": "GTD", "goodTillDate": "1"}, -4208, "600 seconds"),
    ],
    ids=str,
)
def test_what_is_refused_and_how(client: FuturesClient, params: dict[str, str], code: int, message: str) -> None:
    told = client.order(**{"side": "BUY", **LIMIT, **params} | ({"kind": params["type"]} if "type" in params else {}))
    assert (client.status, told["code"]) == (400, code)
    assert message in told["msg"]
    assert client.signed("GET", "/allOrders", symbol="BTCUSDT") == [], "no order was created"


def test_a_sell_far_below_the_mark_price_is_4024(client: FuturesClient) -> None:
    assert client.order("SELL", quantity="0.01", price="50000")["code"] == -4024


def test_ids_have_their_own_alphabet_and_their_own_duplicate_code(client: FuturesClient) -> None:
    client.order(**LIMIT, newClientOrderId="a.B:c/d_e-f")
    told = client.order(**LIMIT, newClientOrderId="a.B:c/d_e-f")
    assert refused(told) == (-4116, "clientOrderId is duplicated.")
    client.cancel(origClientOrderId="a.B:c/d_e-f")
    assert client.order(**LIMIT, newClientOrderId="a.B:c/d_e-f")["status"] == "NEW"


def test_acknowledged_is_all_that_ack_says_and_it_is_the_default(client: FuturesClient) -> None:
    told = client.order(kind="MARKET", quantity="0.1")
    assert (told["status"], told["executedQty"]) == ("NEW", "0")
    assert "avgPrice" not in told, "gone from placing since July 2026"
    told = client.order(kind="MARKET", quantity="0.1", newOrderRespType="RESULT")
    assert (told["status"], told["executedQty"]) == ("FILLED", "0.1")
    asked = client.signed("GET", "/order", symbol="BTCUSDT", orderId=told["orderId"])
    assert Decimal(asked["avgPrice"]) > 0
    assert Decimal(asked["cumQuote"]) > 0


@pytest.mark.parametrize(
    ("force", "price", "status"),
    [("GTC", "58000", "NEW"), ("GTX", "58000", "NEW"), ("IOC", "58000", "EXPIRED"), ("IOC", "61000", "FILLED"),
     ("FOK", "61000", "FILLED"), ("GTC", "61000", "FILLED")],
)  # fmt: skip
def test_every_time_in_force(client: FuturesClient, force: str, price: str, status: str) -> None:
    told = client.order(quantity="0.01", price=price, timeInForce=force, newOrderRespType="RESULT")
    assert told["status"] == status


def test_an_order_till_a_date_ends_with_it_in_whole_seconds(client: FuturesClient) -> None:
    until = client.now_ms + 700_999
    told = client.order(**LIMIT, timeInForce="GTD", goodTillDate=until)
    assert told["goodTillDate"] == until // 1_000 * 1_000
    client.wait(699_000)
    assert client.status_of(told["orderId"]) == "NEW"
    client.exchange.markets["BTCUSDT"].frozen = False
    client.wait(3_000)
    assert client.status_of(told["orderId"]) == "EXPIRED"


def test_reduce_only_never_trades_more_than_the_position(client: FuturesClient) -> None:
    client.order(kind="MARKET", quantity="0.1")
    assert refused(client.order(kind="MARKET", quantity="0.1", reduceOnly="true")) == (
        -2022,
        "ReduceOnly Order is rejected.",
    )
    told = client.order("SELL", "MARKET", quantity="0.5", reduceOnly="true", newOrderRespType="RESULT")
    assert (told["executedQty"], told["status"]) == ("0.1", "EXPIRED")
    assert client.held() is None


def test_reduce_only_orders_end_when_their_position_is_closed(client: FuturesClient) -> None:
    client.order(kind="MARKET", quantity="0.1")
    resting = client.order("SELL", quantity="0.1", price="62000", reduceOnly="true")
    client.order("SELL", "MARKET", quantity="0.1")
    assert client.status_of(resting["orderId"]) == "EXPIRED"


def test_reduce_only_may_be_small(client: FuturesClient) -> None:
    client.order(kind="MARKET", quantity="0.001")
    assert "orderId" in client.order("SELL", quantity="0.001", price="60900", reduceOnly="true")


def test_modifying_loses_the_place_and_ends_what_cannot_go_on(client: FuturesClient) -> None:
    session = client.listen()
    told = client.order(**LIMIT)
    number = told["orderId"]

    def modify(**params: Any) -> Any:
        return client.signed("PUT", "/order", symbol="BTCUSDT", side="BUY", orderId=number, **params)

    assert refused(modify(quantity="0.01", price="58000"))[0] == -5027
    assert modify(quantity="0.02", price="58100")["origQty"] == "0.02"
    assert [each["o"]["x"] for each in events(session) if each["e"] == "ORDER_TRADE_UPDATE"] == ["NEW", "AMENDMENT"]
    assert (
        client.signed("PUT", "/order", symbol="BTCUSDT", side="BUY", orderId=number, quantity="0.02")["code"] == -1102
    )
    ether = {"symbol": "ETHUSDT", "price": "2900"}
    small = client.order(**ether, quantity="0.1")["orderId"]
    told = client.signed("PUT", "/order", **ether, side="BUY", orderId=small, quantity="0.005")
    assert told["code"] == -4164
    maker = client.order(**LIMIT, timeInForce="GTX")["orderId"]
    told = client.signed("PUT", "/order", symbol="BTCUSDT", side="BUY", orderId=maker, quantity="0.01", price="60900")
    assert told["status"] == "CANCELED", "a post-only that would take"


def test_a_batch_answers_for_each_order(client: FuturesClient) -> None:
    orders = [
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.01",
            "price": "58000",
        },
        {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0", "price": "58000"},
    ]
    text = msgspec.json.encode(orders).decode()
    told = client.signed("POST", "/batchOrders", batchOrders=text)
    assert (told[0]["status"], told[1]["code"]) == ("NEW", -4003)
    assert told[0]["selfTradePreventionMode"] == "NONE"
    ids = f"[{told[0]['orderId']},1]"
    told = client.signed("DELETE", "/batchOrders", symbol="BTCUSDT", orderIdList=ids)
    assert (told[0]["status"], told[1]["code"]) == ("CANCELED", -2011)


def test_a_batch_is_verified_as_it_was_sent_encoded_or_not(client: FuturesClient) -> None:
    import hashlib
    import hmac

    orders = '[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"58000"}]'
    body = f"timestamp={client.now_ms}&batchOrders={orders}"
    secret = client.dialect.credentials.api_secret.encode()
    signature = hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()
    key = client.dialect.credentials.api_key
    reply = client.raw(
        "POST", "/fapi/v1/batchOrders", "", f"{body}&signature={signature}".encode(), **{"x-mbx-apikey": key}
    )
    assert client.told(reply)[0]["status"] == "NEW"


# ------------------------------------------------------------------------------------------------- conditional orders
@pytest.mark.parametrize(
    ("side", "kind", "params", "push", "status"),
    [
        ("SELL", "STOP_MARKET", {"triggerPrice": "59000"}, 58_900, "FILLED"),
        ("BUY", "STOP_MARKET", {"triggerPrice": "61500"}, 61_600, "FILLED"),
        ("SELL", "TAKE_PROFIT_MARKET", {"triggerPrice": "61500"}, 61_600, "FILLED"),
        ("BUY", "TAKE_PROFIT_MARKET", {"triggerPrice": "59000"}, 58_900, "FILLED"),
        ("SELL", "STOP", {"triggerPrice": "59000", "price": "58500"}, 58_900, "FILLED"),
        ("SELL", "TAKE_PROFIT", {"triggerPrice": "61500", "price": "62000"}, 61_600, "NEW"),
        ("SELL", "TRAILING_STOP_MARKET", {"callbackRate": "1"}, 58_900, "FILLED"),
    ],
)
def test_every_conditional_type(
    client: FuturesClient, side: str, kind: str, params: dict[str, str], push: int, status: str
) -> None:
    session = client.listen()
    made = client.algo(side, kind, quantity="0.01", **params)
    assert (made["algoStatus"], made["orderType"], made["actualOrderId"]) == ("NEW", kind, "")
    asked = {"symbol": "BTCUSDT"}
    assert client.signed("GET", "/openOrders", **asked) == [], "plain pages do not see it"
    assert client.signed("GET", "/order", **asked, orderId=made["algoId"])["code"] == -2013
    assert client.signed("DELETE", "/order", **asked, orderId=made["algoId"])["code"] == -2011
    assert len(client.signed("GET", "/openAlgoOrders", **asked)) == 1
    client.push(push)
    after = client.signed("GET", "/algoOrder", clientAlgoId=made["clientAlgoId"])
    assert after["algoStatus"] == ("FINISHED" if status == "FILLED" else "TRIGGERED")
    assert client.status_of(int(after["actualOrderId"])) == status
    said = [each["o"]["X"] for each in events(session) if each["e"] == "ALGO_UPDATE"]
    assert said[0] == "NEW"
    assert said[-1] == after["algoStatus"]


def test_a_trailing_stop_follows_from_the_price_at_which_it_was_placed(client: FuturesClient) -> None:
    """Its activation price is the latest price where none is given: one fall of more than the rate triggers it."""
    last = client.exchange.tapes["BTCUSDT"].last
    assert last is not None
    made = client.algo("SELL", "TRAILING_STOP_MARKET", quantity="0.01", callbackRate="1")
    client.push(int(last * Decimal("0.9875")))
    assert client.signed("GET", "/algoOrder", algoId=made["algoId"])["algoStatus"] == "FINISHED"


def test_a_conditional_order_by_mark_price_ignores_trades(client: FuturesClient) -> None:
    client.exchange.pinned_marks["BTCUSDT"] = Decimal(60_000)
    made = client.algo("SELL", "STOP_MARKET", quantity="0.01", triggerPrice="59000", workingType="MARK_PRICE")
    client.push(58_500)
    assert client.signed("GET", "/algoOrder", algoId=made["algoId"])["algoStatus"] == "NEW"
    client.exchange.set_mark("BTCUSDT", Decimal(58_900))
    assert client.signed("GET", "/algoOrder", algoId=made["algoId"])["algoStatus"] == "FINISHED"


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"quantity": "0.01"}, -1102, "Mandatory parameter 'triggerprice' was not sent"),
        ({"triggerPrice": "59000"}, -1102, "Mandatory parameter 'quantity' was not sent"),
        ({"quantity": "0.01", "triggerPrice": "62000"}, -2021, "Order would immediately trigger."),
        ({"quantity": "0.01", "triggerPrice": "59000", "closePosition": "true"}, -4137, "Quantity must be zero"),
        ({"triggerPrice": "59000", "closePosition": "true", "reduceOnly": "true"}, -4138, "Reduce only"),
        ({"quantity": "0.01", "triggerPrice": "59000", "reduceOnly": "true"}, -2022, "ReduceOnly Order is rejected."),
    ],
    ids=str,
)
def test_what_a_conditional_order_is_refused_for(
    client: FuturesClient, params: dict[str, str], code: int, message: str
) -> None:
    told = client.algo("SELL", "STOP_MARKET", **params)
    assert told["code"] == code
    assert message in told["msg"], "a missing parameter is named in lower case here"


def test_close_position_closes_what_is_held_then(client: FuturesClient) -> None:
    client.order(kind="MARKET", quantity="0.2")
    client.algo("SELL", "STOP_MARKET", triggerPrice="59000", closePosition="true")
    client.order(kind="MARKET", quantity="0.1")
    client.push(58_900)
    assert client.held() is None


def test_cancelling_conditional_orders(client: FuturesClient) -> None:
    one = client.algo("SELL", "STOP_MARKET", quantity="0.01", triggerPrice="59000")
    client.algo("SELL", "STOP_MARKET", quantity="0.01", triggerPrice="58000")
    told = client.signed("DELETE", "/algoOrder", algoId=one["algoId"])
    assert told["code"] == "200", "a text here"
    assert client.signed("DELETE", "/algoOrder", algoId=one["algoId"])["code"] == -2011
    client.signed("DELETE", "/allOpenOrders", symbol="BTCUSDT")
    assert len(client.signed("GET", "/openAlgoOrders")) == 1, "allOpenOrders leaves conditional orders"
    assert client.signed("DELETE", "/algoOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert client.signed("GET", "/openAlgoOrders") == []


# -------------------------------------------------------------------------------------- the account, margin, funding
def test_the_account_by_hand(client: FuturesClient) -> None:
    wallet, cost, held = Decimal(100_000), Decimal(0), Decimal(0)
    client.order(kind="MARKET", quantity="0.7")
    client.order("SELL", quantity="0.4", price="61500")
    client.push(61_600)
    client.order("SELL", "MARKET", quantity="1.1")
    client.order(kind="MARKET", quantity="0.3")
    for trade in client.signed("GET", "/userTrades", symbol="BTCUSDT"):
        wallet += Decimal(trade["realizedPnl"]) - Decimal(trade["commission"])
        sign = 1 if trade["buyer"] else -1
        held += sign * Decimal(trade["qty"])
        cost += sign * Decimal(trade["quoteQty"]) + Decimal(trade["realizedPnl"])
    risk = client.held()
    assert Decimal(risk["positionAmt"]) == held == Decimal("-0.5")
    assert abs(Decimal(risk["entryPrice"]) - cost / held) < Decimal("1E-6")
    account = client.signed("GET", "/fapi/v3/account")
    assert abs(Decimal(account["totalWalletBalance"]) - wallet) < Decimal("1E-7")
    profit = Decimal(risk["markPrice"]) * held - cost
    assert abs(Decimal(risk["unRealizedProfit"]) - profit) < Decimal("1E-6")
    position = account["positions"][0]
    assert "unRealizedProfit" not in position
    assert position["unrealizedProfit"] == risk["unRealizedProfit"], "a capital R in one place only"
    income = client.signed("GET", "/income")
    assert {each["incomeType"] for each in income} == {"COMMISSION", "REALIZED_PNL"}
    told = sum((Decimal(each["income"]) for each in income), Decimal(0))
    assert abs(told - (wallet - 100_000)) < Decimal("1E-7")


def test_open_orders_need_margin_on_the_worse_side(client: FuturesClient) -> None:
    client.signed("POST", "/leverage", symbol="BTCUSDT", leverage=10)
    before = Decimal(client.signed("GET", "/fapi/v3/balance")[0]["availableBalance"])
    client.order(quantity="1", price="58000")
    after = Decimal(client.signed("GET", "/fapi/v3/balance")[0]["availableBalance"])
    mark = Decimal(client.get("/premiumIndex", symbol="BTCUSDT")["markPrice"])
    assert before - after == mark / 10
    client.order("SELL", quantity="0.5", price="62000")
    assert Decimal(client.signed("GET", "/fapi/v3/balance")[0]["availableBalance"]) == after, "the smaller side is free"
    assert len(client.signed("GET", "/fapi/v3/positionRisk")) == 1, "v3 lists what is held or has orders"


def test_leverage_and_margin_type_are_set_and_read_back_elsewhere(client: FuturesClient) -> None:
    session = client.listen()
    assert client.signed("POST", "/leverage", symbol="BTCUSDT", leverage=7)["leverage"] == 7
    assert [each["ac"] for each in events(session) if each["e"] == "ACCOUNT_CONFIG_UPDATE"] == [
        {"s": "BTCUSDT", "l": 7}
    ]
    assert client.signed("POST", "/leverage", symbol="BTCUSDT", leverage=126)["code"] == -4028
    ask = {"symbol": "BTCUSDT"}
    assert refused(client.signed("POST", "/marginType", **ask, marginType="CROSSED")) == (
        -4046, "No need to change margin type."
    )  # fmt: skip
    assert client.signed("POST", "/marginType", **ask, marginType="ISOLATED")["code"] == 200
    config = client.signed("GET", "/symbolConfig", **ask)[0]
    assert (config["leverage"], config["marginType"]) == (7, "ISOLATED")
    assert client.signed("GET", "/fapi/v2/positionRisk", **ask)[0]["marginType"] == "isolated"
    client.order(**LIMIT)
    assert client.signed("POST", "/marginType", **ask, marginType="CROSSED")["code"] == -4047
    assert client.signed("POST", "/positionSide/dual", dualSidePosition="false")["code"] == -4059


def test_funding_is_paid_on_the_mark_price_and_told() -> None:
    client = FuturesClient(later_ms=8 * HOUR_MS - 60_000)
    session = client.listen()
    client.order(kind="MARKET", quantity="1")
    client.exchange.pinned_marks["BTCUSDT"] = Decimal(60_000)
    due = client.get("/premiumIndex", symbol="BTCUSDT")["nextFundingTime"]
    assert due - client.now_ms == 60_000
    client.keep(session, 60_000)
    paid = client.signed("GET", "/income", incomeType="FUNDING_FEE")
    assert [each["income"] for each in paid] == ["-6.00000000"]
    told = [each["a"] for each in events(session) if each["e"] == "ACCOUNT_UPDATE" and each["a"]["m"] == "FUNDING_FEE"]
    assert [each["B"][0]["bc"] for each in told] == ["-6.00000000"]
    rates = client.get("/fundingRate", symbol="BTCUSDT")
    assert (rates[-1]["fundingTime"], rates[-1]["fundingRate"]) == (due, "0.00010000")


def test_liquidation_by_the_mark_price_is_the_venues_own_order(client: FuturesClient) -> None:
    session = client.listen()
    public = client.connect("/market/ws/btcusdt@forceOrder")
    client.signed("POST", "/leverage", symbol="BTCUSDT", leverage=100)
    for _ in range(12):
        client.order(kind="MARKET", quantity="5")
    resting = client.order(**LIMIT)
    price = Decimal(client.held()["liquidationPrice"])
    client.exchange.set_mark("BTCUSDT", price - 1)
    assert client.held() is None
    assert client.status_of(resting["orderId"]) == "CANCELED"
    said = [each["o"] for each in events(session) if each["e"] == "ORDER_TRADE_UPDATE"]
    last = [each for each in said if each["c"].startswith("autoclose-")][-1]
    assert (last["x"], last["S"], last["X"]) == ("CALCULATED", "SELL", "FILLED")
    assert [each["o"]["S"] for each in events(public)] == ["SELL"]


def test_the_dead_mans_switch_is_of_one_symbol_and_must_be_renewed(client: FuturesClient) -> None:
    one = client.order(**LIMIT)["orderId"]
    low = str(client.best("ETHUSDT")[0] - 50)
    other = client.signed(
        "POST", "/order", symbol="ETHUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price=low
    )["orderId"]
    algo = client.algo("SELL", "STOP_MARKET", quantity="0.01", triggerPrice="59000")
    told = client.signed("POST", "/countdownCancelAll", symbol="BTCUSDT", countdownTime=10_000)
    assert told == {"symbol": "BTCUSDT", "countdownTime": "10000"}
    client.wait(9_000)
    client.signed("POST", "/countdownCancelAll", symbol="BTCUSDT", countdownTime=10_000)
    client.wait(9_999)
    assert client.status_of(one) == "NEW"
    client.wait(1)
    assert client.status_of(one) == "CANCELED"
    assert client.signed("GET", "/order", symbol="ETHUSDT", orderId=other)["status"] == "NEW"
    assert client.signed("GET", "/algoOrder", algoId=algo["algoId"])["algoStatus"] == "NEW", (
        "assumed: plain orders only"
    )
    client.signed("POST", "/countdownCancelAll", symbol="ETHUSDT", countdownTime=5_000)
    client.signed("POST", "/countdownCancelAll", symbol="ETHUSDT", countdownTime=0)
    client.wait(6_000)
    assert client.signed("GET", "/order", symbol="ETHUSDT", orderId=other)["status"] == "NEW"


# ------------------------------------------------------------------------------------------------ streams, user data
def test_a_stream_on_the_wrong_path_is_confirmed_and_says_nothing() -> None:
    client = FuturesClient(frozen=False)
    sessions = {path: client.connect(f"{path}/ws") for path in ("/public", "/market", "")}
    for session in sessions.values():
        wanted = ["btcusdt@depth@100ms", "btcusdt@aggTrade"]
        client.front.receive(session, msgspec.json.encode({"method": "SUBSCRIBE", "params": wanted, "id": 1}).decode())
    client.wait(5_000)
    said = {path: {each.get("e") for each in events(session)} for path, session in sessions.items()}
    assert said == {"/public": {None, "depthUpdate"}, "/market": {None, "aggTrade"}, "": {None, "depthUpdate"}}


def test_the_local_book_follows_pu_and_not_the_ids_in_between() -> None:
    client = FuturesClient(frozen=False)
    session = client.connect("/public/ws/btcusdt@depth@100ms")
    client.wait(2_000)
    snapshot = client.get("/depth", symbol="BTCUSDT", limit=1_000)
    client.wait(5_000)
    book = {side: dict(snapshot[side]) for side in ("bids", "asks")}
    fresh = [each for each in events(session) if each["u"] >= snapshot["lastUpdateId"]]
    assert fresh[0]["U"] <= snapshot["lastUpdateId"] <= fresh[0]["u"]
    jumps = 0
    for before, event in zip([None, *fresh], fresh, strict=False):
        if before is not None:
            assert event["pu"] == before["u"]
            jumps += event["U"] != before["u"] + 1
        for side, name in (("bids", "b"), ("asks", "a")):
            for price, size in event[name]:
                book[side].pop(price, None)
                if Decimal(size):
                    book[side][price] = size
    assert jumps == len(fresh) - 1, "U is not the u before, plus one"
    now = client.get("/depth", symbol="BTCUSDT", limit=1_000)
    assert book == {side: dict(now[side]) for side in ("bids", "asks")}


def test_mark_price_and_best_price_streams(client: FuturesClient) -> None:
    market = client.connect("/market/stream", "streams=btcusdt@markPrice@1s/!markPrice@arr@1s")
    public = client.connect("/public/ws/btcusdt@bookTicker")
    client.wait(1_000)
    client.order(kind="MARKET", quantity="0.001")
    said = {each["stream"]: each["data"] for each in events(market)}
    assert set(said["btcusdt@markPrice@1s"]) == {"e", "E", "s", "p", "i", "P", "r", "T"}
    assert len(said["!markPrice@arr@1s"]) == 3
    best = events(public)[-1]
    assert {"e", "E", "T"} < set(best), "with event type and times on futures"


def test_a_trade_is_told_twice_with_one_id(client: FuturesClient) -> None:
    session = client.listen()
    client.order(kind="MARKET", quantity="0.01")
    said = events(session)
    assert [each["e"] for each in said] == ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
    assert said[1]["t"] == said[2]["o"]["t"]
    assert said[2]["o"]["X"] == "FILLED"
    position = said[3]["a"]["P"][0]
    assert (position["s"], position["pa"]) == ("BTCUSDT", "0.010")
    trades = client.signed("GET", "/userTrades", symbol="BTCUSDT")
    assert [each["id"] for each in trades] == [said[1]["t"]]


def test_a_listen_key_is_the_same_until_it_runs_out(client: FuturesClient) -> None:
    session = client.listen()
    first = client.signed("POST", "/listenKey")["listenKey"]
    client.keep(session, 30 * 60_000)
    assert client.signed("PUT", "/listenKey")["listenKey"] == first
    client.keep(session, 59 * 60_000)
    assert not [each for each in events(session) if each["e"] == "listenKeyExpired"]
    client.keep(session, 60_000)
    assert [each["listenKey"] for each in events(session) if each["e"] == "listenKeyExpired"] == [first]
    assert refused(client.signed("PUT", "/listenKey"))[0] == -1125
    client.order(kind="MARKET", quantity="0.01")
    assert events(session) == [], "no event reaches the old connection"
    assert client.signed("POST", "/listenKey")["listenKey"] != first


def test_user_data_can_be_asked_for_by_event(client: FuturesClient) -> None:
    key = client.signed("POST", "/listenKey")["listenKey"]
    chosen = client.connect("/private/ws", f"listenKey={key}&events=ACCOUNT_UPDATE")
    retired = client.connect(f"/ws/{key}")
    client.order(kind="MARKET", quantity="0.01")
    assert {each["e"] for each in events(chosen)} == {"ACCOUNT_UPDATE"}
    assert events(retired) == [], "the retired root never delivers"


def test_websocket_orders(client: FuturesClient) -> None:
    session = client.connect("/ws-fapi/v1")
    told = client.ask(
        session, "order.place", sign=True, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", **LIMIT
    )
    assert told["result"]["status"] == "NEW"
    number = told["result"]["orderId"]
    asked = client.ask(session, "order.status", sign=True, symbol="BTCUSDT", orderId=number)
    assert asked["result"]["status"] == "NEW"
    gone = client.ask(session, "order.cancel", sign=True, symbol="BTCUSDT", orderId=number)
    assert gone["result"]["status"] == "CANCELED"
    assert client.ask(session, "v2/account.position", sign=True)["result"] == []


# ----------------------------------------------------------------------------------------------------------- limits
def test_order_counters_and_weights(client: FuturesClient) -> None:
    client.order(**LIMIT)
    assert client.headers["X-MBX-USED-WEIGHT-1M"] == "0"
    assert (client.headers["X-MBX-ORDER-COUNT-10S"], client.headers["X-MBX-ORDER-COUNT-1M"]) == ("1", "1")
    client.get("/depth", symbol="BTCUSDT", limit=1_000)
    assert client.headers["X-MBX-USED-WEIGHT-1M"] == "20"
    while client.status == 200:
        client.get("/depth", symbol="BTCUSDT", limit=1_000)
    assert client.status == 429
    assert "Retry-After" not in client.headers, "not documented on futures"


@pytest.mark.parametrize(
    ("status", "code", "message", "executed"),
    [
        (503, -1000, "Unknown error, please check your request or try again later.", True),
        (503, -1000, "Service Unavailable.", False),
        (
            503,
            -1008,
            "Request throttled by system-level protection. Reduce-only/close-position orders are exempt.",
            False,
        ),
        (408, -1007, "Timeout waiting for response from backend server.", True),
        (400, -5028, "Timestamp for this request is outside of the ME recvWindow.", False),
    ],
)
def test_503_has_three_meanings_and_the_engine_a_window_of_its_own(
    client: FuturesClient, status: int, code: int, message: str, executed: bool
) -> None:
    client.front.cause(
        Rule(Fault.ERROR, path="/fapi/v1/order", status=status, code=code, message=message, executed=executed)
    )
    told = client.order(**LIMIT)
    assert (client.status, refused(told)) == (status, (code, message))
    assert len(client.signed("GET", "/openOrders")) == int(executed)


def test_maintenance(client: FuturesClient) -> None:
    order = client.order(**LIMIT)
    client.front.cause(Rule(Fault.MAINTENANCE, phase=Phase.CANCEL_ONLY))
    assert client.order(**LIMIT)["code"] == -4140
    assert client.cancel(orderId=order["orderId"])["status"] == "CANCELED"


def test_no_trade_with_oneself(client: FuturesClient) -> None:
    _, ask = client.best()
    resting = client.order("SELL", quantity="0.1", price=str(ask - 1))
    told = client.order(quantity="0.05", price=str(ask + 50), newOrderRespType="RESULT")
    assert told["status"] == "FILLED"
    assert client.status_of(resting["orderId"]) == "EXPIRED_IN_MATCH"


def test_market_pages(client: FuturesClient) -> None:
    info = client.get("/exchangeInfo")["symbols"][0]
    rules = {each["filterType"]: each for each in info["filters"]}
    assert (info["pricePrecision"], rules["PRICE_FILTER"]["tickSize"]) == (2, "0.10"), "precision is not the tick"
    book = client.get("/depth", symbol="BTCUSDT", limit=5)
    assert (len(book["bids"]), "E" in book, "T" in book) == (5, True, True)
    assert len(client.get("/klines", symbol="BTCUSDT", interval="1m", limit=3)) == 3
    assert len(client.get("/markPriceKlines", symbol="BTCUSDT", interval="1h", limit=3)[0]) == 12
    assert client.get("/continuousKlines", pair="BTCUSDT", contractType="PERPETUAL", interval="5m", limit=1)
    assert client.get("/klines", symbol="BTCUSDT", interval="1s")["code"] == -1120
    assert (
        client.get("/ticker/24hr", symbol="BTCUSDT")["lastPrice"]
        == client.get("/trades", symbol="BTCUSDT")[-1]["price"]
    )
    assert client.get("/ticker/bookTicker", symbol="BTCUSDT")["bidPrice"] == book["bids"][0][0]
    brackets = client.signed("GET", "/leverageBracket", symbol="BTCUSDT")[0]["brackets"]
    assert [each["cum"] for each in brackets] == [0, 50, 2550], "maintenance is continuous at each bracket's floor"


def test_a_listen_key_can_be_subscribed_to_on_the_private_path(client: FuturesClient) -> None:
    key = client.signed("POST", "/listenKey")["listenKey"]
    session, wrong = client.connect("/private/stream"), client.connect("/public/stream")
    for each in (session, wrong):
        client.front.receive(each, msgspec.json.encode({"method": "SUBSCRIBE", "params": [key], "id": 1}).decode())
    assert "error" in events(wrong)[0]
    client.order(kind="MARKET", quantity="0.01")
    said = events(session)
    assert said[0] == {"result": None, "id": 1}
    assert {each["stream"] for each in said[1:]} == {key}
    assert events(wrong) == []
