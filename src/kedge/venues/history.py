"""Candles of a long time, page by page, from any venue.

Venues cut pages in their own ways: after so many rows, before what they still keep, with nothing at all where nobody
traded. A page is asked for by its time, so that whatever comes back says how far it reaches:

    whole                    the page is done, however few candles it has
    cut, from its start on   go on after the last candle
    cut, from later on       ask for what is before the first candle by itself
    nothing, and not whole   ask for a shorter page; where it is short already, what is missing is noted

What fails for the moment is asked for again, later each time and not before the venue allows it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Final

from msgspec import Struct

from kedge.model.errors import DataError, VenueError, WorldError
from kedge.model.instant import NS_PER_S
from kedge.model.market import Candle
from kedge.venues.answers import ErrorClass, Failed, Whole
from kedge.venues.gateway import ExchangeGateway
from kedge.venues.wire.clock import Clock

#: Candles asked for at once at first, and the fewest; every venue gives the latter.
PAGE_MAX: Final = 1_000
PAGE_MIN: Final = 250

#: How often in a row a page may fail, and the wait after the first failure, doubled each time.
FAILURES_MAX: Final = 6
WAIT_S: Final = 1


class Page(Struct, frozen=True):
    """Closed candles of `[start, end)`, oldest first; `missing` says what of it the venue does not give."""

    start: int
    end: int
    candles: tuple[Candle, ...]
    missing: str = ""


async def pages(
    gateway: ExchangeGateway, clock: Clock, symbol: str, interval: int, start: int, end: int
) -> AsyncIterator[Page]:
    """The pages of `[start, end)` in order. `DataError` where the venue refuses, `WorldError` where it keeps failing."""
    at, length, failures = start, PAGE_MAX, 0
    until = min(end, at + length * interval)
    while at < end:
        answer = await gateway.get_candles(symbol, interval, at, until)
        if isinstance(answer, Failed):
            failures += 1
            await _wait(answer, failures, clock)
            continue
        failures = 0
        candles = _sound(answer.value, symbol, interval, at, until)
        missing = "" if isinstance(answer, Whole) else answer.missing
        if missing and candles and candles[0].ts > at:
            until = candles[0].ts
            continue
        if missing and not candles and until - at > PAGE_MIN * interval:
            length = max(PAGE_MIN, (until - at) // interval // 2)
            until = at + length * interval
            continue
        if missing and candles:
            until, missing = candles[-1].ts + interval, ""
        yield Page(at, until, candles, missing)
        at = until
        until = min(end, at + length * interval)


def _sound(candles: tuple[Candle, ...], symbol: str, interval: int, start: int, end: int) -> tuple[Candle, ...]:
    for candle in candles:
        if (candle.symbol, candle.interval) != (symbol, interval) or not start <= candle.ts < end:
            raise VenueError(f"a candle of {candle.symbol} at {candle.ts} came for {symbol} in [{start}, {end})")
    if any(earlier.ts >= later.ts for earlier, later in pairwise(candles)):
        raise VenueError(f"candles of {symbol} from {start} on are not in order of time")
    return candles


async def _wait(failed: Failed, failures: int, clock: Clock) -> None:
    said = f"{failed.code}: {failed.message}"
    if failed.kind in {ErrorClass.REFUSED, ErrorClass.OURS}:
        raise DataError(f"the venue does not give these candles: {said}")
    if failures > FAILURES_MAX:
        raise WorldError(f"the venue failed {failures} times in a row: {said}; try again later, what came is kept")
    await clock.sleep(max(WAIT_S << (failures - 1), (failed.retry_at - clock.now_ns()) / NS_PER_S))
