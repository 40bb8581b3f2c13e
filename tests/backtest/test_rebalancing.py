"""Rebalancing in a backtest: what it asks with is what the strategies earned, what is decided is in the journal."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kedge import BacktestEngine, BreakoutStrategy, CapitalAllocator, SmaCrossStrategy
from kedge.backtest.rebalancing import Rebalancing
from kedge.backtest.recording import codec
from kedge.backtest.replay import replay
from kedge.core.strategy.base import BaseStrategy
from kedge.journal.read import read
from kedge.model.decisions import Rebalanced, Sized
from kedge.model.errors import ConfigError
from kedge.model.facts import RebalanceRequested
from tests.research.markets import DAY, START, walk

D = Decimal
MARKET = walk(51, 24 * 40)


class Quick(SmaCrossStrategy):
    """A second of its kind."""


def strategies() -> list[BaseStrategy]:
    return [SmaCrossStrategy(fast=3, slow=9), Quick(fast=2, slow=5), BreakoutStrategy(window=20, exit_window=10)]


def ran(place: Path, how: Rebalancing | None) -> list[Any]:
    """The values of the journal of a run."""
    BacktestEngine(10_000, journal_dir=place, rebalancing=how).run(strategies(), MARKET)
    table = codec()
    return [table.decode(record) for record in read(place)]


def of_kind(values: list[Any], kind: type) -> list[Any]:
    return [value for value in values if type(value) is kind]


def test_it_asks_at_the_start_and_on_schedule_and_each_answer_is_the_allocators(tmp_path: Path) -> None:
    values = ran(tmp_path / "j", Rebalancing(10, 7, share_max=D("0.5")))
    asked, decided = of_kind(values, RebalanceRequested), of_kind(values, Rebalanced)
    assert [(request.ts - START) // DAY for request in asked] == [0, 10, 20, 30, 40]
    assert [len(next(iter(request.returns.values()), ())) for request in asked] == [0, 7, 7, 7, 7]
    assert len(decided) == 5
    for request, decision in zip(asked, decided, strict=True):
        names = list(decision.before)
        series = request.returns or dict.fromkeys(names, ())
        expected = CapitalAllocator(1, "0.5").allocate({name: series[name] for name in names}, request.weights)
        assert decision.after == dict(expected)
    assert [each.after for each in decided[:-1]] == [each.before for each in decided[1:]]
    assert len({tuple(each.after.values()) for each in decided}) > 2


def test_the_returns_are_what_each_strategy_earned_on_its_budget(tmp_path: Path) -> None:
    """The same run cut off at the end of each day says what each strategy had earned by then."""
    values = ran(tmp_path / "j", Rebalancing(5, 30))
    request = of_kind(values, RebalanceRequested)[1]
    before = dict.fromkeys(("SmaCrossStrategy", "Quick", "BreakoutStrategy"), D(0))
    equity, share = D(10_000), D(1) / 3
    for day in range(5):
        result = BacktestEngine(10_000).run(strategies(), MARKET, end=START + (day + 1) * DAY)
        earned = {each.strategy: each.net for each in result.by_strategy}
        for name, profit in before.items():
            gained = earned.get(name, D(0)) - profit
            assert request.returns[name][day] == pytest.approx(gained / (equity * share), abs=D("1e-9"))
        before = {name: earned.get(name, D(0)) for name in before}
        equity = result.final_equity


def test_a_replay_decides_the_same(tmp_path: Path) -> None:
    weights = {"SmaCrossStrategy": D(2), "Quick": D(1), "BreakoutStrategy": D(1)}
    values = ran(tmp_path / "j", Rebalancing(7, 14, D("0.4"), D("0.1"), weights))
    made = {each.name(): each for each in strategies()}
    again = replay(tmp_path / "j", lambda spec: type(made[spec.name])(**spec.parameters))
    assert again.ok, again.differences
    for one, other in pairwise(of_kind(values, Rebalanced)):
        assert sum(abs(other.after[name] - one.after[name]) for name in made) <= D("0.100000001")


def test_new_budgets_count_from_the_next_signal_on(tmp_path: Path) -> None:
    values = ran(tmp_path / "j", Rebalancing(10, 10, D("0.2")))
    first = of_kind(values, Rebalanced)[0]
    assert first.after == dict.fromkeys(first.after, D("0.2"))
    assert first.cash == D("0.4")
    sized = next(value for value in values if type(value) is Sized)
    assert sized.budget == 2_000


def test_one_strategy_that_may_have_all_trades_as_without() -> None:
    plain = BacktestEngine(10_000).run(SmaCrossStrategy(fast=3, slow=9), MARKET)
    asked = BacktestEngine(10_000, rebalancing=Rebalancing(5)).run(SmaCrossStrategy(fast=3, slow=9), MARKET)
    assert [trade.to_json() | {"order_id": ""} for trade in asked.trades] == [
        trade.to_json() | {"order_id": ""} for trade in plain.trades
    ]
    assert list(asked.equity_curve) == list(plain.equity_curve)


def test_a_schedule_has_days() -> None:
    with pytest.raises(ConfigError, match="every_days is 0"):
        Rebalancing(0)
    with pytest.raises(ConfigError, match="lookback_days is 1"):
        Rebalancing(1, 1)
