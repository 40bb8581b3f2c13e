"""One-cancels-the-other lists: a limit maker above and a stop below, or the other way round.

As soon as one of the two begins to fill or is triggered, the other expires; cancelling one cancels both.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, structs

from kedge.venues.emulator.binance.fields import Fields, ms
from kedge.venues.emulator.binance.refused import Refused, missing, rejected, unknown_order
from kedge.venues.emulator.binance.spot_orders import SpotOrders
from kedge.venues.emulator.binance.spot_pages import cancelled, placed
from kedge.venues.emulator.binance.spot_rules import Asked, asked, client_id_of
from kedge.venues.emulator.binance.tickets import Ticket
from kedge.venues.emulator.orders import Execution

_SUFFIXES = {
    "Type": "type", "ClientOrderId": "newClientOrderId", "IcebergQty": "icebergQty", "Price": "price",
    "StopPrice": "stopPrice", "TrailingDelta": "trailingDelta", "TimeInForce": "timeInForce",
}  # fmt: skip


class OrderList(Struct):
    """Two tickets of which one may fill."""

    number: int
    client_id: str
    symbol: str
    created: int
    tickets: list[Ticket]
    done: bool = False
    decided: bool = False


class SpotLists:
    """Places and ends lists; it is told of every ticket that ends (`Reporter`)."""

    def __init__(self, orders: SpotOrders) -> None:
        self.lists: dict[int, OrderList] = {}
        self.told: list[Any] = []
        self._orders = orders
        orders.reporters.append(self)

    def oco(self, fields: Fields) -> dict[str, Any]:
        """`POST /api/v3/orderList/oco`."""
        return self._place(fields, _leg(fields, "above"), _leg(fields, "below"))

    def old_oco(self, fields: Fields) -> dict[str, Any]:
        """`POST /api/v3/order/oco`, deprecated and still used."""
        values = fields.values
        shared = _shared(fields)
        limit = shared | {"type": "LIMIT_MAKER", "price": fields.text("price")}
        stop = shared | {"type": "STOP_LOSS", "stopPrice": fields.text("stopPrice")}
        if "stopLimitPrice" in values:
            stop |= {"type": "STOP_LOSS_LIMIT", "price": fields.text("stopLimitPrice")}
            stop["timeInForce"] = fields.text("stopLimitTimeInForce")
        for leg, name in ((limit, "limitClientOrderId"), (stop, "stopClientOrderId")):
            if name in values:
                leg["newClientOrderId"] = values[name]
        pair = (limit, stop) if values.get("side") == "SELL" else (stop, limit)
        return self._place(fields, *(Fields(each, fields.now, fields.api_key) for each in pair))

    def _place(self, fields: Fields, above: Fields, below: Fields) -> dict[str, Any]:
        orders = self._orders
        client_id = client_id_of(fields, "listClientOrderId") or orders.make_id()
        if any(each.client_id == client_id and not each.done for each in self.lists.values()):
            raise rejected("Duplicate order sent.")
        legs = [asked(each, orders.make_id()) for each in (above, below)]
        _check_pair(legs[0], legs[1])
        for leg in legs:
            orders.check(leg)
        number = len(self.lists) + 1
        stops_first = sorted(legs, key=lambda leg: not leg.is_stop)
        first = orders.place(stops_first[0], number)
        second = orders.place(structs.replace(stops_first[1]), number)
        made = OrderList(number, client_id, first.symbol, orders.exchange.now, [first, second])
        self.lists[number] = made
        self._tell(made, "EXEC_STARTED", "EXECUTING")
        response = fields.values.get("newOrderRespType", "RESULT")
        return page(made) | {"orderReports": [placed(each, response) for each in made.tickets]}

    def find(self, fields: Fields) -> OrderList | None:
        """A list by either id."""
        number, client_id = fields.maybe_whole("orderListId"), fields.maybe("listClientOrderId")
        client_id = client_id or fields.maybe("origClientOrderId")
        if number is None and client_id is None:
            raise missing("orderListId")
        found = [each for each in self.lists.values() if number == each.number or client_id == each.client_id]
        return found[-1] if found else None

    def cancel(self, fields: Fields) -> dict[str, Any]:
        """`DELETE /api/v3/orderList`."""
        fields.text("symbol")
        found = self.find(fields)
        if found is None or found.done:
            raise unknown_order()
        return self.end(found, client_id_of(fields, "newClientOrderId") or self._orders.make_id())

    def end(self, made: OrderList, request_id: str) -> dict[str, Any]:
        """Cancel both orders of a list."""
        made.done = made.decided = True
        for ticket in made.tickets:
            if ticket.is_open:
                self._orders.cancel(ticket, request_id)
        self._tell(made, "ALL_DONE", "ALL_DONE")
        return page(made) | {"orderReports": [cancelled(each, request_id) for each in made.tickets]}

    def query(self, fields: Fields) -> dict[str, Any]:
        """`GET /api/v3/orderList`."""
        found = self.find(fields)
        if found is None:
            raise Refused(-2018, "Order list does not exist.")
        return page(found)

    # what happens to tickets (`Reporter`)

    def report(self, ticket: Ticket, kind: str, fill: Execution | None = None, request_id: str = "") -> None:
        """A stop that is triggered ends its sibling, as a fill does."""
        if kind == "NEW" and ticket.order is not None and ticket.stop_price:
            self._end_sibling(ticket)

    def ended(self, ticket: Ticket) -> None:
        """A ticket filled or ended."""
        self._end_sibling(ticket)
        made = self.lists.get(ticket.list_id)
        if made is not None and not made.done and not any(each.is_open for each in made.tickets):
            made.done = True
            self._tell(made, "ALL_DONE", "ALL_DONE")

    def _end_sibling(self, ticket: Ticket) -> None:
        made = self.lists.get(ticket.list_id)
        if made is None or made.done or made.decided:
            return
        made.decided = True
        for other in made.tickets:
            if other is ticket or not other.is_open:
                continue
            if ticket.status == "CANCELED":
                self._orders.cancel(other, ticket.extra.get("cancel_id", ""))
            elif other.order is None:
                self._orders.drop(other, "EXPIRED")
            else:
                self._orders.exchange.expire(other.order, "one cancels the other")

    def _tell(self, made: OrderList, kind: str, status: str) -> None:
        for each in self.told:
            each(made, kind, status)


def page(made: OrderList) -> dict[str, Any]:
    """A list as the documentation shows it."""
    return {
        "orderListId": made.number,
        "contingencyType": "OCO",
        "listStatusType": "ALL_DONE" if made.done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if made.done else "EXECUTING",
        "listClientOrderId": made.client_id,
        "transactionTime": ms(made.created),
        "symbol": made.symbol,
        "orders": [
            {"symbol": each.symbol, "orderId": each.number, "clientOrderId": each.client_id} for each in made.tickets
        ],
    }


def _shared(fields: Fields) -> dict[str, str]:
    shared = {name: fields.text(name) for name in ("symbol", "side", "quantity")}
    for name in ("newOrderRespType", "selfTradePreventionMode"):
        if fields.has(name):
            shared[name] = fields.text(name)
    return shared


def _leg(fields: Fields, prefix: str) -> Fields:
    """The parameters of one leg, under the names of a single order."""
    fields.text(f"{prefix}Type")
    values = _shared(fields)
    for suffix, name in _SUFFIXES.items():
        if fields.has(prefix + suffix):
            values[name] = fields.text(prefix + suffix)
    return Fields(values, fields.now, fields.api_key)


def _check_pair(above: Asked, below: Asked) -> None:
    """A stop on the losing side and a limit maker (or take-profit) on the winning one, at prices that fit."""
    stops = [leg for leg in (above, below) if leg.kind.startswith("STOP")]
    wins = [leg for leg in (above, below) if leg.kind == "LIMIT_MAKER" or leg.kind.startswith("TAKE")]
    if len(stops) != 1 or len(wins) != 1:
        raise Refused(-1158, "Invalid order type combination for an OCO.")
    if (above.stop_price or above.price) <= (below.stop_price or below.price):
        raise rejected("The relationship of the prices for the orders is not correct.")
    if stops[0] is (above if above.side == "SELL" else below):
        raise Refused(-1158, "Invalid order type combination for an OCO.")
