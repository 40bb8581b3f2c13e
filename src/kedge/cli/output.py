"""What a command leaves on disk: looked at before the work begins, and afterwards there as a whole or not at all.

A file is written beside its place, synced and renamed into it. A journal grows in its directory while the run lasts, as
a journal must; when the run does not come to its end (an error, Ctrl-C) what it wrote is removed again, because a
backtest can be repeated and half of one answers nothing. A run that is killed outright leaves a journal without a
`stop` record; `kedge audit verify` says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kedge.cli.console import json_text
from kedge.model.errors import ConfigError

#: The files a journal is made of: segments, checkpoints and their key, the counter of sessions.
JOURNAL_FILES = ("audit-*.jsonl*", "checkpoints.jsonl", "checkpoints.pub", "epoch")


class Output:
    """The places a run was told to write to; each may be absent. `json_target` may be `-`, standard output."""

    def __init__(self, report: str | None = None, journal: str | None = None, json_target: str | None = None) -> None:
        self.report = None if report is None else Path(report)
        self.journal = None if journal is None else Path(journal)
        self.json = None if json_target in (None, "-") else Path(str(json_target))
        self.json_on_stdout = json_target == "-"
        self._typed = (("--report", report), ("--json", json_target))

    def check(self, read: Sequence[str | Path] = (), journal: str | None = None) -> None:
        """Refuse what cannot be written before the work is done rather than after.

        Nor is a file written over that is `read`, or one put into a `journal` that is looked at.
        """
        for option, typed in self._typed:
            if typed and typed.endswith(("/", os.sep)):
                raise ConfigError(f"{option} {typed} names a directory; name a file")
        writable(self.report, "--report")
        writable(self.json, "--json")
        if self.report is not None and self.json is not None and self.report.absolute() == self.json.absolute():
            raise ConfigError(f"--report and --json both name {self.report}; name two files")
        for option, path in (("--report", self.report), ("--json", self.json)):
            for given in read:
                if path is not None and path.exists() and given and Path(given).exists() and path.samefile(given):
                    raise ConfigError(f"{option} {path} is a file that this run reads; name another")
            if path is not None and journal is not None and path.resolve().is_relative_to(Path(journal).resolve()):
                raise ConfigError(f"{option} {path} is inside the journal {journal}; name a file elsewhere")
        if self.journal is not None:
            empty_directory(self.journal, "--journal")

    @contextmanager
    def whole(self) -> Iterator[None]:
        """What is written inside is there afterwards, or, where something fails, not at all."""
        journal = self.journal
        made = [] if journal is None else [each for each in (journal, *journal.parents) if not each.exists()]
        report_is_new = self.report is not None and not self.report.exists()
        try:
            yield
        except BaseException:
            if journal is not None:
                remove_journal(journal)
            for directory in made:
                with suppress(OSError):
                    directory.rmdir()
            if report_is_new and self.report is not None:
                self.report.unlink(missing_ok=True)
            raise

    def write_json(self, value: Any) -> None:
        """Write the JSON file, if one was asked for."""
        if self.json is not None:
            write_whole(self.json, json_text(value))


def remove_journal(directory: Path) -> None:
    """Remove a journal's files, and nothing else, from a directory."""
    for pattern in JOURNAL_FILES:
        for path in sorted(directory.glob(pattern)):
            path.unlink(missing_ok=True)


def foreign_files(directory: Path) -> list[str]:
    """Names in a journal's directory that are not the journal's."""
    ours = {path.name for pattern in JOURNAL_FILES for path in sorted(directory.glob(pattern))}
    return sorted(each.name for each in directory.iterdir() if each.name not in ours)


def writable(path: Path | None, option: str) -> None:
    """Refuse a file that cannot be written."""
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f"{option} {path} is a directory; name a file")
    if not path.parent.is_dir():
        raise ConfigError(f"{option} {path}: {path.parent} is not a directory; create it first")
    if path.exists() and not path.is_file() and option != "--json":
        raise ConfigError(f"{option} {path} is a device or a pipe; name a file")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"{option} {path} cannot be written: permission denied; name another place")


def empty_directory(path: Path, option: str) -> None:
    """Refuse a directory that is not new or empty, or cannot be made."""
    if path.is_dir():
        if any(path.iterdir()):
            raise ConfigError(f"{option} {path} is not empty; a run writes a new journal, name another directory")
    elif path.exists() or path.is_symlink():
        raise ConfigError(f"{option} {path} is not a directory; name a new or an empty one")
    above = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not above.is_dir():
        raise ConfigError(f"{option} {path}: {above} is not a directory; name another place")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f"{option} {path} cannot be made: permission denied in {above}; name another place")


def write_json(target: str, value: Any) -> None:
    """Write `value` as JSON to a file, or to standard output where `target` is `-`."""
    import sys

    if target == "-":
        sys.stdout.write(json_text(value))
        sys.stdout.flush()
    else:
        writable(Path(target), "--json")
        write_whole(Path(target), json_text(value))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is never seen half-written; a device or a pipe is written to as it is."""
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as device:
            device.write(text)
        return
    place = path.resolve()
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with beside.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
