"""Runs the contenders of a work in turn, checks each against the oracle, and says what came out.

One repetition runs every contender once, each in a fresh process; then comes the next repetition (A B C A B C), so
that a slow minute of the machine falls on all. Of several repetitions the median counts. An engine that took longer
than `long_seconds` is not repeated.

The clock is wall time, or with `--clock cpu` the processor time of the process: on a machine whose cores are shared
that is the steadier one, and all engines here run on one thread. What waits for a disk is always on wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.contenders import COMPILED, FROM_SOURCE, OURS, RESULTS, ROOT, Contender
from benchmarks.machine import machine, text_of
from benchmarks.oracle import Convention, Expected

#: What 64-bit floats may lose over 40,000 fills; an engine that works in Decimal must be exact.
FLOAT_ERROR: Final = Decimal("0.001")


@dataclass
class Measured:
    """The runs of one contender, and why it has none or no more."""

    contender: Contender
    runs: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""

    def seconds(self, clock: str) -> float:
        """The median run."""
        name = "run_seconds" if clock == "wall" or self.contender.waits else "cpu_seconds"
        return float(median(run[name] for run in self.runs))

    def peak_mb(self) -> float:
        """The median peak of resident memory."""
        return float(median(run["peak_mb"] for run in self.runs))


@dataclass(frozen=True)
class Target:
    """A bound of `performance.md`; `value` is `None` where it could not be measured."""

    name: str
    value: float | None
    bound: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether it was measured and holds."""
        if self.value is None:
            return False
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def text(self) -> str:
        """One line."""
        sign = ">=" if self.at_least else "<="
        value = "not measured" if self.value is None else f"{self.value:,.2f}"
        return f"  {'met   ' if self.met else 'MISSED'}  {self.name}: {value} (target {sign} {self.bound:,g})"


@dataclass(frozen=True)
class Table:
    """The measurements of one work on so many rows, what an oracle expects of them, and the unit of the rate."""

    title: str
    rows: int
    data_sha256: str
    unit: str
    rate_rows: int
    measured: Sequence[Measured]
    faults: dict[str, str]
    clock: str

    def of(self, label: str) -> Measured | None:
        """The contender of that label, if it ran."""
        return next((one for one in self.measured if one.contender.label == label and one.runs), None)

    def rate(self, label: str) -> float | None:
        """Its rate in `unit` a second."""
        found = self.of(label)
        return None if found is None else self.rate_rows / found.seconds(self.clock)

    def peak(self, label: str) -> float | None:
        """Its peak memory, MB."""
        found = self.of(label)
        return None if found is None else found.peak_mb()

    def ratio(self, label: str, other: str) -> float | None:
        """How many times faster `label` is than `other`."""
        one, two = self.rate(label), self.rate(other)
        return None if one is None or two is None else one / two

    def least_ratio(self, label: str, others: str) -> float | None:
        """How many times faster `label` is than the fastest of those whose label starts with `others`."""
        found = [
            self.ratio(label, one.contender.label) for one in self.measured if one.contender.label.startswith(others)
        ]
        known = [ratio for ratio in found if ratio is not None]
        return min(known) if known else None


# ------------------------------------------------------------------------------------------------------- arguments


def arguments(description: str, rows: Sequence[int]) -> argparse.ArgumentParser:
    """The options that all works share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--rows", type=int, nargs="+", default=list(rows), help="how many bars, ticks (default: %(default)s)"
    )
    parser.add_argument("--repetitions", type=int, default=3, help="runs of each contender (default: %(default)s)")
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="contenders whose label has one of these")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="which time a rate is of")
    parser.add_argument("--long-seconds", type=float, default=30.0, help="a longer run is not repeated")
    parser.add_argument("--timeout-seconds", type=float, default=900.0, help="a longer run is ended")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too; - is standard output")
    return parser


# ------------------------------------------------------------------------------------------------------------ runs


def measure(
    work: str, contenders: Sequence[Contender], rows: int, data: Path, given: argparse.Namespace
) -> list[Measured]:
    """Run the chosen contenders in turn."""
    chosen = [one for one in contenders if not given.only or any(text in one.label for text in given.only)]
    measured = [Measured(one) for one in chosen]
    for repetition in range(given.repetitions):
        for one in measured:
            if one.contender.rows_max is not None and rows > one.contender.rows_max:
                one.fault = f"not run on more than {one.contender.rows_max:,} rows"
            if one.fault or (one.runs and one.seconds(given.clock) > given.long_seconds):
                continue
            _progress(f"{work} {rows:,}: {one.contender.label}, {repetition + 1} of {given.repetitions}")
            _run(work, one, rows, data, given.timeout_seconds)
    return measured


def _run(work: str, one: Measured, rows: int, data: Path, timeout: float) -> None:
    python = one.contender.environment.python
    if not python.exists():
        how = (
            "python3 tasks.py compile" if one.contender.environment is COMPILED else "python -m benchmarks.setup_peers"
        )
        one.fault = f"not installed; run {how}"
        return
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if one.contender.environment in FROM_SOURCE:
        environment["PYTHONPATH"] = str(ROOT / "src")
    with tempfile.TemporaryDirectory(prefix="kedge-bench-") as scratch:
        command = [str(python), "-m", one.contender.module, work, "--data", str(data), "--rows", str(rows)]
        command += ["--variant", one.contender.variant, "--scratch", scratch]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            one.fault = f"ended after {timeout:g} s"
            return
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"read"')]
    if lines:
        one.runs.append(json.loads(lines[-1]))
    else:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        one.fault = f"failed: {said[-1] if said else f'exit code {done.returncode}'}"[:160]


def _progress(text: str) -> None:
    print(f"\r{text:<78}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


# ---------------------------------------------------------------------------------------------------------- checks


def trading_faults(
    measured: Sequence[Measured], expected: Mapping[Convention, Expected], float_error: Decimal = FLOAT_ERROR
) -> dict[str, str]:
    """Where a contender's orders, fills or final P&L are not the oracle's, by label; none where all agree."""
    found: dict[str, str] = {}
    for one in measured:
        right = expected[one.contender.convention]
        allowed = Decimal(0) if one.contender.environment in OURS else float_error
        for run in one.runs:
            wrong = [
                f"{name} {run[name]}, not {value}"
                for name, value in (("orders", right.orders), ("fills", right.fills))
                if run[name] != value and not (name == "orders" and run[name] is None)
            ]
            if abs(Decimal(run["pnl"]) - right.pnl) > allowed:
                wrong.append(f"P&L {run['pnl']}, not {right.pnl}")
            if wrong:
                found[one.contender.label] = "; ".join(wrong)
    return found


def reading_faults(measured: Sequence[Measured], prices: Sequence[int]) -> dict[str, str]:
    """Where a contender did not read what it says it read: the last so many prices, each once. One may be skipped."""
    found: dict[str, str] = {}
    for one in measured:
        for run in one.runs:
            read = run["read"]
            if read < len(prices) - 1:
                found[one.contender.label] = f"read {read} of {len(prices)}"
            elif run["total_ticks"] != sum(prices[len(prices) - read :]):
                found[one.contender.label] = "the sum of what it read is wrong"
    return found


# ---------------------------------------------------------------------------------------------------------- tables


def show(table: Table) -> str:
    """The table as text."""
    base = table.measured[0].contender.label if table.measured else ""
    head = ["engine", "version", f"{table.unit}/s", f"{base} is", "peak MB", "load s", "run s", "spread", "n"]
    head += ["orders", "fills", "final P&L", "oracle"]
    body = [_line(table, one, base) for one in table.measured]
    widths = [max(len(row[at]) for row in [head, *body]) for at in range(len(head))]
    left = {0, 1, len(head) - 1}

    def aligned(row: list[str]) -> str:
        cells = (
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    clock = "processor time of the process (what waits for a disk: wall time)" if table.clock == "cpu" else "wall time"
    said = f"{table.title}: {table.rows:,} rows, data {table.data_sha256[:12]}, {clock}"
    return "\n".join([said, aligned(head), rule, *map(aligned, body)])


def _line(table: Table, one: Measured, base: str) -> list[str]:
    label = one.contender.label
    if not one.runs:
        return [label, *[""] * 11, one.fault]
    seconds = one.seconds(table.clock)
    ratio = table.ratio(base, label)
    first = one.runs[0]
    name = "run_seconds" if table.clock == "wall" or one.contender.waits else "cpu_seconds"
    times = [run[name] for run in one.runs]
    return [
        label,
        first["version"],
        f"{table.rate_rows / seconds:,.0f}",
        "" if ratio is None or label == base else f"{ratio:.2f}x",
        f"{one.peak_mb():,.0f}",
        f"{median(run['load_seconds'] for run in one.runs):.2f}",
        f"{seconds:.3f}" + ("" if first["cold_seconds"] is None else f" (cold {first['cold_seconds']:.1f})"),
        f"{(max(times) - min(times)) / seconds:.0%}" if len(times) > 1 else "",
        str(len(times)),
        "" if first["orders"] is None else f"{first['orders']:,}",
        "" if first["fills"] is None else f"{first['fills']:,}",
        "" if first["pnl"] is None else f"{Decimal(first['pnl']):,.5f}",
        table.faults.get(label) or ("agrees" + _convention(one)),
    ]


def _convention(one: Measured) -> str:
    return (
        f" (fills at the {one.contender.convention})"
        if one.contender.convention is Convention.SAME_CLOSE and one.runs[0]["pnl"]
        else ""
    )


def report(work: str, tables: Sequence[Table], targets: Sequence[Target], given: argparse.Namespace) -> int:
    """Print the tables, or the JSON; the exit code is 1 where an engine did not do the work."""
    interpreters = sorted({run["interpreter"] for table in tables for one in table.measured for run in one.runs})
    facts = machine()
    everything = {
        "work": work,
        "machine": facts,
        "interpreters": interpreters,
        "clock": given.clock,
        "tables": [
            {
                "title": table.title,
                "rows": table.rows,
                "data_sha256": table.data_sha256,
                "unit": table.unit,
                "contenders": [
                    {
                        "label": one.contender.label,
                        "rate": table.rate(one.contender.label),
                        "fault": one.fault or table.faults.get(one.contender.label, ""),
                        "convention": str(one.contender.convention),
                        "runs": one.runs,
                    }
                    for one in table.measured
                ],
            }
            for table in tables
        ],
        "targets": [
            {"name": one.name, "value": one.value, "bound": one.bound, "at_least": one.at_least, "met": one.met}
            for one in targets
        ],
    }
    text = json.dumps(everything, indent=1)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{work}.json").write_text(text, encoding="utf-8")
    if given.json is not None and str(given.json) == "-":
        print(text)
    else:
        if given.json is not None:
            given.json.write_text(text, encoding="utf-8")
        _print(facts, interpreters, tables, targets)
    return 1 if any(table.faults for table in tables) else 0


def _print(facts: dict[str, Any], interpreters: list[str], tables: Sequence[Table], targets: Sequence[Target]) -> None:
    print(f"\n{text_of(facts)}")
    for interpreter in interpreters:
        print(f"  {interpreter}")
    for table in tables:
        print(f"\n{show(table)}")
    if targets:
        print("\nTargets of performance.md")
        for target in targets:
            print(target.text())
