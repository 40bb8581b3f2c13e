"""Watermarks and bounds: pure functions of (streams, now)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market import staleness
from kedge.core.market.staleness import Channel, Streams
from kedge.model.instant import NS_PER_MS
from kedge.model.market_limits import MarketLimits


def streams_with(**seen: int) -> Streams:
    streams = Streams()
    streams.bound(MarketLimits(quote_silence_ms_max=10, book_silence_ms_max=5))
    for name, ns in seen.items():
        setattr(streams, f"{name}_ns", ns)
    return streams


@given(st.integers(1, 10**12), st.integers(0, 20 * NS_PER_MS))
def test_h35_a_stream_is_stale_exactly_when_its_silence_exceeds_the_bound(seen: int, silence: int) -> None:
    streams = streams_with(quote=seen)
    stale = silence > 10 * NS_PER_MS
    assert staleness.is_stale(streams, Channel.QUOTE, seen + silence) == stale
    assert bool(staleness.doubt(streams, seen + silence)) == stale
    assert staleness.silence_ns(streams, Channel.QUOTE, seen + silence) == silence


def test_a_stream_that_was_never_announced_is_not_awaited() -> None:
    streams = streams_with()
    assert staleness.doubt(streams, 10**18) == ""
    assert staleness.silence_ns(streams, Channel.BOOK, 10**18) is None


def test_h35_a_stream_that_came_up_and_never_spoke_is_found_out() -> None:
    streams = streams_with()
    staleness.set_status(streams, "book", True, "", 1_000)
    assert staleness.doubt(streams, 1_000 + 5 * NS_PER_MS) == ""
    assert "stream book is silent" in staleness.doubt(streams, 1_001 + 5 * NS_PER_MS)


def test_a_stream_without_a_bound_may_be_silent_for_ever() -> None:
    assert not staleness.is_stale(streams_with(trade=1), Channel.TRADE, 10**18)


def test_h35_down_is_down_however_fresh_and_whatever_the_channel_is_called() -> None:
    for channel in (*Channel, "some_channel", ""):
        streams = streams_with(quote=1_000)
        staleness.set_status(streams, channel, False, "socket closed", 1_000)
        assert "is down: socket closed" in staleness.doubt(streams, 1_000)
        staleness.set_status(streams, channel, True, "", 1_000)
        assert staleness.doubt(streams, 1_000) == ""


def test_a_connection_that_is_down_takes_all_its_channels_with_it() -> None:
    streams = streams_with(quote=1_000)
    staleness.set_status(streams, "", False, "", 1_000)
    assert all(staleness.is_stale(streams, channel, 1_000) for channel in Channel)
    staleness.set_status(streams, "quote", True, "", 1_000)
    assert staleness.doubt(streams, 1_000), "one channel's word does not bring back the others"
    staleness.set_status(streams, "", True, "", 1_000)
    assert not staleness.doubt(streams, 1_000)


def test_the_snapshot_tells_all_that_a_verdict_depends_on() -> None:
    streams = streams_with(quote=7)
    before = staleness.snapshot(streams)
    staleness.set_status(streams, "quote", False, "x", 9)
    assert staleness.snapshot(streams) != before
    assert before["quote"] == 7
    assert before["bounds"] == {"quote": 10 * NS_PER_MS, "book": 5 * NS_PER_MS}
