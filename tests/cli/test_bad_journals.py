"""Journals that are not there, not journals, or not what was written: an answer of one line, never a traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .shell import Shell, is_one_error

STRATEGY = """from kedge import BaseStrategy, Signal

class Mine(BaseStrategy):
    def required_symbols(self):
        return ["BTC-USD"]

    def on_candle(self, candle):
        if not self.view.position("BTC-USD"):
            return [Signal.buy("BTC-USD")]
"""
COMMANDS = (["verify", "j"], ["replay", "j"], ["explain", "j", "bt-1-5"], ["show", "j"])


@pytest.fixture
def journal(shell: Shell) -> Path:
    """A journal of a strategy of one's own."""
    shell.write("mine.py", STRATEGY)
    shell.done("backtest", "mine.py:Mine", "--data", "market.csv", "--journal", "j")
    return Path("j")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_journal_is_refused(shell: Shell, command: list[str]) -> None:
    shell.refused(["audit", *command], "j", "give the directory")
    Path("j").mkdir()
    shell.refused(["audit", *command], "j", "audit-YYYY-MM-DD.jsonl")
    shell.write("j/notes.txt", "no journal")
    shell.refused(["audit", *command], "j", "audit-YYYY-MM-DD.jsonl")
    shell.write("j/notes/x", "")
    shutil.rmtree("j")
    shell.write("j", "a file")
    shell.refused(["audit", *command], "j", "give the directory")


def test_an_empty_journal_has_nothing_to_say(shell: Shell) -> None:
    shell.write("j/audit-2024-01-01.jsonl", "")
    shell.refused(["audit", "replay", "j"], "nothing to replay")
    shell.refused(["audit", "explain", "j", "x"], "no order x")
    assert shell.done("audit", "show", "j").startswith("0 records")


def test_an_unknown_order_is_refused(shell: Shell, journal: Path) -> None:
    shell.refused(["audit", "explain", "j", "bt-1-999"], "bt-1-999", "audit show")
    shell.refused(["audit", "explain", "j", ""], "no order")
    shell.refused(["audit", "explain", "j", 'x"y'], "no order")


def test_an_unknown_kind_or_time_is_refused(shell: Shell, journal: Path) -> None:
    shell.refused(["audit", "show", "j", "--kind", "aproved"], "aproved", "did you mean approved?")
    shell.refused(["audit", "show", "j", "--kind", "zzz"], "zzz", "candle")
    shell.refused(["audit", "show", "j", "--since", "soon"], "--since", "soon")
    shell.refused(["audit", "show", "j", "--until", "later"], "--until", "later")


def test_a_public_key_that_is_none_or_another_is_told(shell: Shell, journal: Path) -> None:
    shell.refused(["audit", "verify", "j", "--public-key", "abc"], "abc", "64 hex digits")
    assert "key" in shell.done("audit", "verify", "j", "--public-key", "ab" * 32, code=1)
    own = (journal / "checkpoints.pub").read_text().strip()
    assert "intact" in shell.done("audit", "verify", "j", "--public-key", own)


def test_a_changed_record_is_named_and_nothing_after_it_is_believed(shell: Shell, journal: Path) -> None:
    segment = min(journal.glob("audit-*"))
    lines = segment.read_bytes().splitlines(keepends=True)
    lines[9] = lines[9].replace(b"10", b"11", 1)
    segment.write_bytes(b"".join(lines))
    out = shell.done("audit", "verify", "j", code=1)
    assert "record 10" in out
    for command in COMMANDS[1:]:
        ran = shell("audit", *command, *(["--from", "30"] if command[0] == "show" else []))
        is_one_error(ran, "journal record 10", "kedge audit verify", code=1)
    found = json.loads(shell.done("audit", "verify", "j", "--json", "-", code=1))
    assert not found["ok"]
    assert found["problems"][0]["n"] == 10


def test_a_strategy_that_changed_or_is_gone_is_not_replayed(shell: Shell, journal: Path) -> None:
    assert "agrees" in shell.done("audit", "replay", "j")
    shell.write("mine.py", "print('run')\n" + STRATEGY)
    shell.refused(["audit", "replay", "j"], "mine.py:Mine", "has changed", "the code of then")
    Path("mine.py").unlink()
    shell.refused(["audit", "replay", "j"], "mine.py", "the folder of the backtest")


_FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def answered(shell: Shell) -> None:
    """Every command answers in one line, or verify with its findings."""
    for command in COMMANDS:
        ran = shell("audit", *command)
        assert ran.code in (0, 1, 2), ran
        assert len(ran.err.splitlines()) <= 1, ran
        assert not ran.err or ran.err.startswith("error: "), ran


@_FUZZ
@given(
    name=st.sampled_from(["audit-2024-01-01.jsonl", "checkpoints.jsonl", "checkpoints.pub", "epoch"]),
    data=st.binary(max_size=300),
)
def test_any_bytes_as_a_journal_are_answered(shell: Shell, name: str, data: bytes) -> None:
    if Path("j").exists():
        shutil.rmtree("j")
    shell.write("j/audit-2024-01-01.jsonl", "")
    shell.write(f"j/{name}", data)
    answered(shell)


@_FUZZ
@given(
    at=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 400),
    data=st.binary(max_size=20),
    name=st.sampled_from(["audit-*", "checkpoints.jsonl"]),
)
def test_any_damage_to_a_journal_is_found(shell: Shell, at: float, cut: int, data: bytes, name: str) -> None:
    if not Path("whole").exists():
        shell.write("mine.py", STRATEGY)
        shell.done("backtest", "mine.py:Mine", "--data", "market.csv", "--journal", "whole")
    if Path("j").exists():
        shutil.rmtree("j")
    shutil.copytree("whole", "j")
    files = sorted(Path("j").glob(name))
    path = files[int(at * len(files))]
    whole = path.read_bytes()
    place = int(at * 997 % 1 * len(whole))
    damaged = whole[:place] + data + whole[place + cut :]
    path.write_bytes(damaged)
    answered(shell)
    if damaged != whole:
        assert shell("audit", "verify", "j").code == 1
