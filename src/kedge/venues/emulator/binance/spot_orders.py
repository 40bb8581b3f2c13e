"""Spot's order book keeping: tickets in, engine orders out, and what the user stream is to say.

What rests holds its funds: a buy its limit value in quote, a sell its quantity in base; a stop holds as soon as it is
accepted. A self-trade is prevented before the engine sees it: the crowd's share that stands before our own order is taken
first, then the mode says who ends (`EXPIRED_IN_MATCH`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from kedge.model.money import ZERO
from kedge.model.order import OrderType, Side, TimeInForce
from kedge.venues.emulator import keys
from kedge.venues.emulator.binance.listing import QUOTE, Listed
from kedge.venues.emulator.binance.refused import Refused, filter_failure, no_order, rejected, unknown_order
from kedge.venues.emulator.binance.spot_pages import MAX_ALGO_ORDERS, MAX_AMENDS, MAX_ORDERS
from kedge.venues.emulator.binance.spot_rules import Asked, check_filters, check_precision, check_stop
from kedge.venues.emulator.binance.tickets import Ticket, Tickets
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.faults import Faults, Phase
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution, OrderRequest
from kedge.venues.emulator.triggers import LAST, Trigger

_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_MARKETS = {"MARKET", "STOP_LOSS", "TAKE_PROFIT"}
_BIPS = Decimal(10_000)
_AVERAGE_MINUTES = 5
_MINUTE_NS = 60_000_000_000


class Reporter(Protocol):
    """Who is told what happens to tickets: the user stream and the order lists."""

    def report(self, ticket: Ticket, kind: str, fill: Execution | None = None, request_id: str = "") -> None:
        """An execution report of kind `x`."""

    def ended(self, ticket: Ticket) -> None:
        """A ticket is open no more, or has begun to fill."""


class SpotOrders:
    """Places, cancels and changes orders, and folds what the engine says of them."""

    def __init__(self, exchange: Exchange, listed: dict[str, Listed], faults: Faults, seed: int) -> None:
        self.exchange = exchange
        self.listed = listed
        self.tickets = Tickets()
        self.reporters: list[Reporter] = []
        self.on_first_fill: Callable[[], None] = _nothing
        self._faults = faults
        self._seed = seed
        self._made = 0
        exchange.listeners.append(self)

    # questions

    def rules(self, symbol: str) -> Listed:
        """The rules of a symbol; -1121 where it is not listed."""
        if symbol not in self.listed:
            raise Refused(-1121, "Invalid symbol.")
        return self.listed[symbol]

    def make_id(self) -> str:
        """A client id of the venue's own making."""
        self._made += 1
        return keys.text(self._seed, f"order-{self._made}", 22)

    def average(self, symbol: str) -> Decimal:
        """Mean traded price of the last five minutes."""
        bars = self.exchange.tapes[symbol].bars.window(self.exchange.now - _AVERAGE_MINUTES * _MINUTE_NS)
        volume = sum((bar.volume for bar in bars), ZERO)
        return sum((bar.value for bar in bars), ZERO) / volume if volume else self.exchange.mark(symbol)

    def locked(self, asset: str) -> Decimal:
        """What open orders hold of an asset; of the two orders of a list the larger hold alone."""
        lists: dict[int, Decimal] = {}
        total = ZERO
        for ticket in self.tickets.open():
            holds, amount = self._hold(ticket)
            if holds != asset:
                continue
            if ticket.list_id >= 0:
                lists[ticket.list_id] = max(lists.get(ticket.list_id, ZERO), amount)
            else:
                total += amount
        return total + sum(lists.values(), ZERO)

    def free(self, asset: str) -> Decimal:
        """What may be spent of an asset."""
        return self.exchange.balance(asset) - self.locked(asset)

    def find(self, symbol: str, number: int | None, client_id: str | None) -> Ticket | None:
        """A ticket of `symbol` by either id; -2039 where both are sent and do not belong together."""
        by_number = None if number is None else self.tickets.by_number.get(number)
        by_name = None if client_id is None else self.tickets.named(client_id)
        if number is not None and client_id is not None and by_number is not by_name:
            raise Refused(-2039, "Client order ID is not correct for this order ID.")
        found = by_number or by_name
        return found if found is not None and found.symbol == symbol else None

    def query(self, symbol: str, number: int | None, client_id: str | None, stale_ms: int) -> Ticket:
        """A ticket for a reader; one that was accepted less than `stale_ms` ago may not have arrived there yet."""
        ticket = self.find(symbol, number, client_id)
        if ticket is None or self.exchange.now - ticket.created < stale_ms * 1_000_000:
            raise no_order()
        return ticket

    # requests

    def check(self, wanted: Asked) -> None:
        """Everything that a new order may be refused for."""
        listed = self.rules(wanted.symbol)
        check_precision(wanted)
        check_filters(wanted, listed, self.average(wanted.symbol))
        if self._faults.phase is not Phase.OPEN:
            raise rejected("Market is closed.")
        named = self.tickets.named(wanted.client_id)
        if named is not None and named.is_open:
            raise rejected("Duplicate order sent.")
        working = self.tickets.open(wanted.symbol)
        if len(working) >= MAX_ORDERS:
            raise filter_failure("MAX_NUM_ORDERS")
        if wanted.is_stop and sum(each.order is None for each in working) >= MAX_ALGO_ORDERS:
            raise filter_failure("MAX_NUM_ALGO_ORDERS")
        check_stop(wanted, self.exchange.tapes[wanted.symbol].last or ZERO)
        if wanted.kind == "LIMIT_MAKER" and self._would_take(wanted):
            raise rejected("Order would immediately match and take.")

    def place(self, wanted: Asked, list_id: int = -1) -> Ticket:
        """Accept a new order or refuse it."""
        self.check(wanted)
        self._check_funds(wanted, list_id)
        return self.accept(wanted, list_id)

    def accept(self, wanted: Asked, list_id: int = -1) -> Ticket:
        """Put an order that was checked to work."""
        now = self.exchange.now
        quantity = wanted.quantity or self._for_quote(wanted)
        ticket = Ticket(
            self.exchange.next_number(), wanted.client_id, wanted.symbol, wanted.side, wanted.kind, wanted.force,
            quantity, wanted.price, now, now, stop_price=wanted.stop_price, quote_quantity=wanted.quote_quantity,
            iceberg=wanted.iceberg, trailing_delta=wanted.trailing_delta, stp=wanted.stp, list_id=list_id,
        )  # fmt: skip
        self.tickets.add(ticket)
        if wanted.is_stop:
            self._report(ticket, "NEW")
            self._wait(ticket, wanted.triggers_above)
        else:
            self._work(ticket)
        return ticket

    def cancel(self, ticket: Ticket | None, request_id: str) -> Ticket:
        """End an open ticket; -2011 where there is none."""
        if ticket is None or not ticket.is_open:
            raise unknown_order()
        ticket.extra["cancel_id"] = request_id
        if ticket.order is not None:
            self.exchange.cancel(ticket.order)
        else:
            self.drop(ticket, "CANCELED")
        return ticket

    def drop(self, ticket: Ticket, status: str) -> None:
        """End a conditional ticket that never worked."""
        self.exchange.triggers.drop(ticket.trigger)
        ticket.waiting, ticket.updated = status, self.exchange.now
        self._report(ticket, status, request_id=ticket.extra.get("cancel_id", ""))
        self._ended(ticket)

    def amend(self, ticket: Ticket | None, quantity: Decimal, client_id: str) -> Ticket:
        """Reduce an open order's quantity; it keeps its place only as far as the engine can (see the guide)."""
        if ticket is None or not ticket.is_open:
            raise unknown_order()
        if ticket.order is None:
            raise Refused(-2038, "The requested action would change no state; rejecting.")
        if quantity >= ticket.quantity or quantity <= ticket.filled:
            raise Refused(-2038, "Quantity must be reduced.")
        if quantity % self.rules(ticket.symbol).instrument.lot_size:
            raise filter_failure("LOT_SIZE")
        if ticket.extra.get("amends", 0) >= MAX_AMENDS:
            raise filter_failure("MAX_NUM_ORDER_AMENDS")
        named = self.tickets.named(client_id)
        if named is not None and named is not ticket and named.is_open:
            raise rejected("Duplicate order sent.")
        ticket.extra["amends"] = ticket.extra.get("amends", 0) + 1
        ticket.extra["replaced_id"] = ticket.client_id
        ticket.quantity = quantity
        self.tickets.rename(ticket, client_id)
        self.exchange.replace(ticket.order, quantity, ticket.price)
        return ticket

    # what the engine says (`Listener`)

    def on_order(self, order: EmulatedOrder, change: Change, execution: Execution | None) -> None:
        """Fold a change of an engine order into its ticket, and report it."""
        ticket = order.terms.get("ticket")
        if not isinstance(ticket, Ticket):
            return
        ticket.order = order
        ticket.updated = self.exchange.now
        if change is Change.NEW:
            ticket.working_time = self.exchange.now
            self._report(ticket, "NEW")
        elif change is Change.FILL:
            if len(order.fills) == 1:
                self.on_first_fill()
            self._report(ticket, "TRADE", execution)
            if ticket.status == "EXPIRED_IN_MATCH":
                self._report(ticket, "TRADE_PREVENTION")
            self._ended(ticket)
        elif change is Change.REPLACED:
            self._report(ticket, "REPLACED", request_id=ticket.extra.pop("replaced_id", ""))
        else:
            kind = {Change.CANCELLED: "CANCELED", Change.EXPIRED: "EXPIRED", Change.REJECTED: "REJECTED"}[change]
            kind = "TRADE_PREVENTION" if ticket.in_match else kind
            self._report(ticket, kind, request_id=ticket.extra.get("cancel_id", ""))
            self._ended(ticket)

    def on_trade(self, trade: object) -> None:
        """Nothing here depends on prints."""

    def on_book(self, update: object) -> None:
        """Nor on the book."""

    def on_mark(self, symbol: str) -> None:
        """Spot has no mark price."""

    def on_funding(self, payment: object) -> None:
        """Nor funding."""

    # within

    def _work(self, ticket: Ticket) -> None:
        """Send a ticket to the engine, past its own orders."""
        side = Side.BUY if ticket.side == "BUY" else Side.SELL
        market = ticket.kind in _MARKETS
        force = TimeInForce.IOC if market else _FORCE[ticket.force]
        price = None if market else ticket.price
        quantity = ticket.quantity
        own = self.exchange.own_against(ticket.symbol, side, price)
        if own and ticket.stp != "EXPIRE_TAKER":
            quantity = self._meet_own(ticket, side, own)
        elif own:
            quantity = min(quantity, self._before(ticket, side, own[0]))
            ticket.in_match = quantity < ticket.quantity
            force = TimeInForce.IOC if ticket.in_match else force
        if quantity <= ZERO:
            ticket.waiting = "EXPIRED_IN_MATCH"
            self._report(ticket, "NEW")
            self._report(ticket, "TRADE_PREVENTION")
            self._ended(ticket)
            return
        if not market and quantity < ticket.quantity:
            price = own[0].price if own and own[0].price is not None else price
        wanted = OrderRequest(
            ticket.symbol, side, OrderType.MARKET if market else OrderType.LIMIT, quantity, price, force,
            post_only=ticket.kind == "LIMIT_MAKER",
        )  # fmt: skip
        self.exchange.place(wanted, {"ticket": ticket}, ticket.number)

    def _meet_own(self, ticket: Ticket, side: Side, own: list[EmulatedOrder]) -> Decimal:
        """Our resting orders in the way end (EXPIRE_MAKER, NONE), or both do; what the taker may still trade."""
        quantity = ticket.quantity
        for order in own:
            before = self._before(ticket, side, order)
            if before >= ticket.quantity:
                break
            resting = order.terms.get("ticket")
            if isinstance(resting, Ticket):
                resting.in_match = True
            self.exchange.expire(order, "self-trade prevention")
            if ticket.stp == "EXPIRE_BOTH":
                ticket.in_match = True
                quantity = min(before, ticket.quantity)
                break
        return quantity

    def _before(self, ticket: Ticket, side: Side, own: EmulatedOrder) -> Decimal:
        """What the crowd offers before an order of ours would be reached."""
        return self.exchange.fillable(ticket.symbol, side, own.price)

    def _wait(self, ticket: Ticket, above: bool) -> None:
        """Wait for the stop price, or trail."""
        trail = ticket.trailing_delta / _BIPS if ticket.trailing_delta else None
        ticket.trigger = self.exchange.triggers.add(
            Trigger(
                ticket.symbol, None if trail else ticket.stop_price, above, LAST, lambda: self._trigger(ticket),
                trail, ticket.stop_price or None,
            )
        )  # fmt: skip

    def _trigger(self, ticket: Ticket) -> None:
        if self.free(self._hold(ticket)[0]) < ZERO:  # what it held was spent by a withdrawal
            self.drop(ticket, "EXPIRED")
        else:
            self._work(ticket)

    def _would_take(self, wanted: Asked) -> bool:
        best = self.exchange.tapes[wanted.symbol].best(asks=wanted.side == "BUY")
        if best is None:
            return False
        return wanted.price >= best[0] if wanted.side == "BUY" else wanted.price <= best[0]

    def _for_quote(self, wanted: Asked) -> Decimal:
        """The quantity that a quote amount buys or sells from the book as it is."""
        side = Side.BUY if wanted.side == "BUY" else Side.SELL
        book = self.exchange.tapes[wanted.symbol].levels(asks=side is Side.BUY)
        left, quantity = wanted.quote_quantity, ZERO
        for price, size in book:
            part = min(size, left / price)
            quantity += part
            left -= part * price
            if left <= ZERO:
                break
        step = self.listed[wanted.symbol].instrument.lot_size
        return quantity // step * step

    def _check_funds(self, wanted: Asked, list_id: int) -> None:
        """-2010 where the account cannot pay for it."""
        instrument = self.listed[wanted.symbol].instrument
        if wanted.side == "SELL":
            quantity = wanted.quantity or self._for_quote(wanted)
            asset, amount = instrument.base, quantity
        elif wanted.kind in _MARKETS and not wanted.is_stop:
            _, cost = self.exchange.cost(wanted.symbol, Side.BUY, wanted.quantity or self._for_quote(wanted))
            asset, amount = QUOTE, wanted.quote_quantity or cost
        else:
            asset, amount = QUOTE, wanted.quantity * (wanted.price or wanted.stop_price or self.average(wanted.symbol))
        if amount > self.free(asset) and not self._shared(list_id, asset, amount):
            raise rejected("Account has insufficient balance for requested action.")

    def _shared(self, list_id: int, asset: str, amount: Decimal) -> bool:
        """Whether the other order of a list holds the funds already."""
        held = [self._hold(each)[1] for each in self.tickets.open() if each.list_id == list_id >= 0]
        return amount <= self.free(asset) + max(held, default=ZERO)

    def _hold(self, ticket: Ticket) -> tuple[str, Decimal]:
        instrument = self.listed[ticket.symbol].instrument
        if ticket.side == "SELL":
            return instrument.base, ticket.left
        return QUOTE, ticket.left * (ticket.price or ticket.stop_price)

    def _report(self, ticket: Ticket, kind: str, fill: Execution | None = None, request_id: str = "") -> None:
        for reporter in self.reporters:
            reporter.report(ticket, kind, fill, request_id)

    def _ended(self, ticket: Ticket) -> None:
        for reporter in self.reporters:
            reporter.ended(ticket)


def _nothing() -> None:
    """Nobody counts."""
