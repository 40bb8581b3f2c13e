"""tasks.py as a user meets it: an environment made once, mended by itself, and errors of one line."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: text for name, text in os.environ.items() if name not in {"KEDGE_VENV", "VIRTUAL_ENV"}}
    return subprocess.run(
        [sys.executable, str(root / "tasks.py"), *arguments],
        cwd=root,
        env=env | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirements are empty, so that nothing is fetched, and a `kedge` that says its name."""
    shutil.copy(ROOT / "tasks.py", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "requirements").mkdir()
    for name in ("core", "dev", "pip"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("")
    (tmp_path / "src" / "kedge").mkdir(parents=True)
    (tmp_path / "src" / "kedge" / "__main__.py").write_text("import sys; print('kedge', *sys.argv[1:]); sys.exit(3)")
    return tmp_path


@pytest.mark.slow
def test_the_environment_is_made_once_and_mended_when_pins_or_python_change(checkout: Path) -> None:
    stamp = checkout / ".venv" / "kedge-pins.json"
    first = run(checkout, "kedge", "demo", "--seed", "7")
    assert (first.stdout, first.returncode) == ("kedge demo --seed 7\n", 3), first.stderr
    made = stamp.stat().st_mtime_ns
    again = run(checkout, "demo")
    assert (again.stdout, again.stderr, stamp.stat().st_mtime_ns) == ("kedge demo\n", "", made)
    (checkout / "requirements" / "core.txt").write_text("# a pin changed\n")
    assert "installing the core packages" in run(checkout, "kedge").stderr
    assert stamp.stat().st_mtime_ns > made
    stamp.write_text('{"core": "cut')
    assert "installing" in run(checkout, "kedge").stderr
    if os.name == "posix":
        ran = subprocess.run([checkout / ".venv/bin/kedge", "x"], capture_output=True, text=True, check=False)
        assert ran.stdout == "kedge x\n"
        for python in (checkout / ".venv" / "bin").glob("python*"):
            python.unlink()
        (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere")
        assert run(checkout, "kedge").stdout == "kedge\n"
    assert sorted(path.name for path in checkout.iterdir() if path.name.startswith(".")) == [".venv", ".venv.lock"]


def test_an_unknown_task_is_one_line_that_lists_them(checkout: Path) -> None:
    ran = run(checkout, "tests")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert "'tests'" in ran.stderr
    assert "test," in ran.stderr
    assert not (checkout / ".venv").exists()


def test_check_refuses_what_it_does_not_know(checkout: Path) -> None:
    ran = run(checkout, "check", "--no-test")
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "'--no-test'" in ran.stderr


@pytest.mark.parametrize("folder", ["../elsewhere", "src", "/nowhere/.venv", ".venv/../../x"])
def test_the_environment_stays_in_the_checkout(checkout: Path, folder: str) -> None:
    ran = run(checkout, "kedge", KEDGE_VENV=folder)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "KEDGE_VENV" in ran.stderr


def test_help_lists_every_task(checkout: Path) -> None:
    ran = run(checkout)
    assert ran.returncode == 0
    assert {"demo", "kedge", "test", "check", "bench", "format"} <= {
        line.split()[0] for line in ran.stdout.splitlines()[2:]
    }


def test_an_old_python_is_told_so_in_one_line() -> None:
    act_old = "import runpy, sys; sys.version_info = (3, 10, 4); runpy.run_path('tasks.py', run_name='__main__')"
    ran = subprocess.run([sys.executable, "-c", act_old], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert "3.11" in ran.stderr
    assert "3.10" in ran.stderr


def test_an_old_python_can_read_as_far_as_that_line() -> None:
    text = (ROOT / "tasks.py").read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 7))
    before = [type(node) for node in tree.body[: [type(node) for node in tree.body].index(ast.If)]]
    assert before == [ast.Expr, ast.Import]
    assert not any(isinstance(node, ast.NamedExpr | ast.Match) for node in ast.walk(tree))
