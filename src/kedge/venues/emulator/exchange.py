"""The exchange: markets and one account on one timeline, in words that belong to no venue.

A dialect asks it to place, cancel and replace orders and is told what happens (`Listener`). The simulated venue matches
and keeps the money; what it lacks is added here: own orders in the visible book, a public tape on which every fill of
ours is printed, conditional orders (`triggers`), and replacing an order in place.

Whatever moves, `_settle` runs once for each symbol touched: reports are folded, the shown book is compared with what is
to be shown, and triggers look at the new prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, structs

from kedge.model.decisions import Approved, CancelRequested
from kedge.model.facts import (
    Fill,
    FundingPayment,
    Liquidity,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    VenueFact,
)
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import BookDelta, FundingRate, MarkPrice
from kedge.model.money import ONE, ZERO
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.emulator.bars import Bars
from kedge.venues.emulator.course import Course
from kedge.venues.emulator.ledger import Holding, Income
from kedge.venues.emulator.listener import Listener
from kedge.venues.emulator.market import Market
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution, OrderRequest
from kedge.venues.emulator.tape import FundingRecord, Tape, total
from kedge.venues.emulator.timeline import Timeline
from kedge.venues.emulator.triggers import Triggers
from kedge.venues.sim.fees import FeeModel
from kedge.venues.sim.queue import BackOfQueue
from kedge.venues.sim.venue import SimulatedVenue

ORDERS_KEPT = 50_000
EXECUTIONS_KEPT = 100_000
_FIRST_ORDER = 1_000_000
_MARK_PERIOD = NS_PER_S
_LIQUIDATION = "liquidation-"


class Settings(Struct, frozen=True):
    """How an exchange is set up. `balances` are what the account owns at first, the settlement currency included."""

    balances: dict[str, Decimal]
    seed: int = 1
    pace_ms: int = 500
    funding_hours: int = 8
    funding_rate: Decimal = Decimal("0.0001")
    update_stride: int = 1
    fees: FeeModel | None = None


class Exchange:
    """Markets and one account. `tapes` are the public records, `orders` every order by number."""

    def __init__(self, courses: Sequence[tuple[Instrument, Course]], settings: Settings, timeline: Timeline) -> None:
        instruments = [instrument for instrument, _ in courses]
        settles = instruments[0].settle or instruments[0].quote
        self.timeline = timeline
        self.settings = settings
        self.currency = settles
        self.venue = SimulatedVenue(
            instruments,
            settings.balances.get(settles, ZERO),
            participation=ONE,
            fees=settings.fees,
            queue=BackOfQueue(),
        )
        for currency, amount in settings.balances.items():
            if currency != settles:
                self.venue.deposit(currency, amount)
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.tapes = {
            each.symbol: Tape(each.symbol, Bars(*course.past()), settings.update_stride) for each, course in courses
        }
        self.orders: dict[int, EmulatedOrder] = {}
        self.executions: list[Execution] = []
        self.holdings = {symbol: Holding() for symbol in self.instruments}
        self.incomes: list[Income] = []
        self.marks: dict[str, Decimal] = {}
        self.pinned_marks: dict[str, Decimal] = {}
        self.funding_rates = {each.symbol: settings.funding_rate for each in instruments if _margined(each)}
        self.triggers = Triggers(self)
        self.listeners: list[Listener] = []
        self._working: dict[str, EmulatedOrder] = {}
        self._n = _FIRST_ORDER
        self.markets = {each.symbol: Market(self, each, course, settings.seed) for each, course in courses}
        for market in self.markets.values():
            market.open()
        self._mark()
        timeline.every(settings.pace_ms * 1_000_000, self._step)
        timeline.every(max(_MARK_PERIOD, settings.pace_ms * 1_000_000), self._mark)
        timeline.every(settings.funding_hours * 3_600 * NS_PER_S, self._fund)

    @property
    def now(self) -> int:
        """UTC nanoseconds."""
        return self.timeline.now

    # what a dialect asks for

    def place(self, wanted: OrderRequest, terms: dict[str, Any] | None = None, number: int = 0) -> EmulatedOrder:
        """Send a market or limit order to the engine; what became of it at once is in the order returned.

        Filters, balances and self-trades are the dialect's business. `number` is one taken from `next_number` before.
        """
        number = number or self.next_number()
        order = EmulatedOrder(
            number, wanted.symbol, wanted.side, wanted.kind, wanted.quantity, wanted.price, wanted.force,
            self.now, self.now, wanted.post_only, wanted.reduce_only, wanted.expires_ns,
            name=str(number), terms=terms or {},
        )  # fmt: skip
        self.orders[number] = order
        self._forget()
        self._submit(order, wanted.quantity, Change.NEW)
        return order

    def next_number(self) -> int:
        """An order number that nobody had."""
        self._n += 1
        return self._n

    def cancel(self, order: EmulatedOrder, reason: str = "") -> bool:
        """End a working order; False where it works no more, or where its last fill is only being told."""
        if not order.is_open:
            return False
        order.reason = reason
        self._settle(order.symbol, self.venue.submit(CancelRequested(order.name, reason or "cancel"), self.now))
        return not order.is_open

    def expire(self, order: EmulatedOrder, reason: str) -> bool:
        """End a working order on the venue's own behalf: told as expired."""
        order.terms["expired_by_venue"] = True
        return self.cancel(order, reason)

    def replace(self, order: EmulatedOrder, quantity: Decimal, price: Decimal) -> None:
        """Give a working limit order another quantity (what was filled included) and price; it queues anew."""
        del self._working[order.name]
        self.venue.submit(CancelRequested(order.name, "replaced"), self.now)
        base, _, version = order.name.partition(".")
        order.name = f"{base}.{int(version or 0) + 1}"
        order.quantity, order.price, order.updated = quantity, price, self.now
        self._submit(order, order.left, Change.REPLACED)

    def open_orders(self, symbol: str = "") -> list[EmulatedOrder]:
        """What works in the engine, oldest first."""
        found = [each for each in self._working.values() if not symbol or each.symbol == symbol]
        return sorted(found, key=lambda order: order.number)

    def fillable(self, symbol: str, side: Side, limit: Decimal | None) -> Decimal:
        """How much the crowd offers against `side`, up to `limit`."""
        return total(level for level in self._against(symbol, side) if limit is None or _within(side, level[0], limit))

    def cost(self, symbol: str, side: Side, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """How much of `quantity` the crowd would fill now, and the value of that."""
        got = value = ZERO
        for price, size in self._against(symbol, side):
            part = min(size, quantity - got)
            got += part
            value += part * price
            if got == quantity:
                break
        return got, value

    def own_against(self, symbol: str, side: Side, limit: Decimal | None) -> list[EmulatedOrder]:
        """Own resting orders that an order of `side` at `limit` could trade with, best first."""
        found = [
            each
            for each in self._working.values()
            if each.symbol == symbol and each.side is not side and each.price is not None
            if each.rests and (limit is None or _within(side, each.price, limit))
        ]
        return sorted(found, key=lambda each: (each.price if side is Side.BUY else -(each.price or ZERO), each.number))

    def _against(self, symbol: str, side: Side) -> list[tuple[Decimal, Decimal]]:
        book = self.venue.visible(symbol)
        return [] if book is None else [level for level in book.levels(side is Side.BUY) if level[1] > ZERO]

    # the account

    def balance(self, currency: str) -> Decimal:
        """What is owned of a currency."""
        return self.venue.balances().get(currency, ZERO)

    def mark(self, symbol: str) -> Decimal:
        """The mark price of a perpetual; the middle of the book elsewhere."""
        found = self.marks.get(symbol) or self.tapes[symbol].middle
        assert found is not None, f"{symbol} has no price"
        return found

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Change the leverage that the account's initial margin is computed with."""
        instrument = structs.replace(self.instruments[symbol], max_leverage=leverage)
        self.venue.relist(instrument)
        self.instruments[symbol] = instrument

    def unrealized(self, symbol: str) -> Decimal:
        """Open profit of a perpetual position at the mark price."""
        holding = self.holdings[symbol]
        return holding.quantity * self.mark(symbol) - holding.cost if holding.quantity else ZERO

    def earn(self, kind: str, symbol: str, amount: Decimal, currency: str, trade_id: int = 0) -> None:
        """Note a movement of money."""
        self.incomes.append(Income(len(self.incomes) + 1, self.now, kind, symbol, amount, currency, trade_id))

    # what time brings

    def _step(self) -> None:
        for market in self.markets.values():
            market.step()

    def _mark(self) -> None:
        for symbol in self.funding_rates:
            price = self.pinned_marks.get(symbol) or self.tapes[symbol].middle
            if price is not None:
                self.set_mark(symbol, price)

    def set_mark(self, symbol: str, price: Decimal) -> None:
        """Set the mark price now; positions beyond their liquidation price are closed."""
        self.marks[symbol] = price
        self._settle(symbol, self.venue.on_market(MarkPrice(self.now, price, symbol)))
        for listener in self.listeners:
            listener.on_mark(symbol)

    def next_funding(self) -> int:
        """When funding is settled next, UTC ns."""
        period = self.settings.funding_hours * 3_600 * NS_PER_S
        return (self.now // period + 1) * period

    def _fund(self) -> None:
        for symbol, rate in self.funding_rates.items():
            self.tapes[symbol].funding.append(FundingRecord(self.now, symbol, rate, self.mark(symbol)))
            self._settle(symbol, self.venue.on_market(FundingRate(self.now, rate, symbol)))

    # what the engine says

    def _submit(self, order: EmulatedOrder, quantity: Decimal, change: Change) -> None:
        intent = OrderIntent(
            order.name, order.symbol, order.side, order.kind, quantity, order.price, None, None,
            order.force, order.expires_ns, order.post_only, order.reduce_only,
        )  # fmt: skip
        self._working[order.name] = order
        # Approved by nobody of ours: here it is the customer of a venue who sends.
        reports = self.venue.submit(Approved(intent), self.now)
        rejected = [each for each in reports if isinstance(each, OrderRejected)]
        if not rejected:
            self._tell(order, change)
        self._settle(order.symbol, reports)

    def settle(self, symbol: str, reports: Iterable[VenueFact]) -> list[Fill]:
        """Fold the engine's reports and show what changed; the fills among them."""
        return self._settle(symbol, reports)

    def _settle(self, symbol: str, reports: Iterable[VenueFact]) -> list[Fill]:
        fills = self._fold(reports)
        fills += self._fold(self._clear(symbol))
        self._show(symbol)
        return fills

    def _fold(self, reports: Iterable[VenueFact]) -> list[Fill]:
        fills = []
        for report in reports:
            if isinstance(report, Fill):
                self._on_fill(report)
                fills.append(report)
            elif isinstance(report, OrderCancelled | OrderExpired | OrderRejected):
                self._on_end(report)
            elif isinstance(report, FundingPayment):
                self.earn("FUNDING_FEE", report.symbol, report.amount, self.currency)
                for listener in self.listeners:
                    listener.on_funding(report)
        return fills

    def _clear(self, symbol: str) -> Sequence[VenueFact]:
        """Levels that we emptied are gone: the engine would go on quoting them until the crowd shows them anew."""
        book = self.venue.visible(symbol)
        if book is None:
            return ()
        bids, asks = (
            tuple((price, ZERO) for price, size in book.levels(asks) if size <= ZERO) for asks in (False, True)
        )
        return self.venue.on_market(BookDelta(self.now, bids, asks, symbol)) if bids or asks else ()

    def _on_fill(self, fill: Fill) -> None:
        order = self._working.get(fill.order_id) or self._liquidation(fill)
        instrument = self.instruments[fill.symbol]
        maker = fill.liquidity is Liquidity.MAKER
        buy = fill.side is Side.BUY
        trade = self.tapes[fill.symbol].print(
            self.now, fill.price, fill.quantity, buyer_is_maker=buy is maker, ours=True
        )
        realized = ZERO
        currency = fill.fee_currency or instrument.quote
        if _margined(instrument):
            holding = self.holdings[fill.symbol]
            realized = holding.fill(fill.quantity * fill.side.sign, fill.price, self.now)
            holding.fees += fill.fee
            self.earn("COMMISSION", fill.symbol, -fill.fee, currency, trade.id)
            if realized:
                self.earn("REALIZED_PNL", fill.symbol, realized, self.currency, trade.id)
        execution = Execution(
            trade.id, order.number, fill.symbol, fill.side, self.now, fill.price, fill.quantity, fill.fee,
            currency, maker, realized,
        )  # fmt: skip
        order.filled += fill.quantity
        order.value += execution.value
        order.fills.append(execution)
        order.updated = self.now
        order.status = OrderStatus.PARTIAL if order.left > ZERO else OrderStatus.FILLED
        if order.left <= ZERO:
            self._working.pop(order.name, None)
        self.executions.append(execution)
        if len(self.executions) > EXECUTIONS_KEPT:
            del self.executions[: EXECUTIONS_KEPT // 10]
        self._tell(order, Change.FILL, execution)
        for listener in self.listeners:
            listener.on_trade(trade)

    def _liquidation(self, fill: Fill) -> EmulatedOrder:
        """The venue's own order that closes a position."""
        assert fill.order_id.startswith(_LIQUIDATION), f"a fill of an order that nobody sent: {fill}"
        number = self.next_number()
        order = EmulatedOrder(
            number, fill.symbol, fill.side, OrderType.MARKET, fill.quantity, None, TimeInForce.IOC, self.now, self.now,
            reduce_only=True, name=fill.order_id, liquidation=True,
        )  # fmt: skip
        self.orders[number] = order
        self._tell(order, Change.NEW)
        return order

    def _on_end(self, report: OrderCancelled | OrderExpired | OrderRejected) -> None:
        order = self._working.pop(report.order_id, None)
        if order is None:  # it was replaced, and lives on under another name
            return
        order.updated = self.now
        order.reason = order.reason or report.reason
        if isinstance(report, OrderRejected):
            order.status, change = OrderStatus.REJECTED, Change.REJECTED
        elif isinstance(report, OrderExpired) or order.terms.get("expired_by_venue"):
            order.status, change = OrderStatus.EXPIRED, Change.EXPIRED
        else:
            order.status, change = OrderStatus.CANCELLED, Change.CANCELLED
        self._tell(order, change)

    def _tell(self, order: EmulatedOrder, change: Change, execution: Execution | None = None) -> None:
        for listener in self.listeners:
            listener.on_order(order, change, execution)

    def print(self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool) -> None:
        """A trade of others."""
        trade = self.tapes[symbol].print(self.now, price, quantity, buyer_is_maker=buyer_is_maker, ours=False)
        for listener in self.listeners:
            listener.on_trade(trade)

    def _show(self, symbol: str) -> None:
        """Compare the book with what was shown last, and let the triggers look."""
        book = self.venue.visible(symbol)
        if book is None:
            return
        sides = {asks: {price: size for price, size in book.levels(asks) if size > ZERO} for asks in (False, True)}
        for order in self._working.values():
            if order.symbol == symbol and order.rests and order.price is not None:
                side = sides[order.side is Side.SELL]
                side[order.price] = side.get(order.price, ZERO) + order.left
        update = self.tapes[symbol].show(self.now, sides[False], sides[True])
        if update is not None:
            for listener in self.listeners:
                listener.on_book(update)
        self.triggers.look(symbol)

    def _forget(self) -> None:
        """Bound the record: the oldest order that works no more goes."""
        if len(self.orders) > ORDERS_KEPT:
            oldest = next((number for number, order in self.orders.items() if not order.is_open), None)
            if oldest is not None:
                del self.orders[oldest]


def _margined(instrument: Instrument) -> bool:
    return instrument.kind is InstrumentKind.PERPETUAL


def _within(side: Side, price: Decimal, limit: Decimal) -> bool:
    return price <= limit if side is Side.BUY else price >= limit
