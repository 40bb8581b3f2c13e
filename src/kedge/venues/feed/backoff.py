"""How long to wait before the next attempt: twice as long each time, up to a bound, half of it by chance.

Chance keeps those who lost a venue together from coming back together (AWS, "Exponential Backoff And Jitter": equal
jitter). The generator is given, so that a run can be repeated.
"""

from __future__ import annotations

from random import Random


class Backoff:
    """Delays of one row of attempts, in seconds."""

    def __init__(self, first_ms: int, most_ms: int, dice: Random) -> None:
        self.attempts = 0
        self._first_ms = first_ms
        self._most_ms = most_ms
        self._dice = dice

    def next_seconds(self) -> float:
        """The delay before the next attempt: between half of `first x 2^n` and the whole, never above the bound."""
        whole = min(self._most_ms, self._first_ms << min(self.attempts, 30))
        self.attempts += 1
        return (whole + self._dice.random() * whole) / 2_000

    def reset(self) -> None:
        """An attempt held: begin anew."""
        self.attempts = 0
