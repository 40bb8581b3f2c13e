"""`kedge trials`, and what `kedge backtest` notes: every run counts, and a broken registry loses none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kedge.storage.trials import FILE

from .shell import WAVES, Shell, candles, is_one_error

RUN = ("backtest", "sma_cross", "--data", "market.csv", "--param", "fast=2", "--param", "slow=5")


def told(shell: Shell, *arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(shell.done("trials", *arguments, "--json", "-"))["data"])


def test_a_backtest_is_a_trial_and_the_same_again_is_not_another(shell: Shell) -> None:
    assert told(shell) == []
    first = json.loads(shell.done(*RUN, "--json", "-"))["track_record"]
    again = json.loads(shell.done(*RUN, "--json", "-"))["track_record"]
    assert (first["trials"], again["trials"]) == (1, 1)
    assert first == again
    for more in (
        ("--param", "quantity=1"),
        ("--fee", "0"),
        ("--capital", "5000"),
        ("--start", "2024-01-02"),
        ("--leverage", "2"),
    ):
        shell.done(*RUN, *more)
    (tally,) = told(shell)
    assert (tally["runs"], tally["trials"], tally["strategies"]) == (7, 6, ["sma_cross"])
    said = shell.done(*RUN)
    assert "trials: 6 on these data" in said


def test_data_are_known_by_their_values_and_not_by_their_file(shell: Shell) -> None:
    shell.done(*RUN)
    shell.write("copy.csv", candles(WAVES))
    shell.write("other.csv", candles([*WAVES[:-1], WAVES[-1] + 1]))
    assert [tally["trials"] for tally in told(shell, "--data", "copy.csv")] == [1]
    assert [tally["trials"] for tally in told(shell, "--data", "other.csv")] == [0]
    shell.done("backtest", "breakout", "--data", "copy.csv")
    assert [tally["trials"] for tally in told(shell)] == [2]


def test_the_registry_lies_beside_the_catalogue_where_one_is_named(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRADING_DATA_DIR", str(tmp_path / "data"))
    shell.done(*RUN)
    assert (tmp_path / "data" / FILE).is_file()
    assert not (tmp_path / "state" / "kedge" / FILE).exists()
    assert "0 data sets" in shell.done("data", "list")
    assert "1 sets of data" in shell.done("trials")


def test_a_registry_that_cannot_be_written_is_a_warning_and_the_run_is_whole(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write("file", "in the way")
    monkeypatch.setenv("TRADING_DATA_DIR", "file")
    ran = shell(*RUN, "--json", "-")
    assert ran.code == 0
    assert ran.err.startswith("warning: the registry of trials file/trials.jsonl cannot be written")
    assert len(ran.err.splitlines()) == 1
    assert json.loads(ran.out)["fills"] > 0
    is_one_error(shell("trials"), "cannot be read", code=3)


def test_damaged_lines_are_said(shell: Shell, tmp_path: Path) -> None:
    shell.done(*RUN)
    with (tmp_path / "state" / "kedge" / FILE).open("a", encoding="utf-8") as file:
        file.write("{ a crash\n")
    ran = shell("trials")
    assert (ran.code, "1 damaged line" in ran.err) == (0, True)
    assert json.loads(shell("trials", "--json", "-").out)["damaged_lines"] == 1
    ran = shell(*RUN)
    assert ran.code == 0


def test_the_report_says_how_much_of_it_is_luck(shell: Shell) -> None:
    shell.done(*RUN, "--report", "r.html")
    page = (shell.place / "r.html").read_text(encoding="utf-8")
    assert "Luck or skill" in page
    assert "Trials on these data" in page


def test_a_run_too_short_to_judge_is_noted_all_the_same(shell: Shell) -> None:
    shell.write("short.csv", candles(WAVES[:5]))
    made = json.loads(shell.done("backtest", "sma_cross", "--data", "short.csv", "--json", "-"))
    assert made["track_record"] is None
    assert [tally["trials"] for tally in told(shell)] == [1]


def test_a_sweep_notes_each_of_its_runs_and_a_backtest_of_one_of_them_is_not_another(shell: Shell) -> None:
    sweep = ("sweep", "sma_cross", "--data", "market.csv", "--grid", "fast=2:4", "--grid", "slow=5,10")
    made = json.loads(shell.done(*sweep, "--json", "-"))
    assert made["best_track_record"]["trials"] == made["runs"] == 6
    shell.done(*RUN)
    (tally,) = told(shell)
    assert (tally["runs"], tally["trials"]) == (2, 6)
    best = max(row["sharpe_ratio"] for row in made["rows"])
    assert tally["best_sharpe_ratio_annual"] == pytest.approx(best)
    shell.done(*RUN, "--start", "2024-01-03")
    shell.done(*sweep, "--start", "2024-01-03")
    (tally,) = told(shell)
    assert (tally["runs"], tally["trials"]) == (4, 12)
