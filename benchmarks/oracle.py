"""What the works W1 and W3 must come to, computed in plain integers: no engine, no float, no Decimal.

Money is in thousandths of a tick (1e-5 of the quote currency), because the fee of 0.1% of a price in ticks is a
whole number of those. So a final P&L is exact, and an engine that differs from it by more than float error did
other work.

An engine states its fill convention for market orders: `NEXT_OPEN`, or `SAME_CLOSE` where the order fills at the
close that made the signal. For limit orders the market leaves no two conventions (see `market`).

The P&L is marked at the last close, an open position stays open: no engine closes it at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import numpy as np

FAST: Final = 10
SLOW: Final = 30
#: W1 decides from this bar on (its index): some engines call a strategy first when 31 bars are there.
W1_FIRST_BAR: Final = SLOW
#: W3 decides from this bar on: some engines skip the first.
W3_FIRST_BAR: Final = 1
#: How far from the close W3's limit lies: odd, and more than a bar's opening gap.
W3_OFFSET_TICKS: Final = 41
_FEE_PARTS: Final = 1000  # the fee is a thousandth of the notional
_UNITS_PER_MONEY: Final = 100 * _FEE_PARTS


class Convention(StrEnum):
    """When a market order that a bar's close made is filled."""

    NEXT_OPEN = "next open"
    SAME_CLOSE = "same close"


@dataclass(frozen=True)
class Expected:
    """What a run must show: orders sent, orders filled, and the final P&L in the quote currency."""

    orders: int
    fills: int
    pnl: Decimal


class _Ledger:
    """Cash and position; money in thousandths of a tick, quantity in whole units."""

    def __init__(self) -> None:
        self.cash = 0
        self.position = 0
        self.fills = 0

    def fill(self, quantity: int, price: int) -> None:
        self.cash -= quantity * price * _FEE_PARTS + abs(quantity) * price
        self.position += quantity
        self.fills += 1

    def result(self, orders: int, close: int) -> Expected:
        total = self.cash + self.position * close * _FEE_PARTS
        return Expected(orders, self.fills, Decimal(total) / _UNITS_PER_MONEY)


def sma_flip(opens: Sequence[int], closes: Sequence[int], convention: Convention = Convention.NEXT_OPEN) -> Expected:
    """W1: one unit long while SMA 10 is above SMA 30, one short while below, as it was where they are equal."""
    ledger = _Ledger()
    orders = 0
    wanted = 0
    pending = 0
    fast = sum(closes[: min(FAST, len(closes))])
    slow = fast
    for index, close in enumerate(closes):
        if pending:
            ledger.fill(pending, opens[index])
            pending = 0
        if index >= FAST:
            fast += close - closes[index - FAST]
            slow += close
        if index >= SLOW:
            slow -= closes[index - SLOW]
        if index < W1_FIRST_BAR:
            continue
        difference = fast * SLOW - slow * FAST
        target = (difference > 0) - (difference < 0) or wanted
        if target == wanted:
            continue
        orders += 1
        if convention is Convention.NEXT_OPEN:
            pending = target - wanted
        else:
            ledger.fill(target - wanted, close)
        wanted = target
    return ledger.result(orders, closes[-1])


def sma_sweep(opens: Any, closes: Any, pairs: Sequence[tuple[int, int]]) -> Expected:
    """W2: W1 for every pair of lengths, from bar `slow` on; orders, fills and P&L summed. Takes int64 arrays of ticks."""
    totals = np.concatenate((np.zeros(1, np.int64), np.cumsum(closes)))
    orders = fills = money = 0
    for fast, slow in pairs:
        ends = np.arange(slow + 1, len(closes) + 1)
        ahead = (totals[ends] - totals[ends - fast]) * slow - (totals[ends] - totals[ends - slow]) * fast
        decided = np.flatnonzero(ahead)
        side = np.sign(ahead[decided])
        turns = np.flatnonzero(np.concatenate(([True], side[1:] != side[:-1]))) if len(side) else decided
        orders += len(turns)
        at, to = decided[turns] + slow + 1, side[turns]
        quantity = np.diff(to, prepend=0)[at < len(opens)]
        price = opens[at[at < len(opens)]]
        fills += len(price)
        money -= int((quantity * price).sum()) * _FEE_PARTS + int((abs(quantity) * price).sum())
        money += int(quantity.sum()) * int(closes[-1]) * _FEE_PARTS
    return Expected(orders, fills, Decimal(money) / _UNITS_PER_MONEY)


def limit_each_bar(highs: Sequence[int], lows: Sequence[int], closes: Sequence[int]) -> Expected:
    """W3: at each close the last order is cancelled and a limit for one unit sent: below when flat, else above."""
    ledger = _Ledger()
    orders = 0
    limit = 0
    for index, close in enumerate(closes):
        if limit:
            side = -1 if ledger.position else 1
            if (side > 0 and lows[index] < limit) or (side < 0 and highs[index] > limit):
                ledger.fill(side, limit)
        if index < W3_FIRST_BAR:
            continue
        limit = close + W3_OFFSET_TICKS if ledger.position else close - W3_OFFSET_TICKS
        orders += 1
    return ledger.result(orders, closes[-1])
