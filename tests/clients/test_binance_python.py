"""python-binance on the emulators, synchronous, asynchronous and over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager, Client
from binance.enums import FuturesType
from binance.exceptions import BinanceAPIException

from tests.clients.running import Emulator


@pytest.fixture(scope="module")
def spot_venue(emulate: Callable[..., Emulator]) -> Emulator:
    return emulate("binance", "--seed", "13")


@pytest.fixture(scope="module")
def futures_venue(emulate: Callable[..., Emulator]) -> Emulator:
    return emulate("binance-futures", "--seed", "13")


def aim(client: Any, venue: Emulator) -> Any:
    """Point a client at the emulator."""
    client.API_URL = f"{venue.rest}/api"
    client.FUTURES_URL = f"{venue.rest}/fapi"
    return client


@pytest.fixture(scope="module")
def spot(spot_venue: Emulator) -> Any:
    return aim(Client(spot_venue.api_key, spot_venue.api_secret, ping=False), spot_venue)


@pytest.fixture(scope="module")
def futures(futures_venue: Emulator) -> Any:
    return aim(Client(futures_venue.api_key, futures_venue.api_secret, ping=False), futures_venue)


def test_spot_market_data(spot: Any) -> None:
    assert spot.ping() == {}
    assert spot.get_symbol_info("BTCUSDT")["status"] == "TRADING"
    book = spot.get_order_book(symbol="BTCUSDT", limit=50)
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert len(spot.get_klines(symbol="BTCUSDT", interval="5m", limit=10)) == 10
    assert spot.get_recent_trades(symbol="BTCUSDT")
    assert spot.get_aggregate_trades(symbol="BTCUSDT")
    assert spot.get_ticker(symbol="BTCUSDT")["lastPrice"]
    assert len(spot.get_orderbook_tickers()) == 4
    assert spot.get_avg_price(symbol="BTCUSDT")["mins"] == 5


def test_spot_orders(spot: Any) -> None:
    limit = spot.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="50000")
    assert spot.get_order(symbol="BTCUSDT", orderId=limit["orderId"])["status"] == "NEW"
    assert [each["orderId"] for each in spot.get_open_orders(symbol="BTCUSDT")] == [limit["orderId"]]
    assert spot.cancel_order(symbol="BTCUSDT", orderId=limit["orderId"])["status"] == "CANCELED"
    market = spot.order_market_buy(symbol="BTCUSDT", quantity="0.01")
    assert market["status"] == "FILLED"
    assert spot.order_market_sell(symbol="BTCUSDT", quoteOrderQty="100")["status"] == "FILLED"
    assert len(spot.get_my_trades(symbol="BTCUSDT")) >= 2
    assert Decimal(spot.get_asset_balance("BTC")["free"]) > 0
    assert spot.create_test_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01") == {}
    stop = spot.create_order(
        symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT", quantity="0.01", price="50000", stopPrice="51000",
        timeInForce="GTC",
    )  # fmt: skip
    assert spot.cancel_order(symbol="BTCUSDT", orderId=stop["orderId"])["status"] == "CANCELED"
    assert spot.get_account()["canTrade"]
    assert len(spot.get_all_orders(symbol="BTCUSDT")) >= 4


def test_spot_errors(spot: Any, spot_venue: Emulator) -> None:
    for wanted, code in (
        ({"quantity": "50", "price": "50000"}, -2010),
        ({"quantity": "0.000001", "price": "50000"}, -1013),
        ({"quantity": "0.01", "price": "50000.001"}, -1013),
    ):
        with pytest.raises(BinanceAPIException) as refused:
            spot.order_limit_buy(symbol="BTCUSDT", **wanted)
        assert refused.value.code == code
    spot_venue.fault("ban", ms=1_000)
    with pytest.raises(BinanceAPIException) as refused:
        spot.get_account()
    assert (refused.value.status_code, refused.value.code) == (418, -1003)
    with pytest.raises(BinanceAPIException):
        spot.stream_get_listen_key()


def test_futures(futures: Any) -> None:
    assert futures.futures_ping() == {}
    assert futures.futures_exchange_info()["symbols"][0]["symbol"] == "BTCUSDT"
    assert futures.futures_mark_price(symbol="BTCUSDT")["markPrice"]
    assert futures.futures_change_leverage(symbol="BTCUSDT", leverage=9)["leverage"] == 9
    placed = futures.futures_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="58000"
    )
    assert futures.futures_get_order(symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "NEW"
    wanted = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"]}
    told = futures.futures_modify_order(**wanted, quantity="0.02", price="57900")
    assert (told["origQty"], told["price"], told["clientOrderId"]) == ("0.02", "57900", placed["clientOrderId"])
    with pytest.raises(BinanceAPIException, match="No need to modify the order"):
        futures.futures_modify_order(**wanted, quantity="0.02", price="57900")
    assert futures.futures_cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "CANCELED"
    futures.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    held = [each for each in futures.futures_position_information() if each["symbol"] == "BTCUSDT"]
    assert held[0]["positionAmt"] == "0.010"
    stop = futures.futures_create_order(
        symbol="BTCUSDT", side="SELL", type="STOP_MARKET", quantity="0.01", triggerPrice="55000"
    )
    assert stop["algoStatus"] == "NEW", "python-binance sends it to the algo endpoint by itself"
    assert futures.futures_account_balance()[0]["asset"] == "USDT"
    assert futures.futures_account_trades(symbol="BTCUSDT")
    assert futures.futures_income_history()


@pytest.fixture
async def sockets(spot_venue: Emulator) -> AsyncIterator[Any]:
    client = aim(AsyncClient(spot_venue.api_key, spot_venue.api_secret), spot_venue)
    manager = BinanceSocketManager(client)
    manager.STREAM_URL = f"{spot_venue.ws}/"
    yield manager
    await client.close_connection()


async def test_spot_sockets(sockets: Any) -> None:
    async with sockets.trade_socket("BTCUSDT") as stream:
        assert (await asyncio.wait_for(stream.recv(), 15))["e"] == "trade"
    async with sockets.depth_socket("BTCUSDT", interval=100) as stream:
        assert (await asyncio.wait_for(stream.recv(), 15))["e"] == "depthUpdate"
    async with sockets.multiplex_socket(["btcusdt@bookTicker", "ethusdt@kline_1m"]) as stream:
        seen: set[str] = set()
        while len(seen) < 2:
            seen.add((await asyncio.wait_for(stream.recv(), 15))["stream"])


async def test_futures_sockets(futures_venue: Emulator) -> None:
    client = aim(AsyncClient(futures_venue.api_key, futures_venue.api_secret), futures_venue)
    manager = BinanceSocketManager(client)
    manager.FSTREAM_URL = f"{futures_venue.ws}/"
    try:
        async with manager.futures_depth_socket("BTCUSDT") as stream:
            assert (await asyncio.wait_for(stream.recv(), 15))["data"]["e"] == "depthUpdate"
        async with manager.symbol_mark_price_socket("BTCUSDT", fast=True, futures_type=FuturesType.USD_M) as stream:
            assert (await asyncio.wait_for(stream.recv(), 15))["data"]["e"] == "markPriceUpdate"
        async with manager.futures_user_socket() as stream:
            await client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
            assert (await asyncio.wait_for(stream.recv(), 15))["e"] == "ORDER_TRADE_UPDATE"
    finally:
        await client.close_connection()
