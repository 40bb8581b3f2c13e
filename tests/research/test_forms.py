"""Column forms decide as the event strategies they stand for, to the last digit; and a window as the whole history."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.money import ONE
from kedge.research.evaluate import Evaluation, Settings, by_events, by_kernel
from kedge.research.market import Market
from kedge.storage.formats import MarketFile, open_candles
from kedge.strategies.breakout import BreakoutStrategy
from kedge.strategies.mean_reversion import MeanReversionStrategy
from kedge.strategies.signals.breakout import BreakoutSignals
from kedge.strategies.signals.mean_reversion import MeanReversionSignals
from kedge.strategies.signals.rsi import RsiSignals
from kedge.strategies.signals.sma_cross import SmaCrossSignals
from kedge.strategies.sma_cross import SmaCrossStrategy

from .walks import walk

FORMS: list[tuple[type[BaseStrategy], dict[str, Any]]] = [
    (SmaCrossStrategy, {"fast": 5, "slow": 20}),
    (SmaCrossStrategy, {"fast": 3, "slow": 8, "quantity": ONE, "allow_short": False}),
    (BreakoutStrategy, {"window": 20, "exit_window": 7}),
    (BreakoutStrategy, {"window": 9, "exit_window": 9, "quantity": ONE}),
    (BreakoutStrategy, {"window": 12, "exit_window": 4, "allow_short": False}),
    (MeanReversionStrategy, {"window": 20, "num_std": "1.5"}),
    (MeanReversionStrategy, {"window": 7, "num_std": "2", "allow_short": False}),
    (MeanReversionStrategy, {"window": 50, "num_std": "1.1", "quantity": ONE}),
]
SIGNALS: list[tuple[type[SignalStrategy], dict[str, Any]]] = [
    (SmaCrossSignals, {"stop_loss_bps": 40}),
    (BreakoutSignals, {"trail_bps": 70}),
    (MeanReversionSignals, {"window": 11, "take_profit_bps": 30}),
    (RsiSignals, {"window": 9}),
]


@pytest.mark.parametrize(("strategy", "parameters"), FORMS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_column_form_is_its_event_strategy(
    strategy: type[BaseStrategy], parameters: dict[str, Any], seed: int
) -> None:
    market = Market.of(walk(700, seed))
    settings = Settings()
    same(by_kernel(strategy(**parameters), market, settings, points=True), by_events_of(strategy, parameters, market))


@pytest.mark.parametrize(("strategy", "parameters"), SIGNALS)
def test_a_signal_strategy_decides_on_its_window_as_on_the_whole_history(
    strategy: type[SignalStrategy], parameters: dict[str, Any]
) -> None:
    market = Market.of(walk(500, 3))
    kernel = by_kernel(strategy(**parameters), market, Settings(), points=True)
    same(kernel, by_events_of(strategy, parameters, market))
    assert kernel.trades > 10


@pytest.mark.parametrize(("strategy", "parameters"), [*FORMS[::3], *SIGNALS])
def test_kernel_and_engine_agree_on_real_candles(
    shared: Any, strategy: type[BaseStrategy], parameters: dict[str, Any]
) -> None:
    opened = open_candles(shared / "data" / "binance_usdm_BTCUSDT_1h_2019_2026.csv.gz", "BTC-USD")
    assert isinstance(opened, MarketFile)
    market = Market.of(opened.columns[:3_000])
    settings = Settings(initial_capital=Decimal(1_000_000))
    kernel = by_kernel(strategy(**parameters), market, settings, points=True)
    same(kernel, by_events(strategy(**parameters), market, settings, points=True))
    assert kernel.trades > 10


def by_events_of(strategy: type[BaseStrategy], parameters: dict[str, Any], market: Market) -> Evaluation:
    return by_events(strategy(**parameters), market, Settings(), points=True)


def same(one: Evaluation, other: Evaluation) -> None:
    """Equal but for the engine's name; the first bar that differs is named."""
    for at, (mine, theirs) in enumerate(zip(one.points or [], other.points or [], strict=True)):
        assert mine == theirs, f"bar {at}, equity: {mine}, {theirs}"
    assert (one.trades, one.fees, one.final_equity) == (other.trades, other.fees, other.final_equity)
    assert (one.parameters, one.bars, one.days, one.day_equity) == (
        other.parameters,
        other.bars,
        other.days,
        other.day_equity,
    )
