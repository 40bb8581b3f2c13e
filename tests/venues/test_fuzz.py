"""A seeded sample of the fuzz, and proof that it bites. The million is `python -m tests.fuzz_parsers`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from kedge.model.errors import VenueError
from tests.fuzz_parsers import Parser, fire, parsers
from tests.fuzz_parsers.sanity import Insane, judge

SEEDS = [b'{"s":"BTCUSDT","p":"61837.64","q":"0.25","T":1672515782136}']


@pytest.mark.parametrize("parser", parsers(), ids=lambda parser: parser.name)
def test_parsers_refuse_or_answer_sanely(parser: Parser) -> None:
    tally = fire(parser, 600, seed=20_261_125)
    assert [(one.what, one.message[:300]) for one in tally.failures] == []
    assert tally.read > 30, "mutations that nobody can read prove nothing"


class Trade(msgspec.Struct):
    price: Decimal
    quantity: Decimal
    ts: int


def _tolerant(message: bytes) -> Trade:
    try:
        said: dict[str, Any] = msgspec.json.decode(message)
        return Trade(Decimal(str(said["p"])), Decimal(str(said["q"])), int(said["T"]) * 10**6)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise VenueError(str(error)) from None


def _careless(message: bytes) -> Trade:
    said: dict[str, Any] = msgspec.json.decode(message)
    return Trade(Decimal(said["p"]), Decimal(said["q"]), said["T"])


def test_a_parser_that_believes_everything_is_found_out() -> None:
    tally = fire(Parser("tolerant", SEEDS, _tolerant), 3_000, seed=1, failures_max=10**6)
    said = " ".join(one.what for one in tally.failures)
    assert "not finite" in said
    assert "must be above zero" in said
    assert "must not be below zero" in said
    assert "absurd" in said
    assert "no time between" in said


def test_a_parser_that_crashes_is_found_out() -> None:
    tally = fire(Parser("careless", SEEDS, _careless), 3_000, seed=1, failures_max=10**6)
    said = " ".join(one.what for one in tally.failures)
    assert "KeyError" in said
    assert "InvalidOperation" in said


@pytest.mark.parametrize(
    "nonsense",
    [
        Trade(Decimal("NaN"), Decimal(1), 1),
        Trade(Decimal(0), Decimal(1), 1),
        Trade(Decimal(1), Decimal(-1), 1),
        Trade(Decimal("1e500"), Decimal(1), 1),
        Trade(Decimal(1), Decimal(1), -1),
        [1.5],
        {"a": (Trade(Decimal(1), Decimal("Infinity"), 1),)},
    ],
)
def test_the_judge_knows_nonsense(nonsense: Any) -> None:
    with pytest.raises(Insane):
        judge(nonsense)
