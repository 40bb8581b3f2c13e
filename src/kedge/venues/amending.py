"""Amending: what every gateway knows of an order's terms, and of an amendment that nobody answered.

The terms are those that were last sent or told. Whatever the venue says of an order is held against them, and a fact tells
where they differ: so an amendment by anybody else, or one of ours whose answer got lost, becomes known by asking. A process
that knows no terms, after a restart, tells those it hears first; whoever has them already finds nothing new in that.

Reads lag behind: for a moment after an amendment an answer may be from before it. One whose own time says so is passed over
as long as it can be late, and no longer, for not every change is known to move that time.

A lost amendment may still take effect as long as its request is good for. Until then the old terms prove nothing, and an
order that works on them is in doubt; afterwards they say that the amendment never happened.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

from kedge.model.decisions import Approved
from kedge.model.facts import AmendRejected, OrderAmended, OutcomeUnknown, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.money import ZERO
from kedge.model.order import OrderIntent, OrderType
from kedge.venues.answers import ErrorClass, Failed
from kedge.venues.gateway import Amending

Wanted = tuple[Decimal, Decimal | None]

#: How long after an amendment an answer may be from before it.
LAG_NS: Final = 10 * NS_PER_S


class OrderTerms(Struct):
    """Quantity (zero: not known) and price of one order, since `ts`; `wanted` is an amendment that was sent and not
    answered, which can take effect until `ends` (0: it waits for its turn or its answer). Times are the venue's, UTC ns.
    """

    quantity: Decimal = ZERO
    price: Decimal | None = None
    wanted: Wanted | None = None
    ends: int = 0
    ts: int = 0

    def sending(self, intent: OrderIntent) -> None:
        """An amendment is about to be sent."""
        self.wanted, self.ends = (intent.quantity, intent.price), 0

    def answered(self) -> None:
        """What came of the amendment is known."""
        self.wanted = None

    def given_up(self) -> None:
        """Nobody waits for it any more: if it has not left by now, it never will."""
        if not self.ends:
            self.wanted = None

    def take(self, quantity: Decimal | None, price: Decimal | None, ts: int = 0) -> bool:
        """Take the venue's terms (`None`, or a quantity of zero: not told); whether they are others than were known."""
        self.ts = max(self.ts, ts)
        quantity = quantity or self.quantity
        price = self.price if price is None else price
        if (quantity, price) == self.wanted:
            self.wanted = None
        if not quantity or (quantity, price) == (self.quantity, self.price):
            return False
        self.quantity, self.price = quantity, price
        return True

    def is_late(self, ts: int, venue_ns: int) -> bool:
        """Whether what is told of `ts` is from before the terms known, and can be by the venue's clock, `venue_ns`."""
        return ts < self.ts and venue_ns < self.ts + LAG_NS

    def told(
        self,
        order_id: str,
        quantity: Decimal | None,
        price: Decimal | None,
        ts: int,
        exchange_id: str = "",
        venue_ns: int | None = None,
    ) -> list[VenueFact]:
        """The fact that the venue's terms are others than were known, if they are. `ts` is the order's own time in the
        answer, `venue_ns` the venue's clock now, where late answers can be told by them.
        """
        late = venue_ns is not None and self.is_late(ts, venue_ns)
        if late or not self.take(quantity, price, ts):
            return []
        return [OrderAmended(ts, order_id, self.quantity, self.price, exchange_id)]

    def doubt(self, order_id: str, venue_ns: int, now: int) -> AmendRejected | OutcomeUnknown | None:
        """What is to be said of an amendment without an answer, when the order was found to work on other terms: it may
        still come, or its time is over.
        """
        if self.wanted is None:
            return None
        if venue_ns < self.ends or not self.ends:
            return OutcomeUnknown(now, order_id, "an amendment without an answer may still take effect")
        self.wanted = None
        return AmendRejected(now, order_id, "it never took effect, and its time is over")


def amending(failed: Failed, order_id: str, now: int) -> AmendRejected | OutcomeUnknown:
    """What a failed amendment means: the order lives, on its old terms unless nobody knows."""
    outcome = OutcomeUnknown if failed.kind is ErrorClass.UNKNOWN else AmendRejected
    return outcome(now, order_id, f"{failed.code}: {failed.message}")


def unamended(intent: OrderIntent, can: Amending, terms: OrderTerms) -> str:
    """Why there is no amendment that makes an order what `intent` says; empty where there is one. `terms` are the order's
    own.
    """
    if can is Amending.NONE:
        return "unsupported: this venue gives no order other terms under its old id"
    if intent.order_type is not OrderType.LIMIT or intent.price is None:
        return f"unsupported: a {intent.order_type} order cannot be amended; cancel it and send another"
    if not intent.quantity > ZERO:
        return f"a quantity of {intent.quantity}; it must be above zero"
    if terms.wanted is not None:
        return "an earlier amendment of this order has no answer yet"
    if can is Amending.SMALLER and intent.price != terms.price:
        return f"unsupported: the price stays {terms.price} at this venue; {intent.price} was asked for"
    if can is Amending.SMALLER and not intent.quantity < terms.quantity:
        return (
            f"unsupported: at this venue a quantity of {terms.quantity} can only be made smaller, not {intent.quantity}"
        )
    return ""


def refused(intent: OrderIntent, reason: str, now: int) -> list[VenueFact]:
    """What is told of an amendment that was not sent."""
    return [AmendRejected(now, intent.id, f"not sent: {reason}")]


def unsupported(approved: Approved, now: int) -> list[VenueFact]:
    """What a venue tells that amends nothing."""
    return refused(approved.intent, unamended(approved.intent, Amending.NONE, OrderTerms()), now)
