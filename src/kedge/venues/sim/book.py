"""The visible book of one symbol: what others offer, less what we have already taken of it.

The history does not know that we traded, so our fills do not move it; but a level that we have taken from stays taken
until the venue shows that level anew: a quote or a snapshot renews everything, a delta the levels it names.

A book that is crossed (a bid at or above the ask, in the middle of an update) shows nothing until it is not: to trade
against both of its sides would be money for nothing.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from kedge.model.market import BookDelta, Level, OrderBook, Quote
from kedge.model.money import EXACT, ZERO


class VisibleBook:
    """Bids and asks by price, and the sizes left after what we took. A quote is a book of one level."""

    __slots__ = ("_asks", "_bids", "_crossed")

    def __init__(self) -> None:
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}
        self._crossed = False

    def show_quote(self, quote: Quote) -> None:
        """Replace everything by the best bid and ask."""
        self._bids = {quote.bid: quote.bid_size} if quote.bid_size > ZERO else {}
        self._asks = {quote.ask: quote.ask_size} if quote.ask_size > ZERO else {}
        self._judge()

    def show_snapshot(self, book: OrderBook) -> None:
        """Replace everything by a whole book."""
        self._bids = _side(book.bids, descending=True)
        self._asks = _side(book.asks, descending=False)
        self._judge()

    def show_delta(self, delta: BookDelta) -> None:
        """Renew the levels that changed; a size of zero removes one."""
        _renew(self._bids, delta.bids, descending=True)
        _renew(self._asks, delta.asks, descending=False)
        self._judge()

    def _judge(self) -> None:
        bid, ask = next(iter(self._bids), None), next(iter(self._asks), None)
        self._crossed = bid is not None and ask is not None and bid >= ask

    def best(self, asks: bool) -> Decimal | None:
        """The best price of one side, whatever we took of it; None where it is empty or crossed."""
        return None if self._crossed else next(iter(self._asks if asks else self._bids), None)

    def size_at(self, asks: bool, price: Decimal) -> Decimal:
        """What is left at one price."""
        return (self._asks if asks else self._bids).get(price, ZERO)

    def levels(self, asks: bool) -> Iterator[Level]:
        """Price and remaining size of one side, best first; levels that we emptied have size zero."""
        return iter(() if self._crossed else (self._asks if asks else self._bids).items())

    def take(self, asks: bool, price: Decimal, quantity: Decimal) -> None:
        """Note that we took `quantity` at `price`."""
        side = self._asks if asks else self._bids
        side[price] = EXACT.subtract(side[price], quantity)

    def snapshot(self) -> dict[str, list[list[str]]]:
        """Plain data that two equal books agree on."""
        return {
            name: [[str(price), str(size)] for price, size in side.items()]
            for name, side in (("bids", self._bids), ("asks", self._asks))
        }


def shows_sound(fact: Quote | OrderBook | BookDelta, price_most: Decimal) -> bool:
    """Whether every price is positive and at most `price_most`, and every size a finite number not below zero."""
    levels = (
        ((fact.bid, fact.bid_size), (fact.ask, fact.ask_size)) if isinstance(fact, Quote) else (*fact.bids, *fact.asks)
    )
    try:
        return all(ZERO < price <= price_most and size >= ZERO and size.is_finite() for price, size in levels)
    except InvalidOperation:  # it does not compare: not a number
        return False


def _side(levels: tuple[Level, ...], descending: bool) -> dict[Decimal, Decimal]:
    shown = {price: size for price, size in levels if size > ZERO}
    prices = list(shown)
    ordered = sorted(prices, reverse=descending)
    return shown if prices == ordered else {price: shown[price] for price in ordered}


def _renew(side: dict[Decimal, Decimal], changes: tuple[Level, ...], descending: bool) -> None:
    grown = False
    for price, size in changes:
        if size > ZERO:
            grown = grown or price not in side
            side[price] = size
        else:
            side.pop(price, None)
    if grown:
        prices: list[Decimal] = []
        for price in side:
            insort(prices, price, key=(lambda p: -p) if descending else None)
        ordered = {price: side[price] for price in prices}
        side.clear()
        side.update(ordered)
