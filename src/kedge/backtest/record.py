"""`RunRecord`: what a run says of itself, beyond its trades and its equity."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, structs

from kedge.model.limits import RiskConfig
from kedge.model.market_limits import MarketLimits
from kedge.model.money import canonical


class RunRecord(Struct, frozen=True, kw_only=True):
    """Counts, times, settings and assumptions of a run.

    `refused` counts orders that risk refused, `dropped` signals that became no order, `quarantined` facts that were
    not believed, `gaps` places where candles are missing, `liquidations` positions the venue closed. `participation`
    is the largest share of a bar's volume that fills took, `None` where it was not measured. `other_fees` are fees in
    currencies that have no value in the account's. `notes` are warnings that only the run could know. `limits` are those
    that were in force, by section (`limits_of`).
    """

    title: str = ""
    symbols: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    parameters: Mapping[str, Mapping[str, str]] = {}
    settings: Mapping[str, str] = {}
    limits: Mapping[str, Mapping[str, Any]] = {}
    currency: str = "USD"
    interval_ns: int = 0
    bars: int = 0
    ticks: int = 0
    orders: int = 0
    refused: int = 0
    refusals: Mapping[str, int] = {}
    dropped: int = 0
    quarantined: int = 0
    quarantines: Mapping[str, int] = {}
    gaps: int = 0
    liquidations: int = 0
    participation: Decimal | None = None
    disabled: Mapping[str, str] = {}
    halted: str = ""
    other_fees: Mapping[str, Decimal] = {}
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    load_seconds: float = 0.0
    run_seconds: float = 0.0


def limits_of(risk: RiskConfig, market: MarketLimits) -> dict[str, dict[str, Any]]:
    """Every limit there is, by section and name: its value as plain data, `None` where it is not set."""
    return {"risk": _plain(risk), "market": _plain(market)}


def _plain(limits: Struct) -> dict[str, Any]:
    return {field.name: _value(getattr(limits, field.name)) for field in structs.fields(limits)}


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return canonical(value)
    if isinstance(value, Struct):
        return {name: each for name, each in _plain(value).items() if each is not None}
    return {key: _value(item) for key, item in value.items()} if isinstance(value, dict) else value
