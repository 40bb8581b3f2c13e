"""ccxt and ccxt.pro, unmodified but for the address, against the Hyperliquid emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ccxt
import ccxt.pro
import pytest

BTC = "BTC/USDC:USDC"
HYPE = "HYPE/USDC"


@pytest.fixture(scope="module")
def venue(emulate: Callable[..., Any]) -> Any:
    started = emulate("hyperliquid", "--seed", "6")
    for coin in ("BTC", "ETH", "SOL", "@1", "PURR/USDC"):
        started.freeze(coin)
    return started


def told(venue: Any, **more: Any) -> dict[str, Any]:
    return {
        "walletAddress": venue.api_key,
        "privateKey": venue.started["private_key"],
        "enableRateLimit": False,
        "options": {"sandboxMode": True, **more},
    }


def aimed(exchange: Any, venue: Any) -> Any:
    exchange.urls["api"] = {"public": venue.rest, "private": venue.rest, "ws": {"public": venue.ws}}
    exchange.number = str
    return exchange


@pytest.fixture(scope="module")
def exchange(venue: Any) -> Any:
    made = aimed(ccxt.hyperliquid(told(venue)), venue)
    made.load_markets()
    return made


def test_the_market(exchange: Any) -> None:
    assert {BTC, "ETH/USDC:USDC", "PURR/USDC", HYPE} <= set(exchange.markets)
    assert exchange.market(HYPE)["baseId"] == "10001"
    book = exchange.fetch_order_book(BTC)
    assert (len(book["bids"]), len(book["asks"])) == (20, 20)
    ticker = exchange.fetch_ticker(BTC)
    assert float(ticker["bid"]) <= float(ticker["ask"])
    rows = exchange.fetch_ohlcv(BTC, "1m", limit=10)
    assert len(rows) == 10
    assert exchange.fetch_funding_rates([BTC])[BTC]["fundingRate"] == "0.0000125"
    assert exchange.fetch_funding_rate_history(BTC) == []


def test_each_kind_of_order(exchange: Any) -> None:
    """ccxt asks for its builder's fee to be approved first, and whether the account is unified."""
    book = exchange.fetch_order_book(BTC)
    bid, ask = book["bids"][0][0], book["asks"][0][0]
    cloid = "0x" + "ab" * 16
    limit = exchange.create_order(BTC, "limit", "buy", 0.01, bid - 1000, {"clientOrderId": cloid, "postOnly": True})
    found = exchange.fetch_order(limit["id"], BTC)
    assert (found["status"], found["clientOrderId"], found["timeInForce"]) == ("open", cloid, "ALO")
    assert exchange.fetch_order(cloid, BTC)["id"] == limit["id"]
    assert [each["id"] for each in exchange.fetch_open_orders(BTC)] == [limit["id"]]
    changed = exchange.edit_order(limit["id"], BTC, "limit", "buy", 0.02, bid - 900)
    assert changed["id"] != limit["id"]
    exchange.cancel_order(changed["id"], BTC)
    assert exchange.fetch_order(changed["id"], BTC)["status"] == "canceled"
    market = exchange.create_order(BTC, "market", "buy", 0.01, ask)
    assert (market["filled"], float(market["average"])) == ("0.01", ask)
    immediate = exchange.create_order(BTC, "limit", "buy", 0.01, ask + 5, {"timeInForce": "IOC"})
    assert immediate["filled"] == "0.01"
    stop = exchange.create_order(BTC, "market", "sell", 0.02, bid, {"stopLossPrice": bid - 2000, "reduceOnly": True})
    target = exchange.create_order(
        BTC, "limit", "sell", 0.02, bid + 3000, {"takeProfitPrice": bid + 2000, "reduceOnly": True}
    )
    assert {each["id"] for each in exchange.fetch_open_orders(BTC)} == {stop["id"], target["id"]}
    exchange.cancel_orders([stop["id"], target["id"]], BTC)
    many = exchange.create_orders(
        [
            {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": bid - n, "params": {}}
            for n in (1000, 1001)
        ]
    )
    assert len({each["id"] for each in many}) == 2
    exchange.cancel_orders([each["id"] for each in many], BTC)
    assert exchange.fetch_open_orders(BTC) == []


def test_the_account(exchange: Any) -> None:
    balance = exchange.fetch_balance({"type": "spot"})
    assert float(balance["USDC"]["total"]) > 90_000
    assert balance["PURR"]["total"] == "10000.0"
    (position,) = exchange.fetch_positions([BTC])
    assert (position["side"], position["contracts"]) == ("long", "0.02")
    fills = exchange.fetch_my_trades(BTC)
    assert sum(float(each["amount"]) for each in fills) == pytest.approx(0.02)
    assert {each["fee"]["currency"] for each in fills} == {"USDC"}
    exchange.set_margin_mode("isolated", BTC, {"leverage": 5})
    exchange.set_leverage(10, BTC, {"marginMode": "cross"})
    (position,) = exchange.fetch_positions([BTC])
    assert (position["leverage"], position["marginMode"]) == ("10", "cross")
    exchange.cancel_all_orders_after(10_000)
    assert exchange.fetch_trading_fee(BTC)["taker"] == "0.00045"
    bought = exchange.create_order(HYPE, "market", "buy", 2, exchange.fetch_order_book(HYPE)["asks"][0][0])
    assert bought["filled"] == "2.0"
    (fill,) = exchange.fetch_my_trades(HYPE)
    assert fill["fee"]["currency"] == "HYPE"


def test_errors_have_their_types(exchange: Any, venue: Any) -> None:
    bid = exchange.fetch_order_book(BTC)["bids"][0][0]
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(BTC, "limit", "buy", 1000, bid - 1000)
    with pytest.raises(ccxt.InvalidOrder):
        exchange.create_order(BTC, "limit", "buy", 0.0001, bid - 1000)
    with pytest.raises(ccxt.InvalidOrder):
        exchange.create_order(BTC, "limit", "buy", 0.01, bid - 1000, {"timeInForce": "IOC"})
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("7", BTC)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.fetch_order("7", BTC)
    stranger = aimed(ccxt.hyperliquid({**told(venue), "privateKey": "0x" + "11" * 32}), venue)
    with pytest.raises(ccxt.ExchangeError, match="does not exist"):
        stranger.create_order(BTC, "limit", "buy", 0.01, bid - 1000)
    venue.fault("rate_limit", path="/info")
    with pytest.raises(ccxt.RateLimitExceeded):
        exchange.fetch_order_book(BTC)
    venue.fault("error", path="/info", status=503)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        exchange.fetch_order_book(BTC)


async def test_the_streams(venue: Any) -> None:
    made = aimed(ccxt.pro.hyperliquid(told(venue)), venue)
    try:
        await made.load_markets()
        book = await made.watch_order_book(BTC)
        ask = book["asks"][0][0]
        assert len(book["bids"]) == 20
        assert (await made.watch_trades(BTC))[-1]["symbol"] == BTC
        assert (await made.watch_ticker(BTC))["symbol"] == BTC
        orders = asyncio.create_task(made.watch_orders(BTC))
        fills = asyncio.create_task(made.watch_my_trades(BTC))
        bars = asyncio.create_task(made.watch_ohlcv(BTC, "1m"))
        await asyncio.wait_for(fills, 5)  # what was before
        fills = asyncio.create_task(made.watch_my_trades(BTC))
        await asyncio.sleep(0.2)
        placed = await made.create_order(BTC, "limit", "buy", 0.004, ask + 5, {"timeInForce": "IOC"})
        told_orders = await asyncio.wait_for(orders, 5)
        assert placed["id"] in {each["id"] for each in told_orders}
        assert placed["id"] in {each["order"] for each in await asyncio.wait_for(fills, 5)}
        assert len(await asyncio.wait_for(bars, 5)) >= 1
    finally:
        await made.close()
