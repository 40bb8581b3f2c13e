"""When nothing may be sent: after a 429, a 418 or a `Retry-After`, until the venue's time is over.

ccxt says that a limit was broken and goes on sending; a venue bans who does. What ccxt's own queue refuses was not sent, and is
no reason to wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec import structs

from kedge.model.instant import NS_PER_S
from kedge.venues.answers import ErrorClass, Failed
from kedge.venues.shell import BAN_S, PAUSE_S
from kedge.venues.wire.clock import Clock

_STATUS: Final = re.compile(r"\b(429|418)\b")


class Pauses:
    """Until when nothing is sent. Measured on the monotonic clock, told in UTC."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_monotonic = 0

    def until(self) -> int:
        """When something may be sent again, UTC ns; 0 for now."""
        left = self._until_monotonic - self._clock.monotonic_ns()
        return self._clock.now_ns() + left if left > 0 else 0

    def learn(self, failed: Failed, text: str, exchanges: Iterable[Any]) -> Failed:
        """Take in a failure; where it is the venue's word that too much was asked, with the time when it ends."""
        if failed.kind is not ErrorClass.RETRY_LATER or "maxCapacity" in text:
            return failed
        status = _STATUS.search(text)
        waits = [_retry_after(each.last_response_headers) for each in exchanges]
        if status is None and not any(waits):
            return failed
        banned = status is not None and status[1] == "418"
        seconds = max(waits) or (BAN_S if banned else PAUSE_S)
        self._until_monotonic = max(self._until_monotonic, self._clock.monotonic_ns() + seconds * NS_PER_S)
        kind = ErrorClass.BANNED if banned else ErrorClass.RETRY_LATER
        return structs.replace(failed, kind=kind, retry_at=self.until())


def _retry_after(headers: Any) -> int:
    """Seconds that the venue's last answer asks to wait; 0 where it asks for none."""
    told = {str(name).lower(): str(value) for name, value in (headers or {}).items()}
    said = told.get("retry-after", "").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) < 8 else 0
