"""Slope, correlation and z-score against exact fractions, numpy and TA-Lib."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import talib
from hypothesis import assume, given
from hypothesis import strategies as st

from kedge.model.errors import StrategyError
from kedge.strategies.indicators import RollingRegression
from kedge.strategies.indicators.indicator import ROUNDED

from .series import assert_agree, floats, walks


def _decimal(exact: Fraction) -> Decimal:
    return ROUNDED.divide(Decimal(exact.numerator), Decimal(exact.denominator))


@given(xs=walks(30, 60), ys=walks(30, 60), window=st.integers(2, 25))
def test_slope_is_the_exact_figure_of_its_window(xs: list[Decimal], ys: list[Decimal], window: int) -> None:
    regression = RollingRegression(window)
    for at, (x, y) in enumerate(zip(xs, ys, strict=False)):
        slope = regression.update(x, y)
        assert regression.full == (at >= window - 1)
        if at < window - 1:
            assert slope is None
            continue
        inside_x = [Fraction(each) for each in xs[at - window + 1 : at + 1]]
        inside_y = [Fraction(each) for each in ys[at - window + 1 : at + 1]]
        mean_x, mean_y = sum(inside_x, Fraction(0)) / window, sum(inside_y, Fraction(0)) / window
        squares = sum(((each - mean_x) ** 2 for each in inside_x), Fraction(0))
        if not squares:
            assert slope is None
            continue
        products = sum(((a - mean_x) * (b - mean_y) for a, b in zip(inside_x, inside_y, strict=True)), Fraction(0))
        assert slope == _decimal(products / squares) == regression.value


@given(xs=walks(40, 60), ys=walks(40, 60), window=st.integers(3, 25))
def test_correlation_agrees_with_talib(xs: list[Decimal], ys: list[Decimal], window: int) -> None:
    size = min(len(xs), len(ys))
    # TA-Lib's sums are floats: near zero variance they say nothing, and 0 for none at all.
    xs = [x - xs[0] + (at % 2) * 100 for at, x in enumerate(xs[:size])]
    ys = [y - ys[0] + (at % 3) * 100 for at, y in enumerate(ys[:size])]
    regression = RollingRegression(window)
    ours = []
    for x, y in zip(xs, ys, strict=True):
        regression.push(x, y)
        ours.append(regression.correlation())
    assert_agree(ours, talib.CORREL(floats(xs), floats(ys), window), scale=1.0)


@given(xs=walks(30, 40), ys=walks(30, 40), hedge=st.one_of(st.none(), st.integers(-300, 300)))
def test_z_score_agrees_with_numpy(xs: list[Decimal], ys: list[Decimal], hedge: int | None) -> None:
    window = 20
    regression = RollingRegression(window)
    for x, y in zip(xs, ys, strict=False):
        regression.push(x, y)
    size = min(len(xs), len(ys))
    ratio = regression.slope() if hedge is None else Decimal(hedge) / 100
    assume(ratio is not None)
    assert ratio is not None
    exact = [Fraction(y) - Fraction(ratio) * Fraction(x) for x, y in zip(xs[:size], ys[:size], strict=True)][-window:]
    mean = sum(exact) / window
    deviation = np.std([float(each - mean) for each in exact])
    z = regression.z_score(ratio)
    if deviation < 1e-9:
        return  # the next test
    assert z is not None
    assert math.isclose(float(z), float(exact[-1] - mean) / deviation, rel_tol=1e-9, abs_tol=1e-9)


@given(xs=walks(30, 40), thirds=st.integers(1, 9))
def test_a_spread_that_never_varies_has_no_z_score(xs: list[Decimal], thirds: int) -> None:
    regression = RollingRegression(20)
    ratio = Decimal(thirds) / 3
    for x in xs:
        regression.push(x, x * 3 * thirds + 1)
    assert regression.z_score(Decimal(3 * thirds)) is None
    slope = regression.slope()
    if slope is not None:
        assert slope == 3 * thirds
        assert regression.z_score(slope) is None
        assert regression.z_score(ratio) is not None or ratio == slope


def test_the_rounding_of_a_slope_is_no_spread() -> None:
    regression = RollingRegression(5)
    for y in (100, 101, 99, 104, 102):
        regression.push(Decimal(3 * y), Decimal(y))
    slope = regression.slope()
    assert slope == ROUNDED.divide(Decimal(1), Decimal(3))
    assert regression.z_score(slope) is None


def test_what_stands_still_has_neither_slope_nor_correlation() -> None:
    regression = RollingRegression(3)
    for y in range(5):
        assert regression.update(Decimal(7), Decimal(y)) is None
    assert regression.full
    assert not regression.ready
    assert regression.correlation() is None


@given(xs=walks(30, 40), ys=walks(30, 40))
def test_reset_forgets_everything(xs: list[Decimal], ys: list[Decimal]) -> None:
    used, fresh = RollingRegression(10), RollingRegression(10)
    for x, y in zip(ys, xs, strict=False):
        used.update(x, y)
    used.reset()
    assert not used.ready
    assert not used.full
    for x, y in zip(xs, ys, strict=False):
        assert used.update(x, y) == fresh.update(x, y)
        assert used.correlation() == fresh.correlation()


def test_one_pair_makes_no_line() -> None:
    with pytest.raises(StrategyError, match="window of RollingRegression is 1; give a whole number >= 2"):
        RollingRegression(1)
