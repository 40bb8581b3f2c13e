"""The published fill rules and the tests that prove them name each other."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "guide" / "fill-rules.md"

#: Every test in these is a rule that a user should be able to read.
RULES = ("test_bars.py", "test_feed.py", "test_account.py")


def defined_in(*names: str) -> set[str]:
    sources = [(HERE / name).read_text(encoding="utf-8") for name in names]
    return {found for source in sources for found in re.findall(r"^def (test_\w+)", source, re.MULTILINE)}


def named() -> set[str]:
    return set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))


def test_every_rule_names_tests_that_exist() -> None:
    everything = defined_in(*(path.name for path in HERE.glob("test_*.py")))
    assert sorted(named() - everything) == []


def test_every_test_of_a_rule_is_published() -> None:
    assert sorted(defined_in(*RULES) - named()) == []


def test_every_rule_has_a_test() -> None:
    rules = re.findall(r"^- (.*?)(?=^- |^$|\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(rules) > 40
    assert [rule for rule in rules if "`test_" not in rule] == []
