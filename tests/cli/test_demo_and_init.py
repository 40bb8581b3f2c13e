"""The first commands of a new user: the demonstration, and a project to start from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from kedge.cli.typed import command

from .shell import Shell

SRC = Path(__file__).resolve().parent.parent.parent / "src"


def test_the_demo_does_the_main_job_and_says_what_is_next(shell: Shell) -> None:
    out = shell.done("demo", "--csv", "candles.csv")
    assert "no real prices" in out
    assert "intact" in out
    assert out.count("Fills") == 1
    report = Path("kedge-demo/report.html").read_text()
    assert "synthetic" in report
    for line in out.partition("What next:")[2].strip().splitlines():
        typed, _, _ = line.strip().partition("  ")
        assert typed.startswith(f"{command()} ")
        arguments = typed.removeprefix(command()).split()
        assert shell(*arguments).code == 0, arguments
    assert shell.done("data", "check", "candles.csv")


def test_two_demos_are_equal_byte_for_byte(shell: Shell) -> None:
    shell.done("demo", "--out", "one", "--csv", "one.csv")
    shell.done("demo", "--out", "two", "--csv", "two.csv")
    files = shell.files()
    one = {name: text for name, text in files.items() if name.startswith("one/journal/")}
    assert len(one) > 200
    for name, text in one.items():
        assert files[name.replace("one/", "two/")] == text, name
    assert files["one.csv"] == files["two.csv"]


def test_a_demo_replaces_the_one_before(shell: Shell) -> None:
    shell.done("demo", "--seed", "1", "--bars", "300")
    first = shell.files()
    shell.done("demo", "--seed", "2", "--bars", "300")
    second = shell.files()
    assert first.keys() == second.keys()
    assert first != second
    shell.done("demo", "--seed", "1", "--bars", "300")
    again = shell.files()
    assert {name for name in first if first[name] != again[name]} <= {"kedge-demo/report.html"}


def test_the_demo_for_machines_is_json_alone(shell: Shell) -> None:
    found = json.loads(shell.done("demo", "--bars", "2000", "--json", "-"))
    assert found["synthetic"] is True
    assert found["journal_intact"] is True
    assert isinstance(found["final_equity"], str)
    assert found["fills"] == len(found["trades"]) > 0


def test_a_new_project_works_as_it_is_written(shell: Shell) -> None:
    shell.done("demo", "--csv", "candles.csv")
    out = shell.done("init", "mine")
    assert out.startswith("mine: strategy.py, test_strategy.py, kedge.toml, conftest.py")
    assert "MyStrategy" in shell.done("strategies", "mine/strategy.py:MyStrategy")
    run = ("backtest", "mine/strategy.py:MyStrategy", "--data", "candles.csv", "--config", "mine/kedge.toml")
    found = json.loads(shell.done(*run, "--json", "-"))
    assert found["fills"] > 20
    assert found["refused"] == 0
    assert not found["disabled"]
    shell.done(*run, "--journal", "j")
    assert "agrees" in shell.done("audit", "replay", "j")


def test_a_new_project_passes_its_own_tests_and_they_bite(shell: Shell) -> None:
    shell.done("init", "mine")

    def tested() -> subprocess.CompletedProcess[str]:
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:asyncio",
            "--rootdir",
            "mine",
            "-c",
            "/dev/null",
            "--import-mode=importlib",
        ]
        environment = os.environ | {
            "PYTHONPATH": str(SRC),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        pytest = [sys.executable, "-m", "pytest", *options, "mine"]
        return subprocess.run(pytest, capture_output=True, text=True, env=environment, check=False)

    passed = tested()
    assert passed.returncode == 0, passed.stdout
    assert "2 passed" in passed.stdout
    strategy = Path("mine/strategy.py")
    strategy.write_text(strategy.read_text().replace("candle.close > average", "candle.close < average"))
    assert tested().returncode == 1


def test_strategies_are_listed_with_their_parameters(shell: Shell) -> None:
    listed = {row["name"] for row in json.loads(shell.done("strategies", "--json", "-"))}
    text = shell.done("strategies")
    for name in listed:
        assert name in text
        told = json.loads(shell.done("strategies", name, "--json", "-"))
        assert told["name"] == name
        assert {"name", "type", "default", "bounds", "meaning"} == set(told["parameters"][0])
        assert all(each["meaning"] for each in told["parameters"]), name
