"""`RiskManager`: the one gate, and the only maker of `Approved`.

Every order, whoever wants it (strategy, bracket, flatten, operator), is judged here: all checks, each with
its figures, in the record. An order that strictly reduces exposure is let through whatever the checks say,
halted or not, and the record says which failures were waived: a halt must never lock the exit (control C15,
hazard H48).
"""

from __future__ import annotations

from decimal import Decimal

from kedge.core.risk.assessment import Assessment
from kedge.core.risk.binding import Binding, RiskCheckResult
from kedge.core.risk.checks import bind, flaw
from kedge.core.risk.finding import Answer, Finding, short
from kedge.core.state import State
from kedge.model.decisions import Approved, CheckResult, Checks, Refused
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig
from kedge.model.market import MarketEvent
from kedge.model.money import ZERO
from kedge.model.order import Order, OrderIntent, intent_of


class RiskManager:
    """Judges orders against the state it is given; alone, it keeps a state of its own that `observe`
    feeds.
    """

    def __init__(self, config: RiskConfig, state: State | None = None) -> None:
        self.state = State() if state is None else state
        if state is None:
            self.state.config = config
        self._bound: dict[str, Binding] = {}

    @property
    def config(self) -> RiskConfig:
        """The limits in force: those of the session that the state has folded."""
        return self.state.config

    def judge(self, intent: OrderIntent) -> Approved | Refused:
        """Run every check; approve with all figures, or refuse with all figures and the reasons."""
        state, symbol = self.state, intent.symbol
        bound = self._bound.get(symbol)
        if bound is None or bound.config is not state.config or bound.listed is not state.instruments.get(symbol):
            bound = self._bind(symbol)
        wrong = flaw(intent, state.now)
        if wrong and not _computable(intent):
            return Refused(
                intent, f"values: {wrong}", Checks(("values",), ("",), (ZERO,), ("values",), {"values": wrong})
            )
        assessment = Assessment(intent, state, bound.listed, bound.collar, wrong)
        answers = [check(assessment, held) for check, held in bound.checks]
        if Finding not in set(map(type, answers)):
            return Approved(intent, assessment.worst_price, Checks(bound.names, bound.limits, tuple(answers)))  # type: ignore[arg-type]
        checks = _found(bound, answers)
        if not checks.failed:
            return Approved(intent, assessment.worst_price, checks)
        if assessment.reducing:
            return Approved(intent, assessment.worst_price, _waived(checks))
        return Refused(intent, "; ".join(_describe(each) for each in checks if not each.passed), checks)

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

    def _bind(self, symbol: str) -> Binding:
        """Bind the checks of `symbol` to the limits and the instrument as they are now."""
        config, listed = self.state.config, self.state.instruments.get(symbol)
        rows = bind(symbol, listed, config)
        bound = self._bound[symbol] = Binding(
            config,
            listed,
            config.for_symbol(symbol, "price_collar_bps_max") or ZERO,
            tuple((row.check, row.held) for row in rows),
            tuple(row.check.__name__ for row in rows),
            tuple(row.limit for row in rows),
        )
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


def _found(bound: Binding, answers: list[Answer]) -> Checks:
    """The columns where some answers are findings."""
    figures: list[Decimal] = []
    failed: list[str] = []
    notes: dict[str, str] = {}
    for name, answer in zip(bound.names, answers, strict=True):
        if not isinstance(answer, Finding):
            figures.append(answer)
            continue
        figures.append(answer.figure)
        if not answer.passed:
            failed.append(name)
        if answer.note:
            notes[name] = answer.note
    return Checks(bound.names, bound.limits, tuple(figures), tuple(failed), notes)


def _waived(checks: Checks) -> Checks:
    """What failed passes all the same, and the record says so."""
    notes = checks.notes | dict.fromkeys(checks.failed, "waived: the order strictly reduces exposure")
    return Checks(checks.names, checks.limits, checks.figures, (), notes)


def _describe(result: CheckResult) -> str:
    if result.limit is None:
        return f"{result.check}: {result.note}"
    figures = f"{short(result.figure)} against {short(result.limit)}"
    return f"{result.check}: {figures}" + (f" ({result.note})" if result.note else "")
