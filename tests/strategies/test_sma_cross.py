"""SMA cross against averages of TA-Lib and a naive follower of their difference."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
import talib

from kedge.model.errors import StrategyError
from kedge.model.order import Side
from kedge.model.signal import Signal
from kedge.strategies.sma_cross import SmaCrossStrategy

from .conftest import RealCandles
from .histories import closes
from .paper import Paper


def test_it_is_long_while_fast_is_above_slow_and_short_while_below(real_candles: RealCandles) -> None:
    history = real_candles(count=3_000)
    paper = Paper(SmaCrossStrategy(quantity="0.5"))
    prices = np.array([float(each.close) for each in history])
    difference = talib.SMA(prices, 10) - talib.SMA(prices, 30)
    wanted = 0
    for at, each in enumerate(history):
        paper.take(each)
        assert paper.position("BTC-USD") == wanted * Decimal("0.5"), f"at candle {at}"
        if at >= 30 and abs(difference[at]) > 1e-9:
            wanted = 1 if difference[at] > 0 else -1
    assert len(paper.fills) > 100


def test_the_first_order_is_one_quantity_and_flips_are_two() -> None:
    paper = Paper(SmaCrossStrategy(fast=1, slow=2, quantity=3))
    paper.play(closes([10, 10, 11, 9, 12, 12]))
    assert [(fill.side, fill.quantity) for fill in paper.fills] == [
        (Side.BUY, Decimal(3)),
        (Side.SELL, Decimal(6)),
        (Side.BUY, Decimal(6)),
    ]


def test_equal_averages_turn_nothing() -> None:
    paper = Paper(SmaCrossStrategy(fast=1, slow=2, quantity=1))
    made = paper.play(closes([10, 10, 10, 11, 11, 11, 12, 12, 11, 11]))
    assert [at for at, wishes in enumerate(made) if wishes] == [3, 8]


def test_without_a_quantity_it_asks_for_its_budget() -> None:
    made = Paper(SmaCrossStrategy(fast=1, slow=2)).play(closes([10, 10, 11, 9]))
    assert made[2] == [Signal.buy("BTC-USD", reason="SMA 1 rose above SMA 2")]
    assert made[3] == [Signal.sell("BTC-USD", reason="SMA 1 fell below SMA 2")]


def test_without_shorts_a_fall_only_closes() -> None:
    paper = Paper(SmaCrossStrategy(fast=1, slow=2, quantity=1, allow_short=False))
    made = paper.play(closes([10, 10, 9, 11, 11, 9, 8]))
    assert made[2] == []
    assert made[5] == [Signal.close("BTC-USD", reason="SMA 1 fell below SMA 2")]
    assert paper.position("BTC-USD") == 0


def test_without_shorts_a_buy_that_has_not_filled_is_taken_back() -> None:
    paper = Paper(SmaCrossStrategy(fast=1, slow=2, quantity=1, allow_short=False))
    paper.play(closes([10, 10, 11]))
    assert len(paper.orders) == 1
    wishes = list(paper.strategy.on_candle(closes([9])[0]) or ())
    assert wishes == [Signal.to_target("BTC-USD", Decimal(0), reason="SMA 1 fell below SMA 2")]


@pytest.mark.parametrize(("fast", "slow"), [(10, 10), (30, 10)])
def test_fast_must_be_below_slow(fast: int, slow: int) -> None:
    with pytest.raises(StrategyError, match=f"fast is {fast} and slow is {slow}; fast must be below slow"):
        SmaCrossStrategy(fast=fast, slow=slow)
