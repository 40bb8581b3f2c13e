"""Two networks with the same servers behind them: the one in memory, and real sockets over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import WSMsgType, web

from kedge.venues.wire.aio import AioHttp, AioNetwork, AioWebSockets
from kedge.venues.wire.http import HttpRequest, HttpResponse, HttpTransport
from kedge.venues.wire.memory import MemoryNetwork, Peer
from kedge.venues.wire.virtual import run
from kedge.venues.wire.websocket import WebSocketTransport


class ServerEnd(Protocol):
    """What a scenario's server does with a connection."""

    async def send(self, message: str | bytes) -> None: ...

    async def receive(self) -> str | bytes: ...

    async def close(self, code: int = 1000) -> None: ...


@dataclass
class Wire:
    """A network under test: its transports, where its server is, and what the server saw."""

    http: HttpTransport
    websockets: WebSocketTransport
    rest: str
    ws: str
    nowhere: str
    seen: list[HttpRequest] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)


Scenario = Callable[[Wire], Awaitable[None]]


async def answer(wire: Wire, request: HttpRequest) -> HttpResponse:
    """The server: what is asked for in the path."""
    wire.seen.append(request)
    path = request.url.partition("?")[0]
    if path.endswith("/slow"):
        await asyncio.sleep(30)
    if path.endswith("/moved"):
        return HttpResponse(302, {"location": "/elsewhere"}, b"")
    if path.endswith("/teapot"):
        return HttpResponse(418, {"Retry-After": "7"}, b'{"code":-1003}')
    return HttpResponse(200, {"X-Used": "3"}, request.body or b"{}")


async def talk(wire: Wire, end: ServerEnd) -> None:
    """The server's half of a conversation: echoes; `binary`, `bye` and `burst` are orders."""
    try:
        while True:
            text = await end.receive()
            if text == "binary":
                await end.send(b"\x00\x01")
            elif text == "burst":
                for number in range(50):
                    await end.send(str(number))
            elif text == "bye":
                await end.send("last")
                await end.close(4001)
            else:
                await end.send(text)
    finally:
        wire.closed.append("closed")


def in_memory(scenario: Scenario) -> None:
    async def play() -> None:
        network = MemoryNetwork(latency_ms=5)
        wire = Wire(network, network, "http://venue.test", "ws://venue.test/ws", "http://nowhere.test")
        network.serve_http("venue.test", lambda request: answer(wire, request))

        async def handler(peer: Peer) -> None:
            await talk(wire, peer)

        network.serve_websocket("venue.test", handler)
        await scenario(wire)
        await network.close()

    run(play())


def over_loopback(scenario: Scenario) -> None:
    async def play() -> None:
        network = AioNetwork()
        wire = Wire(AioHttp(network), AioWebSockets(network), "", "", "http://127.0.0.1:1")
        async with serving(wire) as port:
            wire.rest = f"http://127.0.0.1:{port}"
            wire.ws = f"ws://127.0.0.1:{port}/ws"
            await scenario(wire)
            await wire.http.close()

    asyncio.run(play())


@asynccontextmanager
async def serving(wire: Wire) -> AsyncIterator[int]:
    """A real server on a free port of loopback."""

    async def on_request(request: web.Request) -> web.Response:
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        ours = HttpRequest(request.method, request.raw_path, headers, await request.read())
        response = await answer(wire, ours)
        return web.Response(status=response.status, headers=response.headers, body=response.body)

    async def on_socket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await talk_until_closed(wire, SocketEnd(socket))
        return socket

    app = web.Application()
    app.router.add_get("/ws", on_socket)
    app.router.add_route("*", "/{path:.*}", on_request)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


class EndOfTalk(Exception):
    """The client has gone."""


async def talk_until_closed(wire: Wire, end: SocketEnd) -> None:
    try:
        await talk(wire, end)
    except EndOfTalk:
        return


class SocketEnd:
    """The server's end over aiohttp."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            await self.socket.send_str(message)
        else:
            await self.socket.send_bytes(message)

    async def receive(self) -> str | bytes:
        message = await self.socket.receive()
        if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
            raise EndOfTalk
        data: str | bytes = message.data
        return data

    async def close(self, code: int = 1000) -> None:
        await self.socket.close(code=code)
