"""aiohttp as the wire, where only real sockets can show it: over loopback, against small servers of our own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kedge.model.errors import ConfigError
from kedge.venues.wire import aio
from kedge.venues.wire.aio import AioHttp, AioNetwork, AioWebSockets, trusted
from kedge.venues.wire.dns import RememberingResolver, Unresolved
from kedge.venues.wire.http import HttpRequest, NoAnswer, NotSent
from kedge.venues.wire.system import SystemClock, SystemResolver
from kedge.venues.wire.websocket import Disconnected

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def listening(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A bare TCP server: what it does with bytes is up to the test."""

    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await handler(reader, writer)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    await asyncio.sleep(0)


async def headers_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_h01_a_request_whose_kept_connection_breaks_is_not_sent_again(method: str) -> None:
    arrived: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await headers_of(reader))
        writer.write(OK)
        await writer.drain()
        arrived.append(await headers_of(reader))  # on the kept connection: taken, and no answer

    http = AioHttp()
    async with listening(handler) as port:
        assert (await http.send(HttpRequest("GET", f"http://127.0.0.1:{port}/1"), 5_000)).body == b"ok"
        with pytest.raises(NoAnswer):
            await http.send(HttpRequest(method, f"http://127.0.0.1:{port}/2"), 5_000)
    assert len(arrived) == 2
    await http.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of i",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
async def test_h01_an_answer_that_is_not_whole_is_no_answer(said: bytes) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await headers_of(reader)
        writer.write(said)
        await writer.drain()

    http = AioHttp()
    async with listening(handler) as port:
        with pytest.raises(NoAnswer) as caught:
            await http.send(HttpRequest("POST", f"http://127.0.0.1:{port}/order?signature=SECRETSIG"), 5_000)
    assert "SECRETSIG" not in str(caught.value)
    await http.close()


async def test_an_answer_beyond_all_bounds_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "BODY_BYTES_MAX", 1_000)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await headers_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2_000)
        await writer.drain()

    http = AioHttp()
    async with listening(handler) as port:
        with pytest.raises(NoAnswer):
            await http.send(HttpRequest("GET", f"http://127.0.0.1:{port}/"), 5_000)
    await http.close()


async def test_a_handshake_that_does_not_end_means_not_sent() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)  # takes the client's hello, and says nothing
        await reader.read(10_000)

    http = AioHttp()
    async with listening(handler) as port:
        with pytest.raises(NotSent):
            await http.send(HttpRequest("POST", f"https://127.0.0.1:{port}/order"), 200)
    await http.close()


async def test_only_the_headers_that_were_given_and_what_http_needs_are_sent() -> None:
    arrived: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await headers_of(reader))
        writer.write(LAST)
        await writer.drain()

    http = AioHttp()
    async with listening(handler) as port:
        url = f"http://127.0.0.1:{port}/p%2Fq/../x?b=%41&a=%E4%B8%AD&c=1+2"
        await http.send(HttpRequest("GET", url, (("X-MBX-APIKEY", "k"),)), 5_000)
    lines = arrived[0].decode().split("\r\n")
    assert lines[0] == "GET /p%2Fq/../x?b=%41&a=%E4%B8%AD&c=1+2 HTTP/1.1"
    names = {line.partition(":")[0] for line in lines[1:] if line}
    assert names == {"Host", "X-MBX-APIKEY", "User-Agent", "Accept", "Accept-Encoding"}
    await http.close()


def certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = directory / "ca.pem", directory / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


async def test_a_certificate_is_verified_and_a_ca_file_makes_it_known(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await headers_of(reader)
        writer.write(LAST)
        await writer.drain()

    stranger, known = AioHttp(), AioHttp(AioNetwork(ca_file=str(cert)))
    async with listening(handler, context) as port:
        request = HttpRequest("GET", f"https://127.0.0.1:{port}/")
        with pytest.raises(NotSent, match="certificate refused"):
            await stranger.send(request, 5_000)
        assert (await known.send(request, 5_000)).status == 200
    await stranger.close()
    await known.close()


def test_a_ca_file_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give a PEM file"):
        trusted(str(tmp_path / "missing.pem"))
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="give a PEM file"):
        trusted(str(tmp_path / "bad.pem"))


def frame(opcode: int, payload: bytes) -> bytes:
    """A server's WebSocket frame (RFC 6455, section 5.2)."""
    return bytes([0x80 | opcode, len(payload)]) + payload


async def client_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """A client's frame, unmasked."""
    first, second = await reader.readexactly(2)
    mask = await reader.readexactly(4)
    data = await reader.readexactly(second & 0x7F)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = (await headers_of(reader)).decode()
    key = next(line.split(": ")[1] for line in request.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()  # noqa: S324
    accept = base64.b64encode(digest).decode()
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
    )


async def test_a_ping_is_answered_with_the_same_payload() -> None:
    pongs: list[tuple[int, bytes]] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(frame(0x9, b"1712345678901"))
        pongs.append(await client_frame(reader))
        writer.write(frame(0x1, b"done"))
        await client_frame(reader)

    network = AioNetwork()
    async with listening(handler) as port:
        connection = await AioWebSockets(network).connect(f"ws://127.0.0.1:{port}/ws")
        assert await connection.receive() == "done"
        await connection.close()
    assert pongs == [(0xA, b"1712345678901")]
    await network.close()


async def test_a_refused_handshake_says_its_status_and_nothing_else() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await headers_of(reader)
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    network = AioNetwork()
    async with listening(handler) as port:
        with pytest.raises(Disconnected, match="HTTP 429") as caught:
            await AioWebSockets(network).connect(f"ws://127.0.0.1:{port}/ws?listenKey=SECRETKEY")
    assert caught.value.status == 429
    assert "SECRETKEY" not in str(caught.value)
    assert caught.value.__cause__ is None
    await network.close()


async def test_a_connection_that_is_pulled_out_is_over() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(frame(0x1, b"last words"))
        await writer.drain()
        writer.transport.abort()

    network = AioNetwork()
    async with listening(handler) as port:
        connection = await AioWebSockets(network).connect(f"ws://127.0.0.1:{port}/ws")
        assert await connection.receive() == "last words"
        with pytest.raises(Disconnected) as caught:
            await connection.receive()
        assert caught.value.code == 1006
    await network.close()


class Directory:
    """A name service that can be down."""

    def __init__(self, names: dict[str, tuple[str, ...]]) -> None:
        self.names = names
        self.down = False

    async def resolve(self, host: str) -> tuple[str, ...]:
        if self.down or host not in self.names:
            raise Unresolved(f"no address for {host}")
        return self.names[host]


async def test_h42_a_name_service_that_is_down_ends_no_trading() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await headers_of(reader)
        writer.write(LAST)
        await writer.drain()

    directory = Directory({"venue.test": ("127.0.0.1",)})
    resolver = RememberingResolver(directory, SystemClock())
    http = AioHttp(AioNetwork(resolver))
    async with listening(handler) as port:
        request = HttpRequest("GET", f"http://venue.test:{port}/")
        assert (await http.send(request, 5_000)).status == 200
        directory.down = True
        assert (await http.send(request, 5_000)).status == 200
        with pytest.raises(NotSent, match=r"no connection to other\.test"):
            await http.send(HttpRequest("POST", f"http://other.test:{port}/"), 5_000)
    await http.close()


async def test_the_system_knows_loopback_and_not_what_cannot_be_a_name() -> None:
    assert "127.0.0.1" in await SystemResolver().resolve("localhost")
    assert await SystemResolver().resolve("127.0.0.1") == ("127.0.0.1",)
    for name in ("", ".", "a..b", "x" * 300):
        with pytest.raises(Unresolved):
            await SystemResolver().resolve(name)


def test_without_the_extra_the_error_names_it() -> None:
    code = (
        "import sys, asyncio; sys.modules['aiohttp'] = None\n"
        "from kedge.venues.wire.aio import AioHttp\n"
        "from kedge.venues.wire.http import HttpRequest\n"
        "from kedge.model.errors import ConfigError\n"
        "try: asyncio.run(AioHttp().send(HttpRequest('GET', 'http://127.0.0.1:1/'), 1))\n"
        "except ConfigError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "talking to a venue needs aiohttp; install the extra: pip install 'kedge[live]'\n"
