"""The gateway against the emulator, over a network in memory and under virtual time: one time for both sides.

The emulator is built from the documentation alone, so what the gateway and it agree on was read twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.facts import Fact
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.model.secret import Secret
from kedge.venues.answers import Answer, Whole
from kedge.venues.emulator.faults import Fault, Rule
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.house import Options, build
from kedge.venues.emulator.hyperliquid.dialect import Hyperliquid
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.wire import TEXT, Reply, Request, Session
from kedge.venues.gateway import Stream
from kedge.venues.hyperliquid.shell import HyperliquidGateway
from kedge.venues.wire.http import HttpRequest, HttpResponse, NoAnswer
from kedge.venues.wire.memory import MemoryNetwork, Peer
from kedge.venues.wire.virtual import START_NS, VirtualClock, run
from kedge.venues.wire.websocket import Disconnected

T = TypeVar("T")

BTC = "BTC-USD"
HYPE_SPOT = "HYPE-USDC"
TICK_S = 0.5


def d(number: Any) -> Decimal:
    return Decimal(str(number))


class World:
    """One emulator and as many gateways as are asked for."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = VirtualClock()
        self.network = MemoryNetwork(latency_ms=10)
        dialect = build("hyperliquid", Options(seed, Pace.of(0, START_NS)))
        assert isinstance(dialect, Hyperliquid)
        self.venue = dialect
        self.front = Front(dialect)
        self.keys = dialect.describe(Addresses("http://hl.test", "ws://hl.test"))
        self.requests: list[HttpRequest] = []
        self.network.serve_http("hl.test", self._http)
        self.network.serve_websocket("hl.test", self._socket)
        self.facts: list[Fact] = []

    def gateway(self, key: str = "api_secret", account: str = "", **more: Any) -> HyperliquidGateway:
        return HyperliquidGateway(
            "http://hl.test",
            account or self.keys["wallet_address"],
            Secret(self.keys[key]),
            http=self.network,
            sockets=self.network,
            clock=self.clock,
            **more,
        )

    def now(self) -> None:
        """The venue's time is ours."""
        self.front.advance(START_NS + self.clock.monotonic_ns())

    async def ticking(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.now()

    def fault(self, fault: Fault, **figures: Any) -> None:
        self.front.cause(Rule(fault, **figures))

    def push(self, coin: str, price: Any) -> None:
        """Make the market trade through to a price."""
        self.now()
        self.front.push_price(coin, d(price))

    def freeze(self) -> None:
        """Nobody else trades from now on."""
        for market in self.venue.exchange.markets.values():
            market.frozen = True

    def best(self, coin: str, *, asks: bool) -> Decimal:
        found = self.venue.exchange.tapes[coin].best(asks=asks)
        assert found is not None
        return found[0]

    async def _http(self, request: HttpRequest) -> HttpResponse:
        self.now()
        self.requests.append(request)
        parts = urlsplit(request.url)
        served = self.front.serve(
            Request(request.method, parts.path, parts.query, {k.lower(): v for k, v in request.headers}, request.body)
        )
        while self.front.timeline.now < served.at:
            await asyncio.sleep(TICK_S)
            self.now()
        if served.reply is None:
            raise NoAnswer("the connection broke")
        return HttpResponse(served.reply.status, served.reply.headers, served.reply.body)

    async def _socket(self, peer: Peer) -> None:
        self.now()
        parts = urlsplit(peer.url)
        opened = self.front.open(parts.path, parts.query, {})
        if isinstance(opened, Reply):
            return
        ready = asyncio.Event()
        opened.on_frame = ready.set
        writer = asyncio.get_running_loop().create_task(_write(peer, opened, ready))
        try:
            while True:
                text = await peer.receive()
                self.now()
                assert isinstance(text, str)
                self.front.receive(opened, text)
        finally:
            self.front.hang_up(opened)
            ready.set()
            await writer


async def _write(peer: Peer, session: Session, ready: asyncio.Event) -> None:
    with suppress(Disconnected):
        while True:
            ready.clear()
            while session.frames:
                kind, payload = session.frames.popleft()
                if kind == TEXT:
                    await peer.send(payload.decode())
            if session.closed is not None:
                break
            await ready.wait()
    if session.closed == 1006:
        peer.cut()
    else:
        await peer.close(session.closed or 1000)


Scene = Callable[[World, HyperliquidGateway], Awaitable[None]]


def play(scene: Scene, seed: int = 1, *, opened: bool = True) -> None:
    """Run a scene; the gateway is open, and closed after it."""

    async def main() -> None:
        world = World(seed)
        ticking = asyncio.get_running_loop().create_task(world.ticking())
        gateway = world.gateway()
        if opened:
            await gateway.open()
        await scene(world, gateway)
        ticking.cancel()
        await gateway.close()

    run(main())


async def listening(world: World, gateway: HyperliquidGateway) -> Stream:
    """The account's stream, its facts kept in `world.facts`."""
    stream = gateway.user_stream(world.facts.append)
    await stream.start()
    return stream


def whole(answer: Answer[T]) -> T:
    assert isinstance(answer, Whole), answer
    return answer.value


def order(
    order_id: str, side: Side, quantity: Any, price: Any = None, symbol: str = BTC, worst: Any = 0, **more: Any
) -> Approved:
    """An approved order: a limit where it has a price, else a market order bounded by `worst`."""
    kind = more.pop("order_type", OrderType.LIMIT if price is not None else OrderType.MARKET)
    limit = None if price is None else d(price)
    return Approved(OrderIntent(order_id, symbol, side, kind, d(quantity), limit, **more), d(worst))


def cancel(order_id: str) -> CancelRequested:
    return CancelRequested(order_id, "test")


def query(order_id: str) -> QueryRequested:
    return QueryRequested(order_id, "test")


IOC = TimeInForce.IOC
