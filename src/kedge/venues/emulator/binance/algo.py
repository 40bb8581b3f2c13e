"""Conditional orders of USD-M Futures: since December 2025 a family of their own, with ids, pages and events of their own.

`/order` and `/openOrders` do not know them. Once triggered, one places a plain order, whose id it then shows
(`actualOrderId`); what becomes of that is told by the plain order's events.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec import Struct

from kedge.model.money import ZERO
from kedge.venues.emulator.binance import futures_rules as rules
from kedge.venues.emulator.binance.fields import Fields, fixed, ms, plain
from kedge.venues.emulator.binance.futures_orders import FuturesOrders
from kedge.venues.emulator.binance.futures_pages import MAX_ALGO_ORDERS
from kedge.venues.emulator.binance.futures_rules import ALGO_TYPES, SIDES, STP_MODES, WORKING_TYPES, FuturesAsked
from kedge.venues.emulator.binance.refused import Refused, no_order, unknown_order
from kedge.venues.emulator.binance.tickets import Ticket
from kedge.venues.emulator.orders import Execution
from kedge.venues.emulator.triggers import LAST, MARK, Trigger

_FIRST_ALGO = 2_000_000
_LIMITED = {"STOP", "TAKE_PROFIT"}
_PERCENT = Decimal(100)
_OPEN = "NEW"


class AlgoOrder(Struct):
    """One conditional order."""

    number: int
    client_id: str
    symbol: str
    side: str
    kind: str
    force: str
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    working_type: str
    close_position: bool
    reduce_only: bool
    price_protect: bool
    stp: str
    created: int
    updated: int
    activate_price: Decimal = ZERO
    callback_rate: Decimal = ZERO
    status: str = _OPEN
    trigger: int = 0
    triggered: int = 0
    ticket: Ticket | None = None

    @property
    def above(self) -> bool:
        """Whether it waits for a price that rises."""
        return self.kind.startswith("TAKE") is not (self.side == "BUY")


class AlgoOrders:
    """Places, triggers and cancels conditional orders; `told` hears of every change."""

    def __init__(self, orders: FuturesOrders) -> None:
        self.by_number: dict[int, AlgoOrder] = {}
        self.told: list[Callable[[AlgoOrder], None]] = []
        self._orders = orders
        orders.reporters.append(self)

    def place(self, fields: Fields) -> dict[str, Any]:
        """`POST /fapi/v1/algoOrder`."""
        order = self._read(fields)
        self._check(order)
        self.by_number[order.number] = order
        self._wait(order)
        self._tell(order)
        return page(order)

    def cancel(self, fields: Fields) -> dict[str, Any]:
        """`DELETE /fapi/v1/algoOrder`: the code is a text."""
        order = self.find(fields)
        if order is None or order.status != _OPEN:
            raise unknown_order()
        self._end(order, "CANCELED")
        return {"algoId": order.number, "clientAlgoId": order.client_id, "code": "200", "msg": "success"}

    def cancel_all(self, fields: Fields) -> dict[str, Any]:
        """`DELETE /fapi/v1/algoOpenOrders`."""
        symbol = self._orders.rules(fields.text("symbol")).symbol
        for order in self.open(symbol):
            self._end(order, "CANCELED")
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def query(self, fields: Fields) -> dict[str, Any]:
        """`GET /fapi/v1/algoOrder`."""
        order = self.find(fields)
        if order is None:
            raise no_order()
        return page(order)

    def open_page(self, fields: Fields) -> list[dict[str, Any]]:
        """`GET /fapi/v1/openAlgoOrders`."""
        return [page(order) for order in self.open(fields.maybe("symbol") or "")]

    def all_page(self, fields: Fields) -> list[dict[str, Any]]:
        """`GET /fapi/v1/allAlgoOrders`."""
        symbol = self._orders.rules(fields.text("symbol")).symbol
        first = fields.maybe_whole("algoId") or 0
        start, end = fields.period(7 * 86_400_000)
        found = [each for each in self.by_number.values() if each.symbol == symbol and each.number >= first]
        return [page(each) for each in found if start <= ms(each.created) <= end][-fields.limit(500, 1_000) :]

    def open(self, symbol: str = "") -> list[AlgoOrder]:
        """Those that wait."""
        return [each for each in self.by_number.values() if each.status == _OPEN and symbol in {"", each.symbol}]

    def find(self, fields: Fields) -> AlgoOrder | None:
        """A conditional order by either id."""
        number, client_id = fields.maybe_whole("algoId"), fields.maybe("clientAlgoId")
        if number is None and client_id is None:
            raise Refused(-1102, "Param 'algoid' or 'clientalgoid' must be sent, but both were empty/null!")
        if number is not None:
            return self.by_number.get(number)
        named = [each for each in self.by_number.values() if each.client_id == client_id]
        return named[-1] if named else None

    def report(self, ticket: Ticket, kind: str, fill: Execution | None = None) -> None:
        """The plain order that a conditional one placed has ended: so has the conditional one (`FuturesReporter`)."""
        number = ticket.extra.get("algo")
        if number is not None and not ticket.is_open and self.by_number[number].status == "TRIGGERED":
            self.by_number[number].status = "FINISHED"
            self._tell(self.by_number[number])

    # within

    def _read(self, fields: Fields) -> AlgoOrder:
        lower = _LowerCase(fields)
        if fields.option("algoType", ("CONDITIONAL",), "", Refused(-1130, "Invalid algoType.")) != "CONDITIONAL":
            raise lower.missing("algoType")
        symbol = self._orders.rules(lower.text("symbol")).symbol
        side = fields.choice("side", SIDES, Refused(-1117, "Invalid side."))
        kind = fields.choice("type", ALGO_TYPES, Refused(-1116, "Invalid orderType."))
        rules.check_position_side(fields)
        close = fields.truth("closePosition")
        if close and fields.has("quantity"):
            raise Refused(-4137, "Quantity must be zero with closePosition equals true.")
        if close and fields.truth("reduceOnly"):
            raise Refused(-4138, "Reduce only must be true with closePosition equals true.")
        trailing = kind == "TRAILING_STOP_MARKET"
        now = self._orders.exchange.now
        return AlgoOrder(
            _FIRST_ALGO + len(self.by_number) + 1,
            rules.client_id_of(fields, "clientAlgoId") or self._orders.make_id(),
            symbol, side, kind,
            fields.option("timeInForce", rules.FORCES, "GTC", Refused(-1115, "Invalid timeInForce.")),
            ZERO if close else lower.number("quantity"),
            lower.number("price") if kind in _LIMITED else ZERO,
            ZERO if trailing else lower.number("triggerPrice"),
            fields.option("workingType", WORKING_TYPES, "CONTRACT_PRICE", Refused(-4017, "Invalid workingType.")),
            close, fields.truth("reduceOnly") or close, fields.truth("priceProtect"),
            fields.option(
                "selfTradePreventionMode", STP_MODES, "EXPIRE_MAKER", Refused(-1130, "Invalid selfTradePreventionMode.")
            ),
            now, now,
            activate_price=fields.maybe_number("activatePrice") or ZERO,
            callback_rate=lower.number("callbackRate") if trailing else ZERO,
        )  # fmt: skip

    def _check(self, order: AlgoOrder) -> None:
        listed = self._orders.rules(order.symbol)
        if not order.close_position:
            rules.check_quantity(order.quantity, listed, market=order.kind not in _LIMITED)
        for price in (order.price, order.trigger_price, order.activate_price):
            if price:
                rules.check_price(price, listed)
        if order.callback_rate and not Decimal("0.1") <= order.callback_rate <= 10:
            raise Refused(-2007, "Invalid callBack rate.")
        if any(each.client_id == order.client_id for each in self.open()):
            raise Refused(-4116, "clientOrderId is duplicated.")
        if len(self.open()) >= MAX_ALGO_ORDERS:
            raise Refused(-4045, "Reach max stop order limit.")
        if order.reduce_only and not order.close_position and not self._orders.margin.position(order.symbol):
            raise Refused(-2022, "ReduceOnly Order is rejected.")
        seen = self._orders.exchange.triggers.price(order.symbol, _source(order))
        if order.trigger_price and seen is not None:
            reached = seen >= order.trigger_price if order.above else seen <= order.trigger_price
            if reached:
                raise Refused(-2021, "Order would immediately trigger.")

    def _wait(self, order: AlgoOrder) -> None:
        trailing = order.kind == "TRAILING_STOP_MARKET"
        above = order.side == "BUY" if trailing else order.above
        order.trigger = self._orders.exchange.triggers.add(
            Trigger(
                order.symbol, order.trigger_price or None, above, _source(order), lambda: self._fire(order),
                order.callback_rate / _PERCENT if trailing else None, order.activate_price or None,
            )
        )  # fmt: skip

    def _fire(self, order: AlgoOrder) -> None:
        """Place the plain order; where it is refused, the conditional one is rejected."""
        exchange = self._orders.exchange
        order.triggered = order.updated = exchange.now
        quantity = order.quantity
        if order.close_position:
            held = self._orders.margin.position(order.symbol)
            if not held or (held > ZERO) is (order.side == "BUY"):
                self._end(order, "EXPIRED")
                return
            quantity = abs(held)
        limited = order.kind in _LIMITED
        wanted = FuturesAsked(
            order.symbol, order.side, "LIMIT" if limited else "MARKET", order.force if limited else "GTC", quantity,
            order.price, order.reduce_only, order.stp, self._orders.make_id(), "ACK",
        )  # fmt: skip
        order.status = "TRIGGERED"
        try:
            order.ticket = self._orders.place(wanted, {"algo": order.number, "origin": order.kind})
        except Refused:
            self._end(order, "REJECTED")
            return
        if order.status == "TRIGGERED":
            self._tell(order)

    def _end(self, order: AlgoOrder, status: str) -> None:
        self._orders.exchange.triggers.drop(order.trigger)
        order.status, order.updated = status, self._orders.exchange.now
        self._tell(order)

    def _tell(self, order: AlgoOrder) -> None:
        for each in self.told:
            each(order)


class _LowerCase:
    """Reads mandatory parameters; what is missing is named in lower case, as the venue does it here."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def missing(self, name: str) -> Refused:
        """-1102."""
        return Refused(-1102, f"Mandatory parameter '{name.lower()}' was not sent, was empty/null, or malformed.")

    def text(self, name: str) -> str:
        """A text that must be there."""
        if not self._fields.values.get(name):
            raise self.missing(name)
        return self._fields.values[name]

    def number(self, name: str) -> Decimal:
        """A decimal that must be there."""
        self.text(name)
        return self._fields.number(name)


def _source(order: AlgoOrder) -> str:
    return MARK if order.working_type == "MARK_PRICE" else LAST


def page(order: AlgoOrder) -> dict[str, Any]:
    """A conditional order as the documentation shows it."""
    ticket = order.ticket
    average = ticket.value / ticket.filled if ticket is not None and ticket.filled else ZERO
    return {
        "algoId": order.number,
        "clientAlgoId": order.client_id,
        "algoType": "CONDITIONAL",
        "orderType": order.kind,
        "symbol": order.symbol,
        "side": order.side,
        "positionSide": "BOTH",
        "timeInForce": order.force,
        "quantity": plain(order.quantity),
        "algoStatus": order.status,
        "actualOrderId": "" if ticket is None else str(ticket.number),
        "actualPrice": fixed(average, 5),
        "triggerPrice": plain(order.trigger_price),
        "price": plain(order.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": order.stp,
        "workingType": order.working_type,
        "priceMatch": "NONE",
        "closePosition": order.close_position,
        "priceProtect": order.price_protect,
        "reduceOnly": order.reduce_only,
        "activatePrice": plain(order.activate_price) if order.activate_price else "",
        "callbackRate": plain(order.callback_rate) if order.callback_rate else "",
        "createTime": ms(order.created),
        "updateTime": ms(order.updated),
        "triggerTime": ms(order.triggered),
        "goodTillDate": 0,
    }


def event(order: AlgoOrder, now_ms: int) -> dict[str, Any]:
    """An ALGO_UPDATE."""
    told = page(order)
    filled = ZERO if order.ticket is None else order.ticket.filled
    return {
        "e": "ALGO_UPDATE", "T": now_ms, "E": now_ms,
        "o": {
            "caid": order.client_id, "aid": order.number, "at": "CONDITIONAL", "o": order.kind, "s": order.symbol,
            "S": order.side, "ps": "BOTH", "f": order.force, "q": told["quantity"], "X": order.status,
            "ai": told["actualOrderId"], "ap": told["actualPrice"], "aq": fixed(filled, 5), "act": "0",
            "tp": told["triggerPrice"], "p": told["price"], "V": order.stp, "wt": order.working_type, "pm": "NONE",
            "cp": order.close_position, "pP": order.price_protect, "R": order.reduce_only, "tt": told["triggerTime"],
            "gtd": 0,
        },
    }  # fmt: skip
