"""The compiled package: the hot path as C extensions, made by mypyc from the very same sources.

`pyproject.toml` names the modules (hook `mypyc`, off by default). The wheel is built by the pinned tools of the
development environment, without a network, and laid into an environment of its own: the one that tests run in stays
interpreted, so what is tested is what is read.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.index import Failed

__all__ = ["lay", "sources_sha256"]


def sources_sha256(root: Path) -> str:
    """What the compiled package is made from: a changed source makes it old."""
    digest = hashlib.sha256((root / "pyproject.toml").read_bytes())
    for path in sorted((root / "src").rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def lay(root: Path, python: Path, site: Path) -> None:
    """Build the compiled wheel with `python`, which has the tools, and unpack it into `site`.

    Raises:
        Failed: there is no C compiler, or it did not succeed; in one line.
    """
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        raise Failed("no C compiler (cc, gcc or clang) is on the path; on Debian: apt install gcc python3-dev")
    folder = root / "build" / "compiled"
    shutil.rmtree(folder, ignore_errors=True)
    copy = folder / "source"  # mypyc leaves extensions beside the sources, where an import would find them first
    shutil.copytree(root / "src", copy / "src", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy / name)
    print("tasks.py: compiling the hot path (a minute or two)", file=sys.stderr, flush=True)
    command = [str(python), "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    env = {**os.environ, "HATCH_BUILD_HOOK_ENABLE_MYPYC": "1"}
    ran = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
    wheels = sorted(folder.glob("*.whl"))
    if ran.returncode != 0 or not wheels:
        log = folder.with_suffix(".log")
        log.parent.mkdir(exist_ok=True)
        log.write_text(ran.stdout + ran.stderr, encoding="utf-8")
        said = [line for line in log.read_text(encoding="utf-8").splitlines() if "error: " in line] or [
            "no reason given"
        ]
        raise Failed(f"the hot path could not be compiled: {said[0][:300]} (all of it: {log.relative_to(root)})")
    shutil.rmtree(site / "kedge", ignore_errors=True)
    for old in (*site.glob("kedge-*.dist-info"), *site.glob("*__mypyc*.so")):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(site)
