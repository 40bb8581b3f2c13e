"""How venue time follows real time: `speed` times as fast, or (0) only when told.

Signed requests carry the client's time. At speed 1 it is judged by the venue's clock alone. At any other speed a client
that reads a wall clock could never be on time, so a request that is on time by the wall clock is on time too (`wall_at`), and
what a client must do in time it may do in real time (`scale`).
"""

from __future__ import annotations

from msgspec import Struct

from kedge.model.errors import ConfigError
from kedge.model.instant import NS_PER_MS

#: Where a stepped emulator begins: equal seeds then give equal bytes. 2026-01-01.
STEPPED_START_NS = 1_767_225_600_000_000_000
SPEED_MAX = 10_000
_PACE_MS = 500
#: Up to this speed a market moves every 500 ms of its own time; above it less often, so that one core keeps up.
_FULL_PACE_SPEED = 20


class Pace(Struct, frozen=True):
    """Venue time begins at `start_ns` when the wall clock shows `wall_ns` and the monotonic one `monotonic_ns`."""

    speed: int
    start_ns: int
    wall_ns: int
    monotonic_ns: int = 0

    @classmethod
    def of(cls, speed: int, wall_ns: int, monotonic_ns: int = 0) -> Pace:
        """The pace of an emulator that is started at `wall_ns`."""
        if not 0 <= speed <= SPEED_MAX:
            raise ConfigError(f"speed is {speed}; give 0 (stepped by hand) to {SPEED_MAX} times real time")
        whole = wall_ns - wall_ns % NS_PER_MS
        begun = monotonic_ns - wall_ns % NS_PER_MS
        return cls(speed, whole if speed else STEPPED_START_NS, whole, begun)

    @property
    def scale(self) -> int:
        """What a client does by its own clock (pings, keep-alives, renewals) takes so many times as long here."""
        return max(1, self.speed)

    @property
    def step_ms(self) -> int:
        """How often a market moves, in its own milliseconds."""
        return _PACE_MS * max(1, self.speed // _FULL_PACE_SPEED)

    def venue_ns(self, passed_ns: int) -> int:
        """Venue time after `passed_ns` of real time."""
        return self.start_ns + passed_ns * self.speed

    def wall_at(self, venue_ns: int) -> int | None:
        """The wall clock at a venue time; None where only the venue's clock counts."""
        if self.speed in {0, 1}:
            return None
        return self.wall_ns + (venue_ns - self.start_ns) // self.speed
