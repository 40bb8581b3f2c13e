"""W4: 1,000,000 trades of others, a strategy that reads each price. The cost of a tick.

python -m benchmarks.w4_read_ticks
"""

from __future__ import annotations

import sys

from benchmarks.contenders import WORKS
from benchmarks.dataset import ticks_of
from benchmarks.harness import Table, Target, arguments, measure, reading_faults, report


def main() -> int:
    given = arguments("W4: a strategy reads every trade tick.", [1_000_000]).parse_args()
    tables, targets = [], []
    for rows in given.rows:
        ticks, digest, data = ticks_of(rows)
        measured = measure("w4", WORKS["w4"], rows, data, given)
        faults = reading_faults(measured, ticks.price.tolist())
        table = Table("W4 read ticks", rows, digest, "ticks", rows, measured, faults, given.clock)
        tables.append(table)
        targets += [
            Target(f"{rows:,} ticks, Kedge, ticks/s", table.rate("Kedge"), 700_000),
            Target(f"{rows:,} ticks, Kedge over nautilus v2", table.ratio("Kedge", "nautilus 1.231, v2 core"), 1.0),
        ]
    return report("w4", tables, targets, given)


if __name__ == "__main__":
    sys.exit(main())
