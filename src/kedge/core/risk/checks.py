"""The checks: one limit, one small pure function, each run on every order.

A check takes the assessment of an order and its limit and answers with its name, whether the order passes, the figure
it looked at and the limit it held it against: approvals are journaled with the same figures as refusals. Comparisons
are written as "must be inside", so that a NaN fails them. A limit that is not set passes, and says so.

No check refuses an order that strictly reduces exposure: `RiskManager` waives a failure of such an order and journals
the waiver. What stands here is therefore about orders that may increase it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache

from kedge.core.orders.inflight import fingerprint, outstanding
from kedge.core.risk.assessment import Assessment
from kedge.model.decisions import CheckResult, HaltState
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import InstrumentStatus
from kedge.model.limits import RiskConfig
from kedge.model.money import ONE, TEN_THOUSAND, ZERO
from kedge.model.order import OrderType, Side, TimeInForce

Check = Callable[[Assessment, RiskConfig], CheckResult]

#: Types that stand in the book, where another order of ours could hit them.
_RESTING = frozenset({OrderType.LIMIT})


@cache
def _unset(name: str) -> CheckResult:
    return CheckResult(name, True, ZERO, None, "no limit set")


def instrument(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The instrument is on the list of the session and the venue takes orders for it (C13)."""
    if a.instrument is None:
        return CheckResult("instrument", False, ZERO, None, f"{a.intent.symbol} is not among the session's instruments")
    if a.instrument.status is not InstrumentStatus.OPEN:
        return CheckResult("instrument", False, ZERO, None, f"{a.intent.symbol} is {a.instrument.status}")
    return _INSTRUMENT_OK


_INSTRUMENT_OK = CheckResult("instrument", True)


def values(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Quantity and prices are finite and above zero, and the type has the prices it needs (H32)."""
    intent = a.intent
    quantity = intent.quantity
    if not (quantity.is_finite() and quantity > ZERO):
        return CheckResult("values", False, ZERO, None, f"quantity is {quantity}; it must be finite and above zero")
    for name, price in (("price", intent.price), ("stop_price", intent.stop_price), ("trail", intent.trail)):
        if price is not None and not (price.is_finite() and price > ZERO):
            return CheckResult("values", False, ZERO, None, f"{name} is {price}; it must be finite and above zero")
    missing = _missing(intent.order_type, intent.price, intent.stop_price, intent.trail)
    if missing:
        return CheckResult("values", False, ZERO, None, f"a {intent.order_type} order needs {missing}")
    if intent.time_in_force is TimeInForce.GTD and not intent.expires_ns > a.now:
        return CheckResult("values", False, Decimal(intent.expires_ns), Decimal(a.now), "GTD must end in the future")
    if intent.post_only and intent.order_type is not OrderType.LIMIT:
        return CheckResult("values", False, ZERO, None, f"post-only is for limit orders, this is {intent.order_type}")
    return CheckResult("values", True, quantity)


def _missing(kind: OrderType, price: Decimal | None, stop: Decimal | None, trail: Decimal | None) -> str:
    if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) and price is None:
        return "a price"
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT) and stop is None:
        return "a stop price"
    if kind is OrderType.TRAILING_STOP and trail is None:
        return "a trail"
    return ""


def tick(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Every price is on the instrument's tick."""
    if a.instrument is None:
        return _unset("tick")
    size = a.instrument.tick_size
    for price in (a.intent.price, a.intent.stop_price):
        if price is not None and price.is_finite() and price % size:
            return CheckResult("tick", False, price, size, "price is off the tick")
    return CheckResult("tick", True, a.intent.price or ZERO, size)


def lot(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The quantity is on the lot and within the instrument's least and greatest."""
    if a.instrument is None or not a.intent.quantity.is_finite():
        return _unset("lot")
    quantity, rules = a.intent.quantity, a.instrument
    if quantity % rules.lot_size:
        return CheckResult("lot", False, quantity, rules.lot_size, "quantity is off the lot")
    if quantity < rules.min_quantity:
        return CheckResult("lot", False, quantity, rules.min_quantity, "quantity is below the instrument's least")
    if rules.max_quantity is not None and quantity > rules.max_quantity:
        return CheckResult("lot", False, quantity, rules.max_quantity, "quantity is above the instrument's greatest")
    return CheckResult("lot", True, quantity, rules.lot_size)


def min_notional(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The order is worth at least what the venue asks; valued at the price it is likely to have, not the worst."""
    if a.instrument is None or not a.instrument.min_notional:
        return _unset("min_notional")
    price = a.intent.price or a.intent.stop_price or a.reference or ZERO
    value = a.instrument.notional(a.intent.quantity, price)
    return CheckResult("min_notional", value >= a.instrument.min_notional, value, a.instrument.min_notional)


def halt(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The system is running: in every other halt state only exits go (C15, H48)."""
    state = a.state.halt
    return _RUNNING if state is HaltState.RUNNING else CheckResult("halt", False, ZERO, None, f"the system is {state}")


_RUNNING = CheckResult("halt", True)


def symbol_trust(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Nothing on this symbol is in doubt: no incident, no order with an unknown outcome, no stale or broken stream."""
    symbol = a.intent.symbol
    causes = a.state.blocked.get(symbol) or a.state.blocked.get("")
    if causes:
        cause, reason = next(iter(causes.items()))
        return CheckResult("symbol_trust", False, ZERO, None, f"{cause}: {reason}")
    if a.unknown:
        return CheckResult("symbol_trust", False, ZERO, None, "an order's outcome is unknown")
    doubt = a.state.market.distrust(symbol, a.now)
    return CheckResult("symbol_trust", False, ZERO, None, doubt) if doubt else _TRUSTED


_TRUSTED = CheckResult("symbol_trust", True)


def strategy_enabled(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The strategy has not been disabled."""
    reason = a.state.disabled.get(a.intent.strategy)
    return _ENABLED if reason is None else CheckResult("strategy_enabled", False, ZERO, None, reason)


_ENABLED = CheckResult("strategy_enabled", True)


def clock(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Our clock agrees with the venue's (C37, H38)."""
    offset = abs(a.state.clock_offset_ns) // NS_PER_MS
    if not offset and not a.state.clock_offset_ns:
        return _IN_TIME
    return CheckResult(
        "clock", offset <= limits.clock_offset_ms_max, Decimal(offset), Decimal(limits.clock_offset_ms_max)
    )


_IN_TIME = CheckResult("clock", True)


def reference_price(a: Assessment, limits: RiskConfig) -> CheckResult:
    """There is a reference price, and it is fresh; a stale one counts as none (C4)."""
    if a.reference is None or not a.reference > ZERO:
        return CheckResult("reference_price", False, ZERO, None, f"no price of {a.intent.symbol} is known")
    bound = limits.reference_age_ms_max
    if bound is None:
        return CheckResult("reference_price", True, a.reference)
    age = a.reference_age_ns // NS_PER_MS
    note = "" if age <= bound else f"the price {a.reference} is {age} ms old"
    return CheckResult("reference_price", age <= bound, Decimal(age), Decimal(bound), note)


def price_collar(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Limit and stop prices are within the collar around the reference (C4)."""
    band = limits.for_symbol(a.intent.symbol, "price_collar_bps_max") if limits.symbols else limits.price_collar_bps_max
    if band is None or a.reference is None or not a.reference > ZERO:
        return _unset("price_collar")
    worst = ZERO
    for price in (a.intent.price, a.intent.stop_price):
        if price is not None and price.is_finite():
            worst = max(worst, abs(price - a.reference) * TEN_THOUSAND / a.reference)
    return CheckResult("price_collar", worst <= band, worst, band)


def order_quantity(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The quantity of one order (C2)."""
    bound = limits.for_symbol(a.intent.symbol, "order_quantity_max") if limits.symbols else limits.order_quantity_max
    if bound is None:
        return _unset("order_quantity")
    return CheckResult("order_quantity", a.intent.quantity <= bound, a.intent.quantity, bound)


def order_notional(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The value of one order at the worst price it can reach (C3)."""
    bound = limits.for_symbol(a.intent.symbol, "order_notional_max") if limits.symbols else limits.order_notional_max
    if bound is None:
        return _unset("order_notional")
    return CheckResult("order_notional", ZERO < a.notional <= bound, a.notional, bound)


def order_rate(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Orders sent in the last second (C8)."""
    bound = limits.orders_per_second_max
    if bound is None:
        return _unset("order_rate")
    sent = a.state.orders.sent_within(a.now) + 1
    return CheckResult("order_rate", sent <= bound, Decimal(sent), Decimal(bound))


def orders_per_day(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Orders sent in this UTC day (C8)."""
    bound = limits.orders_per_day_max
    if bound is None:
        return _unset("orders_per_day")
    sent = a.state.orders.sent_on_day(a.now) + 1
    return CheckResult("orders_per_day", sent <= bound, Decimal(sent), Decimal(bound))


def duplicate(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The same wish was not sent within the window (C10)."""
    window = limits.duplicate_window_ms_max
    if not window:
        return _unset("duplicate")
    last = a.state.orders.last_sent(fingerprint(a.intent))
    if last is None:
        return CheckResult("duplicate", True, ZERO, Decimal(window))
    age = (a.now - last) // NS_PER_MS
    return CheckResult(
        "duplicate", age >= window, Decimal(age), Decimal(window), "" if age >= window else "sent already"
    )


def open_orders(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Orders in flight with this one, unknown ones included."""
    bound = limits.orders_open_max
    if bound is None:
        return _unset("open_orders")
    return CheckResult("open_orders", a.open_count + 1 <= bound, Decimal(a.open_count + 1), Decimal(bound))


def position_quantity(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The worst position this order and all that works can lead to (C5)."""
    bound = (
        limits.for_symbol(a.intent.symbol, "position_quantity_max") if limits.symbols else limits.position_quantity_max
    )
    if bound is None:
        return _unset("position_quantity")
    return CheckResult("position_quantity", a.worst_after <= bound, a.worst_after, bound)


def position_notional(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The value of that worst position (C5)."""
    bound = (
        limits.for_symbol(a.intent.symbol, "position_notional_max") if limits.symbols else limits.position_notional_max
    )
    if bound is None:
        return _unset("position_notional")
    value = a.worst_after * (a.instrument.contract_size if a.instrument is not None else ONE) * a.worst_price
    return CheckResult("position_notional", value <= bound, value, bound)


def gross_exposure(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The worst gross exposure of the account (C5)."""
    bound = limits.gross_exposure_max
    if bound is None:
        return _unset("gross_exposure")
    figure = a.gross_after()
    return CheckResult("gross_exposure", figure <= bound, figure, bound)


def net_exposure(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The worst net exposure of the account, to the side of this order (C5)."""
    bound = limits.net_exposure_max
    if bound is None:
        return _unset("net_exposure")
    figure = a.net_after()
    return CheckResult("net_exposure", figure <= bound, figure, bound)


def leverage(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The worst gross exposure over equity (C6)."""
    bound = limits.leverage_max
    if bound is None:
        return _unset("leverage")
    equity = a.account_equity()
    if not equity > ZERO:
        return CheckResult("leverage", False, equity, bound, "there is no equity")
    figure = a.gross_after() / equity
    return CheckResult("leverage", figure <= bound, figure, bound)


def margin(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Equity covers the initial margin of the worst case at the instrument's leverage, and this order's fee (C6)."""
    if a.instrument is None:
        return _unset("margin")
    equity = a.account_equity()
    needed = a.gross_after() / a.instrument.max_leverage + a.notional * max(a.instrument.taker_fee, ZERO)
    return CheckResult("margin", needed <= equity, needed, equity)


def shorting(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Only what is held is sold, where the instrument cannot be short."""
    if a.instrument is None or a.instrument.shortable or a.buying or a.intent.reduce_only:
        return _SHORTING_OK
    left = a.position - a.working_sell - a.same_side_reducing - a.intent.quantity
    return CheckResult("shorting", left >= ZERO, left, ZERO, "" if left >= ZERO else "more is sold than is held")


_SHORTING_OK = CheckResult("shorting", True)


def self_trade(a: Assessment, limits: RiskConfig) -> CheckResult:
    """No order of ours stands where this one could trade with it (C12)."""
    for order in a.conflicting:
        if order.order_type not in _RESTING or order.price is None or order.status.is_terminal:
            continue
        own = a.intent.price
        if own is None or (own >= order.price if a.buying else own <= order.price):
            resting = own is not None or (a.worst_price >= order.price if a.buying else _bid_reaches(a, order.price))
            if resting:
                return CheckResult("self_trade", False, own or a.worst_price, order.price, f"it could hit {order.id}")
    return _NO_SELF_TRADE


_NO_SELF_TRADE = CheckResult("self_trade", True)


def _bid_reaches(a: Assessment, resting: Decimal) -> bool:
    """Whether a market sell can reach our own bid: unless the reference less the collar is above it."""
    band = a.state.config.price_collar_bps_max
    if a.reference is None or band is None:
        return True
    return a.reference * (ONE - band / TEN_THOUSAND) <= resting


def reduce_only(a: Assessment, limits: RiskConfig) -> CheckResult:
    """A reduce-only order is opposite to the position and no larger than what others leave of it (C14, I10)."""
    if not a.intent.reduce_only:
        return _REDUCE_ONLY_OK
    held = -a.position if a.buying else a.position
    room = held - a.same_side_reducing - (a.working_buy if a.buying else a.working_sell)
    return CheckResult("reduce_only", ZERO < a.intent.quantity <= room, a.intent.quantity, max(room, ZERO))


_REDUCE_ONLY_OK = CheckResult("reduce_only", True)


def strategy_exposure(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The strategy's own worst gross exposure is within its budget."""
    bound = limits.strategy_exposure_max
    if bound is None:
        return _unset("strategy_exposure")
    figure = _strategy_gross(a)
    return CheckResult("strategy_exposure", figure <= bound, figure, bound)


def _strategy_gross(a: Assessment) -> Decimal:
    state, strategy = a.state, a.intent.strategy
    symbols = {
        symbol: None
        for (owner, symbol), own in state.portfolio.strategies.items()
        if owner == strategy and own.quantity
    }
    symbols.update({order.symbol: None for order in state.orders.active.values() if order.strategy == strategy})
    symbols[a.intent.symbol] = None
    total = ZERO
    for symbol in symbols:
        long = short = state.portfolio.strategy_position(strategy, symbol)
        price = state.price(symbol) or ZERO
        for order in state.orders.working(symbol):
            if order.strategy == strategy and not order.reduce_only:
                price = max(price, order.worst_price)
                if order.side is Side.BUY:
                    long += outstanding(order)
                else:
                    short -= outstanding(order)
        if symbol == a.intent.symbol:
            price = max(price, a.worst_price)
            if not a.intent.reduce_only:
                long += a.intent.quantity if a.buying else ZERO
                short -= ZERO if a.buying else a.intent.quantity
        rules = state.instruments.get(symbol)
        total += max(long, -short, ZERO) * price * (rules.contract_size if rules is not None else ONE)
    return total


def strategy_loss(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The strategy has not lost more than it may."""
    bound = limits.strategy_loss_max
    if bound is None:
        return _unset("strategy_loss")
    loss = -a.state.portfolio.strategy_profit(a.intent.strategy, a.state.price)
    return CheckResult("strategy_loss", loss < bound, max(loss, ZERO), bound)


def daily_loss(a: Assessment, limits: RiskConfig) -> CheckResult:
    """The account has not lost more than it may in this UTC day (C7)."""
    bound = limits.daily_loss_max
    if bound is None:
        return _unset("daily_loss")
    loss = a.state.performance.daily_loss
    return CheckResult("daily_loss", loss < bound, loss, bound)


def drawdown(a: Assessment, limits: RiskConfig) -> CheckResult:
    """Equity has not fallen further from its highest than it may."""
    bound = limits.drawdown_ratio_max
    if bound is None:
        return _unset("drawdown")
    figure = a.state.performance.drawdown
    return CheckResult("drawdown", figure < bound, figure, bound)


#: All of them, in the order of the record.
CHECKS: tuple[Check, ...] = (
    instrument, values, halt, symbol_trust, strategy_enabled, clock, reference_price, price_collar, tick, lot,
    min_notional, order_quantity, order_notional, order_rate, orders_per_day, duplicate, open_orders,
    position_quantity, position_notional, gross_exposure, net_exposure, leverage, margin, shorting, self_trade,
    reduce_only, strategy_exposure, strategy_loss, daily_loss, drawdown,
)  # fmt: skip
