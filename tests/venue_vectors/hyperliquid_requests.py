"""`requests_ccxt_hyperliquid*`: what ccxt sends for a call of its interface, held against what we would send.

The wish is given to our code as ccxt has rounded it (it rounds prices and sizes half up to the venue's grid, a choice of
the caller's that ours makes otherwise); from there on the action must be equal and its signature bit for bit. The bound
of a market order is ours: where ccxt rounds up what we round down it may be one tick further in, never out.
"""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from msgspec import structs

from kedge.model.decisions import Approved
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.hyperliquid.protocol import actions, info
from kedge.venues.hyperliquid.protocol.actions import Action
from kedge.venues.hyperliquid.protocol.assets import Asset
from kedge.venues.hyperliquid.protocol.exchange import Sender, signed
from kedge.venues.hyperliquid.protocol.markets import INTERVALS
from kedge.venues.hyperliquid.protocol.orders import market_bound, wire_order
from kedge.venues.hyperliquid.protocol.signing import user_digest
from tests.venue_vectors.hyperliquid_signing import numbers
from tests.venue_vectors.hyperliquid_world import KNOWN, SIGNER, asset_of, assets_of, decimal, lowered, ours
from tests.venue_vectors.runner import Case, NotApplicable

NOW_MS = 1_700_000_000_000
_MOVES_MONEY = {
    "usdClassTransfer",
    "usdSend",
    "withdraw3",
    "spotSend",
    "vaultTransfer",
    "approveBuilderFee",
    "sendAsset",
}
_MOVES_MONEY |= {"subAccountTransfer", "subAccountSpotTransfer", "createVault", "approveAgent", "setReferrer"}
_BUILDER_FEE = [
    ("hyperliquidChain", "string"),
    ("maxFeeRate", "string"),
    ("builder", "address"),
    ("nonce", "uint64"),
]


def requests_ccxt(case: Case) -> None:
    """A request that ccxt signed: the last of the case; those before it are its set-up."""
    data = case.data
    if not data.get("requests"):
        raise NotApplicable("ccxt refused the call by itself and sent nothing")
    for earlier in data["requests"][:-1]:
        _set_up(json.loads(earlier["body"]))
    request = data["requests"][-1]
    body = json.loads(request["body"])
    _compare(data["method"], data["input"], request["url"], body)


def requests_static(case: Case) -> None:
    """What ccxt publishes of a request: its path and the body without what is signed."""
    data = case.data
    if "expected_order_wire" in data:
        built = _orders(data["method"], data["input"], [data["expected_order_wire"]])
        _equal_orders(built, [data["expected_order_wire"]], _wishes(data["method"], data["input"]))
        return
    expected = data["expected"]
    assert expected["method"] == "POST"
    if expected["path"].endswith("/info"):
        _compare_question(data["method"], data["input"], expected["body"])
    else:
        _compare_action(data["method"], data["input"], expected["body"])


def _compare(method: str, given: list[Any], url: str, body: dict[str, Any]) -> None:
    if url.endswith("/info"):
        _compare_question(method, given, body)
        return
    assert url.endswith("/exchange"), url
    _compare_action(method, given, body["action"], body["nonce"])
    vault = body.get("vaultAddress") or ""
    sent = signed(Sender(SIGNER, "testnet" not in url, vault), body["action"], body["nonce"], body.get("expiresAfter"))
    made = json.loads(sent.body)
    assert numbers(made["signature"]) == numbers(body["signature"]), made["signature"]
    assert (made["vaultAddress"] or "").removeprefix("0x") == vault.removeprefix("0x").lower()
    assert made["action"] == body["action"]
    assert made["nonce"] == body["nonce"]


def _set_up(body: dict[str, Any]) -> None:
    """The calls that ccxt makes first: the builder's fee is signed in clear, the rest are questions."""
    action = body.get("action")
    if action is None:
        assert json.loads(info.question(body["type"]).body)["type"] == body["type"]
    elif action["type"] == "approveBuilderFee":
        digest = user_digest("HyperliquidTransaction:ApproveBuilderFee", _BUILDER_FEE, action)
        made = SIGNER.sign(digest)
        assert (made.r, made.s, made.v) == numbers(body["signature"])


# actions -------------------------------------------------------------------------------------------------------------


def _compare_action(method: str, given: list[Any], expected: Action, nonce: int = NOW_MS) -> None:
    kind = expected.get("type")
    if kind in _MOVES_MONEY:
        raise NotApplicable(f"{kind}: Kedge moves no money and approves no key")
    if kind == "order":
        if expected["grouping"] != "na":
            raise NotApplicable("orders tied to an entry: Kedge protects a position with orders of its own")
        built = _orders(method, given, expected["orders"])
        _equal_orders(built, expected["orders"], _wishes(method, given))
        builder = expected.get("builder")
        whole = actions.place(expected["orders"], None if builder is None else (builder["b"], builder["f"]))
        _same_bytes(whole, expected)
        return
    if kind in {"batchModify", "modify"}:
        modifies = expected["modifies"] if kind == "batchModify" else [expected]
        orders = [modify["order"] for modify in modifies]
        _equal_orders(_orders(method, given, orders), orders, _wishes(method, given))
        for modify in modifies:
            assert modify["oid"] == _oid(given[0]) or method.lower().replace("_", "") == "editorders"
        _same_bytes(actions.modify((modify["oid"], modify["order"]) for modify in modifies), expected)
        return
    _same_bytes(_plain_action(method, given, kind, expected, nonce), expected)


def _plain_action(method: str, given: list[Any], kind: Any, expected: Action, nonce: int) -> Action:
    name = method.lower().replace("_", "")
    if kind == "cancel" and name in {"cancelorder", "cancelorders"}:
        ids = given[0] if isinstance(given[0], list) else [given[0]]
        asset = asset_of(given[1], expected["cancels"][0]["a"])
        return actions.cancel((asset.index, int(oid)) for oid in ids)
    if kind == "cancel" and name == "cancelordersforsymbols":
        pairs = [(asset_of(entry["symbol"], None).index, int(entry["id"])) for entry in given[0]]
        return actions.cancel(pairs)
    if kind == "cancelByCloid":
        params = given[-1] if isinstance(given[-1], dict) else {}
        cloids = params.get("clientOrderId") or params.get("clientOrderIds") or given[0]
        cloids = cloids if isinstance(cloids, list) else [cloids]
        asset = asset_of(given[1], expected["cancels"][0]["asset"])
        return actions.cancel_by_cloid((asset.index, cloid) for cloid in cloids)
    if kind == "scheduleCancel":
        return actions.schedule_cancel(nonce + int(given[0]) if given[0] else None)
    if kind == "updateLeverage":
        return _leverage(name, given, expected)
    if kind == "updateIsolatedMargin":
        dollars = decimal(given[1]) * (-1 if name == "reducemargin" else 1)
        return actions.update_isolated_margin(asset_of(given[0], expected["asset"]).index, dollars)
    raise NotApplicable(f"Kedge sends no action {kind}")


def _leverage(name: str, given: list[Any], expected: Action) -> Action:
    params = given[-1] if isinstance(given[-1], dict) else {}
    asset = asset_of(given[1], expected["asset"])
    if name == "setmarginmode":
        return actions.update_leverage(asset.index, int(params.get("leverage", 1)), given[0] == "cross")
    cross = params.get("marginMode", "cross") == "cross"
    return actions.update_leverage(asset.index, int(given[0]), cross)


def _same_bytes(made: Action, expected: Action) -> None:
    """Equal with their keys in the same order: the order is signed."""
    assert json.dumps(made) == json.dumps(expected), json.dumps(made)


# orders --------------------------------------------------------------------------------------------------------------


def _wishes(method: str, given: list[Any]) -> list[tuple[str, str, str, Any, Any, dict[str, Any]]]:
    """Symbol, type, side, amount, price and parameters of each order of a call."""
    name = method.lower().replace("_", "")
    if name in {"createorders", "editorders"}:
        return [
            (o["symbol"], o["type"], o["side"], o["amount"], o.get("price"), o.get("params") or {}) for o in given[0]
        ]
    if name == "editorder":
        given = given[1:]
    elif name != "createorder":
        given = _shorthand(name, given)
    padded = [*given, *[None] * (6 - len(given))]
    return [(padded[0], padded[1], padded[2], padded[3], padded[4], padded[5] or {})]


def _shorthand(name: str, given: list[Any]) -> list[Any]:
    """ccxt's `createLimitBuyOrder` and its kin, written out."""
    kind = next((kind for kind in ("market", "limit") if kind in name), None)
    side = next((side for side in ("buy", "sell") if side in name), None)
    if name == "createreduceonlyorder":
        padded = [*given, *[None] * (6 - len(given))]
        return [*padded[:5], {**(padded[5] or {}), "reduceOnly": True}]
    if kind is None:
        raise NotApplicable(f"ccxt's {name} makes orders in a way that Kedge does not")
    symbol, *rest = given
    return [symbol, kind, *([side] if side else []), *rest]


def _orders(method: str, given: list[Any], expected: list[Action]) -> list[Action]:
    wishes = _wishes(method, given)
    assert len(wishes) == len(expected)
    return [_order(wish, wire) for wish, wire in zip(wishes, expected, strict=True)]


def _order(wish: tuple[str, str, str, Any, Any, dict[str, Any]], expected: Action) -> Action:
    """The order on the grid of its asset; of an unknown asset on the grid that gives what is expected, if one does."""
    made = [_order_of(asset, wish) for asset in assets_of(wish[0], expected.get("a"))]
    return next((each for each in made if each == expected), made[0])


def _order_of(asset: Asset, wish: tuple[str, str, str, Any, Any, dict[str, Any]]) -> Action:
    _, kind, side, amount, price, params = wish
    buy = side == "buy"
    size = _half_up(decimal(amount), asset.lot_size)
    slippage = decimal(params.get("slippage", "0.05"))
    market = kind == "market"
    stop, take = (
        params.get("stopLossPrice", params.get("triggerPrice", params.get("stopPrice"))),
        params.get("takeProfitPrice"),
    )
    trigger = take if take is not None else stop
    tif, post_only = _tif(params, market)
    limit = None if market else _grid(asset, decimal(price))
    intent = OrderIntent(
        "vector",
        asset.symbol,
        Side.BUY if buy else Side.SELL,
        _type(market, stop is not None, take is not None),
        size,
        limit,
        None if trigger is None else _grid(asset, decimal(trigger)),
        time_in_force=tif,
        post_only=post_only,
        reduce_only=bool(params.get("reduceOnly", False)),
    )
    if trigger is not None:
        intent = structs.replace(intent, time_in_force=TimeInForce.GTC, post_only=False)
    reference = decimal(price) if market else Decimal(0)
    made = wire_order(asset, Approved(intent, reference), params.get("clientOrderId"), slippage)
    if market and trigger is not None:  # ccxt bounds it by the price given beside the trigger
        made["p"] = actions.order(0, buy, market_bound(asset, buy, reference, slippage), size, {})["p"]
    return made


def _equal_orders(built: list[Action], expected: list[Action], wishes: list[Any]) -> None:
    for made, wire, wish in zip(built, expected, wishes, strict=True):
        asset = asset_of(wish[0], wire["a"])
        bound = Decimal(wire["p"])
        if wish[1] == "market" and made["p"] != wire["p"]:
            inside = bound - Decimal(made["p"]) if wire["b"] else Decimal(made["p"]) - bound
            assert inside == asset.tick_size(bound), f"{made['p']} and ccxt {wire['p']}"
            made["p"] = wire["p"]
        _same_bytes(made, wire)


def _type(market: bool, stop: bool, take: bool) -> OrderType:
    if take:
        return OrderType.TAKE_PROFIT
    if stop:
        return OrderType.STOP if market else OrderType.STOP_LIMIT
    return OrderType.MARKET if market else OrderType.LIMIT


def _tif(params: dict[str, Any], market: bool) -> tuple[TimeInForce, bool]:
    if params.get("postOnly") or str(params.get("timeInForce", "")).upper() in {"ALO", "PO"}:
        return TimeInForce.GTC, True
    said = str(params.get("timeInForce", "GTC")).upper()
    if said not in {"GTC", "IOC"}:
        raise NotApplicable(f"time in force {said}: Kedge sends gtc, ioc and post-only")
    return TimeInForce(said.lower()), False


def _half_up(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(ROUND_HALF_UP) * step


def _grid(asset: Asset, price: Decimal) -> Decimal:
    return _half_up(price, asset.tick_size(price))


# questions -----------------------------------------------------------------------------------------------------------


def _compare_question(method: str, given: list[Any], expected: dict[str, Any]) -> None:
    made = json.loads(_question(method, given, expected).body)
    assert lowered(made) == lowered(expected), made


def _question(method: str, given: list[Any], expected: dict[str, Any]) -> info.Question:
    params = given[-1] if given and isinstance(given[-1], dict) else {}
    user = params.get("user") or SIGNER.address
    kind = expected["type"]
    symbol = next((entry for entry in given if isinstance(entry, str) and "/" in entry), "")
    symbol = symbol or next((entry[0] for entry in given if isinstance(entry, list) and entry), "")
    since = next((entry for entry in given if isinstance(entry, int) and entry > 10**12), None)
    until = params.get("until")
    about_account = {
        "clearinghouseState": info.perpetual_account,
        "spotClearinghouseState": info.spot_account,
        "frontendOpenOrders": info.open_orders,
        "historicalOrders": info.orders_of_late,
        "userFills": info.latest_fills,
        "userFees": info.fees,
        "userAbstraction": info.abstraction,
        "userRole": info.role,
    }
    about_market = {
        "meta": info.meta,
        "metaAndAssetCtxs": info.meta_and_contexts,
        "spotMeta": info.spot_meta,
        "spotMetaAndAssetCtxs": info.spot_meta_and_contexts,
        "perpDexs": info.builders_exchanges,
        "allPerpMetas": info.all_perpetuals,
        "allMids": info.mid_prices,
        "exchangeStatus": info.exchange_status,
    }
    if kind in about_account:
        return about_account[kind](user)
    if kind in about_market and not expected.keys() - {"type"}:
        return about_market[kind]()
    if kind == "orderStatus":
        return info.order_status(user, _oid(params.get("clientOrderId") or given[0]))
    if kind in {"l2Book", "recentTrades"}:
        return (info.l2_book if kind == "l2Book" else info.recent_trades)(_coin(symbol))
    if kind == "candleSnapshot":
        assert given[1] in INTERVALS.values()
        start = since if since is not None else expected["req"]["startTime"]  # ccxt counts it back from the end
        end = until or expected["req"]["endTime"]  # without `until` it is ccxt's clock
        return info.candles(_coin(symbol), given[1], start, int(end))
    if kind == "fundingHistory":
        return info.funding_history(_coin(symbol), _start(since, expected), until and int(until))
    if kind == "userFunding":
        return info.funding_payments(user, _start(since, expected), until and int(until))
    if kind == "userFillsByTime":
        return info.fills(user, _start(since, expected), until and int(until))
    if kind == "activeAssetData":
        return info.asset_settings(user, _coin(symbol))
    raise NotApplicable(f"Kedge does not ask {kind}")


def _start(since: int | None, expected: dict[str, Any]) -> int:
    return int(since if since is not None else expected["startTime"])


def _coin(symbol: str) -> str:
    found = KNOWN.by_symbol.get(ours(symbol))
    return found.coin if found is not None else symbol.partition("/")[0]


def _oid(given: Any) -> int | str:
    return int(given) if str(given).isdigit() else str(given)
