"""Relative strength index: against a market that has moved one way too long, until it has evened out.

RSI < oversold    and flat:  buy           holding long  and RSI >= exit_level:  sell
RSI > overbought  and flat:  sell          holding short and RSI <= exit_level:  buy back
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from kedge.core.strategy.base import Wishes
from kedge.core.strategy.parameters import Bounds
from kedge.model.errors import StrategyError
from kedge.model.market import Candle
from kedge.model.money import ZERO, canonical
from kedge.strategies.directional import DirectionalStrategy
from kedge.strategies.indicators.rsi import RSI


def check_levels(oversold: Decimal, exit_level: Decimal, overbought: Decimal) -> None:
    """The three levels of the index must rise; `StrategyError` where they do not."""
    if not oversold < exit_level < overbought:
        raise StrategyError(
            f"oversold is {oversold}, exit_level {exit_level}, overbought {overbought}; they must rise in this order"
        )


class RsiStrategy(DirectionalStrategy):
    """Buys what was sold too long and sells what was bought too long, by Wilder's index."""

    window: Annotated[int, Bounds(1, 10_000), "changes that the index averages"] = 14
    oversold: Annotated[Decimal, Bounds(0, 100), "buy below this index"] = Decimal(30)
    overbought: Annotated[Decimal, Bounds(0, 100), "sell above this index"] = Decimal(70)
    exit_level: Annotated[Decimal, Bounds(0, 100), "the index at which a position is closed"] = Decimal(50)

    def check(self) -> None:
        check_levels(self.oversold, self.exit_level, self.overbought)

    def warmup_bars(self) -> int:
        return self.window + 1

    def reset(self) -> None:
        super().reset()
        self._index = RSI(self.window)

    def on_candle(self, candle: Candle) -> Wishes:
        index = self._index.update(candle.close)
        if index is None:
            return None
        held = self.held
        if held:
            if self.waiting or (index < self.exit_level if held > ZERO else index > self.exit_level):
                return None
            return self.leave(f"RSI {index:.2f} is back at {canonical(self.exit_level)}")
        if self.oversold <= index <= self.overbought or self.waiting:
            return None
        if index < self.oversold:
            return self.go_long(f"RSI {index:.2f} is below {canonical(self.oversold)}")
        return self.go_short(f"RSI {index:.2f} is above {canonical(self.overbought)}")
