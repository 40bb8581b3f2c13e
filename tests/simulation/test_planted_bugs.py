"""The auditor sees: bugs planted one at a time, each found within a few seeds.

A simulator that finds nothing proves nothing until it is shown what it would find. Each bug is one that trading systems
have had (the hazards of the safety case); the invariant that catches it must be one of those named beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from kedge.core.orders import lifecycle
from kedge.core.orders.inflight import OrdersInFlight
from kedge.core.orders.standing import COVERS, SHEDS, Standing
from kedge.core.risk import flatten
from kedge.core.risk.guard import Guard
from kedge.core.risk.manager import RiskManager
from kedge.core.state import State
from kedge.model.decisions import Approved, HaltState, Refused
from kedge.model.errors import OurBug
from kedge.model.facts import OrderCancelled, OrderRejected, OutcomeUnknown, SessionStarted
from kedge.model.order import OrderIntent, OrderStatus
from tests.simulation.auditor import Violation
from tests.simulation.evidence import WriteAhead
from tests.simulation.world import World

SEEDS_MAX = 25
Plant = Callable[[pytest.MonkeyPatch], None]


def ignore_what_is_in_flight(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Standing, "weigh", lambda self, order: None)


def forget_which_fills_were_booked(patch: pytest.MonkeyPatch) -> None:
    filled = OrdersInFlight.filled

    def again(self: OrdersInFlight, fill: Any, now: int) -> Any:
        self._trades.clear()
        return filled(self, fill, now)

    patch.setattr(OrdersInFlight, "filled", again)


def take_a_cancel_for_its_effect(patch: pytest.MonkeyPatch) -> None:
    request = OrdersInFlight.request_cancel

    def cancelled(self: OrdersInFlight, order_id: str, now: int) -> None:
        request(self, order_id, now)
        if order_id in self.active:
            self.ended(OrderCancelled(now, order_id, self.active[order_id].filled_quantity), now)

    patch.setattr(OrdersInFlight, "request_cancel", cancelled)


def forget_the_cumulative_quantity_of_a_cancel(patch: pytest.MonkeyPatch) -> None:
    ended = OrdersInFlight.ended
    patch.setattr(
        OrdersInFlight, "ended", lambda self, fact, now: ended(self, structs.replace(fact, filled=Decimal(0)), now)
    )


def take_a_timeout_for_a_refusal(patch: pytest.MonkeyPatch) -> None:
    def refused(self: OrdersInFlight, fact: OutcomeUnknown, now: int) -> str:
        return (
            self.rejected(OrderRejected(fact.ts, fact.order_id, fact.reason), now)
            if fact.order_id in self.active
            else ""
        )

    patch.setattr(OrdersInFlight, "outcome_unknown", refused)


def send_again_under_a_new_id_after_a_timeout(patch: pytest.MonkeyPatch) -> None:
    unknown = Guard._unknown

    def resend(self: Guard, fact: Any) -> Iterator[Any]:
        yield from unknown(self, fact)
        order = self._state.orders.active.get(fact.order_id)
        if type(fact) is OutcomeUnknown and order is not None and order.price is not None:
            yield OrderIntent(
                "", order.symbol, order.side, order.order_type, order.quantity, order.price, strategy=order.strategy,
                signal_n=int(order.id.rsplit("-", 1)[1]) - 2,
            )  # fmt: skip

    patch.setattr(Guard, "_unknown", resend)
    patch.setattr("kedge.core.risk.checks._ALWAYS", ())  # its gate lets it pass


def count_ids_from_the_start_after_a_restart(patch: pytest.MonkeyPatch) -> None:
    started = State._started

    def counted(self: State, fact: SessionStarted) -> Any:
        follows = started(self, fact)
        self.epoch = 1
        self.seq = 0 if fact.epoch == 1 else self.seq
        patch.setattr(State, "next_record", lambda state, decided: (state.now - fact.ts) // 1_000_000_000 + decided)
        return follows

    patch.setattr(State, "_started", counted)


def send_before_it_is_durable(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("kedge.journal.append.AuditLogger.commit", lambda self: self.durable_n)


def let_a_late_acknowledgement_reopen_an_order(patch: pytest.MonkeyPatch) -> None:
    table = dict(lifecycle.TABLE)
    table[OrderStatus.CANCELLED, lifecycle.OrderEvent.ACCEPT] = OrderStatus.OPEN
    patch.setattr("kedge.core.orders.inflight.TABLE", table)
    settle = OrdersInFlight._move

    def move(self: OrdersInFlight, order: Any, event: Any, now: int) -> str:
        odd = settle(self, order, event, now)
        if order.is_active:
            self.active.setdefault(order.id, order)
            self.by_symbol.setdefault(order.symbol, {})[order.id] = order
        return odd

    patch.setattr(OrdersInFlight, "_move", move)


def close_without_reduce_only(patch: pytest.MonkeyPatch) -> None:
    closing = flatten.closing_orders

    def plain(state: State, position: Any) -> Iterator[OrderIntent]:
        for intent in closing(state, position):
            yield structs.replace(intent, reduce_only=False, quantity=intent.quantity * 2)

    patch.setattr(flatten, "closing_orders", plain)
    judge = RiskManager.judge

    def waved_through(self: RiskManager, intent: OrderIntent) -> Approved | Refused:
        return Approved(intent) if intent.tag == flatten.TAG else judge(self, intent)

    patch.setattr(RiskManager, "judge", waved_through)


def let_a_halt_block_exits(patch: pytest.MonkeyPatch) -> None:
    judge = RiskManager.judge

    def strict(self: RiskManager, intent: OrderIntent) -> Approved | Refused:
        if self.state.halt is not HaltState.RUNNING:
            return Refused(intent, "the system is halted")
        return judge(self, intent)

    patch.setattr(RiskManager, "judge", strict)


def let_a_restart_lift_the_halt(patch: pytest.MonkeyPatch) -> None:
    started = State._started

    def lifted(self: State, fact: SessionStarted) -> Any:
        follows = started(self, fact)
        self.halt = HaltState.RUNNING
        return follows

    patch.setattr(State, "_started", lifted)


def write_into_the_state_outside_the_fold(patch: pytest.MonkeyPatch) -> None:
    react = Guard.react

    def forgetful(self: Guard, fact: Any) -> Any:
        for times in self._state.executions.values():
            del times[:-1]
        return react(self, fact)

    patch.setattr(Guard, "react", forgetful)


def leave_protective_orders_out_of_the_worst_case(patch: pytest.MonkeyPatch) -> None:
    weigh = Standing.weigh

    def soft(self: Standing, order: Any) -> None:
        weigh(self, order)
        self.total[COVERS] = self.total[SHEDS] = Decimal(0)

    patch.setattr(Standing, "weigh", soft)


def never_ask_again_for_a_cancel_that_got_lost(patch: pytest.MonkeyPatch) -> None:
    reported = OrdersInFlight.reported

    def kept(self: OrdersInFlight, fact: Any, now: int) -> str:
        order = self.find(fact.order_id)
        asked = order is not None and order.cancel_requested
        odd = reported(self, fact, now)
        if order is not None:
            order.cancel_requested = asked
        return odd

    patch.setattr(OrdersInFlight, "reported", kept)


def ask_at_once_for_every_refused_cancel_again(patch: pytest.MonkeyPatch) -> None:
    refused = OrdersInFlight.cancel_rejected

    def asked(self: OrdersInFlight, fact: Any, now: int) -> str:
        if fact.order_id in self.active:
            self.active[fact.order_id].cancel_requested = False
        return refused(self, fact, now)

    patch.setattr(OrdersInFlight, "cancel_rejected", asked)


def book_funding_as_often_as_it_is_told(patch: pytest.MonkeyPatch) -> None:
    funding = State._funding

    def again(self: State, payment: Any) -> Any:
        self._fundings.clear()
        return funding(self, payment)

    patch.setattr(State, "_funding", again)


def journal_another_order_than_the_one_that_leaves(patch: pytest.MonkeyPatch) -> None:
    write = WriteAhead.write

    def other(self: WriteAhead, fact: Any, decisions: list[Any]) -> None:
        changed = [
            structs.replace(each, intent=structs.replace(each.intent, quantity=each.intent.quantity / 10))
            if type(each) is Approved
            else each
            for each in decisions
        ]
        write(self, fact, changed)

    patch.setattr(WriteAhead, "write", other)


BUGS: list[tuple[Plant, str]] = [
    (ignore_what_is_in_flight, "I3"),
    (forget_which_fills_were_booked, "I3 I4 I10"),
    (take_a_cancel_for_its_effect, "I3 I4"),
    (forget_the_cumulative_quantity_of_a_cancel, "I3"),
    (take_a_timeout_for_a_refusal, "I3 I4"),
    (send_again_under_a_new_id_after_a_timeout, "C11"),
    (count_ids_from_the_start_after_a_restart, "I2 used"),
    (send_before_it_is_durable, "I1"),
    (journal_another_order_than_the_one_that_leaves, "I1"),
    (let_a_late_acknowledgement_reopen_an_order, "I3 I4 I5"),
    (close_without_reduce_only, "I10"),
    (let_a_halt_block_exits, "I5"),
    (let_a_restart_lift_the_halt, "I7"),
    (write_into_the_state_outside_the_fold, "I6"),
    (leave_protective_orders_out_of_the_worst_case, "I3"),
    (never_ask_again_for_a_cancel_that_got_lost, "I5"),
    (ask_at_once_for_every_refused_cancel_again, "I14"),
    (book_funding_as_often_as_it_is_told, "I13"),
]


@pytest.mark.parametrize(("plant", "invariants"), BUGS, ids=[plant.__name__ for plant, _ in BUGS])
def test_a_planted_bug_is_found(plant: Plant, invariants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    for seed in range(1, SEEDS_MAX + 1):
        found = verdict(seed)
        if found:
            assert found in invariants.split(), f"seed {seed} was caught by {found}"
            return
    pytest.fail(f"{plant.__name__} was not found in {SEEDS_MAX} seeds")


def verdict(seed: int) -> str:
    """The invariant that a seed breaks; empty where it breaks none."""
    try:
        world = World(seed)
        world.trade()
        world.prove()
    except Violation as found:
        return str(found).split(":")[0]
    except OurBug as found:
        return str(found).rsplit(" ", 2)[1]
    return ""
