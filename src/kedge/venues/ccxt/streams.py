"""Streams through ccxt.pro, and reports by asking.

A market stream is one task for each subscription. ccxt reconnects and keeps the books by itself; what it does not do is say
so. So a task that fails, or hears nothing for too long, tells that its stream is down before it tries again, and that it is
up with the first data after.

Reports on orders are *asked for*: open orders, those that are no longer open, and fills since the last word. Where ccxt.pro
can watch orders a change makes the question come at once; else it comes every few seconds. The question is the truth, so an
event that was lost costs seconds and not a position (H10, H17).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from kedge.model.errors import ConfigError, VenueError
from kedge.model.facts import Fact, OrderCancelled, OrderExpired, OrderReport, StreamStatus, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus
from kedge.venues.answers import Answer, Failed, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.errors import UNREADABLE
from kedge.venues.ccxt.inquiry import Inquiry
from kedge.venues.gateway import OpenOrder, Subscription
from kedge.venues.wire.clock import Clock

WATCH: Final = {"trades": "watchTrades", "quotes": "watchTicker", "book": "watchOrderBook", "candles": "watchOHLCV"}
_STREAM: Final = {"trades": "trade", "quotes": "quote", "book": "book", "candles": "candle"}
SILENCE_S: Final = 60
RETRY_S: Final = 2
ASK_SECONDS: Final = 3
BOOK_DEPTH: Final = 50
_OVERLAP_NS: Final = 60 * NS_PER_S

Told = Callable[[Fact], None]


class _Tasks:
    """Tasks that run until they are stopped; one that fails by a bug of ours is raised at the stop."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


class MarketWatch:
    """Market data through ccxt.pro."""

    def __init__(
        self,
        connection: Connection,
        inquiry: Inquiry,
        subscriptions: Sequence[Subscription],
        on_fact: Told,
        clock: Clock,
    ) -> None:
        for each in subscriptions:
            if each.channel not in WATCH or not connection.streams.has.get(WATCH[each.channel]):
                raise ConfigError(f"channel {each.channel!r} on {connection.venue}: ccxt does not stream it")
            if each.symbol not in inquiry.names:
                raise ConfigError(f"symbol {each.symbol!r} is not listed by {connection.venue}")
        self._connection, self._inquiry = connection, inquiry
        self._subscriptions = tuple(subscriptions)
        self._on_fact, self._clock = on_fact, clock
        self._tasks = _Tasks()
        self._first: dict[Subscription, asyncio.Event] = {}
        self._forming: dict[str, Any] = {}

    async def start(self) -> None:
        """Watch; returns when every stream has said something."""
        for each in self._subscriptions:
            self._first[each] = asyncio.Event()
            self._tasks.run(self._watch(each))
        await asyncio.gather(*(event.wait() for event in self._first.values()))

    async def stop(self) -> None:
        """Watch no more."""
        await self._tasks.stop()

    async def _watch(self, subscription: Subscription) -> None:
        import ccxt

        up = False
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    told = await self._next(subscription)
                facts = self._facts(subscription, told)
            except (ccxt.BaseError, VenueError, TimeoutError, *UNREADABLE) as error:
                reason = self._connection.failure(error).message or f"silent for {SILENCE_S} s"
                self._status(subscription, up=False, reason=reason)
                up = False
                await self._clock.sleep(RETRY_S)
                continue
            if not up:
                self._status(subscription, up=True)
                up = True
            for fact in facts:
                self._on_fact(fact)
            self._first[subscription].set()

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
        closed = structures.candles(told, symbol, subscription.interval, now, now)
        last = self._forming.get(symbol, 0)
        fresh = [each for each in closed if each.ts > last]
        self._forming[symbol] = max([last, *(each.ts for each in closed)])
        return fresh if last else fresh[-1:]

    def _status(self, subscription: Subscription, *, up: bool, reason: str = "") -> None:
        now = self._clock.now_ns()
        self._on_fact(StreamStatus(now, subscription.symbol, _STREAM[subscription.channel], up, reason, now))


class ReportWatch:
    """Reports on our orders."""

    def __init__(
        self,
        connection: Connection,
        inquiry: Inquiry,
        open_orders: Callable[[], Coroutine[Any, Any, Answer[tuple[OpenOrder, ...]]]],
        on_fact: Told,
        clock: Clock,
    ) -> None:
        self._connection, self._inquiry, self._open_orders = connection, inquiry, open_orders
        self._on_fact, self._clock = on_fact, clock
        self._tasks = _Tasks()
        self._wake = asyncio.Event()
        self._open: dict[str, OpenOrder] = {}
        self._seen: dict[str, None] = {}
        self._since = clock.now_ns() - _OVERLAP_NS
        self._up: bool | None = None

    async def start(self) -> None:
        """Ask, and go on asking; returns when the first answer was whole."""
        while not await self._round():
            await self._clock.sleep(ASK_SECONDS)
        self._tasks.run(self._ask())
        if self._connection.has_stream and self._connection.streams.has.get("watchOrders"):
            self._tasks.run(self._listen())

    async def stop(self) -> None:
        """Ask no more."""
        await self._tasks.stop()

    async def _ask(self) -> None:
        while True:
            self._wake.clear()
            waiting = asyncio.get_running_loop().create_task(self._wake.wait())
            await asyncio.wait([waiting], timeout=ASK_SECONDS)
            waiting.cancel()
            await self._round()

    async def _listen(self) -> None:
        """Let a change on the stream wake the question. What the stream says is not used."""
        import ccxt

        while True:
            try:
                await self._connection.streams.watch_orders()
            except (ccxt.BaseError, *UNREADABLE):
                await self._clock.sleep(RETRY_S)
            self._wake.set()

    async def _round(self) -> bool:
        """One question: what is open, what filled, what is no longer open. Whether it was answered whole."""
        asked_at = self._clock.now_ns()
        listed = await self._open_orders()
        if not isinstance(listed, Whole):
            return self._down(listed)
        now_open = {each.exchange_id: each for each in listed.value}
        gone = [each for exchange_id, each in self._open.items() if exchange_id not in now_open]
        symbols = {each.symbol for each in (*now_open.values(), *gone)} | self._recent()
        for symbol in sorted(symbols):
            fills = await self._inquiry.fills(symbol, self._since)
            if not isinstance(fills, Whole):
                return self._down(fills)
            for fill in fills.value:
                if fill.trade_id not in self._seen:
                    self._seen[fill.trade_id] = None
                    self._on_fact(fill)
        for each in gone:
            await self._ended(each)
        for exchange_id, each in now_open.items():
            before = self._open.get(exchange_id)
            if before is None or before.filled != each.filled:
                self._on_fact(_stands(each, self._clock.now_ns()))
        self._open = now_open
        self._since = asked_at - _OVERLAP_NS
        while len(self._seen) > 20_000:
            del self._seen[next(iter(self._seen))]
        if self._up is not True:
            self._up = True
            self._status(up=True)
        return True

    def _recent(self) -> set[str]:
        """Markets of orders sent since the last round: one may have filled before it was ever seen open."""
        return {
            sent.symbol
            for sent in self._inquiry.orders.values()
            if sent.sent_at >= self._since and sent.symbol in self._inquiry.names
        }

    async def _ended(self, order: OpenOrder) -> None:
        order_id = order.order_id or order.client_id or order.exchange_id
        self._inquiry.learn(order_id, order.exchange_id, order.symbol)
        for fact in await self._inquiry.query(order_id):
            self._on_fact(_end_of(fact))

    def _down(self, answer: Any) -> bool:
        if self._up is not False:
            self._up = False
            self._status(up=False, reason=answer.message if isinstance(answer, Failed) else "only a part was answered")
        return False

    def _status(self, *, up: bool, reason: str = "") -> None:
        now = self._clock.now_ns()
        self._on_fact(StreamStatus(now, "", "user", up, reason, now))


def _stands(order: OpenOrder, now: int) -> OrderReport:
    status = OrderStatus.PARTIAL if order.filled > ZERO else OrderStatus.OPEN
    return OrderReport(
        now, order.order_id or order.client_id or order.exchange_id, status, order.filled, order.exchange_id, now
    )


def _end_of(fact: VenueFact) -> VenueFact:
    """A report of an end as the end itself."""
    if isinstance(fact, OrderReport) and fact.status is OrderStatus.CANCELLED:
        return OrderCancelled(fact.ts, fact.order_id, fact.filled, "", fact.received)
    if isinstance(fact, OrderReport) and fact.status is OrderStatus.EXPIRED:
        return OrderExpired(fact.ts, fact.order_id, fact.filled, "", fact.received)
    return fact


def timeframe(interval: int, known: dict[str, Any] | None) -> str:
    """ccxt's name of an interval in nanoseconds; `ConfigError` where the venue has none."""
    for text in known or {}:
        if seconds_of(text) * NS_PER_S == interval:
            return text
    raise ConfigError(f"candles of {interval // NS_PER_S} s; there are {', '.join(known or {})}")


def seconds_of(text: str) -> int:
    """Seconds of `1m`, `4h`, `1d`, `1w`; 0 for months and what is unknown."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}.get(text[-1:], 0)
    return int(text[:-1]) * unit if text[:-1].isdigit() else 0
