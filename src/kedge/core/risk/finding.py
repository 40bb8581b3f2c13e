"""What a check answers: a figure where it is inside the limit, else a `Finding`."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Finding(NamedTuple):
    """What a check says beside or instead of a figure; `note` alone tells where there is no limit by number."""

    passed: bool
    figure: Decimal
    note: str = ""


Answer = Decimal | Finding


def outside(figure: Decimal, note: str = "") -> Finding:
    """The figure is not inside the limit."""
    return Finding(False, figure, note)


def short(figure: Decimal) -> str:
    """A figure for people: at most eight decimals."""
    text = f"{figure:.8f}"
    return text.rstrip("0").rstrip(".") or "0"
