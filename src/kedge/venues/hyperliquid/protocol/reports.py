"""From an order's state at the venue to the fact that tells of it, as news from the stream or as the answer to a query.

An order that is not ours is told under a name of its own (`hyperliquid:<oid>`): it is nobody's, and the core stops for it
(hazard H22).
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from kedge.model.facts import Fill, OrderAccepted, OrderCancelled, OrderExpired, OrderRejected, OrderReport, VenueFact
from kedge.model.order import OrderStatus
from kedge.venues.hyperliquid.protocol.account import OrderState, OwnFill


def foreign(oid: int) -> str:
    """The name of an order that none of ours is."""
    return f"hyperliquid:{oid}"


def named(own: OwnFill) -> Fill:
    """A fill under the id of its order, ours or not."""
    return own.fill if own.fill.order_id else structs.replace(own.fill, order_id=foreign(own.oid))


def news(state: OrderState, order_id: str, received: int) -> VenueFact:
    """What a change of an order's state tells."""
    oid, status = str(state.oid), state.status
    if status is OrderStatus.OPEN:
        return OrderAccepted(state.ts, order_id, oid, received)
    if status is OrderStatus.FILLED:
        return OrderReport(state.ts, order_id, status, state.quantity, oid, received)
    if status is OrderStatus.CANCELLED:
        return OrderCancelled(state.ts, order_id, state.filled, state.word, received)
    if status is OrderStatus.EXPIRED:
        return OrderExpired(state.ts, order_id, state.filled, state.word, received)
    return OrderRejected(state.ts, order_id, state.word, received)


def report(state: OrderState, order_id: str, filled: Decimal, received: int) -> OrderReport:
    """What an order is, asked for; `filled` is the sum of its fills, which an open order's state does not tell."""
    most = max(filled, state.filled)
    status = OrderStatus.PARTIAL if state.status is OrderStatus.OPEN and most else state.status
    return OrderReport(received, order_id, status, most, str(state.oid), received)
