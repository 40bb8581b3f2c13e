"""What is remembered of our orders beside what the core knows: market, kind, the venue's ids, when they were sent.

It is bounded, the oldest is forgotten first. After a restart `remember` gives it back from the journal: Binance wants an
order's market with every question about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from kedge.model.facts import Fill, OrderAccepted, OrderAmended, OrderCancelled, OrderExpired, OrderRejected, VenueFact
from kedge.model.money import ZERO
from kedge.model.order import OrderIntent
from kedge.venues.amending import OrderTerms
from kedge.venues.binance.protocol import orders
from kedge.venues.binance.protocol.names import to_client_id, to_order_id
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.reports import OrderState
from kedge.venues.binance.protocol.requests import DEAD_AFTER_NS
from kedge.venues.binance.session import Session
from kedge.venues.gateway import OpenOrder

REMEMBERED_MAX = 20_000


class Sent(Struct):
    """One order of ours. `actual_id` is the plain order that a conditional one has become, `client_id` what it is called
    since somebody amended it under another id (empty: as we called it), `trades` what was pushed of it, `over` that the
    venue has said its last word, `under_way` that the request waits for its turn or its answer.
    """

    order_id: str
    symbol: str
    algo: bool
    sent_ns: int
    exchange_id: str = ""
    actual_id: str = ""
    client_id: str = ""
    terms: OrderTerms = field(default_factory=OrderTerms)
    trades: dict[str, Decimal] = {}
    over: bool = False
    under_way: bool = False

    def leaves(self, venue_ns: int) -> None:
        """The request leaves now, and carries this time."""
        self.sent_ns = venue_ns

    def amendment_leaves(self, venue_ns: int) -> None:
        """The request to amend leaves now: until when it can take effect is known."""
        self.terms.ends = venue_ns + DEAD_AFTER_NS

    @property
    def name(self) -> dict[str, str]:
        """The parameters that name the plain order: by our id, unless it has lost it."""
        return orders.named(self.order_id, self.actual_id or (self.exchange_id if self.client_id else ""))

    def amended(self, told: OrderState | OpenOrder, venue_ns: int) -> list[VenueFact]:
        """The terms that the venue tells, where they are not those that were last sent or told."""
        return self.terms.told(self.order_id, told.quantity, told.price, told.ts, told.exchange_id, venue_ns)


class Memory:
    """Orders that this account sent. `instance` is the first part of our ids."""

    def __init__(self, session: Session, instance: str = "") -> None:
        self._session = session
        self._instance = instance
        self._sent: dict[str, Sent] = {}
        self._by_exchange_id: dict[tuple[str, str], str] = {}
        self._by_client_id: dict[str, str] = {}
        self._since = session.now()

    def remember(self, intent: OrderIntent, sent_ns: int = 0) -> Sent:
        """Know an order of ours: its market and kind, and when it was sent (0: at the latest when this began)."""
        algo = self._session.product is Product.USDM and intent.order_type in orders.CONDITIONAL
        sent = Sent(intent.id, intent.symbol, algo, sent_ns or self._since)
        sent.terms = OrderTerms(intent.quantity, intent.price)
        _put(self._sent, intent.id, sent)
        _put(self._by_client_id, to_client_id(intent.id), intent.id)
        return sent

    def order_id(self, state: OrderState) -> str:
        """Our id of an order that the venue tells of."""
        known = self._by_exchange_id.get((state.raw, state.exchange_id)) or self._by_client_id.get(state.client_id)
        return known or to_order_id(state.client_id)

    def of_client_id(self, client_id: str) -> str:
        """The order of ours that the venue knows by `client_id`; empty where we sent none."""
        return self._by_client_id.get(client_id, "")

    def is_ours(self, order_id: str) -> bool:
        """Whether we sent the order, in this process or in another of this instance."""
        return order_id in self._sent or bool(self._instance and order_id.startswith(f"{self._instance}-"))

    def known(self, order_id: str) -> Sent | None:
        """What is remembered of an order."""
        return self._sent.get(order_id)

    def note(self, order_id: str, exchange_id: str, raw: str = "", *, over: bool = False) -> None:
        """Take note of what the venue calls an order of ours, and of its end."""
        sent = self._sent.get(order_id)
        if sent is None:
            return
        if exchange_id and exchange_id != sent.actual_id:
            sent.exchange_id = exchange_id
            _put(self._by_exchange_id, (raw or self._session.market(sent.symbol).raw, exchange_id), order_id)
        sent.over = sent.over or over

    def became(self, order_id: str, actual_id: str) -> None:
        """A conditional order of ours was triggered and is now the venue's order `actual_id`."""
        sent = self._sent.get(order_id)
        if sent is not None and actual_id:
            sent.actual_id = actual_id
            _put(self._by_exchange_id, (self._session.market(sent.symbol).raw, actual_id), order_id)

    def amended(self, working: Iterable[OpenOrder]) -> list[VenueFact]:
        """The terms of orders that work, where they are not those that were last sent or told."""
        facts: list[VenueFact] = []
        for order in working:
            sent = self._sent.get(order.order_id)
            if sent is not None and not sent.algo:
                facts += sent.amended(order, self._session.venue_clock.venue_ns())
        return facts

    def is_superseded(self, fact: VenueFact) -> bool:
        """Whether a push tells terms that an answer has overtaken: those after it were told already."""
        sent = self._sent.get(fact.order_id) if isinstance(fact, OrderAmended) else None
        return sent is not None and sent.terms.is_late(fact.ts, self._session.venue_clock.venue_ns())

    def client_id(self, order_id: str) -> str:
        """What the venue calls an order of ours."""
        sent = self._sent.get(order_id)
        return (sent.client_id if sent is not None else "") or to_client_id(order_id)

    def renamed(self, order_id: str, client_id: str) -> None:
        """Somebody amended an order of ours and gave it another client id."""
        sent = self._sent.get(order_id)
        if sent is not None:
            sent.client_id = client_id
            _put(self._by_client_id, client_id, order_id)

    def heard(self, order_id: str, exchange_id: str, fact: VenueFact) -> None:
        """Take note of a fact that was pushed about an order."""
        sent = self._sent.get(order_id)
        if sent is None:
            return
        over = isinstance(fact, OrderCancelled | OrderExpired | OrderRejected)
        if isinstance(fact, Fill):
            sent.trades[fact.trade_id] = fact.quantity  # a repeat counts once
            over = ZERO < sent.terms.quantity <= sum(sent.trades.values(), ZERO)
        if isinstance(fact, OrderAmended):
            sent.terms.take(fact.quantity, fact.price, fact.ts)
        if isinstance(fact, OrderAccepted | Fill) and not (sent.algo and isinstance(fact, Fill)):
            self.note(order_id, exchange_id)
        sent.over = sent.over or over

    def live(self) -> list[Sent]:
        """Orders of ours whose end the venue has not told."""
        return [sent for sent in self._sent.values() if not sent.over]

    def owner(self, raw: str, exchange_id: str) -> str | None:
        """Our id of the order that the venue calls `exchange_id` on `raw`; `None` where it was never told."""
        return self._by_exchange_id.get((raw, exchange_id))

    def learn(self, raw: str, exchange_id: str, order_id: str) -> None:
        """Know which order of ours `exchange_id` on `raw` is."""
        _put(self._by_exchange_id, (raw, exchange_id), order_id)

    def found(self, order_id: str, symbol: str, exchange_id: str, *, algo: bool) -> Sent:
        """Know an order of ours that the venue itself told of."""
        sent = Sent(order_id, symbol, algo, self._since, exchange_id)
        _put(self._sent, order_id, sent)
        return sent


def _put(table: dict[Any, Any], key: Any, value: Any) -> None:
    table[key] = value
    if len(table) > REMEMBERED_MAX:
        del table[next(iter(table))]
