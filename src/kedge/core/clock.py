"""Timers: asked for by a decision, answered by a fact.

The core has no clock. It asks for a wake-up with `TimerSet`, the edge (live: an event loop, backtest: the
simulated clock) answers with `TimerFired`, and both are in the journal, so a replay sees the same time.
"""

from __future__ import annotations


class Timers:
    """The timers asked for and not yet fired, by name."""

    __slots__ = ("due",)

    def __init__(self) -> None:
        self.due: dict[str, int] = {}

    def set(self, name: str, due_ns: int) -> None:
        """Ask for `name` at `due_ns`; zero drops it."""
        if due_ns:
            self.due[name] = due_ns
        else:
            self.due.pop(name, None)

    def fired(self, name: str) -> bool:
        """Whether `name` was awaited; it no longer is."""
        return self.due.pop(name, None) is not None

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        return dict(sorted(self.due.items()))
