"""An emulated venue behind a network in memory, under virtual time: no socket, no waiting.

`Front` is the emulator without its sockets. Its requests and sessions are carried by `MemoryNetwork`, and a task moves
its clock along with the loop's. Faults are the emulator's own (`venue.fault(...)`) or the network's (`venue.network`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlsplit

from kedge.model.decisions import Approved
from kedge.model.order import OrderIntent, OrderType, Side
from kedge.model.secret import Secret
from kedge.venues.answers import Answer, Whole
from kedge.venues.binance.protocol.product import Product, Site
from kedge.venues.binance.shell import BinanceGateway
from kedge.venues.emulator.control import Control
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.house import Options, build
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.wire import PING, TEXT, Reply, Request, Session
from kedge.venues.wire.http import HttpRequest, HttpResponse, NoAnswer
from kedge.venues.wire.memory import MemoryNetwork, Peer
from kedge.venues.wire.virtual import START_NS, VirtualClock, run
from kedge.venues.wire.websocket import Disconnected

HOST = "venue.test"


class Emulated:
    """One emulated venue and one gateway to it."""

    def __init__(self, product: Product, seed: int = 7, clock_off_ns: int = 0, step_s: float = 0.02, start_ns: int = START_NS) -> None:
        self.step_s = step_s
        self.front = Front(build(product.value, Options(seed, Pace(0, start_ns, start_ns))))
        self.control = Control(self.front, {})
        self.network = MemoryNetwork(latency_ms=5)
        self.network.serve_http(HOST, self._http)
        self.network.serve_websocket(HOST, self._socket)
        self.clock = VirtualClock(start_ns, clock_off_ns)
        self.told = self.front.dialect.describe(Addresses(f"http://{HOST}", f"ws://{HOST}"))
        self.site = Site(f"http://{HOST}", f"ws://{HOST}", self.told.get("ws_api", ""))
        self.requests: list[HttpRequest] = []
        self.gateway = self.new_gateway(product)
        self._true = VirtualClock(start_ns)
        self._task = asyncio.get_running_loop().create_task(self._pass_time())

    def new_gateway(self, product: Product) -> BinanceGateway:
        return BinanceGateway(
            product,
            http=self.network,
            websocket=self.network,
            clock=self.clock,
            api_key=Secret(self.told["api_key"]),
            api_secret=Secret(self.told["api_secret"]),
            site=self.site,
            instance="test",
            dice=Random(1),
        )

    def fault(self, fault: str, **figures: Any) -> None:
        self.post("faults", fault=fault, **figures)

    def market(self, symbol: str, **figures: Any) -> None:
        self.post("market", symbol=symbol, **figures)

    def post(self, what: str, **given: Any) -> Any:
        reply = self.control.serve(Request("POST", f"/_emulator/{what}", "", {}, json.dumps(given).encode()))
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def truth(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.control.serve(Request("GET", "/_emulator/account")).body)
        return found

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.network.close()

    async def _pass_time(self) -> None:
        while True:
            self.now()
            await asyncio.sleep(self.step_s)

    def now(self) -> None:
        self.front.advance(self._true.now_ns())

    async def _http(self, request: HttpRequest) -> HttpResponse:
        self.now()
        self.requests.append(request)
        url = urlsplit(request.url)
        headers = {name.lower(): value for name, value in request.headers}
        served = self.front.serve(Request(request.method, url.path, url.query, headers, request.body))
        wait = served.at - self.front.timeline.now
        if wait > 0:
            await asyncio.sleep(wait / 1e9)
        if served.reply is None:
            raise NoAnswer(f"{request!r}: connection reset")
        return HttpResponse(served.reply.status, dict(served.reply.headers), served.reply.body)

    async def _socket(self, peer: Peer) -> None:
        self.now()
        url = urlsplit(peer.url)
        session = self.front.open(url.path, url.query, dict(peer.headers))
        if isinstance(session, Reply):
            raise Disconnected(f"refused: {session.status}")
        ready = asyncio.Event()
        session.on_frame = ready.set
        reading = asyncio.get_running_loop().create_task(self._hear(peer, session))
        try:
            while session.closed is None:
                ready.clear()
                while session.frames:
                    kind, payload = session.frames.popleft()
                    if kind == TEXT:
                        await peer.send(payload.decode())
                    elif kind == PING:
                        self.front.heard(session, payload, ping=False)
                if session.closed is None:
                    await ready.wait()
            if session.closed == 1006:
                peer.cut()
        finally:
            reading.cancel()
            self.front.hang_up(session)

    async def _hear(self, peer: Peer, session: Session) -> None:
        with suppress(Disconnected):
            while True:
                text = await peer.receive()
                self.now()
                self.front.receive(session, text if isinstance(text, str) else text.decode())
        session.close()


Scene = Callable[[Emulated], Awaitable[None]]


def play(product: Product, scene: Scene, **options: Any) -> None:
    """Run a scene with an open gateway."""

    async def main() -> None:
        venue = Emulated(product, **options)
        try:
            await venue.gateway.open()
            await scene(venue)
        finally:
            await venue.gateway.close()
            await venue.stop()

    run(main())


def whole(answer: Answer[Any]) -> Any:
    """The value of a whole answer."""
    assert isinstance(answer, Whole), answer
    return answer.value


def order(number: int, side: str = "buy", quantity: str = "0.01", price: str | None = None, **more: Any) -> Approved:
    """An approved order; a limit order where a price is given."""
    kind = more.pop("order_type", OrderType.LIMIT if price else OrderType.MARKET)
    symbol = more.pop("symbol", "BTC-USD")
    wanted = None if price is None else Decimal(price)
    return Approved(OrderIntent(f"test-1-{number}", symbol, Side(side), kind, Decimal(quantity), wanted, **more))
