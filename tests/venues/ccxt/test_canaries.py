"""ccxt shows no secret: its errors quote whole requests, and it can print them all.

Each gateway is opened at its emulator; then its addresses become those of a server that quotes every request in every answer, and
all secrets besides. What is searched is what `tests/venues/test_secrets.py` searches, and for the signatures and tokens that
the server saw, too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from kedge.model.errors import ConfigError
from kedge.model.secret import Secret
from kedge.venues import checkup
from kedge.venues.ccxt.credentials import FIELDS
from kedge.venues.ccxt.scrub import Scrubber
from kedge.venues.ccxt.shell import CcxtGateway
from kedge.venues.emulator.front import Addresses
from kedge.venues.wire.system import SystemClock
from tests.venues.ccxt.bench import VENUES, CcxtBench, at_emulator
from tests.venues.test_secrets import Said, everything, hear, said, streams

__all__ = ["said"]

#: Parts of a credential beside key and secret; a wallet's address is one where it is what we log in with.
PARTS = {
    "password": "canary-password-11aa",
    "privateKey": "0x" + "5ec2e7aa" * 8,
    "walletAddress": "0x" + "c0ffee11" * 5,
    "token": "canary-token-22bb",
    "uid": "canary-uid-33cc",
    "login": "canary-login-44dd",
}
SYMBOLS = {"binance": "BTC-USDT", "binanceusdm": "BTC-USDT", "coinbase": "BTC-USD"}
SIGNED = re.compile(r"(?:signature|listenKey|token|jwt)=([^&\s]+)", re.IGNORECASE)


class Tattler:
    """A server that quotes what it is asked, and everything that it was told to quote."""

    def __init__(self, secrets: list[str]) -> None:
        self.secrets = secrets
        self.mode = "quote"
        self.seen: set[str] = set()
        self._n = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self.socket(request)
        body = await request.text()
        whole = f"{request.method} {request.url} {dict(request.headers)} {body} {' '.join(self.secrets)}"
        self.note(f"{request.path_qs} {body}", dict(request.headers))
        if self.mode == "hang up":
            assert request.transport is not None
            request.transport.close()
        if self.mode == "silence":
            await asyncio.sleep(1)
        if self.mode == "html":
            page = f"<html><h1>502 Bad Gateway</h1><pre>{whole}</pre></html>"
            return web.Response(status=502, text=page, content_type="text/html")
        if self.mode == "pause":
            return web.Response(
                status=429, text=json.dumps({"code": -1003, "msg": whole}), headers={"Retry-After": "30"}
            )
        self._n += 1
        status, code = [(400, -1022), (400, -2010), (401, -2015), (400, -1021), (200, 0), (500, -1000), (403, 0)][
            self._n % 7
        ]
        told = {"code": code, "msg": whole, "message": whole, "error": "unknown", "error_details": whole, "id": whole}
        return web.json_response(told, status=status)

    async def socket(self, request: web.Request) -> web.StreamResponse:
        self.note(request.path_qs, dict(request.headers))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.note(message.data, {})
                told = {
                    "id": 1,
                    "status": 400,
                    "type": "error",
                    "error": {"code": -1, "msg": f"{message.data} {self.secrets}"},
                }
                await socket.send_str(
                    json.dumps({**told, "message": f"{request.path_qs} {message.data} {self.secrets}"})
                )
        return socket

    def note(self, text: str, headers: dict[str, str]) -> None:
        """Signatures and tokens are secret as long as they are good."""
        self.seen |= {found for found in SIGNED.findall(text) if len(found) > 20}
        for found in re.findall(r'"(?:signature|jwt)": ?"([^"]{20,})"', text):
            self.seen.add(found)
        for name, value in headers.items():
            if re.search(r"authorization|sign|passphrase", name, re.IGNORECASE):
                self.seen.add(value.removeprefix("Bearer "))


@asynccontextmanager
async def tattling(bench: CcxtBench, venue: str, secrets: list[str]) -> AsyncIterator[Tattler]:
    """A gateway that was opened at an emulator, moved to a server that tells everything."""
    tattler = Tattler(secrets)
    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", tattler.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place = f"127.0.0.1:{runner.addresses[0][1]}"
    connection = bench.gateway._connection
    for each in (connection.trading, connection.exits, connection.streams):
        each.urls = each.deep_extend(
            each.urls, {"api": VENUES[venue][1](Addresses(f"http://{place}", f"ws://{place}"))}
        )
        each.timeout = 200
        each.verbose = True
    try:
        yield tattler
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("venue", list(SYMBOLS))
def test_nothing_that_comes_through_ccxt_shows_a_secret(
    venue: str, said: Said, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("ccxt", "ccxt.base.exchange", "ccxt.async_support.base.exchange", "aiohttp", "asyncio"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    marks: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)
        async with at_emulator(venue, parts=dict(PARTS)) as bench:
            given = [
                bench.api_key,
                *(line for line in bench.api_secret.splitlines() if "-----" not in line),
                *PARTS.values(),
            ]
            marks.extend(each for each in given if each)
            said.add(bench.gateway)
            async with tattling(bench, venue, given) as tattler:
                for mode in ("quote", "hang up", "html", "silence", "quote"):
                    tattler.mode = mode
                    await everything(bench.gateway, said, SYMBOLS[venue])
                for mode in ("quote", "hang up"):
                    tattler.mode = mode
                    await streams(bench.gateway, said, SystemClock(), 0.3, SYMBOLS[venue])
                for finding in await checkup.look(bench.gateway, SystemClock(), SYMBOLS[venue], has_key=True):
                    said.add(finding)
                tattler.mode = "pause"
                await everything(bench.gateway, said, SYMBOLS[venue])
                said.objects(bench.gateway)
                for each in (bench.gateway._connection.trading, bench.gateway._connection.streams):
                    said.texts += [repr(each), str(each)]
                marks.extend(tattler.seen)
                assert tattler.seen, "no signature was seen: nothing was proven"

    asyncio.run(main())
    hear(said, caplog, capfd)
    said.search(marks)
    assert any("***" in text for text in said.texts), "nothing was quoted: nothing was proven"


def test_verbose_is_refused_and_cannot_be_switched_on(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="verbose"):
        CcxtGateway("binance", options={"verbose": True})
    gateway = CcxtGateway("binance", "canary-key-7d1f", Secret("canary-secret-93ab"))
    for each in (gateway._connection.trading, gateway._connection.exits, gateway._connection.streams):
        each.verbose = True
        assert each.verbose is False
        each.log("canary-key-7d1f")
        each.logger.critical("canary-key-7d1f")
    assert "canary" not in "".join(capfd.readouterr())


def test_parts_of_a_credential_are_given_to_ccxt_and_to_nobody_else() -> None:
    options: dict[str, Any] = {**PARTS, "password": Secret(PARTS["password"])}
    gateway = CcxtGateway("okx", "canary-key-7d1f", "canary-secret-93ab", options=options)
    trading = gateway._connection.trading
    assert (trading.apiKey, trading.secret) == ("canary-key-7d1f", "canary-secret-93ab")
    assert {name: getattr(trading, name) for name in PARTS} == PARTS
    assert set(PARTS) < set(FIELDS)
    for value in PARTS.values():
        assert value not in gateway._connection.clean(f"it said {value}")


#: What a text may hold, what must be gone, and what should still be there.
TEXTS: list[tuple[str, str, str]] = [
    (
        "binance GET https://api.x.com/api/v3/order?symbol=BTC&signature=abc123",
        "abc123",
        "https://api.x.com/api/v3/order",
    ),
    ("x GET https://user:pw123456@h.com/p#frag=secret", "pw123456", "https://h.com/p"),
    ('{"msg":"bad","url":"/api/v3/order?timestamp=1&signature=abc123"}', "abc123", "/api/v3/order"),
    ("{'X-MBX-APIKEY': 'short-key', 'Accept': 'json'}", "short-key", "X-MBX-APIKEY"),
    ('{"OK-ACCESS-PASSPHRASE":"hunter2"}', "hunter2", "OK-ACCESS-PASSPHRASE"),
    ('{"KC-API-SIGN": "a+b/c=", "x": 1}', "a+b/c=", "x"),
    ("Authorization: Bearer eyJhbGciOi.J9.sig", "eyJhbGciOi", "Authorization"),
    ("token=xyz987&symbol=BTC", "xyz987", "symbol=BTC"),
    (
        "wss://stream.x.com/ws/pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1 closed",
        "pqia91ma",
        "wss://stream.x.com/ws",
    ),
    ("sig " + "0123456789abcdef" * 4 + " end", "0123456789abcdef", "end"),
    ("MEUCIQD0xAbcdefGHIJ0123456789klmnopQRSTuvwxyz+/AAA==", "MEUCIQ", "***"),
    ('binance {"code":-2010,"msg":"Account has insufficient balance"}', "nothing of it", "insufficient balance"),
    ("order 52cfe5e2-0b29-4c19-a245-a6a773de5030 not found", "nothing of it", "52cfe5e2-0b29-4c19-a245-a6a773de5030"),
]


@pytest.mark.parametrize(("text", "gone", "left"), TEXTS)
def test_what_a_text_may_show(text: str, gone: str, left: str) -> None:
    clean = Scrubber([])(text)
    assert gone not in clean, clean
    assert left in clean, clean


@pytest.mark.parametrize("spell", [str, str.upper, lambda text: text.replace("/", "%2F").replace("+", "%2B")])
def test_a_secret_is_known_however_it_is_spelled(spell: Callable[[str], str]) -> None:
    secret = "ab/cd+ef0123"
    assert spell(secret) not in Scrubber([Secret(secret)])(f"it said {spell(secret)}!")
