"""The ledger of a sweep: rows kept while it goes on, so that it can be killed and resumed, and the Parquet it ends as.

Beside `FILE.parquet` stands `FILE.parquet.part`: a first line that says which sweep it is (the digest of code, data,
settings and grid), then a line a row. Lines are appended and synced a chunk at a time; a torn last line is what a killed
process leaves, and is dropped. At the end all rows are written in the order of the grid, whole or not at all, and the
`.part` is removed. So the file is a function of the sweep: how often it was interrupted cannot be seen in it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from kedge.backtest.session import code_of, code_sha256
from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import ConfigError
from kedge.model.money import canonical
from kedge.research.crew import Row
from kedge.research.evaluate import Parameters, Settings
from kedge.research.market import Market

FORMAT = "kedge sweep 1"


class Ledger:
    """The rows of the sweep `digest`, that are to become the file `out`."""

    def __init__(self, out: Path, digest: str) -> None:
        self._out = out
        self._part = out.with_name(f"{out.name}.part")
        self._digest = digest
        self._file: Any = None

    def resume(self) -> dict[int, Row]:
        """The rows that an earlier call kept; begins the ledger where there is none."""
        head = msgspec.json.encode({"format": FORMAT, "sweep": self._digest}) + b"\n"
        rows: dict[int, Row] = {}
        kept = self._part.read_bytes() if self._part.exists() else b""
        if kept and not kept.startswith(head):
            if kept.count(b"\n"):
                raise ConfigError(
                    f"{self._part} is of another sweep (other strategy, data, settings or grid); "
                    "delete it, or name another --out"
                )
            kept = b""
        whole = kept[: kept.rfind(b"\n") + 1] if kept else head
        for line in whole.splitlines()[1:]:
            number, row = msgspec.json.decode(line, type=tuple[int, Row])
            rows[number] = row
        self._file = self._part.open("r+b" if kept else "wb")
        self._file.seek(len(whole) if kept else 0)
        self._file.truncate()
        if not kept:
            self._file.write(head)
        self._sync()
        return rows

    def keep(self, numbers: Sequence[int], rows: Sequence[Row]) -> None:
        """Keep the rows of a chunk."""
        for number, row in zip(numbers, rows, strict=True):
            self._file.write(msgspec.json.encode((number, row)) + b"\n")
        self._sync()

    def finish(self, rows: Sequence[Row], strategy: type[BaseStrategy]) -> None:
        """Write the Parquet file; the ledger is over."""
        from kedge.storage.parquet import write_table

        write_table(self._out, columns_of(rows, strategy))
        self._part.unlink()

    def close(self) -> None:
        """Leave what was kept for a later call."""
        if self._file is not None:
            self._file.close()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def columns_of(rows: Sequence[Row], strategy: type[BaseStrategy]) -> dict[str, Any]:
    """The rows as columns: whole numbers as such, decimals as their text, statistics as floats."""
    import numpy as np

    columns: dict[str, Any] = {}
    for name, parameter in strategy.parameters.items():
        texts = [row.parameters[name] for row in rows]
        whole = parameter.type is int and "none" not in texts
        columns[name] = np.array([int(text) for text in texts], np.int64) if whole else np.array(texts, np.object_)
    columns["trades"] = np.array([row.trades for row in rows], np.int64)
    for name in ("fees", "final_equity", "total_return"):
        columns[name] = np.array([canonical(getattr(row, name)) for row in rows], np.object_)
    for name in ("sharpe_ratio", "sortino_ratio"):
        figures = [getattr(row, name) for row in rows]
        columns[name] = np.array([np.nan if figure is None else figure for figure in figures], np.float64)
    for name in ("engine", "note"):
        columns[name] = np.array([getattr(row, name) for row in rows], np.object_)
    return columns


def digest_of(strategy: type[BaseStrategy], market: Market, settings: Settings, sets: Sequence[Parameters]) -> str:
    """What a sweep is: its strategy and the code of it and of Kedge, its data, its settings, its parameter sets."""
    parts = [
        f"{strategy.__module__}:{strategy.__qualname__}"
        if not strategy.__module__.startswith("kedge_user_")
        else strategy.__qualname__,
        code_of(strategy),
        code_sha256(),
        market.sha256,
        repr(settings),
        *(repr(sorted((name, str(value)) for name, value in each.items())) for each in sets),
    ]
    return sha256("\n".join(parts).encode()).hexdigest()
