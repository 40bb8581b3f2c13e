"""Amendments of orders of ours at Binance, from the approval to the facts that come back.

    spot      a smaller quantity at the same price (`keepPriority`); the order keeps its place in the queue
    USD-M     price and quantity of a limit order (`PUT /order`); it loses its place

A quantity that has filled already, and a post-only price that would take, end a futures order: the answer says so, and so do
the facts. A refusal leaves the order as it was (`AmendRejected`). Where the venue says that it does not know the order, or
that nothing needs changing, the order is asked about in the same breath: what it is now is another answer (H13).

Sources: FACTS.md 1.4, 2.4; the "Modify Order" and "Order Amend Keep Priority" pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from kedge.model.decisions import Approved
from kedge.model.errors import UserError
from kedge.model.facts import OrderAmended, OutcomeUnknown, VenueFact
from kedge.model.order import OrderStatus
from kedge.venues.amending import amending, refused, unamended
from kedge.venues.answers import ErrorClass, Failed, Whole
from kedge.venues.binance.inquiry import NO_MARKET, Inquiry, failed_of, is_over, stamped
from kedge.venues.binance.memory import Memory, Sent
from kedge.venues.binance.protocol import orders, reports
from kedge.venues.binance.protocol.errors import NOTHING_TO_AMEND, is_absent
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.reports import OrderState
from kedge.venues.binance.session import Session
from kedge.venues.gateway import Amending

_ENDED_WITHOUT_TERMS = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED})


class Amendments:
    """Amends orders of one account, as far as its product `can`."""

    def __init__(self, session: Session, memory: Memory, inquiry: Inquiry, can: Amending) -> None:
        self._session = session
        self._memory = memory
        self._inquiry = inquiry
        self._can = can

    async def amend(self, approved: Approved) -> Sequence[VenueFact]:
        """Give an order other terms under its id."""
        intent, session = approved.intent, self._session
        doubtful = "" if intent.reduce_only else session.venue_clock.refusal()
        if doubtful:
            return refused(intent, doubtful, session.now())
        sent = await self._inquiry.find(intent.id)
        if sent is None:
            return refused(intent, NO_MARKET.message, session.now())
        told = await self._terms(sent)
        reason = "it is on another market" if sent.symbol != intent.symbol else ""
        if sent.algo:
            reason = "unsupported: a conditional order cannot be amended; cancel it and send another"
        reason = reason or unamended(intent, self._can, sent.terms)
        if reason:
            return [*told, *refused(intent, reason, session.now())]
        try:
            raw, product = session.market(intent.symbol).raw, session.product
            call = orders.amend(product, raw, orders.named(intent.id, sent.exchange_id), intent)
        except UserError as error:
            return [*told, *refused(intent, str(error), session.now())]
        sent.terms.sending(intent)
        read = reports.amended if product is Product.SPOT else reports.order_state
        try:
            answer = await session.ask(call, read, leaves=sent.amendment_leaves)
        finally:
            sent.terms.given_up()
        if isinstance(answer, Whole):
            return [*told, *await self._amended(sent, answer.value)]
        return [*told, *await self._not_amended(sent, failed_of(answer))]

    async def _terms(self, sent: Sent) -> Sequence[VenueFact]:
        """Ask for the terms of an order of which none are known, after a restart; what they are is told."""
        if sent.terms.quantity or sent.algo:
            return ()
        return await self._inquiry.query(sent.order_id)

    async def _amended(self, sent: Sent, state: OrderState) -> Sequence[VenueFact]:
        sent.terms.answered()
        if state.status is None or state.quantity is None:
            return await self._inquiry.query(sent.order_id)
        self._memory.note(sent.order_id, state.exchange_id, state.raw, over=is_over(state))
        facts: list[VenueFact] = []
        if state.status not in _ENDED_WITHOUT_TERMS:
            sent.terms.take(state.quantity, state.price, state.ts)
            price = sent.terms.price
            facts.append(OrderAmended(state.ts, sent.order_id, state.quantity, price, state.exchange_id))
        return stamped(self._session, [*facts, *reports.ended(state, sent.order_id)])

    async def _not_amended(self, sent: Sent, failed: Failed) -> Sequence[VenueFact]:
        if failed.kind is not ErrorClass.UNKNOWN:
            sent.terms.answered()
        fact = amending(failed, sent.order_id, self._session.now())
        asks = is_absent(failed) or failed.code == str(NOTHING_TO_AMEND)
        if isinstance(fact, OutcomeUnknown) or not asks:
            return [fact]
        return [fact, *await self._inquiry.query(sent.order_id)]
