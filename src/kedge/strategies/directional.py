"""`DirectionalStrategy`: one symbol, held long, short or not at all.

What such a strategy decides is a side; this is how it asks for it. With a `quantity` it asks for a target position, so
an order still on its way is counted and nothing is ever bought twice. Without one it asks for its strategy's budget on
that side, and a turn goes through zero in one order. What is held is left reduce-only.

A turn is an exit and an entry in one, and risk may refuse it for the sake of the entry. A strategy must not be left on the
wrong side by that: on the next candles `settle` makes sure, by closing first and entering once flat.

Reasons are journalled, and a replay decides them again from numbers that may be written with other zeros at the end:
decimals in them go through `canonical`, or a format with fixed digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.parameters import Bounds
from kedge.model.market import DEFAULT_SYMBOL
from kedge.model.money import ZERO
from kedge.model.order import Side
from kedge.model.signal import Signal

#: The least quantity a parameter may ask for: the grid of a generic instrument.
QUANTITY_MIN = Decimal("0.00000001")


class DirectionalStrategy(BaseStrategy):
    """Base of the strategies that are long, short or flat in one symbol."""

    symbol: Annotated[str, "what to trade, by its canonical name"] = DEFAULT_SYMBOL
    quantity: Annotated[
        Decimal | None, Bounds(QUANTITY_MIN), "units or contracts to hold; none: the strategy's budget"
    ] = None
    allow_short: Annotated[bool, "whether to go short; where not, the same signal only closes a long position"] = True

    def reset(self) -> None:
        #: The side of a turn that has not been seen to happen.
        self.turning: Side | None = None

    def required_symbols(self) -> Sequence[str]:
        return [self.symbol]

    @property
    def held(self) -> Decimal:
        """The signed position."""
        return self.view.position(self.symbol)

    @property
    def waiting(self) -> bool:
        """Whether an order of ours has not ended yet; deciding again before it has would ask twice."""
        return bool(self.view.open_orders(self.symbol))

    def go_long(self, reason: str) -> list[Signal]:
        """Be long, from whatever is held now."""
        self.turning = Side.BUY if self.held < ZERO else None
        if self.quantity is None:
            return [Signal.buy(self.symbol, reason=reason)]
        return [Signal.to_target(self.symbol, self.quantity, reason=reason)]

    def go_short(self, reason: str) -> list[Signal]:
        """Be short, from whatever is held now; where that is not allowed, be flat."""
        if not self.allow_short:
            return self.leave(reason)
        self.turning = Side.SELL if self.held > ZERO else None
        if self.quantity is None:
            return [Signal.sell(self.symbol, reason=reason)]
        return [Signal.to_target(self.symbol, -self.quantity, reason=reason)]

    def settle(self) -> list[Signal] | None:
        """What a turn still needs once its order has ended; to be called on each candle while `turning` is set.

        `None`: nothing, the turn is done and the candle is one like any other.
        """
        if self.waiting:
            return []
        side, held = self.turning, self.held
        if side is not None and held * side.sign < ZERO:
            return self.leave("the turn was refused or filled in part: out of what is held first")
        self.turning = None
        if held:
            return None
        return self.go_long("the rest of a turn") if side is Side.BUY else self.go_short("the rest of a turn")

    def leave(self, reason: str) -> list[Signal]:
        """Be flat: close what is held, or take back what an order on its way is about to bring."""
        if self.held:
            return [Signal.close(self.symbol, reason=reason)]
        if self.waiting:
            return [Signal.to_target(self.symbol, ZERO, reason=reason)]
        return []
