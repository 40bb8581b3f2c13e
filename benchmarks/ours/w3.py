"""Kedge in W3: at each candle the last limit order is cancelled and a new one sent.

Variants: plain, `limits` (every limit of `RiskConfig` set), `journal` (durable).
"""

from __future__ import annotations

from decimal import Decimal

from benchmarks.child import W3_FIRST_BAR, W3_OFFSET, Job, Prepared, main
from benchmarks.ours.run import SYMBOL, trading
from kedge import BaseStrategy, CancelOrders, Candle, Signal, __version__

ONE = Decimal(1)
OFFSET = Decimal(str(W3_OFFSET))


class LimitEachBar(BaseStrategy):
    """Buys one unit below the close when flat, sells it above when long."""

    def reset(self) -> None:
        self.bars = 0
        self.sent = 0
        self.cancel = CancelOrders(SYMBOL)

    def required_symbols(self) -> list[str]:
        return [SYMBOL]

    def on_candle(self, candle: Candle) -> list[CancelOrders | Signal] | None:
        self.bars += 1
        if self.bars <= W3_FIRST_BAR:
            return None
        if self.view.position(SYMBOL):
            signal = Signal.sell(SYMBOL, ONE, price=candle.close + OFFSET)
        else:
            signal = Signal.buy(SYMBOL, ONE, price=candle.close - OFFSET)
        self.sent += 1
        return [self.cancel, signal]


def w3(job: Job) -> Prepared:
    """Columns in memory through the engine."""
    return trading(job, LimitEachBar())


if __name__ == "__main__":
    main("Kedge", __version__, {"w3": w3})
