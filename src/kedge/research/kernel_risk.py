"""The kernel's side of us: equity, loss limits, what an order is judged by, and how large it is.

The same figures as `kedge.core.risk.checks`, `kedge.core.allocation.sizing` and `kedge.core.risk.flatten` for the orders
of a signal strategy, without divisions: where the engine compares a quotient, both sides are multiplied out.
"""

from __future__ import annotations

from typing import Any

from kedge.model.instant import NS_PER_DAY
from kedge.research import kernel_state as at
from kedge.research import wide

Numbers = Any
Wide = wide.Wide


def equity_of(x: Numbers, w: Numbers) -> Wide:
    """Cash, and what is held at the last closes less what it cost."""
    total = wide.load(w, at.W_CASH)
    for symbol in range(x[at.SYMBOLS]):
        k = at.FIRST + symbol * at.BLOCK
        if x[k + at.POSITION] != 0:
            value = wide.product(x[k + at.UNITS], x[k + at.PRICE])
            cost = wide.load(w, at.W_FIRST + symbol * at.W_BLOCK + at.W_COST)
            total = wide.plus(total, wide.minus(value, cost))
    return total


def mark(x: Numbers, w: Numbers) -> bool:
    """Mark the account's equity; whether a loss limit breaks by it."""
    equity = equity_of(x, w)
    day = x[at.NOW] // NS_PER_DAY
    if day != x[at.DAY]:
        x[at.DAY] = day
        wide.store(w, at.W_DAY_START, wide.load(w, at.W_LAST))
    wide.store(w, at.W_LAST, equity)
    peak = wide.load(w, at.W_PEAK)
    if wide.below(peak, equity):
        wide.store(w, at.W_PEAK, equity)
        peak = equity
    if x[at.HALT] != at.RUNNING:
        return False
    bound, loss = wide.load(w, at.W_DAILY_LOSS), wide.minus(wide.load(w, at.W_DAY_START), equity)
    if not wide.below(bound, wide.of(0)) and not wide.below(loss, bound):
        return True
    if x[at.DRAWDOWN_NUM] >= 0:
        fall = wide.scaled(wide.minus(peak, equity), x[at.DRAWDOWN_DEN])
        return not wide.below(fall, wide.scaled(peak, x[at.DRAWDOWN_NUM]))
    return False


def stop_trading(x: Numbers, w: Numbers, symbol: int) -> None:
    """A loss limit broke at a fact of `symbol`: halt, or flatten everything.

    What other symbols have at the venue can be cancelled at once only where their bars are as far as ours; else only
    playing them would tell, and that is left to the engine.
    """
    flattens = x[at.FLATTENS] != 0
    x[at.HALT] = at.FLATTENING if flattens else at.HALTED
    for other in range(x[at.SYMBOLS]):
        k = at.FIRST + other * at.BLOCK
        waits = x[k + at.SIDE] != 0 and (flattens or x[k + at.REDUCES] == 0)
        works = flattens and x[k + at.EXITS] != 0
        if (waits or works) and other != symbol and x[k + at.ENDED] < x[at.NOW]:
            x[at.FLAG] = at.FLATTEN
        if waits:
            x[k + at.SIDE] = 0
        if works:
            x[k + at.EXITS] = 0
        if flattens and x[k + at.POSITION] != 0:
            close_within(x, k)


def close_within(x: Numbers, k: int) -> None:
    """Send the closing order of a flatten: at once or not at all, no further than it may reach from the last close."""
    tick, price = x[k + at.TICK], x[k + at.PRICE]
    sells = x[k + at.POSITION] > 0
    num, den = x[at.REACH_NUM], x[at.REACH_DEN]
    factor = max(den - num, 0) if sells else den + num
    steps, rest = wide.quotient(wide.product(price, factor), den * tick)
    if steps < 0:
        x[at.FLAG] = at.OVERFLOW
    if sells and rest != 0:
        steps += 1
    send(x, k, -1 if sells else 1, abs(x[k + at.POSITION]), reduces=True)
    x[k + at.BOUND] = max(steps, 1) * tick


def send(x: Numbers, k: int, side: int, lots: int, reduces: bool) -> None:
    """An approved order, on its way."""
    x[k + at.SIDE] = side
    x[k + at.LOTS] = lots
    x[k + at.REDUCES] = 1 if reduces else 0
    x[k + at.ARRIVED] = x[at.NOW]
    x[k + at.WORST] = x[k + at.PRICE]
    x[k + at.BOUND] = 0
    x[k + at.NEXT_STOP] = 0
    x[k + at.NEXT_TARGET] = 0
    x[k + at.NEXT_TRAIL] = 0


def lots_of(x: Numbers, w: Numbers, k: int, equity: Wide) -> int:
    """How much an entry trades: the quantity or the budget, and what is held on the other side with it."""
    held = abs(x[k + at.POSITION])
    if x[k + at.QUANTITY] >= 0:
        return int(x[k + at.QUANTITY] + held)
    if wide.below(equity, wide.of(1)):
        x[at.FLAG] = at.RUIN
        return 0
    spend = wide.scaled(equity, x[at.RESERVE_NUM])
    lots = wide.quotient(spend, x[k + at.PRICE] * x[k + at.LOT] * x[at.RESERVE_DEN])[0]
    if lots < 0:
        x[at.FLAG] = at.OVERFLOW
        return 0
    return int(lots + held)


def allows(x: Numbers, w: Numbers, symbol: int, side: int, lots: int, equity: Wide) -> bool:
    """Whether risk approves an entry: every check that may refuse one, as `kedge.core.risk.checks` has it."""
    k, wk = at.FIRST + symbol * at.BLOCK, at.W_FIRST + symbol * at.W_BLOCK
    if x[at.HALT] != at.RUNNING or lots < x[k + at.LOTS_MIN] or lots > x[k + at.LOTS_MAX]:
        return False
    price, position = x[k + at.PRICE], x[k + at.POSITION]
    after = position + side * lots
    if after < 0 and x[k + at.SHORTABLE] == 0:
        return False
    furthest = max(side * after, 0)
    adds = furthest > abs(position)
    one = x[k + at.LOT] * price
    notional = wide.product(lots, one)
    worst = wide.product(furthest, one)
    if not (wide.small(notional) and wide.small(worst) and wide.small(equity)):
        x[at.FLAG] = at.OVERFLOW
        return False
    if wide.below(notional, wide.load(w, wk + at.W_NOTIONAL_MIN)):
        return False
    if x[k + at.ORDER_LOTS_MAX] >= 0 and lots > x[k + at.ORDER_LOTS_MAX]:
        return False
    if exceeds(notional, wide.load(w, wk + at.W_ORDER_NOTIONAL)):
        return False
    if not adds:
        return True
    if x[k + at.POSITION_LOTS_MAX] >= 0 and furthest > x[k + at.POSITION_LOTS_MAX]:
        return False
    if exceeds(worst, wide.load(w, wk + at.W_POSITION_NOTIONAL)):
        return False
    gross = wide.plus(worst, others_worst(x, symbol))
    if not wide.small(gross):
        x[at.FLAG] = at.OVERFLOW
        return False
    if exceeds(gross, wide.load(w, at.W_GROSS)):
        return False
    needed = wide.plus(
        wide.scaled(gross, x[at.LEVERAGE_DEN] * x[at.RATE_DEN]),
        wide.scaled(notional, x[k + at.TAKER] * x[at.LEVERAGE_NUM]),
    )
    return not wide.below(wide.scaled(equity, x[at.LEVERAGE_NUM] * x[at.RATE_DEN]), needed)


def exceeds(figure: Wide, bound: Wide) -> bool:
    """Whether a figure is above a limit that is set."""
    return not wide.below(bound, wide.of(0)) and wide.below(bound, figure)


def others_worst(x: Numbers, symbol: int) -> Wide:
    """The worst gross exposure of all other symbols: what is held with everything that works on the worse side."""
    total = wide.of(0)
    for other in range(x[at.SYMBOLS]):
        k = at.FIRST + other * at.BLOCK
        if other == symbol or (x[k + at.POSITION] == 0 and x[k + at.SIDE] == 0):
            continue
        position = x[k + at.POSITION]
        long, short, price = position, position, x[k + at.PRICE]
        if x[k + at.SIDE] > 0:
            long += x[k + at.LOTS]
        elif x[k + at.SIDE] < 0:
            short -= x[k + at.LOTS]
        if x[k + at.SIDE] != 0:
            price = max(price, x[k + at.WORST])
        if x[k + at.EXITS] != 0:
            exits = (x[k + at.STOP] != 0) + (x[k + at.TARGET] != 0) + (x[k + at.TRAIL] != 0)
            if position > 0:
                short -= exits * position
            else:
                long -= exits * position
            price = max(price, x[k + at.EXITS_WORST])
        furthest = max(long, -short, 0)
        if furthest * x[k + at.LOT] > x[k + at.UNITS_MAX]:
            x[at.FLAG] = at.OVERFLOW
        total = wide.plus(total, wide.product(furthest * x[k + at.LOT], price))
    return total
