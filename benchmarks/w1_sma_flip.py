"""W1: one unit long while SMA 10 is above SMA 30, one short while below; market orders, fee 0.1%, no slippage.

Run on 100,000, 500,000 and 1,000,000 one-minute bars: the rate must not fall with the length.

    python -m benchmarks.w1_sma_flip
    python -m benchmarks.w1_sma_flip --rows 100000 --only Kedge backtesting.py
"""

from __future__ import annotations

import sys
from argparse import Namespace

from benchmarks.contenders import WORKS
from benchmarks.dataset import bars_of
from benchmarks.harness import Table, Target, arguments, measure, report, trading_faults
from benchmarks.oracle import Convention, sma_flip

SIZES = (100_000, 500_000, 1_000_000)


def table_of(rows: int, given: Namespace) -> Table:
    """All contenders on so many bars."""
    bars, digest, data = bars_of(rows)
    opens, closes = bars.open.tolist(), bars.close.tolist()

    expected = {convention: sma_flip(opens, closes, convention) for convention in Convention}
    measured = measure("w1", WORKS["w1"], rows, data, given)
    return Table("W1 SMA flip", rows, digest, "bars", rows, measured, trading_faults(measured, expected), given.clock)


def targets_of(tables: list[Table]) -> list[Target]:
    """What `performance.md` asks of W1."""
    targets = []
    first = tables[0].rate("Kedge")
    for table in tables:
        rows = f"{table.rows:,} bars, Kedge"
        rate = table.rate("Kedge")
        targets += [
            Target(f"{rows} over backtesting.py", table.ratio("Kedge", "backtesting.py"), 1.5),
            Target(f"{rows} over nautilus 1.221, the fastest v1", table.ratio("Kedge", "nautilus 1.221"), 10.0),
            Target(f"{rows} over the fastest nautilus of all", table.least_ratio("Kedge", "nautilus"), 10.0),
            Target(f"{rows} with the durable journal, bars/s", table.rate("Kedge, durable journal"), 100_000),
            Target(f"{rows} from Parquet, peak MB", table.peak("Kedge, from Parquet"), 150, at_least=False),
        ]
        if table.rows > tables[0].rows:
            flat = rate / first if rate and first else None
            targets.append(Target(f"{rows} rate over that of {tables[0].rows:,}", flat, 0.9))
        if table.rows >= 1_000_000:
            targets.append(Target(f"{rows}, peak MB", table.peak("Kedge"), 250, at_least=False))
    return targets


def main() -> int:
    given = arguments("W1: an SMA cross flips one unit.", SIZES).parse_args()
    tables = [table_of(rows, given) for rows in given.rows]
    return report("w1", tables, targets_of(tables), given)


if __name__ == "__main__":
    sys.exit(main())
