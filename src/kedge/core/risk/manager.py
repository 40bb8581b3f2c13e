"""`RiskManager`: the one gate, and the only maker of `Approved`.

Every order, whoever wants it (strategy, bracket, flatten, operator), is judged here: all checks, each with
its figures, in the record. An order that strictly reduces exposure is let through whatever the checks say,
halted or not, and the record says which failures were waived: a halt must never lock the exit (control C15,
hazard H48).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct, structs

from kedge.core.risk.assessment import Assessment
from kedge.core.risk.checks import Check, bind, flaw
from kedge.core.state import State
from kedge.model.decisions import Approved, CheckResult, Refused
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig
from kedge.model.market import MarketEvent
from kedge.model.money import ZERO
from kedge.model.order import Order, OrderIntent, intent_of


class RiskCheckResult(Struct, frozen=True):
    """The verdict on an order; `reason` names every limit that refused it and the figure."""

    approved: bool
    reason: str
    checks: tuple[CheckResult, ...] = ()


class Bound(Struct, frozen=True):
    """The checks of one symbol, bound to the limits and the instrument they were bound from."""

    limits: RiskConfig
    listed: Instrument | None
    collar: Decimal
    checks: tuple[tuple[Check, Any], ...]


class RiskManager:
    """Judges orders against the state it is given; alone, it keeps a state of its own that `observe`
    feeds.
    """

    def __init__(self, config: RiskConfig, state: State | None = None) -> None:
        self.state = State() if state is None else state
        if state is None:
            self.state.config = config
        self._bound: dict[str, Bound] = {}

    @property
    def config(self) -> RiskConfig:
        """The limits in force: those of the session that the state has folded."""
        return self.state.config

    def judge(self, intent: OrderIntent) -> Approved | Refused:
        """Run every check; approve with all figures, or refuse with all figures and the reasons."""
        bound = self._bind(intent.symbol)
        wrong = flaw(intent, self.state.now)
        if wrong and not _computable(intent):
            verdict = CheckResult("values", False, ZERO, None, wrong)
            return Refused(intent, _describe(verdict), (verdict,))
        assessment = Assessment(intent, self.state, bound.listed, bound.collar, wrong)
        results = [check(assessment, limit) for check, limit in bound.checks]
        failed = [result for result in results if not result.passed]
        if failed and assessment.reducing:
            results = [result if result.passed else _waived(result) for result in results]
        elif failed:
            return Refused(intent, "; ".join(map(_describe, failed)), tuple(results))
        return Approved(intent, assessment.worst_price, tuple(results))

    def check_order(self, order: Order | OrderIntent) -> RiskCheckResult:
        """The verdict on an order that is not submitted."""
        verdict = self.judge(order if isinstance(order, OrderIntent) else intent_of(order))
        if isinstance(verdict, Approved):
            return RiskCheckResult(True, "", verdict.checks)
        return RiskCheckResult(False, verdict.reason, verdict.checks)

    def observe(self, fact: MarketEvent) -> None:
        """Fold a market fact into a state that no runner feeds."""
        self.state.fold(fact)

    def allow(self, instrument: Instrument) -> None:
        """Put an instrument on the list of what may be traded, in a state that no runner feeds."""
        self.state.know(instrument)

    def _bind(self, symbol: str) -> Bound:
        """The bound checks of `symbol`, bound anew when the limits or the instrument changed."""
        limits, listed = self.state.config, self.state.instruments.get(symbol)
        bound = self._bound.get(symbol)
        if bound is None or bound.limits is not limits or bound.listed is not listed:
            collar = limits.for_symbol(symbol, "price_collar_bps_max") or ZERO
            bound = self._bound[symbol] = Bound(limits, listed, collar, bind(symbol, listed, limits))
        return bound


def _computable(intent: OrderIntent) -> bool:
    """Whether the figures of the order are numbers at all; nothing can be computed from others."""
    price, stop, trail = intent.price, intent.stop_price, intent.trail
    return (
        intent.quantity.is_finite()
        and intent.quantity > ZERO
        and (price is None or price.is_finite())
        and (stop is None or stop.is_finite())
        and (trail is None or trail.is_finite())
    )


def _describe(result: CheckResult) -> str:
    if result.limit is None:
        return f"{result.check}: {result.note}"
    figures = f"{_short(result.figure)} against {_short(result.limit)}"
    return f"{result.check}: {figures}" + (f" ({result.note})" if result.note else "")


def _short(figure: Decimal) -> str:
    """A figure for people: at most eight decimals."""
    text = f"{figure:.8f}"
    return text.rstrip("0").rstrip(".") or "0"


def _waived(result: CheckResult) -> CheckResult:
    return structs.replace(result, passed=True, note="waived: the order strictly reduces exposure")
