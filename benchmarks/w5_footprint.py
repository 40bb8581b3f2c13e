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
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.contenders import INSTALLED, KEDGE, RESULTS, ROOT, Environment
from benchmarks.environments import SetupFailed, install, interpreter_for, size_mb
from benchmarks.harness import Target
from benchmarks.machine import machine, text_of


def import_seconds(python: Path, statement: str, source: bool, clock: str) -> float:
    """One import in a fresh process."""
    now = "time.perf_counter()" if clock == "wall" else "time.process_time()"
    code = f"import time; started = {now}; {statement}; print({now} - started)"
    return float(_run([str(python), "-W", "ignore", "-c", code], source).split()[-1])


def help_seconds(python: Path, source: bool, clock: str) -> float:
    """`kedge --help`, the whole process."""
    started, before = time.perf_counter(), os.times()
    _run([str(python), "-m", "kedge", "--help"], source)
    after = os.times()
    if clock == "wall":
        return time.perf_counter() - started
    return after.children_user + after.children_system - before.children_user - before.children_system


def _run(command: list[str], source: bool) -> str:
    """Its output; with `source` Kedge is imported from this checkout, as where it is not installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if source:
        environment["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise SetupFailed(f"{' '.join(command[1:])}: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout


def timed(
    where: dict[str, Path], chosen: list[Environment], given: argparse.Namespace, faults: list[str]
) -> dict[str, list[float]]:
    """Imports in turn, after a round that is not counted; Kedge's bare import and its command line besides."""
    tasks: dict[str, Callable[[], float]] = {}
    for one in chosen:
        python = where[one.name] / "bin" / "python"
        ours = given.no_install and one is KEDGE
        tasks[one.name] = partial(import_seconds, python, one.imports, ours, given.clock)
        if one is KEDGE:
            tasks["import kedge"] = partial(import_seconds, python, "import kedge", ours, given.clock)
            tasks["kedge --help"] = partial(help_seconds, python, ours, given.clock)
    runs: dict[str, list[float]] = {}
    for repetition in range(given.repetitions + 1):
        for name, task in list(tasks.items()):
            try:
                seconds = task()
            except SetupFailed as error:
                faults.append(str(error))
                del tasks[name]
                continue
            if repetition:
                runs.setdefault(name, []).append(seconds)
    return runs


def installed(scratch: Path, chosen: list[Environment], pythons: list[str], faults: list[str]) -> dict[str, float]:
    """Every environment made anew under `scratch`; the seconds of each that could be."""
    seconds: dict[str, float] = {}
    for one in chosen:
        print(f"w5: installing {one.name}", file=sys.stderr, flush=True)
        try:
            python = interpreter_for(one, pythons)
            seconds[one.name] = install(one, python, scratch / one.name, package=True)
        except SetupFailed as error:
            faults.append(str(error))
    return seconds


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
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="which time an import is of")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too; - is standard output")
    given = parser.parse_args()
    chosen = [one for one in INSTALLED if not given.only or any(text in one.name for text in given.only)]
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kedge-bench-") as scratch:
        seconds = {} if given.no_install else installed(Path(scratch), chosen, given.python, faults)
        where = {one.name: one.folder if given.no_install else Path(scratch) / one.name for one in chosen}
        ready = [one for one in chosen if (one.name in seconds or given.no_install) and where[one.name].exists()]
        faults += [
            f"{one.name} is not installed; run python -m benchmarks.setup_peers" for one in chosen if one not in ready
        ]
        runs = timed(where, ready, given, faults)
        sizes = {one.name: size_mb(where[one.name]) for one in ready}
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
        "clock": given.clock,
        "import_seconds": runs,
        "installed_mb": sizes,
        "install_seconds": seconds,
        "faults": faults,
        "targets": [{"name": one.name, "value": one.value, "bound": one.bound, "met": one.met} for one in targets],
    }
    text = json.dumps(everything, indent=1)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "w5.json").write_text(text, encoding="utf-8")
    if given.json is not None and str(given.json) == "-":
        print(text)
        return 1 if faults else 0
    if given.json is not None:
        given.json.write_text(text, encoding="utf-8")
    print(
        f"\n{text_of(facts)}\n\nW5 footprint, imports in {given.clock} time\n{'environment':<20}  import s  installed MB  install s"
    )
    for name, value in imports.items():
        size = f"{sizes[name]:,.0f}" if name in sizes else ""
        took = f"{seconds[name]:.1f}" if name in seconds else ""
        print(f"{name:<20}  {value:8.2f}  {size:>12}  {took:>9}")
    print("\nTargets of performance.md")
    for target in targets:
        print(target.text())
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
