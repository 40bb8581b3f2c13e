"""What one order in flight stands for: what it may still fill, on which terms, and what is odd about them.

The terms are the venue's. They begin as those that were approved; `amend` takes those the venue says it works instead,
whoever asked for them, so that exposure and every check count what can really fill.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from kedge.model.facts import OrderAmended
from kedge.model.money import canonical
from kedge.model.order import TERMINAL, Order

#: Nothing odd about a report.
FINE: Final = ""


def outstanding(order: Order) -> Decimal:
    """What the order may still add to the position: its remainder while alive, the fills it owes once
    ended. What the venue says was filled is owed, also where the order was amended to less.
    """
    quantity, filled = order.quantity, order.venue_quantity
    if filled >= quantity or order.status in TERMINAL:
        return filled - order.filled_quantity
    return quantity - order.filled_quantity


def too_much(order: Order) -> str:
    """What is odd about an order of which the venue says that more was filled than it is for."""
    if order.venue_quantity <= order.quantity:
        return FINE
    return f"the venue says {order.venue_quantity} of {order.quantity} were filled on {order.id}"


def amend(order: Order, fact: OrderAmended, now: int) -> str:
    """Take the venue's terms; what is odd about them, nothing where the order has them already.

    A limit order is valued at its limit: whoever sums up takes the market's price where that is worse.
    """
    price = order.price if fact.price is None else fact.price
    if fact.quantity == order.quantity and price == order.price:
        return FINE
    told = f"{order.id} was amended from {_shown(order.quantity, order.price)} to {_shown(fact.quantity, price)}"
    order.quantity, order.price = fact.quantity, price
    if fact.price is not None:
        order.worst_price = fact.price
    order.amended = True
    order.updated_ns = now
    return f"{told}, which nobody here asked for"


def plain(order: Order) -> dict[str, object]:
    """An order as plain data that two equal folds agree on."""
    told: dict[str, object] = {
        "status": str(order.status),
        "quantity": canonical(order.quantity),
        "filled": canonical(order.filled_quantity),
        "value": canonical(order.filled_value),
        "venue": canonical(order.venue_quantity),
        "cancel_requested": order.cancel_requested,
        "unknown": order.outcome_unknown,
        "updated": order.updated_ns,
    }
    if order.amended:
        told["price"] = None if order.price is None else canonical(order.price)
        told["worst"] = canonical(order.worst_price)
    return told


def _shown(quantity: Decimal, price: Decimal | None) -> str:
    return f"{quantity}" if price is None else f"{quantity} at {price}"
