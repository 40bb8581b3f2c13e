"""What a venue's pages say of the account beyond the simulated venue's truth: entry prices, realized profit, holds.

The simulated venue decides what may trade and keeps the money. Entry and realized profit are folded here from the same
fills, and what open orders hold is summed over them, because that venue reserves nothing for an order that rests.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from kedge.model.money import CENT_OF_NANO, EXACT, ZERO


class Holding(Struct):
    """A perpetual position as the account's pages show it: signed quantity and the signed value paid for it."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    updated: int = 0

    @property
    def entry(self) -> Decimal:
        """Mean entry price; zero when flat."""
        return EXACT.divide(self.cost, self.quantity) if self.quantity else ZERO

    def fill(self, signed: Decimal, price: Decimal, ts: int) -> Decimal:
        """Fold a fill; the profit it realized."""
        value = signed * price
        after = self.quantity + signed
        self.updated = ts
        if not self.quantity or (self.quantity > ZERO) is (signed > ZERO):
            self.cost += value
            self.quantity = after
            return ZERO
        closed = min(abs(signed), abs(self.quantity))
        gone = EXACT.divide(self.cost * closed, abs(self.quantity)).quantize(CENT_OF_NANO, context=EXACT)
        leaving = closed * price if signed > ZERO else -closed * price
        realized = -(leaving + gone)
        self.cost = value - leaving if (after > ZERO) is (signed > ZERO) and after else self.cost - gone
        if not after:
            self.cost = ZERO
        self.quantity = after
        return realized


class Income(Struct, frozen=True):
    """A movement of money that was no order: funding, a commission, realized profit."""

    n: int
    ts: int
    kind: str
    symbol: str
    amount: Decimal
    currency: str
    trade_id: int = 0
