"""The crowd: everyone else in the market of one symbol, as quotes on a grid around the course and trades that hit them.

The crowd's offers stand on multiples of a gap, so that a small move of the course changes a few levels and a large one
sweeps what it passes. What it does is drawn from a seed alone. Sizes are lots, prices ticks.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from random import Random

from msgspec import Struct

from kedge.model.instrument import Instrument

LEVELS = 40
#: The grid: 0.2 basis points of the price.
_GAP_PPM = 20
_PPM = 1_000_000
_CHANGED_A_STEP = 3
#: Worth of a typical level, in quote currency.
_LEVEL_WORTH = Decimal(25_000)


class Hit(Struct, frozen=True):
    """Someone takes `lots` from the best offers of one side."""

    asks: bool
    lots: int


class Crowd:
    """What the others in one market would offer and take."""

    def __init__(self, instrument: Instrument, price: int, seed: int) -> None:
        self._dice = Random(f"kedge-crowd-{seed}-{instrument.symbol}")  # noqa: S311  (a market, not a secret)
        self.gap = max(price * _GAP_PPM // _PPM, 1)
        contract = instrument.tick_size * instrument.lot_size * instrument.contract_size
        self._lots = max(int(_LEVEL_WORTH / (price * contract)), 4)

    def best(self, price: int, *, asks: bool) -> int:
        """The best offer of one side while the course is at `price`: above it for asks, below it for bids."""
        steps = price // self.gap
        return (steps + 1) * self.gap if asks else steps * self.gap - (self.gap if steps * self.gap == price else 0)

    def offers(self, price: int, shown: Mapping[int, int], *, asks: bool) -> dict[int, int]:
        """What changes on one side: levels missing from `shown` are filled, those out of reach go, a few change."""
        best = self.best(price, asks=asks)
        step = self.gap if asks else -self.gap
        wanted = [level for level in range(best, best + step * LEVELS, step) if level > 0]
        changes = {level: self.size() for level in wanted if not shown.get(level)}
        reach = set(wanted)
        changes |= {level: 0 for level in shown if level not in reach}
        for _ in range(_CHANGED_A_STEP):
            level = wanted[self._dice.randrange(len(wanted))]
            changes.setdefault(level, self.size())
        return changes

    def size(self) -> int:
        """The size of a fresh level."""
        return self._dice.randint(self._lots // 4 + 1, self._lots * 2)

    def hit(self) -> Hit | None:
        """Whether somebody trades at this moment."""
        if self._dice.randrange(3) == 0:
            return None
        return Hit(self._dice.randrange(2) == 0, self._dice.randint(1, self._lots // 2 + 1))
