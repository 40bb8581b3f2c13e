"""Every fault does what its name says, leaves the truth alone, and is replayed from its tape."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.decisions import Approved, CancelRequested, Command, QueryRequested
from kedge.model.facts import Fill, OrderAccepted, OrderReport, OutcomeUnknown, VenueFact
from kedge.model.market import Candle, Trade
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side
from kedge.venues.sim.faults import Fault, FaultyVenue, Mishap, ScriptedFaults, SeededFaults
from kedge.venues.sim.venue import SimulatedVenue
from tests.venues.sim.world import MINUTE, SYMBOL, d, kinds, perpetual, reason


def faulty(*tape: Mishap) -> FaultyVenue:
    return FaultyVenue(SimulatedVenue([perpetual()], d(100_000), participation=d("0.1")), ScriptedFaults(tape))


def order(order_id: str, quantity: int = 1, price: object = None) -> Approved:
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    limit = None if price is None else d(price)
    return Approved(OrderIntent(order_id, SYMBOL, Side.BUY, kind, d(quantity), limit))


def bar(n: int, price: int = 100, volume: int = 100) -> Candle:
    at = d(price)
    return Candle(n * MINUTE, at, at, at, at, d(volume), SYMBOL, MINUTE)


def test_without_faults_the_venue_is_itself() -> None:
    venue = faulty()
    assert kinds(venue.submit(order("a"), 0)) == ["OrderAccepted a"]
    assert kinds(venue.on_market(bar(1))) == ["Fill a"]
    assert venue.tape == []


def test_a_command_dropped_before_it_arrives_leaves_its_outcome_unknown_and_does_nothing() -> None:
    venue = faulty((Fault.DROP_BEFORE, 1, 1))
    assert venue.submit(order("a"), 5) == [OutcomeUnknown(5, "a", "request timed out")]
    assert venue.venue.open_orders() == []
    assert not venue.busy


def test_a_dropped_reply_leaves_the_outcome_unknown_but_the_order_works() -> None:
    venue = faulty((Fault.DROP_REPLY, 1, 1))
    assert venue.submit(order("a"), 5) == [OutcomeUnknown(5, "a", "no answer in time")]
    assert kinds(venue.on_market(bar(1))) == ["Fill a"]


def test_a_dropped_reply_does_not_swallow_a_fill() -> None:
    venue = faulty((Fault.DROP_REPLY, 1, 1))
    venue.venue.submit(order("warm"), 0)
    venue.venue.on_market(bar(1))
    assert kinds(venue.submit(order("a"), MINUTE + 1)) == ["OutcomeUnknown a", "Fill a"]


def test_a_dropped_cancel_reply_hides_the_end_until_asked() -> None:
    venue = faulty((Fault.DROP_REPLY, 2, 1))
    venue.submit(order("a", price=50), 0)
    assert kinds(venue.submit(CancelRequested("a", ""), 5)) == ["OutcomeUnknown a"]
    assert venue.submit(QueryRequested("a", ""), 6) == [OrderReport(6, "a", OrderStatus.CANCELLED, d(0), "x1")]


def test_a_refused_cancel_leaves_the_order_alive() -> None:
    venue = faulty((Fault.REFUSE_CANCEL, 1, 1))
    venue.submit(order("a", price=50), 0)
    assert reason(venue.submit(CancelRequested("a", ""), 5)) == "venue is busy"
    assert [report.order_id for report in venue.venue.open_orders()] == ["a"]


def test_a_duplicate_is_exact_and_comes_later() -> None:
    venue = faulty((Fault.DUPLICATE, 2, MINUTE))
    venue.submit(order("a"), 0)
    (fill,) = venue.on_market(bar(1))
    assert venue.on_market(bar(2)) == venue.release(fill.ts) == []
    assert venue.release(fill.ts + MINUTE) == [fill]


def test_a_delayed_report_is_overtaken() -> None:
    venue = faulty((Fault.DELAY, 1, 2 * MINUTE))
    assert venue.submit(order("a"), 0) == []
    assert kinds(venue.on_market(bar(1))) == ["Fill a"]
    assert venue.busy
    assert kinds(venue.on_market(bar(2))) == ["OrderAccepted a"]


def test_the_end_of_an_order_overtakes_its_fill_and_tells_of_it() -> None:
    venue = faulty((Fault.OVERTAKE, 1, 1))
    venue.submit(order("a", 20), 0)
    assert venue.on_market(bar(1)) == []
    assert venue.busy
    cancelled, fill = venue.submit(CancelRequested("a", ""), 2 * MINUTE)
    assert kinds([cancelled, fill]) == ["OrderCancelled a", "Fill a"]
    assert cancelled.filled == fill.quantity == 10  # type: ignore[union-attr]


def test_a_stripped_answer_carries_no_status() -> None:
    venue = faulty((Fault.STRIP, 1, 1))
    venue.submit(order("a", price=50), 0)
    assert venue.submit(QueryRequested("a", ""), 5) == [OrderReport(5, "a", None, d(0), "x1")]
    assert venue.submit(QueryRequested("a", ""), 6) == [OrderReport(6, "a", OrderStatus.OPEN, d(0), "x1")]


def test_when_the_faults_are_over_everything_held_back_is_handed_out() -> None:
    venue = faulty((Fault.DELAY, 1, MINUTE * 9), (Fault.OVERTAKE, 1, 1))
    venue.submit(order("a"), 0)
    venue.on_market(bar(1))
    assert kinds(venue.release_all()) == ["OrderAccepted a", "Fill a"]
    assert venue.release_all() == []


COMMANDS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=60)
RATES = st.fixed_dictionaries({fault: st.sampled_from([0, 50, 500, 1000]) for fault in Fault})


def drive(venue: FaultyVenue, commands: Iterable[tuple[int, int]]) -> list[VenueFact]:
    told: list[VenueFact] = []
    for n, (what, which) in enumerate(commands):
        now = n * MINUTE
        if what == 0:
            told += venue.on_market(Trade(now, d(90 + which), d(20), SYMBOL))
        else:
            command: Command = order(str(n), 1 + which, 85 + which if which % 2 else None)
            if what == 2:
                command = CancelRequested(str(max(0, n - which)), "")
            elif what == 3:
                command = QueryRequested(str(max(0, n - which)), "")
            told += venue.submit(command, now)
    return told + venue.release_all()


@given(commands=COMMANDS, rates=RATES, seed=st.integers(0, 2**32))
def test_a_tape_replays_a_seeded_run_exactly(
    commands: list[tuple[int, int]], rates: dict[Fault, int], seed: int
) -> None:
    seeded = FaultyVenue(SimulatedVenue([perpetual()], d(100_000)), SeededFaults(seed, rates, 5 * MINUTE))
    told = drive(seeded, commands)
    replayed = faulty_from(seeded.tape)
    assert drive(replayed, commands) == told
    assert replayed.tape == seeded.tape


def faulty_from(tape: list[Mishap]) -> FaultyVenue:
    return FaultyVenue(SimulatedVenue([perpetual()], d(100_000)), ScriptedFaults(tape))


@given(commands=COMMANDS, rates=RATES, seed=st.integers(0, 2**32))
def test_faults_lose_and_repeat_words_but_never_a_fill(
    commands: list[tuple[int, int]], rates: dict[Fault, int], seed: int
) -> None:
    venue = FaultyVenue(SimulatedVenue([perpetual()], d(100_000)), SeededFaults(seed, rates, 5 * MINUTE))
    told = drive(venue, commands)
    fills = {report.trade_id: report for report in told if isinstance(report, Fill)}
    repeats = [report for report in told if isinstance(report, Fill) and report != fills[report.trade_id]]
    assert repeats == [], "a repeated fill must be the same fill"
    assert sum(fill.side.sign * fill.quantity for fill in fills.values()) == venue.venue.position(SYMBOL)
    accepted = {report.order_id for report in told if isinstance(report, OrderAccepted)}
    unknown = {report.order_id for report in told if isinstance(report, OutcomeUnknown)}
    assert {fill.order_id for fill in fills.values() if "liquidation" not in fill.order_id} <= accepted | unknown


@pytest.mark.parametrize("fault", Fault)
def test_a_rate_of_a_thousand_always_happens_and_of_zero_never(fault: Fault) -> None:
    always = SeededFaults(1, {fault: 1000}, 7)
    assert all(0 < (always.draw(fault) or 0) <= 7 for _ in range(20))
    never = SeededFaults(1, {fault: 0}, 7)
    assert all(never.draw(fault) is None for _ in range(20))
