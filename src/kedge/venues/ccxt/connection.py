"""ccxt's objects for one venue: three of them, because one queue would make exits wait behind orders.

ccxt slows itself down with one queue an object, weights of endpoints included. So one object trades and asks, another is for
cancels and for asking about orders, and a third streams. Together they use three quarters of what the venue allows: 60% and
15%; the last is the reserve that new orders cannot use (decision 0033). After a 429 or a 418 none of them sends anything
until the venue's time is over.

ccxt may not send anything a second time by itself, and may say nothing: what it logs are requests with their headers, what it
raises quotes their addresses. Its log is shut, whatever options say, and each text that leaves here is scrubbed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

from kedge.model.errors import ConfigError, VenueError
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import InstrumentKind
from kedge.model.secret import Secret
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.ccxt.credentials import credentials
from kedge.venues.ccxt.errors import UNREADABLE, failed
from kedge.venues.ccxt.pauses import Pauses
from kedge.venues.ccxt.quirks import PLAIN, QUIRKS, REFUSED
from kedge.venues.ccxt.scrub import Scrubber
from kedge.venues.ccxt.sealed import sealed
from kedge.venues.wire.aio import trusted
from kedge.venues.wire.clock import Clock

T = TypeVar("T")

TRADING_SHARE: Final = Decimal("0.60")
EXITS_SHARE: Final = Decimal("0.15")
TIMEOUT_MS: Final = 10_000


class Connection:
    """One account at one venue through ccxt, for one `kind` of market (None: what the venue has, spot first)."""

    def __init__(
        self,
        venue: str,
        api_key: str,
        api_secret: Secret,
        options: dict[str, Any],
        clock: Clock,
        kind: InstrumentKind | None = None,
    ) -> None:
        self.venue = venue
        self.quirk = QUIRKS.get(venue, PLAIN)
        self.breaches: dict[str, int] = {}
        self._clock = clock
        self._pauses = Pauses(clock)
        modules = _modules()
        if venue in REFUSED:
            raise ConfigError(f"{venue!r} through ccxt: {REFUSED[venue]}")
        if venue not in modules[0].exchanges:
            raise ConfigError(f"ccxt {modules[0].__version__} knows no venue {venue!r}; see ccxt.exchanges")
        if options.pop("verbose", False):
            raise ConfigError("option 'verbose' prints each request with its key and signature; leave it out")
        plain = getattr(modules[0], venue)()
        self.kind = self._kind_of(plain, kind)
        given, secrets = credentials(plain.requiredCredentials, api_key, api_secret, options)
        self.clean = Scrubber(secrets)
        self.has_stream = venue in modules[1].exchanges
        given |= {"timeout": TIMEOUT_MS, "enableRateLimit": True}
        context = trusted(options.pop("cafile", ""))  # and not ccxt's, which `verify` switches off
        pause = max(Decimal(str(plain.rateLimit)), Decimal(self.quirk.pause_ms))

        def make(module: Any, share: Decimal) -> Any:
            made = self._make(sealed(getattr(module, venue), clock), given, dict(options), int(pause / share))
            made.ssl_context = context
            return made

        self.trading = make(modules[0], TRADING_SHARE)
        self.exits = make(modules[0], EXITS_SHARE)
        self._streams = make(modules[1], TRADING_SHARE) if self.has_stream else None
        for each in (self.trading, self.exits):  # the one that streams computes with its numbers and needs floats
            each.number = str
            each.parse_order_book_bid_ask = _exact_level(each)

    def _kind_of(self, plain: Any, wanted: InstrumentKind | None) -> InstrumentKind:
        has = {InstrumentKind.SPOT: plain.has.get("spot"), InstrumentKind.PERPETUAL: plain.has.get("swap")}
        kind = wanted or self.quirk.kind or next((each for each, there in has.items() if there), InstrumentKind.SPOT)
        if self.quirk.kind not in {None, kind}:
            raise ConfigError(
                f"{self.venue!r} through ccxt is {self.quirk.kind} alone; ccxt has another name for {kind}"
            )
        return kind

    @property
    def streams(self) -> Any:
        """The object that streams; `ConfigError` where ccxt has none for this venue."""
        if self._streams is None:
            raise ConfigError(f"ccxt streams nothing from {self.venue}; ask for books, trades and candles instead")
        return self._streams

    def can(self, name: str) -> bool:
        """Whether ccxt says that the venue has a method."""
        return bool(self.trading.has.get(name))

    def feature(self, *path: str) -> Any:
        """What ccxt says of a feature for our kind of market; None where it says nothing."""
        said: Any = self.trading.features or {}
        start = ("spot",) if self.kind is InstrumentKind.SPOT else ("swap", "linear")
        for name in (*start, *path):
            said = said.get(name) if isinstance(said, dict) else None
        return said

    async def load(self) -> Answer[dict[str, Any]]:
        """Load the markets, anew where they were loaded before, for all objects alike."""
        self._shut(shut=False)
        for each in (self.trading, self.exits):
            each.open()
        answer: Answer[dict[str, Any]] = await self.ask("markets", lambda: self.trading.load_markets(True))
        if isinstance(answer, Whole):
            for each in (self.exits, self._streams):
                if each is not None:
                    each.set_markets(self.trading.markets, self.trading.currencies)
                    each.options["timeDifference"] = self.trading.options.get("timeDifference", 0)
        return answer

    def ours_is_ahead(self, offset_ns: int) -> None:
        """Our clock was compared with the venue's: signatures of all objects carry the venue's time from now on."""
        for each in (self.trading, self.exits, self._streams):
            if each is not None and each.options.get("adjustForTimeDifference"):
                each.options["timeDifference"] = offset_ns // NS_PER_MS

    async def ask(
        self, name: str, work: Callable[[], Awaitable[Any]], read: Callable[[Any], T] = lambda value: value
    ) -> Answer[T]:
        """What ccxt answers, read; nothing that the world, the venue or ccxt does is an exception."""
        import ccxt

        if self.trading.shut:
            return Failed(ErrorClass.RETRY_LATER, "not sent", "the gateway is closed")
        paused = self._pauses.until()
        if paused:
            return Failed(ErrorClass.RETRY_LATER, "not sent", "the venue asked for a pause", paused)
        try:
            answer = await work()
        except ccxt.BaseError as error:
            found = self.failure(error)
            return self._pauses.learn(found, str(error), (self.trading, self.exits))
        except Exception as error:  # noqa: BLE001  (whatever ccxt raises, the request may have left)
            return self._breach(name, error)
        value = self.read(name, lambda: read(answer))
        return value if isinstance(value, Failed) else Whole(value, self._clock.now_ns())

    def read(self, name: str, work: Callable[[], T]) -> T | Failed:
        """What a part of an answer means, or that it cannot be read."""
        try:
            return work()
        except (VenueError, *UNREADABLE) as error:
            return self._breach(name, error)

    def failure(self, error: BaseException) -> Failed:
        """What an exception of ccxt's means, without what nobody may see."""
        return failed(error, self.clean(str(error)), self.quirk.refusal)

    def _breach(self, name: str, error: BaseException) -> Failed:
        self.breaches[name] = self.breaches.get(name, 0) + 1
        return Failed(ErrorClass.UNKNOWN, "unreadable", f"{name}: {self.failure(error).message}")

    async def close(self) -> None:
        """Give every connection back."""
        self._shut(shut=True)
        for each in (self.trading, self.exits, self._streams):
            if each is not None:
                await each.close()
        await asyncio.sleep(0)

    def _shut(self, *, shut: bool) -> None:
        for each in (self.trading, self.exits, self._streams):
            if each is not None:
                each.shut = shut

    def _make(self, kind: Any, given: dict[str, Any], options: dict[str, Any], pause_ms: int) -> Any:
        urls = options.pop("urls", None)
        market = {"defaultType": "spot" if self.kind is InstrumentKind.SPOT else "swap"}
        # its queue takes the pause when it is made
        made = kind({"rateLimit": pause_ms, **options, **given})
        made.options = made.deep_extend(made.options, market, self.quirk.options, {"maxRetriesOnFailure": 0})
        if urls:
            made.urls = made.deep_extend(made.urls, {"api": urls})
        return made


def _modules() -> tuple[Any, Any]:
    try:
        import ccxt.async_support
        import ccxt.pro
    except ImportError:
        raise ConfigError("venues through ccxt need the extra: pip install 'kedge[ccxt]'") from None
    return ccxt.async_support, ccxt.pro


def _exact_level(exchange: Any) -> Callable[..., list[Any]]:
    """A level of a book from its text: ccxt itself makes floats of them."""

    def level(told: Any, price_key: Any = 0, amount_key: Any = 1, count_key: Any = 2) -> list[Any]:
        price, amount = exchange.safe_string(told, price_key), exchange.safe_string(told, amount_key)
        return [Decimal(price), Decimal(amount)]

    return level
