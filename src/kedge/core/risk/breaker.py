"""`CircuitBreaker`: too many errors in a row, or a broken limit, and the system flattens and stays so.

It counts what went wrong without a success in between; at `errors_in_a_row_max` it trips. Tripping is a
decision (`HaltChanged` to flattening), so it is in the journal, survives a restart with the state, and only
an operator's command with a reason resets it.
"""

from __future__ import annotations

from kedge.core.risk.halts import TABLE, HaltEvent
from kedge.core.state import State
from kedge.model.decisions import HaltChanged, HaltState
from kedge.model.limits import RiskConfig


class CircuitBreaker:
    """Trips the halt state of the state it is given; alone, it keeps a state of its own."""

    def __init__(self, config: RiskConfig, state: State | None = None) -> None:
        self._state = State() if state is None else state
        self._bound = config.errors_in_a_row_max if state is None else None

    @property
    def is_tripped(self) -> bool:
        """Whether the system is anything but running."""
        return self._state.halt is not HaltState.RUNNING

    def record_success(self) -> None:
        """Something worked: the row of errors is over."""
        self._state.errors_in_a_row = 0

    def record_error(self, error: Exception | str) -> HaltChanged | None:
        """Something failed; trips when there were too many in a row."""
        self._state.errors_in_a_row += 1
        return self.due(str(error))

    def due(self, last: str) -> HaltChanged | None:
        """The trip that the count of errors asks for, if it does."""
        bound = self._state.config.errors_in_a_row_max if self._bound is None else self._bound
        count = self._state.errors_in_a_row
        if self.is_tripped or count < bound:
            return None
        return self.trip(f"{count} errors in a row, the last: {last}")

    def trip(self, reason: str, event: HaltEvent = HaltEvent.FLATTEN, operator: str = "") -> HaltChanged:
        """Move the halt state, here by flattening unless told less; the decision is to be journaled."""
        before = self._state.halt
        change = HaltChanged(before, TABLE.after(before, event), reason, operator)
        self._state.apply(change)
        return change
