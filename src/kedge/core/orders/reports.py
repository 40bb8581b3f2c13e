"""Which fold a venue report has, and what else follows from its kind."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from kedge.core.orders.inflight import OrdersInFlight
from kedge.model import facts as f


class Notice(StrEnum):
    """What follows from a report whatever it says: an error counts in the row that trips the breaker, a success ends the
    row, and the guard looks at what it may have to answer, at errors too.
    """

    NONE = "none"
    SUCCESS = "success"
    ERROR = "error"
    ATTEND = "attend"


#: The fold of one kind of report, which says what is odd about it, and what else follows.
Report = tuple[Callable[[Any, int], str], Notice]


def reports(orders: OrdersInFlight) -> dict[type, Report]:
    """Every venue report that has no booking of its own."""
    return {
        f.OrderAccepted: (orders.accepted, Notice.SUCCESS),
        f.OrderRejected: (orders.rejected, Notice.ERROR),
        f.OrderCancelled: (orders.ended, Notice.NONE),
        f.OrderExpired: (orders.ended, Notice.NONE),
        f.CancelRejected: (orders.cancel_rejected, Notice.ATTEND),
        f.OrderAmended: (orders.amended, Notice.ATTEND),
        f.AmendRejected: (orders.amend_rejected, Notice.NONE),
        f.OutcomeUnknown: (orders.outcome_unknown, Notice.ERROR),
        f.OrderReport: (orders.reported, Notice.ATTEND),
    }
