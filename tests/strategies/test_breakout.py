"""Breakout against extremes of TA-Lib and a naive trader of them."""

from __future__ import annotations

import numpy as np
import pytest
import talib

from kedge.model.errors import StrategyError
from kedge.strategies.breakout import BreakoutStrategy

from .conftest import RealCandles
from .histories import closes
from .paper import Paper


@pytest.mark.parametrize("allow_short", [True, False])
def test_it_follows_the_channel(allow_short: bool, real_candles: RealCandles) -> None:
    history = real_candles(count=3_000)
    paper = Paper(BreakoutStrategy(quantity=1, allow_short=allow_short))
    highs = np.array([float(each.high) for each in history])
    lows = np.array([float(each.low) for each in history])
    top, bottom = talib.MAX(highs, 20), talib.MIN(lows, 20)
    near_top, near_bottom = talib.MAX(highs, 10), talib.MIN(lows, 10)
    wanted = 0
    for at, each in enumerate(history):
        paper.take(each)
        assert paper.position("BTC-USD") == wanted, f"at candle {at}"
        if at < 20:
            continue
        price = float(each.close)
        if price > top[at - 1]:
            wanted = 1
        elif price < bottom[at - 1]:
            wanted = -1 if allow_short else 0
        elif (wanted > 0 and price < near_bottom[at - 1]) or (wanted < 0 and price > near_top[at - 1]):
            wanted = 0
    assert len(paper.fills) > 50


def test_a_break_of_the_other_side_turns_the_position() -> None:
    paper = Paper(BreakoutStrategy(window=3, exit_window=3, quantity=1))
    made = paper.play(closes([100, 100, 100, 110, 110, 90, 90]))
    assert [at for at, wishes in enumerate(made) if wishes] == [3, 5]
    assert [str(fill.side) for fill in paper.fills] == ["buy", "sell"]
    assert paper.fills[1].quantity == 2


def test_touching_the_channel_is_no_break() -> None:
    assert not any(Paper(BreakoutStrategy(window=3, exit_window=1)).play(closes([100, 100, 100, 101, 99, 100])))


def test_the_exit_must_not_be_wider_than_the_entry() -> None:
    with pytest.raises(StrategyError, match="exit_window is 30 and window is 20; exit_window must not be above"):
        BreakoutStrategy(exit_window=30)
