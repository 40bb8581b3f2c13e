"""ccxt's objects for one venue: three of them, because one queue would make exits wait behind orders.

ccxt slows itself down with one queue an object, weights of endpoints included. So one object trades and asks, another is for
cancels and for asking about orders, and a third streams. Together they use three quarters of what the venue allows: 60% and
15%; the last is the reserve that new orders cannot use (decision 0033).

ccxt may not send anything a second time by itself, and may not log what it sends: its debug log has the headers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

from kedge.model.errors import ConfigError, VenueError
from kedge.model.secret import Secret
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.ccxt.errors import UNREADABLE, failed
from kedge.venues.ccxt.quirks import PLAIN, QUIRKS
from kedge.venues.wire.clock import Clock

T = TypeVar("T")

TRADING_SHARE: Final = Decimal("0.60")
EXITS_SHARE: Final = Decimal("0.15")
TIMEOUT_MS: Final = 10_000


class Connection:
    """One account at one venue through ccxt."""

    def __init__(self, venue: str, api_key: str, api_secret: Secret, options: dict[str, Any], clock: Clock) -> None:
        self.venue = venue
        self.quirk = QUIRKS.get(venue, PLAIN)
        self.breaches: dict[str, int] = {}
        self._secrets = (Secret(api_key), api_secret)
        self._clock = clock
        modules = _modules()
        if not hasattr(modules[0], venue):
            raise ConfigError(f"ccxt {modules[0].__version__} knows no venue {venue!r}; see ccxt.exchanges")
        self.has_stream = hasattr(modules[1], venue)
        logging.getLogger("ccxt").setLevel(logging.WARNING)
        given = {"apiKey": api_key, "secret": api_secret.reveal(), "timeout": TIMEOUT_MS, "enableRateLimit": True}
        urls = options.pop("urls", None)
        self.trading = self._make(modules[0], given, options, urls, TRADING_SHARE)
        self.exits = self._make(modules[0], given, options, urls, EXITS_SHARE)
        self._streams = self._make(modules[1], given, options, urls, TRADING_SHARE) if self.has_stream else None
        for each in (self.trading, self.exits):  # the one that streams computes with its numbers and needs floats
            each.number = str
            each.parse_order_book_bid_ask = _exact_level(each)

    @property
    def streams(self) -> Any:
        """The object that streams; `ConfigError` where ccxt has none for this venue."""
        if self._streams is None:
            raise ConfigError(f"ccxt streams nothing from {self.venue}; ask for books, trades and candles instead")
        return self._streams

    def can(self, name: str) -> bool:
        """Whether ccxt says that the venue has a method."""
        return bool(self.trading.has.get(name))

    async def load(self) -> Answer[dict[str, Any]]:
        """Load the markets, anew where they were loaded before, for all objects alike."""
        for each in (self.trading, self.exits):
            each.open()
            # aiohttp sends a DELETE again when a kept connection breaks under it, and has no public switch
            each.session._retry_connection = False  # noqa: SLF001
        answer: Answer[dict[str, Any]] = await self.ask("markets", lambda: self.trading.load_markets(True))
        if isinstance(answer, Whole):
            for each in (self.exits, self._streams):
                if each is not None:
                    each.set_markets(self.trading.markets, self.trading.currencies)
                    each.options["timeDifference"] = self.trading.options.get("timeDifference", 0)
        return answer

    async def ask(
        self, name: str, work: Callable[[], Awaitable[Any]], read: Callable[[Any], T] = lambda value: value
    ) -> Answer[T]:
        """What ccxt answers, read; nothing that the world or the venue does is an exception."""
        import ccxt

        try:
            answer = await work()
        except ccxt.BaseError as error:
            return self.failure(error)
        except UNREADABLE as error:
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
        """What an exception of ccxt's means, without our secrets."""
        text = str(error)
        for secret in self._secrets:
            if secret:
                text = text.replace(secret.reveal(), "***")
        return failed(error, text)

    def _breach(self, name: str, error: BaseException) -> Failed:
        self.breaches[name] = self.breaches.get(name, 0) + 1
        return Failed(ErrorClass.UNKNOWN, "unreadable", f"{name}: {self.failure(error).message}")

    async def close(self) -> None:
        """Give every connection back."""
        for each in (self.trading, self.exits, self._streams):
            if each is not None:
                await each.close()
        await asyncio.sleep(0)

    def _make(
        self, module: Any, given: dict[str, Any], options: dict[str, Any], urls: dict[str, Any] | None, share: Decimal
    ) -> Any:
        kind = getattr(module, self.venue)
        pause = max(Decimal(str(kind().rateLimit)), Decimal(self.quirk.pause_ms))
        pause_ms = int(pause / share)  # its queue takes the figure when it is made
        made = kind({**given, "rateLimit": pause_ms, **options})
        made.options = made.deep_extend(made.options, self.quirk.options, {"maxRetriesOnFailure": 0})
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
