"""The venue's clock, read over a network that takes its time, by a machine whose clock may be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.timing import VenueClock
from kedge.venues.wire.virtual import START_NS, VirtualClock, run

DOWN = Failed(ErrorClass.UNKNOWN, "HTTP 502", "bad gateway")


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=4),
    st.integers(-5_000, 5_000),
)
def test_the_truth_lies_within_the_uncertainty(ways_ms: list[tuple[int, int]], off_ms: int) -> None:
    async def main() -> None:
        ours = VirtualClock(offset_ns=off_ms * NS_PER_MS)
        ways = iter(ways_ms)

        async def ask() -> Answer[int]:
            there, back = next(ways)
            await ours.sleep(there / 1000)
            said = START_NS + ours.monotonic_ns()
            await ours.sleep(back / 1000)
            return Whole(said)

        venue = VenueClock(ours)
        answer = await venue.measure(ask, len(ways_ms))
        assert isinstance(answer, Whole)
        reading = answer.value
        assert abs(reading.offset_ns - off_ms * NS_PER_MS) <= reading.uncertainty_ns
        assert reading.uncertainty_ns * 2 <= min(map(sum, ways_ms)) * NS_PER_MS + 1
        assert venue.reading == reading
        await ours.sleep(20)
        assert abs(venue.venue_ns() - (START_NS + ours.monotonic_ns())) <= reading.uncertainty_ns

    run(main())


@pytest.mark.parametrize("off_ms", [-5_000, 0, 990, 1_500])
def test_h38_a_clock_that_is_off_opens_nothing(off_ms: int) -> None:
    async def main() -> None:
        ours = VirtualClock(offset_ns=off_ms * NS_PER_MS)

        async def ask() -> Answer[int]:
            await ours.sleep(0.01)
            return Whole(START_NS + ours.monotonic_ns())

        venue = VenueClock(ours)
        assert venue.refusal() == "the venue's clock was never read"
        await venue.measure(ask)
        assert bool(venue.refusal()) is (abs(off_ms) > 1_000)

    run(main())


def test_h38_a_step_of_our_clock_opens_nothing_but_spoils_no_signature() -> None:
    async def main() -> None:
        ours = VirtualClock()

        async def ask() -> Answer[int]:
            return Whole(START_NS + ours.monotonic_ns())

        venue = VenueClock(ours)
        await venue.measure(ask)
        assert venue.refusal() == ""
        ours.offset_ns = -3_600 * NS_PER_S
        assert venue.refusal() == "our clock may be 3600000 ms off the venue's, more than 1000"
        assert venue.venue_ns() == START_NS + ours.monotonic_ns()

    run(main())


def test_an_old_reading_opens_nothing() -> None:
    async def main() -> None:
        ours = VirtualClock()

        async def ask() -> Answer[int]:
            return Whole(ours.now_ns())

        venue = VenueClock(ours)
        await venue.measure(ask)
        await ours.sleep(180)
        assert venue.refusal() == ""
        await ours.sleep(1)
        assert venue.refusal() == "the venue's clock was last read 181000 ms ago, more than 180000"

    run(main())


def test_a_failure_keeps_the_last_reading_and_is_told() -> None:
    async def main() -> None:
        ours = VirtualClock()
        answers: list[Answer[int]] = [Whole(ours.now_ns()), DOWN, DOWN, DOWN, DOWN]

        async def ask() -> Answer[int]:
            return answers.pop(0)

        venue = VenueClock(ours)
        assert isinstance(await venue.measure(ask, 2), Whole)
        assert await venue.measure(ask, 3) == DOWN
        assert venue.reading is not None

    run(main())
