"""Our orders, found again at a venue through ccxt, and told with their fills.

Where ccxt can ask by our client id it does (`quirks`). Else the venue's id is asked for, which the answer to the placing
gave; and where there was no answer, the lists of orders, ended ones of every kind included, are searched for our client id. An
order is rejected only where the venue's doubt has an end that is known, and is past, and the order was nowhere, twice, in lists
that were not cut.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from kedge.model.facts import Fill, OrderReport, OutcomeUnknown, VenueFact
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.instrument import Instrument
from kedge.model.order import OrderStatus
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.errors import NOT_FOUND
from kedge.venues.ccxt.fills import Fills, listing

ORDERS_MAX: Final = 20_000
TWICE_NS: Final = 5 * NS_PER_S
_LIST_MAX: Final = 100
_BEFORE_MS: Final = 60_000
_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}-\d{1,10}-\d{1,18}", re.ASCII)


def ours(client_id: object) -> str:
    """Our id of an order, or empty where the order is somebody else's (hazard H22)."""
    return client_id if isinstance(client_id, str) and _OURS.fullmatch(client_id) else ""


class Sent(Struct):
    """One order of ours: what it is for, the venue's id, when it was last sent, since when it is nowhere, whether the venue said
    that it is over.
    """

    symbol: str = ""
    exchange_id: str = ""
    sent_at: int = 0
    missing_since: int = 0
    over: bool = False


class Inquiry:
    """Orders by our id, and the questions about them. `listed` are the instruments by canonical symbol."""

    def __init__(self, connection: Connection, now: Callable[[], int]) -> None:
        self.orders: OrderedDict[str, Sent] = OrderedDict()
        self.listed: dict[str, Instrument] = {}
        self.names: dict[str, str] = {}  # canonical -> ccxt's
        self._by_exchange: OrderedDict[str, str] = OrderedDict()
        self._connection = connection
        self._now = now
        self._started = now()
        self._fills = Fills(connection, now, self._owner)

    def sending(self, order_id: str, symbol: str) -> None:
        """An order leaves now."""
        sent = self._entry(order_id)
        sent.symbol, sent.sent_at = symbol, self._now()

    def learn(self, order_id: str, exchange_id: str, symbol: str = "") -> None:
        """The venue named an order of ours."""
        if order_id and exchange_id:
            sent = self._entry(order_id)
            sent.exchange_id, sent.symbol = exchange_id, sent.symbol or symbol
            self._by_exchange[exchange_id] = order_id
            while len(self._by_exchange) > ORDERS_MAX:
                self._by_exchange.popitem(last=False)

    def symbol_of(self, told: Mapping[str, Any]) -> str:
        """Our name of the market in a structure of ccxt's."""
        market = self._connection.trading.markets.get(told.get("symbol")) or {}
        canonical = f"{market.get('base')}-{market.get('quote')}"
        return canonical if self.names.get(canonical) == told.get("symbol") else str(told.get("symbol"))

    async def query(self, order_id: str) -> Sequence[VenueFact]:
        """What the venue says an order of ours is."""
        found = await self.find(order_id)
        now = self._now()
        if isinstance(found, Failed):
            return [OutcomeUnknown(now, order_id, f"{found.code}: {found.message}")]
        if found is None:
            if self._is_nowhere(order_id):
                return [OrderReport(now, order_id, OrderStatus.REJECTED)]
            return [OutcomeUnknown(now, order_id, "the venue does not have it, and it may still come")]
        return await self.report(found, order_id)

    async def report(self, order: Mapping[str, Any], order_id: str) -> Sequence[VenueFact]:
        """Where an order stands, after its fills."""
        read = self._connection.read("order", partial(structures.standing, order))
        if isinstance(read, Failed):
            return [OutcomeUnknown(self._now(), order_id, f"{read.code}: {read.message}")]
        status, filled = read
        self._entry(order_id).over = status is not None and status.is_terminal
        facts: list[VenueFact] = []
        if filled:
            since = int(order.get("timestamp") or 0) * NS_PER_MS
            fills = await self.fills(self.symbol_of(order), since)
            if isinstance(fills, Whole | Partial):
                facts += [each for each in fills.value if each.order_id == order_id]
        return [*facts, OrderReport(self._now(), order_id, status, filled, str(order.get("id") or ""))]

    async def find(self, order_id: str) -> Mapping[str, Any] | Failed | None:
        """An order by our id; None where the venue says that it does not have it."""
        connection, sent = self._connection, self._entry(order_id)
        market = self.names.get(sent.symbol)
        exits = connection.exits
        if market is not None and (sent.exchange_id or connection.quirk.query):
            by_id = {} if sent.exchange_id else {connection.quirk.query: order_id}
            answer = await connection.ask(
                "order", lambda: exits.fetch_order(sent.exchange_id or None, market, by_id), _structure
            )
            if isinstance(answer, Whole):
                return self._found(order_id, answer.value)
            assert isinstance(answer, Failed), "a structure is whole or nothing"
            if answer.code != NOT_FOUND or sent.exchange_id:  # it was there: not found is no end (H3, H4)
                return answer
            return None
        return await self._search(order_id, market)

    async def _search(self, order_id: str, market: str | None) -> Mapping[str, Any] | Failed | None:
        connection, sent = self._connection, self._entry(order_id)
        since = sent.sent_at // NS_PER_MS - _BEFORE_MS if sent.sent_at else None
        rows, cut = connection.quirk.page or _LIST_MAX, ""
        for name, method in _LISTS if connection.trading.has.get("fetchOrders") is not True else _ALL:
            if not connection.can(method):
                continue
            work = getattr(connection.exits, name)
            answer = await connection.ask(method, partial(work, market, since, rows), listing)
            if not isinstance(answer, Whole):
                assert isinstance(answer, Failed), "a list is whole or nothing"
                return answer
            for order in answer.value:
                if order.get("clientOrderId") == order_id:
                    return self._found(order_id, order)
            cut = cut or (method if len(answer.value) >= rows else "")
        if cut:  # what is not on a page may be on the next (H18)
            return Failed(ErrorClass.UNKNOWN, "cut", f"{cut}: more orders than a page holds, and it is not among them")
        return None

    def _found(self, order_id: str, order: Mapping[str, Any]) -> Mapping[str, Any] | Failed:
        read = self._connection.read("order", partial(structures.name, order))
        if isinstance(read, Failed):
            return read
        self.learn(order_id, read, self.symbol_of(order))
        return order

    async def fills(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions on one market from `since` on, oldest first."""
        listed = self.listed.get(symbol)
        if listed is None:
            return Failed(ErrorClass.OURS, "not sent", f"symbol {symbol!r} is not listed by {self._connection.venue}")
        return await self._fills.since(listed, self.names[symbol], since)

    async def _owner(self, exchange_id: str, market: str) -> str | Failed:
        """The client id of an order of the venue's."""
        known = self._by_exchange.get(exchange_id)
        if known is not None:
            return known
        trading = self._connection.trading
        answer = await self._connection.ask("order", lambda: trading.fetch_order(exchange_id, market), _structure)
        if isinstance(answer, Failed):
            return answer
        client_id = str(answer.value.get("clientOrderId") or exchange_id)
        self.learn(client_id, exchange_id, self.symbol_of(answer.value))
        return client_id

    def _is_nowhere(self, order_id: str) -> bool:
        doubt = self._connection.quirk.doubt_seconds * NS_PER_S
        sent, now = self._entry(order_id), self._now()
        if not doubt or sent.exchange_id or now < (sent.sent_at or self._started) + doubt:
            return False
        sent.missing_since = sent.missing_since or now
        return now - sent.missing_since >= TWICE_NS

    def _entry(self, order_id: str) -> Sent:
        sent = self.orders.get(order_id)
        if sent is None:
            sent = self.orders[order_id] = Sent()
            while len(self.orders) > ORDERS_MAX:
                self.orders.popitem(last=False)
        return sent


#: ccxt's lists of orders: one of all, or those that work and those that ended, in the order in which an order passes.
_ALL: Final = (("fetch_orders", "fetchOrders"),)
_LISTS: Final = (
    ("fetch_open_orders", "fetchOpenOrders"),
    ("fetch_closed_orders", "fetchClosedOrders"),
    ("fetch_canceled_orders", "fetchCanceledOrders"),
)


def _structure(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no structure")
    return value
