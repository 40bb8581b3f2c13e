"""Sweep: a grid of parameters over one market, on one process or many, kept as it goes. See `evaluate` for one run.

    result = sweep(SmaCrossStrategy, market, {"fast": range(5, 50, 5), "slow": range(20, 200, 10)}, settings, jobs=2)
    result.best.parameters, result.best.sharpe_ratio

A run depends on nothing but its parameters, so who runs it and in which order changes no figure: one process, a pool or
a cluster (`crew`, `cluster`) give the same rows in the order of the grid, and so does a sweep that was killed and resumed
(`ledger`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import ConfigError, StrategyError
from kedge.research.crew import Alone, Crew, Job, Loader, Row, Workers, loaded
from kedge.research.evaluate import Evaluation, Parameters, Settings
from kedge.research.ledger import Ledger, digest_of
from kedge.research.market import Market

if TYPE_CHECKING:
    from kedge.research.evaluate import Floats

#: What runs can be ranked by: more is better.
OBJECTIVES = ("sharpe", "sortino", "return", "final_equity")

#: Parameter sets that are worked on at a time: enough to pay for the message, few enough to lose little.
CHUNK_MAX = 50


class SweepResult(Struct, frozen=True):
    """The runs of a sweep in the order of its grid, each a `Row`.

    `skipped` are parameter sets that do not fit each other. `run_seconds` is the time since this process began, `resumed`
    how many rows it found done.
    """

    evaluations: list[Row]
    initial_capital: Decimal
    objective: str = "sharpe"
    skipped: int = 0
    resumed: int = 0
    bars: int = 0
    run_seconds: float = 0.0

    def ranked(self) -> list[Row]:
        """Best first; what has no figure comes last, ties stay in the order of the grid."""
        return sorted(self.evaluations, key=lambda each: -score(each, self.objective))

    @property
    def best(self) -> Row:
        """The run with the highest objective."""
        return self.ranked()[0]

    def returns(self) -> Floats:
        """Daily returns, a column a run; where they were kept."""
        import numpy as np

        kept = [each.returns for each in self.evaluations]
        if any(each is None for each in kept):
            raise ConfigError("this sweep kept no daily returns; run it with keep_returns=True")
        return cast("Floats", np.column_stack(cast("Any", kept)))


def score(evaluation: Evaluation | Row, objective: str) -> float:
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
    """The parameter sets that the strategy takes; those that do not fit each other (fast >= slow) are left out.

    Where none does, what is wrong with the first is the error.
    """
    found = False
    first: StrategyError | None = None
    for parameters in grid:
        try:
            strategy(**parameters)
        except StrategyError as error:
            first = first or error
            continue
        found = True
        yield parameters
    if not found and first is not None:
        raise first


def sweep(  # noqa: PLR0913  (the settings of a sweep, by keyword)
    strategy: type[BaseStrategy] | Loader,
    market: Market,
    grid: Sequence[Parameters] | Mapping[str, Sequence[Any]],
    settings: Settings = Settings(),  # noqa: B008  (frozen)
    *,
    objective: str = "sharpe",
    jobs: int = 1,
    dask: str = "",
    out: Path | None = None,
    keep_returns: bool = False,
    advance: Callable[[int], None] | None = None,
) -> SweepResult:
    """Evaluate every parameter set of `grid` (a list of sets, or values by name) that fits the strategy.

    `strategy` is a class, or a function that loads one where workers cannot import it. `jobs` processes share the work,
    or the cluster whose scheduler `dask` names. With `out` rows are kept beside that file while the sweep goes on, a later
    call goes on from there, and at the end the file is the sweep as Parquet. `advance` is told how many runs were done.
    """
    from time import perf_counter

    began = perf_counter()
    if objective not in OBJECTIVES:
        raise ConfigError(f"objective is {objective!r}; it is one of {', '.join(OBJECTIVES)}")
    sets = grid_of(grid) if isinstance(grid, Mapping) else list(grid)
    if not sets:
        raise ConfigError("the grid is empty; give at least one set of parameters")
    found = loaded(strategy)
    chosen = list(fitting(found, sets))
    job = Job(strategy, market, settings, keep_returns)
    rows: dict[int, Row] = {}
    ledger = None
    if out is not None:
        if keep_returns:
            raise ConfigError(
                "a sweep that is written to a file keeps no daily returns; leave out or keep_returns away"
            )
        ledger = Ledger(out, digest_of(found, market, settings, chosen))
        rows = ledger.resume()
    resumed = len(rows)
    if advance is not None and resumed:
        advance(resumed)
    missing = [n for n in range(len(chosen)) if n not in rows]
    with closing(ledger) if ledger is not None else nullcontext(), crew_of(job, jobs, dask) as crew:
        for numbers, done in crew.work(chunks(missing, chosen, crew.hands)):
            rows |= zip(numbers, done, strict=True)
            if ledger is not None:
                ledger.keep(numbers, done)
            if advance is not None:
                advance(len(done))
        ordered = [rows[n] for n in range(len(chosen))]
        if ledger is not None:
            ledger.finish(ordered, found)
    seconds = perf_counter() - began
    return SweepResult(
        ordered, settings.initial_capital, objective, len(sets) - len(chosen), resumed, len(market), seconds
    )


def crew_of(job: Job, jobs: int, dask: str) -> Crew:
    """Who does the work: a cluster, a pool, or this process."""
    if dask:
        from kedge.research.cluster import Cluster

        return Cluster(job, dask)
    if jobs < 1:
        raise ConfigError(f"jobs is {jobs}; it must be 1 or more")
    return Alone(job) if jobs == 1 else Workers(job, jobs)


def chunks(numbers: Sequence[int], sets: Sequence[Parameters], hands: int) -> list[tuple[list[int], list[Parameters]]]:
    """The numbers to work on with their sets, cut so that every hand gets several and none waits long for the last."""
    size = max(1, min(CHUNK_MAX, len(numbers) // (4 * hands)))
    parts = [list(numbers[at : at + size]) for at in range(0, len(numbers), size)]
    return [(part, [sets[n] for n in part]) for part in parts]
