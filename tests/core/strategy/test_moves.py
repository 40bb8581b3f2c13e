"""Moves: what each number makes of the side held."""

from __future__ import annotations

from itertools import product

import pytest

from kedge.core.strategy.moves import FLAT, KEEP, LONG, MOVE_MAX, MOVE_MIN, SHORT, SIDES, TABLE, after, moves


def test_a_side_is_a_move_to_it() -> None:
    assert {(move, after(move, side)) for move in SIDES for side in SIDES} == {(side, side) for side in SIDES}


def test_keep_keeps() -> None:
    assert [after(KEEP, side) for side in SIDES] == list(SIDES)


@pytest.mark.parametrize("choice", list(product(SIDES, repeat=3)))
def test_every_choice_has_a_move_of_its_own(choice: tuple[int, int, int]) -> None:
    move = moves(*choice)
    assert KEEP < move <= MOVE_MAX
    assert tuple(after(move, side) for side in (SHORT, FLAT, LONG)) == choice


def test_moves_are_distinct_and_fill_the_table() -> None:
    numbers = {moves(*choice) for choice in product(SIDES, repeat=3)}
    assert numbers == set(range(KEEP + 1, MOVE_MAX + 1))
    assert len(TABLE) == 3 * (MOVE_MAX - MOVE_MIN + 1)


def test_a_side_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="if_long is 2"):
        moves(if_short=0, if_flat=0, if_long=2)
