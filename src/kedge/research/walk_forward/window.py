"""The work of one window: try parameters in sample, and later see what sets of them did out of sample.

What comes back is small and can cross to another process. The choice is made in sample alone; what sets that were not
chosen did out of sample serves to tell luck from skill afterwards, and nothing else.

**The lead.** A strategy needs `warmup_bars` candles before its signals count. They are taken from before the window,
so that every set can trade from the window's first moment, in sample and out of sample alike; no order is sent on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from msgspec import Struct, structs

from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import DataError, StrategyError
from kedge.model.instant import NS_PER_DAY, iso
from kedge.research.evaluate import Evaluation, Settings, by_events, by_kernel
from kedge.research.market import Market
from kedge.research.plan import Unsupported
from kedge.research.statistics.moments import Floats
from kedge.research.sweep import score
from kedge.research.walk_forward.schedule import Window
from kedge.research.walk_forward.search import Places, Search, Space, parameters_at, study
from kedge.storage.columns import CandleColumns

#: Makes a strategy of parameters given by keyword: a strategy class, or any function of parameters.
Factory = Callable[..., BaseStrategy]


class Candidate(Struct, frozen=True):
    """What one set of parameters did in sample; `score` is the objective, minus infinity where it is not defined."""

    places: Places
    score: float
    in_return: Decimal
    in_sharpe: float | None
    in_trades: int


class Outcome(Struct, frozen=True, eq=False):
    """What one set of parameters did out of sample; `returns` are of UTC days."""

    places: Places
    out_return: Decimal
    returns: Floats


class Task(Struct, frozen=True):
    """What a window's work is made of, the market aside; `sets` are what a grid search tries."""

    factory: Factory
    space: Space
    sets: tuple[Places, ...]
    settings: Settings
    objective: str
    search: Search

    def parameters(self, places: Places) -> dict[str, Any]:
        """The parameters of a set."""
        return parameters_at(self.space, places)

    def strategy(self, places: Places) -> BaseStrategy | None:
        """A strategy of this set; `None` where the parameters do not fit each other."""
        try:
            return self.factory(**self.parameters(places))
        except StrategyError:
            return None


def try_in_sample(task: Task, market: Market, window: Window) -> list[Candidate]:
    """Every set that was tried in this window, in the order of trying."""
    cut = Cut(market)
    found: dict[Places, Candidate] = {}

    def attempt(places: Places) -> float | None:
        strategy = task.strategy(places)
        if strategy is None:
            return None
        inside = cut.run(task, strategy, window.in_start, window.in_end)
        figures = (score(inside, task.objective), inside.total_return, inside.sharpe_ratio, inside.trades)
        found[places] = Candidate(places, *figures)
        return figures[0]

    if task.search.method == "grid":
        for places in task.sets:
            attempt(places)
    else:
        study(task.search, task.space, task.search.seed + window.number, attempt)
    return list(found.values())


def see_out_of_sample(task: Task, market: Market, window: Window, sets: Sequence[Places]) -> list[Outcome]:
    """What each of these sets did out of sample; never asked before the choice is made."""
    cut = Cut(market)
    outcomes = []
    for places in sets:
        strategy = task.strategy(places)
        assert strategy is not None, "only sets that fit are compared"
        seen = cut.run(task, strategy, window.out_start, window.out_end)
        outcomes.append(Outcome(places, seen.total_return, seen.returns))
    return outcomes


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the highest score; of equal ones the first."""
    if not candidates:
        raise StrategyError("no combination of the parameters fits the strategy; give other values")
    return max(candidates, key=lambda each: each.score)


class Cut:
    """Stretches of a market with their lead; a stretch that many sets share is cut once, so that what is derived of it is too."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._cuts: dict[tuple[int, int, int], Market] = {}

    def market(self, start: int, end: int, lead: int) -> Market:
        """The candles that open in `start <= ts < end`, and the `lead` before them of each symbol."""
        key = (start, end, lead)
        if key not in self._cuts:
            streams = [_cut(stream, start, end, lead) for stream in self._market.streams]
            if not any(len(stream.between(start, end)) for stream in streams):
                raise DataError(f"there are no candles from {iso(start)} to {iso(end)}; give a period without that gap")
            self._cuts[key] = Market(streams)
        return self._cuts[key]

    def run(self, task: Task, strategy: BaseStrategy, start: int, end: int) -> Evaluation:
        """One set over one stretch; its days are those of the stretch, each with an equity."""
        market = self.market(start, end, strategy.warmup_bars())
        try:
            found = by_kernel(strategy, market, task.settings)
        except Unsupported as reason:
            found = by_events(strategy, market, task.settings, note=str(reason))
        return within(found, start, end)


def within(found: Evaluation, start: int, end: int) -> Evaluation:
    """The evaluation without its lead: an equity for every UTC day of the stretch."""
    pairs = zip(found.days, found.day_equity, strict=True)
    days = every_day(pairs, start, end, found.initial_capital)
    return structs.replace(found, days=[day for day, _ in days], day_equity=[equity for _, equity in days])


def every_day(
    known: Iterable[tuple[int, Decimal]], start: int, end: int, initial: Decimal
) -> list[tuple[int, Decimal]]:
    """The equity at the end of each UTC day of a stretch; of a day without one the last known, at first the initial."""
    equity = dict(known)
    days, latest = [], initial
    for day in range(start // NS_PER_DAY, -(-end // NS_PER_DAY)):
        latest = equity.get(day, latest)
        days.append((day, latest))
    return days


def _cut(stream: CandleColumns, start: int, end: int, lead: int) -> CandleColumns:
    times = stream.ts
    if not bool((times[1:] > times[:-1]).all()):
        raise DataError(f"the candles of {stream.symbol} are not in order of time; kedge data check says where")
    first, last = (int(np.searchsorted(times, moment, "left")) for moment in (start, end))
    return stream[max(0, first - lead) : max(first, last)]
