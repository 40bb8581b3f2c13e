"""Sweep: a grid of parameters over one market, in order, on one process or many. See `evaluate` for a single run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from msgspec import Struct

from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import ConfigError, StrategyError
from kedge.research.evaluate import Evaluation, Parameters, Settings, evaluate
from kedge.research.market import Market

#: What runs can be ranked by: more is better.
OBJECTIVES = ("sharpe", "sortino", "return", "final_equity")


class SweepResult(Struct, frozen=True):
    """The evaluations of a sweep, in the order of its grid. `skipped` are parameter sets that do not fit each other."""

    evaluations: list[Evaluation]
    objective: str = "sharpe"
    skipped: int = 0

    def ranked(self) -> list[Evaluation]:
        """Best first; what has no figure comes last, ties stay in the order of the grid."""
        return sorted(self.evaluations, key=lambda each: -score(each, self.objective))

    @property
    def best(self) -> Evaluation:
        """The evaluation with the highest objective."""
        return self.ranked()[0]


def score(evaluation: Evaluation, objective: str) -> float:
    """The figure that an objective ranks by; minus infinity where it is not defined."""
    if objective == "sharpe":
        found = evaluation.sharpe_ratio
    elif objective == "sortino":
        found = evaluation.sortino_ratio
    elif objective == "return":
        found = float(evaluation.total_return)
    elif objective == "final_equity":
        found = float(evaluation.final_equity)
    else:
        raise ConfigError(f"objective is {objective!r}; it is one of {', '.join(OBJECTIVES)}")
    return float("-inf") if found is None else found


def grid_of(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination, the last name varying fastest."""
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def fitting(strategy: type[BaseStrategy], grid: Sequence[Parameters]) -> Iterator[Parameters]:
    """The parameter sets that the strategy takes; those that do not fit each other (fast >= slow) are left out."""
    for parameters in grid:
        try:
            strategy(**parameters)
        except StrategyError:
            continue
        yield parameters


def sweep(
    strategy: type[BaseStrategy],
    market: Market,
    grid: Sequence[Parameters] | Mapping[str, Sequence[Any]],
    settings: Settings = Settings(),  # noqa: B008  (frozen)
    *,
    objective: str = "sharpe",
) -> SweepResult:
    """Evaluate every parameter set of `grid` (a list of sets, or values by name) that fits the strategy."""
    sets = grid_of(grid) if isinstance(grid, Mapping) else list(grid)
    chosen = list(fitting(strategy, sets))
    if not chosen:
        strategy(**sets[0])  # says what is wrong
    done = [evaluate(strategy, market, parameters, settings) for parameters in chosen]
    return SweepResult(done, objective, len(sets) - len(chosen))
