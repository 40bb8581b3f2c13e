"""The kernel's side of the venue: a bar against an order on its way, working exits and the liquidation price.

The fill rules of `docs/guide/fill-rules.md` for market orders, stops, targets and trailing stops over candles, and the
linear account of `kedge.venues.sim.account`. Every exit closes the whole position, so the first that fills is the last;
what is left of its group does nothing more and is forgotten at once.
"""

from __future__ import annotations

from typing import Any, Final

from kedge.research import kernel_state as at
from kedge.research import wide
from kedge.research.kernel_risk import mark, stop_trading

Numbers = Any

#: Open, high, low and close of a bar, when it opens and when it ends.
Bar = tuple[int, int, int, int, int, int]

#: What meets a bar, in this order.
RESTING: Final = 0
ARRIVING: Final = 1
ORDER: Final = 2
RANGE: Final = 3

#: Where a position's exits are; 0: there are none.
ON_THE_WAY: Final = 1
WORKING: Final = 2


def play(x: Numbers, w: Numbers, log: Numbers, symbol: int, bar: Bar) -> None:
    """The venue plays a bar of `symbol`: open, high, low, close, when it opens and when it ends."""
    k = at.FIRST + symbol * at.BLOCK
    opened, high, low, _close, start, end = bar
    if x[at.SYMBOLS] > 1 and x[k + at.POSITION] != 0:
        arm(x, w, symbol)
    dies = x[k + at.POSITION] != 0 and (opened <= x[k + at.DEATH_LOW] or opened >= x[k + at.DEATH_HIGH])
    for phase in range(4):
        signed, price, raw = -x[k + at.POSITION], 0, 0
        if phase == RESTING and x[k + at.EXITS] == WORKING:
            price, raw = exit_at_open(x, k, opened)
        elif phase == ARRIVING and x[k + at.EXITS] == ON_THE_WAY and x[k + at.EXITS_AT] <= start:
            price, raw = exit_arrives(x, k, opened)
        elif phase == ORDER and x[k + at.SIDE] != 0:
            if start < x[k + at.ARRIVED] < end:
                x[at.FLAG] = at.INSIDE
            elif x[k + at.ARRIVED] <= start:
                signed, price, raw = order_at_open(x, k, opened)
        elif phase == RANGE and x[k + at.POSITION] != 0:
            dies = dies or low <= x[k + at.DEATH_LOW] or high >= x[k + at.DEATH_HIGH]
            if x[k + at.EXITS] == WORKING:
                price, raw = exit_in_range(x, k, bar)
        if price != 0:
            if phase != ORDER:
                x[k + at.EXITS] = 0
            trade(x, w, log, symbol, (signed, price, raw, end if phase == RANGE else start))
    if dies:
        x[at.FLAG] = at.LIQUIDATION


def exit_at_open(x: Numbers, k: int, opened: int) -> tuple[int, int]:
    """The exit that the open has passed: a stop, at the open; else the target, at its level. Price and raw price."""
    side = 1 if x[k + at.POSITION] > 0 else -1
    for level in (x[k + at.STOP], x[k + at.TRAIL_LEVEL]):
        if level != 0 and side * opened <= side * level:
            return taken(x, k, -side, opened), opened
    target = x[k + at.TARGET]
    if target != 0 and side * opened > side * target:
        return target, 0
    return 0, 0


def exit_arrives(x: Numbers, k: int, opened: int) -> tuple[int, int]:
    """Exits meet their first open: a stop beyond it fills, a target within it takes, a trailing stop begins."""
    side = 1 if x[k + at.POSITION] > 0 else -1
    x[k + at.EXITS] = WORKING
    stop, target = x[k + at.STOP], x[k + at.TARGET]
    if stop != 0 and side * opened <= side * stop:
        return taken(x, k, -side, opened), opened
    if target != 0 and side * opened >= side * target:
        price = taken(x, k, -side, opened)
        return (price if side * price > side * target else target), opened
    if x[k + at.TRAIL] != 0:
        x[k + at.TRAIL_LEVEL] = opened - side * x[k + at.TRAIL]
    return 0, 0


def exit_in_range(x: Numbers, k: int, bar: Bar) -> tuple[int, int]:
    """The leg against the position, nearest stop first; then the target; then the trailing stop follows the bar."""
    opened, high, low, close, _start, _end = bar
    side = 1 if x[k + at.POSITION] > 0 else -1
    adverse, favourable = (low, high) if side > 0 else (high, low)
    stop, trailing, target = x[k + at.STOP], x[k + at.TRAIL_LEVEL], x[k + at.TARGET]
    nearest = trailing if trailing != 0 and (stop == 0 or side * trailing > side * stop) else stop
    raw = 0
    if nearest != 0 and side * adverse <= side * nearest:
        raw = min(nearest, opened) if side > 0 else max(nearest, opened)
    elif target != 0 and side * favourable > side * target:
        return target, 0
    elif trailing != 0:
        moved = favourable - side * x[k + at.TRAIL]
        if side * moved > side * trailing:
            trailing = moved
            x[k + at.TRAIL_LEVEL] = moved
        if side * close <= side * trailing:
            raw = close
    return (taken(x, k, -side, raw), raw) if raw != 0 else (0, 0)


def order_at_open(x: Numbers, k: int, opened: int) -> tuple[int, int, int]:
    """The order on its way meets the open: a market order takes it, a flatten's limit takes it or is left to the engine.

    Signed lots, price and raw price; no price where nothing trades.
    """
    side, bound = x[k + at.SIDE], x[k + at.BOUND]
    x[k + at.SIDE] = 0
    if x[k + at.REDUCES] != 0 and x[k + at.POSITION] * side >= 0:
        return 0, 0, 0  # an exit was first: nothing is left to reduce
    price = taken(x, k, side, opened)
    if bound != 0:
        if side * opened > side * bound:
            x[at.FLAG] = at.FLATTEN
            return 0, 0, 0
        if side * price > side * bound:
            price = bound
    return side * x[k + at.LOTS], price, opened


def taken(x: Numbers, k: int, side: int, raw: int) -> int:
    """What a taker pays or gets at `raw`: worsened by slippage, then to the tick against us; at least a tick."""
    tick, den = x[k + at.TICK], x[at.SLIP_DEN]
    if x[at.SLIP_NUM] == 0 and raw % tick == 0:
        return raw
    steps, rest = wide.quotient(wide.product(raw, den + side * x[at.SLIP_NUM]), den * tick)
    if steps < 0:
        x[at.FLAG] = at.OVERFLOW
    if side > 0 and rest != 0:
        steps += 1
    return int(max(steps, 1) * tick)


def trade(x: Numbers, w: Numbers, log: Numbers, symbol: int, fill: tuple[int, int, int, int]) -> None:
    """Admit a fill or turn it down; book it, mark the account, protect what it opened.

    `fill` is signed lots, price, the price before slippage (0: the fill made its price), and when it is known.
    """
    signed, price, raw, known = fill
    k, wk = at.FIRST + symbol * at.BLOCK, at.W_FIRST + symbol * at.W_BLOCK
    position = x[k + at.POSITION]
    after = position + signed
    units = abs(signed) * x[k + at.LOT]
    value = wide.product(units, price)
    if after != 0 and wide.below(value, wide.load(w, wk + at.W_NOTIONAL_MIN)):
        x[at.TURNED_DOWN] += 1
        return
    rate = x[k + at.MAKER] if raw == 0 else x[k + at.TAKER]
    fee, rest = wide.quotient(wide.scaled(value, rate), x[at.FEE_DIVISOR])
    if fee < 0 or not wide.small(value):
        x[at.FLAG] = at.OVERFLOW
        return
    if rest != 0:
        fee += 1
    charge = wide.product(fee, x[at.FEE_UNIT])
    cash = wide.minus(wide.load(w, at.W_CASH), charge)
    worth = wide.product(after * x[k + at.LOT], price)
    if position != 0:
        left = wide.product(x[k + at.UNITS], price)
        cash = wide.plus(cash, wide.minus(left, wide.load(w, wk + at.W_COST)))
    if after != 0 and not admits(x, w, symbol, cash, worth, after < 0):
        x[at.TURNED_DOWN] += 1
        return
    wide.store(w, at.W_CASH, cash)
    wide.store(w, at.W_FEES, wide.plus(wide.load(w, at.W_FEES), charge))
    wide.store(w, wk + at.W_COST, worth)
    x[k + at.POSITION] = after
    x[k + at.UNITS] = after * x[k + at.LOT]
    x[at.TRADES] += 1
    if not wide.small(cash) or abs(x[k + at.UNITS]) > x[k + at.UNITS_MAX]:
        x[at.FLAG] = at.OVERFLOW
        return
    if x[at.FILLS] < x[at.FILLS_MAX]:
        entry = x[at.FILLS] * at.FILL_FIELDS
        worse = 0 if raw == 0 else abs(price - raw)
        log[entry], log[entry + 1], log[entry + 2] = symbol, signed, price
        log[entry + 3], log[entry + 4], log[entry + 5], log[entry + 6] = fee, 1 if raw == 0 else 0, worse, known
        x[at.FILLS] += 1
    x[at.NOW] = max(x[at.NOW], known)
    if after == 0:
        x[k + at.EXITS] = 0
    else:
        arm(x, w, symbol)
    if x[at.WATCHES] != 0 and mark(x, w):
        stop_trading(x, w, symbol)
    if after != 0 and x[at.PROTECTED] != 0 and x[at.HALT] != at.FLATTENING:
        protect(x, k)


def admits(x: Numbers, w: Numbers, symbol: int, cash: Any, worth: Any, short: bool) -> bool:
    """Whether the venue lets a fill open: equity after its fee covers the initial margin of all that is held."""
    if short and x[at.FIRST + symbol * at.BLOCK + at.SHORTABLE] == 0:
        return False
    zero = wide.of(0)
    equity = cash
    needed = wide.minus(zero, worth) if wide.below(worth, zero) else worth
    for other in range(x[at.SYMBOLS]):
        k = at.FIRST + other * at.BLOCK
        if other != symbol and x[k + at.POSITION] != 0:
            value = wide.product(x[k + at.UNITS], x[k + at.PRICE])
            cost = wide.load(w, at.W_FIRST + other * at.W_BLOCK + at.W_COST)
            equity = wide.plus(equity, wide.minus(value, cost))
            needed = wide.plus(needed, wide.minus(zero, value) if wide.below(value, zero) else value)
    return not wide.below(wide.scaled(equity, x[at.LEVERAGE_NUM]), wide.scaled(needed, x[at.LEVERAGE_DEN]))


def arm(x: Numbers, w: Numbers, symbol: int) -> None:
    """Solve the price at which what is held of `symbol` is liquidated, with the others at their last closes."""
    k, wk = at.FIRST + symbol * at.BLOCK, at.W_FIRST + symbol * at.W_BLOCK
    zero = wide.of(0)
    num, den = x[k + at.MAINTENANCE_NUM], x[k + at.MAINTENANCE_DEN]
    room = wide.scaled(wide.minus(wide.load(w, at.W_CASH), wide.load(w, wk + at.W_COST)), den)
    for other in range(x[at.SYMBOLS]):
        o = at.FIRST + other * at.BLOCK
        if other != symbol and x[o + at.POSITION] != 0:
            value = wide.product(x[o + at.UNITS], x[o + at.PRICE])
            cost = wide.load(w, at.W_FIRST + other * at.W_BLOCK + at.W_COST)
            held = wide.product(abs(x[o + at.UNITS]), x[o + at.PRICE])
            room = wide.plus(room, wide.scaled(wide.minus(value, cost), den))
            if x[o + at.MAINTENANCE_NUM] != 0:
                room = wide.minus(room, wide.scaled(held, x[o + at.MAINTENANCE_NUM]))
    x[k + at.DEATH_LOW] = -1
    x[k + at.DEATH_HIGH] = at.NEVER
    units = x[k + at.UNITS]
    if units > 0:
        if wide.below(room, zero):
            level = wide.quotient(wide.minus(zero, room), units * (den - num))[0]
            x[k + at.DEATH_LOW] = at.NEVER if level < 0 else level
    elif wide.below(room, wide.of(1)):
        x[k + at.DEATH_HIGH] = 0
    else:
        level, rest = wide.quotient(room, -units * (den + num))
        x[k + at.DEATH_HIGH] = at.NEVER if level < 0 else level + (1 if rest != 0 else 0)


def protect(x: Numbers, k: int) -> None:
    """The exits of what a fill opened are on their way: they work from the next open on."""
    x[k + at.EXITS] = 1
    x[k + at.EXITS_AT] = x[at.NOW]
    x[k + at.STOP] = x[k + at.NEXT_STOP]
    x[k + at.TARGET] = x[k + at.NEXT_TARGET]
    x[k + at.TRAIL] = x[k + at.NEXT_TRAIL]
    x[k + at.TRAIL_LEVEL] = 0
    x[k + at.EXITS_WORST] = max(x[k + at.STOP], x[k + at.TARGET], x[k + at.PRICE])
