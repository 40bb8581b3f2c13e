"""The first fact of a run: who trades what, under which limits, with which code. And the desk that it starts.

Everything in it is a function of what the run was given: no wall clock, no path, no host. Two runs of the
same are equal.
"""

from __future__ import annotations

import inspect
import platform
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path

from kedge.core.desk import Desk
from kedge.core.state import State
from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.registry import StrategyRegistry
from kedge.model.facts import SessionStarted, StrategySpec
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig
from kedge.model.market_limits import DEFAULT_LIMITS, MarketLimits
from kedge.model.money import CENT_OF_NANO, ONE

INSTANCE = "bt"


def desk_for(strategies: Sequence[BaseStrategy]) -> Desk:
    """A desk over a fresh state; limits, instruments and budgets arrive with the session's first fact."""
    return Desk(State(), StrategyRegistry(strategies))


def specs_of(strategies: Sequence[BaseStrategy], sources: Mapping[str, str]) -> tuple[StrategySpec, ...]:
    """How the strategies are named, set and budgeted: equal shares of the equity."""
    share = ONE if len(strategies) == 1 else (ONE / len(strategies)).quantize(CENT_OF_NANO, rounding="ROUND_DOWN")
    return tuple(
        StrategySpec(
            name=strategy.name(),
            source=sources.get(strategy.name(), f"{type(strategy).__module__}:{type(strategy).__qualname__}"),
            parameters=strategy.values_as_text(),
            code_sha256=code_of(type(strategy)),
            budget=share,
        )
        for strategy in strategies
    )


def started(
    at: int,
    cash: Decimal,
    currency: str,
    instruments: Sequence[Instrument],
    risk: RiskConfig,
    specs: tuple[StrategySpec, ...],
    settings: Mapping[str, str],
    journaled: bool = True,
    market: MarketLimits = DEFAULT_LIMITS,
) -> SessionStarted:
    """The manifest of a run that begins at `at`; a run that nobody can audit needs no hash of its code."""
    return SessionStarted(
        ts=at,
        instance=INSTANCE,
        epoch=1,
        account_currency=currency,
        cash=cash,
        instruments=tuple(instruments),
        risk=risk,
        strategies=specs,
        code_sha256=code_sha256() if journaled else "",
        interpreter=f"{platform.python_implementation()} {platform.python_version()}",
        settings=dict(sorted(settings.items())),
        market=market,
    )


@cache
def code_sha256() -> str:
    """SHA-256 over Kedge's own source files, by name and content."""
    digest = sha256()
    root = Path(__file__).resolve().parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def code_of(strategy: type) -> str:
    """SHA-256 of the file that defines a strategy; empty where there is none (typed at a prompt)."""
    try:
        name = inspect.getsourcefile(strategy)
    except (TypeError, OSError):
        return ""
    path = Path(name) if name else None
    return sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else ""
