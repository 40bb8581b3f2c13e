"""Mean reversion against TA-Lib's bands and a naive trader of them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.order import Side
from kedge.model.signal import Signal
from kedge.strategies.mean_reversion import MeanReversionStrategy

from .conftest import RealCandles
from .histories import closes
from .paper import Paper


def test_it_trades_against_the_bands_back_to_the_middle(real_candles: RealCandles) -> None:
    history = real_candles(count=3_000)
    paper = Paper(MeanReversionStrategy(quantity=1))
    prices = np.array([float(each.close) for each in history])
    upper, middle, lower = talib.BBANDS(prices, 20, 2.0, 2.0)
    wanted = 0
    for at, (each, price) in enumerate(zip(history, prices, strict=True)):
        paper.take(each)
        assert paper.position("BTC-USD") == wanted, f"at candle {at}"
        if at < 19:
            continue
        if not wanted:
            wanted = int(price < lower[at]) - int(price > upper[at])
        elif (wanted > 0 and price >= middle[at]) or (wanted < 0 and price <= middle[at]):
            wanted = 0
    assert len(paper.fills) > 100


def test_the_example_of_the_contract_sells_once_and_holds() -> None:
    paper = Paper(MeanReversionStrategy(window=20, num_std=2.0))
    made = paper.play(closes([100] * 20 + [115, 118, 122]))
    assert [at for at, wishes in enumerate(made) if wishes] == [20]
    (signal,) = made[20]
    assert isinstance(signal, Signal)
    assert (signal.side, signal.quantity) == (Side.SELL, None)
    assert signal.reason == "close 115 is more than 2 deviations above the mean"
    assert [(fill.side, fill.price) for fill in paper.fills] == [(Side.SELL, Decimal(118))]


def test_it_buys_below_the_band_and_sells_at_the_mean() -> None:
    paper = Paper(MeanReversionStrategy(window=20, quantity=2))
    made = paper.play(closes([100] * 20 + [80, 81, 99, 100]))
    assert [at for at, wishes in enumerate(made) if wishes] == [20, 22]
    assert made[22] == [Signal.close("BTC-USD", reason="close 99 is back at the mean of 20 candles")]
    assert [(fill.side, fill.quantity) for fill in paper.fills] == [(Side.BUY, Decimal(2)), (Side.SELL, Decimal(2))]


def test_a_market_that_stands_still_is_never_outside_its_band() -> None:
    assert not any(Paper(MeanReversionStrategy(window=5)).play(closes(["43210.12345678"] * 50)))


@pytest.mark.parametrize("price", [80, 120])
def test_an_order_on_its_way_is_waited_for(price: int) -> None:
    paper = Paper(MeanReversionStrategy(window=20))
    strategy = paper.strategy
    paper.play(closes([100] * 20 + [price]))
    assert len(paper.orders) == 1
    assert not strategy.on_candle(closes([price])[0]), "not filled yet: nothing more is asked for"


@given(prices=st.lists(st.integers(90, 110), min_size=30, max_size=60), scale=st.integers(-6, 6))
def test_the_unit_of_the_price_decides_nothing(prices: list[int], scale: int) -> None:
    one = Paper(MeanReversionStrategy(window=6, num_std="1.1", quantity=1))
    other = Paper(MeanReversionStrategy(window=6, num_std="1.1", quantity=1))
    made = one.play(closes(prices))
    again = other.play(closes(Decimal(price).scaleb(scale) for price in prices))
    assert [[wish.target for wish in each if isinstance(wish, Signal)] for each in made] == [
        [wish.target for wish in each if isinstance(wish, Signal)] for each in again
    ]
