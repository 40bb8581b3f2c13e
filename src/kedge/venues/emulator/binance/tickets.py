"""Tickets: an order as Binance knows it, from the request to the end, conditional or working, Spot or Futures.

A conditional order has a ticket and no engine order until it is triggered. Client ids are unique among open tickets
alone: once an order has ended its id may be used again, so that an id finds the latest ticket that bears it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from kedge.model.money import ZERO
from kedge.model.order import OrderStatus
from kedge.venues.emulator.orders import EmulatedOrder, Execution

_STATUS = {
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTIAL: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
    OrderStatus.REJECTED: "REJECTED",
}
TICKETS_KEPT = 50_000
_OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}


class Ticket(Struct):
    """One order. `waiting` is its status while there is no engine order; `extra` what only one product has."""

    number: int
    client_id: str
    symbol: str
    side: str
    kind: str
    force: str
    quantity: Decimal
    price: Decimal
    created: int
    updated: int
    waiting: str = "NEW"
    stop_price: Decimal = ZERO
    quote_quantity: Decimal = ZERO
    iceberg: Decimal = ZERO
    trailing_delta: int = 0
    stp: str = "NONE"
    list_id: int = -1
    working_time: int = -1
    trigger: int = 0
    in_match: bool = False
    order: EmulatedOrder | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Binance's word for where it stands."""
        if self.order is None:
            return self.waiting
        if self.in_match and not self.order.is_open and self.left > ZERO:
            return "EXPIRED_IN_MATCH"
        return str(self.extra.get("status") or _STATUS[self.order.status])

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.status in _OPEN

    @property
    def filled(self) -> Decimal:
        """Executed quantity."""
        return ZERO if self.order is None else self.order.filled

    @property
    def value(self) -> Decimal:
        """Executed quote quantity."""
        return ZERO if self.order is None else self.order.value

    @property
    def left(self) -> Decimal:
        """What may still fill."""
        return self.quantity - self.filled

    @property
    def fills(self) -> list[Execution]:
        """Its executions."""
        return [] if self.order is None else self.order.fills


class Tickets:
    """Every ticket, by number and by client id."""

    def __init__(self) -> None:
        self.by_number: dict[int, Ticket] = {}
        self._by_client_id: dict[str, Ticket] = {}
        self._open: dict[int, Ticket] = {}

    def add(self, ticket: Ticket) -> None:
        """Note a new ticket."""
        if len(self.by_number) >= TICKETS_KEPT:
            self._forget()
        self.by_number[ticket.number] = self._open[ticket.number] = ticket
        self._by_client_id[ticket.client_id] = ticket

    def _forget(self) -> None:
        """The oldest tenth of what has ended is archived: nobody can ask for it any more."""
        ended = [each for each in self.by_number.values() if not each.is_open][: TICKETS_KEPT // 10]
        for each in ended:
            del self.by_number[each.number]
            if self._by_client_id.get(each.client_id) is each:
                del self._by_client_id[each.client_id]

    def rename(self, ticket: Ticket, client_id: str) -> None:
        """Give a ticket another client id."""
        self._by_client_id.pop(ticket.client_id, None)
        ticket.client_id = client_id
        self._by_client_id[client_id] = ticket

    def named(self, client_id: str) -> Ticket | None:
        """The latest ticket with a client id."""
        return self._by_client_id.get(client_id)

    def open(self, symbol: str = "") -> list[Ticket]:
        """Open tickets, oldest first."""
        for number in [number for number, each in self._open.items() if not each.is_open]:
            del self._open[number]  # what has ended stays ended
        return [each for each in self._open.values() if symbol in {"", each.symbol}]

    def of(self, symbol: str) -> list[Ticket]:
        """Every ticket of a symbol, oldest first."""
        return [each for each in self.by_number.values() if each.symbol == symbol]
