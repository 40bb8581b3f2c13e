"""USD-M Futures' plain orders: LIMIT and MARKET in, engine orders out, and who is told what becomes of them.

Orders that could not do what they promise are refused at the door and leave no trace: a post-only that would take (-5022),
a fill-or-kill that could not fill (-5021), a reduce-only with nothing to reduce (-2022). What only reduces never trades
more than the position.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

from kedge.model.instant import NS_PER_MS
from kedge.model.money import ZERO
from kedge.model.order import OrderType, Side, TimeInForce
from kedge.venues.emulator import keys
from kedge.venues.emulator.binance import futures_rules as rules
from kedge.venues.emulator.binance.futures_pages import MAX_ORDERS
from kedge.venues.emulator.binance.futures_rules import FuturesAsked
from kedge.venues.emulator.binance.listing import Listed
from kedge.venues.emulator.binance.margin import Margin
from kedge.venues.emulator.binance.refused import Refused, invalid_symbol, no_order, unknown_order
from kedge.venues.emulator.binance.tickets import Ticket, Tickets
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.faults import Faults, Phase
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution, OrderRequest
from kedge.venues.sim.execution import NOTHING_TO_REDUCE

_FORCE = {
    "GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "GTX": TimeInForce.GTC,
    "GTD": TimeInForce.GTD,
}  # fmt: skip
_UNFILLABLE = (
    "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history"
)
_NOT_MAKER = (
    "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history"
)


class FuturesReporter(Protocol):
    """Who is told what happens to tickets."""

    def report(self, ticket: Ticket, kind: str, fill: Execution | None = None) -> None:
        """An ORDER_TRADE_UPDATE of execution type `kind`."""


class FuturesOrders:
    """Places, cancels and modifies plain orders."""

    def __init__(
        self, exchange: Exchange, listed: dict[str, Listed], margin: Margin, faults: Faults, seed: int
    ) -> None:
        self.exchange = exchange
        self.listed = listed
        self.tickets = Tickets()
        self.reporters: list[FuturesReporter] = []
        self.margin = margin
        self._faults = faults
        self._seed = seed
        self._made = 0
        exchange.listeners.append(self)

    def rules(self, symbol: str) -> Listed:
        """The rules of a symbol."""
        if symbol not in self.listed:
            raise invalid_symbol()
        return self.listed[symbol]

    def make_id(self) -> str:
        """A client id of the venue's own making."""
        self._made += 1
        return keys.text(self._seed, f"futures-order-{self._made}", 22)

    def find(self, symbol: str, number: int | None, client_id: str | None) -> Ticket | None:
        """A ticket by either id; the number counts where both are sent."""
        found = self.tickets.by_number.get(number) if number is not None else self.tickets.named(client_id or "")
        return found if found is not None and found.symbol == symbol else None

    def query(self, symbol: str, number: int | None, client_id: str | None, stale_ms: int) -> Ticket:
        """A ticket for a reader, who may be behind."""
        ticket = self.find(symbol, number, client_id)
        if ticket is None or self.exchange.now - ticket.created < stale_ms * NS_PER_MS:
            raise no_order()
        return ticket

    # requests

    def check(self, wanted: FuturesAsked) -> FuturesAsked:
        """Refuse what cannot be accepted; the order with its price where `priceMatch` makes it."""
        listed = self.rules(wanted.symbol)
        symbol, market = wanted.symbol, wanted.kind == "MARKET"
        if wanted.price_match != "NONE":
            wanted = self._matched(wanted)
        rules.check_quantity(wanted.quantity, listed, market=market)
        if not market:
            rules.check_price(wanted.price, listed)
            rules.check_band(wanted.side, wanted.price, self.exchange.mark(symbol), listed)
        if self._faults.phase is not Phase.OPEN:
            raise Refused(-4140, "Invalid symbol status for opening position.")
        named = self.tickets.named(wanted.client_id)
        if named is not None and named.is_open:
            raise Refused(-4116, "clientOrderId is duplicated.")
        if len(self.tickets.open(symbol)) >= MAX_ORDERS:
            raise Refused(-2025, "Reach max open order limit.")
        price = wanted.price or self.exchange.mark(symbol)
        if wanted.reduce_only:
            self._check_reduces(wanted)
        else:
            rules.check_notional(wanted.quantity * price, listed)
            if not self.margin.allows(symbol, wanted.side, wanted.quantity, price):
                raise Refused(-2019, "Margin is insufficient.")
        self._check_promise(wanted)
        return wanted

    def place(self, wanted: FuturesAsked, extra: dict[str, Any] | None = None) -> Ticket:
        """Accept a new order or refuse it."""
        wanted = self.check(wanted)
        now = self.exchange.now
        ticket = Ticket(
            self.exchange.next_number(), wanted.client_id, wanted.symbol, wanted.side, wanted.kind, wanted.force,
            wanted.quantity, wanted.price, now, now, stp=wanted.stp,
            extra={
                "reduce_only": wanted.reduce_only, "price_match": wanted.price_match, "good_till": wanted.good_till,
                **(extra or {}),
            },
        )  # fmt: skip
        self.tickets.add(ticket)
        self._work(ticket)
        return ticket

    def cancel(self, ticket: Ticket | None) -> Ticket:
        """End an open order."""
        if ticket is None or not ticket.is_open or ticket.order is None:
            raise unknown_order()
        self.exchange.cancel(ticket.order)
        return ticket

    def cancel_all(self, symbol: str) -> None:
        """End every plain order of a symbol."""
        for ticket in self.tickets.open(symbol):
            self.cancel(ticket)

    def modify(self, ticket: Ticket | None, side: str, quantity: Decimal, price: Decimal) -> Ticket:
        """Give an open limit order another quantity and price; it loses its place, and ends where it cannot go on."""
        if ticket is None or not ticket.is_open or ticket.order is None:
            raise no_order()
        if ticket.kind != "LIMIT" or ticket.side != side:
            raise Refused(-1130, "Data sent for parameter 'side' is not valid.")
        listed = self.rules(ticket.symbol)
        rules.check_quantity(quantity, listed, market=False)
        rules.check_price(price, listed)
        rules.check_band(side, price, self.exchange.mark(ticket.symbol), listed)
        if quantity == ticket.quantity and price == ticket.price:
            raise Refused(-5027, "No need to modify the order.")
        if not ticket.extra["reduce_only"]:
            rules.check_notional(quantity * price, listed)
        if quantity <= ticket.filled or (ticket.force == "GTX" and self._takes(ticket.symbol, side, price)):
            return self.cancel(ticket)
        more = quantity - ticket.quantity
        if more > ZERO and not self.margin.allows(ticket.symbol, side, more, price):
            raise Refused(-2019, "Margin is insufficient.")
        ticket.quantity, ticket.price = quantity, price
        self.exchange.replace(ticket.order, quantity, price)
        return ticket

    # what the engine says (`Listener`)

    def on_order(self, order: EmulatedOrder, change: Change, execution: Execution | None) -> None:
        """Fold a change into its ticket and report it; a liquidation gets a ticket of the venue's own."""
        ticket = order.terms.get("ticket")
        if order.liquidation and not isinstance(ticket, Ticket):
            ticket = self._liquidation(order)
        if not isinstance(ticket, Ticket):
            return
        ticket.order = order
        ticket.updated = self.exchange.now
        kinds = {
            Change.NEW: "NEW", Change.REPLACED: "AMENDMENT", Change.CANCELLED: "CANCELED", Change.EXPIRED: "EXPIRED",
            Change.REJECTED: "EXPIRED", Change.FILL: "CALCULATED" if order.liquidation else "TRADE",
        }  # fmt: skip
        kind = kinds[change]
        if change is Change.CANCELLED and order.reason == NOTHING_TO_REDUCE:
            ticket.extra["status"], kind = "EXPIRED", "EXPIRED"
        kind = "TRADE_PREVENTION" if ticket.in_match and change is Change.EXPIRED else kind
        for reporter in self.reporters:
            reporter.report(ticket, kind, execution)
            if change is Change.FILL and ticket.status == "EXPIRED_IN_MATCH":
                reporter.report(ticket, "TRADE_PREVENTION")
        if change is Change.FILL and not self.margin.position(ticket.symbol):
            self._end_reducers(ticket.symbol)

    def on_trade(self, trade: object) -> None:
        """Nothing here depends on prints."""

    def on_book(self, update: object) -> None:
        """Nor on the book."""

    def on_mark(self, symbol: str) -> None:
        """The engine liquidates by itself."""

    def on_funding(self, payment: object) -> None:
        """The user stream tells it."""

    # within

    def _work(self, ticket: Ticket) -> None:
        side = Side.BUY if ticket.side == "BUY" else Side.SELL
        market = ticket.kind == "MARKET"
        price = None if market else ticket.price
        force = TimeInForce.IOC if market else _FORCE[ticket.force]
        quantity = self._past_own(ticket, side, price)
        if ticket.in_match and quantity <= ZERO:
            ticket.waiting = "EXPIRED_IN_MATCH"
            for reporter in self.reporters:
                reporter.report(ticket, "NEW")
                reporter.report(ticket, "TRADE_PREVENTION")
            return
        if ticket.in_match:
            force = TimeInForce.IOC
        wanted = OrderRequest(
            ticket.symbol, side, OrderType.MARKET if market else OrderType.LIMIT, quantity, price, force,
            ticket.extra["good_till"] * NS_PER_MS, ticket.force == "GTX", ticket.extra["reduce_only"],
        )  # fmt: skip
        self.exchange.place(wanted, {"ticket": ticket}, ticket.number)

    def _past_own(self, ticket: Ticket, side: Side, price: Decimal | None) -> Decimal:
        """Prevent a self-trade: who ends is told by the mode; what the new order may still trade."""
        for order in self.exchange.own_against(ticket.symbol, side, price):
            before = self.exchange.fillable(ticket.symbol, side, order.price)
            if before >= ticket.quantity:
                break
            if ticket.stp in {"EXPIRE_TAKER", "EXPIRE_BOTH"}:
                ticket.in_match = True
            if ticket.stp != "EXPIRE_TAKER":
                resting = order.terms.get("ticket")
                if isinstance(resting, Ticket):
                    resting.in_match = True
                self.exchange.expire(order, "self-trade prevention")
            if ticket.in_match:
                return before
        return ticket.quantity

    def _matched(self, wanted: FuturesAsked) -> FuturesAsked:
        """The price that `priceMatch` takes from the book: the other side's best, or our own side's."""
        name, _, depth = wanted.price_match.partition("_")
        asks = (wanted.side == "BUY") is (name == "OPPONENT")
        levels = self.exchange.tapes[wanted.symbol].levels(asks=asks)
        at = int(depth or 1) - 1
        if at >= len(levels):
            raise Refused(-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")
        return FuturesAsked(
            wanted.symbol, wanted.side, wanted.kind, wanted.force, wanted.quantity, levels[at][0], wanted.reduce_only,
            wanted.stp, wanted.client_id, wanted.response, wanted.price_match, wanted.good_till,
        )  # fmt: skip

    def _check_reduces(self, wanted: FuturesAsked) -> None:
        held = self.margin.position(wanted.symbol)
        if not held or (held > ZERO) is (wanted.side == "BUY"):
            raise Refused(-2022, "ReduceOnly Order is rejected.")

    def _check_promise(self, wanted: FuturesAsked) -> None:
        """-5022, -5021, and -4131 for a market order that would leave the price band."""
        side = Side.BUY if wanted.side == "BUY" else Side.SELL
        if wanted.force == "GTX" and self._takes(wanted.symbol, wanted.side, wanted.price):
            raise Refused(-5022, _NOT_MAKER)
        offered = self.exchange.fillable(wanted.symbol, side, wanted.price)
        if wanted.force == "FOK" and offered < wanted.quantity:
            raise Refused(-5021, _UNFILLABLE)
        if wanted.kind == "MARKET":
            best = self.exchange.tapes[wanted.symbol].best(asks=wanted.side == "BUY")
            listed, mark = self.listed[wanted.symbol], self.exchange.mark(wanted.symbol)
            if best is None or not mark * listed.down <= best[0] <= mark * listed.up:
                raise Refused(-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")

    def _takes(self, symbol: str, side: str, price: Decimal) -> bool:
        best = self.exchange.tapes[symbol].best(asks=side == "BUY")
        if best is None:
            return False
        return price >= best[0] if side == "BUY" else price <= best[0]

    def _end_reducers(self, symbol: str) -> None:
        """The position is closed: orders that only reduce have nothing left to do."""
        for ticket in self.tickets.open(symbol):
            if ticket.extra["reduce_only"] and ticket.order is not None:
                self.exchange.expire(ticket.order, NOTHING_TO_REDUCE)

    def _liquidation(self, order: EmulatedOrder) -> Ticket:
        name = f"autoclose-{order.created // NS_PER_MS}{order.number}"
        side = "BUY" if order.side is Side.BUY else "SELL"
        ticket = Ticket(
            order.number, name, order.symbol, side, "LIMIT", "IOC", order.quantity, self.exchange.mark(order.symbol),
            order.created, order.created, extra={"reduce_only": True},
        )  # fmt: skip
        order.terms["ticket"] = ticket
        self.tickets.add(ticket)
        return ticket
