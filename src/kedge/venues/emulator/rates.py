"""Counting what a client uses: weights in fixed windows of time, and what happens to those who do not listen.

A window begins at a whole multiple of its length, as the documented ones do. Who goes on after being told to stop is
banned, each time for longer.
"""

from __future__ import annotations

from kedge.model.instant import NS_PER_S


class Window:
    """A budget of `limit` in each window of `seconds`."""

    def __init__(self, name: str, seconds: int, limit: int) -> None:
        self.name = name
        self.limit = limit
        self._length = seconds * NS_PER_S
        self._window = -1
        self._used = 0

    def used(self, now: int) -> int:
        """How much of the current window is used."""
        return self._used if now // self._length == self._window else 0

    def add(self, amount: int, now: int) -> int:
        """Use `amount` (or give it back, where negative); what is used then."""
        self._used = max(self.used(now) + amount, 0)
        self._window = now // self._length
        return self._used

    def full(self, now: int) -> bool:
        """Whether the budget is overdrawn."""
        return self.used(now) > self.limit

    def seconds_left(self, now: int) -> int:
        """Until the next window, rounded up."""
        return -(-(self._length - now % self._length) // NS_PER_S)


class Penalties:
    """Who was told to stop and did not: after `patience` more requests a ban, twice as long each time."""

    def __init__(self, patience: int = 10, first_ban_s: int = 120, longest_ban_s: int = 259_200) -> None:
        self._patience = patience
        self._next_ban = first_ban_s * NS_PER_S
        self._longest = longest_ban_s * NS_PER_S
        self._warned = 0
        self._until = 0

    def banned_until(self, now: int) -> int:
        """When the ban ends, UTC ns; 0 where there is none."""
        return self._until if now < self._until else 0

    def offend(self, now: int) -> bool:
        """A request came although the budget is overdrawn; whether that made it a ban."""
        self._warned += 1
        if self._warned <= self._patience:
            return False
        self._warned = 0
        self._until = now + self._next_ban
        self._next_ban = min(self._next_ban * 2, self._longest)
        return True

    def behave(self) -> None:
        """The budget is not overdrawn any more."""
        self._warned = 0
