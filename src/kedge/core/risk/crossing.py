"""Checks that no two orders of ours can trade with each other (C12): as they stand, and once a stop is triggered."""

from __future__ import annotations

from decimal import Decimal

from kedge.core.risk.assessment import Assessment
from kedge.core.risk.finding import Answer, outside, short
from kedge.model.money import ONE, TEN_THOUSAND, ZERO
from kedge.model.order import LIMIT, TERMINAL, Order, OrderIntent, OrderType, Side, TimeInForce


def self_trade(a: Assessment, collar: Decimal | None) -> Answer:
    """No order of ours stands where this one could trade with it (C12)."""
    for order in a.conflicting:
        resting = order.price
        if order.order_type is not LIMIT or resting is None or order.status in TERMINAL:
            continue
        reach = a.intent.price
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
    intent = a.intent
    for order in a.conflicting:
        if order.status in TERMINAL:
            continue
        stop: Order | OrderIntent
        if intent.order_type is LIMIT and order.order_type in _STOPS and intent.time_in_force not in _FLEETING:
            stop, price, other = order, intent.price, order.id
        elif order.order_type is LIMIT and intent.order_type in _STOPS:
            stop, price, other = intent, order.price, order.id
        else:
            continue
        first, last = _triggered(stop, a.reference or ZERO, collar or ZERO)
        if price is not None and min(first, last) <= price <= max(first, last):
            return outside(price, f"{other}: a stop triggered at {short(first)} could reach {short(last)}")
    return ZERO


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


_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})
#: Such an order does not rest, so nothing triggered later can meet it.
_FLEETING = frozenset({TimeInForce.IOC, TimeInForce.FOK})
