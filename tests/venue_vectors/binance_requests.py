"""`requests_ccxt_binance_*` and `requests_ccxt_static_verbatim_binance`: what ccxt sends for a wish, and what we send.

A case is a ccxt call. It is translated to the same wish in Kedge's words, built by our protocol, and compared with the
last request: method, path, whether parameters travel in the query or the body, and every parameter but time and
signature. ccxt's own signature over its own bytes is made again by our signer. An id that ccxt generated is dropped on
both sides. Quantities and prices that ccxt rounds to a market's grid are rounded by the instrument's own rules to the
grid that the expected text shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from kedge.model.errors import UserError
from kedge.model.instant import NS_PER_DAY, NS_PER_MS, NS_PER_S
from kedge.model.money import round_price, round_quantity
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.model.secret import Secret
from kedge.venues.binance.protocol import calls, orders
from kedge.venues.binance.protocol.product import SITES, Product
from kedge.venues.binance.protocol.requests import Call, http_request
from kedge.venues.binance.protocol.signing import signer
from tests.venue_vectors.runner import Case, NotApplicable

#: The key of Binance's documentation, which ccxt was run with.
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
NOW_NS = 1_700_000_000_000 * NS_PER_MS

#: What differs from request to request by design.
VOLATILE = {"timestamp", "signature"}
GENERATED = {"newClientOrderId", "clientAlgoId"}

Params = dict[str, str]


class Expected:
    """The request of the case: where it goes and its parameters."""

    def __init__(self, case: Case) -> None:
        if "expected" in case.data:
            told = case.data["expected"]
            self.method, self.path, self.in_body = told["method"], told["path"], None
            self.params: Params = {name: str(value) for name, value in told.get("params", {}).items()}
            self.headers: Mapping[str, str] = {}
            self.signed_bytes, self.signature = "", ""
            return
        told = case.data["requests"][-1]
        url = urlsplit(told["url"])
        text = told["body"] or url.query
        self.method, self.path, self.in_body = told["method"], url.path, bool(told["body"])
        self.params = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)))
        self.headers = told["headers"] or {}
        self.signed_bytes, _, signature = text.partition("&signature=")
        self.signature = unquote(signature)


def requests(case: Case) -> None:
    wish = Wish(case)
    if case.data.get("client_side_error"):
        with pytest.raises(UserError):
            wish.call()
        return
    expected = wish.expected
    assert expected is not None
    if expected.signature:
        assert signer(Secret(SECRET)).sign(expected.signed_bytes.encode()) == expected.signature
    ours = http_request(wish.call(), SITES[wish.product].rest, Secret(KEY), signer(Secret(SECRET)), NOW_NS)
    url = urlsplit(ours.url)
    assert (ours.method, url.path) == (expected.method, expected.path)
    assert not (ours.body and url.query), "parameters in two places"
    if expected.in_body is not None and expected.params:
        assert bool(ours.body) is expected.in_body, "query and body are exchanged"
    for name, value in expected.headers.items():
        assert dict(ours.headers).get(name) == value, name
    params = dict(parse_qsl(ours.body.decode() or url.query, strict_parsing=bool(ours.body or url.query)))
    compare(params, expected.params, bool(case.data.get("requests")))


def compare(ours: Params, theirs: Params, whole: bool) -> None:
    """Parameter by parameter; lists in them as JSON, names of the batch lists whatever their case."""
    skipped = set(VOLATILE)
    if not whole:
        skipped |= {"recvWindow"}
    if not GENERATED & theirs.keys() or _is_generated(theirs):
        skipped |= GENERATED
    assert _plain(ours, skipped) == _plain(theirs, skipped)


def _is_generated(params: Params) -> bool:
    given = next(iter(GENERATED & params.keys()))
    return params[given].startswith("x-") and len(params[given]) > 20


def _plain(params: Params, skipped: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in params.items():
        if name in skipped:
            continue
        if value.startswith(("[", "%5B")):
            rows = json.loads(unquote(value))
            found[name.lower()] = [
                {key: item[key] for key in item if key not in GENERATED} if isinstance(item, dict) else item
                for item in rows
            ]
        else:
            found[name] = value
    return found


class Wish:
    """A ccxt call in our words."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.method = _snake(case.data["method"])
        self.args: list[Any] = list(case.data["input"])
        self.expected = None if case.data.get("client_side_error") else Expected(case)
        self.product = self._product()

    def _product(self) -> Product:
        path = self.expected.path if self.expected else ""
        if path.startswith("/fapi"):
            return Product.USDM
        if path.startswith("/api/v3"):
            return Product.SPOT
        if path:
            raise NotApplicable(f"{path.rsplit('/', 1)[0]}: an interface that Kedge does not use")
        return Product.USDM if ":" in str(self.args[0]) else Product.SPOT

    def call(self) -> Call:
        make = _METHODS.get(self.method)
        if make is None:
            raise NotApplicable(f"ccxt's {self.method}: a wish that Kedge does not have")
        return make(self)

    # arguments

    def arg(self, at: int, default: Any = None) -> Any:
        value = self.args[at] if at < len(self.args) else default
        return default if value is None else value

    @property
    def params(self) -> dict[str, Any]:
        return next((each for each in reversed(self.args) if isinstance(each, dict)), {})

    @property
    def expected_params(self) -> Params:
        return self.expected.params if self.expected else {}

    def raw(self, symbol: Any = None) -> str:
        if symbol is None:
            symbol = next(each for each in self.args if isinstance(each, str) and "/" in each)
        return raw_of(symbol)

    def named(self, exchange_id: Any) -> dict[str, str]:
        params = self.params
        algo = bool(params.get("stop") or params.get("trigger") or params.get("conditional"))
        client = params.get("clientOrderId") or params.get("clientAlgoId") or params.get("origClientOrderId") or ""
        return orders.named(client, "" if client else str(exchange_id or ""), algo=algo)


def raw_of(symbol: str) -> str:
    """`BTC/USDT:USDT` to `BTCUSDT`."""
    return symbol.partition(":")[0].replace("/", "")


def _snake(name: str) -> str:
    text = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return text.replace("o_h_l_c_v", "ohlcv").replace("_w_s", "")


# orders --------------------------------------------------------------------------------------------------------------

#: Options of ccxt that have a counterpart here.
_OPTIONS = {
    *("clientOrderId", "newClientOrderId", "timeInForce", "postOnly", "triggerPrice", "stopPrice", "stopLossPrice"),
    *("takeProfitPrice", "reduceOnly", "trailingPercent", "trailingDelta", "callbackRate", "stopLossOrTakeProfit"),
    *("positionSide", "hedged", "priceMatch", "selfTradePrevention", "selfTradePreventionMode", "icebergAmount"),
    *(
        "goodTillDate",
        "icebergQty",
        "test",
        "cost",
        "quoteOrderQty",
        "workingType",
        "marginMode",
        "type",
        "newOrderRespType",
    ),
}
_REFERENCE = Decimal(100)
_TIMES = {each.value.upper(): each for each in TimeInForce}

#: Types of the venue's own that ccxt lets through.
_LIMITED = {"limit", "limit_maker", "stop_loss_limit", "take_profit_limit"}


def _of_type(kind: str) -> dict[str, Any]:
    """What a venue's own type says beside limit or market."""
    if kind == "limit_maker":
        return {"postOnly": True}
    return {"stopLossOrTakeProfit": "takeProfit"} if kind.startswith("take_profit") else {}


def on_grid(value: Any, expected: str | None, rounded: Callable[[Decimal, Decimal], Decimal]) -> Decimal:
    """`value` on the grid that the expected text shows, by our own rounding; as it is where they are the same."""
    number = Decimal(str(value))
    if expected is None or Decimal(expected) == number:
        return number
    return rounded(number, Decimal(1).scaleb(-len(expected.partition(".")[2])))


def order_of(
    product: Product, args: list[Any], params: Mapping[str, Any], expected: Mapping[str, str]
) -> tuple[str, OrderIntent, orders.Options, Decimal | None]:
    symbol, kind, side, amount, price = (*args, None, None, None, None)[:5]
    unknown = params.keys() - _OPTIONS
    if unknown:
        raise NotApplicable(f"order options that Kedge does not offer: {', '.join(sorted(unknown))}")
    kind = kind.lower()
    limited = kind in _LIMITED or (kind in {"stop", "take_profit"} and price is not None)
    params = dict(params) | _of_type(kind)
    quote = params.get("cost") or params.get("quoteOrderQty")
    if "quoteOrderQty" in expected and quote is None:
        quote = Decimal(str(amount)) * Decimal(str(price))
    trail, order_type, stop = _trigger(params, limited)
    quantity = Decimal(0) if quote is not None else on_grid(amount, expected.get("quantity"), round_quantity)
    hedged = bool(params.get("hedged"))
    position_side = params.get("positionSide", "")
    if hedged:
        opens = (side == "buy") is not bool(params.get("reduceOnly"))
        position_side = "LONG" if opens else "SHORT"
    intent = OrderIntent(
        id=str(params.get("clientOrderId") or params.get("newClientOrderId") or "x-generated-1"),
        symbol=symbol,
        side=Side(side),
        order_type=order_type,
        quantity=quantity,
        price=on_grid(price, expected.get("price"), round_price) if limited and price is not None else None,
        stop_price=None if stop is None else _exact(stop),
        trail=trail,
        time_in_force=_TIMES.get(str(params.get("timeInForce")), TimeInForce.GTC),
        expires_ns=int(params.get("goodTillDate", 0)) * NS_PER_MS,
        post_only=bool(params.get("postOnly")) or params.get("timeInForce") in {"PO", "GTX"},
        reduce_only=bool(params.get("reduceOnly")),
    )
    iceberg = params.get("icebergAmount") or params.get("icebergQty")
    options = orders.Options(
        self_trade_prevention=str(
            params.get("selfTradePrevention") or params.get("selfTradePreventionMode") or ""
        ).upper(),
        iceberg_quantity=None if iceberg is None else _exact(iceberg),
        quote_quantity=None if quote is None else on_grid(quote, expected.get("quoteOrderQty"), round_quantity),
        price_match=params.get("priceMatch", ""),
        position_side=position_side,
        working_type=params.get("workingType", ""),
        test=bool(params.get("test")),
    )
    return raw_of(symbol), intent, options, _REFERENCE if trail is not None else None


def _trigger(params: Mapping[str, Any], limited: bool) -> tuple[Decimal | None, OrderType, Any]:
    plain = OrderType.LIMIT if limited else OrderType.MARKET
    percent = params.get("trailingPercent") or params.get("callbackRate")
    if percent is None and "trailingDelta" in params:
        percent = Decimal(str(params["trailingDelta"])) / 100
    takes = "takeProfitPrice" in params or params.get("stopLossOrTakeProfit") == "takeProfit"
    if percent is not None:
        kind = OrderType.TAKE_PROFIT if takes else OrderType.STOP_LIMIT if limited else OrderType.TRAILING_STOP
        return _exact(percent), kind, params.get("triggerPrice")
    stop = next(
        (params[n] for n in ("triggerPrice", "stopPrice", "stopLossPrice", "takeProfitPrice") if n in params), None
    )
    if stop is None:
        return None, plain, None
    if takes:
        return None, OrderType.TAKE_PROFIT, stop
    return None, OrderType.STOP_LIMIT if limited else OrderType.STOP, stop


def _exact(value: Any) -> Decimal:
    return Decimal(str(value))


def _create_order(wish: Wish) -> Call:
    positional = [each for each in wish.args if not isinstance(each, dict)]
    raw, intent, options, reference = order_of(wish.product, positional, wish.params, wish.expected_params)
    call = orders.place(wish.product, raw, intent, options, reference)
    if wish.case.data.get("client_side_error"):  # ccxt had the markets of 2021, where spot took no stop-loss order
        orders.check_offered(call, SPOT_2021)
    return call


SPOT_2021 = frozenset({"LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})


def _with_cost(side: str) -> Callable[[Wish], Call]:
    def make(wish: Wish) -> Call:
        wish.args = [wish.args[0], "market", side, None, None, {"cost": wish.args[1], **wish.params}]
        return _create_order(wish)

    return make


def _create_orders(wish: Wish) -> Call:
    rows = json.loads(wish.expected_params["batchOrders"])
    pairs = []
    for row, expected in zip(wish.args[0], rows, strict=True):
        args = [row["symbol"], row["type"], row["side"], row.get("amount"), row.get("price")]
        raw, intent, _, _ = order_of(wish.product, args, row.get("params", {}), expected)
        pairs.append((raw, intent))
    return orders.place_batch(pairs)


def _edit_order(wish: Wish) -> Call:
    exchange_id, *positional = [each for each in wish.args if not isinstance(each, dict)]
    raw, intent, options, _ = order_of(wish.product, positional, wish.params, wish.expected_params)
    return orders.replace(wish.product, raw, orders.named("", exchange_id), intent, options)


def _cancel_orders(wish: Wish) -> Call:
    ids, symbol = wish.args[0], wish.args[1]
    return orders.cancel_batch(raw_of(symbol), wish.params.get("clientOrderIds", ()), ids)


def _cancel_all(wish: Wish) -> Call:
    if wish.params.get("trigger") or wish.params.get("stop"):
        return orders.cancel_all_algo(wish.raw())
    return orders.cancel_all(wish.product, wish.raw())


# the rest ------------------------------------------------------------------------------------------------------------


def _ns(milliseconds: Any) -> int:
    return int(milliseconds) * NS_PER_MS


def _interval(name: str) -> int:
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
    if name[-1] not in units:
        raise NotApplicable(f"candles of {name}: no fixed length, Kedge has none")
    return int(name[:-1]) * units[name[-1]] * NS_PER_S


def _candles(kind: str) -> Callable[[Wish], Call]:
    def make(wish: Wish) -> Call:
        start = wish.arg(2)
        end = wish.params.get("until")
        if start is None:
            raise NotApplicable("candles without a beginning: Kedge always says from when")
        return calls.candles(
            wish.product,
            wish.raw(),
            _interval(wish.args[1]),
            _ns(start),
            None if end is None else _ns(end) + NS_PER_MS,
            wish.arg(3),
            kind,
        )

    return make


def _my_trades(wish: Wish) -> Call:
    start = wish.arg(1)
    if start is None:
        raise NotApplicable("trades without a beginning: Kedge always says since when")
    end = int(wish.expected_params.get("endTime", int(start) + NS_PER_DAY // NS_PER_MS - 1))
    if "endTime" not in wish.expected_params:
        raise NotApplicable("trades without an end: Kedge always says until when")
    return calls.fills(wish.product, wish.raw(), _ns(start), _ns(end) + NS_PER_MS, wish.arg(2, 1_000))


def _all_orders(wish: Wish) -> Call:
    if wish.arg(1) is None or wish.arg(2) is None:
        raise NotApplicable("orders without a beginning or a bound: Kedge always says both")
    return calls.all_orders(wish.product, wish.raw(), _ns(wish.args[1]), wish.args[2])


def _funding_rates(wish: Wish) -> Call:
    if wish.arg(1) is None:
        raise NotApplicable("funding rates without a beginning: Kedge always says since when")
    end = wish.params.get("until")
    return calls.funding_rates(
        wish.raw(), _ns(wish.args[1]), None if end is None else _ns(end) + NS_PER_MS, wish.arg(2, 1_000)
    )


def _funding_history(wish: Wish) -> Call:
    if wish.arg(1) is None:
        raise NotApplicable("payments without a beginning: Kedge always says since when")
    return calls.income(wish.raw(), "FUNDING_FEE", _ns(wish.args[1]), wish.arg(2, 1_000))


def _open_orders(wish: Wish) -> Call:
    symbol = wish.arg(0)
    raw = raw_of(symbol) if isinstance(symbol, str) else ""
    if wish.params.get("stop") or wish.params.get("trigger"):
        return calls.open_algo_orders(raw)
    return calls.open_orders(wish.product, raw)


def _trades(wish: Wish) -> Call:
    if wish.arg(1) is not None:
        raise NotApplicable("public trades since a moment: Kedge asks for the latest")
    if wish.expected and wish.expected.path.endswith("/trades"):
        return calls.trades(wish.product, wish.raw(), wish.arg(2, 1_000))
    return calls.agg_trades(wish.product, wish.raw(), wish.arg(2, 1_000))


def _balance(wish: Wish) -> Call:
    if wish.expected is None or wish.expected.path not in {"/api/v3/account", "/fapi/v3/account"}:
        raise NotApplicable("Kedge reads balances from the account")
    return calls.account(wish.product)


def _positions(wish: Wish) -> Call:
    if wish.expected is None or wish.expected.path != "/fapi/v3/positionRisk":
        raise NotApplicable("Kedge reads positions from positionRisk")
    raw = wish.expected_params.get("symbol", "")
    return calls.positions(raw)


_METHODS: dict[str, Callable[[Wish], Call]] = {
    "create_order": _create_order,
    "create_limit_order": _create_order,
    "create_market_order_with_cost": lambda w: _with_cost(w.args[1])(w),
    "create_market_buy_order_with_cost": _with_cost("buy"),
    "create_market_sell_order_with_cost": _with_cost("sell"),
    "create_orders": _create_orders,
    "edit_order": _edit_order,
    "cancel_order": lambda w: orders.cancel(w.product, w.raw(), w.named(w.args[0])),
    "cancel_order_with_client_order_id": lambda w: orders.cancel(w.product, w.raw(), orders.named(w.args[0])),
    "fetch_order": lambda w: orders.query(w.product, w.raw(), w.named(w.args[0])),
    "fetch_order_with_client_order_id": lambda w: orders.query(w.product, w.raw(), orders.named(w.args[0])),
    "cancel_orders": _cancel_orders,
    "cancel_all_orders": _cancel_all,
    "fetch_open_orders": _open_orders,
    "fetch_orders": _all_orders,
    "fetch_closed_orders": _all_orders,
    "fetch_my_trades": _my_trades,
    "fetch_balance": _balance,
    "fetch_positions": _positions,
    "fetch_positions_risk": _positions,
    "fetch_order_trades": lambda w: calls.fills_of(w.product, w.raw(), str(w.args[0])),
    "fetch_leverage": lambda w: calls.symbol_config(w.raw()),
    "fetch_margin_mode": lambda w: calls.symbol_config(w.raw()),
    "fetch_position_mode": lambda w: calls.position_mode(),
    "fetch_funding_history": _funding_history,
    "fetch_order_book": lambda w: calls.depth(w.product, w.raw(), w.arg(1, 100)),
    "fetch_trades": _trades,
    "fetch_time": lambda w: calls.server_time(w.product),
    "fetch_bids_asks": lambda w: calls.book_tickers(w.product, tuple(map(raw_of, w.args[0]))),
    "fetch_ohlcv": _candles("klines"),
    "fetch_mark_ohlcv": _candles("markPriceKlines"),
    "fetch_funding_rate": lambda w: calls.premium_index(w.raw()),
    "fetch_mark_price": lambda w: calls.premium_index(w.raw()),
    "fetch_funding_rate_history": _funding_rates,
    "fetch_leverage_tiers": lambda w: calls.leverage_brackets(),
    "fetch_trading_fee": lambda w: calls.commission(w.product, w.raw()),
    "set_leverage": lambda w: calls.set_leverage(w.raw(), int(w.args[0])),
    "set_margin_mode": lambda w: calls.set_margin_mode(w.raw(), w.args[0] == "isolated"),
    "load_markets": lambda w: calls.exchange_info(w.product),
    "fetch_markets": lambda w: calls.exchange_info(w.product),
}
