"""A side of a book against a plain one: a dictionary that is sorted at each question. They must agree to the letter."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market import side
from kedge.core.market.side import BookSide
from kedge.model.market import Level

#: Few prices, so that levels come and go and come again; some in two ways of writing that are one number.
PRICES = [
    Decimal(text) for text in ("1", "1.0", "1.00", "2", "3", "3.0", "4.5", "1E+1", "10", "1E-18", "1E+18", "7", "8")
]
SIZES = [Decimal(text) for text in ("0", "0.000", "0E-8", "1", "1.0", "0.00000001", "1E+24")]

changes = st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(SIZES)), max_size=12)
#: What is asked after a change must make no difference to what comes later, so it is drawn too.
steps = st.lists(st.tuples(changes, st.booleans()), max_size=30)
bounds = st.none() | st.integers(1, 6)


class PlainSide:
    """The same, slow and obviously right."""

    def __init__(self, descending: bool) -> None:
        self.descending = descending
        self.sizes: dict[Decimal, Decimal] = {}

    def reset(self, levels: list[Level], kept: int | None) -> None:
        self.sizes = dict(levels)
        self.cut(kept)

    def change(self, levels: list[Level], kept: int | None) -> None:
        for price, size in levels:
            if size:
                self.sizes[price] = size
            else:
                self.sizes.pop(price, None)
        self.cut(kept)

    def cut(self, kept: int | None) -> None:
        for price, _ in self.best_first()[kept:] if kept is not None else ():
            del self.sizes[price]

    def best_first(self) -> list[Level]:
        return sorted(self.sizes.items(), reverse=self.descending)


def texts(levels: list[Level]) -> list[str]:
    return [f"{price} x {size}" for price, size in levels]


@pytest.mark.parametrize("best_of", [max, min])
@given(first=changes, steps=steps, kept=bounds, idle=st.integers(0, 3))
def test_a_side_is_the_plain_one(
    best_of: Callable[..., Decimal],
    first: list[Level],
    steps: list[tuple[list[Level], bool]],
    kept: int | None,
    idle: int,
) -> None:
    ours, plain = BookSide(best_of), PlainSide(descending=best_of is max)
    first = [level for level in first if level[1]]
    with patch.object(side, "_IDLE_MAX", idle):
        ours.reset(first, kept)
        plain.reset(first, kept)
        for levels, asked in steps:
            ours.change(levels, kept)
            plain.change(levels, kept)
            expected = plain.best_first()
            told = [] if ours.best is None else [(ours.best, ours.size_of(ours.best))]
            assert texts(told) == texts(expected[:1])
            if asked:
                assert texts([*ours.best_first()]) == texts(expected)
        assert texts([*ours.best_first()]) == texts(plain.best_first())


@pytest.mark.parametrize("best_of", [max, min])
def test_what_comes_and_goes_is_forgotten(best_of: Callable[..., Decimal]) -> None:
    ours = BookSide(best_of)
    ours.reset([(Decimal(500_000), Decimal(1))], None)
    for number in range(100_000):
        far = Decimal(number if best_of is max else 1_000_000 - number)
        ours.change([(far, Decimal(1))], None)
        ours.change([(far, Decimal(0))], None)
    assert [*ours.best_first()] == [(Decimal(500_000), Decimal(1))]
    assert len(ours._prices) + len(ours._fresh) <= 2 + side._IDLE_MAX
