"""The checks: one limit, one small pure function, each run on every order.

A check takes the assessment of an order and the limit it is held against, and answers with the figure it looked at:
approvals are journaled with the same figures as refusals. Where the figure is not inside the limit, or there is more
to say than a figure, the answer is a `Finding`. Comparisons are written as "must be inside", so that a NaN fails
them. `bind` lays the limits of one symbol beside their checks once; a limit that is not set has no check to run, and
the manifest of the session says so.

No check refuses an order that strictly reduces exposure: `RiskManager` waives a failure of such an order and
journals the waiver. What stands here is therefore about orders that may increase it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from kedge.core.risk.assessment import Assessment
from kedge.core.risk.crossing import self_trade, stop_trade
from kedge.core.risk.finding import Answer, Finding, outside, short
from kedge.model.decisions import HaltState
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument, InstrumentStatus
from kedge.model.limits import RiskConfig, SymbolLimits
from kedge.model.money import ONE, TEN_THOUSAND, ZERO, canonical
from kedge.model.order import LIMIT, OrderType, TimeInForce

#: An order's assessment and what it is held against.
Check = Callable[[Assessment, Any], Answer]

_OPEN: Final = InstrumentStatus.OPEN
_RUNNING: Final = HaltState.RUNNING
_TRAILING_STOP: Final = OrderType.TRAILING_STOP
_GTD: Final = TimeInForce.GTD


def instrument(a: Assessment, listed: Instrument | None) -> Answer:
    """The instrument is on the list of the session and the venue takes orders for it (C13)."""
    if listed is None:
        return outside(ZERO, f"{a.intent.symbol} is not among the session's instruments")
    if listed.status is not _OPEN:
        return outside(ZERO, f"{listed.symbol} is {listed.status}")
    return ZERO


def values(a: Assessment, listed: Instrument | None) -> Answer:
    """Quantity and prices are finite and above zero, and the type has the prices it needs (H32)."""
    return outside(ZERO, a.flaw) if a.flaw else a.quantity


def flaw(intent: Any, now: int) -> str:
    """What makes an order impossible by itself; empty where nothing does."""
    quantity = intent.quantity
    if not (quantity.is_finite() and quantity > ZERO):
        return f"quantity is {quantity}; it must be finite and above zero"
    kind, price, stop, trail = intent.order_type, intent.price, intent.stop_price, intent.trail
    if price is not None and not (price.is_finite() and price > ZERO):
        return f"price is {price}; it must be finite and above zero"
    if stop is not None and not (stop.is_finite() and stop > ZERO):
        return f"stop_price is {stop}; it must be finite and above zero"
    if trail is not None and not (trail.is_finite() and trail > ZERO):
        return f"trail is {trail}; it must be finite and above zero"
    if price is None and kind in _NEED_PRICE:
        return f"a {kind} order needs a price"
    if stop is None and kind in _NEED_STOP:
        return f"a {kind} order needs a stop price"
    if trail is None and kind is _TRAILING_STOP:
        return f"a {kind} order needs a trail"
    if intent.time_in_force is _GTD and not intent.expires_ns > now:
        return "GTD must end in the future"
    if intent.post_only and kind is not LIMIT:
        return f"post-only is for limit orders, this is {kind}"
    return ""


_NEED_PRICE = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_NEED_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT})


def halt(a: Assessment, bound: object) -> Answer:
    """The system is running: in every other halt state only exits go (C15, H48)."""
    state = a.state.halt
    return ZERO if state is _RUNNING else outside(ZERO, f"the system is {state}")


def symbol_trust(a: Assessment, bound: object) -> Answer:
    """Nothing on this symbol is in doubt: no incident, no order with an unknown outcome, no stale or broken
    stream.
    """
    symbol = a.intent.symbol
    blocked = a.state.blocked
    causes = blocked and (blocked.get(symbol) or blocked.get(""))
    if causes:
        cause, reason = next(iter(causes.items()))
        return outside(ZERO, f"{cause}: {reason}")
    if a.unknown:
        return outside(ZERO, "an order's outcome is unknown")
    doubt = a.state.market.distrust(symbol, a.now)
    return outside(ZERO, doubt) if doubt else ZERO


def strategy_enabled(a: Assessment, bound: object) -> Answer:
    """The strategy has not been disabled."""
    disabled = a.state.disabled
    reason = disabled.get(a.intent.strategy) if disabled else None
    return ZERO if reason is None else outside(ZERO, reason)


def clock(a: Assessment, bound: int) -> Answer:
    """Our clock agrees with the venue's (C37, H38)."""
    offset = a.state.clock_offset_ns
    if not offset:
        return ZERO
    offset = abs(offset) // NS_PER_MS
    return Decimal(offset) if offset <= bound else outside(Decimal(offset))


def reference_price(a: Assessment, bound: int | None) -> Answer:
    """There is a reference price, and it is fresh; a stale one counts as none (C4)."""
    reference = a.reference
    if reference is None or not reference > ZERO:
        return outside(ZERO, f"no price of {a.intent.symbol} is known")
    if bound is None:
        return reference
    age = a.reference_age_ns // NS_PER_MS
    return Decimal(age) if age <= bound else outside(Decimal(age), f"the price {reference} is {age} ms old")


def price_collar(a: Assessment, bound: Decimal) -> Answer:
    """Limit and stop prices are within the collar around the reference (C4)."""
    reference = a.reference
    if reference is None or not reference > ZERO:
        return outside(ZERO, "there is no reference")
    price, stop = a.intent.price, a.intent.stop_price
    away = ZERO if price is None else abs(price - reference)
    if stop is not None:
        away = max(away, abs(stop - reference))
    if not away:
        return ZERO
    figure = away * TEN_THOUSAND / reference
    return figure if figure <= bound else outside(figure)


def tick(a: Assessment, listed: Instrument) -> Answer:
    """Every price is on the instrument's tick."""
    size, price, stop = listed.tick_size, a.intent.price, a.intent.stop_price
    if price is not None and price % size:
        return outside(price, "price is off the tick")
    if stop is not None and stop % size:
        return outside(stop, "stop price is off the tick")
    return price or ZERO


def lot(a: Assessment, listed: Instrument) -> Answer:
    """The quantity is on the lot and within the instrument's least and greatest."""
    quantity = a.quantity
    if quantity % listed.lot_size:
        return outside(quantity, "quantity is off the lot")
    if quantity < listed.min_quantity:
        return outside(quantity, f"quantity is below the instrument's least, {listed.min_quantity}")
    if listed.max_quantity is not None and quantity > listed.max_quantity:
        return outside(quantity, f"quantity is above the instrument's greatest, {listed.max_quantity}")
    return quantity


def min_notional(a: Assessment, listed: Instrument) -> Answer:
    """The order is worth at least what the venue asks; valued at the price it is likely to have, not the
    worst.
    """
    value = listed.notional(a.quantity, a.intent.price or a.intent.stop_price or a.reference or ZERO)
    return value if value >= listed.min_notional else outside(value)


def order_quantity(a: Assessment, bound: Decimal) -> Answer:
    """The quantity of one order (C2)."""
    return a.quantity if a.quantity <= bound else outside(a.quantity)


def order_notional(a: Assessment, bound: Decimal) -> Answer:
    """The value of one order at the worst price it can reach (C3)."""
    return a.notional if ZERO < a.notional <= bound else outside(a.notional)


def order_rate(a: Assessment, bound: int) -> Answer:
    """Orders sent in the last second (C8)."""
    sent = a.state.orders.sent_within(a.now) + 1
    return Decimal(sent) if sent <= bound else outside(Decimal(sent))


def orders_per_day(a: Assessment, bound: int) -> Answer:
    """Orders sent in this UTC day (C8)."""
    sent = a.state.orders.sent_on_day(a.now) + 1
    return Decimal(sent) if sent <= bound else outside(Decimal(sent))


def duplicate(a: Assessment, bound: int) -> Answer:
    """The same wish was not sent within the window (C10)."""
    last = a.state.orders.wishes.last_sent(a.intent, a.now - bound * NS_PER_MS)
    return ZERO if last is None else outside(Decimal((a.now - last) // NS_PER_MS), "sent already")


def open_orders(a: Assessment, bound: int) -> Answer:
    """Orders in flight with this one, unknown ones included."""
    count = a.open_count + 1
    return Decimal(count) if count <= bound else outside(Decimal(count))


def _beyond(a: Assessment, figure: Decimal, note: str = "") -> Finding:
    """Beyond the bound, which passes where it is no worse than without this order: a limit that prices broke must
    not lock a turn.
    """
    if not a.adds:
        return Finding(True, figure, "the worst case is no worse than without this order")
    return Finding(False, figure, note)


def position_quantity(a: Assessment, bound: Decimal) -> Answer:
    """The worst position this order and all that works can lead to (C5)."""
    return a.worst_after if a.worst_after <= bound else _beyond(a, a.worst_after)


def position_notional(a: Assessment, bound: Decimal) -> Answer:
    """The value of that worst position (C5)."""
    return a.worst_value if a.worst_value <= bound else _beyond(a, a.worst_value)


def gross_exposure(a: Assessment, bound: Decimal) -> Answer:
    """The worst gross exposure of the account (C5)."""
    figure = a.gross_after()
    return figure if figure <= bound else _beyond(a, figure)


def net_exposure(a: Assessment, bound: Decimal) -> Answer:
    """The worst net exposure of the account, to the side of this order (C5)."""
    figure = a.net_after()
    return figure if figure <= bound else outside(figure)


def leverage(a: Assessment, bound: Decimal) -> Answer:
    """The worst gross exposure over equity (C6)."""
    equity = a.account_equity()
    if not equity > ZERO:
        return outside(equity, "there is no equity")
    figure = a.gross_after() / equity
    return figure if figure <= bound else _beyond(a, figure)


def margin(a: Assessment, listed: Instrument) -> Answer:
    """What is left of equity after the initial margin of the worst case at the instrument's leverage and this
    order's fee is not below zero (C6).
    """
    equity = a.account_equity()
    needed = a.gross_after() if listed.max_leverage is ONE else a.gross_after() / listed.max_leverage
    if listed.taker_fee > ZERO:
        needed += a.notional * listed.taker_fee
    left = equity - needed
    return left if left >= ZERO else _beyond(a, left, f"it needs {short(needed)} of {short(equity)}")


def shorting(a: Assessment, listed: Instrument) -> Answer:
    """Only what is held is sold, where the instrument cannot be short."""
    if a.buying or a.intent.reduce_only:
        return ZERO
    left = a.position - a.working_sell - a.same_side_reducing - a.quantity
    return left if left >= ZERO else outside(left, "more is sold than is held")


def price_band(a: Assessment, held: tuple[Decimal, int]) -> Answer:
    """Prices are within the band around the references of the window's earlier orders (C4)."""
    band = a.state.bands.get(a.intent.symbol)
    span = None if band is None else band.span(a.now, held[1])
    if span is None or a.reference is None:
        return ZERO
    low, high = span
    asked = [each for each in (a.intent.price, a.intent.stop_price) if each is not None] or [a.reference]
    figure = max(max((each - low) / low, (high - each) / high) for each in asked) * TEN_THOUSAND
    return figure if figure <= held[0] else outside(figure, f"orders of the window were judged at {low} to {high}")


def reduce_only(a: Assessment, bound: object) -> Answer:
    """A reduce-only order is opposite to the position and no larger than what others leave of it (C14,
    I10).
    """
    if not a.intent.reduce_only:
        return ZERO
    room = a.room()
    return a.quantity if ZERO < a.quantity <= room else outside(a.quantity, f"{max(room, ZERO)} is left to reduce")


def strategy_exposure(a: Assessment, bound: Decimal) -> Answer:
    """The strategy's own worst gross exposure is within its budget."""
    figure = a.strategy_gross_after()
    return figure if figure <= bound else outside(figure)


def strategy_loss(a: Assessment, bound: Decimal) -> Answer:
    """The strategy has not lost more than it may."""
    loss = -a.state.portfolio.strategy_profit(a.intent.strategy, a.state.market.last_price)
    return loss if loss < bound else outside(loss)


def daily_loss(a: Assessment, bound: Decimal) -> Answer:
    """The account has not lost more than it may in this UTC day (C7)."""
    loss = a.state.performance.daily_loss
    return loss if loss < bound else outside(loss)


def drawdown(a: Assessment, bound: Decimal) -> Answer:
    """Equity has not fallen further from its highest than it may."""
    figure = a.state.performance.drawdown
    return figure if figure < bound else outside(figure)


#: Checks that always run, held against the instrument or nothing.
_ALWAYS: tuple[Check, ...] = (instrument, values, halt, symbol_trust, strategy_enabled, reduce_only)

#: Checks of a limit, and the limit's name.
_LIMITED: tuple[tuple[Check, str], ...] = (
    (price_collar, "price_collar_bps_max"),
    (order_quantity, "order_quantity_max"),
    (order_notional, "order_notional_max"),
    (order_rate, "orders_per_second_max"),
    (orders_per_day, "orders_per_day_max"),
    (duplicate, "duplicate_window_ms_max"),
    (open_orders, "orders_open_max"),
    (position_quantity, "position_quantity_max"),
    (position_notional, "position_notional_max"),
    (gross_exposure, "gross_exposure_max"),
    (net_exposure, "net_exposure_max"),
    (leverage, "leverage_max"),
    (strategy_exposure, "strategy_exposure_max"),
    (strategy_loss, "strategy_loss_max"),
    (daily_loss, "daily_loss_max"),
    (drawdown, "drawdown_ratio_max"),
    (clock, "clock_offset_ms_max"),
)


class Bound(NamedTuple):
    """One check laid beside what it is held against, and the limit as the journal names it: a number as text, or
    nothing.
    """

    check: Check
    held: Any
    limit: str


def bind(symbol: str, listed: Instrument | None, limits: RiskConfig) -> tuple[Bound, ...]:
    """Every check that orders on `symbol` must pass, each beside what it is held against."""
    collar = limits.for_symbol(symbol, "price_collar_bps_max")
    age = limits.reference_age_ms_max
    bound = [Bound(check, listed, "") for check in _ALWAYS]
    bound.append(Bound(reference_price, age, "" if age is None else str(age)))
    bound += [Bound(self_trade, collar, ""), Bound(stop_trade, collar, "")]
    if limits.price_band_bps_max is not None:
        band = limits.price_band_bps_max, limits.price_band_window_ms * NS_PER_MS
        bound.append(Bound(price_band, band, canonical(band[0])))
    if listed is not None:
        bound += [Bound(tick, listed, canonical(listed.tick_size)), Bound(lot, listed, canonical(listed.lot_size))]
        bound.append(Bound(margin, listed, "0"))
        if listed.min_notional:
            bound.append(Bound(min_notional, listed, canonical(listed.min_notional)))
        if not listed.shortable:
            bound.append(Bound(shorting, listed, "0"))
    for check, name in _LIMITED:
        own = name in SymbolLimits.__struct_fields__
        limit = limits.for_symbol(symbol, name) if own else getattr(limits, name)
        if limit is not None:
            bound.append(Bound(check, limit, canonical(limit) if isinstance(limit, Decimal) else str(limit)))
    return tuple(bound)
