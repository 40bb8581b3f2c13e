"""`Guard`: what must be done because of a fact, whatever the strategies want.

It looks at every fact while there is anything to look after: a broken loss limit, a row of errors, an order
whose outcome nobody knows, a strategy that trades too often, an operator's command, a flatten under way. Each
thing it wants is a decision (or a closing order, which goes through the gate like any other), folded before
it looks further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from kedge.core.risk import flatten
from kedge.core.risk.breaker import CircuitBreaker
from kedge.core.risk.halts import TABLE, HaltEvent
from kedge.core.state import State
from kedge.model import decisions as d
from kedge.model import facts as f
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.order import OrderIntent

Wanted = Iterator[d.Decision | OrderIntent]
QUERY_EVERY_NS = NS_PER_S
QUERY = "query:"


class Guard:
    """Watches over limits that are about the whole account and over orders in doubt.

    `others` answers facts that are not about risk, by their type: whoever puts the deciders together adds them.
    """

    def __init__(self, state: State, others: Mapping[type, Callable[[Any], Wanted]] | None = None) -> None:
        self._state = state
        self._breaker = CircuitBreaker(state.config, state)
        self._by_fact: dict[type, Callable[[Any], Wanted]] = {
            f.OperatorCommand: self._operator,
            f.OutcomeUnknown: self._unknown,
            f.CancelRejected: self._unknown,
            f.OrderReport: self._reported,
            f.OrderAmended: self._amended,
            f.TimerFired: self._timer,
            f.Fill: self._throttle,
            f.OrderRejected: self._ended,
            f.OrderExpired: self._ended,
            f.OrderCancelled: self._ended,
            **(others or {}),
        }

    def react(self, fact: f.Fact) -> Wanted:
        """Everything this fact makes necessary, in order."""
        state = self._state
        own = self._by_fact.get(type(fact))
        if own is not None:
            yield from own(fact)
        if state.halt is not d.HaltState.FLATTENING and state.halt is not d.HaltState.FLAT:
            if state.watches_equity:
                yield from self._losses()
            if state.errors_in_a_row:
                yield from self._errors(fact)
        if state.halt is d.HaltState.HALTED:
            yield from self._cancel_openers()
        if state.halt is d.HaltState.FLATTENING:
            yield from flatten.next_actions(state)
        elif state.halt is d.HaltState.FLAT and (state.portfolio.held() or state.orders.active):
            yield from self._late_arrivals()

    def _losses(self) -> Wanted:
        limits, performance = self._state.config, self._state.performance
        event = HaltEvent.FLATTEN if limits.loss_action == "flatten" else HaltEvent.HALT
        if TABLE[self._state.halt, event] is self._state.halt:
            return
        for name, figure, bound in (
            ("daily_loss_max", performance.daily_loss, limits.daily_loss_max),
            ("drawdown_ratio_max", performance.drawdown, limits.drawdown_ratio_max),
        ):
            if bound is not None and not figure < bound:
                yield from self._move(event, f"{name}: {_figure(figure)} against {bound}")
                return
        if limits.strategy_loss_max is not None:
            yield from self._strategy_losses(limits.strategy_loss_max)

    def _strategy_losses(self, bound: Decimal) -> Wanted:
        state = self._state
        for strategy in state.portfolio.losers(bound, state.price):
            if strategy not in state.disabled:
                loss = -state.portfolio.strategy_profit(strategy, state.price)
                yield from disable(state, strategy, f"strategy_loss_max: {_figure(loss)} against {bound}")

    def _errors(self, fact: f.Fact) -> Wanted:
        change = self._breaker.due(getattr(fact, "reason", "") or type(fact).__name__)
        if change is not None:
            yield change
            yield d.Alert(d.Severity.CRITICAL, change.reason)

    def _throttle(self, fill: f.Fill) -> Wanted:
        """A strategy that executes too often within the window is disabled (C9)."""
        state, limits = self._state, self._state.config
        order = state.orders.find(fill.order_id)
        if limits.executions_per_window_max is None or order is None or not order.strategy:
            return
        times = state.executions.get(order.strategy, ())
        if len(times) > limits.executions_per_window_max and order.strategy not in state.disabled:
            reason = f"executions_per_window_max: {len(times)} against {limits.executions_per_window_max}"
            yield from disable(state, order.strategy, reason)

    def _unknown(self, fact: f.OutcomeUnknown | f.CancelRejected) -> Wanted:
        """Nobody knows what became of the order: ask, and ask again."""
        order = self._state.orders.find(fact.order_id)
        if order is None or not order.is_active:
            return
        if isinstance(fact, f.OutcomeUnknown):
            yield d.Alert(d.Severity.WARNING, f"the outcome of {order.id} is unknown: {fact.reason}", order.symbol)
        yield from self._ask(order.id, fact.reason)

    def _amended(self, fact: f.OrderAmended) -> Wanted:
        """An order that had ended, as far as we knew, was made larger: ask what it is."""
        if fact.order_id in self._state.orders.unknown:
            yield from self._ask(fact.order_id, "amended by somebody else")

    def _ask(self, order_id: str, reason: str) -> Wanted:
        """Ask now, unless a timer asks: a line that fails at once must not be asked as fast as it fails."""
        if QUERY + order_id not in self._state.timers.due:
            yield d.QueryRequested(order_id, reason)
            yield d.TimerSet(QUERY + order_id, self._state.now + QUERY_EVERY_NS)

    def _ended(self, fact: f.OrderRejected | f.OrderExpired | f.OrderCancelled) -> Wanted:
        """A closing order of a flatten came to nothing, or not to all of it: the next one waits a little."""
        order = self._state.orders.find(fact.order_id)
        if order is not None and order.tag == flatten.TAG and self._state.halt is d.HaltState.FLATTENING:
            yield d.TimerSet(flatten.RETRY, self._state.now + flatten.RETRY_EVERY_NS)

    def _reported(self, fact: f.OrderReport) -> Wanted:
        """The venue answered: if it said what the order is, the asking ends."""
        if fact.status is None:
            return
        order = self._state.orders.find(fact.order_id)
        if order is not None and not order.outcome_unknown and QUERY + order.id in self._state.timers.due:
            yield d.TimerSet(QUERY + order.id, 0)

    def _timer(self, fact: f.TimerFired) -> Wanted:
        if not fact.name.startswith(QUERY):
            return
        state = self._state
        order = state.orders.active.get(fact.name.removeprefix(QUERY))
        if order is None:
            return
        since = state.orders.unknown.get(order.id)
        bound = state.config.unknown_age_ms_max
        if since is not None and state.now - since > bound * NS_PER_MS and state.halt is d.HaltState.RUNNING:
            yield from self._move(HaltEvent.HALT, f"the outcome of {order.id} is unknown for more than {bound} ms")
        yield d.QueryRequested(order.id, "asked again")
        yield d.TimerSet(fact.name, state.now + QUERY_EVERY_NS)

    def _operator(self, command: f.OperatorCommand) -> Wanted:
        state, action = self._state, command.action
        event = _OPERATOR_EVENTS.get(action)
        if event is not None:
            if (state.halt, event) not in TABLE:
                yield d.Alert(d.Severity.WARNING, f"{action} by {command.operator} is not possible while {state.halt}")
            else:
                yield from self._move(event, command.reason, command.operator)
        elif action is f.OperatorAction.ENABLE_STRATEGY:
            yield d.StrategyEnabled(command.target, command.operator)
        elif action is f.OperatorAction.DISABLE_STRATEGY:
            yield from disable(state, command.target, f"{command.operator}: {command.reason}")
        elif action is f.OperatorAction.UNBLOCK_SYMBOL:
            for cause in list(state.blocked.get(command.target, {})):
                yield d.SymbolUnblocked(command.target, cause)
        elif action is f.OperatorAction.CANCEL_ALL:
            for order in list(state.orders.active.values()):
                if not order.cancel_requested:
                    yield d.CancelRequested(order.id, f"{command.operator}: {command.reason}")

    def _cancel_openers(self) -> Wanted:
        """Halted: what works and may increase exposure is cancelled; protection stays."""
        for order in list(self._state.orders.active.values()):
            if not order.reduce_only and not order.cancel_requested:
                yield d.CancelRequested(order.id, "halted")

    def _late_arrivals(self) -> Wanted:
        """Something filled after all was flat: flatten again."""
        held = [position for position in self._state.portfolio.held() if not flatten.is_dust(self._state, position)]
        if held or self._state.orders.active:
            yield from self._move(HaltEvent.FLATTEN, "a position or an order came back after all was flat")
            yield from flatten.next_actions(self._state)

    def _move(self, event: HaltEvent, reason: str, operator: str = "") -> Wanted:
        before = self._state.halt
        yield d.HaltChanged(before, TABLE.after(before, event), reason, operator)
        if not operator:
            yield d.Alert(d.Severity.CRITICAL, f"{event}: {reason}")


def disable(state: State, strategy: str, reason: str) -> Wanted:
    """Disable a strategy and cancel its orders; its protective orders stay, for its position does."""
    yield d.StrategyDisabled(strategy, reason)
    yield d.Alert(d.Severity.CRITICAL, f"strategy {strategy} is disabled: {reason}", strategy)
    for order in list(state.orders.active.values()):
        if order.strategy == strategy and not order.reduce_only and not order.cancel_requested:
            yield d.CancelRequested(order.id, f"strategy {strategy} is disabled")


def _figure(figure: Decimal) -> str:
    return f"{figure:.8f}".rstrip("0").rstrip(".")


_OPERATOR_EVENTS = {
    f.OperatorAction.HALT: HaltEvent.HALT,
    f.OperatorAction.REDUCE: HaltEvent.REDUCE,
    f.OperatorAction.FLATTEN: HaltEvent.FLATTEN,
    f.OperatorAction.RESUME: HaltEvent.RESUME,
}
