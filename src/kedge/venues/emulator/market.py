"""One market: the crowd's trades and offers, played against the simulated venue so that tape, book and fills agree.

A move of the course sweeps what stands in its way, the crowd's levels and our orders among them, best first; each is a
trade at its own price. An order of ours larger than the hand that takes it holds the price up until it is eaten. Only then
are the new offers shown.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from kedge.model.instrument import Instrument
from kedge.model.market import BookDelta, Level, OrderBook, Trade
from kedge.model.money import ZERO
from kedge.model.order import Side
from kedge.venues.emulator.course import Course
from kedge.venues.emulator.crowd import Crowd

if TYPE_CHECKING:
    from kedge.venues.emulator.exchange import Exchange

#: How much of our resting orders a hand takes at most when a step of the course runs into them, in fresh level sizes.
_HANDS = 4


class Market:
    """Plays the crowd of one symbol."""

    def __init__(self, exchange: Exchange, instrument: Instrument, course: Course, seed: int) -> None:
        self._exchange = exchange
        self._symbol = instrument.symbol
        self._tick = instrument.tick_size
        self._lot = instrument.lot_size
        self._course = course
        self._crowd = Crowd(instrument, course.price(), seed)
        self.frozen = False

    def open(self) -> None:
        """Show the first book, and one trade so that there is a last price."""
        price = self._course.price()
        sides = [self._levels(self._crowd.offers(price, {}, asks=asks)) for asks in (False, True)]
        book = OrderBook(self._exchange.now, sides[0], sides[1], self._symbol)
        self._exchange.settle(self._symbol, self._exchange.venue.on_market(book))
        self._hit(asks=True, lots=1)

    def step(self) -> None:
        """What happens in one pace of time."""
        if self.frozen:
            return
        for price in self._course.move(self._exchange.now):
            self._go(price, self._crowd.size() * _HANDS)
        hit = self._crowd.hit()
        if hit is not None:
            self._hit(asks=hit.asks, lots=hit.lots)

    def push(self, price: Decimal) -> None:
        """Move the market to `price` at once, through every order in its way."""
        ticks = int((price / self._tick).to_integral_value(ROUND_HALF_EVEN))
        self._course.jump(ticks)
        self._go(ticks, None)
        self._hit(asks=True, lots=1)

    def _go(self, price: int, lots: int | None) -> None:
        """Take what stands between the book and its new place (at most `lots` of ours), then show the new offers."""
        ask, bid = self._crowd.best(price, asks=True), self._crowd.best(price, asks=False)
        stuck_ask = self._sweep(ask, lots, asks=True)
        stuck_bid = self._sweep(bid, lots, asks=False)
        deltas: dict[bool, tuple[Level, ...]] = {}
        for asks, wall in ((False, stuck_ask), (True, stuck_bid)):
            changes = self._crowd.offers(price, self._shown(asks=asks), asks=asks)
            if wall is not None:  # an order of ours was not eaten: the crowd may not stand at or beyond it
                changes = {
                    level: size if (level > wall if asks else level < wall) else 0 for level, size in changes.items()
                }
            deltas[asks] = self._levels(changes)
        self._show(deltas[False], deltas[True])

    def _sweep(self, until: int, lots: int | None, *, asks: bool) -> int | None:
        """Take one side's levels better than `until`; where an order of ours stopped it, its price."""
        hand = None if lots is None else lots * self._lot
        met: int | None = None
        while True:
            ours = self._sweep_crowd(until, asks=asks)
            if ours is None:
                return None
            ticks, crowd, own = ours
            part = own if hand is None else min(own, hand)
            if ticks == met or not part:  # it stood its ground
                return ticks
            met = ticks
            self._take(ticks, crowd, crowd + part, asks=asks)
            hand = None if hand is None else hand - part

    def _sweep_crowd(self, until: int, *, asks: bool) -> tuple[int, Decimal, Decimal] | None:
        """Take what the crowd alone has before `until`, shown as gone at once; the first level where we are too."""
        gone: list[Level] = []
        ours = None
        for ticks, crowd, own in self._standing(asks=asks):
            if ticks >= until if asks else ticks <= until:
                break
            if own:
                ours = (ticks, crowd, own)
                break
            price = ticks * self._tick
            self._exchange.print(self._symbol, price, crowd, buyer_is_maker=not asks)
            gone.append((price, ZERO))
        if gone:
            levels = tuple(gone)
            self._show(() if asks else levels, levels if asks else ())
        return ours

    def _hit(self, *, asks: bool, lots: int) -> None:
        """Take `lots` from the best level of one side, the crowd's share of it and ours by their place in the queue."""
        levels = self._standing(asks=asks)
        if levels:
            ticks, crowd, own = levels[0]
            self._take(ticks, crowd, min(crowd + own, lots * self._lot), asks=asks)

    def _take(self, ticks: int, crowd: Decimal, quantity: Decimal, *, asks: bool) -> None:
        """A trade of `quantity` at one level: our fills are printed as they come, the rest is the crowd's."""
        if quantity <= ZERO:
            return
        exchange, symbol = self._exchange, self._symbol
        price = ticks * self._tick
        side = Side.BUY if asks else Side.SELL
        reports = exchange.venue.on_market(Trade(exchange.now, price, quantity, symbol, side))
        mine = sum((fill.quantity for fill in exchange.settle(symbol, reports)), ZERO)
        others = min(quantity - mine, crowd)
        if others > ZERO:
            exchange.print(symbol, price, others, buyer_is_maker=not asks)
        book = exchange.venue.visible(symbol)
        if crowd > ZERO and book is not None:  # what stands there now: a trigger may have taken of it meanwhile
            level = ((price, max(book.size_at(asks, price) - max(others, ZERO), ZERO)),)
            self._show(() if asks else level, level if asks else ())

    def _show(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        delta = BookDelta(self._exchange.now, bids, asks, self._symbol)
        self._exchange.settle(self._symbol, self._exchange.venue.on_market(delta))

    def _standing(self, *, asks: bool) -> list[tuple[int, Decimal, Decimal]]:
        """One side, best first: ticks, what the crowd has there, what we have there."""
        levels = {price: (size, ZERO) for price, size in self._visible(asks=asks).items()}
        for order in self._exchange.open_orders(self._symbol):
            if order.rests and order.price is not None and (order.side is Side.SELL) is asks:
                crowd, own = levels.get(order.price, (ZERO, ZERO))
                levels[order.price] = (crowd, own + order.left)
        ordered = sorted(levels, reverse=not asks)
        return [(int(price / self._tick), *levels[price]) for price in ordered]

    def _visible(self, *, asks: bool) -> dict[Decimal, Decimal]:
        book = self._exchange.venue.visible(self._symbol)
        return {} if book is None else {price: size for price, size in book.levels(asks) if size > ZERO}

    def _shown(self, *, asks: bool) -> dict[int, int]:
        """One side in ticks and lots; a level that we emptied is there with nothing, so that it is renewed or goes."""
        book = self._exchange.venue.visible(self._symbol)
        levels = () if book is None else book.levels(asks)
        return {int(price / self._tick): int(size / self._lot) for price, size in levels}

    def _levels(self, changes: dict[int, int]) -> tuple[Level, ...]:
        return tuple((ticks * self._tick, size * self._lot) for ticks, size in changes.items())
