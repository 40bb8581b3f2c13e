"""What the market data handler does not believe did not happen: nothing fills against it, and no equity is shown at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from kedge import BacktestEngine, BacktestResult, BaseStrategy, Candle, Signal, Trade
from kedge.core.market.handler import MarketDataHandler
from kedge.model.market import MarketEvent

D = Decimal
START = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = 60 * 10**9


def bar(minute: int, close: Decimal, *, low: Decimal | None = None, opened: Decimal | None = None) -> Candle:
    opened = close if opened is None else opened
    bottom = min(opened, close) if low is None else low
    return Candle(START + timedelta(minutes=minute), opened, max(opened, close), bottom, close, D(10), interval=MINUTE)


class Once(BaseStrategy):
    """Sends its orders at the first candle."""

    orders: ClassVar[list[Signal]] = []

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def reset(self) -> None:
        self.sent = False

    def on_candle(self, candle: Candle) -> list[Signal] | None:
        return self.once()

    def on_trade(self, trade: Trade) -> list[Signal] | None:
        return self.once()

    def once(self) -> list[Signal] | None:
        if self.sent:
            return None
        self.sent = True
        return list(self.orders)


def run(orders: list[Signal], facts: list[MarketEvent], *, capital: int = 10_000) -> BacktestResult:
    strategy = type("Once", (Once,), {"orders": orders})()
    engine = BacktestEngine(initial_capital=D(capital), fee_rate=D(0), slippage_bps=D(0), leverage=D(5))
    return engine.run(strategy, facts)


CALM = [bar(minute, D(100)) for minute in range(3)]
AFTER = [bar(minute, D(100)) for minute in range(4, 7)]
#: A fall of nine tenths that the next candle knows nothing of: a hole in somebody's data, not a market.
GLITCH = bar(3, D(100), low=D(10))


def test_a_resting_bid_gains_nothing_from_a_fall_that_nobody_believes() -> None:
    result = run([Signal.buy("BTC-USD", D(1), price=D(50))], [*CALM, GLITCH, *AFTER])
    assert result.trades == []
    assert result.record.quarantined == 1


def test_a_stop_is_not_triggered_by_it() -> None:
    result = run([Signal.buy("BTC-USD", D(1), stop_loss=D(90))], [*CALM, GLITCH, *AFTER])
    assert [fill.side for fill in result.trades] == ["buy"]


def test_nor_is_a_position_liquidated() -> None:
    result = run([Signal.buy("BTC-USD", D(300))], [*CALM, GLITCH, *AFTER])
    assert [fill.quantity for fill in result.trades] == [D(300)]
    assert result.final_equity == D(10_000)


def test_a_market_order_waits_for_the_next_candle_that_is_believed() -> None:
    result = run([Signal.buy("BTC-USD", D(1))], [bar(0, D(100)), bar(1, D(10)), bar(2, D(101))])
    (fill,) = result.trades
    assert fill.price == D(101)


def test_a_candle_told_twice_is_played_once() -> None:
    late = bar(1, D(120), opened=D(90))
    result = run([Signal.buy("BTC-USD", D(1), price=D(95))], [bar(0, D(100)), bar(2, D(100)), late, bar(3, D(100))])
    assert result.trades == []


def test_the_curve_shows_no_fall_that_nobody_believes() -> None:
    glitch = bar(3, D(10))
    result = run([Signal.buy("BTC-USD", D(1))], [*CALM, glitch, *AFTER])
    assert result.max_drawdown == D(0)
    assert result.bars == 7


def test_a_jump_that_is_confirmed_is_played_from_then_on() -> None:
    after = [bar(minute, D(10)) for minute in range(3, 8)]
    result = run([Signal.buy("BTC-USD", D(1), price=D(50))], [*CALM, *after])
    (fill,) = result.trades
    assert fill.ts == after[2].ts, "the third is the one that is believed"


def test_a_trade_that_nobody_believes_fills_nothing() -> None:
    def trade(second: int, price: int) -> Trade:
        return Trade(START + timedelta(seconds=second), D(price), D(1), trade_id=str(second))

    facts = [trade(0, 100), trade(1, 100), trade(2, 10), trade(3, 100), trade(4, 100)]
    assert run([Signal.buy("BTC-USD", D(1), price=D(50))], list(facts)).trades == []


PRICES = st.sampled_from([D(100), D(101), D(99), D(10), D(11), D(1000), D(0), D(-1)])


@given(st.lists(st.tuples(st.integers(0, 12), PRICES, PRICES, st.booleans(), st.booleans()), max_size=25))
def test_whether_a_fact_is_believed_can_be_known_before(rows: list[tuple[int, Decimal, Decimal, bool, bool]]) -> None:
    """`believes` says what `fold` will do, and changes nothing."""
    handler = MarketDataHandler(["BTC-USD"])
    for minute, first, second, candle, known in rows:
        symbol = "BTC-USD" if known else "ETH-USD"
        when = START + timedelta(minutes=minute)
        fact: Candle | Trade = (
            Candle(when, first, max(first, second), min(first, second), second, D(1), symbol, MINUTE)
            if candle
            else Trade(when, first, D(1), symbol, trade_id=str(minute))
        )
        before = handler.snapshot()
        believed = handler.believes(fact)
        assert handler.snapshot() == before
        assert believed == (handler.fold(fact) is None)
