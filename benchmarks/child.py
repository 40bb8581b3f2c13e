"""One measurement in a process of its own: load, run under the clock, and say in one JSON line what came out.

Runs inside each engine's virtual environment, so it is standard library only and imports no engine. A module of an
engine gives `main` a function per work, which loads the data into the engine's own in-memory form and returns a
`Prepared`; only `Prepared.run` is under the clock, `finish` reads the result afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

CASH = 10_000_000
FEE_RATE = "0.001"
PRICE_TICKS = 100  # ticks of 0.01 in one unit of the quote currency

# The works' rules, as `benchmarks.oracle` has them; not imported from there to keep this file alone.
FAST = 10
SLOW = 30
W1_FIRST_BAR = 30
W3_FIRST_BAR = 1
W3_OFFSET = 0.41
#: W2 sweeps so many pairs: every fast length with every slow one.
W2_GRIDS = {
    100: (range(5, 55, 5), range(60, 160, 10)),
    10_000: (range(2, 102), range(110, 210)),
}

#: Two averages nearer than this are equal: the smallest true difference is 0.02 / 30, float error is below 1e-9.
SAME = 1e-6


def pairs_of(count: int) -> list[tuple[int, int]]:
    """The pairs of W2, fast and slow."""
    fasts, slows = W2_GRIDS[count]
    return [(fast, slow) for fast in fasts for slow in slows]


@dataclass(frozen=True)
class Job:
    """What to run: a work on the first `rows` rows of the files in `data`, in one of the engine's variants."""

    work: str
    data: Path
    rows: int
    variant: str
    scratch: Path


@dataclass
class Outcome:
    """What the run did, for the oracle: `pnl` in the quote currency, `total_ticks` the sum of the prices read."""

    read: int
    orders: int | None = None
    fills: int | None = None
    pnl: str | None = None
    total_ticks: int | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    #: Wall and processor seconds of loading that an engine does inside its run; taken off the run.
    loading: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Prepared:
    """A run ready to start; `warm`: run it once before (a compiler's first call), and report that as the cold time."""

    run: Callable[[], Any]
    finish: Callable[[Any], Outcome]
    warm: bool = False


def money(value: float | Decimal) -> str:
    """A P&L as text: exact from Decimal, to 1e-5 from float, which is what 64 bits hold of these sums."""
    return str(value) if isinstance(value, Decimal) else f"{value:.5f}"


def peak_mb() -> float:
    """The largest resident memory of this process, MB.

    Linux carries the parent's peak into a child's `ru_maxrss` across exec; `VmHWM` belongs to this program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def build() -> str:
    """How this interpreter was built, as far as it says: a build without optimizations is 15% slower or more."""
    flags = sysconfig.get_config_var("CONFIG_ARGS") or ""
    said = [flag for flag in ("--enable-optimizations", "--with-lto") if flag in flags]
    how = " ".join(said) or "no optimizations stated"
    return f"CPython {platform.python_version()}, {platform.python_compiler()}, {how}"


def main(engine: str, version: str, works: dict[str, Callable[[Job], Prepared]]) -> None:
    """Run the job of the command line and print its figures as the last line of standard output."""
    parser = argparse.ArgumentParser(prog=engine)
    parser.add_argument("work", choices=sorted(works))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--variant", default="")
    parser.add_argument("--scratch", type=Path, required=True)
    given = parser.parse_args()
    job = Job(given.work, given.data, given.rows, given.variant, given.scratch)

    started = time.perf_counter()
    prepared = works[job.work](job)
    load_seconds = time.perf_counter() - started
    cold_seconds = None
    if prepared.warm:
        started = time.perf_counter()
        prepared.run()
        cold_seconds = time.perf_counter() - started
    started = time.perf_counter()
    cpu = time.process_time()
    result = prepared.run()
    cpu_seconds = time.process_time() - cpu
    run_seconds = time.perf_counter() - started
    peak = peak_mb()

    outcome = prepared.finish(result)
    loading_wall, loading_cpu = outcome.loading
    line = asdict(outcome) | {
        "engine": engine,
        "version": version,
        "variant": job.variant,
        "interpreter": build(),
        "load_seconds": load_seconds + loading_wall,
        "run_seconds": run_seconds - loading_wall,
        "cpu_seconds": cpu_seconds - loading_cpu,
        "cold_seconds": cold_seconds,
        "peak_mb": peak,
    }
    sys.stdout.flush()
    print("\n" + json.dumps(line), flush=True)
    # Not every engine ends its threads; the figures are out, so end here.
    os._exit(0)
