"""What the command line prints: tables for people on standard output, progress on standard error, JSON for machines."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kedge.model.errors import ConfigError
from kedge.model.money import canonical


def console() -> Console:
    """Standard output, as wide as the terminal; in a pipe as wide as the text needs."""
    return Console(soft_wrap=True, highlight=False) if not sys.stdout.isatty() else Console(highlight=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> Table:
    """A table; columns whose index is in `right` hold figures."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_text(cell) for cell in row))
    return made


def _text(cell: object) -> str:
    from rich.markup import escape

    return escape(canonical(cell) if isinstance(cell, Decimal) else "" if cell is None else str(cell))


def plain(value: Any) -> Any:
    """`value` as JSON holds it: decimals as canonical strings."""
    if isinstance(value, Decimal):
        return canonical(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def write_json(target: str, value: Any) -> None:
    """Write `value` to a file, whole or not at all, or to standard output where `target` is `-`."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_whole(Path(target), text)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is never seen half-written; the directory must be there."""
    parent = path.parent
    if not parent.is_dir():
        raise ConfigError(f"cannot write {path}: {parent} is not a directory; create it first")
    if path.is_dir():
        raise ConfigError(f"cannot write {path}: it is a directory; name a file")
    handle, name = tempfile.mkstemp(dir=parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def writable(target: str | None, option: str) -> None:
    """Refuse a target that cannot be written before the work is done rather than after."""
    if target is None or target == "-":
        return
    path = Path(target)
    if not path.parent.is_dir():
        raise ConfigError(f"{option} {target}: {path.parent} is not a directory; create it first")
    if path.is_dir():
        raise ConfigError(f"{option} {target}: it is a directory; name a file")


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error while a terminal watches; the yielded function advances it."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
