"""Planted look-ahead of each kind is caught and located; what Kedge ships passes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.moves import KEEP
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.market import Candle
from kedge.model.signal import Signal
from kedge.research.lookahead import examine
from kedge.research.market import Market
from kedge.strategies.library import SHIPPED

from .walks import MINUTE, walk

WINDOW = 10


class Honest(SignalStrategy):
    """The sign of the last change: what each planted one would be without its mistake."""

    def lookback(self) -> int:
        return WINDOW

    def signals(self, bars: Bars) -> Any:
        return sides(np.diff(bars.close, prepend=bars.close[:1]))


class CenteredWindow(Honest):
    """An average of the bars around, as smoothing libraries give it."""

    def signals(self, bars: Bars) -> Any:
        around = np.convolve(bars.close, np.ones(3, np.int64), "same")
        return sides(bars.close * 3 - around)


class ShiftedLabel(Honest):
    """A label for learning, the next bar's change, left in."""

    def signals(self, bars: Bars) -> Any:
        return sides(np.append(np.diff(bars.close), 0))


class FullSampleScaling(Honest):
    """Standardized by the mean of all there is."""

    def signals(self, bars: Bars) -> Any:
        return sides(bars.close * len(bars) - bars.close.sum())


class BarNotClosed(Honest):
    """Five-minute bars known from their first minute on."""

    def signals(self, bars: Bars) -> Any:
        slot = bars.ts // (5 * MINUTE)
        last = np.searchsorted(slot, slot, "right") - 1
        return sides(bars.close[last] - bars.open)


class FutureInMerge(Honest):
    """Each bar joined with the nearest figure of a series told every seven minutes, be it earlier or later."""

    def signals(self, bars: Bars) -> Any:
        told = np.arange(0, len(bars), 7)
        nearest = told[np.abs(told[None, :] - np.arange(len(bars))[:, None]).argmin(axis=1)]
        return sides(bars.close - bars.close[nearest])


class TooShort(Honest):
    """Honest, but decides by more bars than it says."""

    def signals(self, bars: Bars) -> Any:
        return sides(bars.close - np.concatenate((bars.close[:20], bars.close[:-20]))[: len(bars)])


class Prepared(BaseStrategy):
    """An event strategy that was handed the whole history: buys before every rise."""

    history_given: Market

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def on_candle(self, candle: Candle) -> list[Signal]:
        close = self.history_given.streams[0].close
        at = int(np.searchsorted(self.history_given.streams[0].ts, candle.ts))
        rises = at + 1 < len(close) and close[at + 1] > close[at]
        return [Signal.to_target(candle.symbol, Decimal(1) if rises else Decimal(0))]


def sides(values: Any) -> Any:
    column = np.sign(values).astype(np.int8)
    column[values == 0] = KEEP
    return column


PLANTED = [CenteredWindow, ShiftedLabel, FullSampleScaling, BarNotClosed, FutureInMerge]


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("seed", [1, 2])
def test_planted_lookahead_is_caught_and_located(planted: type[SignalStrategy], seed: int) -> None:
    market = Market.of(walk(600, seed))
    report = examine(lambda _: planted(), market, cuts=5, seed=seed)
    finding = report.finding
    assert finding is not None, planted
    bars = market.bars["BTC-USD"]
    assert finding.known == int(bars.ts[finding.bar]) + bars.interval
    assert finding.known <= finding.cut
    assert finding.with_future != finding.without
    whole = planted().signals(bars)
    cut = int(np.searchsorted(bars.ts, finding.cut))
    if "ends" in finding.how:  # the bar named is the first that differs, recounted here
        piece = planted().signals(bars[:cut])
        changed = np.flatnonzero(whole[WINDOW - 1 : cut] != piece[WINDOW - 1 : cut]) + WINDOW - 1
        assert finding.bar == changed[0]


def test_an_honest_column_passes() -> None:
    report = examine(lambda _: Honest(), Market.of(walk(600)), cuts=10)
    assert report.finding is None
    assert report.decisions > 300


def test_a_lookback_that_is_too_short_is_found() -> None:
    finding = examine(lambda _: TooShort(), Market.of(walk(300)), cuts=5).finding
    assert finding is not None
    assert "window" in finding.how


def test_an_event_strategy_that_was_given_the_future_is_caught() -> None:
    def make(market: Market) -> BaseStrategy:
        made = Prepared()
        made.history_given = market
        return made

    market = Market.of(walk(120))
    finding = examine(make, market, cuts=4).finding
    assert finding is not None
    assert finding.known <= finding.cut
    close = market.streams[0].close
    assert ("target 1" in finding.with_future) is bool(close[finding.bar + 1] > close[finding.bar])


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_strategies_pass(name: str) -> None:
    found = SHIPPED[name].strategy
    symbols = found().required_symbols()
    market = Market.of([walk(400, seed, symbol) for seed, symbol in enumerate(symbols, 1)])
    assert examine(lambda _: found(), market, cuts=2).finding is None
