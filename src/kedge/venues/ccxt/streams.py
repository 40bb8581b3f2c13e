"""Market data through ccxt.pro: one task for each subscription.

ccxt reconnects and keeps the books by itself; what it does not do is say so. So a task that fails, or hears nothing for too long,
tells that its stream is down before it tries again, and that it is up with the first data after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from kedge.model.errors import ConfigError
from kedge.model.facts import Fact, StreamStatus
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.frames import timeframe
from kedge.venues.ccxt.inquiry import Inquiry
from kedge.venues.ccxt.working import RETRY_S, Tasks
from kedge.venues.gateway import Subscription
from kedge.venues.wire.clock import Clock

WATCH: Final = {"trades": "watchTrades", "quotes": "watchTicker", "book": "watchOrderBook", "candles": "watchOHLCV"}
_STREAM: Final = {"trades": "trade", "quotes": "quote", "book": "book", "candles": "candle"}
SILENCE_S: Final = 60
BOOK_DEPTH: Final = 50

Told = Callable[[Fact], None]


class MarketWatch:
    """Market data through ccxt.pro."""

    def __init__(
        self,
        connection: Connection,
        inquiry: Inquiry,
        subscriptions: Sequence[Subscription],
        on_fact: Told,
        clock: Clock,
        venue_ns: Callable[[], int],
    ) -> None:
        for each in subscriptions:
            if each.channel not in WATCH or not connection.streams.has.get(WATCH[each.channel]):
                raise ConfigError(f"channel {each.channel!r} on {connection.venue}: ccxt does not stream it")
            if each.symbol not in inquiry.names:
                raise ConfigError(f"symbol {each.symbol!r} is not listed by {connection.venue}")
        self._connection, self._inquiry = connection, inquiry
        self._subscriptions = tuple(subscriptions)
        self._on_fact, self._clock, self._venue_ns = on_fact, clock, venue_ns
        self._tasks = Tasks(self._died)
        self._first: dict[Subscription, asyncio.Event] = {}
        self._forming: dict[Subscription, int] = {}

    async def start(self) -> None:
        """Watch; returns when of every stream something is known: data, or that there is none."""
        for each in self._subscriptions:
            self._first[each] = asyncio.Event()
            self._tasks.run(self._watch(each))
        await asyncio.gather(*(event.wait() for event in self._first.values()))

    async def stop(self) -> None:
        """Watch no more, and say so. ccxt keeps its connection until the gateway is closed."""
        await self._tasks.stop()
        self._died("stopped")

    def _died(self, reason: str) -> None:
        for each, event in self._first.items():
            self._status(each, up=False, reason=reason)
            event.set()

    async def _watch(self, subscription: Subscription) -> None:
        up = False
        while True:
            facts = await self._told(subscription)
            if isinstance(facts, Failed):
                self._status(subscription, up=False, reason=facts.message)
                up = False
                self._first[subscription].set()
                await self._clock.sleep(RETRY_S)
                continue
            if not up:
                self._status(subscription, up=True)
                up = True
            for fact in facts:
                self._on_fact(fact)
            self._first[subscription].set()

    async def _told(self, subscription: Subscription) -> Sequence[Fact] | Failed:
        """The next news, as facts; a failure where there is none, or none that can be read."""
        name = f"watch {subscription.channel}"
        try:
            async with asyncio.timeout(SILENCE_S):
                told: Answer[Any] = await self._connection.ask(name, lambda: self._next(subscription))
        except TimeoutError:
            return Failed(ErrorClass.UNKNOWN, "silence", f"silent for {SILENCE_S} s")
        if not isinstance(told, Whole):
            return told  # type: ignore[return-value]  # Failed: ccxt answers whole or not
        return self._connection.read(name, lambda: self._facts(subscription, told.value))

    async def _next(self, subscription: Subscription) -> Any:
        streams, market = self._connection.streams, self._inquiry.names[subscription.symbol]
        if subscription.channel == "trades":
            return await streams.watch_trades(market)
        if subscription.channel == "quotes":
            return await streams.watch_ticker(market)
        if subscription.channel == "book":
            return await streams.watch_order_book(market)
        return await streams.watch_ohlcv(market, timeframe(subscription.interval, streams.timeframes))

    def _facts(self, subscription: Subscription, told: Any) -> Sequence[Fact]:
        symbol, now = subscription.symbol, self._clock.now_ns()
        if subscription.channel == "trades":
            return structures.trades(told, symbol, now)
        if subscription.channel == "book":
            return (structures.book(told, symbol, now, BOOK_DEPTH),)
        if subscription.channel == "quotes":
            quote = structures.quote(told, symbol, now)
            return () if quote is None else (quote,)
        closed = structures.candles(told, symbol, subscription.interval, self._venue_ns(), now)
        last = self._forming.get(subscription, 0)
        fresh = [each for each in closed if each.ts > last]
        self._forming[subscription] = max([last, *(each.ts for each in closed)])
        return fresh if last else fresh[-1:]

    def _status(self, subscription: Subscription, *, up: bool, reason: str = "") -> None:
        now = self._clock.now_ns()
        self._on_fact(StreamStatus(now, subscription.symbol, _STREAM[subscription.channel], up, reason, now))
