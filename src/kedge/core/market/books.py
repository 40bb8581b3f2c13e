"""Order books, kept from snapshots and the changes between them.

A venue numbers its updates so that a missed one can be noticed. How the numbers join differs by venue family
and is a function (`kedge.model.sequence`); what follows does not differ. A change that is older than the book is
passed over, one that joins is applied, and a gap makes the book invalid at once, until the next snapshot
(hazard H33): a book with a hole shows levels that are gone. A book whose sides meet or cross has a stale
level, so it is invalid too (H34).

How a side keeps its levels is in `kedge.core.market.side`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from kedge.core.market.rules import Rule
from kedge.core.market.side import BookSide
from kedge.model.market import BookDelta, Level
from kedge.model.money import EXACT, ZERO
from kedge.model.order import Side
from kedge.model.sequence import Continuity, SequenceRule, by_fields


class Book:
    """The book of one symbol. `invalid` says why it must not be used; empty when it may be.

    `levels_max` bounds each side, the levels furthest from the top go first. Use it at the venue's own depth
    where a feed covers only so many levels; what lies beyond it is not known to be there.
    """

    __slots__ = ("_asks", "_bids", "_from_snapshot", "invalid", "levels_max", "rule", "sequence")

    def __init__(self, rule: SequenceRule = by_fields, levels_max: int | None = None) -> None:
        self.rule = rule
        self.levels_max = levels_max
        self.sequence = 0
        self.invalid = "no snapshot yet"
        self._from_snapshot = False
        self._bids = BookSide(max)
        self._asks = BookSide(min)

    def reset(self, bids: Iterable[Level], asks: Iterable[Level], sequence: int = 0) -> Rule | None:
        """Take a snapshot in place of all that was known; returns `Rule.CROSSED` where its sides meet."""
        self._bids.reset(bids, self.levels_max)
        self._asks.reset(asks, self.levels_max)
        self.sequence = sequence
        self._from_snapshot = True
        self.invalid = ""
        return self._judge()

    def apply(self, delta: BookDelta) -> Rule | None:
        """Take a change, whose values have been checked; returns the rule it breaks, `None` when it was
        applied.
        """
        if self.invalid:
            return Rule.NO_SNAPSHOT
        continuity = self.rule(self.sequence, self._from_snapshot, delta)
        if continuity is Continuity.OLD:
            return Rule.OUT_OF_ORDER
        if continuity is Continuity.GAP:
            self.invalidate(f"sequence gap: {delta.first_sequence}..{delta.sequence} after {self.sequence}")
            return Rule.SEQUENCE_GAP
        self._bids.change(delta.bids, self.levels_max)
        self._asks.change(delta.asks, self.levels_max)
        self.sequence = delta.sequence
        self._from_snapshot = False
        return self._judge()

    def invalidate(self, reason: str) -> None:
        """Do not use the book until the next snapshot."""
        self.invalid = self.invalid or reason

    @property
    def best_bid(self) -> Level | None:
        """The highest bid; `None` where the side is empty or the book invalid."""
        best = self._bids.best
        return (best, self._bids.size_of(best)) if best is not None and not self.invalid else None

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask; `None` where the side is empty or the book invalid."""
        best = self._asks.best
        return (best, self._asks.size_of(best)) if best is not None and not self.invalid else None

    def top(self, levels: int) -> tuple[list[Level], list[Level]]:
        """The best `levels` bids and asks, the best first; nothing of an invalid book."""
        if self.invalid:
            return [], []
        return list(islice(self._bids.best_first(), levels)), list(islice(self._asks.best_first(), levels))

    def levels(self) -> tuple[list[Level], list[Level]]:
        """All bids and asks known, the best first, whether valid or not."""
        return list(self._bids.best_first()), list(self._asks.best_first())

    def worst_price(self, side: Side, quantity: Decimal) -> Decimal | None:
        """The price of the last level that a taker of `quantity` reaches; `None` where the book is invalid or
        too thin.
        """
        if self.invalid:
            return None
        left = quantity
        for price, size in self._asks.best_first() if side is Side.BUY else self._bids.best_first():
            left = EXACT.subtract(left, size)
            if left <= ZERO:
                return price
        return None

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        bids, asks = self.levels()
        return {
            "sequence": self.sequence,
            "from_snapshot": self._from_snapshot,
            "invalid": self.invalid,
            "bids": [list(level) for level in bids],
            "asks": [list(level) for level in asks],
        }

    def _judge(self) -> Rule | None:
        bid, ask = self._bids.best, self._asks.best
        if bid is None or ask is None or bid < ask:
            return None
        self.invalidate(f"crossed: bid {bid} ask {ask}")
        return Rule.CROSSED
