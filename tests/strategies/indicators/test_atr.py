"""Average true range against TA-Lib."""

from __future__ import annotations

from decimal import Decimal

import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.strategies.indicators import ATR

from .series import assert_agree, bars, floats


@given(candles=bars(), window=st.integers(2, 20))
def test_agrees_with_talib(candles: list[tuple[Decimal, Decimal, Decimal]], window: int) -> None:
    indicator = ATR(window)
    ours = [indicator.update(*candle) for candle in candles]
    high, low, close = (floats(column) for column in zip(*candles, strict=True))
    # A difference of prices near 1,000 is known in floats to 1e-13 of them.
    assert_agree(ours, talib.ATR(high, low, close, window), scale=1e-3)


def test_the_gap_to_the_last_close_counts_and_reset_forgets() -> None:
    indicator = ATR(1)
    assert indicator.update(Decimal(11), Decimal(9), Decimal(10)) is None
    assert indicator.update(Decimal(16), Decimal(15), Decimal(15)) == 6
    assert indicator.update(Decimal(9), Decimal(8), Decimal(8)) == 7
    indicator.reset()
    assert not indicator.ready
    assert indicator.update(Decimal(11), Decimal(9), Decimal(10)) is None
