"""The equity curve: written down cheaply while a run goes, computed exactly when it is asked for.

`CurveRecorder` takes columns from the engine's loop, `EquityCurve` is the sequence of `(datetime, Decimal)` that
follows. How a point's equity comes from the columns is told in `curve_block`, the figures of the whole curve in
`curve_fold`.

What is over is packed into blocks of 16 bytes a point. A stream without end is bounded by `points_max`: beyond it the
oldest blocks are folded into the figures, which stay exact, and thinned. Thinning keeps, of each few points in a row,
the lowest and the highest, so that a drawing of the curve stays true.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from typing import overload

import numpy as np

from kedge.backtest.curve_account import Holding, Segments
from kedge.backtest.curve_block import AccountBlock, Block, Floats, Integers, PointsBlock, whole
from kedge.backtest.curve_fold import CurveFold, Drawdown, Underwater
from kedge.model.errors import OurBug
from kedge.model.instant import NS_PER_US, to_datetime

Point = tuple[datetime, Decimal]

#: Points of a block.
BLOCK = 1 << 15

#: Of so many points in a row thinning keeps two.
_GROUP = 8


class CurveRecorder:
    """What the engine writes: `times`, `prices` and, with several symbols, `symbols`, one entry each per point.

    The three columns may be appended to directly: their `append` methods stay valid for ever. `names` are the symbols
    by index; `points_max` bounds memory, see `fold`.
    """

    __slots__ = (
        "_block",
        "_blocks",
        "_firsts",
        "_fold",
        "_kept",
        "_marks",
        "_over",
        "_points",
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
        self._firsts: dict[int, Decimal] = {}
        self._points_max = points_max
        self._block = BLOCK if points_max is None else max(1, min(BLOCK, points_max // 4))
        self._blocks: list[AccountBlock] = []
        self._points = 0
        self._fold = CurveFold(initial)
        self._kept: list[tuple[int, Decimal]] = []
        self._over = False

    def changed(self, index: int, cash: Decimal, holdings: tuple[Holding, ...]) -> None:
        """From the point `index` on, that is `len(times)`, the account holds this. Calls `fold`."""
        if index > len(self.times):
            raise OurBug(f"the account changed at point {index}, beyond the {len(self.times)} of this block")
        self._segments.add(index, cash, holdings)
        self.fold()

    def mark(self, symbol: int, price: Decimal) -> None:
        """A price that is known before the first point of a symbol; without it nothing of that symbol can be valued."""
        self._marks.setdefault(symbol, price)

    def fold(self) -> None:
        """Pack what is over into a block, and fold and thin what exceeds `points_max`.

        Cheap when there is nothing to do. Call it now and then in a run whose account may never change.
        """
        if len(self.times) < self._block:
            return
        places = whole(self.times)
        if not places:
            return
        over, self._segments = self._segments.split(places)
        times, prices, symbols = self.times[:places], self.prices[:places], self.symbols[:places]
        del self.times[:places]
        del self.prices[:places]
        del self.symbols[:places]
        block = AccountBlock(times, prices, symbols, over, self._marks).pack()
        self._marks = block.last_prices()
        self._firsts = block.first_prices() | self._firsts
        self._blocks.append(block)
        self._points += len(block)
        if self._points_max is not None:
            self._thin(self._points_max)

    def curve(self) -> EquityCurve:
        """The curve of all that was recorded. Recording is over: the columns belong to the curve now."""
        if self._over:
            raise OurBug("this recorder has given its curve already")
        self._over = True
        self._segments.clamp(len(self.times))
        live = AccountBlock(self.times, self.prices, self.symbols, self._segments, self._marks)
        firsts = live.first_prices() | self._firsts
        return EquityCurve(self._fold, self._kept, [*self._blocks, live], self.names, firsts)

    def _thin(self, points_max: int) -> None:
        while self._points > points_max:
            oldest = self._blocks.pop(0)
            self._points -= len(oldest)
            self._fold.take(oldest)
            self._kept.extend(thinned(oldest))
        while len(self._kept) > points_max:
            self._kept = thinned(PointsBlock(self._kept))


class EquityCurve(Sequence[Point]):
    """The account's equity over time, from the first point to the last; exact at each.

    The time of a point is when its price was known: a candle's is its close.
    """

    def __init__(
        self,
        fold: CurveFold,
        kept: Sequence[tuple[int, Decimal]],
        blocks: Sequence[Block],
        names: Sequence[str] = (),
        firsts: Mapping[int, Decimal] | None = None,
    ) -> None:
        self._folded = fold
        self._is_thinned = bool(kept)
        self._blocks: list[Block] = [PointsBlock(kept)] if kept else []
        self._blocks += blocks
        self._ends = list(accumulate(map(len, self._blocks)))
        self._whole = blocks
        self._firsts = firsts or {}
        self.names = tuple(names)

    @classmethod
    def of_points(cls, initial: Decimal, points: Sequence[tuple[int, Decimal]]) -> EquityCurve:
        """A curve from exact points (nanoseconds, equity) at rising times."""
        return cls(CurveFold(initial), (), [PointsBlock(points)])

    @property
    def initial(self) -> Decimal:
        """The capital at the start."""
        return self._folded.initial

    @property
    def is_thinned(self) -> bool:
        """Whether the older points were thinned; the figures are of all of them nevertheless."""
        return self._is_thinned

    @property
    def points(self) -> int:
        """How many points were recorded, thinned or not."""
        return self._figures.points

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Point: ...

    @overload
    def __getitem__(self, index: slice) -> list[Point]: ...

    def __getitem__(self, index: int | slice) -> Point | list[Point]:
        if isinstance(index, slice):
            return [self._point(number) for number in range(*index.indices(len(self)))]
        return self._point(index)

    def __iter__(self) -> Iterator[Point]:
        for block in self._blocks:
            for time, equity in block.walk():
                yield to_datetime(time), equity

    def __repr__(self) -> str:
        return f"EquityCurve({len(self)} points, {self.initial} -> {self.final})"

    def equity_at(self, index: int) -> Decimal:
        """The equity at a point, to the last digit."""
        block, number = self._find(index)
        return block.exact(number)

    def time_at(self, index: int) -> int:
        """The time of a point, in nanoseconds."""
        block, number = self._find(index)
        return block.time(number)

    @cached_property
    def final(self) -> Decimal:
        """The equity at the end; the initial capital where there is no point."""
        return self.equity_at(-1) if len(self) else self.initial

    def vectors(self) -> tuple[Integers, Floats]:
        """Times (ns) and equity as float64, for drawings; computed anew at each call."""
        chunks = [chunk for block in self._blocks for chunk in block.chunks()]
        times = [np.empty(0, np.int64), *(chunk.times for chunk in chunks)]
        return np.concatenate(times), np.concatenate([np.empty(0, np.float64), *(chunk.equity for chunk in chunks)])

    def closes(self, name: str) -> tuple[Integers, Floats]:
        """The recorded prices of a symbol as float64 with their times (ns), for drawings; the thinned part has none."""
        symbol = self.names.index(name) if name in self.names else -1
        found = [block.closes(symbol) for block in self._blocks]
        times = [np.empty(0, np.int64), *(times for times, _ in found)]
        return np.concatenate(times), np.concatenate([np.empty(0, np.float64), *(prices for _, prices in found)])

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
        return self._named(self._blocks[-1].last_prices()) if self._blocks else {}

    @cached_property
    def _figures(self) -> CurveFold:
        figures = self._folded.copy()
        for block in self._whole:
            figures.take(block)
        return figures

    def _named(self, prices: Mapping[int, Decimal]) -> dict[str, Decimal]:
        return {self.names[symbol]: price for symbol, price in prices.items() if symbol < len(self.names)}

    def _find(self, index: int) -> tuple[Block, int]:
        """The block of a point and the point's number in it."""
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"point {index} of an equity curve of {len(self)}")
        place = bisect_right(self._ends, number)
        return self._blocks[place], number - (self._ends[place - 1] if place else 0)

    def _point(self, index: int) -> Point:
        block, number = self._find(index)
        return to_datetime(block.time(number)), block.exact(number)


def thinned(block: Block) -> list[tuple[int, Decimal]]:
    """The lowest and the highest of each few points in a row, exact, in order of time."""
    kept: list[tuple[int, Decimal]] = []
    for chunk in block.chunks():
        for low in range(0, len(chunk.times), _GROUP):
            part = chunk.equity[low : low + _GROUP]
            ends = sorted({low + int(part.argmin()), low + int(part.argmax())})
            kept.extend((int(chunk.times[at]), block.exact_at(int(chunk.places[at]))) for at in ends)
    return kept
