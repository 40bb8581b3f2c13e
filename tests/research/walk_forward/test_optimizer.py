"""Walk-forward against the same thing written out with the engine alone, and against the future."""

from __future__ import annotations

import os
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from kedge import BacktestEngine, BreakoutStrategy, SmaCrossStrategy, WalkForwardOptimizer
from kedge.backtest import metrics
from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import ConfigError, DataError, StrategyError, WorldError
from kedge.model.signal import Signal
from kedge.research.evaluate import Settings
from kedge.research.market import Market
from kedge.research.plan import Unsupported
from kedge.research.walk_forward.result import WalkForwardResult
from kedge.research.walk_forward.search import Search
from kedge.storage.columns import CandleColumns
from tests.research.markets import DAY, HOUR, START, walk
from tests.research.walk_forward.dying import Dying, always_dying

D = Decimal
GRID = {"fast": [2, 4], "slow": [6, 12]}
SETTINGS = Settings(D(5_000), D("0.0004"), D(2))


def ran(candles: Any, grid: Any = None, **more: Any) -> WalkForwardResult:
    optimizer = WalkForwardOptimizer(candles, 10, 4, settings=SETTINGS, **more)
    return optimizer.run(SmaCrossStrategy, GRID if grid is None else grid)


def stretch(candles: CandleColumns, start: int, end: int, lead: int) -> CandleColumns:
    first = (start - START) // HOUR
    return candles[max(0, first - lead) : (end - START) // HOUR]


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("embargo", [0, 2])
def test_each_window_is_what_the_engine_says(anchored: bool, embargo: int) -> None:
    candles, fee, slippage = walk(1, 24 * 31), SETTINGS.fee_rate, SETTINGS.slippage_bps
    result = ran(candles, anchored=anchored, embargo_days=embargo)
    capital = D(5_000)
    assert len(result) == (5 if not embargo else 4)
    assert isinstance(result, list)
    for at, window in enumerate(result):
        moved = START + 4 * at * DAY
        in_start, in_end = START if anchored else moved, moved + 10 * DAY
        out_start = in_end + embargo * DAY
        scores: dict[tuple[int, int], tuple[float, Decimal]] = {}
        for fast in (2, 4):
            for slow in (6, 12):
                inside = stretch(candles, in_start, in_end, slow + 1)
                run = BacktestEngine(D(5_000), D("0.0004"), D(2)).run(SmaCrossStrategy(fast=fast, slow=slow), inside)
                returns = run.daily_returns[-((in_end - in_start) // DAY) :]
                scores[fast, slow] = (metrics.sharpe_ratio(returns) or -np.inf, run.total_return)
        best = max(scores, key=lambda key: scores[key][0])
        assert window.params == {"fast": best[0], "slow": best[1]}
        assert window.in_sample_return == scores[best][1]
        outside = stretch(candles, out_start, out_start + 4 * DAY, best[1] + 1)
        strategy = SmaCrossStrategy(fast=best[0], slow=best[1])
        run = BacktestEngine(capital, D("0.0004"), D(2)).run(strategy, outside)
        units = sum((trade.signed for trade in run.trades), D(0))
        last = D(int(outside.close[-1])).scaleb(-2)
        cost = abs(units) * last * (fee + slippage / 10_000)
        assert window.closing_cost == pytest.approx(cost, abs=D("1e-12"))
        assert window.final_equity == run.final_equity - window.closing_cost
        assert window.out_of_sample_return == pytest.approx(window.final_equity / capital - 1, abs=D("1e-20"))
        assert window.initial_capital == capital
        assert window.out_of_sample_trades == run.fills
        capital = window.final_equity
    assert result.account.final_equity == capital == result.equity_curve.final
    assert result.total_return == pytest.approx(capital / 5_000 - 1, abs=D("1e-20"))
    days = [time for time, _ in result.equity_curve]
    assert days == sorted(days)
    assert len(result.account.daily_returns) == 4 * len(result)


def test_a_sharpe_ratio_of_a_window_is_that_of_its_days_in_the_stitched_account() -> None:
    result = ran(walk(3, 24 * 30))
    returns = result.account.daily_returns
    for at, window in enumerate(result):
        assert window.out_of_sample_sharpe == pytest.approx(metrics.sharpe_ratio(returns[4 * at : 4 * at + 4]))


def test_nothing_that_comes_later_changes_a_choice() -> None:
    candles = walk(2, 24 * 30)
    result = ran(candles)
    for at in (0, 2):
        cut = (int(result[at].window.out_start) - START) // HOUR
        other = np.array(candles.close)
        other[cut:] = other[cut:][::-1] + 777
        changed = ran(
            candles._with(
                {"close": other, "high": np.maximum(other, candles.high), "low": np.minimum(other, candles.low)}
            )
        )
        assert [w.params for w in changed[: at + 1]] == [w.params for w in result[: at + 1]]
        assert [w.in_sample_return for w in changed[: at + 1]] == [w.in_sample_return for w in result[: at + 1]]
        assert [w.out_of_sample_return for w in changed[:at]] == [w.out_of_sample_return for w in result[:at]]
        assert changed[at].out_of_sample_return != result[at].out_of_sample_return


def figures(result: WalkForwardResult) -> list[Any]:
    return [
        (w.params, w.in_sample_return, w.out_of_sample_return, w.out_of_sample_sharpe, w.candidates) for w in result
    ] + [[o.returns.tolist() for o in outcomes] for outcomes in result.compared.values()]


def test_the_kernel_changes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    candles = walk(14, 24 * 22)
    compiled = figures(ran(candles))

    def refuse(*given: object) -> None:
        raise Unsupported("not today")

    monkeypatch.setattr("kedge.research.walk_forward.window.by_kernel", refuse)
    assert figures(ran(candles)) == compiled


@pytest.mark.slow
def test_neither_the_number_of_processes_nor_the_death_of_one_changes_anything(tmp_path: Path) -> None:
    candles = walk(4, 24 * 22)
    marker = tmp_path / "marker"
    marker.touch()
    optimizer = WalkForwardOptimizer(candles, 10, 4, settings=SETTINGS, jobs=2)
    assert figures(optimizer.run(Dying(marker), GRID)) == figures(ran(candles))
    assert not marker.exists()


def test_workers_that_always_die_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEDGE_TEST_PARENT", str(os.getpid()))
    monkeypatch.setattr("kedge.research.walk_forward.pool.DEATHS_MAX", 1)
    optimizer = WalkForwardOptimizer(walk(4, 24 * 22), 10, 4, jobs=2)
    with pytest.raises(WorldError, match="died 1 times with nothing done"):
        optimizer.run(always_dying, GRID)


@pytest.mark.slow
def test_a_cluster_gives_the_same() -> None:
    distributed = pytest.importorskip("distributed")
    candles = walk(4, 24 * 22)
    quiet = {"dashboard_address": None, "silence_logs": "CRITICAL"}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **quiet) as cluster:
        found = ran(candles, dask=cluster.scheduler_address)
    assert figures(found) == figures(ran(candles))


def test_optuna_is_seeded_and_finds_what_the_grid_finds_when_it_may_try_everything() -> None:
    candles = walk(5, 24 * 18)
    grid = ran(candles)
    search = Search("optuna", trials=12, seed=3)
    one, other = ran(candles, search=search), ran(candles, search=search)
    assert figures(one) == figures(other)
    assert all(len(w.candidates) <= 4 for w in one)
    best = [w.score for w in grid]
    assert [w.score for w in one] == pytest.approx(best)
    assert list(one.compared) == list(dict.fromkeys(max(w.candidates, key=lambda c: c.score).places for w in one))


def test_sets_that_do_not_fit_are_left_out() -> None:
    result = ran(walk(6, 24 * 15), {"fast": [2, 9], "slow": [6, 12]})
    assert [len(w.candidates) for w in result] == [3]
    assert result.tried == len(result.compared) == 3
    with pytest.raises(StrategyError, match="fast must be below slow"):
        ran(walk(6, 24 * 15), {"fast": [20], "slow": [6, 12]})


def test_sets_may_be_listed_instead_of_combined() -> None:
    candles = walk(15, 24 * 18)
    listed = [{"fast": fast, "slow": slow} for fast in (2, 4) for slow in (6, 12)]
    assert figures(ran(candles, listed)) == figures(ran(candles))
    two = ran(candles, [listed[0], listed[3], listed[0]])
    assert [len(w.candidates) for w in two] == [2, 2]
    with pytest.raises(ConfigError, match="same parameters"):
        ran(candles, [{"fast": 2}, {"slow": 6}])
    with pytest.raises(ConfigError, match="grid is empty"):
        ran(candles, [])
    with pytest.raises(ConfigError, match="search grid"):
        ran(candles, listed, search=Search("optuna"))


def test_efficiency_and_stability_by_hand() -> None:
    result = ran(walk(7, 24 * 34))
    inside = sum((w.in_sample_return for w in result), D(0)) / (10 * len(result))
    outside = sum((w.out_of_sample_return for w in result), D(0)) / (4 * len(result))
    assert inside > 0
    assert result.efficiency == pytest.approx(float(outside / inside))
    fast = result.stability[0]
    assert fast.name == "fast"
    assert fast.values == tuple(str(w.params["fast"]) for w in result)
    assert fast.changes == sum(a != b for a, b in pairwise(fast.values))
    assert fast.share == pytest.approx(D(fast.values.count(fast.commonest)) / len(result), abs=D("1e-20"))
    assert result.winning_share == D(sum(w.out_of_sample_return > 0 for w in result)) / len(result)


def test_a_parameter_of_one_value_and_a_factory_that_is_a_function() -> None:
    candles = walk(8, 24 * 15)

    def factory(window: int) -> BaseStrategy:
        return BreakoutStrategy(window=window, exit_window=2)

    optimizer = WalkForwardOptimizer(candles, 10, 4, settings=SETTINGS)
    assert optimizer.run(factory, {"window": [5]})[0].params == {"window": 5}
    assert optimizer.run(factory, {"window": [5]}).stability == []
    with pytest.raises(ConfigError, match="jobs=1"):
        WalkForwardOptimizer(walk(8, 24 * 30), 10, 4, jobs=2).run(factory, {"window": [5]})


class Ruin(BaseStrategy):
    """Buys far too much and holds it."""

    bars: int = 1

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def on_candle(self, candle: Any) -> list[Signal]:
        return [Signal.buy("BTC-USD", D(2_000))]


def test_an_account_with_nothing_left_stops() -> None:
    candles = walk(9, 24 * 30)
    low = np.array(candles.close)
    low[24 * 12 :] = 1
    crashed = candles._with(
        {name: np.minimum(getattr(candles, name), low) for name in ("open", "high", "low", "close")}
    )
    settings = Settings(D(5_000), leverage=D(200))
    result = WalkForwardOptimizer(crashed, 10, 4, settings=settings).run(Ruin, {"bars": [1]})
    assert len(result) == 1
    assert result[0].final_equity <= 0
    assert [len(outcomes) for outcomes in result.compared.values()] == [1]


def test_two_symbols_share_one_account() -> None:
    other = walk(11, 24 * 15, symbol="ETH-USD")
    market = Market.of([walk(10, 24 * 15), other])
    result = WalkForwardOptimizer(market, 10, 4, settings=SETTINGS).run(
        SmaCrossStrategy, {**GRID, "symbol": ["ETH-USD"]}
    )
    assert result.plan.symbols == ("BTC-USD", "ETH-USD")
    assert {trade.symbol for trade in result.trades} == {"ETH-USD"}


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: WalkForwardOptimizer(walk(1, 24), objective="luck"), "objective is 'luck'"),
        (lambda: WalkForwardOptimizer(walk(1, 24), 1, 1).run(SmaCrossStrategy, GRID), "history has 1 days"),
        (lambda: ran(walk(1, 24 * 14), jobs=0), "jobs is 0"),
        (lambda: ran(walk(1, 24 * 14), jobs=2, dask="tcp://x"), "two ways"),
        (lambda: ran(walk(1, 24 * 14), {"fast": []}), "no value for fast"),
        (lambda: Search("luck"), "search is 'luck'"),
        (lambda: Search(trials=0), "trials is 0"),
    ],
)
def test_bad_input_is_named(make: Any, word: str) -> None:
    with pytest.raises((ConfigError, DataError), match=word):
        make()


def test_candles_out_of_order_are_refused() -> None:
    candles = walk(1, 24 * 14)
    times = np.array(candles.ts)
    times[[5, 6]] = times[[6, 5]]
    with pytest.raises(DataError, match="not in order"):
        ran(candles._with({"ts": times}))


def test_candles_as_objects_without_an_interval_are_as_good_as_columns() -> None:
    """They get the most common step: a candle is known when it closes, and not when it opens."""
    columns = walk(12, 24 * 15)
    bare = [structs.replace(candle, interval=0) for candle in columns.candles()]
    assert figures(ran(bare)) == figures(ran(columns))


def test_a_window_in_a_gap_of_the_data_is_named() -> None:
    candles = walk(13, 24 * 30)
    times = np.array(candles.ts)
    times[24 * 12 :] += 20 * DAY
    with pytest.raises(DataError, match="no candles from 2024-01-13T00:00:00Z"):
        ran(candles._with({"ts": times}))
