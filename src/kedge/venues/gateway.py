"""`ExchangeGateway`: what Kedge asks of a venue, the same for all of them.

Orders go in as the decisions that left the core and come back as facts, never as exceptions: accepted, refused and
unknown are the three outcomes, and unknown is not failed (hazard H1). Questions come back as `Answer`. Prices,
quantities and fees are `Decimal` from their text; times are UTC nanoseconds; symbols are canonical.

What a venue cannot do it says in `capabilities`; asked all the same, it answers `Failed(ErrorClass.OURS, "unsupported", …)`
and sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.facts import ClockReading, Fact, Fill, FundingPayment, VenueFact
from kedge.model.instrument import Instrument
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Trade
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.answers import Answer


class Amending(StrEnum):
    """Which other terms a working limit order can get while it keeps its id."""

    NONE = "none"
    SMALLER = "smaller"  # a smaller quantity at the same price
    PRICE_AND_QUANTITY = "price_and_quantity"


class Capabilities(Struct, frozen=True):
    """What a venue can do by itself. Sets name what is native there; the rest the core does or nobody."""

    venue: str
    order_types: frozenset[OrderType]
    times_in_force: frozenset[TimeInForce]
    post_only: bool
    reduce_only: bool
    replace: bool
    dead_mans_switch: bool
    leverage: bool
    query_by_client_id: bool
    idempotent_place: bool
    short: bool
    candle_intervals: tuple[int, ...]
    amend: Amending = Amending.NONE


class OpenOrder(Struct, frozen=True, gc=False):
    """An order that works at the venue. `order_id` is ours, empty where the order is not (hazard H22)."""

    order_id: str
    exchange_id: str
    symbol: str
    side: Side
    order_type: OrderType | None
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    status: OrderStatus
    client_id: str = ""
    stop_price: Decimal | None = None
    reduce_only: bool = False
    ts: int = 0


class Balance(Struct, frozen=True, gc=False):
    """One currency: `total` is what is owned, `free` what no order holds."""

    currency: str
    total: Decimal
    free: Decimal


class VenuePosition(Struct, frozen=True, gc=False):
    """A derivative position as the venue says it is; `quantity` is signed."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    unrealized: Decimal = ZERO
    liquidation_price: Decimal | None = None
    leverage: Decimal | None = None


class MarginMode(StrEnum):
    """Whether a position is backed by the whole account or by its own margin."""

    CROSS = "cross"
    ISOLATED = "isolated"


class MarginSettings(Struct, frozen=True, gc=False):
    """Leverage and mode of one symbol as read back from the venue (hazard H31)."""

    symbol: str
    leverage: Decimal
    mode: MarginMode


class KeyPermissions(Struct, frozen=True, gc=False):
    """What the key may do; `None` where the venue does not say. A key that may withdraw is refused (S1)."""

    read: bool | None
    trade: bool | None
    withdraw: bool | None
    ip_restricted: bool | None = None


class Subscription(Struct, frozen=True, gc=False):
    """One stream of market data: `channel` is trades, quotes, book, candles, mark or funding; `interval` for candles."""

    channel: str
    symbol: str
    interval: int = 0


class RateUse(Struct, frozen=True, gc=False):
    """One rate limit: the venue's figure, what we use of it at most (`budget`) and what is used in the present window."""

    name: str
    limit: int
    window_ms: int
    budget: int
    used: int


class Stream(Protocol):
    """A running stream: reconnects by itself; what it learns, its own state included, goes to the callback as facts."""

    async def start(self) -> None:
        """Connect and subscribe; returns when the venue has confirmed."""

    async def stop(self) -> None:
        """Disconnect for good."""


class ExchangeGateway(Protocol):
    """One account at one venue."""

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""

    @property
    def rate_limits(self) -> tuple[RateUse, ...]:
        """The venue's limits on requests, and what is used of them."""

    async def open(self) -> None:
        """Measure the clock and load the instruments; `WorldError` or `VenueError` where that fails."""

    async def close(self) -> None:
        """Stop everything that runs."""

    # the market

    async def get_instruments(self) -> Answer[tuple[Instrument, ...]]:
        """Everything listed, with its filters."""

    async def get_clock(self) -> Answer[ClockReading]:
        """Our clock against the venue's."""

    async def get_order_book(self, symbol: str, depth: int = 100) -> Answer[OrderBook]:
        """A snapshot."""

    async def get_trades(self, symbol: str, limit: int = 100) -> Answer[tuple[Trade, ...]]:
        """The latest trades, oldest first."""

    async def get_candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        """Closed candles that open in `[start, end)`, oldest first; `Partial` where the venue cuts the page."""

    async def get_mark_price(self, symbol: str) -> Answer[MarkPrice]:
        """The price the venue margins a perpetual at."""

    async def get_funding_rates(self, symbol: str, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        """Rates settled in `[start, end)`, oldest first; `Partial` where the venue cuts the page."""

    # orders

    async def place_order(self, approved: Approved) -> Sequence[VenueFact]:
        """Send an order. Accepted (with fills where the answer has them), rejected or `OutcomeUnknown`."""

    async def cancel_order(self, request: CancelRequested) -> Sequence[VenueFact]:
        """Ask for an order's end. Cancelled where the answer says so, else nothing yet, `CancelRejected` or
        `OutcomeUnknown`.
        """

    async def query_order(self, request: QueryRequested) -> Sequence[VenueFact]:
        """What the venue says an order of ours is, by client id or its own safe way: a report, with fills where told,
        and before it the order's terms (`OrderAmended`) where they are not those that were last sent or told.

        `OutcomeUnknown` as long as it may still turn up; a rejection only once it is certain that it never will.
        """

    async def replace_order(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        """Put a new order in the place of `order_id` without a gap, where the venue can."""

    async def amend_order(self, approved: Approved) -> Sequence[VenueFact]:
        """Give the order that `approved.intent.id` names this price and this quantity, what has filled included; it
        keeps its id.

        `OrderAmended` where the answer says so, with its end where that is what came of it; nothing yet where the
        venue only took it in; `AmendRejected`, and the order works as before; or `OutcomeUnknown`, and asking tells.
        """

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        """Ask for the end of every order of ours, on one symbol or all; the client ids concerned."""

    async def get_open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        """What works at the venue, others' orders on the account included."""

    async def get_fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions of ours from `since` (UTC ns, the venue's time) on, oldest first; exact repeats are harmless."""

    # the account

    async def get_balances(self) -> Answer[dict[str, Balance]]:
        """Every currency held."""

    async def get_positions(self) -> Answer[tuple[VenuePosition, ...]]:
        """Derivative positions that are not flat; on spot, empty and whole."""

    async def get_funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        """Funding paid or received from `since` on."""

    async def get_margin(self, symbol: str) -> Answer[MarginSettings]:
        """Leverage and mode as the venue has them."""

    async def set_margin(self, wanted: MarginSettings) -> Answer[MarginSettings]:
        """Set leverage and mode, and read them back: the answer is what the venue then has."""

    async def get_key_permissions(self) -> Answer[KeyPermissions]:
        """What the key may do."""

    async def arm_dead_mans_switch(self, symbol: str, delay_ms: int) -> Answer[int]:
        """Cancel everything unless armed again within `delay_ms` (0: disarm); when it will fire, UTC ns."""

    # streams

    def market_stream(self, subscriptions: Sequence[Subscription], on_fact: Callable[[Fact], None]) -> Stream:
        """Market data as facts, `StreamStatus` included."""

    def user_stream(self, on_fact: Callable[[Fact], None]) -> Stream:
        """Reports on our orders as facts; after each reconnect, open orders and fills are asked for before it is up."""
