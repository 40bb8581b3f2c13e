"""What is suggested can be typed as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedge.cli.typed import command, run_tests

from .shell import Shell

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_command_is_the_one_this_user_has(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command() == f"python3 {ROOT}/tasks.py kedge"
    assert run_tests(Path("mine")) == f"python3 {ROOT}/tasks.py test {Path('mine').absolute()}"
    monkeypatch.chdir(ROOT)
    assert command() == "python3 tasks.py kedge"
    assert run_tests(Path("my strategy")) == "python3 tasks.py test 'my strategy'"
    (tmp_path / "kedge").touch()
    (tmp_path / "kedge").chmod(0o755)
    assert (command(), run_tests(Path("mine"))) == ("kedge", "python3 -m pytest mine")
