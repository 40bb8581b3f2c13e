"""A ledger kept by hand: three strategies and a broker in a few lines each, sharing no code with Kedge.

Everything is `Decimal` from the text of the file. A decision on a close is carried out at the next open, moved by the slippage
against us and rounded to 1e-8 against us; the fee is a fraction of what was traded.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from pathlib import Path

D = Decimal
ZERO = D(0)
GRID = D("0.00000001")


@dataclass
class Bar:
    ts: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass
class Entry:
    ts: int
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal


@dataclass
class Ledger:
    """Cash, one position, and the list of what was traded."""

    cash: Decimal
    fee_rate: Decimal
    slippage_bps: Decimal
    held: Decimal = ZERO
    fees: Decimal = ZERO
    entries: list[Entry] = field(default_factory=list)

    def trade(self, ts: int, change: Decimal, price: Decimal) -> None:
        slip = price * self.slippage_bps / 10_000
        moved = price + slip if change > 0 else price - slip
        paid = (moved / GRID).to_integral_value(ROUND_CEILING if change > 0 else ROUND_FLOOR) * GRID
        fee = abs(change) * paid * self.fee_rate
        self.cash -= change * paid + fee
        self.held += change
        self.fees += fee
        self.entries.append(Entry(ts, "buy" if change > 0 else "sell", abs(change), paid, fee))

    def equity(self, price: Decimal) -> Decimal:
        return self.cash + self.held * price


#: Given the bars so far and what is held, the position wanted from the next open on; `None` leaves it.
Rule = Callable[[list[Bar], Decimal], Decimal | None]


def read(path: Path, count: int) -> list[Bar]:
    with gzip.open(path, "rt") as file:
        rows = csv.DictReader(file)
        return [
            Bar(int(r["open_time_ms"]) * 1_000_000, D(r["open"]), D(r["high"]), D(r["low"]), D(r["close"]))
            for r, _ in zip(rows, range(count), strict=False)
        ]


def run(bars: list[Bar], rule: Rule, cash: Decimal, fee_rate: Decimal, slippage_bps: Decimal) -> Ledger:
    """Play the bars; at each open what was decided at the close before is carried out."""
    with localcontext() as context:
        context.prec = 60
        ledger = Ledger(cash, fee_rate, slippage_bps)
        wanted: Decimal | None = None
        seen: list[Bar] = []
        for bar in bars:
            if wanted is not None and wanted != ledger.held:
                ledger.trade(bar.ts, wanted - ledger.held, bar.open)
            seen.append(bar)
            del seen[:-60]
            wanted = rule(seen, ledger.held)
        return ledger


def sma_cross(fast: int, slow: int) -> Rule:
    """Long one while the fast mean of closes is above the slow one, short one while below, from the bar after the first."""
    state: dict[str, bool | None] = {"above": None}
    count = 0

    def rule(bars: list[Bar], held: Decimal) -> Decimal | None:
        nonlocal count
        count += 1
        if count <= slow:
            return None
        left = sum(b.close for b in bars[-fast:]) * slow
        right = sum(b.close for b in bars[-slow:]) * fast
        if left == right or state["above"] is (left > right):
            return None
        state["above"] = left > right
        return D(1) if left > right else D(-1)

    return rule


def mean_reversion(window: int, deviations: int) -> Rule:
    """Against a close outside mean +- k population deviations; out when the close is back at the mean."""

    def rule(bars: list[Bar], held: Decimal) -> Decimal | None:
        closes = [b.close for b in bars[-window:]]
        if len(closes) < window:
            return None
        total = sum(closes, D(0))
        ahead = closes[-1] * window - total  # n (x - mean)
        if held > 0:
            return D(0) if ahead >= 0 else None
        if held < 0:
            return D(0) if ahead <= 0 else None
        scaled = sum((c * c for c in closes), D(0)) * window - total * total  # n^2 variance
        if ahead * ahead > deviations * deviations * scaled:
            return D(-1) if ahead > 0 else D(1)
        return None

    return rule


def breakout(window: int, exit_window: int) -> Rule:
    """With a close beyond the range of the bars before; out when it leaves the nearer range on the other side."""

    def rule(bars: list[Bar], held: Decimal) -> Decimal | None:
        if len(bars) <= window:
            return None
        far, near, close = bars[-window - 1 : -1], bars[-exit_window - 1 : -1], bars[-1].close
        if held <= 0 and close > max(b.high for b in far):
            return D(1)
        if held >= 0 and close < min(b.low for b in far):
            return D(-1)
        if held > 0 and close < min(b.low for b in near):
            return D(0)
        if held < 0 and close > max(b.high for b in near):
            return D(0)
        return None

    return rule


def pairs(entries: list[Entry]) -> Iterator[tuple[int, str, Decimal, Decimal, Decimal]]:
    """The entries as plain tuples, to compare."""
    for entry in entries:
        yield entry.ts, entry.side, entry.quantity, entry.price, entry.fee
