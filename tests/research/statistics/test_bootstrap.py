"""The stationary bootstrap and the tests built on it: against a walk written out, and against their null hypothesis."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kedge.model.errors import DataError
from kedge.research.statistics.bootstrap import growth_bands, mean_block_of, resampled_indices
from kedge.research.statistics.reality_check import reality_check


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.floats(1.0, 20.0))
def test_a_resample_goes_on_or_jumps(seed: int, periods: int, mean_block: float) -> None:
    """The same draws, walked one step at a time."""
    found = resampled_indices(periods, 5, mean_block, np.random.default_rng(seed))
    generator = np.random.default_rng(seed)
    jumps = generator.random((5, periods)) < 1 / mean_block
    starts = generator.integers(0, periods, (5, periods))
    for row in range(5):
        at = -1
        for place in range(periods):
            at = int(starts[row, place]) if place == 0 or jumps[row, place] else (at + 1) % periods
            assert found[row, place] == at


def test_blocks_have_the_mean_length_and_every_period_is_as_likely() -> None:
    drawn = resampled_indices(50, 4000, 5.0, np.random.default_rng(2))
    goes_on = ((drawn[:, 1:] - drawn[:, :-1]) % 50 == 1).mean()
    assert goes_on == pytest.approx(0.8 + 0.2 / 50, abs=0.005)
    counts = np.bincount(drawn.ravel(), minlength=50)
    assert counts.min() > 0.95 * counts.mean()
    assert counts.max() < 1.05 * counts.mean()


def test_bands_hold_what_they_say_and_are_seeded() -> None:
    returns = np.random.default_rng(3).normal(0.001, 0.02, 250)
    bands = growth_bands(returns, samples=2000, seed=5)
    assert bands.paths.shape == (5, 251)
    assert (bands.paths[:, 0] == 1.0).all()
    assert (np.diff(bands.paths, axis=0) >= 0).all()
    assert bands.paths.tolist() == growth_bands(returns, samples=2000, seed=5).paths.tolist()
    assert bands.paths.tolist() != growth_bands(returns, samples=2000, seed=6).paths.tolist()
    # Independent days: the logarithm of growth is nearly normal, with mean and variance of the sample times the days.
    logs = np.log1p(returns)
    spread = logs.std() * math.sqrt(250)
    expected = [math.exp(logs.sum() + spread * stats.norm.ppf(level)) for level in bands.levels]
    assert bands.paths[:, -1] == pytest.approx(expected, rel=0.08)


def plain_check(excess: np.ndarray, samples: int, seed: int, block: float) -> dict[str, float]:
    """White and Hansen with loops, over the same resamples."""
    periods, trials = excess.shape
    drawn = resampled_indices(periods, samples, block, np.random.default_rng(seed))
    means = [float(np.mean(excess[:, k])) for k in range(trials)]
    again = [[float(np.mean(excess[drawn[b], k])) for k in range(trials)] for b in range(samples)]
    root = math.sqrt(periods)
    omega = [
        root * math.sqrt(sum((again[b][k] - means[k]) ** 2 for b in range(samples)) / samples) for k in range(trials)
    ]

    def g_consistent(k: int) -> float:
        bound = -math.sqrt(omega[k] ** 2 / periods * 2 * math.log(math.log(periods)))
        return means[k] if means[k] >= bound else 0.0

    nulls = {
        "lower": [max(mean, 0.0) for mean in means],
        "consistent": [g_consistent(k) for k in range(trials)],
        "upper": means,
    }
    observed = max(0.0, *(root * means[k] / omega[k] for k in range(trials)))
    found = {}
    for name, null in nulls.items():
        tops = [max(0.0, *(root * (row[k] - null[k]) / omega[k] for k in range(trials))) for row in again]
        found[name] = (1 + sum(top >= observed - 1e-9 for top in tops)) / (1 + samples)
    white = max(root * mean for mean in means)
    tops = [max(root * (row[k] - means[k]) for k in range(trials)) for row in again]
    found["white"] = (1 + sum(top >= white - 1e-9 for top in tops)) / (1 + samples)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_reality_check_and_spa_are_those_of_the_papers(seed: int) -> None:
    excess = np.random.default_rng(seed).normal([0.0, 0.001, -0.004], 0.01, (120, 3))
    check = reality_check(excess, samples=80, seed=seed, mean_block=3.0)
    found = {name: getattr(check, name) for name in ("white", "lower", "consistent", "upper")}
    assert found == pytest.approx(plain_check(excess, 80, seed, 3.0))
    assert check.lower <= check.consistent <= check.upper


def test_under_the_null_hypothesis_the_p_values_are_spread_evenly() -> None:
    p = []
    for seed in range(60):
        excess = np.random.default_rng(1000 + seed).normal(0.0, 0.01, (200, 5))
        p.append(reality_check(excess, samples=100, seed=seed, mean_block=1.0).white)
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_poor_trials_hide_a_good_one_from_white_but_hardly_from_hansen() -> None:
    generator = np.random.default_rng(4)
    excess = np.column_stack([generator.normal(0.0012, 0.01, 500), generator.normal(-0.01, 0.06, (500, 40))])
    check = reality_check(excess, samples=500, seed=1)
    assert check.consistent < 0.05 < check.white


def test_idle_trials_prove_nothing() -> None:
    check = reality_check(np.zeros((50, 3)), samples=50)
    assert (check.white, check.consistent) == (1.0, 1.0)


def test_bad_blocks_are_named() -> None:
    assert [mean_block_of(periods) for periods in (2, 1000)] == [1.0, 10.0]
    with pytest.raises(DataError, match="mean block"):
        reality_check(np.zeros((50, 3)), mean_block=0.5)
