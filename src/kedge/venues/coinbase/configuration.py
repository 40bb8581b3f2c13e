"""`order_configuration`: the terms of an order, in an object named for its kind.

    market_market_ioc, market_market_fok        base_size or quote_size
    sor_limit_ioc, limit_limit_fok              base_size, limit_price
    limit_limit_gtc, limit_limit_gtd            base_size, limit_price, post_only (and end_time)
    stop_limit_stop_limit_gtc, ..._gtd          base_size, limit_price, stop_price, stop_direction (and end_time)
    trigger_bracket_gtc, ..._gtd                base_size, limit_price (the target), stop_trigger_price (and end_time)

There is no stop that becomes a market order and no trailing stop. Stop and take-profit are the same object with the other
direction: a sell that triggers on the way down protects, one that triggers on the way up takes a profit.

All numbers are texts without exponent. We ask for base sizes only: what a quote size becomes is known after the fact.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.instant import iso
from kedge.model.money import canonical
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.coinbase.values import Fields

UP = "STOP_DIRECTION_STOP_UP"
DOWN = "STOP_DIRECTION_STOP_DOWN"
_DIRECTIONS = {UP: UP, DOWN: DOWN}

#: The only kind whose terms can be changed.
EDITABLE = "limit_limit_gtc"

Configuration = dict[str, dict[str, str | bool]]


def unsupported(intent: OrderIntent) -> str:
    """Why the venue has no words for an order; empty where it has."""
    kind = intent.order_type
    if kind not in {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT}:
        return f"{kind} orders: Coinbase has none"
    if intent.reduce_only:
        return "reduce-only orders: Coinbase spot has none"
    if kind is OrderType.MARKET:
        return "" if intent.time_in_force is not TimeInForce.GTD else "a market order till a date"
    if intent.price is None:
        return f"a {kind} order without a price: Coinbase triggers limit orders only"
    if intent.time_in_force is TimeInForce.GTD and not intent.expires_ns:
        return "an order till a date without the date"
    at_once = intent.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
    if intent.post_only and (at_once or kind is not OrderType.LIMIT):
        return "a post-only order that may not rest, or a post-only stop"
    if kind is not OrderType.LIMIT and (at_once or intent.stop_price is None):
        return f"a {kind} order without a stop price, or that must fill at once"
    return ""


def configuration(intent: OrderIntent) -> Configuration:
    """The venue's words for an order of ours that is not `unsupported`."""
    if intent.order_type is OrderType.MARKET:
        return market(intent.quantity, fill_or_kill=intent.time_in_force is TimeInForce.FOK)
    assert intent.price is not None, f"{intent.id} has no price; unsupported() says so"
    expires_ns = intent.expires_ns if intent.time_in_force is TimeInForce.GTD else 0
    if intent.order_type is OrderType.LIMIT:
        return limit(intent.quantity, intent.price, intent.time_in_force, intent.post_only, expires_ns)
    assert intent.stop_price is not None, f"{intent.id} has no stop price; unsupported() says so"
    rising = (intent.side is Side.BUY) is (intent.order_type is OrderType.STOP_LIMIT)
    return stop_limit(intent.quantity, intent.price, intent.stop_price, UP if rising else DOWN, expires_ns)


def market(base: Decimal | None = None, quote: Decimal | None = None, *, fill_or_kill: bool = False) -> Configuration:
    """Take the book now: `base` units, or for `quote` worth."""
    assert (base is None) is not (quote is None), "a market order has one size"
    name, size = ("base_size", base) if base is not None else ("quote_size", quote)
    assert size is not None, "it has one"
    return {"market_market_fok" if fill_or_kill else "market_market_ioc": {name: canonical(size)}}


def limit(
    base: Decimal, price: Decimal, time_in_force: TimeInForce, post_only: bool = False, expires_ns: int = 0
) -> Configuration:
    """A limit order; `expires_ns` is what GTD needs."""
    terms: dict[str, str | bool] = {"base_size": canonical(base), "limit_price": canonical(price)}
    if time_in_force in {TimeInForce.IOC, TimeInForce.FOK}:
        assert not post_only, "a post-only order that may not rest"
        return {"sor_limit_ioc" if time_in_force is TimeInForce.IOC else "limit_limit_fok": terms}
    if time_in_force is TimeInForce.GTD:
        return {"limit_limit_gtd": {**terms, "end_time": iso(expires_ns), "post_only": post_only}}
    return {"limit_limit_gtc": {**terms, "post_only": post_only}}


def stop_limit(
    base: Decimal, price: Decimal, stop_price: Decimal, direction: str, expires_ns: int = 0
) -> Configuration:
    """A limit order that starts to work once the market trades through `stop_price` on its way up or down."""
    terms: dict[str, str | bool] = {
        "base_size": canonical(base),
        "limit_price": canonical(price),
        "stop_price": canonical(stop_price),
        "stop_direction": direction,
    }
    if expires_ns:
        return {"stop_limit_stop_limit_gtd": {**terms, "end_time": iso(expires_ns)}}
    return {"stop_limit_stop_limit_gtc": terms}


def trigger_bracket(base: Decimal, target: Decimal, stop: Decimal, expires_ns: int = 0) -> Configuration:
    """Both exits of a position in one order: the limit `target`, and the `stop` that triggers on the other side."""
    terms: dict[str, str | bool] = {
        "base_size": canonical(base),
        "limit_price": canonical(target),
        "stop_trigger_price": canonical(stop),
    }
    if expires_ns:
        return {"trigger_bracket_gtd": {**terms, "end_time": iso(expires_ns)}}
    return {"trigger_bracket_gtc": terms}


class Terms(Struct, frozen=True, gc=False):
    """What an order was asked for, as the venue tells it. `order_type` None: a kind the core has no name for.

    `quantity` None: it was given as `quote_quantity`.
    """

    order_type: OrderType | None
    time_in_force: TimeInForce
    quantity: Decimal | None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    post_only: bool = False


#: Kind -> order type (None: none of ours), time in force, the name of its stop price.
_KINDS: dict[str, tuple[OrderType | None, TimeInForce, str]] = {
    "market_market_ioc": (OrderType.MARKET, TimeInForce.IOC, ""),
    "market_market_fok": (OrderType.MARKET, TimeInForce.FOK, ""),
    "sor_limit_ioc": (OrderType.LIMIT, TimeInForce.IOC, ""),
    "limit_limit_fok": (OrderType.LIMIT, TimeInForce.FOK, ""),
    "limit_limit_gtc": (OrderType.LIMIT, TimeInForce.GTC, ""),
    "limit_limit_gtd": (OrderType.LIMIT, TimeInForce.GTD, ""),
    "stop_limit_stop_limit_gtc": (OrderType.STOP_LIMIT, TimeInForce.GTC, "stop_price"),
    "stop_limit_stop_limit_gtd": (OrderType.STOP_LIMIT, TimeInForce.GTD, "stop_price"),
    "trigger_bracket_gtc": (None, TimeInForce.GTC, "stop_trigger_price"),
    "trigger_bracket_gtd": (None, TimeInForce.GTD, "stop_trigger_price"),
    "twap_limit_gtd": (None, TimeInForce.GTD, ""),
    "scaled_limit_gtc": (None, TimeInForce.GTC, ""),
}


def terms(told: Fields, side: Side) -> Terms:
    """The terms of an order of `side`; `VenueError` where it has no kind, several, or one we do not know."""
    kinds = [name for name in told.names() if told.has(name)]
    if len(kinds) != 1 or kinds[0] not in _KINDS:
        raise VenueError(f"{told.what} is of kind {kinds}; one that is known was expected")
    kind = kinds[0]
    order_type, time_in_force, stop = _KINDS[kind]
    inside = told.object(kind)
    stop_price = inside.positive(stop) if stop else None
    if order_type is OrderType.STOP_LIMIT:
        rising = inside.word("stop_direction", _DIRECTIONS) == UP
        if rising is not (side is Side.BUY):
            order_type = OrderType.TAKE_PROFIT
    return Terms(
        order_type,
        time_in_force,
        quantity=inside.positive("base_size") if inside.has("base_size") else None,
        quote_quantity=inside.positive("quote_size") if inside.has("quote_size") else None,
        price=inside.positive("limit_price") if inside.has("limit_price") else None,
        stop_price=stop_price,
        post_only=inside.flag("post_only", default=False),
    )
