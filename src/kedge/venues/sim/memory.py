"""What the venue remembers of ended orders: enough to answer a query and to know a repeated client id.

Client ids are unique for ever by construction (they hold instance, epoch and sequence), so only a recent repeat is
worth catching. Two generations bound the memory: when the younger is full it becomes the older, and the older is
forgotten. At least `size` and at most twice as many ended orders are remembered.
"""

from __future__ import annotations

from kedge.venues.sim.working import Working

REMEMBERED_ORDERS_MIN = 4_096


class OrderMemory:
    """The last orders that ended, by client id. Who adds one where `younger` is full calls `turn` first."""

    __slots__ = ("older", "size", "younger")

    def __init__(self, size: int = REMEMBERED_ORDERS_MIN) -> None:
        self.size = size
        self.younger: dict[str, Working] = {}
        self.older: dict[str, Working] = {}

    def turn(self) -> None:
        """Forget the older generation; the younger, which is full, takes its place."""
        self.older = self.younger
        self.younger = {}

    def find(self, order_id: str) -> Working | None:
        """The ended order of that client id, if it is still remembered."""
        return self.younger.get(order_id) or self.older.get(order_id)
