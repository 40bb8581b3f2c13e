"""Capital by the covariance of the strategies' returns: three classical ways, long only and under caps.

    equal_risk         every strategy contributes the same risk (Maillard, Roncalli & Teiletche, "The Properties of
                       Equally Weighted Risk Contribution Portfolios", JPM 36(4), 2010)
    hierarchical       hierarchical risk parity: risk is shared out down a tree of what moves together (López de Prado,
                       "Building Diversified Portfolios that Outperform Out of Sample", JPM 42(4), 2016)
    minimum_variance   the least variance there is

The first and the last use a covariance that is shrunk towards a plain one (Ledoit & Wolf, "A Well-Conditioned Estimator
for Large-Dimensional Covariance Matrices", JMVA 88(2), 2004), because the sample's is noise where strategies are many
and days are few. Weights are found by skfolio (the extra `research`) as floats; the money is given out by
`kedge.core.allocation.capital`, exactly, with its caps, its turnover limit and its cash.

A strategy whose returns never varied has no risk to weigh it by, and gets nothing; `Allocation.reasons` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from kedge.core.allocation.capital import Allocation, CapitalAllocator
from kedge.model.errors import ConfigError, DataError
from kedge.model.money import EXACT, ONE, ZERO
from kedge.research.statistics.moments import NOISE_UNITS, Floats, checked

#: Returns of the same periods, by strategy.
Returns = Mapping[str, Sequence[Any]]


def allocate_by(
    method: str, allocator: CapitalAllocator, strategy_returns: Returns, current: Mapping[str, Decimal] | None = None
) -> Allocation:
    """The money of each strategy by one of `METHODS`, under the allocator's total, cap and turnover limit."""
    if method not in METHODS:
        raise ConfigError(f"the method of allocation is {method!r}; it is one of {', '.join(METHODS)}")
    if not strategy_returns:
        raise ConfigError("there is no strategy to give capital to; name one at least, with its returns")
    names, matrix = list(strategy_returns), _matrix(strategy_returns)
    noise = NOISE_UNITS * np.finfo(np.float64).eps * np.abs(matrix).max(axis=0)
    alive = [name for name, spread in zip(names, matrix.std(axis=0) > noise, strict=True) if spread]
    idle = [name for name in names if name not in alive]
    weights = dict.fromkeys(names, ZERO)
    if alive:
        found = _weights(METHODS[method], matrix[:, [names.index(name) for name in alive]], allocator.max_strategy_pct)
        weights |= dict(zip(alive, found, strict=True))
    placed = allocator.place(weights, current)
    if not idle:
        return placed
    said = f"nothing for {', '.join(idle)}: returns that never varied have no risk to be weighed by"
    return Allocation(placed, allocator.total_capital, (*placed.reasons, said))


def _weights(fit: Callable[[Floats, float], Floats], matrix: Floats, cap: Decimal) -> list[Decimal]:
    """Weights under the cap; where the caps together are no more than the whole, each is at its cap."""
    count = matrix.shape[1]
    if count == 1 or EXACT.multiply(cap, Decimal(count)) <= ONE:
        return [ONE] * count
    return [max(Decimal(repr(float(weight))), ZERO) for weight in fit(matrix, float(cap))]


def _equal_risk(matrix: Floats, cap: float) -> Floats:
    skfolio = _skfolio()
    model = skfolio.optimization.RiskBudgeting(
        risk_measure=skfolio.RiskMeasure.VARIANCE, prior_estimator=_shrunk(skfolio), min_weights=0.0, max_weights=cap
    )
    return _fitted(model, matrix)


def _hierarchical(matrix: Floats, cap: float) -> Floats:
    skfolio = _skfolio()
    model = skfolio.optimization.HierarchicalRiskParity(
        risk_measure=skfolio.RiskMeasure.VARIANCE, min_weights=0.0, max_weights=cap
    )
    return _fitted(model, matrix)


def _minimum_variance(matrix: Floats, cap: float) -> Floats:
    skfolio = _skfolio()
    model = skfolio.optimization.MeanRisk(
        objective_function=skfolio.optimization.ObjectiveFunction.MINIMIZE_RISK,
        risk_measure=skfolio.RiskMeasure.VARIANCE,
        prior_estimator=_shrunk(skfolio),
        min_weights=0.0,
        max_weights=cap,
    )
    return _fitted(model, matrix)


#: The ways, by name.
METHODS: dict[str, Callable[[Floats, float], Floats]] = {
    "equal_risk": _equal_risk,
    "hierarchical": _hierarchical,
    "minimum_variance": _minimum_variance,
}


def _shrunk(skfolio: Any) -> Any:
    return skfolio.prior.EmpiricalPrior(covariance_estimator=skfolio.moments.LedoitWolf())


def _fitted(model: Any, matrix: Floats) -> Floats:
    """The weights of a model; a solver that finds none is an error of the data."""
    from cvxpy.error import SolverError

    try:
        model.fit(matrix)
    except (SolverError, ValueError, np.linalg.LinAlgError) as error:
        raise DataError(
            f"no weights can be found for these returns ({error}); give more days, or another method"
        ) from error
    found = np.asarray(model.weights_, np.float64)
    if not bool(np.isfinite(found).all()):
        raise DataError("no weights can be found for these returns; give more days, or another method")
    return found


def _matrix(returns: Returns) -> Floats:
    lengths = {name: len(series) for name, series in returns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ConfigError(f"the strategies have returns of different lengths ({said}); give those of the same days")
    return checked(np.column_stack([[float(value) for value in series] for series in returns.values()]), columns=True)


def _skfolio() -> Any:
    """skfolio, or a `ConfigError` that says how to get it."""
    try:
        import skfolio
        import skfolio.moments
        import skfolio.optimization
        import skfolio.prior
    except ImportError:
        raise ConfigError("this method of allocation needs skfolio: install the extra kedge[research]") from None
    return skfolio
