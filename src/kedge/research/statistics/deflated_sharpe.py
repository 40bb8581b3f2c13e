"""The deflated Sharpe ratio: the probabilistic one, held against what the best of N tries without skill would show.

Bailey & López de Prado, "The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting and
Non-Normality", Journal of Portfolio Management 40(5), 2014. If N strategies have no skill and their Sharpe ratios
vary with V, the largest is expected to be

    S0 = √V ( (1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e)) ),    γ = 0.5772... (Euler-Mascheroni)

and DSR = PSR(S0). The honest N is every trial ever made on the data, which is why there is a registry of them
(`kedge.storage.trials`). Trials that resemble each other count in full here: N is then too large and the figure too
strict, which is the safe side.
"""

from __future__ import annotations

import math

from kedge.model.errors import DataError
from kedge.research.statistics.moments import Moments
from kedge.research.statistics.probabilistic_sharpe import NORMAL, probabilistic_sharpe_ratio

EULER_MASCHERONI = 0.5772156649015329


def expected_maximum_sharpe(trials: int, variance: float) -> float:
    """The Sharpe ratio that the best of `trials` without skill is expected to show, of one period.

    `variance` is that of the trials' Sharpe ratios (of one period, n - 1). A single trial selects nothing: zero.
    """
    if trials < 1:
        raise DataError(f"the number of trials is {trials}; it is 1 at least, the one that is judged")
    if not 0.0 <= variance < math.inf:
        raise DataError(
            f"the variance of the trials' Sharpe ratios is {variance}; it must be finite and not below zero"
        )
    if trials == 1:
        return 0.0
    first, second = NORMAL.inv_cdf(1.0 - 1.0 / trials), NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)


def deflated_sharpe_ratio(found: Moments, trials: int, variance: float) -> float | None:
    """The probability that the true Sharpe ratio is above zero, selection among `trials` taken into account.

    `None` where the probabilistic Sharpe ratio is not defined.
    """
    return probabilistic_sharpe_ratio(found, expected_maximum_sharpe(trials, variance))
