"""Kedge in W0: a strategy reads each candle's close."""

from __future__ import annotations

from decimal import Decimal

from benchmarks.child import PRICE_TICKS, Job, Outcome, Prepared, main
from benchmarks.ours.run import SYMBOL, engine, history
from kedge import BacktestEngine, BaseStrategy, Candle, __version__


class ReadCandles(BaseStrategy):
    """Adds up closes."""

    def reset(self) -> None:
        self.read = 0
        self.total = Decimal(0)

    def required_symbols(self) -> list[str]:
        return [SYMBOL]

    def on_candle(self, candle: Candle) -> None:
        self.read += 1
        self.total += candle.close


def w0(job: Job) -> Prepared:
    """Columns in memory, read through the engine."""
    candles = history(job, "bars")
    tested: BacktestEngine = engine(job)
    strategy = ReadCandles()

    def finish(_: object) -> Outcome:
        return Outcome(strategy.read, total_ticks=int(strategy.total * PRICE_TICKS))

    return Prepared(lambda: tested.run(strategy, candles), finish)


if __name__ == "__main__":
    main("Kedge", __version__, {"w0": w0})
