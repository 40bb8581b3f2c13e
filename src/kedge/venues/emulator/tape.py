"""What everyone sees of one symbol: the book with its update ids, the trades, the candles, mark price and funding.

The book shown is the crowd's offers, less what we took, plus our own resting orders. It is compared with what was shown
last, and every difference is an update with ids `first..last`; `stride` widens the steps between updates as on venues
whose ids are shared by many symbols.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from kedge.model.market import Level
from kedge.model.money import ZERO
from kedge.venues.emulator.bars import Bars

TRADES_KEPT = 10_000
_FIRST_UPDATE = 1_000_000
_FIRST_TRADE = 1_000_000


class PublicTrade(Struct, frozen=True):
    """A print; `buyer_is_maker`: the aggressor sold. `ours`: an order of the account was in it."""

    id: int
    ts: int
    symbol: str
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    ours: bool = False


class BookUpdate(Struct, frozen=True):
    """The levels that changed in updates `first..last`, absolute; `previous` is the `last` of the update before."""

    ts: int
    symbol: str
    first: int
    last: int
    previous: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class FundingRecord(Struct, frozen=True):
    """A rate that was settled, and at which mark price."""

    ts: int
    symbol: str
    rate: Decimal
    mark: Decimal


class Tape:
    """The public record of one symbol."""

    def __init__(self, symbol: str, bars: Bars, stride: int = 1) -> None:
        self.symbol = symbol
        self.bars = bars
        self.trades: deque[PublicTrade] = deque(maxlen=TRADES_KEPT)
        self.funding: list[FundingRecord] = []
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}
        self.update_id = _FIRST_UPDATE
        self.updated = 0
        self._trade_id = _FIRST_TRADE
        self._stride = stride

    def print(self, ts: int, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool, ours: bool) -> PublicTrade:
        """Note a trade."""
        self._trade_id += 1
        trade = PublicTrade(self._trade_id, ts, self.symbol, price, quantity, buyer_is_maker, ours)
        self.trades.append(trade)
        self.bars.add(ts, price, quantity, not buyer_is_maker, trade.id)
        return trade

    def show(self, ts: int, bids: Mapping[Decimal, Decimal], asks: Mapping[Decimal, Decimal]) -> BookUpdate | None:
        """Show this book; what changed, or None."""
        changed_bids, changed_asks = _changes(self.bids, bids), _changes(self.asks, asks)
        if not changed_bids and not changed_asks:
            return None
        self.bids, self.asks = dict(bids), dict(asks)
        previous = self.update_id
        first = previous + self._stride
        self.update_id = first + len(changed_bids) + len(changed_asks) - 1
        self.updated = ts
        return BookUpdate(ts, self.symbol, first, self.update_id, previous, changed_bids, changed_asks)

    def levels(self, *, asks: bool, limit: int | None = None) -> list[Level]:
        """One side of the book, best first."""
        side = self.asks if asks else self.bids
        return sorted(side.items(), reverse=not asks)[:limit]

    def best(self, *, asks: bool) -> Level | None:
        """The best level of one side."""
        levels = self.levels(asks=asks, limit=1)
        return levels[0] if levels else None

    @property
    def last(self) -> Decimal | None:
        """The last trade's price."""
        return self.trades[-1].price if self.trades else None

    @property
    def middle(self) -> Decimal | None:
        """Half way between the bests; the last price where one side is empty."""
        bid, ask = self.best(asks=False), self.best(asks=True)
        return self.last if bid is None or ask is None else (bid[0] + ask[0]) / 2


def _changes(before: Mapping[Decimal, Decimal], after: Mapping[Decimal, Decimal]) -> tuple[Level, ...]:
    changed = [(price, size) for price, size in after.items() if before.get(price) != size]
    return (*changed, *((price, ZERO) for price in before if price not in after))


def total(levels: Iterable[Level]) -> Decimal:
    """The sizes of levels, together."""
    return sum((size for _, size in levels), ZERO)
