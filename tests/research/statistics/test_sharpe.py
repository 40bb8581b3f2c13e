"""Probabilistic and deflated Sharpe ratio, minimum track record: the papers' own figures, and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from kedge.model.errors import DataError
from kedge.research.statistics.deflated_sharpe import deflated_sharpe_ratio, expected_maximum_sharpe
from kedge.research.statistics.moments import Moments, moments, sharpes
from kedge.research.statistics.probabilistic_sharpe import probabilistic_sharpe_ratio
from kedge.research.statistics.track_record import minimum_track_record

RETURNS = arrays(np.float64, st.integers(5, 60), elements=st.floats(-0.2, 0.2, allow_subnormal=False))


def of(sharpe: float, periods: int, skewness: float = 0.0, kurtosis: float = 3.0) -> Moments:
    return Moments(periods, sharpe, 1.0, skewness, kurtosis)


@given(RETURNS)
def test_moments_are_those_of_scipy(returns: np.ndarray) -> None:
    assume(returns.std() > 1e-6)
    found = moments(returns)
    assert found.mean == pytest.approx(returns.mean(), abs=1e-15)
    assert found.deviation == pytest.approx(returns.std(ddof=1))
    assert found.skewness == pytest.approx(stats.skew(returns), abs=1e-9)
    assert found.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))
    assert sharpes(returns[:, None])[0] == pytest.approx(found.sharpe)


def test_the_probabilistic_sharpe_ratio_of_the_paper() -> None:
    """Bailey & López de Prado 2012: a fund of 24 months at 0.458 a month is at 0.982 if normal, at 0.913 as it is."""
    assert probabilistic_sharpe_ratio(of(0.458, 24)) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe_ratio(of(0.458, 24, -2.448, 10.164)) == pytest.approx(0.913, abs=5e-4)


def test_the_minimum_track_records_of_the_paper() -> None:
    """The same paper: years until a Sharpe ratio of 2 is above 1 at 95%, by frequency; monthly also for hedge funds."""
    years = {}
    for name, a_year in (("daily", 252), ("weekly", 52), ("monthly", 12)):
        needed = minimum_track_record(of(2 / math.sqrt(a_year), 0), 1 / math.sqrt(a_year))
        assert needed is not None
        years[name] = needed / a_year
    assert years == pytest.approx({"daily": 2.73, "weekly": 2.83, "monthly": 3.24}, abs=0.005)
    hedge = minimum_track_record(of(2 / math.sqrt(12), 0, -0.72, 5.78), 1 / math.sqrt(12))
    assert hedge is not None
    assert hedge / 12 == pytest.approx(4.99, abs=0.005)


def test_the_deflated_sharpe_ratio_of_the_paper() -> None:
    """Bailey & López de Prado 2014: 2.5 a year over 5 years, best of 100 trials with a variance of 1/2 a year."""
    variance = 0.5 / 250
    found = of(2.5 / math.sqrt(250), 1250, -3.0, 10.0)
    assert expected_maximum_sharpe(100, variance) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe_ratio(found, 100, variance) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe_ratio(found, 46, variance) == pytest.approx(0.9505, abs=5e-5)


def test_the_expected_maximum_is_the_mean_of_the_largest_of_many_normal_draws() -> None:
    generator = np.random.default_rng(1)
    for trials in (10, 100):
        largest = generator.normal(0.0, 0.3, (4000, trials)).max(axis=1).mean()
        assert expected_maximum_sharpe(trials, 0.09) == pytest.approx(largest, rel=0.03)


@given(RETURNS, st.integers(1, 10_000), st.floats(0.0, 0.1))
def test_more_trials_never_make_a_result_more_believable(returns: np.ndarray, trials: int, variance: float) -> None:
    found = moments(returns)
    one, many = deflated_sharpe_ratio(found, trials, variance), deflated_sharpe_ratio(found, trials + 10, variance)
    if one is None:
        assert many is None
        return
    assert many is not None
    assert 0.0 <= many <= one <= 1.0
    assert deflated_sharpe_ratio(found, 1, variance) == probabilistic_sharpe_ratio(found)


@given(RETURNS, st.floats(0.6, 0.99))
def test_after_the_minimum_track_record_the_probability_is_the_confidence(
    returns: np.ndarray, confidence: float
) -> None:
    found = moments(returns)
    needed = minimum_track_record(found, 0.0, confidence)
    assume(needed is not None and needed > 2.0)
    assert needed is not None
    sharpe = found.sharpe
    assert sharpe is not None
    variance = 1 - found.skewness * sharpe + (found.kurtosis - 1) / 4 * sharpe**2
    assert stats.norm.cdf(sharpe * math.sqrt(needed - 1) / math.sqrt(variance)) == pytest.approx(confidence, abs=1e-9)


def test_what_is_not_defined_is_none() -> None:
    flat = moments(np.zeros(10))
    assert (flat.sharpe, probabilistic_sharpe_ratio(flat), minimum_track_record(flat)) == (None, None, None)
    assert minimum_track_record(of(-0.1, 100)) is None
    assert minimum_track_record(of(0.1, 100), 0.1) is None
    assert sharpes(np.full((10, 2), 0.01)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda: moments(np.array([0.1])), "two"),
        (lambda: moments(np.array([0.1, np.nan])), "finite"),
        (lambda: moments(np.zeros((3, 2))), "series"),
        (lambda: expected_maximum_sharpe(0, 0.1), "trials"),
        (lambda: expected_maximum_sharpe(2, -0.1), "variance"),
        (lambda: minimum_track_record(of(1, 9), 0.0, 1.0), "confidence"),
    ],
)
def test_bad_input_is_named(wrong: object, word: str) -> None:
    with pytest.raises(DataError, match=word):
        wrong()  # type: ignore[operator]
