"""The files of a market, made once for each length and kept under `results/`, which git ignores.

Kedge's Parquet is written anew each time, by the code that will read it: its layout belongs to that code.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.contenders import RESULTS
from benchmarks.market import (
    Bars,
    Ticks,
    digest,
    make_bars,
    make_ticks,
    write_bars,
    write_kedge_bars,
    write_kedge_ticks,
    write_ticks,
)


def bars_of(count: int) -> tuple[Bars, str, Path]:
    """So many bars, their digest, and the folder with their files."""
    bars = make_bars(count)
    found = digest(bars)
    folder = RESULTS / f"bars-{count}-{found[:12]}"
    if not folder.exists():
        part = _part(folder)
        write_bars(part, bars)
        part.rename(folder)
    write_kedge_bars(folder, bars)
    return bars, found, folder


def ticks_of(count: int) -> tuple[Ticks, str, Path]:
    """So many trades, likewise."""
    ticks = make_ticks(count)
    found = digest(ticks)
    folder = RESULTS / f"ticks-{count}-{found[:12]}"
    if not folder.exists():
        part = _part(folder)
        write_ticks(part, ticks)
        part.rename(folder)
    write_kedge_ticks(folder, ticks)
    return ticks, found, folder


def _part(folder: Path) -> Path:
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    return part
