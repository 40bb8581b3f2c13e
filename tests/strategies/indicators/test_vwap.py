"""Volume-weighted average price against exact fractions and numpy."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kedge.strategies.indicators import VWAP
from kedge.strategies.indicators.indicator import ROUNDED

from .series import assert_agree, floats, walks

volumes = st.lists(st.integers(0, 500).map(lambda thousandths: Decimal(thousandths).scaleb(-3)), min_size=121)


@given(prices=walks(), volumes=volumes, window=st.one_of(st.none(), st.integers(1, 20)))
def test_is_the_exact_figure_of_its_window(prices: list[Decimal], volumes: list[Decimal], window: int | None) -> None:
    indicator = VWAP(window)
    trades = list(zip(prices, volumes, strict=False))
    for at, (price, volume) in enumerate(trades):
        value = indicator.update(price, volume)
        if window is not None and at < window - 1:
            assert value is None
            continue
        inside = trades[0 if window is None else at - window + 1 : at + 1]
        traded = sum(Fraction(size) for _, size in inside)
        if not traded:
            assert value is None
            continue
        exact = sum(Fraction(cost) * Fraction(size) for cost, size in inside) / traded
        assert value == ROUNDED.divide(Decimal(exact.numerator), Decimal(exact.denominator)) == indicator.value


@given(prices=walks(), volumes=volumes)
def test_agrees_with_numpy(prices: list[Decimal], volumes: list[Decimal]) -> None:
    sizes = [volume + 1 for volume in volumes[: len(prices)]]
    turnover, size = floats(prices) * floats(sizes), floats(sizes)
    sums = [np.lib.stride_tricks.sliding_window_view(column, 10).sum(axis=1) for column in (turnover, size)]
    rolling = np.concatenate([np.full(9, np.nan), sums[0] / sums[1]])
    session = turnover.cumsum() / size.cumsum()
    window, whole = VWAP(10), VWAP()
    trades = list(zip(prices, sizes, strict=True))
    assert_agree([window.update(*trade) for trade in trades], rolling)
    assert_agree([whole.update(*trade) for trade in trades], session)


def test_reset_begins_a_new_session() -> None:
    indicator = VWAP()
    assert indicator.update(Decimal(10), Decimal(1)) == 10
    assert indicator.update(Decimal(20), Decimal(3)) == Decimal("17.5")
    indicator.reset()
    assert not indicator.ready
    assert indicator.update(Decimal(30), Decimal(0)) is None
    assert indicator.update(Decimal(30), Decimal(2)) == 30
