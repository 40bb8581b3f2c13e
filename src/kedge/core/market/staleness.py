"""Staleness: when the silence of a stream means that it can no longer be believed (hazards H35, H41).

A connection may look alive while one of its channels is dead. So each (symbol, channel) has a *watermark*,
the time of the last fact that was accepted from it, and a *bound*, the longest silence that is still normal.
A stream is stale when the venue adapter said it went down (`StreamStatus`), or when the silence exceeds the
bound. Only accepted facts move the watermark: a channel that sends nothing but rubbish is as good as silent.

A stream without a bound is never stale by silence (an illiquid market trades rarely), and one that neither
spoke nor was announced is not subscribed to. All here is a function of (streams, now): no clock.
"""

from __future__ import annotations

from enum import StrEnum

from kedge.model.instant import NS_PER_MS
from kedge.model.market_limits import MarketLimits


class Channel(StrEnum):
    """The kinds of stream; a `StreamStatus` that names another one counts all the same."""

    CANDLE = "candle"
    TRADE = "trade"
    QUOTE = "quote"
    BOOK = "book"
    MARK_PRICE = "mark_price"
    FUNDING_RATE = "funding_rate"


class Streams:
    """The streams of one symbol: watermarks in UTC ns (0: silent so far), silence bounds in ns, and which are
    down, why.
    """

    __slots__ = (
        "book_ns",
        "bounds",
        "candle_ns",
        "down",
        "funding_rate_ns",
        "mark_price_ns",
        "quote_ns",
        "trade_ns",
    )

    def __init__(self) -> None:
        self.candle_ns = 0
        self.trade_ns = 0
        self.quote_ns = 0
        self.book_ns = 0
        self.mark_price_ns = 0
        self.funding_rate_ns = 0
        self.down: dict[str, str] = {}
        self.bounds: dict[Channel, int] = {}

    def bound(self, limits: MarketLimits) -> None:
        """Take the silence bounds of all channels but the candles', whose bound follows from their intervals."""
        self.bounds = {
            channel: silence * NS_PER_MS
            for channel, silence in (
                (Channel.TRADE, limits.trade_silence_ms_max),
                (Channel.QUOTE, limits.quote_silence_ms_max),
                (Channel.BOOK, limits.book_silence_ms_max),
                (Channel.MARK_PRICE, limits.mark_price_silence_ms_max),
                (Channel.FUNDING_RATE, limits.funding_rate_silence_ms_max),
            )
            if silence is not None
        }


#: Where the watermark of a channel is.
WATERMARKS = {channel: f"{channel.value}_ns" for channel in Channel}


def watermark(streams: Streams, channel: Channel) -> int:
    """The time of the last accepted fact of `channel`, UTC ns; 0 before the first."""
    seen: int = getattr(streams, WATERMARKS[channel])
    return seen


def silence_ns(streams: Streams, channel: Channel, now: int) -> int | None:
    """For how long `channel` has been silent at `now`; `None` before its first fact."""
    seen = watermark(streams, channel)
    return now - seen if seen else None


def is_stale(streams: Streams, channel: Channel, now: int) -> bool:
    """Whether `channel` is down, or silent for longer than its bound."""
    if channel in streams.down or "" in streams.down:
        return True
    seen, bound = watermark(streams, channel), streams.bounds.get(channel)
    return bound is not None and seen > 0 and not now - seen <= bound


def doubt(streams: Streams, now: int) -> str:
    """The first reason not to believe the streams at `now`; empty where there is none."""
    if streams.down:
        channel, reason = next(iter(streams.down.items()))
        return f"stream {channel or 'connection'} is down: {reason or 'no reason given'}"
    for channel, bound in streams.bounds.items():
        seen: int = getattr(streams, WATERMARKS[channel])
        if seen and not now - seen <= bound:
            return f"stream {channel} is silent for {(now - seen) // NS_PER_MS} ms, more than {bound // NS_PER_MS} ms"
    return ""


def set_status(streams: Streams, channel: str, up: bool, reason: str, now: int) -> None:
    """Note that `channel` (empty: all of them) came up or went down.

    A stream that came up and has never spoken starts its silence now, so that one which never speaks is found
    out.
    """
    if not up:
        streams.down[channel] = reason
        return
    if channel:
        streams.down.pop(channel, None)
    else:
        streams.down.clear()
    for known in Channel:
        if known == channel and not watermark(streams, known):
            setattr(streams, WATERMARKS[known], now)


def snapshot(streams: Streams) -> dict[str, object]:
    """Plain data that two equal folds agree on."""
    marks: dict[str, object] = {channel.value: watermark(streams, channel) for channel in Channel}
    marks["down"] = dict(streams.down)
    marks["bounds"] = {channel.value: bound for channel, bound in streams.bounds.items()}
    return marks
