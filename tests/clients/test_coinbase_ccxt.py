"""ccxt and ccxt.pro, unmodified but for the address, against the Coinbase emulator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import ccxt
import ccxt.pro
import pytest

BTC = "BTC/USD"


@pytest.fixture(scope="module")
def venue(emulate: Callable[..., Any]) -> Any:
    started = emulate("coinbase", "--seed", "12", "--speed", "10")  # ten seconds of limits in one
    for symbol in ("BTC-USD", "ETH-USD"):
        started.freeze(symbol)
    return started


def told(venue: Any, **more: Any) -> dict[str, Any]:
    return {"apiKey": venue.api_key, "secret": venue.api_secret, "enableRateLimit": True, "rateLimit": 20, **more}


@pytest.fixture(scope="module")
def exchange(venue: Any) -> Any:
    made = ccxt.coinbase(told(venue))
    made.urls["api"]["rest"] = venue.rest
    made.number = str
    made.load_markets()
    return made


def until(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def status(exchange: Any, order: dict[str, Any], wanted: str) -> dict[str, Any]:
    shown: dict[str, Any] = until(
        lambda: (found := exchange.fetch_order(order["id"], BTC))["status"] == wanted and found
    )
    return shown


def test_the_market(exchange: Any, venue: Any) -> None:
    assert {BTC, "ETH/USD", "BTC/USDC"} <= set(exchange.markets)
    assert exchange.market(BTC)["precision"]["price"] == "0.01"
    assert abs(int(exchange.fetch_time()) - venue.control("GET")["time_ms"]) < 10_000
    book = exchange.fetch_order_book(BTC, 5)
    assert len(book["bids"]) == 5
    assert book["bids"][0][0] < book["asks"][0][0]
    ticker = exchange.fetch_ticker(BTC)
    assert float(ticker["bid"]) < float(ticker["ask"])
    candles = exchange.fetch_ohlcv(BTC, "1m", limit=10)
    assert [row[0] for row in candles] == sorted(row[0] for row in candles)
    assert exchange.fetch_trades(BTC, limit=5)
    assert exchange.fetch_tickers([BTC])[BTC]["last"]


def test_the_account(exchange: Any) -> None:
    assert exchange.fetch_balance()["USD"]["total"]
    balance = exchange.fetch_balance({"v3": True})
    assert float(balance["USD"]["free"]) > 0
    assert float(balance["BTC"]["total"]) == 10
    assert exchange.fetch_trading_fees()[BTC]["taker"] == "0.012"
    assert exchange.fetch_positions() == []


def test_each_kind_of_order(exchange: Any) -> None:
    ask = exchange.fetch_order_book(BTC, 1)["asks"][0][0]
    limit = exchange.create_order(BTC, "limit", "buy", 0.01, 50000, {"client_order_id": "ccxt-1-1", "postOnly": True})
    assert limit["clientOrderId"] == "ccxt-1-1"
    assert [each["id"] for each in exchange.fetch_open_orders(BTC)] == [limit["id"]]
    exchange.edit_order(limit["id"], BTC, "limit", "buy", 0.02, 50100)
    assert (
        until(lambda: (found := exchange.fetch_order(limit["id"], BTC))["amount"] == "0.02" and found)["price"]
        == "50100"
    )
    exchange.cancel_order(limit["id"], BTC)
    status(exchange, limit, "canceled")
    for kind, side, amount, price, more in (
        ("market", "sell", 0.001, None, {}),
        ("market", "buy", 100, None, {"createMarketBuyOrderRequiresPrice": False}),
        ("limit", "buy", 0.001, ask + 5, {"timeInForce": "IOC"}),
        ("limit", "buy", 0.001, ask + 5, {"timeInForce": "FOK"}),
    ):
        status(exchange, exchange.create_order(BTC, kind, side, amount, price, more), "closed")
    stop = exchange.create_order(BTC, "limit", "sell", 0.001, 30000, {"stopLossPrice": 31000})
    dated = exchange.create_order(BTC, "limit", "buy", 0.001, 40000, {"end_time": "2090-01-01T00:00:00Z"})
    exchange.cancel_orders([stop["id"], dated["id"]], BTC)
    status(exchange, stop, "canceled")
    status(exchange, dated, "canceled")


def test_fills(exchange: Any) -> None:
    order = exchange.create_order(BTC, "market", "sell", 0.002)
    status(exchange, order, "closed")
    mine = [each for each in exchange.fetch_my_trades(BTC) if each["order"] == order["id"]]
    assert sum(float(each["amount"]) for each in mine) == pytest.approx(0.002)
    assert {each["takerOrMaker"] for each in mine} == {"taker"}
    assert all(float(each["fee"]["cost"]) > 0 for each in mine)
    assert order["id"] in {each["id"] for each in exchange.fetch_closed_orders(BTC)}


def test_errors_have_their_types(exchange: Any, venue: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(BTC, "limit", "buy", 1000, 60000)
    with pytest.raises(ccxt.ExchangeError):
        exchange.create_order(BTC, "limit", "buy", 0.01, 900000, {"postOnly": True})
    with pytest.raises(ccxt.InvalidOrder):
        exchange.create_order(BTC, "limit", "sell", 0.001, 30000, {"stopLossPrice": 999999})
    with pytest.raises(ccxt.ExchangeError):
        exchange.fetch_order("nobody", BTC)
    venue.fault("rate_limit", path="/api/v3/brokerage/accounts", ms=1000)
    with pytest.raises(ccxt.RateLimitExceeded):
        exchange.fetch_balance({"v3": True})
    venue.fault("error", path="/api/v3/brokerage/accounts", status=503)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        exchange.fetch_balance({"v3": True})
    wrong = ccxt.coinbase(told(venue, apiKey=venue.started["eddsa_api_key"]))
    wrong.urls["api"]["rest"] = venue.rest
    with pytest.raises(ccxt.AuthenticationError):
        wrong.fetch_accounts()


def test_an_order_whose_answer_was_lost_is_there(exchange: Any, venue: Any) -> None:
    venue.fault("drop_after", path="/api/v3/brokerage/orders")
    with pytest.raises(ccxt.NetworkError):
        exchange.create_order(BTC, "limit", "buy", 0.01, 50000, {"client_order_id": "ccxt-2-1"})
    again = exchange.create_order(BTC, "limit", "buy", 0.01, 50000, {"client_order_id": "ccxt-2-1"})
    (only,) = exchange.fetch_open_orders(BTC)
    assert only["id"] == again["id"]
    exchange.cancel_order(again["id"], BTC)


async def test_pro_streams(venue: Any) -> None:
    exchange = ccxt.pro.coinbase(told(venue))
    exchange.urls["api"]["rest"] = venue.rest
    exchange.urls["api"]["ws"] = venue.ws
    try:
        await exchange.load_markets()
        book = await asyncio.wait_for(exchange.watch_order_book(BTC), 10)
        assert book["bids"][0][0] < book["asks"][0][0]
        ticker = await asyncio.wait_for(exchange.watch_ticker(BTC), 10)
        assert float(ticker["bid"]) == book["bids"][0][0]
        trades = await asyncio.wait_for(exchange.watch_trades(BTC), 10)
        assert trades
        watching = asyncio.ensure_future(exchange.watch_orders(BTC))
        await asyncio.sleep(0.3)
        placed = await exchange.create_order(BTC, "market", "sell", 0.001)
        seen: set[str] = set()
        while "closed" not in seen:
            orders = await asyncio.wait_for(watching, 10)
            seen |= {each["status"] for each in orders if each["id"] == placed["id"]}
            watching = asyncio.ensure_future(exchange.watch_orders(BTC))
        watching.cancel()
        usdc = await asyncio.wait_for(exchange.watch_order_book("BTC/USDC"), 10)
        assert usdc["bids"]
    finally:
        await exchange.close()
