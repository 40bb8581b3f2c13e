"""HTTP as a port: one request, one answer, and two ways to have none.

Whether a request can have had an effect is all that matters when its answer is missing: `NotSent` says that not a byte
of it reached the venue, `NoAnswer` that it may have. What is not certainly the first is the second.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from kedge.model.errors import WorldError


class NotSent(WorldError):
    """The request did not leave (no address, no connection): nothing happened at the venue."""


class NoAnswer(WorldError):
    """The request left, or may have, and no whole answer came back: the outcome is unknown."""


class HttpRequest(Struct, frozen=True, gc=False):
    """One request, complete and signed. `url` and `body` are sent byte for byte as they stand; the URL carries no secret
    but a signature, `headers` may, so a request is never logged whole.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.url.partition('?')[0]}, {len(self.body)} bytes)"


class HttpResponse(Struct, frozen=True, gc=False):
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpTransport(Protocol):
    """Sends requests; one connection pool."""

    async def send(self, request: HttpRequest, timeout_ms: int) -> HttpResponse:
        """The venue's answer, whatever its status; redirects are not followed.

        Raises:
            NotSent: no connection could be made.
            NoAnswer: the connection broke or `timeout_ms` passed before the answer was whole.
        """

    async def close(self) -> None:
        """Give the connections back; later calls raise `NotSent`."""
