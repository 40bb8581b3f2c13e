"""The clock and the name service of this machine. The one place under `kedge.venues` where time is read."""

from __future__ import annotations

import asyncio
import socket
import time

from kedge.venues.wire.dns import Unresolved


class SystemClock:
    """The machine's clocks; delays run on the event loop's timer, which is its monotonic clock."""

    def now_ns(self) -> int:
        """UTC nanoseconds since 1970; may jump."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; never runs back."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
        await asyncio.sleep(seconds)


class SystemResolver:
    """Asks the machine's name service, in a thread of the loop's pool; it remembers nothing."""

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Addresses of `host`, IPv4 first; `Unresolved` where the name service knows none or does not answer."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # the second: no name, such as one with an empty label
            raise Unresolved(f"no address for {host}: {error}") from None
        order = sorted(found, key=lambda each: each[0] is not socket.AF_INET)
        return tuple(dict.fromkeys(str(address[0]) for *_, address in order))
