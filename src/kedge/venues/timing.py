"""The venue's clock against ours (hazard H38).

A reading is three moments: we ask, the venue names its time, we have the answer. The venue's clock was read somewhere
between the first and the last; the middle is the best guess and half the distance bounds the error (Cristian's
algorithm). Of several readings the one with the shortest way is kept.

From then on the venue's time is reckoned on our *monotonic* clock, so that a step of the wall clock spoils no signature.
It is noticed all the same: facts carry the wall clock's time, so new orders are refused while it is off by more than the
bound, after a step, and when the last reading is too old. Cancels and exits go on, with the venue's time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kedge.model.facts import ClockReading
from kedge.model.instant import NS_PER_MS
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.wire.clock import Clock


class VenueClock:
    """Our clock and what is known of the venue's. Bounds: offset with its uncertainty, age of the last reading."""

    def __init__(self, clock: Clock, offset_ms_max: int = 1_000, age_ms_max: int = 180_000) -> None:
        self._clock = clock
        self._offset_ns_max = offset_ms_max * NS_PER_MS
        self._age_ns_max = age_ms_max * NS_PER_MS
        self._reading: ClockReading | None = None
        self._read_at = 0  # our monotonic clock at the reading
        self._our_ns = 0  # our wall clock then
        self._venue_ns = 0  # the venue's then

    def now_ns(self) -> int:
        """Our time, UTC ns."""
        return self._clock.now_ns()

    def venue_ns(self) -> int:
        """The venue's time, UTC ns; ours as long as nothing else is known."""
        if self._reading is None:
            return self._clock.now_ns()
        return self._venue_ns + self._clock.monotonic_ns() - self._read_at

    @property
    def reading(self) -> ClockReading | None:
        """The last reading."""
        return self._reading

    def step_ns(self) -> int:
        """How far our wall clock has stepped since the last reading."""
        if self._reading is None:
            return 0
        return (self._clock.now_ns() - self._our_ns) - (self._clock.monotonic_ns() - self._read_at)

    def refusal(self) -> str:
        """Why no new order may leave; empty where one may."""
        if self._reading is None:
            return "the venue's clock was never read"
        age = self._clock.monotonic_ns() - self._read_at
        if age > self._age_ns_max:
            return (
                f"the venue's clock was last read {age // NS_PER_MS} ms ago, more than {self._age_ns_max // NS_PER_MS}"
            )
        off = abs(self._reading.offset_ns + self.step_ns()) + self._reading.uncertainty_ns
        if off > self._offset_ns_max:
            return (
                f"our clock may be {off // NS_PER_MS} ms off the venue's, more than {self._offset_ns_max // NS_PER_MS}"
            )
        return ""

    async def measure(self, ask: Callable[[], Awaitable[Answer[int]]], samples: int = 3) -> Answer[ClockReading]:
        """Read the venue's clock; `ask` is its time (UTC ns). The last failure, where no sample succeeds."""
        answer: Answer[ClockReading] = Failed(ErrorClass.OURS, "no sample", "ask at least once")
        best = -1
        for _ in range(samples):
            asked_at, our_ns = self._clock.monotonic_ns(), self._clock.now_ns()
            said = await ask()
            took = self._clock.monotonic_ns() - asked_at
            if not isinstance(said, Whole):
                answer = said if isinstance(said, Failed) and best < 0 else answer
            elif best < 0 or took < best:
                best = took
                answer = Whole(self._take(asked_at, our_ns, took, said.value), our_ns + took)
        return answer

    def _take(self, asked_at: int, our_ns: int, took: int, venue_ns: int) -> ClockReading:
        middle = took // 2
        self._read_at, self._our_ns, self._venue_ns = asked_at + middle, our_ns + middle, venue_ns
        self._reading = reading = ClockReading(our_ns + took, self._our_ns - venue_ns, took - middle)
        return reading
