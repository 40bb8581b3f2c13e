"""Reports on our orders through ccxt, by asking: what is open, what is no longer open, what was filled since the last word.

Where ccxt.pro can watch orders a change makes the question come at once; else it comes every few seconds. The question is the
truth, so an event that was lost costs seconds and not a position (H10, H17). It waits in the queue of orders, never in that of
cancels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from kedge.model.facts import Fact, OrderCancelled, OrderExpired, OrderReport, StreamStatus, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus
from kedge.venues.answers import Answer, Failed, Whole
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.inquiry import Inquiry
from kedge.venues.ccxt.working import RETRY_S, Tasks
from kedge.venues.gateway import OpenOrder
from kedge.venues.wire.clock import Clock

ASK_SECONDS: Final = 3
SEEN_MAX: Final = 20_000
_OVERLAP_NS: Final = 60 * NS_PER_S


class ReportWatch:
    """Reports on our orders."""

    def __init__(
        self,
        connection: Connection,
        inquiry: Inquiry,
        open_orders: Callable[[], Coroutine[Any, Any, Answer[tuple[OpenOrder, ...]]]],
        on_fact: Callable[[Fact], None],
        clock: Clock,
    ) -> None:
        self._connection, self._inquiry, self._open_orders = connection, inquiry, open_orders
        self._on_fact, self._clock = on_fact, clock
        self._tasks = Tasks(self._died)
        self._wake = asyncio.Event()
        self._open: dict[str, OpenOrder] = {}
        self._ending: dict[str, str] = {}  # the venue's id -> ours
        self._seen: dict[str, None] = {}
        self._since = clock.now_ns() - _OVERLAP_NS
        self._up: bool | None = None

    async def start(self) -> None:
        """Ask, and go on asking; returns when the first answer was whole."""
        while not await self._round():
            await self._clock.sleep(ASK_SECONDS)
        self._tasks.run(self._ask())
        if self._connection.has_stream and self._connection.streams.has.get("watchOrders"):
            self._tasks.run(self._listen())

    async def stop(self) -> None:
        """Ask no more, and say so."""
        await self._tasks.stop()
        self._died("stopped")

    async def _ask(self) -> None:
        while True:
            self._wake.clear()
            waiting = [asyncio.ensure_future(work) for work in (self._wake.wait(), self._clock.sleep(ASK_SECONDS))]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()
            await self._round()

    async def _listen(self) -> None:
        """Let a change on the stream wake the question. What the stream says is not used."""
        while True:
            told: Answer[Any] = await self._connection.ask("watch orders", self._connection.streams.watch_orders)
            if isinstance(told, Failed):
                await self._clock.sleep(RETRY_S)
            self._wake.set()

    async def _round(self) -> bool:
        """One question: what is open, what filled, what is no longer open. Whether it was answered whole."""
        asked_at = self._clock.now_ns()
        listed = await self._open_orders()
        if not isinstance(listed, Whole):
            return self._down(listed)
        now_open = {each.exchange_id: each for each in listed.value}
        self._ending |= {each: _named(order) for each, order in self._open.items()} | self._unseen()
        self._ending = {each: order_id for each, order_id in self._ending.items() if each not in now_open}
        if not await self._fills(now_open):
            return False
        await self._ends()
        for exchange_id, each in now_open.items():
            before = self._open.get(exchange_id)
            if before is None or before.filled != each.filled:
                self._on_fact(_stands(each, self._clock.now_ns()))
        self._open = now_open
        self._since = asked_at - _OVERLAP_NS
        if self._up is not True:
            self._up = True
            self._status(up=True)
        return True

    async def _fills(self, now_open: dict[str, OpenOrder]) -> bool:
        """Tell what was executed, each once."""
        orders, names = self._inquiry.orders, self._inquiry.names
        ending = {orders[order_id].symbol for order_id in self._ending.values() if order_id in orders}
        recent = {sent.symbol for sent in orders.values() if sent.sent_at >= self._since}
        for symbol in sorted(({each.symbol for each in now_open.values()} | ending | recent) & set(names)):
            fills = await self._inquiry.fills(symbol, self._since)
            if not isinstance(fills, Whole):
                return self._down(fills)
            for fill in fills.value:
                if fill.trade_id not in self._seen:
                    self._seen[fill.trade_id] = None
                    self._on_fact(fill)
        while len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]
        return True

    def _unseen(self) -> dict[str, str]:
        """Orders that the venue took and that were never seen open: one may come and end between two questions."""
        return {
            sent.exchange_id: order_id
            for order_id, sent in self._inquiry.orders.items()
            if sent.exchange_id and sent.sent_at and not sent.over
        }

    async def _ends(self) -> None:
        """What became of orders that are not open. One whose end is not told yet is asked about again in the next round."""
        for exchange_id, order_id in list(self._ending.items()):
            facts = await self._inquiry.query(order_id)
            seen_open = exchange_id in self._open
            if not any(isinstance(fact, OrderReport) and fact.status and fact.status.is_terminal for fact in facts):
                continue
            del self._ending[exchange_id]
            for fact in facts:
                self._on_fact(_end_of(fact) if seen_open else fact)

    def _down(self, answer: Any) -> bool:
        self._died(answer.message if isinstance(answer, Failed) else "only a part was answered")
        return False

    def _died(self, reason: str) -> None:
        if self._up is not False:
            self._up = False
            self._status(up=False, reason=reason)

    def _status(self, *, up: bool, reason: str = "") -> None:
        now = self._clock.now_ns()
        self._on_fact(StreamStatus(now, "", "user", up, reason, now))


def _named(order: OpenOrder) -> str:
    """The name under which an order is told: ours, or another's."""
    return order.order_id or order.client_id or order.exchange_id


def _stands(order: OpenOrder, now: int) -> OrderReport:
    status = OrderStatus.PARTIAL if order.filled > ZERO else OrderStatus.OPEN
    return OrderReport(now, _named(order), status, order.filled, order.exchange_id, now)


def _end_of(fact: VenueFact) -> VenueFact:
    """A report of an end as the end itself."""
    if isinstance(fact, OrderReport) and fact.status is OrderStatus.CANCELLED:
        return OrderCancelled(fact.ts, fact.order_id, fact.filled, "", fact.received)
    if isinstance(fact, OrderReport) and fact.status is OrderStatus.EXPIRED:
        return OrderExpired(fact.ts, fact.order_id, fact.filled, "", fact.received)
    return fact
