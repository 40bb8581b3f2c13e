"""Kedge in W4: a strategy reads each trade's price."""

from __future__ import annotations

from decimal import Decimal

from benchmarks.child import PRICE_TICKS, Job, Outcome, Prepared, main
from benchmarks.ours.run import SYMBOL, engine, history
from kedge import BacktestEngine, BaseStrategy, Trade, __version__


class ReadTrades(BaseStrategy):
    """Adds up prices."""

    def reset(self) -> None:
        self.read = 0
        self.total = Decimal(0)

    def required_symbols(self) -> list[str]:
        return [SYMBOL]

    def on_trade(self, trade: Trade) -> None:
        self.read += 1
        self.total += trade.price


def w4(job: Job) -> Prepared:
    """Columns in memory, read through the engine."""
    trades = history(job, "ticks")
    tested: BacktestEngine = engine(job)
    strategy = ReadTrades()

    def finish(_: object) -> Outcome:
        return Outcome(strategy.read, total_ticks=int(strategy.total * PRICE_TICKS))

    return Prepared(lambda: tested.run(strategy, trades), finish)


if __name__ == "__main__":
    main("Kedge", __version__, {"w4": w4})
