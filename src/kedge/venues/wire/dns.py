"""DNS as a port: the addresses of a host.

A name service that is down must not take a connection with it that could still be made (hazard H42): addresses that
worked a minute ago work now. `RememberingResolver` answers from what it knew, for as long as it is told to, and says how
old the answer is.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from kedge.model.errors import WorldError
from kedge.model.instant import NS_PER_S
from kedge.venues.wire.clock import Clock

#: Hosts remembered; a venue has a handful.
HOSTS_MAX = 256


class Unresolved(WorldError):
    """No address is known for the host, and none was known before."""


class Resolver(Protocol):
    """Answers with addresses; may answer from what it knew where the name service is down (hazard H42)."""

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Addresses of `host`, the first to be tried first; `Unresolved` where there is none."""


class RememberingResolver:
    """Asks `inner` each time, and answers from memory when that fails and the memory is at most `age_s_max` old."""

    def __init__(self, inner: Resolver, clock: Clock, age_s_max: int = 86_400) -> None:
        self._inner = inner
        self._clock = clock
        self._age_ns_max = age_s_max * NS_PER_S
        self._known: OrderedDict[str, tuple[int, tuple[str, ...]]] = OrderedDict()

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Addresses of `host`, fresh where the name service answers."""
        try:
            addresses = await self._inner.resolve(host)
        except Unresolved:
            known = self._known.get(host)
            if known is None or self._clock.monotonic_ns() - known[0] > self._age_ns_max:
                raise
            return known[1]
        self._known[host] = self._clock.monotonic_ns(), addresses
        self._known.move_to_end(host)
        if len(self._known) > HOSTS_MAX:
            self._known.popitem(last=False)
        return addresses

    def age_ns(self, host: str) -> int | None:
        """How long ago the name service last gave an address of `host`; `None` where it never did."""
        known = self._known.get(host)
        return None if known is None else self._clock.monotonic_ns() - known[0]
