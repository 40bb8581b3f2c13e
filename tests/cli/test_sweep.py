"""`kedge sweep` and `kedge lookahead`: what they print, what they write, and what they refuse in one line."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kedge.cli.grid import parse_grid
from kedge.model.errors import ConfigError, StrategyError

from .shell import WAVES, Shell, candles

SWEEP = ("sweep", "sma_cross", "--data", "c.csv")
GRID = ("--grid", "fast=2:4:1", "--grid", "slow=3,8,13")


@pytest.fixture
def data(shell: Shell) -> Shell:
    shell.write("c.csv", candles(WAVES))
    return shell


def test_a_sweep_says_its_best_runs_and_draws_the_map(data: Shell) -> None:
    said = data.done(*SWEEP, *GRID)
    assert "7 runs over 200 candles" in said
    assert "2 combinations do not fit" in said
    assert "sharpe: fast down, slow across" in said
    assert "luckiest" in said


def test_the_json_of_a_sweep_has_a_row_a_run_that_backtest_agrees_with(data: Shell) -> None:
    found = json.loads(data.done(*SWEEP, *GRID, "--capital", "5000", "--fee", "0.002", "--json", "-"))
    assert (found["runs"], found["bars"], found["skipped"]) == (7, 200, 2)
    assert found["run_seconds"] > 0
    assert len(found["rows"]) == 7
    for row in (found["rows"][0], found["best"]):
        fast, slow = row["parameters"]["fast"], row["parameters"]["slow"]
        alone = json.loads(
            data.done(
                *("backtest", "sma_cross", "--data", "c.csv", "-p", f"fast={fast}", "-p", f"slow={slow}"),
                *("--capital", "5000", "--fee", "0.002", "--json", "-"),
            )
        )
        text = json.dumps(alone)
        assert f'"{row["final_equity"]}"' in text
        assert Decimal(row["fees"]) > 0
        assert isinstance(row["trades"], int)


def test_a_sweep_writes_its_rows_and_the_same_file_again(data: Shell) -> None:
    data.done(*SWEEP, *GRID, "--out", "rows.parquet")
    first = (data.place / "rows.parquet").read_bytes()
    assert not (data.place / "rows.parquet.part").exists()
    data.done(*SWEEP, *GRID, "--out", "rows.parquet")
    assert (data.place / "rows.parquet").read_bytes() == first


BAD = [
    (("--grid", "fast"), ("fast", "name=begin:end:step")),
    (("--grid", "fast=5:1"), ("never ends",)),
    (("--grid", "fast=1:9:0"), ("never ends",)),
    (("--grid", "fast=1:x"), ("in numbers",)),
    (("--grid", "fast=1:2:3:4"), ("begin:end:step",)),
    (("--grid", "fast=1,,2"), ("empty value",)),
    (("--grid", "fast=1,1"), ("twice",)),
    (("--grid", "fast=1,2", "--grid", "fast=3"), ("twice",)),
    (("--grid", "fasd=1,2"), ("no parameter fasd", "fast")),
    (("--grid", "fast=2.5,3"), ("2.5", "whole number")),
    (("--grid", "fast=0:3"), ("fast", "0")),
    (("--grid", "fast=40:50"), ("fast must be below slow",)),
    (("--grid", "fast=1:100", "--grid", "slow=1:100000"), ("runs", "1000000")),
    (("--grid", "fast=2,3", "--param", "fast=4"), ("--param and by --grid",)),
    (("--grid", "fast=2,3", "--param", "slwo=4"), ("no parameter slwo", "slow")),
    (("--grid", "fast=2,3", "--jobs", "0"), ("--jobs",)),
    (("--grid", "fast=2,3", "--objective", "luck"), ("luck", "sharpe")),
    (("--grid", "fast=2,3", "--jobs", "2", "--dask", "tcp://x:1"), ("--jobs and --dask",)),
    (("--grid", "fast=2,3", "--out", "nowhere/rows.parquet"), ("nowhere",)),
    (("--grid", "fast=2,3", "--capital", "-1"), ("--capital", "-1")),
    (("--grid", "fast=2,3", "--start", "2030-01-01"), ("no candles",)),
    (("--grid", "fast=2,3", "--fee", "x"), ("--fee",)),
]


@pytest.mark.parametrize(("options", "words"), BAD)
def test_bad_input_is_one_line(data: Shell, options: tuple[str, ...], words: tuple[str, ...]) -> None:
    data.refused([*SWEEP, *options], *words)


def test_a_strategy_or_data_that_is_not_there_is_one_line(data: Shell) -> None:
    data.refused(["sweep", "sma_cros", "--data", "c.csv", "--grid", "fast=2,3"], "sma_cros", "sma_cross")
    data.refused(["sweep", "sma_cross", "--data", "d.csv", "--grid", "fast=2,3"], "d.csv")
    data.refused(["sweep", "sma_cross", "--data", "c.csv"], "--grid")
    data.refused(["lookahead", "sma_cros", "--data", "c.csv"], "sma_cross")
    data.refused(["lookahead", "sma_cross", "--data", "c.csv", "--cuts", "0"], "--cuts")


def test_a_range_holds_its_end() -> None:
    assert parse_grid(["fast=5:50:5"])["fast"] == ["5", "10", "15", "20", "25", "30", "35", "40", "45", "50"]
    assert parse_grid(["k=1:2:0.25", "b=true,false"]) == {
        "k": ["1", "1.25", "1.5", "1.75", "2"],
        "b": ["true", "false"],
    }
    assert parse_grid(["n=3:3"])["n"] == ["3"]
    assert parse_grid(["n=0:10:4"])["n"] == ["0", "4", "8"]
    with pytest.raises(StrategyError):
        parse_grid(["n=1e99:1e99"])
    with pytest.raises(ConfigError):
        parse_grid(["n=0:1:0.0000001"])


PEEKING = """
import numpy as np
from kedge import SignalStrategy

class Peeking(SignalStrategy):
    def lookback(self):
        return 2

    def signals(self, bars):
        return np.append(np.sign(np.diff(bars.close)), 0).astype(np.int8)
"""


def test_lookahead_names_the_first_bar_and_decision(data: Shell) -> None:
    data.write("peeking.py", PEEKING)
    said = data.done("lookahead", "peeking.py:Peeking", "--data", "c.csv", "--cuts", "5", code=1)
    assert "lookahead: bar" in said
    assert "BTC-USD" in said
    found = json.loads(
        data.done("lookahead", "peeking.py:Peeking", "--data", "c.csv", "--cuts", "5", "--json", "-", code=1)
    )
    assert found["honest"] is False
    assert found["finding"]["with_future"] != found["finding"]["without"]


@pytest.mark.parametrize("name", ["sma_cross", "rsi_signals"])
def test_lookahead_passes_what_is_honest(data: Shell, name: str) -> None:
    assert "no decision depends on what came after it" in data.done("lookahead", name, "--data", "c.csv", "--cuts", "3")
    found = json.loads(data.done("lookahead", name, "--data", "c.csv", "--cuts", "3", "--json", "-"))
    assert found["honest"] is True
