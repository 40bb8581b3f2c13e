"""`OrderManager`: the only way to the venue.

It owns the orders in flight and is given two ports: a risk manager, which alone makes `Approved`, and an
exchange, which is any outbox that takes an approved order or a cancel request. In `step` the outbox is the
list of decisions that the edge sends once they are durable; a program that drives the manager itself passes a
gateway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import structs

from kedge.core.orders.inflight import OrdersInFlight
from kedge.model.decisions import Approved, CancelRequested, Refused
from kedge.model.errors import OurBug
from kedge.model.order import Order, OrderIntent, intent_of


class Exchange(Protocol):
    """Where approved orders and cancel requests go."""

    def place_order(self, approved: Approved) -> object:
        """Take an approved order; what comes of it arrives later, as facts."""

    def cancel_order(self, request: CancelRequested) -> object:
        """Take a request to end an order."""


class Gate(Protocol):
    """Who judges an order."""

    def judge(self, intent: OrderIntent) -> Approved | Refused:
        """Every check on this order, and the verdict."""


class OrderManager:
    """Submits through the gate, cancels without it, and never lets an order out that was not approved.

    `fold` folds an approval into the state that `orders` belong to; alone, the manager keeps them itself.
    """

    def __init__(
        self,
        exchange: Exchange,
        risk_manager: Gate,
        orders: OrdersInFlight | None = None,
        next_id: Callable[[], str] | None = None,
        now: Callable[[], int] = lambda: 0,
        fold: Callable[[Approved], object] | None = None,
    ) -> None:
        self.orders = OrdersInFlight() if orders is None else orders
        self._exchange = exchange
        self._gate = risk_manager
        self._now = now
        self._fold = fold or self._send
        self._next_id = next_id or self._count_up
        self._made = 0

    def submit(self, order: Order | OrderIntent) -> Approved | Refused:
        """Judge the order and, if approved, hand it to the exchange under a new client id."""
        intent = order if isinstance(order, OrderIntent) else intent_of(order)
        if not intent.id:
            intent = structs.replace(intent, id=self._next_id())
        verdict = self._gate.judge(intent)
        if type(verdict) is Approved:
            if verdict.intent is not intent and not _is_part_of(verdict.intent, intent):
                raise OurBug(f"risk approved another order than the one it was asked about: {verdict.intent}")
            self._fold(verdict)
            self._exchange.place_order(verdict)
        return verdict

    def cancel(self, order: Order | str, reason: str = "asked") -> CancelRequested | None:
        """Ask the venue to end an order, known to it or not yet; `None` where it has ended or was asked
        already.
        """
        order_id = order if isinstance(order, str) else order.id
        found = self.orders.active.get(order_id)
        if found is None or found.cancel_requested:
            return None
        request = CancelRequested(order_id, reason)
        self.orders.request_cancel(order_id, self._now())
        self._exchange.cancel_order(request)
        return request

    def cancel_all(self, reason: str) -> list[CancelRequested]:
        """Ask for the end of every order in flight, those that the venue has not acknowledged included."""
        requests = [self.cancel(order_id, reason) for order_id in list(self.orders.active)]
        return [request for request in requests if request is not None]

    def _send(self, approved: Approved) -> None:
        self.orders.send(approved.intent, self._now(), worst_price=approved.worst_price)

    def _count_up(self) -> str:
        self._made += 1
        return f"order-{self._made}"


def _is_part_of(approved: OrderIntent, asked: OrderIntent) -> bool:
    """Whether the one is the other, or less of it."""
    return approved.quantity <= asked.quantity and structs.replace(approved, quantity=asked.quantity) == asked
