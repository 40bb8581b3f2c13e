"""The slow and obvious way to read a candle file, to hold the fast one against; and the real files to do it with."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from kedge.model.instant import NS_PER_MS
from kedge.model.market import Candle

#: Real market data lies beside the repository where the project is developed.
REAL = Path(__file__).parents[3] / "shared" / "data"


def real_files(pattern: str) -> list[Path]:
    """The real files of a pattern; without them the test is skipped and says so."""
    return sorted(REAL.glob(pattern)) if REAL.is_dir() else []


def need(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"no real market data at {path}")
    return path


def text_rows(path: Path) -> list[list[str]]:
    return list(csv.reader(gzip.decompress(path.read_bytes()).decode().splitlines()))[1:]


def candles_of(rows: list[list[str]], symbol: str, interval: int) -> list[Candle]:
    """`open_time_ms,open,high,low,close[,volume]` as candles, one by one through `Decimal`."""
    return [
        candle_of(int(row[0]) * NS_PER_MS, row[1:5], row[5] if len(row) > 5 else "0", symbol, interval) for row in rows
    ]


def candle_of(ts: int, prices: Sequence[str], volume: str, symbol: str, interval: int) -> Candle:
    """One candle from texts."""
    open_, high, low, close = map(Decimal, prices)
    return Candle(ts, open_, high, low, close, Decimal(volume), symbol, interval)
