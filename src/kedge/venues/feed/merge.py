"""What was told already: by the connection before, or twice by the same.

A trade is known by its id. Of everything else only the latest counts: what is older than what was passed on is dropped,
and so is an exact repeat.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from msgspec import structs

from kedge.model.market import Candle, Trade

#: Ids of trades remembered of a symbol.
IDS_MAX = 8_192


class Merge:
    """Passes each fact once."""

    def __init__(self) -> None:
        self._ids: dict[str, OrderedDict[str, None]] = {}
        self._latest: dict[tuple[type, str, int], Any] = {}

    def is_fresh(self, fact: Any) -> bool:
        """Whether nothing like it was passed before; from now on it was."""
        if type(fact) is Trade and fact.trade_id:
            ids = self._ids.setdefault(fact.symbol, OrderedDict())
            if fact.trade_id in ids:
                return False
            ids[fact.trade_id] = None
            if len(ids) > IDS_MAX:
                ids.popitem(last=False)
            return True
        key = (type(fact), fact.symbol, fact.interval if type(fact) is Candle else 0)
        before = self._latest.get(key)
        if before is not None and (fact.ts < before.ts or _same(fact, before)):
            return False
        self._latest[key] = fact
        return True


def _same(fact: Any, before: Any) -> bool:
    """Whether two facts say the same, whenever they reached us."""
    return bool(structs.replace(fact, received=0) == structs.replace(before, received=0))
