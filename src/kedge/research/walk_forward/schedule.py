"""The schedule: which UTC days are in sample and which out of sample, window by window.

    rolling    [--in--]|e|[-out-]               anchored   [--in--]|e|[-out-]
                [----   [--in--]|e|[-out-]                  [----in-------]|e|[-out-]

Windows begin at the midnight before the first candle and move on by the out-of-sample length, so that out of sample no
day is judged twice and none is left out. The embargo `e` is between the two: what a strategy holds or remembers from
the days that chose its parameters fades before it is judged. Only whole windows count; days left at the end are not
used, and `Schedule.unused_days` says how many.
"""

from __future__ import annotations

from msgspec import Struct

from kedge.model.errors import ConfigError, DataError
from kedge.model.instant import NS_PER_DAY


class Window(Struct, frozen=True):
    """Half-open spans of time, ns: in sample, then (after the embargo) out of sample. `number` counts from 1."""

    number: int
    in_start: int
    in_end: int
    out_start: int
    out_end: int

    @property
    def in_days(self) -> int:
        """Days in sample."""
        return (self.in_end - self.in_start) // NS_PER_DAY

    @property
    def out_days(self) -> int:
        """Days out of sample."""
        return (self.out_end - self.out_start) // NS_PER_DAY


class Schedule(Struct, frozen=True):
    """Lengths in days; `anchored` windows all begin with the first day, rolling ones move."""

    in_sample_days: int = 90
    out_of_sample_days: int = 30
    embargo_days: int = 0
    anchored: bool = False

    def __post_init__(self) -> None:
        for name, least in (("in_sample_days", 1), ("out_of_sample_days", 1), ("embargo_days", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be {least} at least")

    @property
    def first_days(self) -> int:
        """Days that the first window takes."""
        return self.in_sample_days + self.embargo_days + self.out_of_sample_days

    def windows(self, first_ns: int, end_ns: int) -> list[Window]:
        """The whole windows between the first candle's opening and the last one's close; at least one, or a `DataError`."""
        start = first_ns // NS_PER_DAY
        days = -(-end_ns // NS_PER_DAY) - start
        count = (days - self.first_days) // self.out_of_sample_days + 1
        if count < 1:
            raise DataError(
                f"the history has {days} days and one window takes {self.first_days}; give a longer history or shorter windows"
            )
        return [self._window(start, number) for number in range(count)]

    def unused_days(self, first_ns: int, end_ns: int) -> int:
        """Days at the end that make no whole window."""
        days = -(-end_ns // NS_PER_DAY) - first_ns // NS_PER_DAY
        return (days - self.first_days) % self.out_of_sample_days

    def _window(self, start: int, number: int) -> Window:
        moved = start + number * self.out_of_sample_days
        in_end = moved + self.in_sample_days
        out_start = in_end + self.embargo_days
        days = (start if self.anchored else moved, in_end, out_start, out_start + self.out_of_sample_days)
        return Window(number + 1, *(day * NS_PER_DAY for day in days))
