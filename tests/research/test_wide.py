"""Numbers of 128 bits: the pairs of halves that are compiled against Python's own integers."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.research import wide

BITS_64 = st.integers(-(2**62), 2**62)
AMOUNTS = st.integers(-(2**98) + 1, 2**98 - 1)


@given(AMOUNTS)
def test_what_is_stored_is_loaded(amount: int) -> None:
    halves = [0] * 4
    wide.store(halves, 1, amount)
    assert wide.load(halves, 1) == amount
    assert all(-(2**63) <= half < 2**63 for half in halves)


@given(st.integers(0, 2**100), st.integers(1, 2**62))
def test_a_quotient_is_exact_or_refused(amount: int, divisor: int) -> None:
    whole, rest = wide.quotient(amount, divisor)
    if amount // divisor >= wide.QUOTIENT_MAX:
        assert whole == -1
    else:
        assert whole * divisor + rest == amount
        assert 0 <= rest < divisor


@pytest.fixture(scope="module")
def all_operations() -> Any:
    """Every operation, compiled, on two amounts and two numbers."""
    numba = pytest.importorskip("numba")
    from kedge.research import wide_compiled  # noqa: F401  (importing it teaches them to numba)

    @numba.njit  # type: ignore[untyped-decorator,unused-ignore]
    def operate(halves: Any, one: int, other: int) -> Any:
        first, second = wide.load(halves, 0), wide.load(halves, 1)
        wide.store(halves, 2, wide.plus(first, second))
        wide.store(halves, 3, wide.minus(first, second))
        wide.store(halves, 4, wide.product(one, other))
        wide.store(halves, 5, wide.scaled(first, one % 1024))
        wide.store(halves, 6, wide.of(other))
        whole, rest = wide.quotient(first if not wide.below(first, wide.of(0)) else wide.of(7), abs(other) + 1)
        return wide.below(first, second), wide.small(first), wide.small(wide.load(halves, 4)), whole, rest

    return operate


def test_compiled_and_interpreted_agree(all_operations: Any) -> None:
    dice = Random(4)
    for _ in range(3_000):
        bits = dice.choice((3, 30, 63, 64, 65, 90, 97, 99))
        amounts = [dice.randrange(-(2**bits), 2**bits) for _ in range(2)]
        one, other = (dice.randrange(-(2 ** dice.choice((2, 31, 61))), 2**61) for _ in range(2))
        compiled, plain = np.zeros(14, np.int64), [0] * 14
        for place, amount in enumerate(amounts):
            wide.store(compiled, place, amount)
            wide.store(plain, place, amount)
        assert all_operations(compiled, one, other) == all_operations.py_func(plain, one, other), (amounts, one, other)
        assert compiled.tolist() == plain, (amounts, one, other)
