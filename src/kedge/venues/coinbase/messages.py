"""The WebSocket's envelope: what we send, what comes, and whether anything is missing between.

We send one message a channel, within five seconds of connecting, with a token in each for the user channel (a token says
nothing of a method here, and lives for two minutes). Every connection subscribes to `heartbeats` too: quiet channels are
closed after a minute or so, and a heartbeat a second shows that this one is not.

What comes is numbered: `sequence_num` counts the messages of a connection, over all its channels. So one missing number
means that something was lost, and nobody knows in which channel: everything on the connection is in doubt, and books
must be built anew from a snapshot (hazard H33). Some texts of the venue say the count is by product; then `Scope.CHANNEL`
is the stricter reading that still works.

    {"channel": "l2_data", "timestamp": "...Z", "sequence_num": 7, "events": [...]}     data, an acknowledgement
    {"type": "error", "message": "authentication failure"}                               a refusal

The channel is called `level2` in what we send and `l2_data` in what comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Raw, Struct

from kedge.model.errors import VenueError
from kedge.venues import exact
from kedge.venues.coinbase.values import moment

HEARTBEATS = "heartbeats"
LEVEL2 = "level2"
LEVEL2_DATA = "l2_data"
TRADES = "market_trades"
TICKER = "ticker"
CANDLES = "candles"
STATUS = "status"
USER = "user"
SUBSCRIPTIONS = "subscriptions"

#: Channels that come under another name than they are asked for.
COMES_AS = {LEVEL2: LEVEL2_DATA}

#: The interval of the candles channel; there is no other.
CANDLE_SECONDS = 300


def subscribe(channel: str, products: Sequence[str], jwt: str = "", wanted: bool = True) -> str:
    """The text that begins (or ends) a channel for some products."""
    message: dict[str, Any] = {"type": "subscribe" if wanted else "unsubscribe", "channel": channel}
    if products:
        message["product_ids"] = list(products)
    if jwt:
        message["jwt"] = jwt
    return msgspec.json.encode(message).decode()


class Refusal(Struct, frozen=True, gc=False):
    """The venue said no to what we sent."""

    message: str


class Envelope(Struct, frozen=True, gc=False):
    """One message: its channel, the venue's time (UTC ns), its number, and its events, not yet read."""

    channel: str
    ts: int
    sequence: int
    events: Raw


class _Outer(Struct):
    """Either form, as it comes."""

    channel: str = ""
    type: str = ""
    message: str = ""
    timestamp: str = ""
    sequence_num: int = -1
    events: Raw = Raw(b"[]")


_decoder = msgspec.json.Decoder(_Outer)


def envelope(text: str | bytes) -> Envelope | Refusal:
    """A message, opened; `VenueError` where it is neither data nor a refusal."""
    outer = exact.decode(text, _decoder, "a message")
    if outer.type == "error":
        return Refusal(outer.message[:200])
    if not outer.channel or not 0 <= outer.sequence_num < 2**63:
        raise VenueError(f"a message without channel or number: {exact.shown(text)}")
    return Envelope(outer.channel, moment(outer.timestamp, "timestamp"), outer.sequence_num, outer.events)


class Scope(StrEnum):
    """What the venue's numbers count."""

    CONNECTION = "connection"
    CHANNEL = "channel"


class Numbers:
    """Follows the numbers of one connection."""

    __slots__ = ("_last", "_scope")

    def __init__(self, scope: Scope = Scope.CONNECTION) -> None:
        self._scope = scope
        self._last: dict[str, int] = {}

    def missing(self, message: Envelope) -> str:
        """What is wrong with a message's number; empty where it is the next one. The first may be any."""
        counted = "" if self._scope is Scope.CONNECTION else message.channel
        last = self._last.get(counted)
        self._last[counted] = message.sequence
        if last is None or message.sequence == last + 1:
            return ""
        return f"sequence gap: {message.sequence} after {last}"
