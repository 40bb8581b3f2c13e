"""The market limits of a run: they decide what is believed, stand in the manifest and rule the replay."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from kedge import BacktestEngine, MarketLimits, RiskConfig, SmaCrossStrategy, SymbolLimits
from kedge.backtest.recording import codec
from kedge.backtest.replay import replay
from kedge.cli.loading import of_spec
from kedge.journal.read import read
from kedge.journal.verify import verify
from kedge.model.errors import ConfigError
from kedge.model.facts import SessionStarted
from kedge.model.market_limits import DEFAULT_LIMITS
from tests.strategies.histories import closes

D = Decimal
GOLDEN = Path(__file__).parents[1] / "golden" / "journals" / "start-1"
#: A market that moves by 3% here and there.
MOVES = closes([100, 101, 100, 104, 105, 104, 103, 99, 98, 99, 100, 104, 108, 104, 100, 99, 98, 97, 101, 105] * 3)


def run(market: MarketLimits, journal: Path | None = None) -> int:
    engine = BacktestEngine(10_000, market=market, journal_dir=journal)
    return engine.run(SmaCrossStrategy(fast=2, slow=4), MOVES).quarantined


def test_a_tight_jump_limit_quarantines_what_the_default_believes(tmp_path: Path) -> None:
    tight = MarketLimits(jump_bps_max=D(300), jump_confirmations_min=2)
    assert run(DEFAULT_LIMITS) == 0
    assert run(tight, tmp_path / "j") > 5
    first = next(read(tmp_path / "j"))
    manifest = codec().decode(first)
    assert isinstance(manifest, SessionStarted)
    assert manifest.market == tight
    report = replay(tmp_path / "j", of_spec)
    assert report.ok, report.differences


def test_a_manifest_of_the_first_schema_had_the_limits_that_were_then_built_in() -> None:
    assert verify(GOLDEN).ok
    records = list(read(GOLDEN))
    assert records[0].schema == 1
    assert b"market" not in records[0].body
    facts = [codec().decode(record) for record in records]
    assert isinstance(facts[0], SessionStarted)
    assert msgspec.to_builtins(facts[0].market) == {
        "jump_bps_max": "5000", "symbols_jump_bps_max": {}, "jump_confirmations_min": 3, "age_ms_max": 60000,
        "ahead_ms_max": 10000, "candle_silence_intervals_max": 3, "trade_silence_ms_max": None,
        "quote_silence_ms_max": None, "book_silence_ms_max": None, "mark_price_silence_ms_max": None,
        "funding_rate_silence_ms_max": None, "book_levels_max": 20000,
    }  # fmt: skip
    assert len(facts) == 23


def test_h61_a_run_with_limits_for_a_symbol_that_it_does_not_trade_does_not_begin(tmp_path: Path) -> None:
    risk = RiskConfig(symbols={"BTC-USDT": SymbolLimits(order_quantity_max=D(1))})
    with pytest.raises(ConfigError, match=r"\[risk.symbols.BTC-USDT\].*BTC-USD"):
        BacktestEngine(10_000, risk=risk).run(SmaCrossStrategy(fast=2, slow=4), MOVES)
