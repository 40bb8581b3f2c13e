"""Rolling extremes against TA-Lib and against `max` and `min` of the window."""

from __future__ import annotations

from decimal import Decimal

import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.strategies.indicators import Channel, DonchianChannel, RollingMax, RollingMin

from .series import assert_agree, bars, floats, walks

Bars = list[tuple[Decimal, Decimal, Decimal]]


@given(prices=walks(least=1), window=st.integers(2, 30))
def test_extremes_agree_with_talib(prices: list[Decimal], window: int) -> None:
    highest, lowest = RollingMax(window), RollingMin(window)
    assert_agree([highest.update(price) for price in prices], talib.MAX(floats(prices), window))
    assert_agree([lowest.update(price) for price in prices], talib.MIN(floats(prices), window))


@given(candles=bars(least=1), window=st.integers(1, 12))
def test_the_channel_is_max_and_min_of_its_window(candles: Bars, window: int) -> None:
    channel = DonchianChannel(window)
    for at, (high, low, _) in enumerate(candles):
        inside = candles[max(0, at - window + 1) : at + 1]
        expected = Channel(min(bar[1] for bar in inside), max(bar[0] for bar in inside)) if at >= window - 1 else None
        assert channel.update(high, low) == expected == channel.value


@given(prices=walks())
def test_no_more_candidates_are_kept_than_the_window_holds(prices: list[Decimal]) -> None:
    highest = RollingMax(7)
    for price in prices:
        highest.update(price)
        assert 1 <= len(highest._candidates) <= 7


def test_reset_forgets_and_the_middle_is_halfway() -> None:
    channel = DonchianChannel(2)
    channel.update(Decimal(9), Decimal(1))
    newest = channel.update(Decimal(8), Decimal(2))
    assert newest == Channel(Decimal(1), Decimal(9))
    assert newest is not None
    assert newest.middle == 5
    channel.reset()
    assert not channel.ready
    assert channel.update(Decimal(4), Decimal(3)) is None
    assert channel.update(Decimal(4), Decimal(3)) == Channel(Decimal(3), Decimal(4))
