"""`Standing`: what our orders on one symbol may still do, as running sums.

An order counts with what is outstanding of it, from its approval until nothing of it can move the position any more:
an ended order whose fills are owed counts too. Each change of an order changes the sums by what it changed, so that
judging the next order costs the same however many work. Limits are kept by price, because only the nearest to the
market can be the first to trade.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from decimal import Decimal
from typing import Final

from kedge.core.orders.terms import outstanding
from kedge.model.money import ZERO
from kedge.model.order import BUY, LIMIT, TERMINAL, Order, OrderType, Side

# What another module calls its own is looked up at each use, even compiled, unless it is ours and final.
_BUY: Final = BUY
_LIMIT: Final = LIMIT
_OVER: Final = TERMINAL
_search: Final = bisect_left
_insert: Final = insort

#: Orders that wait for a trigger.
STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})


#: Quantities that may still be bought and sold, and, by reduce-only orders, covered and shed; in this order.
Share = list[Decimal]
BUYS: Final = 0
SELLS: Final = 1
COVERS: Final = 2
SHEDS: Final = 3

NOTHING: Final[Share] = [ZERO, ZERO, ZERO, ZERO]

#: A limit order by its price and a number that grows with each, so that two orders are never compared.
_Entry = tuple[Decimal, int, Order]


class _Counted:
    """An order, what is counted of it and where, and its place among the limits while it may trade."""

    __slots__ = ("kind", "left", "limit", "order", "own")

    def __init__(self, order: Order, kind: int, left: Decimal, own: Share) -> None:
        self.order = order
        self.kind = kind
        self.left = left
        self.own = own
        self.limit: _Entry | None = None


class Standing:
    """The orders of one symbol that may still move its position.

    `total` and, by strategy, `own` are the sums; `covering` and `shedding` the reduce-only orders that buy and sell;
    `stops` those that wait for a trigger and have not ended.
    """

    __slots__ = ("_asks", "_bids", "_number", "_orders", "_worst", "covering", "own", "shedding", "stops", "total")

    def __init__(self) -> None:
        self._orders: dict[str, _Counted] = {}
        self._bids: list[_Entry] = []
        self._asks: list[_Entry] = []
        self._number = 0
        self._worst: Decimal | None = ZERO
        self.total = NOTHING.copy()
        self.own: dict[str, Share] = {}
        self.covering: dict[str, Order] = {}
        self.shedding: dict[str, Order] = {}
        self.stops: dict[str, Order] = {}

    def weigh(self, order: Order) -> None:
        """Count an order with what is outstanding of it now, in place of what it counted before."""
        left = outstanding(order)
        counted = self._orders.get(order.id)
        if counted is None:
            self._take(order, left)
        elif left != counted.left:
            self._add(counted, left - counted.left)
            counted.left = left
        if counted is not None and order.status in _OVER:
            self._retire(counted)

    def drop(self, order: Order) -> None:
        """Nothing of this order can move the position any more."""
        counted = self._orders.pop(order.id, None)
        if counted is None:
            return
        self._retire(counted)
        if not self._orders:  # the sums begin at zero again: no digits are left of what was
            self._worst = ZERO
            self.total = NOTHING.copy()
            self.own = {}
            self.covering, self.shedding = {}, {}
            return
        if counted.left:
            self._add(counted, -counted.left)
        if order.reduce_only:
            self.reducing(order.side).pop(order.id, None)
        worst = self._worst
        if worst is not None and order.worst_price >= worst:
            self._worst = None

    def share(self, strategy: str) -> Share:
        """What a strategy's own orders may still do."""
        return self.own.get(strategy, NOTHING)

    def reducing(self, side: Side) -> dict[str, Order]:
        """The reduce-only orders of one side."""
        return self.covering if side is _BUY else self.shedding

    def nearest(self, side: Side) -> Order | None:
        """The limit order of ours on `side` that would trade first: the highest bid, the lowest offer; of equal ones
        the oldest.
        """
        if side is not _BUY:
            return self._asks[0][2] if self._asks else None
        bids = self._bids
        if not bids:
            return None
        price, _, order = bids[-1]
        return bids[_search(bids, (price, 0, order))][2]

    def between(self, side: Side, low: Decimal, high: Decimal) -> Order | None:
        """A limit order of ours on `side` with a price of `low` to `high`, the lowest such; `None` where there is none."""
        limits = self._bids if side is _BUY else self._asks
        if not limits:
            return None
        at = _search(limits, (low, 0, limits[0][2]))
        return limits[at][2] if at < len(limits) and limits[at][0] <= high else None

    def worst_price(self) -> Decimal:
        """The highest price at which risk valued one of the orders; zero where there is none."""
        worst = self._worst
        if worst is None:
            worst = self._worst = max([each.order.worst_price for each in self._orders.values()])
        return worst

    # inside ----------------------------------------------------------------------------------------------------------

    def _add(self, counted: _Counted, change: Decimal) -> None:
        kind = counted.kind
        self.total[kind] += change
        counted.own[kind] += change

    def _take(self, order: Order, left: Decimal) -> None:
        """Enter an order that was not known where it will be looked for; one that has ended only counts."""
        buying = order.side is _BUY
        kind = BUYS if buying else SELLS
        if order.reduce_only:
            kind += COVERS
            self.reducing(order.side)[order.id] = order
        own = self.own.get(order.strategy)
        if own is None:
            own = self.own[order.strategy] = NOTHING.copy()
        counted = self._orders[order.id] = _Counted(order, kind, left, own)
        self.total[kind] += left
        own[kind] += left
        worst = self._worst
        if worst is not None and order.worst_price > worst:
            self._worst = order.worst_price
        if order.status in _OVER:
            return
        if order.order_type is _LIMIT:
            if order.price is not None:
                self._number = number = self._number + 1
                counted.limit = limit = (order.price, number, order)
                _insert(self._bids if buying else self._asks, limit)
        elif order.order_type in STOPS:
            self.stops[order.id] = order

    def _retire(self, counted: _Counted) -> None:
        """An order that has ended trades with nobody any more, whatever it owes."""
        limit, order = counted.limit, counted.order
        if limit is not None:
            limits = self._bids if order.side is _BUY else self._asks
            del limits[_search(limits, limit)]
            counted.limit = None
        elif order.order_type in STOPS:
            self.stops.pop(order.id, None)
