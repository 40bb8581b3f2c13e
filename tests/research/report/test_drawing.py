"""Drawings: everything is on the sheet, at its place, and nothing extreme is left out."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.research.report.drawing import (
    BOTTOM,
    LEFT,
    POINTS_MAX,
    RIGHT,
    TOP,
    WIDTH,
    Frame,
    bars,
    decades,
    thinned,
    ticks,
)
from kedge.research.report.sections import BINS, histogram

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@given(NUMBERS, NUMBERS, st.lists(st.floats(0, 1), min_size=1, max_size=20), st.booleans())
def test_what_lies_between_the_ends_is_on_the_sheet(
    one: float, other: float, parts: list[float], logarithmic: bool
) -> None:
    low, high = sorted((one, other))
    frame = Frame((low, high), (low, high), logarithmic=logarithmic)
    for part in parts:
        value = low + (high - low) * part
        assert LEFT - 0.01 <= frame.across(value) <= WIDTH - RIGHT + 0.01
        assert TOP - 0.01 <= frame.up(value) <= frame.height - BOTTOM + 0.01
    rising = sorted(low + (high - low) * part for part in parts)
    assert [frame.up(value) for value in rising] == sorted((frame.up(value) for value in rising), reverse=True)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_are_round_within_and_say_what_they_are(low: float, width: float, count: int) -> None:
    found = ticks(low, low + width, count)
    assert len(found) <= count + 1
    for value, said in found:
        assert low - width * 1e-6 <= value <= low + width * (1 + 1e-6)
        assert float(said.replace(",", "")) == pytest.approx(value, abs=width * 1e-3)
    steps = {round(b[0] - a[0], 9) for a, b in pairwise(found)}
    assert len({round(step / width, 6) for step in steps}) <= 1


@given(st.floats(-6, 6), st.floats(0.5, 9))
def test_decades_are_within(low: float, width: float) -> None:
    for value, said in decades(low, low + width):
        assert low - 1e-9 <= math.log10(value) <= low + width + 1e-9
        assert float(said.replace(",", "")) == pytest.approx(value)


@given(st.integers(1, 20_000), st.integers(0, 1000))
def test_thinning_keeps_the_ends_and_the_extremes(count: int, seed: int) -> None:
    ys = np.random.default_rng(seed).normal(size=count)
    xs = np.arange(count, dtype=np.float64)
    x, y = thinned(xs, ys)
    assert len(x) <= POINTS_MAX + 4
    assert (x[0], x[-1]) == (xs[0], xs[-1])
    assert (y.min(), y.max()) == (ys.min(), ys.max())
    assert (np.diff(x) > 0).all()
    assert (ys[x.astype(int)] == y).all()


def test_a_band_is_closed_and_goes_there_and_back() -> None:
    xs = np.array([0.0, 1.0, 2.0])
    frame = Frame((0.0, 2.0), (0.0, 10.0))
    path = str(frame.band(xs, np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), "band"))
    points = re.findall(r"([\d.]+) ([\d.]+)", path)
    assert len(points) == 6
    assert points[0][0] == points[-1][0]
    assert float(points[0][1]) < float(points[-1][1])
    assert path.count("Z") == 1


@given(st.lists(st.floats(-20, 20, allow_subnormal=False), min_size=1, max_size=200))
def test_the_histogram_counts_every_logit_on_its_side(logits: list[float]) -> None:
    found = histogram(np.array(logits))
    assert len(found) == BINS
    assert sum(count for count, _ in found) == len(logits)
    assert sum(count for count, kind in found if kind == "loss") == sum(logit <= 0 for logit in logits)


def test_bars_are_relative_to_the_highest() -> None:
    drawn = str(bars([(1.0, ""), (4.0, "loss"), (0.0, "")], "a label"))
    assert re.findall(r"--h:([\d.]+)%", drawn) == ["25.0", "100.0", "0.0"]
    assert 'aria-label="a label"' in drawn
