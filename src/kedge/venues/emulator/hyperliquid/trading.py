"""Orders, cancels and changes: the actions of `/exchange` that move the book.

What is wrong with one order stands in the place of its status. A trigger order waits here, not in the engine, for the
mark price; it then goes to the engine under the number it had. A change cancels and places: the new order has a new
number and keeps the client id it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kedge.model.facts import FundingPayment
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.faults import Faults, Phase
from kedge.venues.emulator.hyperliquid.account import Account
from kedge.venues.emulator.hyperliquid.answering import Answer, done, err, ok
from kedge.venues.emulator.hyperliquid.listing import BY_COIN, PAIRS
from kedge.venues.emulator.hyperliquid.numerals import shown
from kedge.venues.emulator.hyperliquid.orders import HlFill, HlOrder, OrderBook, TriggerTerms
from kedge.venues.emulator.hyperliquid.rules import Malformed, Wanted, error, wanted
from kedge.venues.emulator.hyperliquid.settings import AccountSettings
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution, OrderRequest
from kedge.venues.emulator.tape import BookUpdate, PublicTrade
from kedge.venues.emulator.triggers import LAST, MARK, Trigger

GONE = "Order was never placed, already canceled, or filled."
NO_MATCH = "Order could not immediately match against any resting orders."
OPEN_ORDERS_MAX = 1_000
#: Statuses of refused orders by what was said of them.
REFUSED = {
    "Insufficient margin": "perpMarginRejected",
    "Insufficient spot": "insufficientSpotBalanceRejected",
    "Reduce only": "reduceOnlyRejected",
    "Post only": "badAloPxRejected",
    "Order could not": "iocCancelRejected",
    "Invalid TP/SL": "badTriggerPxRejected",
}


class Trading:
    """Carries out the account's actions and keeps its orders; `tell_order` and `tell_fill` hear of every change."""

    def __init__(
        self, exchange: Exchange, book: OrderBook, account: Account, faults: Faults, settings: AccountSettings
    ) -> None:
        self.exchange = exchange
        self.book = book
        self.account = account
        self.tell_order: Callable[[HlOrder], None] = _nobody
        self.tell_fill: Callable[[HlFill], None] = _nobody
        self._faults = faults
        self._held: dict[str, Decimal] = {}
        self._look()
        exchange.listeners.append(self)
        settings.fire = self.cancel_scheduled
        self._actions: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "order": self._order,
            "cancel": self._cancel,
            "cancelByCloid": self._cancel_by_cloid,
            "modify": self._modify,
            "batchModify": self._batch_modify,
            "updateLeverage": settings.update_leverage,
            "updateIsolatedMargin": settings.update_isolated_margin,
            "scheduleCancel": settings.schedule_cancel,
            "noop": done,
            "approveBuilderFee": done,
            "setReferrer": done,
            "evmUserModify": done,
            "reserveRequestWeight": done,
        }

    def act(self, action: dict[str, Any]) -> Answer:
        """Carry out one action, whose signer and nonce are good."""
        do = self._actions.get(action.get("type", ""))
        if do is None:
            return err(f"Action {action.get('type')} is not emulated")
        self._look()
        try:
            return do(action)
        except (KeyError, TypeError, AttributeError):
            raise Malformed from None

    # orders

    def _order(self, action: dict[str, Any]) -> Answer:
        if action["grouping"] != "na":
            return err("Orders that are tied to each other are not emulated")
        orders = [wanted(order) for order in action["orders"]]
        broken = self._broken(orders)
        if broken:
            return ok("order", [{"error": broken}])
        return ok("order", [self._place(order) for order in orders])

    def _broken(self, orders: list[Wanted]) -> str:
        """The one error of a batch that is not even looked at."""
        if self._faults.phase is not Phase.OPEN:
            return "Trading is halted."
        for order in orders:
            found = error(order, self.exchange.mark(order.listed.coin))
            if found:
                return found
        if len(self.book.open()) + len(orders) > OPEN_ORDERS_MAX:
            return f"Too many open orders; {OPEN_ORDERS_MAX} at most"
        return ""

    def _place(self, order: Wanted) -> Any:
        made = HlOrder(
            self.exchange.next_number(),
            order.listed,
            order.side,
            order.price,
            order.size,
            order.reduce_only,
            order.tif,
            self.exchange.now,
            order.cloid,
            order.trigger,
        )
        made.turn("open", made.created)
        found = self._refusal(made)
        if found:
            return self._refuse(made, found)
        self.book.add(made)
        if order.trigger is not None:
            self._wait(made, order.trigger)
            self.tell_order(made)
            return {"resting": _named(made)}
        return self._send(made)

    def _refuse(self, order: HlOrder, message: str) -> Answer:
        status = next((word for begins, word in REFUSED.items() if message.startswith(begins)), "rejected")
        order.turn(status, self.exchange.now)
        self.book.add(order)
        self.tell_order(order)
        return {"error": message}

    def _refusal(self, order: HlOrder) -> str:
        """What the account and the book have against an order."""
        listed, where = order.listed, f" asset={order.listed.number}"
        if order.reduce_only and not self._reducible(order) and order.trigger is None:
            return f"Reduce only order would increase position.{where}"
        if order.trigger is not None:
            mark = self.exchange.mark(listed.coin)
            beyond = mark >= order.trigger.price if order.above else mark <= order.trigger.price
            return f"Invalid TP/SL price.{where}" if beyond else ""
        if order.tif == "Alo" and self.exchange.fillable(listed.coin, order.side, order.limit):
            tape = self.exchange.tapes[listed.coin]
            bests = [tape.best(asks=asks) for asks in (False, True)]
            bbo = "@".join("none" if best is None else shown(best[0]).removesuffix(".0") for best in bests)
            return f"Post only order would have immediately matched, bbo was {bbo}.{where}"
        if listed.spot and order.side is Side.SELL and order.size > self.account.spot_free(listed.coin):
            return f"Insufficient spot balance{where}"
        if not order.reduce_only:
            cost = self.account.cost(listed, order.side, order.size, order.limit)
            if cost > self.account.free:
                return f"Insufficient {'spot balance' if listed.spot else 'margin to place order.'}{where}"
        takes = order.tif in {"Ioc", "FrontendMarket"}
        own = self.exchange.own_against(listed.coin, order.side, order.limit)
        if takes and not own and not self.exchange.fillable(listed.coin, order.side, order.limit):
            return f"{NO_MATCH}{where}"
        return ""

    def _reducible(self, order: HlOrder) -> bool:
        held = self.account.position(order.listed.coin)
        return held < ZERO if order.side is Side.BUY else held > ZERO

    def _send(self, order: HlOrder) -> Any:
        """Give an order to the engine; what the answer says of it."""
        for own in self.exchange.own_against(order.listed.coin, order.side, order.limit):
            self._end(self.book.orders[own.number], "selfTradeCanceled")
        takes = order.tif in {"Ioc", "FrontendMarket"}
        if not takes:
            self.tell_order(order)
        request = OrderRequest(
            order.listed.coin,
            order.side,
            OrderType.LIMIT,
            order.size,
            order.limit,
            TimeInForce.IOC if takes else TimeInForce.GTC,
            post_only=order.tif == "Alo",
            reduce_only=order.reduce_only,
        )
        engine = self.exchange.place(request, {"hl": order}, order.oid)
        order.engine = engine
        if engine.filled:
            return {"filled": {"totalSz": shown(engine.filled), "avgPx": shown(engine.average, 6), **_named(order)}}
        if engine.is_open:
            return {"resting": _named(order)}
        where = f" asset={order.listed.number}"
        if engine.status is OrderStatus.EXPIRED and "margin" not in engine.reason and "balance" not in engine.reason:
            return {"error": f"{NO_MATCH}{where}"}
        if "margin" in engine.reason or "balance" in engine.reason:
            return {"error": f"Insufficient {'spot balance' if order.listed.spot else 'margin to place order.'}{where}"}
        return {
            "error": "Price must be divisible by tick size." if "price" in engine.reason else f"{engine.reason}{where}"
        }

    # triggers

    def _wait(self, order: HlOrder, trigger: TriggerTerms) -> None:
        source = LAST if order.listed.spot else MARK
        order.waiting = self.exchange.triggers.add(
            Trigger(order.listed.coin, trigger.price, order.above, source, lambda: self._fire(order, trigger))
        )

    def _fire(self, order: HlOrder, trigger: TriggerTerms) -> None:
        order.waiting = 0
        order.triggered = True
        if order.reduce_only and not self._reducible(order):
            order.turn("reduceOnlyRejected", self.exchange.now)
            self.tell_order(order)
            return
        order.turn("triggered", self.exchange.now)
        self.tell_order(order)
        order.tif = "Ioc" if trigger.market else "Gtc"
        if order.tif == "Ioc" and not self.exchange.fillable(order.listed.coin, order.side, order.limit):
            order.turn("iocCancelRejected", self.exchange.now)
            self.tell_order(order)
            return
        self._send(order)

    # ends

    def _cancel(self, action: dict[str, Any]) -> Answer:
        return ok("cancel", [self._cancelled(entry["a"], entry["o"]) for entry in action["cancels"]])

    def _cancel_by_cloid(self, action: dict[str, Any]) -> Answer:
        return ok("cancel", [self._cancelled(entry["asset"], entry["cloid"]) for entry in action["cancels"]])

    def _cancelled(self, asset: int, name: int | str) -> Any:
        order = self.book.find(name)
        if self._faults.phase is Phase.CLOSED:
            return {"error": "Trading is halted."}
        if order is None or not order.is_open or order.listed.number != asset:
            return {"error": f"{GONE} asset={asset}"}
        self._end(order, "canceled")
        return "success"

    def _end(self, order: HlOrder, status: str) -> None:
        if order.engine is not None and order.engine.is_open:
            order.engine.terms["ends_as"] = status
            self.exchange.cancel(order.engine, status)
            return
        if order.waiting:
            self.exchange.triggers.drop(order.waiting)
            order.waiting = 0
        order.turn(status, self.exchange.now)
        self.tell_order(order)

    def _modify(self, action: dict[str, Any]) -> Answer:
        status = self._modified(action["oid"], action["order"])
        return err(status["error"]) if "error" in status else ok("default")

    def _batch_modify(self, action: dict[str, Any]) -> Answer:
        return ok("order", [self._modified(entry["oid"], entry["order"]) for entry in action["modifies"]])

    def _modified(self, name: int | str, replacement: dict[str, Any]) -> Any:
        order, new = self.book.find(name), wanted(replacement)
        if order is None or not order.is_open:
            return {"error": "Cannot modify canceled or filled order"}
        broken = self._broken([new])
        if broken:
            return {"error": broken}
        self._end(order, "canceled")
        return self._place(new)

    def cancel_scheduled(self) -> None:
        """The dead man's switch goes off: everything ends."""
        for order in self.book.open():
            self._end(order, "scheduledCancel")

    # what the exchange tells

    def on_order(self, order: EmulatedOrder, change: Change, execution: Execution | None) -> None:
        """Keep the order's status in the venue's words."""
        ours = self._of(order)
        ours.engine = order
        now = self.exchange.now
        if execution is not None:
            self._filled(ours, execution)
            if order.status is OrderStatus.FILLED:
                ours.turn("filled", now)
                self.tell_order(ours)
        elif change in {Change.CANCELLED, Change.EXPIRED, Change.REJECTED}:
            ours.turn(self._end_word(order, change), now)
            self.tell_order(ours)

    def _end_word(self, order: EmulatedOrder, change: Change) -> str:
        asked = order.terms.get("ends_as")
        if asked is not None:
            return str(asked)
        reason = order.reason
        if "liquidat" in reason:
            return "liquidatedCanceled"
        if "reduce" in reason:
            return "reduceOnlyCanceled"
        if "balance" in reason:
            return "insufficientSpotBalanceRejected"
        if "margin" in reason:
            return "perpMarginRejected" if change is not Change.CANCELLED else "marginCanceled"
        if change is Change.REJECTED:
            return "rejected"
        return "canceled" if order.filled else "iocCancelRejected"

    def _of(self, order: EmulatedOrder) -> HlOrder:
        known = order.terms.get("hl") or self.book.orders.get(order.number)
        if isinstance(known, HlOrder):
            return known
        listed = BY_COIN[order.symbol]  # the venue's own, to liquidate
        made = HlOrder(
            order.number,
            listed,
            order.side,
            self.exchange.mark(order.symbol),
            order.quantity,
            True,
            "Ioc",
            order.created,
        )
        made.turn("open", order.created)
        self.book.add(made)
        return made

    def _filled(self, order: HlOrder, execution: Execution) -> None:
        coin, signed = execution.symbol, execution.quantity * execution.side.sign
        if order.listed.spot:
            before = self._held[coin]
            in_base = execution.fee_currency == order.listed.base
            self._held[coin] = before + signed - (execution.fee if in_base else ZERO)
        else:
            before = self.exchange.holdings[coin].quantity - signed
        fill = HlFill(execution, order, coin, order.listed.spot, before)
        self.book.fill(fill)
        self.tell_fill(fill)

    def _look(self) -> None:
        """Note what is held of spot: the engine moves it before it tells of the fills, one by one."""
        self._held = {pair.coin: self.account.position(pair.coin) for pair in PAIRS}

    def on_trade(self, trade: PublicTrade) -> None:
        """Trades are the streams' business."""

    def on_book(self, update: BookUpdate) -> None:
        """The book is shown once everything was told."""
        self._look()

    def on_mark(self, symbol: str) -> None:
        """Triggers look by themselves."""

    def on_funding(self, payment: FundingPayment) -> None:
        """So are payments."""


def _named(order: HlOrder) -> Answer:
    return {"oid": order.oid} if order.cloid is None else {"oid": order.oid, "cloid": order.cloid}


def _nobody(what: object) -> None:
    """Nobody listens yet."""
