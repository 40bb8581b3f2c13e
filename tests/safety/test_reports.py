"""H5, H8, H11-H16: what the venue says, late, twice, in the wrong order or only half, through the whole of a session."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.model.decisions import Approved, Booked, HaltState, QueryRequested, SymbolBlocked
from kedge.model.facts import CancelRejected, Fact, Fill, OperatorAction, OrderAccepted, OrderCancelled, OrderReport
from kedge.model.limits import RiskConfig
from kedge.model.order import OrderStatus
from kedge.model.signal import CancelOrders, Signal
from kedge.venues.sim.faults import Fault
from tests.safety.trading import BTC, SECOND, Session, failed, verdicts

D = Decimal
THREE = RiskConfig(position_quantity_max=D(3))


def test_h05_an_answer_without_a_status_is_no_answer() -> None:
    """H5: stripped of its status the report settles nothing: the order counts, blocks its symbol, and is asked about again."""
    faults = [(Fault.DROP_REPLY, 1, 0), *((Fault.STRIP, n, 0) for n in range(1, 4))]
    session = Session(THREE, faults=faults, latency_ms=5)
    session.trade(Signal.buy(BTC, D(2), price=D(99)))
    for _ in range(2):
        session.quote(100, "100.1", after_ms=1_000)
        assert list(session.state.orders.unknown) == [session.orders[0].intent.id]
        (refused,) = verdicts(session.trade(Signal.buy(BTC, D("1.5"), price=D(98))))
        assert {"symbol_trust", "position_quantity"} <= failed(refused)
    stripped = [fact for fact in session.facts if isinstance(fact, OrderReport) and fact.status is None]
    assert len(stripped) == 3
    for _ in range(3):
        session.quote(100, "100.1", after_ms=1_000)
    assert not session.state.orders.unknown
    assert session.state.orders.active[session.orders[0].intent.id].status is OrderStatus.OPEN
    assert len([each for each in session.sent if isinstance(each, QueryRequested)]) == 4


def test_h05_after_a_refused_cancel_a_stripped_answer_does_not_end_the_asking() -> None:
    """H5, H13: the cancel was refused, the answer to the question carried nothing: it is asked again, at a pace."""
    session = Session(faults=[(Fault.REFUSE_CANCEL, 1, 0), (Fault.STRIP, 1, 0), (Fault.STRIP, 2, 0)], latency_ms=5)
    session.trade(Signal.buy(BTC, D(1), price=D(99)))
    session.trade(CancelOrders())
    for _ in range(4):
        session.quote(100, "100.1", after_ms=1_000)
    assert len([each for each in session.sent if isinstance(each, QueryRequested)]) == 3
    assert len(session.cancels) == 1
    session.trade(CancelOrders())
    assert len(session.cancels) == 2
    assert not session.state.orders.active


def test_h08_ids_are_never_used_again_however_often_the_process_restarts() -> None:
    """H8, I2: ten restarts, some in the same moment; every id at the venue is new, and says its epoch."""
    session = Session()
    ids: list[str] = []
    for turn in range(10):
        session.trade(Signal.buy(BTC, D("0.1"), price=D(90)), Signal.buy(BTC, D("0.1"), price=D(91)))
        fresh = [each.intent.id for each in session.orders]
        assert len(fresh) == 2
        assert all(each.startswith(f"t-{turn + 1}-") for each in fresh)
        ids += fresh
        session = session.restart(after_ms=turn % 2)
    assert len(set(ids)) == len(ids) == 20
    assert len(session.venue.open_orders()) == 20
    assert not [report for report in session.reports if "duplicate" in getattr(report, "reason", "")]


def test_h11_a_fill_told_again_is_booked_once_also_after_a_restart() -> None:
    """H11: every report comes twice, and the fills once more after a restart: one booking each."""
    session = Session(faults=[(Fault.DUPLICATE, n, SECOND) for n in range(1, 30)])
    session.trade(Signal.buy(BTC, D(1)), Signal.buy(BTC, D("0.5")))
    session.quote(100, "100.1", after_ms=2_000)
    fills = [fact for fact in session.facts if isinstance(fact, Fill)]
    assert len(fills) == 4
    assert len(session.made(Booked)) == 2
    session = session.restart()
    session.tell(*fills)
    assert not session.made(Booked)
    assert session.held() == session.truth() == D("1.5")
    assert session.state.portfolio.cash == session.venue.wallet
    assert not session.state.blocked


def test_h11_two_fills_that_look_alike_are_two() -> None:
    """H11: the same order, quantity, price and moment under another trade id is another fill."""
    session = Session()
    session.trade(Signal.buy(BTC, D(2), price=D(99)))
    order_id = session.orders[0].intent.id
    for trade_id in ("v1", "v2", "v1"):
        session.tell(Fill(session.now, order_id, trade_id, BTC, session.orders[0].intent.side, D(1), D(99)))
    assert session.held() == 2


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_h12_the_order_of_reports_changes_nothing(order: tuple[int, ...]) -> None:
    """H12: acknowledgement, two fills and a second acknowledgement in any order give one end: filled, never reopened."""
    session = Session()
    session.trade(Signal.buy(BTC, D(2), price=D(90)))
    order_id, side = session.orders[0].intent.id, session.orders[0].intent.side
    reports: list[Fact] = [
        OrderAccepted(session.now, order_id, "x1"),
        Fill(session.now, order_id, "v1", BTC, side, D(1), D(90)),
        Fill(session.now, order_id, "v2", BTC, side, D(1), D(90)),
        OrderAccepted(session.now, order_id, "x1"),
    ]
    session.tell(*(reports[place] for place in order))
    found = session.state.orders.find(order_id)
    assert found is not None
    assert found.status is OrderStatus.FILLED
    assert found.filled_quantity == 2
    assert not session.state.orders.active
    assert not session.state.blocked
    assert session.held() == 2


def test_h12_a_fill_that_overtakes_its_acknowledgement_is_protected_at_once() -> None:
    """H12: the acknowledgement is delayed by seconds; the fill counts and its stop is placed when it comes."""
    session = Session(faults=[(Fault.DELAY, 1, 3 * SECOND)], latency_ms=5)
    session.trade(Signal.buy(BTC, D(1), stop_loss=D(95)))
    assert session.held() == 1
    assert [each.intent.tag for each in session.orders] == ["", "stop_loss"]
    session.quote(100, "100.1", after_ms=4_000)
    assert [report.order_id for report in session.venue.open_orders()] == [session.orders[1].intent.id]
    assert set(session.state.orders.active) == {session.orders[1].intent.id}


def test_h13_a_refused_cancel_is_no_sign_that_the_order_never_was() -> None:
    """H13: the cancel is refused because the order filled; nothing is bought again, and the fill counts when it comes."""
    session = Session(THREE, faults=[(Fault.DELAY, 2, 2 * SECOND)], latency_ms=5)
    session.trade(Signal.buy(BTC, D(2), price=D(100)))
    session.quote("99.8", "99.9")  # filled at the venue; its report is held back
    assert session.truth() == 2
    assert session.held() == 0
    session.trade(CancelOrders(), bid="99.8", ask="99.9")
    assert [fact for fact in session.facts if isinstance(fact, CancelRejected)]
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D(2), price=D(99)), bid="99.8", ask="99.9"))
    assert "position_quantity" in failed(refused)
    session.quote("99.8", "99.9", after_ms=3_000)
    assert session.held() == session.truth() == 2
    assert len(session.orders) == 1


def test_h13_a_fill_at_the_moment_of_the_cancel_counts() -> None:
    """H13: half fills while the cancel travels; we end with what the venue has."""
    session = Session(latency_ms=50)
    session.trade(Signal.buy(BTC, D(2), price=D(100)))
    session.quote(100, "100.1", after_ms=200)
    session.want(CancelOrders())
    session.quote(100, "100.1", after_ms=200)
    session.quote("99.8", "99.9", size=1, after_ms=20)
    session.quote(100, "100.1", after_ms=400)
    assert session.held() == session.truth()
    assert not session.state.orders.active
    assert not session.venue.open_orders()


@settings(max_examples=25)
@given(st.integers(1, 19), st.booleans())
def test_h14_a_cancel_that_overtakes_the_last_fill_keeps_its_exposure(tenths: int, market_moves: bool) -> None:
    """H14: cancelled with a cumulative quantity that is not all booked: the difference counts until its fill arrives."""
    filled = D(tenths) / 10
    session = Session(THREE)
    session.trade(Signal.buy(BTC, D(2), price=D(99)))
    order_id, side = session.orders[0].intent.id, session.orders[0].intent.side
    session.tell(OrderCancelled(session.now, order_id, filled, "requested"))
    assert not session.state.orders.active
    room = D(3) - filled
    if market_moves:
        session.quote(101, "101.1")
    (refused,) = verdicts(session.trade(Signal.buy(BTC, room + D("0.1"), price=D(98))))
    assert failed(refused) == {"position_quantity"}
    session.tell(Fill(session.now, order_id, "v1", BTC, side, filled, D(99)))
    assert session.held() == filled
    assert not session.state.orders.owing
    (refused,) = verdicts(session.trade(Signal.buy(BTC, room + D("0.1"), price=D(98))))
    assert failed(refused) == {"position_quantity"}
    (approved,) = verdicts(session.trade(Signal.buy(BTC, room, price=D(98))))
    assert isinstance(approved, Approved)


def test_h14_a_flatten_waits_for_the_fill_that_a_cancel_overtook() -> None:
    """H14, I5: all orders have ended, one owes a fill: it is not flat, and is not said to be, until that is closed too."""
    session = Session(faults=[(Fault.OVERTAKE, 1, 0)], latency_ms=5)
    session.trade(Signal.buy(BTC, D(2), price=D(100)))
    session.quote("99.8", "99.9", size=1)
    assert session.truth() == 1
    assert session.held() == 0
    session.command(OperatorAction.FLATTEN)
    for _ in range(4):
        session.quote(100, "100.1")
    assert session.halt() is HaltState.FLAT
    assert session.held() == session.truth() == 0


def test_h15_a_cancel_that_was_asked_for_has_not_happened() -> None:
    """H15: between the request and the venue's word the order counts for every limit, and may fill."""
    session = Session(THREE, latency_ms=100)
    session.trade(Signal.buy(BTC, D(2), price=D(100)))
    session.quote(100, "100.1", after_ms=500)
    session.want(CancelOrders(), Signal.buy(BTC, D(2), price=D(99)))
    session.deliver()
    session.quote(100, "100.1", after_ms=500)
    (refused,) = session.refusals
    assert failed(refused) == {"position_quantity"}
    session.quote(100, "100.1", after_ms=500)
    assert not session.state.orders.active
    (approved,) = verdicts(session.trade(Signal.buy(BTC, D(2), price=D(99))))
    assert isinstance(approved, Approved)


@pytest.mark.parametrize("lost", [Fault.DROP_BEFORE, Fault.DROP_REPLY])
def test_h15_a_cancel_that_got_lost_is_asked_again_when_all_must_end(lost: Fault) -> None:
    """H15, I5: no answer to the cancel; the flatten asks what became of it, cancels again, and ends."""
    session = Session(faults=[(lost, 2, 0)], latency_ms=5)
    session.trade(Signal.buy(BTC, D(1), price=D(90)))
    session.command(OperatorAction.FLATTEN)
    for _ in range(5):
        session.quote(100, "100.1", after_ms=500)
    assert session.halt() is HaltState.FLAT
    assert not session.venue.open_orders()


@settings(max_examples=25)
@given(st.integers(1, 29))
def test_h16_after_a_part_fill_everything_counts_what_was_filled(tenths: int) -> None:
    """H16: of three, some filled, then the cancel: stop, target and close are of that quantity, not of the ordered one."""
    filled = D(tenths) / 10
    session = Session()
    session.trade(Signal.buy(BTC, D(3), price=D(100), stop_loss=D(80), take_profit=D(130)))
    order_id, side = session.orders[0].intent.id, session.orders[0].intent.side
    session.tell(
        Fill(session.now, order_id, "v1", BTC, side, filled, D(100)), OrderCancelled(session.now, order_id, filled)
    )
    assert session.held() == filled
    exits = session.orders[1:]
    assert not exits  # decided in the fact that was told; they leave with the next moment
    session.deliver()
    assert {each.intent.tag: each.intent.quantity for each in session.orders[1:]} == {
        "stop_loss": filled,
        "take_profit": filled,
    }
    decided = session.trade(CancelOrders())
    assert not verdicts(decided)
    (close,) = verdicts(session.trade(Signal.close(BTC)))
    assert close.intent.quantity == filled


def test_h16_a_second_exit_is_sized_from_what_is_left() -> None:
    """H16: half closed, half of a close in flight: the next close is of the remainder."""
    session = Session()
    session.trade(Signal.buy(BTC, D(3)))
    session.trade(Signal.sell(BTC, D("1.2"), reduce_only=True))
    assert session.held() == session.truth() == D("1.8")
    (close,) = verdicts(session.trade(Signal.close(BTC)))
    assert close.intent.quantity == D("1.8")
    assert session.held() == session.truth() == 0


def test_a_fill_of_nobodys_order_moves_the_position_and_stops_the_symbol() -> None:
    """C13, H11: what the venue says happened is never dropped; trading on that symbol stops until a human looked."""
    session = Session()
    session.trade(Signal.buy(BTC, D(1)))
    side = session.orders[0].intent.side
    session.tell(Fill(session.now, "ghost", "v9", BTC, side, D(1), D(100)))
    assert session.held() == 2
    assert [each.symbol for each in session.made(SymbolBlocked)] == [BTC]
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D(1))))
    assert failed(refused) == {"symbol_trust"}
    session.command(OperatorAction.UNBLOCK_SYMBOL, BTC)
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D(1))))[0], Approved)
