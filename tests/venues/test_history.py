"""Candles page by page from venues that cut their pages in every way there is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import DataError, VenueError, WorldError
from kedge.model.instant import NS_PER_S
from kedge.model.market import Candle
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.history import FAILURES_MAX, Page, pages
from kedge.venues.wire.virtual import VirtualClock, run

MINUTE = 60 * NS_PER_S
D = Decimal
Cut = Callable[[list[int], int, int], Answer[tuple[Candle, ...]]]


def candle(ts: int, symbol: str = "BTC-USD") -> Candle:
    return Candle(ts, D(1), D(2), D(1), D(2), D(1), symbol, MINUTE)


def told(times: list[int]) -> tuple[Candle, ...]:
    return tuple(candle(ts) for ts in times)


def forward(limit: int) -> Cut:
    """At most `limit` rows from the start on: Binance."""

    def cut(times: list[int], start: int, end: int) -> Answer[tuple[Candle, ...]]:
        return Whole(told(times)) if len(times) < limit else Partial(told(times[:limit]), "later candles")

    return cut


def by_time(limit: int) -> Cut:
    """At most `limit` intervals of time, however few rows: Coinbase."""

    def cut(times: list[int], start: int, end: int) -> Answer[tuple[Candle, ...]]:
        until = start + limit * MINUTE
        return Whole(told(times)) if until >= end else Partial(told([t for t in times if t < until]), "later candles")

    return cut


def latest(kept_from: int) -> Cut:
    """Only what the venue still keeps: Hyperliquid."""

    def cut(times: list[int], start: int, end: int) -> Answer[tuple[Candle, ...]]:
        kept = [t for t in times if t >= kept_from]
        return Whole(told(kept)) if start >= kept_from else Partial(told(kept), f"candles before {kept_from}")

    return cut


class Venue:
    """Answers `get_candles` from a list of times, cut in some way; `failures` come first."""

    def __init__(self, times: list[int], cut: Cut) -> None:
        self.times = times
        self.cut = cut
        self.failures: list[Failed] = []
        self.asked = 0

    async def get_candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        self.asked += 1
        if self.failures:
            return self.failures.pop(0)
        return self.cut([t for t in self.times if start <= t < end], start, end)


async def fetch(venue: Any, start: int, end: int, clock: VirtualClock | None = None) -> list[Page]:
    return [page async for page in pages(venue, clock or VirtualClock(), "BTC-USD", MINUTE, start, end)]


@given(
    st.sets(st.integers(0, 3_000)),
    st.integers(0, 3_000),
    st.integers(1, 3_001),
    st.sampled_from(["all", "forward", "time", "latest"]),
)
def test_every_candle_comes_once_and_in_order_however_pages_are_cut(
    minutes: set[int], start: int, length: int, kind: str
) -> None:
    times = [minute * MINUTE for minute in sorted(minutes)]
    kept_from = 1_700 * MINUTE
    cuts = {"all": forward(10**9), "forward": forward(300), "time": by_time(350), "latest": latest(kept_from)}
    begin, end = start * MINUTE, (start + length) * MINUTE
    found = run(fetch(Venue(times, cuts[kind]), begin, end))
    expected = [t for t in times if begin <= t < end and (kind != "latest" or t >= kept_from)]
    assert [each.ts for page in found for each in page.candles] == expected
    assert [page.start for page in found] == [begin, *(page.end for page in found[:-1])]
    assert found[-1].end == end
    if kind == "latest" and begin < kept_from:
        assert any(page.missing for page in found)
    if kind in {"all", "forward"}:
        assert not any(page.missing for page in found)


def test_what_fails_for_a_moment_is_asked_for_again_and_not_before_its_time() -> None:
    async def main() -> None:
        clock = VirtualClock()
        venue = Venue([0, MINUTE], forward(1_000))
        venue.failures = [
            Failed(ErrorClass.UNKNOWN, "HTTP 502", "bad gateway"),
            Failed(ErrorClass.RETRY_LATER, "HTTP 429", "slow down", clock.now_ns() + 90 * NS_PER_S),
        ]
        (page,) = await fetch(venue, 0, 10 * MINUTE, clock)
        assert len(page.candles) == 2
        assert clock.monotonic_ns() == 90 * NS_PER_S
        venue.failures = [Failed(ErrorClass.UNKNOWN, "HTTP 502", "bad gateway")] * (FAILURES_MAX + 1)
        with pytest.raises(WorldError, match="failed 7 times in a row: HTTP 502"):
            await fetch(venue, 0, 10 * MINUTE, clock)

    run(main())


def test_what_the_venue_refuses_is_not_asked_for_again() -> None:
    async def main() -> None:
        venue = Venue([], forward(1))
        venue.failures = [Failed(ErrorClass.REFUSED, "-1121", "Invalid symbol.")]
        with pytest.raises(DataError, match="does not give these candles: -1121"):
            await fetch(venue, 0, MINUTE)
        assert venue.asked == 1

    run(main())


@pytest.mark.parametrize(
    "answer",
    [(candle(0, "ETH-USD"),), (candle(MINUTE), candle(0)), (candle(0), candle(0)), (candle(20 * MINUTE),)],
)
def test_candles_that_were_not_asked_for_break_the_contract(answer: tuple[Candle, ...]) -> None:
    with pytest.raises(VenueError):
        run(fetch(Venue([], lambda times, start, end: Whole(answer)), 0, 10 * MINUTE))
