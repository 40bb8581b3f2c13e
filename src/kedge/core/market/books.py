"""Order books, kept from snapshots and the changes between them.

A venue numbers its updates so that a missed one can be noticed. How the numbers join differs by venue family
and is a function (`kedge.model.sequence`); what follows does not differ. A change that is older than the book is
passed over, one that joins is applied, and a gap makes the book invalid at once, until the next snapshot
(hazard H33): a book with a hole shows levels that are gone. A book whose sides meet or cross has a stale
level, so it is invalid too (H34).

Prices are kept sorted, sizes by price: a changed size costs one look-up, a new or vanished level a binary
search, the top is the end of a list.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

from kedge.core.market.rules import Rule
from kedge.model.market import BookDelta, Level
from kedge.model.money import EXACT, ZERO
from kedge.model.order import Side
from kedge.model.sequence import Continuity, SequenceRule, by_fields


class _Side:
    """One side of a book: sizes by price, and the prices in rising order."""

    __slots__ = ("prices", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[Decimal, Decimal] = {}
        self.prices: list[Decimal] = []

    def reset(self, levels: Iterable[Level]) -> None:
        self.sizes = dict(levels)
        self.prices = sorted(self.sizes)

    def change(self, levels: Iterable[Level]) -> None:
        sizes, prices = self.sizes, self.prices
        for price, size in levels:
            if size:
                if price not in sizes:
                    insort(prices, price)
                sizes[price] = size
            elif sizes.pop(price, None) is not None:
                del prices[bisect_left(prices, price)]

    def forget(self, prices: list[Decimal]) -> None:
        for price in prices:
            del self.sizes[price]


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
        self._bids = _Side()
        self._asks = _Side()

    def reset(self, bids: Iterable[Level], asks: Iterable[Level], sequence: int = 0) -> Rule | None:
        """Take a snapshot in place of all that was known; returns `Rule.CROSSED` where its sides meet."""
        self._bids.reset(bids)
        self._asks.reset(asks)
        self.sequence = sequence
        self._from_snapshot = True
        self.invalid = ""
        self._bound()
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
        if delta.bids:
            self._bids.change(delta.bids)
        if delta.asks:
            self._asks.change(delta.asks)
        self.sequence = delta.sequence
        self._from_snapshot = False
        self._bound()
        return self._judge()

    def invalidate(self, reason: str) -> None:
        """Do not use the book until the next snapshot."""
        self.invalid = self.invalid or reason

    @property
    def best_bid(self) -> Level | None:
        """The highest bid; `None` where the side is empty or the book invalid."""
        prices = self._bids.prices
        return (prices[-1], self._bids.sizes[prices[-1]]) if prices and not self.invalid else None

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask; `None` where the side is empty or the book invalid."""
        prices = self._asks.prices
        return (prices[0], self._asks.sizes[prices[0]]) if prices and not self.invalid else None

    def top(self, levels: int) -> tuple[list[Level], list[Level]]:
        """The best `levels` bids and asks, the best first; nothing of an invalid book."""
        if self.invalid:
            return [], []
        return list(islice(self._falling_bids(), levels)), list(islice(self._rising_asks(), levels))

    def levels(self) -> tuple[list[Level], list[Level]]:
        """All bids and asks known, the best first, whether valid or not."""
        return list(self._falling_bids()), list(self._rising_asks())

    def worst_price(self, side: Side, quantity: Decimal) -> Decimal | None:
        """The price of the last level that a taker of `quantity` reaches; `None` where the book is invalid or
        too thin.
        """
        if self.invalid:
            return None
        left = quantity
        for price, size in self._rising_asks() if side is Side.BUY else self._falling_bids():
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

    def _falling_bids(self) -> Iterator[Level]:
        sizes = self._bids.sizes
        return ((price, sizes[price]) for price in reversed(self._bids.prices))

    def _rising_asks(self) -> Iterator[Level]:
        sizes = self._asks.sizes
        return ((price, sizes[price]) for price in self._asks.prices)

    def _judge(self) -> Rule | None:
        bids, asks = self._bids.prices, self._asks.prices
        if not bids or not asks or bids[-1] < asks[0]:
            return None
        self.invalidate(f"crossed: bid {bids[-1]} ask {asks[0]}")
        return Rule.CROSSED

    def _bound(self) -> None:
        kept = self.levels_max
        if kept is None:
            return
        bids, asks = self._bids, self._asks
        if len(bids.prices) > kept:
            bids.forget(bids.prices[:-kept])
            del bids.prices[:-kept]
        if len(asks.prices) > kept:
            asks.forget(asks.prices[kept:])
            del asks.prices[kept:]
