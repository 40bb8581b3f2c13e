"""Bars against a naive grouping, and against what venues themselves publish for the longer interval."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market.bars import BarBuilder, HigherBars, TickBars, TimeBars, VolumeBars
from kedge.model.errors import DataError
from kedge.model.market import Candle, Trade
from tests.core.market import market_facts as made
from tests.core.market.market_facts import MINUTE, START, SYMBOL, D, candle_row, trade_row

HOUR = 60 * MINUTE


def feed(builder: BarBuilder, trades: Iterable[Trade]) -> list[Candle]:
    return [bar for trade in trades for bar in builder.add(trade)]


def naive_bar(start: int, length: int, parts: list[Trade]) -> Candle:
    prices = [trade.price for trade in parts]
    volume = sum((trade.quantity for trade in parts), D(0))
    return candle_row(start, prices[0], max(prices), min(prices), prices[-1], volume, SYMBOL, length)


trades = st.lists(
    st.builds(
        lambda at, price, size: trade_row(START + at * MINUTE // 7, price, size, SYMBOL),
        st.integers(0, 200),
        st.decimals(D("0.01"), D(999), places=2),
        st.decimals(D("0.00000001"), D(9), places=8),
    ),
    max_size=40,
).map(lambda some: sorted(some, key=lambda trade: trade.ts))


@given(trades)
def test_time_bars_are_the_trades_grouped_by_the_clock(some: list[Trade]) -> None:
    expected = [
        naive_bar(minute * MINUTE, MINUTE, list(parts))
        for minute, parts in groupby(some, lambda trade: trade.ts // MINUTE)
    ]
    builder = TimeBars(SYMBOL, MINUTE)
    bars = feed(builder, some)
    assert bars == expected[:-1], "the last bar is not over"
    assert bars + builder.advance(START + 10**6 * MINUTE) == expected


@given(trades)
def test_flat_bars_fill_every_gap_and_invent_no_volume(some: list[Trade]) -> None:
    bars = feed(TimeBars(SYMBOL, MINUTE, fill_flat=True), some)
    plain = feed(TimeBars(SYMBOL, MINUTE), some)
    assert [bar for bar in bars if bar.volume] == plain
    assert [bar.ts for bar in bars] == [bars[0].ts + n * MINUTE for n in range(len(bars))] if bars else True
    for before, bar in pairwise(bars):
        if not bar.volume:
            assert bar.open == bar.high == bar.low == bar.close == before.close


@given(trades, st.integers(1, 6))
def test_tick_bars_have_so_many_trades(some: list[Trade], size: int) -> None:
    bars = feed(TickBars(SYMBOL, size), some)
    groups = [some[at : at + size] for at in range(0, len(some) - size + 1, size)]
    assert bars == [naive_bar(parts[0].ts, parts[-1].ts - parts[0].ts, parts) for parts in groups]


@given(trades, st.decimals(D("0.5"), D(30), places=1))
def test_volume_bars_close_with_the_trade_that_reaches_the_volume(some: list[Trade], volume: Decimal) -> None:
    bars = feed(VolumeBars(SYMBOL, volume), some)
    rest = list(some)
    for bar in bars:
        parts: list[Trade] = []
        while sum((trade.quantity for trade in parts), D(0)) < volume:
            parts.append(rest.pop(0))
        assert bar == naive_bar(parts[0].ts, parts[-1].ts - parts[0].ts, parts)
    assert sum((trade.quantity for trade in rest), D(0)) < volume


def test_time_closes_a_bar_and_what_comes_later_for_it_is_counted_not_used() -> None:
    builder = TimeBars(SYMBOL, MINUTE)
    builder.add(made.trade(START, D(100)))
    assert builder.advance(START + MINUTE - 1) == []
    assert [bar.close for bar in builder.advance(START + MINUTE)] == [100]
    assert builder.advance(START + MINUTE) == []
    assert builder.add(made.trade(START + 1, D(50))) == []
    assert builder.late == 1
    builder.add(made.trade(START + MINUTE, D(101)))
    assert [bar.low for bar in builder.advance(START + 2 * MINUTE)] == [101]


def test_time_fills_flat_bars_without_a_trade_where_they_are_wanted() -> None:
    builder = TimeBars(SYMBOL, MINUTE, fill_flat=True)
    builder.add(made.trade(START, D(100)))
    bars = builder.advance(START + 3 * MINUTE + 5)
    assert [(bar.ts - START, int(bar.close), int(bar.volume)) for bar in bars] == [
        *((0, 100, 2), (MINUTE, 100, 0), (2 * MINUTE, 100, 0)),
    ]
    with pytest.raises(DataError, match="without fill_flat"):
        builder.advance(START + 10**8 * MINUTE)


def test_h40_bars_are_on_the_grid_of_utc_across_a_summer_time_transition() -> None:
    """On 2024-03-10 New York skips 02:00; a day bar still has 24 hours and begins at midnight UTC."""
    day = 24 * HOUR
    start = int(datetime(2024, 3, 9, tzinfo=UTC).timestamp()) * 10**9
    builder = HigherBars(SYMBOL, day)
    bars = [bar for n in range(72) for bar in builder.add(made.candle(start + n * HOUR, D(100 + n), interval=HOUR))]
    assert [(bar.ts - start, int(bar.open), int(bar.close), int(bar.volume)) for bar in bars] == [
        (n * day, 100 + 24 * n, 123 + 24 * n, 120) for n in range(3)
    ]


# higher bars ----------------------------------------------------------------------------------------------------------


def test_a_higher_bar_closes_with_its_last_part_and_needs_its_first() -> None:
    start = START - START % HOUR
    builder = HigherBars(SYMBOL, HOUR)
    closed = {n: builder.add(made.candle(start + n * MINUTE)) for n in range(30, 130)}
    assert [n for n, bars in closed.items() if bars] == [119], "the hour whose beginning was not seen is not given out"
    partial = HigherBars(SYMBOL, HOUR, partial_first=True)
    assert [n for n in range(30, 130) if partial.add(made.candle(start + n * MINUTE))] == [59, 119]


def test_a_higher_bar_with_a_hole_closes_with_the_next() -> None:
    start = START - START % HOUR
    builder = HigherBars(SYMBOL, HOUR)
    for n in (0, 1, 30):
        assert builder.add(made.candle(start + n * MINUTE, D(100 + n))) == []
    bars = builder.add(made.candle(start + 200 * MINUTE))
    assert [(bar.ts, int(bar.open), int(bar.close), int(bar.volume)) for bar in bars] == [(start, 100, 130, 15)]


def test_a_part_that_comes_twice_is_counted_once() -> None:
    aligned = START - START % (2 * MINUTE)
    builder = HigherBars(SYMBOL, 2 * MINUTE)
    bars = [bar for n in (0, 0, 1, 1) for bar in builder.add(made.candle(aligned + n * MINUTE))]
    assert [bar.volume for bar in bars] == [10]
    assert builder.late == 2


@pytest.mark.parametrize(("ts", "interval"), [(START, 0), (START, 7 * MINUTE), (START + 1, MINUTE)])
def test_a_candle_that_does_not_fit_is_an_error_that_says_why(ts: int, interval: int) -> None:
    with pytest.raises(DataError, match="must divide theirs"):
        HigherBars(SYMBOL, HOUR).add(made.candle(ts, interval=interval))


def test_sizes_of_bars_must_be_above_zero() -> None:
    for build in (
        lambda: TimeBars(SYMBOL, 0),
        lambda: HigherBars(SYMBOL, -1),
        lambda: TickBars(SYMBOL, 0),
        lambda: VolumeBars(SYMBOL, D(0)),
    ):
        with pytest.raises(DataError, match="above zero"):
            build()


@given(trades, st.integers(0, 40))
def test_the_snapshot_is_the_same_for_the_same_past(some: list[Trade], cut: int) -> None:
    one, other = TimeBars(SYMBOL, MINUTE), TimeBars(SYMBOL, MINUTE)
    feed(one, some[:cut])
    feed(other, some[:cut])
    assert one.snapshot() == other.snapshot()
    if some[:cut]:
        feed(other, [made.trade(some[:cut][-1].ts, D(1000))])
        assert one.snapshot() != other.snapshot()


# real data ------------------------------------------------------------------------------------------------------------


def load(path: Path, interval: int) -> dict[int, Candle]:
    with gzip.open(path, "rt") as lines:
        rows = csv.reader(lines)
        next(rows)
        parsed = ((int(row[0]) * 10**6, [D(value) for value in row[1:6]]) for row in rows)
        return {ts: candle_row(ts, *values, SYMBOL, interval) for ts, values in parsed}


def differing(lower: dict[int, Candle], higher: dict[int, Candle], interval: int) -> tuple[int, list[datetime]]:
    """How many built bars the venue has too, and the times of those that differ."""
    builder = HigherBars(SYMBOL, interval)
    built = [bar for candle in lower.values() for bar in builder.add(candle)]
    common = [bar for bar in built if bar.ts in higher]
    return len(common), [bar.timestamp for bar in common if bar != higher[bar.ts]]


def test_built_bars_equal_those_of_binance(shared: Path) -> None:
    minutes = load(shared / "data/binance_spot_BTCUSDT_1m_2025-06.csv.gz", MINUTE)
    fives = load(shared / "data/binance_spot_BTCUSDT_5m_2024-03_2025-07.csv.gz", 5 * MINUTE)
    hours = load(shared / "data/binance_spot_BTCUSDT_1h_2018_2026.csv.gz", HOUR)
    assert differing(minutes, fives, 5 * MINUTE) == (8_639, [])
    assert differing(minutes, hours, HOUR) == (719, [])
    assert differing(dict(list(fives.items())[:30_000]), hours, HOUR) == (2_500, [])


def test_built_bars_equal_those_of_hyperliquid_but_for_its_three_odd_hours(shared: Path) -> None:
    odd = {datetime(2025, *day, 10, tzinfo=UTC) for day in ((4, 20), (6, 8), (7, 19))}
    seen = set()
    for coin in ("BTC", "SOL"):
        ones, fives, hours = (
            load(shared / f"data/hyperliquid_perp_{coin}_{name}.csv.gz", interval)
            for name, interval in (("1m", MINUTE), ("5m", 5 * MINUTE), ("1h", HOUR))
        )
        compared, differ = differing(ones, fives, 5 * MINUTE)
        assert compared > 1_300
        assert differ == []
        compared, differ = differing(fives, hours, HOUR)
        assert compared > 3_200
        assert 1 <= len(differ) <= 3
        seen |= set(differ)
    assert seen == odd


def test_trades_of_a_real_venue_make_bars_that_lose_nothing(shared: Path) -> None:
    with gzip.open(shared / "data/binance_spot_XRPETH_trades_2019-10.csv.gz", "rt") as lines:
        some = [
            trade_row(int(row["time_ms"]) * 10**6, D(row["price"]), D(row["amount"]), SYMBOL, None, row["trade_id"])
            for row in csv.DictReader(lines)
        ]
    total = sum((trade.quantity for trade in some), D(0))
    minutes = all_bars(TimeBars(SYMBOL, MINUTE), some)
    assert sum((bar.volume for bar in minutes), D(0)) == total
    assert len(minutes) == len({trade.ts // MINUTE for trade in some})
    hourly = HigherBars(SYMBOL, HOUR, partial_first=True)
    from_minutes = [bar for minute in minutes for bar in hourly.add(minute)] + hourly.advance(2**62)
    assert from_minutes == all_bars(TimeBars(SYMBOL, HOUR), some)


def all_bars(builder: TimeBars, some: list[Trade]) -> list[Candle]:
    return feed(builder, some) + builder.advance(2**62)
