"""ccxt as an examinee: over real sockets to an emulator in the same loop, because ccxt brings its own network.

Time does not pass for real. The emulator's clock and ours are moved together; ccxt's is ours. What waits on our clock wakes when it
is moved.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from kedge.model.decisions import Approved
from kedge.model.instant import NS_PER_S
from kedge.model.order import OrderIntent
from kedge.model.secret import Secret
from kedge.venues.ccxt.shell import CcxtGateway
from kedge.venues.emulator.faults import rule_of
from kedge.venues.emulator.front import Front
from kedge.venues.emulator.house import Options, build
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.server import Server
from kedge.venues.gateway import ExchangeGateway
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.system import SystemClock
from tests.venues.ccxt.bench import VENUES, unlimited

#: Path of a request about one order, the emulator's market, and what Kedge calls it through ccxt.
VENUE = {
    "binance": ("/api/v3/order", "BTCUSDT", "BTC-USDT"),
    "binanceusdm": ("/fapi/v1/order", "BTCUSDT", "BTC-USDT"),
    "coinbase": ("/api/v3/brokerage/orders", "BTC-USD", "BTC-USD"),
}

#: How long real sockets are given to carry what happened.
SETTLE_S = 0.05


class MovedClock(SystemClock):
    """The machine's clock, moved ahead; a sleep ends when the clock has come to its end, however it came there."""

    def __init__(self) -> None:
        self.ahead_ns = 0
        self._moved = asyncio.Event()

    def now_ns(self) -> int:
        return super().now_ns() + self.ahead_ns

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.ahead_ns

    def move(self, seconds: float) -> None:
        self.ahead_ns += int(seconds * NS_PER_S)
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic_ns() + int(seconds * NS_PER_S)
        while (left := until - self.monotonic_ns()) > 0:
            try:
                async with asyncio.timeout(left / NS_PER_S):
                    await self._moved.wait()
            except TimeoutError:
                return


class CcxtExaminee:
    """A gateway through ccxt at an emulator."""

    instance = "exam"

    def __init__(self, venue: str, front: Front, gateway: CcxtGateway, clock: MovedClock) -> None:
        self.front = front
        self.gateway: ExchangeGateway = gateway
        self.moved = clock
        self.clock: Clock = clock
        self._orders, self._market, self.symbol = VENUE[venue]

    def approve(self, intent: OrderIntent, worst_price: Decimal) -> Approved:
        return Approved(intent, worst_price)

    async def trade_at(self, price: Decimal) -> None:
        self.front.push_price(self._market, price)
        await self.pass_time(0.1)

    async def lose_answer(self) -> None:
        self.front.cause(rule_of({"fault": "drop_after", "path": self._orders}))

    async def lose_request(self) -> None:
        self.front.cause(rule_of({"fault": "drop_before", "path": self._orders}))

    async def pass_time(self, seconds: float) -> None:
        self.moved.move(seconds)
        self.front.advance(self.clock.now_ns())  # before anybody who woke asks it for the time
        await asyncio.sleep(SETTLE_S)

    async def drive(self) -> None:
        """Keep the emulator's clock at ours."""
        while True:
            self.front.advance(self.clock.now_ns())
            await asyncio.sleep(0.01)


@asynccontextmanager
async def through_ccxt(venue: str) -> AsyncIterator[CcxtExaminee]:
    """An emulator, and an open gateway to it through ccxt."""
    emulator, addresses = VENUES[venue]
    pace = Pace.of(1, time.time_ns(), time.monotonic_ns())
    front = Front(build(emulator, Options(4, pace)))
    unlimited(front)
    server = Server(front, pace)
    at = await server.start("127.0.0.1", 0)
    told, clock = front.dialect.describe(at), MovedClock()
    options = {"urls": addresses(at), "rateLimit": 1}
    gateway = CcxtGateway(venue, told["api_key"], Secret(told["api_secret"]), options=options, clock=clock)
    examinee = CcxtExaminee(venue, front, gateway, clock)
    driving = asyncio.get_running_loop().create_task(examinee.drive())
    try:
        await gateway.open()
        yield examinee
    finally:
        driving.cancel()
        await gateway.close()
        await server.stop()
