"""Queue position: how much volume trades at our price before our turn comes.

Without a model a resting limit order fills only when the market trades through it. With one, and a visible book at
the time the order comes to rest, it may also fill by trades at its very price, after `ahead` has traded. Cancels
before us are not believed until the whole level shows less than what was ahead: then that is all that can be left.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from kedge.model.money import ZERO, decimal


class QueueModel(Protocol):
    """What the venue asks of a queue model."""

    def ahead(self, visible: Decimal) -> Decimal:
        """The volume before an order that comes to rest where `visible` is shown."""


class BackOfQueue:
    """Everything shown at our price is before us, and `hidden` times as much again that is not shown."""

    __slots__ = ("hidden",)

    def __init__(self, hidden: Decimal = ZERO) -> None:
        self.hidden = decimal(hidden, "hidden volume factor")

    def ahead(self, visible: Decimal) -> Decimal:
        """`visible x (1 + hidden)`."""
        return visible + visible * self.hidden
