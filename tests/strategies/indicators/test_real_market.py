"""Every indicator on real candles: Bitcoin's hours through the crash of January 2018, outages included."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import talib

from kedge.model.market import Candle
from kedge.strategies.indicators import (
    ATR,
    EMA,
    MACD,
    ROC,
    RSI,
    SMA,
    VWAP,
    WMA,
    BollingerBands,
    DonchianChannel,
    RollingRegression,
    RollingVariance,
    StandardDeviation,
    Stochastic,
)

from .series import Floats, assert_agree, floats


class Columns:
    """Candles as columns, for us and for the oracle."""

    def __init__(self, candles: Sequence[Candle]) -> None:
        self.high = [candle.high for candle in candles]
        self.low = [candle.low for candle in candles]
        self.close = [candle.close for candle in candles]
        self.open = [candle.open for candle in candles]
        self.volume = [candle.volume for candle in candles]
        self.highs, self.lows, self.closes = floats(self.high), floats(self.low), floats(self.close)
        self.opens, self.volumes = floats(self.open), floats(self.volume)


@pytest.fixture(scope="module")
def market(real_candles: Any) -> Columns:
    return Columns(real_candles(count=3_000))


def _windows(values: Floats, size: int) -> Any:
    return np.lib.stride_tricks.sliding_window_view(values, size)


def _padded(values: Any, size: int) -> Floats:
    return np.concatenate([np.full(size - 1, np.nan), values])


def test_averages(market: Columns) -> None:
    for indicator, oracle in ((SMA(30), talib.SMA), (EMA(30), talib.EMA), (WMA(30), talib.WMA)):
        assert_agree([indicator.update(price) for price in market.close], oracle(market.closes, 30))


def test_deviation(market: Columns) -> None:
    views = _windows(market.closes, 20)
    for sample in (False, True):
        variance, deviation = RollingVariance(20, sample=sample), StandardDeviation(20, sample=sample)
        exact = _padded(np.var(views, axis=1, ddof=int(sample)), 20)
        assert_agree([variance.update(price) for price in market.close], exact)
        assert_agree([deviation.update(price) for price in market.close], np.sqrt(exact))


def test_bollinger_bands(market: Columns) -> None:
    bands = BollingerBands(20, Decimal(2))
    ours = [bands.update(price) for price in market.close]
    upper, middle, lower = talib.BBANDS(market.closes, 20, 2.0, 2.0)
    assert_agree([band and band.upper for band in ours], upper)
    assert_agree([band and band.middle for band in ours], middle)
    assert_agree([band and band.lower for band in ours], lower)


def test_donchian_channel(market: Columns) -> None:
    channel = DonchianChannel(20)
    ours = [channel.update(high, low) for high, low in zip(market.high, market.low, strict=True)]
    assert_agree([each and each.upper for each in ours], talib.MAX(market.highs, 20), rel=0.0)
    assert_agree([each and each.lower for each in ours], talib.MIN(market.lows, 20), rel=0.0)


def test_rsi(market: Columns) -> None:
    index = RSI(14)
    assert_agree([index.update(price) for price in market.close], talib.RSI(market.closes, 14))


def test_macd(market: Columns) -> None:
    indicator = MACD()
    ours = [indicator.update(price) for price in market.close]
    for line, oracle in zip(("macd", "signal", "histogram"), talib.MACD(market.closes), strict=True):
        assert_agree([lines and getattr(lines, line) for lines in ours], oracle, scale=1.0)


def test_atr(market: Columns) -> None:
    indicator = ATR(14)
    candles = zip(market.high, market.low, market.close, strict=True)
    ours = [indicator.update(*candle) for candle in candles]
    assert_agree(ours, talib.ATR(market.highs, market.lows, market.closes, 14))


def test_stochastic(market: Columns) -> None:
    indicator = Stochastic(14, 3, 3)
    candles = zip(market.high, market.low, market.close, strict=True)
    ours = [indicator.update(*candle) for candle in candles]
    k, d = talib.STOCH(market.highs, market.lows, market.closes, 14, slowk_period=3, slowd_period=3)
    assert_agree([lines and lines.k for lines in ours], k)
    assert_agree([lines and lines.d for lines in ours], d)


def test_roc(market: Columns) -> None:
    indicator = ROC(10)
    assert_agree([indicator.update(price) for price in market.close], talib.ROC(market.closes, 10), scale=1e-2)


def test_regression(market: Columns) -> None:
    regression = RollingRegression(50)
    slopes, correlations, scores = [], [], []
    for x, y in zip(market.open, market.close, strict=True):
        slope = regression.update(x, y)
        slopes.append(slope)
        correlations.append(regression.correlation())
        scores.append(None if slope is None else regression.z_score(slope))
    x, y = _windows(market.opens, 50), _windows(market.closes, 50)
    ahead_x, ahead_y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    slope = (ahead_x * ahead_y).sum(axis=1) / (ahead_x**2).sum(axis=1)
    rest = ahead_y - slope[:, None] * ahead_x
    assert_agree(slopes, _padded(slope, 50))
    assert_agree(correlations, _padded([np.corrcoef(a, b)[0, 1] for a, b in zip(x, y, strict=True)], 50))
    assert_agree(scores, _padded(rest[:, -1] / rest.std(axis=1), 50), scale=1.0)


def test_vwap(market: Columns) -> None:
    indicator = VWAP(24)
    ours = [indicator.update(*trade) for trade in zip(market.close, market.volume, strict=True)]
    turnover, volume = _windows(market.closes * market.volumes, 24), _windows(market.volumes, 24)
    assert_agree(ours, _padded(turnover.sum(axis=1) / volume.sum(axis=1), 24))
