"""WebSocket as a port: connect, send text, receive messages in order, close."""

from __future__ import annotations

from typing import Protocol

from kedge.model.errors import WorldError


class Disconnected(WorldError):
    """The connection could not be made, or is over.

    `code` is the close code (1006: none came), `status` the HTTP status where the venue refused the handshake.
    """

    def __init__(self, reason: str, code: int = 1006, status: int = 0) -> None:
        super().__init__(reason)
        self.code = code
        self.status = status


class WebSocketConnection(Protocol):
    """One connection. Protocol pings are answered by the implementation itself, with the same payload."""

    async def send(self, text: str) -> None:
        """Send one text message; `Disconnected` where the connection is over."""

    async def receive(self) -> str | bytes:
        """The next message; `Disconnected` when there will be none."""

    async def close(self, code: int = 1000) -> None:
        """End the connection; calling it again does nothing."""


class WebSocketTransport(Protocol):
    """Makes connections."""

    async def connect(
        self, url: str, headers: tuple[tuple[str, str], ...] = (), timeout_ms: int = 10_000
    ) -> WebSocketConnection:
        """A new connection to `url`; `Disconnected` where there is none within `timeout_ms`."""
