"""Virtual time, and what is due in it.

Nothing in an emulator reads a clock. The server moves the timeline along with the real one, a test moves it by hand, and
what is due is done in the order of its time, then of its asking.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[], None]


class Timeline:
    """Time in UTC nanoseconds, and the actions that wait for theirs."""

    def __init__(self, start_ns: int) -> None:
        self.now = start_ns
        self._due: list[tuple[int, int]] = []
        self._actions: dict[int, Action] = {}
        self._n = 0

    def at(self, when: int, action: Action) -> int:
        """Do `action` at `when` (now, where that is past); a number to call it off by."""
        self._n += 1
        self._actions[self._n] = action
        heappush(self._due, (max(when, self.now), self._n))
        return self._n

    def after(self, delay_ns: int, action: Action) -> int:
        """Do `action` in `delay_ns`."""
        return self.at(self.now + delay_ns, action)

    def every(self, period_ns: int, action: Action) -> None:
        """Do `action` at each whole multiple of `period_ns` from now on."""

        def again() -> None:
            action()
            self.at((self.now // period_ns + 1) * period_ns, again)

        self.at((self.now // period_ns + 1) * period_ns, again)

    def call_off(self, number: int) -> None:
        """Forget an action; one that was done already is no matter."""
        self._actions.pop(number, None)

    def advance(self, to: int) -> None:
        """Move time to `to`, doing what is due on the way; it never runs back."""
        while self._due and self._due[0][0] <= to:
            when, number = heappop(self._due)
            action = self._actions.pop(number, None)
            if action is not None:
                self.now = max(self.now, when)
                action()
        self.now = max(self.now, to)
