"""A network in memory: HTTP, WebSocket and DNS between a client and handlers in the same process, with faults.

    network = MemoryNetwork()
    network.serve_http("api.venue.test", handler)            async (HttpRequest) -> HttpResponse
    network.serve_websocket("ws.venue.test", handler)        async (Peer) -> None
    network.faults.append(Fault(FaultKind.DROP_AFTER, "/order", times=1))

Everything takes virtual time (`kedge.venues.wire.virtual`): a message travels `latency_ms` each way, a request without an
answer ends at its time-out. Faults are tried in order; one whose `where` is part of the URL takes the request, or the
connection, and is used up after `times`. They are what a network does, never what a venue says:

    DELAY         the answer, or each message of the connection, takes `delay_ms` longer
    REFUSE        no connection: nothing happened
    DROP_BEFORE   the request never arrives, and no answer comes
    DROP_AFTER    the request takes effect, and no answer comes
    RESET_BEFORE  the connection breaks before the request has taken effect
    RESET_AFTER   the request takes effect, then the connection breaks
    HALF_OPEN     (WebSocket) from `delay_ms` on nothing arrives on either side, and nobody is told

`resolver` may be replaced by one that remembers, so that connections survive `names_down`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from kedge.venues.wire.dns import Resolver, Unresolved
from kedge.venues.wire.http import HttpRequest, HttpResponse, NoAnswer, NotSent
from kedge.venues.wire.websocket import Disconnected, WebSocketConnection

T = TypeVar("T")


class FaultKind(StrEnum):
    """What can go wrong; the table is at the top of this module."""

    DELAY = "delay"
    REFUSE = "refuse"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    HALF_OPEN = "half_open"


class Fault(Struct):
    """One fault: where it strikes (a part of the URL; empty: anywhere), how often, and for how long."""

    kind: FaultKind
    where: str = ""
    times: int = 1
    delay_ms: int = 0


HttpHandler = Callable[[HttpRequest], Awaitable[HttpResponse]]
SocketHandler = Callable[["Peer"], Awaitable[None]]

_RESETS: Final = (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER)
_DROPS: Final = (FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER)
_UNSEEN: Final = (FaultKind.DROP_BEFORE, FaultKind.RESET_BEFORE)


class MemoryNetwork:
    """Hosts and what stands between them and us. It is HTTP transport, WebSocket transport and resolver in one."""

    def __init__(self, latency_ms: int = 0) -> None:
        self.latency_ms = latency_ms
        self.faults: list[Fault] = []
        self.names_down = False
        self.connections: list[Peer] = []
        self._http: dict[str, HttpHandler] = {}
        self._sockets: dict[str, SocketHandler] = {}
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.resolver: Resolver = self
        self._closed = False

    def serve_http(self, host: str, handler: HttpHandler) -> None:
        """Answer requests to `host`, with its port where one is given."""
        self._http[host] = handler

    def serve_websocket(self, host: str, handler: SocketHandler) -> None:
        """Take connections to `host`; a connection ends when its handler returns."""
        self._sockets[host] = handler

    def fault(self, url: str, *kinds: FaultKind) -> Fault | None:
        """The first fault of these kinds that strikes `url`; it is one time less from now on."""
        for fault in self.faults:
            if fault.times > 0 and fault.where in url and fault.kind in kinds:
                fault.times -= 1
                return fault
        return None

    async def resolve(self, host: str) -> tuple[str, ...]:
        """An address for each host served; none while `names_down`."""
        known = {served.partition(":")[0] for served in (*self._http, *self._sockets)}
        if self.names_down or host not in known:
            raise Unresolved(f"no address for {host}")
        return ("127.0.0.1",)

    async def _finds(self, url: str) -> bool:
        try:
            return bool(await self.resolver.resolve(urlsplit(url).hostname or ""))
        except Unresolved:
            return False

    async def send(self, request: HttpRequest, timeout_ms: int) -> HttpResponse:
        """The handler's answer, unless a fault has it."""
        handler = self._http.get(urlsplit(request.url).netloc)
        refused = self._closed or handler is None or self.fault(request.url, FaultKind.REFUSE)
        if refused or not await self._finds(request.url):
            raise NotSent(f"{request!r}: connection refused")
        assert handler is not None, "a host without a handler refuses"
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._exchange(handler, request)
        except TimeoutError:
            raise NoAnswer(f"{request!r}: no answer within {timeout_ms} ms") from None

    async def _exchange(self, handler: HttpHandler, request: HttpRequest) -> HttpResponse:
        fault = self.fault(request.url, FaultKind.DELAY, *_DROPS, *_RESETS)
        kind = None if fault is None else fault.kind
        await asyncio.sleep(self.latency_ms / 1000)
        if kind in _UNSEEN:
            response = None
        else:  # the handler goes on although nobody waits any more: that is what a venue does
            response = await asyncio.shield(self._kept(handler(request)))
        await asyncio.sleep((self.latency_ms + (0 if fault is None else fault.delay_ms)) / 1000)
        if kind in _RESETS:
            raise NoAnswer(f"{request!r}: connection reset")
        if response is None or kind in _DROPS:
            await asyncio.get_running_loop().create_future()
        assert response is not None, "a request without a response waits for its time-out"
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status, headers, response.body)

    def _kept(self, answer: Awaitable[HttpResponse]) -> asyncio.Task[HttpResponse]:
        async def wait() -> HttpResponse:
            return await answer

        return self._run(wait())

    def _run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    async def connect(
        self, url: str, headers: tuple[tuple[str, str], ...] = (), timeout_ms: int = 10_000
    ) -> WebSocketConnection:
        """A connection to the handler of the host."""
        where = url.partition("?")[0]
        handler = self._sockets.get(urlsplit(url).netloc)
        await asyncio.sleep(2 * self.latency_ms / 1000)
        if self._closed or handler is None or self.fault(url, FaultKind.REFUSE) or not await self._finds(url):
            raise Disconnected(f"{where}: connection refused")
        if self.fault(url, *_DROPS):
            await asyncio.sleep(timeout_ms / 1000)
            raise Disconnected(f"{where}: no connection within {timeout_ms} ms")
        delay = self.fault(url, FaultKind.DELAY)
        link = _Link(self.latency_ms + (0 if delay is None else delay.delay_ms))
        peer = Peer(url, headers, link)
        self.connections.append(peer)
        half_open = self.fault(url, FaultKind.HALF_OPEN)
        if half_open is not None:
            asyncio.get_running_loop().call_later(half_open.delay_ms / 1000, peer.half_open)
        self._run(_serve(handler, peer))
        return MemoryConnection(where, link)

    async def close(self) -> None:
        """End every connection and refuse new ones."""
        self._closed = True
        for peer in self.connections:
            await peer.close()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _serve(handler: SocketHandler, peer: Peer) -> None:
    with suppress(Disconnected):
        await handler(peer)
    await peer.close()


class _Link:
    """Both directions of a connection: a message arrives `latency_ms` after it was sent, in order."""

    def __init__(self, latency_ms: int) -> None:
        self.latency_ms = latency_ms
        self.to_client = _Way()
        self.to_server = _Way()
        self.half_open = False

    def carry(self, way: _Way, message: str | bytes | _End) -> None:
        """Send `message` on its way."""
        if self.half_open or way.closing:
            return
        way.closing = isinstance(message, _End)
        way.under_way.append(message)
        asyncio.get_running_loop().call_later(self.latency_ms / 1000, self._arrive, way)

    def _arrive(self, way: _Way) -> None:
        message = way.under_way.popleft()  # timers of the same moment come in any order, messages do not
        if not self.half_open:
            way.arrive(message)


class _End(Struct, frozen=True):
    code: int


class _Way:
    """One direction: what has arrived and was not taken yet."""

    def __init__(self) -> None:
        self.closing = False
        self.under_way: deque[str | bytes | _End] = deque()
        self._arrived: deque[str | bytes | _End] = deque()
        self._waiting: asyncio.Future[None] | None = None

    def arrive(self, message: str | bytes | _End) -> None:
        self._arrived.append(message)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def take(self) -> str | bytes | _End:
        while not self._arrived:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        first = self._arrived[0]
        if not isinstance(first, _End):  # the end stays: whoever asks again is told again
            self._arrived.popleft()
        return first


class MemoryConnection:
    """The client's end."""

    def __init__(self, where: str, link: _Link) -> None:
        self._where = where
        self._link = link

    async def send(self, text: str) -> None:
        """Send one text message."""
        if self._link.to_client.closing or self._link.to_server.closing:
            raise Disconnected(f"{self._where}: closed")
        self._link.carry(self._link.to_server, text)

    async def receive(self) -> str | bytes:
        """The next message."""
        message = await self._link.to_client.take()
        if isinstance(message, _End):
            raise Disconnected(f"{self._where}: closed, code {message.code}", message.code)
        return message

    async def close(self, code: int = 1000) -> None:
        """End the connection: what is under way to us is lost."""
        self._link.carry(self._link.to_server, _End(code))
        self._link.to_client.closing = True
        self._link.to_client.arrive(_End(code))


class Peer:
    """The server's end of a connection. `half_open` silences it without telling anybody."""

    def __init__(self, url: str, headers: tuple[tuple[str, str], ...], link: _Link) -> None:
        self.url = url
        self.headers = headers
        self._link = link

    async def send(self, message: str | bytes) -> None:
        """Send one message."""
        if self._link.to_client.closing or self._link.to_server.closing:
            raise Disconnected(f"{self.url}: closed")
        self._link.carry(self._link.to_client, message)

    async def receive(self) -> str | bytes:
        """The client's next message; `Disconnected` when there will be none."""
        message = await self._link.to_server.take()
        if isinstance(message, _End):
            raise Disconnected(f"{self.url}: closed, code {message.code}", message.code)
        return message

    async def close(self, code: int = 1000) -> None:
        """End the connection in good order, after what was sent."""
        self._link.carry(self._link.to_client, _End(code))
        self._link.to_server.arrive(_End(code))

    def cut(self) -> None:
        """Break the connection, as a cable does that is pulled: 1006 at the client's end, after what was sent."""
        self._link.carry(self._link.to_client, _End(1006))
        self._link.to_server.arrive(_End(1006))

    def half_open(self) -> None:
        """Let nothing arrive any more."""
        self._link.half_open = True
