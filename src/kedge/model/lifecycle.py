"""`Lifecycle`: a table of `(state, event) -> state`, what follows, and the picture of it.

A lifecycle is data. Each is written once, in a file that knows nothing else; a missing entry is an error, and the
diagram in the documentation is drawn from the same table, so neither can say what the other does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from kedge.model.errors import IllegalTransition

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class Lifecycle(dict[tuple[State, Event], State]):
    """The table of `what` (a phrase such as "an order"), which begins in `first`."""

    def __init__(self, what: str, first: State, table: Mapping[tuple[State, Event], State]) -> None:
        super().__init__(table)
        self.what = what
        self.first = first

    def after(self, state: State, event: Event) -> State:
        """The state after `event`; `IllegalTransition` where the table has no entry."""
        try:
            return self[state, event]
        except KeyError:
            raise IllegalTransition(f"{self.what} that is {state} cannot {event}") from None

    def diagram(self) -> str:
        """The table as a Mermaid state diagram, without what changes nothing."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.first}"]
        lines += [f"    {before} --> {after}: {event}" for (before, event), after in self.items() if before != after]
        return "\n".join(lines)
