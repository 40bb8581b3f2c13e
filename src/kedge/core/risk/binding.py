"""What the gate holds and says: the checks of one symbol as they are bound, and the verdict on an order that is not sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from kedge.core.risk.checks import Check
from kedge.model.decisions import UNCHECKED, Checks
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig


class RiskCheckResult(Struct, frozen=True):
    """The verdict on an order; `reason` names every limit that refused it and the figure."""

    approved: bool
    reason: str
    checks: Checks = UNCHECKED


class Binding(Struct, frozen=True):
    """The checks of one symbol with the limits and the instrument they were bound from; `names` and `limits` are the
    columns that all its orders share.
    """

    config: RiskConfig
    listed: Instrument | None
    collar: Decimal
    checks: tuple[tuple[Check, Any], ...]
    names: tuple[str, ...]
    limits: tuple[str, ...]
