"""A track record, judged: is this Sharpe ratio skill, given its length, its shape and everything that was tried?

One value that holds what `kedge.research.statistics` says of a series of daily returns, so that the command line, the
JSON and the report show the same figures.

The variance of the trials' Sharpe ratios, which the deflation needs, is that of the trials themselves. Where fewer than
two are known it is 1 / (n - 1), which is what trials without skill vary by in a record of n independent days.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from kedge.backtest.metrics import DAYS_PER_YEAR
from kedge.research.statistics.bootstrap import Bands, growth_bands
from kedge.research.statistics.deflated_sharpe import deflated_sharpe_ratio, expected_maximum_sharpe
from kedge.research.statistics.moments import Floats, Moments, moments
from kedge.research.statistics.probabilistic_sharpe import probabilistic_sharpe_ratio
from kedge.research.statistics.track_record import minimum_track_record

#: Probability from which a figure counts as significant.
CONFIDENCE = 0.95
#: Days below which there is nothing to judge.
DAYS_MIN = 3
SEED = 20_140_707


class TrackRecord(Struct, frozen=True, eq=False):
    """What the statistics say of daily returns.

    Sharpe ratios are of one UTC day; `annual` makes one a year's. `probabilistic` is the chance that the true Sharpe
    ratio is above zero, `deflated` that chance after `trials`, whose best would show `expected_best` without skill.
    `days_needed` is the record at which a Sharpe ratio like this one is significant, trials aside; `None`: never.
    """

    moments: Moments
    trials: int
    variance: float
    expected_best: float
    probabilistic: float | None
    deflated: float | None
    days_needed: float | None
    bands: Bands

    @property
    def days(self) -> int:
        """Days of the record."""
        return self.moments.periods

    @property
    def significant(self) -> bool:
        """Whether the deflated Sharpe ratio is at the confidence wanted."""
        return self.deflated is not None and self.deflated >= CONFIDENCE

    @property
    def verdict(self) -> str:
        """One sentence for people."""
        if self.deflated is None:
            return "Nothing varied, so there is no Sharpe ratio to judge."
        chance, bar = f"{self.deflated:.1%}", f"{CONFIDENCE:.0%} is the usual bar"
        if self.trials == 1:
            return f"With {chance} probability the true Sharpe ratio is above zero; {bar}, for a single trial."
        if self.significant:
            return f"With {chance} probability the Sharpe ratio is above what luck among {self.trials:,} trials shows."
        return (
            f"Luck among {self.trials:,} trials explains it: the Sharpe ratio is above that with {chance} only; {bar}."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        found = self.moments
        return {
            "days": self.days,
            "sharpe_ratio_annual": None if found.sharpe is None else annual(found.sharpe),
            "skewness": found.skewness,
            "kurtosis": found.kurtosis,
            "probabilistic_sharpe_ratio": self.probabilistic,
            "trials": self.trials,
            "expected_best_sharpe_ratio_annual": annual(self.expected_best),
            "deflated_sharpe_ratio": self.deflated,
            "minimum_track_record_days": self.days_needed,
            "significant": self.significant,
            "verdict": self.verdict,
        }


def track_record(
    returns: Floats, trials: int = 1, variance: float | None = None, seed: int = SEED
) -> TrackRecord | None:
    """Judge daily returns that are the choice of `trials`; `None` where there are too few days to say anything."""
    if len(returns) < DAYS_MIN:
        return None
    found = moments(returns)
    spread = 1.0 / (found.periods - 1) if variance is None else variance
    return TrackRecord(
        moments=found,
        trials=trials,
        variance=spread,
        expected_best=expected_maximum_sharpe(trials, spread),
        probabilistic=probabilistic_sharpe_ratio(found),
        deflated=deflated_sharpe_ratio(found, trials, spread),
        days_needed=minimum_track_record(found, confidence=CONFIDENCE),
        bands=growth_bands(returns, seed=seed),
    )


def annual(sharpe: float) -> float:
    """A Sharpe ratio of one day as that of a year of days that never close."""
    return sharpe * math.sqrt(DAYS_PER_YEAR)


def daily(sharpe: float) -> float:
    """An annual Sharpe ratio as that of one day."""
    return sharpe / math.sqrt(DAYS_PER_YEAR)
