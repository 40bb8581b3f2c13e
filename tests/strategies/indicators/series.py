"""Price series for indicators, and how two answers are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@st.composite
def walks(draw: st.DrawFn, least: int = 40, most: int = 120) -> list[Decimal]:
    """Random walks of prices on ticks of a cent, around 100 to 1,000, standing still at times."""
    start = draw(st.integers(10_000, 100_000))
    moves = draw(st.lists(st.integers(-60, 60), min_size=least, max_size=most))
    return [Decimal(cents).scaleb(-2) for cents in accumulate(moves, initial=start)]


@st.composite
def bars(draw: st.DrawFn, least: int = 40, most: int = 100) -> list[tuple[Decimal, Decimal, Decimal]]:
    """High, low and close along a random walk."""
    closes = draw(walks(least, most))
    wicks = draw(
        st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=len(closes), max_size=len(closes))
    )
    return [
        (close + Decimal(up).scaleb(-2), close - Decimal(down).scaleb(-2), close)
        for close, (up, down) in zip(closes, wicks, strict=True)
    ]


def floats(values: Iterable[Decimal]) -> Floats:
    return np.array([float(value) for value in values])


def assert_agree(ours: Sequence[Decimal | None], theirs: Floats, scale: float = 0.0, rel: float = 1e-9) -> None:
    """Equal within `rel` of the oracle's value, or of `scale` where values pass through zero; warm at the same time."""
    assert len(ours) == len(theirs)
    for at, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        assert (mine is None) == bool(np.isnan(other)), f"at {at}: {mine} against {other}"
        if mine is not None:
            off = abs(float(mine) - float(other))
            assert off <= rel * max(abs(float(other)), scale), f"at {at}: {mine} against {other}"
