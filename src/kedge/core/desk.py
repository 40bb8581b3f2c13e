"""The desk: the state and everyone who decides about it, put together for one session.

`kedge.core.step.step` is the flow; this is who takes part in it. Whatever a decider wants passes through one
of three doors: `record` (a decision), `submit` (an order, through the gate), `cancel`. Each folds at once, so
the next question is asked of the state as it then is, and each leaves its line on the page of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kedge.core.algos import protection
from kedge.core.allocation.rebalancing import Rebalancer
from kedge.core.allocation.sizing import Sizer
from kedge.core.orders.manager import OrderManager
from kedge.core.risk.guard import Guard, disable
from kedge.core.risk.manager import RiskManager
from kedge.core.state import State
from kedge.core.strategy.registry import HOOKS, Failure, StrategyRegistry
from kedge.core.strategy.state_view import StateView
from kedge.model.decisions import (
    Alert,
    Approved,
    CancelRequested,
    Decision,
    Severity,
    SignalDropped,
    SignalRaised,
    StrategyDisabled,
    StrategyEnabled,
)
from kedge.model.facts import Fill, RebalanceRequested, TimerFired
from kedge.model.market import BookDelta, OrderBook
from kedge.model.order import OrderIntent
from kedge.model.signal import CancelOrders, Wish

#: What strategies want, each with its name.
Wanted = Sequence[tuple[str, Wish | Failure]]

#: Levels of each side of a book that strategies are shown after a change.
BOOK_LEVELS_SHOWN = 20


class Desk:
    """One session's state, strategies, sizing, gate, guard and order manager."""

    def __init__(self, state: State, strategies: StrategyRegistry) -> None:
        self.state = state
        self.strategies = strategies
        self.sizer = Sizer(state)
        self.risk = RiskManager(state.config, state)
        self.guard = Guard(state, {RebalanceRequested: Rebalancer(state).decide})
        self.orders = OrderManager(
            exchange=self,
            risk_manager=self.risk,
            orders=state.orders,
            next_id=self._next_id,
            now=lambda: state.now,
            fold=state.approve,
        )
        self.page: list[Decision] = []
        #: Who is asked about a kind of fact once it is folded and the guard has looked, and says what strategies want.
        self.askers: dict[type, Callable[[Any], Wanted]] = {
            **dict.fromkeys(HOOKS, strategies.react),
            BookDelta: self.show_book,
            Fill: self.follow,
            TimerFired: strategies.notify_timer,
        }
        self._signal_n = 0
        for entry in strategies.entries():
            entry.strategy.view = StateView(state, entry)

    # the three doors -------------------------------------------------------------------------------------------------

    def record(self, decision: Decision) -> None:
        """Fold a decision and put it on the page."""
        self.state.apply(decision)
        self.page.append(decision)
        kind = type(decision)
        if kind is StrategyDisabled or kind is StrategyEnabled:
            self._switch(decision)

    def submit(self, intent: OrderIntent) -> None:
        """Judge an order; approved or refused, the verdict is on the page."""
        verdict = self.orders.submit(intent)
        if type(verdict) is not Approved:
            self.page.append(verdict)
            if intent.reduce_only:
                self.record(Alert(Severity.WARNING, f"an exit was refused: {verdict.reason}", intent.symbol))  # type: ignore[union-attr]

    def place_order(self, approved: Approved) -> None:
        """The order manager's outbox: what is on the page leaves once it is durable."""
        self.page.append(approved)

    def cancel_order(self, request: CancelRequested) -> None:
        """The order manager's outbox for cancels."""
        self.page.append(request)

    # who decides -----------------------------------------------------------------------------------------------------

    def carry_out(self, wanted: Iterable[Decision | OrderIntent]) -> None:
        """Let each thing that a decider wants through its door before the decider looks further."""
        for thing in wanted:
            if type(thing) is OrderIntent:
                self.submit(thing)
            elif type(thing) is CancelRequested:
                self.orders.cancel(thing.order_id, thing.reason)
            else:
                self.record(thing)  # type: ignore[arg-type]

    def act(self, wanted: Wanted) -> None:
        """Turn what strategies want into orders and cancels; a strategy that failed is disabled."""
        state, page = self.state, self.page
        for strategy, wish in wanted:
            kind = type(wish)
            if kind is Failure:
                self.carry_out(disable(state, strategy, wish.reason))
                continue
            self._signal_n = state.next_record(len(page))
            page.append(SignalRaised(strategy, wish))  # type: ignore[arg-type]
            if kind is CancelOrders:
                self._cancel_for(strategy, wish)  # type: ignore[arg-type]
            else:
                self._order_for(strategy, wish)

    def show_book(self, delta: BookDelta) -> Wanted:
        """Show strategies the best levels of the book after a change, where one looks at books."""
        record = self.state.market.record(delta.symbol)
        if record is None or not self.strategies.reads(OrderBook):
            return ()
        bids, asks = record.book.top(BOOK_LEVELS_SHOWN)
        book = OrderBook(delta.ts, tuple(bids), tuple(asks), delta.symbol, delta.sequence, delta.received)
        return self.strategies.react(book)

    def follow(self, fill: Fill) -> Wanted:
        """What a fill brings with it: protection at once, then the strategy's own answer."""
        order = self.state.orders.find(fill.order_id)
        if order is None:
            return ()
        if protection.concerned(self.state, order):
            self.carry_out(protection.follow(self.state, order, fill))
        return self.strategies.notify(order.strategy, fill) if order.strategy else ()

    # inside ----------------------------------------------------------------------------------------------------------

    def _order_for(self, strategy: str, wish: object) -> None:
        page = self.page
        order_id = self._next_id(1)  # the sizing comes first
        sized = self.sizer.size(strategy, wish, order_id, self._signal_n)  # type: ignore[arg-type]
        if type(sized) is SignalDropped:
            page.append(sized)
            return
        how, intent = sized  # type: ignore[misc]
        page.append(how)
        self.submit(intent)

    def _cancel_for(self, strategy: str, wish: CancelOrders) -> None:
        orders = self.state.orders
        if wish.order_id:
            order = orders.active.get(wish.order_id)
            found = [] if order is None or (wish.symbol and order.symbol != wish.symbol) else [order]
        else:
            found = list((orders.by_symbol.get(wish.symbol, {}) if wish.symbol else orders.active).values())
        for order in found:
            if order.strategy == strategy:
                self.orders.cancel(order, wish.reason or "the strategy asked")

    def _next_id(self, ahead: int = 0) -> str:
        """Instance, epoch and the number of the record that is `ahead` of the next: unique for ever, the same in a
        second run (hazard H8).
        """
        state = self.state
        return f"{state.instance}-{state.epoch}-{state.next_record(len(self.page) + ahead)}"

    def _switch(self, decision: object) -> None:
        """Enable or disable in the registry what the state says; a name nobody has is only recorded."""
        name: str = decision.strategy  # type: ignore[attr-defined]
        if name in {entry.name for entry in self.strategies.entries()}:
            (self.strategies.enable if isinstance(decision, StrategyEnabled) else self.strategies.disable)(name)
