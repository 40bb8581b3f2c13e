from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.instant import iso, to_ns
from kedge.storage.instants import (
    PLAUSIBLE_FIRST_NS,
    PLAUSIBLE_LAST_NS,
    UNITS_NS,
    Implausible,
    ns_of_matrix,
    ns_of_numbers,
    ns_of_text,
    unit_of,
)

plausible = st.integers(PLAUSIBLE_FIRST_NS, PLAUSIBLE_LAST_NS - 1)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001 - hypothesis wants naive bounds


@given(plausible, st.sampled_from(sorted(UNITS_NS)))
def test_the_size_of_a_plausible_time_tells_its_unit(ns: int, unit: str) -> None:
    number = ns // UNITS_NS[unit]
    assert unit_of(number) == (unit if number * UNITS_NS[unit] >= PLAUSIBLE_FIRST_NS else None)
    assert unit_of(PLAUSIBLE_FIRST_NS // UNITS_NS[unit] - 1) is None
    assert unit_of(PLAUSIBLE_LAST_NS // UNITS_NS[unit]) is None


@given(st.lists(plausible, min_size=1), st.sampled_from(["s", "ms", "us", "ns"]))
def test_numbers_of_any_unit_are_nanoseconds_exactly(moments_ns: list[int], unit: str) -> None:
    digits = len(str(UNITS_NS[unit])) - 1
    whole = [ns // UNITS_NS[unit] for ns in moments_ns if ns // UNITS_NS[unit] * UNITS_NS[unit] >= PLAUSIBLE_FIRST_NS]
    if whole:
        ns = ns_of_numbers(np.array(whole, dtype=np.int64), 0, unit)
        assert ns.tolist() == [number * UNITS_NS[unit] for number in whole]
    assert ns_of_numbers(np.array(moments_ns, dtype=np.int64), digits, unit).tolist() == moments_ns


@pytest.mark.parametrize(
    ("numbers", "scale", "unit", "row", "complaint"),
    [
        ([1_600_000_000_000, 1_600_000_000_000_000], 0, "ms", 1, "is in us where the column is in ms"),
        ([1_600_000_000, 5], 0, "s", 1, "is no time between 1990 and 2100 in s"),
        ([-1_600_000_000], 0, "s", 0, "is no time"),
        ([9_000_000_000_000_000_005], 1, "ns", 0, "is finer than a nanosecond"),
    ],
)
def test_the_first_number_that_is_no_time_is_named(
    numbers: list[int], scale: int, unit: str, row: int, complaint: str
) -> None:
    with pytest.raises(Implausible, match=complaint) as caught:
        ns_of_numbers(np.array(numbers, dtype=np.int64), scale, unit)
    assert caught.value.row == row


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_iso_text_is_the_moment_it_names_and_naive_text_is_utc(moment: datetime, offset: int) -> None:
    ns = to_ns(moment.replace(tzinfo=UTC))
    assert ns_of_text(moment.isoformat()) == ns
    assert ns_of_text(moment.isoformat(" ") + "Z") == ns
    assert ns_of_text(iso(ns)) == ns
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    local = moment + timedelta(minutes=offset)
    if 1990 <= local.year < 2100:
        assert ns_of_text(local.isoformat() + zone) == ns


@given(
    st.lists(moments, min_size=1),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"]),
    st.sampled_from(["", "Z", " UTC", "+00:00"]),
)
def test_iso_text_read_as_an_array_is_what_it_is_one_by_one(rows: list[datetime], form: str, zone: str) -> None:
    texts = [row.strftime(form) + zone for row in rows]
    letters = np.array([list(text.encode()) for text in texts], dtype=np.uint8)
    ns = ns_of_matrix(letters)
    assert ns is not None
    assert ns.tolist() == [ns_of_text(text) for text in texts]


@given(st.lists(st.text("0123456789-:T Z+./", min_size=19, max_size=20), min_size=1, max_size=3))
def test_the_array_way_never_takes_what_the_careful_way_refuses(texts: list[str]) -> None:
    texts = [text for text in texts if len(text) == len(texts[0])]
    ns = ns_of_matrix(np.array([list(text.encode()) for text in texts], dtype=np.uint8))
    if ns is not None:
        assert ns.tolist() == [ns_of_text(text) for text in texts]


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-02-29", "2023-02-29"],
        ["2024-01-01", "2024-13-01"],
        ["2024-01-01T10:00", "2024-01-01T24:00"],
        ["2024-01-01T10:00", "2024-01-01 10:00"],
        ["2024-01-01", "1989-01-01"],
        ["2024-01-01T10:00:00+02:00", "2024-01-01T10:00:00+02:00"],
    ],
)
def test_an_odd_row_is_left_to_the_careful_way(texts: list[str]) -> None:
    assert ns_of_matrix(np.array([list(text.encode()) for text in texts], dtype=np.uint8)) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("01/02/2024", "is not a time"),
        ("2024-02-30", "is not a time: day"),
        ("2024-01-01T25:00:00", "is not a time: hour"),
        ("2024-01-01T10:00:60", "is not a time: second"),
        ("1970-01-01", "is no time between 1990 and 2100"),
        ("2024-01-01T10:00:00+15:00", "zone"),
        ("2024-01-01T10:00:00+10:75", "zone"),
        ("٢٠٢٤-01-01", "is not a time"),
        ("", "is not a time"),
    ],
)
def test_text_that_is_no_time_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ns_of_text(text)
