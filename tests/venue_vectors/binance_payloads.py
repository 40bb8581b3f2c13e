"""Payloads without anybody's reading beside them: docs examples, adapter test data, recorded conversations, exchangeInfo.

What a payload is follows from its shape. It goes through our parser, and what comes out is held against the payload read
once more, by hand and field by field. A shape that no parser of ours is for is something Kedge does not ask for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from kedge.model.errors import VenueError
from kedge.model.facts import Fill, OrderAccepted, OrderCancelled, OrderExpired, OrderReport
from kedge.model.market import BookDelta, Candle, MarkPrice, OrderBook, Quote, Trade
from kedge.model.order import OrderStatus, Side
from kedge.model.secret import Secret
from kedge.venues.answers import ErrorClass, Failed
from kedge.venues.binance.protocol import account, instruments, market, reports, streams, wsapi
from kedge.venues.binance.protocol.errors import Fault, failure
from kedge.venues.binance.protocol.executions import executions_of
from kedge.venues.binance.protocol.names import to_order_id
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.signing import signer, ws_payload
from kedge.venues.binance.protocol.user_stream import UserStream
from tests.venue_vectors.binance_listing import listing_of
from tests.venue_vectors.binance_parameters import parameters
from tests.venue_vectors.binance_requests import KEY, SECRET
from tests.venue_vectors.runner import Case, NotApplicable, to_json

CUT = "the example is cut: its rows lack columns or its objects lack their fields"
MS = 1_000_000
NEVER_NS = 4_000_000_000_000 * MS
D = Decimal

STATUS = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.SUBMITTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIAL,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
    "TRIGGERED": OrderStatus.OPEN,
    "FINISHED": OrderStatus.OPEN,
}


# what the files hand in ----------------------------------------------------------------------------------------------


def docs_examples(case: Case) -> None:
    product = Product.USDM if "usdm" in case.file else Product.SPOT
    if "text" in case.data and "json" not in case.data:
        return whole_or_nothing(product, case.data["text"], case)
    payload = case.data.get("json", case.data.get("response"))
    if isinstance(payload, str):  # "(same as without optional params)": what is new are the parameters
        return parameters(case.data, whole=True)
    if "http_method" in case.data:
        parameters(case.data, whole=False)
    return check(product, payload, case)


def payloads(case: Case) -> None:
    product = Product.USDM if "/futures/" in case.data["file"] else Product.SPOT
    check(product, case.data["payload"], case)


def markets_raw(case: Case) -> None:
    product = Product.USDM if "usdm" in case.data["name"] else Product.SPOT
    check(product, case.data["response"], case)


def ws_samples(case: Case) -> None:
    """A conversation: what the client sends is built by us, what the server pushes is read by us."""
    product = Product.USDM if "UsdFutures" in case.data["file"] else Product.SPOT
    read = 0
    for mark, text in conversation(case.data["text"]):
        message = json.loads(text, parse_float=Decimal)
        if mark == ">":
            sent(message)
        elif mark == "<" and "status" not in message:
            notice = streams.parse(to_json(message), listing_of(product, message), 0)
            assert isinstance(notice, streams.Notice)
            assert (notice.kind, notice.id) == ("ack", message["id"])
        else:
            check(product, message, case)
        read += 1
    assert read, "nothing was said"


def conversation(text: str) -> Iterator[tuple[str, str]]:
    """Who says what: `>` the client, `<` the server's acknowledgements, `=` what is pushed."""
    filled = (
        text.replace('"|1|"', "1").replace("|1|", "1").replace('"|*|"', "7").replace("|*|", "7").replace("|id|", "7")
    )
    parts = re.split(r"(?m)^([><=])\d*[ \t]*", filled)
    if parts[0].strip():
        yield "=", parts[0]
    for mark, body in zip(parts[1::2], parts[2::2], strict=True):
        if body.strip():
            yield mark, body


def whole_or_nothing(product: Product, text: str, case: Case) -> None:
    """A block that is no valid JSON: mended where only comments and stray commas are in the way."""
    mended = re.sub(r"//[^\n]*", "", text.replace("\xa0", " ")).replace("...", "").replace('\t"', '"')
    mended = re.sub(r'(["\d}\]el])(\s*\n\s*["{])', r"\1,\2", mended)  # a comma that is missing at a line's end
    mended = re.sub(r",(\s*[}\]])", r"\1", mended)  # one that is too many
    try:
        payload = json.loads(mended, parse_float=Decimal)
    except json.JSONDecodeError:
        raise NotApplicable("no valid JSON, also without its comments") from None
    check(product, payload, case)


# what a payload is ---------------------------------------------------------------------------------------------------


def check(product: Product, payload: Any, case: Case) -> None:
    """Find the parser that the payload is for and hold its reading against the payload."""
    if isinstance(payload, dict):
        if "method" in payload and payload.get("id") is not None:
            return sent(payload)
        if "status" in payload and "id" in payload and ("result" in payload or "error" in payload):
            return answered(product, payload, case)
        if "event" in payload or "e" in payload or "stream" in payload:
            return pushed(product, payload)
        if {"result", "id"} == payload.keys():
            return acknowledged(product, payload)
    if _rows("e")(payload):
        return pushed(product, payload)
    if _is_cut(payload):
        raise NotApplicable(CUT)
    for fits, verify in _SHAPES:
        if fits(payload):
            return verify(product, payload, to_json(payload))
    endpoint = case.data.get("endpoint") or case.data.get("path") or case.data.get("section") or case.name
    raise NotApplicable(f"Kedge does not ask for it: {str(endpoint)[-90:]}")


def sent(message: dict[str, Any]) -> None:
    """A request of a client, made again by us; its signature too where it is one of the documented key."""
    params: Any = message.get("params")
    method = message["method"]
    if method in {"SUBSCRIBE", "UNSUBSCRIBE"}:
        assert json.loads(streams.subscribe(params, message["id"], method)) == _plain(message)
        return
    if isinstance(params, list):
        params = None
        message = {key: value for key, value in message.items() if key != "params"}
    built = json.loads(wsapi.request(message["id"], method, params))
    expected = {key: value for key, value in message.items() if not (key == "params" and not value)}
    assert built == _decimals_as_text(expected)
    signature = (params or {}).get("signature", "")
    if params and params.get("apiKey") == KEY and params.get("timestamp") == 1645423376532 and len(signature) == 64:
        assert (
            signer(Secret(SECRET)).sign(ws_payload({k: v for k, v in params.items() if k != "signature"})) == signature
        )


def answered(product: Product, message: dict[str, Any], case: Case) -> None:
    """An answer of the WebSocket API: its envelope, then what is in it."""
    got = wsapi.answer(to_json(message), 5)
    if message["status"] >= 400:
        assert isinstance(got, Failed)
        error = message["error"]
        assert (got.code, got.message) == (str(error["code"]), error["msg"])
        data = error.get("data") or {}
        if "retryAfter" in data:
            assert got.retry_at == data["retryAfter"] * MS
            assert got.kind in {ErrorClass.BANNED, ErrorClass.RETRY_LATER}
        if "cancelResult" in data:
            _replacement(product, {"data": data}, to_json({"data": data}))
        return
    assert isinstance(got, wsapi.Response)
    assert got.id == message["id"]
    for limit in message.get("rateLimits") or []:
        if "count" in limit:
            assert got.used[f"{limit['rateLimitType']}:{limit['intervalNum']}{limit['interval'][0]}"] == limit["count"]
    result = message.get("result")
    assert json.loads(got.result, parse_float=Decimal) == result
    if result in ({}, [], None):
        return
    check(product, result, case)


def acknowledged(product: Product, payload: dict[str, Any]) -> None:
    notice = streams.parse(to_json(payload), listing_of(product, payload), 0)
    assert isinstance(notice, streams.Notice)
    assert (notice.kind, notice.id) == ("ack", payload["id"])


# what is pushed ------------------------------------------------------------------------------------------------------

_USER = {
    *("executionReport", "ORDER_TRADE_UPDATE", "ALGO_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT", "TRADE_LITE"),
    *("outboundAccountPosition", "ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL", "balanceUpdate"),
    *("listStatus", "externalLockUpdate", "eventStreamTerminated", "listenKeyExpired", "STRATEGY_UPDATE"),
    *("GRID_UPDATE", "USER_LIABILITY_CHANGE", "CONDITIONAL_ORDER_TRADE_UPDATE", "RISK_LEVEL_CHANGE"),
}


def pushed(product: Product, message: Any) -> None:
    inner: Any = message
    if isinstance(message, dict):
        inner = message.get("event", message.get("data", message))
    else:
        message = {"": message}
    kind = inner.get("e", "") if isinstance(inner, dict) else ""
    if isinstance(inner, dict) and _is_cut_event(inner):
        raise NotApplicable(CUT)
    if kind in _USER:
        user_event(product, message, inner)
        return
    listing = listing_of(product, message)
    text = to_json(message.get("", message))
    if kind == "serverShutdown":
        if "event" not in message:
            assert streams.parse(text, listing, 9) == streams.Notice("ending", None, "serverShutdown")
        assert UserStream(listing).read(to_json(message), 9).ends == "serverShutdown"
        return
    if kind and kind not in streams.KINDS:
        with pytest.raises(VenueError, match="none that we know"):
            streams.parse(text, listing, 9)
        raise NotApplicable(f"event {kind}: Kedge does not subscribe to it, and what comes all the same is an error")
    settlements = streams.Settlements()
    got = streams.parse(text, listing, 9, settlements)
    assert not isinstance(got, streams.Notice)
    rows = inner if isinstance(inner, list) else [inner]
    expected = [fact for row in rows for fact in _expected_facts(row, message.get("stream", ""))]
    assert len(got) == len(expected), got
    for row in rows:
        if row.get("e") == "markPriceUpdate" and row["r"]:
            assert settlements.awaited(listing.symbol(row["s"])) == (row["T"] * MS, D(row["r"]))
    for fact, (kind_of, figures) in zip(got, expected, strict=True):
        assert type(fact) is kind_of
        for name, value in figures.items():
            assert getattr(fact, name) == value, (name, getattr(fact, name), value)
        assert listing.raw(fact.symbol) in {
            *(row.get("s") for row in rows),
            message.get("stream", "").partition("@")[0].upper(),
        }


def _levels(rows: list[list[str]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((D(price), D(size)) for price, size in rows)


def _expected_facts(row: dict[str, Any], stream: str) -> list[tuple[type, dict[str, Any]]]:
    match row.get("e", ""):
        case "depthUpdate":
            names = {
                "bids": _levels(row["b"]),
                "asks": _levels(row["a"]),
                "first_sequence": row["U"],
                "sequence": row["u"],
            }
            previous = {"previous_sequence": row.get("pu", -1), "ts": row.get("T", row["E"]) * MS}
            return [(BookDelta, names | previous)]
        case "trade" | "aggTrade":
            side = Side.SELL if row["m"] else Side.BUY
            number = str(row.get("t", row.get("a")))
            figures = {
                "price": D(row["p"]),
                "quantity": D(row["q"]),
                "side": side,
                "trade_id": number,
                "ts": row["T"] * MS,
            }
            return [(Trade, figures)]
        case "kline":
            bar = row["k"]
            if not bar["x"]:
                return []
            names = {
                "open": D(bar["o"]),
                "high": D(bar["h"]),
                "low": D(bar["l"]),
                "close": D(bar["c"]),
                "volume": D(bar["v"]),
            }
            return [(Candle, names | {"ts": bar["t"] * MS})]
        case "markPriceUpdate":
            return [(MarkPrice, {"price": D(row["p"]), "ts": row["E"] * MS})]
        case "bookTicker" | "" if "B" in row:
            quote = {"bid": D(row["b"]), "ask": D(row["a"]), "bid_size": D(row["B"]), "ask_size": D(row["A"])}
            return [(Quote, quote)]
        case "" if "lastUpdateId" in row:
            book = {"bids": _levels(row["bids"]), "asks": _levels(row["asks"]), "sequence": row["lastUpdateId"]}
            return [(OrderBook, book)]
        case _:
            return []


def user_event(product: Product, message: dict[str, Any], event: dict[str, Any]) -> None:
    listing = listing_of(product, message)
    news = UserStream(listing).read(to_json(message), 9)
    match event["e"]:
        case "executionReport":
            _order_event(listing, event, news, event["T"])
        case "ORDER_TRADE_UPDATE":
            _order_event(listing, event["o"], news, event["o"].get("T", event["T"]))
        case "ALGO_UPDATE":
            row = event["o"]
            assert (news.client_id, news.exchange_id) == (row["caid"], str(row["aid"]))
            kinds = {"CANCELED": [OrderCancelled], "EXPIRED": [OrderExpired], "NEW": [OrderAccepted]}
            assert [type(fact) for fact in news.facts] == kinds.get(row["X"], [])
            assert (news.became is not None) is bool(row.get("ai"))
        case "outboundAccountPosition":
            told = {each.currency: (each.free, each.total) for each in news.balances}
            assert told == {row["a"]: (D(row["f"]), D(row["f"]) + D(row["l"])) for row in event["B"]}
        case "ACCOUNT_UPDATE":
            part = event["a"]
            assert {b.currency: b.total for b in news.balances} == {row["a"]: D(row["wb"]) for row in part.get("B", [])}
            assert [(listing.raw(p.symbol), p.quantity) for p in news.positions] == [
                (row["s"], D(row["pa"])) for row in part.get("P", [])
            ]
            assert news.reason == part["m"]
        case "ACCOUNT_CONFIG_UPDATE" | "MARGIN_CALL" | "CONDITIONAL_ORDER_TRIGGER_REJECT":
            assert news.warning
            assert news.facts == ()
        case "eventStreamTerminated" | "listenKeyExpired":
            assert news.ends == event["e"]
        case _:
            assert news.facts == ()
            assert not news.ends


def _order_event(listing: instruments.Listing, row: dict[str, Any], news: Any, ts: int) -> None:
    client = row.get("C") or row["c"]
    order_id = to_order_id(client)
    assert (news.client_id, news.exchange_id) == (client, str(row["i"]))
    assert all(fact.order_id == order_id and fact.ts == ts * MS for fact in news.facts)
    fills = [fact for fact in news.facts if isinstance(fact, Fill)]
    executed = D(row["l"]) > 0 and row["x"] in {"TRADE", "CALCULATED"}
    assert len(fills) == int(executed)
    for fill in fills:
        assert (fill.quantity, fill.price) == (D(row["l"]), D(row["L"]))
        assert fill.fee == D(row.get("n") or "0")
        assert fill.fee_currency == (row.get("N") or "")
        assert fill.side.value.upper() == row["S"]
        assert (fill.liquidity.value == "maker") is row["m"]
        assert listing.raw(fill.symbol) == row["s"]
        assert fill.trade_id == str(row["t"]) or row["t"] <= 0
    ends = {"CANCELED": OrderCancelled, "EXPIRED": OrderExpired, "EXPIRED_IN_MATCH": OrderExpired}
    found = [fact for fact in news.facts if isinstance(fact, OrderCancelled | OrderExpired)]
    assert [type(fact) for fact in found] == ([ends[row["X"]]] if row["X"] in ends else [])
    assert all(fact.filled == D(row["z"]) for fact in found)
    if row["x"] == "NEW":
        assert any(isinstance(fact, OrderAccepted) for fact in news.facts)
    assert news.facts, "an event about an order says something of it"
    assert not any(isinstance(fact, OrderReport) and fact.status is None for fact in news.facts)


# what is answered ----------------------------------------------------------------------------------------------------


def _order(product: Product, row: dict[str, Any], body: bytes) -> None:
    _state_agrees(reports.order_state(body), row)


def _state_agrees(state: reports.OrderState, row: dict[str, Any]) -> None:
    algo = "algoId" in row
    assert state.exchange_id == str(row["algoId" if algo else "orderId"])
    expected = row.get("origClientOrderId") or row.get("clientAlgoId" if algo else "clientOrderId", "")
    assert state.client_id == expected
    status = row.get("algoStatus" if algo else "status")
    assert state.status is (STATUS[status] if status else None)
    for ours, names in (
        (state.quantity, ("quantity",) if algo else ("origQty", "qty")),
        (state.filled, ("executedQty",)),
        (state.quote_filled, ("cummulativeQuoteQty", "cumQuote")),
        (state.price, ("price",)),
        (state.stop_price, ("triggerPrice",) if algo else ("stopPrice",)),
    ):
        told = next((row[name] for name in names if name in row), None)
        if told is not None:
            assert (ours or D(0)) == max(D(told), D(0)), (names, ours, told)
    if row.get("side"):
        assert state.side is not None
        assert state.side.value.upper() == row["side"]
    assert len(state.executions) == len(row.get("fills") or [])
    for one, fill in zip(state.executions, row.get("fills") or [], strict=True):
        assert (one.price, one.quantity, one.fee) == (D(fill["price"]), D(fill["qty"]), D(fill["commission"]))
        assert (one.fee_currency, one.trade_id) == (fill["commissionAsset"], str(fill["tradeId"]))
    moment = row.get("transactTime") or row.get("updateTime") or row.get("time") or row.get("createTime")
    assert moment is None or state.ts == int(moment) * MS


def _orders(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    if any("code" in row and "msg" in row for row in rows):
        for state, row in zip(reports.batch_states(body), rows, strict=True):
            if isinstance(state, Fault):
                assert (state.code, state.msg) == (row["code"], row["msg"])
            else:
                _state_agrees(state, row)
        return
    flat = [one for row in rows for one in (row.get("orderReports") or [row])]
    states = reports.order_states(body)
    assert len(states) == len(flat)
    for state, row in zip(states, flat, strict=True):
        _state_agrees(state, row)


def _order_list(product: Product, row: dict[str, Any], body: bytes) -> None:
    states = reports.list_states(body)
    assert len(states) == len(row["orderReports"])
    for state, report in zip(states, row["orderReports"], strict=True):
        _state_agrees(state, report)


def _replacement(product: Product, row: dict[str, Any], body: bytes) -> None:
    got = reports.replacement(body)
    told: Any = row.get("data") or row
    for half, result, response in (
        (got.cancelled, told["cancelResult"], told.get("cancelResponse")),
        (got.placed, told["newOrderResult"], told.get("newOrderResponse")),
    ):
        if result == "NOT_ATTEMPTED":
            assert half is None
        elif result == "FAILURE":
            assert half == Fault(response["code"], response["msg"])
        else:
            assert isinstance(half, reports.OrderState)
            _state_agrees(half, response)


def _amended(product: Product, row: dict[str, Any], body: bytes) -> None:
    _state_agrees(reports.amended(body), {**row["amendedOrder"], "transactTime": row["transactTime"]})


def _executions(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    ours = {one.trade_id: one for one in executions_of(body)}
    assert len(ours) == len(rows)
    for row in rows:
        one = ours[str(row["id"])]
        assert (one.price, one.quantity, one.fee) == (D(row["price"]), D(row["qty"]), D(row["commission"]))
        assert (one.exchange_id, one.fee_currency, one.ts) == (
            str(row["orderId"]),
            row["commissionAsset"],
            int(row["time"]) * MS,
        )
        buyer = row.get("isBuyer", row.get("buyer"))
        assert (one.side is Side.BUY) is (row["side"] == "BUY" if "side" in row else buyer)
        assert (one.liquidity.value == "maker") is row.get("isMaker", row.get("maker"))


def _book(product: Product, row: dict[str, Any], body: bytes) -> None:
    book = market.book(body, "X-USD", 9)
    assert (book.bids, book.asks, book.sequence) == (_levels(row["bids"]), _levels(row["asks"]), row["lastUpdateId"])
    assert book.ts == (row["T"] * MS if "T" in row else 9)


def _trades(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    ours = market.trades(body, "X-USD", 9)
    for one, row in zip(ours, sorted(rows, key=lambda each: int(each["id"])), strict=True):
        assert (one.price, one.quantity, one.ts) == (D(row["price"]), D(row["qty"]), int(row["time"]) * MS)
        assert one.side is (Side.SELL if row["isBuyerMaker"] else Side.BUY)


def _agg_trades(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    ours = market.agg_trades(body, "X-USD", 9)
    for one, row in zip(ours, sorted(rows, key=lambda each: int(each["a"])), strict=True):
        assert (one.price, one.quantity, one.ts) == (D(row["p"]), D(row["q"]), row["T"] * MS)
        assert one.side is (Side.SELL if row["m"] else Side.BUY)


def _candles(product: Product, rows: list[list[Any]], body: bytes) -> None:
    if any(D(text) < 0 for row in rows for text in row[1:5]):
        raise NotApplicable("candles of a premium, which may be negative: Kedge does not ask for them")
    ours = market.candles(body, "X-USD", 60 * 10**9, NEVER_NS)
    for one, row in zip(ours, rows, strict=True):
        assert (one.ts, one.open, one.high, one.low, one.close, one.volume) == (row[0] * MS, *map(D, row[1:6]))


def _account(product: Product, row: dict[str, Any], body: bytes) -> None:
    ours = account.balances(body)
    rows: Any = row.get("balances", row.get("assets"))
    assert len(ours) == len(rows)
    for each in rows:
        _balance_agrees(ours[each["asset"]], each)
    if "commissionRates" in row:
        fees = account.account_fees(body)
        assert fees is not None
        assert (fees.maker, fees.taker) == (D(row["commissionRates"]["maker"]), D(row["commissionRates"]["taker"]))
    assert account.spot_permissions(body) == (row.get("canTrade"), row.get("canWithdraw"))


def _balance_rows(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    ours = account.balance_rows(body)
    assert len(ours) == len(rows)
    for each in rows:
        _balance_agrees(ours[each["asset"]], each)


def _balance_agrees(ours: Any, row: dict[str, Any]) -> None:
    if "locked" in row:
        assert (ours.free, ours.total) == (D(row["free"]), D(row["free"]) + D(row["locked"]))
        return
    total: Any = row.get("walletBalance", row.get("balance"))
    assert (ours.total, ours.free) == (D(total), D(row["availableBalance"]))


def _positions(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    listing = listing_of(product, rows)
    ours = account.positions(body, listing)
    held = [row for row in rows if D(row["positionAmt"])]
    for one, row in zip(ours, held, strict=True):
        quantity = D(row["positionAmt"])
        assert (listing.raw(one.symbol), one.quantity) == (
            row["symbol"],
            -abs(quantity) if row["positionSide"] == "SHORT" else quantity,
        )
        assert (one.entry_price or D(0)) == D(row["entryPrice"])
        profit: Any = row.get("unRealizedProfit", row.get("unrealizedProfit"))
        assert one.unrealized == D(profit)
        assert (one.mark_price or D(0)) == D(row.get("markPrice", "0"))


def _listing(product: Product, row: dict[str, Any], body: bytes) -> None:
    listing = instruments.listing(product, body)
    names = {each["symbol"] for each in row["symbols"]}
    assert listing.by_raw.keys() | listing.left_out.keys() == names
    for each in row["symbols"]:
        kinds = {one.get("filterType") for one in each.get("filters", [])}
        tradable = {"PRICE_FILTER", "LOT_SIZE"} <= kinds and each.get("baseAsset") and each.get("quoteAsset")
        tradable = tradable and (product is Product.SPOT or each.get("contractType") == "PERPETUAL")
        assert (each["symbol"] in listing.by_raw) is bool(tradable), listing.left_out
        if not tradable:
            continue
        entry = listing.by_raw[each["symbol"]]
        assert (entry.instrument.base, entry.instrument.quote) == (each["baseAsset"], each["quoteAsset"])
        assert listing.table.raw(entry.instrument.symbol) == each["symbol"]
        for one in each["filters"]:
            _filter(product, one, to_json(one))
        by_kind = {one["filterType"]: one for one in each["filters"]}
        assert entry.instrument.tick_size == D(by_kind["PRICE_FILTER"]["tickSize"])
        assert entry.instrument.lot_size == D(by_kind["LOT_SIZE"]["stepSize"])
    limits = [one for one in row.get("rateLimits", []) if one]
    assert [(one.kind, one.limit) for one in listing.rate_limits] == [
        (one["rateLimitType"], one["limit"]) for one in limits
    ]


def _filter(product: Product, row: dict[str, Any], body: bytes) -> None:
    ours = instruments.filters_of([row])
    assert ours.unknown == (), ours.unknown
    if row["filterType"] not in instruments.READERS:
        return  # known, and it says nothing that an order of ours could break
    numbers = {
        D(str(value))
        for name, value in row.items()
        if name not in {"filterType", "avgPriceMins", "asset", "multiplierDecimal"} and _is_number(value)
    }
    kept: set[Decimal] = set()
    for name in ours.__struct_fields__:
        value = getattr(ours, name)
        parts = value if isinstance(value, tuple) else (value,)
        kept |= {
            D(str(part[1] if isinstance(part, tuple) else part)) for part in parts if not isinstance(part, bool | str)
        }
    assert numbers <= kept | {D(0)}, (row, numbers - kept)


def _filters(product: Product, row: dict[str, Any], body: bytes) -> None:
    for name in ("exchangeFilters", "symbolFilters", "assetFilters"):
        for one in row.get(name, []):
            _filter(product, one, to_json(one))


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", str(value)) is not None


def _rate_limits(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    ours = instruments.rate_limits(body)
    assert [(one.kind, one.limit, one.count) for one in ours] == [
        (row["rateLimitType"], row["limit"], row.get("count")) for row in rows
    ]


def _fees(product: Product, row: dict[str, Any], body: bytes) -> None:
    fees = account.fees(body)
    standard = row.get("standardCommission") or {
        "maker": row.get("makerCommissionRate"),
        "taker": row.get("takerCommissionRate"),
    }
    assert (fees.maker, fees.taker) == (D(standard["maker"]), D(standard["taker"]))


def _brackets(product: Product, rows: Any, body: bytes) -> None:
    ours = account.brackets(body)
    for row in rows if isinstance(rows, list) else [rows]:
        steps = sorted(row["brackets"], key=lambda step: step["notionalFloor"])
        assert [(s.leverage, s.notional_max, s.maintenance) for s in ours[row["symbol"]]] == [
            (D(step["initialLeverage"]), D(step["notionalCap"]), D(str(step["maintMarginRatio"]))) for step in steps
        ]


def _premiums(product: Product, rows: Any, body: bytes) -> None:
    told = rows if isinstance(rows, list) else [rows]
    for one, row in zip(market.premiums(body), told, strict=True):
        assert (one.raw, one.mark, one.ts) == (row["symbol"], D(row["markPrice"]), row["time"] * MS)
        assert one.rate == D(row["lastFundingRate"])


def _funding(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    told = sorted(rows, key=lambda row: row["fundingTime"])
    for one, row in zip(market.funding(body, "X-USD", 9), told, strict=True):
        assert (one.rate.rate, one.rate.ts) == (D(row["fundingRate"]), row["fundingTime"] * MS)


def _incomes(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    told = sorted(rows, key=lambda row: row["time"])
    for one, row in zip(account.incomes(body), told, strict=True):
        assert (one.amount, one.kind, one.currency, one.ts) == (
            D(row["income"]),
            row["incomeType"],
            row["asset"],
            row["time"] * MS,
        )


def _symbol_config(product: Product, rows: list[dict[str, Any]], body: bytes) -> None:
    listing = listing_of(product, rows)
    for row in rows:
        got = account.margin_settings(body, listing, listing.symbol(row["symbol"]))
        assert got.leverage == D(row["leverage"])
        assert (
            got.mode.value.upper() == row["marginType"].removesuffix("ED")
            or got.mode.value.upper() == row["marginType"].upper()
        )


def _account_config(product: Product, row: dict[str, Any], body: bytes) -> None:
    got = account.config(body)
    assert got.hedged is row.get("dualSidePosition")
    assert got.can_trade is row.get("canTrade")
    assert got.can_withdraw is row.get("canWithdraw")


def _tickers(product: Product, rows: Any, body: bytes) -> None:
    told = rows if isinstance(rows, list) else [rows]
    ours = market.quotes(body, {row["symbol"]: row["symbol"] for row in told}, 9)
    assert [(one.symbol, one.bid, one.ask, one.bid_size, one.ask_size) for one in ours] == [
        (row["symbol"], D(row["bidPrice"]), D(row["askPrice"]), D(row["bidQty"]), D(row["askQty"])) for row in told
    ]


def _fault(product: Product, row: dict[str, Any], body: bytes) -> None:
    failed = failure(400, {}, body, 1)
    assert (failed.code, failed.message) == (str(row["code"]), row["msg"])
    assert failed.kind is not ErrorClass.BANNED
    if "data" in row:
        _replacement(product, row, body)


def _equal(
    read: Callable[[bytes], Any], expected: Callable[[dict[str, Any]], Any]
) -> Callable[[Product, Any, bytes], None]:
    def verify(product: Product, row: dict[str, Any], body: bytes) -> None:
        assert read(body) == expected(row)

    return verify


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda payload: isinstance(payload, dict) and set(names) <= payload.keys()


def _rows(*names: str) -> Callable[[Any], bool]:
    return lambda payload: (
        isinstance(payload, list)
        and bool(payload)
        and all(isinstance(row, dict) and set(names) <= row.keys() for row in payload)
    )


def _row_or_rows(*names: str) -> Callable[[Any], bool]:
    one, many = _has(*names), _rows(*names)
    return lambda payload: one(payload) or many(payload)


def _is_candles(payload: Any) -> bool:
    return (
        isinstance(payload, list) and bool(payload) and all(isinstance(row, list) and len(row) >= 11 for row in payload)
    )


def _is_cut(payload: Any) -> bool:
    rows = payload if isinstance(payload, list) else []
    return any(row == {} or (isinstance(row, list) and len(row) < 7) for row in rows)


def _done(product: Product, row: dict[str, Any], body: bytes) -> None:
    if int(row["code"]) == 200:
        account.done(body)
    else:
        _fault(product, row, body)


_Verify = Callable[[Product, Any, bytes], None]

_SHAPES: tuple[tuple[Callable[[Any], bool], _Verify], ...] = (
    (_has("cancelResult", "newOrderResult"), _replacement),
    (_has("transactTime", "amendedOrder"), _amended),
    (
        _has("algoId", "clientAlgoId", "code"),
        _equal(reports.algo_cancelled, lambda r: (str(r["algoId"]), r["clientAlgoId"])),
    ),
    (_has("code", "msg"), _done),
    (_has("orderListId", "contingencyType", "orderReports"), _order_list),
    (_has("orderId", "clientOrderId", "symbol"), _order),
    (_has("algoId", "clientAlgoId", "symbol"), _order),
    (_rows("orderId", "newQty"), lambda p, r, b: _unused("the amendments of an order")),
    (_rows("orderId", "clientOrderId", "amendmentId"), lambda p, r, b: _unused("the amendments of an order")),
    (_rows("orderId", "origQty"), _orders),
    (_rows("algoId", "algoStatus"), _orders),
    (lambda payload: isinstance(payload, list) and any(_has("orderId", "origQty")(row) for row in payload), _orders),
    (_rows("orderId", "allocationId"), lambda p, r, b: _unused("the allocations of smart order routing")),
    (_rows("orderId", "commission"), _executions),
    (_has("lastUpdateId", "bids"), _book),
    (_rows("id", "price", "qty", "isBuyerMaker"), _trades),
    (_rows("a", "p", "q", "m"), _agg_trades),
    (_is_candles, _candles),
    (_has("serverTime", "symbols"), _listing),
    (_has("symbols", "rateLimits"), _listing),
    (
        lambda payload: (
            isinstance(payload, dict) and payload.keys() == {"symbols"} and "filters" in payload["symbols"][0]
        ),
        _listing,
    ),
    (_has("filterType"), _filter),
    (_has("symbolFilters"), _filters),
    (
        lambda payload: isinstance(payload, dict) and payload.keys() == {"serverTime"},
        _equal(market.server_time, lambda r: r["serverTime"] * MS),
    ),
    (_has("balances"), _account),
    (_has("assets", "totalWalletBalance"), _account),
    (_rows("asset", "availableBalance"), _balance_rows),
    (_rows("positionAmt", "symbol"), _positions),
    (_rows("rateLimitType"), _rate_limits),
    (_has("standardCommission", "symbol"), _fees),
    (_has("makerCommissionRate"), _fees),
    (_row_or_rows("symbol", "brackets"), _brackets),
    (_row_or_rows("markPrice", "lastFundingRate"), _premiums),
    (_rows("fundingRate", "fundingTime"), _funding),
    (_rows("incomeType", "income"), _incomes),
    (_rows("marginType", "leverage", "symbol"), _symbol_config),
    (_has("canTrade", "dualSidePosition"), _account_config),
    (lambda payload: isinstance(payload, dict) and payload.keys() == {"dualSidePosition"}, _account_config),
    (_has("leverage", "maxNotionalValue"), _equal(account.leverage_set, lambda r: (r["symbol"], D(r["leverage"])))),
    (_has("countdownTime"), _equal(account.countdown, lambda r: (r["symbol"], int(r["countdownTime"])))),
    (_has("listenKey"), _equal(account.listen_key, lambda r: r["listenKey"])),
    (
        _row_or_rows("bidPrice", "bidQty", "askPrice"),
        lambda p, r, b: _unused("24-hour statistics") if _is_day(r) else _tickers(p, r, b),
    ),
    (_has("mins", "price"), _equal(market.average_price, lambda r: D(r["price"]))),
    (
        lambda payload: isinstance(payload, dict) and payload.keys() == {"subscriptionId"},
        _equal(lambda b: wsapi.subscription(wsapi.Response(1, b, {})), lambda r: r["subscriptionId"]),
    ),
)


def _is_day(payload: Any) -> bool:
    row = payload[0] if isinstance(payload, list) else payload
    return "openPrice" in row


def _unused(what: str) -> None:
    raise NotApplicable(f"Kedge does not ask for {what}")


def _decimals_as_text(value: Any) -> Any:
    """Numbers with a point are written as text on the WebSocket API (FACTS.md 2.2)."""
    if isinstance(value, dict):
        return {name: _decimals_as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_decimals_as_text(each) for each in value]
    return str(value) if isinstance(value, Decimal) else value


def _is_cut_event(event: dict[str, Any]) -> bool:
    bar, sides = event.get("k"), [*event.get("b", []), *event.get("a", [])] if event.get("e") == "depthUpdate" else []
    return (isinstance(bar, dict) and "o" not in bar) or any(len(level) < 2 for level in sides)


def _plain(value: Any) -> Any:
    return json.loads(to_json(value), parse_float=Decimal)
