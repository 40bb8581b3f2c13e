"""Questions about the account: fills, positions, balances, reduce-only, margin, the dead man's switch, the key."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from kedge.model.facts import OrderRejected
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import InstrumentKind
from kedge.model.money import ZERO
from kedge.model.order import OrderType, Side, TimeInForce
from kedge.venues.answers import Failed
from kedge.venues.contract.examinee import Candidate, of, whole
from kedge.venues.gateway import MarginMode, MarginSettings


async def fills_are_told_since_a_watermark(candidate: Candidate) -> None:
    """All from the watermark on, oldest first, each once; nothing from before it."""
    first = await candidate.buy_now()
    await candidate.examinee.pass_time(2)
    watermark = candidate.examinee.clock.now_ns()
    await candidate.examinee.pass_time(2)
    second = await candidate.buy_now()
    everything = whole(await candidate.gateway.get_fills_since(candidate.symbol, candidate.begun))
    assert all(earlier.ts <= later.ts for earlier, later in pairwise(everything))
    assert len({fill.trade_id for fill in everything}) == len(everything)
    later = whole(await candidate.gateway.get_fills_since(candidate.symbol, watermark))
    assert {fill.order_id for fill in later} == {second.id}
    assert {first.id, second.id} <= {fill.order_id for fill in everything}


async def what_was_bought_is_held(candidate: Candidate) -> None:
    """A position on a derivative, a balance on spot: by what the fills say, less a fee taken in what was bought."""
    instrument = await candidate.instrument()
    before = await _held(candidate)
    intent = await candidate.buy_now()
    fills = await candidate.fills(intent.id)
    fees = sum((fill.fee for fill in fills if fill.fee_currency == instrument.base), ZERO)
    expected = intent.quantity - (fees if instrument.kind is InstrumentKind.SPOT else ZERO)
    assert await _held(candidate) - before == expected


async def _held(candidate: Candidate) -> Decimal:
    instrument = await candidate.instrument()
    if instrument.kind is InstrumentKind.SPOT:
        assert whole(await candidate.gateway.get_positions()) == ()
        balance = whole(await candidate.gateway.get_balances()).get(instrument.base)
        return ZERO if balance is None else balance.total
    positions = whole(await candidate.gateway.get_positions())
    return sum((each.quantity for each in positions if each.symbol == candidate.symbol), ZERO)


async def the_account_owns_something(candidate: Candidate) -> None:
    """Balances are never below what is free."""
    balances = whole(await candidate.gateway.get_balances())
    assert balances
    for name, balance in balances.items():
        assert balance.currency == name
        assert balance.free <= balance.total


async def reducing_never_turns_a_position(candidate: Candidate) -> None:
    """A reduce-only order for more than is held closes at most what is held (I10)."""
    candidate.need(candidate.can.reduce_only, "reduce-only orders")
    bought = await candidate.buy_now()
    price = await candidate.through(Side.SELL)
    if OrderType.MARKET in candidate.can.order_types:
        intent = candidate.intent(Side.SELL, bought.quantity * 2, OrderType.MARKET, reduce_only=True)
    else:
        intent = candidate.intent(
            Side.SELL, bought.quantity * 2, price=price, time_in_force=TimeInForce.IOC, reduce_only=True
        )
    await candidate.place(intent)
    assert await _held(candidate) >= ZERO
    if await _held(candidate) > ZERO:
        rest = candidate.intent(Side.SELL, await _held(candidate), OrderType.MARKET, reduce_only=True)
        await candidate.place(rest)
    assert await _held(candidate) == ZERO
    nothing = candidate.intent(Side.SELL, bought.quantity, price=price, reduce_only=True)
    facts = await candidate.place(nothing)
    if not of(OrderRejected, facts):
        await candidate.cancel(nothing.id)
    assert await _held(candidate) == ZERO


async def leverage_is_read_back(candidate: Candidate) -> None:
    """What the venue then has is the answer, for leverage and mode, also when they are set again (H31)."""
    candidate.need(candidate.can.leverage, "leverage that can be set")
    for leverage in (Decimal(3), Decimal(3), Decimal(2)):
        wanted = MarginSettings(candidate.symbol, leverage, MarginMode.CROSS)
        assert whole(await candidate.gateway.set_margin(wanted)) == wanted
        assert whole(await candidate.gateway.get_margin(candidate.symbol)) == wanted


async def what_cannot_be_set_is_said(candidate: Candidate) -> None:
    """A venue without leverage of its own answers so, and sets nothing."""
    candidate.need(not candidate.can.leverage, "fixed leverage")
    wanted = MarginSettings(candidate.symbol, Decimal(3), MarginMode.ISOLATED)
    answer = await candidate.gateway.set_margin(wanted)
    assert isinstance(answer, Failed)
    assert answer.code == "unsupported"


async def a_dead_man_cancels(candidate: Candidate) -> None:
    """Armed and left alone it cancels; armed again in time it does not; disarmed it never does (H45)."""
    candidate.need(candidate.can.dead_mans_switch, "dead man's switch")
    gateway, symbol = candidate.gateway, candidate.symbol
    intent = await candidate.limit()
    await candidate.rest(intent)
    due = whole(await gateway.arm_dead_mans_switch(symbol, 20_000))
    now = candidate.examinee.clock.now_ns()
    assert abs(due - now - 20_000 * NS_PER_MS) < 5_000 * NS_PER_MS
    await candidate.examinee.pass_time(12)
    whole(await gateway.arm_dead_mans_switch(symbol, 20_000))
    await candidate.examinee.pass_time(12)
    assert [each.order_id for each in await candidate.working()] == [intent.id], "it fired although it was armed again"
    await candidate.examinee.pass_time(10)
    assert await candidate.working() == [], "it did not fire"
    another = await candidate.limit()
    await candidate.rest(another)
    whole(await gateway.arm_dead_mans_switch(symbol, 20_000))
    assert whole(await gateway.arm_dead_mans_switch(symbol, 0)) == 0
    await candidate.examinee.pass_time(30)
    assert [each.order_id for each in await candidate.working()] == [another.id], "it fired although it was disarmed"
    await candidate.cancel(another.id)


async def the_key_may_trade_and_not_withdraw(candidate: Candidate) -> None:
    """As far as the venue says what a key may do."""
    permissions = whole(await candidate.gateway.get_key_permissions())
    assert permissions.read is not False
    assert permissions.trade is not False
    assert permissions.withdraw is not True


QUESTIONS = (
    fills_are_told_since_a_watermark,
    what_was_bought_is_held,
    the_account_owns_something,
    reducing_never_turns_a_position,
    leverage_is_read_back,
    what_cannot_be_set_is_said,
    a_dead_man_cancels,
    the_key_may_trade_and_not_withdraw,
)
