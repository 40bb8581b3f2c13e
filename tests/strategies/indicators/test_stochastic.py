"""Stochastic oscillator against TA-Lib."""

from __future__ import annotations

from decimal import Decimal

import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.strategies.indicators import Stochastic, StochasticLines

from .series import assert_agree, bars, floats

MIDDLE = StochasticLines(Decimal(50), Decimal(50))
Bars = list[tuple[Decimal, Decimal, Decimal]]


@given(candles=bars(), window=st.integers(2, 15), smooth=st.integers(1, 5), signal=st.integers(1, 5))
def test_agrees_with_talib(candles: Bars, window: int, smooth: int, signal: int) -> None:
    # Where a candle has no range its close is its only price: a range of a cent keeps the definitions the same.
    candles = [(high + Decimal("0.01"), low, close) for high, low, close in candles]
    indicator = Stochastic(window, smooth, signal)
    ours = [indicator.update(*candle) for candle in candles]
    high, low, close = (floats(column) for column in zip(*candles, strict=True))
    k, d = talib.STOCH(high, low, close, window, slowk_period=smooth, slowd_period=signal)
    # A range of cents below 1,000 is known in floats to 1e-11 of itself, and so is the quotient of 100.
    assert_agree([lines and lines.k for lines in ours], k, scale=100.0)
    assert_agree([lines and lines.d for lines in ours], d, scale=100.0)


def test_no_range_is_the_middle_and_reset_forgets() -> None:
    indicator = Stochastic(2, 1, 1)
    flat = Decimal(5)
    assert [indicator.update(flat, flat, flat) for _ in range(3)] == [None, MIDDLE, MIDDLE]
    assert indicator.update(Decimal(9), flat, Decimal(9)) == StochasticLines(Decimal(100), Decimal(100))
    indicator.reset()
    assert not indicator.ready
    assert indicator.update(flat, flat, flat) is None
