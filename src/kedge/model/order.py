"""Orders: what is asked of a venue, and what has become of it.

An `OrderIntent` is frozen: the exact order that risk judged, that the journal holds and that the venue gets.
An `Order` is the living record of one intent; only `kedge.core.orders` writes to it. Which status may follow
which is a table, `kedge.core.orders.lifecycle`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, structs

from kedge.model.instant import to_datetime
from kedge.model.money import ZERO


class Side(StrEnum):
    """Which way; compares equal to `"buy"` and `"sell"`."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The other side."""
        return SELL if self is BUY else BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is BUY else -1


class OrderType(StrEnum):
    """How the price of an order is found.

    A stop or trailing stop becomes a market order when triggered, a stop-limit a limit order; a take-profit
    is a stop on the other side of the market, and a limit order once triggered when it carries a price.
    """

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order works: till cancelled, at once in part or whole, till a date."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class OrderStatus(StrEnum):
    """Where an order stands. An outcome we do not know is `submitted` with `outcome_unknown` set, never
    `failed`.
    """

    PENDING = "pending"
    SUBMITTED = "submitted"
    OPEN = "open"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether the venue's last word has been said."""
        return self in TERMINAL


#: Statuses after which nothing more is to be expected of the venue.
TERMINAL: Final = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED}
)

# A member read through its class costs ten times a global (CPython 3.11), so hot paths read these.
BUY: Final = Side.BUY
SELL: Final = Side.SELL
MARKET: Final = OrderType.MARKET
LIMIT: Final = OrderType.LIMIT
GTC: Final = TimeInForce.GTC


class OrderIntent(Struct, frozen=True, gc=False, omit_defaults=True):
    """One order as it is approved, journaled and sent.

    Quantities are in the instrument's base units or contracts, prices in its quote currency per unit.
    `signal_n` is the record number of the signal that caused it (0: the operator, or flattening), `parent`
    the order it protects, `group` names orders of which one may live (OCO).
    """

    id: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_ns: int = 0
    post_only: bool = False
    reduce_only: bool = False
    strategy: str = ""
    signal_n: int = 0
    parent: str = ""
    group: str = ""
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    tag: str = ""


#: The fields of an intent as `msgspec.structs.astuple` gives them: one call is cheaper than a dozen reads.
IntentFields = tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any]


class Order(Struct, gc=False):
    """The living record of one order.

    `booked` fills are what our position has; `venue_quantity` is what the venue said was filled in all, which
    may run ahead of the fills that reached us. `error` is the venue's reason where it refused, `amended` says that the
    terms are the venue's and no longer those that were approved.
    """

    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    id: str = ""
    exchange_id: str = ""
    filled_quantity: Decimal = ZERO
    filled_value: Decimal = ZERO
    venue_quantity: Decimal = ZERO
    status: OrderStatus = OrderStatus.PENDING
    created_ns: int = 0
    updated_ns: int = 0
    error: str = ""
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_ns: int = 0
    post_only: bool = False
    reduce_only: bool = False
    strategy: str = ""
    worst_price: Decimal = ZERO
    parent: str = ""
    group: str = ""
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    tag: str = ""
    cancel_requested: bool = False
    outcome_unknown: bool = False
    amended: bool = False

    @property
    def remaining_quantity(self) -> Decimal:
        """What may still fill: the quantity less the fills booked, never below zero."""
        left = self.quantity - self.filled_quantity
        return left if left > ZERO else ZERO

    @property
    def is_active(self) -> bool:
        """Whether the venue has not yet said its last word."""
        return self.status not in TERMINAL

    @property
    def avg_fill_price(self) -> Decimal | None:
        """Quantity-weighted mean price of the fills booked; `None` before the first."""
        return self.filled_value / self.filled_quantity if self.filled_quantity else None

    @property
    def created_at(self) -> datetime:
        """When the order was approved, aware UTC."""
        return to_datetime(self.created_ns)

    @property
    def updated_at(self) -> datetime:
        """When the order last changed, aware UTC."""
        return to_datetime(self.updated_ns)


def intent_of(order: Order) -> OrderIntent:
    """What an order that was put together by hand asks for."""
    given = structs.asdict(order)
    return OrderIntent(**{name: given[name] for name in OrderIntent.__struct_fields__ if name in given})
