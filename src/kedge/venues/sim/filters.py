"""What the venue refuses at the door: orders that break the instrument's rules or make no sense.

Each refusal is a reason; an empty one admits. Prices and quantities must lie on the grids exactly, as real venues want
them: nothing is rounded for the sender. The minimum notional binds a market order when it fills, for only then is its
value known, and never an order that only reduces (hazard H28).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from kedge.model.instrument import Instrument, InstrumentStatus
from kedge.model.money import EXACT, ZERO
from kedge.model.order import OrderIntent, OrderType, TimeInForce

_mul: Final = EXACT.multiply
_remainder: Final = EXACT.remainder

_MARKET: Final = OrderType.MARKET
_LIMIT: Final = OrderType.LIMIT
_STOPPED: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT})
_GTC: Final = TimeInForce.GTC
_GTD: Final = TimeInForce.GTD
_OPEN: Final = InstrumentStatus.OPEN


def refusal(intent: OrderIntent, instrument: Instrument, at: int) -> str:
    """Why the venue rejects `intent` arriving at `at`; empty: it does not."""
    try:
        return _refusal(intent, instrument, at)
    except InvalidOperation:  # not a number, infinite, or more digits than any venue takes
        return "a figure of the order is not a number the venue can use"


def _refusal(intent: OrderIntent, instrument: Instrument, at: int) -> str:
    if instrument.status is not _OPEN:
        return f"instrument is {instrument.status}"
    quantity = intent.quantity
    if not quantity > ZERO:
        return f"quantity {quantity} is not above zero"
    if _remainder(quantity, instrument.lot_size):
        return f"quantity {quantity} is not a multiple of lot {instrument.lot_size}"
    if quantity < instrument.min_quantity:
        return f"quantity {quantity} is below the minimum {instrument.min_quantity}"
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        return f"quantity {quantity} is above the maximum {instrument.max_quantity}"
    kind = intent.order_type
    reason = _superfluous(intent) if kind is _MARKET else _prices(intent, kind, instrument)
    if not reason and (intent.time_in_force is not _GTC or intent.post_only):
        return _force(intent, kind, at)
    return reason


def _prices(intent: OrderIntent, kind: OrderType, instrument: Instrument) -> str:
    if kind is _LIMIT:
        if intent.stop_price is not None or intent.trail is not None:
            return "a limit order takes no stop_price and no trail"
        return _price("price", intent.price, instrument) or _notional(intent, intent.price, instrument)
    if kind in _STOPPED:
        if intent.trail is not None:
            return f"a {kind} order takes no trail"
        if intent.price is not None or kind is OrderType.STOP_LIMIT:
            if kind is OrderType.STOP:
                return "a stop order takes no price; a stop_limit order does"
            return (
                _price("stop_price", intent.stop_price, instrument)
                or _price("price", intent.price, instrument)
                or _notional(intent, intent.price, instrument)
            )
        return _price("stop_price", intent.stop_price, instrument) or _notional(intent, intent.stop_price, instrument)
    if intent.price is not None or intent.stop_price is not None:
        return "a trailing_stop order takes trail alone"
    return _price("trail", intent.trail, instrument)


def _superfluous(intent: OrderIntent) -> str:
    if intent.price is not None or intent.stop_price is not None or intent.trail is not None:
        return "a market order takes no price, stop_price or trail"
    return ""


def _price(name: str, price: Decimal | None, instrument: Instrument) -> str:
    if price is None:
        return f"{name} is missing"
    if not price > ZERO:
        return f"{name} {price} is not above zero"
    if _remainder(price, instrument.tick_size):
        return f"{name} {price} is not a multiple of tick {instrument.tick_size}"
    return ""


def _notional(intent: OrderIntent, price: Decimal | None, instrument: Instrument) -> str:
    if not instrument.min_notional or intent.reduce_only or price is None:
        return ""
    return below_notional(intent.quantity, price, instrument)


def below_notional(quantity: Decimal, price: Decimal, instrument: Instrument) -> str:
    """Whether an order of `quantity` at `price` is worth too little."""
    value = _mul(_mul(quantity, instrument.contract_size), price)
    if value < instrument.min_notional:
        return f"notional {value} is below the minimum {instrument.min_notional}"
    return ""


def _force(intent: OrderIntent, kind: OrderType, at: int) -> str:
    force = intent.time_in_force
    if force is _GTD and intent.expires_ns <= at:
        return f"expires_ns {intent.expires_ns} is not after arrival at {at}"
    if intent.post_only and (kind is not _LIMIT or force not in (_GTC, _GTD)):
        return "post_only is for limit orders that may rest"
    return ""
