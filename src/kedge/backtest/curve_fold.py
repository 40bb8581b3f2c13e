"""What a fold over an equity curve remembers: peak, drawdowns, the close of each UTC day, time in the market.

It takes a block of points at a time and forgets the points, so a run may be as long as it likes. Floats find the
places that can matter, to within their known error; the figures themselves are then computed exactly there:

- a day's close is the last point not after midnight: the candle that closes at midnight belongs to the day it ends;
- the maximum drawdown is the largest fall from the running peak, which starts at the initial capital, as a
  fraction of that peak (Magdon-Ismail & Atiya, "Maximum drawdown", Risk, 2004);
- the longest drawdown is the longest time from a peak until equity is back at it, or to the end if it never is.
"""

from __future__ import annotations

from copy import copy
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from msgspec import Struct

from kedge.backtest.curve_block import Block, Chunk, Flags, Floats, Integers
from kedge.model.instant import NS_PER_DAY
from kedge.model.money import EXACT, ZERO

#: A ratio of money: exact numbers, one rounding to 28 digits at the division (half even).
RATIO = Context(prec=28, rounding=ROUND_HALF_EVEN)

#: With more places than this that might be the maximum's trough, every record of the chunk is looked at once instead.
_TROUGHS_MAX = 64


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """`part / whole`, rounded once to 28 digits (half even)."""
    return RATIO.divide(part, whole)


class Drawdown(Struct, frozen=True, gc=False):
    """A fall from a peak: the ratio lost at the trough, and the times (ns) of peak and trough."""

    ratio: Decimal
    peak_ns: int
    trough_ns: int


class Underwater(Struct, frozen=True, gc=False):
    """A time below a peak; `end_ns` is when the peak was reached again, or the end of the data if `open`."""

    start_ns: int
    end_ns: int
    open: bool

    @property
    def ns(self) -> int:
        """How long it lasted."""
        return self.end_ns - self.start_ns


class CurveFold:
    """The running figures of a curve."""

    def __init__(self, initial: Decimal) -> None:
        self.initial = initial
        self.peak = initial
        self.peak_ns = 0
        self.worst = ZERO
        self.drawdown: Drawdown | None = None
        self.longest: Underwater | None = None
        self.days: list[tuple[int, Decimal]] = []
        self.points = 0
        self.first_ns = 0
        self.last_ns = 0
        self._top_ns = 0
        self._under = False
        self._held_ns = 0
        self._first_held = False
        self._first_step_ns = 0

    def copy(self) -> CurveFold:
        """A fold that goes on by itself."""
        other = copy(self)
        other.days = list(self.days)
        return other

    def take(self, block: Block) -> None:
        """Fold in the points of a block, which come after all that were folded before."""
        for chunk in block.chunks():
            if not self.points:
                self.first_ns = self.peak_ns = self._top_ns = int(chunk.times[0])
            self._time_held(chunk)
            self._days(chunk, block)
            self._drawdowns(chunk, block)
            self.points += len(chunk.times)
            self.last_ns = int(chunk.times[-1])

    @property
    def under_water(self) -> Underwater | None:
        """The longest drawdown, the one that is still going on included."""
        if not self._under:
            return self.longest
        running = Underwater(self._top_ns, self.last_ns, open=True)
        return running if self.longest is None or running.ns > self.longest.ns else self.longest

    @property
    def exposure(self) -> float:
        """Share of the time in which something was held.

        A point speaks for the time since the one before it, the first for as long as the second.
        """
        total = self.last_ns - self.first_ns + self._first_step_ns
        if not total:
            return float(self._first_held)
        return (self._held_ns + (self._first_step_ns if self._first_held else 0)) / total

    def _time_held(self, chunk: Chunk) -> None:
        steps = np.diff(chunk.times, prepend=self.last_ns if self.points else chunk.times[0])
        self._held_ns += int(steps[chunk.held].sum())
        if not self.points:
            self._first_held = bool(chunk.held[0])
        if not self._first_step_ns:
            self._first_step_ns = int(next(iter(steps[steps > 0]), 0))

    def _days(self, chunk: Chunk, block: Block) -> None:
        days = (chunk.times - 1) // NS_PER_DAY
        closes = np.flatnonzero(np.append(days[1:] != days[:-1], True))
        if self.days and self.days[-1][0] == int(days[0]):
            self.days.pop()
        for at in closes.tolist():
            self.days.append((int(days[at]), block.exact_at(int(chunk.places[at]))))

    def _drawdowns(self, chunk: Chunk, block: Block) -> None:
        equity = chunk.equity
        before = float(self.peak)
        peaks = np.maximum(np.maximum.accumulate(equity), before)
        error = chunk.error + abs(before) * 1e-15
        self._water(chunk.times, equity >= peaks - error)
        falls = 1.0 - equity / peaks
        slack = 4 * error / float(peaks[0]) + 1e-15
        worst = max(float(falls.max()), float(self.worst)) - slack
        records = equity >= peaks - 2 * error
        places = _distinct(self._candidates(peaks, falls >= worst, records, error), chunk)
        peak, peak_ns = self.peak, self.peak_ns
        for at in places.tolist():
            exact = block.exact_at(int(chunk.places[at]))
            if exact >= peak:
                peak, peak_ns = exact, int(chunk.times[at])
                continue
            fall = ratio(EXACT.subtract(peak, exact), peak)
            if fall > self.worst:
                self.worst = fall
                self.drawdown = Drawdown(fall, peak_ns, int(chunk.times[at]))
        self.peak, self.peak_ns = peak, peak_ns

    @staticmethod
    def _candidates(peaks: Floats, troughs: Flags, records: Flags, error: float) -> Integers:
        """Where to look exactly: the troughs that may be the worst, and whatever may be their peak or the last one."""
        wanted = np.flatnonzero(troughs)
        if len(wanted) > _TROUGHS_MAX:
            return np.flatnonzero(troughs | records)
        highs = np.flatnonzero(records)
        chosen = np.zeros(len(peaks), np.bool_)
        chosen[wanted] = True
        for end in [*wanted.tolist(), len(peaks) - 1]:
            low = int(np.searchsorted(peaks, peaks[end] - 4 * error, "left"))
            first, last = np.searchsorted(highs, (low, end + 1), "left")
            chosen[highs[first:last]] = True
        return np.flatnonzero(chosen)

    def _water(self, times: Integers, on_top: Flags) -> None:
        """Follow the times below the peak; `on_top` says at which points equity is at it."""
        tops = np.flatnonzero(on_top)
        if not len(tops):
            self._under = True
            return
        marks = np.append(np.int64(self._top_ns), times[tops])
        gaps = np.diff(marks)
        below = np.diff(np.append(-1, tops)) > 1
        below[0] |= self._under
        gaps = np.where(below, gaps, 0)
        widest = int(gaps.argmax())
        if gaps[widest] > (0 if self.longest is None else self.longest.ns):
            self.longest = Underwater(int(marks[widest]), int(marks[widest + 1]), open=False)
        self._top_ns = int(marks[-1])
        self._under = bool(tops[-1] != len(times) - 1)


def _distinct(places: Integers, chunk: Chunk) -> Integers:
    """The same places, of a stretch in which nothing was held only the last."""
    keep = np.ones(len(places), np.bool_)
    states = chunk.states[places]
    keep[:-1] = (states[1:] != states[:-1]) | chunk.held[places[1:]]
    return places[keep]
