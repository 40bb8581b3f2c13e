"""The private environment: `.venv`, holding exactly the pinned packages and nothing of the system's.

Two levels: `core` is what a user installs, `dev` is that and the tools of the trade (`requirements/dev.txt` repeats
every pin of `core.txt`). Two more live beside it: `clients`, other people's libraries that pin things of their own,
in `.venv-clients`, and `compiled`, Kedge with its hot path compiled, in `.venv-compiled`. A stamp inside the
environment remembers the hash of what it was made from, so a second call costs nothing and a changed pin is
installed by itself. Nothing is written outside the checkout.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.compiled import lay, sources_sha256
from tools.index import Failed, configured
from tools.installer import find_pip, find_uv

__all__ = ["ROOT", "Failed", "ensure", "is_current", "packages_of"]

ROOT = Path(__file__).resolve().parent.parent
LEVELS = {"core": ("core",), "dev": ("core", "dev"), "clients": ("clients",), "compiled": ("core",)}
#: Levels in an environment of their own, beside the one that tests run in.
APART = frozenset({"clients", "compiled"})
PROBE = "import sys; print(*sys.version_info[:2]); import sysconfig; print(sysconfig.get_path('purelib'))"


def ensure(level: str) -> Path:
    """The Python of the private environment, with at least the packages of `level`, installed now if need be.

    `KEDGE_VENV` names another folder of the checkout, to keep one environment for each Python version.

    Raises:
        Failed: what is missing and its remedy, in one line.
    """
    folder = _folder(level)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if _current(folder, level) and python.exists():
        return python
    with _alone(folder):
        if not (_current(folder, level) and python.exists()):
            _build(folder, python, level)
    return python


def packages_of(python: Path) -> Path:
    """Where the environment of `python` keeps its packages."""
    site = _probe(python)
    if site is None:
        raise Failed(f"{python} does not run; remove its environment and try again")
    return site


def is_current(level: str) -> bool:
    """Whether the environment of `level` is there and made from these pins and sources."""
    return _current(_folder(level), level)


def _folder(level: str) -> Path:
    name = os.environ.get("KEDGE_VENV") or ".venv"
    if level in APART:
        name += f"-{level}"
    folder = (ROOT / name).absolute()
    if folder.parent != ROOT or not folder.name.startswith(".venv"):
        raise Failed(f"KEDGE_VENV is {name!r}; give a folder of the checkout whose name starts with .venv")
    return folder


def _build(folder: Path, python: Path, level: str) -> None:
    site = _probe(python)
    if site is None:
        _create(folder)
        site = _probe(python)
        if site is None:
            raise Failed(f"the environment made at {folder} does not run; remove it and try again")
    print(f"tasks.py: installing the {level} packages into {folder.name} (once)", file=sys.stderr, flush=True)
    requirements = ROOT / "requirements" / f"{LEVELS[level][-1]}.txt"
    sources = configured()
    uv = find_uv(python, sources)
    if uv is None or not uv.install(requirements):
        if uv is not None:
            print("tasks.py: uv did not succeed, trying pip", file=sys.stderr, flush=True)
        pip = find_pip(python, sources, ROOT / "requirements" / "pip.txt")
        if not pip.install(requirements):
            raise Failed(
                f"{pip.name} could not install {requirements.relative_to(ROOT)} (its reason stands above); "
                "check that your package index is reachable (PIP_INDEX_URL or pip.conf, PIP_CERT, HTTPS_PROXY)"
            )
    stamp = {name: _pins(name) for name in LEVELS[level]}
    if level == "compiled":
        lay(ROOT, ensure("dev"), site)
        stamp["sources"] = sources_sha256(ROOT)
    else:
        (site / "_kedge.pth").write_text(f"{ROOT / 'src'}\n", encoding="utf-8")
    _write_script(python)
    (folder / "kedge-pins.json").write_text(json.dumps(stamp), encoding="utf-8")


def _create(folder: Path) -> None:
    try:
        import venv
    except ImportError:
        raise Failed(
            f"this Python ({sys.executable}) has no venv module; on Debian: apt install python3-venv"
        ) from None
    if folder.exists():
        shutil.rmtree(folder)
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)


def _probe(python: Path) -> Path | None:
    """Where the environment keeps its packages; None where it does not run or is too old."""
    if not python.exists():
        return None
    ran = subprocess.run([str(python), "-I", "-c", PROBE], capture_output=True, text=True)
    version, _, site = ran.stdout.strip().partition("\n")
    if ran.returncode != 0 or tuple(int(part) for part in version.split()) < (3, 11):
        return None
    return Path(site)


def _write_script(python: Path) -> None:
    """`.venv/bin/kedge`, as an installation would make it."""
    if os.name == "nt":
        (python.parent / "kedge.cmd").write_text('@"%~dp0python.exe" -m kedge %*\n', encoding="utf-8")
        return
    script = python.parent / "kedge"
    script.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m kedge "$@"\n', encoding="utf-8")
    script.chmod(0o755)


def _pins(name: str) -> str:
    return hashlib.sha256((ROOT / "requirements" / f"{name}.txt").read_bytes()).hexdigest()


def _current(folder: Path, level: str) -> bool:
    stamp = folder / "kedge-pins.json"
    if not stamp.is_file():
        return False
    try:
        found = json.loads(stamp.read_text(encoding="utf-8"))
    except ValueError:
        return False  # a write that was cut: install again
    if level == "compiled" and found.get("sources") != sources_sha256(ROOT):
        return False
    return all(found.get(name) == _pins(name) for name in LEVELS[level])


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One installation at a time; the others wait and find it done."""
    with folder.with_name(folder.name + ".lock").open("a") as lock:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
