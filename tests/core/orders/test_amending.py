"""An amendment is believed and counted: the venue's quantity and price bound what an order may still do.

A machine drives one order through fills, amendments, doubts and ends, told in order, late and twice, against a venue
that keeps its own books.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kedge.core.orders.inflight import OrdersInFlight
from kedge.core.orders.terms import FINE, outstanding
from kedge.model.facts import (
    AmendRejected,
    Fill,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
)
from kedge.model.order import Order, OrderIntent, OrderStatus, OrderType, Side

D = Decimal
S = OrderStatus
LIMIT = OrderIntent("a", "BTC-USD", Side.BUY, OrderType.LIMIT, D(3), D(100))


def sent(intent: OrderIntent = LIMIT) -> tuple[OrdersInFlight, Order]:
    orders = OrdersInFlight()
    return orders, orders.send(intent, 1, None, D(100))


def fill(n: int, quantity: str = "1", price: str = "100") -> Fill:
    return Fill(2, "a", f"t{n}", "BTC-USD", Side.BUY, D(quantity), D(price))


def amended(quantity: str, price: str | None = "100") -> OrderAmended:
    return OrderAmended(3, "a", D(quantity), None if price is None else D(price))


def test_other_terms_count_from_now_on_and_are_odd() -> None:
    orders, order = sent()
    odd = orders.amended(amended("5", "110"), 4)
    assert odd == "a was amended from 3 at 100 to 5 at 110, which nobody here asked for"
    assert (order.quantity, order.price, order.worst_price, order.updated_ns) == (D(5), D(110), D(110), 4)
    assert (order.status, outstanding(order), order.amended) == (S.OPEN, D(5), True)
    assert orders.filled(fill(1, "5"), 5)[1] == FINE
    assert order.status is S.FILLED
    assert "overfill" in orders.filled(fill(2), 5)[1]


def test_terms_that_it_has_already_are_no_news() -> None:
    orders, order = sent()
    assert orders.amended(amended("3.000", "1E+2"), 4) == FINE
    assert (order.amended, order.updated_ns, order.status) == (False, 1, S.OPEN)
    assert orders.amended(amended("3", None), 4) == FINE


def test_a_quantity_alone_leaves_the_price() -> None:
    orders, order = sent()
    assert orders.amended(amended("2", None), 4)
    assert (order.quantity, order.price, order.worst_price) == (D(2), D(100), D(100))


def test_less_than_has_filled_already_ends_it_and_exactly_that_does() -> None:
    orders, order = sent()
    orders.filled(fill(1), 2)
    odd = orders.amended(amended("1"), 4)
    assert "amended from 3 at 100 to 1 at 100" in odd
    assert "filled on" not in odd
    assert (order.status, list(orders.active), list(orders.on("BTC-USD"))) == (S.FILLED, [], [])
    orders, order = sent()
    orders.filled(fill(1, "2"), 2)
    assert "the venue says 2 of 1 were filled" in orders.amended(amended("1"), 4)
    assert order.status is S.FILLED


def test_what_the_venue_says_was_filled_is_owed_although_it_was_made_smaller() -> None:
    orders, order = sent()
    orders.reported(OrderReport(2, "a", S.PARTIAL, D(2)), 2)
    assert orders.amended(amended("2"), 4)
    assert (order.status, outstanding(order)) == (S.PARTIAL if order.filled_quantity else S.OPEN, D(2))
    assert "the venue says 2 of 1.5" in orders.amended(amended("1.5"), 5)
    assert outstanding(order) == D(2)
    orders.filled(fill(1, "2"), 6)
    assert (order.status, outstanding(order)) == (S.FILLED, D(0))


@pytest.mark.parametrize("end", [OrderCancelled(2, "a", D(1)), OrderExpired(2, "a", D(1))])
def test_an_end_stands_whatever_was_amended(end: OrderCancelled | OrderExpired) -> None:
    orders, order = sent()
    orders.filled(fill(1), 2)
    orders.ended(end, 2)
    for late in (amended("5"), amended("0.5"), amended("3")):
        assert orders.amended(late, 4) == FINE
    assert (order.quantity, order.status.is_terminal, list(orders.on("BTC-USD"))) == (D(3), True, [])


def test_an_amendment_that_is_told_again_after_the_end_is_no_news() -> None:
    orders, order = sent()
    orders.amended(amended("2"), 3)
    orders.filled(fill(1, "2"), 4)
    assert orders.amended(amended("2"), 5) == FINE
    assert orders.amended(amended("1"), 5) == FINE
    assert order.status is S.FILLED


def test_an_order_that_our_count_ended_lives_again_when_it_was_made_larger() -> None:
    """Fills may overtake the amendment: what we called whole still works at the venue, and must be cancelled."""
    orders, order = sent()
    orders.filled(fill(1, "3"), 2)
    assert not orders.active
    assert "amended from 3 at 100 to 5 at 100" in orders.amended(amended("5"), 4)
    assert (order.status, outstanding(order), orders.unknown) == (S.PARTIAL, D(2), {"a": 4})
    assert orders.active == {"a": order}
    assert list(orders.on("BTC-USD")) == [order]
    orders.reported(OrderReport(5, "a", S.CANCELLED, D(3)), 5)
    assert (order.status, orders.unknown, list(orders.on("BTC-USD"))) == (S.CANCELLED, {}, [])


def test_it_ends_no_doubt_about_another_request() -> None:
    """Hazard H12: an amendment may have been under way when a cancel got lost."""
    orders, order = sent()
    orders.outcome_unknown(OutcomeUnknown(2, "a", "timeout"), 2)
    orders.amended(amended("2"), 3)
    assert (order.outcome_unknown, orders.unknown) == (True, {"a": 2})


def test_what_is_not_ours_was_refused_or_is_no_quantity_is_odd() -> None:
    orders, order = sent()
    assert "not ours" in orders.amended(OrderAmended(3, "ghost", D(1), D(1)), 4)
    for quantity in ("0", "-1"):
        assert f"a quantity of {quantity}" in orders.amended(amended(quantity), 4)
    assert order.quantity == D(3)
    orders.rejected(OrderRejected(4, "a", "no"), 4)
    assert "which is rejected" in orders.amended(amended("2"), 5)


def test_a_refused_amendment_changes_nothing() -> None:
    orders, order = sent()
    before = orders.snapshot()
    assert orders.amend_rejected(AmendRejected(2, "a", "no"), 2) == FINE
    assert orders.amend_rejected(AmendRejected(2, "ghost", "no"), 2) == FINE
    assert orders.snapshot() == before
    assert order.is_active


def test_old_books_are_worded_as_before_and_new_ones_hold_the_price() -> None:
    orders, _ = sent()
    assert "price" not in str(orders.snapshot())
    orders.amended(amended("2", "90"), 3)
    (told,) = orders.snapshot()["active"].values()  # type: ignore[attr-defined]
    assert (told["quantity"], told["price"], told["worst"]) == ("2", "90", "90")


class Amendments(RuleBasedStateMachine):
    """A venue with one order of ours, whose reports reach us late, twice and, but for the fills, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.orders, self.order = sent()
        self.quantity, self.filled, self.over = D(3), D(0), False
        self.told: list[object] = []
        self.trades = 0
        self.now = 1
        self.tell(OrderAccepted(1, "a", "x"))

    def tell(self, fact: object) -> None:
        self.now += 1
        match fact:
            case OrderAmended():
                self.orders.amended(fact, self.now)
            case Fill():
                self.orders.filled(fact, self.now)
            case OrderCancelled():
                self.orders.ended(fact, self.now)
            case OutcomeUnknown():
                self.orders.outcome_unknown(fact, self.now)
            case OrderReport():
                self.orders.reported(fact, self.now)
            case AmendRejected():
                self.orders.amend_rejected(fact, self.now)
            case OrderAccepted():
                self.orders.accepted(fact, self.now)
            case _:
                raise AssertionError(fact)

    @precondition(lambda self: not self.over)
    @rule(tenths=st.integers(1, 60), price=st.integers(90, 110))
    def amend(self, tenths: int, price: int) -> None:
        """The venue refuses less than has filled, and ends what is filled exactly."""
        wanted = D(tenths) / 10
        if wanted < self.filled:
            self.tell(AmendRejected(self.now, "a", "below what has filled"))
            return
        self.quantity = wanted
        self.over = wanted == self.filled
        self.told.append(OrderAmended(self.now, "a", wanted, D(price)))

    @precondition(lambda self: not self.over)
    @rule(tenths=st.integers(1, 10))
    def trade(self, tenths: int) -> None:
        quantity = min(D(tenths) / 10, self.quantity - self.filled)
        self.trades += 1
        self.filled += quantity
        self.over = self.filled == self.quantity
        self.told.append(fill(self.trades, str(quantity)))

    @precondition(lambda self: not self.over)
    @rule()
    def cancel(self) -> None:
        self.over = True
        self.told.append(OrderCancelled(self.now, "a", self.filled))

    @precondition(lambda self: self.told)
    @rule(twice=st.booleans())
    def arrive(self, twice: bool) -> None:
        fact = self.told.pop(0)
        self.tell(fact)
        if twice:
            self.tell(fact)

    @precondition(lambda self: any(isinstance(each, Fill) for each in self.told))
    @rule(twice=st.booleans())
    def a_fill_overtakes(self, twice: bool) -> None:
        """Fills are asked for by other ways than the one that reports come on."""
        first = next(each for each in self.told if isinstance(each, Fill))
        self.tell(first)
        if twice:
            self.tell(first)

    @rule()
    def doubt(self) -> None:
        self.tell(OutcomeUnknown(self.now, "a", "timeout"))

    @rule()
    def ask(self) -> None:
        """Everything under way arrives, then the answer: the terms beside the report."""
        while self.told:
            self.tell(self.told.pop(0))
        if not self.over:
            self.tell(OrderAmended(self.now, "a", self.quantity, self.order.price))
        status = S.PARTIAL if self.filled else S.OPEN
        if self.over:
            status = S.FILLED if self.filled == self.quantity else S.CANCELLED
        self.tell(OrderReport(self.now, "a", status, self.filled))
        assert not self.order.outcome_unknown
        assert self.order.is_active is not self.over
        assert self.order.filled_quantity == self.filled
        if not self.over:
            assert self.order.quantity == self.quantity
            assert outstanding(self.order) == self.quantity - self.filled

    @invariant()
    def exposure_is_what_the_venue_has_told(self) -> None:
        """Nothing is forgotten: once all is told, what may still fill is exactly the venue's remainder."""
        order = self.order
        assert (order.id in self.orders.active) is order.is_active
        assert (order.id in self.orders.by_symbol["BTC-USD"]) is order.is_active
        assert not order.outcome_unknown or order.id in self.orders.unknown
        assert order.venue_quantity >= order.filled_quantity
        assert outstanding(order) >= 0
        on = sum((outstanding(each) for each in self.orders.on("BTC-USD")), D(0))
        assert on == outstanding(order) or not order.is_active
        if not self.told:
            left = D(0) if self.over else self.quantity - self.filled
            assert on == left
            assert order.filled_quantity == self.filled


TestAmendments = Amendments.TestCase
