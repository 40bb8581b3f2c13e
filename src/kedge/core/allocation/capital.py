"""`CapitalAllocator`: how much money each strategy gets. Strategies that move together share one risk budget.

    weight x (1 - 0.5 x mean |correlation| with the others), scaled to one, capped, the excess redistributed

Two strategies that do the same are one bet in two hats: each gives up to half of its weight. The correlation is
Pearson's, of returns of the same days, and it is computed in `Decimal`, so that the same returns give the same money on
every machine and a decision made of it can be replayed. A strategy that did not vary moves with nobody.

Never more than the total is given out, and never more than the cap to one strategy. What cannot be placed stays in
cash, and `Allocation` says how much and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal, localcontext

from kedge.core.allocation.caps import capped, moved
from kedge.model.errors import ConfigError
from kedge.model.money import CENT_OF_NANO, EXACT, ONE, ZERO, canonical, decimal

#: What a strategy gives up of its weight when it is perfectly correlated with all others.
PENALTY = Decimal("0.5")

#: A ratio: of returns, of capital. A float is taken by its shortest text, since a ratio is no money.
Ratio = Decimal | int | str | float


class Allocation(dict[str, Decimal]):
    """Money by strategy, in the account's currency; `cash` is what is left of the total, `reasons` say why there is any."""

    def __init__(self, amounts: Mapping[str, Decimal], total: Decimal, reasons: Sequence[str] = ()) -> None:
        super().__init__(amounts)
        self.cash = EXACT.subtract(total, sum(amounts.values(), ZERO))
        self.reasons = tuple(reasons)


class CapitalAllocator:
    """Divides `total_capital` among strategies, at most `max_strategy_pct` of it (0.30 is 30%) to each.

    `turnover_max` bounds what one allocation may move, as a fraction of the total (money taken and money given both
    count); `None` is no bound.
    """

    def __init__(
        self,
        total_capital: Decimal | int | str,
        max_strategy_pct: Ratio = Decimal("0.30"),
        turnover_max: Ratio | None = None,
    ) -> None:
        self.total_capital = decimal(total_capital, "total_capital")
        if self.total_capital < ZERO:
            raise ConfigError(f"total_capital is {total_capital}; it must not be below zero")
        self.max_strategy_pct = _ratio(max_strategy_pct, "max_strategy_pct")
        if not ZERO < self.max_strategy_pct <= ONE:
            raise ConfigError(f"max_strategy_pct is {max_strategy_pct}; it must be > 0 and <= 1, such as 0.30")
        self.turnover_max = None if turnover_max is None else _ratio(turnover_max, "turnover_max")
        if self.turnover_max is not None and self.turnover_max < ZERO:
            raise ConfigError(f"turnover_max is {turnover_max}; it must not be below zero")

    def allocate(
        self,
        strategy_returns: Mapping[str, Sequence[Ratio]],
        weights: Mapping[str, Ratio] | None = None,
        current: Mapping[str, Decimal] | None = None,
    ) -> Allocation:
        """The money of each strategy in `strategy_returns`, whose returns are of the same periods.

        `weights` are what each would get without correlation, in any unit; equal where none are given. `current` is
        what each has now, for `turnover_max`.
        """
        returns = _series(strategy_returns)
        base = _weights(returns, weights)
        with localcontext(EXACT):
            adjusted = {
                name: weight * (ONE - PENALTY * _mean_absolute(name, returns)) if weight else ZERO
                for name, weight in base.items()
            }
        return self.place(adjusted, current)

    def place(self, weights: Mapping[str, Decimal], current: Mapping[str, Decimal] | None = None) -> Allocation:
        """The money of each strategy by weight alone, under the same caps; for weights that something else has found."""
        shares = capped(weights, self.max_strategy_pct)
        reasons = self._left_over(shares, weights)
        if current is not None and self.turnover_max is not None and self.total_capital:
            with localcontext(EXACT):
                before = {name: amount / self.total_capital for name, amount in current.items()}
            placed = moved(before, shares, self.max_strategy_pct, self.turnover_max)
            if placed != {**dict.fromkeys(placed, ZERO), **shares}:
                reasons.append(f"the turnover limit of {self.turnover_max} lets it go part of the way only")
            shares = placed
        with localcontext(EXACT):
            amounts = {
                name: (self.total_capital * share).quantize(CENT_OF_NANO, ROUND_DOWN) for name, share in shares.items()
            }
        assert sum(amounts.values(), ZERO) <= self.total_capital, "more than there is was given out"
        return Allocation(amounts, self.total_capital, reasons)

    def _left_over(self, shares: Mapping[str, Decimal], weights: Mapping[str, Decimal]) -> list[str]:
        if not any(weights.values()):
            return ["no strategy has a weight: all stays in cash"]
        at_cap = [name for name, share in shares.items() if share == self.max_strategy_pct]
        if EXACT.multiply(self.max_strategy_pct, Decimal(len(at_cap))) < ONE and len(at_cap) == sum(
            weight > ZERO for weight in weights.values()
        ):
            rest, cap = canonical(EXACT.subtract(ONE, sum(shares.values(), ZERO))), canonical(self.max_strategy_pct)
            return [f"{rest} of the capital stays in cash: each of {len(at_cap)} strategies is at its cap of {cap}"]
        return []


def correlation(first: Sequence[Decimal], second: Sequence[Decimal]) -> Decimal:
    """Pearson's correlation of two series of equal length, from -1 to 1; zero where one of them does not vary."""
    count = len(first)
    with localcontext(EXACT):
        mean_first, mean_second = sum(first, ZERO) / max(count, 1), sum(second, ZERO) / max(count, 1)
        around_first = [value - mean_first for value in first]
        around_second = [value - mean_second for value in second]
        together = sum((a * b for a, b in zip(around_first, around_second, strict=True)), ZERO)
        spread = sum((a * a for a in around_first), ZERO) * sum((b * b for b in around_second), ZERO)
        return max(-ONE, min(ONE, together / spread.sqrt())) if spread > ZERO else ZERO


def _mean_absolute(name: str, returns: Mapping[str, Sequence[Decimal]]) -> Decimal:
    """The mean of |correlation| of a strategy with each of the others."""
    others = [abs(correlation(returns[name], series)) for other, series in returns.items() if other != name]
    return sum(others, ZERO) / len(others) if others else ZERO


def _series(given: Mapping[str, Sequence[Ratio]]) -> dict[str, list[Decimal]]:
    if not given:
        raise ConfigError("there is no strategy to give capital to; name one at least, with its returns")
    found = {name: [_ratio(value, f"a return of {name}") for value in series] for name, series in given.items()}
    lengths = {len(series) for series in found.values()}
    if len(lengths) > 1:
        said = ", ".join(f"{name} {len(series)}" for name, series in found.items())
        raise ConfigError(f"the strategies have returns of different lengths ({said}); give those of the same days")
    return found


def _weights(returns: Mapping[str, Sequence[Decimal]], given: Mapping[str, Ratio] | None) -> dict[str, Decimal]:
    if given is None:
        return dict.fromkeys(returns, ONE)
    if given.keys() != returns.keys():
        odd = sorted(given.keys() ^ returns.keys())
        raise ConfigError(f"weights and returns do not name the same strategies: {', '.join(odd)}; give both of each")
    return {name: _ratio(given[name], f"the weight of {name}") for name in returns}


def _ratio(value: Ratio, what: str) -> Decimal:
    return decimal(repr(float(value)) if isinstance(value, float) else value, what)
