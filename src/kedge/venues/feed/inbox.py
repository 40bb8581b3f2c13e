"""The bounded queue between the socket and the one task that folds what was heard.

Messages are bounded in number; when there is no room the policy has it, and the policy has a name:

    RESYNC    the connection is given up and made anew, with snapshots: nothing is dropped that is then believed
    BLOCK     the socket is not read until there is room: the venue sees a slow client, and may end the connection

Dropping single messages is no policy here: a trade that is gone shows nowhere. Words of our own (a line ended, a snapshot
came) are few and always have room, in their place among the messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from typing import Any


class Overflow(StrEnum):
    """What happens to a message for which there is no room."""

    RESYNC = "resync"
    BLOCK = "block"


class Full(Exception):
    """There is no room, and the policy is not to wait."""


class Inbox:
    """First in, first out; one taker, any number of givers."""

    def __init__(self, messages_max: int, overflow: Overflow) -> None:
        self.messages_max = messages_max
        self.overflow = overflow
        self._items: deque[tuple[Any, bool]] = deque()
        self._messages = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    async def message(self, item: Any) -> None:
        """Put a message in; `Full` or a wait where there is no room."""
        while self._messages >= self.messages_max:
            if self.overflow is Overflow.RESYNC:
                raise Full(f"{self._messages} messages wait, more than may")
            self._room.clear()
            await self._room.wait()
        self._messages += 1
        self._put(item, is_message=True)

    def word(self, item: Any) -> None:
        """Put a word of our own in."""
        self._put(item, is_message=False)

    async def take(self) -> Any:
        """The oldest item, when there is one."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        item, is_message = self._items.popleft()
        if is_message:
            self._messages -= 1
            self._room.set()
        return item

    def _put(self, item: Any, *, is_message: bool) -> None:
        self._items.append((item, is_message))
        self._filled.set()
