"""Kedge in W1: an SMA cross flips one unit. Variants: plain, `stream` (from Parquet), `journal` (durable)."""

from __future__ import annotations

from decimal import Decimal

from benchmarks.child import FAST, SLOW, W1_FIRST_BAR, Job, Prepared, main
from benchmarks.ours.run import SYMBOL, trading
from kedge import BaseStrategy, Candle, Signal, __version__
from kedge.strategies.indicators.moving_average import RollingSum


class SmaFlip(BaseStrategy):
    """One unit long while the fast average is above the slow one, one short while below, as it was while equal."""

    def reset(self) -> None:
        self.fast = RollingSum(FAST)
        self.slow = RollingSum(SLOW)
        self.bars = 0
        self.wanted = 0
        self.sent = 0

    def required_symbols(self) -> list[str]:
        return [SYMBOL]

    def on_candle(self, candle: Candle) -> list[Signal] | None:
        fast = self.fast.update(candle.close)
        slow = self.slow.update(candle.close)
        self.bars += 1
        if self.bars <= W1_FIRST_BAR or fast is None or slow is None:
            return None
        fast *= RATIO
        if fast > slow:
            if self.wanted == 1:
                return None
            signal = Signal.buy(SYMBOL, TWO if self.wanted else ONE)
            self.wanted = 1
        elif fast < slow:
            if self.wanted == -1:
                return None
            signal = Signal.sell(SYMBOL, TWO if self.wanted else ONE)
            self.wanted = -1
        else:
            return None
        self.sent += 1
        return [signal]


ONE = Decimal(1)
TWO = Decimal(2)
RATIO = Decimal(SLOW // FAST)  # sums are compared: fast * 3 > slow


def w1(job: Job) -> Prepared:
    """Columns in memory, or the file, through the engine."""
    return trading(job, SmaFlip())


if __name__ == "__main__":
    main("Kedge", __version__, {"w1": w1})
