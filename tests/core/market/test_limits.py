"""Market limits that arrive with a session: as good as those a handler is made with, and nothing known is lost by them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market.handler import MarketDataHandler
from kedge.core.state import State
from kedge.model.errors import ConfigError
from kedge.model.facts import SessionStarted
from kedge.model.instrument import generic_instrument
from kedge.model.limits import RiskConfig, SymbolLimits
from kedge.model.market_limits import DEFAULT_LIMITS, MarketLimits
from tests.core.market import market_facts as made
from tests.core.market.market_facts import MINUTE, START, SYMBOL, D

LIMITS = st.builds(
    MarketLimits,
    jump_bps_max=st.none() | st.integers(1, 9_000).map(Decimal),
    symbols_jump_bps_max=st.just({}) | st.just({SYMBOL: D(40)}),
    jump_confirmations_min=st.integers(1, 4),
    candle_silence_intervals_max=st.none() | st.integers(1, 5),
    trade_silence_ms_max=st.none() | st.integers(1, 10**7),
    book_levels_max=st.integers(1, 50),
)
PRICES = st.lists(st.integers(50, 200).map(Decimal), min_size=1, max_size=20)


def started(at: int = START, epoch: int = 1, **more: Any) -> SessionStarted:
    instrument = generic_instrument(SYMBOL, D(0), D(1), "USD")
    given_risk = more.pop("risk", RiskConfig())
    return SessionStarted(at, "t", epoch, "USD", D(1000), (instrument,), given_risk, **more)


@given(LIMITS, PRICES)
def test_a_session_judges_by_the_limits_of_its_manifest(limits: MarketLimits, prices: list[Decimal]) -> None:
    told = State()
    told.fold(started(market=limits))
    alone = MarketDataHandler([SYMBOL], limits)
    for n, price in enumerate(prices):
        fact = made.candle(START + n * MINUTE, price) if n % 3 else made.trade(START + n * MINUTE, price)
        refused = alone.fold(fact)
        assert list(told.fold(fact)) == ([] if refused is None else [refused])
    assert told.market.snapshot() == alone.snapshot()
    for later in (MINUTE, 10 * MINUTE, 1_000 * MINUTE):
        now = START + len(prices) * MINUTE + later
        assert told.market.distrust(SYMBOL, now) == alone.distrust(SYMBOL, now)


@given(LIMITS, LIMITS, PRICES)
def test_the_next_session_s_limits_take_nothing_of_what_is_known(
    before: MarketLimits, after: MarketLimits, prices: list[Decimal]
) -> None:
    state = State()
    state.fold(started(market=before))
    for n, price in enumerate(prices):
        state.fold(made.candle(START + n * MINUTE, price))
    known = state.market.reference(SYMBOL)
    state.seq = 100
    state.fold(started(START + 1_000 * MINUTE, 2, market=after))
    assert state.market.reference(SYMBOL) == known
    assert state.market.limits == after
    assert known is not None
    record = state.market.record(SYMBOL)
    assert record is not None
    if record.doubts:  # the next price may confirm a jump that the last session saw
        return
    jump = after.jump_limit(SYMBOL)
    further = known[0] * (2 if jump is None else 1 + jump) + D("0.01")
    quarantined = state.market.fold(made.trade(START + 1_001 * MINUTE, further))
    assert (quarantined is None) is (jump is None or after.jump_confirmations_min == 1)


def test_limits_of_their_own_are_default_where_the_manifest_has_none() -> None:
    state = State()
    state.fold(started())
    assert state.market.limits == DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"risk": RiskConfig(symbols={"BTC-USDT": SymbolLimits()})},
            r"\[risk.symbols.BTC-USDT\].*did you mean BTC-USD\?",
        ),
        (
            {"risk": RiskConfig(symbols={"DOGE-EUR": SymbolLimits()})},
            r"\[risk.symbols.DOGE-EUR\].*trade that symbol too",
        ),
        (
            {"market": MarketLimits(symbols_jump_bps_max={"BTC-USDT": D(9)})},
            r"\[market.symbols_jump_bps_max.BTC-USDT\]",
        ),
    ],
)
def test_h61_limits_of_a_symbol_that_is_not_traded_stop_the_core_from_starting(
    more: dict[str, Any], words: str
) -> None:
    state = State()
    with pytest.raises(ConfigError, match=words):
        state.fold(started(**more))
    assert state.instruments == {}
    assert state.instance == "kedge"
    assert state.market.limits == DEFAULT_LIMITS


@pytest.mark.parametrize("name", [name for name in MarketLimits.__struct_fields__ if not name.startswith("symbols_")])
@pytest.mark.parametrize("value", [0, -1])
def test_every_bound_is_above_zero(name: str, value: int) -> None:
    given_value: Any = Decimal(value) if name.endswith("_bps_max") else value
    with pytest.raises(ConfigError, match=f"{name} is {value}; it must be a number above zero"):
        MarketLimits(**{name: given_value})
    with pytest.raises(ConfigError, match=r"symbols_jump_bps_max\.X-Y is NaN"):
        MarketLimits(symbols_jump_bps_max={"X-Y": D("NaN")})
