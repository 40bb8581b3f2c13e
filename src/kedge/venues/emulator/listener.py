"""Who listens to an exchange: a dialect and the parts of it."""

from __future__ import annotations

from typing import Protocol

from kedge.model.facts import FundingPayment
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution
from kedge.venues.emulator.tape import BookUpdate, PublicTrade


class Listener(Protocol):
    """What a dialect is told, in the order it happened."""

    def on_order(self, order: EmulatedOrder, change: Change, execution: Execution | None) -> None:
        """An order changed; `execution` with a fill."""

    def on_trade(self, trade: PublicTrade) -> None:
        """A print."""

    def on_book(self, update: BookUpdate) -> None:
        """The shown book changed."""

    def on_mark(self, symbol: str) -> None:
        """The mark price of a perpetual was set anew."""

    def on_funding(self, payment: FundingPayment) -> None:
        """Funding was paid or received."""
