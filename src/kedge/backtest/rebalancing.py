"""Rebalancing in a backtest: on a schedule of UTC days the session is asked for new budgets, as an operator would.

The run is played day by day. At the end of each day every strategy's profit is looked at; its return of the day is what it
gained over the budget it had. At the start, and then every so many days, a `RebalanceRequested` fact goes in with the returns
of the last days; what becomes of it is the core's decision (`kedge.core.allocation.rebalancing`) and is in the journal like any
other. Nothing here sees a fact before the session does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any

from msgspec import Struct

from kedge.backtest.loop import Log, Loop
from kedge.core.state import State
from kedge.model.errors import ConfigError
from kedge.model.facts import RebalanceRequested
from kedge.model.instant import NS_PER_DAY
from kedge.model.market import Candle, MarketEvent
from kedge.model.money import CENT_OF_NANO, ONE, ZERO


class Rebalancing(Struct, frozen=True):
    """Every `every_days`, by the returns of the last `lookback_days`.

    `weights` are what each strategy would get without correlation (none: equal), `share_max` the most that one gets of the
    equity, `turnover_max` the most that all shares change by in sum (`None`: no bound).
    """

    every_days: int = 30
    lookback_days: int = 90
    share_max: Decimal = ONE
    turnover_max: Decimal | None = None
    weights: Mapping[str, Decimal] | None = None

    def __post_init__(self) -> None:
        for name, least in (("every_days", 1), ("lookback_days", 2)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be {least} at least")

    def play(self, loop: Loop, state: State, facts: Iterable[MarketEvent], log: Log) -> None:
        """Play the whole history, and ask on schedule."""
        returns: dict[str, list[Decimal]] = {name: [] for name in state.budgets}
        loop.take(self._request(state, returns))
        for number, day in enumerate(_days(facts), 1):
            base = {name: state.budget(name) for name in returns}
            profit = _profits(state, returns)
            loop.run(day, log)
            for name, gained in _profits(state, returns).items():
                returns[name].append(_return(gained - profit[name], base[name]))
                del returns[name][: -self.lookback_days]
            if number % self.every_days == 0:
                loop.take(self._request(state, returns))

    def _request(self, state: State, returns: Mapping[str, list[Decimal]]) -> RebalanceRequested:
        weights = dict.fromkeys(returns, ONE) if self.weights is None else dict(self.weights)
        return RebalanceRequested(
            ts=state.now,
            weights=weights,
            reason=f"every {self.every_days} days",
            returns={name: tuple(series) for name, series in returns.items() if series},
            share_max=self.share_max,
            turnover_max=self.turnover_max,
        )


def _days(facts: Iterable[MarketEvent]) -> Iterator[Iterator[MarketEvent]]:
    """The facts by the UTC day in which they become known; what is known at midnight belongs to the day it ends."""
    return (day for _, day in groupby(facts, _day))


def _day(fact: Any) -> int:
    known: int = fact.ts + fact.interval if type(fact) is Candle else fact.ts
    return (known - 1) // NS_PER_DAY


def _profits(state: State, names: Iterable[str]) -> dict[str, Decimal]:
    return {name: state.portfolio.strategy_profit(name, state.price) for name in names}


def _return(gained: Decimal, base: Decimal) -> Decimal:
    """What was gained on a budget, to twelve digits (half even); zero where there was none."""
    return (gained / base).quantize(CENT_OF_NANO) if base > ZERO else ZERO
