"""Random walks as columns: prices in cents, one bar a minute or hour, seeded."""

from __future__ import annotations

import numpy as np

from kedge.model.instant import NS_PER_S
from kedge.storage.columns import CandleColumns

MINUTE = 60 * NS_PER_S


def walk(count: int, seed: int = 1, symbol: str = "BTC-USD", interval: int = MINUTE) -> CandleColumns:
    """So many candles of a walk that begins at 100.00."""
    dice = np.random.default_rng(seed)
    close = np.maximum(1_000, 10_000 + np.cumsum(dice.integers(-30, 31, count)))
    opened = np.concatenate(([10_000], close[:-1])) + dice.integers(-3, 4, count)
    high = np.maximum(opened, close) + dice.integers(0, 20, count)
    low = np.minimum(opened, close) - dice.integers(0, 20, count)
    times = np.arange(count, dtype=np.int64) * interval
    return CandleColumns(symbol, interval, 2, 0, times, opened, high, low, close, np.ones(count, np.int64))
