"""`responses_ccxt_hyperliquid` and the venue's cases of `responses_ccxt_static_verbatim`: our reading of an answer holds
the figures that ccxt's does, as exact decimals, and our class of an error fits ccxt's exception.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kedge.model.facts import Liquidity
from kedge.model.order import OrderStatus
from kedge.venues.answers import ErrorClass
from kedge.venues.gateway import OpenOrder
from kedge.venues.hyperliquid.protocol import account, markets
from kedge.venues.hyperliquid.protocol.account import OrderState
from kedge.venues.hyperliquid.protocol.assets import account_fees, perpetuals, spot_pairs
from kedge.venues.hyperliquid.protocol.refusals import GONE, Refusal, refusal
from kedge.venues.hyperliquid.protocol.replies import Done, Filled, Resting, Statuses, Success, Waiting, reply
from tests.venue_vectors.hyperliquid_world import decimal, ours, same, same_text, table_for
from tests.venue_vectors.runner import Case, NotApplicable

#: What each exception of ccxt may be to us.
_CLASSES = {
    "InvalidOrder": {ErrorClass.REFUSED, ErrorClass.OURS},
    "InsufficientFunds": {ErrorClass.REFUSED},
    "OrderNotFound": {ErrorClass.REFUSED},
    "RateLimitExceeded": {ErrorClass.RETRY_LATER},
    "DDoSProtection": {ErrorClass.RETRY_LATER},
    "ExchangeError": {ErrorClass.OURS, ErrorClass.REFUSED},
    "BadRequest": {ErrorClass.OURS, ErrorClass.REFUSED},
    "BadSymbol": {ErrorClass.OURS, ErrorClass.REFUSED},
    "AuthenticationError": {ErrorClass.OURS},
    "PermissionDenied": {ErrorClass.OURS},
    "InvalidNonce": {ErrorClass.UNKNOWN, ErrorClass.OURS},
    "DuplicateOrderId": {ErrorClass.UNKNOWN, ErrorClass.REFUSED},
    "NotSupported": {ErrorClass.OURS, ErrorClass.REFUSED},
}
_STATUSES = {
    OrderStatus.OPEN: {"open"},
    OrderStatus.PARTIAL: {"open"},
    OrderStatus.FILLED: {"closed"},
    OrderStatus.CANCELLED: {"canceled"},
    OrderStatus.REJECTED: {"rejected"},
    OrderStatus.EXPIRED: {"rejected", "canceled", "expired"},
}


def responses_ccxt(case: Case) -> None:
    """An answer, and what ccxt 4.5.90 reads from it or raises."""
    _compare(case.data, case.data.get("ccxt_parsed"), case.data.get("ccxt_error"))


def responses_static(case: Case) -> None:
    """An answer of the venue that ccxt published with its reading."""
    _compare(case.data, case.data.get("ccxt_4_5_90_parsed"), None)


def _compare(data: dict[str, Any], parsed: Any, error: str | None) -> None:
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", data["ccxt_method"]).lower()
    if error:
        _errs(method, data["raw"], error.partition(":")[0])
        return
    compare = _METHODS.get(method)
    if compare is None:
        raise NotApplicable(f"Kedge has no use for {method}")
    compare(data["raw"], parsed, data)


# errors --------------------------------------------------------------------------------------------------------------


def _errs(method: str, raw: Any, exception: str) -> None:
    if method == "fetch_order":
        assert exception == "OrderNotFound"
        assert account.order_status(raw, table_for(raw)) is None
        return
    for found in _refusals(raw):
        assert found.kind in _CLASSES[exception], f"{found} and ccxt {exception}"
        if exception == "OrderNotFound":
            assert GONE.lower() in found.message.lower()


def _refusals(raw: Any) -> list[Refusal]:
    if isinstance(raw, str):
        return [refusal(raw)]
    told = reply(raw)
    if isinstance(told, Refusal):
        return [told]
    assert isinstance(told, Statuses), told
    refused = [status for status in told.statuses if isinstance(status, Refusal)]
    assert refused, told
    return refused


# orders --------------------------------------------------------------------------------------------------------------


def _placed(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    told = reply(raw)
    assert isinstance(told, Statuses), told
    listed = parsed if isinstance(parsed, list) else [parsed]
    assert len(told.statuses) == len(listed)
    for status, theirs in zip(told.statuses, listed, strict=True):
        if isinstance(status, Waiting):
            assert status.what == theirs["status"]
            continue
        assert isinstance(status, Resting | Filled), status
        same_text(str(status.oid), theirs["id"], "id")
        same_text(status.cloid, theirs.get("clientOrderId"), "clientOrderId")
        if isinstance(status, Filled):
            same(status.total, theirs["filled"], "filled")
            same(status.average, theirs["average"], "average")
            same(status.total * status.average, theirs["cost"], "cost")


def _cancelled(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    told = reply(raw)
    assert isinstance(told, Statuses), told
    assert all(isinstance(status, Success) for status in told.statuses), told
    assert len(told.statuses) == (len(parsed) if isinstance(parsed, list) else 1)


def _done(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    assert reply(raw) == Done()


def _order(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    state = account.order_status(raw, table_for(raw))
    assert state is not None
    _same_order(state, parsed)


def _orders(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    states = {str(state.oid): state for state in account.order_updates(raw, table_for(raw))}
    assert parsed, "ccxt lists no order"
    for theirs in parsed:
        _same_order(states[theirs["id"]], theirs)


def _same_order(state: OrderState, theirs: dict[str, Any]) -> None:
    same_text(str(state.oid), theirs["id"], "id")
    same_text(state.cloid, theirs["clientOrderId"], "clientOrderId")
    same(state.created // 10**6, theirs["timestamp"], "timestamp")
    if theirs["lastUpdateTimestamp"] is not None:
        same(state.ts // 10**6, theirs["lastUpdateTimestamp"], "lastUpdateTimestamp")
    _same_wish(state, theirs)
    assert theirs["status"] in _STATUSES[state.status], f"{state.status}, and ccxt says {theirs['status']}"


def _same_wish(state: OrderState | OpenOrder, theirs: dict[str, Any]) -> None:
    if theirs["symbol"]:
        assert state.symbol == ours(theirs["symbol"]), state.symbol
    assert state.side == theirs["side"]
    same(state.price, theirs["price"], "price")
    same(state.stop_price, theirs["triggerPrice"], "triggerPrice")
    same(state.quantity, theirs["amount"], "amount")
    same(state.filled, theirs["filled"], "filled")
    same(state.quantity - state.filled, theirs["remaining"], "remaining")
    if theirs["reduceOnly"] is not None:
        assert state.reduce_only == theirs["reduceOnly"]
    if state.order_type is not None and theirs["takeProfitPrice"] is not None:
        assert state.order_type == "take_profit"
    if state.order_type is not None and theirs["stopLossPrice"] is not None:
        assert state.order_type in {"stop", "stop_limit"}


def _open_orders(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    found = {order.exchange_id: order for order in account.open_orders(raw, table_for(raw), _nobody)}
    assert len(parsed) <= len(found)
    for theirs in parsed:
        order = found[theirs["id"]]
        same_text(order.client_id, theirs["clientOrderId"], "clientOrderId")
        same(order.ts // 10**6, theirs["timestamp"], "timestamp")
        _same_wish(order, theirs)
        assert theirs["status"] in _STATUSES[order.status]


def _fills(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    found: Counter[tuple[Any, ...]] = Counter()
    for own in account.own_fills(raw, table_for(raw), _nobody):
        fill = own.fill
        maker = fill.liquidity is Liquidity.MAKER
        identity = fill.trade_id if fill.trade_id.isdigit() else None
        found[
            fill.symbol, fill.ts // 10**6, identity, str(own.oid), fill.side.value, maker, fill.price, fill.quantity,
            fill.price * fill.quantity, fill.fee, fill.fee_currency or None,
        ] += 1  # fmt: skip
    for theirs in parsed:
        key = (
            ours(theirs["symbol"]), theirs["timestamp"], theirs["id"], theirs["order"], theirs["side"],
            theirs["takerOrMaker"] == "maker", decimal(theirs["price"]), decimal(theirs["amount"]),
            decimal(theirs["cost"]), decimal(theirs["fee"]["cost"]), theirs["fee"]["currency"],
        )  # fmt: skip
        assert found[key] > 0, f"{key} is not among our fills"
        found[key] -= 1


# the market ----------------------------------------------------------------------------------------------------------


def _book(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    book = markets.book(raw, table_for(raw))
    same(book.ts // 10**6, parsed["timestamp"], "timestamp")
    for levels, theirs in ((book.bids, parsed["bids"]), (book.asks, parsed["asks"])):
        assert [list(level) for level in levels] == [[decimal(price), decimal(size)] for price, size in theirs]


def _candles(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    rows = [
        [bar.ts // 10**6, bar.open, bar.high, bar.low, bar.close, bar.volume]
        for bar in markets.candles(raw, table_for(raw))
    ]
    expected = [[row[0], *map(decimal, row[1:])] for row in parsed]
    assert [row for row in rows if row in expected] == expected


def _trades(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    if raw and "oid" in raw[0]:
        _fills(raw, parsed, data)
        return
    found = {trade.trade_id: trade for trade in markets.trades(raw, table_for(raw))}
    for theirs in parsed:
        trade = found[theirs["id"]]
        same(trade.ts // 10**6, theirs["timestamp"], "timestamp")
        same(trade.price, theirs["price"], "price")
        same(trade.quantity, theirs["amount"], "amount")
        assert trade.side == theirs["side"]


def _funding_rates(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    found = {rate.ts // 10**6: rate.rate for rate in markets.funding_rates(raw, table_for(raw))}
    for theirs in parsed:
        same(found[theirs["timestamp"]], theirs["fundingRate"], "fundingRate")


def _funding_paid(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    found = {(paid.ts // 10**6, paid.symbol): paid for paid in account.funding_payments(raw, table_for(raw))}
    for theirs in parsed:
        paid = found[theirs["timestamp"], ours(theirs["symbol"])]
        same(paid.amount, theirs["amount"], "amount")
        same(paid.rate, theirs.get("rate", paid.rate), "rate")


def _markets(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    meta = raw[0] if isinstance(raw, list) else raw
    listed = spot_pairs(meta) if "tokens" in meta else perpetuals(meta)
    found = {asset.symbol: asset for asset in listed}
    for theirs in parsed:
        asset = found[ours(theirs["symbol"])]
        same(asset.index, theirs.get("baseId") or asset.index, "baseId")
        same(asset.lot_size, theirs["precision"]["amount"], "precision")


# the account ---------------------------------------------------------------------------------------------------------


def _positions(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    state = account.margin_account(raw, table_for(raw))
    found = {position.symbol: position for position in state.positions}
    for theirs in parsed:
        position = found[ours(theirs["symbol"])]
        assert (position.quantity > 0) is (theirs["side"] == "long")
        same(abs(position.quantity), theirs["contracts"], "contracts")
        same(position.entry_price, theirs["entryPrice"], "entryPrice")
        same(position.leverage, theirs["leverage"], "leverage")
        same(position.unrealized, theirs["unrealizedPnl"], "unrealizedPnl")
        same(position.liquidation_price, theirs["liquidationPrice"], "liquidationPrice")
        assert state.settings[position.symbol].mode == theirs["marginMode"]
        if theirs.get("markPrice") is not None:
            assert position.mark_price is not None
            assert abs(position.mark_price - decimal(theirs["markPrice"])) < Decimal("1e-8") * position.mark_price


def _position(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    _positions(raw, [parsed], data)


def _fee(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    fees = account_fees(raw)
    spot = ":" not in parsed["symbol"]
    same(fees.spot_taker if spot else fees.perpetual_taker, parsed["taker"], "taker")
    same(fees.spot_maker if spot else fees.perpetual_maker, parsed["maker"], "maker")


def _contexts(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    listed = perpetuals(raw[0])
    found = {asset.symbol: markets.contexts(raw, listed)[asset.coin] for asset in listed}
    for symbol, theirs in parsed.items():
        context = found[ours(symbol)]
        same(markets.mark(context), theirs["markPrice"], "markPrice")
        same(context["funding"], theirs["fundingRate"], "fundingRate")


def _balance(raw: Any, parsed: Any, data: dict[str, Any]) -> None:
    if "balances" in raw:
        for coin, balance in account.spot_balances(raw).items():
            same(balance.total, parsed[coin]["total"], coin)
            same(balance.total - balance.free, parsed[coin]["used"], coin)
        return
    state = account.margin_account(raw, table_for(raw))
    dollars = parsed["USDC"]
    same(state.value, dollars["total"], "total")
    if dollars.get("used") is not None:
        same(state.margin_used, dollars["used"], "used")
    if dollars.get("free") is not None and decimal(dollars["free"]) != state.value - state.margin_used:
        same(state.withdrawable, dollars["free"], "free")


def _nobody(oid: int, cloid: str) -> str:
    return ""


_METHODS: dict[str, Callable[[Any, Any, dict[str, Any]], None]] = {
    "create_order": _placed,
    "create_orders": _placed,
    "edit_order": _placed,
    "edit_orders": _placed,
    "cancel_order": _cancelled,
    "cancel_orders": _cancelled,
    "cancel_all_orders_after": _done,
    "set_leverage": _done,
    "set_margin_mode": _done,
    "add_margin": _done,
    "reduce_margin": _done,
    "fetch_order": _order,
    "fetch_orders": _orders,
    "fetch_closed_orders": _orders,
    "fetch_canceled_orders": _orders,
    "fetch_canceled_and_closed_orders": _orders,
    "fetch_open_orders": _open_orders,
    "fetch_my_trades": _fills,
    "fetch_order_book": _book,
    "fetch_ohlcv": _candles,
    "fetch_trades": _trades,
    "fetch_funding_rate_history": _funding_rates,
    "fetch_funding_history": _funding_paid,
    "fetch_markets": _markets,
    "fetch_swap_markets": _markets,
    "fetch_spot_markets": _markets,
    "fetch_positions": _positions,
    "fetch_position": _position,
    "fetch_trading_fee": _fee,
    "fetch_funding_rates": _contexts,
    "fetch_balance": _balance,
}
