"""Evidence on markets without and with something to find, and every figure from the matrix it says it is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kedge import SmaCrossStrategy, WalkForwardOptimizer
from kedge.backtest.engine import BacktestEngine
from kedge.model.signal import Signal
from kedge.research.evaluate import Settings
from kedge.research.statistics.moments import sharpes
from kedge.research.statistics.overfitting import probability_of_overfitting
from kedge.research.walk_forward.evidence import evidence_of, returns_of
from kedge.research.walk_forward.result import WalkForwardResult
from tests.research.markets import HOUR, START, walk

GRID = {"fast": [2, 4, 8], "slow": [10, 20, 40]}


@pytest.fixture(scope="module")
def walked() -> WalkForwardResult:
    return WalkForwardOptimizer(walk(21, 24 * 46), 10, 4, settings=Settings()).run(SmaCrossStrategy, GRID)


def test_the_matrix_is_what_each_set_did_out_of_sample(walked: WalkForwardResult) -> None:
    matrix = returns_of(walked)
    assert matrix.shape == (4 * len(walked), 9)
    places = list(walked.compared)
    for column in (0, 5):
        parameters = walked.parameters_at(places[column])
        for at in (0, 3):
            start = (walked[at].window.out_start - START) // HOUR
            lead = parameters["slow"] + 1
            run = BacktestEngine(10_000).run(
                SmaCrossStrategy(**parameters), walk(21, 24 * 46)[start - lead : start + 96]
            )
            assert matrix[4 * at : 4 * at + 4, column] == pytest.approx(run.daily_returns[-4:])


def test_figures_come_from_the_matrix_and_the_account(walked: WalkForwardResult) -> None:
    evidence = evidence_of(walked)
    matrix = returns_of(walked)
    assert evidence.overfitting is not None
    assert evidence.record is not None
    blocks = 36 // 5 // 2 * 2
    assert evidence.overfitting.probability == probability_of_overfitting(matrix, blocks).probability
    assert evidence.record.trials == walked.tried == 9
    assert evidence.record.variance == pytest.approx(sharpes(matrix).var(ddof=1))
    assert evidence.record.moments.mean == pytest.approx(walked.account.daily_returns.mean())
    plain = evidence.to_json()
    assert len(plain["path_sharpe_ratios_annual"]) == 5
    assert 0 < plain["spa_p"] <= 1


def test_the_registry_counts_where_it_knows_of_more(walked: WalkForwardResult) -> None:
    own, many = evidence_of(walked), evidence_of(walked, 5_000, 0.01)
    assert own.record is not None
    assert many.record is not None
    assert (many.record.trials, many.record.variance) == (5_000, 0.01)
    assert own.record.deflated is not None
    assert many.record.deflated is not None
    assert many.record.deflated < own.record.deflated
    assert evidence_of(walked, 3).record.trials == 9  # type: ignore[union-attr]


def test_luck_is_called_luck_on_a_random_walk(walked: WalkForwardResult) -> None:
    evidence = evidence_of(walked)
    assert evidence.record is not None
    assert not evidence.record.significant


class Follower(SmaCrossStrategy):
    """Bets that the last move goes on, or (with `sign` -1) that it does not."""

    sign: int = 1

    def check(self) -> None:
        pass

    def warmup_bars(self) -> int:
        return 1

    def on_candle(self, candle: Any) -> list[Signal]:
        assert self.quantity is not None
        up = candle.close > candle.open
        return [Signal.to_target(candle.symbol, self.quantity * (self.sign if up else -self.sign))]


def test_a_planted_edge_is_found() -> None:
    """Moves of this market go on more often than not: following them wins in every window, and survives 100 trials."""
    market = walk(22, 24 * 40, trend=0.4)
    settings = Settings(fee_rate=Settings().fee_rate * 0, slippage_bps=Settings().slippage_bps * 0)
    optimizer = WalkForwardOptimizer(market, 10, 5, settings=settings)
    result = optimizer.run(Follower, {"sign": [-1, 1], "quantity": ["10", "20"]})
    assert all(window.params["sign"] == 1 for window in result)
    assert result.winning_share == 1
    evidence = evidence_of(result)
    assert evidence.overfitting is not None
    assert evidence.check is not None
    assert evidence.check.consistent < 0.05
    assert set(np.array([evidence.sets[at][0] for at in evidence.overfitting.winners]).tolist()) == {1}
    alone = evidence_of(optimizer.run(Follower, {"sign": [1], "quantity": ["10"]}), 100, 0.01).record
    assert alone is not None
    assert alone.significant


def test_one_set_has_nothing_to_be_compared_with() -> None:
    result = WalkForwardOptimizer(walk(23, 24 * 16), 10, 3).run(SmaCrossStrategy, {"fast": [3], "slow": [9]})
    evidence = evidence_of(result)
    assert (evidence.overfitting, evidence.check, evidence.path_sharpes) == (None, None, None)
    assert evidence.to_json()["probability_of_overfitting"] is None
