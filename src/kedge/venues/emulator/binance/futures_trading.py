"""USD-M Futures' signed endpoints for orders: one by one, in batches, by the dead man's switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from kedge.model.instant import NS_PER_MS
from kedge.venues.emulator.binance import futures_pages as pages
from kedge.venues.emulator.binance.algo import AlgoOrders
from kedge.venues.emulator.binance.fields import Fields, flat, ms
from kedge.venues.emulator.binance.futures_orders import FuturesOrders
from kedge.venues.emulator.binance.futures_rules import SIDES, asked
from kedge.venues.emulator.binance.gate import SIGNED, Gate, Handler, Route, Weight
from kedge.venues.emulator.binance.refused import Refused, missing
from kedge.venues.emulator.binance.tickets import Ticket
from kedge.venues.emulator.exchange import Exchange

_WEEK_MS = 7 * 86_400_000
_BATCH_MAX, _BATCH_CANCEL_MAX = 5, 10


class FuturesTrading:
    """Answers signed requests on orders."""

    def __init__(self, exchange: Exchange, orders: FuturesOrders, algos: AlgoOrders, gate: Gate) -> None:
        self._exchange = exchange
        self._orders = orders
        self._algos = algos
        self._gate = gate
        self._countdowns: dict[str, int] = {}

    def routes(self) -> dict[tuple[str, str, str], Route]:
        """Every endpoint: REST method and path, WebSocket method (empty: none)."""
        return {
            ("POST", "/v1/order", "order.place"): Route(self.place, 0, SIGNED, order=True),
            ("POST", "/v1/order/test", ""): _signed(self.test, 1),
            ("PUT", "/v1/order", "order.modify"): Route(self.modify, 1, SIGNED, order=True),
            ("DELETE", "/v1/order", "order.cancel"): _signed(self.cancel, 1),
            ("GET", "/v1/order", "order.status"): _signed(self.query, 1),
            ("GET", "/v1/openOrder", ""): _signed(self.open_order, 1),
            ("GET", "/v1/openOrders", ""): _signed(self.open_orders, _open_weight),
            ("GET", "/v1/allOrders", ""): _signed(self.all_orders, 5),
            ("DELETE", "/v1/allOpenOrders", ""): _signed(self.cancel_all, 1),
            ("POST", "/v1/batchOrders", ""): Route(self.place_batch, 5, SIGNED, order=True),
            ("PUT", "/v1/batchOrders", ""): Route(self.modify_batch, 5, SIGNED, order=True),
            ("DELETE", "/v1/batchOrders", ""): _signed(self.cancel_batch, 1),
            ("GET", "/v1/userTrades", ""): _signed(self.user_trades, 5),
            ("POST", "/v1/algoOrder", "algoOrder.place"): Route(self._algos.place, 1, SIGNED, order=True),
            ("DELETE", "/v1/algoOrder", "algoOrder.cancel"): _signed(self._algos.cancel, 1),
            ("GET", "/v1/algoOrder", ""): _signed(self._algos.query, 1),
            ("GET", "/v1/openAlgoOrders", ""): _signed(self._algos.open_page, _open_weight),
            ("GET", "/v1/allAlgoOrders", ""): _signed(self._algos.all_page, 5),
            ("DELETE", "/v1/algoOpenOrders", ""): _signed(self._algos.cancel_all, 1),
            ("POST", "/v1/countdownCancelAll", ""): _signed(self.countdown, 10),
        }

    def place(self, fields: Fields) -> dict[str, Any]:
        """A new order."""
        wanted = asked(fields, self._orders.make_id())
        return pages.placed(self._orders.place(wanted), wanted.response)

    def test(self, fields: Fields) -> dict[str, Any]:
        """As `place`, without the order."""
        self._orders.check(asked(fields, self._orders.make_id()))
        return {}

    def modify(self, fields: Fields) -> dict[str, Any]:
        """Another quantity and price."""
        side = fields.choice("side", SIDES, Refused(-1117, "Invalid side."))
        ticket = self._named(fields)
        return pages.changed(self._orders.modify(ticket, side, fields.number("quantity"), fields.number("price")))

    def cancel(self, fields: Fields) -> dict[str, Any]:
        """End an order."""
        return pages.changed(self._orders.cancel(self._named(fields)))

    def query(self, fields: Fields) -> dict[str, Any]:
        """What an order is."""
        return pages.queried(self._query(fields, "/fapi/v1/order"))

    def open_order(self, fields: Fields) -> dict[str, Any]:
        """What an order is, as long as it is open."""
        ticket = self._query(fields, "/fapi/v1/openOrder")
        if not ticket.is_open:
            raise Refused(-2013, "Order does not exist.")
        return pages.queried(ticket)

    def open_orders(self, fields: Fields) -> list[dict[str, Any]]:
        """What works."""
        symbol = fields.maybe("symbol") or ""
        if symbol:
            self._orders.rules(symbol)
        stale_ns = self._gate.faults.stale_ms("/fapi/v1/openOrders") * NS_PER_MS
        found = self._orders.tickets.open(symbol)
        return [pages.queried(each) for each in found if self._exchange.now - each.created >= stale_ns]

    def all_orders(self, fields: Fields) -> list[dict[str, Any]]:
        """Orders of a symbol."""
        symbol = self._symbol(fields)
        first = fields.maybe_whole("orderId")
        start, end = fields.period(_WEEK_MS)
        limit = fields.limit(500, 1_000)
        found = [
            each
            for each in self._orders.tickets.of(symbol)
            if (first is None or each.number >= first) and start <= ms(each.created) <= end
        ]
        return [pages.queried(each) for each in (found[-limit:] if first is None and not start else found[:limit])]

    def cancel_all(self, fields: Fields) -> dict[str, Any]:
        """End every plain order of a symbol; conditional ones stay."""
        self._orders.cancel_all(self._symbol(fields))
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def place_batch(self, fields: Fields) -> list[dict[str, Any]]:
        """Up to five orders, each with an answer of its own."""

        def one(each: Fields) -> dict[str, Any]:
            wanted = asked(each, self._orders.make_id(), stp="NONE")
            return pages.placed(self._orders.place(wanted), wanted.response)

        return self._batch(fields, one)

    def modify_batch(self, fields: Fields) -> list[dict[str, Any]]:
        """Up to five modifications."""
        return self._batch(fields, self.modify)

    def cancel_batch(self, fields: Fields) -> list[dict[str, Any]]:
        """Up to ten cancels."""
        symbol = self._symbol(fields)
        numbers = fields.maybe("orderIdList") or fields.maybe("orderidlist")  # so ccxt writes it, and it works
        names = fields.maybe("origClientOrderIdList") or fields.maybe("origclientorderidlist")
        if numbers is None and names is None:
            raise missing("orderIdList")
        wanted = _json_list(numbers or names or "[]")
        if len(wanted) > _BATCH_CANCEL_MAX:
            raise Refused(-4082, "Invalid number of batch cancel orders.")
        told = []
        for each in wanted:
            try:
                found = self._orders.find(symbol, int(each), None) if numbers else self._orders.find(symbol, None, each)
                told.append(pages.changed(self._orders.cancel(found)))
            except Refused as refused:
                told.append(refused.body())
        return told

    def user_trades(self, fields: Fields) -> list[dict[str, Any]]:
        """Executions of a symbol: the latest, from an id on, or of a period of at most a week."""
        symbol = self._symbol(fields)
        number, first = fields.maybe_whole("orderId"), fields.maybe_whole("fromId")
        start, end = fields.period(_WEEK_MS)
        limit = fields.limit(500, 1_000)
        found = [
            each
            for each in self._exchange.executions
            if each.symbol == symbol and number in {None, each.order} and start <= ms(each.ts) <= end
            if first is None or each.trade_id >= first
        ]
        return [pages.user_trade(each) for each in (found[-limit:] if first is None and not start else found[:limit])]

    def countdown(self, fields: Fields) -> dict[str, Any]:
        """The dead man's switch of one symbol: plain orders end unless it is called again in time."""
        symbol = self._symbol(fields)
        delay = fields.whole("countdownTime")
        if delay < 0:
            raise Refused(-1130, "Data sent for parameter 'countdownTime' is not valid.")
        timeline = self._exchange.timeline
        timeline.call_off(self._countdowns.pop(symbol, 0))
        if delay:
            later = delay * NS_PER_MS * self._gate.pace.scale
            self._countdowns[symbol] = timeline.after(later, lambda: self._orders.cancel_all(symbol))
        return {"symbol": symbol, "countdownTime": str(delay)}

    # within

    def _symbol(self, fields: Fields) -> str:
        return self._orders.rules(fields.text("symbol")).symbol

    def _ids(self, fields: Fields) -> tuple[str, int | None, str | None]:
        symbol = self._symbol(fields)
        number, client_id = fields.maybe_whole("orderId"), fields.maybe("origClientOrderId")
        if number is None and client_id is None:
            raise Refused(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        return symbol, number, client_id

    def _named(self, fields: Fields) -> Ticket | None:
        return self._orders.find(*self._ids(fields))

    def _query(self, fields: Fields, path: str) -> Ticket:
        return self._orders.query(*self._ids(fields), self._gate.faults.stale_ms(path))

    def _batch(self, fields: Fields, one: Callable[[Fields], dict[str, Any]]) -> list[dict[str, Any]]:
        wanted = _json_list(fields.text("batchOrders"))
        if not 0 < len(wanted) <= _BATCH_MAX:
            raise Refused(-4082, "Invalid number of batch place orders.")
        told = []
        for n, each in enumerate(wanted):
            try:
                if n:
                    self._gate.count_order()
                told.append(one(Fields(flat(each), fields.now, fields.api_key)))
            except Refused as refused:
                told.append(refused.body())
        return told


def _json_list(text: str) -> list[Any]:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise Refused(-1130, "Data sent for parameter 'batchOrders' is not valid.") from None
    if not isinstance(found, list):
        raise Refused(-1130, "Data sent for parameter 'batchOrders' is not valid.")
    return found


def _signed(handler: Handler, weight: Weight) -> Route:
    return Route(handler, weight, SIGNED)


def _open_weight(fields: Fields) -> int:
    return 1 if fields.has("symbol") else 40
