"""Questions about orders: an order's whole life, and every way in which an answer can be missing."""

from __future__ import annotations

from msgspec import structs

from kedge.model.facts import CancelRejected, Fill, OrderAccepted, OrderRejected, OrderReport, OutcomeUnknown
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import InstrumentKind
from kedge.model.money import ZERO
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.contract.examinee import Candidate, is_ended, is_unknown, of, whole


async def an_order_rests_and_is_cancelled(candidate: Candidate) -> None:
    """Accepted, listed exactly as it was sent, cancelled by the venue's word, gone."""
    intent = await candidate.limit()
    await candidate.rest(intent)
    (listed,) = await candidate.working()
    assert (listed.order_id, listed.symbol, listed.side) == (intent.id, intent.symbol, intent.side)
    assert (listed.quantity, listed.price, listed.filled) == (intent.quantity, intent.price, ZERO)
    assert listed.exchange_id
    assert (await candidate.learn(intent.id)).status is OrderStatus.OPEN
    facts = await candidate.cancel(intent.id)
    assert not of(CancelRejected, facts), facts
    report = await candidate.ended(intent.id, OrderStatus.CANCELLED)
    assert report.filled == ZERO
    assert await candidate.working() == []


async def every_order_type_is_taken(candidate: Candidate) -> None:
    """Each type that the venue says it has, on the side and at the prices where it must wait."""
    for kind in sorted(candidate.can.order_types):
        if kind is OrderType.MARKET:
            await candidate.buy_now()
            continue
        intent = await _waiting(candidate, kind)
        facts = await candidate.place(intent)
        assert of(OrderAccepted, facts), f"{kind}: {facts}"
        assert [each.order_id for each in await candidate.working()] == [intent.id], f"{kind} is not listed"
        await candidate.cancel(intent.id)
        await candidate.ended(intent.id, OrderStatus.CANCELLED)


async def _waiting(candidate: Candidate, kind: OrderType) -> OrderIntent:
    """An order of `kind` that waits: a stop to sell below the market, a profit to take above it.

    On spot it sells what was bought before; on a perpetual it may open a short.
    """
    if kind is OrderType.LIMIT:
        return await candidate.limit()
    low, high = await candidate.far(Side.BUY), await candidate.far(Side.SELL)
    quantity = await candidate.quantity(low)
    if (await candidate.instrument()).kind is InstrumentKind.SPOT:
        await candidate.buy_now(3)
    instrument = await candidate.instrument()
    if kind is OrderType.TRAILING_STOP:
        return candidate.intent(Side.SELL, quantity, kind, trail=instrument.round_price((high - low) / 10))
    if kind is OrderType.TAKE_PROFIT:  # where nothing triggers a market order, it triggers a limit order
        price = None if OrderType.STOP in candidate.can.order_types else high
        return candidate.intent(Side.SELL, quantity, kind, stop_price=high, price=price)
    price = instrument.round_price(low - low / 100) if kind is OrderType.STOP_LIMIT else None
    return candidate.intent(Side.SELL, quantity, kind, stop_price=low, price=price)


async def what_breaks_a_rule_is_rejected(candidate: Candidate) -> None:
    """Off the grid, or too small: a rejection with a reason, and nothing at the venue."""
    instrument = await candidate.instrument()
    good = await candidate.limit()
    assert good.price is not None, "a limit order has a price"
    bad = [
        structs.replace(good, id=f"{good.id}1", quantity=good.quantity + instrument.lot_size / 10),
        structs.replace(good, id=f"{good.id}2", price=good.price + instrument.tick_size / 10),
    ]
    small = instrument.round_quantity(instrument.min_notional / (good.price * instrument.contract_size) * 9 / 10)
    if small:
        bad.append(structs.replace(good, id=f"{good.id}3", quantity=small))
    for intent in bad:
        facts = await candidate.place(intent)
        (rejected,) = of(OrderRejected, facts)
        assert rejected.reason
    assert await candidate.working() == []


async def an_order_that_takes_is_filled(candidate: Candidate) -> None:
    """Its fills add up to it, each with an id, a price and a fee, in the answer or by asking."""
    intent = await candidate.buy_now()
    fills = await candidate.fills(intent.id)
    assert sum((fill.quantity for fill in fills), ZERO) == intent.quantity
    assert len({fill.trade_id for fill in fills}) == len(fills)
    for fill in fills:
        assert (fill.symbol, fill.side) == (intent.symbol, intent.side)
        assert fill.trade_id
        assert fill.price > ZERO < fill.quantity


async def a_part_that_cannot_fill_ends(candidate: Candidate) -> None:
    """An order for more than is offered, good for a moment: what fills is told, and so is the end of the rest."""
    candidate.need(TimeInForce.IOC in candidate.can.times_in_force, "IOC")
    book, instrument = await candidate.book(), await candidate.instrument()
    price, size = book.asks[0]
    least = await candidate.quantity(price)
    intent = candidate.intent(
        Side.BUY, max(least, instrument.round_quantity(size + least)), price=price, time_in_force=TimeInForce.IOC
    )
    await candidate.place(intent)
    report = await candidate.learn(intent.id)
    assert report.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FILLED}, report
    filled = sum((fill.quantity for fill in await candidate.fills(intent.id)), ZERO)
    assert filled == report.filled
    assert (filled == intent.quantity) is (report.status is OrderStatus.FILLED)
    assert await candidate.working() == []


async def nothing_to_take_ends_at_once(candidate: Candidate) -> None:
    """Fill or kill, far from the market: never works, never fills."""
    candidate.need(TimeInForce.FOK in candidate.can.times_in_force, "FOK")
    intent = await candidate.limit(time_in_force=TimeInForce.FOK)
    facts = await candidate.place(intent)
    assert not of(Fill, facts)
    if not is_ended(facts):
        report = await candidate.learn(intent.id)
        assert report.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
    assert await candidate.working() == []


async def a_post_only_order_never_takes(candidate: Candidate) -> None:
    """Where it would, it is rejected or ends; it never fills at once."""
    candidate.need(candidate.can.post_only, "post-only orders")
    price = await candidate.through(Side.BUY)
    intent = await candidate.limit(price=price, post_only=True)
    facts = await candidate.place(intent)
    assert not of(Fill, facts)
    if not of(OrderRejected, facts):
        report = await candidate.learn(intent.id)
        assert report.filled == ZERO
        assert report.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
    rests = await candidate.limit(post_only=True)
    await candidate.rest(rests)
    await candidate.cancel(rests.id)


async def an_order_with_a_date_ends_on_it(candidate: Candidate) -> None:
    """Good till a date: it works until then, and not after."""
    candidate.need(TimeInForce.GTD in candidate.can.times_in_force, "GTD")
    expires = candidate.examinee.clock.now_ns() + 700 * NS_PER_S  # the shortest that every venue takes is 600 s
    intent = await candidate.limit(time_in_force=TimeInForce.GTD, expires_ns=expires)
    await candidate.rest(intent)
    await candidate.examinee.pass_time(600)
    assert [each.order_id for each in await candidate.working()] == [intent.id]
    await candidate.examinee.pass_time(160)
    report = await candidate.learn(intent.id)
    assert report.status in {OrderStatus.EXPIRED, OrderStatus.CANCELLED}, report


async def a_cancel_that_comes_too_late_says_nothing_of_the_order(candidate: Candidate) -> None:
    """The market took it first: the cancel is refused or unanswered, and asking says that it is filled (H13)."""
    price = await candidate.far(Side.BUY, "0.02")
    intent = await candidate.limit(price=price)
    await candidate.rest(intent)
    await candidate.examinee.trade_at(price - (await candidate.instrument()).tick_size * 10)
    facts = await candidate.cancel(intent.id)
    assert not is_ended(facts), f"a filled order was cancelled: {facts}"
    report = await candidate.ended(intent.id, OrderStatus.FILLED)
    assert report.filled == intent.quantity
    assert sum((fill.quantity for fill in await candidate.fills(intent.id)), ZERO) == intent.quantity


async def a_cancel_is_not_taken_twice(candidate: Candidate) -> None:
    """Cancelling what is over is refused or known to be over; it stays cancelled."""
    intent = await candidate.limit()
    await candidate.rest(intent)
    await candidate.cancel(intent.id)
    await candidate.ended(intent.id, OrderStatus.CANCELLED)
    await candidate.cancel(intent.id)
    assert (await candidate.learn(intent.id)).status is OrderStatus.CANCELLED


async def what_was_never_sent_is_not_there(candidate: Candidate) -> None:
    """An id that nobody used: at first perhaps unknown, in the end rejected, never working."""
    for fact in await candidate.cancel("nobody-1-1"):
        assert isinstance(fact, CancelRejected | OutcomeUnknown), fact
    for fact in await candidate.query("nobody-1-1"):
        assert isinstance(fact, OutcomeUnknown | OrderRejected | OrderReport), fact
        assert not isinstance(fact, OrderReport) or fact.status in {None, OrderStatus.REJECTED}, fact


async def a_lost_answer_is_unknown_and_resolved_by_asking(candidate: Candidate) -> None:
    """The order works, nobody told us: unknown, until the venue says that it is open; there is one of it (H1, H3).

    Where a placing may be repeated safely the gateway may have done so, and know.
    """
    candidate.need(candidate.can.query_by_client_id or candidate.can.idempotent_place, "safe way to ask")
    intent = await candidate.limit()
    await candidate.examinee.lose_answer()
    facts = await candidate.place(intent)
    assert is_unknown(facts) or candidate.can.idempotent_place, f"without an answer: {facts}"
    assert not is_ended(facts)
    report = await candidate.learn(intent.id)
    assert report.status is OrderStatus.OPEN, report
    assert [each.order_id for each in await candidate.working()] == [intent.id]
    await candidate.cancel(intent.id)
    await candidate.ended(intent.id, OrderStatus.CANCELLED)


async def a_lost_request_is_unknown_and_in_the_end_rejected(candidate: Candidate) -> None:
    """The order never arrived: unknown, until it is certain that it never will; nothing works.

    Where a placing may be repeated safely, the way to ask is to place it again: then it is open, once.
    """
    intent = await candidate.limit()
    await candidate.examinee.lose_request()
    facts = await candidate.place(intent)
    assert is_unknown(facts) or candidate.can.idempotent_place, f"without an answer: {facts}"
    report = await candidate.learn(intent.id)
    open_now = [each.order_id for each in await candidate.working()]
    if report.status is OrderStatus.OPEN:
        candidate.need(candidate.can.idempotent_place, "reason for an order that was lost to be open")
        assert open_now == [intent.id]
        await candidate.cancel(intent.id)
    else:
        assert report.status is OrderStatus.REJECTED, report
        assert open_now == []


async def a_lost_answer_to_a_cancel_is_unknown(candidate: Candidate) -> None:
    """The order is over, nobody told us: asking says so."""
    intent = await candidate.limit()
    await candidate.rest(intent)
    await candidate.examinee.lose_answer()
    facts = await candidate.cancel(intent.id)
    assert not of(CancelRejected, facts), "a cancel that was lost is not a refusal"
    assert is_unknown(facts) or not facts
    await candidate.ended(intent.id, OrderStatus.CANCELLED)


async def an_order_sent_twice_works_once(candidate: Candidate) -> None:
    """The same id again, while it works: refused or answered like the first time, never a second order (H8)."""
    intent = await candidate.limit()
    await candidate.rest(intent)
    again = await candidate.gateway.place_order(candidate.examinee.approve(intent, intent.price or ZERO))
    assert not of(Fill, again)
    assert [each.order_id for each in await candidate.working()] == [intent.id]
    await candidate.cancel(intent.id)
    await candidate.ended(intent.id, OrderStatus.CANCELLED)


async def everything_is_cancelled(candidate: Candidate) -> None:
    """Cancel all: every order of ours on the symbol, and it says which."""
    intents = [await candidate.limit(side) for side in (Side.BUY, Side.BUY)]
    for intent in intents:
        await candidate.rest(intent)
    concerned = whole(await candidate.gateway.cancel_all(candidate.symbol))
    assert {intent.id for intent in intents} <= set(concerned)
    for intent in intents:
        await candidate.ended(intent.id, OrderStatus.CANCELLED)
    assert await candidate.working() == []
    assert whole(await candidate.gateway.cancel_all(candidate.symbol)) == ()


async def an_order_is_replaced(candidate: Candidate) -> None:
    """A new price in the place of the old one: at the end exactly one order works, and it is the new one."""
    candidate.need(candidate.can.replace, "replacing")
    old = await candidate.limit()
    await candidate.rest(old)
    new = await candidate.limit(price=await candidate.far(Side.BUY, "0.12"))
    await candidate.gateway.replace_order(old.id, candidate.examinee.approve(new, new.price or ZERO))
    await candidate.examinee.pass_time(1)
    (listed,) = await candidate.working()
    assert listed.price == new.price
    assert listed.order_id == new.id
    await candidate.cancel(new.id)
    await candidate.ended(new.id, OrderStatus.CANCELLED)


QUESTIONS = (
    an_order_rests_and_is_cancelled,
    every_order_type_is_taken,
    what_breaks_a_rule_is_rejected,
    an_order_that_takes_is_filled,
    a_part_that_cannot_fill_ends,
    nothing_to_take_ends_at_once,
    a_post_only_order_never_takes,
    an_order_with_a_date_ends_on_it,
    a_cancel_that_comes_too_late_says_nothing_of_the_order,
    a_cancel_is_not_taken_twice,
    what_was_never_sent_is_not_there,
    a_lost_answer_is_unknown_and_resolved_by_asking,
    a_lost_request_is_unknown_and_in_the_end_rejected,
    a_lost_answer_to_a_cancel_is_unknown,
    an_order_sent_twice_works_once,
    everything_is_cancelled,
    an_order_is_replaced,
)
