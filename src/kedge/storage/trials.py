"""The registry of trials: every backtest, sweep and walk-forward ever run on a set of data, so that luck can be priced.

Whoever tries a hundred strategies on the same candles and shows the best one shows mostly luck; by how much depends on
the hundred. Nobody remembers it, so it is written down: one line of JSON a run, appended to one file and never changed.
Data are known by the digest of their values, whatever file they came in; a trial by the digest of all that makes it
(strategy, code, parameters, settings, period), so that running the same thing twice is one trial.

Any number of processes may append at once: a line is written whole, under a lock, and synced. A line that a crash cut
off, or that is no line of ours, is left out and counted; the next line begins on a fresh one. A Sharpe ratio is kept as
text, of one UTC day and not annualized, empty where it is not defined.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from kedge.model.errors import WorldError

FILE = "trials.jsonl"
FORMAT = 1
#: Trials in one line; more become several lines.
TRIALS_MAX = 1000


class Trial(Struct, frozen=True, array_like=True):
    """One thing tried: its digest, and its Sharpe ratio of one UTC day as text."""

    id: str
    sharpe: str = ""


class TrialRun(Struct, frozen=True, forbid_unknown_fields=True):
    """One line: what was tried in one run of `command`. `at` is when, ISO 8601 UTC; `days` are those of the Sharpe ratios."""

    format: int
    at: str
    data: str
    command: str
    strategy: str
    days: int
    trials: tuple[Trial, ...]


class Tally(Struct, frozen=True):
    """The trials on one set of data: how many runs, how many different trials, their known Sharpe ratios of one day."""

    data: str
    runs: int
    trials: int
    sharpes: tuple[float, ...]
    strategies: tuple[str, ...]
    first: str
    last: str

    @property
    def variance(self) -> float | None:
        """Variance (n - 1) of the Sharpe ratios; `None` of fewer than two."""
        count = len(self.sharpes)
        if count < 2:
            return None
        mean = sum(self.sharpes) / count
        return sum((sharpe - mean) ** 2 for sharpe in self.sharpes) / (count - 1)


class TrialRegistry:
    """The file `trials.jsonl` in `directory`; neither need exist before the first run is noted."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE

    def note(self, runs: Sequence[TrialRun]) -> None:
        """Append runs; all of them are on the disk, or none and a `WorldError`."""
        lines = b"".join(msgspec.json.encode(part) + b"\n" for run in runs for part in _parts(run))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._append(handle, lines)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            os.close(handle)

    def runs(self) -> tuple[list[TrialRun], int]:
        """Every run in the order of writing, and how many lines were damaged and left out."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return [], 0
        except OSError as error:
            why = error.strerror or error
            raise WorldError(
                f"the registry of trials {self.path} cannot be read: {why}; check its permissions"
            ) from error
        found, damaged = [], 0
        for line in text.split(b"\n"):
            run = _run_of(line)
            if run is not None:
                found.append(run)
            elif line:
                damaged += 1
        return found, damaged

    def tally(self, data: str) -> Tally:
        """The trials on one set of data."""
        return _tally(data, [run for run in self.runs()[0] if run.data == data])

    def tallies(self) -> list[Tally]:
        """Every set of data, in the order of its first run."""
        by_data: dict[str, list[TrialRun]] = {}
        for run in self.runs()[0]:
            by_data.setdefault(run.data, []).append(run)
        return [_tally(data, runs) for data, runs in by_data.items()]

    def _append(self, handle: int, lines: bytes) -> None:
        """Write at the end; what could not be written whole is taken back."""
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            lines = b"\n" + lines
        try:
            left = memoryview(lines)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, size)
            raise

    def _unwritable(self, error: OSError) -> WorldError:
        why = error.strerror or error
        return WorldError(
            f"the registry of trials {self.path} cannot be written: {why}; set TRADING_DATA_DIR to a place that can"
        )


def trial_id(*what: str | Mapping[str, str]) -> str:
    """The digest of all that makes a trial: texts and mappings of texts, whose order does not count."""
    parts = [dict(sorted(each.items())) if isinstance(each, Mapping) else each for each in what]
    return sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def data_id(digests: Iterable[str]) -> str:
    """The digest of a set of data, from those of its streams (`kedge.storage.digest`) in order."""
    return sha256("\n".join(digests).encode()).hexdigest()


def _parts(run: TrialRun) -> Iterator[TrialRun]:
    for first in range(0, max(len(run.trials), 1), TRIALS_MAX):
        yield msgspec.structs.replace(run, trials=run.trials[first : first + TRIALS_MAX])


def _run_of(line: bytes) -> TrialRun | None:
    """The run that a line tells of; `None` where it is not one."""
    try:
        run = msgspec.json.decode(line, type=TrialRun)
        for trial in run.trials:
            if trial.sharpe and not abs(float(trial.sharpe)) < float("inf"):
                return None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None
    return run if run.format == FORMAT else None


def _tally(data: str, runs: Sequence[TrialRun]) -> Tally:
    known = {trial.id: trial.sharpe for run in runs for trial in run.trials}
    return Tally(
        data=data,
        runs=len(runs),
        trials=len(known),
        sharpes=tuple(float(sharpe) for sharpe in known.values() if sharpe),
        strategies=tuple(dict.fromkeys(run.strategy for run in runs)),
        first=runs[0].at if runs else "",
        last=runs[-1].at if runs else "",
    )
