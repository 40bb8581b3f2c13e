"""A working order, as the venue keeps it.

Every order waits for something. One that has just arrived, and a market order that is not yet filled, waits for the next
price (`ARRIVING`). A resting order waits for its `level`: buy limits, buy take-profits and sell stops for a price that
falls to it (`DOWN`), the others for one that rises to it (`UP`). An `adverse` order, a stop of any kind, is reached by a
touch; every other is reached only when the market trades through its level.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

from kedge.model.money import ZERO
from kedge.model.order import OrderIntent, OrderStatus, OrderType, TimeInForce

ENDED: Final = -1
ARRIVING: Final = 0
DOWN: Final = 1
UP: Final = 2

MARKET: Final = 0
LIMIT: Final = 1
STOP: Final = 2
STOP_LIMIT: Final = 3
TAKE_PROFIT: Final = 4
TAKE_PROFIT_LIMIT: Final = 5
TRAILING: Final = 6

_KIND: Final = {
    OrderType.MARKET: MARKET,
    OrderType.LIMIT: LIMIT,
    OrderType.STOP: STOP,
    OrderType.STOP_LIMIT: STOP_LIMIT,
    OrderType.TAKE_PROFIT: TAKE_PROFIT,
    OrderType.TRAILING_STOP: TRAILING,
}


class Working(Struct, gc=False):
    """One order at the venue: what is left of it and what it waits for.

    `at` is the venue time from which it may trade, `cancel_at` when a cancel arrived too late for the current bar (0: none),
    `dormant` whether it was triggered in the current bar, `ahead` the volume queued before it at its price (None: unknown),
    and `status` how it ended.
    """

    id: str
    intent: OrderIntent
    exchange_id: str
    buy: bool
    kind: int
    left: Decimal
    at: int
    level: Decimal
    adverse: bool
    reduce_only: bool
    at_once: bool
    seq: int
    shelf: int = ARRIVING
    filled: Decimal = ZERO
    expires_ns: int = 0
    cancel_at: int = 0
    dormant: bool = False
    ahead: Decimal | None = None
    status: OrderStatus = OrderStatus.OPEN

    @property
    def limit(self) -> Decimal:
        """The limit price of an order that has one."""
        price = self.intent.price
        assert price is not None
        return price


def working(intent: OrderIntent, exchange_id: str, at: int, seq: int) -> Working:
    """The working order of an admitted `intent` that arrived at venue time `at`."""
    kind = _KIND[intent.order_type]
    level = ZERO
    if kind == LIMIT:
        level = intent.price or ZERO
    elif kind != MARKET and kind != TRAILING:
        level = intent.stop_price or ZERO
        if kind == TAKE_PROFIT and intent.price is not None:
            kind = TAKE_PROFIT_LIMIT
    force = intent.time_in_force
    return Working(
        intent.id,
        intent,
        exchange_id,
        intent.side == "buy",
        kind,
        intent.quantity,
        at,
        level,
        kind == STOP or kind == STOP_LIMIT or kind == TRAILING,
        intent.reduce_only,
        force is TimeInForce.IOC or force is TimeInForce.FOK,
        seq,
        expires_ns=intent.expires_ns if force is TimeInForce.GTD else 0,
    )


def resting_shelf(order: Working) -> int:
    """Where a resting order waits: for the price to fall to its level, or to rise to it."""
    return DOWN if order.buy is not order.adverse else UP


def reached(order: Working, price: Decimal) -> bool:
    """Whether a resting order's level is reached at `price`: by a touch for a stop, else only when passed."""
    if order.buy is not order.adverse:
        return price <= order.level if order.adverse else price < order.level
    return price >= order.level if order.adverse else price > order.level
