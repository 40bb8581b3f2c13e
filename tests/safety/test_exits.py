"""C14, C15, H26-H30, H48: an exit is always possible, and never becomes an entry."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kedge.model.decisions import Alert, Approved, HaltState, Refused
from kedge.model.facts import InstrumentChanged, OperatorAction, OrderRejected
from kedge.model.limits import RiskConfig
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.model.signal import Signal
from kedge.venues.sim.faults import Fault
from kedge.venues.sim.fees import BaseFeesOnBuys, TokenFees
from tests.safety.trading import BTC, PERPETUAL, SPOT, ScriptedStrategy, Session, failed, verdicts, waived

D = Decimal
LEAST = structs.replace(PERPETUAL, min_notional=D(50), min_quantity=D("0.2"))


@settings(max_examples=40)
@given(
    st.sampled_from(list(Side)),
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=6),
)
def test_c14_exits_never_increase_nor_flip(side: Side, held: int, asked: list[tuple[int, bool]]) -> None:
    """C14, I10: any number of reduce-only orders of any size, resting or not, at most close what is held."""
    session = Session(latency_ms=20)
    opening = Signal.buy if side is Side.BUY else Signal.sell
    closing = Signal.sell if side is Side.BUY else Signal.buy
    session.trade(opening(BTC, D(held) / 10))
    start = session.truth()
    assert abs(start) == D(held) / 10
    resting = D("99.5") if side is Side.BUY else D("100.6")
    session.want(
        *(closing(BTC, D(n) / 10, reduce_only=True, **({"price": resting} if rests else {})) for n, rests in asked)
    )
    session.quote(100, "100.1")
    for bid in ("99.3", "100.7", "99.3", "100.7"):
        session.quote(bid, D(bid) + D("0.1"))
        assert abs(session.truth()) <= abs(start)
        assert session.truth() * start >= 0
    room = [each.intent.quantity for each in session.orders if each.intent.reduce_only]
    assert sum(room, D(0)) <= abs(start)


@pytest.mark.parametrize("side", list(Side))
def test_c15_a_close_beside_a_bracket_goes_and_ends_the_bracket(side: Side) -> None:
    """C15: the strategy's own exit is not refused for what its stop and target hold already."""
    session = Session()
    entry, stop, target = (Signal.buy, D(80), D(130)) if side is Side.BUY else (Signal.sell, D(130), D(80))
    session.trade(entry(BTC, D(3), stop_loss=stop, take_profit=target))
    session.trade(Signal.close(BTC))
    session.quote(100, "100.1")
    assert session.held() == session.truth() == 0
    assert not session.refusals
    assert not session.state.orders.active


def test_c15_a_close_beside_several_brackets_closes_all_of_them() -> None:
    """C15: however many brackets there are, and whatever none of them protects."""
    session = Session()
    for quantity in (3, 2):
        session.trade(Signal.buy(BTC, D(quantity), stop_loss=D(80), take_profit=D(130)))
    session.trade(Signal.buy(BTC, D(1)))
    session.trade(Signal.close(BTC))
    session.quote(100, "100.1")
    assert session.held() == session.truth() == 0
    assert not session.refusals
    assert not session.state.orders.active


@settings(max_examples=40)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_c15_exits_in_parts_leave_what_is_left_protected(entries: list[int], exits: list[int]) -> None:
    """C15, H16: whatever is closed by hand, in any parts, goes; and what is left is never without its stop."""
    session = Session()
    for quantity in entries:
        session.trade(Signal.buy(BTC, D(quantity), stop_loss=D(80), take_profit=D(130)))
    for quantity in exits:
        before = session.held()
        session.trade(Signal.sell(BTC, D(quantity), reduce_only=True))
        session.quote(100, "100.1")
        assert session.held() == session.truth() == max(before - quantity, D(0))
        stops = [order for order in session.state.orders.active.values() if order.order_type is OrderType.STOP]
        assert sum((order.remaining_quantity for order in stops), D(0)) >= session.held()
        assert bool(stops) is bool(session.held())
    assert not session.refusals


def test_h30_an_entry_that_turns_is_protected_for_what_it_turned_to() -> None:
    """H30, C14: two short, three bought with a bracket: the stop and the target are of one."""
    session = Session()
    session.trade(Signal.sell(BTC, D(2)))
    session.trade(Signal.buy(BTC, D(3), stop_loss=D(80), take_profit=D(130)))
    session.quote(100, "100.1")
    assert session.held() == 1
    assert [(each.intent.tag, each.intent.quantity) for each in session.orders[2:]] == [
        ("stop_loss", D(1)),
        ("take_profit", D(1)),
    ]
    assert not session.refusals


def test_c14_a_reduce_only_order_from_flat_or_on_the_wrong_side_is_refused() -> None:
    """C14: from flat there is nothing to reduce, and adding is not reducing."""
    session = Session()
    session.quote(100, "100.1")
    for side in Side:
        intent = OrderIntent("x", BTC, side, OrderType.MARKET, D(1), reduce_only=True)
        verdict = session.desk.risk.judge(intent)
        assert isinstance(verdict, Refused)
        assert failed(verdict) == {"reduce_only"}
    session.trade(Signal.buy(BTC, D(1)))
    adding = OrderIntent("y", BTC, Side.BUY, OrderType.MARKET, D(1), reduce_only=True)
    verdict = session.desk.risk.judge(adding)
    assert isinstance(verdict, Refused)
    assert failed(verdict) == {"reduce_only"}


TIGHT = RiskConfig(
    order_quantity_max=D(0), order_notional_max=D(0), orders_per_second_max=0, orders_per_day_max=0, orders_open_max=0,
    duplicate_window_ms_max=86_400_000, price_collar_bps_max=D(0), reference_age_ms_max=0, position_quantity_max=D(0),
    position_notional_max=D(0), gross_exposure_max=D(0), net_exposure_max=D(0), leverage_max=D(0),
    strategy_exposure_max=D(0), strategy_loss_max=D(100_000), daily_loss_max=D(100_000),
)  # fmt: skip


@pytest.mark.parametrize("action", [None, OperatorAction.REDUCE, OperatorAction.HALT])
@pytest.mark.parametrize("side", list(Side))
def test_c15_an_exit_passes_under_every_halt_and_every_broken_limit(action: OperatorAction | None, side: Side) -> None:
    """C15, H48: all limits at zero and the system halted: the entry is refused by all of them, the exit passes and fills."""
    session = Session()
    session.trade((Signal.buy if side is Side.BUY else Signal.sell)(BTC, D(2)))
    session = session.restart(risk=TIGHT)
    if action is not None:
        session.command(action)
    (entry,) = verdicts(session.trade((Signal.buy if side is Side.BUY else Signal.sell)(BTC, D(1))))
    assert len(failed(entry)) >= 10
    (exit_,) = verdicts(session.trade(Signal.close(BTC)))
    assert isinstance(exit_, Approved)
    assert {"order_quantity", "orders_per_day", "order_notional"} <= waived(exit_)
    assert ("halt" in waived(exit_)) is (action is not None)
    assert session.held() == session.truth() == 0


def test_c15_a_halt_cancels_what_may_open_and_keeps_what_protects() -> None:
    """C15: the stop stays at the venue under a halt, and fires; the resting entry is gone."""
    session = Session()
    session.trade(Signal.buy(BTC, D(1), stop_loss=D(95)))
    session.trade(Signal.buy(BTC, D(1), price=D(90)))
    session.command(OperatorAction.HALT)
    session.quote(100, "100.1")
    tags = {each.intent.id: each.intent.tag for each in session.orders}
    assert [tags[report.order_id] for report in session.venue.open_orders()] == ["stop_loss"]
    session.quote(94, "94.1")
    session.quote(94, "94.1")
    assert session.held() == session.truth() == 0


def test_h48_a_stop_loss_of_an_order_that_fills_under_a_halt_is_placed() -> None:
    """H48: the entry was on its way when the halt came; what it opened is protected all the same."""
    session = Session(latency_ms=30)
    session.want(Signal.buy(BTC, D(1), stop_loss=D(95)))
    session.quote(100, "100.1", after_ms=1)
    session.command(OperatorAction.REDUCE)
    session.quote(100, "100.1", after_ms=200)
    session.quote(100, "100.1", after_ms=200)
    assert session.truth() == 1
    assert [each.intent.tag for each in session.orders] == ["", "stop_loss"]
    session.quote(94, "94.1", after_ms=200)
    session.quote(94, "94.1", after_ms=200)
    assert session.held() == session.truth() == 0


def test_h48_an_over_exposed_account_can_still_stop_its_loss() -> None:
    """H48: the limit was lowered under a position; it cannot grow, and its stop fires."""
    session = Session()
    session.trade(Signal.buy(BTC, D(5)))
    session = session.restart(risk=RiskConfig(position_quantity_max=D(1), gross_exposure_max=D(10)))
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D(1))))
    assert {"position_quantity", "gross_exposure"} <= failed(refused)
    (stop,) = verdicts(session.trade(Signal.sell(BTC, D(5), stop_price=D(95), reduce_only=True)))
    assert isinstance(stop, Approved)
    session.quote(94, "94.1")
    session.quote(94, "94.1")
    assert session.held() == session.truth() == 0


@pytest.mark.parametrize(
    ("model", "left"), [(BaseFeesOnBuys(), D("0.999")), (TokenFees("BNB", D(300)), D(1)), (None, D(1))]
)
def test_h26_what_a_fee_took_is_not_sold(model: BaseFeesOnBuys | TokenFees | None, left: Decimal) -> None:
    """H26: fee in base, in a third currency, in quote: our book is the venue's balance, and closing sells that and no more."""
    session = Session(instruments=(SPOT,), fees=model)
    session.trade(Signal.buy(BTC, D(1)))
    assert session.held() == session.truth() == left
    (close,) = verdicts(session.trade(Signal.close(BTC)))
    assert close.intent.quantity == left
    assert session.held() == session.truth() == 0
    assert not [report for report in session.reports if isinstance(report, OrderRejected)]
    assert session.state.portfolio.cash == session.venue.wallet


def test_h26_a_remainder_that_a_base_fee_left_below_the_lot_is_dust_and_no_loop() -> None:
    """H26, H27: 0.0005 of a lot of 0.001 cannot be sold; it is left, said, and not asked for again and again."""
    session = Session(instruments=(SPOT,), fees=BaseFeesOnBuys())
    session.trade(Signal.buy(BTC, D("0.5")))
    assert session.held() == D("0.4995")
    session.strategy.always = [Signal.close(BTC)]
    for _ in range(20):
        session.quote(100, "100.1")
    assert session.held() == session.truth() == D("0.0005")
    assert len(session.orders) == 2


@pytest.mark.parametrize("sold", ["0.9", "0.6", "0.5"])
def test_h27_no_exit_leaves_a_remainder_that_cannot_be_sold(sold: str) -> None:
    """H27: where the rest would be below the least, the exit takes it along."""
    session = Session(instruments=(LEAST,))
    session.trade(Signal.buy(BTC, D(1)))
    (exit_,) = verdicts(session.trade(Signal.sell(BTC, D(sold), reduce_only=True)))
    left = D(1) - D(sold)
    assert exit_.intent.quantity == (D(sold) if left * 100 >= 50 else D(1))
    assert session.truth() in (0, D("0.5"))


def test_h27_a_minimum_that_rises_under_a_position_does_not_lock_it() -> None:
    """H27, H28: the venue raises its least notional above what is held; closing it still goes through."""
    session = Session()
    session.trade(Signal.buy(BTC, D("0.3")))
    raised = structs.replace(PERPETUAL, min_notional=D(1_000))
    session.tell(InstrumentChanged(session.now, raised))
    session.venue._listings[BTC].min_notional = D(1_000)
    (entry,) = verdicts(session.trade(Signal.buy(BTC, D("0.3"))))
    assert failed(entry) == {"min_notional"}
    (exit_,) = verdicts(session.trade(Signal.close(BTC)))
    assert waived(exit_) == {"min_notional"} if isinstance(exit_, Approved) else False
    assert session.held() == session.truth() == 0


def test_h27_a_flatten_ends_with_dust_said_and_left() -> None:
    """H27: what the venue takes no order for does not keep a flatten from ending, and is told to a human."""
    session = Session(instruments=(SPOT,), fees=BaseFeesOnBuys())
    session.trade(Signal.buy(BTC, D("0.5")))
    session.command(OperatorAction.FLATTEN)
    for _ in range(5):
        session.quote(100, "100.1")
    assert session.halt() is HaltState.FLAT
    assert session.truth() == D("0.0005")
    assert [alert.what for alert in session.made(Alert)][-1] == "0.0005 is too small to close and stays as dust"
    assert len(session.orders) == 2


def test_h27_strategies_that_each_hold_too_little_are_flattened_together() -> None:
    """H27: two shares of 0.1 are below the venue's least of 0.2; together they are one order."""
    few = [ScriptedStrategy(label=label) for label in ("a", "b")]
    session = Session(instruments=(PERPETUAL,), strategies=few)
    for each in few:
        each.next.append(Signal.buy(BTC, D("0.1")))
    session.quote(100, "100.1")
    session.quote(100, "100.1")
    assert session.held() == D("0.2")
    least = structs.replace(PERPETUAL, min_quantity=D("0.2"))
    session.tell(InstrumentChanged(session.now, least))
    session.command(OperatorAction.FLATTEN)
    for _ in range(3):
        session.quote(100, "100.1")
    assert session.halt() is HaltState.FLAT
    assert session.truth() == 0
    assert [each.intent.quantity for each in session.orders if each.intent.tag == "flatten"] == [D("0.2")]


@pytest.mark.parametrize("side", list(Side))
def test_h28_an_exit_below_the_least_notional_passes_gate_and_venue(side: Side) -> None:
    """H28: a tiny position, its take-profit worth less than an order may be: placed, and filled."""
    session = Session(instruments=(structs.replace(LEAST, min_quantity=D("0.1")),))
    sign = side.sign
    enter = Signal.buy if side is Side.BUY else Signal.sell
    session.trade(enter(BTC, D("0.5"), take_profit=D(100) + 5 * sign))
    assert session.truth() == D("0.5") * sign
    session.tell(InstrumentChanged(session.now, structs.replace(LEAST, min_notional=D(500))))
    session.venue._listings[BTC].min_notional = D(500)
    (close,) = verdicts(session.trade(Signal.close(BTC, price=D(100) + 20 * sign)))
    assert isinstance(close, Approved)  # beside the take-profit, whose room is no other's
    bid = D(100) + 6 * sign
    session.quote(bid, bid + D("0.1"))
    session.quote(bid, bid + D("0.1"))
    assert session.held() == session.truth() == 0


def test_h29_protective_orders_are_cancelled_before_a_flatten_closes() -> None:
    """H29: a resting take-profit uses up the venue's reduce-only room; the flatten frees it first, and confirms."""
    session = Session(latency_ms=10)
    session.trade(Signal.buy(BTC, D(2), take_profit=D(120), stop_loss=D(80)))
    session.quote(100, "100.1")
    assert len(session.venue.open_orders()) == 2
    session.command(OperatorAction.FLATTEN)
    for _ in range(4):
        session.quote(100, "100.1")
    assert session.halt() is HaltState.FLAT
    assert session.truth() == 0
    kinds = [type(each).__name__ for each in session.sent][-3:]
    assert kinds == ["CancelRequested", "CancelRequested", "Approved"]
    assert not [report for report in session.reports if isinstance(report, OrderRejected)]


def test_h29_a_close_that_the_venue_refuses_is_not_sent_for_ever() -> None:
    """H29: every close is refused; after so many errors in a row the breaker trips, with a reason, instead of a loop."""
    session = Session(RiskConfig(errors_in_a_row_max=4))
    session.trade(Signal.buy(BTC, D(1)))
    session.strategy.always = [Signal.close(BTC)]
    session.venue._listings[BTC].is_open = False
    for _ in range(4):
        session.quote(100, "100.1")
    assert session.halts[0] is HaltState.FLATTENING
    assert any("4 errors in a row" in alert.what for alert in session.made(Alert))


@pytest.mark.parametrize("side", list(Side))
def test_h30_closing_twice_at_once_closes_once(side: Side) -> None:
    """H30: two closes in one moment, both before any answer: the position ends flat and never on the other side."""
    session = Session(latency_ms=40)
    session.trade((Signal.buy if side is Side.BUY else Signal.sell)(BTC, D(1)))
    session.quote(100, "100.1", after_ms=200)
    assert abs(session.truth()) == 1
    closing = (Signal.sell if side is Side.BUY else Signal.buy)(BTC, D(1))
    session.want(Signal.close(BTC), Signal.close(BTC), structs.replace(closing, reduce_only=True))
    session.quote(100, "100.1")
    session.want(Signal.close(BTC))
    session.quote(100, "100.1", after_ms=20)
    session.quote(100, "100.1", after_ms=400)
    assert session.held() == session.truth() == 0
    assert len([each for each in session.orders if each.intent.reduce_only]) == 1


def test_h30_a_stop_and_a_close_that_race_do_not_turn_the_position() -> None:
    """H30: the stop fires at the venue while our close is on its way: whichever comes second has nothing to close."""
    session = Session(latency_ms=40)
    session.trade(Signal.buy(BTC, D(1), stop_loss=D(95)))
    session.quote(100, "100.1", after_ms=200)
    session.command(OperatorAction.FLATTEN)
    session.quote(94, "94.1", after_ms=10)
    for _ in range(5):
        session.quote(94, "94.1", after_ms=200)
    assert session.halt() is HaltState.FLAT
    assert session.held() == session.truth() == 0


def test_h30_several_strategies_that_leave_at_once_leave_the_account_flat() -> None:
    """H30, H53: each closes its own, the account ends at zero; exits are reduce-only at the venue too."""
    strategies = [ScriptedStrategy(label=label) for label in "abc"]
    session = Session(strategies=strategies, latency_ms=20)
    for place, each in enumerate(strategies, 1):
        each.next.append(Signal.buy(BTC, D(place), time_in_force=TimeInForce.IOC))
    session.quote(100, "100.1")
    session.quote(100, "100.1")
    assert session.truth() == 6
    for each in strategies:
        each.next += [Signal.close(BTC), Signal.close(BTC)]
    session.quote(100, "100.1")
    session.quote(100, "100.1")
    assert session.held() == session.truth() == 0
    assert {each.intent.quantity for each in session.orders if each.intent.reduce_only} == {1, 2, 3}


def test_c14_a_position_that_someone_else_closed_is_not_closed_again() -> None:
    """C14: the venue cancels a reduce-only order that has nothing left to reduce; we stay flat."""
    session = Session(faults=[(Fault.DELAY, 4, 3_000_000_000)], latency_ms=5)
    session.trade(Signal.buy(BTC, D(1), stop_loss=D(95), take_profit=D(105)))
    session.quote(94, "94.1")
    for bid in (94, 106, 94):
        session.quote(bid, D(bid) + D("0.1"), after_ms=2_000)
    assert session.held() == session.truth() == 0
    assert not session.venue.open_orders()
