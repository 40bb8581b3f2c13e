"""The safety case: which tests prove which control, hazard and invariant; `docs/safety-case.md`, written from the tests.

    python3 -m tools.safety_case            write the document
    python3 -m tools.safety_case --check    say what is missing or out of date; exit code 1 if anything is

A test proves what its name begins with, `test_c07_...`, `test_h58_h60_...`, `test_i06_...`; every control and hazard of the
core and the journal must have one. Its docstring's first sentence is what the document says of it; numbers in that docstring
name what the test helps to prove besides. What is proved only in part is said here, in `PARTLY`, and in the document.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "safety-case.md"

#: Controls: what each must do.
CONTROLS = {
    "C1": ("Single gate", "every order passes one gate and is durable in the journal before it leaves"),
    "C2": ("Order size cap", "no order above the largest quantity, in the instrument's own units"),
    "C3": ("Order value cap", "no order above the largest notional, at the worse of its price and the reference"),
    "C4": ("Price collar", "no price outside the band around a fresh reference; a stale or missing one refuses"),
    "C5": ("Aggregate exposure", "position and all open, in-flight and unknown orders on the worst side within the limits"),
    "C6": ("Capital, margin, leverage", "bounded by the equity that is there, not by what was configured"),
    "C7": ("Daily loss limit", "realized, unrealized, fees and funding in a UTC day; survives restarts; latches"),
    "C8": ("Order counts and rates", "bounded by second, by day and in number; cancels and exits need none of it"),
    "C9": ("Repeated-execution throttle", "a strategy that executes too often is disabled until a named human enables it"),
    "C10": ("Duplicate detection", "the same wish once in its window; client ids unique for ever and the same in a second run"),
    "C11": ("Output against input", "what leaves is what was decided, and children never exceed their parent"),
    "C12": ("Self-match prevention", "no two orders of ours that can trade with each other"),
    "C13": ("Instrument list", "only what the session lists and the venue takes orders for"),
    "C14": ("Reduce-only exits", "an exit never increases a position nor turns it"),
    "C15": ("Exits under a halt", "what strictly reduces passes whatever is halted, blocked or over its limit"),
    "C25": ("Attribution", "one order explained end to end from the journal alone"),
    "C29": ("No dormant settings", "unknown keys are refused, and every limit is read"),
    "C32": ("Limits before start", "nothing starts without the required limits"),
    "C36": ("Records", "complete, in order, tamper-evident"),
}  # fmt: skip

#: Hazards: what went wrong elsewhere.
HAZARDS = {
    "H5": ("An answer without a status", "nothing known; ask again"),
    "H8": ("Client ids used again", "an id is a function of instance, epoch and record"),
    "H11": ("Fills told twice", "known by the venue's trade id, also after a restart"),
    "H12": ("Reports in the wrong order", "the lifecycle is monotone; quantities decide"),
    "H13": ("Cancel against fill", "a refused cancel says nothing; the order counts and is asked about"),
    "H14": ("The cancel overtakes the last fill", "the venue's cumulative quantity counts until it is booked"),
    "H15": ("A request taken for its effect", "only the venue's word ends an order"),
    "H16": ("Ordered taken for filled", "everything is sized from fills"),
    "H24": ("Contract sizes", "one place computes notional"),
    "H25": ("Float rounding", "exact multiples stay exact"),
    "H26": ("Fees in the base currency", "what the fee took is not sold"),
    "H27": ("Dust", "no exit leaves what cannot be sold; dust is said and left"),
    "H28": ("Minimum notional against exits", "an exit below it passes"),
    "H29": ("Reduce-only refusals in a loop", "room is freed first; refusals are paced and trip the breaker"),
    "H30": ("Closing twice", "the second close has nothing to close"),
    "H32": ("NaN, zero, negative, missing", "quarantined; checks are written as 'must be inside'"),
    "H33": ("Gap in a book", "the book is invalid until the next snapshot"),
    "H34": ("Crossed or locked book", "the book is invalid; the quote is none"),
    "H39": ("Seconds, milli-, micro-, nanoseconds", "told apart by plausibility, else refused"),
    "H40": ("Changes of clocks", "UTC inside"),
    "H41": ("Stale candles", "silence and age stop new risk"),
    "H48": ("A halt that blocks exits", "two levels: no increase, or nothing"),
    "H59": ("State corrupted or emptied", "the journal is the truth; damage is refused by name"),
    "H60": ("A failed sync, then success", "the first failure is final; nothing leaves after it"),
    "H61": ("A setting misspelt", "unknown keys are refused"),
}  # fmt: skip

#: Invariants that the simulation's auditor holds at all times; the numbers between are those of live trading.
INVARIANTS = {
    "I1": "every order at the venue has a durable approval for exactly that order",
    "I2": "client ids never repeat, across restarts",
    "I3": "worst-case exposure at the venue never above the limit, and never above what our book says",
    "I4": "at rest our orders, positions and money are the venue's",
    "I5": "after a flatten: no order, no position, latched",
    "I6": "the state folded from the journal is the live state, also half way; deciding again decides the same",
    "I7": "latches and counts survive any crash",
    "I10": "an exit never increases a position nor turns it",
    "I12": "the journal is intact, dense and without secrets",
    "I13": "equity moved by fills, fees and funding, and by nothing else",
    "I14": "no storm of cancels or queries",
}

#: What a control or hazard asks for beyond what is proved, and where that belongs.
PARTLY = {
    "C1": "That no adapter has another way out is for the adapters to prove; only the simulated venue exists.",
    "C6": "Equity is folded from fills; leverage and margin mode read back from a venue come with live trading.",
    "C8": "The message budget towards a venue (cancels first) is the adapter's limiter, which is not built yet.",
    "C11": "Parent orders with an algorithm are not built yet; brackets are.",
    "C12": "A stop that another price than the last trade triggers may meet more; an exit may meet an own order (C15 first).",
    "C25": "Operator and dependency lock are in the manifest where the session is given them; a backtest is not.",
    "C29": "That a removed flag's name is never used again is for review.",
    "C36": "Keeping records for years and shipping checkpoints elsewhere is operation.",
    "H5": "Seen at the core; that adapters pass a missing status on as missing is for their conformance tests.",
    "H39": "History without a time of receipt is judged by order and plausibility, not by age.",
}

_NAME = re.compile(r"test_((?:[chi]\d+_)+)")
_NUMBER = re.compile(r"\b([CHI])(\d{1,2})\b(?:-\1?(\d{1,2})\b)?")


class Proof(NamedTuple):
    """One test: where it is, what its name says it proves, what its docstring adds, and its first sentence."""

    path: str
    name: str
    named: tuple[str, ...]
    mentioned: tuple[str, ...]
    says: str


def proofs(root: Path = ROOT) -> list[Proof]:
    """Every test that names a control, hazard or invariant, in the order of files and lines."""
    found = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                proof = _proof(path.relative_to(root).as_posix(), node)
                if proof.named or proof.mentioned:
                    found.append(proof)
    return found


def _proof(path: str, node: ast.FunctionDef) -> Proof:
    match = _NAME.match(node.name)
    named = tuple(f"{part[0].upper()}{int(part[1:])}" for part in match[1].split("_") if part) if match else ()
    text = ast.get_docstring(node) or ""
    mentioned = tuple(number for number in dict.fromkeys(_numbers(text)) if number not in named)
    said = " ".join(text.split("\n\n")[0].split())
    said = re.sub(r"^(?:Hazards?|Controls?)? ?(?:[CHI]\d+(?:-[CHI]?\d+)?(?:, | and )?)+: ?", "", said)
    return Proof(path, node.name, named, mentioned, said or _spoken(node.name))


def _numbers(text: str) -> Iterator[str]:
    """`C5, H48, I1-I3` as C5, H48, I1, I2, I3."""
    for letter, first, last in _NUMBER.findall(text):
        yield from (f"{letter}{number}" for number in range(int(first), int(last or first) + 1))


def _spoken(name: str) -> str:
    """A test's name as the sentence that it is."""
    sentence = _NAME.sub("", name).removeprefix("test_").replace("_", " ")
    return sentence[:1].upper() + sentence[1:] + "."


def document(found: list[Proof]) -> str:
    """The document."""
    named = sum(bool(proof.named) for proof in found)
    lines = [
        "# The safety case: controls and hazards, and the tests that prove them",
        "",
        "Written by `python3 -m tools.safety_case` from the tests' names and docstrings; a test fails when it is out of date.",
        "Numbers are those of the design's safety case. Kedge is designed after the rules and the accidents behind them and",
        'claims no compliance with any of them. "Proved" means: these tests pass; "simulated" means simulated.',
        "",
        f"{len(CONTROLS)} controls and {len(HAZARDS)} hazards concern the core and the journal, {named} tests carry their numbers.",
        "The simulation (`tests/simulation`) trades seeds under faults with an auditor at the door and inside the venue, and is",
        "itself tested by planted bugs, each of which it must find.",
        "",
        "## Controls",
        "",
    ]
    for number, (title, must) in CONTROLS.items():
        lines += _chapter(number, title, must, found)
    lines += ["## Hazards", ""]
    for number, (title, answer) in HAZARDS.items():
        lines += _chapter(number, title, answer, found)
    lines += ["## Invariants of the simulation", "", "| | always | tests |", "|---|---|---|"]
    for number, always in INVARIANTS.items():
        tests = [proof for proof in found if number in proof.named or number in proof.mentioned]
        cells = ", ".join(f"`{proof.name}`" for proof in tests)
        lines.append(f"| {number} | {always} | {cells} |")
    return "\n".join([*lines, ""])


def _chapter(number: str, title: str, must: str, found: list[Proof]) -> list[str]:
    lines = [f"### {number} {title}", "", f"Must: {must}.", ""]
    lines += [f"- `{proof.path}` `{proof.name}`: {proof.says}" for proof in found if number in proof.named]
    besides = [f"`{proof.name}`" for proof in found if number in proof.mentioned]
    if besides:
        lines += ["", f"Besides: {', '.join(besides)}."]
    if number in PARTLY:
        lines += ["", f"**Not proved:** {PARTLY[number]}"]
    return [*lines, ""]


def missing(found: list[Proof]) -> list[str]:
    """Controls and hazards without a test of their number, and numbers that no list knows."""
    proved = {number for proof in found for number in proof.named}
    problems = [
        f"{number} has no test: name one test_{number[0].lower()}{int(number[1:]):02}_..."
        for number in (*CONTROLS, *HAZARDS)
        if number not in proved
    ]
    problems += [
        f"{proof.path}: {proof.name} names {number}, which tools/safety_case.py does not list"
        for proof in found
        for number in proof.named
        if number[0] == "I" and number not in INVARIANTS
    ]
    seen = {number for proof in found for number in (*proof.named, *proof.mentioned)}
    problems += [f"{number} is held by no test" for number in INVARIANTS if number not in seen]
    return sorted(problems)


def main(arguments: list[str]) -> int:
    """Write the document, or check it; 1 where a test is missing or, when checking, the document is out of date."""
    found = proofs()
    problems = missing(found)
    text = document(found)
    if arguments == ["--check"]:
        if not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
            problems.append("docs/safety-case.md is out of date; write it with: python3 -m tools.safety_case")
    elif not arguments:
        DOCUMENT.write_text(text, encoding="utf-8")
    else:
        problems.append(f"unknown argument {arguments[0]!r}; give --check or nothing")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
