"""W5: what an engine costs before it does anything: import time, installed size, install time.

    python -m benchmarks.w5_footprint
    python -m benchmarks.w5_footprint --no-install

An import is timed in a fresh process with warm files, in turn, the median of several. An install is pip into an empty
environment from exact pins with no cache, once, download included, so it depends on the network; for Kedge the
package itself, built from this checkout, is included. The size is that of the installed packages without pip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.contenders import INSTALLED, KEDGE, RESULTS, Environment
from benchmarks.environments import SetupFailed, install, interpreter_for, size_mb
from benchmarks.harness import Target
from benchmarks.machine import machine, text_of


def import_seconds(python: Path, statement: str) -> float:
    """One import in a fresh process."""
    code = f"import time; started = time.perf_counter(); {statement}; print(time.perf_counter() - started)"
    done = subprocess.run([str(python), "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def help_seconds(python: Path) -> float:
    """`kedge --help`, the whole process."""
    started = time.perf_counter()
    subprocess.run([str(python), "-m", "kedge", "--help"], capture_output=True, check=True)
    return time.perf_counter() - started


def installed(scratch: Path, environments: list[Environment], pythons: list[str]) -> dict[str, float]:
    """Every environment made anew under `scratch`; the seconds of each."""
    seconds = {}
    for environment in environments:
        print(f"w5: installing {environment.name}", file=sys.stderr, flush=True)
        python = interpreter_for(environment, pythons)
        seconds[environment.name] = install(environment, python, scratch / environment.name, package=True)
    return seconds


def timed(where: dict[str, Path], environments: list[Environment], repetitions: int) -> dict[str, list[float]]:
    """Imports in turn, after one that is not counted; Kedge's bare import and its command line besides."""
    runs: dict[str, list[float]] = {}
    for repetition in range(repetitions + 1):
        for environment in environments:
            python = where[environment.name] / "bin" / "python"
            found = {environment.name: import_seconds(python, environment.imports)}
            if environment is KEDGE:
                found["import kedge"] = import_seconds(python, "import kedge")
                found["kedge --help"] = help_seconds(python)
            for name, seconds in found.items():
                if repetition:
                    runs.setdefault(name, []).append(seconds)
    return runs


def main() -> int:
    parser = argparse.ArgumentParser(description="W5: import time, installed size, install time.")
    parser.add_argument(
        "--no-install", action="store_true", help="weigh the environments of setup_peers, time no install"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="TEXT", help="environments whose name has one of these"
    )
    parser.add_argument("--python", nargs="+", default=[], metavar="PATH", help="newer interpreters to try")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too; - is standard output")
    given = parser.parse_args()
    chosen = [one for one in INSTALLED if not given.only or any(text in one.name for text in given.only)]
    with tempfile.TemporaryDirectory(prefix="kedge-bench-") as scratch:
        try:
            seconds = {} if given.no_install else installed(Path(scratch), chosen, given.python)
        except SetupFailed as error:
            print(error, file=sys.stderr)
            return 1
        where = {one.name: one.folder if given.no_install else Path(scratch) / one.name for one in chosen}
        missing = [one.name for one in chosen if not (where[one.name] / "bin" / "python").exists()]
        if missing:
            print(f"{', '.join(missing)}: not installed; run python -m benchmarks.setup_peers", file=sys.stderr)
            return 1
        runs = timed(where, chosen, given.repetitions)
        sizes = {one.name: size_mb(where[one.name]) for one in chosen}
    imports = {name: median(values) for name, values in runs.items()}
    targets = [
        Target("import of the engine, s", imports.get(KEDGE.name), 0.3, at_least=False),
        Target("import kedge, s", imports.get("import kedge"), 0.3, at_least=False),
        Target("kedge --help, s", imports.get("kedge --help"), 0.2, at_least=False),
        Target("installed, MB", sizes.get(KEDGE.name), 260, at_least=False),
        Target("install, s", seconds.get(KEDGE.name), 20, at_least=False),
    ]
    facts = machine()
    everything = {
        "work": "w5",
        "machine": facts,
        "import_seconds": runs,
        "installed_mb": sizes,
        "install_seconds": seconds,
        "targets": [{"name": one.name, "value": one.value, "bound": one.bound, "met": one.met} for one in targets],
    }
    text = json.dumps(everything, indent=1)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "w5.json").write_text(text, encoding="utf-8")
    if given.json is not None and str(given.json) == "-":
        print(text)
        return 0
    if given.json is not None:
        given.json.write_text(text, encoding="utf-8")
    print(f"\n{text_of(facts)}\n\nW5 footprint\n{'environment':<20}  import s  installed MB  install s")
    for name, value in imports.items():
        size = f"{sizes[name]:,.0f}" if name in sizes else ""
        took = f"{seconds[name]:.1f}" if name in seconds else ""
        print(f"{name:<20}  {value:8.2f}  {size:>12}  {took:>9}")
    print("\nTargets of performance.md")
    for target in targets:
        print(target.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
