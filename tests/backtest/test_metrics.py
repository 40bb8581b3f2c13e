"""Statistics against empyrical's (golden values), pandas' and scipy's, and where they are not defined."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kedge.backtest import metrics
from kedge.backtest.curve import EquityCurve
from kedge.backtest.result import BacktestResult
from kedge.model.instant import NS_PER_DAY

D = Decimal
GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "golden" / "metrics" / "golden.json").read_text(encoding="utf-8")
)


def held(closes: list[Decimal], initial: Decimal, first_day: int = 0) -> BacktestResult:
    """A result with one point a day."""
    points = [((first_day + number) * NS_PER_DAY + 7, close) for number, close in enumerate(closes)]
    return BacktestResult(initial, EquityCurve.of_points(initial, points), ())


@pytest.mark.parametrize("series", GOLDEN["series"], ids=lambda series: series["name"])
def test_every_figure_is_empyricals(series: dict[str, Any]) -> None:
    result = held([D(close) for close in series["closes"]], D(GOLDEN["initial"]), GOLDEN["first_day"])
    theirs = series["empyrical"]
    for name in ("cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown", "total_return"):
        assert float(getattr(result, name)) == pytest.approx(theirs[name], rel=1e-9), name
    ours = [[month.year, month.month, float(month.ratio)] for month in result.monthly_returns]
    assert [month[:2] for month in ours] == [month[:2] for month in theirs["monthly"]]
    assert [month[2] for month in ours] == pytest.approx([month[2] for month in theirs["monthly"]], rel=1e-9)


equities = st.lists(st.integers(1, 10**9).map(lambda cents: D(cents).scaleb(-2)), min_size=3, max_size=60)


@given(equities)
def test_daily_returns_and_volatility_are_pandas(closes: list[Decimal]) -> None:
    returns = metrics.daily_returns(list(enumerate(closes[1:])), closes[0])
    theirs = pd.Series([float(close) for close in closes]).pct_change().dropna()
    assert returns == pytest.approx(theirs.to_numpy())
    deviation = metrics.volatility(returns)
    assert deviation == pytest.approx(float(theirs.std()) * math.sqrt(365), rel=1e-6, abs=1e-12)


@given(equities.filter(lambda closes: len({*closes}) > 2))
def test_sharpe_is_the_t_statistic_of_the_mean(closes: list[Decimal]) -> None:
    """t = mean / (s / sqrt(n)), so Sharpe = t x sqrt(365 / n): scipy computes t."""
    returns = metrics.daily_returns(list(enumerate(closes[1:])), closes[0])
    ours = metrics.sharpe_ratio(returns)
    if ours is not None:
        t = stats.ttest_1samp(returns, 0.0).statistic
        assert ours == pytest.approx(t * math.sqrt(365 / len(returns)), rel=1e-6)


def test_days_without_data_return_nothing_and_the_next_one_all_of_it() -> None:
    returns = metrics.daily_returns([(10, D(110)), (13, D(121))], D(100))
    assert returns == pytest.approx([0.1, 0.0, 0.0, 0.1])


def test_after_a_total_loss_there_are_no_returns() -> None:
    returns = metrics.daily_returns([(0, D(50)), (1, D(-5)), (2, D(7)), (3, D(8))], D(100))
    assert returns == pytest.approx([-0.5, -1.1, 0.0, 0.0])
    assert metrics.cagr(D(100), D(0), 10) == pytest.approx(-1.0)


def test_what_is_not_defined_is_none() -> None:
    flat = np.full(30, 0.001)
    assert metrics.sharpe_ratio(flat) is None
    assert metrics.volatility(flat) == pytest.approx(0.0)
    assert metrics.sortino_ratio(flat) is None
    for returns in (np.empty(0), np.array([0.1])):
        assert metrics.sharpe_ratio(returns) is None
        assert metrics.sortino_ratio(returns) is None
        assert metrics.volatility(returns) is None
    assert metrics.cagr(D(1), D(2), 0) is None
    assert metrics.cagr(D(1), D(10), 1) is None
    assert metrics.calmar_ratio(0.5, D(0)) is None
    assert metrics.calmar_ratio(None, D("0.5")) is None
    assert metrics.profit_factor([D(1), D(0)]) is None
    assert metrics.mean([]) is None
    assert metrics.daily_returns([], D(1)).tolist() == []
    assert metrics.monthly_returns([], D(1)) == []


def test_growth_of_a_known_length() -> None:
    assert metrics.cagr(D(100), D(121), 730) == pytest.approx(0.1)
    assert metrics.calmar_ratio(0.1, D("0.2")) == pytest.approx(0.5)


def test_profit_factor_and_mean_are_exact() -> None:
    profits = [D("0.1"), D("0.2"), D("-0.1"), D(0)]
    assert metrics.profit_factor(profits) == D(3)
    assert metrics.mean(profits) == D("0.05")
    assert metrics.sum_exact([D("1e20"), D("1e-20")]) == D("100000000000000000000.00000000000000000001")


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 10**8)), min_size=1, max_size=80))
def test_months_chain_to_the_whole_and_are_pandas(given_days: list[tuple[int, int]]) -> None:
    days = [(day, D(cents).scaleb(-2)) for day, cents in sorted(dict(given_days).items())]
    months = metrics.monthly_returns(days, D(1000))
    growth = D(1)
    for month in months:
        growth *= 1 + month.ratio
    assert float(growth) == pytest.approx(float(days[-1][1] / 1000), rel=1e-9)
    index = pd.DatetimeIndex([datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day) for day, _ in days])
    closes = pd.Series([float(close) for _, close in days], index).groupby([index.year, index.month]).last()
    theirs = pd.concat([pd.Series([1000.0]), closes]).pct_change().dropna()
    assert [(month.year, month.month) for month in months] == list(closes.index)
    assert [float(month.ratio) for month in months] == pytest.approx(theirs.tolist(), rel=1e-9, abs=1e-12)
