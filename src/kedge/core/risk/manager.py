"""`RiskManager`: the one gate, and the only maker of `Approved`.

Every order, whoever wants it (strategy, bracket, flatten, operator), is judged here: all checks, each with its
figures, in the record. An order that strictly reduces exposure is let through whatever the checks say, halted or not,
and the record says which failures were waived: a halt must never lock the exit (control C15, hazard H48).
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, structs

from kedge.core.risk.assessment import Assessment
from kedge.core.risk.checks import CHECKS, values
from kedge.core.state import State
from kedge.model.decisions import Approved, CheckResult, Refused
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig
from kedge.model.market import MarketEvent
from kedge.model.money import ZERO
from kedge.model.order import Order, OrderIntent


class RiskCheckResult(Struct, frozen=True):
    """The verdict on an order; `reason` names every limit that refused it and the figure."""

    approved: bool
    reason: str
    checks: tuple[CheckResult, ...] = ()


class RiskManager:
    """Judges orders against the state it is given; alone, it keeps a state of its own that `observe` feeds."""

    def __init__(self, config: RiskConfig, state: State | None = None) -> None:
        self.state = State() if state is None else state
        if state is None:
            self.state.config = config

    @property
    def config(self) -> RiskConfig:
        """The limits in force: those of the session that the state has folded."""
        return self.state.config

    def judge(self, intent: OrderIntent) -> Approved | Refused:
        """Run every check; approve with all figures, or refuse with all figures and the reasons."""
        limits = self.state.config
        collar = (
            limits.price_collar_bps_max
            if not limits.symbols
            else limits.for_symbol(intent.symbol, "price_collar_bps_max")
        )
        if not _computable(intent):
            verdict = values(_Bare(intent, self.state.now), limits)  # type: ignore[arg-type]
            return Refused(intent, _reason([verdict]), (verdict,))
        assessment = Assessment(intent, self.state, collar or ZERO)
        results = [check(assessment, limits) for check in CHECKS]
        failed = [result for result in results if not result.passed]
        if failed and assessment.reducing:
            results = [result if result.passed else _waived(result) for result in results]
            failed = []
        if failed:
            return Refused(intent, _reason(failed), tuple(results))
        intent = structs.replace(intent, worst_price=assessment.worst_price)
        return Approved(intent, tuple(results))

    def check_order(self, order: Order | OrderIntent) -> RiskCheckResult:
        """The verdict on an order that is not submitted."""
        intent = order if isinstance(order, OrderIntent) else _as_intent(order)
        verdict = self.judge(intent)
        if isinstance(verdict, Approved):
            return RiskCheckResult(True, "", verdict.checks)
        return RiskCheckResult(False, verdict.reason, verdict.checks)

    def observe(self, fact: MarketEvent) -> None:
        """Fold a market fact into a state that no runner feeds."""
        self.state.fold(fact)

    def allow(self, instrument: Instrument) -> None:
        """Put an instrument on the list of what may be traded, in a state that no runner feeds."""
        self.state.instruments[instrument.symbol] = instrument
        self.state.portfolio.add_instrument(instrument)
        self.state.market.add_symbol(instrument.symbol)


class _Bare(Struct):
    """What `values` needs of an assessment when nothing can be computed."""

    intent: OrderIntent
    now: int


def _computable(intent: OrderIntent) -> bool:
    """Whether the figures of the order are numbers at all."""
    figures = (intent.quantity, intent.price, intent.stop_price, intent.trail)
    return all(figure is None or figure.is_finite() for figure in figures) and intent.quantity > ZERO


def _reason(failed: list[CheckResult]) -> str:
    return "; ".join(_describe(result) for result in failed)


def _describe(result: CheckResult) -> str:
    if result.limit is None:
        return f"{result.check}: {result.note}"
    figures = f"{_short(result.figure)} against {_short(result.limit)}"
    return f"{result.check}: {figures}" + (f" ({result.note})" if result.note else "")


def _short(figure: Decimal) -> str:
    return format(figure.normalize(), "f") if abs(figure.as_tuple().exponent) < 12 else f"{figure:.8f}"  # type: ignore[arg-type]


def _waived(result: CheckResult) -> CheckResult:
    return structs.replace(result, passed=True, note="waived: the order strictly reduces exposure")


def _as_intent(order: Order) -> OrderIntent:
    given = structs.asdict(order)
    return OrderIntent(**{name: given[name] for name in OrderIntent.__struct_fields__ if name in given})
