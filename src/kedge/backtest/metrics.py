"""Statistics of a result: pure functions, each with its formula and where it comes from.

The calendar is that of the data: markets that never close. Returns are of **UTC days**, close to close, the first from
the initial capital; a day without data (a venue's outage, a weekend of other markets) returns zero. A year has 365 of
them. Zero-return days make the figures of a market with holidays come out right too: its variance is spread over more
days by as much as the year is longer.

Statistics are floats: they are no money. A figure that is not defined (too few days, no variation, nothing lost) is
`None`, never NaN and never infinite. Ratios of money are `Decimal`, rounded once to 28 digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from kedge.backtest.curve_fold import ratio
from kedge.model.money import EXACT, ZERO

Floats = npt.NDArray[np.float64]

#: A figure about returns or time: for people, never a price, quantity, fee or balance.
Statistic: TypeAlias = float

#: Days of a year in markets that never close.
DAYS_PER_YEAR = 365

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MonthlyReturn(Struct, frozen=True, gc=False):
    """The return of one UTC month, a part of one at the ends."""

    year: int
    month: int
    ratio: Decimal


def daily_returns(days: Sequence[tuple[int, Decimal]], initial: Decimal) -> Floats:
    """Simple returns of every UTC day from the first to the last, given the last equity of each day that has one.

    r(d) = E(d) / E(d-1) - 1, E(0) the initial capital. From a day on that ends with nothing left there is no return to
    speak of: what follows is zero.
    """
    if not days:
        return np.empty(0, np.float64)
    first = days[0][0]
    equity = np.full(days[-1][0] - first + 2, np.nan)
    equity[0] = float(initial)
    for day, close in days:
        equity[day - first + 1] = float(close)
    known = np.maximum.accumulate(np.where(np.isnan(equity), 0, np.arange(len(equity))))
    equity = equity[known]
    before = equity[:-1]
    alive = np.minimum.accumulate(before > 0.0)
    returns: Floats = np.divide(equity[1:] - before, before, out=np.zeros(len(before)), where=alive)
    return returns


def volatility(returns: Floats, periods: int = DAYS_PER_YEAR) -> float | None:
    """Annualized standard deviation: s x sqrt(periods), s with n - 1 (Sharpe 1966; Bessel's correction)."""
    deviation = _deviation(returns)
    return None if deviation is None else deviation * math.sqrt(periods)


def sharpe_ratio(returns: Floats, risk_free: float = 0.0, periods: int = DAYS_PER_YEAR) -> float | None:
    """mean(r - f) / s(r - f) x sqrt(periods), f per period (Sharpe, "The Sharpe Ratio", JPM 1994)."""
    excess = returns - risk_free
    deviation = _deviation(excess)
    return float(excess.mean()) / deviation * math.sqrt(periods) if deviation else None


def sortino_ratio(returns: Floats, target: float = 0.0, periods: int = DAYS_PER_YEAR) -> float | None:
    """mean(r - t) / d x sqrt(periods), d = sqrt(mean(min(r - t, 0)^2)) over all periods.

    Sortino & Price, "Performance Measurement in a Downside Risk Framework", Journal of Investing 1994.
    """
    if len(returns) < 2:
        return None
    excess = returns - target
    downside = math.sqrt(float(np.square(np.minimum(excess, 0.0)).mean()))
    return float(excess.mean()) / downside * math.sqrt(periods) if downside else None


def cagr(initial: Decimal, final: Decimal, days: int, days_per_year: int = DAYS_PER_YEAR) -> float | None:
    """Compound annual growth: (final / initial)^(year / days) - 1, in calendar days; -1 where nothing is left."""
    if days < 1:
        return None
    if final <= ZERO:
        return -1.0
    power = math.log(float(ratio(final, initial))) * days_per_year / days
    return math.expm1(power) if power < 700.0 else None


def calmar_ratio(growth: float | None, max_drawdown: Decimal) -> float | None:
    """Compound annual growth over the maximum drawdown of the whole run (Young, Futures 1991)."""
    return growth / float(max_drawdown) if growth is not None and max_drawdown else None


def profit_factor(profits: Sequence[Decimal]) -> Decimal | None:
    """Sum of the gains over the sum of the losses, by round trip; `None` where nothing was lost."""
    won = sum_exact([profit for profit in profits if profit > ZERO])
    lost = sum_exact([profit for profit in profits if profit < ZERO])
    return ratio(won, -lost) if lost else None


def mean(amounts: Sequence[Decimal]) -> Decimal | None:
    """The arithmetic mean; of the net profits of round trips it is the expectancy. `None` of nothing."""
    return ratio(sum_exact(amounts), Decimal(len(amounts))) if amounts else None


def monthly_returns(days: Sequence[tuple[int, Decimal]], initial: Decimal) -> list[MonthlyReturn]:
    """The return of each UTC month that has data, from the last equity before it (at first the initial capital)."""
    closes: dict[tuple[int, int], Decimal] = {}
    for day, close in days:
        date = _EPOCH + timedelta(days=day)
        closes[date.year, date.month] = close
    found = []
    before = initial
    for (year, month), close in closes.items():
        change = ratio(EXACT.subtract(close, before), before) if before > ZERO else ZERO
        found.append(MonthlyReturn(year, month, change))
        before = close
    return found


def sum_exact(amounts: Sequence[Decimal]) -> Decimal:
    """The sum, not rounded."""
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def _deviation(returns: Floats) -> float | None:
    """Sample standard deviation; `None` of fewer than two, zero where only rounding makes values differ."""
    if len(returns) < 2:
        return None
    deviation = float(returns.std(ddof=1))
    noise = 4.0 * float(np.finfo(np.float64).eps) * float(np.abs(returns).max())
    return deviation if deviation > noise else 0.0
