"""The calls that read: market data, the account, and its settings. What places and ends orders is in `orders`.

Weights are those of FACTS.md 1.4 and 2.4. Times are given in UTC nanoseconds and sent in milliseconds; an end is
exclusive here and inclusive there.
"""

from __future__ import annotations

from kedge.model.instant import NS_PER_DAY, NS_PER_MS
from kedge.venues.binance.protocol.names import interval_name
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.requests import Call, Purpose, Security

_ROOT = {Product.SPOT: "/api/v3", Product.USDM: "/fapi/v1"}
_SPOT, _USDM = Product.SPOT, Product.USDM

#: Rows of one page.
CANDLES_MAX = {_SPOT: 1_000, _USDM: 1_500}
TRADES_MAX = 1_000
FUNDING_RATES_MAX = 1_000
INCOME_MAX = 1_000
DEPTHS = {_SPOT: (5_000,), _USDM: (5, 10, 20, 50, 100, 500, 1_000)}

#: The longest span of one question about executions (FACTS.md 1.4, 2.4).
FILLS_SPAN_NS = {_SPOT: NS_PER_DAY, _USDM: 7 * NS_PER_DAY}


def _public(product: Product, path: str, params: dict[str, str], weight: int) -> Call:
    return Call("GET", f"{_ROOT[product]}{path}", params, Security.PUBLIC, weight)


def _signed(method: str, path: str, params: dict[str, str], weight: int, purpose: Purpose = Purpose.READ) -> Call:
    return Call(method, path, params, Security.SIGNED, weight, 0, purpose)


def _ms(moment_ns: int) -> str:
    return str(moment_ns // NS_PER_MS)


def _until(end_ns: int) -> str:
    """The last millisecond before `end_ns`."""
    return str(-(-end_ns // NS_PER_MS) - 1)


# the market ----------------------------------------------------------------------------------------------------------


def server_time(product: Product) -> Call:
    """The venue's clock."""
    return _public(product, "/time", {}, 1)


def exchange_info(product: Product) -> Call:
    """Everything listed."""
    return _public(product, "/exchangeInfo", {}, 20 if product is _SPOT else 1)


def depth(product: Product, raw: str, limit: int) -> Call:
    """The book; `limit` is raised to what the venue offers, and cut at its most."""
    if product is _SPOT:
        limit = max(1, min(limit, 5_000))
        weight = 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1_000 else 250
    else:
        limit = next((offered for offered in DEPTHS[_USDM] if offered >= limit), 1_000)
        weight = 2 if limit <= 50 else 5 if limit == 100 else 10 if limit == 500 else 20
    return _public(product, "/depth", {"symbol": raw, "limit": str(limit)}, weight)


def trades(product: Product, raw: str, limit: int) -> Call:
    """The latest trades."""
    weight = 25 if product is _SPOT else 5
    return _public(product, "/trades", {"symbol": raw, "limit": str(max(1, min(limit, TRADES_MAX)))}, weight)


def agg_trades(product: Product, raw: str, limit: int) -> Call:
    """The latest trades, those of one taker at one price as one."""
    weight = 4 if product is _SPOT else 20
    return _public(product, "/aggTrades", {"symbol": raw, "limit": str(max(1, min(limit, TRADES_MAX)))}, weight)


def candles(
    product: Product,
    raw: str,
    interval_ns: int,
    start_ns: int,
    end_ns: int | None = None,
    limit: int | None = None,
    kind: str = "klines",
) -> Call:
    """Candles that open in `[start, end)`, one page; `kind` is klines or (futures) markPriceKlines."""
    rows = min(limit or CANDLES_MAX[product], CANDLES_MAX[product])
    params = {"symbol": raw, "interval": interval_name(interval_ns), "startTime": _ms(start_ns)}
    if end_ns is not None:
        params["endTime"] = _until(end_ns)
    params["limit"] = str(rows)
    weight = 2 if product is _SPOT else 1 if rows < 100 else 2 if rows < 500 else 5 if rows <= 1_000 else 10
    return _public(product, f"/{kind}", params, weight)


def book_tickers(product: Product, raws: tuple[str, ...]) -> Call:
    """The best bid and ask of some markets."""
    if len(raws) == 1 and product is _USDM:
        return _public(product, "/ticker/bookTicker", {"symbol": raws[0]}, 2)
    names = ",".join(f'"{raw}"' for raw in raws)
    return _public(product, "/ticker/bookTicker", {"symbols": f"[{names}]"}, 4)


def premium_index(raw: str) -> Call:
    """Mark price, index price and the funding to come of a perpetual."""
    return _public(_USDM, "/premiumIndex", {"symbol": raw}, 1)


def funding_rates(raw: str, start_ns: int, end_ns: int | None = None, limit: int = FUNDING_RATES_MAX) -> Call:
    """Rates that were settled."""
    params = {"symbol": raw, "startTime": _ms(start_ns)}
    if end_ns is not None:
        params["endTime"] = _until(end_ns)
    params["limit"] = str(limit)
    return _public(_USDM, "/fundingRate", params, 1)


# the account ---------------------------------------------------------------------------------------------------------


def open_orders(product: Product, raw: str = "") -> Call:
    """Orders that work, of one market or of all."""
    params = {"symbol": raw} if raw else {}
    weight = (6 if raw else 80) if product is _SPOT else (1 if raw else 40)
    return _signed("GET", f"{_ROOT[product]}/openOrders", params, weight)


def open_algo_orders(raw: str = "") -> Call:
    """Conditional orders that wait for their trigger; the plain list does not have them."""
    return _signed("GET", "/fapi/v1/openAlgoOrders", {"symbol": raw} if raw else {}, 1 if raw else 40)


def all_orders(product: Product, raw: str, start_ns: int, limit: int) -> Call:
    """Orders of a market, whatever became of them."""
    params = {"symbol": raw, "startTime": _ms(start_ns), "limit": str(limit)}
    return _signed("GET", f"{_ROOT[product]}/allOrders", params, 20 if product is _SPOT else 5)


def all_algo_orders(raw: str, start_ns: int, limit: int) -> Call:
    """Conditional orders of a market, whatever became of them."""
    params = {"symbol": raw, "startTime": _ms(start_ns), "limit": str(limit)}
    return _signed("GET", "/fapi/v1/allAlgoOrders", params, 5)


def fills(product: Product, raw: str, start_ns: int, end_ns: int, limit: int = TRADES_MAX) -> Call:
    """Executions of ours in `[start, end)`, which may span no more than `FILLS_SPAN_NS`."""
    path = "/api/v3/myTrades" if product is _SPOT else "/fapi/v1/userTrades"
    params = {"symbol": raw, "startTime": _ms(start_ns), "endTime": _until(end_ns), "limit": str(limit)}
    return _signed("GET", path, params, 20 if product is _SPOT else 5)


def fills_from(product: Product, raw: str, from_id: int, limit: int = TRADES_MAX) -> Call:
    """Executions of ours from a trade id on: how a full page is continued."""
    path = "/api/v3/myTrades" if product is _SPOT else "/fapi/v1/userTrades"
    params = {"symbol": raw, "fromId": str(from_id), "limit": str(limit)}
    return _signed("GET", path, params, 20 if product is _SPOT else 5)


def fills_of(product: Product, raw: str, exchange_id: str) -> Call:
    """Executions of one order."""
    path = "/api/v3/myTrades" if product is _SPOT else "/fapi/v1/userTrades"
    return _signed("GET", path, {"symbol": raw, "orderId": exchange_id}, 5)


def account(product: Product) -> Call:
    """Balances, and on spot what the key's owner may do."""
    if product is _SPOT:
        return _signed("GET", "/api/v3/account", {}, 20)
    return _signed("GET", "/fapi/v3/account", {}, 5)


def commission(product: Product, raw: str) -> Call:
    """The account's own fees on a market."""
    if product is _SPOT:
        return _signed("GET", "/api/v3/account/commission", {"symbol": raw}, 20)
    return _signed("GET", "/fapi/v1/commissionRate", {"symbol": raw}, 20)


def key_restrictions() -> Call:
    """What the key may do. Not answered where there is no `/sapi` (the testnets)."""
    return _signed("GET", "/sapi/v1/account/apiRestrictions", {}, 1)


def order_counts(product: Product) -> Call:
    """The limits of the account's orders, and on spot how much of them is used."""
    return _signed("GET", f"{_ROOT[product]}/rateLimit/order", {}, 40 if product is _SPOT else 1)


def positions(raw: str = "") -> Call:
    """Positions that are not flat, and symbols with open orders."""
    return _signed("GET", "/fapi/v3/positionRisk", {"symbol": raw} if raw else {}, 5)


def account_config() -> Call:
    """Whether positions are netted, and what the account may do."""
    return _signed("GET", "/fapi/v1/accountConfig", {}, 5)


def position_mode() -> Call:
    """Whether each symbol has two positions (hedge mode) or one."""
    return _signed("GET", "/fapi/v1/positionSide/dual", {}, 30)


def symbol_config(raw: str) -> Call:
    """Leverage and margin mode of a symbol."""
    return _signed("GET", "/fapi/v1/symbolConfig", {"symbol": raw}, 5)


def leverage_brackets(raw: str = "") -> Call:
    """How leverage and maintenance margin depend on the size of a position."""
    return _signed("GET", "/fapi/v1/leverageBracket", {"symbol": raw} if raw else {}, 1)


def income(raw: str, kind: str, start_ns: int, limit: int = INCOME_MAX) -> Call:
    """What a position has paid and received; `kind` such as FUNDING_FEE."""
    params = {"symbol": raw, "incomeType": kind, "startTime": _ms(start_ns), "limit": str(limit)}
    return _signed("GET", "/fapi/v1/income", params, 30)


def set_leverage(raw: str, leverage: int) -> Call:
    """Change the leverage of a symbol."""
    return _signed("POST", "/fapi/v1/leverage", {"symbol": raw, "leverage": str(leverage)}, 1)


def set_margin_mode(raw: str, isolated: bool) -> Call:
    """Change the margin mode of a symbol; not possible while it has orders or a position."""
    mode = "ISOLATED" if isolated else "CROSSED"
    return _signed("POST", "/fapi/v1/marginType", {"symbol": raw, "marginType": mode}, 1)


def listen_key(method: str = "POST") -> Call:
    """The key of the futures user stream: made or found with POST, kept alive with PUT, ended with DELETE."""
    return Call(method, "/fapi/v1/listenKey", {}, Security.KEYED, 1)


def countdown(raw: str, delay_ms: int) -> Call:
    """The dead man's switch of one symbol: cancel everything unless told again in time; 0 stops it."""
    params = {"symbol": raw, "countdownTime": str(delay_ms)}
    return _signed("POST", "/fapi/v1/countdownCancelAll", params, 10, Purpose.CANCEL)
