"""Kedge in W2: a sweep of SMA pairs in the compiled kernel, on one process. The variant is the number of pairs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from benchmarks.child import CASH, FEE_RATE, Job, Outcome, Prepared, main, pairs_of
from benchmarks.ours.run import history
from kedge import SmaCrossSignals, __version__
from kedge.research.evaluate import Settings
from kedge.research.market import Market
from kedge.research.sweep import SweepResult, sweep


def w2(job: Job) -> Prepared:
    """All pairs, a unit long or short, with the sums of trades and of final equities as the result."""
    market = Market.of(history(job, "bars"))
    settings = Settings(Decimal(CASH), Decimal(FEE_RATE), Decimal(0))
    sets: list[dict[str, Any]] = [
        {"fast": fast, "slow": slow, "quantity": 1} for fast, slow in pairs_of(int(job.variant))
    ]

    def run() -> SweepResult:
        return sweep(SmaCrossSignals, market, sets, settings)

    def finish(result: SweepResult) -> Outcome:
        rows = result.evaluations
        if any(row.engine != "kernel" for row in rows):
            raise SystemExit(f"a run was not the kernel's: {next(row.note for row in rows if row.note)}")
        profit = sum((row.final_equity for row in rows), Decimal(0)) - CASH * len(rows)
        return Outcome(job.rows, fills=sum(row.trades for row in rows), pnl=str(profit))

    return Prepared(run, finish, warm=True)


if __name__ == "__main__":
    main("Kedge", __version__, {"w2": w2, "w2-10000": w2})
