"""What Kedge's works share: history in its own in-memory form (int64 columns) or as a Parquet file, and the engine.

Candles and trades are built from the columns while the run goes on, so their making is under the clock; the peers'
objects are made before it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from benchmarks.child import CASH, FEE_RATE, Job, Outcome, Prepared
from kedge import BacktestEngine, BacktestResult, BaseStrategy, RiskConfig
from kedge.storage.parquet import open_stored

SYMBOL = "BTC-USD"

#: Every limit there is, none so tight that it refuses: all checks run, all orders pass.
ALL_LIMITS = RiskConfig(
    order_quantity_max=Decimal(10),
    order_notional_max=Decimal(1_000_000),
    orders_per_second_max=1_000,
    orders_per_day_max=1_000_000,
    orders_open_max=100,
    duplicate_window_ms_max=100,
    price_collar_bps_max=Decimal(500),
    reference_age_ms_max=120_000,
    position_quantity_max=Decimal(100),
    position_notional_max=Decimal(5_000_000),
    gross_exposure_max=Decimal(5_000_000),
    net_exposure_max=Decimal(5_000_000),
    leverage_max=Decimal(1),
    strategy_exposure_max=Decimal(5_000_000),
    strategy_loss_max=Decimal(5_000_000),
    daily_loss_max=Decimal(5_000_000),
    drawdown_ratio_max=Decimal("0.9"),
    executions_per_window_max=1_000_000,
)


def history(job: Job, name: str) -> Any:
    """The rows of a Parquet file as columns; in variant `stream` the file itself, read in blocks during the run."""
    path = job.data / f"{name}.parquet"
    stored = open_stored(path)
    if stored is None or len(stored) != job.rows:
        raise SystemExit(f"{path} does not hold {job.rows} rows of Kedge's layout; delete its folder and run again")
    return stored if job.variant == "stream" else stored.columns()


def engine(job: Job) -> BacktestEngine:
    """The engine as the works want it: no slippage, 0.1% fee; the journal and the limits by variant."""
    more: dict[str, Any] = {}
    if job.variant == "journal":
        more["journal_dir"] = job.scratch / "journal"
    if job.variant == "limits":
        more["risk"] = ALL_LIMITS
    return BacktestEngine(initial_capital=Decimal(CASH), fee_rate=Decimal(FEE_RATE), slippage_bps=Decimal(0), **more)


def trading(job: Job, strategy: BaseStrategy) -> Prepared:
    """A run of a strategy that counts the orders it sends in `sent`."""
    candles = history(job, "bars")
    tested = engine(job)

    def run() -> BacktestResult:
        return tested.run(strategy, candles)

    def finish(result: BacktestResult) -> Outcome:
        sent: int = strategy.sent  # type: ignore[attr-defined]
        return Outcome(job.rows, sent, result.fills, str(result.final_equity - CASH))

    return Prepared(run, finish)
