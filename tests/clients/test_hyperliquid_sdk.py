"""hyperliquid-python-sdk, unmodified but for the address, against the Hyperliquid emulator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import eth_account
import pytest
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.error import ClientError, ServerError
from hyperliquid.utils.types import Cloid


@pytest.fixture(scope="module")
def venue(emulate: Callable[..., Any]) -> Any:
    started = emulate("hyperliquid", "--seed", "5")
    for coin in ("BTC", "ETH", "SOL", "@1", "PURR/USDC"):
        started.freeze(coin)
    return started


@pytest.fixture(scope="module")
def client(venue: Any) -> Any:
    """An agent that trades for the master account."""
    wallet = eth_account.Account.from_key(venue.api_secret)
    return Exchange(wallet, venue.rest, account_address=venue.api_key)


@pytest.fixture(scope="module")
def info(venue: Any) -> Iterator[Any]:
    made = Info(venue.rest, skip_ws=False)
    yield made
    made.disconnect_websocket()


def status(answer: dict[str, Any]) -> Any:
    assert answer["status"] == "ok", answer
    (only,) = answer["response"]["data"]["statuses"]
    return only


def bests(info: Any, coin: str = "BTC") -> tuple[float, float]:
    bids, asks = info.l2_snapshot(coin)["levels"]
    return float(bids[0]["px"]), float(asks[0]["px"])


def until(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def test_the_market(info: Any) -> None:
    assert {"BTC", "ETH", "SOL"} <= set(info.all_mids())
    assert info.name_to_asset("HYPE/USDC") == 10001
    bid, ask = bests(info)
    assert bid < ask
    now = int(time.time() * 1000)
    bars = info.candles_snapshot("BTC", "1m", now - 600_000, now)
    assert 9 <= len(bars) <= 11
    assert [bar["t"] for bar in bars] == sorted(bar["t"] for bar in bars)
    meta, contexts = info.meta_and_asset_ctxs()
    assert len(meta["universe"]) == len(contexts)
    assert info.funding_history("BTC", now - 10_000) == []


def test_each_kind_of_order(client: Any, info: Any, venue: Any) -> None:
    bid, ask = bests(info)
    cloid = Cloid.from_str("0x00000000000000000000000000000007")
    resting = status(client.order("BTC", True, 0.01, bid - 1000, {"limit": {"tif": "Gtc"}}, cloid=cloid))["resting"]
    assert resting["cloid"] == cloid.to_raw()
    found = info.query_order_by_cloid(venue.api_key, cloid)
    assert (found["order"]["status"], found["order"]["order"]["oid"]) == ("open", resting["oid"])
    assert info.query_order_by_oid(venue.api_key, resting["oid"])["status"] == "order"
    assert [order["oid"] for order in info.open_orders(venue.api_key)] == [resting["oid"]]
    changed = status(
        client.modify_order(resting["oid"], "BTC", True, 0.02, bid - 900, {"limit": {"tif": "Alo"}}, cloid=cloid)
    )
    assert changed["resting"]["oid"] != resting["oid"]
    assert info.frontend_open_orders(venue.api_key)[0]["tif"] == "Alo"
    assert status(client.cancel_by_cloid("BTC", cloid)) == "success"
    filled = status(client.order("BTC", True, 0.01, ask + 10, {"limit": {"tif": "Ioc"}}))["filled"]
    assert (filled["totalSz"], float(filled["avgPx"])) == ("0.01", ask)
    stop = {"trigger": {"isMarket": True, "triggerPx": bid - 2000, "tpsl": "sl"}}
    waiting = status(client.order("BTC", False, 0.01, bid - 3000, stop, reduce_only=True))["resting"]
    shown = info.frontend_open_orders(venue.api_key)[0]
    assert (shown["orderType"], shown["isTrigger"], shown["reduceOnly"]) == ("Stop Market", True, True)
    assert status(client.cancel("BTC", waiting["oid"])) == "success"
    two = client.bulk_orders(
        [
            {
                "coin": coin, "is_buy": True, "sz": size, "limit_px": price, "reduce_only": False,
                "order_type": {"limit": {"tif": "Gtc"}},
            }
            for coin, size, price in (("BTC", 0.01, bid - 1000), ("SOL", 1, 50))
        ]
    )  # fmt: skip
    oids = [each["resting"]["oid"] for each in two["response"]["data"]["statuses"]]
    gone = client.bulk_cancel([{"coin": coin, "oid": oid} for coin, oid in zip(("BTC", "SOL"), oids, strict=True)])
    assert gone["response"]["data"]["statuses"] == ["success", "success"]
    closed = status(client.market_close("BTC"))["filled"]
    assert closed["totalSz"] == "0.01"


def test_spot(client: Any, info: Any, venue: Any) -> None:
    before = {each["coin"]: each["total"] for each in info.spot_user_state(venue.api_key)["balances"]}
    assert status(client.market_open("PURR/USDC", True, 100))["filled"]["totalSz"] == "100.0"
    after = {each["coin"]: each["total"] for each in info.spot_user_state(venue.api_key)["balances"]}
    assert float(after["PURR"]) == pytest.approx(float(before["PURR"]) + 100 * (1 - 0.0007))
    fill = info.user_fills(venue.api_key)[0]
    assert (fill["coin"], fill["feeToken"], fill["dir"]) == ("PURR/USDC", "PURR", "Buy")


def test_the_account(client: Any, info: Any, venue: Any) -> None:
    bid, _ = bests(info, "ETH")
    status(client.order("ETH", False, 0.5, bid - 1, {"limit": {"tif": "Ioc"}}))
    state = info.user_state(venue.api_key)
    (position,) = [each["position"] for each in state["assetPositions"] if each["position"]["coin"] == "ETH"]
    assert (position["szi"], float(position["entryPx"])) == ("-0.5", bid)
    assert float(state["marginSummary"]["accountValue"]) > 99_000
    assert client.update_leverage(7, "ETH", is_cross=False)["status"] == "ok"
    (position,) = [each["position"] for each in info.user_state(venue.api_key)["assetPositions"]]
    assert position["leverage"]["value"] == 7
    begun = int(time.time() * 1000) - 60_000
    fills = info.user_fills_by_time(venue.api_key, begun)
    assert fills[-1]["dir"] == "Open Short"
    assert fills == sorted(fills, key=lambda fill: fill["time"])
    assert info.user_fees(venue.api_key)["userCrossRate"] == "0.00045"
    assert info.user_role(venue.started["agent_address"])["role"] == "agent"
    assert info.historical_orders(venue.api_key)
    assert client.schedule_cancel(int(time.time() * 1000) + 60_000)["status"] == "ok"
    assert client.schedule_cancel(None)["status"] == "ok"
    status(client.market_close("ETH"))


def test_errors_in_the_venues_words(client: Any, info: Any, venue: Any) -> None:
    bid, ask = bests(info)
    gtc = {"limit": {"tif": "Gtc"}}
    assert "minimum value of $10" in status(client.order("BTC", True, 0.0001, bid - 1000, gtc))["error"]
    assert "divisible by tick" in status(client.order("BTC", True, 0.01, bid - 0.5, gtc))["error"]
    assert "Insufficient margin" in status(client.order("BTC", True, 1000, bid - 1000, gtc))["error"]
    assert "bbo was" in status(client.order("BTC", True, 0.01, ask + 10, {"limit": {"tif": "Alo"}}))["error"]
    assert "immediately match" in status(client.order("BTC", True, 0.01, bid - 100, {"limit": {"tif": "Ioc"}}))["error"]
    assert "increase position" in status(client.order("BTC", False, 0.01, bid, gtc, reduce_only=True))["error"]
    assert "never placed" in status(client.cancel("BTC", 1))["error"]
    stranger = Exchange(eth_account.Account.create(), venue.rest, account_address=venue.api_key)
    refused = stranger.order("BTC", True, 0.01, bid - 1000, gtc)
    assert refused["status"] == "err"
    assert refused["response"].endswith("does not exist.")
    client.set_expires_after(int(time.time() * 1000) - 60_000)
    assert client.order("BTC", True, 0.01, bid - 1000, gtc)["status"] == "err"
    client.set_expires_after(None)
    with pytest.raises(ClientError) as malformed:
        info.post("/info", {"type": "nothing"})
    assert malformed.value.status_code == 422
    venue.fault("error", path="/info", status=502)
    with pytest.raises(ServerError):
        info.all_mids()
    venue.fault("rate_limit", path="/info")
    with pytest.raises(ClientError) as limited:
        info.all_mids()
    assert limited.value.status_code == 429


def test_the_streams(client: Any, info: Any, venue: Any) -> None:
    heard: dict[str, list[Any]] = {}
    wanted: list[Any] = [
        {"type": "l2Book", "coin": "BTC"},
        {"type": "trades", "coin": "BTC"},
        {"type": "bbo", "coin": "BTC"},
        {"type": "allMids"},
        {"type": "candle", "coin": "BTC", "interval": "1m"},
        {"type": "activeAssetCtx", "coin": "BTC"},
        {"type": "userFills", "user": venue.api_key},
        {"type": "userEvents", "user": venue.api_key},
        {"type": "orderUpdates", "user": venue.api_key},
    ]
    for subscription in wanted:
        info.subscribe(subscription, lambda message: heard.setdefault(message["channel"], []).append(message["data"]))
    until(lambda: "userFills" in heard)
    assert heard["userFills"][0]["isSnapshot"] is True
    _, ask = bests(info)
    status(client.order("BTC", True, 0.003, ask + 10, {"limit": {"tif": "Ioc"}}))
    channels = {"l2Book", "trades", "bbo", "allMids", "candle", "activeAssetCtx", "userFills", "user", "orderUpdates"}
    until(lambda: channels <= set(heard) and len(heard["userFills"]) > 1)
    (fill,) = heard["userFills"][1]["fills"]
    assert (fill["sz"], fill["side"]) == ("0.003", "B")
    assert heard["orderUpdates"][-1][-1]["status"] == "filled"
    assert fill["tid"] in {trade["tid"] for trades in heard["trades"] for trade in trades}
    status(client.market_close("BTC"))
