"""Seeded markets for research tests: columns of candles, small and quick."""

from __future__ import annotations

import numpy as np

from kedge.storage.columns import CandleColumns

START = 1_704_067_200_000_000_000  # 2024-01-01
HOUR = 3_600_000_000_000
DAY = 24 * HOUR


def walk(
    seed: int, bars: int, interval: int = HOUR, symbol: str = "BTC-USD", start: int = START, trend: float = 0.0
) -> CandleColumns:
    """A random walk in cents, each candle opening where the last one closed; `trend` makes moves repeat themselves."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(0.0, 0.01, bars)
    for at in range(1, bars):
        steps[at] += trend * steps[at - 1]
    closes = np.round(10_000 * np.exp(np.cumsum(steps))).astype(np.int64) + 1
    opens = np.concatenate([[10_000], closes[:-1]])
    spread = generator.integers(0, 30, bars)
    return CandleColumns(
        symbol=symbol,
        interval=interval,
        price_scale=2,
        size_scale=0,
        ts=start + interval * np.arange(bars, dtype=np.int64),
        open=opens,
        high=np.maximum(opens, closes) + spread,
        low=np.maximum(np.minimum(opens, closes) - spread, 1),
        close=closes,
        volume=np.full(bars, 1000, np.int64),
    )
