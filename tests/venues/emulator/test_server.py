"""The sockets: what the pure part says is what a client on a real connection sees."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from kedge.model.errors import ConfigError
from kedge.venues.emulator.certificate import certify
from kedge.venues.emulator.faults import Fault, Rule
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.pace import STEPPED_START_NS, Pace
from kedge.venues.emulator.server import Server
from tests.venues.emulator.test_front import Counting

STEPPED = Pace.of(0, 1_800_000_000_000_000_000)


class Running:
    def __init__(self, front: Front, addresses: Addresses, client: aiohttp.ClientSession) -> None:
        self.front = front
        self.http = addresses.http
        self.ws = addresses.ws
        self.client = client


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    front = Front(Counting())
    server = Server(front, STEPPED)
    addresses = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as client:
        yield Running(front, addresses, client)
    await server.stop()


async def test_requests_and_control(running: Running) -> None:
    async with running.client.get(f"{running.http}/x?a=%20b") as answer:
        assert (answer.status, await answer.text()) == (200, "1")
    async with running.client.post(f"{running.http}/_emulator/time", json={"advance_ms": 5}) as answer:
        assert (await answer.json())["time_ms"] == running.front.timeline.now // 1_000_000


async def test_a_dropped_request_is_a_broken_connection(running: Running) -> None:
    running.front.cause(Rule(Fault.DROP_AFTER))
    with pytest.raises(aiohttp.ClientConnectionError):
        await running.client.post(f"{running.http}/x")
    assert isinstance(running.front.dialect, Counting)
    assert running.front.dialect.requests == 1


async def test_a_late_answer_waits_for_venue_time(running: Running) -> None:
    running.front.cause(Rule(Fault.LATENCY, ms=60_000))
    asked = asyncio.Event()
    assert isinstance(running.front.dialect, Counting)
    running.front.dialect.on_request = asked.set
    waiting = asyncio.create_task(running.client.get(f"{running.http}/x"))
    await asked.wait()
    assert not waiting.done()
    running.front.advance(running.front.timeline.now + 60_000_000_000)
    assert (await waiting).status == 200


async def test_a_websocket_speaks_pings_and_breaks(running: Running) -> None:
    async with running.client.ws_connect(f"{running.ws}/ws", autoping=False) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "heard hello"
        await socket.ping(b"payload")
        pong = await socket.receive()
        assert (pong.type, bytes(pong.data)) == (aiohttp.WSMsgType.PONG, b"payload")
        session = next(iter(running.front.sessions.values()))
        session.ping(b"theirs")
        assert (await socket.receive()).type is aiohttp.WSMsgType.PING
        running.front.cause(Rule(Fault.DISCONNECT))
        assert (await socket.receive()).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert not running.front.sessions


async def test_a_refused_websocket(running: Running) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await running.client.ws_connect(f"{running.ws}/nowhere")
    assert refused.value.status == 404


async def test_tls_is_trusted_by_its_own_file(tmp_path: Path) -> None:
    context, trusted = certify(tmp_path, "127.0.0.1", STEPPED.wall_ns)
    server = Server(Front(Counting()), STEPPED, context=context)
    addresses = await server.start("127.0.0.1", 0)
    assert addresses.http.startswith("https://")
    assert trusted.exists()
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await client.get(f"{addresses.http}/x")
    ours = ssl.create_default_context(cafile=str(trusted))
    ours.verify_flags &= ~ssl.VERIFY_X509_STRICT  # a certificate that signs itself has no authority key id
    assert ours.check_hostname
    await server.stop()


def test_the_pace_of_time() -> None:
    wall = 1_800_000_000_123_456_789
    assert Pace.of(0, wall).start_ns == STEPPED_START_NS
    twice = Pace.of(2, wall)
    assert twice.start_ns == 1_800_000_000_123_000_000
    assert twice.venue_ns(500) == twice.start_ns + 1_000
    assert twice.wall_at(twice.venue_ns(500)) == twice.wall_ns + 500
    assert Pace.of(1, wall).wall_at(wall) is None
    assert Pace.of(1_000, wall).step_ms == 25_000
    with pytest.raises(ConfigError):
        Pace.of(-1, wall)
