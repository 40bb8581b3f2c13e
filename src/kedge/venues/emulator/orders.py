"""Orders of the emulated account, as a venue's records have them: one life, many words for it.

The dialect says what it was asked for in `terms`, its own words; the exchange keeps the rest. A replaced order keeps its
number and its fills while the simulated venue works it under a new name.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from kedge.model.money import ZERO
from kedge.model.order import OrderStatus, OrderType, Side, TimeInForce


class Execution(Struct, frozen=True):
    """One fill; `realized` is the profit it realized on a perpetual, `fee` positive when paid."""

    trade_id: int
    order: int
    symbol: str
    side: Side
    ts: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    maker: bool
    realized: Decimal = ZERO

    @property
    def value(self) -> Decimal:
        """Price times quantity."""
        return self.price * self.quantity


class OrderRequest(Struct, frozen=True):
    """What the engine is asked for: a market order (immediate-or-cancel) or a limit order."""

    symbol: str
    side: Side
    kind: OrderType
    quantity: Decimal
    price: Decimal | None = None
    force: TimeInForce = TimeInForce.GTC
    expires_ns: int = 0
    post_only: bool = False
    reduce_only: bool = False


class EmulatedOrder(Struct):
    """One order. `number` is the venue's id, `reason` why it ended (the simulated venue's words)."""

    number: int
    symbol: str
    side: Side
    kind: OrderType
    quantity: Decimal
    price: Decimal | None
    force: TimeInForce
    created: int
    updated: int
    post_only: bool = False
    reduce_only: bool = False
    expires_ns: int = 0
    status: OrderStatus = OrderStatus.OPEN
    filled: Decimal = ZERO
    value: Decimal = ZERO
    reason: str = ""
    name: str = ""
    fills: list[Execution] = field(default_factory=list)
    liquidation: bool = False
    terms: dict[str, Any] = field(default_factory=dict)

    @property
    def left(self) -> Decimal:
        """What may still fill."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it works."""
        return self.status in {OrderStatus.OPEN, OrderStatus.PARTIAL}

    @property
    def rests(self) -> bool:
        """Whether it is in the book that everyone sees."""
        return self.is_open and self.price is not None and self.force in {TimeInForce.GTC, TimeInForce.GTD}

    @property
    def average(self) -> Decimal:
        """Mean price of the fills; zero before the first."""
        return self.value / self.filled if self.filled else ZERO


class Change(StrEnum):
    """What happened to an order."""

    NEW = "new"
    FILL = "fill"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"
