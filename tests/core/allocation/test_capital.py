"""`CapitalAllocator`: against numpy and a plain reading of the rule, and properties that hold whatever is given."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge import CapitalAllocator
from kedge.core.allocation.capital import correlation
from kedge.core.allocation.caps import capped, moved
from kedge.model.errors import ConfigError

D = Decimal
SMALL = D("1e-11")
NAMES = ["a", "b", "c", "d", "e"]
RETURN = st.decimals(-1, 1, places=6)
WEIGHT = st.decimals(0, 100, places=4)
CAP = st.decimals(D("0.01"), 1, places=4)


@st.composite
def returns(draw: st.DrawFn) -> dict[str, list[Decimal]]:
    length = draw(st.integers(0, 8))
    return {name: draw(st.lists(RETURN, min_size=length, max_size=length)) for name in NAMES[: draw(st.integers(1, 5))]}


@given(returns(), st.data(), CAP, st.decimals(0, 10**9, places=2))
def test_never_above_the_total_or_a_cap_and_nothing_idle_that_could_be_placed(
    series: dict[str, list[Decimal]], data: st.DataObject, cap: Decimal, total: Decimal
) -> None:
    weights = {name: data.draw(WEIGHT) for name in series}
    placed = CapitalAllocator(total, cap).allocate(series, weights)
    assert list(placed) == list(series)
    assert all(D(0) <= amount <= total * cap for amount in placed.values())
    assert sum(placed.values()) + placed.cash == total
    assert placed.cash >= 0
    wanting = [name for name, weight in weights.items() if weight]
    possible = min(total, total * cap * len(wanting))
    assert sum(placed.values()) >= possible - (total + 1) * SMALL
    assert all(not placed[name] for name in placed if name not in wanting)
    if placed.cash > (total + 1) * SMALL:
        assert placed.reasons


@given(returns(), st.data())
def test_without_a_cap_it_is_the_rule_as_written(series: dict[str, list[Decimal]], data: st.DataObject) -> None:
    weights = {name: data.draw(st.decimals(1, 100, places=2)) for name in series}
    placed = CapitalAllocator(1, 1).allocate(series, weights)
    wanted = {}
    for name, own in series.items():
        others = []
        for other, found in series.items():
            if other != name:
                varies = len(set(own)) > 1 and len(set(found)) > 1
                first, second = np.array(own, float), np.array(found, float)
                others.append(abs(np.corrcoef(first, second)[0, 1]) if varies else 0.0)
        wanted[name] = float(weights[name]) * (1 - 0.5 * (np.mean(others) if others else 0.0))
    whole = sum(wanted.values())
    assert {name: float(amount) for name, amount in placed.items()} == pytest.approx(
        {name: value / whole for name, value in wanted.items()}, abs=1e-6
    )


@given(st.dictionaries(st.sampled_from(NAMES), WEIGHT, min_size=1), CAP)
def test_the_excess_of_a_cap_goes_to_the_others_by_weight(weights: dict[str, Decimal], cap: Decimal) -> None:
    shares = capped(weights, cap)
    assert sum(shares.values()) <= 1
    below = [name for name, share in shares.items() if 0 < share < cap - SMALL]
    if len(below) > 1:
        units = [shares[name] / weights[name] for name in below]
        assert max(units) - min(units) <= SMALL / min(weights[name] for name in below) * 2
    for name, share in shares.items():  # whoever is at the cap has at least the weight of whoever is not
        if share >= cap - SMALL:
            assert all(weights[name] * shares[other] >= weights[other] * share - 100 * SMALL for other in below)


@given(
    st.dictionaries(st.sampled_from(NAMES), st.decimals(0, 1, places=4)),
    st.dictionaries(st.sampled_from(NAMES), WEIGHT, min_size=1),
    CAP,
    st.decimals(0, 2, places=3),
)
def test_turnover_is_bounded_but_for_what_a_cap_takes_back(
    before: dict[str, Decimal], weights: dict[str, Decimal], cap: Decimal, bound: Decimal
) -> None:
    wanted = capped(weights, cap)
    shares = moved(before, wanted, cap, bound)
    assert all(0 <= share <= cap for share in shares.values())
    assert sum(shares.values()) <= 1
    allowed = {name: min(share, cap) for name, share in before.items()}
    whole = sum(allowed.values())
    if whole > 1:
        allowed = {name: share / whole for name, share in allowed.items()}
    turnover = sum(abs(shares[name] - allowed.get(name, D(0))) for name in shares)
    assert turnover <= bound + 10 * SMALL
    if sum(abs(wanted.get(name, D(0)) - allowed.get(name, D(0))) for name in shares) <= bound:
        assert all(abs(shares[name] - wanted.get(name, D(0))) <= SMALL for name in shares)


def test_two_alike_share_one_budget() -> None:
    up, other = [D("0.01"), D("-0.01"), D("0.01"), D("-0.01")], [D("0.01"), D("0.01"), D("-0.01"), D("-0.01")]
    placed = CapitalAllocator(100_000, 1).allocate({"a": up, "b": up, "c": other})
    assert placed["a"] == placed["b"]
    assert placed["c"] / placed["a"] == pytest.approx(D(1) / D("0.75"), abs=SMALL)


def test_floats_are_taken_as_they_are_written() -> None:
    placed = CapitalAllocator(total_capital=100_000, max_strategy_pct=0.30).allocate({"a": [0.1, 0.2], "b": [0.2, 0.1]})
    assert placed == {"a": D(30_000), "b": D(30_000)}
    assert placed.cash == D(40_000)
    assert placed.reasons == ("0.4 of the capital stays in cash: each of 2 strategies is at its cap of 0.3",)


def test_no_weight_means_cash_and_a_turnover_limit_says_so() -> None:
    allocator = CapitalAllocator(1000, "0.5", turnover_max="0.2")
    assert allocator.allocate({"a": [], "b": []}, {"a": 0, "b": 0}).reasons == (
        "no strategy has a weight: all stays in cash",
    )
    placed = allocator.allocate({"a": [], "b": []}, current={"a": D(500), "c": D(100)})
    assert placed == {"a": D(500), "b": D("166.666666666666"), "c": D("66.666666666666")}
    assert "turnover" in placed.reasons[0]


def test_correlation_is_exact_where_it_is_known() -> None:
    rising, falling = [D(1), D(2), D(3)], [D(3), D(2), D(1)]
    assert (correlation(rising, rising), correlation(rising, falling)) == (D(1), D(-1))
    assert (correlation(rising, [D(5)] * 3), correlation([], [])) == (D(0), D(0))


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda: CapitalAllocator(-1), "total_capital"),
        (lambda: CapitalAllocator(1, 0), "max_strategy_pct"),
        (lambda: CapitalAllocator(1, 1.5), "max_strategy_pct"),
        (lambda: CapitalAllocator(1, turnover_max=-1), "turnover_max"),
        (lambda: CapitalAllocator(1).allocate({}), "no strategy"),
        (lambda: CapitalAllocator(1).allocate({"a": [1], "b": []}), "different lengths"),
        (lambda: CapitalAllocator(1).allocate({"a": [float("nan")]}), "finite"),
        (lambda: CapitalAllocator(1).allocate({"a": []}, {"b": 1}), "same strategies: a, b"),
        (lambda: CapitalAllocator(1).allocate({"a": []}, {"a": -1}), "weight of a"),
    ],
)
def test_bad_input_is_named(wrong: object, word: str) -> None:
    with pytest.raises(ConfigError, match=word) if word != "finite" else pytest.raises(ValueError, match=word):
        wrong()  # type: ignore[operator]
