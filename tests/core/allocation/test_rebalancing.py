"""Rebalancing: a request is a fact, the new budgets are a decision; both are in the journal, and a replay agrees."""

from __future__ import annotations

from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kedge.backtest.curve import CurveRecorder
from kedge.backtest.log import RunLog
from kedge.backtest.loop import Loop
from kedge.backtest.recording import Recording
from kedge.backtest.replay import replay
from kedge.backtest.session import desk_for, specs_of
from kedge.core.allocation.capital import CapitalAllocator
from kedge.core.desk import Desk
from kedge.core.state import State
from kedge.core.step import step
from kedge.journal.read import read
from kedge.model.decisions import Alert, Rebalanced, Sized
from kedge.model.facts import RebalanceRequested, SessionStarted, SessionStopped, StrategySpec
from kedge.model.instrument import generic_instrument
from kedge.model.limits import RiskConfig
from kedge.model.market import Candle
from kedge.model.money import EXACT
from kedge.strategies.sma_cross import SmaCrossStrategy
from kedge.venues.sim.venue import SimulatedVenue

D = Decimal
START = 1_700_000_000_000_000_000
HOUR = 3_600_000_000_000
BTC = "BTC-USD"


class First(SmaCrossStrategy):
    """One of two."""

    def name(self) -> str:
        return "first"


class Second(SmaCrossStrategy):
    """The other."""

    def name(self) -> str:
        return "second"


def begun(desk: Desk, at: int = START, epoch: int = 1) -> SessionStarted:
    specs = specs_of([entry.strategy for entry in desk.strategies.entries()], {})
    instrument = generic_instrument(BTC, D("0.001"), D(1), "USD")
    return SessionStarted(at, "bt", epoch, "USD", D(10_000), (instrument,), RiskConfig(), specs)


def started() -> Desk:
    desk = desk_for([First(fast=2, slow=5), Second(fast=3, slow=7)])
    step(desk, begun(desk))
    return desk


def asked(weights: dict[str, Decimal], **more: Any) -> RebalanceRequested:
    return RebalanceRequested(START + 1, weights, "a test", **more)


def told(desk: Desk, request: RebalanceRequested) -> list[Any]:
    with localcontext(EXACT):
        return list(step(desk, request))


def test_budgets_move_as_the_allocator_says() -> None:
    desk = started()
    assert desk.state.budgets == {"first": D("0.5"), "second": D("0.5")}
    weights = {"first": D(3), "second": D(1)}
    returns = {"first": (D("0.01"), D("-0.02"), D("0.03")), "second": (D("0.02"), D("0.01"), D("-0.01"))}
    (decided,) = told(desk, asked(weights, returns=returns, share_max=D("0.7"), operator="anna"))
    expected = CapitalAllocator(1, "0.7").allocate(returns, weights)
    assert decided == Rebalanced(
        {"first": D("0.5"), "second": D("0.5")}, dict(expected), expected.cash, "a test", "anna", expected.reasons
    )
    assert desk.state.budgets == expected
    assert desk.state.budget("first") == 10_000 * expected["first"]


@given(st.dictionaries(st.sampled_from(["first", "second"]), st.decimals(-1, 5, places=2)), st.decimals(0, 2, places=2))
def test_whatever_is_asked_the_budgets_stay_within_the_whole(weights: dict[str, Decimal], cap: Decimal) -> None:
    desk = started()
    before = dict(desk.state.budgets)
    (decided,) = told(desk, asked(weights, share_max=cap))
    assert sum(desk.state.budgets.values()) <= 1
    if isinstance(decided, Alert):
        assert desk.state.budgets == before
        assert "refused" in decided.what
    else:
        assert decided.after == desk.state.budgets
        assert all(D(0) <= share <= cap for share in decided.after.values())
        assert sum(decided.after.values()) + decided.cash == 1


@pytest.mark.parametrize(
    ("weights", "more", "word"),
    [
        ({"first": D(1)}, {}, "second"),
        ({"first": D(1), "second": D(1), "third": D(1)}, {}, "third"),
        ({"first": D(-1), "second": D(1)}, {}, "weight of first"),
        ({"first": D(1), "second": D(1)}, {"share_max": D(2)}, "max_strategy_pct"),
        ({"first": D(1), "second": D(1)}, {"turnover_max": D(-1)}, "turnover"),
        ({"first": D(1), "second": D(1)}, {"returns": {"first": (D(1),)}}, "second"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(
    weights: dict[str, Decimal], more: dict[str, Any], word: str
) -> None:
    desk = started()
    (decided,) = told(desk, asked(weights, operator="anna", **more))
    assert isinstance(decided, Alert)
    assert word in decided.what
    assert "anna" in decided.what


def test_a_turnover_limit_holds_budgets_back() -> None:
    desk = started()
    (decided,) = told(desk, asked({"first": D(1), "second": D(0)}, turnover_max=D("0.4")))
    assert desk.state.budgets == {"first": D("0.7"), "second": D("0.3")}
    assert "turnover" in decided.notes[0]


def test_a_restart_keeps_what_was_decided_unless_its_manifest_says_otherwise() -> None:
    desk = started()
    told(desk, asked({"first": D(4), "second": D(1)}))
    again = begun(desk, START + HOUR, 2)
    step(desk, again)
    assert desk.state.budgets == {"first": D("0.8"), "second": D("0.2")}
    changed = structs.replace(begun(desk, START + 2 * HOUR, 3), strategies=(StrategySpec("first", "x", {}),))
    step(desk, changed)
    assert desk.state.budgets == {"first": D(1)}


def candles(first: int, last: int) -> list[Candle]:
    made = []
    for at in range(first, last):
        price = D(100 + 10 * (at // 12 % 2) + at % 12)
        made.append(Candle(START + at * HOUR, price, price + 1, price - 1, price, D(10), BTC, HOUR))
    return made


def test_the_journal_holds_it_recovery_folds_it_and_a_replay_decides_the_same(tmp_path: Path) -> None:
    desk = desk_for([First(fast=2, slow=5), Second(fast=3, slow=7)])
    manifest = begun(desk)
    with localcontext(EXACT):
        recording = Recording(tmp_path / "j", desk.state)
        loop = Loop(desk, SimulatedVenue(manifest.instruments, D(10_000)), None, recording.write)
        log = RunLog(CurveRecorder(D(10_000), [BTC], 1 << 16), [BTC])
        loop.take(manifest)
        loop.run(candles(0, 60), log)
        weights = {"first": D(1), "second": D(1)}
        returns: dict[str, tuple[Decimal, ...]] = {"first": (D("0.01"), D("0.02")), "second": (D("0.02"), D("0.01"))}
        loop.take(RebalanceRequested(desk.state.now, weights, "month's end", returns, D("0.4")))
        loop.run(candles(60, 120), log)
        loop.finish()
        loop.take(SessionStopped(desk.state.now, "over", desk.state.digest()))
        recording.close()
    kinds = [record.kind for record in read(tmp_path / "j")]
    assert kinds.count("rebalance_requested") == kinds.count("rebalanced") == 1
    assert desk.state.budgets == {"first": D("0.4"), "second": D("0.4")}

    def load(spec: StrategySpec) -> SmaCrossStrategy:
        return {"first": First, "second": Second}[spec.name](**spec.parameters)

    again = replay(tmp_path / "j", load)
    assert again.ok, again.differences
    assert again.folded == again.decided


def test_the_next_signal_counts_on_the_new_budget() -> None:
    desk = started()
    told(desk, asked({"first": D(1), "second": D(0)}, share_max=D("0.25")))
    sized: list[Sized] = []
    with localcontext(EXACT):
        for candle in candles(0, 40):
            sized += [each for each in step(desk, candle) if isinstance(each, Sized)]
    budgets = {each.strategy: each.budget for each in sized}
    assert budgets["first"] == D(2_500)
    assert "second" not in budgets


def test_two_states_that_differ_in_budgets_differ_in_their_digest() -> None:
    one, other = State(), State()
    other.apply(Rebalanced({}, {"a": D(1)}, D(0), "x"))
    assert one.digest() != other.digest()
