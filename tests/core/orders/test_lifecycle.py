"""The table of an order's life, and the fold of venue reports that arrive in any order, twice, or late."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.orders.inflight import REPEAT, OrdersInFlight
from kedge.core.orders.lifecycle import TABLE, OrderEvent
from kedge.core.orders.terms import FINE, outstanding
from kedge.model.errors import IllegalTransition, OurBug
from kedge.model.facts import (
    AmendRejected,
    CancelRejected,
    Fill,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
)
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side

D = Decimal
S = OrderStatus


def sent(quantity: str = "3") -> OrdersInFlight:
    orders = OrdersInFlight()
    orders.send(OrderIntent("a", "BTC-USD", Side.BUY, OrderType.LIMIT, D(quantity), D(100)), 1, None)
    return orders


def fill(n: int, quantity: str = "1", order: str = "a", price: str = "100") -> Fill:
    return Fill(2, order, f"t{n}", "BTC-USD", Side.BUY, D(quantity), D(price))


def tell(orders: OrdersInFlight, fact: object) -> str:
    match fact:
        case Fill():
            return orders.filled(fact, 2)[1]
        case OrderAccepted():
            return orders.accepted(fact, 2)
        case OrderCancelled() | OrderExpired():
            return orders.ended(fact, 2)
        case OrderRejected():
            return orders.rejected(fact, 2)
        case CancelRejected():
            return orders.cancel_rejected(fact, 2)
        case OrderAmended():
            return orders.amended(fact, 2)
        case AmendRejected():
            return orders.amend_rejected(fact, 2)
        case OutcomeUnknown():
            return orders.outcome_unknown(fact, 2)
        case OrderReport():
            return orders.reported(fact, 2)
    raise AssertionError(fact)


def test_every_pair_of_status_and_event_is_in_the_table_or_an_error() -> None:
    for status in OrderStatus:
        for event in OrderEvent:
            if (status, event) in TABLE:
                assert TABLE.after(status, event) is TABLE[status, event]
            else:
                with pytest.raises(IllegalTransition, match=f"{status} cannot {event}"):
                    TABLE.after(status, event)


def test_nothing_reopens_what_has_ended_but_growing_what_we_counted_whole() -> None:
    back = [key for key, after in TABLE.items() if key[0].is_terminal and not after.is_terminal]
    assert back == [(S.FILLED, OrderEvent.GROW)]


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert TABLE.diagram().count("-->") == 1 + sum(before != after for (before, _), after in TABLE.items())


@pytest.mark.parametrize("order", list(permutations([OrderAccepted(2, "a", "x"), fill(1), fill(2), fill(3)])))
def test_an_order_is_filled_whatever_order_the_reports_come_in(order: tuple[object, ...]) -> None:
    orders = sent()
    assert [tell(orders, fact) for fact in order] == [FINE] * 4
    found = orders.find("a")
    assert found is not None
    assert (found.status, found.filled_quantity, found.exchange_id) == (S.FILLED, D(3), "x")
    assert not orders.active
    assert not orders.owing


@pytest.mark.parametrize(
    "order", list(permutations([OrderAccepted(2, "a"), fill(1), OrderCancelled(2, "a", D(2)), fill(2)]))
)
def test_a_cancel_that_overtakes_fills_still_counts_them(order: tuple[object, ...]) -> None:
    """Hazards H12, H13, H14: until the last fill is booked, the order counts as exposure."""
    orders = sent()
    cancelled = False
    booked = D(0)
    for fact in order:
        assert tell(orders, fact) == FINE
        cancelled |= isinstance(fact, OrderCancelled)
        booked += fact.quantity if isinstance(fact, Fill) else 0
        left = sum((outstanding(each) for each in orders.on("BTC-USD")), D(0))
        assert left == (D(2) - booked if cancelled else D(3) - booked)
    found = orders.find("a")
    assert found is not None
    assert (found.status, found.filled_quantity) == (S.CANCELLED, D(2))
    assert list(orders.on("BTC-USD")) == []


def test_an_exact_repeat_is_ignored_and_only_that() -> None:
    """Hazard H11."""
    orders = sent()
    assert tell(orders, fill(1)) == FINE
    assert tell(orders, fill(1)) == REPEAT
    assert tell(orders, fill(2)) == FINE
    found = orders.find("a")
    assert found is not None
    assert found.filled_quantity == 2


def test_a_fill_of_nobodys_order_an_overfill_and_a_fill_after_a_refusal_are_told() -> None:
    orders = sent("1")
    assert "not ours" in tell(orders, fill(1, order="ghost"))
    assert tell(orders, fill(2)) == FINE
    assert "overfill" in tell(orders, fill(3))
    refused = sent()
    assert tell(refused, OrderRejected(2, "a", "no")) == FINE
    assert "rejected" in tell(refused, fill(1))
    found = refused.find("a")
    assert found is not None
    assert (found.filled_quantity, found.error) == (D(1), "no")


def test_not_knowing_is_no_end() -> None:
    """An unknown outcome stays in flight until the venue says; a report without a status says nothing (H5)."""
    orders = sent()
    tell(orders, OutcomeUnknown(2, "a", "timeout"))
    assert orders.unknown == {"a": 2}
    tell(orders, OrderReport(3, "a", None))
    order = orders.active["a"]
    assert order.outcome_unknown
    assert order.status is S.SUBMITTED
    assert outstanding(order) == 3
    tell(orders, OrderReport(3, "a", S.OPEN))
    assert (order.outcome_unknown, order.status, orders.unknown) == (False, S.OPEN, {})


def test_an_answer_that_is_older_than_the_doubt_does_not_end_it() -> None:
    """Hazard H12: a report that was under way when the cancel got lost says nothing of what became of the cancel."""
    orders = sent()
    order = orders.active["a"]
    orders.request_cancel("a", 5)
    orders.outcome_unknown(OutcomeUnknown(6, "a", "timeout"), 6)
    assert orders.reported(OrderReport(4, "a", S.OPEN), 7) == FINE
    assert order.outcome_unknown
    assert orders.reported(OrderReport(7, "a", S.CANCELLED), 8) == FINE
    assert (order.outcome_unknown, order.status, list(orders.active)) == (False, S.CANCELLED, [])


def test_a_refused_cancel_leaves_the_order_alive() -> None:
    """Hazard H13: a cancel that failed says nothing of the order."""
    orders = sent()
    orders.request_cancel("a", 2)
    assert orders.active["a"].cancel_requested
    assert outstanding(orders.active["a"]) == 3
    tell(orders, CancelRejected(2, "a", "too late"))
    assert orders.active["a"].is_active
    assert orders.active["a"].cancel_requested, "it may have filled: asking for its end again would never stop"
    tell(orders, OrderReport(3, "a", S.OPEN))
    assert not orders.active["a"].cancel_requested


def test_a_cancel_that_got_lost_may_be_asked_again() -> None:
    """Hazard H15: what was asked for and never arrived is no longer on its way once the venue says the order works."""
    orders = sent()
    orders.request_cancel("a", 2)
    tell(orders, OutcomeUnknown(2, "a", "timeout"))
    tell(orders, OrderReport(3, "a", None))
    assert orders.active["a"].cancel_requested
    tell(orders, OrderReport(3, "a", S.PARTIAL, D(1)))
    assert not orders.active["a"].cancel_requested


def test_a_client_id_is_used_once() -> None:
    """Hazard H8, control C10."""
    orders = sent()
    with pytest.raises(OurBug, match="used before"):
        orders.send(OrderIntent("a", "BTC-USD", Side.BUY, OrderType.LIMIT, D(1), D(100)), 2, None)


EVENTS = st.lists(
    st.sampled_from(
        [
            OrderAccepted(2, "a", "x"), fill(1), fill(2), fill(3), OrderCancelled(2, "a", D(1)), OrderExpired(2, "a", D(2)),
            CancelRejected(2, "a"), OutcomeUnknown(2, "a", "?"), OrderReport(2, "a", S.OPEN), OrderReport(2, "a", None),
            OrderAmended(2, "a", D(2), D(90)), AmendRejected(2, "a", "no"),
            OrderReport(2, "a", S.CANCELLED, D(1)), OrderReport(2, "a", S.FILLED, D(3)), OrderRejected(2, "a", "no"),
        ]
    ),
    max_size=12,
)  # fmt: skip


@given(EVENTS)
def test_any_sequence_of_reports_keeps_the_books(events: list[object]) -> None:
    """No report raises, fills are counted once each, an ended order stays ended, exposure is never below the truth."""
    orders = sent()
    order = orders.active["a"]
    trades: set[str] = set()
    ended = False
    for event in events:
        tell(orders, event)
        if isinstance(event, Fill):
            trades.add(event.trade_id)
        assert order.filled_quantity == len(trades)
        assert not (ended and order.is_active)
        ended = not order.is_active
        assert order.venue_quantity >= order.filled_quantity
        assert (order.id in orders.active) == order.is_active
        known = sum((outstanding(each) for each in orders.on("BTC-USD")), D(0))
        assert known == (outstanding(order) if order.is_active or outstanding(order) > 0 else 0)
