"""The name under which each fact and each decision is written in the journal; the closed unions, as a table.

A name is kept for ever. When a type changes, its schema version goes up (`VERSIONS`) and an upcaster is
added.
"""

from __future__ import annotations

from typing import get_args

from msgspec import Struct

from kedge.model.decisions import Decision
from kedge.model.facts import ControlFact, Fact, MarketFact, VenueFact


def _by_tag(union: object) -> dict[str, type[Struct]]:
    return {str(member.__struct_config__.tag): member for member in get_args(union)}


FACTS: dict[str, type[Struct]] = _by_tag(Fact)
MARKET_FACTS: dict[str, type[Struct]] = _by_tag(MarketFact)
VENUE_FACTS: dict[str, type[Struct]] = _by_tag(VenueFact)
CONTROL_FACTS: dict[str, type[Struct]] = _by_tag(ControlFact)
DECISIONS: dict[str, type[Struct]] = _by_tag(Decision)

#: Every kind of record.
KINDS: dict[str, type[Struct]] = {**FACTS, **DECISIONS}

#: Schema versions above 1.
VERSIONS: dict[str, int] = {}

assert len(KINDS) == len(FACTS) + len(DECISIONS), "a fact and a decision share a name"
