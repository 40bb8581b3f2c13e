"""`Repeats`: which trade ids were seen, so that an exact repeat of a fill is known for what it is.

Ids are kept in two generations. When the young one is full it becomes the old one, and what was old is forgotten: at least
`kept_max` ids are always remembered, at most twice as many, at forty bytes each.
"""

from __future__ import annotations


class Repeats:
    """Trade ids by symbol, the latest `kept_max` and more."""

    __slots__ = ("_count", "_kept_max", "_old", "_young")

    def __init__(self, kept_max: int) -> None:
        assert kept_max > 0, "what remembers nothing knows no repeat"
        self._kept_max = kept_max
        self._count = 0
        self._young: dict[str, dict[str, None]] = {}
        self._old: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return self._count + sum(map(len, self._old.values()))

    def seen(self, symbol: str, trade_id: str) -> bool:
        """Whether the id was seen before; it has been now."""
        young = self._young.get(symbol)
        if young is None:
            young = self._young[symbol] = {}
        if trade_id in young or trade_id in self._old.get(symbol, ()):
            return True
        young[trade_id] = None
        self._count += 1
        if self._count >= self._kept_max:
            self._old, self._young, self._count = self._young, {}, 0
        return False

    def clear(self) -> None:
        """Forget everything."""
        self._old, self._young, self._count = {}, {}, 0
