"""Moves: what a signal strategy decides on a bar, as one small number.

A bar's number says what to hold next. It may be the side itself, `LONG`, `FLAT` or `SHORT` (1, 0, -1), or depend
on the side held now, which is how entries and exits of their own are written:

    KEEP                                     whatever is held stays
    moves(if_short=0, if_flat=1, if_long=1)  buy when flat, cover when short

A rule of this form remembers nothing: what is held now is the only memory, and it is folded in one place
(`TABLE`), the same for a strategy that runs event by event and for a compiled sweep. So a rule may look at a
bounded window of the past and still hold a position for as long as it likes.
"""

from __future__ import annotations

from itertools import product

LONG, FLAT, SHORT = 1, 0, -1
KEEP = 2

#: The first of the 27 numbers that name the side to hold next for each side held now.
_CHOICES = 3

SIDES = (SHORT, FLAT, LONG)


def moves(if_short: int, if_flat: int, if_long: int) -> int:
    """The number of a move: the side to hold next if short, flat or long now."""
    for name, side in (("if_short", if_short), ("if_flat", if_flat), ("if_long", if_long)):
        if side not in SIDES:
            raise ValueError(f"{name} is {side}; a side is -1, 0 or 1")
    return _CHOICES + 9 * (if_short + 1) + 3 * (if_flat + 1) + (if_long + 1)


#: The side to hold next, by `3 * (move + 1) + side held + 1`.
TABLE: tuple[int, ...] = (
    *(side for side in SIDES for _ in SIDES),
    *SIDES,
    *(side for choice in product(SIDES, repeat=3) for side in choice),
)

#: The least and the greatest move.
MOVE_MIN, MOVE_MAX = SHORT, len(TABLE) // 3 - 2


def after(move: int, side: int) -> int:
    """The side to hold after `move` where `side` is held."""
    return TABLE[3 * (move + 1) + side + 1]
