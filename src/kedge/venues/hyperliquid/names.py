"""What the gateway remembers of orders: which venue id and client id belong to which of ours, and what was sent.

A client id mostly spells our id (`protocol.cloid`), so a process that remembers nothing knows its orders all the same;
what is remembered is what was sent, when it can no longer act, and which refusals were told already. Bounded: the oldest
are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from kedge.venues.hyperliquid.protocol.cloid import cloid_of, order_id_of
from kedge.venues.hyperliquid.protocol.exchange import Envelope

ORDERS_MAX = 50_000
FILLS_MAX = 50_000


class Known(Struct):
    """One order of ours. `dead_after_ms` is when (venue time) a request of it that did not arrive no longer can."""

    order_id: str
    symbol: str = ""
    oid: int = 0
    sent: bool = False
    envelope: Envelope | None = None
    sent_ms: int = 0
    dead_after_ms: int = 0
    refused: bool = False


class Names:
    """Orders by our id, by the venue's and by client id."""

    def __init__(self) -> None:
        self._orders: OrderedDict[str, Known] = OrderedDict()
        self._by_cloid: dict[str, str] = {}
        self._by_oid: OrderedDict[int, str] = OrderedDict()
        self._fills: OrderedDict[str, None] = OrderedDict()

    def know(self, order_id: str, symbol: str = "") -> Known:
        """The record of an order of ours, made where there is none."""
        found = self._orders.get(order_id)
        if found is None:
            found = self._orders[order_id] = Known(order_id, symbol)
            self._by_cloid[cloid_of(order_id)] = order_id
            if len(self._orders) > ORDERS_MAX:
                oldest, _ = self._orders.popitem(last=False)
                self._by_cloid.pop(cloid_of(oldest), None)
        if symbol:
            found.symbol = symbol
        return found

    def bind(self, order_id: str, oid: int) -> None:
        """The venue calls an order of ours `oid`."""
        self.know(order_id).oid = oid
        self._by_oid[oid] = order_id
        if len(self._by_oid) > ORDERS_MAX:
            self._by_oid.popitem(last=False)

    def of(self, oid: int, cloid: str) -> str:
        """Our id of an order at the venue; empty where it is not ours."""
        found = self._by_cloid.get(cloid.lower()) or order_id_of(cloid) or self._by_oid.get(oid, "")
        if found and self._by_oid.get(oid) != found:
            self.bind(found, oid)
        return found

    def is_first_refusal(self, order_id: str) -> bool:
        """Whether the refusal of an order is news: answer and stream tell the same."""
        known = self.know(order_id)
        first, known.refused = not known.refused, True
        return first

    def is_new_fill(self, trade_id: str) -> bool:
        """Whether a fill is news: each snapshot repeats what was told."""
        if trade_id in self._fills:
            return False
        self._fills[trade_id] = None
        if len(self._fills) > FILLS_MAX:
            self._fills.popitem(last=False)
        return True
