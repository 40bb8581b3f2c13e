"""`DataQualityChecker`: what is wrong with a series of candles, before anyone trades or backtests on it.

**Outliers.** A bad tick jumps and comes back; a market that moves does not come back at once. So an outlier
is a *spike*: close-to-close log returns that jump away by more than `outlier_std` robust standard deviations
and, within `SPIKE_BARS_MAX` bars, jump back by as much, undoing the most of it. A trend has returns all to
one side and a new price level does not return: neither is flagged. The yardstick must not be stretched by the
spike itself, or a lone spike in a short series would hide behind its own size. So it is the median absolute
deviation about the median (times 1.4826, which makes it the standard deviation of normal returns; Rousseeuw &
Croux 1993) of up to `WINDOW` returns on either side of the jump, without those of the spike. With too few
returns to judge by, a spike must exceed what any market does in a quiet bar (`SCALE_UNKNOWN`), and in the
flattest market it must be more than a rounding of the price (`SCALE_MIN`). The first and the last bar have a
neighbour on one side only: one is flagged if it jumps by so much and its neighbour hardly moves.

**Gaps.** Two candles further apart than `max_gap_seconds` and than the series' own interval (the candles' or
else the commonest distance). `missing_pct` counts every bar missing on that grid, in percent of those
expected.

A candle that is wrong by itself (`non_finite`, `non_positive`, `high_below_low`, ...) takes part in no
statistic. Series of several symbols are told apart. Returns are floats: they are statistics, never money.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from math import log
from statistics import median
from typing import NamedTuple

from kedge.core.market.rules import PRICE_MAX, PRICE_MIN, SIZE_MAX, TIME_MAX, Rule, candle_values
from kedge.model.errors import UserError
from kedge.model.instant import NS_PER_S, to_datetime
from kedge.model.market import Candle
from kedge.model.money import ZERO

WINDOW = 50
SPIKE_BARS_MAX = 3
SCALE_MIN = 0.0005
SCALE_UNKNOWN = 0.02
RETURNS_MIN = 8
STUCK_BARS_MIN = 10
_MAD_TO_STD = 1.4826
_UNDONE = 0.5


class Gap(NamedTuple):
    """No candle between `start` and `end`, both of which there are; `missing` bars."""

    start: datetime
    end: datetime
    symbol: str
    missing: int


class Finding(NamedTuple):
    """Something wrong with one candle: its row of the input (from 0), its time (UTC ns) and what is wrong."""

    row: int
    ts: int
    symbol: str
    what: str


class Outlier(NamedTuple):
    """A spike: the candle's place in the input, its time, its close and how many robust deviations it
    jumped.
    """

    row: int
    timestamp: datetime
    symbol: str
    close: float
    deviations: float


class Stuck(NamedTuple):
    """A price that did not move at all (open = high = low = close) for `bars` candles."""

    start: datetime
    end: datetime
    symbol: str
    bars: int


@dataclass(slots=True)
class QualityReport:
    """What a check found; each list is in the order of the input."""

    gaps: list[Gap] = field(default_factory=list)
    outliers: list[Outlier] = field(default_factory=list)
    total_candles: int = 0
    missing_pct: float = 0.0
    duplicates: list[Finding] = field(default_factory=list)
    out_of_order: list[Finding] = field(default_factory=list)
    non_positive: list[Finding] = field(default_factory=list)
    non_finite: list[Finding] = field(default_factory=list)
    high_below_low: list[Finding] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)
    malformed: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all was found."""
        return not any(getattr(self, name) for name in _FINDINGS) and self.missing_pct == 0

    def summary(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in _FINDINGS}


_FINDINGS = (
    *("gaps", "outliers", "duplicates", "out_of_order", "non_positive", "non_finite", "high_below_low"),
    *("stuck", "malformed"),
)

#: Which list a broken rule goes to; a rule that is not here makes a candle malformed.
_LISTS = {
    Rule.NON_FINITE: "non_finite",
    Rule.NEGATIVE: "non_positive",
    Rule.ZERO: "non_positive",
    Rule.HIGH_BELOW_LOW: "high_below_low",
    Rule.OPEN_CLOSE_OUTSIDE: "high_below_low",
}


class _Series:
    """The good candles of one symbol, by time: place in the input, time, close and its logarithm."""

    __slots__ = ("closes", "flat_bars", "flat_since", "intervals", "last", "places", "times", "unsorted")

    def __init__(self) -> None:
        self.places = array("q")
        self.times = array("q")
        self.closes = array("d")
        self.intervals: Counter[int] = Counter()
        self.last: Candle | None = None
        self.flat_since = 0
        self.flat_bars = 0
        self.unsorted = False


class DataQualityChecker:
    """Checks candles of one or several symbols.

    `max_gap_seconds`: a longer distance between candles is a gap, where their own interval is not longer
    still. `outlier_std`: how many robust standard deviations a return must exceed to count as a jump.
    """

    def __init__(
        self, max_gap_seconds: int = 120, outlier_std: float = 5.0, stuck_bars_min: int = STUCK_BARS_MIN
    ) -> None:
        for name, value in (("max_gap_seconds", max_gap_seconds), ("outlier_std", outlier_std)):
            if not value > 0:
                raise UserError(f"{name} is {value}; it must be above zero")
        if stuck_bars_min < 2:
            raise UserError(f"stuck_bars_min is {stuck_bars_min}; it must be 2 or more")
        self.max_gap_seconds = max_gap_seconds
        self.outlier_std = outlier_std
        self.stuck_bars_min = stuck_bars_min

    def check(self, candles: Iterable[Candle]) -> QualityReport:
        """Read all candles once, bad ones too, and report."""
        report = QualityReport()
        series: dict[str, _Series] = {}
        for place, candle in enumerate(candles):
            report.total_candles += 1
            symbol: object = candle.symbol
            if not isinstance(symbol, str):
                report.malformed.append(Finding(place, 0, repr(symbol), "the symbol is no text"))
                continue
            one = series.get(symbol)
            if one is None:
                one = series[symbol] = _Series()
            self._take(report, one, place, candle)
        present = missing = 0
        for name, one in series.items():
            self._end_flat(report, one, name)
            _sort(one)
            missing += self._find_gaps(report, one, name)
            present += len(one.times)
            self._find_spikes(report, one, name)
        report.missing_pct = 100.0 * missing / (present + missing) if missing else 0.0
        report.outliers.sort()
        return report

    def _take(self, report: QualityReport, one: _Series, place: int, candle: Candle) -> None:
        broken = None if _is_sound(candle) else candle_values(candle)
        if broken is not None:
            rule, what = broken
            found: list[Finding] = getattr(report, _LISTS.get(rule, "malformed"))
            found.append(
                Finding(place, candle.ts if type(candle.ts) is int else 0, str(candle.symbol), f"{rule}: {what}")
            )
            return
        last = one.last
        if last is not None and candle.ts <= last.ts:
            if candle.ts == last.ts:
                same = "the same again" if candle == last else "other values at the same time"
                report.duplicates.append(Finding(place, candle.ts, candle.symbol, same))
                return
            report.out_of_order.append(Finding(place, candle.ts, candle.symbol, f"after {last.ts}"))
            one.unsorted = True
        else:
            self._watch_flat(report, one, last, candle)
            one.last = candle
        one.places.append(place)
        one.times.append(candle.ts)
        one.closes.append(float(candle.close))
        one.intervals[candle.interval] += 1

    def _watch_flat(self, report: QualityReport, one: _Series, last: Candle | None, candle: Candle) -> None:
        """Extend the run of candles that did not move, or end it."""
        if candle.high == candle.low:
            if one.flat_bars and last is not None and last.close == candle.open:
                one.flat_bars += 1
                return
            self._end_flat(report, one, candle.symbol)
            one.flat_since, one.flat_bars = candle.ts, 1
        elif one.flat_bars:
            self._end_flat(report, one, candle.symbol)

    def _end_flat(self, report: QualityReport, one: _Series, symbol: str) -> None:
        if one.flat_bars >= self.stuck_bars_min and one.last is not None:
            report.stuck.append(Stuck(to_datetime(one.flat_since), to_datetime(one.last.ts), symbol, one.flat_bars))
        one.flat_bars = 0

    def _find_gaps(self, report: QualityReport, one: _Series, symbol: str) -> int:
        """Note the gaps; how many bars are missing, in gaps and out of them."""
        times = one.times
        interval = one.intervals.most_common(1)[0][0] if one.intervals else 0
        if not interval:
            distances = Counter(map(int.__sub__, times[1:], times))
            interval = min(distances, key=lambda distance: (-distances[distance], distance), default=0)
        if not interval:
            return 0
        limit = max(self.max_gap_seconds * NS_PER_S, interval)
        missing = 0
        for before, after in pairwise(times):
            if after - before > interval:
                bars = (after - before + interval // 2) // interval - 1
                missing += bars
                if after - before > limit:
                    report.gaps.append(Gap(to_datetime(before), to_datetime(after), symbol, bars))
        return missing

    def _find_spikes(self, report: QualityReport, one: _Series, symbol: str) -> None:
        logs = array("d", map(log, one.closes))
        returns = array("d", map(float.__sub__, logs[1:], logs))
        least = self.outlier_std * SCALE_MIN
        skip = 0
        for at, moved in enumerate(returns):
            if at < skip or -least < moved < least:
                continue
            spike = self._spike_at(returns, at)
            if spike is None:
                continue
            first, end, deviations = spike
            skip = end
            for place in range(first, end):
                when = to_datetime(one.times[place])
                report.outliers.append(
                    Outlier(one.places[place], when, symbol, one.closes[place], round(deviations, 2))
                )

    def _spike_at(self, returns: array[float], at: int) -> tuple[int, int, float] | None:
        """The candles `first..end` of the spike that return `at` begins, and by how many deviations it jumps.

        Return `at` leads from candle `at` to candle `at + 1`.
        """
        jump, count = returns[at], len(returns)
        height = jump
        for back in range(at + 1, min(at + 1 + SPIKE_BARS_MAX, count)):
            height += returns[back]
            if returns[back] * jump < 0 and abs(height) <= _UNDONE * min(abs(jump), abs(returns[back])):
                centre, scale = self._surroundings(returns, at, back)
                size = min(abs(jump - centre), abs(returns[back] - centre)) / scale
                return (at + 1, back + 1, size) if size > self.outlier_std else None
        if count > 1 and at in (0, count - 1):
            neighbour = returns[1] if at == 0 else returns[count - 2]
            centre, scale = self._surroundings(returns, at, at)
            size = abs(jump - centre) / scale
            if size > self.outlier_std and abs(jump) > self.outlier_std * abs(neighbour):
                return (0, 1, size) if at == 0 else (count, count + 1, size)
        return None

    @staticmethod
    def _surroundings(returns: array[float], first: int, last: int) -> tuple[float, float]:
        """Median and robust standard deviation of the returns around, without returns `first..last`."""
        around = returns[max(0, first - WINDOW) : first] + returns[last + 1 : last + 1 + WINDOW]
        if not around:
            return 0.0, SCALE_UNKNOWN
        centre = median(around)
        scale = max(SCALE_MIN, _MAD_TO_STD * median([abs(value - centre) for value in around]))
        return centre, max(scale, SCALE_UNKNOWN) if len(around) < RETURNS_MIN else scale


def _is_sound(candle: Candle) -> bool:
    """Whether all values are inside their bounds; what is not sure is asked of `candle_values`."""
    low, high, opened, close, volume = candle.low, candle.high, candle.open, candle.close, candle.volume
    if not type(low) is type(high) is type(opened) is type(close) is type(volume) is Decimal:
        return False
    if not (low.is_finite() and high.is_finite() and opened.is_finite() and close.is_finite() and volume.is_finite()):
        return False
    return (
        PRICE_MIN <= low <= opened <= high <= PRICE_MAX
        and low <= close <= high
        and ZERO <= volume <= SIZE_MAX
        and type(candle.ts) is int
        and 0 <= candle.ts <= TIME_MAX - candle.interval
        and candle.interval >= 0
    )


def _sort(one: _Series) -> None:
    """Bring late candles to their place; of several at one time the first is kept."""
    if not one.unsorted:
        return
    order = sorted(range(len(one.times)), key=one.times.__getitem__)
    kept = [at for n, at in enumerate(order) if n == 0 or one.times[at] != one.times[order[n - 1]]]
    one.places, one.closes = array("q", (one.places[at] for at in kept)), array("d", (one.closes[at] for at in kept))
    one.times = array("q", (one.times[at] for at in kept))
