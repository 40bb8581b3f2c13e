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


def _binance(at: Addresses) -> dict[str, Any]:
    return {
        **dict.fromkeys(("public", "private"), f"{at.http}/api/v3"),
        "v1": f"{at.http}/api/v1",
        "ws": {"spot": f"{at.ws}/ws", "ws-api": {"spot": f"{at.ws}/ws-api/v3"}},
    }


def _usdm(at: Addresses) -> dict[str, Any]:
    versions = {"": "v1", "V2": "v2", "V3": "v3"}
    return {
        **{
            f"fapi{who}{name}": f"{at.http}/fapi/{path}"
            for who in ("Public", "Private")
            for name, path in versions.items()
        },
        "ws": {"future": f"{at.ws}/ws"},
    }


#: The venue as ccxt names it -> the emulator, and ccxt's addresses made of the emulator's.
VENUES: dict[str, tuple[str, Callable[[Addresses], dict[str, Any]]]] = {
    "coinbase": ("coinbase", lambda at: {"rest": at.http, "ws": at.ws}),
    "binance": ("binance", _binance),
    "binanceusdm": ("binance-futures", _usdm),
}


def unlimited(front: Front) -> None:
    """Coinbase's ten requests a second are tested by themselves."""
    if isinstance(front.dialect, CoinbaseDialect):
        for window in front.dialect._windows.values():
            window.limit = 10_000


class CcxtBench:
    """One emulator, one gateway through ccxt."""

    def __init__(
        self, venue: str, front: Front, told: dict[str, Any], urls: dict[str, Any], parts: dict[str, Any]
    ) -> None:
        self.front = front
        self.api_key, self.api_secret = told["api_key"], told["api_secret"]
        # ccxt's own pause is made short: it is tested by itself, and these tests wait in real time
        options = {"urls": urls, "rateLimit": 1, **parts}
        self.gateway = CcxtGateway(venue, told["api_key"], Secret(told["api_secret"]), options=options)

    def fault(self, name: str, **figures: Any) -> None:
        self.front.cause(rule_of({"fault": name, **figures}))


@asynccontextmanager
async def at_emulator(venue: str, parts: dict[str, Any] | None = None) -> AsyncIterator[CcxtBench]:
    """An emulator and a gateway, opened; the crowd holds still. `parts` are more of the credential."""
    emulator, addresses = VENUES[venue]
    pace = Pace.of(1, time.time_ns(), time.monotonic_ns())
    front = Front(build(emulator, Options(4, pace)))
    for market in front.exchange.markets.values():
        market.frozen = True
    unlimited(front)
    server = Server(front, pace)
    at = await server.start("127.0.0.1", 0)
    bench = CcxtBench(venue, front, front.dialect.describe(at), addresses(at), parts or {})
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
