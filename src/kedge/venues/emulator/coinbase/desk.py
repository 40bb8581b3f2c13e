"""The life of an order at this venue: taken in, working a moment later, and cancelled a moment after it was asked for.

    PENDING ── PLACE_MS ─> OPEN ─> FILLED | CANCELLED | EXPIRED        or FAILED, where the book refuses it
    OPEN ── cancel asked ─> CANCEL_QUEUED ── CANCEL_MS ─> CANCELLED     and what fills in between has filled
    OPEN ── edit asked ─> EDIT_QUEUED ── EDIT_MS ─> OPEN                on the new terms, at the end of the queue

A client id is executed once: the same words again get the first answer, other words under a known id are refused. What
open orders hold of a balance is summed here; the engine reserves nothing. A stop waits here and not in the book. Of a
bracket the target rests in the book; where the stop triggers, the target is taken back and the rest is offered 5% beyond
the stop.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct, field, structs

from kedge.model.instant import NS_PER_MS
from kedge.model.money import EXACT, ONE, ZERO
from kedge.model.order import OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.emulator.coinbase.listing import TAKER_FEE, book_of
from kedge.venues.emulator.coinbase.terms import Kind, Refused, Wish, refusal
from kedge.venues.emulator.coinbase.text import plain, uuid
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution, OrderRequest
from kedge.venues.emulator.triggers import LAST, Trigger

PLACE_MS = 5
CANCEL_MS = 20
EDIT_MS = 20
_BEYOND = Decimal("0.05")


class Status(StrEnum):
    """The venue's words."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    CANCEL_QUEUED = "CANCEL_QUEUED"
    EDIT_QUEUED = "EDIT_QUEUED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


ENDED = frozenset({Status.FILLED, Status.CANCELLED, Status.EXPIRED, Status.FAILED})


class BrokerageOrder(Struct):
    """One order as the account's pages have it. `size` is in base units, zero until a size in money was converted."""

    n: int
    id: str
    client_id: str
    product: str
    side: Side
    wish: Wish
    configuration: dict[str, Any]
    created: int
    updated: int
    size: Decimal
    status: Status = Status.PENDING
    fills: list[Execution] = field(default_factory=list)
    engine: EmulatedOrder | None = None
    waits: int = 0
    reject: str = ""
    cancel_message: str = ""
    edits: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)

    @property
    def filled(self) -> Decimal:
        """How much, in base units."""
        return sum((each.quantity for each in self.fills), ZERO)

    @property
    def value(self) -> Decimal:
        """For how much money."""
        return sum((each.value for each in self.fills), ZERO)

    @property
    def fees(self) -> Decimal:
        """The fees of all fills."""
        return sum((each.fee for each in self.fills), ZERO)

    @property
    def left(self) -> Decimal:
        """What may still fill."""
        return max(self.size - self.filled, ZERO)

    @property
    def average(self) -> Decimal:
        """Mean price, to 18 digits."""
        filled = self.filled
        return round(EXACT.divide(self.value, filled), 18) if filled else ZERO


class Desk:
    """Every order of the account. `told` is called whenever one changes."""

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self.exchange = exchange
        self.orders: dict[str, BrokerageOrder] = {}
        self.told: list[Callable[[BrokerageOrder], None]] = []
        self._seed = seed
        self._by_client: dict[str, BrokerageOrder] = {}
        self._by_number: dict[int, BrokerageOrder] = {}
        exchange.listeners.append(self)

    # what a client asks for

    def judge(self, product: str, side: Side, wish: Wish) -> Refused | None:
        """Why an order would be refused now."""
        book = book_of(product)
        instrument, tape = self.exchange.instruments[book], self.exchange.tapes[book]
        refused = refusal(wish, instrument, tape.last, self.exchange.now)
        if refused is not None:
            return refused
        if wish.post_only and self._takes(book, side, wish):
            reason = "INVALID_LIMIT_PRICE_POST_ONLY"
            return Refused(reason, "Invalid limit price post only", f"PREVIEW_{reason}")
        currency, needed = self._needs(book, side, wish, wish.base or ZERO)
        if needed > self.available(currency):
            return Refused("INSUFFICIENT_FUND", "Insufficient balance in source account", "PREVIEW_INSUFFICIENT_FUND")
        return None

    def place(
        self, client_id: str, product: str, side: Side, wish: Wish, configuration: dict[str, Any]
    ) -> BrokerageOrder | Refused:
        """Take an order in; it reaches the book a moment later."""
        known = self._by_client.get(client_id) if client_id else None
        if known is not None:
            same = (known.product, known.side, known.configuration) == (product, side, configuration)
            return known if same else Refused("DUPLICATE_CLIENT_ORDER_ID", "client_order_id was used before")
        refused = self.judge(product, side, wish)
        if refused is not None:
            return refused
        n, now = len(self.orders) + 1, self.exchange.now
        order_id = uuid(self._seed, "order", n)
        order = BrokerageOrder(
            n, order_id, client_id or uuid(self._seed, "client", n), product, side, wish, configuration, now, now,
            wish.base or ZERO,
        )  # fmt: skip
        self.orders[order_id] = self._by_client[order.client_id] = order
        self._tell(order)
        self.exchange.timeline.after(PLACE_MS * NS_PER_MS, lambda: self._arrive(order))
        return order

    def cancel(self, order_id: str) -> str:
        """Ask for an order's end; why not, empty where it was heard."""
        order = self.orders.get(order_id)
        if order is None or order.status in ENDED:
            return "UNKNOWN_CANCEL_ORDER"
        if order.status is Status.CANCEL_QUEUED:
            return "DUPLICATE_CANCEL_REQUEST"
        self._move(order, Status.CANCEL_QUEUED)
        self.exchange.timeline.after(CANCEL_MS * NS_PER_MS, lambda: self._cancel(order))
        return ""

    def edit(self, order_id: str, price: Decimal, size: Decimal) -> str:
        """Ask for other terms of a resting limit order; why not (`PREVIEW_…`: as it would be placed now), empty where it
        was taken in.
        """
        order = self.orders.get(order_id)
        reason = self.judge_edit(order, price, size)
        if reason or order is None:
            return reason
        self._move(order, Status.EDIT_QUEUED)
        self.exchange.timeline.after(EDIT_MS * NS_PER_MS, lambda: self._edit(order, price, size))
        return ""

    def judge_edit(self, order: BrokerageOrder | None, price: Decimal, size: Decimal) -> str:
        """Why an edit would be refused now; empty where it would not."""
        if order is None:
            return "ORDER_NOT_FOUND"
        if order.wish.kind is not Kind.LIMIT or order.wish.force is not TimeInForce.GTC:
            return "ORDER_EDIT_NOT_SUPPORTED"
        if order.status is not Status.OPEN or order.engine is None or not order.engine.is_open:
            return "ONLY_OPEN_ORDERS_CAN_BE_EDITED"
        if size <= order.filled:
            return "CANNOT_EDIT_TO_BELOW_FILLED_SIZE"
        book = book_of(order.product)
        wish, instrument = structs.replace(order.wish, base=size, price=price), self.exchange.instruments[book]
        refused = refusal(wish, instrument, self.exchange.tapes[book].last, self.exchange.now)
        if refused is not None:
            return refused.preview if refused.preview.startswith("PREVIEW") else refused.reason
        if wish.post_only and self._takes(book, order.side, wish):
            return "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"
        currency, needed = self._needs(book, order.side, wish, size - order.filled)
        return "PREVIEW_INSUFFICIENT_FUND" if needed > self.available(currency) + self.hold(order)[1] else ""

    def _edit(self, order: BrokerageOrder, price: Decimal, size: Decimal) -> None:
        """The edit reaches the book, unless the order has ended, is about to, or has filled too much meanwhile."""
        if order.status is not Status.EDIT_QUEUED or order.engine is None:
            return
        order.status = Status.OPEN
        wish = structs.replace(order.wish, base=size, price=price)
        if size <= order.filled or (wish.post_only and self._takes(book_of(order.product), order.side, wish)):
            self._tell(order)
            return
        order.edits.append((self.exchange.now, price, size))
        order.size, order.wish = size, wish
        (name,) = order.configuration
        order.configuration = {
            name: order.configuration[name] | {"base_size": plain(size), "limit_price": plain(price)}
        }
        self.exchange.replace(order.engine, size, price)

    # the account

    def available(self, currency: str) -> Decimal:
        """What no open order holds."""
        return self.exchange.balance(currency) - self.held(currency)

    def held(self, currency: str) -> Decimal:
        """What open orders hold of a currency."""
        return sum((self.hold(order)[1] for order in self.working() if self.hold(order)[0] == currency), ZERO)

    def hold(self, order: BrokerageOrder) -> tuple[str, Decimal]:
        """What one order holds: a currency and an amount."""
        if order.status in ENDED:
            return "", ZERO
        left = order.left if order.size else ZERO
        return self._needs(book_of(order.product), order.side, order.wish, left)

    def working(self) -> list[BrokerageOrder]:
        """Orders that have not ended, oldest first."""
        return [order for order in self.orders.values() if order.status not in ENDED]

    def _needs(self, book: str, side: Side, wish: Wish, base: Decimal) -> tuple[str, Decimal]:
        instrument = self.exchange.instruments[book]
        if side is Side.SELL:
            return instrument.base, base if wish.quote is None else wish.quote / self._price(book)
        if wish.quote is not None:
            return instrument.quote, wish.quote
        if wish.price is not None:
            return instrument.quote, base * wish.price * (ONE + TAKER_FEE)
        _, cost = self.exchange.cost(book, side, base)
        return instrument.quote, cost * (ONE + TAKER_FEE)

    def _price(self, book: str) -> Decimal:
        return self.exchange.tapes[book].middle or ONE

    def _takes(self, book: str, side: Side, wish: Wish) -> bool:
        best = self.exchange.tapes[book].best(asks=side is Side.BUY)
        if best is None or wish.price is None:
            return False
        return wish.price >= best[0] if side is Side.BUY else wish.price <= best[0]

    # what time brings

    def _arrive(self, order: BrokerageOrder) -> None:
        """The order reaches the book, or waits for its stop."""
        if order.status in ENDED:
            return
        wish, book = order.wish, book_of(order.product)
        if wish.post_only and self._takes(book, order.side, wish):
            self._fail(order, "INVALID_LIMIT_PRICE_POST_ONLY")
            return
        if order.status is Status.PENDING:
            self._move(order, Status.OPEN)
        if wish.expires_ns:
            self.exchange.timeline.at(wish.expires_ns, lambda: self._expire(order))
        if wish.kind is Kind.STOP_LIMIT:
            self._wait(order, lambda: self._send(order, wish.price))
            return
        if wish.kind is Kind.BRACKET:
            self._wait(order, lambda: self._stop_out(order))
        if wish.kind is Kind.MARKET and wish.quote is not None:
            order.size = self._bought_for(order, wish.quote)
            if not order.size:
                self._fail(order, "INVALID_NO_LIQUIDITY")
                return
        self._send(order, wish.price)

    def _wait(self, order: BrokerageOrder, fire: Callable[[], None]) -> None:
        wish = order.wish

        def fired() -> None:
            order.waits = 0
            fire()

        order.waits = self.exchange.triggers.add(Trigger(book_of(order.product), wish.stop, wish.rising, LAST, fired))

    def _stop_out(self, order: BrokerageOrder) -> None:
        """A bracket's stop: the target goes, the rest is sold beyond the stop."""
        if order.engine is not None:
            resting, order.engine = order.engine, None
            del self._by_number[resting.number]
            self.exchange.cancel(resting, "bracket")
        assert order.wish.stop is not None
        tick = self.exchange.instruments[book_of(order.product)].tick_size
        price = order.wish.stop * (ONE - _BEYOND if order.side is Side.SELL else ONE + _BEYOND)
        self._send(order, price - price % tick)

    def _send(self, order: BrokerageOrder, price: Decimal | None) -> None:
        if order.status in ENDED or not order.left:
            return
        if price is not None and self.exchange.own_against(book_of(order.product), order.side, price):
            self._fail(order, "SELF_TRADE_PREVENTED")
            return
        wish, number = order.wish, self.exchange.next_number()
        self._by_number[number] = order
        order.engine = self.exchange.place(
            OrderRequest(
                book_of(order.product),
                order.side,
                OrderType.MARKET if wish.kind is Kind.MARKET else OrderType.LIMIT,
                order.left,
                None if wish.kind is Kind.MARKET else price,
                wish.force,
                wish.expires_ns,
                wish.post_only,
            ),
            number=number,
        )

    def _bought_for(self, order: BrokerageOrder, quote: Decimal) -> Decimal:
        """How much an amount of money buys or must be sold for, the fee of a buy included in it."""
        book = book_of(order.product)
        lot = self.exchange.instruments[book].lot_size
        left, size = quote / (ONE + TAKER_FEE) if order.side is Side.BUY else quote, ZERO
        for price, there in self.exchange.tapes[book].levels(asks=order.side is Side.BUY):
            part = min(there, left / price)
            size, left = size + part, left - part * price
            if left <= ZERO:
                break
        return (size / lot).to_integral_value(ROUND_DOWN) * lot

    def _cancel(self, order: BrokerageOrder) -> None:
        if order.status in ENDED:
            return
        self.exchange.triggers.drop(order.waits)
        order.cancel_message = "User requested cancel"
        if order.engine is None or not self.exchange.cancel(order.engine, "cancel"):
            self._move(order, Status.CANCELLED)

    def _expire(self, order: BrokerageOrder) -> None:
        """Its date has come, whether it rests or waits for its stop."""
        if order.status in ENDED:
            return
        self.exchange.triggers.drop(order.waits)
        if order.engine is None or not self.exchange.expire(order.engine, "expired"):
            self._move(order, Status.EXPIRED)

    def _fail(self, order: BrokerageOrder, reason: str) -> None:
        order.reject = reason
        self.exchange.triggers.drop(order.waits)
        self._move(order, Status.FAILED)

    def _move(self, order: BrokerageOrder, status: Status) -> None:
        order.status = status
        self._tell(order)

    def _tell(self, order: BrokerageOrder) -> None:
        order.updated = self.exchange.now
        for hear in self.told:
            hear(order)

    # what the engine tells

    def on_order(self, engine: EmulatedOrder, change: Change, execution: Execution | None) -> None:
        """An order of the engine changed; of ours that is the one it belongs to."""
        order = self._by_number.get(engine.number)
        if order is None or order.status in ENDED:
            return
        if execution is not None:
            order.fills.append(execution)
            if not order.left:
                self.exchange.triggers.drop(order.waits)
                self._move(order, Status.FILLED)
                return
            self._tell(order)
        elif change is Change.REJECTED:
            self._fail(order, engine.reason.upper().replace(" ", "_") or "COMMANDER_REJECTED_NEW_ORDER")
        elif change in {Change.CANCELLED, Change.EXPIRED}:
            self.exchange.triggers.drop(order.waits)
            timed = change is Change.EXPIRED and order.wish.force is TimeInForce.GTD
            self._move(order, Status.EXPIRED if timed else Status.CANCELLED)
        elif change is Change.REPLACED:
            self._tell(order)
        assert engine.status is not OrderStatus.PENDING, "the engine answers at once"

    def on_trade(self, trade: object) -> None:
        """Not the desk's business."""

    def on_book(self, update: object) -> None:
        """Not the desk's business."""

    def on_mark(self, symbol: str) -> None:
        """Spot has no mark price."""

    def on_funding(self, payment: object) -> None:
        """Spot has no funding."""
