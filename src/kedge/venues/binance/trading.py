"""Trading: orders of ours at Binance, from the decision that left the core to the facts that come back.

**Unknown is not failed** (hazard H1). A request without an answer, any 5xx, -1006 and -1007 mean that the order may live.
Nothing is sent again; it is asked about by client id (`inquiry`).

**A duplicate** ("Duplicate order sent.", -4116) is an answer about an order of ours that works: unknown until asked.

**A cancel** that finds nothing says nothing of the order (H13): it is asked about in the same breath. A cancel of a
conditional order is taken, which does not say that the order has ended (H15): that is asked as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kedge.model.decisions import Approved
from kedge.model.errors import UserError, VenueError
from kedge.model.facts import OrderRejected, OutcomeUnknown, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.order import OrderIntent
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.binance.inquiry import NO_MARKET, Inquiry, failed_of, is_over, stamped
from kedge.venues.binance.memory import Memory
from kedge.venues.binance.protocol import account, calls, market, orders, reports
from kedge.venues.binance.protocol.errors import Fault, fault_of, is_absent, is_duplicate, kind_of
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.reports import OrderState, Replacement
from kedge.venues.binance.protocol.requests import Call
from kedge.venues.binance.session import Session
from kedge.venues.shell import asking_about, cancelling, placing

_REPLACE_FAILED = frozenset({400, 409})


class Trading:
    """Sends and ends orders of one account."""

    def __init__(self, session: Session, memory: Memory, inquiry: Inquiry) -> None:
        self._session = session
        self._memory = memory
        self._inquiry = inquiry

    async def place(self, approved: Approved) -> Sequence[VenueFact]:
        """Send an order."""
        intent, now = approved.intent, self._session.now()
        refused = "" if intent.reduce_only else self._session.venue_clock.refusal()
        if refused:
            return [OrderRejected(now, intent.id, f"not sent: {refused}")]
        try:
            call = await self._placing(intent)
        except UserError as error:
            return [OrderRejected(now, intent.id, f"not sent: {error}")]
        sent = self._memory.remember(intent, self._session.venue_clock.venue_ns())
        sent.under_way = True
        try:
            answer = await self._session.ask(call, reports.order_state, leaves=sent.leaves)
        finally:
            sent.under_way = False
        return self._placed(intent, answer)

    async def replace(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        """Cancel an order and, only where that succeeds, send another: one request, spot only.

        Futures can modify an order but keep its id, which is no replacement of one order of ours by another.
        """
        intent, now = approved.intent, self._session.now()
        sent = self._memory.known(order_id)
        if self._session.product is not Product.SPOT or sent is None or sent.symbol != intent.symbol:
            reason = "not sent: Binance replaces orders of spot that are on the same market and known to us"
            return [OrderRejected(now, intent.id, reason)]
        try:
            found = self._session.market(intent.symbol)
            call = orders.replace(Product.SPOT, found.raw, orders.named(order_id, sent.exchange_id), intent)
            orders.check_offered(call, found.order_types)
        except UserError as error:
            return [OrderRejected(now, intent.id, f"not sent: {error}")]
        fresh = self._memory.remember(intent, self._session.venue_clock.venue_ns())
        fresh.under_way = True
        try:
            answer = await self._session.ask(call, _replacement_or_fault, answers=_REPLACE_FAILED, leaves=fresh.leaves)
        finally:
            fresh.under_way = False
        if not isinstance(answer, Whole):
            failed = failed_of(answer)
            return [placing(failed, intent.id, now), *self._cancel_unknown(failed, order_id, now)]
        if isinstance(answer.value, Fault):
            kind = kind_of(400, answer.value)
            failed = Failed(kind, str(answer.value.code), answer.value.msg)
            return [placing(failed, intent.id, now), *self._cancel_unknown(failed, order_id, now)]
        return self._replaced(order_id, intent, answer.value, now)

    def _replaced(self, order_id: str, intent: OrderIntent, told: Replacement, now: int) -> list[VenueFact]:
        facts: list[VenueFact] = []
        if isinstance(told.cancelled, OrderState):
            facts.extend(self._ended(told.cancelled, order_id))
        elif told.cancelled is not None:
            failed = Failed(kind_of(400, told.cancelled), str(told.cancelled.code), told.cancelled.msg)
            facts.append(cancelling(failed, order_id, now))
        if isinstance(told.placed, OrderState):
            self._memory.note(intent.id, told.placed.exchange_id, told.placed.raw)
            facts.extend(stamped(self._session, reports.placed(told.placed, intent.id, intent.symbol)))
        elif told.placed is not None:
            failed = Failed(kind_of(400, told.placed), str(told.placed.code), told.placed.msg)
            facts.append(placing(failed, intent.id, now))
        else:
            facts.append(OrderRejected(now, intent.id, "not sent: the order to be replaced could not be cancelled"))
        return facts

    async def _placing(self, intent: OrderIntent) -> Call:
        session = self._session
        found = session.market(intent.symbol)
        if orders.expires_soon(intent, session.venue_clock.venue_ns()):
            raise UserError(
                f"order {intent.id} ends in less than {orders.GTD_NS_MIN // NS_PER_S} s; Binance takes none"
            )
        reference = await self._reference(found.raw) if intent.trail is not None else None
        call = orders.place(session.product, found.raw, intent, reference=reference)
        if not call.path.endswith("/algoOrder"):
            orders.check_offered(call, found.order_types)
        return call

    async def _reference(self, raw: str) -> Decimal | None:
        """The price that a trail is a part of: the mark on futures, the middle of the quote on spot."""
        if self._session.product is Product.USDM:
            marks = await self._session.ask(calls.premium_index(raw), market.premiums)
            return marks.value[0].mark if isinstance(marks, Whole) and marks.value else None
        call = calls.book_tickers(Product.SPOT, (raw,))
        quotes = await self._session.ask(call, lambda body: market.quotes(body, {raw: raw}, self._session.now()))
        if not isinstance(quotes, Whole) or not quotes.value:
            return None
        return (quotes.value[0].bid + quotes.value[0].ask) / 2

    def _placed(self, intent: OrderIntent, answer: Answer[OrderState]) -> list[VenueFact]:
        now = self._session.now()
        if isinstance(answer, Whole):
            state = answer.value
            facts = stamped(self._session, reports.placed(state, intent.id, intent.symbol))
            self._memory.note(intent.id, state.exchange_id, state.raw, over=is_over(state))
            if state.actual_id:
                self._memory.became(intent.id, state.actual_id)
            return facts
        failed = failed_of(answer)
        if is_duplicate(failed):
            return [OutcomeUnknown(now, intent.id, f"an order with this id works already: {failed.message}")]
        fact = placing(failed, intent.id, now)
        if isinstance(fact, OrderRejected):
            self._memory.note(intent.id, "", over=True)
        return [fact]

    async def cancel(self, order_id: str) -> Sequence[VenueFact]:
        """Ask for an order's end."""
        sent, now = await self._inquiry.find(order_id), self._session.now()
        if sent is None:
            return [asking_about(NO_MARKET, order_id, now)]
        raw = self._session.market(sent.symbol).raw
        product = self._session.product
        if sent.algo and not sent.actual_id:
            call = orders.cancel(product, raw, orders.named(order_id, algo=True))
            taken = await self._session.ask(call, reports.algo_cancelled)
            if isinstance(taken, Whole):  # taken is not ended (H15): ask what it is now
                return await self._inquiry.query(order_id)
            return await self._not_cancelled(failed_of(taken), order_id, now)
        answer = await self._session.ask(orders.cancel(product, raw, sent.name), reports.order_state)
        if isinstance(answer, Whole):
            return self._ended(answer.value, order_id)
        return await self._not_cancelled(failed_of(answer), order_id, now)

    async def _not_cancelled(self, failed: Failed, order_id: str, now: int) -> Sequence[VenueFact]:
        fact = cancelling(failed, order_id, now)
        if isinstance(fact, OutcomeUnknown) or not is_absent(failed):
            return [fact]
        return [fact, *await self._inquiry.query(order_id)]

    def _cancel_unknown(self, failed: Failed, order_id: str, now: int) -> list[VenueFact]:
        """What a replacement that failed as a whole says of the order that it was to cancel."""
        return [OutcomeUnknown(now, order_id, failed.message)] if failed.kind is ErrorClass.UNKNOWN else []

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        """Ask for the end of every order, plain and conditional; the ids of those concerned."""
        working = await self._inquiry.open_orders(symbol)
        if not isinstance(working, Whole):
            return working if isinstance(working, Failed) else Failed(ErrorClass.UNKNOWN, "partial", working.missing)
        ids = tuple(order.order_id or order.client_id for order in working.value)
        for each in dict.fromkeys(order.symbol for order in working.value):
            failed = await self._cancel_symbol(self._session.market(each).raw)
            if failed is not None:
                return failed
        return Whole(ids, self._session.now())

    async def _cancel_symbol(self, raw: str) -> Failed | None:
        session = self._session
        wanted: list[tuple[Call, Any]] = []
        if session.product is Product.SPOT:
            wanted.append((orders.cancel_all(Product.SPOT, raw), reports.order_states))
        else:
            wanted += [
                (orders.cancel_all(Product.USDM, raw), account.done),
                (orders.cancel_all_algo(raw), account.done),
            ]
        for call, read in wanted:
            answer = await session.ask(call, read)
            if isinstance(answer, Failed) and not is_absent(answer):
                return answer
        return None

    def _ended(self, state: OrderState, order_id: str) -> list[VenueFact]:
        self._memory.note(order_id, state.exchange_id, state.raw, over=is_over(state))
        return stamped(self._session, reports.ended(state, order_id))


def _replacement_or_fault(body: bytes) -> Replacement | Fault:
    if b'"cancelResult"' in body:
        return reports.replacement(body)
    fault = fault_of(body)
    if not fault.code:
        raise VenueError("cancelReplace: neither what came of it nor a code is told")
    return fault
