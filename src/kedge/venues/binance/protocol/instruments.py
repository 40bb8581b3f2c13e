"""exchangeInfo: what is listed, under which filters, and how much may be asked for.

A filter's value of zero switches that part of it off, so nothing here divides by a filter. `MARKET_LOT_SIZE` often
switches its step off; `LOT_SIZE` then holds for market orders as well. `baseAssetPrecision`, `pricePrecision` and their
like are *not* the tick and the step (FACTS.md 1.5, 2.5).

A market that cannot be traded by these rules is left out with a reason, never given rules we made up: one without a
price or a lot grid, a futures contract that delivers, a status or a quote that we do not know. A filter type that we do
not know is kept by name, so that it can be counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, structs

from kedge.model.errors import UserError, VenueError
from kedge.model.exchange import Exchange
from kedge.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from kedge.model.money import ONE, ZERO
from kedge.model.symbols import DOLLARS, SymbolTable
from kedge.venues.binance.protocol.names import canonical_symbol
from kedge.venues.binance.protocol.numbers import lenient, positive
from kedge.venues.binance.protocol.product import Product
from kedge.venues.exact import decode, shown

#: Fees of the lowest tier, used until the account's own are read (FACTS.md 1.12, 2.12).
TOP_FEES = {
    Product.SPOT: (Decimal("0.001"), Decimal("0.001")),
    Product.USDM: (Decimal("0.0002"), Decimal("0.0005")),
}

_OPEN, _CANCEL_ONLY, _CLOSED = InstrumentStatus.OPEN, InstrumentStatus.CANCEL_ONLY, InstrumentStatus.CLOSED
_STATUS: dict[str, InstrumentStatus] = {
    "TRADING": _OPEN,
    "CANCEL_ONLY": _CANCEL_ONLY,
    **dict.fromkeys(
        (
            *("HALT", "BREAK", "END_OF_DAY", "PRE_TRADING", "POST_TRADING", "AUCTION_MATCH"),
            *("PENDING_TRADING", "PRE_DELIVERING", "DELIVERING", "DELIVERED", "PRE_SETTLE", "SETTLING", "CLOSE"),
        ),
        _CLOSED,
    ),
}

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}

KNOWN_FILTERS = frozenset(
    {
        *("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "NOTIONAL", "MIN_NOTIONAL", "PERCENT_PRICE"),
        *("PERCENT_PRICE_BY_SIDE", "ICEBERG_PARTS", "TRAILING_DELTA", "MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS"),
        *("MAX_NUM_ICEBERG_ORDERS", "MAX_POSITION", "MAX_NUM_ORDER_LISTS", "MAX_NUM_ORDER_AMENDS", "T_PLUS_SELL"),
        *("EXCHANGE_MAX_NUM_ORDERS", "EXCHANGE_MAX_NUM_ALGO_ORDERS", "EXCHANGE_MAX_NUM_ICEBERG_ORDERS"),
        *("EXCHANGE_MAX_NUM_ORDER_LISTS", "MAX_ASSET", "POSITION_RISK_CONTROL"),
    }
)


class Filters(Struct, frozen=True, gc=False):
    """The venue's rules of one market. Zero: that rule is off."""

    tick: Decimal = ZERO
    price_min: Decimal = ZERO
    price_max: Decimal = ZERO
    step: Decimal = ZERO
    quantity_min: Decimal = ZERO
    quantity_max: Decimal = ZERO
    market_step: Decimal = ZERO
    market_quantity_min: Decimal = ZERO
    market_quantity_max: Decimal = ZERO
    notional_min: Decimal = ZERO
    notional_max: Decimal = ZERO
    notional_min_for_market: bool = True
    notional_max_for_market: bool = False
    price_up: Decimal = ZERO
    price_down: Decimal = ZERO
    ask_price_up: Decimal = ZERO
    ask_price_down: Decimal = ZERO
    position_max: Decimal = ZERO
    iceberg_parts_max: int = 0
    orders_max: int = 0
    algo_orders_max: int = 0
    iceberg_orders_max: int = 0
    order_lists_max: int = 0
    amends_max: int = 0
    trailing_above: tuple[int, int] = (0, 0)
    trailing_below: tuple[int, int] = (0, 0)
    assets_max: tuple[tuple[str, Decimal], ...] = ()
    unknown: tuple[str, ...] = ()


class Market(Struct, frozen=True, gc=False):
    """One market: the instrument, the venue's name for it and its rules in full."""

    raw: str
    instrument: Instrument
    filters: Filters
    order_types: frozenset[str] = frozenset()
    trigger_protect: Decimal = ZERO


class RateLimit(Struct, frozen=True, gc=False):
    """So many of `kind` (REQUEST_WEIGHT, ORDERS, RAW_REQUESTS) in `seconds`."""

    kind: str
    seconds: int
    limit: int
    count: int | None = None


class Listing:
    """Everything that one product lists, by our symbol and by the venue's."""

    __slots__ = ("by_raw", "by_symbol", "left_out", "product", "rate_limits", "server_ms", "table")

    def __init__(
        self,
        product: Product,
        markets: Mapping[str, Market],
        left_out: Mapping[str, str] | None = None,
        rate_limits: tuple[RateLimit, ...] = (),
    ) -> None:
        self.product = product
        self.by_raw = dict(markets)
        self.by_symbol = {market.instrument.symbol: market for market in markets.values()}
        self.left_out = dict(left_out or {})
        self.rate_limits = rate_limits
        self.table = SymbolTable(Exchange.BINANCE)
        for raw, market in markets.items():
            self.table.add(raw, market.instrument.symbol)

    def __iter__(self) -> Iterator[Market]:
        return iter(self.by_raw.values())

    def market(self, symbol: str) -> Market:
        """The market that we call `symbol`; a `UserError` with the nearest name where there is none."""
        found = self.by_symbol.get(symbol)
        return found if found is not None else self.by_raw[self.table.raw(symbol)]

    def raw(self, symbol: str) -> str:
        """What the venue calls `symbol`."""
        return self.market(symbol).raw

    def symbol(self, raw: str) -> str:
        """What we call the venue's `raw`; something pushed about a market that is not listed is not believed."""
        found = self.by_raw.get(raw)
        if found is None:
            raise VenueError(f"symbol {shown(raw)} is not in Binance's own list")
        return found.instrument.symbol


class _Symbol(Struct):
    symbol: str
    status: str = ""
    contractStatus: str = ""  # noqa: N815
    baseAsset: str = ""  # noqa: N815
    quoteAsset: str = ""  # noqa: N815
    marginAsset: str = ""  # noqa: N815
    contractType: str = ""  # noqa: N815
    triggerProtect: str = "0"  # noqa: N815
    orderTypes: list[str] = []  # noqa: N815  (a Struct copies its defaults)
    filters: list[dict[str, Any]] = []


class _Limit(Struct):
    rateLimitType: str = ""  # noqa: N815
    interval: str = ""
    intervalNum: int = 1  # noqa: N815
    limit: int = 0
    count: int | None = None


class _Info(Struct):
    symbols: list[_Symbol]
    rateLimits: list[_Limit] = []  # noqa: N815


_INFO = msgspec.json.Decoder(_Info, strict=False, float_hook=Decimal)
_LIMITS = lenient(list[_Limit])


def listing(product: Product, body: bytes) -> Listing:
    """The answer to exchangeInfo."""
    info = decode(body, _INFO, "exchangeInfo")
    markets: dict[str, Market] = {}
    left_out: dict[str, str] = {}
    taken: set[str] = set()
    for entry in info.symbols:
        try:
            market = _market(product, entry)
            if market.instrument.symbol in taken:
                raise VenueError(f"{market.instrument.symbol} is another market already")
        except (VenueError, UserError) as reason:
            left_out[entry.symbol] = str(reason)
            continue
        taken.add(market.instrument.symbol)
        markets[entry.symbol] = market
    limits = tuple(limit for limit in map(_rate_limit, info.rateLimits) if limit is not None)
    return Listing(product, markets, left_out, limits)


def rate_limits(body: bytes) -> tuple[RateLimit, ...]:
    """The answer to rateLimit/order: the limits of the account's orders, with the count where it is told."""
    found = decode(body, _LIMITS, "rate limits")
    return tuple(limit for limit in map(_rate_limit, found) if limit is not None)


def filters_of(entries: list[dict[str, Any]]) -> Filters:
    """The filters of one symbol; also what myFilters answers."""
    found: dict[str, Any] = {}
    unknown: list[str] = []
    for entry in entries:
        kind = str(entry.get("filterType", ""))
        read = READERS.get(kind)
        if read is not None:
            found.update(read(entry))
        elif kind not in KNOWN_FILTERS:
            unknown.append(kind)
    return Filters(**found, unknown=tuple(unknown))


def with_fees(market: Market, maker: Decimal, taker: Decimal) -> Market:
    """The market under the account's own fees."""
    return structs.replace(market, instrument=structs.replace(market.instrument, maker_fee=maker, taker_fee=taker))


def with_margin(market: Market, max_leverage: Decimal, maintenance: Decimal) -> Market:
    """The market under the first bracket of its leverage."""
    instrument = structs.replace(market.instrument, max_leverage=max_leverage, maintenance_margin=maintenance)
    return structs.replace(market, instrument=instrument)


def _market(product: Product, entry: _Symbol) -> Market:
    if not (entry.symbol and entry.baseAsset and entry.quoteAsset):
        raise VenueError("base or quote is not told")
    if entry.quoteAsset == "USD" != DOLLARS[Exchange.BINANCE]:
        raise VenueError("its quote USD would have the name of the venue's dollar USDT")
    if "-" in entry.baseAsset or "-" in entry.quoteAsset:
        raise VenueError("an asset's name contains the dash of a canonical symbol")
    if product is Product.USDM and entry.contractType != "PERPETUAL":
        raise VenueError(f"contract type {shown(entry.contractType)} is no perpetual")
    status = _STATUS.get(entry.status or entry.contractStatus)
    if status is None:
        raise VenueError(f"status {shown(entry.status or entry.contractStatus)} is none that we know")
    filters = filters_of(entry.filters)
    if not filters.tick or not filters.step:
        raise VenueError(f"no {'PRICE_FILTER' if not filters.tick else 'LOT_SIZE'} says its grid")
    maker, taker = TOP_FEES[product]
    instrument = Instrument(
        symbol=canonical_symbol(entry.baseAsset, entry.quoteAsset),
        base=entry.baseAsset,
        quote=entry.quoteAsset,
        settle=entry.marginAsset or entry.quoteAsset,
        kind=InstrumentKind.SPOT if product is Product.SPOT else InstrumentKind.PERPETUAL,
        tick_size=filters.tick,
        lot_size=filters.step,
        min_quantity=filters.quantity_min,
        max_quantity=filters.quantity_max or None,
        min_notional=filters.notional_min,
        maker_fee=maker,
        taker_fee=taker,
        max_leverage=ONE,
        shortable=product is Product.USDM,
        status=status,
    )
    protect = positive(entry.triggerProtect, "triggerProtect")
    return Market(entry.symbol, instrument, filters, frozenset(entry.orderTypes), protect)


def _rate_limit(entry: _Limit) -> RateLimit | None:
    seconds = _SECONDS.get(entry.interval)
    if seconds is None or entry.limit <= 0 or entry.intervalNum <= 0:
        return None
    return RateLimit(entry.rateLimitType, seconds * entry.intervalNum, entry.limit, entry.count)


def _number(entry: Mapping[str, Any], name: str) -> Decimal:
    return positive(entry.get(name, "0"), name)


def _count(entry: Mapping[str, Any], *names: str) -> int:
    value = next((entry[name] for name in names if name in entry), 0)
    if type(value) is not int or value < 0:
        raise VenueError(f"{names[0]} is {shown(value)}; it must be a whole number from zero on")
    return value


def _flag(entry: Mapping[str, Any], name: str, default: bool) -> bool:
    value = entry.get(name, default)
    if type(value) is not bool:
        raise VenueError(f"{name} is {shown(value)}; it must be true or false")
    return value


def _notional(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "notional_min": _number(entry, "minNotional" if "minNotional" in entry else "notional"),
        "notional_max": _number(entry, "maxNotional"),
        "notional_min_for_market": _flag(entry, "applyMinToMarket", _flag(entry, "applyToMarket", True)),
        "notional_max_for_market": _flag(entry, "applyMaxToMarket", False),
    }


#: How each filter is read.
READERS: dict[str, Any] = {
    "PRICE_FILTER": lambda e: {
        "tick": _number(e, "tickSize"),
        "price_min": _number(e, "minPrice"),
        "price_max": _number(e, "maxPrice"),
    },
    "LOT_SIZE": lambda e: {
        "step": _number(e, "stepSize"),
        "quantity_min": _number(e, "minQty"),
        "quantity_max": _number(e, "maxQty"),
    },
    "MARKET_LOT_SIZE": lambda e: {
        "market_step": _number(e, "stepSize"),
        "market_quantity_min": _number(e, "minQty"),
        "market_quantity_max": _number(e, "maxQty"),
    },
    "NOTIONAL": _notional,
    "MIN_NOTIONAL": _notional,
    "PERCENT_PRICE": lambda e: {
        "price_up": _number(e, "multiplierUp"),
        "price_down": _number(e, "multiplierDown"),
        "ask_price_up": _number(e, "multiplierUp"),
        "ask_price_down": _number(e, "multiplierDown"),
    },
    "PERCENT_PRICE_BY_SIDE": lambda e: {
        "price_up": _number(e, "bidMultiplierUp"),
        "price_down": _number(e, "bidMultiplierDown"),
        "ask_price_up": _number(e, "askMultiplierUp"),
        "ask_price_down": _number(e, "askMultiplierDown"),
    },
    "MAX_POSITION": lambda e: {"position_max": _number(e, "maxPosition")},
    "ICEBERG_PARTS": lambda e: {"iceberg_parts_max": _count(e, "limit")},
    "MAX_NUM_ORDERS": lambda e: {"orders_max": _count(e, "maxNumOrders", "limit")},
    "EXCHANGE_MAX_NUM_ORDERS": lambda e: {"orders_max": _count(e, "maxNumOrders", "limit")},
    "MAX_NUM_ALGO_ORDERS": lambda e: {"algo_orders_max": _count(e, "maxNumAlgoOrders", "limit")},
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": lambda e: {"algo_orders_max": _count(e, "maxNumAlgoOrders", "limit")},
    "MAX_NUM_ICEBERG_ORDERS": lambda e: {"iceberg_orders_max": _count(e, "maxNumIcebergOrders", "limit")},
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": lambda e: {"iceberg_orders_max": _count(e, "maxNumIcebergOrders", "limit")},
    "MAX_NUM_ORDER_LISTS": lambda e: {"order_lists_max": _count(e, "maxNumOrderLists", "limit")},
    "EXCHANGE_MAX_NUM_ORDER_LISTS": lambda e: {"order_lists_max": _count(e, "maxNumOrderLists", "limit")},
    "MAX_NUM_ORDER_AMENDS": lambda e: {"amends_max": _count(e, "maxNumOrderAmends", "limit")},
    "TRAILING_DELTA": lambda e: {
        "trailing_above": (_count(e, "minTrailingAboveDelta"), _count(e, "maxTrailingAboveDelta")),
        "trailing_below": (_count(e, "minTrailingBelowDelta"), _count(e, "maxTrailingBelowDelta")),
    },
    "MAX_ASSET": lambda e: {"assets_max": ((str(e.get("asset", "")), _number(e, "limit")),)},
}
