"""HTTP and WebSocket over aiohttp (extra `live`).

What aiohttp would do by itself and a signed request must not suffer is turned off: no redirect, no cookie, no proxy from
the environment, no header it was not given, no second sending of a request whose connection broke, and no change of
the URL, whose bytes are what was signed. TLS is always verified; a CA file adds to the system's authorities, for an
emulator with a certificate of its own.

Whether a request can have left is not guessed from the kind of error: aiohttp tells when a connection is ready, and from
that moment on a missing answer means that the outcome is unknown.

No error of aiohttp's is passed on or chained: its texts carry whole URLs.
"""

from __future__ import annotations

import asyncio
import ssl
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kedge.model.errors import ConfigError
from kedge.venues.wire.dns import RememberingResolver, Resolver, Unresolved
from kedge.venues.wire.http import HttpRequest, HttpResponse, NoAnswer, NotSent
from kedge.venues.wire.system import SystemClock, SystemResolver
from kedge.venues.wire.websocket import Disconnected, WebSocketConnection

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector

#: The longest answer and the longest message that are read; a venue's list of instruments is some 20 MB.
BODY_BYTES_MAX = 64 << 20
MESSAGE_BYTES_MAX = 16 << 20

#: Streams hold theirs for as long as they run, so this is more than requests alone need.
CONNECTIONS_MAX = 256
#: A connection that was silent for so long is not used again: the other side may be closing it.
IDLE_SECONDS_MAX = 15


class AioNetwork:
    """The session that both transports share: connection pool, name service and trust.

    It is made when it is first used, because aiohttp ties it to the running loop.
    """

    def __init__(self, resolver: Resolver | None = None, ca_file: str = "") -> None:
        self._resolver = RememberingResolver(SystemResolver(), SystemClock()) if resolver is None else resolver
        self._ca_file = ca_file
        self._session: ClientSession | None = None
        self._closed = False

    def session(self) -> ClientSession:
        """The session; `NotSent` once it is closed."""
        if self._closed:
            raise NotSent("the transport is closed")
        if self._session is None:
            self._session = self._open()
        return self._session

    async def close(self) -> None:
        """Give all connections back, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _open(self) -> ClientSession:
        try:
            import aiohttp
        except ImportError:
            raise ConfigError(
                "talking to a venue needs aiohttp; install the extra: pip install 'kedge[live]'"
            ) from None
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(_connected)
        trace.on_connection_reuseconn.append(_connected)
        session = aiohttp.ClientSession(
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "kedge"},
            skip_auto_headers=("Content-Type",),
            trust_env=False,
            trace_configs=[trace],
        )
        # aiohttp sends a PUT or DELETE again when a kept connection breaks under it; what happened then is for the
        # venue to say. There is no public switch.
        session._retry_connection = False  # noqa: SLF001
        return session

    def _connector(self) -> TCPConnector:
        import aiohttp
        from aiohttp.abc import AbstractResolver, ResolveResult

        resolver = self._resolver

        class Bridge(AbstractResolver):
            """aiohttp's resolver over our port."""

            async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
                try:
                    addresses = await resolver.resolve(host)
                except Unresolved as error:
                    raise OSError(str(error)) from None
                return [
                    ResolveResult(hostname=host, host=address, port=port, family=_family(address), proto=0, flags=0)
                    for address in addresses
                ]

            async def close(self) -> None:
                """Nothing to give back."""

        return aiohttp.TCPConnector(
            ssl=trusted(self._ca_file),
            resolver=Bridge(),
            use_dns_cache=False,
            limit=CONNECTIONS_MAX,
            keepalive_timeout=IDLE_SECONDS_MAX,
        )


def trusted(ca_file: str = "") -> ssl.SSLContext:
    """A context that verifies certificate and name, by the system's authorities and those of `ca_file`."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"CA file {ca_file} cannot be used: {error}; give a PEM file of certificates") from None
    return context


class AioHttp:
    """`HttpTransport` over aiohttp."""

    def __init__(self, network: AioNetwork | None = None) -> None:
        self._network = AioNetwork() if network is None else network

    async def send(self, request: HttpRequest, timeout_ms: int) -> HttpResponse:
        """The venue's answer, whatever its status; `NotSent` or `NoAnswer` where there is none."""
        session = self._network.session()
        import aiohttp
        from yarl import URL

        left = SimpleNamespace(may_have=False)
        try:
            async with (
                asyncio.timeout(timeout_ms / 1000),
                session.request(
                    request.method,
                    URL(request.url, encoded=True),
                    headers=request.headers,
                    data=request.body or None,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(),
                    trace_request_ctx=left,
                ) as response,
            ):
                body = await _read(response.content)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpResponse(response.status, headers, body)
        except TimeoutError:
            reason = f"{request!r}: no answer within {timeout_ms} ms"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = f"{request!r}: {_said(error)}"
        if left.may_have:
            raise NoAnswer(reason)
        raise NotSent(reason)

    async def close(self) -> None:
        """Close the network: its WebSockets too."""
        await self._network.close()


async def _read(content: Any) -> bytes:
    """The whole body, as far as it is bounded."""
    parts = bytearray()
    async for part in content.iter_any():
        parts += part
        if len(parts) > BODY_BYTES_MAX:
            raise ValueError(f"the answer is longer than {BODY_BYTES_MAX} bytes")
    return bytes(parts)


async def _connected(session: Any, context: SimpleNamespace, params: Any) -> None:
    """A connection is ready: from here on bytes of the request may be under way."""
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.may_have = True


def _said(error: Exception) -> str:
    """What an error of aiohttp's says, without what it may quote."""
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"certificate refused: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _family(address: str) -> int:
    import socket

    return socket.AF_INET6 if ":" in address else socket.AF_INET


class AioWebSockets:
    """`WebSocketTransport` over aiohttp."""

    def __init__(self, network: AioNetwork | None = None) -> None:
        self._network = AioNetwork() if network is None else network

    async def connect(
        self, url: str, headers: tuple[tuple[str, str], ...] = (), timeout_ms: int = 10_000
    ) -> WebSocketConnection:
        """A new connection; `Disconnected` where there is none within `timeout_ms`."""
        try:
            session = self._network.session()
        except NotSent as error:
            raise Disconnected(str(error)) from None
        import aiohttp
        from yarl import URL

        where = url.partition("?")[0]
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                socket = await session.ws_connect(
                    URL(url, encoded=True), headers=headers, max_msg_size=MESSAGE_BYTES_MAX, autoping=True
                )
        except TimeoutError:
            reason = f"no connection within {timeout_ms} ms"
        except aiohttp.WSServerHandshakeError as error:
            raise Disconnected(f"{where}: HTTP {error.status}", status=error.status) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = _said(error)
        else:
            return AioConnection(socket, where)
        raise Disconnected(f"{where}: {reason}")

    async def close(self) -> None:
        """Close the network: its HTTP too."""
        await self._network.close()


class AioConnection:
    """`WebSocketConnection` over aiohttp, which answers pings while a message is awaited."""

    def __init__(self, socket: ClientWebSocketResponse, where: str) -> None:
        self._socket = socket
        self._where = where

    async def send(self, text: str) -> None:
        """Send one text message."""
        import aiohttp

        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise Disconnected(f"{self._where}: {_said(error)}", self._code()) from None

    async def receive(self) -> str | bytes:
        """The next message."""
        from aiohttp import WSMsgType

        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
            data: str | bytes = message.data
            return data
        raise Disconnected(f"{self._where}: closed, code {self._code()}", self._code())

    async def close(self, code: int = 1000) -> None:
        """End the connection."""
        await self._socket.close(code=code)

    def _code(self) -> int:
        return self._socket.close_code or 1006
