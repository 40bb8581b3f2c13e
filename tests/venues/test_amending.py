"""What a gateway knows of an order's terms, against a venue where requests get lost, come late, and others amend too."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kedge.core.orders.inflight import OrdersInFlight
from kedge.model.decisions import Approved
from kedge.model.facts import AmendRejected, OrderAmended, OrderReport, OutcomeUnknown, VenueFact
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side
from kedge.venues.amending import LAG_NS, OrderTerms, amending, unamended, unsupported
from kedge.venues.answers import ErrorClass, Failed
from kedge.venues.gateway import Amending

D = Decimal
LIMIT = OrderIntent("a", "BTC-USD", Side.BUY, OrderType.LIMIT, D(3), D(100))
LIFE_NS = 5
TERMS = st.tuples(st.integers(1, 5).map(D), st.integers(98, 102).map(D))


def intent(quantity: Decimal, price: Decimal) -> OrderIntent:
    return OrderIntent("a", "BTC-USD", Side.BUY, OrderType.LIMIT, quantity, price)


class Amended(RuleBasedStateMachine):
    """One order that never fills. The venue's clock is ours; a lost request may land as long as it lives, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1
        self.venue: tuple[Decimal, Decimal | None] = (D(3), D(100))
        self.known = OrderTerms(D(3), D(100))
        self.core = OrdersInFlight()
        self.order = self.core.send(LIMIT, self.now)
        self.lost: tuple[Decimal, Decimal] | None = None
        self.dies = 0
        self.pushed: list[OrderAmended] = []
        self.given_up: list[tuple[Decimal, Decimal]] = []

    def tell(self, facts: list[VenueFact]) -> None:
        for fact in facts:
            self.now += 1
            if isinstance(fact, OrderAmended):
                self.core.amended(fact, self.now)
            elif isinstance(fact, AmendRejected):
                self.core.amend_rejected(fact, self.now)
            elif isinstance(fact, OutcomeUnknown):
                self.core.outcome_unknown(fact, self.now)
            else:
                assert isinstance(fact, OrderReport)
                self.core.reported(fact, self.now)

    def push(self) -> None:
        self.pushed.append(OrderAmended(self.now, "a", *self.venue))

    def restrict(self, wanted: tuple[Decimal, Decimal]) -> bool:
        refused = unamended(intent(*wanted), Amending.PRICE_AND_QUANTITY, self.known)
        assert bool(refused) is (self.known.wanted is not None), "one doubt at a time"
        return bool(refused)

    def send(self, wanted: tuple[Decimal, Decimal]) -> None:
        self.known.sending(intent(*wanted))
        self.known.ends = self.now + LIFE_NS
        self.known.given_up()

    @rule(wanted=TERMS)
    def ours_is_answered(self, wanted: tuple[Decimal, Decimal]) -> None:
        if self.restrict(wanted):
            return
        self.send(wanted)
        self.venue = wanted
        self.push()
        self.known.answered()
        self.known.take(*wanted)
        self.tell([OrderAmended(self.now, "a", *wanted)])

    @rule(wanted=TERMS, lands=st.booleans())
    def ours_is_lost(self, wanted: tuple[Decimal, Decimal], lands: bool) -> None:
        if self.restrict(wanted):
            return
        self.send(wanted)
        self.lost, self.dies = (wanted, self.known.ends) if lands else (None, 0)
        self.tell([OutcomeUnknown(self.now, "a", "no answer")])

    @rule(wanted=TERMS)
    def ours_never_leaves(self, wanted: tuple[Decimal, Decimal]) -> None:
        if self.restrict(wanted):
            return
        self.known.sending(intent(*wanted))
        self.known.given_up()
        assert self.known.wanted is None
        self.tell([AmendRejected(self.now, "a", "not sent")])

    @precondition(lambda self: self.lost is not None)
    @rule()
    def what_was_lost_lands(self) -> None:
        wanted, self.lost = self.lost, None
        assert wanted is not None
        if self.now < self.dies:
            assert wanted not in self.given_up, "it was called dead and was not"
            self.venue = wanted
            self.push()

    @rule(wanted=TERMS)
    def somebody_amends(self, wanted: tuple[Decimal, Decimal]) -> None:
        self.venue = wanted
        self.push()

    @precondition(lambda self: self.pushed)
    @rule()
    def the_stream_tells(self) -> None:
        fact = self.pushed.pop(0)
        self.known.take(fact.quantity, fact.price)
        self.tell([fact])

    @rule()
    def time_passes(self) -> None:
        self.now += LIFE_NS

    @rule()
    def asked(self) -> None:
        """Everything pushed arrives before the answer, as over one line."""
        while self.pushed:
            self.the_stream_tells()
        facts = self.known.told("a", *self.venue, self.now)
        doubt = self.known.doubt("a", self.now, self.now)
        if isinstance(doubt, AmendRejected):
            self.given_up += [self.lost] if self.lost is not None else []
        if doubt is not None:
            facts.append(doubt)
        if not isinstance(doubt, OutcomeUnknown):
            facts.append(OrderReport(self.now + 10, "a", OrderStatus.OPEN))
        self.tell(facts)
        assert (self.order.quantity, self.order.price) == self.venue
        assert self.order.outcome_unknown is (self.known.wanted is not None)

    @invariant()
    def the_core_has_what_was_told(self) -> None:
        assert (self.order.quantity, self.order.price) == (self.known.quantity, self.known.price)


TestAmended = Amended.TestCase


def test_a_process_that_knows_no_terms_tells_the_first_and_only_those() -> None:
    known = OrderTerms()
    assert known.told("a", None, D(1), 5) == []
    assert known.told("a", D(0), D(1), 5) == []
    assert known.told("a", D(2), D(1), 5, "x") == [OrderAmended(5, "a", D(2), D(1), "x")]
    assert known.told("a", D("2.0"), D("1.00"), 6) == []
    assert known.told("a", None, None, 6) == []
    assert known.told("a", D(2), D(3), 7) == [OrderAmended(7, "a", D(2), D(3))]


def test_a_late_answer_is_passed_over_as_long_as_it_can_be_late() -> None:
    known = OrderTerms(D(3), D(100))
    known.take(D(5), D(100), 1_000)
    assert known.told("a", D(3), D(100), 999, venue_ns=1_000 + LAG_NS - 1) == [], "from before the amendment"
    assert known.quantity == D(5)
    assert known.told("a", D(3), D(100), 1_000, venue_ns=1_001), "another amendment, at once"
    known.take(D(5), D(100), 2_000)
    assert known.told("a", D(3), D(100), 999, venue_ns=2_000 + LAG_NS), "the venue does not move its time"


@pytest.mark.parametrize("kind", ErrorClass)
def test_only_what_is_unknown_is_unknown(kind: ErrorClass) -> None:
    fact = amending(Failed(kind, "-1", "why"), "a", 5)
    expected = OutcomeUnknown if kind is ErrorClass.UNKNOWN else AmendRejected
    assert fact == expected(5, "a", "-1: why")


@pytest.mark.parametrize(
    ("can", "wanted", "reason"),
    [
        (Amending.NONE, intent(D(2), D(100)), "no order other terms"),
        (Amending.SMALLER, intent(D(2), D(100)), ""),
        (Amending.SMALLER, intent(D(3), D(100)), "only be made smaller"),
        (Amending.SMALLER, intent(D(4), D(100)), "only be made smaller"),
        (Amending.SMALLER, intent(D(2), D(99)), "the price stays 100"),
        (Amending.PRICE_AND_QUANTITY, intent(D(4), D(99)), ""),
        (Amending.PRICE_AND_QUANTITY, intent(D(0), D(99)), "above zero"),
        (Amending.PRICE_AND_QUANTITY, OrderIntent("a", "X", Side.BUY, OrderType.MARKET, D(1)), "cannot be amended"),
    ],
)
def test_what_a_venue_cannot_do_is_said(can: Amending, wanted: OrderIntent, reason: str) -> None:
    said = unamended(wanted, can, OrderTerms(D(3), D(100)))
    assert bool(said) is bool(reason)
    assert reason in said


def test_a_venue_that_amends_nothing_sends_nothing_and_says_so() -> None:
    (fact,) = unsupported(Approved(LIMIT), 5)
    assert isinstance(fact, AmendRejected)
    assert fact.reason.startswith("not sent: unsupported: ")
