"""Which of our orders is which at the venue, as far as this process knows: everything there goes by the venue's id.

Also, of an order whose placing got no answer, until when it may still turn up: the token of each request is good for two
minutes, so a request that is late by more than that is refused, whatever became of it on the way. What was sent by a
process before this one is bounded by this one's start in the same way.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final

from msgspec import Struct, field

from kedge.model.instant import NS_PER_S
from kedge.venues.amending import OrderTerms
from kedge.venues.coinbase.signing import TOKEN_SECONDS

#: Orders remembered; the oldest is forgotten first and found again by asking.
ORDERS_MAX: Final = 20_000

#: Beyond the token's end, for clocks that differ.
GRACE_NS: Final = 10 * NS_PER_S

#: An order that is on no list is asked about again before it is believed to be nowhere (hazard H4).
TWICE_NS: Final = 5 * NS_PER_S

#: Ids made by Kedge: instance, epoch, record number.
_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}-\d{1,10}-\d{1,18}", re.ASCII)


def ours(client_id: str, instance: str = "") -> str:
    """Our id of an order, or empty where the order is somebody else's (hazard H22): of no Kedge, or not of `instance`."""
    mine = _OURS.fullmatch(client_id) and client_id.startswith(f"{instance}-" if instance else "")
    return client_id if mine else ""


class Sent(Struct):
    """One order of ours. `doubt_ends` is the last moment at which its placing could take effect (UTC ns)."""

    product: str = ""
    exchange_id: str = ""
    sent_at: int = 0
    doubt_ends: int = 0
    missing_since: int = 0
    terms: OrderTerms = field(default_factory=OrderTerms)

    def amendment_leaves(self, venue_ns: int) -> None:
        """The request to edit leaves now: until when it can take effect is known."""
        self.terms.ends = venue_ns + TOKEN_SECONDS * NS_PER_S + GRACE_NS


class Known:
    """Orders by our id, and our ids by the venue's."""

    def __init__(self, started_ns: int) -> None:
        self._started = started_ns
        self._orders: OrderedDict[str, Sent] = OrderedDict()
        self._by_exchange: OrderedDict[str, str] = OrderedDict()
        self._living: OrderedDict[str, str] = OrderedDict()

    def lives(self, order_id: str, exchange_id: str) -> None:
        """An order of ours works, as far as we were told."""
        self._living[order_id] = exchange_id
        if len(self._living) > ORDERS_MAX:
            self._living.popitem(last=False)

    def ended(self, order_id: str) -> None:
        """Its end was told."""
        self._living.pop(order_id, None)

    @property
    def living(self) -> dict[str, str]:
        """Orders whose end was not told yet: our ids, and the venue's."""
        return dict(self._living)

    def order(self, order_id: str) -> Sent:
        """What is known of an order of ours; kept from now on if nothing was."""
        sent = self._orders.get(order_id)
        if sent is None:
            sent = self._orders[order_id] = Sent()
            if len(self._orders) > ORDERS_MAX:
                self._orders.popitem(last=False)
        return sent

    def sending(self, order_id: str, product: str, now: int) -> None:
        """A request to place leaves now."""
        sent = self.order(order_id)
        sent.product = product
        sent.sent_at = sent.sent_at or now
        sent.doubt_ends = now + TOKEN_SECONDS * NS_PER_S + GRACE_NS
        sent.missing_since = 0

    def learn(self, order_id: str, exchange_id: str, product: str = "") -> None:
        """The venue named an order of ours."""
        if not order_id or not exchange_id:
            return
        sent = self.order(order_id)
        sent.exchange_id = exchange_id
        sent.product = sent.product or product
        self._by_exchange[exchange_id] = order_id
        if len(self._by_exchange) > ORDERS_MAX:
            self._by_exchange.popitem(last=False)

    def exchange_id(self, order_id: str) -> str:
        """The venue's id of an order of ours; empty where it is not known."""
        sent = self._orders.get(order_id)
        return sent.exchange_id if sent is not None else ""

    def order_id(self, exchange_id: str) -> str | None:
        """Our id of an order of the venue's; None where nothing is known of it."""
        return self._by_exchange.get(exchange_id)

    def product(self, order_id: str) -> str:
        """What the order is for; empty where it is not known."""
        sent = self._orders.get(order_id)
        return sent.product if sent is not None else ""

    def since(self, order_id: str) -> int:
        """From when on the venue's list must have the order; 0: from its beginning."""
        sent = self._orders.get(order_id)
        return max(0, sent.sent_at - 60 * NS_PER_S) if sent is not None and sent.sent_at else 0

    def is_nowhere(self, order_id: str, now: int) -> bool:
        """Whether an order that is not on the venue's whole list will never be: its doubt is over, and it was not there
        some seconds ago either.
        """
        sent = self.order(order_id)
        ends = sent.doubt_ends or self._started + TOKEN_SECONDS * NS_PER_S + GRACE_NS
        if now < ends:
            return False
        sent.missing_since = sent.missing_since or now
        return now - sent.missing_since >= TWICE_NS
