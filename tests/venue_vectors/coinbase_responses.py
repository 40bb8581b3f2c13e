"""`responses_ccxt_coinbase`, the coinbase cases of `responses_ccxt_static_verbatim` and of `markets_raw`: the venue's
answers through our parsers, held against the figures that ccxt read from them, as exact decimals, and against the kind
of exception that ccxt raised.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.instrument import InstrumentKind
from kedge.model.money import EXACT
from kedge.model.order import OrderStatus
from kedge.venues.answers import ErrorClass, Failed
from kedge.venues.coinbase import account, errors, market, orders, products
from kedge.venues.coinbase.configuration import terms
from kedge.venues.coinbase.products import Fees
from kedge.venues.coinbase.values import Fields, decode_object
from tests.venue_vectors.runner import Case, NotApplicable

#: ccxt's exception -> the classes of ours that mean it. A bare ExchangeError says only that the venue refused.
CLASSES: dict[str, set[ErrorClass]] = {
    "InsufficientFunds": {ErrorClass.REFUSED},
    "InvalidOrder": {ErrorClass.REFUSED, ErrorClass.OURS},
    "OrderNotFound": {ErrorClass.REFUSED},
    "OrderImmediatelyFillable": {ErrorClass.REFUSED},
    "DuplicateOrderId": {ErrorClass.REFUSED},
    "ExchangeError": {ErrorClass.REFUSED, ErrorClass.OURS},
    "BadRequest": {ErrorClass.OURS, ErrorClass.REFUSED},
    "BadSymbol": {ErrorClass.OURS, ErrorClass.REFUSED},
    "ArgumentsRequired": {ErrorClass.OURS},
    "AuthenticationError": {ErrorClass.OURS},
    "PermissionDenied": {ErrorClass.OURS},
    "InvalidNonce": {ErrorClass.OURS},
    "AccountSuspended": {ErrorClass.OURS},
    "RateLimitExceeded": {ErrorClass.RETRY_LATER},
    "DDoSProtection": {ErrorClass.RETRY_LATER, ErrorClass.BANNED},
    "ExchangeNotAvailable": {ErrorClass.UNKNOWN},
    "OnMaintenance": {ErrorClass.UNKNOWN},
    "RequestTimeout": {ErrorClass.UNKNOWN},
}
#: ccxt's word for a status -> ours.
STATUSES: dict[str | None, set[OrderStatus | None]] = {
    "open": {OrderStatus.OPEN, OrderStatus.PARTIAL},
    "closed": {OrderStatus.FILLED},
    "canceled": {OrderStatus.CANCELLED, OrderStatus.EXPIRED},
    "expired": {OrderStatus.EXPIRED},
    None: {None, OrderStatus.OPEN, OrderStatus.PARTIAL},
}
_HTTP_OF_ERROR = {
    "RateLimitExceeded": 429, "AuthenticationError": 401, "PermissionDenied": 403, "ExchangeNotAvailable": 503,
    "OnMaintenance": 503, "RequestTimeout": 504, "OrderNotFound": 404, "InvalidNonce": 401,
}  # fmt: skip
_TIMEFRAMES = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "4h": 14400,
    "6h": 21600,
    "1d": 86400,
}
_LATE = 2**62


def response(case: Case) -> None:
    _compared(case, case.data["ccxt_parsed"], case.data.get("ccxt_error"))


def static_response(case: Case) -> None:
    parsed = case.data["ccxt_4_5_90_parsed"]
    _compared(case, parsed, None)


def markets(case: Case) -> None:
    """Product lists: every figure of every product as it is written."""
    told = Fields(case.data["response"], "products")
    good, bad = products.listings(told, Fees())
    raw = {each["product_id"]: each for each in case.data["response"]["products"]}
    assert not bad, bad
    assert {each.product for each in good} == {name for name, each in raw.items() if each["product_type"] == "SPOT"}
    for each in good:
        written, made = raw[each.product], each.instrument
        assert made.tick_size == Decimal(written["price_increment"]), made
        assert made.lot_size == Decimal(written["base_increment"]), made
        assert made.min_notional == Decimal(written["quote_min_size"]), made
        assert made.min_quantity == Decimal(written["base_min_size"]), made
        assert made.max_quantity == Decimal(written["base_max_size"]), made
        assert (made.base, made.quote) == (written["base_currency_id"], written["quote_currency_id"]), made
        assert made.kind is InstrumentKind.SPOT
        assert each.alias == written["alias"]


def _compared(case: Case, parsed: Any, error: str | None) -> None:
    method = case.data["ccxt_method"]
    told = decode_object(case.raw("raw"), method)
    if error:
        _refused(case, told, error)
        return
    reader = _READERS.get(method)
    if reader is None:
        raise NotApplicable(f"{method}: Kedge does not ask this")
    reader(told, parsed, case)


def _refused(case: Case, told: Fields, error: str) -> None:
    kind = error.partition(":")[0].strip()
    if told.has("results"):  # ccxt fails the batch as one; we tell each order its own
        heard = orders.cancels(told)
        assert any(heard.values()), heard
        written = {each["order_id"]: each["success"] for each in case.data["raw"]["results"]}
        assert {name: not reason for name, reason in heard.items()} == written
        return
    if told.has("success"):
        failed = orders.placed(told)
        assert isinstance(failed, Failed), f"{failed} is no refusal"
    else:
        status = case.data.get("http_status") or case.data.get("status") or _HTTP_OF_ERROR.get(kind, 400)
        found = errors.failure(int(status), {}, case.raw("raw"), 0)
        assert found is not None
        failed = found
    assert failed.kind in CLASSES[kind], f"{failed} is not {kind}"
    assert failed.code in str(case.data["raw"]), failed


def _placed(told: Fields, parsed: Any, case: Case) -> None:
    taken = orders.placed(told)
    assert isinstance(taken, orders.Accepted), taken
    assert (taken.exchange_id, taken.client_id) == (parsed["id"], parsed["clientOrderId"])


def _cancelled(told: Fields, parsed: Any, case: Case) -> None:
    heard = orders.cancels(told)
    wanted = [each["id"] for each in parsed] if isinstance(parsed, list) else [parsed["id"]]
    assert [name for name, reason in heard.items() if not reason] == wanted, heard


def _edited(told: Fields, parsed: Any, case: Case) -> None:
    assert orders.edited(told) is None


def _orders(told: Fields, parsed: Any, case: Case) -> None:
    read = {each.text("order_id"): each for each in orders.page(told, "orders").items}
    for wanted in parsed:
        _order(read[wanted["id"]], wanted)
    symbol = case.data["input"][0]
    if symbol:
        product = symbol.replace("/", "-")
        ours = [name for name, each in read.items() if orders.standing(each).product == product]
        limit = case.data["input"][2] if len(case.data["input"]) > 2 else None
        assert len(parsed) == min(len(ours), int(limit) if limit else len(ours)), ours


def _one_order(told: Fields, parsed: Any, case: Case) -> None:
    _order(told.object("order"), parsed)


def _order(order: Fields, wanted: dict[str, Any]) -> None:
    where = orders.standing(order)
    assert (where.exchange_id, where.client_id) == (wanted["id"], wanted["clientOrderId"])
    assert where.product == wanted["symbol"].replace("/", "-")
    assert where.status in STATUSES[wanted["status"]], where
    assert where.filled == Decimal(wanted["filled"]), where
    shown = orders.open_order(order, where.product, "")
    assert shown.side == wanted["side"]
    assert shown.ts // NS_PER_MS == wanted["timestamp"]
    if wanted["amount"] is not None:
        assert shown.quantity == Decimal(wanted["amount"]), shown
    asked = terms(order.object("order_configuration"), shown.side)
    if asked.price is not None and wanted["price"] is not None:
        assert asked.price == Decimal(wanted["price"]), asked
    if wanted["timeInForce"]:
        assert asked.time_in_force == wanted["timeInForce"].lower(), asked
    if wanted["triggerPrice"] is not None:
        assert asked.stop_price == Decimal(wanted["triggerPrice"]), asked


def _fills(told: Fields, parsed: Any, case: Case) -> None:
    read = {each.trade_id: each for each in map(orders.execution, orders.page(told, "fills").items)}
    for wanted in parsed:
        made = read[wanted["id"]]
        assert made.exchange_id == wanted["order"]
        assert made.product == wanted["symbol"].replace("/", "-")
        assert (made.price, made.quantity) == (Decimal(wanted["price"]), Decimal(wanted["amount"])), made
        assert EXACT.multiply(made.price, made.quantity) == Decimal(wanted["cost"])
        assert made.fee == Decimal(wanted["fee"]["cost"]), made
        assert made.side == wanted["side"]
        assert made.ts // NS_PER_MS == wanted["timestamp"]
        assert wanted["takerOrMaker"] in {None, made.liquidity.value}


def _book(told: Fields, parsed: Any, case: Case) -> None:
    made = market.book(told, parsed["symbol"])
    for ours, theirs in ((made.bids, parsed["bids"]), (made.asks, parsed["asks"])):  # ccxt's books stay floats
        assert [tuple(map(float, level)) for level in ours] == [tuple(map(float, level)) for level in theirs]
    assert made.ts // NS_PER_MS == parsed["timestamp"]


def _candles(told: Fields, parsed: Any, case: Case) -> None:
    timeframe = case.data["input"][1] if len(case.data["input"]) > 1 else "1m"
    made = market.candles(told, "any", _TIMEFRAMES[timeframe] * NS_PER_S, _LATE)
    ours = [[each.ts // NS_PER_MS, each.open, each.high, each.low, each.close, each.volume] for each in made]
    assert ours == [[row[0], *map(Decimal, row[1:])] for row in parsed], ours


def _ticker(told: Fields, parsed: Any, case: Case) -> None:
    bid, ask = market.best(told)
    assert (bid, ask) == (Decimal(parsed["bid"]), Decimal(parsed["ask"]))
    last = market.trades(told, "any")[-1]
    assert last.price == Decimal(parsed["last"])
    assert last.ts // NS_PER_MS == parsed["timestamp"]


def _trades(told: Fields, parsed: Any, case: Case) -> None:
    made = {each.trade_id: each for each in market.trades(told, "any")}
    for wanted in parsed:
        each = made[wanted["id"]]
        assert (each.price, each.quantity) == (Decimal(wanted["price"]), Decimal(wanted["amount"]))
        assert each.ts // NS_PER_MS == wanted["timestamp"]
        # ccxt hands on the venue's word, which is the maker's side; ours is the aggressor's (decision 0032)
        assert each.side is not None
        assert each.side.opposite == wanted["side"]


def _balance(told: Fields, parsed: Any, case: Case) -> None:
    held = account.merged([account.balance(each) for each in told.items("accounts")])
    for currency, one in held.items():
        if currency in parsed:
            assert (one.total, one.free) == (Decimal(parsed[currency]["total"]), Decimal(parsed[currency]["free"]))


def _clock(told: Fields, parsed: Any, case: Case) -> None:
    if not told.has("epochMillis"):
        raise NotApplicable("an answer of /v2/time, which Kedge does not ask")
    assert market.server_time(told) // NS_PER_MS == parsed


_READERS: dict[str, Callable[[Fields, Any, Case], None]] = {
    "create_order": _placed,
    "edit_order": _edited,
    "cancel_order": _cancelled,
    "cancel_orders": _cancelled,
    "fetch_order": _one_order,
    "fetch_orders": _orders,
    "fetch_open_orders": _orders,
    "fetch_closed_orders": _orders,
    "fetch_canceled_orders": _orders,
    "fetch_my_trades": _fills,
    "fetch_order_book": _book,
    "fetch_ohlcv": _candles,
    "fetch_ticker": _ticker,
    "fetch_trades": _trades,
    "fetch_balance": _balance,
    "fetch_time": _clock,
}
