"""The name under which each fact and each decision is written in the journal; the closed unions, as a table.

A name is kept for ever. When a type changes, its schema version goes up (`VERSIONS`) and an upcaster is
added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

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
VERSIONS: dict[str, int] = {"approved": 2, "refused": 2, "start": 2}


def _start_2(values: dict[str, Any]) -> dict[str, Any]:
    """A session that did not name its market limits had these."""
    market = {
        "jump_bps_max": "5000", "symbols_jump_bps_max": {}, "jump_confirmations_min": 3, "age_ms_max": 60_000,
        "ahead_ms_max": 10_000, "candle_silence_intervals_max": 3, "trade_silence_ms_max": None,
        "quote_silence_ms_max": None, "book_silence_ms_max": None, "mark_price_silence_ms_max": None,
        "funding_rate_silence_ms_max": None, "book_levels_max": 20_000,
    }  # fmt: skip
    return {**values, "market": market}


def _checks_in_columns(values: dict[str, Any]) -> dict[str, Any]:
    """Version 1 wrote each check as a row: name, passed, figure, limit, note. Version 2 writes columns."""
    rows = values.get("checks", [])
    columns: dict[str, Any] = {
        "names": [row[0] for row in rows],
        "limits": [row[3] or "" for row in rows],
        "figures": [row[2] for row in rows],
        "failed": [row[0] for row in rows if not row[1]],
        "notes": {row[0]: row[4] for row in rows if row[4]},
    }
    return {**values, "checks": {name: column for name, column in columns.items() if column}}


#: Plain values of version v of a kind -> those of version v + 1; kept for ever.
UPCASTERS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("approved", 1): _checks_in_columns,
    ("refused", 1): _checks_in_columns,
    ("start", 1): _start_2,
}

assert len(KINDS) == len(FACTS) + len(DECISIONS), "a fact and a decision share a name"
