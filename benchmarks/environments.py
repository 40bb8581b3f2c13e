"""Making a virtual environment from pinned requirements, and weighing it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.contenders import KEDGE, ROOT, Environment


class SetupFailed(Exception):
    """One line for the user."""


def interpreter_for(environment: Environment, asked: list[str]) -> str:
    """The first interpreter new enough: the running one, those asked for, then newer ones on the path."""
    tried = [sys.executable, *asked, "python3.12", "python3.13", "python3.14"]
    for name in tried:
        found = shutil.which(name)
        if found is None:
            continue
        done = subprocess.run(
            [found, "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        version = done.stdout.split()
        if done.returncode == 0 and (int(version[0]), int(version[1])) >= environment.python_min:
            return found
    needed = ".".join(map(str, environment.python_min))
    raise SetupFailed(f"{environment.name} needs Python {needed} or newer with venv and pip; name one with --python")


def install(environment: Environment, python: str, folder: Path, package: bool = False) -> float:
    """Make `folder` an environment with exactly the pinned requirements; the seconds pip took, download included.

    `package` also installs Kedge itself, as a user would have it; the works run its source from this checkout.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _pip([python, "-m", "venv", str(folder)], environment)
    pip = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-cache-dir",
        "--disable-pip-version-check",
    ]
    started = time.perf_counter()
    _pip([*pip, "-r", str(environment.requirements)], environment)
    if package and environment is KEDGE:
        _pip([*pip, "--no-deps", str(ROOT)], environment)
    return time.perf_counter() - started


def _pip(command: list[str], environment: Environment) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise SetupFailed(f"{environment.name}: {lines[0] if lines else 'pip failed'}")


def size_mb(folder: Path) -> float:
    """The disk that the installed packages take, MB of 1,048,576 bytes, without the installer itself."""
    total = 0
    for packages in folder.glob("lib/python*/site-packages"):
        for part in packages.iterdir():
            if part.name.partition("-")[0] in {"pip", "setuptools", "_distutils_hack", "pkg_resources"}:
                continue
            files = part.rglob("*") if part.is_dir() else [part]
            total += sum(file.lstat().st_blocks * 512 for file in files if not file.is_dir())
    return total / (1 << 20)
