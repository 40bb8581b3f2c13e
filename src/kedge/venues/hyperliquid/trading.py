"""Orders: placing, ending, replacing and asking about them, each with the three outcomes kept apart.

**Unknown.** A request without an answer may have acted. What was sent is remembered with its nonce and the moment after
which it can no longer act (`expiresAfter`). Asked about, the order is looked for by client id. Where the venue does not know
it, its nonce is burnt: a `noop` is signed under the same nonce. If that is taken, the order never came and never will; if
the nonce was used already, the order did come, and is still to be told of. Without the nonce (another process sent it) only
time helps: after the last moment and a grace, when status, open orders and fills all know nothing, it never was.

**Filled.** The answer to an order tells how much was matched, not in which fills at which fee; those are asked for, and what
is not there yet is told as the venue's cumulative quantity (hazard H14).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import UserError
from kedge.model.facts import (
    CancelRejected,
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
    VenueFact,
)
from kedge.model.instant import NS_PER_MS
from kedge.model.money import ZERO
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.answers import Answer, Failed, Partial, Whole
from kedge.venues.gateway import OpenOrder
from kedge.venues.hyperliquid.calls import Desk
from kedge.venues.hyperliquid.names import Known, Names
from kedge.venues.hyperliquid.protocol import account, actions, info, markets
from kedge.venues.hyperliquid.protocol.account import OrderState, OwnFill
from kedge.venues.hyperliquid.protocol.assets import Asset, AssetTable
from kedge.venues.hyperliquid.protocol.cloid import cloid_of
from kedge.venues.hyperliquid.protocol.exchange import Envelope
from kedge.venues.hyperliquid.protocol.orders import Unsendable, wire_order
from kedge.venues.hyperliquid.protocol.refusals import DUPLICATE_NONCE, Refusal
from kedge.venues.hyperliquid.protocol.replies import Filled, Reply, Resting, Status, Statuses, Success
from kedge.venues.hyperliquid.protocol.reports import named, report
from kedge.venues.limiter import Urgency
from kedge.venues.shell import asking_about, cancelling, placing

#: How long after it was signed an order may still act.
EXPIRES_MS: Final = 10_000
#: How long after that the venue's pages may still not know of it.
GRACE_MS: Final = 10_000
#: A new order that would wait longer for room under the rate limit is not sent.
WAIT_MS_MAX: Final = 2_000
#: Rows of a page of fills, pages asked for, and what the venue keeps.
FILLS_PAGE: Final = 2_000
FILLS_PAGES_MAX: Final = 20
FILLS_KEPT: Final = 10_000
#: Clocks may differ: fills of an order are looked for from a little before it was sent.
_BEFORE_MS: Final = 5_000


class Trading:
    """The orders of one account."""

    def __init__(self, desk: Desk, user: str, assets: AssetTable, names: Names) -> None:
        self.assets = assets
        self._desk = desk
        self._user = user
        self._names = names

    # placing

    async def place(self, approved: Approved) -> Sequence[VenueFact]:
        """Send an order; one that was sent before is not sent again, under whatever nonce: what it is is asked (H8)."""
        intent = approved.intent
        if self._names.know(intent.id, intent.symbol).sent:
            return await self.query(QueryRequested(intent.id, "it was sent before"))
        late = "" if intent.reduce_only else self._desk.caller.clock.refusal()
        if late:
            return [OrderRejected(self._desk.now, intent.id, f"not sent: {late}")]
        try:
            asset = self.assets.of_symbol(intent.symbol)
            order = wire_order(asset, await self._bounded(asset, approved), cloid_of(intent.id))
        except UserError as error:
            return [OrderRejected(self._desk.now, intent.id, f"not sent: {error}")]
        known = self._names.know(intent.id, intent.symbol)
        answer = await self._desk.act(
            actions.place([order]),
            Urgency.EXIT if intent.reduce_only else Urgency.ORDER,
            expires_in_ms=EXPIRES_MS,
            wait_ms_max=None if intent.reduce_only else WAIT_MS_MAX,
            sending=lambda envelope: _sent(known, envelope),
        )
        return await self._placed(intent, answer)

    async def replace(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        """Put a new order in the place of another; both are told of."""
        intent = approved.intent
        try:
            order = wire_order(self.assets.of_symbol(intent.symbol), approved, cloid_of(intent.id))
        except UserError as error:
            return [OrderRejected(self._desk.now, intent.id, f"not sent: {error}")]
        known = self._names.know(intent.id, intent.symbol)
        old = self._names.know(order_id)
        answer = await self._desk.act(
            actions.modify([(old.oid or cloid_of(order_id), order)]),
            Urgency.EXIT if intent.reduce_only else Urgency.ORDER,
            expires_in_ms=EXPIRES_MS,
            sending=lambda envelope: _sent(known, envelope),
        )
        placed = await self._placed(intent, answer)
        return [*await self.query(QueryRequested(order_id, "replaced")), *placed]

    async def _bounded(self, asset: Asset, approved: Approved) -> Approved:
        """A market order with the price that bounds it: what risk valued it at, or else the best that is offered now."""
        intent = approved.intent
        if intent.order_type is not OrderType.MARKET or approved.worst_price:
            return approved
        answer = await self._desk.ask(info.l2_book(asset.coin), lambda told: markets.book(told, self.assets))
        if isinstance(answer, Failed):
            raise Unsendable(f"no price is known that bounds it: {answer.code}: {answer.message}")
        offered = answer.value.asks if intent.side is Side.BUY else answer.value.bids
        if not offered:
            raise Unsendable("nothing is offered on the other side")
        return structs.replace(approved, worst_price=offered[0][0])

    async def _placed(self, intent: OrderIntent, answer: Answer[Reply]) -> Sequence[VenueFact]:
        now, order_id = self._desk.now, intent.id
        status = _only(answer)
        if isinstance(status, Failed):
            fact = placing(status, order_id, now)
            if isinstance(fact, OrderRejected) and not self._names.is_first_refusal(order_id):
                return []
            return [fact]
        if isinstance(status, Refusal):
            if not self._names.is_first_refusal(order_id):
                return []
            return [OrderRejected(now, order_id, status.message)]
        if isinstance(status, Resting | Filled):
            self._names.bind(order_id, status.oid)
        if not isinstance(status, Filled):
            return [OrderAccepted(now, order_id, str(status.oid) if isinstance(status, Resting) else "")]
        return await self._filled(intent, status)

    async def _filled(self, intent: OrderIntent, status: Filled) -> Sequence[VenueFact]:
        """What was matched at once, with the fills that the venue tells of already."""
        order_id, oid = intent.id, str(status.oid)
        fills = await self._fills_of(self._names.know(order_id))
        now = self._desk.now
        facts: list[VenueFact] = [OrderAccepted(now, order_id, oid), *fills]
        told = sum((fill.quantity for fill in fills), ZERO)
        if status.total >= intent.quantity:
            if told < status.total:
                facts.append(OrderReport(now, order_id, OrderStatus.FILLED, status.total, oid, now))
        elif intent.order_type is OrderType.MARKET or intent.time_in_force is TimeInForce.IOC:
            facts.append(OrderExpired(now, order_id, status.total, "the rest found nothing to match", now))
        elif told < status.total:
            facts.append(OrderReport(now, order_id, OrderStatus.PARTIAL, status.total, oid, now))
        return facts

    # ending

    async def cancel(self, request: CancelRequested) -> Sequence[VenueFact]:
        """Ask for an order's end; what it then is, where the venue says it at once."""
        order_id = request.order_id
        known = self._names.know(order_id)
        if not known.symbol:
            state = await self._state(order_id)
            if isinstance(state, Failed):
                return [cancelling(state, order_id, self._desk.now)]
            if state is None:
                return [CancelRejected(self._desk.now, order_id, "the venue knows no such order")]
            known.symbol = state.symbol
        asset = self.assets.by_symbol.get(known.symbol)
        if asset is None:
            return [CancelRejected(self._desk.now, order_id, f"{known.symbol} is not listed")]
        answer = await self._desk.act(actions.cancel_by_cloid([(asset.index, cloid_of(order_id))]), Urgency.EXIT)
        status = _only(answer)
        now = self._desk.now
        if isinstance(status, Failed):
            return [cancelling(status, order_id, now)]
        if isinstance(status, Refusal):
            return [CancelRejected(now, order_id, status.message)]
        return await self._ended(known)

    async def _ended(self, known: Known) -> Sequence[VenueFact]:
        """An order that was cancelled: with which quantity filled, or nothing yet where that cannot be told."""
        state = await self._state(known.order_id)
        if not isinstance(state, OrderState) or state.status is OrderStatus.OPEN:
            return []
        fills = await self._fills_of(known) if state.filled else []
        now = self._desk.now
        if state.status is OrderStatus.CANCELLED:
            return [*fills, OrderCancelled(state.ts, known.order_id, state.filled, state.word, now)]
        return [*fills, report(state, known.order_id, state.filled, now)]

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        """Ask for the end of every order of ours; those that are gone meanwhile count as concerned."""
        open_orders = await self.open_orders(symbol)
        if isinstance(open_orders, Failed):
            return open_orders
        ours = [order for order in open_orders.value if order.order_id and order.symbol in self.assets.by_symbol]
        if not ours:
            return Whole((), open_orders.at)
        pairs = [(self.assets.by_symbol[order.symbol].index, int(order.exchange_id)) for order in ours]
        answer = await self._desk.act(actions.cancel(pairs), Urgency.EXIT)
        if isinstance(answer, Failed):
            return answer
        if not isinstance(answer.value, Statuses):
            return Partial((), f"the venue answered {answer.value!r:.80}", answer.at)
        concerned = tuple(order.order_id for order in ours)
        failed = [status.message for status in answer.value.statuses if isinstance(status, Refusal)]
        return Partial(concerned, failed[0], answer.at) if failed else Whole(concerned, answer.at)

    # asking

    async def query(self, request: QueryRequested) -> Sequence[VenueFact]:
        """What an order is."""
        order_id = request.order_id
        known = self._names.know(order_id)
        if not known.dead_after_ms:  # another process sent it: from now on its last moment can be reckoned
            known.sent_ms, known.dead_after_ms = self._desk.venue_ms, self._desk.venue_ms + EXPIRES_MS
        state = await self._state(order_id)
        now = self._desk.now
        if isinstance(state, Failed):
            return [asking_about(state, order_id, now)]
        if state is None:
            return await self._missing(known)
        fills = await self._fills_of(known, state)
        filled = sum((fill.quantity for fill in fills), ZERO)
        return [*fills, report(state, order_id, filled, now)]

    async def _missing(self, known: Known) -> Sequence[VenueFact]:
        """An order that the venue does not know: whether it still can come."""
        if known.envelope is not None:
            burnt = await self._desk.act(actions.noop(), Urgency.EXIT, nonce=known.envelope.nonce)
            if not isinstance(burnt, Failed):
                known.envelope = None
                return self._never(known, "it never arrived, and its nonce is burnt")
            if DUPLICATE_NONCE not in burnt.message:
                return [asking_about(burnt, known.order_id, self._desk.now)]
        return await self._unless_late(known)

    async def _unless_late(self, known: Known) -> Sequence[VenueFact]:
        now, order_id = self._desk.now, known.order_id
        if self._desk.venue_ms <= known.dead_after_ms + GRACE_MS:
            return [OutcomeUnknown(now, order_id, "the venue does not know it yet, and it may still come")]
        open_orders = await self.open_orders()
        fills = await self._own_fills(known.sent_ms - _BEFORE_MS)
        for answer in (open_orders, fills):
            if not isinstance(answer, Whole):
                return [
                    OutcomeUnknown(self._desk.now, order_id, "the venue does not know it, and its pages are not whole")
                ]
        assert isinstance(open_orders, Whole), "asked above"
        assert isinstance(fills, Whole), "asked above"
        if any(order.order_id == order_id for order in open_orders.value) or any(
            own.fill.order_id == order_id for own in fills.value
        ):
            return [OutcomeUnknown(self._desk.now, order_id, "the venue does not know it, and yet it worked")]
        return self._never(known, "status, open orders and fills know nothing of it, and it can come no more")

    def _never(self, known: Known, why: str) -> Sequence[VenueFact]:
        if not self._names.is_first_refusal(known.order_id):
            return [OrderReport(self._desk.now, known.order_id, OrderStatus.REJECTED)]
        return [OrderRejected(self._desk.now, known.order_id, why)]

    async def open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        """What works, by any hand."""
        answer = await self._desk.ask(
            info.open_orders(self._user), lambda told: account.open_orders(told, self.assets, self._names.of)
        )
        if isinstance(answer, Failed) or not symbol:
            return answer
        return Whole(tuple(order for order in answer.value if order.symbol == symbol), answer.at)

    async def fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions from `since` on, oldest first."""
        answer = await self._own_fills(since // NS_PER_MS)
        if isinstance(answer, Failed):
            return answer
        wanted = (own for own in answer.value if symbol in {"", own.fill.symbol} and own.fill.ts >= since)
        fills = tuple(named(own) for own in wanted)
        return Whole(fills, answer.at) if isinstance(answer, Whole) else Partial(fills, answer.missing, answer.at)

    async def _state(self, order_id: str) -> OrderState | Failed | None:
        answer = await self._desk.ask(
            info.order_status(self._user, cloid_of(order_id)), lambda told: account.order_status(told, self.assets)
        )
        if isinstance(answer, Failed):
            return answer
        if answer.value is not None:
            self._names.bind(order_id, answer.value.oid)
        return answer.value

    async def _fills_of(self, known: Known, state: OrderState | None = None) -> list[Fill]:
        """The fills of one order that the venue tells of; none where it tells nothing, which the report makes up for."""
        begun = state.created // NS_PER_MS if state is not None else known.sent_ms
        answer = await self._own_fills(begun - _BEFORE_MS)
        if isinstance(answer, Failed):
            return []
        return [own.fill for own in answer.value if own.fill.order_id == known.order_id]

    async def _own_fills(self, start_ms: int) -> Answer[tuple[OwnFill, ...]]:
        """Fills from `start_ms` on, page after page; each page begins with the last moment of the one before."""
        found: dict[str, OwnFill] = {}
        start = max(start_ms, 0)
        for _ in range(FILLS_PAGES_MAX):
            answer = await self._desk.ask(
                info.fills(self._user, start),
                lambda told: account.own_fills(told, self.assets, self._names.of, self._desk.now),
            )
            if isinstance(answer, Failed):
                return answer
            page = answer.value
            found.update((own.fill.trade_id, own) for own in page)
            if len(page) < FILLS_PAGE:
                whole = tuple(found.values())
                if len(whole) >= FILLS_KEPT:
                    return Partial(
                        whole, f"the venue keeps the latest {FILLS_KEPT} fills; older ones are gone", answer.at
                    )
                return Whole(whole, answer.at)
            last = page[-1].fill.ts // NS_PER_MS
            start = last if last > start else start + 1
        return Partial(tuple(found.values()), f"more than {FILLS_PAGES_MAX} pages; ask from the last fill on")


def _sent(known: Known, envelope: Envelope) -> None:
    known.envelope, known.sent = envelope, True
    known.sent_ms = envelope.nonce
    known.dead_after_ms = envelope.expires_after or envelope.nonce + EXPIRES_MS


def _only(answer: Answer[Reply]) -> Status | Failed:
    """The one status of an answer to one order."""
    if isinstance(answer, Failed):
        return answer
    if isinstance(answer.value, Statuses) and answer.value.statuses:
        return answer.value.of(0, 1)
    if isinstance(answer.value, Refusal):
        return answer.value
    return Success()
