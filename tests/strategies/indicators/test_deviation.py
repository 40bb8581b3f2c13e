"""Variance and deviation: against exact fractions to the last digit, against TA-Lib and numpy in floats.

TA-Lib sums squares of floats and loses digits where prices are large against their variance; it is given the prices
less their first, which changes no variance.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import StrategyError
from kedge.strategies.indicators import RollingVariance, StandardDeviation
from kedge.strategies.indicators.indicator import ROUNDED

from .series import assert_agree, floats, walks

windows = st.integers(2, 30)


@given(prices=walks(), window=windows, sample=st.booleans())
def test_variance_is_the_exact_figure_of_its_window(prices: list[Decimal], window: int, sample: bool) -> None:
    variance = RollingVariance(window, sample=sample)
    for at, price in enumerate(prices):
        value = variance.update(price)
        if value is None:
            assert at < window - 1
            continue
        inside = [Fraction(each) for each in prices[at - window + 1 : at + 1]]
        mean = sum(inside, Fraction(0)) / window
        exact = sum(((each - mean) ** 2 for each in inside), Fraction(0)) / (window - sample)
        assert value == ROUNDED.divide(Decimal(exact.numerator), Decimal(exact.denominator))


@pytest.mark.parametrize("kind", [RollingVariance, StandardDeviation])
@given(prices=walks(), window=windows)
def test_agrees_with_talib(kind: type[RollingVariance], prices: list[Decimal], window: int) -> None:
    oracle = talib.VAR if kind is RollingVariance else talib.STDDEV
    indicator = kind(window)
    # Squares of a float near 600 are known to 1e-10; their differences to no more.
    ours = [indicator.update(price - prices[0]) for price in prices]
    theirs = oracle(floats(price - prices[0] for price in prices), window)
    assert_agree(
        ours, theirs, scale=100.0 if kind is RollingVariance else 1.0, rel=1e-9 if kind is RollingVariance else 1e-5
    )


@given(prices=walks(), window=windows, sample=st.booleans())
def test_deviation_agrees_with_numpy(prices: list[Decimal], window: int, sample: bool) -> None:
    deviation = StandardDeviation(window, sample=sample)
    ours = [deviation.update(price) for price in prices]
    views = np.lib.stride_tricks.sliding_window_view(floats(prices) - float(prices[0]), window)
    theirs = np.concatenate([np.full(window - 1, np.nan), np.std(views, axis=1, ddof=int(sample))])
    assert_agree(ours, theirs, scale=1e-4)


def test_a_market_that_stands_still_after_a_storm_has_no_variance_at_all() -> None:
    variance = RollingVariance(5)
    for price in [*("999999999.99999999", "0.00000001") * 1_000, *("43210.12",) * 5]:
        variance.update(Decimal(price))
    assert variance.value == 0


@given(prices=walks(), others=walks(least=0))
def test_reset_forgets_everything(prices: list[Decimal], others: list[Decimal]) -> None:
    used, fresh = StandardDeviation(10), StandardDeviation(10)
    for other in others:
        used.update(other)
    used.reset()
    assert not used.ready
    assert [used.update(price) for price in prices] == [fresh.update(price) for price in prices]


@pytest.mark.parametrize(
    "make",
    [lambda: RollingVariance(0), lambda: RollingVariance(1, sample=True), lambda: StandardDeviation(-3)],
)
def test_a_window_that_cannot_be_is_named(make: Callable[[], object]) -> None:
    with pytest.raises(StrategyError, match="whole number >= "):
        make()
