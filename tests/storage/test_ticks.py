from __future__ import annotations

from decimal import Context, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import DataError
from kedge.model.money import canonical
from kedge.storage.ticks import (
    INT64_MAX,
    SCALE_MAX,
    decimal_lists,
    decimals,
    normal,
    rescaled,
    scale_cut,
    scale_of,
    tick_cut,
    ticks_of,
)

ticks = st.integers(-INT64_MAX, INT64_MAX)
near = st.lists(st.integers(9_990_000, 10_010_000), max_size=40)
columns = st.lists(ticks, max_size=40) | near
scales = st.integers(0, SCALE_MAX)


@given(columns, scales)
def test_decimals_are_the_ticks_over_the_power_of_ten_in_canonical_text(values: list[int], scale: int) -> None:
    built = decimals(np.array(values, dtype=np.int64), scale)
    for tick, value in zip(values, built, strict=True):
        expected = Decimal(tick).scaleb(-scale)
        assert value == expected
        assert format(value, "f") == canonical(expected)
        assert value.as_tuple().exponent == -scale_of(expected)


def test_a_table_of_ticks_and_building_each_give_the_same_values() -> None:
    rng = np.random.default_rng(7)
    dense = rng.integers(1_000, 9_000, 4_000)
    sparse = dense * 1_000_003
    for column in (dense, sparse):
        expected = [Decimal(tick).scaleb(-3) for tick in column.tolist()]
        assert decimals(column, 3) == expected
        assert [*map(str, decimals(column, 3))] == [*map(canonical, expected)]


def test_equal_ticks_of_a_dense_stretch_share_one_decimal() -> None:
    column = np.array([100, 101, 100, 102], dtype=np.int64)
    first, second = decimal_lists((column, column[::-1]), 2)
    assert first[0] is first[2] is second[1]


def test_decimals_ignore_the_context_of_the_caller() -> None:
    with localcontext(Context(prec=3)):
        (value,) = decimals(np.array([1234567890123456789], dtype=np.int64), 9)
    assert str(value) == "1234567890.123456789"


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9)))
def test_values_survive_the_way_in_and_out(values: list[Decimal]) -> None:
    scale = max(map(scale_of, values), default=0)
    assert decimals(ticks_of(values, scale, "price"), scale) == values


@given(st.lists(ticks, min_size=1, max_size=20), scales)
def test_the_normal_form_is_equal_and_the_smallest(values: list[int], scale: int) -> None:
    column = np.array(values, dtype=np.int64)
    (cut,), smaller = normal((column,), scale)
    assert decimals(cut, smaller) == decimals(column, scale)
    assert smaller == max(scale_of(value) for value in decimals(column, scale))
    (again,), same = normal((cut,), smaller)
    assert same == smaller
    assert (again == cut).all()


@given(st.lists(ticks, min_size=1, max_size=20), scales, scales)
def test_a_finer_scale_is_exact_or_refused(values: list[int], one: int, other: int) -> None:
    scale, to = sorted((one, other))
    column = np.array(values, dtype=np.int64)
    fits = all(abs(value) * 10 ** (to - scale) <= INT64_MAX for value in values)
    if fits:
        assert decimals(rescaled(column, scale, to, "price"), to) == decimals(column, scale)
    else:
        with pytest.raises(DataError, match=r"price is .* does not fit 63 bits"):
            rescaled(column, scale, to, "price")


@pytest.mark.parametrize(
    ("text", "scale"),
    [("9223372036854775808", 0), ("92233720368.54775808", 8), ("1", 19), ("1E+400", 0), ("0.123", 2), ("NaN", 2)],
)
def test_what_does_not_fit_is_refused_by_name_and_value(text: str, scale: int) -> None:
    with pytest.raises(DataError, match="volume is"):
        ticks_of([Decimal(text)], scale, "volume")


def test_the_largest_and_smallest_ticks_fit() -> None:
    for text, scale in (("9223372036854775807", 0), ("-92233720368.54775807", 8), ("9.223372036854775807", 18)):
        assert decimals(ticks_of([Decimal(text)], scale, "price"), scale) == [Decimal(text)]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**20), st.integers(0, 30))
def test_cutting_takes_the_finest_scale_that_fits_and_never_rounds_up(value: Decimal, scale: int) -> None:
    cut = scale_cut(value, scale)
    if cut < 0:
        assert value > INT64_MAX
        return
    tick = tick_cut(value, cut)
    assert 0 <= tick <= INT64_MAX
    assert tick <= value.scaleb(cut, Context(prec=80)) < tick + 1
    if cut < min(scale, SCALE_MAX):
        assert int(value.scaleb(cut + 1, Context(prec=80))) > INT64_MAX
