"""Orders through ccxt: sent, cancelled, replaced, listed.

What is sent is what was approved, or nothing: ccxt cuts figures to its grids, so they are cut before, and where that changes
anything the order is not sent. Nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

from kedge.model.decisions import Approved, CancelRequested
from kedge.model.facts import CancelRejected, OrderAccepted, OrderRejected, OutcomeUnknown, VenueFact
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.money import canonical
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.errors import DUPLICATE, NOT_FOUND
from kedge.venues.ccxt.inquiry import Inquiry, ours
from kedge.venues.gateway import OpenOrder
from kedge.venues.shell import cancelling, placing
from kedge.venues.timing import VenueClock

#: Up to how many open orders a list of an untried venue is believed to be whole.
OPEN_SURE: Final = 20
_MONEY_SIZED: Final = "createMarketBuyOrderRequiresPrice"
_PLAIN: Final = frozenset({OrderType.MARKET, OrderType.LIMIT})


class Trading:
    """Our orders at one venue."""

    def __init__(self, connection: Connection, inquiry: Inquiry, venue_clock: VenueClock) -> None:
        self._connection, self._inquiry, self._venue_clock = connection, inquiry, venue_clock
        in_force = connection.feature("createOrder", "timeInForce") or {}
        self.times = frozenset(
            {TimeInForce.GTC}
            | {each for each in (TimeInForce.IOC, TimeInForce.FOK) if in_force.get(each.value.upper())}
        )
        self.post_only = bool(in_force.get("PO"))
        self._for_money = (
            connection.quirk.buys_for_money
            or bool(connection.trading.options.get(_MONEY_SIZED))
            or bool(connection.feature("createOrder", "marketBuyRequiresPrice"))
        )
        self._taken = _PLAIN | connection.quirk.conditional
        self.types = self._taken - ({OrderType.MARKET} if self._for_money else set())

    async def place(self, approved: Approved) -> Sequence[VenueFact]:
        """Send an order."""
        intent = approved.intent
        reason = self._refusal(intent)
        if reason:
            return [OrderRejected(self._now(), intent.id, f"not sent: {reason}")]
        market, kind, terms = self._inquiry.names[intent.symbol], _kind(intent), self._terms(intent)
        price = None if intent.price is None else canonical(intent.price)
        self._inquiry.sending(intent.id, intent.symbol)
        answer = await self._connection.ask(
            "place",
            lambda: self._connection.trading.create_order(
                market, kind, intent.side.value, canonical(intent.quantity), price, terms
            ),
            _placed,
        )
        if isinstance(answer, Whole):
            return self._accepted(intent, answer.value)
        assert isinstance(answer, Failed), "an order is answered whole or not"
        if answer.code == DUPLICATE:  # it is there already: what was sent before had its effect (H8)
            return await self._inquiry.query(intent.id)
        return [placing(answer, intent.id, self._now())]

    def _accepted(self, intent: OrderIntent, answer: tuple[str, str]) -> list[VenueFact]:
        exchange_id, status = answer
        if status == "rejected":
            return [OrderRejected(self._now(), intent.id, "the venue says that it rejected it")]
        self._inquiry.learn(intent.id, exchange_id, intent.symbol)
        return [OrderAccepted(self._now(), intent.id, exchange_id)]

    def _refusal(self, intent: OrderIntent) -> str:
        """Why an order is not sent."""
        trading = self._connection.trading
        if intent.symbol not in self._inquiry.names:
            return f"symbol {intent.symbol!r} is not listed by {self._connection.venue}"
        if intent.order_type not in self._taken or intent.time_in_force not in self.times:
            return f"{intent.order_type} {intent.time_in_force} orders through ccxt"
        if intent.post_only and not self.post_only:
            return f"ccxt does not say that {self._connection.venue} has post-only orders"
        if intent.reduce_only and self._connection.kind is InstrumentKind.SPOT:
            return "reduce-only orders on spot"
        if self._for_money and _kind(intent) == "market" and intent.side is Side.BUY:
            return f"market buys at {trading.id} are sized in money; send a limit order that fills at once"
        off = self._off_the_grid(intent, self._inquiry.listed[intent.symbol])
        if off:
            return off
        if intent.reduce_only or not self._connection.can("fetchTime"):
            return ""
        return self._venue_clock.refusal()

    def _off_the_grid(self, intent: OrderIntent, listed: Instrument) -> str:
        """Which figure of an order is off the grid, ours or ccxt's: it would be cut, and another order sent."""
        trading, market = self._connection.trading, self._inquiry.names[intent.symbol]
        for what, figure, grid, cut in (
            ("quantity", intent.quantity, listed.lot_size, trading.amount_to_precision),
            ("price", intent.price, listed.tick_size, trading.price_to_precision),
            ("stop price", intent.stop_price, listed.tick_size, trading.price_to_precision),
        ):
            if figure is None:
                continue
            if figure % grid:
                return f"{what} {canonical(figure)} is not a multiple of {canonical(grid)}"
            sent = self._connection.read("precision", partial(cut, market, canonical(figure)))
            if isinstance(sent, Failed) or _differs(sent, figure):
                return f"{what} {canonical(figure)} would be sent as {sent}"
        return ""

    def _terms(self, intent: OrderIntent) -> dict[str, Any]:
        terms: dict[str, Any] = {self._connection.quirk.client_id: intent.id}
        if intent.post_only:
            terms["postOnly"] = True
        elif intent.order_type is OrderType.LIMIT and intent.time_in_force is not TimeInForce.GTC:
            terms["timeInForce"] = intent.time_in_force.value.upper()
        if intent.reduce_only:
            terms["reduceOnly"] = True
        if intent.stop_price is not None:
            waits = "takeProfitPrice" if intent.order_type is OrderType.TAKE_PROFIT else "stopLossPrice"
            terms[waits] = canonical(intent.stop_price)
        return terms

    async def cancel(self, request: CancelRequested) -> Sequence[VenueFact]:
        """Ask for an order's end. What ccxt answers is not believed: it makes up what a venue does not say."""
        order_id = request.order_id
        found = await self._known(order_id)
        now = self._now()
        if isinstance(found, Failed):
            return [cancelling(found, order_id, now)]
        if not found:
            return [CancelRejected(now, order_id, "the venue does not have it")]
        market = self._inquiry.names.get(self._inquiry.orders[order_id].symbol)
        exits = self._connection.exits
        answer = await self._connection.ask("cancel", lambda: exits.cancel_order(found, market), lambda _: None)
        if not isinstance(answer, Failed):
            return []
        fact = cancelling(answer, order_id, self._now())
        return [fact, *await self._inquiry.query(order_id)] if answer.code == NOT_FOUND else [fact]

    async def _known(self, order_id: str) -> str | Failed:
        """The venue's id of an order of ours; empty where it has none."""
        sent = self._inquiry.orders.get(order_id)
        if sent is not None and sent.exchange_id:
            return sent.exchange_id
        found = await self._inquiry.find(order_id)
        if isinstance(found, Failed):
            return found
        return str(found["id"]) if found is not None else ""

    async def replace(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        """Put a new order, under its own client id, in the place of another, where that is proven (decision 0050).

        Whatever comes of it, the old order is asked about: a replacement may have ended it and failed all the same.
        """
        intent = approved.intent
        reason = self._irreplaceable(intent) or self._refusal(intent)
        found: str | Failed = "" if reason else await self._known(order_id)
        if isinstance(found, Failed):
            reason = f"{order_id} is not found: {found.code}: {found.message}"
        elif not reason and not found:
            reason = f"{order_id} is not at the venue"
        elif not reason and self._inquiry.orders[order_id].symbol != intent.symbol:
            reason = f"{order_id} is on {self._inquiry.orders[order_id].symbol}"
        if reason:
            return [OrderRejected(self._now(), intent.id, f"not sent: {reason}")]
        answer = await self._replaced(str(found), intent)
        before = await self._inquiry.query(order_id)
        if isinstance(answer, Whole):
            return [*before, *self._accepted(intent, answer.value)]
        assert isinstance(answer, Failed), "an order is answered whole or not"
        if answer.code == DUPLICATE:
            return [*before, *await self._inquiry.query(intent.id)]
        return [*before, placing(answer, intent.id, self._now())]

    def _irreplaceable(self, intent: OrderIntent) -> str:
        if not self._connection.quirk.replaces or self._connection.trading.has.get("editOrder") is not True:
            return "unsupported: replacing through ccxt; cancel and place"
        if intent.order_type is not OrderType.LIMIT:
            return f"{intent.order_type} orders replace nothing through ccxt; cancel and place"
        return ""

    async def _replaced(self, exchange_id: str, intent: OrderIntent) -> Answer[tuple[str, str]]:
        assert intent.price is not None, "a limit order has a price"
        trading, market, terms = self._connection.trading, self._inquiry.names[intent.symbol], self._terms(intent)
        figures = canonical(intent.quantity), canonical(intent.price)
        self._inquiry.sending(intent.id, intent.symbol)
        return await self._connection.ask(
            "replace",
            lambda: trading.edit_order(exchange_id, market, "limit", intent.side.value, *figures, terms),
            lambda told: _placed(told, intent.id),
        )

    async def cancel_all(self, symbol: str) -> Answer[tuple[str, ...]]:
        """Ask for the end of each order of ours; ccxt's own way ends those of others too."""
        listed = await self.open_orders(symbol, urgent=True)
        if isinstance(listed, Failed):
            return listed
        heard: list[str] = []
        lost: list[str] = []
        for order in listed.value:
            if order.order_id:
                self._inquiry.learn(order.order_id, order.exchange_id, order.symbol)
                facts = await self.cancel(CancelRequested(order.order_id, "cancel all"))
                (lost if any(isinstance(each, OutcomeUnknown | CancelRejected) for each in facts) else heard).append(
                    order.order_id
                )
        missing = [f"not heard: {', '.join(lost)}"] if lost else []
        missing += [listed.missing] if isinstance(listed, Partial) else []
        return Partial(tuple(heard), "; ".join(missing)) if missing else Whole(tuple(heard), listed.at)

    async def open_orders(self, symbol: str = "", *, urgent: bool = False) -> Answer[tuple[OpenOrder, ...]]:
        """What works; a list that may have been cut is a part (H18). `urgent` asks in the queue of cancels."""
        if symbol and symbol not in self._inquiry.names:
            return Failed(ErrorClass.OURS, "not sent", f"symbol {symbol!r} is not listed by {self._connection.venue}")
        connection, quirk = self._connection, self._connection.quirk
        exchange, market = connection.exits if urgent else connection.trading, self._inquiry.names.get(symbol)
        rows = None if quirk.lists_all else quirk.page or connection.feature("fetchOpenOrders", "limit")
        answer = await connection.ask(
            "open orders", lambda: exchange.fetch_open_orders(market, None, rows), self._open_orders
        )
        if not isinstance(answer, Whole):
            return answer
        for each in answer.value:
            self._inquiry.learn(each.order_id or each.client_id or each.exchange_id, each.exchange_id, each.symbol)
        if not quirk.lists_all and len(answer.value) >= (quirk.page or min(OPEN_SURE, rows or OPEN_SURE)):
            return Partial(answer.value, f"a page holds {len(answer.value)} open orders; there may be more", answer.at)
        return answer

    def _open_orders(self, told: Any) -> tuple[OpenOrder, ...]:
        return tuple(
            structures.open_order(each, self._inquiry.symbol_of(each), ours(each.get("clientOrderId"))) for each in told
        )

    def _now(self) -> int:
        return self._venue_clock.now_ns()


def _kind(intent: OrderIntent) -> str:
    """ccxt's two kinds of order; what it waits for goes beside."""
    if intent.order_type in _PLAIN:
        return intent.order_type.value
    return "market" if intent.price is None else "limit"


def _placed(told: Any, order_id: str = "") -> tuple[str, str]:
    """The venue's id of an order that was answered, and ccxt's word for what it is.

    An answer that names another client id than the one that was sent is about another order (H22).
    """
    named = told.get("clientOrderId")
    if order_id and named not in {None, order_id}:
        raise ValueError(f"the answer is about {named!r}")
    return structures.name(told), str(told.get("status") or "")


def _differs(sent: object, figure: Decimal) -> bool:
    try:
        return Decimal(str(sent)) != figure
    except InvalidOperation:
        return True
