"""ccxt's own network: certificates, redirects, the venue's time in signatures, accounts that are not the key's."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kedge.model.errors import ConfigError
from kedge.model.facts import OrderAccepted, OutcomeUnknown
from kedge.model.secret import Secret
from kedge.venues import registry
from kedge.venues.answers import ErrorClass, Failed, Whole
from kedge.venues.ccxt.shell import CcxtGateway
from kedge.venues.emulator.certificate import certify
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.house import Options, build
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.server import Server
from kedge.venues.registry import Access, Wires
from kedge.venues.wire.memory import MemoryNetwork
from kedge.venues.wire.system import SystemClock
from tests.venues.ccxt.bench import VENUES, CcxtBench, at_emulator
from tests.venues.ccxt.test_gateway import order


def aim(bench: CcxtBench, place: str) -> None:
    """Move a gateway's requests to another server."""
    urls = VENUES["binance"][1](Addresses(f"http://{place}", f"ws://{place}"))
    for each in (bench.gateway._connection.trading, bench.gateway._connection.exits):
        each.urls = each.deep_extend(each.urls, {"api": urls})


async def test_a_redirect_carries_no_order_and_no_key_anywhere() -> None:
    reached: list[Any] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        reached.append(request.headers)
        return web.json_response({"orderId": 1, "status": "NEW", "symbol": "BTCUSDT"})

    async def away(request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect(f"http://127.0.0.1:{there.addresses[0][1]}{request.path_qs}")

    there, here = (web.AppRunner(web.Application(), access_log=None, shutdown_timeout=0.1) for _ in range(2))
    for runner, answer in ((there, elsewhere), (here, away)):
        runner.app.router.add_route("*", "/{anything:.*}", answer)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with at_emulator("binance") as bench:
        aim(bench, f"127.0.0.1:{here.addresses[0][1]}")
        (fact,) = await bench.gateway.place_order(order("binance", "k-1-1"))
        assert isinstance(fact, OutcomeUnknown), fact
        assert isinstance(await bench.gateway.get_balances(), Failed)
    for runner in (here, there):
        await runner.cleanup()
    assert reached == []


@pytest.mark.parametrize(
    ("status", "text"), [(200, "<html>log in to this network</html>"), (200, ""), (402, "{}"), (204, "")]
)
async def test_a_page_is_not_an_empty_account(status: int, text: str) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type="text/html")

    runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=0.1)
    runner.app.router.add_route("*", "/{anything:.*}", page)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with at_emulator("binance") as bench:
        aim(bench, f"127.0.0.1:{runner.addresses[0][1]}")
        for answer in (await bench.gateway.get_balances(), await bench.gateway.get_open_orders("BTC-USDT")):
            assert isinstance(answer, Failed), answer
            assert answer.kind is ErrorClass.UNKNOWN
        (fact,) = await bench.gateway.place_order(order("binance", "k-1-1"))
        assert isinstance(fact, OutcomeUnknown), fact
    await runner.cleanup()


@pytest.mark.parametrize("options", [{}, {"verify": False}])
async def test_a_certificate_is_verified_whatever_options_say(options: dict[str, Any], tmp_path: Path) -> None:
    context, trusted = certify(tmp_path, "127.0.0.1", time.time_ns())
    pace = Pace.of(1, time.time_ns(), time.monotonic_ns())
    server = Server(Front(build("binance", Options(4, pace))), pace, context=context)
    at = await server.start("127.0.0.1", 0)
    stranger = CcxtGateway("binance", options={"urls": VENUES["binance"][1](at), **options})
    answer = await stranger.get_instruments()
    assert isinstance(answer, Failed)
    assert answer.kind is ErrorClass.UNKNOWN
    await stranger.close()
    network = MemoryNetwork(latency_ms=1)
    access = Access(at.http, at.ws, ca_file=str(trusted))
    known = registry.make("ccxt:binance", access, Wires(network, network, SystemClock()))
    assert isinstance(await known.get_instruments(), Whole)
    await known.close()
    await network.close()
    await server.stop()


def test_an_account_that_is_not_the_keys_is_not_passed_over() -> None:
    network = MemoryNetwork(latency_ms=1)
    access = Access(api_key=Secret("canary-key"), api_secret=Secret("canary-secret"), account="desk-2")
    with pytest.raises(ConfigError, match="desk-2"):
        registry.make("ccxt:binance", access, Wires(network, network, SystemClock()))


async def test_signatures_follow_the_venues_clock() -> None:
    """ccxt measures it once, at the start; a clock that drifts for a week would end every signature."""
    async with at_emulator("binance") as bench:
        bench.fault("skew", ms=30_000)
        before = await bench.gateway.get_balances()
        assert isinstance(before, Failed)
        assert before.code == "InvalidNonce"
        assert isinstance(await bench.gateway.get_clock(), Whole)
        assert isinstance(await bench.gateway.get_balances(), Whole)
        (fact,) = await bench.gateway.place_order(order("binance", "k-1-1"))
        assert not isinstance(fact, OrderAccepted), "our clock is half a minute off: facts would carry its time"
