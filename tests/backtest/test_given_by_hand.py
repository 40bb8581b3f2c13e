"""What a program gives to the engine: wrong types and values are named in one line, and nothing begins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kedge import BacktestEngine, Instrument, MarketLimits, RiskConfig, SmaCrossStrategy, SymbolLimits
from kedge.model.errors import ConfigError, StrategyError, UserError
from tests.strategies.histories import MINUTE, closes

D = Decimal
MARKET = closes([100 + abs(at % 12 - 6) for at in range(60)])
CROSS = SmaCrossStrategy

ENGINES: dict[str, tuple[dict[str, Any], str]] = {
    "a latency in words": ({"latency_ms": "5"}, "latency_ms is '5'"),
    "a latency in fractions": ({"latency_ms": 1.5}, r"latency_ms is 1\.5"),
    "no latency": ({"latency_ms": None}, "latency_ms is None"),
    "limits as a dict": ({"risk": {}}, r"risk is {}; give a RiskConfig"),
    "no limits": ({"risk": None}, "risk is None"),
    "market limits as a dict": ({"market": {}}, "give a MarketLimits"),
    "an instrument's name": ({"instruments": ["BTC-USD"]}, "instruments hold 'BTC-USD'"),
    "a fee as a float": ({"fee_rate": 0.1}, "fee_rate is the float"),
}
VALUES: dict[str, tuple[Callable[[], object], str]] = {
    "a float": (lambda: RiskConfig(order_quantity_max=1.5), r"order_quantity_max is 1\.5; give a Decimal"),  # type: ignore[arg-type]
    "a text": (lambda: RiskConfig(order_quantity_max="5"), "order_quantity_max is '5'"),  # type: ignore[arg-type]
    "NaN": (lambda: RiskConfig(order_quantity_max=D("NaN")), "order_quantity_max is NaN; it must be finite"),
    "a truth": (lambda: RiskConfig(orders_open_max=True), "orders_open_max is True"),
    "half an order": (lambda: RiskConfig(orders_open_max=D("1.5")), "orders_open_max is Decimal"),  # type: ignore[arg-type]
    "a symbol's float": (lambda: SymbolLimits(order_quantity_max=0.5), r"order_quantity_max is 0\.5"),  # type: ignore[arg-type]
    "a symbol's number": (lambda: RiskConfig(symbols={"BTC-USD": 5}), "the limits of BTC-USD are 5"),  # type: ignore[dict-item]
    "a jump as a float": (lambda: MarketLimits(jump_bps_max=1.5), r"jump_bps_max is 1\.5"),  # type: ignore[arg-type]
    "a symbol's jump": (lambda: MarketLimits(symbols_jump_bps_max={"A-B": 0.5}), r"symbols_jump_bps_max\.A-B is 0\.5"),  # type: ignore[dict-item]
    "a tick as a float": (lambda: Instrument("A-B", "A", "B", tick_size=0.1), r"A-B: tick_size is 0\.1"),  # type: ignore[arg-type]
    "a lot of NaN": (lambda: Instrument("A-B", "A", "B", lot_size=D("NaN")), "A-B: lot_size is NaN"),
    "a fee of infinity": (lambda: Instrument("A-B", "A", "B", taker_fee=D("Infinity")), "taker_fee is Infinity"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENGINES)
def test_a_setting_of_the_wrong_type_is_named(name: str) -> None:
    settings, words = ENGINES[name]
    with pytest.raises(UserError, match=words):
        BacktestEngine(10_000, **settings)


@pytest.mark.parametrize("name", VALUES)
def test_c32_a_limit_or_rule_of_the_wrong_type_is_named(name: str) -> None:
    make, words = VALUES[name]
    with pytest.raises(ConfigError, match=words):
        make()


def test_whole_numbers_will_do_for_limits() -> None:
    risk = RiskConfig(order_quantity_max=5, symbols={"BTC-USD": SymbolLimits(order_notional_max=50)})  # type: ignore[arg-type]
    result = BacktestEngine(10_000, risk=risk).run(CROSS(fast=2, slow=4), MARKET)
    assert result.record.limits["risk"]["order_quantity_max"] == 5
    assert result.refused


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (CROSS, r"SmaCrossStrategy is a class; give an instance of it, SmaCrossStrategy\(\)"),
        ([CROSS(fast=2, slow=4), CROSS], "is a class"),
        (None, "None is no strategy"),
        ([5], "5 is no strategy"),
        ([], "there is no strategy to run"),
    ],
)
def test_what_is_no_strategy_is_named(given: Any, words: str) -> None:
    with pytest.raises(StrategyError, match=words):
        BacktestEngine(10_000).run(given, MARKET)


def test_a_period_is_given_in_times_or_nanoseconds() -> None:
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    by_time = BacktestEngine(10_000).run(
        CROSS(fast=2, slow=4), MARKET, start=begin + timedelta(minutes=10), end=begin + timedelta(minutes=50)
    )
    by_ns = BacktestEngine(10_000).run(CROSS(fast=2, slow=4), MARKET, start=10 * MINUTE, end=50 * MINUTE)
    assert by_time.bars == by_ns.bars == 40
    assert by_time.trades == by_ns.trades
    with pytest.raises(UserError, match="no time zone"):
        BacktestEngine(10_000).run(CROSS(fast=2, slow=4), MARKET, start=datetime(1970, 1, 1))  # noqa: DTZ001


def test_a_journal_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("x")
    with pytest.raises(ConfigError, match="is a file; name a new or an empty directory"):
        BacktestEngine(10_000, journal_dir=tmp_path / "j").run(CROSS(fast=2, slow=4), MARKET)
