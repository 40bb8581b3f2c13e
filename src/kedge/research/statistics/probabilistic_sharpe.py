"""The probabilistic Sharpe ratio: the chance that the true Sharpe ratio is above a benchmark.

Bailey & López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012; the standard error is
that of Lo ("The Statistics of Sharpe Ratios", 2002) and Mertens (2002), which holds for returns that are not normal:

    PSR(S*) = Φ( (S - S*) √(n - 1) / √(1 - γ3 S + (γ4 - 1)/4 S²) )

with S the Sharpe ratio of one period, n the number of periods, γ3 the skewness and γ4 the kurtosis of the returns.
It assumes periods that are independent of each other; a record of overlapping or smoothed returns is worth less.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from kedge.research.statistics.moments import Moments

NORMAL = NormalDist()


def probabilistic_sharpe_ratio(found: Moments, benchmark: float = 0.0) -> float | None:
    """The probability, 0 to 1, that the true Sharpe ratio is above `benchmark` (both of one period).

    `None` where nothing varies, or where the moments are so extreme that the standard error is not defined.
    """
    sharpe = found.sharpe
    spread = sharpe_variance(found)
    if sharpe is None or spread is None:
        return None
    return NORMAL.cdf((sharpe - benchmark) * math.sqrt(found.periods - 1) / math.sqrt(spread))


def sharpe_variance(found: Moments) -> float | None:
    """(n - 1) times the variance of the estimate of the Sharpe ratio: 1 - γ3 S + (γ4 - 1)/4 S²; `None` if not positive."""
    sharpe = found.sharpe
    if sharpe is None:
        return None
    spread = 1.0 - found.skewness * sharpe + (found.kurtosis - 1.0) / 4.0 * sharpe * sharpe
    return spread if spread > 0.0 else None
