"""Combinatorial purged cross-validation: many out-of-sample paths through one history.

López de Prado, "Advances in Financial Machine Learning", Wiley 2018, chapters 7 and 12. The periods are cut into N
groups in order; each of the C(N, k) ways to choose k of them is a split: chosen groups test, the others train. Every
period is tested in C(N - 1, k - 1) splits, and so the tests can be put together to as many whole paths
φ = C(N, k) k / N, each of which tests every period exactly once.

Training periods that touch a test are left out. *Purging*: `purge` periods on both sides of a test, because what is
decided there may still be open in it. *Embargo*: `embargo` more after it, because returns remember.

For strategies the training is the choice of the best trial: `paths_of` picks, in each split, the trial with the
best Sharpe ratio in training and takes its returns in the tested groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
from msgspec import Struct

from kedge.model.errors import DataError
from kedge.research.statistics.moments import Floats, Integers, checked, sharpes


class Split(Struct, frozen=True, eq=False):
    """One split: which groups test, the periods that train, and the periods of each tested group in order."""

    groups: tuple[int, ...]
    train: Integers
    tests: tuple[Integers, ...]


class CombinatorialPurgedSplits(Struct, frozen=True):
    """How to split: `groups` in all, of which `tested` test; `purge` and `embargo` in periods."""

    groups: int = 6
    tested: int = 2
    purge: int = 0
    embargo: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.tested < self.groups:
            raise DataError(
                f"{self.tested} of {self.groups} groups cannot test; test one at least and leave one to train"
            )
        if self.purge < 0 or self.embargo < 0:
            raise DataError(f"purge is {self.purge} and embargo {self.embargo} periods; neither may be below zero")

    @property
    def splits(self) -> int:
        """C(groups, tested)."""
        return comb(self.groups, self.tested)

    @property
    def paths(self) -> int:
        """How many whole paths the tested groups make."""
        return self.splits * self.tested // self.groups

    def split(self, periods: int) -> Iterator[Split]:
        """Every split of a history of so many periods; a split that purging leaves nothing to train on is a `DataError`."""
        if periods < self.groups:
            raise DataError(f"{periods} periods make no {self.groups} groups; give a longer history or fewer groups")
        pieces = np.array_split(np.arange(periods), self.groups)
        for chosen in combinations(range(self.groups), self.tested):
            free = np.ones(periods, np.bool_)
            for group in chosen:
                first, last = int(pieces[group][0]), int(pieces[group][-1])
                free[max(0, first - self.purge) : last + 1 + self.purge + self.embargo] = False
            train = np.flatnonzero(free)
            if not len(train):
                raise DataError(f"purge {self.purge} and embargo {self.embargo} leave nothing to train on; lower them")
            yield Split(chosen, train, tuple(pieces[group] for group in chosen))


def paths_of(returns: Floats, how: CombinatorialPurgedSplits) -> tuple[Floats, Integers]:
    """The out-of-sample returns of every path (paths x periods), and the trial chosen for each period of each.

    `returns` is a matrix of periods x trials. In each split the trial with the best Sharpe ratio over the training
    periods is chosen; of equal ones the first.
    """
    matrix = checked(returns, columns=True)
    periods = len(matrix)
    paths = np.full((how.paths, periods), np.nan)
    chosen = np.full((how.paths, periods), -1, np.int64)
    used = [0] * how.groups
    for split in how.split(periods):
        best = int(sharpes(matrix[split.train]).argmax())
        for group, test in zip(split.groups, split.tests, strict=True):
            paths[used[group], test] = matrix[test, best]
            chosen[used[group], test] = best
            used[group] += 1
    assert used == [how.paths] * how.groups, "every group is tested once a path"
    return paths, chosen
