"""Matching against finer data than candles: trades, quotes and books.

A trade shows one price and a volume: what has arrived since takes at it, what rests is filled when it was passed. A
quote or book shows both sides: what arrives walks it at once, and what rests is filled when the opposite best has
passed it, with no more than is shown there. The first such fact of a symbol ends the matching of its candles for
good.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from kedge.model.facts import VenueFact
from kedge.model.market import BookDelta, OrderBook, Quote, Trade
from kedge.model.money import EXACT, ZERO
from kedge.model.order import Side
from kedge.venues.sim.book import VisibleBook
from kedge.venues.sim.execution import Execution
from kedge.venues.sim.listing import Listing
from kedge.venues.sim.meeting import Meeting
from kedge.venues.sim.working import DOWN, ENDED, UP, Working

_sub: Final = EXACT.subtract


class FeedMatcher:
    """Plays one trade, quote or book against the working orders of its symbol."""

    __slots__ = ("_execution", "_meeting")

    def __init__(self, execution: Execution, meeting: Meeting) -> None:
        self._execution = execution
        self._meeting = meeting

    def trade(self, listing: Listing, trade: Trade, out: list[VenueFact]) -> None:
        """Play a print."""
        price = trade.price
        _begin(listing)
        listing.last = price
        if self._execution.volume_bound:
            self._execution.see_volume(listing, trade.quantity, trade.ts)
        if listing.timed:
            self._meeting.end_due(listing, trade.ts, out)
        self._liquidate(listing, price, price, trade.ts, out)
        if listing.down or listing.up:
            self._queue(listing, trade, out)
            self._meeting.passed(listing, price, price, False, trade.ts, out)
            if listing.trailing:
                self._meeting.ratchet(listing, price, price)
        if listing.arriving:
            self._meeting.arrivals(listing, price, price, trade.ts, trade.ts, out)

    def show(self, listing: Listing, fact: Quote | OrderBook | BookDelta, out: list[VenueFact]) -> None:
        """Play a quote, a book or the change of one."""
        _begin(listing)
        if listing.book is None:
            listing.book = VisibleBook()
        book = listing.book
        if type(fact) is Quote:
            book.show_quote(fact)
        elif type(fact) is OrderBook:
            book.show_snapshot(fact)
        elif type(fact) is BookDelta:
            book.show_delta(fact)
        bid, ask = book.best(asks=False), book.best(asks=True)
        seen = (bid if listing.position > ZERO else ask) or ask or bid
        if seen is not None:
            listing.last = seen
        if listing.timed:
            self._meeting.end_due(listing, fact.ts, out)
        self._liquidate(listing, bid, ask, fact.ts, out)
        if listing.down or listing.up:
            self._shrink_queue(listing, book)
            self._meeting.passed(listing, bid, ask, True, fact.ts, out)
            if listing.trailing:
                self._meeting.ratchet(listing, bid, ask)
        if listing.arriving:
            self._meeting.arrivals(listing, bid, ask, fact.ts, fact.ts, out)

    def _liquidate(
        self, listing: Listing, bid: Decimal | None, ask: Decimal | None, ts: int, out: list[VenueFact]
    ) -> None:
        """A long is tested on the bid, a short on the ask."""
        if not listing.position or listing.is_spot or listing.mark is not None:
            return
        if self._execution.account.several:
            self._execution.account.arm(listing)
        price = bid if listing.position > ZERO else ask
        if price is not None and (price <= listing.liquidation_below or price >= listing.liquidation_above):
            self._execution.liquidate(listing, price, ts, out)

    def _queue(self, listing: Listing, trade: Trade, out: list[VenueFact]) -> None:
        """A trade at the very price of a resting order moves it forward in its queue, and may reach it."""
        reached = listing.falls_to(trade.price), listing.rises_to(trade.price)
        for shelf, aggressor, near in zip((listing.down, listing.up), (Side.SELL, Side.BUY), reached, strict=True):
            if not near or (trade.side is not None and trade.side is not aggressor):
                continue
            left = trade.quantity
            for order in [order for order in shelf.values() if order.ahead is not None and order.level == trade.price]:
                left = self._advance(listing, order, left, trade.ts, out)

    def _advance(self, listing: Listing, order: Working, traded: Decimal, ts: int, out: list[VenueFact]) -> Decimal:
        """Let `traded` pass one order's queue; what is left of it for our own orders behind."""
        assert order.ahead is not None
        if traded <= order.ahead:
            order.ahead = _sub(order.ahead, traded)
            return traded
        turn = _sub(traded, order.ahead)
        order.ahead = ZERO
        turn = _sub(turn, EXACT.remainder(turn, listing.lot_size))
        before = order.filled
        if turn > ZERO:
            self._execution.rest(listing, order, turn, True, ts, out)
        return _sub(traded, _sub(order.filled, before))

    def _shrink_queue(self, listing: Listing, book: VisibleBook) -> None:
        for shelf in (DOWN, UP):
            for order in listing.shelves[shelf].values():
                if order.ahead is not None and order.shelf != ENDED:
                    order.ahead = min(order.ahead, book.size_at(not order.buy, order.level))


def _begin(listing: Listing) -> None:
    """From now on finer data than candles rules this symbol."""
    if not listing.finer:
        listing.finer = True
        listing.bar = None
