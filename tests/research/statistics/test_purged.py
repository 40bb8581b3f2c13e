"""Combinatorial purged cross-validation: the book's counts, skfolio's indices, and whole paths."""

from __future__ import annotations

import warnings
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kedge.model.errors import DataError
from kedge.research.statistics.purged import CombinatorialPurgedSplits, paths_of

SHAPES = st.tuples(st.integers(3, 7), st.integers(1, 6), st.integers(0, 3), st.integers(0, 3), st.integers(40, 90))


def test_the_counts_of_the_book() -> None:
    """López de Prado 2018, section 12.3: 6 groups of which 2 test make 15 splits and 5 paths."""
    how = CombinatorialPurgedSplits(6, 2)
    assert (how.splits, how.paths) == (15, 5)
    assert CombinatorialPurgedSplits(6, 1).paths == 1


@given(SHAPES)
def test_nothing_that_trains_touches_what_is_tested(shape: tuple[int, int, int, int, int]) -> None:
    groups, tested, purge, embargo, periods = shape
    assume(tested < groups)
    how = CombinatorialPurgedSplits(groups, tested, purge, embargo)
    assume(periods // groups * (groups - tested) > tested * (2 * purge + embargo))
    splits = list(how.split(periods))
    assert len(splits) == how.splits == comb(groups, tested)
    for split in splits:
        test = np.concatenate(split.tests)
        for place in split.train:
            assert not ((test >= place - purge - embargo) & (test < place)).any()
            assert not ((test >= place) & (test <= place + purge)).any()
        far = [at for at in range(periods) if not ((test >= at - purge - embargo) & (test <= at + purge)).any()]
        assert split.train.tolist() == far
    times = np.bincount(np.concatenate([np.concatenate(split.tests) for split in splits]), minlength=periods)
    assert set(times.tolist()) == {how.paths}


@pytest.mark.parametrize(("groups", "tested", "purge", "embargo"), [(6, 2, 0, 0), (6, 2, 3, 2), (8, 3, 1, 4)])
def test_the_same_tests_as_skfolio(groups: int, tested: int, purge: int, embargo: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skfolio.model_selection import CombinatorialPurgedCV
    periods = groups * 20
    theirs = CombinatorialPurgedCV(groups, tested, purged_size=purge, embargo_size=embargo)
    ours = list(CombinatorialPurgedSplits(groups, tested, purge, embargo).split(periods))
    found = list(theirs.split(np.zeros((periods, 2))))
    assert len(found) == len(ours)
    for split, (train, tests) in zip(ours, found, strict=True):
        assert split.train.tolist() == sorted(train.tolist())
        assert [each.tolist() for each in split.tests] == [each.tolist() for each in tests]


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_every_path_is_whole_and_is_what_the_chosen_trials_earned(seed: int) -> None:
    returns = np.random.default_rng(seed).normal(0.0, 0.01, (60, 4))
    paths, chosen = paths_of(returns, CombinatorialPurgedSplits(6, 2, purge=1))
    assert paths.shape == (5, 60)
    assert np.isfinite(paths).all()
    for path, trials in zip(paths, chosen, strict=True):
        assert path.tolist() == [returns[at, trial] for at, trial in enumerate(trials)]


def test_a_planted_edge_is_chosen_on_every_path() -> None:
    returns = np.random.default_rng(5).normal(0.0, 0.01, (600, 10))
    returns[:, 3] += 0.004
    _, chosen = paths_of(returns, CombinatorialPurgedSplits())
    assert set(chosen.ravel().tolist()) == {3}


@pytest.mark.parametrize(
    ("how", "word"),
    [
        (lambda: CombinatorialPurgedSplits(6, 6), "leave one"),
        (lambda: CombinatorialPurgedSplits(6, 2, purge=-1), "below zero"),
        (lambda: list(CombinatorialPurgedSplits(6, 2).split(5)), "groups"),
        (lambda: list(CombinatorialPurgedSplits(2, 1, purge=50).split(20)), "nothing to train on"),
    ],
)
def test_bad_input_is_named(how: object, word: str) -> None:
    with pytest.raises(DataError, match=word):
        how()  # type: ignore[operator]
