"""Inquiry: what the venue says of our orders and executions when it is asked.

"Order does not exist" is no proof by itself: reads lag behind, and a lost request may still take effect until its
`recvWindow` and the ten seconds of the matching engine are over. Only after that moment, and only when the list of all
orders since then does not have it either, is an order rejected for good (FACTS.md 1.11, hazard H4).

A conditional order that was triggered lives on as a plain order, and that one is then asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import structs

from kedge.model.facts import Fill, OrderRejected, OutcomeUnknown, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.order import OrderStatus
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.binance.memory import Memory, Sent
from kedge.venues.binance.protocol import calls, orders, reports
from kedge.venues.binance.protocol.errors import ARCHIVED, is_absent
from kedge.venues.binance.protocol.executions import Execution, executions_of
from kedge.venues.binance.protocol.names import to_client_id
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.reports import OrderState
from kedge.venues.binance.protocol.requests import DEAD_AFTER_NS
from kedge.venues.binance.session import Session
from kedge.venues.gateway import OpenOrder
from kedge.venues.shell import asking_about

#: Pages of executions in one answer; what is beyond is `Partial`.
FILL_PAGES_MAX = 40

#: Orders of one answer.
ORDERS_PAGE = 1_000

NO_MARKET = Failed(
    ErrorClass.OURS, "unknown order", "its market is not known here; Binance wants it with every question"
)


class Inquiry:
    """Asks about orders of one account."""

    def __init__(self, session: Session, memory: Memory) -> None:
        self._session = session
        self._memory = memory

    async def query(self, order_id: str) -> Sequence[VenueFact]:
        """What an order of ours is: terms that were not known, fills, then the report."""
        sent, now = await self.find(order_id), self._session.now()
        if sent is None:
            return [asking_about(NO_MARKET, order_id, now)]
        state = await self._state_of(sent)
        if isinstance(state, OrderState):
            return await self._told(sent, state, now)
        if state.code == str(ARCHIVED):
            self._memory.note(order_id, "", over=True)
            return [reports.reported(_nothing_filled(sent, now), order_id)]
        if not is_absent(state):
            return [asking_about(state, order_id, now)]
        if sent.under_way:
            return [OutcomeUnknown(now, order_id, "its request waits for its turn or its answer")]
        if self._session.venue_clock.venue_ns() < sent.sent_ns + DEAD_AFTER_NS:
            return [OutcomeUnknown(now, order_id, "the venue does not know it yet; it may still arrive")]
        return await self._certainly_absent(sent)

    async def find(self, order_id: str) -> Sent | None:
        """What is remembered of an order; one that is not, after a restart, may be among those that work."""
        known = self._memory.known(order_id)
        if known is not None:
            return known
        working = await self.open_orders()
        for order in working.value if isinstance(working, Whole) else ():
            if order.client_id == to_client_id(order_id):
                algo = self._session.product is Product.USDM and order.order_type in orders.CONDITIONAL
                return self._memory.found(order_id, order.symbol, order.exchange_id, algo=algo)
        return None

    async def _state_of(self, sent: Sent) -> OrderState | Failed:
        """The order, or what it became."""
        session, raw = self._session, self._session.market(sent.symbol).raw
        if sent.algo and not sent.actual_id:
            name = orders.named(sent.order_id, algo=True)
            answer = await session.ask(orders.query(session.product, raw, name), reports.order_state)
            if not isinstance(answer, Whole):
                return failed_of(answer)
            if not answer.value.actual_id or answer.value.actual_id == "0":
                return answer.value
            self._memory.became(sent.order_id, answer.value.actual_id)
        answer = await session.ask(orders.query(session.product, raw, sent.name), reports.order_state)
        if (
            isinstance(answer, Failed)
            and is_absent(answer)
            and sent.exchange_id
            and not sent.algo
            and not sent.client_id
        ):
            named = orders.named("", sent.exchange_id)  # amended by somebody, it may have lost the id that we gave it
            answer = await session.ask(orders.query(session.product, raw, named), reports.order_state)
            if isinstance(answer, Whole):
                self._memory.renamed(sent.order_id, answer.value.client_id)
        return answer.value if isinstance(answer, Whole) else failed_of(answer)

    async def _told(self, sent: Sent, state: OrderState, asked: int) -> list[VenueFact]:
        """The answer to a question that left at `asked`, and speaks of that moment, however long ago the order changed."""
        session = self._session
        self._memory.note(sent.order_id, state.exchange_id, state.raw, over=is_over(state))
        venue_ns = session.venue_clock.venue_ns()
        facts = [] if state.algo else sent.amended(state, venue_ns)
        if state.filled and not state.algo:
            call = calls.fills_of(session.product, state.raw, state.exchange_id)
            answer = await session.ask(call, executions_of)
            if isinstance(answer, Whole):
                facts.extend(one.fill(sent.order_id, sent.symbol) for one in answer.value)
        if is_over(state):
            sent.terms.answered()
        doubt = sent.terms.doubt(sent.order_id, venue_ns, session.now())
        if doubt is not None:
            facts.append(doubt)
        if not isinstance(doubt, OutcomeUnknown):
            facts.append(reports.reported(structs.replace(state, ts=max(state.ts, asked)), sent.order_id))
        return stamped(self._session, facts)

    async def _certainly_absent(self, sent: Sent) -> Sequence[VenueFact]:
        """The second witness: the list of all orders since before it was sent."""
        session, now = self._session, self._session.now()
        raw = session.market(sent.symbol).raw
        since = sent.sent_ns - NS_PER_S
        call = calls.all_orders(session.product, raw, since, ORDERS_PAGE)
        if sent.algo:
            call = calls.all_algo_orders(raw, since, ORDERS_PAGE)
        answer = await session.ask(call, reports.order_states)
        if not isinstance(answer, Whole):
            return [asking_about(failed_of(answer), sent.order_id, now)]
        client_id = to_client_id(sent.order_id)
        for state in answer.value:
            if state.client_id == client_id or state.exchange_id == sent.exchange_id:
                return await self._told(sent, state, now)
        if len(answer.value) >= ORDERS_PAGE:
            return [OutcomeUnknown(now, sent.order_id, "more orders than one answer holds; ask again")]
        self._memory.note(sent.order_id, "", over=True)
        return [OrderRejected(now, sent.order_id, "it never arrived: two answers agree, and its time is over")]

    async def triggered_owner(self, symbol: str, exchange_id: str) -> str:
        """Our conditional order that became the venue's order `exchange_id`; empty where none did."""
        for sent in self._memory.live():
            if sent.algo and not sent.actual_id and sent.symbol == symbol:
                await self._state_of(sent)
                if sent.actual_id == exchange_id:
                    return sent.order_id
        return ""

    async def open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        """What works at the venue, conditional orders included."""
        session = self._session
        raw = session.market(symbol).raw if symbol else ""
        wanted = [calls.open_orders(session.product, raw)]
        if session.product is Product.USDM:
            wanted.append(calls.open_algo_orders(raw))
        found: list[OpenOrder] = []
        missing: list[str] = []
        for call in wanted:
            answer = await session.ask(call, reports.order_states)
            if not isinstance(answer, Whole):
                return failed_of(answer)
            for state in answer.value:
                listed = session.listing.by_raw.get(state.raw)
                if listed is None:
                    missing.append(f"order {state.exchange_id} on {state.raw}, which is not listed")
                else:
                    found.append(self._open(state, listed.instrument.symbol))
        if missing:
            return Partial(tuple(found), "; ".join(missing), session.now())
        return Whole(tuple(found), session.now())

    def _open(self, state: OrderState, symbol: str) -> OpenOrder:
        order_id = self._memory.order_id(state)
        ours = self._memory.is_ours(order_id)
        if ours:
            self._memory.note(order_id, state.exchange_id, state.raw)
        assert state.side is not None, "the list of open orders names sides"
        return OpenOrder(
            order_id if ours else "",
            state.exchange_id,
            symbol,
            state.side,
            state.order_type,
            state.quantity or state.filled,
            state.filled,
            state.price,
            state.status or OrderStatus.SUBMITTED,
            state.client_id,
            state.stop_price,
            state.reduce_only,
            state.ts,
        )

    async def fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions from `since` on, oldest first: windows of the venue's length, each to its last page."""
        session = self._session
        raw, span = session.market(symbol).raw, calls.FILLS_SPAN_NS[session.product]
        found: dict[str, Execution] = {}
        start, end, pages = since, session.venue_clock.venue_ns() + NS_PER_S, 0
        while start < end:
            call = calls.fills(session.product, raw, start, min(start + span, end))
            while True:
                if pages >= FILL_PAGES_MAX:
                    return Partial(await self._own(found.values(), symbol), f"ask again from {start}", session.now())
                pages += 1
                answer = await session.ask(call, executions_of)
                if not isinstance(answer, Whole):
                    return failed_of(answer)
                found.update((one.trade_id, one) for one in answer.value if one.ts >= since)
                if len(answer.value) < calls.TRADES_MAX:
                    break
                call = calls.fills_from(session.product, raw, int(answer.value[-1].trade_id) + 1)
            start += span
        return Whole(await self._own(found.values(), symbol), session.now())

    async def _own(self, executions: Iterable[Execution], symbol: str) -> tuple[Fill, ...]:
        """Executions as fills of orders of ours: an order that we do not know by the venue's id is asked about."""
        session = self._session
        fills: list[Fill] = []
        for one in sorted(executions, key=lambda each: (each.ts, int(each.trade_id))):
            order_id = self._memory.owner(one.raw, one.exchange_id)
            if order_id is None:
                call = orders.query(session.product, one.raw, orders.named("", one.exchange_id))
                answer = await session.ask(call, reports.order_state)
                order_id = self._memory.order_id(answer.value) if isinstance(answer, Whole) else f"#{one.exchange_id}"
                if isinstance(answer, Whole):
                    self._memory.learn(one.raw, one.exchange_id, order_id)
            fills.append(one.fill(order_id, symbol))
        return tuple(fills)


def failed_of(answer: Failed | Partial[Any]) -> Failed:
    """An answer that was not whole: the protocol reads all or nothing."""
    assert isinstance(answer, Failed), "the protocol reads whole answers"
    return answer


def is_over(state: OrderState) -> bool:
    """Whether nothing more will come of the order; a conditional one that was triggered lives on."""
    return state.status is not None and state.status.is_terminal and not state.is_triggered


def stamped(session: Session, facts: Iterable[VenueFact]) -> list[VenueFact]:
    """Facts with the time that they reached us."""
    now = session.now()
    return [structs.replace(fact, received=now) for fact in facts]


def _nothing_filled(sent: Sent, now: int) -> OrderState:
    return OrderState(sent.symbol, sent.exchange_id, to_client_id(sent.order_id), OrderStatus.CANCELLED, now)
