"""`kedge walk-forward` from the command line: what it prints, writes, refuses and notes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .shell import Shell, candles

D = Decimal
WALK = ("walk-forward", "sma_cross", "--data", "long.csv", "--in-sample-days", "6", "--out-of-sample-days", "3")
GRID = ("--grid", "fast=2:4:2", "--grid", "slow=6,12")
BROKEN = """
from kedge import BaseStrategy

class Broken(BaseStrategy):
    bars: int = 1
    def required_symbols(self):
        return ["BTC-USD"]
    def on_candle(self, candle):
        raise SystemExit(3)
"""


@pytest.fixture
def long(shell: Shell) -> Shell:
    """A user with 25 days of hourly candles."""
    closes = [1000 + 3 * (at % 40) - 2 * (at % 17) + at // 20 for at in range(24 * 25)]
    shell.write("long.csv", candles(closes))
    return shell


def test_the_whole_way(long: Shell) -> None:
    said = long.done(*WALK, *GRID, "--report", "r.html", "--json", "r.json")
    assert "Windows" in said
    assert "Return out of sample" in said
    assert "report: r.html" in said
    made = json.loads((long.place / "r.json").read_text())
    assert [window["window"] for window in made["windows"]] == list(range(1, 7))
    equity = D(made["out_of_sample"]["initial_capital"])
    for window in made["windows"]:
        assert D(window["out_of_sample"]["initial_capital"]) == equity
        equity = D(window["out_of_sample"]["final_equity"])
    assert D(made["out_of_sample"]["final_equity"]) == equity
    assert list(made["windows"][0]).index("out_of_sample") < list(made["windows"][0]).index("in_sample")
    assert made["evidence"]["track_record"]["trials"] == 4
    assert (long.place / "r.html").read_text().startswith("<!DOCTYPE html>")
    on_stdout = json.loads(long.done(*WALK, *GRID, "--json", "-"))
    assert on_stdout == made


def test_what_was_tried_is_noted_once_and_counts_for_the_next(long: Shell) -> None:
    long.done(*WALK, *GRID)
    long.done(*WALK, *GRID)
    tally = trials(long)
    assert (tally["runs"], tally["trials"], tally["strategies"]) == (2, 4, ["sma_cross"])
    long.done("backtest", "breakout", "--data", "long.csv")
    long.done("backtest", "breakout", "--data", "long.csv", "--fee", "0.002")
    made = json.loads(long.done(*WALK, *GRID, "--anchored", "--json", "-"))
    assert made["evidence"]["track_record"]["trials"] == 10
    assert trials(long)["trials"] == 10


def trials(shell: Shell) -> dict[str, Any]:
    (tally,) = json.loads(shell.done("trials", "--json", "-"))["data"]
    return dict(tally)


def test_optuna_and_its_seed(long: Shell) -> None:
    search = ("--search", "optuna", "--trials", "3")
    made = [
        json.loads(
            long.done(*WALK, "--grid", "fast=2:5", "--grid", "slow=6:24:2", *search, "--seed", seed, "--json", "-")
        )
        for seed in ("1", "1", "2")
    ]
    tried = [[window["parameters"] for window in each["windows"]] for each in made]
    assert tried[0] == tried[1] != tried[2]
    assert made[0]["search"] == {"method": "optuna", "trials": 3, "seed": 1}


def test_a_strategy_of_the_users_own_and_fixed_parameters(long: Shell) -> None:
    long.write("mine.py", "from kedge import SmaCrossStrategy\nclass Mine(SmaCrossStrategy):\n    pass\n")
    walk = (
        "walk-forward",
        "mine.py:Mine",
        *WALK[2:],
        "--grid",
        "fast=2,4",
        "--param",
        "slow=9",
        "--param",
        "quantity=2",
    )
    made = json.loads(long.done(*walk, "--json", "-"))
    assert {window["parameters"]["fast"] for window in made["windows"]} <= {"2", "4"}
    assert made["strategy"] == "Mine"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--grid", "fast=2"), ("slow",)),
        (("--grid", "fats=2:4"), ("fats", "did you mean fast")),
        (("--grid", "fast=2,x"), ("'x'", "fast")),
        (("--grid", "fast=2:4:0"), ("fast", "step")),
        (("--grid", "fast"), ("name=value",)),
        (("--grid", "fast=2", "--param", "fast=3"), ("by --param and by --grid",)),
        ((*GRID, "--in-sample-days", "0"), ("in_sample_days is 0",)),
        ((*GRID, "--out-of-sample-days", "30"), ("25 days", "36")),
        ((*GRID, "--objective", "luck"), ("objective is 'luck'",)),
        ((*GRID, "--trials", "0"), ("trials is 0",)),
        ((*GRID, "--report", "no/r.html"), ("--report",)),
        ((*GRID, "--start", "2030-01-01"), ("candles",)),
        (("--grid", "fast=20", "--grid", "slow=6"), ("fast must be below slow",)),
    ],
)
def test_bad_input_is_one_line(long: Shell, more: tuple[str, ...], words: tuple[str, ...]) -> None:
    if more == ("--grid", "fast=2"):
        more = ("--grid", "slow=2,4", "--param", "fast=9")
    long.refused((*WALK, *more), *words)


def test_a_strategy_that_leaves_is_refused(long: Shell) -> None:
    long.write("broken.py", BROKEN)
    walk = ("walk-forward", "broken.py:Broken", *WALK[2:], "--grid", "bars=1,2")
    long.refused(walk, "sys.exit(3)")


@pytest.mark.slow
@pytest.mark.shared
def test_real_candles_end_to_end(shell: Shell, shared: Path) -> None:
    file = str(shared / "data" / "binance_spot_BTCUSDT_1h_2018_2026.csv.gz")
    walk = (
        "walk-forward",
        "sma_cross",
        "--data",
        file,
        "--start",
        "2025-09-01",
        "--grid",
        "fast=10,20",
        "--grid",
        "slow=50,100",
    )
    made = json.loads(shell.done(*walk, "--report", "r.html", "--json", "-"))
    assert len(made["windows"]) == 5
    assert made["evidence"]["compared"] == 4
    assert (shell.place / "r.html").stat().st_size > 30_000
