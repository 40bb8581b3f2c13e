"""The course of a market: where the price of others would be, moment by moment, and what it was before the start.

`RandomCourse` is a seeded walk in whole ticks. `FileCourse` follows candles: each is walked open, low, high, close (open,
high, low, close where it falls), every turning point is visited, and the file's time is moved so that its bars continue
into the emulator's present. After the last candle the price stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from random import Random
from typing import Any, Protocol

from kedge.model.errors import ConfigError
from kedge.model.instrument import Instrument
from kedge.model.market import Candle
from kedge.venues.emulator.bars import MINUTE, Bar, opening

HISTORY_MINUTES = 1_500
_BILLION = 1_000_000_000
#: A step moves the price by up to this many parts in a billion: 0.6 basis points.
_STEP_PPB = 60_000
_PAST_SHARE = 2
_PAST_BARS_MAX = 2_000


class Course(Protocol):
    """Says where the price is going; prices are whole ticks."""

    def past(self) -> tuple[Sequence[Bar], int]:
        """Candles from before the start, oldest first, and their interval."""

    def price(self) -> int:
        """Where it is now."""

    def move(self, now: int) -> list[int]:
        """The prices to visit up to `now`, in order."""

    def jump(self, price: int) -> None:
        """Go on from `price`."""


class RandomCourse:
    """A walk from `seed` that starts at `price` ticks."""

    def __init__(self, instrument: Instrument, price: Decimal, seed: int, start_ns: int) -> None:
        first = opening(start_ns, MINUTE) - HISTORY_MINUTES * MINUTE
        ticks = int(price / instrument.tick_size)
        walked = _walked(instrument.symbol, instrument.tick_size, instrument.lot_size, ticks, seed, first)
        self._history, self._now, state = walked
        self._dice = Random(seed)  # noqa: S311  (a market, not a secret)
        self._dice.setstate(state)

    def past(self) -> tuple[Sequence[Bar], int]:
        return self._history, MINUTE

    def price(self) -> int:
        return self._now

    def move(self, now: int) -> list[int]:
        self._now = _stepped(self._dice, self._now, _STEP_PPB)
        return [self._now]

    def jump(self, price: int) -> None:
        self._now = price


@lru_cache(maxsize=32)
def _walked(
    symbol: str, tick: Decimal, lot: Decimal, ticks: int, seed: int, first: int
) -> tuple[tuple[Bar, ...], int, Any]:
    """The minutes before the start, where they end, and the dice as they lie then. Many emulators begin alike."""
    dice = Random(f"kedge-emulator-{seed}-{symbol}")  # noqa: S311  (a market, not a secret)
    lots = max(int(Decimal(20_000) / (ticks * tick) / lot), 10)
    bars = []
    now = ticks
    for n in range(HISTORY_MINUTES):
        prices = [now]
        for _ in range(4):
            now = _stepped(dice, now, _STEP_PPB * 5)
            prices.append(now)
        volume = dice.randint(lots, lots * 50) * lot
        bought = volume * dice.randint(2, 8) / 10
        bought -= bought % lot
        middle = (max(prices) + min(prices)) * tick / 2
        bars.append(
            Bar(
                first + n * MINUTE, prices[0] * tick, max(prices) * tick, min(prices) * tick, prices[-1] * tick,
                volume, volume * middle, dice.randint(20, 400), bought, bought * middle,
            )
        )  # fmt: skip
    return tuple(bars), now, dice.getstate()


def _stepped(dice: Random, now: int, ppb: int) -> int:
    """One step of the walk."""
    move = now * dice.randint(-ppb, ppb) // _BILLION
    return max(now + (move or dice.randint(-1, 1)), 100)


class FileCourse:
    """The prices of `candles`, half of them (at most 2,000) as the past; the rest begins at `start_ns`."""

    def __init__(self, instrument: Instrument, candles: Sequence[Candle], start_ns: int) -> None:
        if len(candles) < _PAST_SHARE:
            raise ConfigError(f"the data of {instrument.symbol} has {len(candles)} candles; give at least two")
        before = min(len(candles) // _PAST_SHARE, _PAST_BARS_MAX)
        self._tick = instrument.tick_size
        self._interval = interval = candles[0].interval
        shift = opening(start_ns, interval) - candles[before].ts
        self._history = [
            Bar(each.ts + shift, each.open, each.high, each.low, each.close, each.volume, each.volume * each.close, 1)
            for each in candles[max(0, before - _PAST_BARS_MAX) : before]
        ]
        self._points = [
            (each.ts + shift + part * interval // 4, self._ticks(price))
            for each in candles[before:]
            for part, price in enumerate(_path(each))
        ]
        last = candles[-1]
        self._points.append((last.ts + shift + interval, self._ticks(last.close)))
        self._at = 0
        self._now = self._points[0][1]

    def past(self) -> tuple[Sequence[Bar], int]:
        return self._history, self._interval

    def price(self) -> int:
        return self._now

    def move(self, now: int) -> list[int]:
        visited = []
        while self._at + 1 < len(self._points) and self._points[self._at + 1][0] <= now:
            self._at += 1
            visited.append(self._points[self._at][1])
        ts, price = self._points[self._at]
        if self._at + 1 < len(self._points) and now > ts:
            until, target = self._points[self._at + 1]
            visited.append(price + (target - price) * (now - ts) // (until - ts))
        self._now = visited[-1] if visited else self._now
        return visited

    def jump(self, price: int) -> None:
        self._now = price  # the file pulls it back with the next step

    def _ticks(self, price: Decimal) -> int:
        return max(int((price / self._tick).to_integral_value(ROUND_HALF_EVEN)), 1)


def _path(candle: Candle) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    if candle.close >= candle.open:
        return candle.open, candle.low, candle.high, candle.close
    return candle.open, candle.high, candle.low, candle.close
