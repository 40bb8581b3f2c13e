"""What one venue says over a stream, and what it must be told: a *talk*, pure, one for the life of a connection.

A talk knows no socket and no clock. It gives the texts that subscribe, turns each message into facts and confirmations,
and may remember what belongs to its connection (request ids, a sequence number over all channels). Venues implement
`Talk`; what is the same for all of them stands in `StreamRules`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from kedge.model.errors import ConfigError
from kedge.model.market import BookDelta, Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.sequence import SequenceRule, by_fields
from kedge.venues.answers import Answer
from kedge.venues.exact import decode
from kedge.venues.feed.inbox import Overflow
from kedge.venues.gateway import Subscription

#: The channels of a subscription, and what the core calls the stream that each one is (`core.market.staleness`).
CHANNELS: Final = {
    "trades": "trade",
    "quotes": "quote",
    "book": "book",
    "candles": "candle",
    "mark": "mark_price",
    "funding": "funding_rate",
    "user": "user",
}

#: The channel that a fact belongs to.
CHANNEL_OF: Final[dict[type, str]] = {
    Trade: "trades",
    Quote: "quotes",
    OrderBook: "book",
    BookDelta: "book",
    Candle: "candles",
    MarkPrice: "mark",
    FundingRate: "funding",
}

#: The stream of reports on our own orders.
USER: Final = Subscription("user", "")


class Heard(Struct, frozen=True):
    """What one message was.

    `confirmed` are subscriptions that the venue now serves (where it confirms nothing, those that a first message shows),
    `replies` texts to send back at once, `refused` why it will not serve one, `leaving` why it is about to end the
    connection, `lost` why something between the last message and this one is missing, `over` why the connection will say
    nothing more although it stands: it counts as cut.
    """

    facts: tuple[Any, ...] = ()
    confirmed: tuple[Subscription, ...] = ()
    replies: tuple[str, ...] = ()
    refused: str = ""
    leaving: str = ""
    lost: str = ""
    over: str = ""


#: A message that says nothing: a pong, a heartbeat.
SILENT: Final = Heard()


class Talk(Protocol):
    """One conversation with a venue, from the first text to the last."""

    def opening(self, now_ns: int) -> Sequence[str]:
        """The texts that log in and subscribe; `now_ns` is our time."""

    def hear(self, message: str | bytes, received: int) -> Heard:
        """What a message says; `VenueError` where it is none of the protocol."""

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        """The texts that keep the connection open, every `keep_alive_ms`."""

    def again(self, subscription: Subscription) -> Sequence[str]:
        """The texts that make the venue begin a subscription anew, with a snapshot; none where a snapshot is asked for
        otherwise.
        """


class BookStart(StrEnum):
    """Where the snapshot of a book comes from."""

    ASKED = "asked"  # by a question of its own (REST), while changes are held back
    STREAM = "stream"  # the stream begins with one, or consists of them


class StreamRules(Struct, frozen=True):
    """What holds for every connection to a venue; all but the first two are bounds of ours.

    `keep_alive_ms` and `session_ms` 0: the venue asks for none, ends none. `silence_ms_max` is by channel: data older than
    that is no longer believed. `idle_ms_max` bounds the silence of a whole connection.
    """

    keep_alive_ms: int = 0
    session_ms: int = 0
    roll_before_ms: int = 600_000
    overlap_ms_max: int = 5_000
    confirm_ms_max: int = 10_000
    idle_ms_max: int = 90_000
    silence_ms_max: dict[str, int] = {}
    book_rule: SequenceRule = by_fields
    book_start: BookStart = BookStart.STREAM
    backoff_ms: int = 500
    backoff_ms_max: int = 30_000
    queue_max: int = 20_000
    overflow: Overflow = Overflow.RESYNC

    def __post_init__(self) -> None:
        unknown = [channel for channel in self.silence_ms_max if channel not in CHANNELS]
        if unknown:
            raise ConfigError(f"channel {unknown[0]!r} is unknown; known are {', '.join(CHANNELS)}")
        if self.session_ms and self.session_ms <= self.roll_before_ms:
            raise ConfigError(
                f"roll_before_ms is {self.roll_before_ms}; it must be less than session_ms, {self.session_ms}"
            )


class Dialled(Struct, frozen=True):
    """Where to connect, and the talk to have there."""

    url: str
    talk: Talk
    headers: tuple[tuple[str, str], ...] = ()


#: Made anew for each connection: it may fetch a session key, and must then use the key's URL.
Dial = Callable[[], Awaitable[Dialled]]
#: Asks for the snapshot of a book.
Snapshot = Callable[[str], Awaitable[Answer[OrderBook]]]
#: Asked before a line counts as up: what happened while none was.
BeforeUp = Callable[[], Awaitable[Sequence[Any]]]


class PlainTalk:
    """A venue that nobody knows: subscriptions are sent as they are, messages are handed on as plain data."""

    def __init__(self, subscriptions: Sequence[Subscription | str | Mapping[str, Any]]) -> None:
        self._texts = [each if isinstance(each, str) else msgspec.json.encode(each).decode() for each in subscriptions]

    def opening(self, now_ns: int) -> Sequence[str]:
        """The subscriptions, each as a text or as JSON."""
        return self._texts

    def hear(self, message: str | bytes, received: int) -> Heard:
        """JSON, with numbers exact."""
        return Heard(facts=(decode(message),))

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        """Nothing is known to be needed."""
        return ()

    def again(self, subscription: Subscription) -> Sequence[str]:
        """Nothing is known to help."""
        return ()
