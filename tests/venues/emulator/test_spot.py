"""Binance Spot: what FACTS say of it, each by its code and message; the facts that naive clients get wrong by name."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kedge.model.errors import UserError
from kedge.venues.emulator.faults import Fault, Phase, Rule
from tests.venues.emulator.spot import Client, events, user_events

DAY_MS = 86_400_000


@pytest.fixture
def client() -> Client:
    return Client()


def refused(told: Any) -> tuple[int, str]:
    return told["code"], told["msg"]


INSUFFICIENT = (-2010, "Account has insufficient balance for requested action.")


# ------------------------------------------------------------------------------------------------- keys and signatures
def test_the_signature_is_over_query_and_body_put_together_without_anything_between(client: Client) -> None:
    whole = client.signed_query(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
    key = client.dialect.credentials.api_key
    query, _, body = whole.rpartition("&")
    for split in (0, 30, len(query)):
        at = query.rfind("&", 0, split) if split else -1
        first, rest = (query[:at], query[at + 1 :]) if at > 0 else ("", query)
        payload_of = first + rest  # no ampersand between: the signature of the whole does not fit
        assert payload_of.replace("&", "") == query.replace("&", "")
        reply = client.raw("POST", "/api/v3/order/test", first, f"{rest}&{body}".encode(), **{"x-mbx-apikey": key})
        told = client.told(reply)
        assert (told == {}) is (at <= 0), split


def test_a_wrong_signature_and_what_is_not_percent_encoded_are_1022(client: Client) -> None:
    key = client.dialect.credentials.api_key
    wrong = client.signed_query(symbol="BTCUSDT")[:-1] + "0"
    if wrong == client.signed_query(symbol="BTCUSDT"):
        wrong = wrong[:-1] + "1"
    told = client.told(client.raw("GET", "/api/v3/openOrders", wrong, **{"x-mbx-apikey": key}))
    assert refused(told) == (-1022, "Signature for this request is not valid.")
    raw = "symbol=１２３&timestamp=1"
    told = client.told(
        client.raw("POST", "/api/v3/order", "", (raw + "&signature=00").encode(), **{"x-mbx-apikey": key})
    )
    assert told["code"] == -1022


def test_an_exact_vector_of_the_documentation_verifies() -> None:
    from kedge.venues.emulator.binance.credentials import Credential, rest_payload, ws_payload

    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    query = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    signature = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    payload, found = rest_payload("", f"{query}&signature={signature.upper()}".encode())
    assert (payload, found) == (query.encode(), signature.upper())
    assert Credential(secret).verify(payload, found), "hex is case-insensitive"
    params = {
        "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", "price": "52000.00",
        "quantity": "0.01000000", "recvWindow": 100, "side": "SELL", "symbol": "BTCUSDT", "timeInForce": "GTC",
        "timestamp": 1645423376532, "type": "LIMIT",
    }  # fmt: skip
    text = {name: str(value) for name, value in params.items()}
    assert Credential(secret).verify(
        ws_payload(dict(reversed(params.items())), text),
        "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
    ), "sorted by name, not encoded"


def test_every_published_and_generated_signature_verifies(shared: Any) -> None:
    from kedge.venues.emulator.binance.credentials import Credential, rest_payload, ws_payload

    cases = msgspec.json.decode((shared / "venues" / "vectors" / "signing_binance.json").read_bytes())["cases"]
    assert len(cases) >= 16
    for case in cases:
        if case.get("secret"):
            credential = Credential(case["secret"])
        else:
            loaded = serialization.load_pem_public_key(case["public_key_pem"].encode())
            credential = Credential(public=loaded)  # type: ignore[arg-type]
        payload = case["payload"].encode()
        assert credential.verify(payload, case["signature"]), case["name"]
        assert not credential.verify(payload + b"0", case["signature"]), case["name"]
        if case["transport"] == "rest" and ("query_string" in case or "body" in case):
            assert rest_payload(case.get("query_string") or "", (case.get("body") or "").encode())[0] == payload
        elif case.get("params"):
            text = {name: str(value) for name, value in case["params"].items()}
            assert ws_payload(case["params"], text) == payload, case["name"]


def test_rsa_and_ed25519_keys_are_registered_and_verified(client: Client) -> None:
    private = rsa.generate_private_key(65_537, 2_048)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    api_key = client.dialect.control(("POST", "keys"), {"public_key_pem": pem.decode()})["api_key"]
    query = f"timestamp={client.now_ms}"
    signature = base64.b64encode(private.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    encoded = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    given = {"x-mbx-apikey": api_key}
    client.told(client.raw("GET", "/api/v3/account", f"{query}&signature={encoded}", **given))
    assert client.status == 200
    client.told(client.raw("GET", "/api/v3/account", f"{query}&signature={encoded.swapcase()}", **given))
    assert client.status == 400, "base64 is case-sensitive"


@pytest.mark.parametrize(
    ("offset", "window", "code"),
    [(0, None, 0), (-5_000, None, 0), (-5_001, None, -1021), (999, None, 0), (1_000, None, -1021), (-59_000, 60_000, 0),
     (0, 60_001, -1131)],
)  # fmt: skip
def test_both_bounds_of_the_timestamp(client: Client, offset: int, window: int | None, code: int) -> None:
    more = {} if window is None else {"recvWindow": window}
    told = client.signed("GET", "/account", timestamp=client.now_ms + offset, **more)
    assert told.get("code", 0) == code


def test_skew_moves_the_clock_that_timestamps_are_judged_by(client: Client) -> None:
    client.front.cause(Rule(Fault.SKEW, ms=7_000))
    assert client.get("/time")["serverTime"] == client.now_ms + 7_000
    assert client.signed("GET", "/account")["code"] == -1021
    assert client.signed("GET", "/account", timestamp=client.now_ms + 7_000)["canTrade"]


@pytest.mark.parametrize(("key", "code"), [(None, -2014), ("short", -2014), ("a" * 64, -2015)])
def test_keys_that_are_none(client: Client, key: str | None, code: int) -> None:
    given: dict[str, Any] = {} if key is None else {"x-mbx-apikey": key}
    told = client.told(client.raw("GET", "/api/v3/account", client.signed_query(), **given))
    assert (client.status, told["code"]) == (401, code)


def test_what_a_key_may_do_is_told_and_can_be_changed(client: Client) -> None:
    page = "/sapi/v1/account/apiRestrictions"
    told = client.signed("GET", page)
    assert (told["enableWithdrawals"], told["ipRestrict"], told["enableReading"]) == (False, True, True)
    client.dialect.control(("POST", "keys"), {"withdraw": True})
    assert client.signed("GET", page)["enableWithdrawals"] is True
    with pytest.raises(UserError):
        client.dialect.control(("POST", "keys"), {"fly": True})


# ------------------------------------------------------------------------------------------------------- new orders
LIMIT = {"quantity": "0.01", "price": "50000"}


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"quantity": "1e-05"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": ".5"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": "-1"}, -1100, "Illegal characters"),
        ({"quantity": "0.000000001"}, -1111, "too much precision"),
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "9001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"price": "50000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "0.01"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.00009"}, -1013, "Filter failure: NOTIONAL"),
        ({"symbol": "NONE"}, -1121, "Invalid symbol."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "MAGIC"}, -1116, "Invalid orderType."),
        ({"timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
        ({"price": ""}, -1102, "Mandatory parameter 'price'"),
        ({"newClientOrderId": "no spaces"}, -1100, "'newClientOrderId'"),
        ({"newClientOrderId": "a" * 37}, -1100, "'newClientOrderId'"),
        ({"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"quantity": "3"}, -2010, INSUFFICIENT[1]),
    ],
    ids=str,
)
def test_what_is_refused_and_how(client: Client, params: dict[str, str], code: int, message: str) -> None:
    given = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", **LIMIT, **params}
    told = client.signed("POST", "/order", **given)
    assert (client.status, told["code"]) == (400, code)
    assert message in told["msg"]
    assert client.signed("GET", "/openOrders") == []


def test_market_lot_size_is_disabled_by_zeros_and_the_lot_size_binds_market_orders(client: Client) -> None:
    rules = {each["filterType"]: each for each in client.get("/exchangeInfo")["symbols"][0]["filters"]}
    assert (rules["MARKET_LOT_SIZE"]["minQty"], rules["MARKET_LOT_SIZE"]["stepSize"]) == ("0.00000000", "0.00000000")
    assert refused(client.order(kind="MARKET", quantity="0.000001")) == (-1013, "Filter failure: LOT_SIZE")
    assert refused(client.order(kind="MARKET", quantity="120")) == (-1013, "Filter failure: MARKET_LOT_SIZE")


def test_precision_is_neither_tick_nor_step(client: Client) -> None:
    listed = client.get("/exchangeInfo", symbol="BTCUSDT")["symbols"][0]
    rules = {each["filterType"]: each for each in listed["filters"]}
    assert (listed["baseAssetPrecision"], rules["LOT_SIZE"]["stepSize"]) == (8, "0.00001000")
    assert (listed["quotePrecision"], rules["PRICE_FILTER"]["tickSize"]) == (8, "0.01000000")


def test_a_client_id_is_unique_among_open_orders_alone(client: Client) -> None:
    first = client.order(**LIMIT, newClientOrderId="mine")
    assert refused(client.order(**LIMIT, newClientOrderId="mine")) == (-2010, "Duplicate order sent.")
    client.cancel(origClientOrderId="mine")
    second = client.order(**LIMIT, newClientOrderId="mine")
    assert second["orderId"] > first["orderId"], "no idempotency: the id works again once its order has ended"
    assert client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="mine")["orderId"] == second["orderId"]


def test_a_cancel_has_a_client_id_of_its_own(client: Client) -> None:
    session = client.subscribe()
    client.order(**LIMIT, newClientOrderId="mine")
    told = client.cancel(origClientOrderId="mine", newClientOrderId="the-cancel")
    assert (told["origClientOrderId"], told["clientOrderId"], told["status"]) == ("mine", "the-cancel", "CANCELED")
    last = user_events(session, "executionReport")[-1]
    assert (last["x"], last["X"], last["C"], last["c"]) == ("CANCELED", "CANCELED", "mine", "the-cancel")
    assert client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="the-cancel")["code"] == -2013


@pytest.mark.parametrize(
    ("kind", "params", "status", "filled"),
    [
        ("LIMIT", {"price": "50000", "quantity": "0.01"}, "NEW", False),
        ("LIMIT", {"price": "50000", "quantity": "0.01", "timeInForce": "IOC"}, "EXPIRED", False),
        ("LIMIT", {"price": "61000", "quantity": "0.01", "timeInForce": "IOC"}, "FILLED", True),
        ("LIMIT", {"price": "61000", "quantity": "0.01", "timeInForce": "FOK"}, "FILLED", True),
        ("LIMIT", {"price": "50000", "quantity": "0.01", "timeInForce": "FOK"}, "EXPIRED", False),
        ("MARKET", {"quantity": "0.01"}, "FILLED", True),
        ("MARKET", {"quoteOrderQty": "500"}, "FILLED", True),
        ("LIMIT_MAKER", {"price": "50000", "quantity": "0.01"}, "NEW", False),
    ],
)
def test_every_plain_type(client: Client, kind: str, params: dict[str, str], status: str, filled: bool) -> None:
    told = client.order(kind=kind, newOrderRespType="FULL", **params)
    assert told["status"] == status
    assert bool(told["fills"]) is filled
    assert Decimal(told["executedQty"]) == sum((Decimal(fill["qty"]) for fill in told["fills"]), Decimal(0))
    asked = client.signed("GET", "/order", symbol="BTCUSDT", orderId=told["orderId"])
    assert {name: asked[name] for name in ("status", "executedQty", "cummulativeQuoteQty")} == {
        name: told[name] for name in ("status", "executedQty", "cummulativeQuoteQty")
    }


def test_post_only_is_limit_maker_and_never_takes(client: Client) -> None:
    _, ask = client.best()
    told = client.order(kind="LIMIT_MAKER", quantity="0.01", price=str(ask))
    assert refused(told) == (-2010, "Order would immediately match and take.")


def test_the_default_answer_is_full_for_market_and_limit_and_ack_for_the_rest(client: Client) -> None:
    assert "fills" in client.order(**LIMIT)
    assert "fills" in client.order(kind="MARKET", quantity="0.001")
    assert set(client.order(kind="LIMIT_MAKER", **LIMIT)) == {
        "symbol", "orderId", "orderListId", "clientOrderId", "transactTime"
    }  # fmt: skip


def test_a_buy_pays_its_commission_in_base_a_sell_in_quote(client: Client) -> None:
    before = Decimal(client.signed("GET", "/account")["balances"][0]["free"])
    bought = client.order(kind="MARKET", quantity="0.5")
    paid = sum((Decimal(fill["commission"]) for fill in bought["fills"]), Decimal(0))
    assert {fill["commissionAsset"] for fill in bought["fills"]} == {"BTC"}
    after = Decimal(client.signed("GET", "/account")["balances"][0]["free"])
    assert after - before == Decimal("0.5") - paid < Decimal("0.5"), "we hold less than was executed"
    sold = client.order("SELL", "MARKET", quantity="0.1")
    assert {fill["commissionAsset"] for fill in sold["fills"]} == {"USDT"}
    trades = client.signed("GET", "/myTrades", symbol="BTCUSDT", orderId=sold["orderId"])
    assert [trade["id"] for trade in trades] == [fill["tradeId"] for fill in sold["fills"]]


def test_the_account_by_hand(client: Client) -> None:
    """Every balance from the executions that the venue itself tells."""
    start = {each["asset"]: Decimal(each["free"]) for each in client.signed("GET", "/account")["balances"]}
    client.order(**LIMIT)
    client.order("SELL", quantity="0.3", price="60500")
    client.order(kind="MARKET", quantity="0.7")
    client.push(61_000)
    client.push(49_000)
    for trade in client.signed("GET", "/myTrades", symbol="BTCUSDT"):
        sign = 1 if trade["isBuyer"] else -1
        start["BTC"] += sign * Decimal(trade["qty"])
        start["USDT"] -= sign * Decimal(trade["quoteQty"])
        start[trade["commissionAsset"]] -= Decimal(trade["commission"])
    for each in client.signed("GET", "/account")["balances"]:
        assert Decimal(each["free"]) + Decimal(each["locked"]) == start[each["asset"]], each


def test_resting_orders_lock_what_they_need(client: Client) -> None:
    client.order(quantity="1", price="50000")
    client.order("SELL", quantity="1.5", price="70000")
    locked = {each["asset"]: each["locked"] for each in client.signed("GET", "/account")["balances"]}
    assert (locked["USDT"], locked["BTC"]) == ("50000.00000000", "1.50000000")
    assert refused(client.order("SELL", quantity="0.6", price="70000")) == INSUFFICIENT
    assert refused(client.order(quantity="1.1", price="50000")) == INSUFFICIENT


def test_a_partial_fill_comes_piece_by_piece(client: Client) -> None:
    session = client.subscribe()
    bid, ask = client.best()
    resting = client.order("SELL", quantity="0.5", price=str(ask + 100))
    level = client.exchange.markets["BTCUSDT"]
    ticks = int((ask + 100) / Decimal("0.01"))
    level._take(ticks, client.exchange.tapes["BTCUSDT"].asks[ask + 100] - Decimal("0.5"), Decimal(100), asks=True)
    assert bid < ask
    reports = [each for each in user_events(session, "executionReport") if each["i"] == resting["orderId"]]
    assert next(each["x"] for each in reports) == "NEW"
    assert Decimal(reports[-1]["z"]) == sum((Decimal(each["l"]) for each in reports), Decimal(0))
    assert reports[-1]["m"] is True


# ------------------------------------------------------------------------------------------- conditional orders, lists
@pytest.mark.parametrize(
    ("side", "kind", "stop", "price", "push", "ends"),
    [
        ("SELL", "STOP_LOSS", 59_000, None, 58_900, "FILLED"),
        ("BUY", "STOP_LOSS", 61_000, None, 61_100, "FILLED"),
        ("SELL", "TAKE_PROFIT", 61_000, None, 61_100, "FILLED"),
        ("BUY", "TAKE_PROFIT", 59_000, None, 58_900, "FILLED"),
        ("SELL", "STOP_LOSS_LIMIT", 59_000, 58_000, 58_900, "FILLED"),
        ("SELL", "STOP_LOSS_LIMIT", 59_000, 59_500, 58_900, "NEW"),
        ("SELL", "TAKE_PROFIT_LIMIT", 61_000, 60_500, 61_100, "FILLED"),
    ],
)
def test_every_conditional_type(
    client: Client, side: str, kind: str, stop: int, price: int | None, push: int, ends: str
) -> None:
    more = {} if price is None else {"price": str(price)}
    told = client.order(side, kind, quantity="0.1", stopPrice=str(stop), **more)
    waiting = client.signed("GET", "/openOrders", symbol="BTCUSDT")
    assert [(each["status"], each["isWorking"], each["workingTime"]) for each in waiting] == [("NEW", False, -1)]
    client.push(push)
    after = client.signed("GET", "/order", symbol="BTCUSDT", orderId=told["orderId"])
    assert (after["status"], after["isWorking"]) == (ends, True)


def test_a_trailing_stop_follows_in_basis_points(client: Client) -> None:
    told = client.order("SELL", "STOP_LOSS", quantity="0.1", trailingDelta="100")
    client.push(61_500)
    client.push(60_950)
    assert client.signed("GET", "/order", symbol="BTCUSDT", orderId=told["orderId"])["status"] == "NEW"
    client.push(60_860)
    assert client.signed("GET", "/order", symbol="BTCUSDT", orderId=told["orderId"])["status"] == "FILLED"


def test_a_stop_beyond_the_market_would_trigger_immediately(client: Client) -> None:
    told = client.order("SELL", "STOP_LOSS", quantity="0.1", stopPrice="62000")
    assert refused(told) == (-2010, "Stop price would trigger immediately.")


def oco(client: Client) -> Any:
    return client.signed(
        "POST", "/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.1", aboveType="LIMIT_MAKER",
        abovePrice="62000", belowType="STOP_LOSS", belowStopPrice="58000",
    )  # fmt: skip


@pytest.mark.parametrize(("push", "above", "below"), [(62_100, "FILLED", "EXPIRED"), (57_900, "EXPIRED", "FILLED")])
def test_one_cancels_the_other(client: Client, push: int, above: str, below: str) -> None:
    session = client.subscribe()
    made = oco(client)
    kinds = {each["type"]: each["orderId"] for each in made["orderReports"]}
    locked = {each["asset"]: each["locked"] for each in client.signed("GET", "/account")["balances"]}
    assert locked["BTC"] == "0.10000000", "the two share what they hold"
    client.push(push)
    status = {
        kind: client.signed("GET", "/order", symbol="BTCUSDT", orderId=number)["status"]
        for kind, number in kinds.items()
    }
    assert status == {"LIMIT_MAKER": above, "STOP_LOSS": below}
    assert [each["L"] for each in user_events(session, "listStatus")] == ["EXECUTING", "ALL_DONE"]


def test_cancel_all_mixes_orders_and_lists(client: Client) -> None:
    client.order(**LIMIT)
    oco(client)
    told = client.signed("DELETE", "/openOrders", symbol="BTCUSDT")
    assert sorted("orderReports" in each for each in told) == [False, True]
    assert refused(client.signed("DELETE", "/openOrders", symbol="BTCUSDT")) == (-2011, "Unknown order sent.")


# --------------------------------------------------------------------------------------------- cancel, replace, query
def test_unknown_orders(client: Client) -> None:
    assert refused(client.cancel(orderId=1)) == (-2011, "Unknown order sent.")
    assert refused(client.signed("GET", "/order", symbol="BTCUSDT", orderId=1)) == (-2013, "Order does not exist.")
    one, other = client.order(**LIMIT), client.order(**LIMIT)
    told = client.signed(
        "GET", "/order", symbol="BTCUSDT", orderId=one["orderId"], origClientOrderId=other["clientOrderId"]
    )
    assert told["code"] == -2039


def test_a_query_right_after_the_order_may_not_find_it(client: Client) -> None:
    client.front.cause(Rule(Fault.STALE, ms=2_000))
    told = client.order(**LIMIT)
    asked = {"symbol": "BTCUSDT", "origClientOrderId": told["clientOrderId"]}
    assert client.signed("GET", "/order", **asked)["code"] == -2013, "no proof of absence"
    client.wait(2_000)
    assert client.signed("GET", "/order", **asked)["status"] == "NEW"


@pytest.mark.parametrize(
    ("mode", "cancel_works", "order_works", "status", "code"),
    [
        ("STOP_ON_FAILURE", True, True, 200, 0),
        ("STOP_ON_FAILURE", False, True, 400, -2022),
        ("ALLOW_FAILURE", False, True, 409, -2021),
        ("ALLOW_FAILURE", False, False, 400, -2022),
        ("STOP_ON_FAILURE", True, False, 409, -2021),
    ],
)
def test_cancel_replace_says_of_each_part_whether_it_worked(
    client: Client, mode: str, cancel_works: bool, order_works: bool, status: int, code: int
) -> None:
    old = client.order(**LIMIT)
    told = client.signed(
        "POST", "/order/cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
        cancelReplaceMode=mode, cancelOrderId=old["orderId"] if cancel_works else 1,
        quantity="0.01" if order_works else "50", price="50000",
    )  # fmt: skip
    assert (client.status, told.get("code", 0)) == (status, code)
    data = told.get("data", told)
    tried = cancel_works or mode == "ALLOW_FAILURE"
    assert data["cancelResult"] == ("SUCCESS" if cancel_works else "FAILURE")
    assert data["newOrderResult"] == (("SUCCESS" if order_works else "FAILURE") if tried else "NOT_ATTEMPTED")


def test_amending_only_reduces(client: Client) -> None:
    session = client.subscribe()
    old = client.order(**LIMIT)
    told = client.signed(
        "PUT",
        "/order/amend/keepPriority",
        symbol="BTCUSDT",
        orderId=old["orderId"],
        newQty="0.004",
        newClientOrderId="n",
    )
    assert told["amendedOrder"]["qty"] == "0.00400000"
    assert [each["x"] for each in user_events(session, "executionReport")] == ["NEW", "REPLACED"]
    assert client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="n")["orderId"] == old["orderId"]
    assert client.signed("GET", "/account")["balances"][1]["locked"] == "200.00000000"
    told = client.signed("PUT", "/order/amend/keepPriority", symbol="BTCUSDT", orderId=old["orderId"], newQty="1")
    assert told["code"] == -2038


def test_an_amended_order_keeps_its_client_id_only_where_it_is_sent_again(client: Client) -> None:
    """Reused, invented where none is sent, refused where another open order bears it; and ten times at most."""

    def amend(quantity: str, **params: Any) -> Any:
        return client.signed("PUT", "/order/amend/keepPriority", symbol="BTCUSDT", newQty=quantity, **params)

    old = client.order(**LIMIT, newClientOrderId="mine")
    session = client.subscribe()
    told = amend("0.004", origClientOrderId="mine", newClientOrderId="mine")["amendedOrder"]
    assert (told["origClientOrderId"], told["clientOrderId"]) == ("mine", "mine")
    told = amend("0.0039", origClientOrderId="mine")["amendedOrder"]
    assert told["origClientOrderId"] == "mine" != told["clientOrderId"]
    shown = [(each["C"], each["c"], each["q"], each["p"]) for each in user_events(session, "executionReport")]
    assert shown == [
        ("mine", "mine", "0.00400000", old["price"]), ("mine", told["clientOrderId"], "0.00390000", old["price"]),
    ]  # fmt: skip
    client.order(**LIMIT, newClientOrderId="other")
    assert amend("0.0038", orderId=old["orderId"], newClientOrderId="other")["msg"] == "Duplicate order sent."
    for n in range(8):
        assert "amendedOrder" in amend(f"0.003{7 - n}", orderId=old["orderId"])
    assert amend("0.0029", orderId=old["orderId"])["msg"] == "Filter failure: MAX_NUM_ORDER_AMENDS"


@pytest.mark.parametrize(("mode", "maker", "taker"), [
    ("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "FILLED"), ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
    ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
])  # fmt: skip
def test_no_trade_with_oneself(client: Client, mode: str, maker: str, taker: str) -> None:
    _, ask = client.best()
    resting = client.order("SELL", quantity="0.1", price=str(ask - Decimal("0.01")))
    told = client.order(quantity="0.05", price=str(ask + 50), selfTradePreventionMode=mode)
    asked = [
        client.signed("GET", "/order", symbol="BTCUSDT", orderId=each["orderId"])["status"] for each in (resting, told)
    ]
    assert asked == [maker, taker]


# ------------------------------------------------------------------------------------------------ limits and faults
def test_weights_are_counted_told_and_escalate_from_429_to_418(client: Client) -> None:
    client.get("/ping")
    assert client.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    client.get("/depth", symbol="BTCUSDT", limit=5_000)
    assert client.headers["X-MBX-USED-WEIGHT-1M"] == "251"
    for _ in range(24):
        client.get("/depth", symbol="BTCUSDT", limit=5_000)
    assert client.get("/ping")["code"] == -1003
    assert client.status == 429
    assert 0 < int(client.headers["Retry-After"]) <= 60
    told: Any = {}
    while client.status == 429:
        told = client.get("/ping")
    assert (client.status, told["code"], client.headers["Retry-After"]) == (418, -1003, "120")
    client.wait(119_000)
    assert client.get("/ping")["code"] == -1003
    client.wait(1_001)
    assert client.get("/ping") == {}


def test_orders_that_work_cost_no_weight_and_failures_do(client: Client) -> None:
    client.order(**LIMIT)
    assert client.headers["X-MBX-USED-WEIGHT-1M"] == "0"
    client.order(quantity="0", price="1")
    assert client.headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_too_many_unfilled_orders_are_1015_and_a_first_fill_gives_one_back(client: Client) -> None:
    client.order(kind="MARKET", quantity="0.001")
    assert client.headers["X-MBX-ORDER-COUNT-10S"] == "0"
    for _ in range(50):
        client.order(**LIMIT)
    assert client.headers["X-MBX-ORDER-COUNT-10S"] == "50"
    told = client.order(**LIMIT)
    assert (client.status, refused(told)) == (
        429,
        (-1015, "Too many new orders; current limit is 50 orders per 10 SECOND."),
    )
    client.wait(10_000)
    assert client.order(**LIMIT)["status"] == "NEW"


@pytest.mark.parametrize("executed", [True, False])
def test_1007_says_nothing_of_the_order(client: Client, executed: bool) -> None:
    message = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    client.front.cause(
        Rule(Fault.ERROR, path="/api/v3/order", status=504, code=-1007, message=message, executed=executed)
    )
    told = client.order(**LIMIT, newClientOrderId="mine")
    assert (client.status, refused(told)) == (504, (-1007, message))
    found = client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="mine")
    assert found.get("status") == ("NEW" if executed else None)


def test_429_and_418_on_request_carry_retry_after(client: Client) -> None:
    for fault, status in ((Fault.RATE_LIMIT, 429), (Fault.BAN, 418)):
        client.front.cause(Rule(fault, ms=3_000))
        client.get("/ping")
        assert (client.status, client.headers["Retry-After"]) == (status, "3")


def test_maintenance_takes_cancels_alone_and_then_nothing(client: Client) -> None:
    order = client.order(**LIMIT)
    client.front.cause(Rule(Fault.MAINTENANCE, phase=Phase.CANCEL_ONLY))
    assert client.get("/exchangeInfo")["symbols"][0]["status"] == "CANCEL_ONLY"
    assert refused(client.order(**LIMIT)) == (-2010, "Market is closed.")
    assert client.cancel(orderId=order["orderId"])["status"] == "CANCELED"
    client.front.cause(Rule(Fault.MAINTENANCE, phase=Phase.CLOSED))
    client.signed("GET", "/openOrders")
    assert client.status == 503
    assert client.get("/exchangeInfo")["symbols"][0]["status"] == "BREAK"


# ------------------------------------------------------------------------------------------------------ market data
def test_market_pages_agree_with_each_other(client: Client) -> None:
    client.order("SELL", quantity="0.1", price="60500")
    book = client.get("/depth", symbol="BTCUSDT", limit=5_000)
    assert Decimal(dict(book["asks"])["60500.00000000"]) >= Decimal("0.1"), (
        "our order is in the book that everyone sees"
    )
    best = client.get("/ticker/bookTicker", symbol="BTCUSDT")
    assert [best["bidPrice"], best["bidQty"]] == book["bids"][0]
    taken = client.order(kind="MARKET", quantity="0.01")
    assert [each["price"] for each in taken["fills"]] == [book["asks"][0][0]]
    tape = client.get("/trades", symbol="BTCUSDT", limit=1)[0]
    assert (tape["id"], tape["isBuyerMaker"]) == (taken["fills"][-1]["tradeId"], False)
    assert client.get("/ticker/price", symbol="BTCUSDT")["price"] == tape["price"]
    assert client.get("/aggTrades", symbol="BTCUSDT", limit=1)[0]["p"] == tape["price"]
    assert client.get("/ticker/24hr", symbol="BTCUSDT")["lastPrice"] == tape["price"]
    bars = client.get("/klines", symbol="BTCUSDT", interval="1m", limit=3)
    assert [len(bar) for bar in bars] == [12, 12, 12]
    assert bars[-1][4] == tape["price"]
    assert bars[-1][6] == bars[-1][0] + 59_999
    assert len(client.get("/ticker/price")) == 4
    assert len(client.get("/ticker/price", symbols='["BTCUSDT","ETHUSDT"]')) == 2
    assert client.get("/klines", symbol="BTCUSDT", interval="7m")["code"] == -1120


def apply(book: dict[str, dict[str, str]], event: Any) -> None:
    for side, name in (("bids", "b"), ("asks", "a")):
        for price, size in event[name]:
            book[side].pop(price, None)
            if Decimal(size):
                book[side][price] = size


def test_the_local_book_of_the_documentation_follows_the_venue() -> None:
    client = Client(frozen=False)
    session = client.connect("/ws/btcusdt@depth@100ms")
    client.wait(3_000)
    snapshot = client.get("/depth", symbol="BTCUSDT", limit=5_000)
    last = snapshot["lastUpdateId"]
    book = {side: dict(snapshot[side]) for side in ("bids", "asks")}
    for _ in range(6):
        client.order(quantity="0.001", price="60000")
        client.wait(700)
    client.wait(1_000)
    fresh = [each for each in events(session) if each["u"] > last]
    assert fresh[0]["U"] <= last + 1 <= fresh[0]["u"]
    for event in fresh:
        assert event["U"] <= last + 1
        assert event is fresh[0] or event["U"] == last + 1
        last = event["u"]
        apply(book, event)
    now = client.get("/depth", symbol="BTCUSDT", limit=5_000)
    assert now["lastUpdateId"] == last
    assert book == {side: dict(now[side]) for side in ("bids", "asks")}


def test_streams_raw_and_combined(client: Client) -> None:
    raw = client.connect("/ws/btcusdt@trade")
    combined = client.connect("/stream", "streams=btcusdt@bookTicker/btcusdt@aggTrade")
    told = client.order("SELL", "MARKET", quantity="0.01")
    trade = events(raw)[-1]
    assert (trade["e"], trade["t"], trade["m"]) == ("trade", told["fills"][-1]["tradeId"], True), (
        "m: the aggressor sold"
    )
    said = events(combined)
    assert {each["stream"] for each in said} == {"btcusdt@bookTicker", "btcusdt@aggTrade"}
    best = next(each["data"] for each in said if each["stream"] == "btcusdt@bookTicker")
    assert set(best) == {"u", "s", "b", "B", "a", "A"}, "no event type and no time"


def test_subscriptions_change_while_connected(client: Client) -> None:
    session = client.connect("/ws")
    for message, answer in (
        ({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1}, {"result": None, "id": 1}),
        ({"method": "LIST_SUBSCRIPTIONS", "id": 2}, {"result": ["btcusdt@trade"], "id": 2}),
        ({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3}, {"result": None, "id": 3}),
        ({"method": "LIST_SUBSCRIPTIONS", "id": 4}, {"result": [], "id": 4}),
    ):
        client.front.receive(session, msgspec.json.encode(message).decode())
        assert events(session) == [answer]
    client.front.receive(session, '{"method": "SUBSCRIBE", "params": ["nothing@trade"], "id": 5}')
    assert "error" in events(session)[0]


def test_times_are_told_in_microseconds_where_that_is_asked_for(client: Client) -> None:
    header = {"x-mbx-time-unit": "MICROSECOND"}
    asked: Any = header
    now_us = client.now_ms * 1_000
    assert client.told(client.raw("GET", "/api/v3/time", **asked))["serverTime"] == now_us
    bar = client.told(client.raw("GET", "/api/v3/klines", "symbol=BTCUSDT&interval=1m&limit=1", **asked))[0]
    assert bar[6] - bar[0] == 59_999_000
    assert client.signed("GET", "/account", timestamp=now_us)["canTrade"], "a timestamp may be in either unit"
    stream = client.connect("/stream", "streams=btcusdt@trade&timeUnit=MICROSECOND")
    api = client.connect("/ws-api/v3", "timeUnit=microsecond")
    told = client.ask(api, "order.place", sign=True, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    assert told["result"]["transactTime"] == now_us
    trade = events(stream)[-1]["data"]
    assert (trade["T"], trade["t"]) == (now_us, told["result"]["fills"][-1]["tradeId"])


def test_more_than_five_messages_a_second_end_a_stream_connection(client: Client) -> None:
    session = client.connect("/ws")
    for n in range(6):
        assert session.closed is None
        client.front.receive(session, f'{{"method": "LIST_SUBSCRIPTIONS", "id": {n}}}')
    assert session.closed == 1008


def test_a_bar_is_final_only_when_it_says_so() -> None:
    client = Client(frozen=False)
    session = client.connect("/ws/btcusdt@kline_1m")
    client.wait(62_000)
    said = [each["k"] for each in events(session)]
    final = [each for each in said if each["x"]]
    assert len(final) == 1
    for bar in final:
        before = [each for each in said if each["t"] == bar["t"] and not each["x"]]
        assert before
        rest = client.get("/klines", symbol="BTCUSDT", interval="1m", startTime=bar["t"], limit=1)[0]
        assert (rest[1], rest[4], rest[5]) == (bar["o"], bar["c"], bar["v"])


# ------------------------------------------------------------------------------------------- connections, user stream
def test_pings_must_be_answered_with_their_payload_and_a_connection_lives_a_day(client: Client) -> None:
    good, silent, wrong = (client.connect("/ws") for _ in range(3))
    for _ in range(5):
        client.wait(20_000)
        payload = [each for kind, each in good.frames if kind == "ping"][-1]
        client.front.heard(good, payload, ping=False)
        client.front.heard(wrong, b"other", ping=False)
    assert (good.closed, silent.closed, wrong.closed) == (None, 1008, 1008)
    while good.closed is None:
        client.wait(20_000)
        payload = [each for kind, each in good.frames if kind == "ping"][-1]
        client.front.heard(good, payload, ping=False)
        good.frames.clear() if len(good.frames) > 100 else None
    assert client.front.timeline.now - good.opened >= DAY_MS * 1_000_000


def test_listen_keys_are_gone(client: Client) -> None:
    for method in ("POST", "PUT", "DELETE"):
        client.told(client.raw(method, "/api/v3/userDataStream"))
        assert client.status == 410


def test_the_user_stream_begins_with_a_signature_or_a_logon(client: Client) -> None:
    session = client.connect("/ws-api/v3")
    assert client.ask(session, "userDataStream.subscribe")["status"] == 401
    assert client.ask(session, "session.logon", sign=True)["error"]["code"] == -4056, "HMAC cannot log on"
    private = serialization.load_pem_private_key(client.dialect.credentials.ed25519_private_key.encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    key = client.dialect.credentials.ed25519_api_key
    payload = f"apiKey={key}&timestamp={client.now_ms}"
    signature = base64.b64encode(private.sign(payload.encode())).decode()
    told = client.ask(session, "session.logon", apiKey=key, timestamp=client.now_ms, signature=signature)
    assert (told["status"], told["result"]["apiKey"]) == (200, key)
    assert client.ask(session, "userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    placed = client.ask(session, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    assert placed["result"]["status"] == "FILLED", "logged on: neither key nor signature"


def test_the_user_stream_is_wrapped_and_ends_with_its_session(client: Client) -> None:
    session = client.subscribe()
    client.order(kind="MARKET", quantity="0.01")
    said = events(session)
    assert all(set(each) == {"subscriptionId", "event"} for each in said)
    assert [each["event"]["x"] for each in said if each["event"]["e"] == "executionReport"] == ["NEW", "TRADE"]
    client.front.cause(Rule(Fault.EXPIRE))
    assert [each["event"]["e"] for each in events(session)] == ["eventStreamTerminated"]
    client.order(kind="MARKET", quantity="0.01")
    assert events(session) == []


def test_websocket_orders_share_the_counters_and_carry_them(client: Client) -> None:
    session = client.connect("/ws-api/v3")
    told = client.ask(
        session, "order.place", sign=True, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", **LIMIT
    )
    assert told["status"] == 200
    counts = {(each["rateLimitType"], each["interval"]): each["count"] for each in told["rateLimits"]}
    assert counts["ORDERS", "SECOND"] == 1
    assert client.ask(session, "order.status", sign=True, symbol="BTCUSDT", orderId=1)["error"]["code"] == -2013
    assert client.ask(session, "no.such")["status"] == 400
    asked = client.signed("GET", "/rateLimit/order")
    assert asked[0]["count"] == 1


def test_websocket_faults_name_the_method(client: Client) -> None:
    session = client.connect("/ws-api/v3")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", **LIMIT}
    client.front.cause(Rule(Fault.DROP_AFTER, path="order.place"))
    assert client.ask(session, "order.place", sign=True, **order) is None
    assert len(client.signed("GET", "/openOrders")) == 1, "it worked, the answer was lost"
    client.front.cause(Rule(Fault.RATE_LIMIT, path="order.place", ms=2_000))
    told = client.ask(session, "order.place", sign=True, **order)
    assert told["error"]["data"]["retryAfter"] == client.now_ms + 2_000, "a moment in ms, not a delay"


def test_shutdown_is_announced_before_it_comes(client: Client) -> None:
    stream, api = client.connect("/ws"), client.connect("/ws-api/v3")
    client.front.cause(Rule(Fault.SHUTDOWN, ms=5_000))
    assert [each["e"] for each in events(stream)] == ["serverShutdown"]
    assert [each["event"]["e"] for each in events(api)] == ["serverShutdown"]
    client.wait(5_000)
    assert (stream.closed, api.closed) == (1001, 1001)
