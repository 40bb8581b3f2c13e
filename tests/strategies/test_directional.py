"""How a side becomes an order, and what becomes of a turn that risk refuses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kedge.core.strategy.base import Wishes
from kedge.model.errors import StrategyError
from kedge.model.market import Candle
from kedge.model.order import Side
from kedge.model.signal import Signal
from kedge.strategies.breakout import BreakoutStrategy
from kedge.strategies.directional import DirectionalStrategy
from kedge.strategies.sma_cross import SmaCrossStrategy

from .histories import closes
from .paper import Paper

BTC = "BTC-USD"
RISE_AFTER_FALL = [100, 100, 90, 90, 120, 120, 120, 120, 120]


class Nothing(DirectionalStrategy):
    """Decides nothing by itself."""

    def on_candle(self, candle: Candle) -> Wishes:
        return None


def test_a_side_is_a_target_where_a_quantity_is_given_and_the_budget_else() -> None:
    fixed, budget = Nothing(quantity="0.5"), Nothing()
    Paper(fixed)
    Paper(budget)
    assert fixed.go_long("up") == [Signal.to_target(BTC, Decimal("0.5"), reason="up")]
    assert fixed.go_short("down") == [Signal.to_target(BTC, Decimal("-0.5"), reason="down")]
    assert budget.go_long("up") == [Signal.buy(BTC, reason="up")]
    assert budget.go_short("down") == [Signal.sell(BTC, reason="down")]
    assert budget.leave("out") == []


def test_what_is_held_is_left_reduce_only() -> None:
    strategy = Nothing(allow_short=False)
    paper = Paper(strategy)
    paper.positions[BTC] = Decimal(2)
    assert strategy.go_short("down") == strategy.leave("down") == [Signal.close(BTC, reason="down")]


@pytest.mark.parametrize("quantity", [None, 3])
@pytest.mark.parametrize("kind", [SmaCrossStrategy, BreakoutStrategy])
def test_a_refused_turn_closes_first_and_enters_once_flat(
    kind: type[SmaCrossStrategy | BreakoutStrategy], quantity: int | None
) -> None:
    small = {"fast": 1, "slow": 2} if kind is SmaCrossStrategy else {"window": 2, "exit_window": 2}
    paper = Paper(kind(quantity=quantity, **small))
    history = closes(RISE_AFTER_FALL)
    paper.play(history[:4])
    assert paper.position(BTC) < 0
    paper.refused = {BTC}
    (turn,) = paper.take(history[4])
    assert isinstance(turn, Signal)
    assert not turn.reduce_only
    paper.refused = set()
    assert paper.take(history[5]) == [
        Signal.close(BTC, reason="the turn was refused or filled in part: out of what is held first")
    ]
    (entry,) = paper.take(history[6])
    assert paper.position(BTC) == 0
    assert entry.reason == "the rest of a turn"
    assert paper.take(history[7]) == []
    assert paper.position(BTC) > 0
    assert [fill.side for fill in paper.fills] == [Side.SELL, Side.BUY, Side.BUY]


def test_a_turn_whose_order_is_on_its_way_is_waited_for() -> None:
    paper = Paper(SmaCrossStrategy(fast=1, slow=2, quantity=1))
    history = closes(RISE_AFTER_FALL)
    paper.play(history[:5])
    assert len(paper.orders) == 1
    assert not paper.strategy.on_candle(history[5])
    assert not paper.strategy.on_candle(history[6])
    assert paper.take(history[7]) == []
    assert paper.position(BTC) == 1
    assert not paper.take(history[8])


@pytest.mark.parametrize("quantity", ["0", "-1", "nan"])
def test_a_quantity_is_above_zero(quantity: str) -> None:
    with pytest.raises(StrategyError, match=f"parameter quantity of Nothing is '{quantity}'"):
        Nothing(quantity=quantity)
