"""The search: how one window's parameters are chosen in sample.

`grid` tries every combination. `optuna` tries `trials` of them, led by Optuna's tree-structured Parzen estimator
(Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011). The sampler and its settings are named here
outright, because Optuna's default has changed from one version to the next, and it is seeded, so that a second run
tries the same. It chooses places in the lists of values, which keep their order; a combination that does not fit the
strategy (fast >= slow) is a trial that failed and costs nothing but its number.

Of equal scores the first one tried wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from msgspec import Struct

from kedge.model.errors import ConfigError

METHODS = ("grid", "optuna")
#: Trials that Optuna draws at random before its model leads.
STARTUP_TRIALS = 10
#: Points that the model weighs at each of its suggestions.
CANDIDATES = 24

#: Values by name, each list in an order that means something.
Space = Mapping[str, Sequence[Any]]
#: One set of parameters: the place of each value in its list.
Places = tuple[int, ...]


class Search(Struct, frozen=True):
    """`method` is one of `METHODS`; `trials` and `seed` are Optuna's."""

    method: str = "grid"
    trials: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"search is {self.method!r}; it is one of {', '.join(METHODS)}")
        if self.trials < 1:
            raise ConfigError(f"trials is {self.trials}; it must be 1 at least")
        if self.method == "optuna":
            optuna()  # missing is better said before the work than in the middle of it


def space_of(grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]) -> tuple[Space, tuple[Places, ...]]:
    """The values of each name, and the sets to try: every combination (the last name varying fastest), or those listed."""
    if isinstance(grid, Mapping):
        space = {name: list(values) for name, values in grid.items()}
        empty = next((name for name, values in space.items() if not values), None)
        if empty is not None:
            raise ConfigError(f"the grid has no value for {empty}; give one at least")
        return space, tuple(product(*(range(len(values)) for values in space.values())))
    listed = list(grid)
    if not listed:
        raise ConfigError("the grid is empty; give at least one set of parameters")
    names = list(listed[0])
    found: dict[str, list[Any]] = {name: [] for name in names}
    for each in listed:
        if set(each) != set(names):
            raise ConfigError(
                f"the grid has the sets {dict(listed[0])} and {dict(each)}; name the same parameters in each"
            )
        for name in names:
            if each[name] not in found[name]:
                found[name].append(each[name])
    sets = (tuple(found[name].index(each[name]) for name in names) for each in listed)
    return found, tuple(dict.fromkeys(sets))


def parameters_at(space: Space, places: Places) -> dict[str, Any]:
    """The set of parameters at these places."""
    return {name: values[at] for (name, values), at in zip(space.items(), places, strict=True)}


def study(search: Search, space: Space, seed: int, score: Callable[[Places], float | None]) -> None:
    """Ask `score` for one set after another, each at most once; `None` says that the set does not fit the strategy."""
    module = optuna()
    module.logging.set_verbosity(module.logging.WARNING)
    sampler = module.samplers.TPESampler(
        seed=seed,
        n_startup_trials=STARTUP_TRIALS,
        n_ei_candidates=CANDIDATES,
        multivariate=False,
        group=False,
        constant_liar=False,
    )
    made = module.create_study(direction="maximize", sampler=sampler, pruner=module.pruners.NopPruner())
    known: dict[Places, float | None] = {}
    for _ in range(search.trials):
        trial = made.ask()
        places = tuple(trial.suggest_int(name, 0, len(values) - 1) for name, values in space.items())
        if places not in known:
            known[places] = score(places)
        found = known[places]
        if found is None or found == float("-inf"):
            made.tell(trial, state=module.trial.TrialState.FAIL)
        else:
            made.tell(trial, found)


def optuna() -> Any:
    """Optuna, or a `ConfigError` that says how to get it."""
    try:
        import optuna as found
    except ImportError:
        raise ConfigError("search optuna needs Optuna: install the extra kedge[research], or use search grid") from None
    return found
