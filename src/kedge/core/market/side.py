"""One side of an order book: sizes by price, the best price always known, the order of the rest when it is asked for.

Most changes touch a level that is known, or one far from the top that is gone before anyone looks. So a change is one
pass of `dict.update`, and a new price only waits (`_fresh`) until the order matters: when the best level vanishes or a
reader wants more than it. A vanished level stays with a size of zero until the order is made or the gone outweigh the
rest, so one that comes back costs nothing. Each costs O(log n) compares, once.

A side at its bound is kept eagerly instead: which level falls off depends on how many there are, exactly.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice

from kedge.model.market import Level

#: Gone levels are swept once there are more of them than of the others, and than this.
_GONE_MAX = 1_000


class Side:
    """Bids (`best_of=max`) or asks (`best_of=min`). `best` is the best price, `None` where the side is empty."""

    __slots__ = ("_best_of", "_eager", "_fresh", "_prices", "_sizes", "_sweep_above", "_top", "best")

    def __init__(self, best_of: Callable[[Iterable[Decimal]], Decimal]) -> None:
        self._best_of = best_of
        self._top = -1 if best_of is max else 0
        self.reset((), None)

    def reset(self, levels: Iterable[Level], kept: int | None) -> None:
        """Know `levels` and no others, the best `kept` of them."""
        self._sizes: dict[Decimal, Decimal] = dict(levels)
        #: Rising. With `_fresh` these are the keys of `_sizes`, and none is better than `best`.
        self._prices: list[Decimal] = sorted(self._sizes)
        self._fresh: list[Decimal] = []
        self._eager = False
        self._sweep()
        if kept is not None:
            self._bound(kept)

    def change(self, levels: Sequence[Level], kept: int | None) -> None:
        """Take changed levels, in order; a size of zero removes one. The best `kept` stay."""
        sizes = self._sizes
        if kept is not None and (self._eager or len(sizes) + len(levels) > kept):
            self._change_eagerly(levels, kept)
            return
        known = len(sizes)
        sizes.update(levels)
        if len(sizes) > known:
            fresh = [*islice(reversed(sizes), len(sizes) - known)]
            self._fresh += fresh
            best = self._best_of(fresh)
            self.best = best if self.best is None else self._best_of((self.best, best))
        if self.best is not None and not sizes[self.best]:
            self._settle()
        if len(sizes) > self._sweep_above:
            self._sweep()

    def best_first(self) -> Iterator[Level]:
        """All levels. Do not change the side meanwhile."""
        self._settle()
        sizes = self._sizes
        prices = reversed(self._prices) if self._top else iter(self._prices)
        return ((price, size) for price in prices if (size := sizes[price]))

    def size_of(self, price: Decimal) -> Decimal:
        """The size at a known price."""
        return self._sizes[price]

    def _settle(self) -> None:
        """Give the fresh prices their place, drop what is gone from the top, and find the best."""
        sizes, prices, top = self._sizes, self._prices, self._top
        for price in self._fresh:
            if sizes[price]:
                insort(prices, price)
            else:
                del sizes[price]
        self._fresh.clear()
        while prices and not sizes[prices[top]]:
            del sizes[prices.pop(top)]
        self.best = prices[top] if prices else None

    def _sweep(self) -> None:
        """Forget all that is gone."""
        self._settle()
        sizes = self._sizes
        self._prices = [price for price in self._prices if sizes[price]]
        self._sizes = {price: sizes[price] for price in self._prices}
        self._sweep_above = 2 * len(self._prices) + _GONE_MAX

    def _change_eagerly(self, levels: Sequence[Level], kept: int) -> None:
        """The same, with nothing fresh and nothing gone before or after."""
        if not self._eager:
            self._sweep()
        sizes, prices = self._sizes, self._prices
        for price, size in levels:
            if size:
                if price not in sizes:
                    insort(prices, price)
                sizes[price] = size
            elif sizes.pop(price, None) is not None:
                del prices[bisect_left(prices, price)]
        self._bound(kept)
        self.best = prices[self._top] if prices else None
        #: Not at once: a side that wavers at its bound would be swept again and again.
        self._eager = len(prices) > kept // 2

    def _bound(self, kept: int) -> None:
        excess = len(self._prices) - kept
        if excess <= 0:
            return
        beyond = slice(0, excess) if self._top else slice(kept, None)
        for price in self._prices[beyond]:
            del self._sizes[price]
        del self._prices[beyond]
