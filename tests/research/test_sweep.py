"""Sweeps: the same rows whoever does the work, killed and resumed, in the order of the grid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.moves import LONG
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.errors import ConfigError, StrategyError, WorldError
from kedge.research import crew
from kedge.research.crew import Job, Row, Workers
from kedge.research.evaluate import Settings, evaluate
from kedge.research.market import Market
from kedge.research.sweep import chunks, grid_of, score, sweep
from kedge.strategies.sma_cross import SmaCrossStrategy

from .walks import walk

GRID = {"fast": [3, 5, 8], "slow": [5, 13, 21, 34]}


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.of(walk(2_000))


def test_a_sweep_is_its_runs_in_the_order_of_the_grid(market: Market) -> None:
    result = sweep(SmaCrossStrategy, market, GRID)
    fitting = [each for each in grid_of(GRID) if each["fast"] < each["slow"]]
    assert [(row.parameters["fast"], row.parameters["slow"]) for row in result.evaluations] == [
        (str(each["fast"]), str(each["slow"])) for each in fitting
    ]
    assert (result.skipped, result.bars) == (len(grid_of(GRID)) - len(fitting), 2_000)
    for row, each in zip(result.evaluations, fitting, strict=True):
        alone = evaluate(SmaCrossStrategy, market, each, engine="event")
        assert (row.trades, row.fees, row.final_equity) == (alone.trades, alone.fees, alone.final_equity)
        assert row.sharpe_ratio == alone.sharpe_ratio
    assert score(result.best, "sharpe") == max(score(row, "sharpe") for row in result.evaluations)


def test_returns_are_kept_on_request(market: Market) -> None:
    result = sweep(SmaCrossStrategy, market, GRID, keep_returns=True)
    matrix = result.returns()
    assert matrix.shape == (2, len(result.evaluations))
    one = evaluate(SmaCrossStrategy, market, {"fast": 3, "slow": 13})
    assert np.array_equal(matrix[:, 1], one.returns)
    with pytest.raises(ConfigError, match="keep_returns"):
        sweep(SmaCrossStrategy, market, GRID).returns()


class Deadly(SignalStrategy):
    """Ends its process when it meets a file that says so, once: a worker that dies."""

    window: int = 1
    trap: str = ""

    def lookback(self) -> int:
        return self.window

    def signals(self, bars: Bars) -> Any:
        if self.trap and self.window == 4:
            try:
                Path(self.trap).unlink()
            except FileNotFoundError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return np.full(len(bars), LONG, np.int8)


def test_a_pool_gives_the_same_rows_though_a_worker_dies(market: Market, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.touch()
    sets = [{"window": window, "trap": str(trap)} for window in range(1, 8)]
    found = sweep(Deadly, market, sets, jobs=2)
    assert not trap.exists()
    assert [row.parameters["window"] for row in found.evaluations] == [str(each["window"]) for each in sets]
    assert found.evaluations == sweep(Deadly, market, sets).evaluations


def test_a_pool_that_dies_for_ever_is_given_up(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead(Workers):
        def _round(self, left: dict[int, Any]) -> Iterator[Any]:
            yield from ()

    with pytest.raises(WorldError, match="died 3 times"), Dead(Job(SmaCrossStrategy, market, Settings()), 2) as pool:
        list(pool.work(chunks([0, 1], grid_of(GRID), 2)))


def test_the_file_is_the_same_however_often_the_sweep_was_interrupted(market: Market, tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    sweep(SmaCrossStrategy, market, GRID, out=whole)
    for stop_after in (1, 4, 7):
        out = tmp_path / f"stopped-{stop_after}.parquet"
        with pytest.raises(KeyboardInterrupt):
            sweep(SmaCrossStrategy, market, GRID, out=out, advance=stopping(stop_after))
        part = out.with_name(f"{out.name}.part")
        assert not out.exists()
        kept = part.read_bytes()
        part.write_bytes(kept[: len(kept) - 3])  # a torn last line is what a killed process leaves
        result = sweep(SmaCrossStrategy, market, GRID, out=out)
        assert result.resumed == stop_after + stop_after % 2 - 1  # chunks of two, and the last row torn
        assert out.read_bytes() == whole.read_bytes()
        assert not part.exists()


def stopping(after: int) -> Any:
    left = [after]

    def advance(done: int) -> None:
        left[0] -= done
        if left[0] <= 0:
            raise KeyboardInterrupt

    return advance


def test_a_sweep_that_was_killed_goes_on_from_what_it_kept(tmp_path: Path) -> None:
    script = (
        "import os, sys, signal\n"
        "from pathlib import Path\n"
        "from tests.research.test_sweep import GRID, Market, SmaCrossStrategy, sweep, walk\n"
        "count = [0]\n"
        "def advance(done):\n"
        "    count[0] += done\n"
        "    if count[0] >= 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sweep(SmaCrossStrategy, Market.of(walk(2_000)), GRID, out=Path(sys.argv[1]), advance=advance)\n"
    )
    out = tmp_path / "killed.parquet"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", "src", "tests"])}
    killed = subprocess.run([sys.executable, "-c", script, str(out)], env=environment, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    result = sweep(SmaCrossStrategy, Market.of(walk(2_000)), GRID, out=out)
    assert 5 <= result.resumed < len(result.evaluations)
    whole = tmp_path / "whole.parquet"
    sweep(SmaCrossStrategy, Market.of(walk(2_000)), GRID, out=whole)
    assert out.read_bytes() == whole.read_bytes()


def test_a_ledger_of_another_sweep_is_refused(market: Market, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    with pytest.raises(KeyboardInterrupt):
        sweep(SmaCrossStrategy, market, GRID, out=out, advance=stopping(2))
    for changed in (
        {"grid": {**GRID, "slow": [13, 21]}},
        {"settings": Settings(fee_rate=Decimal("0.002"))},
        {"market": Market.of(walk(1_999))},
    ):
        given: dict[str, Any] = {"market": market, "grid": GRID, **changed}
        with pytest.raises(ConfigError, match="another sweep"):
            sweep(SmaCrossStrategy, given.pop("market"), given.pop("grid"), **given, out=out)


def test_the_file_holds_the_rows(market: Market, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    result = sweep(SmaCrossStrategy, market, GRID, out=out)
    found = duckdb.connect().execute(
        "SELECT fast, slow, trades, fees, final_equity, sharpe_ratio FROM read_parquet(?)", [str(out)]
    )
    rows = found.fetchall()
    assert [(str(fast), str(slow)) for fast, slow, *_ in rows] == [
        (row.parameters["fast"], row.parameters["slow"]) for row in result.evaluations
    ]
    for (_, _, trades, fees, equity, sharpe), row in zip(rows, result.evaluations, strict=True):
        assert (trades, Decimal(fees), Decimal(equity)) == (row.trades, row.fees, row.final_equity)
        assert sharpe == row.sharpe_ratio


def test_parameters_that_fit_nowhere_are_an_error(market: Market) -> None:
    with pytest.raises(StrategyError, match="fast must be below slow"):
        sweep(SmaCrossStrategy, market, {"fast": [30], "slow": [20, 30]})
    with pytest.raises(ConfigError, match="empty"):
        sweep(SmaCrossStrategy, market, {"fast": []})
    with pytest.raises(ConfigError, match="objective"):
        sweep(SmaCrossStrategy, market, GRID, objective="luck")


def test_chunks_hold_every_number_once() -> None:
    for hands in (1, 2, 7):
        parts = chunks(list(range(103)), [{"n": n} for n in range(103)], hands)
        assert [n for numbers, _ in parts for n in numbers] == list(range(103))
        assert all(each == {"n": n} for numbers, sets in parts for n, each in zip(numbers, sets, strict=True))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    import dask

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd()), str(Path.cwd() / "src")]))
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "10s"}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as local,
    ):
        yield local


def slowly(path: str) -> type[SmaCrossStrategy]:
    """Load the strategy and leave a mark of the process that did."""
    Path(path, str(os.getpid())).touch()
    time.sleep(0.05)
    return SmaCrossStrategy


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_gives_the_same_rows_though_a_worker_is_killed(cluster: Any, market: Market, tmp_path: Path) -> None:
    from functools import partial

    killed: list[int] = []

    def advance(done: int) -> None:
        if not killed:
            working = {int(each.name) for each in tmp_path.iterdir()} - {os.getpid()}
            killed.append(min(working))
            os.kill(killed[0], signal.SIGKILL)

    sets = [{"fast": fast, "slow": slow} for fast in range(2, 12) for slow in range(20, 26)]
    found = sweep(partial(slowly, str(tmp_path)), market, sets, dask=cluster.scheduler_address, advance=advance)
    assert killed
    assert found.evaluations == sweep(SmaCrossStrategy, market, sets).evaluations


def test_a_scheduler_that_is_not_there_is_one_line(market: Market) -> None:
    pytest.importorskip("distributed")
    from kedge.research import cluster

    before, cluster.CONNECT_SECONDS = cluster.CONNECT_SECONDS, 1
    try:
        with pytest.raises(WorldError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:9"):
            sweep(SmaCrossStrategy, market, GRID, dask="tcp://127.0.0.1:9")
    finally:
        cluster.CONNECT_SECONDS = before


def test_a_worker_with_other_code_is_refused(market: Market) -> None:
    from kedge.research import cluster

    with pytest.raises(ConfigError, match="another version of Kedge"):
        cluster._rows(Job(SmaCrossStrategy, market, Settings()), [{"fast": 3, "slow": 13}], "0" * 64)


def test_rows_come_from_the_job_alone(market: Market) -> None:
    job = Job(SmaCrossStrategy, market, Settings())
    sets: Sequence[dict[str, Any]] = [{"fast": 3, "slow": 13}]
    crew._begin(job)
    rows: list[Row] = crew._rows(sets)
    assert rows == crew.rows_of(job, sets)
