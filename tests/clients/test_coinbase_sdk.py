"""coinbase-advanced-py, unmodified but for the address, against the emulator: REST over TLS, WebSocket beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from coinbase.rest import RESTClient
from coinbase.websocket import WSClient
from requests import HTTPError

BTC = "BTC-USD"


@pytest.fixture(scope="module")
def venue(emulate: Callable[..., Any]) -> Any:
    started = emulate(
        "coinbase", "--seed", "11", "--tls", "--speed", "40"
    )  # forty seconds of limits in one: the client is quick
    for symbol in (BTC, "ETH-USD"):
        started.freeze(symbol)
    return started


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patching:
        yield patching


@pytest.fixture(scope="module")
def client(venue: Any, patch: pytest.MonkeyPatch) -> RESTClient:
    patch.setenv("REQUESTS_CA_BUNDLE", venue.started["ca_file"])
    return RESTClient(
        venue.api_key, venue.api_secret, base_url=venue.started["rest_host"], timeout=5, rate_limit_headers=True
    )


def until(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    """What `check` gives once it is true; real time, because the client has no other."""
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.03)
    return found


def order(client: RESTClient, placed: Any, status: str) -> dict[str, Any]:
    assert placed["success"], placed.to_dict()
    order_id = placed["success_response"]["order_id"]
    shown: dict[str, Any] = until(
        lambda: (found := client.get_order(order_id).to_dict()["order"])["status"] == status and found
    )
    return shown


def prices(client: RESTClient) -> tuple[float, float]:
    (book,) = client.get_best_bid_ask([BTC]).to_dict()["pricebooks"]
    return float(book["bids"][0]["price"]), float(book["asks"][0]["price"])


def test_the_market(client: RESTClient, venue: Any) -> None:
    now = int(client.get_unix_time()["epoch_seconds"])
    assert abs(now - venue.control("GET")["time_ms"] // 1000) < 10
    products = {each["product_id"]: each for each in client.get_products().to_dict()["products"]}
    assert set(products) == {"BTC-USD", "ETH-USD", "BTC-USDC"}
    assert products["BTC-USDC"]["alias"] == BTC
    assert client.get_product(BTC)["price_increment"] == "0.01"
    book = client.get_product_book(BTC, limit=5).to_dict()["pricebook"]
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert float(book["bids"][0]["price"]) < float(book["asks"][0]["price"])
    trades = client.get_market_trades(BTC, limit=3).to_dict()
    assert 1 <= len(trades["trades"]) <= 3
    candles = client.get_candles(BTC, str(now - 3600), str(now), "ONE_MINUTE").to_dict()["candles"]
    starts = [int(each["start"]) for each in candles]
    assert starts == sorted(starts, reverse=True), "newest first"
    assert client.get_public_candles(BTC, str(now - 3600), str(now), "FIVE_MINUTE")["candles"]
    assert client.get_public_product(BTC)["product_id"] == BTC


def test_the_account(client: RESTClient) -> None:
    accounts = {each["currency"]: each for each in client.get_accounts().to_dict()["accounts"]}
    assert float(accounts["BTC"]["available_balance"]["value"]) > 0
    assert client.get_account(accounts["USD"]["uuid"])["account"]["currency"] == "USD"
    assert client.get_api_key_permissions()["can_trade"]
    assert not client.get_api_key_permissions()["can_transfer"]
    assert client.get_transaction_summary()["fee_tier"]["taker_fee_rate"] == "0.012"
    assert client.get_portfolios()["portfolios"]
    assert client.list_futures_positions()["positions"] == []


def test_a_limit_order_rests_holds_money_and_is_cancelled_a_moment_later(client: RESTClient) -> None:
    placed = client.limit_order_gtc_buy("sdk-1", BTC, base_size="0.01", limit_price="50000.00", post_only=True)
    shown = order(client, placed, "OPEN")
    assert (shown["client_order_id"], shown["filled_size"]) == ("sdk-1", "0")
    assert float(shown["outstanding_hold_amount"]) >= 500
    listed = client.list_orders(product_ids=[BTC], order_status=["OPEN"]).to_dict()["orders"]
    assert [each["order_id"] for each in listed] == [shown["order_id"]]
    edited = client.edit_order(shown["order_id"], size="0.02", price="50100.00")
    assert edited["success"], edited.to_dict()
    shown = order(client, placed, "OPEN")
    assert shown["order_configuration"]["limit_limit_gtc"]["base_size"] == "0.02"
    assert shown["edit_history"][-1]["price"] == "50100"
    refused_edit = client.edit_order(shown["order_id"], size="0.02", price="50100.001").to_dict()
    assert refused_edit["errors"][0]["preview_failure_reason"] == "PREVIEW_INVALID_PRICE_PRECISION"
    assert client.preview_edit_order(shown["order_id"], size="0.03", price="50200.00").to_dict()["errors"] == []
    (heard,) = client.cancel_orders([shown["order_id"]]).to_dict()["results"]
    assert heard["success"], heard
    order(client, placed, "CANCELLED")
    (refused,) = client.cancel_orders([shown["order_id"]]).to_dict()["results"]
    assert not refused["success"]


def test_each_kind_of_order(client: RESTClient) -> None:
    bid, ask = prices(client)
    filled = order(client, client.market_order_buy("sdk-2", BTC, quote_size="100"), "FILLED")
    assert 90 < float(filled["filled_value"]) + float(filled["total_fees"]) <= 100
    order(client, client.market_order_sell("sdk-3", BTC, base_size="0.001"), "FILLED")
    order(client, client.limit_order_ioc_buy("sdk-4", BTC, base_size="0.001", limit_price=f"{ask + 5:.2f}"), "FILLED")
    order(client, client.limit_order_fok_buy("sdk-5", BTC, base_size="0.001", limit_price=f"{ask + 5:.2f}"), "FILLED")
    order(client, client.limit_order_fok_buy("sdk-6", BTC, base_size="0.001", limit_price="1000.00"), "CANCELLED")
    dated = client.limit_order_gtd_buy("sdk-7", BTC, "0.001", "40000.00", end_time="2090-01-01T00:00:00Z")
    order(client, dated, "OPEN")
    stop = client.stop_limit_order_gtc_sell("sdk-8", BTC, "0.001", "30000.00", "31000.00", "STOP_DIRECTION_STOP_DOWN")
    assert order(client, stop, "OPEN")["trigger_status"] == "STOP_PENDING"
    bracket = client.trigger_bracket_order_gtc_sell("sdk-9", BTC, "0.001", f"{bid * 2:.2f}", "20000.00")
    order(client, bracket, "OPEN")
    ids = [each["success_response"]["order_id"] for each in (dated, stop, bracket)]
    assert all(each["success"] for each in client.cancel_orders(ids).to_dict()["results"])
    for each in (dated, stop, bracket):
        order(client, each, "CANCELLED")


def test_a_stop_triggers_and_fills(client: RESTClient, venue: Any) -> None:
    bid, _ = prices(client)
    stop = client.stop_limit_order_gtc_sell(
        "sdk-10", BTC, "0.001", f"{bid - 500:.2f}", f"{bid - 100:.2f}", "STOP_DIRECTION_STOP_DOWN"
    )
    order(client, stop, "OPEN")
    venue.push(BTC, round(bid - 150, 2))
    shown = order(client, stop, "FILLED")
    assert shown["trigger_status"] == "STOP_TRIGGERED"


def test_fills_have_prices_and_fees_and_sum_up_to_the_order(client: RESTClient) -> None:
    shown = order(client, client.market_order_buy("sdk-11", BTC, base_size="0.002"), "FILLED")
    fills = client.get_fills(order_ids=[shown["order_id"]]).to_dict()["fills"]
    assert sum(float(each["size"]) for each in fills) == pytest.approx(0.002)
    assert sum(float(each["commission"]) for each in fills) == pytest.approx(float(shown["total_fees"]))
    assert {each["liquidity_indicator"] for each in fills} == {"TAKER"}


def test_the_same_client_id_is_executed_once(client: RESTClient) -> None:
    first = client.limit_order_gtc_buy("sdk-12", BTC, base_size="0.01", limit_price="45000.00")
    again = client.limit_order_gtc_buy("sdk-12", BTC, base_size="0.01", limit_price="45000.00")
    assert again["success_response"]["order_id"] == first["success_response"]["order_id"]
    other = client.limit_order_gtc_buy("sdk-12", BTC, base_size="0.02", limit_price="45000.00")
    assert other["error_response"]["error"] == "DUPLICATE_CLIENT_ORDER_ID"
    client.cancel_orders([first["success_response"]["order_id"]])


@pytest.mark.parametrize(
    ("size", "price", "only", "reason"),
    [
        ("1000", "60000.00", False, "INSUFFICIENT_FUND"),
        ("0.01", "900000.00", True, "INVALID_LIMIT_PRICE_POST_ONLY"),
        ("0.000000001", "60000.00", False, "INVALID_SIZE_PRECISION"),
        ("0.01", "60000.001", False, "INVALID_PRICE_PRECISION"),
        ("0.00000001", "60000.00", False, "UNKNOWN_FAILURE_REASON"),
    ],
)
def test_a_refusal_is_http_200(client: RESTClient, size: str, price: str, only: bool, reason: str) -> None:
    told = client.limit_order_gtc_buy("", BTC, base_size=size, limit_price=price, post_only=only).to_dict()
    assert told["success"] is False
    assert told["error_response"]["error"] == reason


def test_a_preview_places_nothing(client: RESTClient) -> None:
    before = len(client.list_orders().to_dict()["orders"])
    assert client.preview_limit_order_gtc_buy(BTC, "0.01", "50000.00")["errs"] == []
    assert client.preview_limit_order_gtc_buy(BTC, "9999", "50000.00")["errs"] == [
        "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"
    ]
    assert len(client.list_orders().to_dict()["orders"]) == before


def test_a_wrong_key_is_unauthorized(client: RESTClient, venue: Any) -> None:
    other = RESTClient(venue.started["eddsa_api_key"], venue.api_secret, base_url=venue.started["rest_host"], timeout=5)
    with pytest.raises(HTTPError, match="401"):
        other.get_accounts()
    good = RESTClient(
        venue.started["eddsa_api_key"],
        venue.started["eddsa_api_secret"],
        base_url=venue.started["rest_host"],
        timeout=5,
    )
    assert good.get_accounts()["accounts"]


def test_what_is_not_there_and_too_much(client: RESTClient, venue: Any) -> None:
    with pytest.raises(HTTPError, match="404"):
        client.get_order("nobody")
    venue.fault("rate_limit", path="/api/v3/brokerage/accounts", ms=2000)
    with pytest.raises(HTTPError, match="429"):
        client.get_accounts()
    venue.fault("maintenance", phase="cancel_only")
    told = client.limit_order_gtc_buy("sdk-13", BTC, base_size="0.01", limit_price="45000.00").to_dict()
    assert told["error_response"]["error"] == "PRODUCT_TRADING_HALTED"
    assert client.get_product(BTC)["cancel_only"]
    venue.fault("maintenance", phase="open")


def test_streams(client: RESTClient, venue: Any) -> None:
    said: list[dict[str, Any]] = []
    stream = WSClient(
        venue.api_key,
        venue.api_secret,
        on_message=lambda text: said.append(json.loads(text)),
        base_url=venue.ws,
        retry=False,
    )

    def told(channel: str) -> list[dict[str, Any]]:
        return [message for message in said if message.get("channel") == channel]

    stream.open()
    try:
        stream.subscribe([BTC], ["level2", "ticker", "market_trades", "heartbeats", "user", "candles", "status"])
        for channel in (
            "l2_data",
            "ticker",
            "market_trades",
            "heartbeats",
            "user",
            "candles",
            "status",
            "subscriptions",
        ):
            until(partial(told, channel))
        assert told("l2_data")[0]["events"][0]["type"] == "snapshot"
        placed = client.market_order_buy("sdk-14", BTC, base_size="0.001")
        order_id = placed["success_response"]["order_id"]

        def states() -> list[str]:
            orders = [each for message in told("user") for event in message["events"] for each in event["orders"]]
            return [each["status"] for each in orders if each["order_id"] == order_id]

        until(lambda: "FILLED" in states())
        assert states()[0] == "PENDING"
        until(lambda: any(event["type"] == "update" for message in told("l2_data") for event in message["events"]))
        until(
            lambda: any(event["type"] == "update" for message in told("market_trades") for event in message["events"])
        )
        numbers = [message["sequence_num"] for message in said]
        assert numbers == list(range(len(numbers))), "one count over all channels"
        stream.unsubscribe([BTC], ["ticker"])
        until(lambda: "ticker" not in told("subscriptions")[-1]["events"][0]["subscriptions"])
    finally:
        stream.close()


def test_the_alias_answers_under_the_other_name(client: RESTClient, venue: Any) -> None:
    said: list[dict[str, Any]] = []
    stream = WSClient(on_message=lambda text: said.append(json.loads(text)), base_url=venue.ws, retry=False)
    stream.open()
    try:
        stream.subscribe(["BTC-USDC"], ["level2"])
        shot = until(lambda: next((each for each in said if each.get("channel") == "l2_data"), None))
        assert shot["events"][0]["product_id"] == BTC
    finally:
        stream.close()
