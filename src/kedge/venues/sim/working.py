"""A working order, as the venue keeps it.

Every order waits for something. One that has just arrived, and a market order that is not yet filled, waits for the
next price (`ARRIVING`). A resting order waits for its `level`: buy limits, buy take-profits and sell stops for a
price that falls to it (`DOWN`), the others for one that rises to it (`UP`). An `adverse` order, a stop of any kind,
is reached by a touch; every other is reached only when the market trades through its level.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from kedge.model.money import ZERO, canonical
from kedge.model.order import OrderIntent, OrderStatus

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


class Working(Struct, gc=False):
    """One order at the venue: what is left of it and what it waits for.

    `at` is the venue time from which it may trade, `at_once` whether it may not rest, `cancel_at` when a cancel
    arrived too late for the current bar (0: none), `dormant` whether it was triggered in the current bar, `ahead` the
    volume queued before it at its price (None: unknown), and `status` how it ended.
    """

    id: str
    intent: OrderIntent
    seq: int
    buy: bool
    kind: int
    left: Decimal
    at: int
    level: Decimal = ZERO
    adverse: bool = False
    reduce_only: bool = False
    at_once: bool = False
    expires_ns: int = 0
    shelf: int = ARRIVING
    filled: Decimal = ZERO
    cancel_at: int = 0
    dormant: bool = False
    ahead: Decimal | None = None
    status: OrderStatus = OrderStatus.OPEN

    @property
    def exchange_id(self) -> str:
        """The venue's own id: the number of the order's arrival."""
        return f"x{self.seq}"

    @property
    def limit(self) -> Decimal:
        """The limit price of an order that has one."""
        price = self.intent.price
        assert price is not None, f"order {self.id} has no limit price"
        return price

    @property
    def trail(self) -> Decimal:
        """The distance of a trailing stop."""
        trail = self.intent.trail
        assert trail is not None, f"order {self.id} has no trail"
        return trail

    def snapshot(self) -> dict[str, Any]:
        """Plain data that two equal histories agree on."""
        return {
            "id": self.id,
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "shelf": self.shelf,
            "left": canonical(self.left),
            "filled": canonical(self.filled),
            "level": canonical(self.level),
            "cancel_at": self.cancel_at,
            "ahead": None if self.ahead is None else canonical(self.ahead),
        }
