"""What goes over a socket, without one: a request as it was received, a reply, a session's frames.

`Request` holds path, query and body byte for byte as they came, because signatures are over exactly those.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

#: Frames that wait for a slow reader; beyond it the venue hangs up, as venues do.
FRAMES_MAX = 10_000
TEXT, PING, PONG = "text", "ping", "pong"


class Request(Struct, frozen=True):
    """One HTTP request. Header names are in lower case; `query` is what followed the question mark."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = {}
    body: bytes = b""
    remote: str = "127.0.0.1"

    @property
    def form(self) -> dict[str, str]:
        """Query and form body, decoded; where a name is in both the query's value counts."""
        return {**fields(self.body.decode("utf-8", "replace")), **fields(self.query)}


class Reply(Struct):
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


class Served(Struct, frozen=True):
    """What becomes of a request: at `at` (UTC ns) the reply leaves; None: the connection breaks instead."""

    reply: Reply | None
    at: int


class Session:
    """One WebSocket connection, the venue's side of it.

    The dialect writes with `push`, `ping` and `close`; the server takes `frames`. `state` is the dialect's own. `mute`
    until a time is a half-open connection: nothing goes out and nothing that comes in is heard.
    """

    def __init__(self, number: int, path: str, query: str, headers: dict[str, str], opened: int) -> None:
        self.number = number
        self.path = path
        self.query = query
        self.headers = headers
        self.opened = opened
        self.frames: deque[tuple[str, bytes]] = deque()
        self.closed: int | None = None
        self.mute = 0
        self.state: dict[str, Any] = {}
        self.on_frame: Callable[[], None] = _nothing
        self._send: Callable[[Session, str, str], None] | None = None
        self._now: Callable[[], int] = _never

    def route(self, send: Callable[[Session, str, str], None], now: Callable[[], int]) -> None:
        """Let `send(session, text, channel)` decide when a text leaves; `now` is the venue's time."""
        self._send = send
        self._now = now

    def push(self, text: str, channel: str = "") -> None:
        """Say something on a channel (empty: an answer), past whatever faults are set."""
        if self._send is None:
            self.deliver(text)
        else:
            self._send(self, text, channel)

    def deliver(self, text: str) -> None:
        """Put a text into the socket now."""
        self._put(TEXT, text.encode())

    def ping(self, payload: bytes) -> None:
        """Send a ping frame."""
        self._put(PING, payload)

    def pong(self, payload: bytes) -> None:
        """Answer a ping frame."""
        self._put(PONG, payload)

    def close(self, code: int = 1000) -> None:
        """Hang up; 1006 without a close frame."""
        if self.closed is None:
            self.closed = code
            self.on_frame()

    def _put(self, kind: str, payload: bytes) -> None:
        if self.closed is not None or self.mute > self._now():
            return
        if len(self.frames) >= FRAMES_MAX:
            self.close(1008)
            return
        self.frames.append((kind, payload))
        self.on_frame()


def fields(text: str) -> dict[str, str]:
    """A query or form, decoded; the first value of a name counts."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, value)
    return found


def _never() -> int:
    """No time at all: nothing is mute."""
    return 2**63


def _nothing() -> None:
    """Nobody listens yet."""
