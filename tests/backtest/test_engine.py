"""The engine end to end: the first example, determinism, replay, no look at the future, several symbols and streams."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kedge import (
    BacktestEngine,
    BaseStrategy,
    CancelOrders,
    Candle,
    MeanReversionStrategy,
    RiskConfig,
    Signal,
    SmaCrossStrategy,
    Trade,
)
from kedge.backtest.replay import replay
from kedge.cli.loading import of_spec
from kedge.journal.verify import verify
from kedge.model.errors import ConfigError, DataError, StrategyError
from kedge.storage.synthetic import synthetic_candles
from kedge.strategies.library import SHIPPED

D = Decimal
START = datetime(2024, 1, 1, tzinfo=UTC)


def bar(minute: int, price: int | Decimal, symbol: str = "BTC-USD", spread: int = 1) -> Candle:
    p = D(price)
    return Candle(START + timedelta(minutes=minute), p, p + spread, p - spread, p, D(10), symbol)


def test_the_first_example() -> None:
    """Issue 2, what it must show, 1: as written."""
    prices = [100] * 20 + [115, 118, 122]
    candles = [
        Candle(
            timestamp=START + timedelta(minutes=i),
            open=D(p), high=D(p + 1), low=D(p - 1), close=D(p), volume=D(10),
        )
        for i, p in enumerate(prices)
    ]  # fmt: skip
    engine = BacktestEngine(initial_capital=D("10000"), fee_rate=D("0.001"), slippage_bps=D("5"))
    result = engine.run(MeanReversionStrategy(window=20, num_std=2.0), candles)
    assert len(result.trades) >= 1
    assert result.trades[-1].side == "sell"
    assert result.total_fees > 0
    assert result.max_drawdown <= D("0.05")


class Twice(BaseStrategy):
    """Buys at the first candle, sells twice as much at the third."""

    seen: int

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def reset(self) -> None:
        self.count = 0

    def on_candle(self, candle: Candle) -> list[Signal] | None:
        self.count += 1
        if self.count == 1:
            return [Signal.buy(candle.symbol, D(1))]
        if self.count == 3:
            return [Signal.sell(candle.symbol, D(2))]
        return None


def test_a_signal_fills_at_the_next_open_and_equity_is_marked_at_every_close() -> None:
    candles = [bar(0, 100), bar(1, 110), bar(2, 120), bar(3, 130), bar(4, 125)]
    result = BacktestEngine(D(1000), D("0.01"), D(0)).run(Twice(), candles)
    assert [(t.side, t.quantity, t.price, t.timestamp) for t in result.trades] == [
        ("buy", D(1), D(110), START + timedelta(minutes=1)),
        ("sell", D(2), D(130), START + timedelta(minutes=3)),
    ]
    assert [equity for _, equity in result.equity_curve] == [
        D(1000), D("998.9"), D("1008.9"), D("1016.3"), D("1021.3"),
    ]  # fmt: skip
    assert result.total_fees == D("3.7")


JOURNALED = """
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from kedge import BacktestEngine, SmaCrossStrategy
from kedge.cli.demo import LIMITS
from kedge.journal.keys import load_or_create_key
from kedge.storage.synthetic import synthetic_candles
key = load_or_create_key(sys.argv[2])
engine = BacktestEngine(Decimal(10000), risk=LIMITS, journal_dir=sys.argv[1], journal_key=key)
strategy = SmaCrossStrategy(fast=5, slow=20)
engine.run(strategy, synthetic_candles(3, 600), sources={strategy.name(): "sma_cross"})
"""


@pytest.fixture(scope="module")
def twin_journals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same run in two processes with different hash seeds."""
    place = tmp_path_factory.mktemp("journals")
    found = []
    for seed in ("1", "2"):
        directory = place / seed
        subprocess.run(
            [sys.executable, "-c", JOURNALED, str(directory), str(place / "key")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        )
        found.append(directory)
    return found[0], found[1]


def test_two_processes_write_the_same_bytes(twin_journals: tuple[Path, Path]) -> None:
    one, two = twin_journals
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    assert any(name.startswith("audit-2024-01-01") for name in names)
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_the_journal_verifies_and_replays_to_the_same_decisions_and_state(twin_journals: tuple[Path, Path]) -> None:
    checked = verify(twin_journals[0])
    assert checked.ok
    assert checked.ended
    again = replay(twin_journals[0], of_spec)
    assert again.ok, again.differences
    assert again.folded == again.decided
    assert again.decisions > 50


def test_a_replay_with_other_code_differs_and_says_where(twin_journals: tuple[Path, Path]) -> None:
    again = replay(twin_journals[0], lambda spec: SmaCrossStrategy(fast=6, slow=20))
    assert not again.ok
    assert again.differences[0].n > 1
    assert again.differences[0].recorded != again.differences[0].decided


@settings(max_examples=12)
@given(
    st.sampled_from(sorted(set(SHIPPED) - {"pairs"})), st.integers(120, 280), st.integers(0, 10), st.integers(-30, 30)
)
def test_no_shipped_strategy_sees_the_future(name: str, cut: int, seed: int, percent: int) -> None:
    """Issue 2, 3: whatever comes after a moment changes no decision before it, the journal's records included."""
    market = list(synthetic_candles(seed, 300).candles())
    factor = 1 + D(percent) / 100
    other = [
        candle if n < cut else structs.replace(
            candle, open=candle.open * factor, high=candle.high * factor, low=candle.low * factor,
            close=candle.close * factor,
        )
        for n, candle in enumerate(market)
    ]  # fmt: skip
    strategy = SHIPPED[name].strategy
    before = market[cut].ts
    runs = [BacktestEngine(D(100_000)).run(strategy(), data) for data in (market, other)]
    decided = [[t for t in run.trades if t.ts < before] for run in runs]
    assert decided[0] == decided[1]
    curves = [
        [point for point in run.equity_curve if point[0] <= datetime.fromtimestamp(before / 1e9, UTC)] for run in runs
    ]
    assert curves[0] == curves[1]


def test_pairs_do_not_see_the_future() -> None:
    one = list(synthetic_candles(1, 400, "BTC-USD").candles())
    two = list(synthetic_candles(2, 400, "ETH-USD").candles())
    later = [c if n < 250 else structs.replace(c, close=c.high) for n, c in enumerate(two)]
    strategy = SHIPPED["pairs"].strategy
    runs = [BacktestEngine(D(100_000)).run(strategy(), [one, data]) for data in (two, later)]
    assert runs[0].trades
    before = two[250].ts
    assert [t for t in runs[0].trades if t.ts < before] == [t for t in runs[1].trades if t.ts < before]


class Reads(BaseStrategy):
    """Notes what it is given, in order."""

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def reset(self) -> None:
        self.notes: list[str] = []

    def on_candle(self, candle: Candle) -> None:
        self.notes.append(f"{candle.interval // 60_000_000_000}m {candle.timestamp:%H:%M}")

    def on_trade(self, trade: Trade) -> None:
        self.notes.append(f"trade {trade.timestamp:%H:%M:%S}")


def test_a_higher_timeframe_comes_when_it_closes() -> None:
    minutes = [bar(n, 100) for n in range(4)]
    pair = [structs.replace(bar(n, 100), interval=120_000_000_000) for n in (0, 2)]
    strategy = Reads()
    BacktestEngine(D(1000)).run(strategy, [minutes, pair])
    assert strategy.notes == ["1m 00:00", "1m 00:01", "2m 00:00", "1m 00:02", "1m 00:03", "2m 00:02"]


def test_trades_and_candles_of_one_symbol_are_merged_by_when_they_are_known() -> None:
    trades = [Trade(START + timedelta(seconds=s), D(100), D(1)) for s in (10, 60, 70)]
    strategy = Reads()
    streams: dict[str, list[Any]] = {"trades": trades, "candles": [bar(0, 100), bar(1, 100)]}
    BacktestEngine(D(1000)).run(strategy, streams)
    assert strategy.notes == ["trade 00:00:10", "trade 00:01:00", "1m 00:00", "trade 00:01:10", "1m 00:01"]


class Raises(BaseStrategy):
    """Buys, then breaks."""

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def reset(self) -> None:
        self.count = 0

    def on_candle(self, candle: Candle) -> list[Signal]:
        self.count += 1
        if self.count == 2:
            raise ZeroDivisionError("of my own making")
        return [Signal.buy(candle.symbol, D(1), price=D(50))]


def test_a_strategy_that_raises_is_disabled_with_its_orders_and_the_others_go_on() -> None:
    other = Twice()
    result = BacktestEngine(D(10_000)).run([Raises(), other], [bar(n, 100 - 20 * (n > 2)) for n in range(6)])
    assert result.record.disabled == {"Raises": "ZeroDivisionError: of my own making"}
    assert {trade.strategy for trade in result.trades} == {"Twice"}
    assert other.count == 6


class Bracket(BaseStrategy):
    """One protected entry."""

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def reset(self) -> None:
        self.done = False

    def on_candle(self, candle: Candle) -> list[Signal] | None:
        if self.done:
            return None
        self.done = True
        return [Signal.buy(candle.symbol, D(1), stop_loss=D(90), take_profit=D(120))]


@pytest.mark.parametrize(
    ("prices", "leaves_at"),
    [([100, 100, 110, 125, 130], D(120)), ([100, 100, 95, 85, 80], D(90)), ([100, 100, 110, 112, 111], None)],
)
def test_a_bracket_leaves_by_one_of_its_exits(prices: list[int], leaves_at: Decimal | None) -> None:
    candles = [
        Candle(START + timedelta(minutes=n), D(before), D(max(before, p) + 1), D(min(before, p) - 1), D(p), D(10))
        for n, (before, p) in enumerate(zip([prices[0], *prices], prices, strict=False))
    ]
    result = BacktestEngine(D(10_000), D(0), D(0)).run(Bracket(), candles)
    exits = [trade for trade in result.trades if trade.side == "sell"]
    assert [trade.price for trade in exits] == ([leaves_at] if leaves_at else [])
    assert [trade.quantity for trade in exits] == ([D(1)] if leaves_at else [])


class Quoter(BaseStrategy):
    """Cancels and quotes anew at every bar."""

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def on_candle(self, candle: Candle) -> list[Signal | CancelOrders]:
        return [CancelOrders(candle.symbol), Signal.buy(candle.symbol, D(1), price=candle.close - 5)]


def test_a_working_order_that_is_cancelled_fills_no_more() -> None:
    result = BacktestEngine(D(10_000)).run(Quoter(), [bar(n, 100) for n in range(50)])
    assert result.trades == []
    assert result.record.orders == 50


def test_latency_moves_fills_later_never_earlier() -> None:
    candles = [bar(n, 100 + n) for n in range(6)]
    prompt = BacktestEngine(D(1000), D(0), D(0)).run(Twice(), candles)
    late = BacktestEngine(D(1000), D(0), D(0), latency_ms=500).run(Twice(), candles)
    assert [t.price for t in prompt.trades] == [D(101), D(103)]
    assert all(slow.ts > quick.ts for quick, slow in zip(prompt.trades, late.trades, strict=True))


def test_limits_hold_in_a_backtest_and_are_counted() -> None:
    limits = RiskConfig(position_quantity_max=D("0.5"))
    result = BacktestEngine(D(10_000), risk=limits).run(Twice(), [bar(n, 100) for n in range(6)])
    assert result.trades == []
    assert result.record.refusals["position_quantity"] == 2


def test_a_daily_loss_flattens_and_stays_flat() -> None:
    limits = RiskConfig(daily_loss_max=D(20))
    prices = [100, 100, 95, 90, 70, 60, 100, 110, 120]
    result = BacktestEngine(D(1000), D(0), D(0), risk=limits).run(
        Bracketless(), [bar(n, p) for n, p in enumerate(prices)]
    )
    assert "daily_loss_max" in result.record.halted
    assert [t.side for t in result.trades] == ["buy", "sell"]
    assert result.open_round_trips == []


class Bracketless(BaseStrategy):
    """Always wants to be long one."""

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def on_candle(self, candle: Candle) -> list[Signal]:
        return [Signal.to_target(candle.symbol, D(1))]


def test_bad_input_is_told_in_one_line() -> None:
    with pytest.raises(DataError, match="no market data"):
        BacktestEngine(D(1000)).run(Twice(), [])
    with pytest.raises(StrategyError, match="requires BTC-USD, the data has ETH-USD"):
        BacktestEngine(D(1000)).run(Twice(), [bar(0, 100, "ETH-USD")])
    wrongs: list[dict[str, Any]] = [{"initial_capital": D(0)}, {"initial_capital": D(1), "slippage_bps": D(-1)}]
    for wrong in wrongs:
        with pytest.raises(ConfigError, match="it must be"):
            BacktestEngine(**wrong)
    with pytest.raises(ValueError, match="float"):
        BacktestEngine(1000.5)  # type: ignore[arg-type]


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(ConfigError, match="not empty"):
        BacktestEngine(D(1000), journal_dir=tmp_path).run(Twice(), [bar(0, 100)])
