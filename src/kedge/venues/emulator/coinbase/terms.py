"""What an order asks for, and why it is refused before it exists: the names and texts of the refusals are the venue's."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct

from kedge.model.instrument import Instrument
from kedge.model.order import Side, TimeInForce
from kedge.venues.emulator.coinbase.listing import QUOTE_MAX, QUOTE_MIN
from kedge.venues.emulator.coinbase.text import parsed, read_time


class Kind(StrEnum):
    """How an order finds its price."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_LIMIT = "STOP_LIMIT"
    BRACKET = "BRACKET"


class Wish(Struct, frozen=True):
    """An order's terms. `base` None: it is sized by `quote`. `rising`: the stop triggers on the way up."""

    kind: Kind
    force: TimeInForce
    base: Decimal | None = None
    quote: Decimal | None = None
    price: Decimal | None = None
    stop: Decimal | None = None
    rising: bool = False
    expires_ns: int = 0
    post_only: bool = False


class Refused(Struct, frozen=True):
    """Why an order does not come to be: the reason, how a preview would call it, and the text beside it."""

    reason: str
    message: str = ""
    preview: str = "UNKNOWN_PREVIEW_FAILURE_REASON"


UNSUPPORTED = Refused(
    "UNSUPPORTED_ORDER_CONFIGURATION", "The order configuration was invalid", "PREVIEW_INVALID_ORDER_CONFIG"
)

_GTC, _GTD, _IOC, _FOK = TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK
_KINDS = {
    "market_market_ioc": (Kind.MARKET, _IOC),
    "market_market_fok": (Kind.MARKET, _FOK),
    "sor_limit_ioc": (Kind.LIMIT, _IOC),
    "limit_limit_fok": (Kind.LIMIT, _FOK),
    "limit_limit_gtc": (Kind.LIMIT, _GTC),
    "limit_limit_gtd": (Kind.LIMIT, _GTD),
    "stop_limit_stop_limit_gtc": (Kind.STOP_LIMIT, _GTC),
    "stop_limit_stop_limit_gtd": (Kind.STOP_LIMIT, _GTD),
    "trigger_bracket_gtc": (Kind.BRACKET, _GTC),
    "trigger_bracket_gtd": (Kind.BRACKET, _GTD),
}
_DIRECTIONS = {"STOP_DIRECTION_STOP_UP": True, "STOP_DIRECTION_STOP_DOWN": False}


def read(configuration: Any, side: Side) -> Wish | Refused:
    """The terms in an `order_configuration`."""
    if not isinstance(configuration, dict) or len(configuration) != 1:
        return UNSUPPORTED
    ((name, inside),) = configuration.items()
    if name not in _KINDS or not isinstance(inside, dict):
        return UNSUPPORTED
    kind, force = _KINDS[name]
    expires = read_time(inside.get("end_time")) if force is _GTD else 0
    if expires is None:
        return Refused("INVALID_REQUEST", "end_time is required", "PREVIEW_INVALID_ORDER_CONFIG")
    base, quote = parsed(inside.get("base_size")), parsed(inside.get("quote_size"))
    if kind is Kind.MARKET:
        if (base is None) is (quote is None):
            return Refused("UNKNOWN_FAILURE_REASON", "Market orders cannot be placed with empty order sizes")
        return Wish(kind, force, base, quote)
    price = parsed(inside.get("limit_price"))
    if base is None or price is None or price <= 0:
        return UNSUPPORTED
    if kind is Kind.LIMIT:
        return Wish(kind, force, base, None, price, expires_ns=expires, post_only=bool(inside.get("post_only", False)))
    stop = parsed(inside.get("stop_price" if kind is Kind.STOP_LIMIT else "stop_trigger_price"))
    rising = _DIRECTIONS.get(inside.get("stop_direction", "")) if kind is Kind.STOP_LIMIT else side is Side.BUY
    if stop is None or stop <= 0 or rising is None:
        return UNSUPPORTED
    return Wish(kind, force, base, None, price, stop, rising, expires)


def refusal(wish: Wish, instrument: Instrument, last: Decimal | None, now: int) -> Refused | None:
    """What the product's rules say to the terms."""
    for price in (wish.price, wish.stop):
        if price is not None and price % instrument.tick_size:
            return Refused(
                "INVALID_PRICE_PRECISION", "Too many decimals in order price", "PREVIEW_INVALID_PRICE_PRECISION"
            )
    if wish.base is not None:
        if wish.base % instrument.lot_size:
            return Refused(
                "INVALID_SIZE_PRECISION", "Too many decimals in order amount", "PREVIEW_INVALID_SIZE_PRECISION"
            )
        if wish.base < instrument.min_quantity:
            return Refused("UNKNOWN_FAILURE_REASON", "Order size is too small", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")
        if instrument.max_quantity is not None and wish.base > instrument.max_quantity:
            return Refused("UNKNOWN_FAILURE_REASON", "Order size is too large", "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE")
    value = wish.quote if wish.quote is not None else (wish.base or Decimal(0)) * (wish.price or last or Decimal(0))
    if value < QUOTE_MIN:
        return Refused("UNKNOWN_FAILURE_REASON", "Order value is too small", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL")
    if value > QUOTE_MAX:
        return Refused("UNKNOWN_FAILURE_REASON", "Order value is too large", "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE")
    if wish.quote is not None and wish.quote % instrument.tick_size:
        return Refused(
            "INVALID_SIZE_PRECISION", "Too many decimals in order amount", "PREVIEW_INVALID_QUOTE_SIZE_PRECISION"
        )
    if wish.force is TimeInForce.GTD and wish.expires_ns <= now:
        return Refused("INVALID_REQUEST", "end_time is in the past", "PREVIEW_INVALID_END_TIME")
    return _stop_refusal(wish, last)


def _stop_refusal(wish: Wish, last: Decimal | None) -> Refused | None:
    """A stop must lie ahead of the market."""
    if wish.stop is None or last is None:
        return None
    reason = ""
    if wish.rising and wish.stop <= last:
        reason = "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE"
    elif not wish.rising and wish.stop >= last:
        reason = "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"
    return Refused("UNKNOWN_FAILURE_REASON", "", reason) if reason else None
