"""Our orders, found again at a venue through ccxt, and told with their fills.

Where ccxt can ask by our client id it does (`quirks`). Else the venue's id is asked for, which the answer to the placing
gave; and where there was no answer, the open and the closed orders are searched for our client id. An order is rejected
only where the venue's doubt has an end that is known, and is past, and the order was nowhere, twice.
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
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.errors import NOT_FOUND

ORDERS_MAX: Final = 20_000
TWICE_NS: Final = 5 * NS_PER_S
_LIST_MAX: Final = 500
_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}-\d{1,10}-\d{1,18}", re.ASCII)


def ours(client_id: object) -> str:
    """Our id of an order, or empty where the order is somebody else's (hazard H22)."""
    return client_id if isinstance(client_id, str) and _OURS.fullmatch(client_id) else ""


class Sent(Struct):
    """One order of ours: what it is for, the venue's id, when it was last sent, since when it is nowhere."""

    symbol: str = ""
    exchange_id: str = ""
    sent_at: int = 0
    missing_since: int = 0


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
        status, filled = structures.standing(order)
        facts: list[VenueFact] = []
        if filled:
            symbol = self.symbol_of(order)
            since = int(order.get("timestamp") or 0) * NS_PER_MS
            fills = await self.fills(symbol, since)
            if isinstance(fills, Whole):
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
                self.learn(order_id, str(answer.value.get("id") or ""))
                return answer.value
            assert isinstance(answer, Failed), "a structure is whole or nothing"
            if answer.code != NOT_FOUND or sent.exchange_id:  # it was there: not found is no end (H3, H4)
                return answer
            return None
        return await self._search(order_id, market)

    async def _search(self, order_id: str, market: str | None) -> Mapping[str, Any] | Failed | None:
        connection = self._connection
        for name, method in (
            ("open orders", "fetchOpenOrders"),
            ("closed orders", "fetchClosedOrders"),
            ("cancelled orders", "fetchCanceledOrders"),
        ):
            if not connection.can(method):
                continue
            answer = await connection.ask(
                name, partial(_listing(connection.exits, method), market, None, _LIST_MAX), _list
            )
            if not isinstance(answer, Whole):
                assert isinstance(answer, Failed), "a list is whole or nothing"
                return answer
            for order in answer.value:
                if order.get("clientOrderId") == order_id:
                    self.learn(order_id, str(order["id"]), self.symbol_of(order))
                    return order
        return None

    async def fills(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions on one market from `since` on, oldest first."""
        connection, listed = self._connection, self.listed.get(symbol)
        if listed is None:
            return Failed(ErrorClass.OURS, "not sent", f"symbol {symbol!r} is not listed by {connection.venue}")
        market = self.names[symbol]
        answer = await connection.ask(
            "fills",
            lambda: connection.exits.fetch_my_trades(market, since // NS_PER_MS if since else None, _LIST_MAX),
            _list,
        )
        if not isinstance(answer, Whole):
            return answer  # type: ignore[return-value]  # Failed, which has no value
        facts = []
        for trade in answer.value:
            owner = await self._owner(str(trade.get("order") or ""), market)
            if isinstance(owner, Failed):
                return owner
            read = connection.read("fills", partial(structures.fill, trade, owner, listed, self._now()))
            if isinstance(read, Failed):
                return read
            if read.ts >= since:
                facts.append(read)
        return Whole(tuple(sorted(facts, key=lambda each: each.ts)), answer.at)

    async def _owner(self, exchange_id: str, market: str) -> str | Failed:
        """The client id of an order of the venue's."""
        known = self._by_exchange.get(exchange_id)
        if known is not None:
            return known
        exits = self._connection.exits
        answer = await self._connection.ask("order", lambda: exits.fetch_order(exchange_id, market), _structure)
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


def _listing(exchange: Any, method: str) -> Callable[..., Any]:
    names = {"fetchOpenOrders": "fetch_open_orders", "fetchClosedOrders": "fetch_closed_orders"}
    found: Callable[..., Any] = getattr(exchange, names.get(method, "fetch_canceled_orders"))
    return found


def _structure(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no structure")
    return value


def _list(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value
