"""The checks: one limit, one small pure function, each run on every order.

A check takes the assessment of an order and the limit it is held against, and answers with its name, whether
the order passes, the figure it looked at and the limit: approvals are journaled with the same figures as
refusals. Comparisons are written as "must be inside", so that a NaN fails them. `bind` lays the limits of one
symbol beside their checks once; a limit that is not set has no check to run, and the manifest of the session
says so.

No check refuses an order that strictly reduces exposure: `RiskManager` waives a failure of such an order and
journals the waiver. What stands here is therefore about orders that may increase it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from kedge.core.orders.inflight import fingerprint
from kedge.core.risk.assessment import Assessment
from kedge.model.decisions import CheckResult, HaltState
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument, InstrumentStatus
from kedge.model.limits import RiskConfig, SymbolLimits
from kedge.model.money import ONE, TEN_THOUSAND, ZERO
from kedge.model.order import OrderType, TimeInForce

#: An order's assessment and what it is held against.
Check = Callable[[Assessment, Any], CheckResult]


@lru_cache(maxsize=4096)
def _whole(number: int) -> Decimal:
    return Decimal(number)


def instrument(a: Assessment, listed: Instrument | None) -> CheckResult:
    """The instrument is on the list of the session and the venue takes orders for it (C13)."""
    if listed is None:
        note = f"{a.intent.symbol} is not among the session's instruments"
        return CheckResult("instrument", False, ZERO, None, note)
    if listed.status is not InstrumentStatus.OPEN:
        return CheckResult("instrument", False, ZERO, None, f"{listed.symbol} is {listed.status}")
    return _INSTRUMENT_OK


_INSTRUMENT_OK = CheckResult("instrument", True)


def values(a: Assessment, listed: Instrument | None) -> CheckResult:
    """Quantity and prices are finite and above zero, and the type has the prices it needs (H32)."""
    return CheckResult("values", False, ZERO, None, a.flaw) if a.flaw else CheckResult("values", True, a.quantity)


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
    if trail is None and kind is OrderType.TRAILING_STOP:
        return f"a {kind} order needs a trail"
    if intent.time_in_force is TimeInForce.GTD and not intent.expires_ns > now:
        return "GTD must end in the future"
    if intent.post_only and kind is not OrderType.LIMIT:
        return f"post-only is for limit orders, this is {kind}"
    return ""


_NEED_PRICE = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_NEED_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT})


def halt(a: Assessment, bound: None) -> CheckResult:
    """The system is running: in every other halt state only exits go (C15, H48)."""
    state = a.state.halt
    if state is HaltState.RUNNING:
        return _RUNNING
    return CheckResult("halt", False, ZERO, None, f"the system is {state}")


_RUNNING = CheckResult("halt", True)


def symbol_trust(a: Assessment, bound: None) -> CheckResult:
    """Nothing on this symbol is in doubt: no incident, no order with an unknown outcome, no stale or broken
    stream.
    """
    symbol = a.intent.symbol
    blocked = a.state.blocked
    causes = blocked and (blocked.get(symbol) or blocked.get(""))
    if causes:
        cause, reason = next(iter(causes.items()))
        return CheckResult("symbol_trust", False, ZERO, None, f"{cause}: {reason}")
    if a.unknown:
        return CheckResult("symbol_trust", False, ZERO, None, "an order's outcome is unknown")
    doubt = a.state.market.distrust(symbol, a.now)
    return CheckResult("symbol_trust", False, ZERO, None, doubt) if doubt else _TRUSTED


_TRUSTED = CheckResult("symbol_trust", True)


def strategy_enabled(a: Assessment, bound: None) -> CheckResult:
    """The strategy has not been disabled."""
    reason = a.state.disabled.get(a.intent.strategy)
    return _ENABLED if reason is None else CheckResult("strategy_enabled", False, ZERO, None, reason)


_ENABLED = CheckResult("strategy_enabled", True)


def clock(a: Assessment, bound: int) -> CheckResult:
    """Our clock agrees with the venue's (C37, H38)."""
    if not a.state.clock_offset_ns:
        return _IN_TIME
    offset = abs(a.state.clock_offset_ns) // NS_PER_MS
    return CheckResult("clock", offset <= bound, _whole(offset), _whole(bound))


_IN_TIME = CheckResult("clock", True)


def reference_price(a: Assessment, bound: int | None) -> CheckResult:
    """There is a reference price, and it is fresh; a stale one counts as none (C4)."""
    reference = a.reference
    if reference is None or not reference > ZERO:
        return CheckResult("reference_price", False, ZERO, None, f"no price of {a.intent.symbol} is known")
    if bound is None:
        return CheckResult("reference_price", True, reference)
    age = a.reference_age_ns // NS_PER_MS
    if age <= bound:
        return CheckResult("reference_price", True, _whole(age), _whole(bound))
    return CheckResult("reference_price", False, _whole(age), _whole(bound), f"the price {reference} is {age} ms old")


def price_collar(a: Assessment, bound: Decimal) -> CheckResult:
    """Limit and stop prices are within the collar around the reference (C4)."""
    reference = a.reference
    if reference is None or not reference > ZERO:
        return CheckResult("price_collar", False, ZERO, bound, "there is no reference")
    price, stop = a.intent.price, a.intent.stop_price
    away = ZERO if price is None else abs(price - reference)
    if stop is not None:
        away = max(away, abs(stop - reference))
    figure = away * TEN_THOUSAND / reference if away else ZERO
    return CheckResult("price_collar", figure <= bound, figure, bound)


def tick(a: Assessment, listed: Instrument) -> CheckResult:
    """Every price is on the instrument's tick."""
    size, price, stop = listed.tick_size, a.intent.price, a.intent.stop_price
    if price is not None and price % size:
        return CheckResult("tick", False, price, size, "price is off the tick")
    if stop is not None and stop % size:
        return CheckResult("tick", False, stop, size, "stop price is off the tick")
    return CheckResult("tick", True, price or ZERO, size)


def lot(a: Assessment, listed: Instrument) -> CheckResult:
    """The quantity is on the lot and within the instrument's least and greatest."""
    quantity = a.quantity
    if quantity % listed.lot_size:
        return CheckResult("lot", False, quantity, listed.lot_size, "quantity is off the lot")
    if quantity < listed.min_quantity:
        return CheckResult("lot", False, quantity, listed.min_quantity, "quantity is below the instrument's least")
    if listed.max_quantity is not None and quantity > listed.max_quantity:
        return CheckResult("lot", False, quantity, listed.max_quantity, "quantity is above the instrument's greatest")
    return CheckResult("lot", True, quantity, listed.lot_size)


def min_notional(a: Assessment, listed: Instrument) -> CheckResult:
    """The order is worth at least what the venue asks; valued at the price it is likely to have, not the
    worst.
    """
    value = listed.notional(a.quantity, a.intent.price or a.intent.stop_price or a.reference or ZERO)
    return CheckResult("min_notional", value >= listed.min_notional, value, listed.min_notional)


def order_quantity(a: Assessment, bound: Decimal) -> CheckResult:
    """The quantity of one order (C2)."""
    return CheckResult("order_quantity", a.quantity <= bound, a.quantity, bound)


def order_notional(a: Assessment, bound: Decimal) -> CheckResult:
    """The value of one order at the worst price it can reach (C3)."""
    return CheckResult("order_notional", ZERO < a.notional <= bound, a.notional, bound)


def order_rate(a: Assessment, bound: int) -> CheckResult:
    """Orders sent in the last second (C8)."""
    sent = a.state.orders.sent_within(a.now) + 1
    return CheckResult("order_rate", sent <= bound, _whole(sent), _whole(bound))


def orders_per_day(a: Assessment, bound: int) -> CheckResult:
    """Orders sent in this UTC day (C8)."""
    sent = a.state.orders.sent_on_day(a.now) + 1
    return CheckResult("orders_per_day", sent <= bound, Decimal(sent), _whole(bound))


def duplicate(a: Assessment, bound: int) -> CheckResult:
    """The same wish was not sent within the window (C10)."""
    last = a.state.orders.last_sent(fingerprint(a.intent))
    if last is None:
        return CheckResult("duplicate", True, ZERO, _whole(bound))
    age = (a.now - last) // NS_PER_MS
    return CheckResult("duplicate", age >= bound, Decimal(age), _whole(bound), "" if age >= bound else "sent already")


def open_orders(a: Assessment, bound: int) -> CheckResult:
    """Orders in flight with this one, unknown ones included."""
    count = a.open_count + 1
    return CheckResult("open_orders", count <= bound, _whole(count), _whole(bound))


def _exposure(name: str, a: Assessment, figure: Decimal, bound: Decimal) -> CheckResult:
    """Within the bound, or no worse than without this order: a limit that prices broke must not lock a turn."""
    if figure <= bound:
        return CheckResult(name, True, figure, bound)
    if not a.adds:
        return CheckResult(name, True, figure, bound, "the worst case is no worse than without this order")
    return CheckResult(name, False, figure, bound)


def position_quantity(a: Assessment, bound: Decimal) -> CheckResult:
    """The worst position this order and all that works can lead to (C5)."""
    return _exposure("position_quantity", a, a.worst_after, bound)


def position_notional(a: Assessment, bound: Decimal) -> CheckResult:
    """The value of that worst position (C5)."""
    return _exposure("position_notional", a, a.worst_value, bound)


def gross_exposure(a: Assessment, bound: Decimal) -> CheckResult:
    """The worst gross exposure of the account (C5)."""
    return _exposure("gross_exposure", a, a.gross_after(), bound)


def net_exposure(a: Assessment, bound: Decimal) -> CheckResult:
    """The worst net exposure of the account, to the side of this order (C5)."""
    figure = a.net_after()
    return CheckResult("net_exposure", figure <= bound, figure, bound)


def leverage(a: Assessment, bound: Decimal) -> CheckResult:
    """The worst gross exposure over equity (C6)."""
    equity = a.account_equity()
    if not equity > ZERO:
        return CheckResult("leverage", False, equity, bound, "there is no equity")
    return _exposure("leverage", a, a.gross_after() / equity, bound)


def margin(a: Assessment, listed: Instrument) -> CheckResult:
    """Equity covers the initial margin of the worst case at the instrument's leverage, and this order's fee
    (C6).
    """
    equity = a.account_equity()
    needed = a.gross_after() / listed.max_leverage
    if listed.taker_fee > ZERO:
        needed += a.notional * listed.taker_fee
    return _exposure("margin", a, needed, equity)


def shorting(a: Assessment, listed: Instrument) -> CheckResult:
    """Only what is held is sold, where the instrument cannot be short."""
    if a.buying or a.intent.reduce_only:
        return _SHORTING_OK
    left = a.position - a.working_sell - a.same_side_reducing - a.quantity
    return CheckResult("shorting", left >= ZERO, left, ZERO, "" if left >= ZERO else "more is sold than is held")


_SHORTING_OK = CheckResult("shorting", True)


def self_trade(a: Assessment, collar: Decimal | None) -> CheckResult:
    """No order of ours stands where this one could trade with it (C12)."""
    for order in a.conflicting:
        resting = order.price
        if order.order_type is not OrderType.LIMIT or resting is None or order.status.is_terminal:
            continue
        reach = a.intent.price
        if reach is None:
            reach = a.worst_price if a.buying else _least_bid(a.reference, collar)
        if reach >= resting if a.buying else reach <= resting:
            return CheckResult("self_trade", False, reach, resting, f"it could hit {order.id}")
    return _NO_SELF_TRADE


_NO_SELF_TRADE = CheckResult("self_trade", True)


def _least_bid(reference: Decimal | None, collar: Decimal | None) -> Decimal:
    """The lowest price a market sell may reach: zero, where no collar bounds it."""
    if reference is None or collar is None:
        return ZERO
    return reference * (ONE - collar / TEN_THOUSAND)


def reduce_only(a: Assessment, bound: None) -> CheckResult:
    """A reduce-only order is opposite to the position and no larger than what others leave of it (C14,
    I10).
    """
    if not a.intent.reduce_only:
        return _REDUCE_ONLY_OK
    room = a.room()
    return CheckResult("reduce_only", ZERO < a.quantity <= room, a.quantity, max(room, ZERO))


_REDUCE_ONLY_OK = CheckResult("reduce_only", True)


def strategy_exposure(a: Assessment, bound: Decimal) -> CheckResult:
    """The strategy's own worst gross exposure is within its budget."""
    figure = a.strategy_gross_after()
    return CheckResult("strategy_exposure", figure <= bound, figure, bound)


def strategy_loss(a: Assessment, bound: Decimal) -> CheckResult:
    """The strategy has not lost more than it may."""
    loss = -a.state.portfolio.strategy_profit(a.intent.strategy, a.state.market.last_price)
    return CheckResult("strategy_loss", loss < bound, loss, bound)


def daily_loss(a: Assessment, bound: Decimal) -> CheckResult:
    """The account has not lost more than it may in this UTC day (C7)."""
    loss = a.state.performance.daily_loss
    return CheckResult("daily_loss", loss < bound, loss, bound)


def drawdown(a: Assessment, bound: Decimal) -> CheckResult:
    """Equity has not fallen further from its highest than it may."""
    figure = a.state.performance.drawdown
    return CheckResult("drawdown", figure < bound, figure, bound)


#: Checks that always run, held against the instrument, the collar, an age or nothing.
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


def bind(symbol: str, listed: Instrument | None, limits: RiskConfig) -> tuple[tuple[Check, Any], ...]:
    """Every check that orders on `symbol` must pass, each beside what it is held against."""
    collar = limits.for_symbol(symbol, "price_collar_bps_max")
    bound: list[tuple[Check, Any]] = [(check, listed) for check in _ALWAYS]
    bound += [(reference_price, limits.reference_age_ms_max), (self_trade, collar)]
    if listed is not None:
        bound += [(tick, listed), (lot, listed), (margin, listed)]
        if listed.min_notional:
            bound.append((min_notional, listed))
        if not listed.shortable:
            bound.append((shorting, listed))
    for check, name in _LIMITED:
        own = name in SymbolLimits.__struct_fields__
        limit = limits.for_symbol(symbol, name) if own else getattr(limits, name)
        if limit is not None:
            bound.append((check, limit))
    return tuple(bound)
