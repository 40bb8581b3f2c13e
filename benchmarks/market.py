"""The market that every engine is measured on: a seeded random walk in integer ticks, the same on every machine.

The draws are SplitMix64 of a counter, written out here in uint64 arithmetic, so no library version can change them.
Two properties make the engines comparable without arguing about fill rules:

- All bar prices are *even* ticks. A limit on an odd tick is therefore either traded through or not touched, so
  "fills at a touch" and "fills only when traded through" are the same rule.
- A bar opens within `GAP_TICKS` of the last close. A limit further away than that is never better than the open,
  so "fills at its limit" and "fills at the better open" are the same rule.

What still differs is when a market order fills: at the next open, or at the close that made the signal. The open
is not the last close, so the oracle can tell one from the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SYMBOL: Final = "BTC-USD"
TICKS_PER_UNIT: Final = 100  # a tick is 0.01
LOTS_PER_UNIT: Final = 1000  # a lot is 0.001
MINUTE_NS: Final = 60_000_000_000
START_NS: Final = 1_704_067_200_000_000_000  # 2024-01-01T00:00:00Z
START_TICKS: Final = 1_000_000  # 10,000.00: far enough from zero for 10 million bars
GAP_TICKS: Final = 4
_LEG_TICKS: Final = 20
_LEGS: Final = 4
SEED: Final = 20_240_101

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def draws(seed: int, stream: int, count: int, below: int) -> Ints:
    """`count` integers in `[0, below)` of a seed's stream: SplitMix64 (Steele, Lea, Flood 2014), reduced modulo."""
    base = np.uint64((seed * 1_000_003 + stream * 0x632BE59BD9B4E019) % (1 << 64))
    z = base + np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z % np.uint64(below)).astype(np.int64)


@dataclass(frozen=True)
class Bars:
    """One-minute bars: `ts` the opening time in ns, prices in ticks, volume in lots."""

    ts: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def __len__(self) -> int:
        return len(self.ts)


@dataclass(frozen=True)
class Ticks:
    """Trades of others: `ts` in ns, price in ticks, quantity in lots, side 1 buy or -1 sell."""

    ts: Ints
    price: Ints
    quantity: Ints
    side: Ints

    def __len__(self) -> int:
        return len(self.ts)


def make_bars(count: int, seed: int = SEED) -> Bars:
    """`count` bars; a longer series begins with a shorter one."""
    gap = 2 * (draws(seed, 0, count, GAP_TICKS + 1) - GAP_TICKS // 2)
    legs = [2 * (draws(seed, 1 + leg, count, _LEG_TICKS + 1) - _LEG_TICKS // 2) for leg in range(_LEGS)]
    close = START_TICKS + np.cumsum(gap + sum(legs))
    before = np.concatenate((np.array([START_TICKS], dtype=np.int64), close[:-1]))
    path = [before + gap]
    for leg in legs:
        path.append(path[-1] + leg)
    if int(min(step.min() for step in path)) <= 0:
        raise ValueError(f"{count} bars of seed {seed} walk below zero; take another seed")
    return Bars(
        ts=START_NS + np.arange(count, dtype=np.int64) * MINUTE_NS,
        open=path[0],
        high=np.maximum.reduce(path),
        low=np.minimum.reduce(path),
        close=close,
        volume=(100 + draws(seed, 9, count, 901)) * LOTS_PER_UNIT,  # never too little for an order of two units
    )


def make_ticks(count: int, seed: int = SEED) -> Ticks:
    """`count` trades, 1 to 200 ms apart, each within two ticks of the last."""
    return Ticks(
        ts=START_NS + np.cumsum(1_000_000 * (1 + draws(seed, 20, count, 200))),
        price=START_TICKS + np.cumsum(draws(seed, 21, count, 5) - 2),
        quantity=1 + draws(seed, 22, count, 5_000),
        side=2 * draws(seed, 23, count, 2) - 1,
    )


def digest(rows: Bars | Ticks) -> str:
    """SHA-256 over all columns in order, little-endian int64: which data a figure belongs to."""
    total = hashlib.sha256()
    for field in fields(rows):
        total.update(getattr(rows, field.name).astype("<i8").tobytes())
    return total.hexdigest()


def write_bars(folder: Path, bars: Bars) -> None:
    """`bars.npz` (int64 ticks) and `bars.csv` (plain decimals, time in ms)."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "bars.npz", **{field.name: getattr(bars, field.name) for field in fields(bars)})
    prices = [_decimals(column, TICKS_PER_UNIT, 2) for column in (bars.open, bars.high, bars.low, bars.close)]
    volume = _decimals(bars.volume, LOTS_PER_UNIT, 3)
    _write_csv(folder / "bars.csv", "timestamp,open,high,low,close,volume", [_milliseconds(bars.ts), *prices, volume])


def write_ticks(folder: Path, ticks: Ticks) -> None:
    """`ticks.npz` and `ticks.csv`, likewise."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "ticks.npz", **{field.name: getattr(ticks, field.name) for field in fields(ticks)})
    price, quantity = (
        _decimals(ticks.price, TICKS_PER_UNIT, 2),
        _decimals(ticks.quantity, LOTS_PER_UNIT, 3),
    )
    sides = ["buy" if side > 0 else "sell" for side in ticks.side.tolist()]
    _write_csv(folder / "ticks.csv", "timestamp,price,quantity,side", [_milliseconds(ticks.ts), price, quantity, sides])


def write_kedge_bars(folder: Path, bars: Bars) -> None:
    """`bars.parquet` in Kedge's own layout."""
    from kedge.storage.columns import CandleColumns
    from kedge.storage.parquet import write_stored

    columns = CandleColumns(SYMBOL, MINUTE_NS, 2, 3, bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    write_stored(folder / "bars.parquet", columns)


def write_kedge_ticks(folder: Path, ticks: Ticks) -> None:
    """`ticks.parquet`, likewise."""
    from kedge.storage.columns import TradeColumns
    from kedge.storage.parquet import write_stored

    ids = np.arange(1, len(ticks) + 1, dtype=np.int64)
    columns = TradeColumns(SYMBOL, 2, 3, ticks.ts, ticks.price, ticks.quantity, ticks.side, ids)
    write_stored(folder / "ticks.parquet", columns)


def _milliseconds(ts: Ints) -> list[str]:
    return [str(value) for value in (ts // 1_000_000).tolist()]


def _decimals(column: Ints, per_unit: int, places: int) -> list[str]:
    return [f"{value // per_unit}.{value % per_unit:0{places}d}" for value in column.tolist()]


def _write_csv(path: Path, header: str, columns: list[list[str]]) -> None:
    with path.open("w", encoding="ascii") as file:
        file.write(header + "\n")
        for row in zip(*columns, strict=True):
            file.write(",".join(row) + "\n")
