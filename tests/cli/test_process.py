"""`python -m kedge` as a process: what is imported, closed pipes, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kedge.cli.main import COMMANDS

from .shell import WAVES, Shell, candles

SRC = Path(__file__).resolve().parent.parent.parent / "src"
HEAVY = ("numpy", "duckdb", "plotly", "rich", "cryptography", "msgspec", "asyncio", "kedge.core", "kedge.storage")
WAITS = """import sys
from kedge import BaseStrategy

class Waits(BaseStrategy):
    def required_symbols(self):
        return ["BTC-USD"]

    def reset(self):
        self.seen = 0

    def on_candle(self, candle):
        self.seen += 1
        while self.seen == 150:
            print("waiting", file=sys.stderr, flush=True)
            sys.stdin.read()
"""


def environment(place: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("TRADING_", "KEDGE_"))}
    return kept | {"PYTHONPATH": str(SRC), "XDG_STATE_HOME": str(place), "PYTHONDONTWRITEBYTECODE": "1"}


def kedge(place: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kedge", *arguments]
    return subprocess.run(
        command, cwd=place, env=environment(place) | more, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("code", ["import kedge", "from kedge.cli.main import run; run(['--help'])"])
def test_what_is_quick_imports_nothing_heavy(tmp_path: Path, code: str) -> None:
    script = f"import sys; {code}; print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert ran.stderr == "[]\n"


def test_help_lists_every_command_and_version_is_told(tmp_path: Path) -> None:
    ran = kedge(tmp_path, "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    for name in COMMANDS:
        assert f"  {name} " in ran.stdout
    assert kedge(tmp_path).stdout == ran.stdout
    assert kedge(tmp_path, "--version").stdout.startswith("kedge, version ")


def test_an_error_of_a_process_is_one_line_and_its_origin_on_demand(tmp_path: Path) -> None:
    ran = kedge(tmp_path, "backtest", "sma_cross", "--data", "nowhere.csv")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "error: there is no file 'nowhere.csv'; check the path\n"
    told = kedge(tmp_path, "backtest", "sma_cross", "--data", "nowhere.csv", KEDGE_TRACEBACK="1").stderr
    assert "Traceback" in told
    assert told.endswith(ran.stderr)


def test_a_file_name_that_is_no_text_is_shown_with_escapes(tmp_path: Path) -> None:
    command: list[str | bytes] = [sys.executable, "-m", "kedge", "data", "check", b"\xff\xfe.csv"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"error: there is no file '\\udcff\\udcfe.csv'")


@pytest.mark.parametrize(
    "arguments", [["strategies"], ["strategies", "--json", "-"], ["--help"], ["demo", "--bars", "150"]], ids=" ".join
)
def test_a_reader_that_left_is_no_error(tmp_path: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "kedge", *arguments]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")
    if arguments[0] == "demo":
        assert "intact" in kedge(tmp_path, "audit", "verify", "kedge-demo/journal").stdout


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="no shell to close the streams with")
def test_closed_streams_are_no_error(tmp_path: Path) -> None:
    for closing in (">&-", "2>&-", ">&- 2>&-"):
        command = ["/bin/sh", "-c", f'exec "$0" -m kedge demo --bars 150 {closing}', sys.executable]
        ran = subprocess.run(
            command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, ""), closing


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_standard_output_on_a_full_disk_is_an_error(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "kedge", "strategies"]
        ran = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == 3
    assert ran.stderr.startswith("error: No space left")
    assert len(ran.stderr.splitlines()) == 1


def waiting(place: Path) -> subprocess.Popen[str]:
    """A backtest that has come to its 150th candle and waits there."""
    (place / "market.csv").write_text(candles(WAVES))
    (place / "waits.py").write_text(WAITS)
    outputs = ["--journal", "a/j", "--report", "r.html", "--json", "r.json"]
    command = [sys.executable, "-m", "kedge", "backtest", "waits.py:Waits", "--data", "market.csv", *outputs]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=place, env=environment(place / "state"), text=True, **pipes)  # type: ignore[call-overload]
    assert process.stderr.readline() == "waiting\n"
    assert list((place / "a/j").iterdir())
    running: subprocess.Popen[str] = process
    return running


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda told: told.name)
def test_ctrl_c_in_the_middle_of_a_run_leaves_nothing_behind(tmp_path: Path, told: signal.Signals) -> None:
    process = waiting(tmp_path)
    process.send_signal(told)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "error: interrupted; nothing half-written is left behind\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["market.csv", "state", "waits.py"]


def test_a_run_that_was_killed_leaves_a_journal_that_says_so(tmp_path: Path) -> None:
    process = waiting(tmp_path)
    process.kill()
    process.communicate()
    ran = kedge(tmp_path, "audit", "verify", "a/j")
    assert "without a stop" in ran.stdout, ran
    assert not (tmp_path / "r.html").exists()
    assert not (tmp_path / "r.json").exists()
    again = kedge(tmp_path, "backtest", "sma_cross", "--data", "market.csv", "--journal", "a/j")
    assert again.returncode == 2
    assert "not empty" in again.stderr


def test_what_nobody_foresaw_is_one_line_that_asks_to_be_reported(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kedge_test_boom.py").write_text("import click\n@click.command()\ndef command():\n    1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "boom", ("kedge_test_boom", "a command with a bug"))
    shell.refused(["boom"], "bug in Kedge", "report", "ZeroDivisionError", "KEDGE_TRACEBACK", code=70)
