"""W3: at each bar the last limit order is cancelled and a new one is sent. The cost of an order, flat in their number.

Flat: buy one unit 0.41 below the close; long: sell it 0.41 above. About one in eighteen fills.

    python -m benchmarks.w3_limit_each_bar
    python -m benchmarks.w3_limit_each_bar --rows 100000 --only Kedge
"""

from __future__ import annotations

import sys

from benchmarks.contenders import WORKS
from benchmarks.dataset import bars_of
from benchmarks.harness import Table, Target, arguments, measure, report, trading_faults
from benchmarks.oracle import Convention, limit_each_bar


def main() -> int:
    given = arguments("W3: a limit order every bar, the last one cancelled.", [20_000, 100_000]).parse_args()
    tables: list[Table] = []
    targets: list[Target] = []
    for rows in given.rows:
        bars, digest, data = bars_of(rows)
        expected = limit_each_bar(bars.high.tolist(), bars.low.tolist(), bars.close.tolist())
        measured = measure("w3", WORKS["w3"], rows, data, given)
        faults = trading_faults(measured, dict.fromkeys(Convention, expected))
        table = Table("W3 limit each bar", rows, digest, "orders", expected.orders, measured, faults, given.clock)
        tables.append(table)
        name = f"{rows:,} bars, Kedge"
        targets += [
            Target(f"{name} with all limits, orders/s", table.rate("Kedge, all limits"), 40_000),
            Target(f"{name} with the durable journal, orders/s", table.rate("Kedge, durable journal"), 15_000),
        ]
        first, rate = tables[0].rate("Kedge, all limits"), table.rate("Kedge, all limits")
        if rows > tables[0].rows:
            flat = rate / first if rate and first else None
            targets.append(Target(f"{name} rate over that of {tables[0].rows:,}", flat, 0.9))
    return report("w3", tables, targets, given)


if __name__ == "__main__":
    sys.exit(main())
