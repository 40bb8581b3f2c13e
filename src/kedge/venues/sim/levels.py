"""The level that an order waits for: from an admitted intent to a working order, and when its level is reached."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from kedge.model.money import ZERO
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.sim.working import (
    LIMIT,
    MARKET,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING,
    Working,
)

_KIND: Final = {
    OrderType.STOP: STOP,
    OrderType.STOP_LIMIT: STOP_LIMIT,
    OrderType.TAKE_PROFIT: TAKE_PROFIT,
    OrderType.TRAILING_STOP: TRAILING,
}

_BUY: Final = Side.BUY
_MARKET: Final = OrderType.MARKET
_LIMIT: Final = OrderType.LIMIT
_IOC: Final = TimeInForce.IOC
_FOK: Final = TimeInForce.FOK
_GTD: Final = TimeInForce.GTD


def working(intent: OrderIntent, at: int, seq: int) -> Working:
    """The working order of an admitted `intent` that arrived at venue time `at` as number `seq`."""
    order_type = intent.order_type
    force = intent.time_in_force
    at_once = force is _IOC or force is _FOK
    expires_ns = intent.expires_ns if force is _GTD else 0
    buy = intent.side is _BUY
    quantity = intent.quantity
    reduce_only = intent.reduce_only
    order_id = intent.id
    if order_type is _MARKET:
        return Working(order_id, intent, seq, buy, MARKET, quantity, at, ZERO, False, reduce_only, at_once, expires_ns)
    price = intent.price
    if order_type is _LIMIT:
        level = price or ZERO
        return Working(order_id, intent, seq, buy, LIMIT, quantity, at, level, False, reduce_only, at_once, expires_ns)
    kind = _KIND[order_type]
    if kind == TAKE_PROFIT and price is not None:
        kind = TAKE_PROFIT_LIMIT
    adverse = kind not in (TAKE_PROFIT, TAKE_PROFIT_LIMIT)
    level = intent.stop_price or ZERO
    return Working(order_id, intent, seq, buy, kind, quantity, at, level, adverse, reduce_only, at_once, expires_ns)


def reached(order: Working, price: Decimal) -> bool:
    """Whether a resting order's level is reached at `price`: by a touch for a stop, else only when passed."""
    if order.buy is not order.adverse:
        return price <= order.level if order.adverse else price < order.level
    return price >= order.level if order.adverse else price > order.level
