"""C7, C9: what was lost and what was traded too often is remembered across restarts, and only a named human lifts it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from kedge.model.decisions import Approved, HaltState, StrategyDisabled, StrategyEnabled
from kedge.model.facts import FundingPayment, OperatorAction, SessionStarted
from kedge.model.limits import RiskConfig
from kedge.model.signal import Signal
from tests.safety.trading import BTC, PERPETUAL, SECOND, Session, failed, verdicts

D = Decimal
#: A fall in steps: with ten units and a limit of 100 it breaks at the step to 90 and not before.
FALL = (100, 99, 97, 95, 93, 91, 90, 90, 90)


def long_ten(risk: RiskConfig) -> Session:
    """Ten units bought at 100.1 without a fee, so that the loss is easy to see."""
    session = Session(risk, instruments=(structs.replace(PERPETUAL, taker_fee=D(0)),), cash=D(10_000))
    session.trade(Signal.buy(BTC, D(10)), bid="99.9", ask=100)
    assert session.held() == 10
    return session


@pytest.mark.parametrize("crash_after", range(len(FALL) + 1))
@pytest.mark.parametrize("action", ["flatten", "halt"])
def test_c07_daily_loss_survives_a_restart(crash_after: int, action: str) -> None:
    """C7, I7: wherever the power goes in a falling day, the limit breaks at the same price, latches, and stays latched."""
    session = long_ten(RiskConfig(daily_loss_max=D(100), loss_action=action))
    for step, bid in enumerate(FALL):
        if step == crash_after:
            session = session.restart()
        session.quote(bid - D("0.05"), bid + D("0.05"))
        assert (session.halt() is HaltState.RUNNING) == (bid > 90), bid
    session.quote(90, "90.1")
    latched = HaltState.FLAT if action == "flatten" else HaltState.HALTED
    assert session.halt() is latched
    session = session.restart()
    assert session.halt() is latched
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D(1)), bid=90, ask="90.1"))
    assert "halt" in failed(refused)


def test_c07_flattening_after_a_loss_leaves_nothing_and_the_exit_needs_no_permission() -> None:
    """C7, C15: the broken limit closes the position, reduce-only, and does not refuse its own exit."""
    session = long_ten(RiskConfig(daily_loss_max=D(100), order_notional_max=D(1_001), orders_per_day_max=1))
    session.quote(89, "89.1")
    session.quote(89, "89.1")
    assert session.halts == [HaltState.FLATTENING, HaltState.FLAT]
    assert session.held() == session.truth() == 0
    assert session.orders[-1].intent.reduce_only


def test_c07_no_new_day_no_restart_and_no_other_limit_lifts_the_latch() -> None:
    """C7, C27: midnight starts a new count and opens nothing; a human's command with a reason does."""
    session = long_ten(RiskConfig(daily_loss_max=D(100)))
    session.quote(80, "80.1")
    session.quote(80, "80.1", after_ms=2 * 86_400_000)
    session = session.restart(risk=RiskConfig(daily_loss_max=D(100_000)))
    session.quote(80, "80.1")
    assert session.halt() is HaltState.FLAT
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D(1)), bid=80, ask="80.1"))
    assert failed(refused) == {"halt"}
    session.command(OperatorAction.RESUME)
    assert session.halt() is HaltState.RUNNING
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D(1)), bid=80, ask="80.1"))[0], Approved)


def test_c07_a_tighter_limit_holds_from_the_restart_on() -> None:
    """C7: the limit in force is the one of this session, also on the day on which another was in force."""
    session = long_ten(RiskConfig(daily_loss_max=D(1_000)))
    session.quote(95, "95.1")
    session = session.restart(risk=RiskConfig(daily_loss_max=D(60)))
    session.quote(95, "95.1")
    assert session.halt() is HaltState.RUNNING
    session.quote("93.9", "94.0")
    assert session.halt() is not HaltState.RUNNING


def test_c07_a_limit_that_comes_with_a_restart_measures_from_there() -> None:
    """C7: what was earned before anyone watched is no cushion for what is lost after."""
    session = long_ten(RiskConfig())
    session.quote(140, "140.1")
    session = session.restart(risk=RiskConfig(daily_loss_max=D(60)))
    session.quote(140, "140.1")
    assert session.halt() is HaltState.RUNNING
    session.quote(133, "133.1")
    assert session.halt() is not HaltState.RUNNING


def test_c07_fees_and_funding_are_losses_too() -> None:
    """C7: a day can be lost without the price moving."""
    session = long_ten(RiskConfig(daily_loss_max=D(50), loss_action="halt"))
    session.tell(FundingPayment(session.now, BTC, D(-49), D("0.05"), D(10)))
    assert session.halt() is HaltState.RUNNING
    session.tell(FundingPayment(session.now + SECOND, BTC, D(-1), D("0.001"), D(10)))
    session.quote("99.9", 100)
    assert session.halt() is HaltState.HALTED


def test_c07_drawdown_is_measured_from_the_highest_equity_across_restarts() -> None:
    """C7: the peak is part of the state that the journal tells."""
    session = long_ten(RiskConfig(drawdown_ratio_max=D("0.05")))
    session.quote(140, "140.1")
    session = session.restart()
    session.quote(90, "90.1")
    assert session.halt() is HaltState.RUNNING, session.state.performance.drawdown
    session.quote(87, "87.1")
    assert session.halt() is not HaltState.RUNNING


def busy(session: Session, times: int, pause_ms: int = 200) -> None:
    for n in range(times):
        session.want(Signal.buy(BTC, D("0.1")) if n % 2 == 0 else Signal.close(BTC))
        session.quote(100, "100.1", after_ms=pause_ms // 2)
        session.quote(100, "100.1", after_ms=pause_ms // 2)


THROTTLE = RiskConfig(executions_per_window_max=4, executions_window_ms=10_000)


def test_c09_a_strategy_that_executes_too_often_is_disabled() -> None:
    """C9: after the fifth execution in the window it gets no more facts; its orders end; it is said out loud."""
    session = Session(THROTTLE)
    session.trade(Signal.buy(BTC, D(1), price=D(50)))
    busy(session, 5)
    (disabled,) = session.made(StrategyDisabled)
    assert disabled.reason == "executions_per_window_max: 5 against 4"
    assert len(session.loop.fills) == 5
    assert not session.venue.open_orders()
    seen = len(session.strategy.seen)
    busy(session, 3)
    assert len(session.strategy.seen) == seen
    assert len(session.loop.fills) == 5


def test_c09_executions_spread_over_time_are_no_offence() -> None:
    """C9: the window moves; four in ten seconds, again and again, are four in ten seconds."""
    session = Session(THROTTLE)
    busy(session, 20, pause_ms=2_600)
    assert not session.made(StrategyDisabled)
    assert len(session.loop.fills) == 20


def test_c09_neither_time_nor_a_restart_enables_it_again() -> None:
    """C9, C27: no timer, no new day, no new process; a named human, whose name is in the journal."""
    session = Session(THROTTLE)
    busy(session, 5)
    session.quote(100, "100.1", after_ms=86_400_000)
    session = session.restart()
    session.quote(100, "100.1", after_ms=86_400_000)
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D("0.1"))))
    assert failed(refused) == {"strategy_enabled"}
    session.command(OperatorAction.ENABLE_STRATEGY, "s")
    (enabled,) = session.made(StrategyEnabled)
    assert enabled.operator == "anna"
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D("0.1"))))[0], Approved)


@pytest.mark.parametrize("crash_after", range(5))
def test_c09_executions_are_counted_across_a_restart(crash_after: int) -> None:
    """C9, I7: a crash in the middle of a burst does not start the count anew."""
    session = Session(THROTTLE)
    busy(session, crash_after)
    session = session.restart(after_ms=100)
    fills = crash_after
    for n in range(crash_after, 5):
        session.want(Signal.buy(BTC, D("0.1")) if n % 2 == 0 else Signal.close(BTC))
        session.quote(100, "100.1")
        session.quote(100, "100.1")
        fills += 1
    assert session.state.disabled == ({"s": "executions_per_window_max: 5 against 4"} if fills == 5 else {})


def test_c07_every_session_says_which_limits_it_runs_under() -> None:
    """C7, C25: the start of each session is a fact with its limits, so a restart with others is on the record."""
    session = long_ten(RiskConfig(daily_loss_max=D(1_000)))
    session = session.restart(risk=RiskConfig(daily_loss_max=D(60)))
    (start,) = [fact for fact in session.facts if isinstance(fact, SessionStarted)]
    assert start.risk.daily_loss_max == 60
    assert start.epoch == 2
