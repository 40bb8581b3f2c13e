"""MACD against TA-Lib."""

from __future__ import annotations

from decimal import Decimal

import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import StrategyError
from kedge.strategies.indicators import MACD

from .series import assert_agree, floats, walks


@given(prices=walks(60), fast=st.integers(2, 10), more=st.integers(1, 15), signal=st.integers(2, 9))
def test_agrees_with_talib(prices: list[Decimal], fast: int, more: int, signal: int) -> None:
    indicator = MACD(fast, fast + more, signal)
    ours = [indicator.update(price) for price in prices]
    macd, average, histogram = talib.MACD(floats(prices), fast, fast + more, signal)
    size = float(max(prices))  # differences of prices: known in floats to a part of the prices
    assert_agree([lines and lines.macd for lines in ours], macd, scale=size)
    assert_agree([lines and lines.signal for lines in ours], average, scale=size)
    assert_agree([lines and lines.histogram for lines in ours], histogram, scale=size)


@given(prices=walks(60), others=walks(least=0))
def test_reset_forgets_everything(prices: list[Decimal], others: list[Decimal]) -> None:
    used, fresh = MACD(), MACD()
    for other in others:
        used.update(other)
    used.reset()
    assert not used.ready
    assert [used.update(price) for price in prices] == [fresh.update(price) for price in prices]


def test_fast_must_be_below_slow() -> None:
    with pytest.raises(StrategyError, match="fast of MACD is 26 and slow is 12; fast must be below slow"):
        MACD(26, 12)
