"""ccxt's structures to ours. Numbers come as their text (`number = str`) and become `Decimal`; where ccxt has only floats
(books) the shortest text that means the float is taken, which is the venue's own up to 15 digits.

ccxt fills what a venue does not say with None. What an order or a fill cannot do without is an error (`VenueError`), not a
guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from kedge.model.errors import VenueError
from kedge.model.facts import Fill, FundingPayment, Liquidity
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from kedge.model.market import Candle, FundingRate, Level, MarkPrice, OrderBook, Quote, Trade, of_row
from kedge.model.money import ONE, ZERO
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues.exact import decimal_of, shown
from kedge.venues.gateway import Balance, MarginMode, MarginSettings, OpenOrder, VenuePosition

_candle, _trade, _quote, _book = of_row(Candle), of_row(Trade), of_row(Quote), of_row(OrderBook)
_mark, _rate = of_row(MarkPrice), of_row(FundingRate)

Structure = Mapping[str, Any]

STATUSES: Final = {
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "canceling": OrderStatus.OPEN,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
_TYPES: Final = {"limit": OrderType.LIMIT, "market": OrderType.MARKET}
_TICK_SIZE, _DECIMAL_PLACES = 4, 2


def number(value: Any, what: str) -> Decimal:
    """A number that must be there."""
    if value is None or isinstance(value, bool):
        raise VenueError(f"{what} is missing")
    return decimal_of(str(value), what)


def number_or(value: Any, default: Decimal | None, what: str = "number") -> Decimal | None:
    """A number, or what stands for its absence."""
    return default if value is None else number(value, what)


def positive(value: Any, what: str) -> Decimal:
    """A number above zero."""
    found = number(value, what)
    if not found > ZERO:
        raise VenueError(f"{what} is {found}; it must be above zero")
    return found


def moment(value: Any, what: str) -> int:
    """UTC nanoseconds of ccxt's milliseconds."""
    if not isinstance(value, int) or isinstance(value, bool) or not 10**11 < value < 5 * 10**12:
        raise VenueError(f"{what} is {shown(value)}, no time in milliseconds")
    return value * NS_PER_MS


def instrument(market: Structure, precision_mode: int) -> Instrument | None:
    """A market we can trade: spot, or linear without an expiry; None where it is another."""
    linear = bool(market.get("swap") and market.get("linear") and market.get("settle") == market.get("quote"))
    if not (market.get("spot") or linear):
        return None
    what = f"market {shown(market.get('symbol'))}"
    limits, precision = market.get("limits") or {}, market.get("precision") or {}
    amount, cost, leverage = (limits.get(name) or {} for name in ("amount", "cost", "leverage"))
    tick = _grid(precision.get("price"), precision_mode, f"{what}: price precision")
    lot = _grid(precision.get("amount"), precision_mode, f"{what}: amount precision")
    return Instrument(
        symbol=f"{market['base']}-{market['quote']}",
        base=str(market["base"]),
        quote=str(market["quote"]),
        settle=str(market.get("settle") or market["quote"]),
        kind=InstrumentKind.SPOT if market.get("spot") else InstrumentKind.PERPETUAL,
        tick_size=tick,
        lot_size=lot,
        min_quantity=number_or(amount.get("min"), ZERO) or ZERO,
        max_quantity=number_or(amount.get("max"), None) or None,
        min_notional=number_or(cost.get("min"), ZERO) or ZERO,
        contract_size=positive(market.get("contractSize"), f"{what}: contractSize") if linear else ONE,
        maker_fee=number_or(market.get("maker"), ZERO) or ZERO,
        taker_fee=number_or(market.get("taker"), ZERO) or ZERO,
        max_leverage=(number_or(leverage.get("max"), ONE) or ONE) if linear else ONE,
        shortable=linear,
        status=InstrumentStatus.OPEN if market.get("active") is not False else InstrumentStatus.CLOSED,
    )


def _grid(value: Any, mode: int, what: str) -> Decimal:
    if mode == _TICK_SIZE:
        return positive(value, what)
    if mode == _DECIMAL_PLACES:
        return ONE.scaleb(-int(number(value, what)))
    raise VenueError(f"{what}: significant digits are no grid")


def standing(order: Structure) -> tuple[OrderStatus | None, Decimal]:
    """Status and cumulative quantity. What ccxt does not know is unknown (hazard H5); `closed` is over, and full or not.

    An order without its executed quantity cannot be read: taken for zero it would hide a position.
    """
    said = order.get("status")
    if said is None:
        return None, number_or(order.get("filled"), ZERO, "filled") or ZERO
    if said not in STATUSES:
        raise VenueError(f"order status is {shown(said)}, which is not known")
    status, filled = STATUSES[said], number(order.get("filled"), "filled")
    if status is OrderStatus.REJECTED and filled:
        raise VenueError(f"an order is rejected, and {filled} of it were executed")
    if status is OrderStatus.FILLED and filled < number(order.get("amount"), "amount"):
        return OrderStatus.CANCELLED, filled
    return (OrderStatus.PARTIAL if status is OrderStatus.OPEN and filled else status), filled


def name(order: Structure) -> str:
    """The venue's id of an order; `VenueError` where it names none."""
    said = order.get("id")
    if not isinstance(said, str | int) or isinstance(said, bool) or said == "":
        raise VenueError(f"an order's id is {shown(said)}")
    return str(said)


def order_type(order: Structure) -> OrderType | None:
    """What kind of order it is; None where it waits for a price: ccxt does not say which way."""
    return None if order.get("triggerPrice") is not None else _TYPES.get(str(order.get("type")))


def open_order(order: Structure, symbol: str, order_id: str) -> OpenOrder:
    """An order that works."""
    status, filled = standing(order)
    side = _SIDES.get(str(order.get("side")))
    if status is None or side is None:
        raise VenueError(f"order {shown(order.get('id'))} has no status or no side")
    return OpenOrder(
        order_id,
        name(order),
        symbol,
        side,
        order_type(order),
        positive(order.get("amount"), "amount"),
        filled,
        number_or(order.get("price"), None, "price") or None,
        status,
        str(order.get("clientOrderId") or ""),
        number_or(order.get("triggerPrice"), None, "triggerPrice") or None,
        bool(order.get("reduceOnly")),
        moment(order["timestamp"], "timestamp") if order.get("timestamp") else 0,
    )


def fill(trade: Structure, order_id: str, listed: Instrument, received: int) -> Fill:
    """An execution of ours."""
    side = _SIDES.get(str(trade.get("side")))
    if side is None or not trade.get("id"):
        raise VenueError(f"a fill without side or id: {shown(trade.get('id'))}")
    cost, currency = _fee(trade)
    return Fill(
        moment(trade.get("timestamp"), "timestamp"),
        order_id,
        str(trade["id"]),
        listed.symbol,
        side,
        positive(trade.get("amount"), "amount"),
        positive(trade.get("price"), "price"),
        cost,
        "" if currency == listed.quote else currency,
        Liquidity.MAKER if trade.get("takerOrMaker") == "maker" else Liquidity.TAKER,
        received=received,
    )


def _fee(trade: Structure) -> tuple[Decimal, str]:
    """What a fill cost, and in what. Neither is guessed: a fee that is not told is not zero."""
    parts = [trade["fee"]] if trade.get("fee") else list(trade.get("fees") or ())
    costs = [number(part.get("cost"), "fee") for part in parts]
    currencies = sorted({str(part.get("currency") or "") for part, cost in zip(parts, costs, strict=True) if cost})
    if not parts or len(currencies) > 1 or "" in currencies:
        raise VenueError(f"fill {shown(trade.get('id'))}: its fee is {shown(parts)}")
    return sum(costs, ZERO), currencies[0] if currencies else ""


def balances(told: Structure) -> dict[str, Balance]:
    """Currencies held."""
    totals = told.get("total")
    if not isinstance(totals, Mapping):
        raise VenueError("there are no balances in the answer")
    held = {}
    for currency, total in totals.items():
        owned = number(total, f"total {currency}")
        if owned:
            free = number((told.get("free") or {}).get(currency), f"free {currency}")
            held[str(currency)] = Balance(str(currency), owned, free)
    return held


def positions(told: Iterable[Structure], symbol_of: Callable[[Structure], str]) -> tuple[VenuePosition, ...]:
    """Positions that are not flat. An account that holds a symbol both ways is not one that we can trade."""
    held: dict[str, VenuePosition] = {}
    for each in told:
        read = position(each, symbol_of(each))
        if not read.quantity:
            continue
        if read.symbol in held or each.get("hedged") is True:
            raise VenueError(f"the account is in hedge mode on {read.symbol}; switch it to one-way mode first")
        held[read.symbol] = read
    return tuple(held.values())


def position(told: Structure, symbol: str) -> VenuePosition:
    """A derivative position."""
    contracts = number(told.get("contracts"), "contracts").copy_abs()
    side = told.get("side")
    if contracts and side not in {"long", "short"}:
        raise VenueError(f"position {symbol}: side is {shown(side)}")
    return VenuePosition(
        symbol,
        contracts if side == "long" else contracts.copy_negate(),
        number_or(told.get("entryPrice"), None, "entryPrice"),
        number_or(told.get("markPrice"), None, "markPrice"),
        number_or(told.get("unrealizedPnl"), ZERO, "unrealizedPnl") or ZERO,
        number_or(told.get("liquidationPrice"), None, "liquidationPrice"),
        number_or(told.get("leverage"), None, "leverage"),
    )


def row_time(row: Any) -> int:
    """When a candle of ccxt's opens."""
    return moment(row[0], "candle")


def mark_price(told: Structure, symbol: str, received: int) -> MarkPrice:
    """The price that margin is computed at."""
    at = moment(told["timestamp"], "timestamp") if told.get("timestamp") else received
    return _mark(at, positive(told.get("markPrice"), "markPrice"), symbol, received)


def funding_rates(told: Iterable[Structure], symbol: str, received: int) -> tuple[FundingRate, ...]:
    """Rates that were settled, oldest first."""
    read = [
        _rate(
            moment(each.get("timestamp"), "timestamp"), number(each.get("fundingRate"), "fundingRate"), symbol, received
        )
        for each in told
    ]
    return tuple(sorted(read, key=lambda each: each.ts))


def funding_payment(told: Structure, symbol: str, received: int) -> FundingPayment:
    """Funding paid (below zero) or received. ccxt tells neither the rate nor the position it was for: both stay zero."""
    at, amount = moment(told.get("timestamp"), "timestamp"), number(told.get("amount"), "amount")
    return FundingPayment(at, symbol, amount, ZERO, ZERO, received)


def margin(told: Structure, symbol: str) -> MarginSettings:
    """Leverage and mode as read back; `VenueError` where they differ by side or are not told."""
    mode = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}.get(str(told.get("marginMode")))
    long, short = (positive(told.get(name), name) for name in ("longLeverage", "shortLeverage"))
    if mode is None or long != short:
        raise VenueError(f"margin of {symbol}: {shown(told.get('marginMode'))}, leverage {long} long and {short} short")
    return MarginSettings(symbol, long, mode)


def candles(rows: Iterable[Any], symbol: str, interval: int, closed_by: int, received: int) -> tuple[Candle, ...]:
    """Closed candles, oldest first."""
    found = []
    for row in rows:
        ts = moment(row[0], "candle")
        open_, high, low, close = (positive(value, "candle price") for value in row[1:5])
        if not (low <= open_ <= high and low <= close <= high):
            raise VenueError(f"candle of {ts}: low {low} and high {high} do not enclose {open_} and {close}")
        if ts + interval <= closed_by:
            volume = number_or(row[5], ZERO, "volume") or ZERO
            found.append(_candle(ts, open_, high, low, close, volume, symbol, interval, received))
    return tuple(sorted(found, key=lambda each: each.ts))


def trades(told: Iterable[Structure], symbol: str, received: int) -> tuple[Trade, ...]:
    """Public trades, oldest first."""
    read = [
        _trade(
            moment(each.get("timestamp"), "timestamp"),
            positive(each.get("price"), "price"),
            positive(each.get("amount"), "amount"),
            symbol,
            _SIDES.get(str(each.get("side"))),
            str(each.get("id") or ""),
            received,
        )
        for each in told
    ]
    return tuple(sorted(read, key=lambda each: each.ts))


def quote(told: Structure, symbol: str, received: int) -> Quote | None:
    """Best bid and ask; None where a side is missing."""
    bid, ask = number_or(told.get("bid"), None), number_or(told.get("ask"), None)
    if not bid or not ask:
        return None
    at = moment(told["timestamp"], "timestamp") if told.get("timestamp") else received
    sizes = (number_or(told.get(name), ZERO) or ZERO for name in ("bidVolume", "askVolume"))
    return _quote(at, bid, ask, *sizes, symbol, received)


def book(told: Structure, symbol: str, received: int, depth: int) -> OrderBook:
    """A whole book; `VenueError` where a side is out of order."""
    at = moment(told["timestamp"], "timestamp") if told.get("timestamp") else received
    bids, asks = (_levels(told.get(side) or (), depth) for side in ("bids", "asks"))
    for levels, falling in ((bids, True), (asks, False)):
        prices = [price for price, _ in levels]
        if prices != sorted(set(prices), reverse=falling):
            raise VenueError(f"the book of {symbol} is out of order")
    return _book(at, bids, asks, symbol, 0, received)


def _levels(told: Iterable[Any], depth: int) -> tuple[Level, ...]:
    read = [
        (positive(level[0], "price"), number(level[1], "size")) for level, _ in zip(told, range(depth), strict=False)
    ]
    return tuple((price, size) for price, size in read if size > ZERO)
