"""Every answer has the fields of the official examples: the documentation itself is the oracle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.venues.emulator.futures import FuturesClient
from tests.venues.emulator.spot import Client, events, user_events

LIMIT = {"quantity": "0.01", "price": "59000"}


def cases(shared: Path, name: str) -> list[Any]:
    told: list[Any] = msgspec.json.decode((shared / "venues" / "vectors" / f"{name}.json").read_bytes())["cases"]
    return told


def lacking(documented: Any, ours: Any, but: set[str], place: str = "") -> list[str]:
    """Fields of an example that an answer has not, or has as another JSON type; `but` are the known exceptions."""
    if isinstance(documented, list):
        if not documented or not ours:
            return []
        return lacking(documented[0], ours[0], but, f"{place}[]")
    if not isinstance(documented, dict):
        numbers = (int, float)
        same = isinstance(ours, type(documented)) or (isinstance(ours, numbers) and isinstance(documented, numbers))
        return [] if same or documented in (None, "None") else [f"{place}: {documented!r} is here {ours!r}"]
    found = []
    for name, value in documented.items():
        if name in but:
            continue
        if name not in ours:
            found.append(f"{place}.{name} is missing")
        else:
            found += lacking(value, ours[name], but, f"{place}.{name}")
    return found


def resting(client: Client) -> Any:
    return client.order(**LIMIT)["orderId"]


SPOT: list[tuple[str, Callable[[Client], Any], set[str]]] = [
    ("GET /api/v3/time", lambda c: c.get("/time"), set()),
    ("GET /api/v3/depth", lambda c: c.get("/depth", symbol="BTCUSDT"), set()),
    ("GET /api/v3/historicalTrades", lambda c: c.get("/historicalTrades", symbol="BTCUSDT"), set()),
    ("GET /api/v3/klines", lambda c: c.get("/klines", symbol="BTCUSDT", interval="1m"), set()),
    ("GET /api/v3/ticker/24hr", lambda c: c.get("/ticker/24hr", symbol="BTCUSDT"), set()),
    ("GET /api/v3/ticker/price", lambda c: c.get("/ticker/price"), set()),
    ("GET /api/v3/ticker/bookTicker", lambda c: c.get("/ticker/bookTicker", symbol="BTCUSDT"), set()),
    ("POST /api/v3/order", lambda c: c.order("SELL", "MARKET", quantity="0.01"), set()),
    ("DELETE /api/v3/order", lambda c: c.cancel(orderId=resting(c)), set()),
    (
        "POST /api/v3/orderList/oco",
        lambda c: c.signed(
            "POST", "/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.1", aboveType="LIMIT_MAKER",
            abovePrice="62000", belowType="STOP_LOSS_LIMIT", belowStopPrice="58000", belowPrice="57000",
            belowTimeInForce="GTC", newOrderRespType="RESULT",
        ),
        {"icebergQty"},
    ),
    ("GET /api/v3/account", lambda c: c.signed("GET", "/account"), set()),
    ("GET /api/v3/openOrders", lambda c: [resting(c), c.signed("GET", "/openOrders")][1], set()),
    ("GET /api/v3/allOrders", lambda c: [resting(c), c.signed("GET", "/allOrders", symbol="BTCUSDT")][1], set()),
    ("GET /api/v3/rateLimit/order", lambda c: c.signed("GET", "/rateLimit/order"), set()),
    ("GET /api/v3/account/commission", lambda c: c.signed("GET", "/account/commission", symbol="BTCUSDT"), set()),
]  # fmt: skip


@pytest.mark.parametrize(("endpoint", "ask", "but"), SPOT, ids=[each[0] for each in SPOT])
def test_spot_answers_have_the_documented_fields(
    shared: Path, endpoint: str, ask: Callable[[Client], Any], but: set[str]
) -> None:
    documented = [
        case["json"] for case in cases(shared, "docs_examples_binance_spot_rest_api") if case["endpoint"] == endpoint
    ]
    assert documented
    ours = ask(Client())
    alike = [each for each in documented if isinstance(each, type(ours)) and "code" not in each]
    assert any(lacking(each, ours, but) == [] for each in alike), [lacking(each, ours, but) for each in alike]


def test_spot_user_events_have_the_documented_fields(shared: Path) -> None:
    client = Client()
    session = client.subscribe()
    client.signed(
        "POST", "/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.1", aboveType="LIMIT_MAKER",
        abovePrice="62000", belowType="STOP_LOSS", belowStopPrice="58000",
    )  # fmt: skip
    said = {each["event"]["e"]: each for each in events(session)}
    checked = 0
    for case in cases(shared, "docs_examples_binance_spot_user_data_stream"):
        kind = case["json"]["event"]["e"]
        if kind in said:
            checked += 1
            assert lacking(case["json"], said[kind], set()) == []
    assert checked == 2


def test_spot_market_events_have_the_documented_fields(shared: Path) -> None:
    client = Client(frozen=False)
    streams = ("aggTrade", "kline_1m", "miniTicker", "avgPrice", "depth20", "trade", "bookTicker", "depth")
    session = client.connect("/stream", "streams=" + "/".join(f"btcusdt@{name}" for name in streams))
    client.wait(6_000)
    said = {each["stream"].partition("@")[2]: each["data"] for each in events(session)}
    assert set(said) == set(streams)
    kinds = {each.get("e", ""): each for each in said.values()}
    checked = set()
    for case in cases(shared, "docs_examples_binance_spot_websocket_streams"):
        example = case.get("json")
        if isinstance(example, dict) and example.get("e") in kinds:
            checked.add(example["e"])
            assert lacking(example, kinds[example["e"]], set()) == []
    assert checked >= {"aggTrade", "kline", "24hrMiniTicker", "avgPrice"}


def held(client: FuturesClient) -> FuturesClient:
    client.order(kind="MARKET", quantity="0.01")
    return client


#: Fields of examples that were taken out since, or of what is not emulated (conditional orders on the plain pages).
CONDITIONAL = {"activatePrice", "priceRate"}
FUTURES: list[tuple[str, str, Callable[[FuturesClient], Any], set[str]]] = [
    ("POST", "/fapi/v1/order", lambda c: c.order(**LIMIT), CONDITIONAL),
    ("DELETE", "/fapi/v1/order", lambda c: c.cancel(orderId=resting(c)), CONDITIONAL),
    ("GET", "/fapi/v1/openOrders", lambda c: [resting(c), c.signed("GET", "/openOrders")][1], CONDITIONAL),
    ("GET", "/fapi/v1/openOrder", lambda c: c.signed("GET", "/openOrder", symbol="BTCUSDT", orderId=resting(c)), CONDITIONAL),
    (
        "GET", "/fapi/v1/allOrders", lambda c: [resting(c), c.signed("GET", "/allOrders", symbol="BTCUSDT")][1],
        CONDITIONAL | {"cumBase", "pair"},
    ),
    ("POST", "/fapi/v1/algoOrder", lambda c: c.algo("SELL", "STOP_MARKET", quantity="0.01", triggerPrice="58000"), set()),
    (
        "GET", "/fapi/v1/allAlgoOrders",
        lambda c: [
            c.algo("SELL", "STOP_MARKET", quantity="0.01", triggerPrice="58000"),
            c.signed("GET", "/allAlgoOrders", symbol="BTCUSDT"),
        ][1],
        {"tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice", "tpOrderType"},
    ),
    ("GET", "/fapi/v3/account", lambda c: held(c).signed("GET", "/fapi/v3/account"), set()),
    ("GET", "/fapi/v3/positionRisk", lambda c: held(c).signed("GET", "/fapi/v3/positionRisk"), set()),
    ("GET", "/fapi/v2/positionRisk", lambda c: held(c).signed("GET", "/fapi/v2/positionRisk"), set()),
    ("GET", "/fapi/v1/accountConfig", lambda c: c.signed("GET", "/accountConfig"), set()),
    ("GET", "/fapi/v1/rateLimit/order", lambda c: c.signed("GET", "/rateLimit/order"), set()),
    ("DELETE", "/fapi/v1/allOpenOrders", lambda c: c.signed("DELETE", "/allOpenOrders", symbol="BTCUSDT"), set()),
    ("PUT", "/fapi/v1/listenKey", lambda c: [c.listen(), c.signed("PUT", "/listenKey")][1], set()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "path", "ask", "but"), FUTURES, ids=[f"{verb} {path}" for verb, path, _, _ in FUTURES]
)
def test_futures_answers_have_the_fields_of_2026(
    shared: Path, verb: str, path: str, ask: Callable[[FuturesClient], Any], but: set[str]
) -> None:
    documented = [
        case["response"]
        for case in cases(shared, "docs_examples_binance_usdm_rest_api_2026")
        if (case["http_method"], case["path"]) == (verb, path) and not isinstance(case["response"], str)
    ]
    assert documented
    assert lacking(documented[0], ask(FuturesClient()), but) == []


def test_futures_streams_have_the_fields_of_2026(shared: Path) -> None:
    client = FuturesClient(frozen=False)
    names = ("aggTrade", "kline_1m", "markPrice@1s", "ticker", "depth@100ms", "bookTicker")
    query = "streams=" + "/".join(f"btcusdt@{name}" for name in names)
    sessions = [client.connect(f"{path}/stream", query) for path in ("/public", "/market")]
    client.wait(6_000)
    said = {each["data"]["e"]: each["data"] for session in sessions for each in events(session)}
    checked = set()
    for case in cases(shared, "docs_examples_binance_usdm_websocket_streams_2026"):
        example = case["response"]
        if isinstance(example, dict) and example.get("e") in said:
            checked.add(example["e"])
            assert lacking(example, said[example["e"]], {"st", "ps", "ap", "B"}) == []
    assert checked >= {"aggTrade", "markPriceUpdate", "24hrTicker", "depthUpdate"}


def test_an_algo_update_has_the_fields_of_the_recorded_one(shared: Path) -> None:
    recorded = next(
        case["text"]
        for case in cases(shared, "ws_samples_jkorf_binance")
        if case["file"].endswith("UsdFutures/AlgoOrderUpdate.txt")
    )
    example = msgspec.json.decode(recorded.partition("= \n")[2])["data"]
    client = FuturesClient()
    session = client.listen()
    client.algo("SELL", "STOP_MARKET", quantity="0.01", triggerPrice="58000")
    assert lacking(example, events(session)[-1], set()) == []


def test_user_events_are_those_of_one_kind() -> None:
    client = Client()
    session = client.subscribe()
    client.order(**LIMIT)
    assert [each["x"] for each in user_events(session, "executionReport")] == ["NEW"]
