"""The minimum track record length: how many periods it takes before a Sharpe ratio is believable.

Bailey & López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012, solved for n:

    n* = 1 + (1 - γ3 S + (γ4 - 1)/4 S²) ( Φ⁻¹(confidence) / (S - S*) )²
"""

from __future__ import annotations

from kedge.model.errors import DataError
from kedge.research.statistics.moments import Moments
from kedge.research.statistics.probabilistic_sharpe import NORMAL, sharpe_variance


def minimum_track_record(found: Moments, benchmark: float = 0.0, confidence: float = 0.95) -> float | None:
    """Periods after which a Sharpe ratio as found is above `benchmark` with `confidence`; `None`: however long, never."""
    if not 0.5 <= confidence < 1.0:
        raise DataError(f"confidence is {confidence}; it must be from 0.5 to below 1, such as 0.95")
    sharpe, spread = found.sharpe, sharpe_variance(found)
    if sharpe is None or spread is None or not sharpe > benchmark:
        return None
    ratio: float = NORMAL.inv_cdf(confidence) / (sharpe - benchmark)
    return 1.0 + spread * ratio * ratio
