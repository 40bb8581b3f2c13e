"""The table of the halt states: every pair is an entry or an error, and only an operator's resume leads back up."""

from __future__ import annotations

import pytest

from kedge.core.risk.halts import TABLE, HaltEvent
from kedge.model.decisions import HaltState
from kedge.model.errors import IllegalTransition

#: From the freest to the safest.
RANK = {state: rank for rank, state in enumerate(HaltState)}


def test_every_pair_of_state_and_event_is_in_the_table_or_an_error() -> None:
    for state in HaltState:
        for event in HaltEvent:
            if (state, event) in TABLE:
                assert TABLE.after(state, event) is TABLE[state, event]
            else:
                with pytest.raises(IllegalTransition, match=f"the system that is {state} cannot {event}"):
                    TABLE.after(state, event)


def test_c27_nothing_but_a_resume_leads_to_running() -> None:
    for (before, event), after in TABLE.items():
        assert after is not HaltState.RUNNING or event is HaltEvent.RESUME or before is HaltState.RUNNING
        if event is not HaltEvent.RESUME and (before, event) != (HaltState.FLAT, HaltEvent.FLATTEN):
            assert RANK[after] >= RANK[before], (before, event)


def test_in_the_middle_of_a_flatten_nobody_resumes() -> None:
    with pytest.raises(IllegalTransition):
        TABLE.after(HaltState.FLATTENING, HaltEvent.RESUME)


def test_the_picture_has_every_move_and_where_it_begins() -> None:
    drawn = TABLE.diagram().splitlines()
    assert drawn[:2] == ["stateDiagram-v2", f"    [*] --> {TABLE.first}"]
    assert len(drawn) == 2 + sum(before != after for (before, _), after in TABLE.items())
