"""The stationary bootstrap: a series resampled in blocks of random length, so that dependence in time is kept.

Politis & Romano, "The Stationary Bootstrap", JASA 89, 1994. A resample walks through the series, wrapping round at the
end: it goes on to the next period with probability 1 - 1/L and jumps to one drawn at random with probability 1/L, so
that blocks have geometric lengths of mean L. L = 1 draws independently.

Without a better idea of the dependence, L = n^(1/3), the order at which the error of the bootstrap's variance is least
(the same paper, section 4). The generator is PCG64 with the seed given: equal seeds give equal figures.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from kedge.model.errors import DataError
from kedge.research.statistics.moments import Floats, Integers, checked

#: Indices drawn at a time, so that a long series and many samples stay within memory.
CELLS_MAX = 4_000_000


def mean_block_of(periods: int) -> float:
    """The mean length of blocks for a series of so many periods."""
    return max(1.0, float(round(float(periods) ** (1.0 / 3.0))))


def resampled_indices(periods: int, samples: int, mean_block: float, generator: np.random.Generator) -> Integers:
    """Indices of `samples` resamples of a series: a matrix, samples x periods."""
    if not mean_block >= 1.0:
        raise DataError(f"the mean block is {mean_block} periods; it must be 1 at least")
    jumps = generator.random((samples, periods)) < 1.0 / mean_block
    jumps[:, 0] = True
    starts = generator.integers(0, periods, (samples, periods))
    places = np.arange(periods)
    last = np.maximum.accumulate(np.where(jumps, places, 0), axis=1)  # where the block that we are in began
    found: Integers = (np.take_along_axis(starts, last, axis=1) + places - last) % periods
    return found


class Bands(Struct, frozen=True, eq=False):
    """Quantiles of resampled paths of growth, a row a level, a column a period; the first column is the start, 1."""

    levels: tuple[float, ...]
    paths: Floats
    samples: int
    mean_block: float
    seed: int


def growth_bands(
    returns: Floats, levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95), samples: int = 1000, seed: int = 0
) -> Bands:
    """How the same days might have come in another order: quantiles of growth, by day, over the resampled histories."""
    series = checked(returns)
    periods = len(series)
    block = mean_block_of(periods)
    generator = np.random.default_rng(seed)
    growth = np.ones((samples, periods + 1))
    step = max(1, CELLS_MAX // periods)
    for first in range(0, samples, step):
        part = slice(first, min(first + step, samples))
        drawn = resampled_indices(periods, part.stop - part.start, block, generator)
        growth[part, 1:] = np.cumprod(1.0 + series[drawn], axis=1)
    return Bands(levels, np.quantile(growth, levels, axis=0), samples, block, seed)
