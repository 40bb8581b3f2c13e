"""Is the best of many trials better than doing nothing? White's reality check and Hansen's test of superior ability.

White, "A Reality Check for Data Snooping", Econometrica 68(5), 2000; Hansen, "A Test for Superior Predictive
Ability", JBES 23(4), 2005. Both look at the largest of the trials' mean returns above a benchmark and ask how often it
would be as large if none had skill, resampling all trials together so that their likeness is kept.

    reality check   V = max √n d̄_k                  against  max √n (d̄*_k - d̄_k)
    SPA             T = max( max √n d̄_k / ω_k, 0 )   against  max( max √n (d̄*_k - g(d̄_k)) / ω_k, 0 )

d̄_k is the mean of trial k above the benchmark, d̄*_k that of a resample, ω_k the standard deviation of √n d̄_k under the
resampling. g is what each null hypothesis says a trial's true mean is: its own (upper: every trial is as good as the
benchmark), its own unless it is significantly worse (consistent: d̄_k >= -ω_k √(2 ln ln n / n), else 0), or at least
zero (lower). Poor trials therefore weigh on White's p-value and on the upper one, and hardly on the consistent one,
which is the one to read. A p-value is (1 + resamples as large) / (1 + resamples): never zero.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from kedge.research.statistics.bootstrap import CELLS_MAX, mean_block_of, resampled_indices
from kedge.research.statistics.moments import NOISE_UNITS, Floats, checked


class RealityCheck(Struct, frozen=True):
    """p-values of "the best of the trials is no better than the benchmark"; `best` is the column with the largest mean.

    `white` is the reality check; `lower`, `consistent` and `upper` are Hansen's three; `best_spa` is the column with
    the largest mean over its standard error.
    """

    trials: int
    periods: int
    samples: int
    mean_block: float
    seed: int
    best: int
    best_spa: int
    white: float
    lower: float
    consistent: float
    upper: float


def reality_check(excess: Floats, samples: int = 1000, seed: int = 0, mean_block: float | None = None) -> RealityCheck:
    """Test a matrix of returns above the benchmark, periods x trials (the benchmark is cash where nothing was taken off)."""
    matrix = checked(excess, columns=True)
    periods, trials = matrix.shape
    block = mean_block_of(periods) if mean_block is None else mean_block
    means = matrix.mean(axis=0)
    resampled = _resampled_means(matrix, samples, block, np.random.default_rng(seed))
    root = math.sqrt(periods)
    spread = root * np.sqrt(np.square(resampled - means).mean(axis=0))
    noise = NOISE_UNITS * np.finfo(np.float64).eps * root * np.abs(matrix).max(axis=0)
    alive = spread > noise
    scale = np.where(alive, spread, 1.0)
    studentized = np.where(alive, root * means / scale, 0.0)
    observed = max(float(studentized.max()), 0.0)
    white = _p_value(root * float(means.max()), root * (resampled - means).max(axis=1))
    threshold = -scale * math.sqrt(2.0 * math.log(math.log(max(periods, 3))) / periods)
    centres = {"lower": np.maximum(means, 0.0), "consistent": np.where(means >= threshold, means, 0.0), "upper": means}
    p = {
        name: _p_value(observed, np.maximum(np.where(alive, root * (resampled - centre) / scale, 0.0).max(axis=1), 0.0))
        for name, centre in centres.items()
    }
    return RealityCheck(
        trials, periods, samples, block, seed, int(means.argmax()), int(studentized.argmax()), white, **p
    )


def _resampled_means(matrix: Floats, samples: int, block: float, generator: np.random.Generator) -> Floats:
    """The mean of each trial in each resample: samples x trials. A resample is how often it drew each period."""
    periods, trials = matrix.shape
    found = np.empty((samples, trials))
    step = max(1, CELLS_MAX // periods)
    for first in range(0, samples, step):
        count = min(step, samples - first)
        drawn = resampled_indices(periods, count, block, generator)
        flat = (drawn + periods * np.arange(count)[:, None]).ravel()
        often = np.bincount(flat, minlength=count * periods).reshape(count, periods)
        found[first : first + count] = often @ matrix / periods
    return found


def _p_value(observed: float, resampled: Floats) -> float:
    tolerance = 1e-12 * max(1.0, abs(observed))  # what differs by rounding alone is as large
    return (1 + int((resampled >= observed - tolerance).sum())) / (1 + len(resampled))
