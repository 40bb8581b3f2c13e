"""Our orders at the venue: placed, cancelled, asked about; every outcome a fact.

**Placing** is idempotent by client id, so a request without an answer is sent again, the same bytes under a fresh token,
within a few seconds. What a repeat says is believed where it says that the order is there. A repeat that is *refused* says
nothing of the first, and the outcome stays unknown. Later an order is never sent again: a market that has moved, or a halt
that has come, makes of a repeated order a new one.

**Asking.** There is no question by client id. Where the venue's id is known the order itself is asked for; else the list
of orders is read and searched. An order is rejected only when it is on no list twice, after the last moment at which its
placing could take effect (`known`).

**Cancelling** is a wish: `success` gives no fact. The end comes by the user channel or a question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import UserError
from kedge.model.facts import CancelRejected, Fill, OrderAccepted, OrderRejected, OrderReport, OutcomeUnknown, VenueFact
from kedge.model.order import OrderStatus
from kedge.venues.amending import OrderTerms
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.coinbase import orders, requests
from kedge.venues.coinbase.asking import Asker
from kedge.venues.coinbase.configuration import unsupported
from kedge.venues.coinbase.errors import DUPLICATE
from kedge.venues.coinbase.known import Known, ours
from kedge.venues.coinbase.orders import Accepted, Execution, Standing
from kedge.venues.coinbase.products import Names
from kedge.venues.coinbase.values import Fields
from kedge.venues.gateway import OpenOrder
from kedge.venues.limiter import Urgency
from kedge.venues.shell import asking_about, cancelling, placing
from kedge.venues.timing import VenueClock
from kedge.venues.wire.clock import Clock

#: Delays before the repeats of a placing without an answer.
REPEATS_S: Final = (0.5, 2)

#: A new order that would wait longer for the rate limit is not sent.
WAIT_MS_MAX: Final = 2_000
PLACE_TIMEOUT_MS: Final = 5_000

#: A cancel that was asked for before: the wish is heard.
_HEARD_BEFORE: Final = "DUPLICATE_CANCEL_REQUEST"


class Trading:
    """Sends our orders and says what became of them. `names` may be exchanged when instruments are loaded anew."""

    def __init__(self, asker: Asker, clock: VenueClock, sleeper: Clock, instance: str = "") -> None:
        self.names = Names()
        self.known = Known(sleeper.now_ns())
        self._instance = instance
        self._asker = asker
        self._clock = clock
        self._sleeper = sleeper

    # placing

    async def place(self, approved: Approved) -> Sequence[VenueFact]:
        """Send an order."""
        intent = approved.intent
        reason = unsupported(intent) or self._clock.refusal()
        try:
            product = self.names.product(intent.symbol)
        except UserError as error:
            reason, product = str(error), ""
        if reason:
            return [OrderRejected(self._now(), intent.id, f"not sent: {reason}")]
        call = requests.place(intent, product)
        sent = self.known.order(intent.id)
        if not sent.terms.quantity:
            sent.terms = OrderTerms(intent.quantity, intent.price)
        answer = await self._post(call, intent.id, product)
        if isinstance(answer, Failed) and answer.kind is ErrorClass.UNKNOWN:
            return await self._repeat(call, intent.id, product, answer)
        if isinstance(answer, Failed):
            return [placing(answer, intent.id, self._now())]
        return await self._placed(answer, intent.id, product)

    async def _repeat(self, call: requests.Call, order_id: str, product: str, first: Failed) -> Sequence[VenueFact]:
        """The same bytes again, as long as nobody answers."""
        for delay in REPEATS_S:
            await self._sleeper.sleep(delay)
            answer = await self._post(call, order_id, product)
            if isinstance(answer, Accepted) or answer.code == DUPLICATE:
                return await self._placed(answer, order_id, product)
            first = answer
            if answer.kind is not ErrorClass.UNKNOWN:
                break
        return [OutcomeUnknown(self._now(), order_id, f"{first.code}: {first.message}")]

    async def _post(self, call: requests.Call, order_id: str, product: str) -> Accepted | Failed:
        self.known.sending(order_id, product, self._clock.venue_ns())
        answer = await self._asker.ask(
            call, "place", orders.placed, Urgency.ORDER, WAIT_MS_MAX, timeout_ms=PLACE_TIMEOUT_MS
        )
        if isinstance(answer, Whole):
            return answer.value
        return answer if isinstance(answer, Failed) else Failed(ErrorClass.UNKNOWN, "partial", answer.missing)

    async def _placed(self, answer: Accepted | Failed, order_id: str, product: str) -> Sequence[VenueFact]:
        if isinstance(answer, Accepted):
            self.known.learn(order_id, answer.exchange_id, product)
            self.known.lives(order_id, answer.exchange_id)
            return [OrderAccepted(self._now(), order_id, answer.exchange_id)]
        if answer.code == DUPLICATE:  # it is there already: what was sent before had its effect (H8)
            return await self.query(QueryRequested(order_id, DUPLICATE))
        return [OrderRejected(self._now(), order_id, f"{answer.code}: {answer.message}")]

    # cancelling

    async def cancel(self, request: CancelRequested) -> Sequence[VenueFact]:
        """Ask for an order's end."""
        order_id = request.order_id
        exchange_id = self.known.exchange_id(order_id)
        if not exchange_id:
            found = await self.find(order_id, Urgency.EXIT)
            if isinstance(found, Failed):
                return [cancelling(found, order_id, self._now())]
            if found is None:
                return [CancelRejected(self._now(), order_id, "the venue's list does not have it")]
            exchange_id = found.exchange_id
        answer = await self._asker.ask(requests.cancel([exchange_id]), "cancel", orders.cancels, Urgency.EXIT)
        if not isinstance(answer, Whole):
            failed = answer if isinstance(answer, Failed) else Failed(ErrorClass.UNKNOWN, "partial", answer.missing)
            return [cancelling(failed, order_id, self._now())]
        if exchange_id not in answer.value:
            return [OutcomeUnknown(self._now(), order_id, "the answer to the cancel does not name the order")]
        reason = answer.value[exchange_id]
        return [] if reason in {"", _HEARD_BEFORE} else [CancelRejected(self._now(), order_id, reason)]

    async def cancel_all(self, symbol: str) -> Answer[tuple[str, ...]]:
        """Ask for the end of every order of ours, a hundred at a time."""
        listed = await self.open_orders(symbol)
        if not isinstance(listed, Whole):
            return listed if isinstance(listed, Failed) else Partial((), listed.missing)
        mine = [order for order in listed.value if order.order_id]
        heard: list[str] = []
        for start in range(0, len(mine), requests.CANCELS_MAX):
            part = mine[start : start + requests.CANCELS_MAX]
            ids = {order.exchange_id: order.order_id for order in part}
            answer = await self._asker.ask(requests.cancel(list(ids)), "cancel", orders.cancels, Urgency.EXIT)
            if isinstance(answer, Failed):
                return Partial(tuple(heard), f"{answer.code}: {answer.message}") if heard else answer
            if isinstance(answer, Whole):
                heard += [ids[each] for each, why in answer.value.items() if each in ids and why in {"", _HEARD_BEFORE}]
        if len(heard) < len(mine):
            return Partial(tuple(heard), f"{len(mine) - len(heard)} of {len(mine)} cancels were refused")
        return Whole(tuple(heard), listed.at)

    # asking

    async def query(self, request: QueryRequested) -> Sequence[VenueFact]:
        """What the venue says an order of ours is, with its fills."""
        order_id = request.order_id
        exchange_id = self.known.exchange_id(order_id)
        found: Standing | Failed | None
        if exchange_id:
            answer = await self._asker.ask(
                requests.order(exchange_id), "order", lambda told: orders.standing(told.object("order"))
            )
            # not found is no end: it was there (H3, H4)
            found = answer.value if isinstance(answer, Whole) else answer if isinstance(answer, Failed) else None
        else:
            found = await self.find(order_id)
        now = self._now()
        if isinstance(found, Failed):
            return [asking_about(found, order_id, now)]
        if found is None:
            if not exchange_id and self.known.is_nowhere(order_id, self._clock.venue_ns()):
                return [OrderReport(now, order_id, OrderStatus.REJECTED)]
            return [OutcomeUnknown(now, order_id, "the venue's list does not have it, and it may still come")]
        return await self.report(found, order_id)

    async def report(self, found: Standing, order_id: str) -> Sequence[VenueFact]:
        """Where an order stands: terms that were not known, then its fills, so that its end finds them booked."""
        known, now = self.known.order(order_id).terms, self._now()
        facts = known.told(order_id, found.quantity, found.price, now, found.exchange_id)
        if found.filled:
            fills = await self.fills_of(found.exchange_id)
            if isinstance(fills, Whole):
                facts += [each.fill(order_id, self.names.symbol(each.product), self._now()) for each in fills.value]
        if found.is_ended:
            self.known.ended(order_id)
            known.answered()
        doubt = known.doubt(order_id, self._clock.venue_ns(), now)
        if isinstance(doubt, OutcomeUnknown):
            return [*facts, doubt]
        return [*facts, *([doubt] if doubt is not None else []), found.report(self._now(), order_id)]

    async def find(self, order_id: str, urgency: Urgency = Urgency.TRUST) -> Standing | Failed | None:
        """Search the venue's list for an order of ours; None where the whole list does not have it."""
        product, since = self.known.product(order_id), self.known.since(order_id)
        answer = await self._asker.every(
            lambda cursor: requests.orders((), product, since, cursor),
            "orders",
            orders.standing,
            enough=lambda read: any(each.client_id == order_id for each in read),
        )
        if isinstance(answer, Failed):
            return answer
        for each in answer.value:
            if each.client_id == order_id:
                self.known.learn(order_id, each.exchange_id, each.product)
                return each
        if isinstance(answer, Partial):
            return Failed(ErrorClass.UNKNOWN, "partial", answer.missing)
        return None

    async def open_orders(self, symbol: str) -> Answer[tuple[OpenOrder, ...]]:
        """Everything that works, others' orders included."""
        product = self.names.product(symbol) if symbol else ""
        found: dict[str, OpenOrder] = {}
        at = 0
        # an order moves between the lists while they are read: what waited first and is open by then is in the third
        for statuses in (requests.OPEN, requests.WAITING, requests.OPEN):
            answer = await self._asker.every(
                _listing(statuses, product), "orders", self._open_order, enough=lambda _: False
            )
            if isinstance(answer, Failed):
                return answer
            if isinstance(answer, Partial):
                return Partial(tuple(found.values()), answer.missing)
            found |= {each.exchange_id: each for each in answer.value}
            at = answer.at
        for each in found.values():
            self.known.learn(each.order_id, each.exchange_id, self.names.product(each.symbol))
        return Whole(tuple(each for each in found.values() if not symbol or each.symbol == symbol), at)

    def _open_order(self, told: Fields) -> OpenOrder:
        symbol = self.names.symbol(told.text("product_id"))
        return orders.open_order(told, symbol, ours(told.text("client_order_id", ""), self._instance))

    # fills

    async def fills_of(self, exchange_id: str) -> Answer[list[Execution]]:
        """The executions of one order, oldest first."""
        return _oldest_first(
            await self._asker.every(
                lambda cursor: requests.fills(exchange_id=exchange_id, cursor=cursor), "fills", orders.execution
            )
        )

    async def fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions from `since` on, each with our id of its order."""
        product = self.names.product(symbol) if symbol else ""
        answer = _oldest_first(
            await self._asker.every(
                lambda cursor: requests.fills(product, since, cursor=cursor), "fills", orders.execution
            )
        )
        if isinstance(answer, Failed):
            return answer
        facts: list[Fill] = []
        for each in answer.value:
            if each.ts < since or (product and each.product != product):
                continue
            order_id = await self._owner(each.exchange_id)
            if isinstance(order_id, Failed):
                return order_id
            facts.append(each.fill(order_id, self.names.symbol(each.product), self._now()))
        if isinstance(answer, Partial):
            return Partial(tuple(facts), answer.missing)
        return Whole(tuple(facts), answer.at)

    async def _owner(self, exchange_id: str) -> str | Failed:
        """The client id of an order of the venue's: fills do not carry it."""
        known = self.known.order_id(exchange_id)
        if known is not None:
            return known
        answer = await self._asker.ask(
            requests.order(exchange_id), "order", lambda told: orders.standing(told.object("order"))
        )
        if not isinstance(answer, Whole):
            return answer if isinstance(answer, Failed) else Failed(ErrorClass.UNKNOWN, "partial", answer.missing)
        client_id = answer.value.client_id or exchange_id
        self.known.learn(client_id, exchange_id, answer.value.product)
        return client_id

    def _now(self) -> int:
        return self._clock.now_ns()


def _listing(statuses: Sequence[str], product: str) -> Callable[[str], requests.Call]:
    return lambda cursor: requests.orders(statuses, product, cursor=cursor)


def _oldest_first(answer: Answer[list[Execution]]) -> Answer[list[Execution]]:
    if isinstance(answer, Failed):
        return answer
    in_order = sorted(answer.value, key=lambda each: each.ts)
    return Partial(in_order, answer.missing, answer.at) if isinstance(answer, Partial) else Whole(in_order, answer.at)
