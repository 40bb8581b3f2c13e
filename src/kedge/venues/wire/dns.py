"""DNS as a port: the addresses of a host."""

from __future__ import annotations

from typing import Protocol

from kedge.model.errors import WorldError


class Unresolved(WorldError):
    """No address is known for the host, and none was known before."""


class Resolver(Protocol):
    """Answers with addresses; may answer from what it knew where the name service is down (hazard H42)."""

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Addresses of `host`, the first to be tried first; `Unresolved` where there is none."""
