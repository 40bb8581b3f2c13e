"""The runner: reads the files, finds each case its handler, and counts what came of it."""

from __future__ import annotations

import importlib
import importlib.util
import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

#: Venues with handlers, and the words by which a file or a case names them.
VENUES = ("binance", "hyperliquid", "coinbase")

#: Formats: the first words of a file's name; the longest that fits is meant.
FORMATS = (
    "signing",
    "requests_ccxt_static_verbatim",
    "requests_ccxt",
    "responses_ccxt_static_verbatim",
    "responses_ccxt",
    "docs_examples",
    "ws_samples",
    "payloads",
    "captures",
    "markets_raw",
)


class NotApplicable(Exception):
    """Kedge has no business with this case; the text says why."""


@dataclass(frozen=True)
class Case:
    """One case of a file. `data` is the case as written, its numbers with a point as exact `Decimal`."""

    file: str
    format: str
    venue: str
    data: dict[str, Any]
    meta: dict[str, Any] = field(default_factory=dict)
    number: int = 0

    @property
    def name(self) -> str:
        """What the case is called; its number where it has no name."""
        for key in ("name", "description", "test", "label", "title", "endpoint", "file"):
            if self.data.get(key):
                return f"#{self.number} {str(self.data[key])[:100]}"
        return f"#{self.number}"

    def raw(self, key: str) -> bytes:
        """The JSON text of one part of the case, as a venue would send it."""
        return to_json(self.data[key])


Handler = Callable[[Case], None]


@dataclass
class FileResult:
    """What came of one file."""

    file: str
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    not_applicable: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        count = self.not_applicable.total()
        lines = [f"{self.file:<48} {self.passed:>4} passed {len(self.failed):>4} failed {count:>4} not applicable"]
        lines += [f"    failed: {text}" for text in self.failed]
        lines += [f"    not applicable ({times}): {reason}" for reason, times in self.not_applicable.items()]
        return "\n".join(lines)


def to_json(value: Any) -> bytes:
    """JSON text with decimals as the numbers they were."""
    import msgspec

    return msgspec.json.Encoder(decimal_format="number").encode(value)


def format_of(file: str) -> str:
    """The format that a file's name begins with; empty where it is none we know."""
    fitting = [known for known in FORMATS if file == known or file.startswith(f"{known}_")]
    return max(fitting, key=len, default="")


def venue_of(file: str, meta: dict[str, Any], case: dict[str, Any]) -> str:
    """The venue that the case, else the file's name, else what the file says of itself, names; empty where none does."""
    said = (case.get("venue"), file, meta.get("venue"), case.get("name"), case.get("file"), case.get("source"))
    for text in said:
        for venue in VENUES:
            if venue in str(text or "").lower():
                return venue
    return ""


@cache
def handlers_of(venue: str) -> dict[str, Handler]:
    """The handlers of a venue by format; none where its module does not exist."""
    name = f"tests.venue_vectors.{venue}"
    if not venue or importlib.util.find_spec(name) is None:
        return {}
    found: dict[str, Handler] = importlib.import_module(name).HANDLERS
    return found


def cases_of(path: Path) -> Iterator[Case]:
    """The cases of a file."""
    content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    meta = content.get("meta") or {}
    for number, data in enumerate(content["cases"]):
        yield Case(path.stem, format_of(path.stem), venue_of(path.stem, meta, data), data, meta, number)


def run_file(path: Path, venues: Sequence[str] = VENUES) -> FileResult:
    """Run the cases of a file that belong to `venues` or to nobody."""
    result = FileResult(path.stem)
    for case in cases_of(path):
        if not case.venue or case.venue in venues:
            run_case(case, result)
    return result


def run_case(case: Case, result: FileResult) -> None:
    """Run one case and note what came of it."""
    handler = handlers_of(case.venue).get(case.format)
    if handler is None:
        result.failed.append(
            f"{case.name}: no handler for {case.venue or 'an unknown venue'} {case.format or case.file}"
        )
        return
    try:
        handler(case)
    except NotApplicable as reason:
        result.not_applicable[str(reason)] += 1
    except Exception as error:  # noqa: BLE001  (whatever our code raises is this case's failure, and the others go on)
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split())[:500]
        result.failed.append(
            f"{case.name}: {type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {text}"
        )
    else:
        result.passed += 1


def run_directory(folder: Path, only: Sequence[str] = (), venues: Sequence[str] = VENUES) -> list[FileResult]:
    """Run every vector file of a folder, or those named in `only`."""
    paths = sorted(path for path in folder.glob("*.json") if not only or path.stem in only or path.name in only)
    return [run_file(path, venues) for path in paths]
