"""Amending: an edit of a limit order that is good till cancelled, under its old id.

`success: true` means that the venue took the edit in (`EDIT_QUEUED`) and gives no fact: like a cancel it is a wish. What the
order is comes by the user channel or a question; until its new terms are seen, for as long as the request's token is good,
asking says that the outcome is unknown. A refusal comes as HTTP 200 with `success: false` and leaves the order as it was;
where it says that the order is not what we thought, the order is asked about in the same breath (H13).

An edit may not be repeated as a placing may: the venue knows it by nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kedge.model.decisions import Approved, QueryRequested
from kedge.model.errors import UserError
from kedge.model.facts import OutcomeUnknown, VenueFact
from kedge.model.order import OrderIntent, TimeInForce
from kedge.venues.amending import amending, refused, unamended
from kedge.venues.answers import ErrorClass, Failed, Whole
from kedge.venues.coinbase import orders, requests
from kedge.venues.coinbase.asking import Asker
from kedge.venues.coinbase.known import Sent
from kedge.venues.coinbase.trading import PLACE_TIMEOUT_MS, WAIT_MS_MAX, Trading
from kedge.venues.gateway import Amending
from kedge.venues.limiter import Urgency
from kedge.venues.timing import VenueClock

#: Refusals that say something of the order and not only of the edit.
_OF_THE_ORDER: Final = frozenset(
    {"ORDER_NOT_FOUND", "ONLY_OPEN_ORDERS_CAN_BE_EDITED", "CANNOT_EDIT_TO_BELOW_FILLED_SIZE"}
)


class Amendments:
    """Edits orders that `trading` placed or finds."""

    def __init__(self, asker: Asker, clock: VenueClock, trading: Trading) -> None:
        self._asker = asker
        self._clock = clock
        self._trading = trading

    async def amend(self, approved: Approved) -> Sequence[VenueFact]:
        """Give an order other terms under its id."""
        intent = approved.intent
        reason = self._clock.refusal() or self._elsewhere(intent)
        if reason:
            return refused(intent, reason, self._clock.now_ns())
        told: Sequence[VenueFact] = ()
        sent = self._trading.known.order(intent.id)
        if not sent.exchange_id or not sent.terms.quantity:  # after a restart: what the order is must be known first
            told = await self._trading.query(QueryRequested(intent.id, "amend"))
        reason = "" if sent.exchange_id else "the venue's list does not have the order"
        reason = reason or unamended(intent, Amending.PRICE_AND_QUANTITY, sent.terms)
        if reason:
            return [*told, *refused(intent, reason, self._clock.now_ns())]
        return [*told, *await self._edit(intent, sent)]

    def _elsewhere(self, intent: OrderIntent) -> str:
        """Why an edit cannot mean this order; empty where it can."""
        if intent.time_in_force is not TimeInForce.GTC:
            return f"unsupported: Coinbase edits orders that are good till cancelled, not {intent.time_in_force}"
        try:
            product = self._trading.names.product(intent.symbol)
        except UserError as error:
            return str(error)
        known = self._trading.known.product(intent.id)
        return f"it is an order on {known}" if known and known != product else ""

    async def _edit(self, intent: OrderIntent, sent: Sent) -> Sequence[VenueFact]:
        assert intent.price is not None, "asked before"
        call = requests.edit(sent.exchange_id, intent.price, intent.quantity)
        sent.terms.sending(intent)
        try:
            answer = await self._asker.ask(
                call,
                "edit",
                orders.edited,
                Urgency.ORDER,
                WAIT_MS_MAX,
                timeout_ms=PLACE_TIMEOUT_MS,
                leaves=sent.amendment_leaves,
            )
        finally:
            sent.terms.given_up()
        failed = answer.value if isinstance(answer, Whole) else answer
        if failed is None:
            return []
        assert isinstance(failed, Failed), "an edit is read whole"
        if failed.kind is not ErrorClass.UNKNOWN:
            sent.terms.answered()
        fact = amending(failed, intent.id, self._clock.now_ns())
        if isinstance(fact, OutcomeUnknown) or failed.code not in _OF_THE_ORDER:
            return [fact]
        return [fact, *await self._trading.query(QueryRequested(intent.id, failed.code))]
