"""The account's orders and fills as Hyperliquid keeps them, and their JSON.

An order has a status with the time it began, and `sz` is what remained then: while an order works and fills in part its
status stays `open`, so `orderStatus` goes on saying the whole size. Only the open orders tell what remains now.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Any

from msgspec import Struct, field

from kedge.model.money import ZERO
from kedge.model.order import Side
from kedge.venues.emulator.hyperliquid.listing import Listed
from kedge.venues.emulator.hyperliquid.numerals import ms, shown
from kedge.venues.emulator.orders import EmulatedOrder, Execution

LETTERS = {Side.BUY: "B", Side.SELL: "A"}
ORDERS_KEPT = 20_000
FILLS_KEPT = 10_000


class TriggerTerms(Struct, frozen=True):
    """What an order waits for: the mark price at `price`, from which side, and whether it then takes."""

    price: Decimal
    market: bool
    stop_loss: bool


class HlOrder(Struct):
    """One order. `engine` is its life in the engine, None while it waits for its trigger or was never taken in."""

    oid: int
    listed: Listed
    side: Side
    limit: Decimal
    size: Decimal
    reduce_only: bool
    tif: str
    created: int
    cloid: str | None = None
    trigger: TriggerTerms | None = None
    status: str = "open"
    status_at: int = 0
    size_at_status: Decimal = ZERO
    engine: EmulatedOrder | None = None
    waiting: int = 0
    triggered: bool = False

    @property
    def remaining(self) -> Decimal:
        """What may still fill."""
        return self.size if self.engine is None else self.size - self.engine.filled

    @property
    def is_open(self) -> bool:
        """Whether it works or waits."""
        return self.status in {"open", "triggered"}

    @property
    def above(self) -> bool:
        """Whether its trigger waits for a rise."""
        return self.trigger is not None and (self.side is Side.BUY) is self.trigger.stop_loss

    def turn(self, status: str, now: int) -> None:
        """Take another status."""
        self.status, self.status_at, self.size_at_status = status, now, self.remaining

    def basic(self, remaining: Decimal) -> dict[str, Any]:
        """What every list of orders says."""
        said: dict[str, Any] = {
            "coin": self.listed.coin,
            "side": LETTERS[self.side],
            "limitPx": shown(self.limit),
            "sz": shown(remaining),
            "oid": self.oid,
            "timestamp": ms(self.created),
            "origSz": shown(self.size),
        }
        if self.cloid is not None:
            said["cloid"] = self.cloid
        return said

    def full(self, remaining: Decimal) -> dict[str, Any]:
        """What the front end is told."""
        trigger = self.trigger
        waits = trigger is not None and not self.triggered
        where = "above" if self.above else "below"
        return {
            **self.basic(remaining),
            "triggerCondition": f"Price {where} {shown(trigger.price).removesuffix('.0')}"
            if waits and trigger
            else "N/A",
            "isTrigger": waits,
            "triggerPx": shown(trigger.price) if trigger is not None else "0.0",
            "children": [],
            "isPositionTpsl": False,
            "reduceOnly": self.reduce_only,
            "orderType": self._type(),
            "tif": None if trigger is not None else self.tif,
            "cloid": self.cloid,
        }

    def _type(self) -> str:
        if self.trigger is None:
            return "Market" if self.tif == "FrontendMarket" else "Limit"
        return f"{'Stop' if self.trigger.stop_loss else 'Take Profit'} {'Market' if self.trigger.market else 'Limit'}"


class HlFill(Struct, frozen=True):
    """One fill, with the position before it."""

    execution: Execution
    order: HlOrder | None
    coin: str
    spot: bool
    before: Decimal

    def json(self) -> dict[str, Any]:
        """As `userFills` says it."""
        fill = self.execution
        said: dict[str, Any] = {
            "coin": self.coin,
            "px": shown(fill.price),
            "sz": shown(fill.quantity),
            "side": LETTERS[fill.side],
            "time": ms(fill.ts),
            "startPosition": shown(self.before),
            "dir": self._direction(),
            "closedPnl": shown(fill.realized, 6),
            "hash": "0x" + sha256(f"{fill.ts}-{fill.order}".encode()).hexdigest(),
            "oid": fill.order,
            "crossed": not fill.maker,
            "fee": shown(fill.fee, 8),
            "tid": fill.trade_id,
            "feeToken": fill.fee_currency,
            "twapId": None,
        }
        if self.order is not None and self.order.cloid is not None:
            said["cloid"] = self.order.cloid
        if self.order is not None and self.order.engine is not None and self.order.engine.liquidation:
            said["liquidation"] = {"liquidatedUser": "", "markPx": shown(fill.price), "method": "market"}
        return said

    def _direction(self) -> str:
        buy = self.execution.side is Side.BUY
        if self.spot:
            return "Buy" if buy else "Sell"
        after = self.before + (self.execution.quantity if buy else -self.execution.quantity)
        if self.before > ZERO > after:
            return "Long > Short"
        if self.before < ZERO < after:
            return "Short > Long"
        if buy:
            return "Close Short" if self.before < ZERO else "Open Long"
        return "Close Long" if self.before > ZERO else "Open Short"


class OrderBook(Struct):
    """Every order by number and by client id, and the fills, oldest first."""

    orders: dict[int, HlOrder] = field(default_factory=dict)
    by_cloid: dict[str, int] = field(default_factory=dict)
    fills: list[HlFill] = field(default_factory=list)

    def add(self, order: HlOrder) -> None:
        """Keep an order; a client id names the last one that had it."""
        self.orders[order.oid] = order
        if order.cloid is not None:
            self.by_cloid[order.cloid] = order.oid
        if len(self.orders) > ORDERS_KEPT:
            oldest = next((oid for oid, each in self.orders.items() if not each.is_open), None)
            if oldest is not None:
                del self.orders[oldest]

    def fill(self, fill: HlFill) -> None:
        """Keep a fill; the oldest are forgotten."""
        self.fills.append(fill)
        del self.fills[:-FILLS_KEPT]

    def find(self, name: int | str) -> HlOrder | None:
        """By the venue's id or by client id."""
        oid = self.by_cloid.get(name.lower()) if isinstance(name, str) else name
        return None if oid is None else self.orders.get(oid)

    def open(self) -> list[HlOrder]:
        """What works or waits, the newest first."""
        return [order for order in reversed(self.orders.values()) if order.is_open]
