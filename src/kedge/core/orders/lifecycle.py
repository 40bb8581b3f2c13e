"""The life of an order, as a table.

An order is `pending` until it is approved and durable, `submitted` once it has left us, `open` when the venue
works it, `partial` and `filled` by its fills, and ended by the venue's word alone: `cancelled`, `expired`,
`rejected`. It is `failed` only when it is known that it never left. Not knowing is no state: the order stays
`submitted` (or what it was) and carries `outcome_unknown`, because it may be alive.

Reports overtake each other. The table is therefore monotone: a late acknowledgement does not reopen what has
ended, and a fill that arrives after the end is still a fill. One end alone is taken back: that of an order which
our own count of fills had called whole, when the venue says that it was made larger meanwhile (`grow`). What has
no entry did not happen to any order that venue and we agree on: the table raises, and the fold of venue reports
turns it into a stop on that symbol (never into a dropped fill).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from kedge.model.lifecycle import Lifecycle
from kedge.model.order import OrderStatus

S = OrderStatus


class OrderEvent(StrEnum):
    """What can happen to an order."""

    SEND = "send"
    ACCEPT = "accept"
    PART_FILL = "part_fill"
    FULL_FILL = "full_fill"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REJECT = "reject"
    FAIL = "fail"
    AMEND = "amend"
    GROW = "grow"


E = OrderEvent

TABLE: Final[Lifecycle[OrderStatus, OrderEvent]] = Lifecycle(
    "an order",
    S.PENDING,
    {
        (S.PENDING, E.SEND): S.SUBMITTED,
        (S.PENDING, E.REJECT): S.REJECTED,
        (S.PENDING, E.FAIL): S.FAILED,
        (S.SUBMITTED, E.ACCEPT): S.OPEN,
        (S.SUBMITTED, E.PART_FILL): S.PARTIAL,
        (S.SUBMITTED, E.FULL_FILL): S.FILLED,
        (S.SUBMITTED, E.CANCEL): S.CANCELLED,
        (S.SUBMITTED, E.EXPIRE): S.EXPIRED,
        (S.SUBMITTED, E.REJECT): S.REJECTED,
        (S.SUBMITTED, E.FAIL): S.FAILED,
        (S.SUBMITTED, E.AMEND): S.OPEN,
        (S.OPEN, E.ACCEPT): S.OPEN,
        (S.OPEN, E.PART_FILL): S.PARTIAL,
        (S.OPEN, E.FULL_FILL): S.FILLED,
        (S.OPEN, E.CANCEL): S.CANCELLED,
        (S.OPEN, E.EXPIRE): S.EXPIRED,
        (S.OPEN, E.AMEND): S.OPEN,
        (S.PARTIAL, E.ACCEPT): S.PARTIAL,
        (S.PARTIAL, E.PART_FILL): S.PARTIAL,
        (S.PARTIAL, E.FULL_FILL): S.FILLED,
        (S.PARTIAL, E.CANCEL): S.CANCELLED,
        (S.PARTIAL, E.EXPIRE): S.EXPIRED,
        (S.PARTIAL, E.AMEND): S.PARTIAL,
        # late words about an order that has ended
        (S.FILLED, E.ACCEPT): S.FILLED,
        (S.FILLED, E.CANCEL): S.FILLED,
        (S.FILLED, E.EXPIRE): S.FILLED,
        (S.FILLED, E.AMEND): S.FILLED,
        (S.FILLED, E.GROW): S.PARTIAL,
        (S.CANCELLED, E.ACCEPT): S.CANCELLED,
        (S.CANCELLED, E.PART_FILL): S.CANCELLED,
        (S.CANCELLED, E.FULL_FILL): S.FILLED,
        (S.CANCELLED, E.CANCEL): S.CANCELLED,
        (S.CANCELLED, E.EXPIRE): S.CANCELLED,
        (S.CANCELLED, E.AMEND): S.CANCELLED,
        (S.EXPIRED, E.ACCEPT): S.EXPIRED,
        (S.EXPIRED, E.PART_FILL): S.EXPIRED,
        (S.EXPIRED, E.FULL_FILL): S.FILLED,
        (S.EXPIRED, E.CANCEL): S.EXPIRED,
        (S.EXPIRED, E.EXPIRE): S.EXPIRED,
        (S.EXPIRED, E.AMEND): S.EXPIRED,
        (S.REJECTED, E.REJECT): S.REJECTED,
    },
)

#: Statuses after which anything may follow; the others stay true whenever they were told.
GOES_ON = frozenset({S.PENDING, S.SUBMITTED, S.OPEN, S.PARTIAL})

#: What a queried status means to the table; `None` adds nothing to what fills will tell.
REPORTED: dict[OrderStatus, OrderEvent | None] = {
    S.PENDING: None,
    S.SUBMITTED: None,
    S.OPEN: E.ACCEPT,
    S.PARTIAL: E.ACCEPT,
    S.FILLED: None,
    S.CANCELLED: E.CANCEL,
    S.REJECTED: E.REJECT,
    S.EXPIRED: E.EXPIRE,
    S.FAILED: E.FAIL,
}
