"""Each defect is found and named; clean series, trends and new price levels are not accused; real data as its README says."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market.quality import STUCK_BARS_MIN, DataQualityChecker, QualityReport
from kedge.model.errors import UserError
from kedge.model.instant import to_datetime
from kedge.model.market import Candle
from tests.core.market import market_facts as made
from tests.core.market.market_facts import MINUTE, START, SYMBOL, D, candle_row, changed


def series(closes: Sequence[Decimal | int | float | str], interval: int = MINUTE, stamped: bool = True) -> list[Candle]:
    """Candles that close at `closes`, each opening where the one before closed."""
    prices = [D(str(close)) for close in closes]
    opens = [prices[0], *prices[:-1]] if prices else []
    return [
        candle_row(
            START + n * interval,
            o,
            max(o, c) + D("0.01"),
            min(o, c) - D("0.001"),
            c,
            D(1),
            SYMBOL,
            interval if stamped else 0,
        )
        for n, (o, c) in enumerate(zip(opens, prices, strict=True))
    ]


def check(candles: list[Candle]) -> QualityReport:
    return DataQualityChecker().check(candles)


def outlier_rows(closes: Sequence[Decimal | int | float | str]) -> list[int]:
    return [outlier.row for outlier in check(series(closes)).outliers]


def quiet(n: int, start: int = 100) -> list[Decimal | int | float | str]:
    """A market that moves by up to 0.3% a bar, in a fixed pattern."""
    pattern = [0, 3, -1, 2, -3, 1, 0, -2, 3, -2, 1, -1, 2]
    return [D(start) * (1000 + pattern[i % len(pattern)]) / 1000 for i in range(n)]


# outliers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [3, 4, 5, 8, 12, 20, 50, 500])
@pytest.mark.parametrize("factor", ["10", "2", "1.3", "0.5", "0.1"])
def test_a_lone_spike_is_found_however_short_the_series(length: int, factor: str) -> None:
    for at in sorted({1, length // 2, length - 2}):
        closes = quiet(length)
        closes[at] = D(str(closes[at])) * D(factor)
        assert outlier_rows(closes) == [at]


@pytest.mark.parametrize("wide", [2, 3])
def test_a_spike_of_a_few_bars_is_found_whole(wide: int) -> None:
    closes = quiet(60)
    for at in range(30, 30 + wide):
        closes[at] = D(200 + at)
    assert outlier_rows(closes) == list(range(30, 30 + wide))


def test_a_spike_in_a_market_that_stands_still_is_found() -> None:
    assert outlier_rows([100] * 10 + [1000] + [100] * 10) == [10]
    assert outlier_rows([100] * 10 + ["100.01"] + [100] * 10) == [], "a rounding of the price is no spike"


def test_several_spikes_do_not_hide_each_other() -> None:
    closes = quiet(40)
    for at in (5, 12, 20, 33):
        closes[at] = 150
    assert outlier_rows(closes) == [5, 12, 20, 33]


def test_a_jump_at_either_end_with_a_quiet_neighbour_is_found() -> None:
    assert outlier_rows([*quiet(30), 200]) == [30]
    assert outlier_rows([200, *quiet(30)]) == [0]


@pytest.mark.parametrize("length", [3, 5, 10, 50, 300])
@pytest.mark.parametrize(
    "trend",
    [
        lambda n: 100 + n,
        lambda n: 100 + 10 * n,
        lambda n: 10 * (n + 1),
        lambda n: 10_000 - 30 * n,
        lambda n: round(100 * 1.05**n, 8),
        lambda n: round(100 * 0.95**n, 12) + 1,
        lambda n: 100 + n * n,
    ],
)
def test_a_trend_is_not_flagged(length: int, trend: object) -> None:
    assert outlier_rows([trend(n) for n in range(length)]) == []  # type: ignore[operator]


@pytest.mark.parametrize("level", [50, 120, 1000])
def test_a_new_price_level_is_not_flagged(level: int) -> None:
    assert outlier_rows(quiet(30) + quiet(30, level)) == []


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("step", ["0.0005", "0.01"])
def test_a_market_of_normal_returns_is_rarely_accused(seed: int, step: str) -> None:
    draw, price, closes = Random(seed), D(1000), []
    for _ in range(1_000):
        price *= 1 + D(step) * D(str(round(draw.gauss(0, 1), 6)))
        closes.append(round(price, 6))
    assert len(outlier_rows(closes)) <= 1


@given(st.integers(1, 57), st.decimals(D("1.2"), D(50), places=2), st.booleans())
def test_a_spike_anywhere_is_the_only_one_found(at: int, factor: Decimal, down: bool) -> None:
    closes = quiet(59)
    closes[at] = D(str(closes[at])) / factor if down else D(str(closes[at])) * factor
    assert outlier_rows(closes) == [at]


def test_an_outlier_says_where_when_and_by_how_much() -> None:
    closes = quiet(40)
    closes[7] = 200
    (found,) = check(series(closes)).outliers
    assert (found.row, found.symbol, found.close) == (7, SYMBOL, 200.0)
    assert found.timestamp == to_datetime(START + 7 * MINUTE)
    assert found.deviations > 100


# gaps -----------------------------------------------------------------------------------------------------------------


def test_a_gap_is_a_distance_above_the_limit_and_the_interval() -> None:
    candles = series(quiet(30))
    del candles[10:15]
    report = check(candles)
    (gap,) = report.gaps
    assert (gap.start, gap.end, gap.missing) == (candles[9].timestamp, candles[10].timestamp, 5)
    assert report.missing_pct == pytest.approx(100 * 5 / 30)
    assert report.total_candles == 25
    one_lost = series(quiet(30))
    del one_lost[7]
    report = check(one_lost)
    assert report.gaps == [], "two minutes is not above 120 seconds"
    assert report.missing_pct == pytest.approx(100 / 30), "but a bar is missing all the same"
    assert len(DataQualityChecker(max_gap_seconds=60).check(one_lost).gaps) == 1


@pytest.mark.parametrize("stamped", [True, False], ids=["interval told", "interval inferred"])
def test_hourly_candles_are_not_full_of_gaps(stamped: bool) -> None:
    candles = series(quiet(48), 60 * MINUTE, stamped)
    assert check(candles).gaps == []
    del candles[20]
    (gap,) = check(candles).gaps
    assert gap.missing == 1
    assert gap.end - gap.start == timedelta(hours=2)


def test_series_of_two_symbols_are_told_apart() -> None:
    one = series(quiet(20))
    other = [changed(candle, symbol="ETH-USD", ts=candle.ts + 600 * MINUTE) for candle in series(quiet(20, 5))]
    mixed = [candle for pair in zip(one, other, strict=True) for candle in pair]
    assert check(mixed).is_clean
    assert check(mixed).total_candles == 40


# the candles themselves

NAN = D("NaN")


@pytest.mark.parametrize(
    ("defect", "found"),
    [
        ({"close": NAN}, "non_finite"),
        ({"volume": D("Infinity")}, "non_finite"),
        ({"open": D("sNaN")}, "non_finite"),
        ({"low": D(0)}, "non_positive"),
        ({"close": D(-5)}, "non_positive"),
        ({"volume": D(-1)}, "non_positive"),
        ({"high": D(50)}, "high_below_low"),
        ({"close": D(500)}, "high_below_low"),
        ({"open": None}, "malformed"),
        ({"open": 100.0}, "malformed"),
        ({"ts": -1}, "malformed"),
        ({"ts": 2**70}, "malformed"),
        ({"symbol": None}, "malformed"),
    ],
)
def test_a_bad_candle_is_named_and_takes_no_part_in_statistics(defect: dict[str, object], found: str) -> None:
    candles = series(quiet(40))
    candles[11] = changed(candles[11], **defect)
    report = check(candles)
    assert {name for name, count in report.summary().items() if count} == {found}
    (finding,) = getattr(report, found)
    assert finding.row == 11
    assert not report.is_clean


def test_duplicates_and_late_candles_are_found_and_late_ones_fill_their_gap() -> None:
    candles = series(quiet(40))
    late = candles.pop(5)
    candles.insert(20, late)
    candles.insert(30, candles[29])
    report = check(candles)
    assert [finding.row for finding in report.out_of_order] == [20]
    assert [finding.row for finding in report.duplicates] == [30]
    assert report.gaps == []
    assert report.missing_pct == 0
    assert report.outliers == []


def test_a_price_that_does_not_move_is_stuck() -> None:
    still = [candle_row(START + n * MINUTE, *([D(100)] * 4), D(0), SYMBOL, MINUTE) for n in range(STUCK_BARS_MIN)]
    (stuck,) = check(still).stuck
    assert (stuck.start, stuck.end, stuck.bars) == (still[0].timestamp, still[-1].timestamp, STUCK_BARS_MIN)
    assert check(still[:-1]).stuck == []
    moves = [*still[:-1], made.candle(START + 99 * MINUTE)]
    assert check(moves).stuck == []
    steps = [
        changed(candle, **dict.fromkeys(("open", "high", "low", "close"), D(100 + n))) for n, candle in enumerate(still)
    ]
    assert check(steps).stuck == [], "flat bars at new prices move"


@given(
    st.lists(st.builds(changed, made.candles(), ts=st.integers(0, START), close=st.one_of(made.PRICES, st.just(NAN))))
)
def test_any_candles_at_all_are_counted_once_and_raise_nothing(candles: list[Candle]) -> None:
    report = check(candles)
    assert report.total_candles == len(candles)
    assert 0 <= report.missing_pct <= 100
    rows = [finding.row for name in ("non_finite", "duplicates", "out_of_order") for finding in getattr(report, name)]
    assert len(rows) == len(set(rows))


def test_nothing_is_clean_and_a_generator_will_do() -> None:
    assert check([]).is_clean
    assert DataQualityChecker().check(iter(series(quiet(30)))).is_clean


@pytest.mark.parametrize("wrong", [{"max_gap_seconds": 0}, {"outlier_std": -1.0}, {"outlier_std": float("nan")}])
def test_a_bound_that_is_not_above_zero_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="must be above zero"):
        DataQualityChecker(**wrong)  # type: ignore[arg-type]


# real data ------------------------------------------------------------------------------------------------------------


def load(path: Path, interval: int) -> list[Candle]:
    with gzip.open(path, "rt") as lines:
        rows = csv.reader(lines)
        next(rows)
        return [candle_row(int(r[0]) * 10**6, *map(D, r[1:6]), SYMBOL, interval) for r in rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "minutes", "gaps", "missing", "outliers_max"),
    [
        ("binance_spot_XRPUSDT_1h_2018_2026", 60, 25, 88, 60),
        ("binance_spot_SOLUSDT_5m_2022-12_2023-10", 5, 1, 16, 60),
        ("binance_spot_BTCUSDT_1m_2025-06", 1, 0, 0, 5),
        ("hyperliquid_spot_PURR-USDC_1m", 1, 0, 0, 10),
    ],
)
def test_real_candles_have_the_gaps_of_their_readme_and_few_outliers(
    shared: Path, name: str, minutes: int, gaps: int, missing: int, outliers_max: int
) -> None:
    candles = load(shared / "data" / f"{name}.csv.gz", minutes * MINUTE)
    report = check(candles)
    assert len(report.gaps) == gaps
    assert sum(gap.missing for gap in report.gaps) == missing
    assert report.missing_pct == pytest.approx(100 * missing / (len(candles) + missing))
    assert len(report.outliers) <= outliers_max
    assert not any(
        (report.duplicates, report.out_of_order, report.non_positive, report.high_below_low, report.malformed)
    )
    spiked = list(candles[:2_000])
    spiked[1_000] = changed(spiked[1_000], close=spiked[1_000].high * 3, high=spiked[1_000].high * 3)
    assert {found.row for found in check(spiked).outliers} - {
        found.row for found in check(candles[:2_000]).outliers
    } == {1_000}
