"""The user channel: what becomes of our orders, in sums.

An order is told with what has filled so far, its average price and its fees in all; no single execution is ever told. So
what comes from here is where each order stands (`orders.Standing`), and whoever sees more filled than he has fills for
asks for them over REST: price, fee and id of each are there and nowhere else.

The channel begins with the open orders, at most fifty a message, and goes on with those that change.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kedge.model.errors import VenueError
from kedge.model.money import ZERO
from kedge.venues.coinbase.messages import USER, Envelope
from kedge.venues.coinbase.orders import Standing, reason_of, status_of
from kedge.venues.coinbase.values import Fields
from kedge.venues.exact import decode


def orders_told(message: Envelope) -> list[Standing]:
    """The orders in a message of the user channel."""
    if message.channel != USER:
        return []
    events: Any = decode(bytes(message.events), what=USER)
    if not isinstance(events, list):
        raise VenueError("user: events are not a list")
    return [
        _standing(order)
        for event in events
        for told in [Fields(event, USER)]
        if told.has("orders")
        for order in told.items("orders")
    ]


def _standing(order: Fields) -> Standing:
    filled = order.not_negative("cumulative_quantity", ZERO)
    return Standing(
        order.text("order_id"),
        order.text("client_order_id", ""),
        order.text("product_id", ""),
        status_of(order, filled),
        filled,
        reason_of(order, order.text("cancel_reason", "")),
        order.text("status", ""),
        *_terms(order, filled),
    )


def _terms(order: Fields, filled: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Size and price as far as the channel tells them: the size as what has filled and what is left, the price not always."""
    left, price = order.not_negative("leaves_quantity", ZERO), order.not_negative("limit_price", ZERO)
    return filled + left if left > ZERO else None, price if price > ZERO else None
