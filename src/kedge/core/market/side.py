"""One side of an order book: sizes by price, the best price always known, the order of the rest when it is asked for.

Most changes touch a price that is known, or one far from the top that is gone before anyone looks. So a new price only
waits (`_fresh`) and a vanished one stays in the order, until the order matters: when the best level vanishes, or a
reader wants more than it. Then each fresh price that is still there costs one binary search. What waits and what has
vanished is bounded by what is there.

No reader can tell when the order was made: equal prices written differently (1.0, 1.00) show as the one that came when
the level did, for two folds of the same facts must agree to the letter.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from kedge.model.market import Level

#: Prices without a level that are kept, above the number of levels.
_IDLE_MAX = 1_000


class BookSide:
    """Bids (`best_of=max`) or asks (`best_of=min`). `best` is the best price, `None` where the side is empty."""

    __slots__ = ("_best_of", "_fresh", "_prices", "_sizes", "_top", "best")

    def __init__(self, best_of: Callable[[Iterable[Decimal]], Decimal]) -> None:
        self._best_of = best_of
        self._top = -1 if best_of is max else 0
        self.best: Decimal | None = None
        #: Every level; its price is in `_prices`, which rise, or in `_fresh`. No level is better than `best`.
        self._sizes: dict[Decimal, Decimal] = {}
        self._prices: list[Decimal] = []
        self._fresh: list[Decimal] = []

    def reset(self, levels: Iterable[Level], kept: int | None) -> None:
        """Know `levels` and no others, the best `kept` of them."""
        self._sizes = dict(levels)
        self._prices = sorted(self._sizes)
        self._fresh = []
        self._settle()
        self._bound(kept)

    def change(self, levels: Sequence[Level], kept: int | None) -> None:
        """Take changed levels, in order; a size of zero removes one. The best `kept` stay."""
        sizes = self._sizes
        added: list[Decimal] = []
        for price, size in levels:
            if size:
                if price not in sizes:
                    added.append(price)
                sizes[price] = size
            elif price in sizes:
                del sizes[price]
        best = self.best
        if added:
            self._fresh += added
            added.reverse()  # of equal prices the first is taken
            best = self.best = self._best_of(added if best is None else (self._best_of(added), best))
        if best is not None and best not in sizes:
            self._settle()
        if len(self._prices) + len(self._fresh) > 2 * len(sizes) + _IDLE_MAX:
            self._prices = [price for price in self._prices if price in sizes]
            self._settle()
        self._bound(kept)

    def best_first(self) -> Iterator[Level]:
        """All levels. Do not change the side meanwhile."""
        self._settle()
        sizes = self._sizes
        prices = reversed(self._prices) if self._top else iter(self._prices)
        return ((price, sizes[price]) for price in prices if price in sizes)

    def size_of(self, price: Decimal) -> Decimal:
        """The size of a level that is there."""
        return self._sizes[price]

    def _settle(self) -> None:
        """Give the fresh prices their place, and find the best."""
        sizes, prices, top = self._sizes, self._prices, self._top
        for price in self._fresh:
            if price in sizes:
                at = bisect_left(prices, price)
                if at < len(prices) and prices[at] == price:
                    prices[at] = price
                else:
                    prices.insert(at, price)
        self._fresh.clear()
        while prices and prices[top] not in sizes:
            prices.pop(top)
        self.best = prices[top] if prices else None

    def _bound(self, kept: int | None) -> None:
        sizes = self._sizes
        if kept is None or len(sizes) <= kept:
            return
        self._settle()
        prices, cut = self._prices, 0
        while len(sizes) > kept:
            sizes.pop(prices[cut if self._top else -1 - cut], None)
            cut += 1
        del prices[slice(cut) if self._top else slice(len(prices) - cut, None)]
        self._settle()
