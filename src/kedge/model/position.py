"""A position: how much is held, what it cost, and what it has earned.

`cost` is the signed sum of quantity x multiplier x price of what is held: the average price is derived from
it, never the other way, so that nothing is rounded when a position grows. When a part of it leaves, the cost
that leaves is cut to 1e-12 (half even) and the very same figure enters the realized profit; the sum of both
is therefore exact.
"""

from __future__ import annotations

from decimal import Decimal

from kedge.model.money import CENT_OF_NANO, EXACT, ONE, ZERO


class Position:
    """Signed quantity of one symbol, its cost, and the profit booked so far (quote currency)."""

    __slots__ = ("cost", "fees", "funding", "multiplier", "quantity", "realized", "symbol")

    def __init__(self, symbol: str, multiplier: Decimal = ONE) -> None:
        self.symbol = symbol
        self.multiplier = multiplier
        self.quantity = ZERO
        self.cost = ZERO
        self.realized = ZERO
        self.fees = ZERO
        self.funding = ZERO

    def trade(self, signed: Decimal, price: Decimal) -> Decimal:
        """Add `signed` units at `price`: increase, decrease, close or flip. Returns the profit realized by it.

        Exact in a context as wide as `kedge.model.money.EXACT`, which the engine and the tracker work in.
        """
        held = self.quantity
        value = signed * self.multiplier * price
        self.quantity = after = held + signed
        if not held or (held > ZERO) is (signed > ZERO):
            self.cost += value
            return ZERO
        if not after:
            gone, leaving = self.cost, value
            self.cost = ZERO
        elif (after > ZERO) is (held > ZERO):
            gone, leaving = (self.cost * -signed / held).quantize(CENT_OF_NANO, context=EXACT), value
            self.cost -= gone
        else:
            gone, leaving = self.cost, -held * self.multiplier * price
            self.cost = value - leaving
        profit = -leaving - gone
        self.realized += profit
        return profit

    @property
    def average_price(self) -> Decimal | None:
        """Mean entry price of what is held; `None` when flat."""
        return self.cost / (self.quantity * self.multiplier) if self.quantity else None

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held."""
        return not self.quantity

    def value(self, price: Decimal) -> Decimal:
        """Signed market value at `price`."""
        return self.quantity * self.multiplier * price

    def unrealized(self, price: Decimal) -> Decimal:
        """Profit that closing at `price` would book, before fees."""
        return self.value(price) - self.cost

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        return {name: getattr(self, name) for name in ("symbol", "quantity", "cost", "realized", "fees", "funding")}

    def __repr__(self) -> str:
        return f"Position({self.symbol} {self.quantity} @ {self.average_price}, realized {self.realized})"
