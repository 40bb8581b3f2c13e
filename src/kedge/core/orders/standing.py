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

from kedge.model.money import ZERO
from kedge.model.order import BUY, LIMIT, TERMINAL, Order, OrderType, Side

#: Orders that wait for a trigger.
STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})


class Share:
    """What may still be bought and sold, and, by reduce-only orders, covered and shed."""

    __slots__ = ("buy", "covers", "sell", "sheds")

    def __init__(self) -> None:
        self.buy = self.sell = self.covers = self.sheds = ZERO

    def add(self, order: Order, quantity: Decimal) -> None:
        """Count `quantity` (signed: less than before is below zero) of an order."""
        if order.side is BUY:
            if order.reduce_only:
                self.covers += quantity
            else:
                self.buy += quantity
        elif order.reduce_only:
            self.sheds += quantity
        else:
            self.sell += quantity


NOTHING: Final = Share()

#: Where a limit order stands: its price, and a number that grows with each.
_Key = tuple[Decimal, int]


class Standing:
    """The orders of one symbol that may still move its position.

    `total` and, by strategy, `own` are the sums; `covering` and `shedding` the reduce-only orders that buy and sell;
    `stops` those that wait for a trigger and have not ended.
    """

    __slots__ = (
        "_asks",
        "_bids",
        "_counted",
        "_keys",
        "_limits",
        "_number",
        "_orders",
        "_worst",
        "covering",
        "own",
        "shedding",
        "stops",
        "total",
    )

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._counted: dict[str, Decimal] = {}
        self._bids: list[_Key] = []
        self._asks: list[_Key] = []
        self._keys: dict[str, _Key] = {}
        self._limits: dict[int, Order] = {}
        self._number = 0
        self._worst: Decimal | None = ZERO
        self.total = Share()
        self.own: dict[str, Share] = {}
        self.covering: dict[str, Order] = {}
        self.shedding: dict[str, Order] = {}
        self.stops: dict[str, Order] = {}

    def weigh(self, order: Order) -> None:
        """Count an order with what is outstanding of it now, in place of what it counted before."""
        order_id = order.id
        left = outstanding(order)
        before = self._counted.get(order_id)
        self._counted[order_id] = left
        if before is None:
            self._take(order)
            change = left
        else:
            change = left - before
        if change:
            self._add(order, change)
        if order.status in TERMINAL:
            self._retire(order_id)

    def drop(self, order: Order) -> None:
        """Nothing of this order can move the position any more."""
        order_id = order.id
        counted = self._counted.pop(order_id, None)
        if counted is None:
            return
        del self._orders[order_id]
        self._retire(order_id)
        if not self._orders:  # the sums begin at zero again: no digits are left of what was
            self._worst = ZERO
            self.total = Share()
            self.own = {}
            self.covering, self.shedding = {}, {}
            return
        if counted:
            self._add(order, -counted)
        if order.reduce_only:
            (self.covering if order.side is BUY else self.shedding).pop(order_id, None)
        if self._worst is not None and order.worst_price >= self._worst:
            self._worst = None

    def share(self, strategy: str) -> Share:
        """What a strategy's own orders may still do."""
        return self.own.get(strategy, NOTHING)

    def reducing(self, side: Side) -> dict[str, Order]:
        """The reduce-only orders of one side."""
        return self.covering if side is BUY else self.shedding

    def nearest(self, side: Side) -> Order | None:
        """The limit order of ours on `side` that would trade first: the highest bid, the lowest offer; of equal ones
        the oldest.
        """
        if side is not BUY:
            return self._limits[self._asks[0][1]] if self._asks else None
        bids = self._bids
        return self._limits[bids[bisect_left(bids, (bids[-1][0], 0))][1]] if bids else None

    def between(self, side: Side, low: Decimal, high: Decimal) -> Order | None:
        """A limit order of ours on `side` with a price of `low` to `high`, the lowest such; `None` where there is none."""
        limits = self._bids if side is BUY else self._asks
        at = bisect_left(limits, (low, 0))
        return self._limits[limits[at][1]] if at < len(limits) and limits[at][0] <= high else None

    def worst_price(self) -> Decimal:
        """The highest price at which risk valued one of the orders; zero where there is none."""
        worst = self._worst
        if worst is None:
            worst = self._worst = max(order.worst_price for order in self._orders.values())
        return worst

    # inside ----------------------------------------------------------------------------------------------------------

    def _add(self, order: Order, change: Decimal) -> None:
        self.total.add(order, change)
        share = self.own.get(order.strategy)
        if share is None:
            share = self.own[order.strategy] = Share()
        share.add(order, change)

    def _take(self, order: Order) -> None:
        """An order that was not known: enter it where it will be looked for."""
        order_id, price = order.id, order.price
        self._orders[order_id] = order
        if order.reduce_only:
            self.reducing(order.side)[order_id] = order
        if order.order_type is LIMIT:
            if price is not None:
                self._number = number = self._number + 1
                key = self._keys[order_id] = (price, number)
                self._limits[number] = order
                insort(self._bids if order.side is BUY else self._asks, key)
        elif order.order_type in STOPS:
            self.stops[order_id] = order
        worst = self._worst
        if worst is not None and order.worst_price > worst:
            self._worst = order.worst_price

    def _retire(self, order_id: str) -> None:
        """An order that has ended trades with nobody any more, whatever it owes."""
        self.stops.pop(order_id, None)
        key = self._keys.pop(order_id, None)
        if key is not None:
            order = self._limits.pop(key[1])
            limits = self._bids if order.side is BUY else self._asks
            del limits[bisect_left(limits, key)]


def outstanding(order: Order) -> Decimal:
    """What the order may still add to the position: its remainder while alive, the fills it owes once
    ended.
    """
    if order.status in TERMINAL:
        return order.venue_quantity - order.filled_quantity
    return order.quantity - order.filled_quantity
