"""Times of every unit and writing come out as the same instant, or not at all."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market.timestamps import EARLIEST, LATEST, TimestampNormalizer, normalize_ns
from kedge.model.exchange import Exchange
from kedge.model.instant import iso, to_datetime, to_ns

D = Decimal
FIRST, LAST = to_ns(EARLIEST), to_ns(LATEST)
INSTANT = datetime(2024, 8, 8, 23, 54, 15, 123456, tzinfo=UTC)
INSTANT_NS = to_ns(INSTANT)

normalize = TimestampNormalizer.normalize
sane = st.integers(FIRST, LAST - 1)


@given(sane)
def test_integers_of_every_unit_are_exact(ns: int) -> None:
    assert normalize_ns(ns) == TimestampNormalizer.normalize_ns(ns) == ns
    for unit in (1_000, 1_000_000, 1_000_000_000):
        assert normalize_ns(ns // unit) == ns - ns % unit
    assert normalize(ns) == to_datetime(ns)


@given(sane, st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]), st.sampled_from(Exchange))
def test_numeric_text_is_exact_to_the_nanosecond(ns: int, unit: int, exchange: Exchange) -> None:
    text = str(D(ns) / unit)
    assert normalize_ns(text, exchange) == ns
    assert normalize_ns(f" {text} ") == ns
    assert normalize_ns(D(text)) == ns


@given(st.integers(FIRST, LAST - 1_000_000))
def test_floats_are_taken_by_their_shortest_text(ns: int) -> None:
    seconds = ns / 1e9
    assert normalize_ns(seconds) == int(D(repr(seconds)) * 10**9)
    assert abs(normalize_ns(seconds) - ns) < 1_000


@given(sane, st.sampled_from(["T", " "]), st.sampled_from(["", "Z", "+00:00", "+0000", "-00:00", "UTC", " Z"]))
def test_iso_text_is_exact_and_without_a_zone_it_is_utc(ns: int, between: str, zone: str) -> None:
    text = iso(ns).removesuffix("Z").replace("T", between) + zone
    assert normalize_ns(text) == ns


@given(sane, st.integers(-14 * 60, 14 * 60))
def test_an_offset_is_applied_as_written(ns: int, minutes: int) -> None:
    local = to_datetime(ns).astimezone(timezone(timedelta(minutes=minutes)))
    if EARLIEST + timedelta(days=1) < local < LATEST - timedelta(days=1):
        assert normalize(local.isoformat()) == to_datetime(ns)
        assert normalize(local) == to_datetime(ns)


@pytest.mark.parametrize(
    "raw",
    [
        *(1723161255, 1723161255.123456, "1723161255.123456", 1723161255123, "1723161255123.456", 1723161255123456),
        *(1723161255123456789, "1723161255123456789", "1.723161255123456789e9", D("1723161255.123456789")),
        *("2024-08-08T23:54:15.123456789Z", "2024-08-08 23:54:15.123456", "2024-08-09T01:54:15,123456+02:00"),
        *("2024-08-08T23:54:15", "2024-08-08T18:54:15.1-05", "2024-08-09T05:24:15+0530", INSTANT),
    ],
)
@pytest.mark.parametrize("exchange", [None, *Exchange, "binance"])
def test_the_same_instant_in_all_writings(raw: object, exchange: Exchange | None) -> None:
    found = normalize(raw, exchange)
    assert found.tzinfo is UTC
    assert timedelta(0) <= INSTANT - found < timedelta(seconds=1)


def test_a_date_alone_is_its_midnight_and_minutes_are_enough() -> None:
    assert normalize("2024-08-08") == datetime(2024, 8, 8, tzinfo=UTC)
    assert normalize("2024-08-08T23:54") == datetime(2024, 8, 8, 23, 54, tzinfo=UTC)


# H39: a wrong unit is refused or told apart, never believed -----------------------------------------------------------


@given(sane, st.sampled_from([0, 3, 6, 9]), st.integers(-12, 12))
def test_h39_a_shifted_number_is_the_same_instant_or_refused(ns: int, unit: int, shift: int) -> None:
    """Whoever multiplies or divides by a power of a thousand changes the unit, not the time; other shifts cannot hide."""
    number = D(ns).scaleb(-unit + 3 * shift)
    try:
        found = normalize_ns(number)
    except ValueError:
        return
    assert found == ns


@pytest.mark.parametrize(
    "raw",
    [
        *(0, 1, -1, 12345, 20240808, 631_151_999, 4_102_444_800, 99_999_999_999, 10**11, 10**20, 10**30, -1723161255),
        *(0.0, -1723161255.0, float("nan"), float("inf"), float("-inf"), 1e300, 5e-324),
        *(True, False, None, b"1723161255", [], {}, (1723161255,), object),
        *(
            "",
            " ",
            "nan",
            "inf",
            "-inf",
            "NaN",
            "abc",
            "0x66b5",
            "1_723_161_255",
            "１７２３１６１２５５",
            "1723161255s",
        ),
        *("20240808", "20240808T235415Z", "2024-8-8", "2024-13-01", "2024-02-30", "2023-02-29T00:00:00Z", "24-08-08"),
        *("2024-08-08T24:00:00Z", "2024-08-08T23:60:00Z", "2024-08-08T23:59:60Z", "2024-08-08T23:54:15+25:00"),
        *("2024-08-08T23:54:15+05:99", "2024-08-08T23:54:15 Europe/Berlin", "2024-08-08T23:54:15 EST", "1989-12-31"),
        *("2100-01-01", "9999-12-31T23:59:59Z", "0001-01-01", "1723161255.1.2", "1e999", "1e-999", "+", "9" * 60),
        *("2024-08-08T23:54:15Z trailing", "2024-08-08T", "T23:54:15", "2024-08-08T23:54:15.Z"),
        *(
            D("NaN"),
            D("sNaN"),
            D("Infinity"),
            D(0),
            datetime(2024, 8, 8, tzinfo=UTC).replace(tzinfo=None),
            datetime(1980, 1, 1, tzinfo=UTC),
        ),
    ],
)
def test_h39_what_is_no_time_is_refused_in_one_line(raw: object) -> None:
    with pytest.raises(ValueError, match="is no time between 1990 and 2100") as caught:
        normalize(raw, Exchange.BINANCE)
    assert "\n" not in str(caught.value)
    assert "from binance" in str(caught.value)


@given(
    st.one_of(st.text(max_size=60), st.integers(), st.floats(), st.decimals(), st.binary(), st.none(), st.booleans())
)
def test_h39_anything_at_all_is_a_sane_time_or_a_value_error(raw: object) -> None:
    try:
        ns = normalize_ns(raw)
    except ValueError:
        return
    assert FIRST <= ns < LAST


# H40: summer time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "year"),
    [("America/New_York", 2024), ("Europe/Berlin", 2018), ("Australia/Lord_Howe", 2024), ("America/Sao_Paulo", 2018)],
)
def test_h40_local_times_with_their_offset_survive_both_transitions(zone: str, year: int) -> None:
    start, offsets = to_ns(datetime(year, 1, 1, tzinfo=UTC)), set()
    for half_hour in range(366 * 48):
        ns = start + half_hour * 1_800 * 10**9
        local = to_datetime(ns).astimezone(ZoneInfo(zone))
        if local.utcoffset() in offsets and half_hour % 7:
            continue
        offsets.add(local.utcoffset())
        assert normalize_ns(local.isoformat()) == ns
        assert normalize_ns(local) == ns
    assert len(offsets) == 2, "the year has a summer time"


def test_h40_the_hour_that_comes_twice_is_two_hours() -> None:
    first, second = "2024-11-03T01:30:00-04:00", "2024-11-03T01:30:00-05:00"
    assert normalize(second) - normalize(first) == timedelta(hours=1)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
def test_h40_the_zone_of_this_machine_plays_no_part(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TZ", zone)
    time.tzset()
    try:
        assert normalize_ns("2024-03-10T02:30:00") == to_ns(datetime(2024, 3, 10, 2, 30, tzinfo=UTC))
    finally:
        monkeypatch.undo()
        time.tzset()
