"""A synthetic market: seeded, in exact ticks, and never mistaken for a real one.

Regimes of drift and volatility follow each other, so that trends, ranges and shocks occur; within a regime the log price
moves as an integer random walk. Everything is drawn from the standard library's Mersenne twister, whose integers are
the same on every platform, and computed in integers: equal seeds give equal candles everywhere.
"""

from __future__ import annotations

from random import Random

from kedge.model.instant import NS_PER_S
from kedge.model.market import DEFAULT_SYMBOL
from kedge.storage.columns import CandleColumns

HOUR_NS = 3_600 * NS_PER_S
START_NS = 1_704_067_200 * NS_PER_S  # 2024-01-01
START_TICKS = 10_000_00  # 10,000.00
_STEPS = 12  # draws within a candle, from which high and low come
_PPM = 1_000_000


def synthetic_candles(seed: int, bars: int, symbol: str = DEFAULT_SYMBOL) -> CandleColumns:
    """`bars` hourly candles with a tick of 0.01 and volumes in thousandths."""
    import numpy as np

    dice = Random(f"kedge-{seed}")  # noqa: S311  (a market, not a secret)
    rows = np.empty((6, bars), dtype=np.int64)
    price, left, drift, spread = START_TICKS, 0, 0, 0
    for bar in range(bars):
        if not left:
            left = dice.randint(60, 400)
            drift = dice.choice((-70, -30, 0, 0, 30, 75))
            spread = dice.choice((900, 1_300, 2_200))
        left -= 1
        opened = high = low = price
        for _ in range(_STEPS):
            move = drift + dice.randint(-spread, spread)
            price = max(price + price * move // _PPM, 100)
            high, low = max(high, price), min(low, price)
        volume = dice.randint(2_000, 60_000) + (high - low) * 3
        rows[:, bar] = (START_NS + bar * HOUR_NS, opened, high, low, price, volume)
    return CandleColumns(symbol, HOUR_NS, 2, 3, *rows)
