"""A user's shell: a folder of its own, `kedge` typed in it, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import Struct

from kedge.cli.main import run

HOUR_MS = 3_600_000
START_MS = 1_704_067_200_000


class Ran(Struct, frozen=True):
    """Exit code, standard output and standard error of one command."""

    code: int
    out: str
    err: str


class Shell:
    """Types commands in `place`, the current folder."""

    def __init__(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.place = place
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        code = run(list(arguments))
        said = self._capsys.readouterr()
        return Ran(code, said.out, said.err)

    def done(self, *arguments: str, code: int = 0) -> str:
        """What a command that succeeds prints."""
        ran = self(*arguments)
        assert (ran.code, ran.err) == (code, ""), ran
        return ran.out

    def refused(self, arguments: Sequence[str], *words: str, code: int = 2) -> str:
        """The one line that a command is refused with: it holds `words`, and nothing was written anywhere."""
        before = self.files()
        ran = self(*arguments)
        is_one_error(ran, *words, code=code)
        assert self.files() == before, f"left behind by {arguments}"
        return ran.err

    def files(self) -> dict[str, bytes | None]:
        """Everything in the folder: files with their content, folders."""
        return {
            path.relative_to(self.place).as_posix(): path.read_bytes() if path.is_file() else None
            for path in sorted(self.place.rglob("*"))
        }

    def write(self, name: str, content: str | bytes) -> str:
        """A file in the folder; its name."""
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name


def is_one_error(ran: Ran, *words: str, code: int = 2) -> None:
    """Exactly one line that begins with `error: `, says `words`, and an exit code that tells whose fault it is."""
    assert ran.code == code, ran
    assert ran.out == "", ran
    assert ran.err.startswith("error: "), ran
    assert ran.err.endswith("\n"), ran
    assert len(ran.err.splitlines()) == 1, ran
    assert "Traceback" not in ran.err, ran
    assert len(ran.err) > len("error: \n") + 10, ran
    for word in words:
        assert word in ran.err, f"{word!r} is not in {ran.err!r}"


def candles(closes: Sequence[float | int], spread: int = 1) -> str:
    """Hourly candles with these closes as the text of a CSV file."""
    rows = ["open_time_ms,open,high,low,close,volume"]
    rows += [
        f"{START_MS + at * HOUR_MS},{close},{close + spread},{close - spread},{close},10"
        for at, close in enumerate(closes)
    ]
    return "\n".join(rows) + "\n"


#: A market that moves: down, up, down, in steps of one.
WAVES = [100 + abs(at % 40 - 20) for at in range(200)]
