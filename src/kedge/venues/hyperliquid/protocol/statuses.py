"""What the venue calls an order's state, and what it is to us.

The words for an end are many and grow: each ends in `canceled` or `rejected`, with the cause before it. So an unknown
word with such an end is believed to be one; any other unknown word is an error, because to guess is to lose an order.

    open, triggered, waitingForFill, waitingForTrigger    works
    filled                                                filled
    canceled, scheduledCancel, …Canceled                  cancelled
    rejected, …Rejected                                   rejected, or expired where the order had worked before

The last line is about orders that worked: a trigger order is refused when it triggers, long after it was taken in.
"""

from __future__ import annotations

from typing import Any

from kedge.model.errors import VenueError
from kedge.model.order import OrderStatus

_KNOWN = {
    "open": OrderStatus.OPEN,
    "triggered": OrderStatus.OPEN,
    "waitingForFill": OrderStatus.OPEN,
    "waitingForTrigger": OrderStatus.OPEN,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "scheduledCancel": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
}


def status_of(word: Any, worked: bool = False) -> OrderStatus:
    """What a word of the venue means; `worked`: the order was taken in before."""
    if type(word) is not str or len(word) > 60:
        raise VenueError(f"order status is {word!r:.80}, not a word")
    found = _KNOWN.get(word)
    if found is None:
        if word.endswith("Canceled"):
            found = OrderStatus.CANCELLED
        elif word.endswith("Rejected"):
            found = OrderStatus.REJECTED
        else:
            raise VenueError(f"order status {word!r} is unknown")
    return OrderStatus.EXPIRED if worked and found is OrderStatus.REJECTED else found
