"""Make the virtual environments of Kedge and its peers under `benchmarks/.venvs` (git ignores them), from exact pins.

    python -m benchmarks.setup_peers
    python -m benchmarks.setup_peers --only nautilus --python /opt/python3.12/bin/python3

All use the interpreter that runs this, except what needs a newer one: that takes the first new enough of `--python`
and of `python3.12` and up on the path. About 4 GB and three minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.contenders import INSTALLED, KEDGE, ROOT
from benchmarks.environments import SetupFailed, install, interpreter_for, size_mb


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the virtual environments of Kedge and its peers.")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="TEXT", help="environments whose name has one of these"
    )
    parser.add_argument("--python", nargs="+", default=[], metavar="PATH", help="newer interpreters to try")
    parser.add_argument("--keep", action="store_true", help="leave environments that exist as they are")
    given = parser.parse_args()
    failed = 0
    if not given.only or any(text in KEDGE.name for text in given.only):
        failed = subprocess.run([sys.executable, "tasks.py", "compile"], cwd=ROOT, check=False).returncode
    for environment in INSTALLED:
        if given.only and not any(text in environment.name for text in given.only):
            continue
        if given.keep and environment.python.exists():
            print(f"{environment.name}: kept")
            continue
        try:
            python = interpreter_for(environment, given.python)
            seconds = install(environment, python, environment.folder)
        except SetupFailed as error:
            print(error, file=sys.stderr)
            failed = 1
            continue
        print(f"{environment.name}: {seconds:.0f} s, {size_mb(environment.folder):,.0f} MB, {python}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
