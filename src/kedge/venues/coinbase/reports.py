"""The user stream: what the channel sums up, made into facts with the executions that REST has.

The channel says how much of an order has filled, never at what price. So whenever it says more than we have fills for, the
fills are asked for, told first, and the order's new state after them. Fills that REST does not have yet are asked for again
every few seconds: the report has told the core of them (`filled`), so they count as exposure meanwhile.

Of an order that works nothing is told but its acceptance and its fills: `CANCEL_QUEUED` is no news to the core, which asked
for it, and would be taken for a cancel that failed.

Before a connection counts as up, everything that works and everything that filled since the last word is asked for (H10), and
each order of ours that should work and is not on that list: it ended while nobody listened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from kedge.model.decisions import QueryRequested
from kedge.model.errors import WorldError
from kedge.model.facts import Fact, Fill, OrderAccepted, OrderReport, OutcomeUnknown, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus
from kedge.venues.answers import Whole
from kedge.venues.coinbase.orders import Standing
from kedge.venues.coinbase.talk import Told
from kedge.venues.coinbase.trading import Trading
from kedge.venues.feed.market import MarketDataFeed
from kedge.venues.gateway import OpenOrder
from kedge.venues.shell import Recurring
from kedge.venues.wire.clock import Clock

#: Fills from before the last word are asked for again by so much: lists lag, repeats are harmless.
OVERLAP_NS: Final = 60 * NS_PER_S
OWED_SECONDS: Final = 3
OWED_MAX: Final = 10_000
_WAITING = frozenset({"PENDING", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED"})


class UserReports:
    """Turns the channel's words into facts for one listener."""

    def __init__(self, trading: Trading, clock: Clock, on_fact: Callable[[Fact], None]) -> None:
        self._trading = trading
        self._clock = clock
        self._on_fact = on_fact
        self._told: dict[str, Decimal] = {}  # by the venue's id: how much has been told as fills
        self._seen: dict[str, None] = {}  # trade ids told
        self._owed: dict[str, Told] = {}
        self._heard_at = clock.now_ns()

    async def hear(self, item: Any) -> None:
        """One item of the feed: a word of the channel, or a fact already."""
        if not isinstance(item, Told):
            self._on_fact(item)
            return
        self._heard_at = self._clock.now_ns()
        for fact in await self.facts_of(item):
            self._on_fact(fact)

    async def facts_of(self, told: Told) -> list[VenueFact]:
        """What one word of the channel means."""
        order_id = told.client_id or told.exchange_id
        self._trading.known.learn(order_id, told.exchange_id, told.product)
        facts = [*await self._amended(told, order_id), *await self._fills(told, order_id)]
        if told.is_ended:
            self._trading.known.ended(order_id)
        elif told.status is not None:
            self._trading.known.lives(order_id, told.exchange_id)
        if told.word in _WAITING or told.status is None:
            return facts
        if told.is_ended and told.status is not OrderStatus.FILLED:
            return [*facts, told.told(told.ts, order_id, self._clock.now_ns())]
        if told.status is OrderStatus.FILLED:
            return [*facts, told.report(told.ts, order_id, self._clock.now_ns())]
        return [*facts, OrderAccepted(told.ts, order_id, told.exchange_id, self._clock.now_ns())]

    async def _amended(self, told: Told, order_id: str) -> list[VenueFact]:
        """New terms of an order that works, asked for where the channel hints at them or an edit of ours was taken in: what
        it tells of terms is not documented, and its price is often missing.
        """
        terms = self._trading.known.order(order_id).terms
        quantity, price = told.quantity or terms.quantity, told.price or terms.price
        if told.word != "OPEN" or ((quantity, price) == (terms.quantity, terms.price) and terms.wanted is None):
            return []
        answer = await self._trading.query(QueryRequested(order_id, "its terms may have changed"))
        return [fact for fact in answer if not isinstance(fact, Fill | OrderReport | OutcomeUnknown)]

    async def missed(self) -> Sequence[Fact]:
        """What happened while nobody listened: fills, and where every order that works stands.

        `WorldError` where it cannot be found out: then the stream is not up.
        """
        asked_at = self._clock.now_ns()
        fills = await self._trading.fills_since("", self._heard_at - OVERLAP_NS)
        if not isinstance(fills, Whole):
            raise WorldError(f"the fills since the last word are not known: {fills}")
        listed = await self._trading.open_orders("")
        if not isinstance(listed, Whole):
            raise WorldError(f"the open orders are not known: {listed}")
        now = self._clock.now_ns()
        known = self._trading.known
        amended = [
            fact
            for order in listed.value
            if order.order_id
            for fact in known.order(order.order_id).terms.told(
                order.order_id, order.quantity, order.price, now, order.exchange_id
            )
        ]
        # terms first: fills of a size that was made larger do not end the order
        facts: list[VenueFact] = [*amended, *fills.value, *(_stands(order, now) for order in listed.value)]
        working = {order.exchange_id for order in listed.value}
        for order_id, exchange_id in self._trading.known.living.items():
            if exchange_id not in working:
                facts += await self._trading.query(QueryRequested(order_id, "it works no more"))
        self._heard_at = asked_at  # only now: what was asked in vain is asked for again
        return [fact for fact in facts if not (isinstance(fact, Fill) and self._is_repeat(fact.trade_id))]

    async def ask_owed(self) -> None:
        """Ask again for fills that the channel told of and REST did not have."""
        for exchange_id, told in [*self._owed.items()]:
            for fact in await self._fills(told, self._trading.known.order_id(exchange_id) or exchange_id):
                self._on_fact(fact)

    async def _fills(self, told: Standing, order_id: str) -> list[VenueFact]:
        """Fills that were not told yet, as far as REST has them."""
        exchange_id = told.exchange_id
        if told.filled <= self._told.get(exchange_id, ZERO):
            self._owed.pop(exchange_id, None)
            return []
        answer = await self._trading.fills_of(exchange_id)
        facts: list[VenueFact] = []
        if isinstance(answer, Whole):
            total = sum((each.quantity for each in answer.value), ZERO)
            self._told[exchange_id] = max(total, self._told.get(exchange_id, ZERO))
            now = self._clock.now_ns()
            facts += [
                each.fill(order_id, self._trading.names.symbol(each.product), now)
                for each in answer.value
                if not self._is_repeat(each.trade_id)
            ]
        if self._told.get(exchange_id, ZERO) < told.filled:
            if isinstance(told, Told):
                _bounded(self._owed, exchange_id, told)
        else:
            self._owed.pop(exchange_id, None)
        while len(self._told) > OWED_MAX:
            del self._told[next(iter(self._told))]
        return facts

    def _is_repeat(self, trade_id: str) -> bool:
        """Whether a fill was told before; it has been now."""
        if trade_id in self._seen:
            return True
        self._seen[trade_id] = None
        if len(self._seen) > OWED_MAX:
            del self._seen[next(iter(self._seen))]
        return False


class UserStream:
    """The feed of the user channel with the questions that belong to it."""

    def __init__(self, feed: MarketDataFeed, reports: UserReports, clock: Clock) -> None:
        self._feed = feed
        self._owed = Recurring(clock, OWED_SECONDS, reports.ask_owed)
        feed.on_message(reports.hear)

    async def start(self) -> None:
        """Connect; returns when the venue has confirmed and everything missed was told."""
        await self._feed.start()
        self._owed.start()

    async def stop(self) -> None:
        """Disconnect for good."""
        await self._owed.stop()
        await self._feed.stop()


def _stands(order: OpenOrder, now: int) -> OrderReport:
    """Where an order that works stands. One that waits for its cancel works, too."""
    status = OrderStatus.PARTIAL if order.filled else OrderStatus.OPEN
    return OrderReport(
        now, order.order_id or order.client_id or order.exchange_id, status, order.filled, order.exchange_id, now
    )


def _bounded(owed: dict[str, Told], exchange_id: str, told: Told) -> None:
    owed[exchange_id] = told
    while len(owed) > OWED_MAX:
        del owed[next(iter(owed))]
