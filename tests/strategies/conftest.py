"""Real candles of ../shared, read once."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from kedge.model.instant import NS_PER_MS
from kedge.model.market import Candle

BTC_1H = "binance_spot_BTCUSDT_1h_2018_2026.csv.gz"
ETH_1H = "binance_spot_ETHUSDT_1h_2018_2026.csv.gz"


@cache
def read(folder: Path, name: str, symbol: str, count: int) -> tuple[Candle, ...]:
    with gzip.open(folder / name, "rt", encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        return tuple(candle_of(row, symbol) for row in islice(rows, count))


def candle_of(row: Sequence[str], symbol: str) -> Candle:
    opened, top, bottom, close, volume = (Decimal(text) for text in row[1:6])
    return Candle(int(row[0]) * NS_PER_MS, opened, top, bottom, close, volume, symbol)


RealCandles = Callable[..., Sequence[Candle]]


@pytest.fixture(scope="session")
def real_candles(shared: Path) -> RealCandles:
    """`real_candles(file, symbol, count)`: the first candles of a file of real market data."""

    def load(name: str = BTC_1H, symbol: str = "BTC-USD", count: int = 3_000) -> Sequence[Candle]:
        return read(shared / "data", name, symbol, count)

    return load
