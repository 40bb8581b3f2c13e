"""Questions about amending: an order gets other terms and stays the same order, or stays as it was."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec import structs

from kedge.model.facts import (
    AmendRejected,
    Fill,
    OrderAccepted,
    OrderAmended,
    OrderRejected,
    OrderReport,
    VenueFact,
)
from kedge.model.money import ZERO
from kedge.model.order import OrderIntent, OrderStatus, Side
from kedge.venues.contract.examinee import BETWEEN_S, QUESTIONS_MAX, Candidate, is_ended, is_unknown, of
from kedge.venues.gateway import Amending, OpenOrder

#: Longer than any request can be under way and still take effect.
REQUEST_DEAD_S = 150


async def an_order_is_amended(candidate: Candidate) -> None:
    """Other terms under the same id: one order works, on them, and fills on them; they are told."""
    candidate.need(candidate.can.amend is not Amending.NONE, "amending")
    intent, wanted = await _resting(candidate)
    facts = await _amend(candidate, wanted)
    await candidate.examinee.pass_time(1)
    told = [*facts, *await _learn(candidate, intent.id)]
    assert _terms(told)[-1:] == [(wanted.quantity, wanted.price)], f"the new terms are not told: {told}"
    assert not is_ended(told), told
    _works_on(await candidate.working(), wanted)
    assert wanted.price is not None, "it is a limit order"
    await candidate.examinee.trade_at(wanted.price - (await candidate.instrument()).tick_size * 10)
    report = await candidate.ended(intent.id, OrderStatus.FILLED)
    fills = await candidate.fills(intent.id)
    assert report.filled == wanted.quantity == sum((fill.quantity for fill in fills), ZERO)
    assert all(fill.price <= wanted.price for fill in fills), fills


async def an_amendment_counts_what_has_filled(candidate: Candidate) -> None:
    """The quantity is the whole order's: what has filled is a part of it."""
    intent = await _partly_filled(candidate)
    least = await candidate.quantity(intent.price or ZERO, 1)
    wanted = structs.replace(intent, quantity=intent.quantity - least)
    facts = await _amend(candidate, wanted)
    assert not of(AmendRejected, facts), facts
    await candidate.examinee.pass_time(0.1)
    report = of(OrderReport, await _learn(candidate, intent.id))[-1]
    if report.status is OrderStatus.PARTIAL:  # the market may have taken the rest by now
        (listed,) = await candidate.working()
        assert (listed.order_id, listed.quantity) == (intent.id, wanted.quantity), listed
        await candidate.cancel(intent.id)
    report = await _over(candidate, intent.id)
    filled = sum((fill.quantity for fill in await candidate.fills(intent.id)), ZERO)
    assert ZERO < filled == report.filled <= wanted.quantity, f"{filled} filled of {wanted.quantity}: {report}"


async def an_amendment_below_what_has_filled_gives_nothing_back(candidate: Candidate) -> None:
    """Less than has filled: refused, and it works as before, or its end; what has filled stays filled."""
    intent = await _partly_filled(candidate)
    before = sum((fill.quantity for fill in await candidate.fills(intent.id)), ZERO)
    half = (await candidate.instrument()).round_quantity(before / 2)
    facts = await _amend(candidate, structs.replace(intent, quantity=half))
    assert of(AmendRejected, facts) or is_ended(facts), f"neither refused nor ended: {facts}"
    await candidate.examinee.pass_time(0.1)
    if not is_ended(facts):
        for listed in await candidate.working():
            assert listed.quantity == intent.quantity, "it was refused"
        await candidate.cancel(intent.id)
    report = await _over(candidate, intent.id)
    filled = sum((fill.quantity for fill in await candidate.fills(intent.id)), ZERO)
    assert before <= filled == report.filled


async def a_lost_answer_to_an_amendment_is_unknown_and_resolved_by_asking(candidate: Candidate) -> None:
    """The order works on its new terms, nobody told us: unknown, until asking tells both (H1)."""
    candidate.need(candidate.can.amend is not Amending.NONE, "amending")
    intent, wanted = await _resting(candidate)
    await candidate.examinee.lose_answer()
    facts = await _amend(candidate, wanted)
    assert is_unknown(facts), f"without an answer: {facts}"
    assert not of(AmendRejected, facts), facts
    told = await _learn(candidate, intent.id)
    assert _terms(told) == [(wanted.quantity, wanted.price)], f"the new terms are not told: {told}"
    assert of(OrderReport, told)[-1].status is OrderStatus.OPEN
    _works_on(await candidate.working(), wanted)
    await _end(candidate, intent.id)


async def a_lost_amendment_is_unknown_until_it_can_come_no_more(candidate: Candidate) -> None:
    """The request never arrived: the old terms prove nothing as long as it may; then it is refused, and nothing changed."""
    candidate.need(candidate.can.amend is not Amending.NONE, "amending")
    intent, wanted = await _resting(candidate)
    await candidate.examinee.lose_request()
    facts = await _amend(candidate, wanted)
    assert is_unknown(facts), f"without an answer: {facts}"
    told = await candidate.query(intent.id)
    assert is_unknown(told), f"known although it may still come: {told}"
    assert not of(AmendRejected, told), told
    await candidate.examinee.pass_time(REQUEST_DEAD_S)
    told = await _learn(candidate, intent.id)
    assert of(AmendRejected, told), f"nobody says that it never took effect: {told}"
    assert of(OrderReport, told)[-1].status is OrderStatus.OPEN
    assert not _terms(told), told
    _works_on(await candidate.working(), intent)
    await _end(candidate, intent.id)


async def an_end_is_not_amended(candidate: Candidate) -> None:
    """Amending what is over is refused; it stays over, and nothing works."""
    candidate.need(candidate.can.amend is not Amending.NONE, "amending")
    intent, wanted = await _resting(candidate)
    await _end(candidate, intent.id)
    facts = await _amend(candidate, wanted)
    assert of(AmendRejected, facts), facts
    assert not is_unknown(facts), facts
    assert (await candidate.learn(intent.id)).status is OrderStatus.CANCELLED
    assert await candidate.working() == []


async def what_cannot_be_amended_stays_as_it_was(candidate: Candidate) -> None:
    """Terms that the venue cannot give, or that the order has: refused or without effect, and the order works as before."""
    intent, wanted = await _resting(candidate)
    other = intent.price or ZERO
    tick = (await candidate.instrument()).tick_size
    beyond = [intent]
    if candidate.can.amend is Amending.SMALLER:
        beyond += [
            structs.replace(wanted, price=other - tick * 100),
            structs.replace(intent, quantity=intent.quantity + wanted.quantity),
        ]
    elif candidate.can.amend is Amending.NONE:
        beyond.append(wanted)
    for terms in beyond:
        facts = await _amend(candidate, terms)
        assert not is_ended(facts), facts
        assert terms == intent or of(AmendRejected, facts), f"not refused: {facts}"
        await candidate.examinee.pass_time(1)
        _works_on(await candidate.working(), intent)
    nobody = structs.replace(wanted, id="nobody-1-1")
    assert of(AmendRejected, await candidate.gateway.amend_order(candidate.examinee.approve(nobody, other)))
    await _end(candidate, intent.id)


async def _resting(candidate: Candidate) -> tuple[OrderIntent, OrderIntent]:
    """An order that rests within reach of the market, and the same on other terms that the venue can give it."""
    price = await candidate.far(Side.BUY, "0.03")
    intent = await candidate.limit(price=price, quantity=await candidate.quantity(price, 6))
    await candidate.rest(intent)
    wanted = structs.replace(intent, quantity=await candidate.quantity(price, 3))
    if candidate.can.amend is not Amending.SMALLER:
        wanted = structs.replace(wanted, price=await candidate.far(Side.BUY, "0.02"))
    return intent, wanted


async def _partly_filled(candidate: Candidate) -> OrderIntent:
    """An order that took all that was offered at the best price, and whose rest works."""
    candidate.need(candidate.can.amend is not Amending.NONE, "amending")
    book, instrument = await candidate.book(), await candidate.instrument()
    price, size = book.asks[0]
    rest = await candidate.quantity(price, 6)
    intent = candidate.intent(Side.BUY, instrument.round_quantity(size) + rest, price=price)
    facts = await candidate.place(intent)
    assert of(OrderAccepted, facts), facts
    return intent


async def _amend(candidate: Candidate, intent: OrderIntent) -> list[VenueFact]:
    """Ask for these terms; every fact is about the order, and none says that it was rejected."""
    facts = list(await candidate.gateway.amend_order(candidate.examinee.approve(intent, intent.price or ZERO)))
    assert all(getattr(fact, "order_id", None) == intent.id for fact in facts), facts
    assert not of(OrderRejected, facts), f"an order that lives was rejected: {facts}"
    return facts


async def _learn(candidate: Candidate, order_id: str) -> list[VenueFact]:
    """All that is told until the venue says what the order is, within a bound."""
    told: list[VenueFact] = []
    for _ in range(QUESTIONS_MAX):
        facts = await candidate.query(order_id)
        told += [fact for fact in facts if not isinstance(fact, Fill)]
        if any(report.status is not None for report in of(OrderReport, facts)):
            return told
        await candidate.examinee.pass_time(BETWEEN_S)
    raise AssertionError(f"{order_id} is still unknown after {QUESTIONS_MAX} questions: {told}")


async def _end(candidate: Candidate, order_id: str) -> None:
    await candidate.cancel(order_id)
    await candidate.ended(order_id, OrderStatus.CANCELLED)


async def _over(candidate: Candidate, order_id: str) -> OrderReport:
    """Wait until the order is over, cancelled or filled."""
    for _ in range(QUESTIONS_MAX):
        report = await candidate.learn(order_id)
        if report.status is not None and report.status.is_terminal:
            return report
        await candidate.examinee.pass_time(1)
    raise AssertionError(f"{order_id} is not over after {QUESTIONS_MAX} questions")


def _terms(facts: Iterable[VenueFact]) -> list[tuple[Decimal, Decimal | None]]:
    return [(each.quantity, each.price) for each in of(OrderAmended, facts)]


def _works_on(working: list[OpenOrder], wanted: OrderIntent) -> None:
    found = [(each.order_id, each.quantity, each.price) for each in working]
    assert found == [(wanted.id, wanted.quantity, wanted.price)], f"not one order on {wanted}: {found}"


QUESTIONS = (
    an_order_is_amended,
    an_amendment_counts_what_has_filled,
    an_amendment_below_what_has_filled_gives_nothing_back,
    a_lost_answer_to_an_amendment_is_unknown_and_resolved_by_asking,
    a_lost_amendment_is_unknown_until_it_can_come_no_more,
    an_end_is_not_amended,
    what_cannot_be_amended_stays_as_it_was,
)
