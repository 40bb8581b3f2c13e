"""Averages against TA-Lib in floats, and against exact fractions to the last digit."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import StrategyError
from kedge.model.money import EXACT
from kedge.strategies.indicators import EMA, SMA, WMA, RollingSum, WilderAverage

from .series import Floats, assert_agree, floats, walks

ORACLES = {SMA: talib.SMA, WMA: talib.WMA, EMA: talib.EMA}

windows = st.integers(2, 30)


@pytest.mark.parametrize("kind", ORACLES)
@given(prices=walks(), window=windows)
def test_agrees_with_talib(kind: type[SMA | WMA | EMA], prices: list[Decimal], window: int) -> None:
    average = kind(window)
    assert_agree([average.update(price) for price in prices], ORACLES[kind](floats(prices), window))


@given(prices=walks(), window=windows)
def test_wilder_is_an_average_that_forgets_one_nth(prices: list[Decimal], window: int) -> None:
    average = WilderAverage(window)
    expected: Floats = np.full(len(prices), np.nan)
    for at in range(window - 1, len(prices)):
        before = expected[at - 1]
        seed = at == window - 1
        expected[at] = (
            np.mean(floats(prices[:window])) if seed else (before * (window - 1) + float(prices[at])) / window
        )
    assert_agree([average.update(price) for price in prices], expected)


@pytest.mark.parametrize("kind", [RollingSum, SMA, WMA])
@given(prices=walks(), window=windows)
def test_is_the_exact_figure_of_its_window(kind: type[RollingSum], prices: list[Decimal], window: int) -> None:
    average = kind(window)
    with localcontext(EXACT):
        for at, price in enumerate(prices):
            value = average.update(price)
            if value is None:
                assert at < window - 1
                continue
            inside = [Fraction(each) for each in prices[at - window + 1 : at + 1]]
            weights = range(1, window + 1) if kind is WMA else [1] * window
            exact = sum((weight * each for weight, each in zip(weights, inside, strict=True)), Fraction(0))
            divisor = 1 if kind is RollingSum else sum(weights)
            assert value == EXACT.divide(Decimal(exact.numerator), Decimal(exact.denominator * divisor))


def test_nothing_drifts_however_far_prices_have_travelled() -> None:
    average = SMA(3)
    for price in ("0.00000001", "98765432109.87654321", "0.00000003") * 10_000:
        average.update(Decimal(price))
    for price in ("1", "2", "3"):
        average.update(Decimal(price))
    assert average.value == 2


@pytest.mark.parametrize("kind", [RollingSum, SMA, WMA, EMA, WilderAverage])
@given(prices=walks(), others=walks(least=0))
def test_reset_forgets_everything(kind: type[RollingSum | EMA], prices: list[Decimal], others: list[Decimal]) -> None:
    average, fresh = kind(10), kind(10)
    for other in others:
        average.update(other)
    average.reset()
    assert not average.ready
    assert average.value is None
    for price in prices:
        assert average.update(price) == fresh.update(price) == average.value
        assert average.ready == fresh.ready


@pytest.mark.parametrize("kind", [RollingSum, SMA, WMA, EMA, WilderAverage])
@pytest.mark.parametrize("window", [0, -1, 2.0, True, "3"])
def test_a_window_that_cannot_be_is_named(kind: type[RollingSum | EMA], window: int) -> None:
    with pytest.raises(StrategyError, match=rf"window of {kind.__name__} is .*whole number >= 1"):
        kind(window)
