"""No secret is ever shown: canaries are planted as keys, everything goes wrong, and everything that is said is searched.

What is searched: answers and facts as text and as the journal would hold them, exceptions with all that they were raised
from, log records of every library, warnings, the text of every object that the gateway is made of, and standard output.
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import structs

from kedge.cli.config import TradingConfig
from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import KedgeError
from kedge.model.order import OrderIntent, OrderType, Side
from kedge.model.secret import Secret
from kedge.venues import registry
from kedge.venues.gateway import ExchangeGateway, MarginMode, MarginSettings, Subscription
from kedge.venues.registry import Access, Wires
from kedge.venues.wire.aio import AioHttp, AioNetwork, AioWebSockets
from kedge.venues.wire.http import HttpRequest, HttpResponse
from kedge.venues.wire.memory import Fault, FaultKind, MemoryNetwork, Peer
from kedge.venues.wire.system import SystemClock
from kedge.venues.wire.virtual import VirtualClock, run
from tests.contract.emulated import HOST, Carried

D = Decimal
SYMBOL = "BTC-USD"


def pem(seed: int) -> str:
    key = ec.derive_private_key(seed, ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


#: Keys in each venue's own form that nobody knows.
CANARIES = {
    "binance": ("canary-key-7d1f", "canary-secret-93ab"),
    "binance-futures": ("canary-key-7d1f", "canary-secret-93ab"),
    "hyperliquid": ("0x" + "c0ffee11" * 5, "0x" + "5ec2e7aa" * 8),
    "coinbase": ("organizations/canary/apiKeys/canary-7d1f", pem(0x5EC2E7)),
}


def marks_of(venue: str, key: str, secret: str) -> list[str]:
    """What must not be seen. A Hyperliquid address is public, and a Coinbase key's name is no secret."""
    lines = [line for line in secret.splitlines() if line and "-----" not in line]
    return [*lines, *([key] if venue.startswith(("binance", "ccxt:")) else [])]


class Said:
    """Everything that was said, to be searched."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, what: Any) -> None:
        self.texts += [repr(what), str(what)]
        try:
            self.texts.append(msgspec.json.encode(what).decode())
        except (TypeError, msgspec.MsgspecError):
            self.texts.append("not for the journal")

    def raised(self, error: BaseException) -> None:
        self.texts += traceback.format_exception(error)
        seen: BaseException | None = error
        while seen is not None:
            self.texts += [repr(seen), repr(seen.args)]
            seen = seen.__cause__ or seen.__context__

    def objects(self, root: Any) -> None:
        """The text of every object that `root` is made of; what a `Secret` holds is its own business."""
        waiting, known = [root], {id(root)}
        while waiting:
            thing = waiting.pop()
            self.texts.append(repr(thing))
            inner = [*getattr(thing, "__dict__", {}).values()] if not isinstance(thing, type) else []
            for name in [n for kind in type(thing).__mro__ for n in getattr(kind, "__slots__", ())]:
                if isinstance(name, str) and hasattr(thing, name):
                    inner += [] if isinstance(thing, Secret) else [getattr(thing, name)]
            for each in inner:
                if type(each).__module__.startswith("kedge") and id(each) not in known:
                    known.add(id(each))
                    waiting.append(each)

    def search(self, marks: list[str]) -> None:
        for mark in marks:
            found = [text for text in self.texts if mark in text]
            assert not found, (
                f"{mark[:6]}... is in {found[0][max(0, found[0].find(mark) - 200) : found[0].find(mark) + 100]!r}"
            )


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """Logs of everything at the lowest level are part of what is said."""
    caplog.set_level(logging.DEBUG)
    return Said()


def hear(said: Said, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    said.texts += [record.getMessage() for record in caplog.records] + [caplog.text]
    said.texts += [*capfd.readouterr()]


async def everything(gateway: ExchangeGateway, said: Said, symbol: str = SYMBOL) -> None:
    """Every request there is, whatever comes of it."""
    intent = OrderIntent("canary-1-1", symbol, Side.BUY, OrderType.LIMIT, D("0.01"), D(20_000))
    reduce = OrderIntent("canary-1-2", symbol, Side.SELL, OrderType.MARKET, D("0.01"), reduce_only=True)
    asked: list[Callable[[], Awaitable[Any]]] = [
        gateway.open,
        gateway.get_instruments,
        gateway.get_clock,
        lambda: gateway.get_order_book(symbol),
        lambda: gateway.place_order(Approved(intent, D(20_000))),
        lambda: gateway.place_order(Approved(reduce, D(20_000))),
        lambda: gateway.query_order(QueryRequested(intent.id, "x")),
        lambda: gateway.cancel_order(CancelRequested(intent.id, "x")),
        lambda: gateway.replace_order(intent.id, Approved(intent, D(20_000))),
        lambda: gateway.amend_order(Approved(structs.replace(intent, quantity=D("0.005")), D(20_000))),
        lambda: gateway.cancel_all(symbol),
        gateway.get_open_orders,
        lambda: gateway.get_fills_since(symbol, 0),
        lambda: gateway.get_trades(symbol),
        lambda: gateway.get_candles(symbol, 60 * 10**9, 0, 10**18),
        lambda: gateway.get_funding_since(symbol, 10**18),
        gateway.get_balances,
        gateway.get_positions,
        lambda: gateway.get_margin(symbol),
        lambda: gateway.set_margin(MarginSettings(symbol, D(2), MarginMode.CROSS)),
        gateway.get_key_permissions,
        lambda: gateway.arm_dead_mans_switch(symbol, 10_000),
    ]
    for ask in asked:
        try:
            said.add(await ask())
        except KedgeError as error:
            said.raised(error)


async def streams(gateway: ExchangeGateway, said: Said, clock: Any, seconds: float, symbol: str = SYMBOL) -> None:
    """Both kinds of stream, for a while."""
    try:
        running = [
            gateway.market_stream([Subscription("trades", symbol)], said.add),
            gateway.user_stream(said.add),
        ]
    except KedgeError as error:
        said.raised(error)
        return
    starting = [asyncio.get_running_loop().create_task(stream.start()) for stream in running]
    await clock.sleep(seconds)
    for task, stream in zip(starting, running, strict=True):
        task.cancel()
        for outcome in await asyncio.gather(task, stream.stop(), return_exceptions=True):
            if isinstance(outcome, Exception):
                said.raised(outcome)
        said.add(getattr(stream, "last_error", ""))
        said.objects(stream)


@pytest.mark.parametrize("known", [False, True], ids=["unknown key", "known key"])
@pytest.mark.parametrize("venue", list(CANARIES))
def test_nothing_that_a_gateway_says_shows_a_secret(
    venue: str, known: bool, said: Said, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    marks: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)
        carried = Carried(venue)
        access = carried.access()
        if not known:
            key, secret = CANARIES[venue]
            access = msgspec.structs.replace(access, api_key=Secret(key), api_secret=Secret(secret))
        marks.extend(marks_of(venue, access.api_key.reveal(), access.api_secret.reveal()))
        gateway = registry.make(venue, access, carried.wires())
        said.add(access)
        for kind in (FaultKind.REFUSE, FaultKind.RESET_AFTER, FaultKind.DROP_AFTER) if known else ():
            carried.network.faults = [Fault(kind, "", 2)]
            await everything(gateway, said)
        await everything(gateway, said)
        await streams(gateway, said, carried.clock, 5)
        said.objects(gateway)
        await gateway.close()
        await carried.close()

    run(main())
    hear(said, caplog, capfd)
    assert marks
    said.search(marks)


@pytest.mark.parametrize("venue", list(CANARIES))
def test_a_venue_that_quotes_our_request_shows_no_secret(
    venue: str, said: Said, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever is asked, the answer is an error that quotes the whole request, at every status."""
    key, secret = CANARIES[venue]
    statuses = [200, 400, 401, 404, 418, 429, 500, 503]

    async def echo(request: HttpRequest) -> HttpResponse:
        quoted = f"{request.method} {request.url} {dict(request.headers)} {request.body.decode()} {key} {secret}"
        body = {"code": -1102, "msg": quoted, "message": quoted, "error": quoted, "status": "err", "response": quoted}
        status = statuses[len(said.texts) % len(statuses)]
        return HttpResponse(status, {"retry-after": "0"}, json.dumps(body).encode())

    async def quote(peer: Peer) -> None:
        while True:
            await peer.send(json.dumps({"error": f"{await peer.receive()!r} {secret} {key}"}))

    async def main() -> None:
        network = MemoryNetwork(latency_ms=1)
        network.serve_http(HOST, echo)
        network.serve_websocket(HOST, quote)
        clock = VirtualClock()
        access = Access(f"http://{HOST}", f"ws://{HOST}", f"ws://{HOST}", Secret(key), Secret(secret))
        gateway = registry.make(venue, access, Wires(network, network, clock))
        for _ in range(3):
            await everything(gateway, said)
        await streams(gateway, said, clock, 5)
        said.objects(gateway)
        await gateway.close()
        await network.close()

    run(main())
    hear(said, caplog, capfd)
    said.search(marks_of(venue, key, secret))


@pytest.mark.parametrize("venue", [*CANARIES, "ccxt:binance"])
def test_real_sockets_that_fail_show_no_secret(
    venue: str, said: Said, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    key, secret = CANARIES.get(venue) or CANARIES["coinbase" if venue.endswith("coinbase") else "binance"]

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 2000 what\r\n" + await reader.read(10_000))
        writer.close()

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)
        server = await asyncio.start_server(rude, "127.0.0.1", 0)
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        network = AioNetwork()
        access = Access(f"http://{host}", f"ws://{host}", f"ws://{host}", Secret(key), Secret(secret))
        gateway = registry.make(venue, access, Wires(AioHttp(network), AioWebSockets(network), SystemClock()))
        await everything(gateway, said)
        await streams(gateway, said, SystemClock(), 0.2)
        await gateway.close()
        await network.close()
        server.close()
        await server.wait_closed()

    asyncio.run(main())
    hear(said, caplog, capfd)
    said.search(marks_of(venue, key, secret))


def test_configuration_shows_no_secret(said: Said) -> None:
    environment = {"TRADING_EXCHANGE_API_KEY": "canary-key-7d1f", "TRADING_EXCHANGE_API_SECRET": "canary-secret-93ab"}
    said.add(TradingConfig.from_environment(environment))
    said.add(Access(api_key=Secret("canary-key-7d1f"), api_secret=Secret("canary-secret-93ab")))
    said.search(["canary-key-7d1f", "canary-secret-93ab"])


def test_the_search_finds_what_is_there() -> None:
    class Leaky:
        def __init__(self) -> None:
            self.inner = Secret("canary-secret-93ab")

        def __repr__(self) -> str:
            return f"Leaky({self.inner.reveal()})"

    for leak in ("objects", "add", "raised"):
        said = Said()
        if leak == "raised":
            said.raised(ValueError(Leaky()))
        else:
            getattr(said, leak)(Leaky())
        with pytest.raises(AssertionError, match=r"canary\.\.\. is in"):
            said.search(["canary-secret-93ab"])
