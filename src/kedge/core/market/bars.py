"""Bars: candles built from trades, and larger candles from smaller ones.

A time bar covers `[k x interval, (k + 1) x interval)` of UTC, whatever trades came first. It is given out
when it is over, never before: when something later than its end arrives, when its last part closes, or when
`advance(now)` says so. Where nothing traded there is no bar, unless `fill_flat` asks for flat ones of no
volume at the last close.

Sums are exact. The open is that of the first part, the close that of the last. A closed bar never changes: a
part that comes too late for its bar is left out and counted in `late`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Protocol

from kedge.model.errors import DataError
from kedge.model.instant import iso
from kedge.model.market import Candle, Trade, of_row
from kedge.model.money import EXACT, ZERO

#: More flat bars than this in one gap are a mistake in the data or in the interval.
FLAT_BARS_MAX = 1_000_000

_candle = of_row(Candle)


class BarBuilder(Protocol):
    """Takes trades, gives closed bars."""

    def add(self, trade: Trade) -> list[Candle]:
        """Take a trade; the bars that are over by it, the oldest first."""

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""


class _Bar:
    """A bar in the making."""

    __slots__ = ("close", "count", "end", "high", "low", "open", "start", "volume")

    def __init__(self, start: int, end: int, opened: Decimal) -> None:
        self.start = start
        self.end = end
        self.open = self.high = self.low = self.close = opened
        self.volume = ZERO
        self.count = 0

    def take(self, high: Decimal, low: Decimal, close: Decimal, volume: Decimal) -> None:
        if high > self.high:
            self.high = high
        if low < self.low:
            self.low = low
        self.close = close
        self.volume = EXACT.add(self.volume, volume)
        self.count += 1

    def candle(self, symbol: str) -> Candle:
        length = self.end - self.start
        return _candle(self.start, self.open, self.high, self.low, self.close, self.volume, symbol, length)

    def snapshot(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


class _TimeBars:
    """What time bars from trades and from candles share: the grid, closing, filling."""

    __slots__ = ("_bar", "_last_close", "_next_start", "fill_flat", "interval", "late", "symbol")

    def __init__(self, symbol: str, interval: int, fill_flat: bool = False) -> None:
        if interval <= 0:
            raise DataError(f"the interval of {symbol} bars is {interval} ns; it must be above zero")
        self.symbol = symbol
        self.interval = interval
        self.fill_flat = fill_flat
        self._bar: _Bar | None = None
        self._last_close: Decimal | None = None
        self._next_start = 0
        self.late = 0

    def advance(self, now: int) -> list[Candle]:
        """Time is `now` (UTC ns): close what is over, and fill up to there if flat bars are wanted."""
        closed: list[Candle] = []
        if self._bar is not None and now >= self._bar.end:
            closed.append(self._close())
        if self.fill_flat and self._bar is None:
            self._fill(now - now % self.interval, closed)
        return closed

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        return {
            "symbol": self.symbol,
            "interval": self.interval,
            "fill_flat": self.fill_flat,
            "bar": self._bar.snapshot() if self._bar is not None else {},
            "last_close": [] if self._last_close is None else [self._last_close],
            "next_start": self._next_start,
            "late": self.late,
        }

    def _close(self) -> Candle:
        bar = self._bar
        assert bar is not None, "no bar is open"
        self._bar = None
        self._last_close, self._next_start = bar.close, bar.end
        return bar.candle(self.symbol)

    def _bar_at(self, ts: int, opened: Decimal, closed: list[Candle]) -> _Bar | None:
        """The bar that `ts` is in, `None` if that is closed. A new bar closes the one before and may fill the
        gap.
        """
        bar = self._bar
        if ts < (self._next_start if bar is None else bar.start):
            self.late += 1
            return None
        if bar is not None:
            if ts < bar.end:
                return bar
            closed.append(self._close())
        start = ts - ts % self.interval
        if self.fill_flat:
            self._fill(start, closed)
        self._bar = bar = _Bar(start, start + self.interval, opened)
        return bar

    def _fill(self, until: int, closed: list[Candle]) -> None:
        price = self._last_close
        if price is None or until <= self._next_start:
            return
        missing = (until - self._next_start) // self.interval
        if missing > FLAT_BARS_MAX:
            raise DataError(
                f"{self.symbol} has a gap of {missing} bars at {iso(self._next_start)}; build without fill_flat"
            )
        length = self.interval
        starts = range(self._next_start, until, length)
        closed.extend(_Bar(start, start + length, price).candle(self.symbol) for start in starts)
        self._next_start = until


class TimeBars(_TimeBars):
    """Time bars of `interval` ns from trades."""

    __slots__ = ()

    def add(self, trade: Trade) -> list[Candle]:
        """Take a trade; the bars that are over by it, the oldest first."""
        closed: list[Candle] = []
        price = trade.price
        bar = self._bar_at(trade.ts, price, closed)
        if bar is not None:
            bar.take(price, price, price, trade.quantity)
        return closed


class HigherBars(_TimeBars):
    """Time bars of `interval` ns from candles of a shorter interval that divides it.

    A bar is closed with the candle that ends it. The first bar is given out only if its beginning was seen,
    as one that lacks its first part would be wrong; `partial_first` gives it all the same.
    """

    __slots__ = ("_next_part", "_skip_until", "partial_first")

    def __init__(self, symbol: str, interval: int, fill_flat: bool = False, partial_first: bool = False) -> None:
        super().__init__(symbol, interval, fill_flat)
        self.partial_first = partial_first
        self._skip_until = 0
        self._next_part = 0

    def add(self, candle: Candle) -> list[Candle]:
        """Take a candle; the bars that are over by it, the oldest first."""
        ts, length = candle.ts, candle.interval
        if length <= 0 or self.interval % length or ts % length:
            raise DataError(
                f"{self.symbol} bars of {self.interval} ns cannot be made of a candle of {length} ns at {iso(ts)}; "
                f"its interval must divide theirs and its time be on its own grid"
            )
        if self._bar is None and self._last_close is None and not self.partial_first and ts % self.interval:
            self._skip_until = ts - ts % self.interval + self.interval
        if ts < self._skip_until:
            return []
        closed: list[Candle] = []
        bar = self._bar_at(ts, candle.open, closed)
        if bar is None:
            return closed
        if ts < self._next_part:
            self.late += 1
            return closed
        bar.take(candle.high, candle.low, candle.close, candle.volume)
        self._next_part = ts + length
        if self._next_part == bar.end:
            closed.append(self._close())
        return closed

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        own: dict[str, object] = {"skip_until": self._skip_until, "next_part": self._next_part}
        return super().snapshot() | own


class _CountedBars(ABC):
    """Bars that close when enough has traded. They begin and end with a trade, and `interval` is the time
    between.
    """

    __slots__ = ("_bar", "late", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.late = 0
        self._bar: _Bar | None = None

    def add(self, trade: Trade) -> list[Candle]:
        """Take a trade; the bar that it completes."""
        price, bar = trade.price, self._bar
        if bar is None:
            bar = self._bar = _Bar(trade.ts, trade.ts, price)
        if trade.ts < bar.end:
            self.late += 1
            return []
        bar.end = trade.ts
        bar.take(price, price, price, trade.quantity)
        if not self._full(bar):
            return []
        self._bar = None
        return [bar.candle(self.symbol)]

    @abstractmethod
    def _full(self, bar: _Bar) -> bool:
        """Whether the bar is complete."""

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        bar = self._bar.snapshot() if self._bar is not None else {}
        return {"symbol": self.symbol, "bar": bar, "late": self.late}


class TickBars(_CountedBars):
    """Bars of `trades` trades each."""

    __slots__ = ("trades",)

    def __init__(self, symbol: str, trades: int) -> None:
        super().__init__(symbol)
        if trades <= 0:
            raise DataError(f"tick bars of {trades} trades; the number must be above zero")
        self.trades = trades

    def _full(self, bar: _Bar) -> bool:
        return bar.count >= self.trades


class VolumeBars(_CountedBars):
    """Bars of at least `volume` traded; a trade is never split, so the last one of a bar may exceed it."""

    __slots__ = ("volume",)

    def __init__(self, symbol: str, volume: Decimal) -> None:
        super().__init__(symbol)
        if not volume > ZERO:
            raise DataError(f"volume bars of {volume}; the volume must be above zero")
        self.volume = volume

    def _full(self, bar: _Bar) -> bool:
        return bar.volume >= self.volume
