"""How this user calls Kedge, so that what is suggested can be typed as it stands.

`kedge` where it is on the path; in a checkout that nobody installed, its task runner; else the module.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import kedge

RUNNER = "tasks.py"


def command() -> str:
    """What stands before a command's name."""
    if shutil.which("kedge"):
        return "kedge"
    runner = _runner()
    return "python3 -m kedge" if runner is None else f"python3 {runner} kedge"


def run_tests(place: Path) -> str:
    """What runs the tests of the project in `place`."""
    runner = None if shutil.which("kedge") else _runner()
    if runner is None:
        return f"python3 -m pytest {shlex.quote(str(place))}"
    return f"python3 {runner} test {shlex.quote(str(place if runner == RUNNER else place.absolute()))}"


def _runner() -> str | None:
    """The task runner of the checkout that this code stands in, if it does."""
    root = Path(kedge.__file__).resolve().parents[2]
    if not (root / RUNNER).is_file() or not (root / "src" / "kedge").is_dir():
        return None
    return RUNNER if Path.cwd() == root else shlex.quote(str(root / RUNNER))
