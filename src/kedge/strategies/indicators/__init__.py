"""Incremental indicators: one `update` a candle, in constant time, in `Decimal`.

Each has `update(...)`, which returns the new value or `None` until enough was seen, `value` (the last one), `ready`
and `reset()`. Parameters that cannot work raise `StrategyError`.

**No drift.** Sums over a window are kept by adding what comes and subtracting what leaves, and neither is rounded:
plain sums are exact while they fit the decimal context (28 digits by default, 60 in the engine; no price has 20),
squares and products are taken in `EXACT`. So the millionth value is the one that a fresh indicator would
give for the same window. What is divided is rounded once, on the way out. Recursive averages (EMA, Wilder) round at
28 digits a step and forget that as they forget the past.

Definitions and seeds are those of TA-Lib, with which the tests compare; the two places that differ (RSI and
stochastic of a market that does not move are 50, not 0) say so.
"""

from kedge.strategies.indicators.atr import ATR
from kedge.strategies.indicators.bollinger import Band, BollingerBands
from kedge.strategies.indicators.channel import Channel, DonchianChannel, RollingMax, RollingMin
from kedge.strategies.indicators.deviation import RollingVariance, StandardDeviation
from kedge.strategies.indicators.indicator import Indicator
from kedge.strategies.indicators.macd import MACD, MACDLines
from kedge.strategies.indicators.moving_average import EMA, SMA, WMA, RollingSum, WilderAverage
from kedge.strategies.indicators.regression import RollingRegression
from kedge.strategies.indicators.roc import ROC
from kedge.strategies.indicators.rsi import RSI
from kedge.strategies.indicators.stochastic import Stochastic, StochasticLines
from kedge.strategies.indicators.vwap import VWAP

__all__ = [
    "ATR",
    "EMA",
    "MACD",
    "ROC",
    "RSI",
    "SMA",
    "VWAP",
    "WMA",
    "Band",
    "BollingerBands",
    "Channel",
    "DonchianChannel",
    "Indicator",
    "MACDLines",
    "RollingMax",
    "RollingMin",
    "RollingRegression",
    "RollingSum",
    "RollingVariance",
    "StandardDeviation",
    "Stochastic",
    "StochasticLines",
    "WilderAverage",
]
