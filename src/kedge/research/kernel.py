"""The kernel: what the event engine does with a column of moves, in whole numbers, a bar at a time.

It plays the fill rules of `kedge.venues.sim`, the sizing, the checks and the loss limits of `kedge.core` for the one
kind of strategy whose orders follow from a column (`kedge.core.strategy.signals`): market orders that enter and leave,
and the stop, target and trailing stop that an entry brings. A bar is

    the venue's   resting exits that the open has passed, exits that have just arrived, the order that waits for this
                  open; then the range, the leg against the position first, the trailing stop after both  (`play`)
    ours          the close becomes the price, equity is marked, the column's move is folded, an order is sized, judged
                  and sent  (`follow`)

Prices, lots and amounts of money are whole numbers of units that `plan` chose, so every line is exact; only a fee and a
price are ever rounded, where and as the engine rounds them. What the arithmetic cannot hold, and what this text leaves
to the engine (a liquidation, a flatten that meets other orders on their way), raises a flag, and the run is not the
kernel's.

The same text runs interpreted and compiled. Its arrays are `x` and `w` (`kernel_state` names their entries) and `log`;
amounts of 128 bits are `wide`.
"""

from __future__ import annotations

from typing import Any

from kedge.research import kernel_risk, kernel_venue, wide
from kedge.research import kernel_state as at
from kedge.research.kernel_risk import allows, equity_of, lots_of, mark, send, stop_trading
from kedge.research.kernel_venue import play

Numbers = Any


def run(
    x: Numbers,
    w: Numbers,
    log: Numbers,
    columns: tuple[Numbers, Numbers, Numbers, Numbers, Numbers, Numbers, Numbers],
    moves: Numbers,
    table: Numbers,
    closes_what: Numbers,
    days: Numbers,
    points: Numbers,
) -> int:
    """Play all bars; returns how many were played, less than all where a flag was raised.

    `columns` are symbol, open, high, low, close, start and end of each bar in the order they are told. `closes_what` is 1
    for the last bar of a moment, after which equity is kept in `points` where asked for, and 2 for the last of a UTC day,
    after which it is kept in `days` too.
    """
    symbols, opens, highs, lows, closes, starts, ends = columns
    single, watches, keeps = x[at.SYMBOLS] == 1, x[at.WATCHES] != 0, x[at.KEEPS_POINTS] != 0
    day = point = 0
    for n in range(len(opens)):
        symbol = symbols[n]
        k = at.FIRST + symbol * at.BLOCK
        position = x[k + at.POSITION]
        if x[k + at.SIDE] != 0 or (
            position != 0
            and (
                x[k + at.EXITS] != 0 or lows[n] <= x[k + at.DEATH_LOW] or highs[n] >= x[k + at.DEATH_HIGH] or not single
            )
        ):
            play(x, w, log, symbol, (opens[n], highs[n], lows[n], closes[n], starts[n], ends[n]))
            if x[at.FLAG] != 0:
                return n
            position = x[k + at.POSITION]
        x[k + at.PRICE] = closes[n]
        x[k + at.ENDED] = ends[n]
        x[at.NOW] = max(x[at.NOW], ends[n])
        if watches and mark(x, w):
            stop_trading(x, w, symbol)
        wanted = table[3 * (moves[n] + 1) + x[k + at.WANTED] + 1]
        if wanted < 0 and x[at.ALLOW_SHORT] == 0:
            wanted = 0
        if wanted != x[k + at.WANTED]:
            x[k + at.WANTED] = wanted
            x[k + at.OWED] = 1 if n >= x[at.LIVE_FROM] else 0
        if (x[k + at.OWED] != 0 or (position != 0 and position * wanted <= 0)) and x[at.HALT] != at.FLATTENING:
            follow(x, w, symbol)
        if x[at.FLAG] != 0:
            return n
        if closes_what[n] == 2:
            wide.store(days, day, equity_of(x, w))
            day += 1
        if keeps and closes_what[n] != 0:
            wide.store(points, point, equity_of(x, w))
            point += 1
    return len(opens)


def follow(x: Numbers, w: Numbers, symbol: int) -> None:
    """What is missing between the side wanted and what is held, as `SignalStrategy` asks for it."""
    k = at.FIRST + symbol * at.BLOCK
    position, wanted = x[k + at.POSITION], x[k + at.WANTED]
    if x[k + at.SIDE] != 0:
        return
    owed, wrong = x[k + at.OWED] != 0 and wanted != 0, position != 0 and position * wanted <= 0
    if wrong and not (owed and x[at.PROTECTED] == 0):
        x[k + at.OWED] = 1 if wanted != 0 else 0
        send(x, k, -1 if position > 0 else 1, abs(position), reduces=True)
        return
    x[k + at.OWED] = 0
    if owed and (wrong or position == 0):
        enter(x, w, symbol, wanted)


def enter(x: Numbers, w: Numbers, symbol: int, wanted: int) -> None:
    """Size an entry, let risk judge it, and send it with the exits it will bring."""
    k = at.FIRST + symbol * at.BLOCK
    equity = equity_of(x, w)
    lots = lots_of(x, w, k, equity)
    if lots > x[k + at.UNITS_MAX] // x[k + at.LOT]:
        x[at.FLAG] = at.OVERFLOW
        return
    if lots <= 0 or not allows(x, w, symbol, wanted, lots, equity):
        x[at.TURNED_DOWN] += 1
        return
    send(x, k, wanted, lots, reduces=False)
    if x[at.PROTECTED] != 0:
        x[k + at.NEXT_STOP] = level(x, k, x[at.STOP_NUM], x[at.STOP_DEN], -wanted, wanted)
        x[k + at.NEXT_TARGET] = level(x, k, x[at.TARGET_NUM], x[at.TARGET_DEN], wanted, wanted)
        if x[at.TRAIL_NUM] >= 0:
            tick, den = x[k + at.TICK], x[at.TRAIL_DEN]
            steps, rest = wide.quotient(wide.product(x[k + at.PRICE], x[at.TRAIL_NUM]), den * tick)
            x[k + at.NEXT_TRAIL] = max(steps + (1 if rest != 0 else 0), 1) * tick


def level(x: Numbers, k: int, num: int, den: int, up: int, sells: int) -> int:
    """An exit's price: away from the close by a fraction, on the tick, down where it sells and up where it buys."""
    if num < 0:
        return 0
    tick = x[k + at.TICK]
    steps, rest = wide.quotient(wide.product(x[k + at.PRICE], den + up * num), den * tick)
    if steps < 0:
        x[at.FLAG] = at.OVERFLOW
    if sells < 0 and rest != 0:
        steps += 1
    return int(max(steps, 1) * tick)


#: What the compiler must know of, besides `run`.
PARTS = (
    kernel_risk.equity_of, kernel_risk.mark, kernel_risk.close_within, kernel_risk.send, kernel_risk.stop_trading,
    kernel_risk.lots_of, kernel_risk.exceeds, kernel_risk.others_worst, kernel_risk.allows,
    kernel_venue.taken, kernel_venue.admits, kernel_venue.arm, kernel_venue.protect, kernel_venue.trade,
    kernel_venue.exit_at_open, kernel_venue.exit_arrives, kernel_venue.exit_in_range, kernel_venue.order_at_open,
    kernel_venue.play, follow, enter, level,
)  # fmt: skip
