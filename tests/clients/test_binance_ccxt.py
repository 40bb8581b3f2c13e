"""ccxt and ccxt.pro on the Binance emulators: Spot and USD-M, unmodified but for their addresses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tests.clients.running import Emulator

SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def spot_venue(emulate: Callable[..., Emulator]) -> Emulator:
    return emulate("binance", "--seed", "11")


@pytest.fixture(scope="module")
def futures_venue(emulate: Callable[..., Emulator]) -> Emulator:
    return emulate("binance-futures", "--seed", "11")


def settings(venue: Emulator, kind: str) -> dict[str, Any]:
    return {
        "apiKey": venue.api_key,
        "secret": venue.api_secret,
        "enableRateLimit": False,
        "options": {
            "defaultType": "spot" if kind == "spot" else "future",
            "fetchMarkets": {"types": [kind]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "adjustForTimeDifference": False,
        },
    }


def aim(exchange: Any, venue: Emulator) -> Any:
    """Point a client at the emulator; numbers stay text."""
    exchange.number = str
    api = exchange.urls["api"]
    for name in list(api):
        if name in {"public", "private"}:
            api[name] = f"{venue.rest}/api/v3"
        elif name.startswith("fapi"):
            version = name[-2:].lower() if name[-2:] in {"V2", "V3"} else "v1"
            api[name] = f"{venue.rest}/fapi/{version}"
    if "ws" in api:
        api["ws"]["spot"] = api["ws"]["linear"] = f"{venue.ws}/ws"
        api["ws"]["ws-api"] = {"spot": f"{venue.ws}/ws-api/v3", "linear": f"{venue.ws}/ws-fapi/v1"}
    return exchange


@pytest.fixture(scope="module")
def spot(spot_venue: Emulator) -> Any:
    return aim(ccxt.binance(settings(spot_venue, "spot")), spot_venue)


@pytest.fixture(scope="module")
def futures(futures_venue: Emulator) -> Any:
    return aim(ccxt.binance(settings(futures_venue, "linear")), futures_venue)


@pytest.fixture
async def spot_pro(spot_venue: Emulator) -> AsyncIterator[Any]:
    exchange = aim(ccxt.pro.binance(settings(spot_venue, "spot")), spot_venue)
    yield exchange
    await exchange.close()


@pytest.fixture
async def futures_pro(futures_venue: Emulator) -> AsyncIterator[Any]:
    exchange = aim(ccxt.pro.binance(settings(futures_venue, "linear")), futures_venue)
    yield exchange
    await exchange.close()


def below(exchange: Any, symbol: str, percent: int = 2) -> str:
    """A price so far below the best bid, on the tick."""
    bid = Decimal(str(exchange.fetch_order_book(symbol, 5)["bids"][0][0]))
    return str(exchange.price_to_precision(symbol, float(bid * (100 - percent) / 100)))


def above(exchange: Any, symbol: str, percent: int = 2) -> str:
    return below(exchange, symbol, -percent)


# --------------------------------------------------------------------------------------------------------------- spot
def test_spot_market_data(spot: Any) -> None:
    markets = spot.load_markets()
    precision = markets[SPOT]["precision"]
    assert (Decimal(precision["price"]), Decimal(precision["amount"])) == (Decimal("0.01"), Decimal("0.00001"))
    assert Decimal(markets[SPOT]["limits"]["cost"]["min"]) == 5
    book = spot.fetch_order_book(SPOT, 100)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert spot.fetch_ticker(SPOT)["last"]
    assert spot.fetch_trades(SPOT, limit=5)[-1]["symbol"] == SPOT
    assert len(spot.fetch_ohlcv(SPOT, "1m", limit=100)) == 100
    assert spot.fetch_time() > 0
    assert spot.fetch_bids_asks([SPOT])[SPOT]["bid"]


def test_spot_balance_and_fees(spot: Any) -> None:
    balance = spot.fetch_balance()
    assert Decimal(balance["USDT"]["free"]) > 0
    assert Decimal(balance["BTC"]["total"]) == Decimal(balance["BTC"]["free"]) + Decimal(balance["BTC"]["used"])


@pytest.mark.parametrize(
    ("kind", "params", "status"),
    [
        ("limit", {}, "open"),
        ("limit", {"timeInForce": "IOC"}, "expired"),
        ("limit", {"timeInForce": "FOK"}, "expired"),
        ("limit", {"postOnly": True}, "open"),
        ("market", {}, "closed"),
    ],
)
def test_spot_orders(spot: Any, kind: str, params: dict[str, Any], status: str) -> None:
    price = below(spot, SPOT) if kind == "limit" else None
    order = spot.create_order(SPOT, kind, "buy", "0.01", price, params)
    asked = spot.fetch_order(order["id"], SPOT)
    assert asked["status"] == status
    if status == "open":
        assert order["id"] in [each["id"] for each in spot.fetch_open_orders(SPOT)]
        assert spot.cancel_order(order["id"], SPOT)["status"] == "canceled"
        with pytest.raises(ccxt.OrderNotFound):
            spot.cancel_order(order["id"], SPOT)
    if status == "closed":
        trades = spot.fetch_order_trades(order["id"], SPOT)
        assert sum(Decimal(each["amount"]) for each in trades) == Decimal(asked["filled"]) == Decimal("0.01")
        assert {each["fee"]["currency"] for each in trades} == {"BTC"}


@pytest.mark.parametrize("kind", ["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"])
def test_spot_conditional_orders_fill_when_the_market_trades_through(
    spot: Any, spot_venue: Emulator, kind: str
) -> None:
    stop = below(spot, SPOT, 1) if kind.startswith("STOP") else above(spot, SPOT, 1)
    price = str(Decimal(stop) * Decimal("0.99") // 1) if kind.endswith("LIMIT") else None
    order_type = "limit" if price else "market"
    name = "stopLossPrice" if kind.startswith("STOP") else "takeProfitPrice"
    order = spot.create_order(SPOT, order_type, "sell", "0.01", price, {name: stop})
    raw = spot.fetch_order(order["id"], SPOT)
    assert (raw["status"], raw["info"]["type"]) == ("open", kind)
    before = spot_venue.control("GET", "account")["executions"]
    spot_venue.push("BTCUSDT", Decimal(stop) + (-10 if kind.startswith("STOP") else 10))
    assert spot.fetch_order(order["id"], SPOT)["status"] == "closed"
    assert len(spot_venue.control("GET", "account")["executions"]) > len(before)


def test_spot_market_order_by_quote(spot: Any) -> None:
    order = spot.create_order(SPOT, "market", "buy", None, None, {"quoteOrderQty": "250"})
    assert 0 < Decimal(spot.fetch_order(order["id"], SPOT)["cost"]) <= 250


def test_spot_edit_and_cancel_all(spot: Any) -> None:
    order = spot.create_order(SPOT, "limit", "buy", "0.01", below(spot, SPOT, 3))
    edited = spot.edit_order(order["id"], SPOT, "limit", "buy", "0.02", below(spot, SPOT, 4))
    assert Decimal(spot.fetch_order(edited["id"], SPOT)["amount"]) == Decimal("0.02")
    assert spot.cancel_all_orders(SPOT)
    assert spot.fetch_open_orders(SPOT) == []
    assert spot.fetch_my_trades(SPOT)
    assert spot.fetch_orders(SPOT)


def test_spot_errors_are_the_exceptions_they_should_be(spot: Any, spot_venue: Emulator) -> None:
    price = below(spot, SPOT)
    with pytest.raises(ccxt.InsufficientFunds):
        spot.create_order(SPOT, "limit", "buy", "50", price)
    with pytest.raises(ccxt.OrderNotFound):
        spot.fetch_order("1", SPOT)
    with pytest.raises(ccxt.BadRequest, match="Filter failure: NOTIONAL"):
        spot.create_order(SPOT, "limit", "buy", "0.00005", "40000")
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        spot.create_order(SPOT, "limit", "buy", "0.01", above(spot, SPOT), {"postOnly": True})
    order = spot.create_order(SPOT, "limit", "buy", "0.01", price, {"clientOrderId": "twice"})
    with pytest.raises(ccxt.InvalidOrder, match=r"Duplicate order sent\."):
        spot.create_order(SPOT, "limit", "buy", "0.01", price, {"clientOrderId": "twice"})
    spot.cancel_order(order["id"], SPOT)
    for fault, raised in (
        ({"name": "rate_limit", "ms": 1_000}, ccxt.DDoSProtection),
        ({"name": "ban", "ms": 1_000}, ccxt.DDoSProtection),
        ({"name": "error", "status": 503, "message": "Service Unavailable."}, ccxt.OperationFailed),
        ({"name": "drop_after"}, ccxt.NetworkError),
        ({"name": "skew", "ms": 60_000}, ccxt.InvalidNonce),
    ):
        spot_venue.fault(path="/api/v3/account", **fault)
        with pytest.raises(raised):
            spot.fetch_balance()
        spot_venue.control("DELETE", "faults")
    wrong = aim(ccxt.binance(settings(spot_venue, "spot") | {"secret": "wrong"}), spot_venue)
    with pytest.raises(ccxt.AuthenticationError):
        wrong.fetch_balance()


def test_spot_signatures_by_ed25519(spot_venue: Emulator) -> None:
    keys = {"apiKey": spot_venue.started["ed25519_api_key"], "secret": spot_venue.started["ed25519_private_key"]}
    exchange = aim(ccxt.binance(settings(spot_venue, "spot") | keys), spot_venue)
    assert exchange.fetch_balance()["USDT"]["total"]


async def until(wanted: Callable[[Any], bool], watch: Callable[[], Any]) -> Any:
    """The first thing watched that is wanted."""
    async with asyncio.timeout(20):
        while True:
            seen = await watch()
            if wanted(seen):
                return seen


async def test_spot_streams(spot_pro: Any) -> None:
    book = await until(lambda book: len(book["bids"]) > 5, lambda: spot_pro.watch_order_book(SPOT))
    assert book["bids"][0][0] < book["asks"][0][0]
    assert (await spot_pro.watch_trades(SPOT))[-1]["symbol"] == SPOT
    assert (await spot_pro.watch_ticker(SPOT))["symbol"] == SPOT
    assert (await spot_pro.watch_bids_asks([SPOT]))[SPOT]["bid"]
    assert len((await spot_pro.watch_ohlcv(SPOT, "1m"))[-1]) == 6


async def test_spot_user_stream(spot_pro: Any) -> None:
    await spot_pro.load_markets()
    orders = asyncio.create_task(spot_pro.watch_orders(SPOT))
    await asyncio.sleep(0.5)
    placed = await spot_pro.create_order(SPOT, "market", "buy", "0.01")
    seen = await asyncio.wait_for(orders, 20)
    if seen[-1]["status"] != "closed":
        seen = await until(lambda seen: seen[-1]["status"] == "closed", lambda: spot_pro.watch_orders(SPOT))
    assert seen[-1]["id"] == placed["id"]
    trades = asyncio.create_task(spot_pro.watch_my_trades(SPOT))
    balance = asyncio.create_task(spot_pro.watch_balance())
    await asyncio.sleep(0.5)
    again = await spot_pro.create_order(SPOT, "market", "sell", "0.01")
    mine = await asyncio.wait_for(trades, 20)
    assert mine[-1]["order"] in {again["id"], placed["id"]}
    assert (await asyncio.wait_for(balance, 20))["USDT"]["free"]


async def test_spot_orders_over_the_websocket_api(spot_pro: Any) -> None:
    await spot_pro.load_markets()
    book = await spot_pro.fetch_order_book(SPOT, 5)
    price = spot_pro.price_to_precision(SPOT, book["bids"][0][0] * 0.97)
    order = await spot_pro.create_order_ws(SPOT, "limit", "buy", "0.01", price)
    assert (await spot_pro.fetch_order_ws(order["id"], SPOT))["status"] == "open"
    assert (await spot_pro.cancel_order_ws(order["id"], SPOT))["status"] == "canceled"
    assert await spot_pro.fetch_balance_ws()


# ------------------------------------------------------------------------------------------------------------ futures
def test_futures_market_data(futures: Any) -> None:
    markets = futures.load_markets()
    assert (markets[PERP]["precision"]["price"], markets[PERP]["precision"]["amount"]) == ("0.10", "0.001")
    book = futures.fetch_order_book(PERP, 100)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(futures.fetch_ohlcv(PERP, "5m", limit=50)) == 50
    assert futures.fetch_ticker(PERP)["last"]
    assert futures.fetch_trades(PERP, limit=5)
    assert futures.fetch_funding_rate(PERP)["markPrice"]
    assert isinstance(futures.fetch_funding_rate_history(PERP), list)
    assert futures.fetch_mark_ohlcv(PERP, "1h", limit=2)


def test_futures_settings(futures: Any) -> None:
    assert futures.set_leverage(15, PERP)["leverage"] == 15
    futures.set_margin_mode("isolated", PERP)
    futures.set_margin_mode("cross", PERP)
    assert futures.fetch_leverage_tiers([PERP])[PERP]
    assert futures.fetch_leverages([PERP])[PERP]["longLeverage"] in {15, "15"}


@pytest.mark.parametrize(
    ("kind", "params", "status"),
    [
        ("limit", {}, "open"),
        ("limit", {"timeInForce": "IOC"}, "expired"),
        ("limit", {"postOnly": True}, "open"),
        ("market", {}, "closed"),
    ],
)
def test_futures_orders(futures: Any, kind: str, params: dict[str, Any], status: str) -> None:
    price = below(futures, PERP) if kind == "limit" else None
    order = futures.create_order(PERP, kind, "buy", "0.01", price, params)
    assert futures.fetch_order(order["id"], PERP)["status"] == status
    if status == "open":
        wanted = below(futures, PERP, 3)
        assert futures.edit_order(order["id"], PERP, "limit", "buy", "0.02", wanted)["id"] == order["id"]
        shown = futures.fetch_order(order["id"], PERP)
        assert (Decimal(shown["amount"]), Decimal(shown["price"])) == (Decimal("0.02"), Decimal(wanted))
        assert shown["clientOrderId"] == order["clientOrderId"]
        assert futures.cancel_order(order["id"], PERP)["status"] == "canceled"
    if status == "closed":
        assert futures.fetch_my_trades(PERP)[-1]["fee"]["currency"] == "USDT"


def test_futures_position_and_balance(futures: Any) -> None:
    futures.create_order(PERP, "market", "buy", "0.05")
    position = next(each for each in futures.fetch_positions([PERP]) if Decimal(each["contracts"]))
    assert position["side"] == "long"
    assert Decimal(position["entryPrice"]) > 0
    assert Decimal(futures.fetch_balance()["USDT"]["total"]) > 0
    with pytest.raises(ccxt.ExchangeError, match="-2022"):
        futures.create_order(PERP, "market", "buy", "0.01", None, {"reduceOnly": True})
    closed = futures.create_order(PERP, "market", "sell", position["contracts"], None, {"reduceOnly": True})
    assert futures.fetch_order(closed["id"], PERP)["status"] == "closed"
    assert not [each for each in futures.fetch_positions([PERP]) if Decimal(each["contracts"])]
    assert isinstance(futures.fetch_funding_history(PERP), list)


@pytest.mark.parametrize(
    "params",
    [{"stopLossPrice": 1}, {"takeProfitPrice": 1}, {"trailingPercent": 1}],
    ids=["stop", "take-profit", "trailing"],
)
def test_futures_conditional_orders(futures: Any, futures_venue: Emulator, params: dict[str, Any]) -> None:
    futures.create_order(PERP, "market", "buy", "0.01")
    name = next(iter(params))
    trigger = above(futures, PERP, 1) if name == "takeProfitPrice" else below(futures, PERP, 1)
    given = {"trailingPercent": "1"} if name == "trailingPercent" else {name: trigger}
    order = futures.create_order(PERP, "market", "sell", "0.01", None, given)
    assert order["id"] in [each["id"] for each in futures.fetch_open_orders(PERP, params={"trigger": True})]
    assert order["id"] not in [each["id"] for each in futures.fetch_open_orders(PERP)]
    futures_venue.push("BTCUSDT", Decimal(trigger) + (20 if name == "takeProfitPrice" else -20))
    assert futures.fetch_open_orders(PERP, params={"trigger": True}) == []
    end = time.monotonic() + 10  # what the book did not show when it was triggered is filled as others come back to it
    while [each for each in futures.fetch_positions([PERP]) if Decimal(each["contracts"])]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_futures_cancel_conditional_orders(futures: Any) -> None:
    one = futures.create_order(PERP, "market", "sell", "0.01", None, {"stopLossPrice": below(futures, PERP, 2)})
    futures.create_order(PERP, "market", "sell", "0.01", None, {"stopLossPrice": below(futures, PERP, 3)})
    futures.cancel_order(one["id"], PERP, {"trigger": True})
    futures.cancel_all_orders(PERP)
    assert len(futures.fetch_open_orders(PERP, params={"trigger": True})) == 1, "only the trigger family ends them"
    futures.cancel_all_orders(PERP, {"trigger": True})
    assert futures.fetch_open_orders(PERP, params={"trigger": True}) == []


def test_futures_batches_and_errors(futures: Any) -> None:
    price = below(futures, PERP)
    wanted = [
        {"symbol": PERP, "type": "limit", "side": "buy", "amount": "0.01", "price": price},
        {"symbol": PERP, "type": "limit", "side": "buy", "amount": "0.02", "price": price},
    ]
    placed = futures.create_orders(wanted)
    assert len({each["id"] for each in placed}) == 2
    futures.cancel_orders([each["id"] for each in placed], PERP)
    assert futures.fetch_open_orders(PERP) == []
    # Which exception a code of futures becomes ccxt decides by the host of the address; the code is in its text.
    with pytest.raises(ccxt.BaseError, match="-2019"):
        futures.create_order(PERP, "limit", "buy", "900", price)
    with pytest.raises(ccxt.BaseError, match="-5022"):
        futures.create_order(PERP, "limit", "buy", "0.01", above(futures, PERP, 1), {"postOnly": True})
    with pytest.raises(ccxt.BaseError, match="-2011"):
        futures.cancel_order("1", PERP)
    futures.create_order(PERP, "limit", "buy", "0.01", price, {"clientOrderId": "twice"})
    with pytest.raises(ccxt.ExchangeError, match="-4116"):
        futures.create_order(PERP, "limit", "buy", "0.01", price, {"clientOrderId": "twice"})
    futures.cancel_all_orders(PERP)


async def test_futures_streams(futures_pro: Any) -> None:
    book = await until(lambda book: len(book["bids"]) > 5, lambda: futures_pro.watch_order_book(PERP))
    assert book["bids"][0][0] < book["asks"][0][0]
    assert (await futures_pro.watch_trades(PERP))[-1]["symbol"] == PERP
    assert (await futures_pro.watch_mark_price(PERP, {"use1sFreq": True}))["markPrice"]
    assert len((await futures_pro.watch_ohlcv(PERP, "1m"))[-1]) == 6


async def test_futures_user_stream(futures_pro: Any) -> None:
    await futures_pro.load_markets()
    orders = asyncio.create_task(futures_pro.watch_orders(PERP))
    await asyncio.sleep(0.7)
    placed = await futures_pro.create_order(PERP, "market", "buy", "0.01")
    seen = await asyncio.wait_for(orders, 20)
    if seen[-1]["status"] != "closed":
        seen = await until(lambda seen: seen[-1]["status"] == "closed", lambda: futures_pro.watch_orders(PERP))
    assert seen[-1]["id"] == placed["id"]
    positions = asyncio.create_task(futures_pro.watch_positions([PERP]))
    await asyncio.sleep(0.7)
    await futures_pro.create_order(PERP, "market", "sell", "0.01", None, {"reduceOnly": True})
    assert (await asyncio.wait_for(positions, 20))[-1]["symbol"] == PERP


async def test_futures_orders_over_the_websocket_api(futures_pro: Any) -> None:
    await futures_pro.load_markets()
    book = await futures_pro.fetch_order_book(PERP, 5)
    price = futures_pro.price_to_precision(PERP, book["bids"][0][0] * 0.97)
    order = await futures_pro.create_order_ws(PERP, "limit", "buy", "0.01", price)
    assert (await futures_pro.fetch_order_ws(order["id"], PERP))["status"] == "open"
    assert (await futures_pro.cancel_order_ws(order["id"], PERP))["status"] == "canceled"
