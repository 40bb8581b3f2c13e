"""The gateway against the emulator in one process, under virtual time: the emulator's front behind a network in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from kedge.model.decisions import Approved
from kedge.model.order import OrderIntent, OrderType, Side
from kedge.venues.coinbase.shell import CoinbaseGateway
from kedge.venues.emulator.coinbase.venue import CoinbaseDialect, build
from kedge.venues.emulator.faults import rule_of
from kedge.venues.emulator.front import Front
from kedge.venues.emulator.house import Options
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.wire import TEXT, Reply, Request, Session
from kedge.venues.wire.http import HttpRequest, HttpResponse
from kedge.venues.wire.memory import MemoryNetwork, Peer
from kedge.venues.wire.virtual import START_NS, VirtualClock, run
from kedge.venues.wire.websocket import Disconnected

HOST = "coinbase.test"
REST, WS = f"http://{HOST}", f"ws://{HOST}"
BTC = "BTC-USD"
_TICK_S = 0.01


class Bench:
    """One emulator, one network, one gateway."""

    def __init__(self, seed: int = 5) -> None:
        self.clock = VirtualClock()
        self.dialect: CoinbaseDialect = build(Options(seed, Pace.of(1, START_NS)))
        self.front = Front(self.dialect)
        self.network = MemoryNetwork(latency_ms=5)
        self.network.serve_http(HOST, self._http)
        self.network.serve_websocket(HOST, self._socket)
        self.requests: list[HttpRequest] = []
        self.gateway = self.connect()
        self._driving = asyncio.get_running_loop().create_task(self._drive())

    def connect(self, **more: Any) -> CoinbaseGateway:
        """Another gateway with the same key."""
        keys = self.dialect.keys
        given: dict[str, Any] = {"api_key": keys.ec_name, "api_secret": keys.ec_pem, **more}
        return CoinbaseGateway(REST, ws_url=WS, http=self.network, sockets=self.network, clock=self.clock, **given)

    async def close(self) -> None:
        """Everything ends."""
        await self.gateway.close()
        self._driving.cancel()
        await self.network.close()

    def freeze(self) -> None:
        """Nobody else trades."""
        for market in self.dialect.exchange.markets.values():
            market.frozen = True

    def fault(self, name: str, **figures: Any) -> None:
        """Ask for a fault."""
        self.front.cause(rule_of({"fault": name, **figures}))

    def push(self, price: Decimal, symbol: str = BTC) -> None:
        """Make the market trade through to a price."""
        self.front.push_price(symbol, price)

    def best(self, *, asks: bool) -> Decimal:
        """The best price of a side."""
        best = self.dialect.exchange.tapes[BTC].best(asks=asks)
        assert best is not None
        return best[0]

    @property
    def orders(self) -> list[Any]:
        """What the venue has, the truth."""
        return list(self.dialect.desk.orders.values())

    async def _drive(self) -> None:
        while True:
            self.front.advance(self.clock.now_ns())
            await self.clock.sleep(_TICK_S)

    async def _http(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        self.front.advance(self.clock.now_ns())
        place = urlsplit(request.url)
        headers = {name.lower(): value for name, value in request.headers} | {"host": place.netloc}
        served = self.front.serve(Request(request.method, place.path, place.query, headers, request.body))
        wait = served.at - self.clock.now_ns()
        if wait > 0:
            await self.clock.sleep(wait / 1e9)
        if served.reply is None:
            await asyncio.get_running_loop().create_future()
        reply = served.reply
        assert reply is not None
        return HttpResponse(reply.status, reply.headers, reply.body)

    async def _socket(self, peer: Peer) -> None:
        opened = self.front.open("/", "", dict(peer.headers))
        assert isinstance(opened, Session), opened
        assert not isinstance(opened, Reply)
        writer = asyncio.get_running_loop().create_task(self._write(peer, opened))
        try:
            while True:
                text = await peer.receive()
                assert isinstance(text, str)
                self.front.advance(self.clock.now_ns())
                self.front.receive(opened, text)
        finally:
            self.front.hang_up(opened)
            await writer

    async def _write(self, peer: Peer, session: Session) -> None:
        ready = asyncio.Event()
        session.on_frame = ready.set
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


def on_bench(test: Callable[[Bench], Awaitable[None]], *, opened: bool = True, frozen: bool = True) -> None:
    """Run a test under virtual time."""

    async def main() -> None:
        bench = Bench()
        if frozen:
            bench.freeze()
        try:
            if opened:
                await bench.gateway.open()
            await test(bench)
        finally:
            await bench.close()

    run(main())


def approved(
    order_id: str,
    kind: OrderType = OrderType.LIMIT,
    side: Side = Side.BUY,
    quantity: str = "0.01",
    price: str | Decimal | None = "50000",
    **more: Any,
) -> Approved:
    """An order as risk lets it go."""
    level = None if price is None else Decimal(price)
    return Approved(OrderIntent(order_id, BTC, side, kind, Decimal(quantity), level, **more))
