from __future__ import annotations

import copy
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import DataError
from kedge.model.market import Candle, FundingRate, MarkPrice, Quote, Trade
from kedge.model.order import Side
from kedge.storage.columns import (
    CandleColumns,
    Columns,
    FundingColumns,
    MarkColumns,
    QuoteColumns,
    TradeColumns,
)

HOUR = 3_600_000_000_000
money = st.decimals(min_value=-(10**7), max_value=10**7, places=5)
moments = st.integers(-(2**62), 2**62)
ids = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.integers(0, 10**19).map(str)


def candles(length: int) -> list[Candle]:
    rng = np.random.default_rng(length)
    walk = (10_000 + np.cumsum(rng.integers(-9, 10, length))).tolist()
    return [
        Candle(
            at * HOUR,
            Decimal(tick) / 100,
            Decimal(tick + 3) / 100,
            Decimal(tick - 2) / 100,
            Decimal(tick + 1) / 100,
            Decimal(at % 50) / 1000,
            "ETH-USD",
            HOUR,
        )
        for at, tick in enumerate(walk)
    ]


@given(st.lists(st.builds(Candle, moments, money, money, money, money, money, st.just("X-Y"), st.just(60)), min_size=1))
def test_candles_come_back_as_they_were_however_bad_they_are(rows: list[Candle]) -> None:
    columns = CandleColumns.from_candles(rows)
    assert list(columns.candles()) == rows
    assert list(columns.candles(chunk=3)) == rows
    assert columns.normalized() == columns


@given(
    st.lists(st.builds(Trade, moments, money, money, st.just("X-Y"), st.sampled_from([None, *Side]), ids), min_size=1)
)
def test_trades_come_back_as_they_were(rows: list[Trade]) -> None:
    assert list(TradeColumns.from_trades(rows).trades(chunk=3)) == rows


@given(st.lists(st.builds(Quote, moments, money, money, money, money, st.just("X-Y")), min_size=1))
def test_quotes_come_back_as_they_were(rows: list[Quote]) -> None:
    assert list(QuoteColumns.from_quotes(rows).quotes(chunk=3)) == rows


@given(st.lists(st.builds(MarkPrice, moments, money, st.just("X-Y")), min_size=1))
def test_marks_come_back_as_they_were(rows: list[MarkPrice]) -> None:
    assert list(MarkColumns.from_marks(rows).marks(chunk=3)) == rows


@given(st.lists(st.builds(FundingRate, moments, money, st.just("X-Y")), min_size=1))
def test_funding_rates_come_back_as_they_were(rows: list[FundingRate]) -> None:
    assert list(FundingColumns.from_rates(rows).rates(chunk=3)) == rows


def test_a_slice_is_a_view_of_the_same_rows() -> None:
    rows = candles(100)
    columns = CandleColumns.from_candles(rows)
    part = columns[20:50]
    assert list(part.candles()) == rows[20:50]
    assert len(part) == 30
    assert np.shares_memory(part.close, columns.close)
    with pytest.raises(TypeError, match="columns are sliced"):
        columns[3]  # type: ignore[index]


def test_a_deep_copy_is_made_by_the_same_fields_as_columns_sent_to_a_process() -> None:
    columns = CandleColumns.from_candles(candles(20))
    assert copy.deepcopy(columns) == columns


def test_columns_cannot_be_written_to() -> None:
    columns = CandleColumns.from_candles(candles(5))
    with pytest.raises(ValueError, match="read-only"):
        columns.close[0] = 1
    with pytest.raises(AttributeError):
        columns.interval = 1  # type: ignore[misc]


def test_rows_between_two_times_in_order_or_not() -> None:
    rows = candles(50)
    columns = CandleColumns.from_candles(rows)
    mixed = CandleColumns.from_candles(rows[25:] + rows[:25])
    assert list(columns.between(10 * HOUR, 20 * HOUR).candles()) == rows[10:20]
    assert list(columns.between(None, 20 * HOUR).candles()) == rows[:20]
    assert list(columns.between(45 * HOUR, None).candles()) == rows[45:]
    assert list(mixed.between(20 * HOUR, 30 * HOUR).candles()) == rows[25:30] + rows[20:25]
    assert len(columns.between(30 * HOUR, 20 * HOUR)) == 0


def test_a_mark_is_known_when_its_candle_ends() -> None:
    rows = candles(10)
    marks = list(MarkColumns.of_candles(CandleColumns.from_candles(rows)).marks())
    assert marks == [MarkPrice(row.ts + HOUR, row.close, "ETH-USD") for row in rows]


def test_finer_scales_hold_the_same_candles() -> None:
    columns = CandleColumns.from_candles(candles(30))
    finer = columns.at_scales(6, 8)
    assert finer.price_scale == 6
    assert list(finer.candles()) == list(columns.candles())
    assert finer.normalized() == columns
    assert finer != columns
    assert not finer != finer[:]  # noqa: SIM202 - both operators are defined


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: CandleColumns.from_candles([]), "no rows"),
        (lambda: CandleColumns.from_candles([_candle(symbol="A-B"), _candle(symbol="C-D")]), "A-B and C-D in one"),
        (lambda: CandleColumns.from_candles([_candle(interval=1), _candle(interval=2)]), "several intervals"),
        (lambda: CandleColumns.from_candles([_candle(close=Decimal("NaN"))]), "close of BTC-USD is NaN"),
        (lambda: CandleColumns.from_candles([_candle(volume=Decimal("Infinity"))]), "volume of BTC-USD is Infinity"),
        (lambda: CandleColumns.from_candles([_candle(high=Decimal("1E+30"))]), "high is 1E"),
        (lambda: CandleColumns.from_candles([_candle(low=Decimal("1E-30"))]), "does not fit 63 bits"),
        (lambda: TradeColumns.from_trades([Trade(0, Decimal(1), Decimal(1), trade_id="7\0")]), "NUL"),
        (lambda: MarkColumns("X", 0, np.zeros(3, np.int64), np.zeros(2, np.int64)), "ts has 3 rows"),
        (lambda: MarkColumns("X", 0, np.zeros(3, np.int64), np.zeros(3)), "it must be int64"),  # type: ignore[arg-type]
    ],
)
def test_what_columns_cannot_hold_is_refused(make: Callable[[], Columns], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        make()


def _candle(**changed: Any) -> Candle:
    values: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close", "volume"), Decimal(1))
    return Candle(0, **(values | changed))


def test_building_candles_takes_no_memory_for_the_length() -> None:
    length = 60_000
    ts = np.arange(length) * HOUR
    price = 10_000 + ts // HOUR % 700
    columns = CandleColumns("BTC-USD", HOUR, 2, 3, ts, price, price, price, price, price)
    tracemalloc.start()
    try:
        for _ in columns.candles():
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000, "a chunk of candles, not all of them"
