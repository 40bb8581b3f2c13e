"""Binance's own SDKs on the emulators: REST, WebSocket API and streams of Spot and of USD-M Futures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError, ServerError, TooManyRequestsError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_spot.spot import Spot

from tests.clients.running import Emulator


@pytest.fixture(scope="module")
def spot_venue(emulate: Callable[..., Emulator]) -> Emulator:
    return emulate("binance", "--seed", "12")


@pytest.fixture(scope="module")
def futures_venue(emulate: Callable[..., Emulator]) -> Emulator:
    return emulate("binance-futures", "--seed", "12")


def rest(venue: Emulator, **more: Any) -> ConfigurationRestAPI:
    given = {"api_key": venue.api_key, "api_secret": venue.api_secret, **more}
    return ConfigurationRestAPI(base_path=venue.rest, retries=0, timeout=5_000, **given)


@pytest.fixture(scope="module")
def spot(spot_venue: Emulator) -> Any:
    return Spot(config_rest_api=rest(spot_venue)).rest_api


@pytest.fixture(scope="module")
def futures(futures_venue: Emulator) -> Any:
    return DerivativesTradingUsdsFutures(config_rest_api=rest(futures_venue)).rest_api


def plain(answer: Any) -> Any:
    """An answer's model as plain data, under the venue's own names."""
    data = answer.data()
    return [each.to_dict() for each in data] if isinstance(data, list) else data.to_dict()


# --------------------------------------------------------------------------------------------------------------- spot
def test_spot_market_data(spot: Any) -> None:
    assert spot.time().data().server_time > 0
    info = plain(spot.exchange_info(symbol="BTCUSDT"))
    assert info["symbols"][0]["symbol"] == "BTCUSDT"
    book = plain(spot.depth(symbol="BTCUSDT", limit=10))
    assert (len(book["bids"]), Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])) == (10, True)
    assert len(spot.klines(symbol="BTCUSDT", interval="1m", limit=7).data()) == 7
    assert spot.get_trades(symbol="BTCUSDT", limit=3).data()
    assert spot.agg_trades(symbol="BTCUSDT", limit=3).data()
    assert spot.avg_price(symbol="BTCUSDT").data().price
    assert spot.ticker24hr(symbol="BTCUSDT").data()
    assert spot.ticker_book_ticker(symbol="BTCUSDT").data()


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [
        ("MARKET", {"quantity": 0.01}, "FILLED"),
        ("MARKET", {"quote_order_qty": 100}, "FILLED"),
        ("LIMIT", {"quantity": 0.01, "price": 50_000, "time_in_force": "GTC"}, "NEW"),
        ("LIMIT", {"quantity": 0.01, "price": 50_000, "time_in_force": "IOC"}, "EXPIRED"),
        ("LIMIT_MAKER", {"quantity": 0.01, "price": 50_000}, "NEW"),
        ("STOP_LOSS", {"quantity": 0.01, "stop_price": 50_000}, "NEW"),
        ("TAKE_PROFIT_LIMIT", {"quantity": 0.01, "stop_price": 70_000, "price": 69_000, "time_in_force": "GTC"}, "NEW"),
    ],
)
def test_spot_orders(spot: Any, kind: str, more: dict[str, Any], status: str) -> None:
    side = "SELL" if "stop_price" in more else "BUY"
    placed = spot.new_order(symbol="BTCUSDT", side=side, type=kind, new_order_resp_type="FULL", **more).data()
    asked = spot.get_order(symbol="BTCUSDT", order_id=placed.order_id).data()
    assert asked.status == status
    if kind == "LIMIT" and status == "NEW":
        given = {"order_id": placed.order_id, "new_client_order_id": placed.client_order_id}
        told = spot.order_amend_keep_priority(symbol="BTCUSDT", new_qty=0.005, **given).data().amended_order
        assert (told.client_order_id, Decimal(told.qty)) == (placed.client_order_id, Decimal("0.005"))
    if status == "NEW":
        assert placed.order_id in [each.order_id for each in spot.get_open_orders(symbol="BTCUSDT").data()]
        assert spot.delete_order(symbol="BTCUSDT", order_id=placed.order_id).data().status == "CANCELED"
    if status == "FILLED":
        trades = spot.my_trades(symbol="BTCUSDT", order_id=placed.order_id).data()
        assert sum(Decimal(each.qty) for each in trades) == Decimal(asked.executed_qty)


def test_spot_oco_and_account(spot: Any) -> None:
    made = spot.order_list_oco(
        symbol="BTCUSDT", side="SELL", quantity=0.01, above_type="LIMIT_MAKER", above_price=70_000,
        below_type="STOP_LOSS", below_stop_price=50_000,
    ).data()  # fmt: skip
    assert (
        spot.delete_order_list(symbol="BTCUSDT", order_list_id=made.order_list_id).data().list_order_status
        == "ALL_DONE"
    )
    balances = {each.asset: each for each in spot.get_account().data().balances}
    assert Decimal(balances["BTC"].free) > 0
    assert spot.account_commission(symbol="BTCUSDT").data().standard_commission.taker == "0.00100000"
    assert spot.rate_limit_order().data()
    assert spot.order_test(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01).status == 200


def test_spot_errors_and_limits(spot: Any, spot_venue: Emulator) -> None:
    with pytest.raises(BadRequestError, match="insufficient balance"):
        spot.new_order(symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=50, price=50_000)
    with pytest.raises(BadRequestError, match="Unknown order sent"):
        spot.delete_order(symbol="BTCUSDT", order_id=1)
    limits = spot.time().rate_limits
    assert limits[0].count > 0
    spot_venue.fault("rate_limit", ms=1_000, path="/api/v3/account")
    with pytest.raises(TooManyRequestsError):
        spot.get_account()
    spot_venue.fault("error", status=504, code=-1007, executed=True, path="/api/v3/order")
    with pytest.raises(ServerError):
        spot.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01, new_client_order_id="lost")
    found = spot.get_order(symbol="BTCUSDT", orig_client_order_id="lost").data()
    assert found.status == "FILLED", "the answer was lost, the order was not"


def test_spot_with_ed25519(spot_venue: Emulator) -> None:
    config = rest(
        spot_venue,
        api_key=spot_venue.started["ed25519_api_key"],
        api_secret=None,
        private_key=spot_venue.started["ed25519_private_key"],
    )
    assert Spot(config_rest_api=config).rest_api.get_account().data().can_trade


@pytest.fixture
async def spot_api(spot_venue: Emulator) -> AsyncIterator[Any]:
    config = ConfigurationWebSocketAPI(
        api_key=spot_venue.started["ed25519_api_key"], private_key=spot_venue.started["ed25519_private_key"],
        stream_url=spot_venue.started["ws_api"],
    )  # fmt: skip
    connection = await Spot(config_ws_api=config).websocket_api.create_connection()
    yield connection
    await connection.close_connection(close_session=True)


async def test_spot_websocket_api_and_user_data(spot_api: Any) -> None:
    assert (await spot_api.session_logon()).data().result.api_key
    said: asyncio.Queue[Any] = asyncio.Queue()
    stream = await spot_api.user_data_stream_subscribe()
    stream.stream.on("message", said.put_nowait)
    placed = (await spot_api.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01)).data().result
    assert placed.status == "FILLED"
    asked = (await spot_api.order_status(symbol="BTCUSDT", order_id=placed.order_id)).data().result
    assert asked.executed_qty == "0.01000000"
    await heard(said, "ExecutionReport(", "x='TRADE'")


async def heard(said: asyncio.Queue[Any], *words: str) -> None:
    """Wait until something with these words in it was said."""
    async with asyncio.timeout(15):
        told = repr(await said.get())
        while not all(word in told for word in words):
            told = repr(await said.get())


async def test_spot_streams(spot_venue: Emulator) -> None:
    client = Spot(config_ws_streams=ConfigurationWebSocketStreams(stream_url=spot_venue.ws))
    connection = await client.websocket_streams.create_connection()
    said: dict[str, asyncio.Queue[Any]] = {name: asyncio.Queue() for name in ("trade", "depth", "kline")}
    try:
        (await connection.trade(symbol="btcusdt")).on("message", said["trade"].put_nowait)
        (await connection.diff_book_depth(symbol="btcusdt", update_speed="100ms")).on(
            "message", said["depth"].put_nowait
        )
        (await connection.kline(symbol="btcusdt", interval="1m")).on("message", said["kline"].put_nowait)
        for each in said.values():
            await heard(each)
    finally:
        await connection.close_connection(close_session=True)


# ------------------------------------------------------------------------------------------------------------ futures
def test_futures_market_data(futures: Any) -> None:
    assert futures.check_server_time().data().server_time > 0
    assert plain(futures.exchange_information())["symbols"][0]["symbol"] == "BTCUSDT"
    assert len(plain(futures.order_book(symbol="BTCUSDT", limit=10))["bids"]) == 10
    assert len(futures.kline_candlestick_data(symbol="BTCUSDT", interval="1m", limit=4).data()) == 4
    assert futures.mark_price(symbol="BTCUSDT").data()
    assert futures.recent_trades_list(symbol="BTCUSDT", limit=3).data()


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [
        ("MARKET", {}, "FILLED"),
        ("LIMIT", {"price": 58_000, "time_in_force": "GTC"}, "NEW"),
        ("LIMIT", {"price": 58_000, "time_in_force": "GTX"}, "NEW"),
        ("LIMIT", {"price": 58_000, "time_in_force": "IOC"}, "EXPIRED"),
    ],
)
def test_futures_orders(futures: Any, kind: str, more: dict[str, Any], status: str) -> None:
    placed = futures.new_order(symbol="BTCUSDT", side="BUY", type=kind, quantity=0.01, **more).data()
    assert futures.query_order(symbol="BTCUSDT", order_id=placed.order_id).data().status == status
    if status == "NEW":
        told = futures.modify_order(
            symbol="BTCUSDT", side="BUY", quantity=0.02, price=57_900, order_id=placed.order_id
        ).data()
        assert (told.client_order_id, Decimal(told.orig_qty)) == (placed.client_order_id, Decimal("0.02"))
        assert futures.cancel_order(symbol="BTCUSDT", order_id=placed.order_id).data().status == "CANCELED"


@pytest.mark.parametrize("kind", ["STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"])
def test_futures_conditional_orders(futures: Any, kind: str) -> None:
    side = "SELL" if kind != "TAKE_PROFIT_MARKET" else "BUY"
    more = {"callback_rate": 1.5} if kind.startswith("TRAILING") else {"trigger_price": 55_000}
    placed = futures.new_algo_order(
        algo_type="CONDITIONAL", symbol="BTCUSDT", side=side, type=kind, quantity=0.01, **more
    ).data()
    assert futures.query_algo_order(algo_id=placed.algo_id).data().algo_status == "NEW"
    assert len(futures.current_all_algo_open_orders(symbol="BTCUSDT").data()) == 1
    assert futures.cancel_algo_order(algo_id=placed.algo_id).data().code == "200"


def test_futures_account_and_settings(futures: Any) -> None:
    assert futures.change_initial_leverage(symbol="BTCUSDT", leverage=12).data().leverage == 12
    with pytest.raises(BadRequestError, match="No need to change margin type"):
        futures.change_margin_type(symbol="BTCUSDT", margin_type="CROSSED")
    futures.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.02)
    position = futures.position_information_v3(symbol="BTCUSDT").data()[0]
    assert Decimal(position.position_amt) > 0
    assert Decimal(futures.account_information_v3().data().total_wallet_balance) > 0
    assert futures.futures_account_balance_v3().data()[0].asset == "USDT"
    assert futures.account_trade_list(symbol="BTCUSDT").data()
    assert futures.get_income_history().data()
    assert futures.user_commission_rate(symbol="BTCUSDT").data().taker_commission_rate == "0.0005"
    assert futures.auto_cancel_all_open_orders(symbol="BTCUSDT", countdown_time=60_000).data().countdown_time == "60000"
    assert futures.cancel_all_open_orders(symbol="BTCUSDT").data().code in {200, "200"}


async def test_futures_streams_and_user_data(futures: Any, futures_venue: Emulator) -> None:
    client = DerivativesTradingUsdsFutures(
        config_rest_api=rest(futures_venue),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=futures_venue.ws),
    )
    connection = await client.websocket_streams.create_connection()
    public: asyncio.Queue[Any] = asyncio.Queue()
    market: asyncio.Queue[Any] = asyncio.Queue()
    user: asyncio.Queue[Any] = asyncio.Queue()
    try:
        (await connection.diff_book_depth_streams(symbol="btcusdt", update_speed="100ms")).on(
            "message", public.put_nowait
        )
        (await connection.mark_price_stream(symbol="btcusdt", update_speed="1s")).on("message", market.put_nowait)
        key = futures.start_user_data_stream().data().listen_key
        (await connection.user_data(key)).on("message", user.put_nowait)
        await heard(public)
        await heard(market)
        await asyncio.to_thread(lambda: futures.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01))
        await heard(user, "OrderTradeUpdate(")
        assert futures.keepalive_user_data_stream().data().listen_key == key
    finally:
        await connection.close_connection(close_session=True)


async def test_futures_websocket_api(futures_venue: Emulator) -> None:
    config = ConfigurationWebSocketAPI(
        api_key=futures_venue.api_key, api_secret=futures_venue.api_secret, stream_url=futures_venue.started["ws_api"]
    )
    connection = await DerivativesTradingUsdsFutures(config_ws_api=config).websocket_api.create_connection()
    try:
        placed = (
            await connection.new_order(
                symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=58_000
            )
        ).data()
        number = placed.result.order_id
        gone = (await connection.cancel_order(symbol="BTCUSDT", order_id=number)).data()
        assert gone.result.status == "CANCELED"
    finally:
        await connection.close_connection(close_session=True)
