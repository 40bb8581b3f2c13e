"""A stretch of a run as the engine wrote it down, and the equity that follows from it.

The engine notes a price per candle and, when the account changes, its cash and holdings. Between two changes (a
segment) equity is linear in the prices:

    equity(i) = cash + sum over holdings of quantity x multiplier x price(i) - cost

with cost zero for spot, which was paid for in cash. So one point can be had exactly, in `Decimal`, at any time, and
all of them fast as floats: each segment's constant and coefficients are repeated over its points and multiplied with
the prices. Floats find where to look and feed statistics; what is reported as money is computed exactly.

Points of equal time are one point, after the last of them. A price that comes with an earlier time than the one
before (a long candle among short ones) is a point at the time already reached.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from kedge.backtest.curve_account import Segments, value
from kedge.backtest.curve_columns import Prices, Times
from kedge.model.errors import OurBug

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Points computed at once: small enough for the processor's cache, large enough that Python does not show.
CHUNK = 1 << 16

#: Rounding steps between a float equity and the exact one, with room: two products and sums, and the conversions.
_EPSILONS = 16 * float(np.finfo(np.float64).eps)


class Chunk(Struct, frozen=True, gc=False):
    """Consecutive points as vectors: time, equity, whether anything is held, and how wrong an equity may be.

    `places` are what `exact_at` of the block wants; equal `states` with nothing held mean equal equity.
    """

    times: Integers
    equity: Floats
    held: Flags
    places: Integers
    states: Integers
    error: float


class AccountBlock:
    """Prices and segments of a stretch; `marks` are the prices known before its first point."""

    def __init__(
        self,
        times: array[int],
        prices: list[Decimal],
        symbols: array[int],
        segments: Segments,
        marks: Mapping[int, Decimal],
    ) -> None:
        if len(times) != len(prices) or (symbols and len(symbols) != len(times)):
            raise OurBug(f"{len(times)} times, {len(prices)} prices and {len(symbols)} symbols were recorded")
        self._prices = Prices(prices)
        self._symbols = symbols
        self._segments = segments
        self._marks = dict(marks)
        self._times = Times(times)
        self._lasts = _lasts(self._times.all())
        self._of_symbol: dict[int, Integers] = {}

    def __len__(self) -> int:
        return len(self._times) if self._lasts is None else len(self._lasts)

    def time(self, number: int) -> int:
        """The time of a point, in nanoseconds."""
        return self._times[self._place(number)]

    def exact(self, number: int) -> Decimal:
        """The equity of a point, to the last digit."""
        return self.exact_at(self._place(number))

    def exact_at(self, place: int) -> Decimal:
        """The equity right after the price recorded as number `place`."""
        cash, held = self._segments.at(place)
        return value(cash, held, lambda symbol: self._price(symbol, place))

    def walk(self) -> Iterator[tuple[int, Decimal]]:
        """Every point in order as (time, exact equity); one pass, cheaper than asking one by one."""
        marks = dict(self._marks)
        ends = self._ends().tobytes()
        starts, moneys, holdings = self._segments.starts, self._segments.cash, self._segments.held
        number, after = 0, starts[1] if len(starts) > 1 else -1
        cash, held = moneys[0], holdings[0]
        for place, price in enumerate(self._prices):
            if place == after:
                number += 1
                cash, held = moneys[number], holdings[number]
                after = starts[number + 1] if number + 1 < len(starts) else -1
            marks[self._symbols[place] if self._symbols else 0] = price
            if ends[place]:
                yield self._times[place], value(cash, held, marks.get)

    def chunks(self) -> Iterator[Chunk]:
        """The points as vectors, in order."""
        constants, coefficients = self._linear()
        starts = np.frombuffer(self._segments.starts, np.int64)
        marks = {symbol: float(price) for symbol, price in self._marks.items()}
        ends, times = self._ends(), self._times.all()
        for low in range(0, len(times), CHUNK):
            high = min(low + CHUNK, len(times))
            prices = self._prices.floats(low, high)
            first, end = np.searchsorted(starts, (low, high - 1), "right") - np.array((1, 0))
            inside = starts[first + 1 : end]
            lengths = np.diff(np.array([low, *inside, high]))
            equity = np.repeat(constants[first:end], lengths)
            size = float(np.abs(equity).max())
            held = np.zeros(high - low, np.bool_)
            symbols = np.frombuffer(self._symbols, np.int32)[low:high] if self._symbols else None
            for symbol, coefficient in coefficients.items():
                part = coefficient[first:end]
                if part.any():
                    factor = np.repeat(part, lengths)
                    holds = factor != 0.0
                    held |= holds
                    worth = np.where(holds, factor * _filled(prices, symbols, symbol, marks), 0.0)
                    equity += worth
                    size += float(np.nanmax(np.abs(worth), initial=0.0))
            for place in np.flatnonzero(np.isnan(equity)).tolist():
                equity[place] = float(self.exact_at(low + place))
            _carry(marks, prices, symbols)
            keep = ends[low:high]
            places = np.flatnonzero(keep) + low
            if len(places):
                states = np.repeat(np.arange(first, end), lengths)[keep]
                yield Chunk(times[places], equity[keep], held[keep], places, states, _EPSILONS * size)

    def last_prices(self) -> dict[int, Decimal]:
        """The latest price of each symbol at the end of the block."""
        marks = dict(self._marks)
        if not self._symbols:
            if len(self._prices):
                marks[0] = self._prices[-1]
            return marks
        symbols = np.frombuffer(self._symbols, np.int32)
        for symbol in np.unique(symbols).tolist():
            marks[symbol] = self._prices[int(self._positions(symbol)[-1])]
        return marks

    def first_prices(self) -> dict[int, Decimal]:
        """The first price of each symbol in the block."""
        if not self._symbols:
            return {0: self._prices[0]} if len(self._prices) else {}
        found, at = np.unique(np.frombuffer(self._symbols, np.int32), return_index=True)
        return {symbol: self._prices[place] for symbol, place in zip(found.tolist(), at.tolist(), strict=True)}

    def closes(self, symbol: int) -> tuple[Integers, Floats]:
        """The recorded prices of a symbol: times (ns) and values."""
        prices = self._prices.floats(0, len(self._prices))
        if not self._symbols:
            times = self._times.all()
            return (times, prices) if symbol == 0 else (times[:0], prices[:0])
        places = self._positions(symbol)
        return self._times.all()[places], prices[places]

    def pack(self) -> AccountBlock:
        """Keep times and prices in few bytes and the account's states as bytes; returns itself."""
        self._times.pack()
        self._prices.pack()
        self._segments.pack()
        return self

    def _ends(self) -> Flags:
        """Whether each recorded price is the last of its time, and so a point."""
        if self._lasts is None:
            return np.ones(len(self._times), np.bool_)
        ends = np.zeros(len(self._times), np.bool_)
        ends[self._lasts] = True
        return ends

    def _place(self, number: int) -> int:
        return number if self._lasts is None else int(self._lasts[number])

    def _price(self, symbol: int, place: int) -> Decimal | None:
        if not self._symbols:
            return self._prices[place] if symbol == 0 else self._marks.get(symbol)
        positions = self._positions(symbol)
        at = int(np.searchsorted(positions, place, "right")) - 1
        return self._marks.get(symbol) if at < 0 else self._prices[int(positions[at])]

    def _positions(self, symbol: int) -> Integers:
        found = self._of_symbol.get(symbol)
        if found is None:
            found = self._of_symbol[symbol] = np.flatnonzero(np.frombuffer(self._symbols, np.int32) == symbol)
        return found

    def _linear(self) -> tuple[Floats, dict[int, Floats]]:
        """Constant and coefficients of each segment."""
        count = len(self._segments.cash)
        constants = np.empty(count, np.float64)
        coefficients: dict[int, Floats] = {}
        for number, (cash, held) in enumerate(zip(self._segments.cash, self._segments.held, strict=True)):
            constant = cash
            for symbol, quantity, multiplier, cost in held:
                if cost is not None:
                    constant -= cost
                column = coefficients.get(symbol)
                if column is None:
                    column = coefficients[symbol] = np.zeros(count, np.float64)
                column[number] = float(quantity * multiplier)
            constants[number] = float(constant)
        return constants, coefficients


class PointsBlock:
    """A curve that is given as exact points, such as one stitched from several runs."""

    def __init__(self, points: Sequence[tuple[int, Decimal]]) -> None:
        self._points = points
        times = np.array([time for time, _ in points], np.int64)
        if (np.diff(times) <= 0).any():
            raise OurBug("the points of an equity curve must have rising times")
        self._moments = times

    def __len__(self) -> int:
        return len(self._points)

    def time(self, number: int) -> int:
        """The time of a point, in nanoseconds."""
        return self._points[number][0]

    def exact(self, number: int) -> Decimal:
        """The equity of a point."""
        return self._points[number][1]

    exact_at = exact

    def walk(self) -> Iterator[tuple[int, Decimal]]:
        """Every point in order."""
        return iter(self._points)

    def chunks(self) -> Iterator[Chunk]:
        """The points as vectors; what was held is not known and counts as nothing."""
        for low in range(0, len(self._points), CHUNK):
            part = self._points[low : low + CHUNK]
            equity = floats([equity for _, equity in part])
            places = np.arange(low, low + len(part))
            error = _EPSILONS * float(np.abs(equity).max())
            yield Chunk(self._moments[places], equity, np.zeros(len(part), np.bool_), places, places, error)

    def first_prices(self) -> dict[int, Decimal]:
        """None are known."""
        return {}

    last_prices = first_prices

    def closes(self, symbol: int) -> tuple[Integers, Floats]:
        """None are known."""
        return self._moments[:0], np.empty(0, np.float64)


Block = AccountBlock | PointsBlock


def whole(times: array[int]) -> int:
    """How many recorded prices belong to times that are over: the last time may still get more."""
    moments = Times(times).all()
    return int(np.searchsorted(moments, moments[-1], "left")) if len(moments) else 0


def _lasts(moments: Integers) -> Integers | None:
    """The places of the last price of each time; `None` where every time is there once."""
    same = moments[1:] == moments[:-1]
    if not same.any():
        return None
    return np.flatnonzero(np.append(~same, True))


def floats(numbers: Sequence[Decimal]) -> Floats:
    """As floats, each the nearest one."""
    return np.array(numbers, np.float64)


def _filled(prices: Floats, symbols: npt.NDArray[np.int32] | None, symbol: int, marks: Mapping[int, float]) -> Floats:
    """The price of one symbol at each place: its latest, before its first the mark; NaN where none is known."""
    if symbols is None and symbol == 0:
        return prices
    before = marks.get(symbol, float("nan"))
    if symbols is None:
        return np.full(len(prices), before)
    latest = np.maximum.accumulate(np.where(symbols == symbol, np.arange(len(prices)), -1))
    return np.where(latest < 0, before, prices[latest])


def _carry(marks: dict[int, float], prices: Floats, symbols: npt.NDArray[np.int32] | None) -> None:
    """Keep the latest price of each symbol for the next chunk."""
    if symbols is None:
        marks[0] = float(prices[-1])
        return
    found, from_the_end = np.unique(symbols[::-1], return_index=True)
    for symbol, at in zip(found.tolist(), from_the_end.tolist(), strict=True):
        marks[symbol] = float(prices[len(prices) - 1 - at])
