"""A gateway under examination: what it needs from the venue's side, and the words in which questions are asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, Protocol, TypeVar

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.facts import (
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
    VenueFact,
)
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import Instrument
from kedge.model.market import OrderBook
from kedge.model.money import EXACT
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.answers import Answer, Whole
from kedge.venues.gateway import ExchangeGateway, OpenOrder
from kedge.venues.wire.clock import Clock

T = TypeVar("T")

#: How often an unknown outcome is asked about, and how long is waited in between (venue time). The longest doubt of a venue's
#: that ends is 130 s: Coinbase's tokens are good for two minutes.
QUESTIONS_MAX: Final = 36
BETWEEN_S: Final = 5


class NotApplicable(Exception):
    """The venue cannot do what the question is about, and says so in its capabilities."""


class Examinee(Protocol):
    """A gateway that is open, and the hand that moves the venue behind it. `instance` begins the ids of orders."""

    gateway: ExchangeGateway
    clock: Clock
    symbol: str
    instance: str

    def approve(self, intent: OrderIntent, worst_price: Decimal) -> Approved:
        """The approval that a gateway takes. Risk alone makes one in Kedge: whoever examines answers for this one."""

    async def trade_at(self, price: Decimal) -> None:
        """Let the market trade at `price`, through everything that rests better than it."""

    async def lose_answer(self) -> None:
        """The next request about orders takes effect, and its answer is lost."""

    async def lose_request(self) -> None:
        """The next request about orders is lost on its way, without a word."""

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, at the venue and here."""


class Candidate:
    """An examinee with orders made for it: far from the market unless asked otherwise, and as small as is allowed."""

    def __init__(self, examinee: Examinee) -> None:
        self.examinee = examinee
        self.gateway = examinee.gateway
        self.symbol = examinee.symbol
        self.can = examinee.gateway.capabilities
        self.begun = examinee.clock.now_ns() - NS_PER_S  # clocks are read in steps, and not exactly alike
        self._n = 0

    def need(self, ability: object, what: str) -> None:
        """Go on only where the venue has the ability."""
        if not ability:
            raise NotApplicable(f"{self.can.venue} has no {what}")

    async def instrument(self) -> Instrument:
        """The instrument that is traded."""
        listed = whole(await self.gateway.get_instruments())
        (found,) = [each for each in listed if each.symbol == self.symbol]
        return found

    async def book(self) -> OrderBook:
        """The book, with both sides."""
        book = whole(await self.gateway.get_order_book(self.symbol))
        assert book.bids, f"{self.symbol} has no bids"
        assert book.asks, f"{self.symbol} has no asks"
        return book

    async def far(self, side: Side, share: str = "0.1") -> Decimal:
        """A price at which an order of `side` rests, a `share` of the price away from the market."""
        book, instrument = await self.book(), await self.instrument()
        best = book.bids[0][0] if side is Side.BUY else book.asks[0][0]
        return instrument.round_price(best - side.sign * best * Decimal(share))

    async def through(self, side: Side, share: str = "0.01") -> Decimal:
        """A price at which an order of `side` takes, a `share` of the price beyond the market."""
        book, instrument = await self.book(), await self.instrument()
        best = book.asks[0][0] if side is Side.BUY else book.bids[0][0]
        return instrument.round_price(best + side.sign * best * Decimal(share))

    async def quantity(self, price: Decimal, times: int = 2) -> Decimal:
        """A quantity that is worth `times` the least that the venue takes at `price`."""
        instrument = await self.instrument()
        least = max(instrument.min_quantity, instrument.lot_size)
        if instrument.min_notional:
            worth = EXACT.divide(instrument.min_notional, instrument.contract_size * price)
            least = max(least, _up(worth, instrument.lot_size))
        return least * times

    def intent(self, side: Side, quantity: Decimal, kind: OrderType = OrderType.LIMIT, **fields: Any) -> OrderIntent:
        """An order with an id that nobody had."""
        self._n += 1
        return OrderIntent(f"{self.examinee.instance}-1-{self._n}", self.symbol, side, kind, quantity, **fields)

    async def limit(self, side: Side = Side.BUY, **fields: Any) -> OrderIntent:
        """A limit order that rests."""
        price = fields.pop("price", None) or await self.far(side)
        quantity = fields.pop("quantity", None) or await self.quantity(price)
        return self.intent(side, quantity, price=price, **fields)

    async def place(self, intent: OrderIntent) -> Sequence[VenueFact]:
        """Send an order; every fact is about it."""
        facts = await self.gateway.place_order(
            self.examinee.approve(intent, intent.price or await self.through(intent.side))
        )
        assert facts, "a placing is always answered"
        assert all(getattr(fact, "order_id", None) == intent.id for fact in facts), facts
        return facts

    async def rest(self, intent: OrderIntent) -> None:
        """Place an order that must rest."""
        facts = await self.place(intent)
        assert of(OrderAccepted, facts), f"not accepted: {facts}"
        assert not of(Fill, facts), f"filled far from the market: {facts}"

    async def cancel(self, order_id: str) -> Sequence[VenueFact]:
        """Ask for an order's end."""
        return await self.gateway.cancel_order(CancelRequested(order_id, "examination"))

    async def query(self, order_id: str) -> Sequence[VenueFact]:
        """Ask once what an order is."""
        return await self.gateway.query_order(QueryRequested(order_id, "examination"))

    async def learn(self, order_id: str) -> OrderReport:
        """Ask until the venue says what an order is, within a bound."""
        for _ in range(QUESTIONS_MAX):
            for fact in await self.query(order_id):
                if isinstance(fact, OrderReport) and fact.status is not None:
                    return fact
                if isinstance(fact, OrderRejected):
                    return OrderReport(fact.ts, order_id, OrderStatus.REJECTED)
            await self.examinee.pass_time(BETWEEN_S)
        raise AssertionError(f"{order_id} is still unknown after {QUESTIONS_MAX} questions")

    async def ended(self, order_id: str, status: OrderStatus) -> OrderReport:
        """Wait, within a bound, until an order has ended, as `status`."""
        report = await self.learn(order_id)
        for _ in range(QUESTIONS_MAX):
            if report.status is not None and report.status.is_terminal:
                break
            await self.examinee.pass_time(1)
            report = await self.learn(order_id)
        assert report.status is status, f"{order_id} is {report.status}, not {status}"
        return report

    async def working(self) -> list[OpenOrder]:
        """Orders of this examination that work at the venue."""
        found = whole(await self.gateway.get_open_orders(self.symbol))
        return [each for each in found if each.order_id.startswith(f"{self.examinee.instance}-")]

    async def fills(self, order_id: str) -> list[Fill]:
        """The executions of one order since the examination began."""
        found = whole(await self.gateway.get_fills_since(self.symbol, self.begun))
        return [fill for fill in found if fill.order_id == order_id]

    async def buy_now(self, times: int = 2) -> OrderIntent:
        """An order that is filled whole, at once."""
        price = await self.through(Side.BUY)
        quantity = await self.quantity(price, times)
        if OrderType.MARKET in self.can.order_types:
            intent = self.intent(Side.BUY, quantity, OrderType.MARKET)
        else:
            intent = self.intent(Side.BUY, quantity, price=price, time_in_force=TimeInForce.IOC)
        facts = await self.place(intent)
        assert not of(OrderRejected, facts), facts
        await self.ended(intent.id, OrderStatus.FILLED)
        return intent


def whole(answer: Answer[T]) -> T:
    """The value of an answer that must be whole."""
    assert isinstance(answer, Whole), f"not whole: {answer}"
    return answer.value


def of(kind: type[T], facts: Iterable[object]) -> list[T]:
    """The facts of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def is_ended(facts: Iterable[VenueFact]) -> bool:
    """Whether an answer says that an order is over."""
    return any(isinstance(fact, OrderCancelled | OrderExpired | OrderRejected) for fact in facts)


def is_unknown(facts: Iterable[VenueFact]) -> bool:
    """Whether an answer is that there was none."""
    return bool(of(OutcomeUnknown, facts))


def _up(value: Decimal, step: Decimal) -> Decimal:
    return EXACT.multiply(EXACT.divide(value, step).to_integral_value(ROUND_CEILING), step)
