"""CSCV against a plain reading of the paper, on luck and on skill."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kedge.model.errors import DataError
from kedge.research.statistics.deflated_sharpe import deflated_sharpe_ratio
from kedge.research.statistics.moments import moments, sharpes
from kedge.research.statistics.overfitting import probability_of_overfitting
from kedge.research.statistics.reality_check import reality_check


def walks(seed: int, periods: int = 1000, trials: int = 200) -> np.ndarray:
    """Daily returns of strategies without any skill."""
    drawn: np.ndarray = np.random.default_rng(seed).normal(0.0, 0.01, (periods, trials))
    return drawn


def by_the_book(returns: np.ndarray, blocks: int) -> list[float]:
    """The logits, step by step as the paper says them, with scipy's ranks."""
    size = len(returns) // blocks
    pieces = np.split(returns[len(returns) - size * blocks :], blocks)
    logits = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([pieces[at] for at in chosen])
        outside = np.concatenate([pieces[at] for at in range(blocks) if at not in chosen])
        seen = inside.mean(axis=0) / inside.std(axis=0, ddof=1)
        unseen = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        share = stats.rankdata(unseen)[int(seen.argmax())] / (returns.shape[1] + 1)
        logits.append(math.log(share / (1 - share)))
    return logits


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(20, 60), st.integers(2, 6), st.sampled_from([2, 4, 6]))
def test_logits_are_those_of_the_paper(seed: int, periods: int, trials: int, blocks: int) -> None:
    returns = walks(seed, periods, trials)
    report = probability_of_overfitting(returns, blocks)
    expected = by_the_book(returns, blocks)
    assert report.logits == pytest.approx(np.array(expected))
    assert report.probability == np.mean(np.array(expected) <= 0)
    assert report.periods == periods // blocks * blocks


def test_luck_is_seen_as_luck() -> None:
    """200 random walks, three times: PBO near one half, the best one's Sharpe ratio not significant once deflated."""
    probabilities, deflated, p_values = [], [], []
    for seed in range(3):
        returns = walks(seed)
        probabilities.append(probability_of_overfitting(returns, 14).probability)
        all_of_them = sharpes(returns)
        best = moments(returns[:, int(all_of_them.argmax())])
        deflated.append(deflated_sharpe_ratio(best, 200, float(all_of_them.var(ddof=1))))
        p_values.append(reality_check(returns, samples=200, seed=seed).consistent)
    assert 0.4 < np.mean(probabilities) < 0.6
    assert all(value is not None and value < 0.9 for value in deflated)
    assert np.median(p_values) > 0.1


def test_a_planted_edge_is_seen_as_skill() -> None:
    """One of the 200 earns a fifth of its deviation a day: it wins nearly everywhere, and survives every correction."""
    for seed in range(2):
        returns = walks(seed)
        returns[:, 77] += 0.002
        report = probability_of_overfitting(returns)
        assert report.probability < 0.05
        assert np.bincount(report.winners).argmax() == 77
        assert report.loss_probability < 0.05
        all_of_them = sharpes(returns)
        best = moments(returns[:, 77])
        found = deflated_sharpe_ratio(best, 200, float(all_of_them.var(ddof=1)))
        assert found is not None
        assert found > 0.95
        check = reality_check(returns, samples=300, seed=seed)
        assert check.best == check.best_spa == 77
        assert max(check.white, check.consistent) < 0.05


def test_trials_that_are_all_alike_are_no_better_than_chance() -> None:
    one = walks(3, 160, 1)
    report = probability_of_overfitting(np.repeat(one, 5, axis=1), 4)
    assert report.logits.tolist() == [0.0] * 6
    assert report.probability == 1.0


def test_an_idle_trial_is_not_mistaken_for_a_good_one() -> None:
    returns = walks(1, 320, 3) - 0.002
    returns[:, 1] = 0.0
    report = probability_of_overfitting(returns, 8)
    assert set(report.winners.tolist()) == {1}
    assert report.out_of_sample.tolist() == [0.0] * 70


def test_ten_thousand_trials_stay_within_memory_and_agree_with_the_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    returns = walks(9, 64, 40)
    whole = probability_of_overfitting(returns, 8)
    monkeypatch.setattr("kedge.research.statistics.overfitting.CELLS_MAX", 40)
    pieces = probability_of_overfitting(returns, 8)
    assert whole.logits.tolist() == pieces.logits.tolist()


@pytest.mark.parametrize(
    ("periods", "trials", "blocks", "word"),
    [(100, 1, 4, "two at least"), (100, 3, 5, "even"), (100, 3, 22, "even"), (10, 3, 8, "blocks")],
)
def test_bad_input_is_named(periods: int, trials: int, blocks: int, word: str) -> None:
    with pytest.raises(DataError, match=word):
        probability_of_overfitting(walks(0, periods, trials), blocks)
