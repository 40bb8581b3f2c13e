"""The equity curve: written down cheaply while a run goes, computed exactly when it is asked for.

`CurveRecorder` takes columns from the engine's loop, `EquityCurve` is the sequence of `(datetime, Decimal)` that
follows. How a point's equity comes from the columns is told in `curve_block`, the figures of the whole curve in
`curve_fold`.

A stream without end is bounded by `points_max`: beyond it the older points are folded into the figures, which stay
exact, and thinned. Thinning keeps, of each few points in a row, the lowest and the highest, so that a drawing of the
curve stays true.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import overload

import numpy as np

from kedge.backtest.curve_block import (
    AccountBlock,
    Block,
    Floats,
    Holding,
    Integers,
    PointsBlock,
    Segments,
)
from kedge.backtest.curve_fold import CurveFold, Drawdown, Underwater
from kedge.model.errors import OurBug
from kedge.model.instant import NS_PER_US, to_datetime

Point = tuple[datetime, Decimal]

#: At least this many points stay whole, or thinning would be all a recorder does.
POINTS_MIN = 1024

#: Of so many points in a row thinning keeps two.
_GROUP = 8


class CurveRecorder:
    """What the engine writes: `times`, `prices` and, with several symbols, `symbols`, one entry each per point.

    The three columns may be appended to directly: their `append` methods stay valid for ever. `names` are the symbols
    by index; `points_max` bounds memory, see `fold`.
    """

    __slots__ = (
        "_before",
        "_firsts",
        "_fold",
        "_kept",
        "_marks",
        "_over",
        "_points_max",
        "_segments",
        "names",
        "prices",
        "symbols",
        "times",
    )

    def __init__(self, initial: Decimal, names: Sequence[str] = (), points_max: int | None = None) -> None:
        self.times = array("q")
        self.prices: list[Decimal] = []
        self.symbols = array("i")
        self.names = tuple(names)
        self._segments = Segments(initial)
        self._marks: dict[int, Decimal] = {}
        self._points_max = None if points_max is None else max(points_max, POINTS_MIN)
        self._firsts: dict[int, Decimal] = {}
        self._fold = CurveFold(initial)
        self._kept: list[tuple[int, Decimal]] = []
        self._before: int | None = None
        self._over = False

    def changed(self, index: int, cash: Decimal, holdings: tuple[Holding, ...]) -> None:
        """From the point `index` on, `len(times)` as a rule, the account holds this."""
        self._segments.add(index, cash, holdings)
        if self._points_max is not None:
            self.fold()

    def mark(self, symbol: int, price: Decimal) -> None:
        """A price that is known before the first point of a symbol; without it nothing of that symbol can be valued."""
        self._marks.setdefault(symbol, price)

    def fold(self) -> None:
        """Fold and thin what exceeds `points_max`. Cheap when there is nothing to do; call it now and then."""
        if self._points_max is None or len(self.times) <= self._points_max:
            return
        whole = AccountBlock(self.times[:], self.prices[:], self.symbols[:], self._segments, self._marks, self._before)
        places = whole.last_whole()
        if not places:
            return
        head = whole.head(places)
        self._fold.take(head)
        self._firsts = head.first_prices() | self._firsts
        self._before = head.time(len(head) - 1)
        self._kept.extend(thinned(head))
        while len(self._kept) > self._points_max:
            self._kept = thinned(PointsBlock(self._kept))
        self._marks = head.last_prices()
        self._segments = self._segments.cut(places)
        del self.times[:places]
        del self.prices[:places]
        del self.symbols[:places]

    def curve(self) -> EquityCurve:
        """The curve of all that was recorded. Recording is over: the columns belong to the curve now."""
        if self._over:
            raise OurBug("this recorder has given its curve already")
        self._over = True
        self._segments.clamp(len(self.times))
        live = AccountBlock(self.times, self.prices, self.symbols, self._segments, self._marks, self._before)
        return EquityCurve(self._fold, self._kept, live, self.names, live.first_prices() | self._firsts)


class EquityCurve(Sequence[Point]):
    """The account's equity over time, from the first point to the last; exact at each.

    The time of a point is when its price was known: a candle's is its close.
    """

    def __init__(
        self,
        fold: CurveFold,
        kept: Sequence[tuple[int, Decimal]],
        live: Block,
        names: Sequence[str] = (),
        firsts: Mapping[int, Decimal] | None = None,
    ) -> None:
        self._folded = fold
        self._kept = kept
        self._live = live
        self._firsts = firsts or {}
        self.names = tuple(names)

    @classmethod
    def of_points(cls, initial: Decimal, points: Sequence[tuple[int, Decimal]]) -> EquityCurve:
        """A curve from exact points (nanoseconds, equity) at rising times."""
        return cls(CurveFold(initial), (), PointsBlock(points))

    @property
    def initial(self) -> Decimal:
        """The capital at the start."""
        return self._folded.initial

    @property
    def is_thinned(self) -> bool:
        """Whether the older points were thinned; the figures are of all of them nevertheless."""
        return bool(self._kept)

    @property
    def points(self) -> int:
        """How many points were recorded, thinned or not."""
        return self._figures.points

    def __len__(self) -> int:
        return len(self._kept) + len(self._live)

    @overload
    def __getitem__(self, index: int) -> Point: ...

    @overload
    def __getitem__(self, index: slice) -> list[Point]: ...

    def __getitem__(self, index: int | slice) -> Point | list[Point]:
        if isinstance(index, slice):
            return [self._point(number) for number in range(*index.indices(len(self)))]
        return self._point(self._number(index))

    def __iter__(self) -> Iterator[Point]:
        for time, equity in self._kept:
            yield to_datetime(time), equity
        for time, equity in self._live.walk():
            yield to_datetime(time), equity

    def __repr__(self) -> str:
        return f"EquityCurve({len(self)} points, {self.initial} -> {self.final})"

    def equity_at(self, index: int) -> Decimal:
        """The equity at a point, to the last digit."""
        number = self._number(index)
        kept = len(self._kept)
        return self._kept[number][1] if number < kept else self._live.exact(number - kept)

    def time_at(self, index: int) -> int:
        """The time of a point, in nanoseconds."""
        number = self._number(index)
        kept = len(self._kept)
        return self._kept[number][0] if number < kept else self._live.time(number - kept)

    @cached_property
    def final(self) -> Decimal:
        """The equity at the end; the initial capital where there is no point."""
        return self.equity_at(-1) if len(self) else self.initial

    def vectors(self) -> tuple[Integers, Floats]:
        """Times (ns) and equity as float64, for drawings; computed anew at each call."""
        times = [np.array([time for time, _ in self._kept], np.int64)]
        equity = [np.array([float(worth) for _, worth in self._kept], np.float64)]
        for chunk in self._live.chunks():
            times.append(chunk.times)
            equity.append(chunk.equity)
        return np.concatenate(times), np.concatenate(equity)

    def closes(self, name: str) -> tuple[Integers, Floats]:
        """The recorded prices of a symbol as float64 with their times (ns), for drawings; the thinned part has none."""
        return self._live.closes(self.names.index(name) if name in self.names else -1)

    def max_drawdown(self) -> Decimal:
        """The largest fall from the running peak as a fraction of that peak; zero where equity never falls."""
        return self._figures.worst

    def drawdown(self) -> Drawdown | None:
        """The maximum drawdown with its peak and trough."""
        return self._figures.drawdown

    def longest_drawdown(self) -> Underwater | None:
        """The longest time below a peak."""
        return self._figures.under_water

    def max_drawdown_duration(self) -> timedelta:
        """How long the longest drawdown lasted; zero where there is none."""
        longest = self._figures.under_water
        return timedelta(0) if longest is None else timedelta(microseconds=longest.ns // NS_PER_US)

    def exposure(self) -> float:
        """Share of the time in which something was held."""
        return self._figures.exposure

    def daily(self) -> list[tuple[int, Decimal]]:
        """The last equity of each UTC day that has a point, midnight at its end included: (days since 1970, equity)."""
        return self._figures.days

    def first_prices(self) -> dict[str, Decimal]:
        """The first recorded price of each symbol that has a name."""
        return self._named(self._firsts)

    def last_prices(self) -> dict[str, Decimal]:
        """The latest recorded price of each symbol that has a name."""
        return self._named(self._live.last_prices())

    @cached_property
    def _figures(self) -> CurveFold:
        figures = self._folded.copy()
        figures.take(self._live)
        return figures

    def _named(self, prices: Mapping[int, Decimal]) -> dict[str, Decimal]:
        return {self.names[symbol]: price for symbol, price in prices.items() if symbol < len(self.names)}

    def _number(self, index: int) -> int:
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"point {index} of an equity curve of {len(self)}")
        return number

    def _point(self, number: int) -> Point:
        return to_datetime(self.time_at(number)), self.equity_at(number)


def thinned(block: Block) -> list[tuple[int, Decimal]]:
    """The lowest and the highest of each few points in a row, exact, in order of time."""
    kept: list[tuple[int, Decimal]] = []
    for chunk in block.chunks():
        for low in range(0, len(chunk.times), _GROUP):
            part = chunk.equity[low : low + _GROUP]
            ends = sorted({low + int(part.argmin()), low + int(part.argmax())})
            kept.extend((int(chunk.times[at]), block.exact_at(int(chunk.places[at]))) for at in ends)
    return kept
