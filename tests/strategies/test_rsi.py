"""RSI strategy against TA-Lib's index and a naive trader of it."""

from __future__ import annotations

import numpy as np
import pytest
import talib

from kedge.model.errors import StrategyError
from kedge.model.signal import Signal
from kedge.strategies.rsi import RsiStrategy

from .conftest import RealCandles
from .histories import closes
from .paper import Paper


def test_it_trades_against_the_index_until_it_has_evened_out(real_candles: RealCandles) -> None:
    history = real_candles(count=3_000)
    paper = Paper(RsiStrategy(quantity=1))
    index = talib.RSI(np.array([float(each.close) for each in history]), 14)
    wanted = 0
    for at, (each, level) in enumerate(zip(history, index, strict=True)):
        paper.take(each)
        assert paper.position("BTC-USD") == wanted, f"at candle {at}"
        if np.isnan(level):
            continue
        if not wanted:
            wanted = int(level < 30) - int(level > 70)
        elif (wanted > 0 and level >= 50) or (wanted < 0 and level <= 50):
            wanted = 0
    assert len(paper.fills) > 50


def test_a_market_that_has_not_moved_is_neither_bought_nor_sold() -> None:
    assert not any(Paper(RsiStrategy(window=3)).play(closes([100] * 20)))


def test_the_reason_has_the_index() -> None:
    made = Paper(RsiStrategy(window=2)).play(closes([100, 99, 98, 98, 101]))
    assert made[2] == [Signal.buy("BTC-USD", reason="RSI 0.00 is below 30")]
    assert made[4] == [Signal.close("BTC-USD", reason="RSI 85.71 is back at 50")]


def test_the_exit_level_itself_is_an_exit() -> None:
    made = Paper(RsiStrategy(window=1)).play(closes([100, 99, 99, 100, 100]))
    assert [wishes[0].reason for wishes in made if wishes] == [
        "RSI 0.00 is below 30",
        "RSI 50.00 is back at 50",
        "RSI 100.00 is above 70",
        "RSI 50.00 is back at 50",
    ]


@pytest.mark.parametrize("levels", [(30, 20, 70), (30, 70, 70), (50, 50, 70)])
def test_the_levels_must_rise(levels: tuple[int, int, int]) -> None:
    low, middle, high = levels
    with pytest.raises(
        StrategyError, match=f"oversold is {low}, exit_level {middle}, overbought {high}; they must rise"
    ):
        RsiStrategy(oversold=low, exit_level=middle, overbought=high)
