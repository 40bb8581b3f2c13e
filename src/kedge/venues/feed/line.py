"""A line: one connection from its first text to its end. It reads into the inbox, answers, and keeps itself open."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import Struct

from kedge.model.errors import WorldError
from kedge.model.instant import NS_PER_MS
from kedge.venues.feed.inbox import Full, Inbox
from kedge.venues.feed.talk import Dialled, Heard, StreamRules
from kedge.venues.gateway import Subscription
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.websocket import Disconnected, WebSocketConnection

#: Facts held back on a line that is not yet the current one.
HELD_MAX = 20_000


class Message(Struct, frozen=True):
    """A message of a line, with the time that it reached us."""

    line: Line
    data: str | bytes
    received: int


class Ended(Struct, frozen=True):
    """A line is over; its messages all stand before this in the inbox."""

    line: Line
    reason: str


class Line:
    """One connection. `held` are its facts as long as it is not the current one (`spilled`: some are missing); `over` says
    that no message of it counts any more.
    """

    def __init__(
        self,
        connection: WebSocketConnection,
        dialled: Dialled,
        wanted: list[Subscription],
        inbox: Inbox,
        clock: Clock,
        rules: StreamRules,
    ) -> None:
        self.talk = dialled.talk
        self.held: list[Any] = []
        self.spilled = False
        self.over = False
        self.opened_at = self.heard_at = clock.monotonic_ns()
        self.confirmed = asyncio.Event()
        self.ended = asyncio.Event()
        self.reason = ""
        self.leaving = ""
        self._connection = connection
        self._inbox = inbox
        self._clock = clock
        self._rules = rules
        self._missing = dict.fromkeys(wanted)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Send the opening and wait until everything is confirmed; `Disconnected` where that fails."""
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._read()))
        for text in self.talk.opening(self._clock.now_ns()):
            await self._connection.send(text)
        if not self._missing:
            self.confirmed.set()
        waits = [loop.create_task(event.wait()) for event in (self.confirmed, self.ended)]
        try:
            await asyncio.wait(waits, timeout=self._rules.confirm_ms_max / 1000, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.ended.is_set() or not self.confirmed.is_set():
            missing = ", ".join(f"{each.channel} {each.symbol}".strip() for each in self._missing)
            raise Disconnected(self.reason or f"not confirmed within {self._rules.confirm_ms_max} ms: {missing}")
        if self._rules.keep_alive_ms:
            self._tasks.append(loop.create_task(self._keep_alive()))

    def heard(self, heard: Heard) -> None:
        """Take note of what a message meant for the line itself."""
        for subscription in heard.confirmed:
            self._missing.pop(subscription, None)
        if not self._missing:
            self.confirmed.set()
        self.leaving = self.leaving or heard.leaving
        if heard.refused and not self.confirmed.is_set():
            self.reason = f"refused: {heard.refused}"
            self.ended.set()

    def hold(self, fact: Any) -> None:
        """Keep a fact until this line is the current one."""
        if len(self.held) < HELD_MAX:
            self.held.append(fact)
        else:
            self.spilled = True

    async def send(self, text: str) -> None:
        """Send a text; where the line is over, its reader says so."""
        try:
            await self._connection.send(text)
        except Disconnected as error:
            self.reason = self.reason or str(error)

    def is_due(self) -> str:
        """Why the line should be replaced while it still works; empty where it should not."""
        age_ms = (self._clock.monotonic_ns() - self.opened_at) // NS_PER_MS
        if self.leaving:
            return f"the venue is leaving: {self.leaving}"
        if self._rules.session_ms and age_ms >= self._rules.session_ms - self._rules.roll_before_ms:
            return f"the session of {self._rules.session_ms} ms ends soon"
        return ""

    def idle_ms(self) -> int:
        """For how long nothing at all has come."""
        return (self._clock.monotonic_ns() - self.heard_at) // NS_PER_MS

    async def close(self, reason: str) -> None:
        """End the line; what ended it against our will (a bug) is raised again."""
        self.reason = self.reason or reason
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await self._connection.close()
        self.ended.set()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _read(self) -> None:
        try:
            while True:
                data = await self._connection.receive()
                self.heard_at = self._clock.monotonic_ns()
                await self._inbox.message(Message(self, data, self._clock.now_ns()))
        except (WorldError, Full) as error:
            self.reason = self.reason or str(error)
        finally:
            self._inbox.word(Ended(self, self.reason))
            self.ended.set()
        await self._connection.close()

    async def _keep_alive(self) -> None:
        while not self.ended.is_set():
            await self._clock.sleep(self._rules.keep_alive_ms / 1000)
            for text in self.talk.keep_alive(self._clock.now_ns()):
                await self.send(text)
