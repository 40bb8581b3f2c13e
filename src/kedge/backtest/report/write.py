"""A report on disk: the whole file or nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kedge.backtest.report.charts import Candles
from kedge.backtest.report.markup import Html
from kedge.backtest.report.page import page
from kedge.model.errors import WorldError

if TYPE_CHECKING:
    from kedge.backtest.result import BacktestResult


def write_report(
    result: BacktestResult, path: str | Path, candles: Candles | None = None, panels: Sequence[Html] = ()
) -> Path:
    """Write the report of `result` to `path`, one self-contained HTML file; `candles` are drawn where given.

    `panels` are sections that others add, such as `kedge.research.report.record`. As for the file, see `write_page`.
    """
    return write_page(page(result, candles, panels), path)


def write_page(text: str, path: str | Path) -> Path:
    """Write an HTML document to `path`.

    It is written beside its place and renamed into it, so that a reader sees the old file or the new one. A directory
    that does not exist, or a full disk, is a `WorldError` and leaves nothing behind.
    """
    target = Path(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise WorldError(f"cannot write the report {target}: {error.strerror}; name a directory that exists") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise WorldError(f"cannot write the report {target}: {error.strerror}") from error
    return target
