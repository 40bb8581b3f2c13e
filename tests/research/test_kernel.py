"""The kernel is the event engine: trades, fees and equity at every bar, on a sample of the random cases.

`python -m tests.research.cases --cases 10000` plays as many as one likes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.base import Wishes
from kedge.core.strategy.moves import LONG
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.errors import ConfigError
from kedge.model.facts import Fill
from kedge.model.limits import RiskConfig, SymbolLimits
from kedge.model.market import Candle
from kedge.model.market_limits import MarketLimits
from kedge.model.money import ONE
from kedge.research import kernel_state as at
from kedge.research.evaluate import Evaluation, Settings, by_events, by_kernel, evaluate
from kedge.research.market import Market
from kedge.research.outcome import run_kernel
from kedge.research.plan import Unsupported
from kedge.storage.columns import CandleColumns
from kedge.strategies.grid import GridStrategy
from kedge.strategies.signals.sma_cross import SmaCrossSignals
from kedge.strategies.sma_cross import SmaCrossStrategy

from .cases import case_of, difference
from .walks import walk

SAMPLE = range(80)


def test_the_kernel_is_the_engine_on_random_cases() -> None:
    equal = 0
    for number in SAMPLE:
        try:
            found = difference(case_of(number))
        except Unsupported:
            continue
        assert not found, f"case {number}: {found}"
        equal += 1
    assert equal > len(SAMPLE) * 0.9


def test_interpreted_and_compiled_kernel_are_one() -> None:
    pytest.importorskip("numba")
    for number in SAMPLE[::4]:
        runs: list[Any] = []
        for mode in ("interpreted", "compiled"):
            case = case_of(number)
            try:
                done = run_kernel(case.strategy, case.market, case.settings, points=True, fills_max=300, mode=mode)
            except Unsupported as reason:
                runs.append((str(reason),))
                continue
            runs.append(tuple(list(map(int, part)) for part in (done.x, done.w, done.log, done.days, done.points)))
        assert runs[0] == runs[1], f"case {number}"


def test_the_sample_goes_through_what_matters() -> None:
    seen: set[str] = set()
    for number in SAMPLE:
        case = case_of(number)
        try:
            done = run_kernel(case.strategy, case.market, case.settings, fills_max=300)
        except Unsupported:
            continue
        fills = [done.log[n * at.FILL_FIELDS : (n + 1) * at.FILL_FIELDS] for n in range(int(done.x[at.FILLS]))]
        seen |= {"maker"} if any(fill[4] for fill in fills) else set()
        seen |= {"stop"} if case.strategy.stop_loss_bps is not None and fills else set()
        seen |= {"trail"} if case.strategy.trail_bps is not None and fills else set()
        seen |= {"symbols"} if len({int(fill[0]) for fill in fills}) > 1 else set()
        seen |= {"turned down"} if done.x[at.TURNED_DOWN] else set()
        seen |= {f"halt {int(done.x[at.HALT])}"}
    assert seen == {"maker", "stop", "trail", "symbols", "turned down", "halt 0", "halt 1", "halt 2"}


LEFT_TO_THE_ENGINE: list[tuple[dict[str, Any], str]] = [
    ({"latency_ms": 5}, "latency"),
    ({"participation": Decimal("0.5")}, "participation"),
    ({"risk": RiskConfig(orders_per_day_max=5)}, "orders_per_day_max"),
    ({"fee_rate": Decimal("-0.0001")}, "rebate"),
    ({"slippage_bps": Decimal("0.00000000000123")}, "digits"),
    ({"initial_capital": Decimal(10) ** 25}, "too large"),
]


@pytest.mark.parametrize(("changed", "reason"), LEFT_TO_THE_ENGINE)
def test_what_the_kernel_cannot_do_it_says_and_the_engine_does(changed: dict[str, Any], reason: str) -> None:
    market = Market.of(walk(200))
    settings = structs.replace(Settings(), **changed)
    with pytest.raises(Unsupported, match=reason):
        by_kernel(SmaCrossSignals(fast=3, slow=9), market, settings)
    found = evaluate(SmaCrossSignals, market, {"fast": 3, "slow": 9}, settings)
    assert found.engine == "event"
    assert reason in found.note
    with pytest.raises(ConfigError, match=reason):
        evaluate(SmaCrossSignals, market, {"fast": 3, "slow": 9}, settings, engine="kernel")


def test_a_strategy_without_columns_runs_event_by_event() -> None:
    found = evaluate(GridStrategy, Market.of(walk(100)), {})
    assert (found.engine, found.note) == ("event", "GridStrategy decides event by event")


def test_a_candle_that_would_be_quarantined_goes_to_the_engine() -> None:
    stream = walk(200)
    close = stream.close.copy()
    close[100] *= 2  # a jump of 100%, and outside of its own range
    broken = CandleColumns(
        stream.symbol, stream.interval, 2, 0, stream.ts, stream.open, stream.high, stream.low, close, stream.volume
    )
    found = evaluate(SmaCrossSignals, Market.of(broken), {"fast": 3, "slow": 9})
    assert (found.engine, "not sound" in found.note) == ("event", True)


class Long(SignalStrategy):
    """Buys at once and keeps."""

    def lookback(self) -> int:
        return 1

    def signals(self, bars: Bars) -> Any:
        return np.full(len(bars), LONG, np.int8)


def test_a_liquidation_is_left_to_the_engine() -> None:
    stream = walk(300, 2)
    opened, high, low, close = (
        column - 5 * np.arange(len(stream)) for column in (stream.open, stream.high, stream.low, stream.close)
    )
    falling = CandleColumns("BTC-USD", stream.interval, 2, 0, stream.ts, opened, high, low, close, stream.volume)
    market = Market.of(falling)
    settings = Settings(leverage=Decimal(20))
    one = evaluate(Long, market, {"quantity": Decimal(1_800)}, settings, points=True)
    assert one.note == "a liquidation price was reached"
    assert figures(one) == figures(by_events(Long(quantity=Decimal(1_800)), market, settings, points=True))


def test_what_a_strategy_asks_for_is_bounded_by_the_limits_of_a_symbol() -> None:
    market = Market.of(walk(300))
    settings = Settings(risk=RiskConfig(position_quantity_max=ONE / 2))
    one = by_kernel(SmaCrossSignals(fast=3, slow=9, quantity=ONE), market, settings, points=True)
    assert figures(one) == figures(
        by_events(SmaCrossSignals(fast=3, slow=9, quantity=ONE), market, settings, points=True)
    )
    assert one.trades == 0


def figures(found: Evaluation) -> tuple[Any, ...]:
    return (found.trades, found.fees, found.final_equity, found.days, found.day_equity, found.points)


class Subclass(SmaCrossStrategy):
    """Inherits a column form that knows nothing of what it changes."""

    def on_candle(self, candle: Candle) -> Wishes:
        return None


class Hooked(SmaCrossSignals):
    """Does more than its column says."""

    def on_fill(self, fill: Fill) -> Wishes:
        return None


@pytest.mark.parametrize(
    ("strategy", "reason"), [(Subclass, "decides event by event"), (Hooked, "an? on_fill of its own")]
)
def test_a_column_does_not_stand_for_what_it_does_not_know(strategy: Any, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        by_kernel(strategy(), Market.of(walk(100)), Settings())


def test_what_the_engine_refuses_to_run_the_kernel_refuses_too() -> None:
    market = Market.of(walk(100))
    for settings in (
        Settings(account_currency="EUR"),
        Settings(risk=RiskConfig(symbols={"DOGE-USD": SymbolLimits(order_quantity_max=ONE)})),
        Settings(initial_capital=Decimal(-1)),
    ):
        said = []
        for engine in ("event", "auto", "kernel"):
            with pytest.raises(ConfigError) as refused:
                evaluate(SmaCrossSignals, market, {}, settings, engine=engine)
            said.append(str(refused.value))
        assert len(set(said)) == 1, said


def test_what_is_believed_of_the_market_is_the_sessions_own() -> None:
    stream = walk(300)
    part = np.where(np.arange(len(stream)) < 150, 1, 3)
    opened, high, low, close = (column // part for column in (stream.open, stream.high, stream.low, stream.close))
    fallen = CandleColumns("BTC-USD", stream.interval, 2, 0, stream.ts, opened, high, low, close, stream.volume)
    market = Market.of(fallen)
    for jump, engine in ((Decimal(5_000), "event"), (Decimal(9_000), "kernel"), (None, "kernel")):
        settings = Settings(market=MarketLimits(jump_bps_max=jump))
        found = evaluate(SmaCrossSignals, market, {"fast": 3, "slow": 9}, settings, points=True)
        assert found.engine == engine
        alone = by_events(SmaCrossSignals(fast=3, slow=9), market, settings, points=True)
        assert figures(found) == figures(alone)
