"""The flow of everything, on one screen: a fact in, decisions out. Start reading here.

    fact ─ fold (market | orders | portfolio | clock) ─ what follows from the fact itself ─ guard: limits of
    the whole account, doubts, halts, a flatten under way ─ strategies → sizing → risk gate → approved or
    refused ─ decisions, each folded as it is made

Pure: the same state and the same fact give the same decisions. No clock, no I/O, no randomness; time is in
the fact. The caller journals the fact and the decisions and only then lets `Approved`, `CancelRequested` and
`QueryRequested` out.
"""

from __future__ import annotations

from kedge.core.desk import Desk
from kedge.model.decisions import Decision, Quarantined
from kedge.model.facts import Fact


def step(desk: Desk, fact: Fact) -> list[Decision]:
    """Fold `fact`, decide, and return the decisions in the order they were made.

    Records are numbered as they happen: the fact is `seq + 1`, its decisions follow.
    """
    state = desk.state
    page = desk.page = []

    follows = state.folds[type(fact)](fact)
    if follows:
        for decision in follows:
            desk.record(decision)
        if type(follows[0]) is Quarantined:  # not believed: nobody acts on it
            state.seq += 1 + len(page)
            return page

    if state.attention:
        desk.carry_out(desk.guard.react(fact))
        state.look()

    ask = desk.askers.get(type(fact))
    if ask is not None:
        wanted = ask(fact)
        if wanted:
            desk.act(wanted)

    state.seq += 1 + len(page)
    return page
