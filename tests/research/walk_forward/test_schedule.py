"""Which days belong to which window."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kedge.model.errors import ConfigError, DataError
from kedge.model.instant import NS_PER_DAY as DAY
from kedge.research.walk_forward.schedule import Schedule

SCHEDULES = st.builds(Schedule, st.integers(1, 50), st.integers(1, 20), st.integers(0, 5), st.booleans())


@given(SCHEDULES, st.integers(0, 20_000), st.integers(0, DAY - 1), st.integers(1, 400), st.integers(0, DAY - 1))
def test_windows_follow_each_other_without_gap_or_overlap(
    schedule: Schedule, day: int, into: int, days: int, past: int
) -> None:
    first, end = day * DAY + into, (day + days) * DAY - past
    assume(end > first)
    if days < schedule.first_days:
        with pytest.raises(DataError, match="give a longer history"):
            schedule.windows(first, end)
        return
    windows = schedule.windows(first, end)
    assert [window.number for window in windows] == list(range(1, len(windows) + 1))
    for window in windows:
        assert window.in_start <= window.in_end <= window.out_start < window.out_end
        assert window.out_start - window.in_end == schedule.embargo_days * DAY
        assert window.out_days == schedule.out_of_sample_days
        assert window.in_days == schedule.in_sample_days or schedule.anchored
        assert not any(moment % DAY for moment in (window.in_start, window.in_end, window.out_start, window.out_end))
    assert windows[0].in_start == day * DAY
    assert windows[0].in_days == schedule.in_sample_days
    for one, other in pairwise(windows):
        assert other.out_start == one.out_end
        assert other.in_end - one.in_end == schedule.out_of_sample_days * DAY
        assert (other.in_start == one.in_start) is schedule.anchored
    last = (day + days) * DAY
    unused = schedule.unused_days(first, end)
    assert windows[-1].out_end + unused * DAY == last
    assert 0 <= unused < schedule.out_of_sample_days


def test_a_window_has_days() -> None:
    with pytest.raises(ConfigError, match="in_sample_days is 0"):
        Schedule(0)
    with pytest.raises(ConfigError, match="out_of_sample_days is 0"):
        Schedule(1, 0)
    with pytest.raises(ConfigError, match="embargo_days is -1"):
        Schedule(embargo_days=-1)


def test_a_history_too_short_is_named_with_what_is_needed() -> None:
    with pytest.raises(DataError, match="119 days and one window takes 120"):
        Schedule().windows(0, 119 * DAY)
    assert len(Schedule().windows(0, 120 * DAY)) == 1
