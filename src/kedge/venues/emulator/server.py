"""The sockets of an emulator: aiohttp in front of a `Front`, and the one place that reads a clock.

Every request and message first moves the venue's time to now, so that the pure part below never waits and never asks. A
task moves it along while nobody calls. A broken connection is a real one: the transport is aborted.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from aiohttp import WSCloseCode, WSMsgType, web

from kedge.venues.emulator.control import PREFIX, Control
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.wire import PING, TEXT, Reply, Request, Session

_TICK_S = 0.02
_POLL_S = 0.005
BODY_BYTES_MAX = 1_048_576


class Server:
    """Serves one emulator on one loopback port."""

    def __init__(self, front: Front, pace: Pace, *, context: ssl.SSLContext | None = None) -> None:
        self.front = front
        self.control = Control(front, {})
        self._pace = pace
        self._context = context
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, host: str, port: int) -> Addresses:
        """Listen; where, with the port that was chosen if `port` is 0."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.router.add_route("*", "/{anything:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._context)
        await site.start()
        if self._pace.speed:
            self._tasks.append(asyncio.create_task(self._run(), name="emulator-time"))
        taken = self._runner.addresses[0][1]
        place = f"{'[' + host + ']' if ':' in host else host}:{taken}"
        secure = "s" if self._context else ""
        return Addresses(f"http{secure}://{place}", f"ws{secure}://{place}")

    async def failed(self) -> None:
        """Wait until the task that moves time fails; it never ends otherwise."""
        if self._tasks:
            await asyncio.gather(*self._tasks)
        else:
            await asyncio.Event().wait()

    async def stop(self) -> None:
        """Close every connection and the port."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for session in list(self.front.sessions.values()):
            session.close(1001)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _run(self) -> None:
        while True:
            self._now()
            await asyncio.sleep(_TICK_S)

    def _now(self) -> None:
        """Move the venue's time to now."""
        if self._pace.speed:
            passed = int(asyncio.get_running_loop().time() * 1_000_000_000) - self._pace.monotonic_ns
            self.front.advance(self._pace.venue_ns(passed))

    async def _until(self, venue_ns: int) -> None:
        while self.front.timeline.now < venue_ns:
            await asyncio.sleep(_POLL_S)
            self._now()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("upgrade", "").lower() == "websocket":
            self._now()
            return await self._socket(request, path, query, headers)
        body = await request.read()
        self._now()
        given = Request(request.method, path, query, headers, body, request.remote or "")
        if path == PREFIX or path.startswith(PREFIX + "/"):
            return _response(self.control.serve(given))
        served = self.front.serve(given)
        await self._until(served.at)
        if served.reply is None:
            _abort(request)
            return web.Response(status=500)  # nobody reads it: the connection is gone
        return _response(served.reply)

    async def _socket(self, request: web.Request, path: str, query: str, headers: dict[str, str]) -> web.StreamResponse:
        opened = self.front.open(path, query, headers)
        if isinstance(opened, Reply):
            return _response(opened)
        socket = web.WebSocketResponse(autoping=False, autoclose=True, max_msg_size=BODY_BYTES_MAX, compress=False)
        await socket.prepare(request)
        ready = asyncio.Event()
        opened.on_frame = ready.set
        writer = asyncio.create_task(self._write(request, socket, opened, ready), name=f"emulator-ws-{opened.number}")
        try:
            async for message in socket:
                self._now()
                if message.type is WSMsgType.TEXT:
                    self.front.receive(opened, message.data)
                elif message.type in {WSMsgType.PING, WSMsgType.PONG}:
                    self.front.heard(opened, bytes(message.data), ping=message.type is WSMsgType.PING)
        finally:
            self.front.hang_up(opened)
            ready.set()
            await writer
        return socket

    async def _write(
        self, request: web.Request, socket: web.WebSocketResponse, session: Session, ready: asyncio.Event
    ) -> None:
        """Send what the session has, in order, until it is closed."""
        while True:
            ready.clear()
            try:
                while session.frames:
                    kind, payload = session.frames.popleft()
                    if kind == TEXT:
                        await socket.send_str(payload.decode())
                    elif kind == PING:
                        await socket.ping(payload)
                    else:
                        await socket.pong(payload)
            except ConnectionError:
                session.close(1006)
            if session.closed is not None:
                break
            await ready.wait()
        if session.closed == 1006:
            _abort(request)
        elif not socket.closed:
            await socket.close(code=session.closed or WSCloseCode.OK, drain=False)


def _response(reply: Reply) -> web.Response:
    headers = {name: value for name, value in reply.headers.items() if name.lower() != "content-type"}
    kind = reply.headers.get("content-type", "application/json;charset=UTF-8")
    return web.Response(status=reply.status, body=reply.body, headers={**headers, "content-type": kind})


def _abort(request: web.Request) -> None:
    """Break the connection without a word."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
