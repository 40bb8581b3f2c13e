"""W2: W1's rule for 100 pairs of lengths over 100,000 bars, and Kedge for 10,000 pairs: the rate must not fall.

One process each. What compiles is run twice; the second run is measured, the first stands as cold (compiled code that is
kept on disk is found there; delete the caches to see what the first run ever costs).

    python -m benchmarks.w2_sweep --clock cpu
"""

from __future__ import annotations

import sys
from argparse import Namespace
from decimal import Decimal

from benchmarks.child import pairs_of
from benchmarks.contenders import WORKS
from benchmarks.dataset import bars_of
from benchmarks.harness import Table, Target, arguments, measure, report, trading_faults
from benchmarks.oracle import Convention, sma_sweep

#: Float error of one run, a hundred times over.
FLOAT_ERROR = Decimal("0.1")


def table_of(work: str, pairs: int, rows: int, given: Namespace) -> Table:
    """All contenders on so many pairs."""
    bars, digest, data = bars_of(rows)
    expected = {Convention.NEXT_OPEN: sma_sweep(bars.open, bars.close, pairs_of(pairs))}
    measured = measure(work, WORKS[work], rows, data, given)
    faults = trading_faults(measured, expected, FLOAT_ERROR)
    return Table(f"W2 sweep of {pairs:,} pairs", rows, digest, "bars", rows * pairs, measured, faults, given.clock)


def targets_of(tables: list[Table]) -> list[Target]:
    """What `performance.md` asks of W2."""
    first, *more = tables
    kedge = first.of("Kedge")
    cold = max((run["cold_seconds"] for run in kedge.runs), default=None) if kedge else None
    targets = [
        Target("Kedge over vectorbt Rust", first.ratio("Kedge", "vectorbt Rust, arrays"), 5.0),
        Target("Kedge, peak MB", first.peak("Kedge"), 250, at_least=False),
        Target("Kedge, cold s", cold, 3.0, at_least=False),
    ]
    for table in more:
        rate, before = table.rate("Kedge"), first.rate("Kedge")
        flat = rate / before if rate and before else None
        targets += [
            Target(f"{table.title}: rate over that of the first", flat, 0.9),
            Target(f"{table.title}: Kedge, peak MB", table.peak("Kedge"), 250, at_least=False),
        ]
    return targets


def main() -> int:
    given = arguments("W2: a sweep of SMA pairs.", (100_000,)).parse_args()
    tables = []
    for rows in given.rows:
        tables += [table_of("w2", 100, rows, given), table_of("w2-10000", 10_000, rows, given)]
    return report("w2", tables, targets_of(tables), given)


if __name__ == "__main__":
    sys.exit(main())
