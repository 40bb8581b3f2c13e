"""The keeper: opens lines, so that there always is one, and replaces one that is about to end before it does.

After a disconnection it waits (backoff) and opens another. A line whose session ends soon, that the venue says it will
leave, or on which a channel has gone silent is kept until its successor is confirmed and can take over every book; then
the folder is told to go over, and only then is the old one closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kedge.model.errors import VenueError, WorldError
from kedge.model.instant import NS_PER_MS
from kedge.venues.feed.backoff import Backoff
from kedge.venues.feed.inbox import Inbox
from kedge.venues.feed.line import Line
from kedge.venues.feed.talk import BeforeUp, Dial, StreamRules
from kedge.venues.gateway import Subscription
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.websocket import Disconnected, WebSocketTransport

if TYPE_CHECKING:
    from kedge.venues.wire.aio import AioWebSockets

#: How long no connection is tried after the venue refused one for its rate limit.
PAUSE_S = 60

#: How often silences, idleness and the end of a session are looked for.
TICK_MS = 250


class Replace(Struct, frozen=True):
    """From here on `line` is the one; `missed` is what happened while none was up."""

    line: Line
    missed: tuple[Any, ...]


class Keeper:
    """Keeps a line up. What it has to say goes into the inbox, in its place among the messages."""

    def __init__(
        self,
        inbox: Inbox,
        wanted: list[Subscription],
        dial: Dial,
        before_up: BeforeUp | None,
        rules: StreamRules,
        transport: WebSocketTransport | None,
        clock: Clock,
        dice: Random,
        can_take_over: Callable[[Line], bool],
    ) -> None:
        self.error = ""
        self.renew = ""
        self._inbox = inbox
        self._wanted = wanted
        self._dial = dial
        self._before_up = before_up
        self._rules = rules
        self._transport = transport
        self._own: AioWebSockets | None = None
        self._clock = clock
        self._dice = dice
        self._can_take_over = can_take_over
        self._lines: list[Line] = []

    async def run(self) -> None:
        """Keep a line up until cancelled."""
        backoff = self.backoff()
        line: Line | None = None
        while True:
            try:
                fresh, missed = await self._open()
                await self._overlap(line, fresh)
            except (WorldError, VenueError) as error:
                self.error = str(error)
                limited = isinstance(error, Disconnected) and error.status in {418, 429}
                await self._clock.sleep(max(backoff.next_seconds(), PAUSE_S if limited else 0))
                continue
            self._inbox.word(Replace(fresh, missed))
            if line is not None:
                await self._close(line, "replaced")
            line, opened_at = fresh, self._clock.monotonic_ns()
            await self._until_due(line)
            if self._clock.monotonic_ns() - opened_at > self._rules.backoff_ms_max * NS_PER_MS:
                backoff.reset()
            if line.ended.is_set():
                self.error = line.reason
                await self._close(line, "over")
                line = None
            if backoff.attempts or line is None:
                await self._clock.sleep(backoff.next_seconds())

    async def close(self, reason: str) -> None:
        """End every line, and the network where it is the keeper's own."""
        for line in [*self._lines]:
            await self._close(line, reason)
        if self._own is not None:
            await self._own.close()
            self._own = None

    def backoff(self) -> Backoff:
        """A row of delays by the rules."""
        return Backoff(self._rules.backoff_ms, self._rules.backoff_ms_max, self._dice)

    async def _open(self) -> tuple[Line, tuple[Any, ...]]:
        dialled = await self._dial()
        connection = await self._sockets().connect(dialled.url, dialled.headers, self._rules.confirm_ms_max)
        line = Line(connection, dialled, self._wanted, self._inbox, self._clock, self._rules)
        self._lines.append(line)
        try:
            await line.open()
            missed = tuple(await self._before_up()) if self._before_up is not None else ()
        except BaseException:
            await self._close(line, "not opened")
            raise
        return line, missed

    async def _overlap(self, old: Line | None, new: Line) -> None:
        """Let both run until the new one can take over every book, within a bound; `Disconnected` where it ends."""
        waited = 0
        while old is not None and waited < self._rules.overlap_ms_max and not old.ended.is_set():
            if new.ended.is_set() or (waited and self._can_take_over(new)):
                break
            await self._clock.sleep(TICK_MS / 1000)
            waited += TICK_MS
        if new.ended.is_set():
            await self._close(new, "over before it began")
            raise Disconnected(new.reason)

    async def _until_due(self, line: Line) -> None:
        """Return when the line has ended or should be replaced."""
        self.renew = ""
        end = asyncio.get_running_loop().create_task(line.ended.wait())
        try:
            while not end.done() and not line.is_due() and not self.renew:
                await asyncio.wait([end], timeout=TICK_MS / 1000)
        finally:
            end.cancel()

    async def _close(self, line: Line, reason: str) -> None:
        await line.close(reason)
        if line in self._lines:
            self._lines.remove(line)

    def _sockets(self) -> WebSocketTransport:
        if self._transport is not None:
            return self._transport
        if self._own is None:
            from kedge.venues.wire.aio import AioWebSockets

            self._own = AioWebSockets()
        return self._own
