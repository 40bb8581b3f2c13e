"""The examination finds what would lose money: each planted bug fails a question, and the gateway without one passes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from kedge.model.decisions import Approved
from kedge.model.facts import (
    AmendRejected,
    Fill,
    OrderAmended,
    OrderCancelled,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
)
from kedge.model.market import OrderBook
from kedge.model.order import OrderStatus
from kedge.venues.answers import Whole
from kedge.venues.contract.examine import ask
from kedge.venues.gateway import KeyPermissions
from kedge.venues.wire.virtual import run
from tests.contract.emulated import EmulatedExaminee
from tests.contract.simulated import PERPETUAL, SPOT, SimulatedExaminee

D = Decimal
Method = Callable[..., Awaitable[Any]]
Bug = Callable[[Method], Method]


def changing(change: Callable[[Any], Any]) -> Bug:
    """The method's answer, changed."""

    def plant(method: Method) -> Method:
        async def answer(*given: Any) -> Any:
            return change(await method(*given))

        return answer

    return plant


def each_fact(change: Callable[[Any], Any]) -> Bug:
    return changing(lambda facts: [change(fact) for fact in facts])


def value(change: Callable[[Any], Any]) -> Bug:
    return changing(lambda answer: Whole(change(answer.value), answer.at))


def unknown_is_rejected(fact: Any) -> Any:
    return OrderRejected(fact.ts, fact.order_id, "timed out") if isinstance(fact, OutcomeUnknown) else fact


def sent_is_cancelled(method: Method) -> Method:
    async def cancel(request: Any) -> Sequence[Any]:
        await method(request)
        return [OrderCancelled(1, request.order_id)]

    return cancel


def not_found_is_rejected(method: Method) -> Method:
    async def query(request: Any) -> Sequence[Any]:
        return [OrderReport(1, request.order_id, OrderStatus.REJECTED)]

    return query


def twice_as_much(method: Method) -> Method:
    async def place(approved: Any) -> Any:
        intent = structs.replace(approved.intent, quantity=approved.intent.quantity * 2)
        return await method(Approved(intent, approved.worst_price))

    return place


def open_instead_of_reduce(method: Method) -> Method:
    async def place(approved: Any) -> Any:
        return await method(Approved(structs.replace(approved.intent, reduce_only=False), approved.worst_price))

    return place


def takes_although_post_only(method: Method) -> Method:
    async def place(approved: Any) -> Any:
        return await method(Approved(structs.replace(approved.intent, post_only=False), approved.worst_price))

    return place


def unknown_is_unamended(fact: Any) -> Any:
    return AmendRejected(fact.ts, fact.order_id, "timed out") if isinstance(fact, OutcomeUnknown) else fact


def refused_is_rejected(fact: Any) -> Any:
    return OrderRejected(fact.ts, fact.order_id, fact.reason) if isinstance(fact, AmendRejected) else fact


def asked_is_told(method: Method) -> Method:
    """Nothing is sent, and the terms are told all the same."""

    async def amend(approved: Any) -> Sequence[Any]:
        return [OrderAmended(1, approved.intent.id, approved.intent.quantity, approved.intent.price)]

    return amend


def terms_are_kept_back(method: Method) -> Method:
    async def answer(given: Any) -> Sequence[Any]:
        return [fact for fact in await method(given) if not isinstance(fact, OrderAmended)]

    return answer


def the_old_terms_prove_it(method: Method) -> Method:
    async def query(request: Any) -> Sequence[Any]:
        facts: Sequence[Any] = await method(request)
        if any(isinstance(fact, OutcomeUnknown) for fact in facts):
            return [OrderReport(1, request.order_id, OrderStatus.OPEN)]
        return facts

    return query


def doubt_never_ends(method: Method) -> Method:
    async def query(request: Any) -> Sequence[Any]:
        return [fact for fact in await method(request) if not isinstance(fact, AmendRejected)]

    return query


def what_is_left_counts(method: Method) -> Method:
    """The quantity is taken for what is left to fill."""

    async def amend(approved: Any) -> Any:
        intent = structs.replace(approved.intent, quantity=approved.intent.quantity + D("0.5"))
        return await method(Approved(intent, approved.worst_price))

    return amend


def taken_although_it_is_over(method: Method) -> Method:
    async def amend(approved: Any) -> Sequence[Any]:
        return [fact for fact in await method(approved) if not isinstance(fact, AmendRejected)]

    return amend


def the_price_is_passed_over(method: Method) -> Method:
    async def amend(approved: Any) -> Any:
        intent = structs.replace(approved.intent, price=FIRST.setdefault("price", approved.intent.price))
        return await method(Approved(intent, approved.worst_price))

    return amend


FIRST: dict[str, Any] = {}

AMENDING: list[tuple[str, str, Bug, str]] = [
    ("binance-futures", "amend_order", asked_is_told, "an_order_is_amended"),
    ("binance-futures", "amend_order", twice_as_much, "an_order_is_amended"),
    ("coinbase", "query_order", terms_are_kept_back, "an_order_is_amended"),
    ("binance", "amend_order", terms_are_kept_back, "an_order_is_amended"),
    ("binance-futures", "amend_order", what_is_left_counts, "an_amendment_counts_what_has_filled"),
    ("binance-futures", "get_fills_since", value(lambda fills: ()),
     "an_amendment_below_what_has_filled_gives_nothing_back"),
    ("coinbase", "amend_order", taken_although_it_is_over, "an_amendment_below_what_has_filled_gives_nothing_back"),
    ("binance", "amend_order", each_fact(unknown_is_unamended),
     "a_lost_answer_to_an_amendment_is_unknown_and_resolved_by_asking"),
    ("binance-futures", "query_order", terms_are_kept_back,
     "a_lost_answer_to_an_amendment_is_unknown_and_resolved_by_asking"),
    ("binance-futures", "query_order", the_old_terms_prove_it, "a_lost_amendment_is_unknown_until_it_can_come_no_more"),
    ("coinbase", "query_order", doubt_never_ends, "a_lost_amendment_is_unknown_until_it_can_come_no_more"),
    ("binance", "amend_order", each_fact(refused_is_rejected), "an_end_is_not_amended"),
    ("coinbase", "amend_order", taken_although_it_is_over, "an_end_is_not_amended"),
    ("binance", "amend_order", the_price_is_passed_over, "what_cannot_be_amended_stays_as_it_was"),
    ("hyperliquid", "amend_order", asked_is_told, "what_cannot_be_amended_stays_as_it_was"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("venue", "method", "bug", "question"), AMENDING, ids=[f"{v}-{b.__name__}-{q}" for v, _, b, q in AMENDING]
)
def test_a_planted_bug_in_amending_is_found(venue: str, method: str, bug: Bug, question: str) -> None:
    FIRST.clear()

    async def main() -> None:
        examinee = EmulatedExaminee(venue)
        await examinee.gateway.open()
        setattr(examinee.gateway, method, bug(getattr(examinee.gateway, method)))
        try:
            await ask(question, examinee)
        finally:
            await examinee.close()

    with pytest.raises((AssertionError, ValueError)):
        run(main())


def never(method: Method) -> Method:
    async def answer(*given: Any) -> Any:
        return Whole(0)

    return answer


def upside_down(book: OrderBook) -> OrderBook:
    return structs.replace(book, bids=book.bids[::-1])


PLANTED: list[tuple[str, Bug, str]] = [
    ("place_order", each_fact(unknown_is_rejected), "a_lost_answer_is_unknown_and_resolved_by_asking"),
    ("place_order", twice_as_much, "an_order_rests_and_is_cancelled"),
    ("place_order", open_instead_of_reduce, "reducing_never_turns_a_position"),
    ("place_order", takes_although_post_only, "a_post_only_order_never_takes"),
    ("cancel_order", sent_is_cancelled, "a_cancel_that_comes_too_late_says_nothing_of_the_order"),
    ("query_order", not_found_is_rejected, "a_lost_answer_is_unknown_and_resolved_by_asking"),
    ("query_order", each_fact(lambda fact: structs.replace(fact, status=OrderStatus.OPEN)
                              if isinstance(fact, OrderReport) else fact), "what_was_never_sent_is_not_there"),
    ("get_open_orders", value(lambda orders: ()), "an_order_rests_and_is_cancelled"),
    ("get_fills_since", value(lambda fills: (*fills, *fills)), "an_order_that_takes_is_filled"),
    ("get_fills_since", value(lambda fills: fills[::-1]), "fills_are_told_since_a_watermark"),
    ("get_fills_since", value(lambda fills: tuple(structs.replace(f, quantity=f.quantity / 2) for f in fills)),
     "a_cancel_that_comes_too_late_says_nothing_of_the_order"),
    ("get_positions", value(lambda positions: ()), "what_was_bought_is_held"),
    ("get_order_book", value(upside_down), "the_book_is_a_book"),
    ("get_instruments", value(lambda listed: (*listed, *listed)), "instruments_have_rules"),
    ("get_key_permissions", value(lambda may: KeyPermissions(True, True, True)), "the_key_may_trade_and_not_withdraw"),
    ("arm_dead_mans_switch", never, "a_dead_man_cancels"),
    ("cancel_all", value(lambda ids: ()), "everything_is_cancelled"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "bug", "question"), PLANTED, ids=[f"{m}-{q}" for m, _, q in PLANTED])
def test_a_planted_bug_is_found(method: str, bug: Bug, question: str) -> None:
    async def main() -> None:
        examinee = SimulatedExaminee(PERPETUAL)
        setattr(examinee.simulated, method, bug(getattr(examinee.simulated, method)))
        await ask(question, examinee)

    with pytest.raises((AssertionError, ValueError)):
        run(main())


def test_a_silent_stream_is_found() -> None:
    async def main(question: str) -> None:
        examinee = SimulatedExaminee(SPOT)
        stream_of = examinee.simulated.user_stream
        examinee.simulated.user_stream = lambda on_fact: stream_of(  # type: ignore[method-assign]
            lambda fact: None if isinstance(fact, Fill) else on_fact(fact)
        )
        await ask(question, examinee)

    with pytest.raises(AssertionError):
        run(main("our_orders_are_streamed"))
