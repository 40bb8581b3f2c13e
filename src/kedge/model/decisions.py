"""Decisions: everything the core decides. A closed union; each is journaled and folded into the state.

Three of them leave the process: `Approved`, `CancelRequested` and `QueryRequested`; `TimerSet` asks the
runner for a fact later. A refusal is a decision like any other, with every check and the figures that
decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from kedge.model.money import ZERO
from kedge.model.order import OrderIntent, Side
from kedge.model.signal import CancelOrders, Signal


class HaltState(StrEnum):
    """How much the system may do; the table of changes is `kedge.core.risk.halts`."""

    RUNNING = "running"
    REDUCING = "reducing"
    HALTED = "halted"
    FLATTENING = "flattening"
    FLAT = "flat"


class Severity(StrEnum):
    """How soon a human must look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class CheckResult(Struct, frozen=True, gc=False):
    """One check of one order: its name, whether it passed, the figure it saw, the limit it held it against where
    that is a number, and a word where one is needed.
    """

    check: str
    passed: bool
    figure: Decimal = ZERO
    limit: Decimal | None = None
    note: str = ""


class Checks(Struct, frozen=True, gc=False, omit_defaults=True):
    """Every check of one order, in columns: `names` and `limits` (as text, empty where it is no number) are those of
    the symbol and shared by all its orders, `figures` are this order's own. `failed` names what did not pass, `notes`
    what there is to say of a check. Iterating gives a `CheckResult` each.
    """

    names: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    figures: tuple[Decimal, ...] = ()
    failed: tuple[str, ...] = ()
    notes: dict[str, str] = {}

    def __iter__(self) -> Iterator[CheckResult]:
        for name, limit, figure in zip(self.names, self.limits, self.figures, strict=True):
            bound = Decimal(limit) if limit else None
            yield CheckResult(name, name not in self.failed, figure, bound, self.notes.get(name, ""))

    def __len__(self) -> int:
        return len(self.names)


#: An order that was not judged, or by nobody who says how.
UNCHECKED = Checks()


class SignalRaised(Struct, frozen=True, gc=False, tag="signal"):
    """A strategy wants something: a trade, a position, or the end of orders."""

    strategy: str
    wish: Signal | CancelOrders


class SignalDropped(Struct, frozen=True, gc=False, tag="signal_dropped"):
    """A signal that became no order, and why."""

    strategy: str
    symbol: str
    reason: str


class Sized(Struct, frozen=True, gc=False, tag="sized"):
    """How a signal became a quantity: the budget and price it was divided by, or `asked` where the signal
    said it.
    """

    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    rule: str
    budget: Decimal = ZERO
    price: Decimal = ZERO


class Approved(Struct, frozen=True, gc=False, tag="approved"):
    """Risk lets this order go. Only `kedge.core.risk` makes one, and a venue takes nothing else.

    `worst_price` is the price at which risk valued it: nothing it can fill at is worse for a limit.
    """

    intent: OrderIntent
    worst_price: Decimal = ZERO
    checks: Checks = UNCHECKED


class Refused(Struct, frozen=True, gc=False, tag="refused"):
    """Risk does not let this order go; `reason` names the limit and the figure."""

    intent: OrderIntent
    reason: str
    checks: Checks = UNCHECKED


class CancelRequested(Struct, frozen=True, gc=False, tag="cancel_requested"):
    """Ask the venue to end an order; it lives until the venue says otherwise."""

    order_id: str
    reason: str


class QueryRequested(Struct, frozen=True, gc=False, tag="query_requested"):
    """Ask the venue, by client id, what an order is."""

    order_id: str
    reason: str


class TimerSet(Struct, frozen=True, gc=False, tag="timer_set"):
    """Ask for a `TimerFired` fact at `due_ns`; setting a name again replaces it, zero drops it."""

    name: str
    due_ns: int


class Booked(Struct, frozen=True, gc=False, tag="booked"):
    """What a fill did: the position of account and strategy after it, and the money it moved (account
    currency).
    """

    order_id: str
    trade_id: str
    symbol: str
    strategy: str
    position: Decimal
    average_price: Decimal
    realized: Decimal
    fee: Decimal
    cash: Decimal
    strategy_position: Decimal = ZERO


class Quarantined(Struct, frozen=True, gc=False, tag="quarantined"):
    """A fact that was not believed: `rule` names the one it broke."""

    fact: str
    symbol: str
    rule: str
    value: str


class StrategyDisabled(Struct, frozen=True, gc=False, tag="strategy_disabled"):
    """A strategy gets no more facts and its orders are cancelled; only an operator enables it again."""

    strategy: str
    reason: str


class StrategyEnabled(Struct, frozen=True, gc=False, tag="strategy_enabled"):
    """An operator let a strategy run again."""

    strategy: str
    operator: str


class SymbolBlocked(Struct, frozen=True, gc=False, tag="symbol_blocked"):
    """No new risk on this symbol, for this cause; exits go on."""

    symbol: str
    cause: str
    reason: str


class SymbolUnblocked(Struct, frozen=True, gc=False, tag="symbol_unblocked"):
    """The cause of a block is gone."""

    symbol: str
    cause: str


class HaltChanged(Struct, frozen=True, gc=False, tag="halt_changed"):
    """The halt state moved; `operator` is empty where the system itself decided."""

    before: HaltState
    after: HaltState
    reason: str
    operator: str = ""


class Rebalanced(Struct, frozen=True, gc=False, tag="rebalanced"):
    """The strategies' budgets, as shares of the equity, before and after; `cash` is the share that nobody has now.

    They count from the next signal on: nothing is bought or sold because of a budget. `notes` say what was asked for
    and not done.
    """

    before: dict[str, Decimal]
    after: dict[str, Decimal]
    cash: Decimal
    reason: str
    operator: str = ""
    notes: tuple[str, ...] = ()


class Alert(Struct, frozen=True, gc=False, tag="alert"):
    """Something a human must see."""

    severity: Severity
    what: str
    subject: str = ""


Decision = (
    SignalRaised
    | SignalDropped
    | Sized
    | Approved
    | Refused
    | CancelRequested
    | QueryRequested
    | TimerSet
    | Booked
    | Quarantined
    | StrategyDisabled
    | StrategyEnabled
    | SymbolBlocked
    | SymbolUnblocked
    | HaltChanged
    | Rebalanced
    | Alert
)

#: What leaves the process.
Command = Approved | CancelRequested | QueryRequested
