"""Spot's signed endpoints: orders, the account, and the words of the user data stream."""

from __future__ import annotations

from typing import Any

from kedge.model.money import ZERO
from kedge.venues.emulator.binance import spot_pages as pages
from kedge.venues.emulator.binance.fields import Fields, fixed, ms
from kedge.venues.emulator.binance.gate import SIGNED, Gate, Handler, Route, Weight
from kedge.venues.emulator.binance.refused import Refused, invalid_symbol, missing, unknown_order
from kedge.venues.emulator.binance.spot_lists import OrderList, SpotLists
from kedge.venues.emulator.binance.spot_market import percent
from kedge.venues.emulator.binance.spot_orders import SpotOrders
from kedge.venues.emulator.binance.spot_rules import asked, client_id_of
from kedge.venues.emulator.binance.tickets import Ticket
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.orders import Execution

_DAY_MS = 86_400_000
_MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")
_RESTRICTIONS = ("ONLY_NEW", "ONLY_PARTIALLY_FILLED")


class SpotAccount:
    """Answers signed requests."""

    def __init__(self, exchange: Exchange, orders: SpotOrders, lists: SpotLists, gate: Gate) -> None:
        self._exchange = exchange
        self._orders = orders
        self._lists = lists
        self._gate = gate

    def routes(self) -> dict[tuple[str, str, str], Route]:
        """Every signed endpoint: REST method and path, WebSocket method."""
        return {
            ("POST", "/order", "order.place"): _ordering(self.place),
            ("POST", "/order/test", "order.test"): _signed(self.test, _test_weight),
            ("DELETE", "/order", "order.cancel"): _signed(self.cancel, 1),
            ("GET", "/order", "order.status"): _signed(self.query, 4),
            ("POST", "/order/cancelReplace", "order.cancelReplace"): _ordering(self.replace),
            ("PUT", "/order/amend/keepPriority", "order.amend.keepPriority"): _signed(self.amend, 4),
            ("GET", "/openOrders", "openOrders.status"): _signed(self.open_orders, _open_weight),
            ("DELETE", "/openOrders", "openOrders.cancelAll"): _signed(self.cancel_all, 1),
            ("GET", "/allOrders", "allOrders"): _signed(self.all_orders, 20),
            ("GET", "/myTrades", "myTrades"): _signed(self.my_trades, _trades_weight),
            ("GET", "/account", "account.status"): _signed(self.account, 20),
            ("GET", "/account/commission", "account.commission"): _signed(self.commission, 20),
            ("GET", "/rateLimit/order", "account.rateLimits.orders"): _signed(self.order_counts, 40),
            ("GET", "/myFilters", "myFilters"): _signed(self.my_filters, 40),
            ("POST", "/orderList/oco", "orderList.place.oco"): _ordering(self._lists.oco),
            ("POST", "/order/oco", "orderList.place"): _ordering(self._lists.old_oco),
            ("DELETE", "/orderList", "orderList.cancel"): _signed(self._lists.cancel, 1),
            ("GET", "/orderList", "orderList.status"): _signed(self._lists.query, 4),
        }

    def place(self, fields: Fields) -> dict[str, Any]:
        """A new order."""
        wanted = asked(fields, self._orders.make_id())
        return pages.placed(self._orders.place(wanted), wanted.response)

    def test(self, fields: Fields) -> dict[str, Any]:
        """As `place`, without the order."""
        wanted = asked(fields, self._orders.make_id())
        self._orders.check(wanted)
        if not fields.truth("computeCommissionRates"):
            return {}
        rates = self._rates(wanted.symbol)
        return {
            "standardCommissionForOrder": {"maker": rates["maker"], "taker": rates["taker"]},
            "taxCommissionForOrder": {"maker": fixed(ZERO), "taker": fixed(ZERO)},
            "discount": _DISCOUNT,
        }

    def cancel(self, fields: Fields) -> dict[str, Any]:
        """End an order."""
        ticket = self._named(fields, "orderId", "origClientOrderId")
        allowed = fields.option("cancelRestrictions", _RESTRICTIONS, "", Refused(-1145, "Invalid cancelRestrictions"))
        request_id = client_id_of(fields, "newClientOrderId") or self._orders.make_id()
        if ticket is not None and allowed and ticket.is_open and ticket.status != allowed.removeprefix("ONLY_"):
            raise Refused(-2011, "Order was not canceled due to cancel restrictions.")
        made = None if ticket is None else self._lists.lists.get(ticket.list_id)
        if ticket is not None and ticket.is_open and made is not None:
            return self._lists.end(made, request_id)
        return pages.cancelled(self._orders.cancel(ticket, request_id), request_id)

    def query(self, fields: Fields) -> dict[str, Any]:
        """What an order is."""
        symbol = self._symbol(fields)
        number, client_id = fields.maybe_whole("orderId"), fields.maybe("origClientOrderId")
        if number is None and client_id is None:
            raise Refused(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        return pages.queried(self._orders.query(symbol, number, client_id, self._stale("/api/v3/order")))

    def replace(self, fields: Fields) -> dict[str, Any]:
        """Cancel an order and place another; each part says for itself whether it worked."""
        mode = fields.choice("cancelReplaceMode", _MODES, Refused(-1130, "Invalid cancelReplaceMode."))
        wanted = asked(fields, self._orders.make_id())
        cancel_id = client_id_of(fields, "cancelNewClientOrderId") or self._orders.make_id()
        ticket = self._named(fields, "cancelOrderId", "cancelOrigClientOrderId")
        try:
            cancelled: dict[str, Any] = pages.cancelled(self._orders.cancel(ticket, cancel_id), cancel_id)
            gone = True
        except Refused as refused:
            cancelled, gone = refused.body(), False
        placed: dict[str, Any] | None = None
        new = "NOT_ATTEMPTED"
        if gone or mode == "ALLOW_FAILURE":
            try:
                placed, new = pages.placed(self._orders.place(wanted), wanted.response), "SUCCESS"
            except Refused as refused:
                placed, new = refused.body(), "FAILURE"
        told = {
            "cancelResult": "SUCCESS" if gone else "FAILURE", "newOrderResult": new, "cancelResponse": cancelled,
            "newOrderResponse": placed,
        }  # fmt: skip
        if gone and new == "SUCCESS":
            return told
        if gone or new == "SUCCESS":
            raise Refused(-2021, "Order cancel-replace partially failed.", 409, told)
        raise Refused(-2022, "Order cancel-replace failed.", 400, told)

    def amend(self, fields: Fields) -> dict[str, Any]:
        """Reduce an order's quantity."""
        ticket = self._named(fields, "orderId", "origClientOrderId")
        client_id = client_id_of(fields, "newClientOrderId") or self._orders.make_id()
        old = "" if ticket is None else ticket.client_id
        amended = self._orders.amend(ticket, fields.number("newQty"), client_id)
        told = pages.queried(amended)
        return {
            "transactTime": ms(amended.updated),
            "executionId": len(self._exchange.executions) + 1,
            "amendedOrder": {
                **{name: told[name] for name in ("symbol", "orderId", "orderListId")},
                "origClientOrderId": old,
                "clientOrderId": amended.client_id,
                "price": told["price"],
                "qty": told["origQty"],
                "executedQty": told["executedQty"],
                "preventedQty": fixed(ZERO),
                "quoteOrderQty": told["origQuoteOrderQty"],
                "cumulativeQuoteQty": told["cummulativeQuoteQty"],
                **{name: told[name] for name in ("status", "timeInForce", "type", "side", "workingTime")},
                "selfTradePreventionMode": told["selfTradePreventionMode"],
            },
        }

    def open_orders(self, fields: Fields) -> list[dict[str, Any]]:
        """What works or waits."""
        symbol = self._symbol(fields) if fields.maybe("symbol") is not None else ""
        stale_ns = self._stale("/api/v3/openOrders") * 1_000_000
        found = self._orders.tickets.open(symbol)
        return [pages.queried(each) for each in found if self._exchange.now - each.created >= stale_ns]

    def cancel_all(self, fields: Fields) -> list[dict[str, Any]]:
        """End every order of a symbol: orders and order lists, side by side."""
        found = self._orders.tickets.open(self._symbol(fields))
        if not found:
            raise unknown_order()
        request_id = self._orders.make_id()
        told: list[dict[str, Any]] = []
        for ticket in found:
            made = self._lists.lists.get(ticket.list_id)
            if not ticket.is_open:
                continue
            if made is not None:
                told.append(self._lists.end(made, request_id))
            else:
                told.append(pages.cancelled(self._orders.cancel(ticket, request_id), request_id))
        return told

    def all_orders(self, fields: Fields) -> list[dict[str, Any]]:
        """Orders of a symbol: the latest, from an id on, or of a period of at most a day."""
        symbol = self._symbol(fields)
        first = fields.maybe_whole("orderId")
        start, end = fields.period(_DAY_MS)
        limit = fields.limit(500, 1_000)
        found = [
            each
            for each in self._orders.tickets.of(symbol)
            if (first is None or each.number >= first) and start <= ms(each.created) <= end
        ]
        return [pages.queried(each) for each in (found[-limit:] if first is None and not start else found[:limit])]

    def my_trades(self, fields: Fields) -> list[dict[str, Any]]:
        """Executions of a symbol."""
        symbol = self._symbol(fields)
        number, first = fields.maybe_whole("orderId"), fields.maybe_whole("fromId")
        start, end = fields.period(_DAY_MS)
        limit = fields.limit(500, 1_000)
        found = [
            each
            for each in self._exchange.executions
            if each.symbol == symbol and number in {None, each.order} and start <= ms(each.ts) <= end
            if first is None or each.trade_id >= first
        ]
        chosen = found[-limit:] if first is None and not start else found[:limit]
        tickets = [self._orders.tickets.by_number.get(each.order) for each in chosen]
        return [
            pages.my_trade(each, -1 if ticket is None else ticket.list_id)
            for each, ticket in zip(chosen, tickets, strict=True)
        ]

    def account(self, fields: Fields) -> dict[str, Any]:
        """Balances and fees."""
        rates = self._rates(next(iter(self._orders.listed)))
        hide = fields.truth("omitZeroBalances")
        balances = [
            {"asset": asset, "free": fixed(self._orders.free(asset)), "locked": fixed(self._orders.locked(asset))}
            for asset in self.assets()
            if not hide or self._exchange.balance(asset)
        ]
        fees = next(iter(self._exchange.instruments.values()))
        return {
            "makerCommission": percent(fees.maker_fee),
            "takerCommission": percent(fees.taker_fee),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": rates,
            "canTrade": True,
            "canWithdraw": False,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": ms(self._exchange.executions[-1].ts) if self._exchange.executions else 0,
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
            "uid": 354937868,
        }

    def commission(self, fields: Fields) -> dict[str, Any]:
        """Fees of a symbol."""
        symbol = self._symbol(fields)
        none = dict.fromkeys(("maker", "taker", "buyer", "seller"), fixed(ZERO))
        return {
            "symbol": symbol, "standardCommission": self._rates(symbol), "specialCommission": none,
            "taxCommission": none, "discount": _DISCOUNT,
        }  # fmt: skip

    def order_counts(self, fields: Fields) -> list[dict[str, Any]]:
        """How many unfilled orders count."""
        return [each for each in self._gate.rate_limits(orders=True) if each["rateLimitType"] == "ORDERS"]

    def my_filters(self, fields: Fields) -> dict[str, Any]:
        """Filters that bind this account."""
        self._symbol(fields)
        return {"exchangeFilters": [], "symbolFilters": [], "assetFilters": []}

    def assets(self) -> list[str]:
        """Every asset that is listed or held."""
        listed = [asset for each in self._orders.listed.values() for asset in (each.instrument.base, "USDT")]
        return list(dict.fromkeys([*listed, *self._exchange.venue.balances()]))

    def _rates(self, symbol: str) -> dict[str, str]:
        instrument = self._exchange.instruments[symbol]
        return {
            "maker": fixed(instrument.maker_fee), "taker": fixed(instrument.taker_fee), "buyer": fixed(ZERO),
            "seller": fixed(ZERO),
        }  # fmt: skip

    def _symbol(self, fields: Fields) -> str:
        symbol = fields.text("symbol")
        if symbol not in self._orders.listed:
            raise invalid_symbol()
        return symbol

    def _named(self, fields: Fields, number_name: str, client_name: str) -> Ticket | None:
        symbol = self._symbol(fields)
        number, client_id = fields.maybe_whole(number_name), fields.maybe(client_name)
        if number is None and client_id is None:
            raise missing(number_name)
        return self._orders.find(symbol, number, client_id)

    def _stale(self, path: str) -> int:
        return self._gate.faults.stale_ms(path)


class SpotUserWords:
    """What the user data stream says (`Reporter`); `say` takes an event to every subscription."""

    def __init__(self, exchange: Exchange, account: SpotAccount, orders: SpotOrders, say: Any) -> None:
        self._exchange = exchange
        self._account = account
        self._orders = orders
        self._say = say
        self._told: dict[str, tuple[str, str]] = {}
        self._executions = 0
        orders.reporters.append(self)

    def report(self, ticket: Ticket, kind: str, fill: Execution | None = None, request_id: str = "") -> None:
        """An executionReport, and the balances that changed."""
        self._executions += 1
        self._say(self._execution_report(ticket, kind, fill, request_id))
        self.balances()

    def ended(self, ticket: Ticket) -> None:
        """The report said it."""

    def list_status(self, made: OrderList, kind: str, status: str) -> None:
        """A listStatus."""
        now = ms(self._exchange.now)
        self._say(
            {
                "e": "listStatus", "E": now, "s": made.symbol, "g": made.number, "c": "OCO", "l": kind, "L": status,
                "r": "NONE", "C": made.client_id, "T": now,
                "O": [{"s": each.symbol, "i": each.number, "c": each.client_id} for each in made.tickets],
            }
        )  # fmt: skip

    def balances(self) -> None:
        """An outboundAccountPosition of the assets that changed since the last."""
        changed = []
        for asset in self._account.assets():
            free, locked = fixed(self._orders.free(asset)), fixed(self._orders.locked(asset))
            if self._told.get(asset, (fixed(ZERO), fixed(ZERO))) != (free, locked):
                self._told[asset] = (free, locked)
                changed.append({"a": asset, "f": free, "l": locked})
        if changed:
            now = ms(self._exchange.now)
            self._say({"e": "outboundAccountPosition", "E": now, "u": now, "B": changed})

    def _execution_report(self, ticket: Ticket, kind: str, fill: Execution | None, request_id: str) -> dict[str, Any]:
        now = ms(self._exchange.now)
        client, original = (request_id, ticket.client_id) if request_id else (ticket.client_id, "")
        if kind == "REPLACED":
            client, original = ticket.client_id, request_id
        told: dict[str, Any] = {
            "e": "executionReport", "E": now, "s": ticket.symbol, "c": client, "S": ticket.side, "o": ticket.kind,
            "f": ticket.force, "q": fixed(ticket.quantity), "p": fixed(ticket.price), "P": fixed(ticket.stop_price),
            "F": fixed(ticket.iceberg), "g": ticket.list_id, "C": original, "x": kind, "X": ticket.status,
            "r": "NONE", "i": ticket.number, "l": fixed(ZERO if fill is None else fill.quantity),
            "z": fixed(ticket.filled), "L": fixed(ZERO if fill is None else fill.price),
            "n": fixed(ZERO) if fill is None else fixed(fill.fee), "N": None if fill is None else fill.fee_currency,
            "T": now, "t": -1 if fill is None else fill.trade_id, "I": self._executions,
            "w": ticket.order is not None and ticket.order.is_open, "m": fill is not None and fill.maker, "M": False,
            "O": ms(ticket.created), "Z": fixed(ticket.value), "Y": fixed(ZERO if fill is None else fill.value),
            "Q": fixed(ticket.quote_quantity), "V": ticket.stp,
        }  # fmt: skip
        if ticket.working_time > 0:
            told["W"] = ms(ticket.working_time)
        if ticket.trailing_delta:
            told["d"] = ticket.trailing_delta
        return told


_DISCOUNT = {
    "enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": "0.75000000"
}  # fmt: skip


def _signed(handler: Handler, weight: Weight) -> Route:
    return Route(handler, weight, SIGNED)


def _ordering(handler: Handler) -> Route:
    """A request that counts as an order; its weight is given back where it succeeds."""
    return Route(handler, 1, SIGNED, order=True, free_on_success=True)


def _test_weight(fields: Fields) -> int:
    return 20 if fields.values.get("computeCommissionRates", "").lower() == "true" else 1


def _open_weight(fields: Fields) -> int:
    return 6 if fields.has("symbol") else 80


def _trades_weight(fields: Fields) -> int:
    return 5 if fields.has("orderId") else 20
