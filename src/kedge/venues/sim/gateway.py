"""The simulated venue behind the port that every venue has: what trades on paper, and what the examination is tried on.

Market facts go in with `on_market`, from a recording, a generator or a real venue's streams; they move the venue, are what
questions about the market are answered from, and reach whoever streams them. Reports on our orders are answers to
requests and facts of the user stream alike, as at a real venue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from kedge.model.decisions import Approved, CancelRequested, Command, QueryRequested
from kedge.model.errors import ConfigError
from kedge.model.facts import (
    ClockReading,
    Fact,
    Fill,
    FundingPayment,
    MarketFact,
    OutcomeUnknown,
    StreamStatus,
    VenueFact,
)
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import BookDelta, Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.order import OrderIntent, OrderStatus, OrderType, TimeInForce
from kedge.venues.amending import unsupported as unamendable
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.gateway import (
    Balance,
    Capabilities,
    KeyPermissions,
    MarginMode,
    MarginSettings,
    OpenOrder,
    RateUse,
    Stream,
    Subscription,
    VenuePosition,
)
from kedge.venues.sim.venue import SimulatedVenue
from kedge.venues.wire.clock import Clock

T = TypeVar("T")

#: Market facts of a kind and symbol kept to answer from.
KEPT_MAX: Final = 100_000

#: What a channel carries, and what the core calls it.
_CARRIES: Final[dict[str, tuple[str, tuple[type, ...]]]] = {
    "trades": ("trade", (Trade,)),
    "quotes": ("quote", (Quote,)),
    "book": ("book", (OrderBook, BookDelta)),
    "candles": ("candle", (Candle,)),
    "mark": ("mark_price", (MarkPrice,)),
    "funding": ("funding_rate", (FundingRate,)),
}

CAPABILITIES: Final = Capabilities(
    venue="simulated",
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
    post_only=True,
    reduce_only=True,
    replace=False,
    dead_mans_switch=True,
    leverage=False,
    query_by_client_id=True,
    idempotent_place=False,
    short=True,
    candle_intervals=(),
)


class Answering(Protocol):
    """What takes commands and market facts: the venue, or one behind faults."""

    def submit(self, command: Command, at: int) -> Sequence[VenueFact]:
        """A command reaches the venue."""

    def on_market(self, fact: MarketFact) -> Sequence[VenueFact]:
        """The market moves."""


class SimulatedGateway:
    """One account at a simulated venue. `through` stands before it where the way there is faulty."""

    def __init__(
        self,
        venue: SimulatedVenue,
        instruments: Sequence[Instrument],
        clock: Clock,
        *,
        through: Answering | None = None,
    ) -> None:
        self.venue = venue
        self._through: Answering = venue if through is None else through
        self._instruments = {instrument.symbol: instrument for instrument in instruments}
        self._clock = clock
        self._intents: dict[str, OrderIntent] = {}
        self._fills: dict[tuple[str, str], Fill] = {}
        self._fundings: deque[FundingPayment] = deque(maxlen=KEPT_MAX)
        self._told: dict[tuple[type, str], deque[MarketFact]] = {}
        self._streams: list[_SimulatedStream] = []
        self._switches: dict[str, int] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""
        return CAPABILITIES

    @property
    def rate_limits(self) -> tuple[RateUse, ...]:
        """The limits, and what is used of them."""
        return ()

    async def open(self) -> None:
        """Nothing need be asked."""

    async def close(self) -> None:
        """Stop the streams."""
        for stream in [*self._streams]:
            await stream.stop()

    def on_market(self, fact: MarketFact) -> Sequence[VenueFact]:
        """The market moves: what it did to our orders."""
        self._pass_time()
        told = self._told.setdefault((type(fact), fact.symbol), deque(maxlen=KEPT_MAX))
        told.append(fact)
        reports = self._through.on_market(fact)
        for stream in [*self._streams]:
            stream.tell_market(fact)
        return self._note(reports)

    # the market

    async def get_instruments(self) -> Answer[tuple[Instrument, ...]]:
        """Everything listed."""
        return self._whole(tuple(self._instruments.values()))

    async def get_clock(self) -> Answer[ClockReading]:
        """The venue's clock is ours."""
        return self._whole(ClockReading(self._clock.now_ns(), 0))

    async def get_order_book(self, symbol: str, depth: int = 100) -> Answer[OrderBook]:
        """The last book or quote that was told."""
        self._listed(symbol)
        books = self._told.get((OrderBook, symbol))
        if books:
            book = books[-1]
            assert isinstance(book, OrderBook), "kept by kind"
            return self._whole(OrderBook(book.ts, book.bids[:depth], book.asks[:depth], symbol, book.sequence))
        quotes = self._told.get((Quote, symbol))
        if not quotes:
            return Failed(ErrorClass.RETRY_LATER, "no book", f"no book of {symbol} was told yet")
        quote = quotes[-1]
        assert isinstance(quote, Quote), "kept by kind"
        return self._whole(OrderBook(quote.ts, ((quote.bid, quote.bid_size),), ((quote.ask, quote.ask_size),), symbol))

    async def get_trades(self, symbol: str, limit: int = 100) -> Answer[tuple[Trade, ...]]:
        """The latest trades."""
        return self._whole(tuple(self._of(Trade, symbol))[-limit:])

    async def get_candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        """Closed candles."""
        found = self._of(Candle, symbol)
        return self._whole(tuple(each for each in found if each.interval == interval and start <= each.ts < end))

    async def get_mark_price(self, symbol: str) -> Answer[MarkPrice]:
        """The last mark price."""
        found = self._of(MarkPrice, symbol)
        if not found:
            return Failed(ErrorClass.RETRY_LATER, "no mark price", f"no mark price of {symbol} was told yet")
        return self._whole(found[-1])

    async def get_funding_rates(self, symbol: str, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        """Rates that were told."""
        return self._whole(tuple(each for each in self._of(FundingRate, symbol) if start <= each.ts < end))

    # orders

    async def place_order(self, approved: Approved) -> Sequence[VenueFact]:
        """Send an order."""
        self._intents.setdefault(approved.intent.id, approved.intent)
        return self._submit(approved)

    async def cancel_order(self, request: CancelRequested) -> Sequence[VenueFact]:
        """Ask for an order's end."""
        return self._submit(request)

    async def query_order(self, request: QueryRequested) -> Sequence[VenueFact]:
        """What an order is, with its fills."""
        reports = self._submit(request)
        fills = [fill for fill in self._fills.values() if fill.order_id == request.order_id]
        return [*reports, *fills]

    async def replace_order(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        """The venue cannot: the order is not sent."""
        return [OutcomeUnknown(self._clock.now_ns(), order_id, "unsupported: replace")]

    async def amend_order(self, approved: Approved) -> Sequence[VenueFact]:
        """The venue cannot: nothing is sent."""
        return unamendable(approved, self._clock.now_ns())

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        """The end of every order of ours."""
        ids = tuple(report.order_id for report in self.venue.open_orders(symbol))
        for order_id in ids:
            self._submit(CancelRequested(order_id, "cancel all"))
        return self._whole(ids)

    async def get_open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        """What works."""
        self._pass_time()
        found = []
        for report in self.venue.open_orders(symbol):
            intent = self._intents[report.order_id]
            found.append(
                OpenOrder(
                    intent.id,
                    report.exchange_id,
                    intent.symbol,
                    intent.side,
                    intent.order_type,
                    intent.quantity,
                    report.filled,
                    intent.price,
                    report.status or OrderStatus.OPEN,
                    intent.id,
                    intent.stop_price,
                    intent.reduce_only,
                    report.ts,
                )
            )
        return self._whole(tuple(found))

    async def get_fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions of ours."""
        self._listed(symbol)
        return self._whole(tuple(fill for fill in self._fills.values() if fill.symbol == symbol and fill.ts >= since))

    # the account

    async def get_balances(self) -> Answer[dict[str, Balance]]:
        """Every currency held; orders hold nothing back."""
        return self._whole({name: Balance(name, amount, amount) for name, amount in self.venue.balances().items()})

    async def get_positions(self) -> Answer[tuple[VenuePosition, ...]]:
        """Derivative positions."""
        return self._whole(
            tuple(
                VenuePosition(
                    symbol,
                    quantity,
                    liquidation_price=self.venue.liquidation_price(symbol),
                    leverage=self._instruments[symbol].max_leverage,
                )
                for symbol, quantity in self.venue.positions().items()
                if self._instruments[symbol].kind is InstrumentKind.PERPETUAL
            )
        )

    async def get_funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        """Funding paid or received."""
        return self._whole(tuple(each for each in self._fundings if each.symbol == symbol and each.ts >= since))

    async def get_margin(self, symbol: str) -> Answer[MarginSettings]:
        """The whole account backs every position, up to the instrument's leverage."""
        return self._whole(MarginSettings(symbol, self._listed(symbol).max_leverage, MarginMode.CROSS))

    async def set_margin(self, wanted: MarginSettings) -> Answer[MarginSettings]:
        """The venue cannot."""
        return Failed(ErrorClass.OURS, "unsupported", "leverage and margin mode are the instrument's")

    async def get_key_permissions(self) -> Answer[KeyPermissions]:
        """There is no key, and nothing to withdraw."""
        return self._whole(KeyPermissions(read=True, trade=True, withdraw=False))

    async def arm_dead_mans_switch(self, symbol: str, delay_ms: int) -> Answer[int]:
        """Cancel everything on the symbol unless armed again in time."""
        self._pass_time()
        self._listed(symbol)
        self._switches.pop(symbol, None)
        if not delay_ms:
            return self._whole(0)
        self._switches[symbol] = due = self._clock.now_ns() + delay_ms * NS_PER_MS
        return self._whole(due)

    # streams

    def market_stream(self, subscriptions: Sequence[Subscription], on_fact: Callable[[Fact], None]) -> Stream:
        """Market data as facts."""
        for subscription in subscriptions:
            self._listed(subscription.symbol)
            if subscription.channel not in _CARRIES:
                raise ConfigError(f"channel {subscription.channel!r} is unknown; known are {', '.join(_CARRIES)}")
        return _SimulatedStream(self._streams, self._clock, on_fact, tuple(subscriptions))

    def user_stream(self, on_fact: Callable[[Fact], None]) -> Stream:
        """Reports on our orders as facts."""
        return _SimulatedStream(self._streams, self._clock, on_fact, ())

    # inside

    def _submit(self, command: Command) -> Sequence[VenueFact]:
        self._pass_time()
        return self._note(self._through.submit(command, self._clock.now_ns()))

    def _note(self, reports: Sequence[VenueFact]) -> Sequence[VenueFact]:
        for report in reports:
            if isinstance(report, Fill):
                self._fills[report.symbol, report.trade_id] = report
            elif isinstance(report, FundingPayment):
                self._fundings.append(report)
            if not isinstance(report, OutcomeUnknown):  # that is our own word for hearing nothing
                for stream in [*self._streams]:
                    stream.tell_report(report)
        return reports

    def _pass_time(self) -> None:
        """Let the dead man's switches fire whose time has come."""
        now = self._clock.now_ns()
        for symbol in [symbol for symbol, due in self._switches.items() if due <= now]:
            due = self._switches.pop(symbol)
            for report in self.venue.open_orders(symbol):
                self._note(self.venue.submit(CancelRequested(report.order_id, "dead man's switch"), due))

    def _of(self, kind: type[T], symbol: str) -> list[T]:
        self._listed(symbol)
        return [fact for fact in self._told.get((kind, symbol), ()) if isinstance(fact, kind)]

    def _listed(self, symbol: str) -> Instrument:
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise ConfigError(f"symbol {symbol!r} is not listed; listed are {', '.join(self._instruments)}")
        return instrument

    def _whole(self, value: T) -> Whole[T]:
        return Whole(value, self._clock.now_ns())


class _SimulatedStream:
    """A stream of market data, or without subscriptions one of reports."""

    def __init__(
        self,
        running: list[_SimulatedStream],
        clock: Clock,
        on_fact: Callable[[Fact], None],
        subscriptions: tuple[Subscription, ...],
    ) -> None:
        self._running = running
        self._clock = clock
        self._on_fact = on_fact
        self._subscriptions = subscriptions

    async def start(self) -> None:
        """Begin to tell."""
        if self not in self._running:
            self._running.append(self)
            self._tell_status(up=True)

    async def stop(self) -> None:
        """Tell no more."""
        if self in self._running:
            self._running.remove(self)
            self._tell_status(up=False)

    def tell_market(self, fact: MarketFact) -> None:
        """A market fact."""
        for subscription in self._subscriptions:
            _, kinds = _CARRIES[subscription.channel]
            is_other = isinstance(fact, Candle) and subscription.interval not in {0, fact.interval}
            if subscription.symbol == fact.symbol and isinstance(fact, kinds) and not is_other:
                self._on_fact(fact)
                return

    def tell_report(self, report: VenueFact) -> None:
        """A report on our orders."""
        if not self._subscriptions:
            self._on_fact(report)

    def _tell_status(self, *, up: bool) -> None:
        now = self._clock.now_ns()
        reason = "" if up else "stopped"
        if not self._subscriptions:
            self._on_fact(StreamStatus(now, "", "user", up, reason))
        for subscription in self._subscriptions:
            self._on_fact(StreamStatus(now, subscription.symbol, _CARRIES[subscription.channel][0], up, reason))
