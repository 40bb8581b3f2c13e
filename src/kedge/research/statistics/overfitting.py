"""The probability of backtest overfitting, by combinatorially symmetric cross-validation (CSCV).

Bailey, Borwein, López de Prado & Zhu, "The Probability of Backtest Overfitting", Journal of Computational Finance
20(4), 2017. The returns of N trials over T periods are cut into S blocks of equal length. For each of the C(S, S/2)
ways to choose half of the blocks, the trial that is best there (in sample) is looked up in the other half (out of
sample): its relative rank ω = rank / (N + 1), the logit λ = ln(ω / (1 - ω)). Then

    PBO = share of the splits with λ <= 0: the winner did no better than the median afterwards.

Without skill it is about one half; near zero the selection means something. Where T is not a multiple of S the oldest
periods are left out. The measure of performance is the Sharpe ratio; equal ones share their mean rank, so that trials
that are all alike are judged as no better than chance.

Block sums of r and r² are all that a Sharpe ratio of any union of blocks needs, so a thousand trials take a second.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from msgspec import Struct

from kedge.model.errors import DataError
from kedge.research.statistics.moments import NOISE_UNITS, Floats, Integers, checked

#: Splits computed at a time, so that ten thousand trials stay within memory: at most this many cells of a matrix.
CELLS_MAX = 4_000_000


class OverfittingReport(Struct, frozen=True, eq=False):
    """One entry a split: which trial won in sample, its Sharpe ratios on both sides, its logit out of sample.

    `probability` is the PBO; `loss_probability` the share of splits in which the winner lost money out of sample.
    `slope` is of the line that fits Sharpe out of sample to Sharpe in sample: below zero, the better it looked the
    worse it did; `None` where all winners looked alike.
    """

    trials: int
    periods: int
    blocks: int
    winners: Integers
    in_sample: Floats
    out_of_sample: Floats
    logits: Floats

    @property
    def probability(self) -> float:
        """Share of the splits whose winner did no better than the median out of sample."""
        return float((self.logits <= 0.0).mean())

    @property
    def loss_probability(self) -> float:
        """Share of the splits whose winner had a Sharpe ratio below zero out of sample."""
        return float((self.out_of_sample < 0.0).mean())

    @property
    def slope(self) -> float | None:
        """Performance degradation: least squares, out of sample over in sample."""
        around = self.in_sample - self.in_sample.mean()
        spread = float(around @ around)
        return float(around @ self.out_of_sample) / spread if spread > 0.0 else None


def probability_of_overfitting(returns: Floats, blocks: int = 16) -> OverfittingReport:
    """CSCV over a matrix of returns, periods x trials; `blocks` is even and gives C(blocks, blocks / 2) splits."""
    matrix = checked(returns, columns=True)
    periods, trials = matrix.shape
    if blocks < 2 or blocks % 2 or blocks > 20:
        raise DataError(f"blocks is {blocks}; it must be even, from 2 to 20")
    size = periods // blocks
    if size < 2:
        raise DataError(
            f"{periods} periods make no {blocks} blocks of two and more; give a longer history or fewer blocks"
        )
    if trials < 2:
        raise DataError("the probability of overfitting compares trials; give the returns of two at least")
    cut = matrix[periods - size * blocks :].reshape(blocks, size, trials)
    sums, squares, peaks = cut.sum(axis=1), np.square(cut).sum(axis=1), np.abs(cut).max(axis=1)
    chosen = _halves(blocks)
    count = len(chosen)
    winners, logits = np.empty(count, np.int64), np.empty(count)
    inside, outside = np.empty(count), np.empty(count)
    step = max(1, CELLS_MAX // trials)
    half = size * blocks // 2
    for first in range(0, count, step):
        part = slice(first, min(first + step, count))
        mask = chosen[part]
        seen = _sharpes(mask @ sums, mask @ squares, peaks.max(axis=0), half)
        unseen = _sharpes((1.0 - mask) @ sums, (1.0 - mask) @ squares, peaks.max(axis=0), half)
        best = seen.argmax(axis=1)
        rows = np.arange(len(mask))
        own = unseen[rows, best]
        below = (unseen < own[:, None]).sum(axis=1)
        equal = (unseen == own[:, None]).sum(axis=1)
        rank = below + (equal + 1) / 2.0
        share = rank / (trials + 1)
        winners[part], inside[part], outside[part] = best, seen[rows, best], own
        logits[part] = np.log(share / (1.0 - share))
    return OverfittingReport(trials, size * blocks, blocks, winners, inside, outside, logits)


def _halves(blocks: int) -> Floats:
    """Every choice of half of the blocks, as rows of zeros and ones."""
    rows = np.zeros((comb(blocks, blocks // 2), blocks))
    for at, half in enumerate(combinations(range(blocks), blocks // 2)):
        rows[at, list(half)] = 1.0
    return rows


def _sharpes(sums: Floats, squares: Floats, peaks: Floats, count: int) -> Floats:
    """Sharpe ratios from Σr and Σr² of `count` periods each; zero where nothing varies beyond rounding."""
    mean = sums / count
    variance = np.maximum(squares / count - mean * mean, 0.0) * (count / (count - 1))
    noise = NOISE_UNITS * np.sqrt(np.finfo(np.float64).eps) * peaks  # a difference of squares keeps half the digits
    alive = variance > np.square(noise)
    deviation = np.sqrt(variance, where=alive, out=np.ones_like(variance))
    found: Floats = np.where(alive, mean / deviation, 0.0)
    return found
