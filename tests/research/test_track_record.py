"""What is said of a track record, against scipy and the registry's figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from kedge.research.track_record import annual, track_record


def test_every_figure_is_the_formulas() -> None:
    returns = np.random.default_rng(1).normal(0.001, 0.01, 400)
    record = track_record(returns, trials=25, variance=0.002)
    assert record is not None
    sharpe = returns.mean() / returns.std(ddof=1)
    spread = 1 - stats.skew(returns) * sharpe + (stats.kurtosis(returns) + 2) / 4 * sharpe**2
    gamma = 0.5772156649
    best = math.sqrt(0.002) * ((1 - gamma) * stats.norm.ppf(1 - 1 / 25) + gamma * stats.norm.ppf(1 - 1 / (25 * math.e)))
    assert record.expected_best == pytest.approx(best)
    assert record.probabilistic == pytest.approx(stats.norm.cdf(sharpe * math.sqrt(399 / spread)))
    assert record.deflated == pytest.approx(stats.norm.cdf((sharpe - best) * math.sqrt(399 / spread)))
    assert record.days_needed == pytest.approx(1 + spread * (stats.norm.ppf(0.95) / sharpe) ** 2)
    plain = record.to_json()
    assert plain["sharpe_ratio_annual"] == pytest.approx(sharpe * math.sqrt(365)) == annual(sharpe)
    assert (plain["days"], plain["trials"], plain["significant"]) == (400, 25, record.significant)


def test_without_known_trials_the_variance_is_that_of_luck() -> None:
    record = track_record(np.random.default_rng(2).normal(0.0, 0.01, 101), trials=50)
    assert record is not None
    assert record.variance == 0.01
    assert not record.significant
    assert "Luck among 50 trials explains" in record.verdict


def test_skill_is_said_and_nothing_is_said_of_nothing() -> None:
    record = track_record(np.random.default_rng(3).normal(0.004, 0.01, 500))
    assert record is not None
    assert record.significant
    assert "the true Sharpe ratio is above zero" in record.verdict
    many = track_record(np.random.default_rng(3).normal(0.004, 0.01, 500), 10)
    assert many is not None
    assert "above what luck among 10 trials shows" in many.verdict
    assert track_record(np.zeros(2)) is None
    flat = track_record(np.zeros(10))
    assert flat is not None
    assert (flat.deflated, flat.days_needed, flat.significant) == (None, None, False)
    assert flat.to_json()["sharpe_ratio_annual"] is None
