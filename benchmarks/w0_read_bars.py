"""W0: 100,000 one-minute bars, a strategy that reads each bar's close and sends nothing. The cost of a bar.

python -m benchmarks.w0_read_bars
"""

from __future__ import annotations

import sys

from benchmarks.contenders import WORKS
from benchmarks.dataset import bars_of
from benchmarks.harness import Table, Target, arguments, measure, reading_faults, report


def main() -> int:
    given = arguments("W0: a strategy reads every bar and sends no order.", [100_000]).parse_args()
    tables, targets = [], []
    for rows in given.rows:
        bars, digest, data = bars_of(rows)
        measured = measure("w0", WORKS["w0"], rows, data, given)
        faults = reading_faults(measured, bars.close.tolist())
        table = Table("W0 read bars", rows, digest, "bars", rows, measured, faults, given.clock)
        tables.append(table)
        targets += [
            Target(f"{rows:,} bars, Kedge over backtesting.py", table.ratio("Kedge", "backtesting.py"), 1.25),
            Target(f"{rows:,} bars, Kedge over nautilus v2", table.ratio("Kedge", "nautilus 1.231, v2 core"), 1.0),
        ]
    return report("w0", tables, targets, given)


if __name__ == "__main__":
    sys.exit(main())
