"""Orders meet a price: what happens to them when the market shows one price, whatever showed it.

A candle's open and a trade are one price for buyers and sellers; a quote or book is two, the ask for our buys and the
bid for our sells. The rules are the same for all:

- a resting limit is filled at its limit, as maker, only when the price has passed it;
- a stop touched, and a take-profit passed, becomes a market order: at the worse of its level and the price (a
  take-profit never better than its level), worsened by slippage, as taker;
- a stop-limit or limited take-profit becomes a limit order and needs a later price (inside a candle: the close);
- an order that has just arrived takes if it can: a market order at the price, a limit order at the better of price
  and limit;
- where a book is visible, whatever takes walks its levels, and never takes more than is shown.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from kedge.model.facts import VenueFact
from kedge.model.money import EXACT, ZERO
from kedge.model.order import TimeInForce
from kedge.venues.sim.book import VisibleBook
from kedge.venues.sim.execution import Execution
from kedge.venues.sim.levels import reached
from kedge.venues.sim.listing import Listing
from kedge.venues.sim.queue import QueueModel
from kedge.venues.sim.working import (
    ARRIVING,
    DOWN,
    ENDED,
    LIMIT,
    MARKET,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING,
    UP,
    Working,
)

_add: Final = EXACT.add
_sub: Final = EXACT.subtract
_remainder: Final = EXACT.remainder
_FOK: Final = TimeInForce.FOK

TIME_UP: Final = "time is up"
NOT_FILLED_AT_ONCE: Final = "not filled at once"
WOULD_TAKE: Final = "post_only would take"
REQUESTED: Final = "requested"


class Meeting:
    """Lets the orders of a listing meet a price (bid and ask the same) or a pair of them."""

    __slots__ = ("_execution", "_queue")

    def __init__(self, execution: Execution, queue: QueueModel | None = None) -> None:
        self._execution = execution
        self._queue = queue

    def end_due(self, listing: Listing, now: int, out: list[VenueFact]) -> None:
        """End what was due at or before `now`, at its own time, earliest first."""
        due = [(at, order) for order in self._execution.working(listing) if (at := _end_at(order)) and at <= now]
        due.sort(key=_when)
        for at, order in due:
            if order.expires_ns == at:
                self._execution.expire(listing, order, at, TIME_UP, out)
            else:
                self._execution.cancel(listing, order, at, REQUESTED, out)

    def passed(
        self, listing: Listing, bid: Decimal | None, ask: Decimal | None, shown: bool, ts: int, out: list[VenueFact]
    ) -> None:
        """Resting orders whose level the price has reached: stops first, then by price and arrival."""
        prices = [price for price in (bid, ask) if price is not None]
        if not prices:
            return
        low, high = min(prices), max(prices)
        waiting: list[Working] = []
        if listing.falls_to(low):
            waiting += listing.down.values()
        if listing.rises_to(high):
            waiting += listing.up.values()
        hits = [
            order for order in waiting if (price := ask if order.buy else bid) is not None and reached(order, price)
        ]
        if len(hits) > 1:
            hits.sort(key=_stops_first)
        for order in hits:
            price = ask if order.buy else bid
            if order.shelf != ENDED and price is not None:
                self.reach(listing, order, price, shown, ts, out)

    def arrivals(
        self,
        listing: Listing,
        bid: Decimal | None,
        ask: Decimal | None,
        now: int,
        ts: int,
        out: list[VenueFact],
    ) -> None:
        """Orders that had arrived by `now` meet the price, in the order they arrived; reported at `ts`."""
        for order in list(listing.arriving.values()):
            price = ask if order.buy else bid
            if order.at <= now and order.shelf != ENDED:
                self.arrive(listing, order, price, now, ts, out)

    def arrive(
        self, listing: Listing, order: Working, price: Decimal | None, now: int, ts: int, out: list[VenueFact]
    ) -> None:
        """One order meets its first price; None: nobody offers anything to take."""
        kind = order.kind
        if price is None:
            if order.at_once and kind in {MARKET, LIMIT}:
                self._execution.expire(listing, order, now, NOT_FILLED_AT_ONCE, out)
            elif kind not in {MARKET, TRAILING}:
                self._rest(listing, order)
        elif kind == MARKET:
            if listing.book is None and not order.at_once:
                self._execution.take(listing, order, price, None, ts, out)
            else:
                self.cross(listing, order, price, None, ts, out)
        elif kind == LIMIT:
            if price <= order.level if order.buy else price >= order.level:
                if order.intent.post_only:
                    self._execution.expire(listing, order, now, WOULD_TAKE, out)
                    return
                self.cross(listing, order, price, order.level, ts, out)
            elif order.at_once:
                self._execution.expire(listing, order, now, NOT_FILLED_AT_ONCE, out)
            if order.shelf != ENDED:
                self._rest(listing, order)
        else:
            if kind == TRAILING:
                order.level = _add(price, order.trail) if order.buy else _sub(price, order.trail)
            self._rest(listing, order)
            if reached(order, price):
                self.reach(listing, order, price, listing.book is not None, ts, out)

    def _rest(self, listing: Listing, order: Working) -> None:
        """Put an order that was arriving on the shelf where it waits, at the back of the queue at its price."""
        listing.move(order, DOWN if order.buy is not order.adverse else UP)
        if order.kind == LIMIT and self._queue is not None and listing.book is not None:
            order.ahead = self._queue.ahead(listing.book.size_at(not order.buy, order.level))

    def cross(
        self, listing: Listing, order: Working, raw: Decimal, bound: Decimal | None, ts: int, out: list[VenueFact]
    ) -> None:
        """Take at `raw`, or from the visible book; what an immediate order cannot have at once expires."""
        if listing.book is None:
            self._execution.take(listing, order, raw, bound, ts, out)
        else:
            room, listing.room = listing.room, None
            self._walk(listing, listing.book, order, bound, ts, out)
            listing.room = room
        if order.at_once and order.shelf != ENDED:
            self._execution.expire(listing, order, ts, NOT_FILLED_AT_ONCE, out)

    def reach(
        self, listing: Listing, order: Working, price: Decimal, shown: bool, ts: int, out: list[VenueFact]
    ) -> None:
        """A resting order's level was reached: a limit fills at it, a stop or take-profit is triggered."""
        kind = order.kind
        if kind == LIMIT:
            if shown:
                self._fill_from_book(listing, order, ts, out)
            else:
                self._execution.rest(listing, order, None, True, ts, out)
        elif kind in {STOP_LIMIT, TAKE_PROFIT_LIMIT}:
            self._become_limit(listing, order, ts, out)
        else:
            raw = order.level if kind == TAKE_PROFIT else worse(order.buy, order.level, price)
            self.cross(listing, order, raw, None, ts, out)
            if order.shelf != ENDED:
                self._execution.into_market(listing, order, ts)

    def _become_limit(self, listing: Listing, order: Working, ts: int, out: list[VenueFact]) -> None:
        order.kind = LIMIT
        listing.relevel(order, order.limit)
        order.adverse = False
        if not listing.finer:
            order.dormant = True
            listing.triggered += 1
        elif listing.book is not None:
            self.cross(listing, order, order.level, order.level, ts, out)
        elif order.at_once:
            order.at = ts + 1
            if order.shelf != ARRIVING:
                listing.move(order, ARRIVING)
            return
        if order.shelf != ENDED:
            self._rest(listing, order)

    def _walk(
        self,
        listing: Listing,
        book: VisibleBook,
        order: Working,
        bound: Decimal | None,
        ts: int,
        out: list[VenueFact],
    ) -> None:
        """Take visible levels from the best on, up to `bound`; one fill a level, its slippage against the best."""
        execution = self._execution
        buy = order.buy
        wanted = execution.allowed(listing, order)
        if not wanted:
            execution.nothing(listing, order, ts, out)
            return
        if order.intent.time_in_force is _FOK and _visible(book, buy, bound) < wanted:
            return
        best: Decimal | None = None
        for price, size in list(book.levels(buy)):
            if order.shelf == ENDED or (bound is not None and (price > bound if buy else price < bound)):
                return
            best = price if best is None else best
            quantity = min(execution.allowed(listing, order), size)
            quantity = _sub(quantity, _remainder(quantity, listing.lot_size))
            if quantity <= ZERO:
                continue
            paid = execution.worsened(listing, buy, price, quantity)
            if bound is not None and (paid > bound if buy else paid < bound):
                paid = bound
            slippage = _sub(paid, best) if buy else _sub(best, paid)
            if not execution.settle(listing, order, quantity, paid, slippage, False, ts, out):
                return
            book.take(buy, price, quantity)

    def _fill_from_book(self, listing: Listing, order: Working, ts: int, out: list[VenueFact]) -> None:
        """The opposite best has crossed a resting limit: what is shown beyond it fills it, at its limit, as maker."""
        book = listing.book
        assert book is not None, f"{listing.symbol} has no book"
        room, listing.room = listing.room, None
        for price, size in list(book.levels(order.buy)):
            if order.shelf == ENDED or (price >= order.level if order.buy else price <= order.level):
                break
            before = order.filled
            most = _sub(size, _remainder(size, listing.lot_size))
            if most > ZERO:
                self._execution.rest(listing, order, most, True, ts, out)
                book.take(order.buy, price, _sub(order.filled, before))
        listing.room = room

    def ratchet(self, listing: Listing, bid: Decimal | None, ask: Decimal | None) -> None:
        """Trailing stops that rest follow the price: a sell's rises with the bid, a buy's falls with the ask."""
        for shelf in (listing.down, listing.up):
            for order in shelf.values():
                if order.kind == TRAILING:
                    if order.buy and ask is not None:
                        listing.relevel(order, min(order.level, _add(ask, order.trail)))
                    elif not order.buy and bid is not None:
                        listing.relevel(order, max(order.level, _sub(bid, order.trail)))


def _visible(book: VisibleBook, asks: bool, bound: Decimal | None) -> Decimal:
    """All that is left of one side up to `bound`."""
    total = ZERO
    for price, size in book.levels(asks):
        if bound is not None and (price > bound if asks else price < bound):
            break
        total = _add(total, size)
    return total


def worse(buy: bool, one: Decimal, other: Decimal) -> Decimal:
    """The higher price for a buyer, the lower for a seller."""
    return max(one, other) if buy else min(one, other)


def _end_at(order: Working) -> int:
    if order.expires_ns and order.cancel_at:
        return min(order.expires_ns, order.cancel_at)
    return order.expires_ns or order.cancel_at


def _when(due: tuple[int, Working]) -> tuple[int, int]:
    return due[0], due[1].seq


def _stops_first(order: Working) -> tuple[bool, Decimal, int]:
    return not order.adverse, order.level.copy_negate() if order.shelf == DOWN else order.level, order.seq
