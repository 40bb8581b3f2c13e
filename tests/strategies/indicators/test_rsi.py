"""Relative strength index against TA-Lib."""

from __future__ import annotations

from decimal import Decimal

import talib
from hypothesis import assume, given
from hypothesis import strategies as st

from kedge.strategies.indicators import RSI

from .series import assert_agree, floats, walks


@given(prices=walks(), window=st.integers(2, 20))
def test_agrees_with_talib(prices: list[Decimal], window: int) -> None:
    assume(len(set(prices[: window + 1])) > 1)  # a market that has not moved is the one definition that differs
    index = RSI(window)
    assert_agree([index.update(price) for price in prices], talib.RSI(floats(prices), window), scale=1e-3)


def test_a_market_that_has_not_moved_is_in_the_middle() -> None:
    index = RSI(3)
    assert [index.update(Decimal(7)) for _ in range(5)] == [None, None, None, 50, 50]


def test_only_rises_are_100_only_falls_0() -> None:
    index = RSI(3)
    assert [index.update(Decimal(price)) for price in range(5)][-1] == 100
    index.reset()
    assert not index.ready
    assert [index.update(Decimal(-price)) for price in range(5)] == [None, None, None, 0, 0]
