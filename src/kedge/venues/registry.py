"""The gateways by name, each imported when it is asked for: listing them costs nothing, and needs no extra.

    binance            Binance Spot                 binance-futures    Binance USD-M futures
    hyperliquid        Hyperliquid                  coinbase           Coinbase Advanced Trade
    ccxt:NAME          any other venue through ccxt, by the name that ccxt has for it; its spot markets where it has both kinds,
    ccxt:NAME:perpetual    its perpetuals

`Access` says where a venue is and who we are there, in the same words for all; what a venue calls them is said here:

    Hyperliquid    api_key is the account's address, api_secret the private key of its agent (API) wallet
    Coinbase       api_key is the key's name (`organizations/…`), api_secret its PEM or base64 text

Swapping a venue for an emulator of it is a URL.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from difflib import get_close_matches
from random import Random
from typing import Any, Final

from msgspec import Struct

from kedge.model.errors import ConfigError
from kedge.model.instrument import InstrumentKind
from kedge.model.secret import Secret
from kedge.venues.gateway import Capabilities, ExchangeGateway
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.http import HttpTransport
from kedge.venues.wire.system import SystemClock
from kedge.venues.wire.websocket import WebSocketTransport

NO_SECRET: Final = Secret("")

#: Begins the name of a venue that is reached through ccxt.
CCXT: Final = "ccxt:"

#: Signs nothing that counts: nobody's, for questions about the market alone.
_NOBODY: Final = Secret("0x" + "1" * 64)
_NOBODYS_ADDRESS: Final = "0x" + "0" * 40


class Access(Struct, frozen=True):
    """Where a venue is (empty: its own addresses) and who we are there (empty: nobody, which is enough for the market).

    `instance` begins the ids of our orders, so that they are known as ours in another process. `ca_file` adds authorities
    to the system's, for an emulator with a certificate of its own.
    """

    rest_url: str = ""
    ws_url: str = ""
    ws_api_url: str = ""
    api_key: Secret = NO_SECRET
    api_secret: Secret = NO_SECRET
    account: str = ""
    ca_file: str = ""
    instance: str = ""

    def __post_init__(self) -> None:
        if bool(self.api_key) is not bool(self.api_secret):
            have, lack = ("key", "secret") if self.api_key else ("secret", "key")
            raise ConfigError(f"there is an API {have} and no API {lack}; set TRADING_EXCHANGE_API_{lack.upper()} too")


class Wires(Struct, frozen=True):
    """What a gateway touches the world through."""

    http: HttpTransport
    websockets: WebSocketTransport
    clock: Clock
    dice: Random | None = None


class Entry(Struct, frozen=True):
    """One venue: what it is, the extras of Kedge that it needs, and how its gateway is made."""

    title: str
    extras: tuple[str, ...]
    make: Callable[[Access, Wires], ExchangeGateway]
    capabilities: Callable[[], Capabilities]


@asynccontextmanager
async def connected(name: str, access: Access) -> AsyncIterator[ExchangeGateway]:
    """A gateway over real sockets, closed with all its connections at the end. It is not opened yet."""
    from kedge.venues.wire.aio import AioHttp, AioNetwork, AioWebSockets

    network = AioNetwork(ca_file=access.ca_file)
    try:
        network.session()  # whatever forbids a connection is said before anything is asked
        made = make(name, access, Wires(AioHttp(network), AioWebSockets(network), SystemClock()))
        try:
            yield made
        finally:
            await made.close()
    finally:
        await network.close()


def make(name: str, access: Access, wires: Wires) -> ExchangeGateway:
    """The gateway of a venue."""
    return entry(name).make(access, wires)


def entry(name: str) -> Entry:
    """A venue by its name; an unknown one is a `ConfigError` that names the nearest."""
    found = _through_ccxt(name) if name.startswith(CCXT) else VENUES.get(name)
    if found is None:
        near = get_close_matches(name, list(VENUES), 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(VENUES)}"
        raise ConfigError(f"venue {name!r} is unknown; {hint}")
    return found


def _binance(product: str) -> Callable[[Access, Wires], ExchangeGateway]:
    def build(access: Access, wires: Wires) -> ExchangeGateway:
        from kedge.venues.binance.protocol.product import SITES, Product, Site
        from kedge.venues.binance.shell import BinanceGateway

        kind = Product(product)
        theirs = SITES[kind]
        site = Site(
            access.rest_url.rstrip("/") or theirs.rest,
            access.ws_url.rstrip("/") or theirs.ws,
            access.ws_api_url or _ws_api(access.ws_url, theirs.ws_api),
        )
        return BinanceGateway(
            kind,
            http=wires.http,
            websocket=wires.websockets,
            clock=wires.clock,
            api_key=access.api_key,
            api_secret=access.api_secret,
            site=site,
            instance=access.instance,
            dice=wires.dice,
        )

    return build


def _ws_api(ws_url: str, theirs: str) -> str:
    """The WebSocket API beside streams that are not the venue's own: on the same host, under the venue's path."""
    if not ws_url:
        return theirs
    scheme, _, rest = ws_url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{theirs.split('/', 3)[3]}"


def _binance_capabilities(product: str) -> Callable[[], Capabilities]:
    def ask() -> Capabilities:
        from kedge.venues.binance.protocol.product import Product
        from kedge.venues.binance.shell import capabilities

        return capabilities(Product(product))

    return ask


def _hyperliquid(access: Access, wires: Wires) -> ExchangeGateway:
    from kedge.venues.hyperliquid.shell import MAINNET, HyperliquidGateway

    owner = access.api_key.reveal() or access.account or _NOBODYS_ADDRESS
    vault = access.account if access.account.lower() != owner.lower() else ""
    return HyperliquidGateway(
        access.rest_url or MAINNET,
        owner,
        access.api_secret or _NOBODY,
        ws_url=access.ws_url,
        vault_address=vault,
        http=wires.http,
        sockets=wires.websockets,
        clock=wires.clock,
    )


def _hyperliquid_capabilities() -> Capabilities:
    from kedge.venues.hyperliquid.shell import CAPABILITIES

    return CAPABILITIES


def _coinbase(access: Access, wires: Wires) -> ExchangeGateway:
    from kedge.venues.coinbase.shell import REST_URL, CoinbaseGateway

    return CoinbaseGateway(
        access.rest_url or REST_URL,
        access.api_key.reveal(),
        access.api_secret,
        ws_url=access.ws_url,
        http=wires.http,
        sockets=wires.websockets,
        clock=wires.clock,
        instance=access.instance,
    )


def _coinbase_capabilities() -> Capabilities:
    from kedge.venues.coinbase.shell import CAPABILITIES

    return CAPABILITIES


def _through_ccxt(name: str) -> Entry:
    venue, _, said = name.removeprefix(CCXT).partition(":")
    if said not in {"", *InstrumentKind}:
        raise ConfigError(
            f"venue {name!r}: {said!r} is no kind of market; say {' or '.join(InstrumentKind)}, or nothing"
        )
    kind = InstrumentKind(said) if said else None

    def build(access: Access, wires: Wires) -> ExchangeGateway:
        from kedge.venues.ccxt.shell import CcxtGateway

        if access.account:  # each venue has a word of its own for it: ignored, orders would go to another account
            raise ConfigError(f"account {access.account!r}: ccxt has no one word for it; use a key of that account")
        options: dict[str, Any] = {}
        if access.rest_url or access.ws_url:
            options["urls"] = _moved(_ccxt_urls(venue), access)
        if access.ca_file:
            options["cafile"] = access.ca_file
        return CcxtGateway(
            venue, access.api_key.reveal(), access.api_secret, kind=kind, options=options, clock=wires.clock
        )

    def ask() -> Capabilities:
        from kedge.venues.ccxt.shell import CcxtGateway

        return CcxtGateway(venue, kind=kind).capabilities

    return Entry(f"{venue} through ccxt", ("live", "ccxt"), build, ask)


def _ccxt_urls(venue: str) -> Any:
    try:
        import ccxt.pro
    except ImportError:
        raise ConfigError("venues through ccxt need the extra: pip install 'kedge[ccxt]'") from None
    kind = getattr(ccxt.pro, venue, None) or getattr(ccxt, venue, None)
    if kind is None:
        raise ConfigError(f"ccxt knows no venue {venue!r}; see ccxt.exchanges")
    return kind().urls["api"]


def _moved(urls: Any, access: Access) -> Any:
    """ccxt's addresses with another host: paths stay, and what is not told stays where it is."""
    if isinstance(urls, dict):
        return {name: _moved(url, access) for name, url in urls.items()}
    scheme, _, rest = str(urls).partition("://")
    host = (access.ws_url if scheme.startswith("ws") else access.rest_url).rstrip("/")
    _, slash, path = rest.partition("/")
    return f"{host}{slash}{path}" if host else urls


VENUES: Final[dict[str, Entry]] = {
    "binance": Entry("Binance Spot", ("live",), _binance("binance"), _binance_capabilities("binance")),
    "binance-futures": Entry(
        "Binance USD-M futures", ("live",), _binance("binance-futures"), _binance_capabilities("binance-futures")
    ),
    "hyperliquid": Entry("Hyperliquid", ("live", "evm"), _hyperliquid, _hyperliquid_capabilities),
    "coinbase": Entry("Coinbase Advanced Trade", ("live",), _coinbase, _coinbase_capabilities),
}
