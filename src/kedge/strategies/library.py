"""The strategies that Kedge ships, by the names that the command line knows them by."""

from __future__ import annotations

from difflib import get_close_matches
from typing import NamedTuple

from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import StrategyError
from kedge.strategies.breakout import BreakoutStrategy
from kedge.strategies.grid import GridStrategy
from kedge.strategies.market_making import MarketMakingStrategy
from kedge.strategies.mean_reversion import MeanReversionStrategy
from kedge.strategies.pairs import PairsStrategy
from kedge.strategies.rsi import RsiStrategy
from kedge.strategies.signals.breakout import BreakoutSignals
from kedge.strategies.signals.mean_reversion import MeanReversionSignals
from kedge.strategies.signals.rsi import RsiSignals
from kedge.strategies.signals.sma_cross import SmaCrossSignals
from kedge.strategies.sma_cross import SmaCrossStrategy


class Shipped(NamedTuple):
    """A strategy's class and what it does, in one line."""

    strategy: type[BaseStrategy]
    description: str


SHIPPED: dict[str, Shipped] = {
    "sma_cross": Shipped(SmaCrossStrategy, "long while a fast moving average is above a slow one, short while below"),
    "mean_reversion": Shipped(
        MeanReversionStrategy, "against closes outside the Bollinger bands, until back at the mean"
    ),
    "breakout": Shipped(BreakoutStrategy, "with closes outside the Donchian channel, until a nearer one is broken"),
    "rsi": Shipped(RsiStrategy, "against an overbought or oversold RSI, until it is back in the middle"),
    "grid": Shipped(GridStrategy, "resting limit orders on a price grid: buy a step lower, sell a step higher"),
    "pairs": Shipped(PairsStrategy, "two symbols against each other while the z-score of their spread is wide"),
    "market_making": Shipped(
        MarketMakingStrategy, "post-only quotes around the mid price, skewed against the inventory"
    ),
    "sma_cross_signals": Shipped(SmaCrossSignals, "sma_cross by columns, with a stop, a target or a trailing stop"),
    "mean_reversion_signals": Shipped(MeanReversionSignals, "mean_reversion by columns, likewise"),
    "breakout_signals": Shipped(BreakoutSignals, "breakout by columns, likewise"),
    "rsi_signals": Shipped(RsiSignals, "against an overbought or oversold RSI of plain sums, by columns, likewise"),
}


def shipped(name: str) -> type[BaseStrategy]:
    """The class of the shipped strategy `name`; a `StrategyError` names the nearest where there is none."""
    found = SHIPPED.get(name)
    if found is None:
        near = get_close_matches(name, SHIPPED, n=1)
        hint = f"did you mean {near[0]}?" if near else f"shipped are {', '.join(SHIPPED)}"
        raise StrategyError(f"there is no shipped strategy {name!r}; {hint}")
    return found.strategy
