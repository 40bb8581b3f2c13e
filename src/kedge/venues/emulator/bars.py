"""Candles of the tape: minutes are kept, longer bars are put together from them when asked for.

A seeded market begins with minutes of the past; one from a file begins with the file's bars before its start. An interval
shorter than the bars of the past therefore begins later than a longer one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct, structs

from kedge.model.instant import NS_PER_DAY, NS_PER_S
from kedge.model.money import ZERO

SECOND = NS_PER_S
MINUTE = 60 * NS_PER_S
#: Weeks begin on Monday; 1970-01-05 was one.
WEEK = 7 * NS_PER_DAY
_FIRST_MONDAY = 4 * NS_PER_DAY
MINUTES_KEPT = 20_000
SECONDS_KEPT = 3_600


class Bar(Struct):
    """One candle `[ts, ts + interval)`: prices, volume in base and quote, and how much of it buyers took."""

    ts: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    value: Decimal = ZERO
    trades: int = 0
    bought: Decimal = ZERO
    bought_value: Decimal = ZERO
    first_id: int = -1
    last_id: int = -1


def opening(ts: int, interval: int) -> int:
    """When the bar that holds `ts` opened."""
    return ts - (ts - _FIRST_MONDAY) % interval if interval % WEEK == 0 else ts - ts % interval


class Bars:
    """The candles of one symbol. `past` are bars of `past_interval` from before the start."""

    def __init__(self, past: Iterable[Bar] = (), past_interval: int = MINUTE) -> None:
        self._past = list(past)
        self._past_interval = past_interval
        self._seconds: deque[Bar] = deque(maxlen=SECONDS_KEPT)
        self._minutes: deque[Bar] = deque(maxlen=MINUTES_KEPT)

    def add(self, ts: int, price: Decimal, quantity: Decimal, bought: bool, trade_id: int) -> None:
        """A trade happened."""
        for bars, interval in ((self._seconds, SECOND), (self._minutes, MINUTE)):
            opened = opening(ts, interval)
            if not bars or bars[-1].ts != opened:
                bars.append(Bar(opened, price, price, price, price, first_id=trade_id))
            _trade(bars[-1], price, quantity, bought, trade_id)

    def series(self, interval: int, start: int, end: int, limit: int, *, newest: bool) -> list[Bar]:
        """At most `limit` bars that open in `[start, end]`, oldest first: the newest of them, or the oldest."""
        found: list[Bar] = []
        for bar in self._source(interval):
            opened = opening(bar.ts, interval)
            if not start <= opened <= end:
                continue
            if not newest and len(found) == limit and opened != found[-1].ts:
                break
            if found and found[-1].ts == opened:
                _merge(found[-1], bar)
            else:
                found.append(structs.replace(bar, ts=opened))
        return found[-limit:] if newest else found[:limit]

    def current(self, interval: int, now: int) -> Bar | None:
        """The bar that is open now; None where nothing traded in it yet."""
        bars = self.series(interval, opening(now, interval), now, 1, newest=True)
        return bars[-1] if bars else None

    def window(self, start: int) -> list[Bar]:
        """The minutes that opened from `start` on."""
        return [bar for bar in self._source(MINUTE) if bar.ts >= start]

    def _source(self, interval: int) -> list[Bar]:
        if interval < MINUTE:
            return list(self._seconds)
        past = self._past if interval % self._past_interval == 0 else []
        return [*past, *self._minutes]


def _trade(bar: Bar, price: Decimal, quantity: Decimal, bought: bool, trade_id: int) -> None:
    value = price * quantity
    bar.high = max(bar.high, price)
    bar.low = min(bar.low, price)
    bar.close = price
    bar.volume += quantity
    bar.value += value
    bar.trades += 1
    bar.last_id = trade_id
    if bought:
        bar.bought += quantity
        bar.bought_value += value


def _merge(bar: Bar, later: Bar) -> None:
    bar.high = max(bar.high, later.high)
    bar.low = min(bar.low, later.low)
    bar.close = later.close
    bar.volume += later.volume
    bar.value += later.value
    bar.trades += later.trades
    bar.bought += later.bought
    bar.bought_value += later.bought_value
    bar.first_id = bar.first_id if bar.first_id >= 0 else later.first_id
    bar.last_id = max(bar.last_id, later.last_id)
