"""What the command line prints: tables for people on standard output, progress on standard error, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kedge.model.money import canonical

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


#: Columns of a pipe: as many as any line needs.
PIPE_WIDTH = 10_000


def console(*, to_stderr: bool = False) -> Console:
    """A console as wide as the terminal; in a pipe as wide as the text needs. Text is printed as it is, never as markup."""
    from rich.console import Console

    class Plain(Console):
        """A console that leaves a closed pipe to whoever called."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    watched = (sys.stderr if to_stderr else sys.stdout).isatty()
    width = None if watched else PIPE_WIDTH
    return Plain(stderr=to_stderr, soft_wrap=not watched, width=width, highlight=False, markup=False, emoji=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> Table:
    """A table; columns whose index is in `right` hold figures."""
    from rich.table import Table

    made = Table(
        title=printable(title), title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_text(cell) for cell in row))
    return made


def say(text: str, style: str = "") -> None:
    """A line on standard output."""
    console().print(printable(text), style=style)


def marked(mark: str, style: str, text: str) -> None:
    """A line that begins with a coloured word."""
    from rich.text import Text

    console().print(Text.assemble((mark, style), " ", printable(text)))


def warn(text: str) -> None:
    """A warning on standard error, one line."""
    from rich.text import Text

    line = Text.assemble(("warning:", "yellow"), " ", printable(" ".join(text.split())))
    console(to_stderr=True).print(line)


def printable(text: str) -> str:
    """`text` with what a terminal would obey rather than show written as escapes."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)


def _text(cell: object) -> str:
    return printable(canonical(cell) if isinstance(cell, Decimal) else "" if cell is None else str(cell))


def json_text(value: Any) -> str:
    """`value` as JSON: decimals as strings, keys in order, one line end at the end."""
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """`value` as JSON holds it: decimals as canonical strings."""
    if isinstance(value, Decimal):
        return canonical(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on standard error while a terminal watches: a function that advances it, else `None`."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(to_stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
