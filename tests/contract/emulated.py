"""An emulator as an examinee: its front behind a network in memory, under virtual time; no socket, no waiting."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal
from random import Random
from urllib.parse import urlsplit

from kedge.model.decisions import Approved
from kedge.model.order import OrderIntent
from kedge.model.secret import Secret
from kedge.venues import registry
from kedge.venues.emulator.control import Control
from kedge.venues.emulator.faults import rule_of
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.house import Options, build
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.wire import PING, TEXT, Reply, Request, Session
from kedge.venues.gateway import ExchangeGateway
from kedge.venues.registry import Access, Wires
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.http import HttpRequest, HttpResponse
from kedge.venues.wire.memory import Fault, FaultKind, MemoryNetwork, Peer
from kedge.venues.wire.virtual import START_NS, VirtualClock
from kedge.venues.wire.websocket import Disconnected

HOST = "emulator.test"
STEP_S = 0.2

#: What is part of the URL of a request about one order.
ORDERS = {
    "binance": "/api/v3/order",
    "binance-futures": "/fapi/v1/order",
    "hyperliquid": "/exchange",
    "coinbase": "/orders",
}


class Carried:
    """An emulator carried by a network in memory, whose time moves with the loop's.

    `requests` are those that arrived. Our clock may be off the venue's; `step_s` is how often its time moves by itself.
    """

    def __init__(
        self, venue: str, seed: int = 7, *, start_ns: int = START_NS, clock_off_ns: int = 0, step_s: float = STEP_S
    ) -> None:
        self.front = Front(build(venue, Options(seed, Pace(0, start_ns, start_ns))))
        self.requests: list[HttpRequest] = []
        self._step_s = step_s
        self._true = VirtualClock(start_ns)
        self.control = Control(self.front, {})
        self.network = MemoryNetwork(latency_ms=5)
        self.network.serve_http(HOST, self._http)
        self.network.serve_websocket(HOST, self._socket)
        self.clock = VirtualClock(start_ns, clock_off_ns)
        self.told = self.front.dialect.describe(Addresses(f"http://{HOST}", f"ws://{HOST}"))
        self._driving = asyncio.get_running_loop().create_task(self._drive())

    def access(self) -> Access:
        """Where it is, and its account's keys."""
        return Access(
            self.told["rest"],
            self.told["ws"],
            self.told.get("ws_api", ""),
            Secret(self.told["api_key"]),
            Secret(self.told["api_secret"]),
            instance="exam",
        )

    def wires(self) -> Wires:
        """The network and the clock."""
        return Wires(self.network, self.network, self.clock, Random(1))

    async def close(self) -> None:
        """Everything ends."""
        self._driving.cancel()
        with suppress(asyncio.CancelledError):
            await self._driving
        await self.network.close()

    def now(self) -> None:
        """Bring the emulator's time up to ours."""
        self.front.advance(self._true.now_ns())

    async def _drive(self) -> None:
        while True:
            self.now()
            await asyncio.sleep(self._step_s)

    async def _http(self, request: HttpRequest) -> HttpResponse:
        self.now()
        self.requests.append(request)
        place = urlsplit(request.url)
        headers = {"host": place.netloc} | {name.lower(): value for name, value in request.headers}
        served = self.front.serve(Request(request.method, place.path, place.query, headers, request.body))
        wait = served.at - self.front.timeline.now
        if wait > 0:
            await asyncio.sleep(wait / 1e9)
        if served.reply is None:
            return await self.lost(request)
        return HttpResponse(served.reply.status, dict(served.reply.headers), served.reply.body)

    async def lost(self, request: HttpRequest) -> HttpResponse:
        """What the client sees of an answer that got lost: here nothing, until its patience ends."""
        answer: HttpResponse = await asyncio.get_running_loop().create_future()
        return answer

    async def _socket(self, peer: Peer) -> None:
        self.now()
        place = urlsplit(peer.url)
        session = self.front.open(place.path or "/", place.query, dict(peer.headers))
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


class EmulatedExaminee:
    """A gateway of ours at an emulator of its venue."""

    symbol = "BTC-USD"
    instance = "exam"

    def __init__(self, venue: str) -> None:
        self.carried = Carried(venue)
        self.clock: Clock = self.carried.clock
        self.gateway: ExchangeGateway = registry.make(venue, self.carried.access(), self.carried.wires())
        self._orders = ORDERS[venue]
        self._name = self._market(venue)

    def _market(self, venue: str) -> str:
        """What the emulator calls the market that we trade."""
        names = list(self.carried.front.exchange.markets)
        return next(name for name in ("BTCUSDT", "BTC", "BTC-USD") if name in names)

    def approve(self, intent: OrderIntent, worst_price: Decimal) -> Approved:
        return Approved(intent, worst_price)

    async def trade_at(self, price: Decimal) -> None:
        self.carried.now()
        self.carried.front.push_price(self._name, price)
        await self.pass_time(0.1)

    async def lose_answer(self) -> None:
        self.carried.network.faults.append(Fault(FaultKind.DROP_AFTER, self._orders))

    async def lose_request(self) -> None:
        self.carried.network.faults.append(Fault(FaultKind.DROP_BEFORE, self._orders))

    async def pass_time(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def close(self) -> None:
        await self.gateway.close()
        await self.carried.close()

    def fault(self, name: str, **figures: object) -> None:
        self.carried.front.cause(rule_of({"fault": name, **figures}))
