"""The first four moments of a series of returns, and the Sharpe ratio they make.

The estimators are those of the papers that use them: the deviation of the Sharpe ratio is that of the sample (n - 1),
as everywhere in Kedge; skewness and kurtosis are the plain moment ratios of the whole series,

    skewness = m3 / m2^1.5        kurtosis = m4 / m2^2, 3 for a normal distribution        m_k = mean((r - mean)^k)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from kedge.model.errors import DataError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: A deviation below this many units in the last place of the largest return is rounding, not variation.
NOISE_UNITS = 4.0


class Moments(Struct, frozen=True):
    """Of `periods` returns; the deviation is that of a sample, kurtosis is not in excess of the normal's 3."""

    periods: int
    mean: float
    deviation: float
    skewness: float
    kurtosis: float

    @property
    def sharpe(self) -> float | None:
        """Mean over deviation, of one period; `None` where nothing varies."""
        return self.mean / self.deviation if self.deviation else None


def moments(returns: Floats) -> Moments:
    """The moments of a series of at least two finite returns; `DataError` otherwise."""
    series = checked(returns)
    mean = float(series.mean())
    around = series - mean
    size = float(np.abs(around).max())
    noise = NOISE_UNITS * float(np.finfo(np.float64).eps) * float(np.abs(series).max())
    if size <= noise:
        return Moments(len(series), mean, 0.0, 0.0, 3.0)
    around /= size  # so that no power of a small return is lost
    second = float(np.square(around).mean())
    return Moments(
        periods=len(series),
        mean=mean,
        deviation=size * (second * len(series) / (len(series) - 1)) ** 0.5,
        skewness=float((around**3).mean()) / second**1.5,
        kurtosis=float((around**4).mean()) / second**2,
    )


def sharpes(returns: Floats) -> Floats:
    """The Sharpe ratio of each column of a matrix of returns (periods x trials); zero where nothing varies."""
    matrix = checked(returns, columns=True)
    deviation = matrix.std(axis=0, ddof=1)
    noise = NOISE_UNITS * np.finfo(np.float64).eps * np.abs(matrix).max(axis=0)
    alive = deviation > noise
    found: Floats = np.divide(matrix.mean(axis=0), deviation, out=np.zeros(matrix.shape[1]), where=alive)
    return found


def checked(returns: Floats, columns: bool = False) -> Floats:
    """Returns as an array of the wanted shape, finite and at least two; else a `DataError` that says what is wrong."""
    series = np.asarray(returns, np.float64)
    if series.ndim != (2 if columns else 1):
        shape = "a matrix of periods x trials" if columns else "a series"
        raise DataError(f"returns have the shape {series.shape}; give {shape}")
    if series.shape[0] < 2 or (columns and series.shape[1] < 1):
        raise DataError(f"there are {series.shape[0]} periods of returns; a statistic needs two at least")
    if not bool(np.isfinite(series).all()):
        raise DataError("returns hold a value that is not finite; leave the days without a return out, or make them 0")
    return series
