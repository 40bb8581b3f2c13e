"""A signal strategy in the event engine: when it enters, when it leaves, and what protects it, seen in its fills."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from kedge.backtest.engine import BacktestEngine
from kedge.backtest.result import BacktestResult
from kedge.core.strategy.bars import Bars
from kedge.core.strategy.moves import FLAT, KEEP, LONG, SHORT, moves
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.errors import StrategyError
from kedge.model.instant import NS_PER_S
from kedge.model.limits import RiskConfig
from kedge.model.market import Candle

MINUTE = 60 * NS_PER_S


class Script(SignalStrategy):
    """Moves by the number of the minute, as a comma-separated script; keeps where the script has ended."""

    script: str = ""

    def lookback(self) -> int:
        return 1

    def signals(self, bars: Bars) -> Any:
        wanted = [int(each) for each in self.script.split(",")]
        return np.array([wanted[at] if at < len(wanted) else KEEP for at in (bars.ts // MINUTE).tolist()], np.int8)


def played(
    script: Sequence[int], closes: Sequence[int], risk: RiskConfig | None = None, **given: Any
) -> BacktestResult:
    """Flat candles that open at the last close; capital 10,000, no costs."""
    opens = [closes[0], *closes[:-1]]
    candles = [
        Candle(at * MINUTE, opened, max(opened, close), min(opened, close), close, Decimal(1), "BTC-USD", MINUTE)
        for at, (opened, close) in enumerate(zip(map(Decimal, opens), map(Decimal, closes), strict=True))
    ]
    engine = BacktestEngine(10_000, 0, 0, risk=risk or RiskConfig())
    strategy = Script(script=",".join(map(str, script)), **{"quantity": "1", **given})
    return engine.run(strategy, candles)


def fills(result: BacktestResult) -> list[tuple[int, int, int]]:
    """Minute, signed quantity, price."""
    return [(trade.ts // MINUTE, int(trade.signed), int(trade.price)) for trade in result.trades]


def test_a_change_of_side_trades_at_the_next_open_and_repeats_do_not() -> None:
    result = played([LONG, LONG, KEEP, SHORT, SHORT, FLAT], [100, 101, 102, 103, 104, 105, 106])
    assert fills(result) == [(1, 1, 100), (4, -2, 103), (6, 1, 105)]


def test_shorts_that_are_not_allowed_only_close() -> None:
    result = played([LONG, SHORT, KEEP, LONG], [100] * 6, allow_short=False)
    assert fills(result) == [(1, 1, 100), (2, -1, 100), (4, 1, 100)]


def test_a_move_may_depend_on_the_side_held() -> None:
    cover = moves(if_short=FLAT, if_flat=LONG, if_long=LONG)
    result = played([cover, SHORT, cover, cover], [100] * 6)
    assert fills(result) == [(1, 1, 100), (2, -2, 100), (3, 1, 100), (4, 1, 100)]


def test_a_stop_closes_and_is_not_bought_back_before_the_next_change() -> None:
    closes = [100, 100, 100, 90, 100, 100, 100, 100]
    result = played([LONG, LONG, LONG, LONG, LONG, FLAT, LONG], closes, stop_loss_bps=500)
    assert fills(result) == [(1, 1, 100), (4, -1, 95), (7, 1, 100)]


def test_a_target_closes_at_its_level() -> None:
    result = played([LONG], [100, 100, 100, 120, 120], take_profit_bps=1_000)
    assert fills(result) == [(1, 1, 100), (4, -1, 110)]


def test_a_trailing_stop_follows_the_price() -> None:
    result = played([LONG], [100, 100, 110, 120, 130, 100, 100], trail_bps=1_000)
    assert fills(result)[1:] == [(6, -1, 120)]


def test_a_signal_to_leave_ends_the_protection_with_the_position() -> None:
    """A stop that stayed behind would open a short at 80."""
    result = played([LONG, KEEP, FLAT], [100, 100, 100, 100, 80, 70, 60], stop_loss_bps=500, take_profit_bps=500)
    assert fills(result) == [(1, 1, 100), (3, -1, 100)]
    assert result.refused == 0


def test_a_protected_turn_is_two_steps_and_is_protected_again() -> None:
    closes = [100, 100, 100, 100, 100, 120, 130]
    result = played([LONG, KEEP, SHORT], closes, stop_loss_bps=500)
    assert fills(result) == [(1, 1, 100), (3, -1, 100), (4, -1, 100), (6, 1, 105)]
    assert result.refused == 0


def test_a_refused_entry_is_not_asked_for_again_before_the_next_change() -> None:
    result = played([LONG, LONG, KEEP, FLAT, LONG], [100] * 8, RiskConfig(position_quantity_max=Decimal("0.5")))
    assert (result.fills, result.refused) == (0, 2)


def test_a_refused_turn_is_left_in_two_steps() -> None:
    result = played([LONG, KEEP, SHORT], [100] * 8, RiskConfig(order_quantity_max=Decimal(1)))
    assert fills(result) == [(1, 1, 100), (4, -1, 100), (5, -1, 100)]


def test_without_a_quantity_the_budget_is_spent() -> None:
    (first, *_) = played([LONG], [100] * 4, quantity=None).trades
    assert first.quantity == Decimal(10_000) / Decimal(105) // Decimal("1e-8") * Decimal("1e-8")


BROKEN: list[tuple[Any, str]] = [
    (lambda bars: np.zeros(len(bars)), "kind f"),
    (lambda bars: np.zeros(len(bars) + 1, np.int8), "one a bar"),
    (lambda bars: np.full(len(bars), 99, np.int8), "gave 99"),
    (lambda bars: None, "NoneType"),
]


@pytest.mark.parametrize(("signals", "word"), BROKEN)
def test_a_column_that_is_none_disables_the_strategy_and_says_why(signals: Any, word: str) -> None:
    class Broken(Script):
        def signals(self, bars: Bars) -> Any:
            return signals(bars)

    price = Decimal(100)
    candles = [Candle(at * MINUTE, price, price, price, price, Decimal(1), "BTC-USD", MINUTE) for at in range(4)]
    result = BacktestEngine(10_000).run(Broken(), candles)
    assert word in result.record.disabled["Broken"]


def test_a_lookback_that_is_none_is_refused() -> None:
    class NoPast(Script):
        def lookback(self) -> int:
            return 0

    with pytest.raises(StrategyError, match="whole number from 1 on"):
        NoPast()
