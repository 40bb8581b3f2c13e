"""Checks that no two orders of ours can trade with each other (C12): as they stand, and once a stop is triggered."""

from __future__ import annotations

from decimal import Decimal

from kedge.core.orders.standing import STOPS
from kedge.core.risk.assessment import Assessment
from kedge.core.risk.finding import Answer, outside, short
from kedge.model.money import ONE, TEN_THOUSAND, ZERO
from kedge.model.order import BUY, LIMIT, SELL, Order, OrderIntent, Side, TimeInForce


def self_trade(a: Assessment, collar: Decimal | None) -> Answer:
    """No order of ours stands where this one could trade with it (C12)."""
    standing = a.standing
    order = None if standing is None else standing.nearest(SELL if a.buying else BUY)
    if order is None or order.price is None:
        return ZERO
    resting, reach = order.price, a.intent.price
    if reach is None:
        reach = a.worst_price if a.buying else _least_bid(a.reference, collar)
    if reach >= resting if a.buying else reach <= resting:
        return outside(reach, f"it could hit {order.id} at {resting}")
    return ZERO


def _least_bid(reference: Decimal | None, collar: Decimal | None) -> Decimal:
    """The lowest price a market sell may reach: zero, where no collar bounds it."""
    if reference is None or collar is None:
        return ZERO
    return reference * (ONE - collar / TEN_THOUSAND)


def stop_trade(a: Assessment, collar: Decimal | None) -> Answer:
    """No stop of ours, once triggered, could trade with a limit order of ours (C12)."""
    intent, standing = a.intent, a.standing
    if standing is None:
        return ZERO
    kind, price = intent.order_type, intent.price
    if kind in STOPS:
        low, high = _triggered(intent, a.reference or ZERO, collar or ZERO)
        order = standing.between(intent.side.opposite, min(low, high), max(low, high))
        return ZERO if order is None else _met(order, order.price, low, high)
    if kind is LIMIT and price is not None and standing.stops and intent.time_in_force not in _FLEETING:
        for order in standing.stops.values():
            if order.side is not intent.side:
                low, high = _triggered(order, a.reference or ZERO, collar or ZERO)
                if min(low, high) <= price <= max(low, high):
                    return _met(order, price, low, high)
    return ZERO


def _met(order: Order, price: Decimal | None, first: Decimal, last: Decimal) -> Answer:
    return outside(price or ZERO, f"{order.id}: a stop triggered at {short(first)} could reach {short(last)}")


def _triggered(stop: Order | OrderIntent, reference: Decimal, collar: Decimal) -> tuple[Decimal, Decimal]:
    """Between which prices a stop trades once triggered: from its trigger to its limit, or as far as the collar.

    What rests beyond the trigger was filled before the market got there. Without a collar a triggered stop is taken to
    trade at its trigger: else a protective stop would forbid every bid below it. A trailing stop's trigger is somewhere
    between here and its trail.
    """
    away = -ONE if stop.side is Side.SELL else ONE
    first = trigger = reference if stop.stop_price is None else stop.stop_price
    if stop.trail is not None:
        trigger = reference + away * stop.trail
    if stop.price is None:
        return first, trigger * (ONE + away * collar / TEN_THOUSAND)
    beyond = stop.price < first if stop.side is Side.SELL else stop.price > first
    return first, stop.price if beyond else first


#: Such an order does not rest, so nothing triggered later can meet it.
_FLEETING = frozenset({TimeInForce.IOC, TimeInForce.FOK})
