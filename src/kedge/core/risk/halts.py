"""How much the system may do, as a table.

    running     everything that risk approves
    reducing    exits only: nothing opens from flat, nothing flips; what works stays
    halted      exits only, and working orders that may increase exposure are cancelled
    flattening  everything is cancelled, confirmed, and closed reduce-only within the book
    flat        confirmed flat; latched

The system moves itself only towards less. Back to `running` leads an operator's named command and nothing
else: no timer, no restart, no upgrade (control C27). A missing entry is an error: in the middle of a flatten
nobody resumes.
"""

from __future__ import annotations

from enum import StrEnum

from kedge.model.decisions import HaltState
from kedge.model.lifecycle import Lifecycle

H = HaltState


class HaltEvent(StrEnum):
    """What can move the halt state."""

    REDUCE = "reduce"
    HALT = "halt"
    FLATTEN = "flatten"
    FLATTENED = "flattened"
    RESUME = "resume"


E = HaltEvent

TABLE: Lifecycle[HaltState, HaltEvent] = Lifecycle(
    "the system",
    H.RUNNING,
    {
        (H.RUNNING, E.REDUCE): H.REDUCING,
        (H.RUNNING, E.HALT): H.HALTED,
        (H.RUNNING, E.FLATTEN): H.FLATTENING,
        (H.RUNNING, E.RESUME): H.RUNNING,
        (H.REDUCING, E.REDUCE): H.REDUCING,
        (H.REDUCING, E.HALT): H.HALTED,
        (H.REDUCING, E.FLATTEN): H.FLATTENING,
        (H.REDUCING, E.RESUME): H.RUNNING,
        (H.HALTED, E.REDUCE): H.HALTED,
        (H.HALTED, E.HALT): H.HALTED,
        (H.HALTED, E.FLATTEN): H.FLATTENING,
        (H.HALTED, E.RESUME): H.RUNNING,
        (H.FLATTENING, E.REDUCE): H.FLATTENING,
        (H.FLATTENING, E.HALT): H.FLATTENING,
        (H.FLATTENING, E.FLATTEN): H.FLATTENING,
        (H.FLATTENING, E.FLATTENED): H.FLAT,
        (H.FLAT, E.REDUCE): H.FLAT,
        (H.FLAT, E.HALT): H.FLAT,
        (H.FLAT, E.FLATTEN): H.FLATTENING,
        (H.FLAT, E.RESUME): H.RUNNING,
    },
)
