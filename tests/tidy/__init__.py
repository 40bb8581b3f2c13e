"""Style as a test: the conventions that no linter knows, each with the alternative in its message.

Every rule is a function from one parsed file to `(line, message)` pairs, and is listed in `RULES` with the part of the
repository it holds for. An exception stands in `ALLOWED` with its reason; one that is no longer needed is itself an
offence. `python3 tasks.py tidy` prints what is wrong; `tests/test_tidy.py` proves that each rule bites.

Rules read syntax, not types: they catch what people write by habit, and are no proof against cunning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.tidy import ambient, errors, money, ordering, shape
from tests.tidy.source import ROOT, Found, Source

__all__ = ["ALLOWED", "RULES", "Offence", "Rule", "Source", "judge", "offences", "repository"]

SRC = "src/kedge/"
_PROTOCOLS = ("src/kedge/venues/binance/protocol/",)
MONEY_PATH = ("src/kedge/model/", "src/kedge/core/", "src/kedge/venues/sim/", "src/kedge/backtest/", *_PROTOCOLS)
PURE = ("src/kedge/model/", "src/kedge/core/", "src/kedge/strategies/", "src/kedge/venues/sim/", *_PROTOCOLS)
OURS = (SRC, "tools/", "benchmarks/", "tasks.py")
EVERYWHERE = ("",)

_STATISTIC = "statistics of a finished run: ratios and curves for people, never a price, quantity, fee or balance"

# (rule, path) -> why
ALLOWED: dict[tuple[str, str], str] = {
    ("broad-except", "src/kedge/core/strategy/registry.py"): "a strategy is foreign code: what it raises disables it",
    (
        "broad-except",
        "src/kedge/venues/ccxt/connection.py",
    ): "ccxt is foreign code: whatever it raises once a request may have left is told as an unknown outcome",
    (
        "broad-except",
        "src/kedge/venues/ccxt/sealed.py",
    ): "the same: what it raises while it reads a message ends the connection and reaches every stream on it",
    ("chance", "src/kedge/journal/keys.py"): "a signing key must come from the system’s entropy; nothing decides on it",
    ("clock", "src/kedge/backtest/engine.py"): "run_seconds is shown to people; no decision and no record holds it",
    ("clock", "src/kedge/cli/backtest.py"): "load_seconds is shown to people; no decision and no record holds it",
    ("clock", "src/kedge/venues/wire/system.py"): "the clock port over the machine's clocks; all others take the port",
    (
        "clock",
        "src/kedge/cli/emulator.py",
    ): "an emulated venue begins at the present; all that follows is told the time",
    ("clock", "src/kedge/cli/registry.py"): "says when a trial was made, for people; nothing decides on it",
    ("clock", "src/kedge/cli/sweep.py"): "load_seconds is shown to people; no decision and no record holds it",
    ("clock", "src/kedge/research/sweep.py"): "run_seconds is shown to people; no row and no file holds it",
    ("float", "src/kedge/backtest/curve.py"): _STATISTIC,
    ("float", "src/kedge/backtest/curve_block.py"): _STATISTIC,
    ("float", "src/kedge/backtest/curve_columns.py"): _STATISTIC,
    ("float", "src/kedge/backtest/curve_fold.py"): _STATISTIC,
    ("float", "src/kedge/backtest/metrics.py"): _STATISTIC,
    (
        "float",
        "src/kedge/core/allocation/capital.py",
    ): "takes ratios given as floats by their shortest text; computes exactly",
    ("float", "src/kedge/core/market/quality.py"): "outlier scores of a report on past data; no order depends on one",
}


@dataclass(frozen=True, order=True)
class Offence:
    """A broken convention."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Rule:
    """A convention, and where it holds."""

    name: str
    check: Callable[[Source], Found]
    where: tuple[str, ...]
    but: tuple[str, ...] = ()

    def holds_for(self, path: str) -> bool:
        return path.startswith(self.where) and not path.startswith(self.but or "\0")


RULES = (
    Rule("clock", ambient.clock, (SRC,)),
    Rule("chance", ambient.chance, (SRC,)),
    Rule("hashing", ambient.hashing, PURE),
    Rule("float", money.floats, MONEY_PATH),
    Rule("ordering", ordering.ordering, (SRC,)),
    Rule("broad-except", errors.broad_except, OURS),
    Rule("swallowed", errors.swallowed, OURS),
    Rule("print", errors.printing, (SRC,), but=("src/kedge/cli/",)),
    Rule("mutable-default", errors.mutable_default, EVERYWHERE),
    Rule("unsafe-code", errors.unsafe_code, EVERYWHERE),
    Rule("size", shape.size, OURS),
    Rule("docstring", shape.docstring, OURS),
    Rule("vague-name", shape.vague_name, EVERYWHERE),
    Rule("later", shape.later, EVERYWHERE),
    Rule("own-imports", shape.own_imports, (SRC,)),
    Rule("strategy-imports", shape.strategy_imports, ("src/kedge/strategies/",)),
)


def offences(source: Source) -> list[Offence]:
    """What one file breaks, before any allowance."""
    return sorted(
        Offence(source.path, line, rule.name, message)
        for rule in RULES
        if rule.holds_for(source.path)
        for line, message in rule.check(source)
    )


def judge(sources: list[Source], allowed: dict[tuple[str, str], str]) -> list[Offence]:
    """What the files break, less what is allowed, plus the allowances that nothing needs."""
    kept: list[Offence] = []
    used: set[tuple[str, str]] = set()
    for offence in (offence for source in sources for offence in offences(source)):
        entry = (offence.rule, offence.path)
        if entry in allowed:
            used.add(entry)
        else:
            kept.append(offence)
    for rule, path in sorted(allowed.keys() - used):
        kept.append(Offence("tests/tidy", 1, rule, f"{path} no longer needs its exception; take it out of ALLOWED"))
    return sorted(kept)


def repository() -> list[Source]:
    """All Python of this repository."""
    folders = ("src", "tests", "tools", "benchmarks")
    paths = [ROOT / "tasks.py", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    names = sorted(path.relative_to(ROOT).as_posix() for path in paths if ".venv" not in path.as_posix())
    return [Source(name, (ROOT / name).read_text(encoding="utf-8")) for name in names]
