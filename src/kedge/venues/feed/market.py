"""`MarketDataFeed`: tells what a venue says over a stream, and which streams no longer say anything.

A *keeper* keeps a line to the venue up. The *folder*, here, is the only one that changes what is known: everything reaches
it through one inbox, in order: messages, the end of a line, a replacement, a snapshot, a tick of the clock.

    line up       each stream is up; a book is when a snapshot has joined
    line ends     each stream is down at once
    replaced      facts of the new line, held back so far, follow; what the old one told already is dropped
    gap           the book is down at once, a snapshot is asked for, changes are held back until it joins
    silence       the stream is down until data comes, and the line is replaced
    too slow      see `Overflow`

What a message that cannot be read was is unknown; it is counted (`breaches`) and a numbered book shows the hole.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from msgspec import Struct

from kedge.model.errors import ConfigError, VenueError
from kedge.model.market import BookDelta, OrderBook
from kedge.venues.answers import Answer, Whole
from kedge.venues.feed.backoff import Backoff
from kedge.venues.feed.books import BookSync, Need, Step
from kedge.venues.feed.inbox import Inbox
from kedge.venues.feed.keeper import TICK_MS, Keeper, Replace
from kedge.venues.feed.line import Ended, Line, Message
from kedge.venues.feed.merge import Merge
from kedge.venues.feed.status import Board, Key, key_of
from kedge.venues.feed.talk import (
    CHANNEL_OF,
    BeforeUp,
    BookStart,
    Dial,
    Dialled,
    PlainTalk,
    Snapshot,
    StreamRules,
)
from kedge.venues.gateway import Subscription
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.system import SystemClock
from kedge.venues.wire.websocket import WebSocketTransport

Given = Subscription | str | Mapping[str, Any]
Callback = Callable[[Any], Any]


class _Snapshot(Struct, frozen=True):
    symbol: str
    answer: Answer[OrderBook]


class _Tick(Struct, frozen=True):
    pass


class _Crash(Struct, frozen=True):
    error: BaseException


class MarketDataFeed:
    """A stream of facts from one venue, which reconnects by itself.

    `MarketDataFeed(url, subscriptions)` with texts or plain data as subscriptions speaks to any WebSocket and hands on plain
    data. A gateway gives `dial`, which makes the talk for each connection, `rules`, `snapshot` for books that are asked for,
    and for a stream of reports `before_up`, asked before a line counts as up. `dice` draws the jitter.
    """

    def __init__(
        self,
        url: str,
        subscriptions: Sequence[Given],
        *,
        dial: Dial | None = None,
        rules: StreamRules | None = None,
        snapshot: Snapshot | None = None,
        before_up: BeforeUp | None = None,
        transport: WebSocketTransport | None = None,
        clock: Clock | None = None,
        dice: Random | None = None,
    ) -> None:
        self.breaches = 0
        self._error = ""
        self._url = url
        self._given = tuple(subscriptions)
        self._rules = rules = StreamRules() if rules is None else rules
        self._snapshot = snapshot
        self._clock: Clock = SystemClock() if clock is None else clock
        self._callbacks: list[Callback] = []
        self._inbox = Inbox(rules.queue_max, rules.overflow)
        wanted = [each for each in subscriptions if isinstance(each, Subscription)]
        self._board = Board(map(key_of, wanted), rules.silence_ms_max)
        self._merge = Merge()
        asked = rules.book_start is BookStart.ASKED
        self._books = {each.symbol: BookSync(rules.book_rule, holds=asked) for each in wanted if each.channel == "book"}
        if self._books and asked and snapshot is None:
            raise ConfigError("the books of this venue begin with a snapshot that is asked for; give snapshot=")
        if dice is None:
            dice = Random(self._clock.now_ns())  # noqa: S311  (jitter: it must differ, not be secret)
        self._keeper = Keeper(
            self._inbox,
            wanted,
            self._dial_plainly if dial is None else dial,
            before_up,
            rules,
            transport,
            self._clock,
            dice,
            self._can_take_over,
        )
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._patience: dict[str, Backoff] = {}
        self._line: Line | None = None
        self._ticking = False
        self._first_up = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def on_message(self, callback: Callback) -> None:
        """Call `callback` with every fact (`StreamStatus` included) or datum; a coroutine is awaited before the next."""
        self._callbacks.append(callback)

    @property
    def last_error(self) -> str:
        """What last went wrong; empty where nothing did."""
        return self._error or self._keeper.error

    async def start(self) -> None:
        """Connect and subscribe; returns when the venue has confirmed. Until then `last_error` says what is wrong."""
        loop = asyncio.get_running_loop()
        if self._running is None:
            self._running = loop.create_task(self._run())
        running, up = self._running, loop.create_task(self._first_up.wait())
        try:
            await asyncio.wait([up, running], return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
        if running.done():
            await running

    async def stop(self) -> None:
        """Disconnect for good; every stream is told to be down. Raises what ended the feed before, if anything did."""
        running, self._running = self._running, None
        if running is None:
            return
        running.cancel()
        (ended,) = await asyncio.gather(running, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for work in (self._fold(), self._keeper.run(), self._ticks()):
                    group.create_task(work)
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            fetching = [*self._fetching.values()]
            for task in fetching:
                task.cancel()
            await asyncio.gather(*fetching, return_exceptions=True)
            await self._keeper.close("stopped")
            await self._tell(self._all_down("stopped"))

    async def _dial_plainly(self) -> Dialled:
        return Dialled(self._url, PlainTalk(self._given))

    # the folder

    async def _fold(self) -> None:
        while True:
            item = await self._inbox.take()
            if isinstance(item, Message):
                await self._message(item)
            elif isinstance(item, Ended):
                if item.line is self._line:
                    await self._tell(self._all_down(item.reason or "disconnected"))
            elif isinstance(item, Replace):
                await self._replace(item)
            elif isinstance(item, _Snapshot):
                await self._snapshot_came(item)
            elif isinstance(item, _Crash):
                raise item.error
            else:
                self._ticking = False
                await self._tick()

    async def _message(self, message: Message) -> None:
        line = message.line
        if line.over:
            return
        try:
            heard = line.talk.hear(message.data, message.received)
        except VenueError as error:
            self.breaches += 1
            self._error = str(error)
            return
        line.heard(heard)
        for text in heard.replies:
            await line.send(text)
        if heard.lost:
            await self._lose(line, heard.lost)
        for fact in heard.facts:
            if line is self._line:
                await self._fact(fact)
            else:
                line.hold(fact)
        if heard.over:
            await self._cut(line, heard.over)

    async def _cut(self, line: Line, reason: str) -> None:
        """Treat a line as broken, whatever its socket says; what it still had to say does not count."""
        line.over = True
        if line is self._line:
            await self._tell(self._all_down(reason))
        await line.close(reason)

    async def _lose(self, line: Line, reason: str) -> None:
        """Something is missing on a line: no book of it is believed any more."""
        if line is not self._line:
            line.spilled = True
            return
        for symbol, sync in self._books.items():
            sync.begin()
            await self._book_step(symbol, Step(need=Need.SNAPSHOT, down=reason))

    async def _replace(self, replace: Replace) -> None:
        self._line = line = replace.line
        held, line.held = line.held, []
        now, mono = self._clock.now_ns(), self._clock.monotonic_ns()
        for fact in replace.missed:
            await self._call(fact)
        for symbol, sync in self._books.items():
            if sync.live and not line.spilled:  # the end of the line before would have come first, and ended that
                sync.hand_over()
            else:
                sync.begin()
                await self._tell(self._board.down(("book", symbol), now, "resynchronizing"))
        for key in self._board.renewed(mono):
            if key[0] != "book":
                await self._tell(self._board.up(key, now))
        for fact in held:
            await self._fact(fact)
        for symbol, sync in self._books.items():
            if not sync.live:
                self._fetch(symbol)
        self._first_up.set()

    async def _fact(self, fact: Any) -> None:
        channel = CHANNEL_OF.get(type(fact))
        if channel is None:
            await self._call(fact)
            return
        key = (channel, fact.symbol)
        sync = self._books.get(fact.symbol) if channel == "book" else None
        if isinstance(fact, BookDelta):
            self._board.seen(key, self._clock.monotonic_ns())
            if sync is not None:
                await self._book_step(fact.symbol, sync.change(fact))
        elif self._merge.is_fresh(fact) or (sync is not None and not sync.live):
            self._board.seen(key, self._clock.monotonic_ns())
            if sync is not None:
                await self._book_step(fact.symbol, sync.snapshot(fact))
            else:
                await self._call(fact)
                await self._tell(self._board.up(key, self._clock.now_ns()))

    async def _book_step(self, symbol: str, step: Step) -> None:
        key: Key = ("book", symbol)
        if step.down:
            await self._tell(self._board.down(key, self._clock.now_ns(), step.down))
        for fact in step.facts:
            await self._call(fact)
        if step.facts and not self._board.is_quiet(key):
            self._patience.pop(symbol, None)
            await self._tell(self._board.up(key, self._clock.now_ns()))
        if step.need is Need.SNAPSHOT:
            self._fetch(symbol)

    async def _snapshot_came(self, snapshot: _Snapshot) -> None:
        symbol, answer = snapshot.symbol, snapshot.answer
        self._fetching.pop(symbol, None)
        sync = self._books[symbol]
        if sync.live or self._line is None or self._line.ended.is_set():
            return
        if isinstance(answer, Whole):
            await self._book_step(symbol, sync.snapshot(answer.value))
        else:
            self._error = f"no snapshot of {symbol}: {answer}"
            self._fetch(symbol)

    async def _tick(self) -> None:
        line = self._line
        if line is None or line.ended.is_set():
            return
        if line.idle_ms() > self._rules.idle_ms_max:
            await self._cut(line, f"nothing came for {line.idle_ms()} ms")
            return
        for key, reason in self._board.silent(self._clock.monotonic_ns()):
            await self._tell(self._board.down(key, self._clock.now_ns(), reason))
            if key[0] == "book":
                self._books[key[1]].begin()
            self._keeper.renew = f"{key[0]} {key[1]}: {reason}"

    # snapshots, beside the folder

    def _fetch(self, symbol: str) -> None:
        """Get a book going again: ask for a snapshot, or have the venue begin anew."""
        if symbol in self._fetching or self._line is None or self._line.ended.is_set():
            return
        patience = self._patience.setdefault(symbol, self._keeper.backoff())
        delay = patience.next_seconds() if patience.attempts else 0
        patience.attempts = max(1, patience.attempts)
        asked = self._rules.book_start is BookStart.ASKED
        task = asyncio.get_running_loop().create_task(
            self._ask_snapshot(symbol, delay) if asked else self._begin_again(symbol, self._line, delay, patience)
        )
        self._fetching[symbol] = task
        task.add_done_callback(lambda done: self._fetched(symbol, done))

    def _fetched(self, symbol: str, done: asyncio.Task[None]) -> None:
        if self._fetching.get(symbol) is done:
            del self._fetching[symbol]
        if not done.cancelled() and done.exception() is not None:
            error = done.exception()
            assert error is not None, "asked the line before"
            self._inbox.word(_Crash(error))

    async def _ask_snapshot(self, symbol: str, delay: float) -> None:
        await self._clock.sleep(delay)
        assert self._snapshot is not None, "a feed whose books are asked for has someone to ask"
        self._inbox.word(_Snapshot(symbol, await self._snapshot(symbol)))

    async def _begin_again(self, symbol: str, line: Line, delay: float, patience: Backoff) -> None:
        await self._clock.sleep(delay)
        while not self._books[symbol].live and not line.ended.is_set():
            texts = line.talk.again(Subscription("book", symbol))
            for text in texts:
                await line.send(text)
            if not texts:
                return
            await self._clock.sleep(self._rules.confirm_ms_max / 1000 + patience.next_seconds())

    # inside

    def _can_take_over(self, new: Line) -> bool:
        """Whether each live book could go on with what the new line has told so far."""
        first: dict[str, Any] = {}
        for fact in new.held:
            if isinstance(fact, OrderBook | BookDelta):
                first.setdefault(fact.symbol, fact)
        for symbol, sync in self._books.items():
            begins = first.get(symbol)
            if sync.live and (begins is None or (isinstance(begins, BookDelta) and not sync.joins(begins))):
                return False
        return True

    async def _ticks(self) -> None:
        while True:
            await self._clock.sleep(TICK_MS / 1000)
            if not self._ticking:
                self._ticking = True
                self._inbox.word(_Tick())

    def _all_down(self, reason: str) -> list[Any]:
        for sync in self._books.values():
            sync.begin()
        now = self._clock.now_ns()
        return [told for key in self._board for told in self._board.down(key, now, reason)]

    async def _tell(self, statuses: Iterable[Any]) -> None:
        for status in statuses:
            await self._call(status)

    async def _call(self, fact: Any) -> None:
        for callback in self._callbacks:
            answer = callback(fact)
            if inspect.isawaitable(answer):
                await answer
