"""Bollinger bands against TA-Lib."""

from __future__ import annotations

from decimal import Decimal

import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import StrategyError
from kedge.strategies.indicators import SMA, Band, BollingerBands, StandardDeviation

from .series import assert_agree, floats, walks


@given(prices=walks(), window=st.integers(2, 30), tenths=st.integers(1, 40))
def test_agrees_with_talib(prices: list[Decimal], window: int, tenths: int) -> None:
    bands = BollingerBands(window, Decimal(tenths) / 10)
    ours = [bands.update(price) for price in prices]
    upper, middle, lower = talib.BBANDS(floats(prices), window, tenths / 10, tenths / 10)
    # TA-Lib's own root of a variance of nearly nothing is known to about 1e-6 of a price of 1,000.
    assert_agree([band and band.upper for band in ours], upper, rel=2e-8)
    assert_agree([band and band.middle for band in ours], middle)
    assert_agree([band and band.lower for band in ours], lower, rel=2e-8)


@given(prices=walks())
def test_is_mean_and_deviations_to_28_digits(prices: list[Decimal]) -> None:
    bands, mean, deviation = BollingerBands(20, Decimal("2.5")), SMA(20), StandardDeviation(20)
    for price in prices:
        band = bands.update(price)
        middle, width = mean.update(price), deviation.update(price)
        assert (band is None) == (middle is None) == (not bands.ready)
        if band is not None and middle is not None and width is not None:
            assert band.middle == middle
            assert abs(band.upper - middle - Decimal("2.5") * width) < Decimal("1E-20")
            assert abs(band.upper + band.lower - 2 * middle) < Decimal("1E-20")


def test_reset_forgets_and_the_width_must_be_one() -> None:
    bands = BollingerBands(2)
    assert bands.update(Decimal(1)) is None
    assert bands.update(Decimal(3)) == Band(Decimal(0), Decimal(2), Decimal(4))
    bands.reset()
    assert not bands.ready
    assert bands.update(Decimal(9)) is None
    with pytest.raises(StrategyError, match="num_std of BollingerBands is 0"):
        BollingerBands(20, Decimal(0))
