"""What the venue refuses at the door: orders that break the instrument's rules or make no sense.

Each refusal is a reason; an empty one admits. Prices and quantities must lie on the grids exactly, as real venues want
them: nothing is rounded for the sender. The minimum notional binds a market order when it fills, for only then is its
value known, and never an order that only reduces (hazard H28).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from kedge.model.money import EXACT, ZERO
from kedge.model.order import OrderIntent, OrderType, TimeInForce
from kedge.venues.sim.listing import Listing

_mul: Final = EXACT.multiply
_MARKET: Final = OrderType.MARKET
_LIMIT: Final = OrderType.LIMIT
_STOP: Final = OrderType.STOP
_STOP_LIMIT: Final = OrderType.STOP_LIMIT
_TRAILING: Final = OrderType.TRAILING_STOP
_GTC: Final = TimeInForce.GTC
_GTD: Final = TimeInForce.GTD


def refusal(intent: OrderIntent, listing: Listing, at: int) -> str:
    """Why the venue rejects `intent` arriving at `at`; empty: it does not."""
    if not listing.is_open:
        return f"instrument is {listing.instrument.status}"
    try:
        quantity = intent.quantity
        if not listing.quantity_least <= quantity <= listing.quantity_most or quantity % listing.lot_size:
            return _quantity(quantity, listing)
        kind = intent.order_type
        price = intent.price
        if kind is _LIMIT and price is not None and intent.stop_price is None and intent.trail is None:
            reason = ""
            if not listing.tick_size <= price <= listing.price_most or price % listing.tick_size:
                reason = _price("price", price, listing)
            elif listing.min_notional and not intent.reduce_only:
                reason = below_notional(quantity, price, listing)
        else:
            reason = _shape(intent, kind, listing)
    except InvalidOperation:  # it does not compare: not a number
        return "a figure of the order is not a number"
    if not reason and (intent.time_in_force is not _GTC or intent.post_only):
        return _force(intent, kind, at)
    return reason


def _quantity(quantity: Decimal, listing: Listing) -> str:
    instrument = listing.instrument
    if not quantity > ZERO:
        return f"quantity {quantity} is not above zero"
    if quantity > listing.quantity_most:
        return f"quantity {quantity} is above the maximum {listing.quantity_most}"
    if quantity % instrument.lot_size:
        return f"quantity {quantity} is not a multiple of lot {instrument.lot_size}"
    return f"quantity {quantity} is below the minimum {instrument.min_quantity}"


def _shape(intent: OrderIntent, kind: OrderType, listing: Listing) -> str:
    """Which prices an order of a kind must have, and which it must not."""
    price, stop_price, trail = intent.price, intent.stop_price, intent.trail
    if kind is _MARKET:
        given = price is not None or stop_price is not None or trail is not None
        return "a market order takes no price, stop_price or trail" if given else ""
    if kind is _LIMIT:
        given = stop_price is not None or trail is not None
        return "a limit order takes no stop_price and no trail" if given else "price is missing"
    if kind is _TRAILING:
        given = price is not None or stop_price is not None
        return "a trailing_stop order takes trail alone" if given else _price("trail", trail, listing)
    if trail is not None:
        return f"a {kind} order takes no trail"
    if kind is _STOP and price is not None:
        return "a stop order takes no price; a stop_limit order does"
    reason = _price("stop_price", stop_price, listing)
    if not reason and (price is not None or kind is _STOP_LIMIT):
        reason = _price("price", price, listing)
    value_price = price or stop_price
    if reason or not listing.min_notional or intent.reduce_only or value_price is None:
        return reason
    return below_notional(intent.quantity, value_price, listing)


def _price(name: str, price: Decimal | None, listing: Listing) -> str:
    if price is None:
        return f"{name} is missing"
    if not price > ZERO:
        return f"{name} {price} is not above zero"
    if price > listing.price_most:
        return f"{name} {price} is above the maximum {listing.price_most}"
    if price % listing.tick_size:
        return f"{name} {price} is not a multiple of tick {listing.tick_size}"
    return ""


def below_notional(quantity: Decimal, price: Decimal, listing: Listing) -> str:
    """Whether an order of `quantity` at `price` is worth too little."""
    value = _mul(_mul(quantity, listing.contract_size), price)
    if value < listing.min_notional:
        return f"notional {value} is below the minimum {listing.min_notional}"
    return ""


def _force(intent: OrderIntent, kind: OrderType, at: int) -> str:
    force = intent.time_in_force
    if force is _GTD and intent.expires_ns <= at:
        return f"expires_ns {intent.expires_ns} is not after arrival at {at}"
    if intent.post_only and (kind is not _LIMIT or force not in (_GTC, _GTD)):
        return "post_only is for limit orders that may rest"
    return ""
