"""The clock as a port, so that a shell runs under virtual time."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Two clocks and a sleep. Times of events are `now_ns`; delays and time-outs are measured on `monotonic_ns`."""

    def now_ns(self) -> int:
        """UTC nanoseconds since 1970; may jump."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; never runs back."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
