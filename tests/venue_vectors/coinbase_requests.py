"""`requests_ccxt_coinbase` and `..._static_verbatim_coinbase`: what ccxt was asked for, asked of our builders, must give
the same method, path, parameters and body.

Left out of the comparison, and nothing else: the token, a client id that ccxt drew, and how three things are written that
mean the same to the venue: `product_id` for `product_ids` (the documented name), the order of parameters, and a whole
second with or without `.000`. Where ccxt asks the signed twin of a public endpoint, so do we.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.money import round_price, round_quantity
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.coinbase import requests
from kedge.venues.coinbase.configuration import DOWN, UP, Configuration, configuration, market, stop_limit
from kedge.venues.coinbase.requests import Call
from kedge.venues.coinbase.values import moment
from tests.venue_vectors.runner import Case, NotApplicable

#: Grids of the products that ccxt rounds to in these files (base_increment, price_increment); others are sent as given.
GRIDS = {"BTC-USD": (Decimal("0.00000001"), Decimal("0.01"))}

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
_SAME_NAME = {"product_id": "product_ids", "order_id": "order_ids"}
_NO_BUSINESS = {
    "deposit", "withdraw", "transfer", "convert", "ledger", "address", "portfolio", "transaction",
    "my_buys", "my_sells", "payment", "currencies", "accounts",
}  # fmt: skip


def request(case: Case) -> None:
    """The last request is the one under test; those before it are the client's own set-up."""
    if case.data.get("client_side_error") and not case.data["requests"]:
        raise NotApplicable("ccxt refused before it built a request")
    sent = case.data["requests"][-1]
    parts = urlsplit(sent["url"])
    call = _built(case, parts.path)
    _same(call, sent["method"], parts.path, parts.query, sent.get("body"))


def static_request(case: Case) -> None:
    expected = case.data["expected"]
    parts = urlsplit(expected["path"])
    query = parts.query or expected.get("params") or ""
    call = _built(case, parts.path)
    body = expected.get("body")
    _same(call, expected["method"], parts.path, query, json.dumps(body, default=str) if body else None)


def _same(call: Call, method: str, path: str, query: Any, body: str | None) -> None:
    assert call.method == method, f"{call.method} is not {method}"
    assert call.path == path, f"{call.path} is not {path}"
    ours = _parameters(urlsplit(call.url("https://host")).query)
    theirs = _parameters(query)
    assert ours == theirs, f"{ours} are not {theirs}"
    mine, other = json.loads(call.body or b"null"), json.loads(body or "null")
    if isinstance(mine, dict) and isinstance(other, dict) and "client_order_id" in mine:
        given = str(other.get("client_order_id", ""))
        if not given or given.startswith("ccxt-"):  # drawn by ccxt, or omitted with the other drawn values
            mine.pop("client_order_id")
            other.pop("client_order_id", None)
    assert mine == other, f"{mine} is not {other}"


def _parameters(query: Any) -> list[tuple[str, str]]:
    pairs = list(query.items()) if isinstance(query, dict) else parse_qsl(query, keep_blank_values=True)
    return sorted((_SAME_NAME.get(str(name), str(name)), _time(str(value))) for name, value in pairs)


def _time(value: str) -> str:
    return str(moment(value, "time")) if value.endswith("Z") and "T" in value else value


def _built(case: Case, path: str) -> Call:
    name = _snake(case.data["method"])
    signed = f"{requests.API}/market/" not in path
    builder = _BUILDERS.get(name)
    if builder is None:
        if any(word in name for word in _NO_BUSINESS):
            raise NotApplicable(f"{name}: Kedge moves no money and reads no wallet history")
        raise AssertionError(f"no builder for ccxt's {name}")
    return builder(list(case.data["input"]), signed)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).replace(
        "_o_h_l_c_v", "_ohlcv"
    )


def _product(symbol: Any) -> str:
    return str(symbol).replace("/", "-") if symbol else ""


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def _since(values: list[Any], place: int) -> int:
    return int(_at(values, place) or 0) * NS_PER_MS


def _place(values: list[Any], signed: bool) -> Call:
    symbol, kind, side, amount, price, more = (
        values[0],
        values[1],
        Side(values[2]),
        _at(values, 3),
        _at(values, 4),
        _at(values, 5),
    )
    more = more or {}
    product = _product(symbol)
    wanted = _wanted(product, kind, side, amount, price, more)
    if more.get("preview") or more.get("test"):
        return requests.preview(product, side, wanted)
    return requests.place_as(str(more.get("client_order_id", "")), product, side, wanted)


def _wanted(product: str, kind: str, side: Side, amount: Any, price: Any, more: dict[str, Any]) -> Configuration:
    lot, tick = GRIDS.get(product, (None, None))

    def size(value: Any) -> Decimal:
        return round_quantity(_number(value), lot) if lot else _number(value)

    def level(value: Any) -> Decimal:
        return round_price(_number(value), tick) if tick else _number(value)

    if kind == "market":
        if side is Side.SELL:
            return market(size(amount))
        if more.get("cost") is not None:
            return market(quote=_number(more["cost"]))
        by_price = more.get("createMarketBuyOrderRequiresPrice", True)
        return market(quote=_number(amount) * _number(price) if by_price else _number(amount))
    trigger = next((more[name] for name in ("triggerPrice", "stopPrice", "stop_price") if more.get(name)), None)
    protects = more.get("stopLossPrice")
    stop = trigger or protects or more.get("takeProfitPrice")
    expires = moment(more["end_time"], "end_time") if more.get("end_time") else 0
    direction = more.get("stop_direction")
    if stop and direction:
        assert direction in {UP, DOWN}
        return stop_limit(size(amount), level(price), level(stop), direction, expires)
    only = more.get("postOnly") or more.get("post_only") or more.get("timeInForce") == "PO"
    force = "GTD" if expires else str(more.get("timeInForce") or "GTC").replace("PO", "GTC")
    # ccxt's bare trigger is a take-profit: a buy waits for a fall, a sell for a rise
    order_type = (
        OrderType.LIMIT if not stop else OrderType.STOP_LIMIT if protects and not trigger else OrderType.TAKE_PROFIT
    )
    intent = OrderIntent(
        "any", product, side, order_type, size(amount), level(price), level(stop) if stop else None, None,
        TimeInForce(force.lower()), expires, bool(only),
    )  # fmt: skip
    return configuration(intent)


def _edit(values: list[Any], signed: bool) -> Call:
    return requests.edit(values[0], price=_number(values[5]), size=_number(values[4]))


def _cancel(values: list[Any], signed: bool) -> Call:
    return requests.cancel(values[0] if isinstance(values[0], list) else [values[0]])


def _by_status(status: str) -> Callable[[list[Any], bool], Call]:
    def build(values: list[Any], signed: bool) -> Call:
        return requests.orders(
            (status,) if status else (), _product(_at(values, 0)), _since(values, 1), limit=int(_at(values, 2) or 100)
        )

    return build


def _fills(values: list[Any], signed: bool) -> Call:
    return requests.fills(_product(_at(values, 0)), _since(values, 1), limit=int(_at(values, 2) or 100))


def _candles(values: list[Any], signed: bool) -> Call:
    more = _at(values, 4) or {}
    interval = _TIMEFRAMES[_at(values, 1) or "1m"] * NS_PER_S
    start = _since(values, 2)
    until = more.get("until") or more.get("end")
    end = int(until) * NS_PER_MS if until else start + min(int(_at(values, 3) or 300), 300) * interval
    return requests.candles(_product(values[0]), interval, start, end, signed=signed)


def _trades(values: list[Any], signed: bool) -> Call:
    more = _at(values, 3) or {}
    end = int(more.get("until") or 0) * NS_PER_MS
    return requests.trades(_product(values[0]), int(_at(values, 2) or 100), _since(values, 1), end, signed=signed)


def _clock(values: list[Any], signed: bool) -> Call:
    raise NotApplicable("ccxt asks /v2/time for the clock; Kedge asks the Advanced Trade API itself (FACTS 4.3)")


_BUILDERS: dict[str, Callable[[list[Any], bool], Call]] = {
    "create_order": _place,
    "create_market_buy_order_with_cost": lambda v, _: _place([v[0], "market", "buy", 0, None, {"cost": v[1]}], True),
    "create_limit_order": lambda v, s: _place([v[0], "limit", *v[1:]], s),
    "create_market_order": lambda v, s: _place([v[0], "market", *v[1:]], s),
    "create_limit_buy_order": lambda v, s: _place([v[0], "limit", "buy", *v[1:]], s),
    "create_limit_sell_order": lambda v, s: _place([v[0], "limit", "sell", *v[1:]], s),
    "cancel_order": _cancel,
    "cancel_orders": _cancel,
    "edit_order": _edit,
    "fetch_order": lambda v, _: requests.order(v[0]),
    "fetch_orders": _by_status(""),
    "fetch_open_orders": _by_status("OPEN"),
    "fetch_closed_orders": _by_status("FILLED"),
    "fetch_canceled_orders": _by_status("CANCELLED"),
    "fetch_my_trades": _fills,
    "fetch_order_book": lambda v, s: requests.book(_product(v[0]), int(_at(v, 1) or 0), signed=s),
    "fetch_ohlcv": _candles,
    "fetch_trades": _trades,
    "fetch_ticker": lambda v, s: requests.trades(_product(v[0]), 1, signed=s),
    "fetch_time": _clock,
    "fetch_balance": lambda v, _: requests.accounts(),
    "fetch_trading_fees": lambda v, _: requests.fees(),
    "fetch_positions": lambda v, _: requests.derivative_positions(),
    "fetch_markets": lambda v, s: requests.products(signed=s),
}
