"""JSON from a venue: exact, or refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import VenueError
from kedge.venues.exact import EXPONENT_MAX, decimal_of, decode

figures = st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**20), max_value=10**20)


@given(figures)
def test_a_number_keeps_its_digits(figure: Decimal) -> None:
    text = format(figure, "f")
    found: dict[str, Any] = decode(f'{{"a":{text},"b":"{text}"}}')
    assert format(Decimal(found["a"]), "f") == text
    assert format(decimal_of(found["b"]), "f") == text


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", " 1", "1 ", "1_000", "", "0x10", "1e999", "1e99", "１", "1,5", "--1"]
)
def test_what_is_not_a_number_of_a_market_is_refused(text: str) -> None:
    with pytest.raises(VenueError, match="price is"):
        decimal_of(text, "price")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"{",
        b'"\xff"',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":1e999999999}',
        b'{"a":1e99999999999999999999}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":0.' + b"9" * 5_000 + b"}",
        b"NaN",
    ],
)
def test_what_a_venue_never_says_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(VenueError) as caught:
        decode(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(), st.lists))
def test_json_without_fractions_is_what_python_reads(value: object) -> None:
    assert decode(json.dumps(value)) == value


def test_the_bound_of_a_number_is_its_size_not_its_zero() -> None:
    assert decimal_of("0e50") == 0
    assert decimal_of(f"1e{EXPONENT_MAX}") == Decimal(f"1e{EXPONENT_MAX}")
