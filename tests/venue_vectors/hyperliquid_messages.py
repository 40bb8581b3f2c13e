"""Answers and messages that others recorded or published (`captures`, `payloads`, `ws_samples`, `markets_raw`): each is
recognized by its shape, read by our protocol, and what is read is held against the figures in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kedge.model.errors import VenueError
from kedge.venues.hyperliquid.protocol import account, assets, info, markets, streams
from kedge.venues.hyperliquid.protocol.refusals import Refusal
from kedge.venues.hyperliquid.protocol.replies import reply
from tests.venue_vectors.hyperliquid_world import lowered, table_for
from tests.venue_vectors.runner import Case, NotApplicable

#: Where a sample of JKorf's leaves a place for a number.
_PLACE = re.compile(r"\|(\d+|\*)\|")
_UNUSED = {
    "delegatorHistory": "staking",
    "delegatorSummary": "staking",
    "delegatorRewards": "staking",
    "portfolio": "the venue's own statistics",
    "userNonFundingLedgerUpdates": "deposits and withdrawals",
    "userTwapSliceFills": "the venue's own TWAP",
    "subAccounts": "sub-accounts are accounts of their own to Kedge",
    "userVaultEquities": "vaults",
    "vaultDetails": "vaults",
    "referral": "referrals",
    "userToMultiSigSigners": "multi-signature accounts",
}


def captures(case: Case) -> None:
    """A recorded question and its answer: we ask the same, and read the answer."""
    request, response = case.data["request"], case.data["response"]
    kind = request["type"]
    if kind in _UNUSED:
        raise NotApplicable(f"{kind}: Kedge has no use for {_UNUSED[kind]}")
    fields = {name: value for name, value in request.items() if name != "type"}
    assert lowered(json.loads(info.question(kind, **fields).body)) == lowered(request)
    if response == []:
        return
    assert _read(response) is not NotImplemented
    assert kind in _READERS_OF_KIND[_shape(response)], f"{kind} was taken for {_shape(response)}"


def payloads(case: Case) -> None:
    """An answer or message that another client's tests hold."""
    _read(case.data["payload"])


def markets_raw(case: Case) -> None:
    """What was listed at some time."""
    _read(case.data["response"])


def ws_samples(case: Case) -> None:
    """A conversation: what a client sent (`>`), the venue confirmed (`<`) and pushed (`=`), or an answer to a request."""
    lines = _PLACE.sub(lambda place: place[1] if place[1] != "*" else "0", case.data["text"].replace("\r", ""))
    if lines.startswith(("POST\n", "GET\n")):
        _read(json.loads(lines.split("\n", 3)[3], parse_float=Decimal))
        return
    for kind, number, text in conversation(lines):
        message = json.loads(text, parse_float=Decimal)
        if kind == ">":
            _sent(message)
        elif kind == "<":
            news = streams.read(message, table_for(message), _nobody, 1)
            assert isinstance(news, streams.Acknowledged | streams.PostAnswer | streams.Pong), f"{number}: {news}"
        else:
            _read(message)


def conversation(text: str) -> list[tuple[str, str, str]]:
    """Kind, connection and JSON of each message of a sample; a message may run over many lines."""
    found: list[list[str]] = []
    for line in text.split("\n"):
        if line[:1] in {">", "<", "="}:
            number, _, rest = line[1:].partition(" ")
            found.append([line[0], number.strip(), rest])
        elif found:
            found[-1][2] += "\n" + line
    return [(kind, number, body.strip()) for kind, number, body in found if body.strip()]


def _sent(message: dict[str, Any]) -> None:
    if message["method"] == "ping":
        assert json.loads(streams.PING) == message
    elif message["method"] in {"subscribe", "unsubscribe"}:
        make = streams.subscribe if message["method"] == "subscribe" else streams.unsubscribe
        assert json.loads(make(message["subscription"])) == message
    elif message["method"] == "post":
        request = message["request"]
        assert json.loads(streams.post(message["id"], request["type"], request["payload"])) == message
    else:
        raise AssertionError(f"method {message['method']}")


# shapes --------------------------------------------------------------------------------------------------------------


def _shape(payload: Any) -> str:
    if isinstance(payload, dict):
        return _shape_of_object(payload)
    if isinstance(payload, str):
        return "abstraction"
    assert isinstance(payload, list), payload
    if not payload:
        return "nothing"
    first = payload[0]
    if not isinstance(first, dict):
        return "unused"
    if "universe" in first:
        both = len(payload) == 2 and isinstance(payload[1], list)
        kind = "spot contexts" if "tokens" in first else "contexts"
        return kind if both else "all perpetuals"
    for shape, keys in _ROWS.items():
        if all(key in first for key in keys):
            return shape
    return "unused"


def _shape_of_object(payload: dict[str, Any]) -> str:
    if payload.get("status") in {"ok", "err"}:
        return "reply"
    if payload.get("status") in {"order", "unknownOid"}:
        return "order status"
    for shape, keys in _OBJECTS.items():
        if all(key in payload for key in keys):
            return shape
    values = list(payload.values())
    return "mids" if values and all(isinstance(value, str) for value in values) else "unused"


_OBJECTS = {
    "message": ("channel",),
    "book": ("levels", "coin"),
    "margin": ("assetPositions",),
    "balances": ("balances",),
    "spot listing": ("universe", "tokens"),
    "listing": ("universe",),
    "role": ("role",),
    "fees": ("userCrossRate",),
    "status of the exchange": ("specialStatuses", "time"),
    "settings": ("leverage", "coin"),
}
_ROWS = {
    "candles": ("t", "T", "s", "i"),
    "fills": ("px", "sz", "oid"),
    "open orders": ("limitPx", "oid"),
    "order updates": ("order", "status"),
    "trades": ("px", "sz", "tid"),
    "funding rates": ("fundingRate", "coin"),
    "agents": ("address", "validUntil"),
    "ledger": ("delta",),
}
_READERS_OF_KIND = {
    "book": {"l2Book"},
    "margin": {"clearinghouseState"},
    "balances": {"spotClearinghouseState"},
    "spot listing": {"spotMeta"},
    "listing": {"meta"},
    "spot contexts": {"spotMetaAndAssetCtxs"},
    "contexts": {"metaAndAssetCtxs"},
    "all perpetuals": {"allPerpMetas"},
    "role": {"userRole"},
    "fees": {"userFees"},
    "status of the exchange": {"exchangeStatus"},
    "settings": {"activeAssetData"},
    "candles": {"candleSnapshot"},
    "fills": {"userFills", "userFillsByTime"},
    "open orders": {"openOrders", "frontendOpenOrders"},
    "order updates": {"historicalOrders"},
    "order status": {"orderStatus"},
    "trades": {"recentTrades"},
    "funding rates": {"fundingHistory"},
    "agents": {"extraAgents"},
    "ledger": {"userFunding"},
    "mids": {"allMids"},
    "abstraction": {"userAbstraction"},
}


def _read(payload: Any) -> Any:
    shape = _shape(payload)
    if shape == "nothing":
        return ()
    reader = _READERS.get(shape)
    if reader is None:
        raise NotApplicable("an answer that Kedge does not ask for")
    return reader(payload)


def _decimal(given: Any) -> Decimal:
    return Decimal(str(given))


def _book(payload: Any) -> Any:
    book = markets.book(payload, table_for(payload))
    for levels, side in ((book.bids, payload["levels"][0]), (book.asks, payload["levels"][1])):
        assert [(str(price), str(size)) for price, size in levels] == [(each["px"], each["sz"]) for each in side]
    assert book.ts == payload["time"] * 10**6
    return book


def _margin(payload: Any) -> Any:
    state = account.margin_account(payload, table_for(payload))
    summary = payload.get("marginSummary") or payload["crossMarginSummary"]
    assert state.value == _decimal(summary["accountValue"])
    assert state.withdrawable == _decimal(payload["withdrawable"])
    held = [entry["position"] for entry in payload["assetPositions"]]
    assert [position.quantity for position in state.positions] == [_decimal(each["szi"]) for each in held]
    assert state.unrealized == sum(_decimal(each["unrealizedPnl"]) for each in held)
    return state


def _balances(payload: Any) -> Any:
    found = account.spot_balances(payload)
    for each in payload["balances"]:
        assert found[each["coin"]].total == _decimal(each["total"])
        assert found[each["coin"]].free == _decimal(each["total"]) - _decimal(each["hold"])
    return found


def _perpetuals(payload: Any) -> Any:
    listed = assets.perpetuals(payload)
    for place, (asset, each) in enumerate(zip(listed, payload["universe"], strict=True)):
        assert (asset.index, asset.coin, asset.size_decimals) == (place, each["name"], each["szDecimals"])
        assert asset.max_leverage == each["maxLeverage"]
        assert asset.instrument().lot_size == Decimal(1).scaleb(-each["szDecimals"])
    return listed


def _all_perpetuals(payload: Any) -> Any:
    listed = assets.builders_perpetuals(payload, {})
    wanted = [
        (place and 100_000 + 10_000 * place) + number
        for place, meta in enumerate(payload)
        for number in range(len(meta["universe"]))
    ]
    assert [asset.index for asset in listed] == wanted
    return listed


def _spot_pairs(payload: Any) -> Any:
    listed = assets.spot_pairs(payload)
    names = {token["index"]: token["name"] for token in payload["tokens"]}
    for asset, pair in zip(listed, payload["universe"], strict=True):
        assert asset.index == 10_000 + pair["index"]
        assert asset.symbol == "-".join(names[token] for token in pair["tokens"])
    return listed


def _contexts(payload: Any) -> Any:
    spot = "tokens" in payload[0]
    listed = _spot_pairs(payload[0]) if spot else _perpetuals(payload[0])
    found = markets.contexts(payload, listed, spot)
    for context in found.values():
        assert markets.mark(context) == _decimal(context["markPx"])
    assert len(found) == len(payload[1])
    return found


def _candles(payload: Any) -> Any:
    bars = markets.candles(payload, table_for(payload))
    assert [bar.ts for bar in bars] == sorted(each["t"] * 10**6 for each in payload)
    by_time = {each["t"] * 10**6: each for each in payload}
    for bar in bars:
        raw = by_time[bar.ts]
        assert [str(bar.open), str(bar.high), str(bar.low), str(bar.close)] == [raw[name] for name in "ohlc"]
        assert str(bar.volume) == raw["v"]
    return bars


def _fills(payload: Any) -> Any:
    found = account.own_fills(payload, table_for(payload), _nobody)
    assert len(found) == len(payload)
    told = sorted((each["time"], each["oid"], each["px"], each["sz"], each["side"], each["fee"]) for each in payload)
    read = sorted(
        (own.fill.ts // 10**6, own.oid, str(own.fill.price), str(own.fill.quantity), "BA"[own.fill.side == "sell"],
         str(own.fill.fee))
        for own in found
    )  # fmt: skip
    assert read == told
    assert len({own.fill.trade_id for own in found}) == len({_identity(each) for each in payload})
    return found


def _identity(each: dict[str, Any]) -> tuple[Any, ...]:
    return (each["tid"],) if "tid" in each else (each["hash"], each["oid"], each["startPosition"])


def _open_orders(payload: Any) -> Any:
    found = account.open_orders(payload, table_for(payload), _nobody)
    for order, each in zip(found, payload, strict=True):
        assert order.exchange_id == str(each["oid"])
        assert order.quantity - order.filled == _decimal(each["sz"])
        assert order.price == _decimal(each["limitPx"])
    return found


def _order_updates(payload: Any) -> Any:
    found = account.order_updates(payload, table_for(payload))
    for state, each in zip(found, payload, strict=True):
        assert (state.oid, state.word) == (each["order"]["oid"], each["status"])
        assert state.status.is_terminal is (each["status"] not in {"open", "triggered"})
    return found


def _trades(payload: Any) -> Any:
    found = markets.trades(payload, table_for(payload))
    assert sorted(trade.trade_id for trade in found) == sorted(str(each["tid"]) for each in payload)
    assert sum(trade.quantity for trade in found) == sum(_decimal(each["sz"]) for each in payload)
    return found


def _funding_rates(payload: Any) -> Any:
    found = markets.funding_rates(payload, table_for(payload))
    assert [str(rate.rate) for rate in found] == [
        each["fundingRate"] for each in sorted(payload, key=lambda each: int(each["time"]))
    ]
    return found


def _ledger(payload: Any) -> Any:
    if any(each["delta"].get("type") != "funding" for each in payload):
        raise NotApplicable("deposits and withdrawals: Kedge moves no money")
    found = account.funding_payments(payload, table_for(payload))
    assert sum(paid.amount for paid in found) == sum(_decimal(each["delta"]["usdc"]) for each in payload)
    return found


def _settings(payload: Any) -> Any:
    found = account.margin_settings(payload, "x")
    assert found.leverage == payload["leverage"]["value"]
    return found


def _mids(payload: Any) -> Any:
    found = markets.mids(payload)
    assert {coin: str(mid) for coin, mid in found.items()} == payload
    return found


def _reply(payload: Any) -> Any:
    told = reply(payload)
    assert isinstance(told, Refusal) is (payload["status"] == "err")
    return told


def _agents(payload: Any) -> Any:
    found = account.agents(payload)
    assert [agent.valid_until // 10**6 for agent in found] == [each["validUntil"] for each in payload]
    return found


def _order_status(payload: Any) -> Any:
    found = account.order_status(payload, table_for(payload))
    assert (found is None) is (payload["status"] == "unknownOid")
    return found


def _message(payload: Any) -> Any:
    table, channel, data = table_for(payload), payload["channel"], payload.get("data")
    if (
        channel == "candle" and isinstance(data, dict) and "o" not in data
    ):  # a stub of another project's test: a candle without prices is none
        with pytest.raises(VenueError):
            streams.read(payload, table, _nobody, 1)
        return None
    news = streams.read(payload, table, _nobody, 1)
    if channel == "allMids":
        _mids(data["mids"])
    elif isinstance(news, streams.Ignored):
        raise NotApplicable(f"channel {channel}: Kedge has no use for it")
    elif isinstance(news, streams.MarketNews):
        assert news.facts or not data or channel in {"bbo", "activeAssetCtx", "activeSpotAssetCtx"}, payload
        if channel in {"l2Book", "trades"}:
            _read(data)
    elif isinstance(news, streams.OrderNews):
        _order_updates(data)
    elif isinstance(news, streams.FillNews):
        _fills(data["fills"])
        assert news.snapshot is bool(data.get("isSnapshot"))
    return news


def _nobody(oid: int, cloid: str) -> str:
    return ""


_READERS: dict[str, Callable[[Any], Any]] = {
    "abstraction": account.unified,
    "agents": _agents,
    "all perpetuals": _all_perpetuals,
    "balances": _balances,
    "book": _book,
    "candles": _candles,
    "contexts": _contexts,
    "fees": assets.account_fees,
    "fills": _fills,
    "funding rates": _funding_rates,
    "ledger": _ledger,
    "listing": _perpetuals,
    "margin": _margin,
    "message": _message,
    "mids": _mids,
    "open orders": _open_orders,
    "order status": _order_status,
    "order updates": _order_updates,
    "reply": _reply,
    "role": account.role,
    "settings": _settings,
    "spot contexts": _contexts,
    "spot listing": _spot_pairs,
    "status of the exchange": markets.server_time,
    "trades": _trades,
}
