"""Allocation by covariance: each method against what defines it, computed apart, and caps that hold for all."""

from __future__ import annotations

import sys
from decimal import Decimal

import numpy as np
import pytest
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from sklearn.covariance import ledoit_wolf

from kedge import CapitalAllocator
from kedge.model.errors import ConfigError, DataError
from kedge.research.allocation import METHODS, allocate_by

D = Decimal
NAMES = ["a", "b", "c", "d"]


def returns(seed: int, days: int = 250) -> dict[str, list[float]]:
    """Four strategies of different risk; the last moves with the first."""
    drawn = np.random.default_rng(seed).normal(0.0005, 0.01, (days, 4)) * [1.0, 2.0, 3.0, 1.0]
    drawn[:, 3] += drawn[:, 0]
    return dict(zip(NAMES, drawn.T.tolist(), strict=True))


def shares(method: str, series: dict[str, list[float]], cap: str = "1") -> np.ndarray:
    placed = allocate_by(method, CapitalAllocator(1, cap), series)
    return np.array([float(placed[name]) for name in series])


def covariance(series: dict[str, list[float]]) -> np.ndarray:
    shrunk, _ = ledoit_wolf(np.column_stack(list(series.values())))
    found: np.ndarray = shrunk
    return found


def test_equal_risk_contributions_are_equal() -> None:
    series = returns(1)
    weights, shrunk = shares("equal_risk", series), covariance(series)
    contributions = weights * (shrunk @ weights) / (weights @ shrunk @ weights)
    assert contributions == pytest.approx(np.full(4, 0.25), abs=2e-3)


def test_minimum_variance_cannot_be_bettered() -> None:
    """At the optimum no money moved from one strategy to another lowers the variance (Karush-Kuhn-Tucker)."""
    for cap in ("1", "0.4"):
        series = returns(2)
        weights, shrunk = shares("minimum_variance", series, cap), covariance(series)
        slope = shrunk @ weights
        size = float(weights @ slope)
        for giver in range(4):
            for taker in range(4):
                if weights[giver] > 1e-4 and weights[taker] < float(cap) - 1e-4:
                    assert slope[taker] >= slope[giver] - 0.01 * size


def hrp_by_the_paper(series: dict[str, list[float]]) -> np.ndarray:
    """López de Prado 2016, its three steps with scipy: tree, order, recursive bisection."""
    matrix = np.column_stack(list(series.values()))
    cov, corr = np.cov(matrix, rowvar=False), np.corrcoef(matrix, rowvar=False)
    distance = np.sqrt(np.clip((1 - corr) / 2, 0, None))
    tree = linkage(squareform(distance, checks=False), "ward", optimal_ordering=True)
    weights = np.ones(len(cov))
    clusters = [list(leaves_list(tree))]
    while clusters:
        halves = [
            part for each in clusters for part in (each[: len(each) // 2], each[len(each) // 2 :]) if len(each) > 1
        ]
        for left, right in zip(halves[::2], halves[1::2], strict=True):
            risks = []
            for part in (left, right):
                own = cov[np.ix_(part, part)]
                inverse = 1 / np.diag(own)
                inverse /= inverse.sum()
                risks.append(inverse @ own @ inverse)
            share = 1 - risks[0] / (risks[0] + risks[1])
            weights[left] *= share
            weights[right] *= 1 - share
        clusters = halves
    return weights


@pytest.mark.parametrize("seed", [3, 4])
def test_hierarchical_risk_parity_is_that_of_the_paper(seed: int) -> None:
    series = returns(seed)
    assert shares("hierarchical", series) == pytest.approx(hrp_by_the_paper(series), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_caps_hold_and_what_cannot_be_placed_is_cash(method: str) -> None:
    placed = CapitalAllocator(1).place({})
    for cap in ("0.3", "0.26", "0.2"):
        placed = allocate_by(method, CapitalAllocator(100_000, cap), returns(5))
        assert all(D(0) <= amount <= 100_000 * D(cap) for amount in placed.values())
        whole = sum(placed.values(), D(0))
        assert whole + placed.cash == 100_000
        assert whole == pytest.approx(min(D(100_000), 400_000 * D(cap)), abs=D("0.01"))
    assert any("cash" in reason for reason in placed.reasons)


@pytest.mark.parametrize("method", METHODS)
def test_idle_and_single_strategies(method: str) -> None:
    series = {**returns(6), "idle": [0.0] * 250}
    placed = allocate_by(method, CapitalAllocator(1000, "0.5"), series)
    assert placed["idle"] == 0
    assert "nothing for idle" in placed.reasons[-1]
    assert allocate_by(method, CapitalAllocator(1000, "0.5"), {"a": returns(6)["a"]}) == {"a": D(500)}
    assert allocate_by(method, CapitalAllocator(1000, "0.5"), {"idle": [0.0] * 9}) == {"idle": D(0)}


def test_turnover_is_limited() -> None:
    allocator = CapitalAllocator(1000, 1, turnover_max="0.1")
    current = dict.fromkeys(NAMES, D(250))
    placed = allocate_by("minimum_variance", allocator, returns(7), current)
    assert sum((abs(placed[name] - 250) for name in NAMES), D(0)) <= D("100.000001")


def test_without_skfolio_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skfolio", None)
    with pytest.raises(ConfigError, match=r"kedge\[research\]"):
        allocate_by("equal_risk", CapitalAllocator(1, 1), returns(8))


def test_bad_input_is_named() -> None:
    allocator = CapitalAllocator(1, 1)
    with pytest.raises(ConfigError, match="one of equal_risk, hierarchical, minimum_variance"):
        allocate_by("luck", allocator, returns(9))
    with pytest.raises(ConfigError, match="no strategy"):
        allocate_by("equal_risk", allocator, {})
    with pytest.raises(ConfigError, match="different lengths"):
        allocate_by("equal_risk", allocator, {"a": [0.1, 0.2], "b": [0.1]})
    with pytest.raises(DataError, match="two at least"):
        allocate_by("equal_risk", allocator, {"a": [0.1], "b": [0.1]})
    with pytest.raises(DataError, match="finite"):
        allocate_by("equal_risk", allocator, {"a": [0.1, float("nan")], "b": [0.1, 0.2]})
