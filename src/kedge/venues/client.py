"""`ExchangeClient(base_url, api_key, api_secret)`: a gateway over real sockets by its address, for a script or a shell.

It passes on every method of `kedge.venues.gateway.ExchangeGateway`, and the network that it opened is closed with it:

    async with ExchangeClient("https://api.binance.com", key, secret) as client:
        await client.get_balances()

Which venue it is follows from a well-known host; an emulator's or a test net's address wants `exchange=` besides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kedge.model.errors import ConfigError
from kedge.model.secret import Secret
from kedge.venues.registry import VENUES, Access, Wires, entry, make
from kedge.venues.wire.system import SystemClock

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

#: How the hosts of the venues end.
HOSTS: Final = {
    "fapi.binance.com": "binance-futures",
    "binance.com": "binance",
    "binance.vision": "binance",
    "hyperliquid.xyz": "hyperliquid",
    "hyperliquid-testnet.xyz": "hyperliquid",
    "coinbase.com": "coinbase",
}


class ExchangeClient:
    """One account at one venue. `open()` measures the clock and loads the instruments; `close()` ends everything."""

    def __init__(
        self,
        base_url: str,
        api_key: str | Secret = "",
        api_secret: str | Secret = "",
        *,
        exchange: str = "",
        ws_url: str = "",
        ca_file: str = "",
    ) -> None:
        from kedge.venues.wire.aio import AioHttp, AioNetwork, AioWebSockets

        name = exchange or _exchange_of(base_url)
        entry(name)
        access = Access(base_url, ws_url, "", _secret(api_key), _secret(api_secret), ca_file=ca_file)
        self._network = AioNetwork(ca_file=ca_file)
        wires = Wires(AioHttp(self._network), AioWebSockets(self._network), SystemClock())
        self._gateway = make(name, access, wires)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_gateway"], name)

    async def open(self) -> None:
        """Measure the clock and load the instruments."""
        await self._gateway.open()

    async def close(self) -> None:
        """Stop everything that runs and give the connections back."""
        await self._gateway.close()
        await self._network.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _secret(given: str | Secret) -> Secret:
    return given if isinstance(given, Secret) else Secret(given)


def _exchange_of(url: str) -> str:
    host = urlsplit(url).hostname or ""
    for ending, name in HOSTS.items():
        if host == ending or host.endswith(f".{ending}"):
            return name
    raise ConfigError(f"whose address {host or url!r} is, is not known; give exchange=, one of {', '.join(VENUES)}")
