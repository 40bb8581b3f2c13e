"""Columns of the past: sums and ranges recounted one by one, and the window that keeps them live."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.strategy.bars import Bars, BarWindow
from kedge.model.errors import StrategyError
from kedge.model.market import Candle

numbers = st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=60)


def bars_of(close: list[int]) -> Bars:
    column = np.array(close, np.int64)
    return Bars("BTC-USD", 60, 2, 0, np.arange(len(close)), column, column + 1, column - 1, column, column)


@given(numbers, st.integers(1, 12))
def test_sums_and_ranges_are_those_of_the_window(close: list[int], window: int) -> None:
    bars = bars_of(close)
    sums = bars.sums("close", window)
    high, low = bars.range_of(window)
    for at in range(len(close)):
        held = close[max(0, at + 1 - window) : at + 1]
        assert (high[at], low[at]) == (max(held) + 1, min(held) - 1)
        if at >= window - 1:
            assert sums[at] == sum(held)


def test_sums_are_exact_though_the_running_total_wraps() -> None:
    close = [2**61 + at for at in range(20)]
    assert bars_of(close).sums("close", 3)[19] == sum(close[17:])


prices = st.decimals(Decimal("0.0001"), 10**6, places=4)


@given(st.lists(st.tuples(prices, st.integers(0, 4)), min_size=3, max_size=40), st.integers(1, 5))
def test_a_window_holds_the_last_candles(rows: list[tuple[Decimal, int]], size: int) -> None:
    window = BarWindow("BTC-USD", size)
    taken: list[Candle] = []
    for at, (price, digits) in enumerate(rows):
        close = price.quantize(Decimal(1).scaleb(-digits)) + 1
        taken.append(Candle(at * 60, close, close + 1, close, close, Decimal(digits), "BTC-USD", 60))
        window.push(taken[-1])
        bars = window.bars()
        if len(taken) < size:
            assert bars is None
            continue
        assert bars is not None
        held = taken[-size:]
        assert bars.ts.tolist() == [candle.ts for candle in held]
        for name in ("open", "high", "low", "close"):
            exact = [Decimal(int(each)).scaleb(-bars.price_scale) for each in getattr(bars, name)]
            assert exact == [getattr(candle, name) for candle in held]


@pytest.mark.parametrize(("price", "word"), [("0.0000000000000000001", "digits"), ("999999999999999", "63 bits")])
def test_what_does_not_fit_is_said(price: str, word: str) -> None:
    window = BarWindow("BTC-USD", 2)

    def push(value: Any) -> None:
        number = Decimal(value)
        window.push(Candle(0, number, number, number, number, Decimal(1), "BTC-USD", 60))

    push(price if word == "63 bits" else "1")
    with pytest.raises(StrategyError, match=word):
        push("0.000001" if word == "63 bits" else price)
