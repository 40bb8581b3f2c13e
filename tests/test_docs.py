"""The documentation says what is: diagrams, limits, checks, options, links and code are held against the program.

What cannot be checked by a machine is not here; what can be is, so that a page which no longer tells the truth fails.
"""

from __future__ import annotations

import inspect
import re
import runpy
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import FunctionType, NoneType
from typing import Annotated, get_args

import click
import msgspec
import pytest
from msgspec import structs

import kedge
from kedge import Candle
from kedge.cli.main import COMMANDS, cli
from kedge.core.orders import lifecycle
from kedge.core.risk import checks, crossing, halts
from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.view import View
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.limits import REQUIRED, RiskConfig, SymbolLimits
from kedge.model.market_limits import MarketLimits

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guide"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
TAUGHT = [ROOT / "README.md", *sorted(GUIDE.glob("*.md"))]


_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str | None = None) -> list[str]:
    """The fenced blocks of a page, in order; of one language, where one is named."""
    return [body for found, body in _FENCE.findall(text(path)) if language in (None, found)]


def guide() -> str:
    return "\n".join(text(page) for page in sorted(GUIDE.glob("*.md")))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_the_readme_begins_with_the_two_commands() -> None:
    assert blocks(ROOT / "README.md")[0] == "python3 tasks.py demo\npython3 tasks.py test\n"


# ------------------------------------------------------------------------------------------------------- what the core is


def test_the_diagrams_are_drawn_from_the_tables() -> None:
    drawn = [block.rstrip("\n") for block in blocks(ROOT / "docs" / "flow.md", "mermaid")]
    assert drawn == [lifecycle.TABLE.diagram(), halts.TABLE.diagram()]


def rows(page: Path, heading: str) -> dict[str, list[str]]:
    """A table's rows by the code in their first cell."""
    section = text(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")
    ]
    return {cells[0].split("`")[1]: cells for cells in found}


def test_every_limit_is_in_the_guide_with_its_default_and_whether_it_is_required() -> None:
    told = rows(GUIDE / "risk.md", "Setting limits")
    limits = [name for name in RiskConfig.__struct_fields__ if name != "symbols"]
    assert list(told) == limits
    plain = RiskConfig()
    for name, (first, default, meaning) in told.items():
        assert ("*required*" in first) is (name in REQUIRED), name
        value = getattr(plain, name)
        assert default == ("" if value is None else str(value)), name
        assert meaning, name
    for name in (*SymbolLimits.__struct_fields__, *Instrument.__struct_fields__, *InstrumentKind):
        if name not in {"symbol", "base", "quote", "settle", "status"}:
            assert f"`{name}`" in text(GUIDE / "risk.md"), name


def test_every_market_limit_is_in_the_guide_with_its_default_and_whether_it_may_be_off() -> None:
    told = rows(GUIDE / "risk.md", "Setting market limits")
    assert list(told) == list(MarketLimits.__struct_fields__)
    for field in structs.fields(MarketLimits):
        _, default, meaning = told[field.name]
        assert default == ("" if field.default in (None, msgspec.NODEFAULT) else str(field.default)), field.name
        may_be_off = field.default not in (None, msgspec.NODEFAULT) and NoneType in get_args(field.type)
        assert ('may be `"none"`' in meaning) is may_be_off, field.name


#: Where checks are; all of them are bound by `checks`.
CHECKING = (checks.__name__, crossing.__name__)


def test_every_check_is_in_the_guide_with_what_it_says_of_itself() -> None:
    told = rows(GUIDE / "risk.md", "The checks")
    functions = {
        name: function
        for name, function in vars(checks).items()
        if inspect.isfunction(function) and function.__module__ in CHECKING and is_check(function)
    }
    assert set(told) == set(functions)
    for name, function in functions.items():
        assert told[name][1] == " ".join((inspect.getdoc(function) or "").split()), name


def is_check(function: FunctionType) -> bool:
    return not function.__name__.startswith("_") and inspect.signature(function).return_annotation == "Answer"


def test_every_hook_and_every_question_to_the_view_is_in_the_guide() -> None:
    page = text(GUIDE / "first-strategy.md")
    for name in vars(BaseStrategy):
        if name.startswith("on_"):
            assert f"`{name}`" in page or f"def {name}(" in page, name
    for name in vars(View):
        if not name.startswith("_"):
            assert re.search(rf"`{name}[`(]", page), name


# ------------------------------------------------------------------------------------------------------- the command line


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what is typed for it."""
    context = click.Context(cli, info_name="kedge")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            for inner, found in command.commands.items():
                yield f"{name} {inner}", found
        else:
            yield name, command


@pytest.mark.parametrize(
    ("typed", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_each_of_its_options_is_in_the_guide(typed: str, command: click.Command) -> None:
    told = guide()
    assert f"kedge {typed}" in told
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert any(f"{name}" in told for name in parameter.opts), f"kedge {typed} {parameter.opts}"
            assert parameter.help, f"kedge {typed} {parameter.opts}"


def typed_lines(page: Path) -> Iterator[list[str]]:
    """The lines of a page that call the command line, as arguments."""
    for block in (*blocks(page, ""), *blocks(page, "sh")):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            words = (
                shlex.split(line.partition(" #")[0]) if line.startswith(("kedge ", "python3 tasks.py kedge ")) else []
            )
            if words and "[--" not in line:
                yield words[1:] if words[0] == "kedge" else words[3:]


@pytest.mark.parametrize("page", TAUGHT, ids=name_of)
def test_every_line_that_is_shown_can_be_typed(page: Path) -> None:
    known = dict(commands())
    for words in typed_lines(page):
        if words[0] == "--help":
            continue
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        command = known[name]
        rest = words[len(name.split()) :]
        context = click.Context(command)
        command.parse_args(context, list(rest))


# ------------------------------------------------------------------------------------------------------------ links, code


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_and_every_path_resolves(page: Path) -> None:
    without_code = _FENCE.sub("", text(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code):
        if not target.startswith(("http://", "https://", "mailto:")):
            place, _, anchor = target.partition("#")
            found = (page.parent / place).resolve() if place else page
            assert found.exists(), f"{name_of(page)}: {target}"
            if anchor:
                assert anchor in anchors(found), f"{name_of(page)}: {target}"
    for path in re.findall(r"`((?:src|tests|docs|benchmarks|tools|requirements)/[a-z0-9_./-]*[a-z0-9])`", without_code):
        assert (ROOT / path).exists() or "*" in path, f"{name_of(page)}: {path}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def history() -> list[Candle]:
    """Two hundred hourly candles that fall by 3% now and then."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    closes = [Decimal(1000 - at % 50 - (30 if at % 50 == 25 else 0)) for at in range(200)]
    return [
        Candle(start + timedelta(hours=at), close, close + 1, close - 1, close, Decimal(1000))
        for at, close in enumerate(closes)
    ]


def python_blocks() -> list[tuple[str, str]]:
    found = [(f"{name_of(page)} {at}", block) for page in TAUGHT for at, block in enumerate(blocks(page, "python"), 1)]
    assert len(found) >= 3
    return found


@pytest.mark.parametrize(("place", "code"), python_blocks(), ids=[place for place, _ in python_blocks()])
def test_every_python_block_runs(place: str, code: str, tmp_path: Path) -> None:
    given: dict[str, object] = {"candles": history()}
    if "import" not in code:  # an excerpt of the project that `kedge init` writes: it stands on that project's imports
        given |= {name: getattr(kedge, name) for name in ("BaseStrategy", "Bounds", "Candle", "Signal")}
        given["Annotated"] = Annotated
    page = tmp_path / "block.py"
    page.write_text(code, encoding="utf-8")
    names = runpy.run_path(str(page), init_globals=given)
    if "result" in names:
        assert names["result"].trades, place
