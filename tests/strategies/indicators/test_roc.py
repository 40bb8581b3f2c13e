"""Rate of change against TA-Lib."""

from __future__ import annotations

from decimal import Decimal

import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.strategies.indicators import ROC

from .series import assert_agree, floats, walks


@given(prices=walks(), window=st.integers(1, 30))
def test_agrees_with_talib(prices: list[Decimal], window: int) -> None:
    indicator = ROC(window)
    # TA-Lib subtracts 1 from a ratio: what is left of a small change is known to 1e-14 of 100.
    assert_agree([indicator.update(price) for price in prices], talib.ROC(floats(prices), window), scale=1e-2)


def test_percent_of_the_value_n_before_and_reset_forgets() -> None:
    indicator = ROC(2)
    assert [indicator.update(Decimal(price)) for price in (100, 50, 110, 100)] == [None, None, 10, 100]
    indicator.reset()
    assert not indicator.ready
    assert indicator.update(Decimal(1)) is None
