"""Luck and skill, from candles to verdict: 200 strategies that toss coins, and one among them that knows something.

Every strategy trades through the engine's figures (the kernel's, which are the same), so that what is judged is equity
of an account and not numbers that were drawn to look like it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.signals import SignalStrategy
from kedge.research.evaluate import Settings, evaluate
from kedge.research.market import Market
from kedge.research.statistics.moments import moments, sharpes
from kedge.research.statistics.overfitting import probability_of_overfitting
from kedge.research.statistics.reality_check import reality_check
from kedge.research.track_record import TrackRecord, track_record
from tests.research.markets import DAY, walk

TRIALS = 200
FREE = Settings(fee_rate=Decimal(0), slippage_bps=Decimal(0))


class Coin(SignalStrategy):
    """Long or short by a coin that `toss` and the day decide; with `knows` set it follows the last move instead."""

    toss: int = 0
    knows: bool = False
    quantity: Decimal | None = Decimal(20)

    def lookback(self) -> int:
        return 1

    def signals(self, bars: Bars) -> Any:
        if self.knows:
            return np.where(bars.close > bars.open, 1, -1).astype(np.int8)
        mixed = (bars.ts // DAY).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(self.toss * 0x632BE5AB)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(32)
        return np.where(mixed & np.uint64(1), 1, -1).astype(np.int8)


def played(market: Market, knowing: int = -1) -> np.ndarray:
    """Daily returns of all of them, days x trials."""
    found = [evaluate(Coin, market, {"toss": at, "knows": at == knowing}, FREE).returns for at in range(TRIALS)]
    matrix: np.ndarray = np.column_stack(found)
    return matrix


def best_of(returns: np.ndarray) -> tuple[int, TrackRecord]:
    """The trial that looks best, judged as one of 200."""
    all_of_them = sharpes(returns)
    best = int(all_of_them.argmax())
    record = track_record(returns[:, best], TRIALS, float(all_of_them.var(ddof=1)))
    assert record is not None
    return best, record


def test_coins_are_luck() -> None:
    with np.errstate(over="ignore"):
        returns = played(Market.of(walk(41, 600, DAY)))
    _, record = best_of(returns)
    assert record.probabilistic is not None
    assert record.probabilistic > 0.98, "by itself the best of 200 coins looks like skill"
    assert not record.significant
    report = probability_of_overfitting(returns, 12)
    assert report.probability == pytest.approx(0.5, abs=0.15)
    assert reality_check(returns, samples=200).consistent > 0.01  # at 0.05 one world in twenty would fail


def test_what_knows_something_is_found_among_them() -> None:
    with np.errstate(over="ignore"):
        returns = played(Market.of(walk(42, 600, DAY, trend=0.35)), knowing=123)
    best, record = best_of(returns)
    assert best == 123
    assert record.significant
    assert probability_of_overfitting(returns, 12).probability < 0.05
    assert reality_check(returns, samples=200).consistent < 0.05
    assert moments(returns[:, 123]).sharpe == record.moments.sharpe
