"""Evidence: how much of a walk-forward is luck.

The stitched account is judged as a track record, deflated by every trial known on the data. The sets of parameters that
were compared out of sample give a matrix of returns, days x sets, from which come the probability of overfitting
(CSCV), the reality check and the purged paths. They answer different questions: whether the *choice among sets* carries
over (PBO), whether *any set* is better than cash (SPA), and how much the outcome depends on *which days* came when (paths).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from kedge.research.statistics.moments import Floats, sharpes
from kedge.research.statistics.overfitting import OverfittingReport, probability_of_overfitting
from kedge.research.statistics.purged import CombinatorialPurgedSplits, paths_of
from kedge.research.statistics.reality_check import RealityCheck, reality_check
from kedge.research.track_record import SEED, TrackRecord, annual, track_record
from kedge.research.walk_forward.result import WalkForwardResult
from kedge.research.walk_forward.search import Places

#: Blocks of CSCV, fewer where the days do not suffice for blocks of `BLOCK_DAYS_MIN`.
BLOCKS = 16
BLOCK_DAYS_MIN = 5
#: Groups of the purged paths, and how many of them test.
GROUPS, TESTED = 6, 2
#: The probability of overfitting from which a choice is not to be trusted.
PBO_MAX = 0.5


class Evidence(Struct, frozen=True, eq=False):
    """`record` is of the stitched account; the others are of the sets compared and `None` where there are too few."""

    record: TrackRecord | None
    sets: tuple[Places, ...]
    overfitting: OverfittingReport | None
    check: RealityCheck | None
    path_sharpes: Floats | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        pbo, check, paths = self.overfitting, self.check, self.path_sharpes
        return {
            "track_record": None if self.record is None else self.record.to_json(),
            "compared": len(self.sets),
            "probability_of_overfitting": None if pbo is None else pbo.probability,
            "probability_of_loss": None if pbo is None else pbo.loss_probability,
            "degradation_slope": None if pbo is None else pbo.slope,
            "splits": 0 if pbo is None else len(pbo.logits),
            "reality_check_p": None if check is None else check.white,
            "spa_p": None if check is None else check.consistent,
            "path_sharpe_ratios_annual": None if paths is None else [annual(float(each)) for each in paths],
        }


def evidence_of(
    result: WalkForwardResult, trials: int = 0, variance: float | None = None, seed: int = SEED
) -> Evidence:
    """Judge a walk-forward; `trials` and `variance` are what the registry knows of this data, this run included."""
    sets = tuple(result.compared)
    matrix = returns_of(result)
    known = sharpes(matrix) if len(matrix) > 1 else np.zeros(0)
    if variance is None and len(known) > 1:
        variance = float(known.var(ddof=1))
    record = track_record(result.account.daily_returns, max(trials, result.tried), variance, seed)
    if len(sets) < 2 or len(matrix) < 2 * GROUPS:
        return Evidence(record, sets, None, None, None)
    blocks = min(BLOCKS, len(matrix) // BLOCK_DAYS_MIN // 2 * 2)
    paths, _ = paths_of(matrix, CombinatorialPurgedSplits(GROUPS, TESTED, purge=1))
    return Evidence(
        record,
        sets,
        probability_of_overfitting(matrix, max(blocks, 2)),
        reality_check(matrix, seed=seed),
        sharpes(paths.T),
    )


def returns_of(result: WalkForwardResult) -> Floats:
    """Daily returns out of sample of every set compared, windows joined: days x sets."""
    columns = [np.concatenate([outcome.returns for outcome in outcomes]) for outcomes in result.compared.values()]
    return np.column_stack(columns)
