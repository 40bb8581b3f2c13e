"""Delays are what they are told to be, and dice are the same everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import ConfigError
from kedge.venues.sim.generator import SplitMix64
from kedge.venues.sim.latency import FixedLatency, JitteredLatency


def test_one_figure_delays_everything_alike() -> None:
    latency = FixedLatency(5)
    assert (latency.order_ns(), latency.report_ns(), latency.feed_ns()) == (5, 5, 5)


def test_each_kind_may_have_its_own_delay() -> None:
    latency = FixedLatency(5, 6, 0)
    assert (latency.order_ns(), latency.report_ns(), latency.feed_ns()) == (5, 6, 0)


@given(seed=st.integers(0, 2**64), jitter=st.integers(0, 10**9))
def test_jitter_only_adds_within_its_bound_and_repeats(seed: int, jitter: int) -> None:
    runs = [JitteredLatency(FixedLatency(100, 200, 300), jitter, seed) for _ in range(2)]
    first, second = ([(run.order_ns(), run.report_ns(), run.feed_ns()) for _ in range(5)] for run in runs)
    assert first == second
    for drawn in first:
        assert all(low <= value <= low + jitter for low, value in zip((100, 200, 300), drawn, strict=True))


@pytest.mark.parametrize("settings", [(-1,), (0, -1), (0, 0, -1)])
def test_time_does_not_run_backwards(settings: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="time runs forward"):
        FixedLatency(*settings)
    with pytest.raises(ConfigError, match="jitter_ns is -1"):
        JitteredLatency(FixedLatency(0), -1, 0)


def test_the_generator_agrees_with_the_published_sequence() -> None:
    # first outputs of the reference implementation (splitmix64.c, Vigna 2015) for the seed 1234567
    dice = SplitMix64(1234567)
    assert [dice.next() for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@given(st.integers(0, 2**64 - 1), st.integers(1, 10**12))
def test_dice_stay_below_their_bound(seed: int, bound: int) -> None:
    dice = SplitMix64(seed)
    assert all(0 <= dice.below(bound) < bound for _ in range(10))
