"""`responses_ccxt_binance_*` and the Binance cases of `responses_ccxt_static_verbatim`: our reading against ccxt's.

Figures are compared as exact decimals. Where ccxt derives what the venue did not say (the price of a market order from
its average), only what was said is held against it; where it drops what we keep, nothing is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kedge.model.order import OrderStatus
from kedge.venues.answers import ErrorClass
from kedge.venues.binance.protocol import account, market, reports
from kedge.venues.binance.protocol.errors import failure
from kedge.venues.binance.protocol.executions import Execution, executions_of
from kedge.venues.binance.protocol.instruments import Listing
from kedge.venues.binance.protocol.names import INTERVALS
from kedge.venues.binance.protocol.product import Product
from tests.venue_vectors.binance_listing import listing_of
from tests.venue_vectors.binance_requests import _interval, raw_of
from tests.venue_vectors.runner import Case, NotApplicable

NEVER_NS = 4_000_000_000_000 * 1_000_000
SYMBOL = "TEST-USD"

#: ccxt's exceptions, and what they say of what may have happened. -2015 matches a text of ccxt's that means something else.
CLASSES: dict[str, set[ErrorClass]] = {
    "InsufficientFunds": {ErrorClass.REFUSED},
    "InvalidOrder": {ErrorClass.REFUSED},
    "OrderNotFound": {ErrorClass.REFUSED},
    "OrderImmediatelyFillable": {ErrorClass.REFUSED},
    "OrderNotFillable": {ErrorClass.REFUSED},
    "DuplicateOrderId": {ErrorClass.REFUSED},
    "OperationRejected": {ErrorClass.REFUSED, ErrorClass.OURS},
    "MarginModeAlreadySet": {ErrorClass.REFUSED},
    "NoChange": {ErrorClass.REFUSED},
    "BadRequest": {ErrorClass.REFUSED, ErrorClass.OURS},
    "ArgumentsRequired": {ErrorClass.OURS},
    "BadSymbol": {ErrorClass.OURS, ErrorClass.REFUSED},
    "InvalidNonce": {ErrorClass.OURS},
    "AuthenticationError": {ErrorClass.OURS},
    "PermissionDenied": {ErrorClass.OURS, ErrorClass.REFUSED},
    "AccountSuspended": {ErrorClass.OURS, ErrorClass.REFUSED},
    "AccountNotEnabled": {ErrorClass.OURS, ErrorClass.REFUSED},
    "NotSupported": {ErrorClass.OURS, ErrorClass.REFUSED},
    "OperationFailed": {ErrorClass.RETRY_LATER, ErrorClass.UNKNOWN},
    "OnMaintenance": {ErrorClass.RETRY_LATER, ErrorClass.UNKNOWN},
    "ExchangeNotAvailable": {ErrorClass.RETRY_LATER, ErrorClass.UNKNOWN},
    "RequestTimeout": {ErrorClass.UNKNOWN},
    "RateLimitExceeded": {ErrorClass.RETRY_LATER, ErrorClass.BANNED},
    "DDoSProtection": {ErrorClass.RETRY_LATER, ErrorClass.BANNED},
    "MarketClosed": {ErrorClass.REFUSED},
    "ManualInteractionNeeded": {ErrorClass.OURS, ErrorClass.REFUSED},
    "RestrictedLocation": {ErrorClass.OURS, ErrorClass.REFUSED},
    "ExchangeClosedByUser": {ErrorClass.REFUSED},
    "ExchangeError": set(ErrorClass) - {ErrorClass.BANNED},
}

_STATUS = {
    "open": {OrderStatus.OPEN, OrderStatus.PARTIAL, OrderStatus.SUBMITTED},
    "closed": {OrderStatus.FILLED},
    "canceled": {OrderStatus.CANCELLED},
    "canceling": {OrderStatus.OPEN},
    "rejected": {OrderStatus.REJECTED},
    "expired": {OrderStatus.EXPIRED},
}
_LIMIT_TYPES = {"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT", "STOP"}
_MARKET_TYPES = {"MARKET", "STOP_LOSS", "STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"}


def responses(case: Case) -> None:
    raw = case.data["raw"]
    error = case.data.get("ccxt_error")
    if error:
        return _error(raw, error.partition(":")[0])
    parsed = case.data.get("ccxt_parsed", case.data.get("ccxt_4_5_90_parsed"))
    check = _METHODS.get(case.data["ccxt_method"])
    if check is None:
        raise NotApplicable(f"ccxt's {case.data['ccxt_method']}: an answer that Kedge does not read")
    product = Product.USDM if _is_futures(case) else Product.SPOT
    return check(Answered(case, product, case.raw("raw"), parsed))


def _is_futures(case: Case) -> bool:
    return "usdm" in f"{case.data.get('venue', '')} {case.file}"


def _error(raw: dict[str, Any], name: str) -> None:
    code = raw["code"]
    status = 429 if code in {-1003, -1015} else 400
    failed = failure(status, {}, b'{"code":%d,"msg":"%s"}' % (code, raw["msg"].replace('"', "'").encode()), 1)
    assert failed.code == str(code)
    assert failed.message == raw["msg"].replace('"', "'")
    allowed = {ErrorClass.OURS} if code == -2015 else CLASSES[name]
    assert failed.kind in allowed, f"{code} is {failed.kind} here and {name} for ccxt"


class Answered:
    """An answer and ccxt's reading of it."""

    def __init__(self, case: Case, product: Product, body: bytes, parsed: Any) -> None:
        self.case = case
        self.product = product
        self.body = body
        self.raw = case.data["raw"]
        self.parsed = parsed
        self.args = case.data["input"]

    def listing(self) -> Listing:
        return listing_of(self.product, self.raw)


def same(ours: Decimal | None, theirs: Any, what: str) -> None:
    """Exactly the same figure."""
    assert ours is not None, f"{what}: ours is missing, ccxt says {theirs}"
    assert ours == Decimal(str(theirs)), f"{what}: {ours} here, {theirs} there"


def _one_order(state: reports.OrderState, raw: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert state.exchange_id == theirs["id"]
    assert state.client_id == (raw.get("origClientOrderId") or raw.get("clientAlgoId") or theirs["clientOrderId"])
    if theirs["symbol"]:
        assert raw_of(theirs["symbol"]) == state.raw
    if theirs["timestamp"] is not None and not raw.get("time"):
        assert state.ts == theirs["timestamp"] * 1_000_000
    if theirs["status"]:
        assert state.status in _STATUS[theirs["status"]], state.status
    if theirs["side"]:
        assert state.side is not None
        assert state.side.value == theirs["side"]
    if theirs["timeInForce"]:
        assert state.time_in_force == theirs["timeInForce"] or state.post_only
    if state.type_name in _LIMIT_TYPES | _MARKET_TYPES and theirs["type"]:
        assert theirs["type"] == ("limit" if state.type_name in _LIMIT_TYPES else "market")
    if theirs.get("postOnly") is not None:
        assert state.post_only is theirs["postOnly"]
    if theirs.get("reduceOnly") is not None:
        assert state.reduce_only is theirs["reduceOnly"]
    _order_figures(state, theirs)


def _order_figures(state: reports.OrderState, theirs: dict[str, Any]) -> None:
    if state.price is None:
        assert theirs["price"] in {None, theirs["average"]}, theirs["price"]
    else:
        same(state.price, theirs["price"], "price")
    for ours, name in ((state.stop_price, "triggerPrice"), (state.quantity, "amount"), (state.filled, "filled")):
        if theirs[name] is not None:
            same(ours, theirs[name], name)
    if theirs["cost"] is not None and state.quote_filled is not None:
        same(state.quote_filled, theirs["cost"], "cost")
    if theirs["remaining"] is not None and state.quantity is not None:
        same(state.quantity - state.filled, theirs["remaining"], "remaining")
    assert len(state.executions) == len(theirs.get("trades") or [])
    for execution, trade in zip(state.executions, theirs.get("trades") or [], strict=True):
        assert execution.trade_id == trade["id"]
        _trade_figures(execution, trade)
    if theirs.get("fee") and len({one.fee_currency for one in state.executions}) == 1:
        same(sum((one.fee for one in state.executions), Decimal(0)), theirs["fee"]["cost"], "fee")


def _trade_figures(execution: Execution, trade: dict[str, Any]) -> None:
    same(execution.price, trade["price"], "price")
    same(execution.quantity, trade["amount"], "amount")
    same(execution.fee, trade["fee"]["cost"], "fee")
    assert execution.fee_currency == trade["fee"]["currency"]


def _order(a: Answered) -> None:
    if isinstance(a.raw, list):
        return _orders(a)
    return _one_order(reports.order_state(a.body), a.raw, a.parsed)


def _orders(a: Answered) -> None:
    raws = {str(row.get("orderId") or row.get("algoId")): row for row in _flat(a.raw)}
    theirs = {each["id"]: each for each in a.parsed if each["id"]}
    ours = {state.exchange_id: state for state in reports.order_states(a.body)}
    assert theirs.keys() <= ours.keys()
    assert ours.keys() == raws.keys()
    for exchange_id, parsed in theirs.items():
        _one_order(ours[exchange_id], raws[exchange_id], parsed)


def _flat(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for row in rows for one in (row.get("orderReports") or [row])]


def _batch(a: Answered) -> None:
    states = reports.batch_states(a.body)
    assert len(states) == len(a.parsed)
    for state, raw, parsed in zip(states, a.raw, a.parsed, strict=True):
        assert isinstance(state, reports.OrderState)
        _one_order(state, raw, parsed)


def _cancel_all(a: Answered) -> None:
    if isinstance(a.raw, dict):
        return account.done(a.body)
    return _orders(a)


def _my_trades(a: Answered) -> None:
    theirs = {trade["id"]: trade for trade in a.parsed}
    ours = executions_of(a.body)
    assert [one.trade_id for one in ours] == sorted(theirs, key=int)
    for one in ours:
        trade = theirs[one.trade_id]
        assert (one.exchange_id, one.side.value, one.liquidity.value) == (
            trade["order"],
            trade["side"],
            trade["takerOrMaker"],
        )
        assert one.ts == trade["timestamp"] * 1_000_000
        assert one.raw == raw_of(trade["symbol"])
        _trade_figures(one, trade)
        same(one.price * one.quantity if one.quote_quantity is None else one.quote_quantity, trade["cost"], "cost")


def _trades(a: Answered) -> None:
    aggregated = "a" in a.raw[0]
    ours = (market.agg_trades if aggregated else market.trades)(a.body, SYMBOL, 1)
    assert [one.trade_id for one in ours] == [trade["id"] for trade in a.parsed]
    for one, trade in zip(ours, a.parsed, strict=True):
        assert one.ts == trade["timestamp"] * 1_000_000
        assert one.side is not None
        assert one.side.value == trade["side"]
        same(one.price, trade["price"], "price")
        same(one.quantity, trade["amount"], "amount")


def _book(a: Answered) -> None:
    book = market.book(a.body, SYMBOL, 7)
    assert book.sequence == a.parsed["nonce"]
    assert book.ts == (a.parsed["timestamp"] * 1_000_000 if a.parsed["timestamp"] else 7)
    for ours, theirs, raw in (
        (book.bids, a.parsed["bids"], a.raw["bids"]),
        (book.asks, a.parsed["asks"], a.raw["asks"]),
    ):
        assert [list(level) for level in ours] == [[Decimal(text) for text in level] for level in raw]
        assert len(ours) == len(theirs)  # ccxt keeps the levels of a book as floats: near, not the same
        for level, level_there in zip(ours, theirs, strict=True):
            assert all(
                abs(x - Decimal(str(y))) <= abs(x) * Decimal("1e-15") for x, y in zip(level, level_there, strict=True)
            )


def _candles(a: Answered) -> None:
    step = _interval(a.args[1]) if len(a.args) > 1 else next(iter(INTERVALS))
    ours = market.candles(a.body, SYMBOL, step, NEVER_NS)
    assert len(ours) == len(a.parsed)
    for one, row in zip(ours, a.parsed, strict=True):
        assert one.ts == row[0] * 1_000_000
        for figure, text in zip((one.open, one.high, one.low, one.close, one.volume), row[1:], strict=True):
            same(figure, text, "candle")


def _time(a: Answered) -> None:
    assert market.server_time(a.body) == a.parsed * 1_000_000


def _balance(a: Answered) -> None:
    ours = account.balance_rows(a.body) if isinstance(a.raw, list) else account.balances(a.body)
    theirs = {
        name: each for name, each in a.parsed.items() if isinstance(each, dict) and "total" in each and "free" in each
    }
    assert ours.keys() == theirs.keys()
    for name, balance in ours.items():
        same(balance.total, theirs[name]["total"], f"total {name}")
        same(balance.free, theirs[name]["free"], f"free {name}")


def _leverage(a: Answered) -> None:
    raw, leverage = account.leverage_set(a.body)
    assert (raw, leverage) == (a.parsed["symbol"], Decimal(a.parsed["leverage"]))


def _premium(a: Answered) -> None:
    (premium,) = market.premiums(a.body)
    theirs = a.parsed[0] if isinstance(a.parsed, list) else a.parsed
    assert premium.raw == raw_of(theirs["symbol"])
    assert premium.ts == theirs["timestamp"] * 1_000_000
    same(premium.mark, theirs["markPrice"], "mark price")
    same(premium.index, theirs["indexPrice"], "index price")
    same(premium.rate, theirs["fundingRate"], "funding rate")
    assert premium.settles == theirs["fundingTimestamp"] * 1_000_000


def _funding(a: Answered) -> None:
    ours = market.funding(a.body, SYMBOL, 1)
    assert len(ours) == len(a.parsed)
    for one, theirs in zip(ours, a.parsed, strict=True):
        assert one.rate.ts == theirs["timestamp"] * 1_000_000
        same(one.rate.rate, theirs["fundingRate"], "funding rate")


def _positions(a: Answered) -> None:
    ours = account.positions(a.body, a.listing())
    theirs = [each for each in a.parsed if each["contracts"] and Decimal(each["contracts"])]
    assert len(ours) == len(theirs)
    for one, there in zip(ours, theirs, strict=True):
        same(abs(one.quantity), there["contracts"], "contracts")
        assert (there["side"] == "long") is (one.quantity > 0)
        same(one.entry_price, there["entryPrice"], "entry price")
        if there["unrealizedPnl"] is not None:
            same(one.unrealized, there["unrealizedPnl"], "unrealized")


def _bids_asks(a: Answered) -> None:
    rows = a.raw if isinstance(a.raw, list) else [a.raw]
    ours = market.quotes(a.body, {row["symbol"]: row["symbol"] for row in rows}, 7)
    theirs = a.parsed.values() if isinstance(a.parsed, dict) and "symbol" not in a.parsed else [a.parsed]
    assert {one.symbol for one in ours} == {raw_of(each["symbol"]) for each in theirs}
    for one in ours:
        there = next(each for each in theirs if raw_of(each["symbol"]) == one.symbol)
        for figure, name in (
            (one.bid, "bid"),
            (one.ask, "ask"),
            (one.bid_size, "bidVolume"),
            (one.ask_size, "askVolume"),
        ):
            same(figure, there[name], name)


_METHODS: dict[str, Callable[[Answered], None]] = {
    "create_order": _order,
    "create_orders": _batch,
    "edit_order": _order,
    "cancel_order": _order,
    "cancel_orders": _batch,
    "cancel_all_orders": _cancel_all,
    "fetch_order": _order,
    "fetch_open_order": _order,
    "fetch_orders": _orders,
    "fetch_open_orders": _orders,
    "fetch_closed_orders": _orders,
    "fetch_canceled_orders": _orders,
    "fetch_my_trades": _my_trades,
    "fetch_order_trades": _my_trades,
    "fetch_trades": _trades,
    "fetch_order_book": _book,
    "fetch_ohlcv": _candles,
    "fetch_mark_ohlcv": _candles,
    "fetch_time": _time,
    "fetch_balance": _balance,
    "set_leverage": _leverage,
    "fetch_funding_rate": _premium,
    "fetch_funding_rate_history": _funding,
    "fetch_positions": _positions,
    "fetch_positions_risk": _positions,
    "fetch_bids_asks": _bids_asks,
}
