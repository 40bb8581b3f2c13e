"""The generator keeps its promises, and the oracle agrees with a second, slower way to the same figures."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.market import GAP_TICKS, digest, make_bars, make_ticks
from benchmarks.oracle import (
    FAST,
    SLOW,
    W1_FIRST_BAR,
    W3_FIRST_BAR,
    W3_OFFSET_TICKS,
    Convention,
    limit_each_bar,
    sma_flip,
    sma_sweep,
)

seeds = st.integers(0, 1 << 30)


def test_the_data_are_the_same_on_every_machine() -> None:
    assert digest(make_bars(1000)) == "3a2fd3ff869c1e0ce3fb6d67f1ab09e29645fb3bf71277a0abb81df85ee3aaaa"
    assert digest(make_ticks(1000)) == "4e35810623cf81054aa43988393b86cb836ac1b5a99535586d5530ccc6c6ea1a"


@given(seeds, st.integers(2, 400))
@settings(max_examples=30, deadline=None)
def test_bars_leave_no_fill_convention_open(seed: int, count: int) -> None:
    bars = make_bars(count, seed)
    for column in (bars.open, bars.high, bars.low, bars.close):
        assert not (column % 2).any()
    assert int(np.abs(bars.open[1:] - bars.close[:-1]).max()) <= GAP_TICKS < W3_OFFSET_TICKS
    assert W3_OFFSET_TICKS % 2 == 1
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (np.diff(bars.ts) == 60_000_000_000).all()


def test_a_longer_series_begins_with_the_shorter() -> None:
    long, short = make_bars(500), make_bars(200)
    assert (long.close[:200] == short.close).all()
    assert (long.volume[:200] == short.volume).all()


@given(seeds, st.integers(1, 300), st.sampled_from(Convention))
@settings(max_examples=60, deadline=None)
def test_sma_flip_equals_a_recount_by_round_trips(seed: int, count: int, convention: Convention) -> None:
    bars = make_bars(count, seed)
    opens, closes = bars.open.tolist(), bars.close.tolist()
    wanted = 0
    changes: list[tuple[int, int]] = []  # (bar, signed quantity)
    for index in range(W1_FIRST_BAR, count):
        fast = Decimal(sum(closes[index + 1 - FAST : index + 1])) / FAST
        slow = Decimal(sum(closes[index + 1 - SLOW : index + 1])) / SLOW
        target = wanted if fast == slow else (1 if fast > slow else -1)
        if target != wanted:
            changes.append((index, target - wanted))
            wanted = target
    if convention is Convention.NEXT_OPEN:
        prices = [(opens[bar + 1], quantity) for bar, quantity in changes if bar + 1 < count]
    else:
        prices = [(closes[bar], quantity) for bar, quantity in changes]
    pnl = sum((Decimal(quantity) * (closes[-1] - price) for price, quantity in prices), Decimal(0))
    pnl -= sum((abs(quantity) * Decimal(price) for price, quantity in prices), Decimal(0)) / 1000
    expected = sma_flip(opens, closes, convention)
    assert (expected.orders, expected.fills) == (len(changes), len(prices))
    assert expected.pnl == pnl / 100


@given(seeds, st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_limit_each_bar_equals_a_recount_from_fill_to_fill(seed: int, count: int) -> None:
    bars = make_bars(count, seed)
    highs, lows, closes = bars.high.tolist(), bars.low.tolist(), bars.close.tolist()
    fills: list[int] = []
    bar = W3_FIRST_BAR
    while bar < count - 1:
        buying = len(fills) % 2 == 0
        limit = closes[bar] - W3_OFFSET_TICKS if buying else closes[bar] + W3_OFFSET_TICKS
        if (buying and lows[bar + 1] <= limit) or (not buying and highs[bar + 1] >= limit):
            fills.append(limit)
        bar += 1
    pnl = -Decimal(sum(fills)) / 1000
    for at, price in enumerate(fills):
        pnl += (closes[-1] - price) * (1 if at % 2 == 0 else -1)
    expected = limit_each_bar(highs, lows, closes)
    assert (expected.orders, expected.fills) == (max(0, count - W3_FIRST_BAR), len(fills))
    assert expected.pnl == pnl / 100


def test_the_work_is_of_the_size_the_targets_speak_of() -> None:
    bars = make_bars(100_000)
    flips = sma_flip(bars.open.tolist(), bars.close.tolist())
    assert flips.orders == pytest.approx(3_800, rel=0.03)
    limits = limit_each_bar(bars.high.tolist(), bars.low.tolist(), bars.close.tolist())
    assert limits.orders == 99_999
    assert limits.fills > 1_000


@given(seeds, st.integers(40, 300))
@settings(max_examples=20, deadline=None)
def test_a_sweep_of_one_pair_is_the_flip(seed: int, count: int) -> None:
    bars = make_bars(count, seed)
    assert sma_sweep(bars.open, bars.close, [(FAST, SLOW)]) == sma_flip(bars.open.tolist(), bars.close.tolist())
    both = sma_sweep(bars.open, bars.close, [(FAST, SLOW), (3, 8)])
    assert (
        both.pnl
        == sma_flip(bars.open.tolist(), bars.close.tolist()).pnl + sma_sweep(bars.open, bars.close, [(3, 8)]).pnl
    )
