"""Rebalancing: from a request for new budgets to the decision that sets them, or to the alert that says why not.

The request brings weights and, where correlated strategies are to share a budget, their returns; the shares are
computed here, by `CapitalAllocator` over a capital of one, so that the journal holds what was asked, what was decided
and all that the decision was made of. A replay decides the same.

A request that does not name exactly the session's strategies is refused: a strategy left out by mistake would
otherwise keep its budget, or lose it, without anyone having said so.
"""

from __future__ import annotations

from collections.abc import Iterator

from kedge.core.allocation.capital import CapitalAllocator
from kedge.core.state import State
from kedge.model.decisions import Alert, Decision, Rebalanced, Severity
from kedge.model.errors import UserError
from kedge.model.facts import RebalanceRequested
from kedge.model.money import ONE


class Rebalancer:
    """Decides about budgets."""

    def __init__(self, state: State) -> None:
        self._state = state

    def decide(self, request: RebalanceRequested) -> Iterator[Decision]:
        """The new budgets, or why the old ones stay."""
        before = self._state.budgets
        if request.weights.keys() != before.keys():
            odd = ", ".join(sorted(request.weights.keys() ^ before.keys()))
            yield _refused(request, f"the request and the session do not name the same strategies: {odd}")
            return
        try:
            allocator = CapitalAllocator(ONE, request.share_max, request.turnover_max)
            if request.returns:
                placed = allocator.allocate(request.returns, request.weights, before)
            else:
                placed = allocator.place(request.weights, before)
        except UserError as error:
            yield _refused(request, str(error))
            return
        yield Rebalanced(dict(before), dict(placed), placed.cash, request.reason, request.operator, placed.reasons)


def _refused(request: RebalanceRequested, why: str) -> Alert:
    asked = f" that {request.operator} asked for" if request.operator else ""
    return Alert(Severity.WARNING, f"the rebalancing{asked} is refused: {why}")
