"""ccxt as it is, against our emulators over real sockets: the emulator's server runs in the same loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from kedge.model.secret import Secret
from kedge.venues.ccxt.shell import CcxtGateway
from kedge.venues.emulator.coinbase.venue import CoinbaseDialect
from kedge.venues.emulator.faults import rule_of
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.house import Options, build
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.server import Server

#: The venue as ccxt names it -> the emulator, and ccxt's addresses made of the emulator's.
VENUES: dict[str, tuple[str, Callable[[Addresses], dict[str, str]]]] = {
    "coinbase": ("coinbase", lambda at: {"rest": at.http, "ws": at.ws}),
    "binance": (
        "binance",
        lambda at: {
            "public": f"{at.http}/api/v3",
            "private": f"{at.http}/api/v3",
            "v1": f"{at.http}/api/v1",
        },
    ),
}


class CcxtBench:
    """One emulator, one gateway through ccxt."""

    def __init__(self, venue: str, front: Front, told: dict[str, Any], urls: dict[str, str]) -> None:
        self.front = front
        # ccxt's own pause is made short: it is tested by itself, and these tests wait in real time
        options = {"urls": urls, "rateLimit": 1}
        self.gateway = CcxtGateway(venue, told["api_key"], Secret(told["api_secret"]), options=options)

    def fault(self, name: str, **figures: Any) -> None:
        self.front.cause(rule_of({"fault": name, **figures}))


@asynccontextmanager
async def at_emulator(venue: str) -> AsyncIterator[CcxtBench]:
    """An emulator and a gateway, opened; the crowd holds still."""
    emulator, addresses = VENUES[venue]
    pace = Pace.of(1, time.time_ns(), time.monotonic_ns())
    front = Front(build(emulator, Options(4, pace)))
    for market in front.exchange.markets.values():
        market.frozen = True
    if isinstance(front.dialect, CoinbaseDialect):  # its ten requests a second are tested by themselves, too
        for window in front.dialect._windows.values():
            window.limit = 10_000
    server = Server(front, pace)
    at = await server.start("127.0.0.1", 0)
    bench = CcxtBench(venue, front, front.dialect.describe(at), addresses(at))
    try:
        await bench.gateway.open()
        yield bench
    finally:
        await bench.gateway.close()
        await server.stop()


async def until(check: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `check` gives once it is true."""
    async with asyncio.timeout(seconds):
        while not (found := check()):  # noqa: ASYNC110  (the venue tells nobody)
            await asyncio.sleep(0.02)
    return found


async def later(ask: Callable[[], Awaitable[Any]], right: Callable[[Any], bool], seconds: float = 20.0) -> Any:
    """What `ask` gives once it is right."""
    async with asyncio.timeout(seconds):
        while not right(found := await ask()):  # noqa: ASYNC110  (the same)
            await asyncio.sleep(0.05)
    return found
