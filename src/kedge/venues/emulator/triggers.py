"""Conditional orders: prices that wait for the market, by last price or mark price, fixed or trailing.

The simulated venue's own stops are not used: venues differ in what triggers them, in what they become and in what they
say about it, and that is the dialect's business. A trigger fires once, after the book that reached it was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kedge.model.money import ONE

if TYPE_CHECKING:
    from kedge.venues.emulator.exchange import Exchange

LAST: Final = "last"
MARK: Final = "mark"


class Trigger(Struct):
    """Fires when the price is at or above `price` (`above`), or at or below it.

    With `trail` (a fraction, 0.01 for 1%) the price follows: it begins once `activation` is reached (None: at once) and
    is then the best price seen, moved back by the fraction.
    """

    symbol: str
    price: Decimal | None
    above: bool
    source: str
    fire: Callable[[], None]
    trail: Decimal | None = None
    activation: Decimal | None = None
    best: Decimal | None = None


class Triggers:
    """What waits, by number."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._waiting: dict[int, Trigger] = {}
        self._n = 0

    def add(self, trigger: Trigger) -> int:
        """Wait; a number to call it off by. It looks at prices from the next change on; a trail begins at this one."""
        self._n += 1
        price = self.price(trigger.symbol, trigger.source)
        if trigger.trail is not None and price is not None:
            _follow(trigger, price, trigger.trail)
        self._waiting[self._n] = trigger
        return self._n

    def drop(self, number: int) -> None:
        """Wait no longer."""
        self._waiting.pop(number, None)

    def price(self, symbol: str, source: str) -> Decimal | None:
        """The price that a source shows now."""
        if source == MARK:
            return self._exchange.marks.get(symbol)
        return self._exchange.tapes[symbol].last

    def look(self, symbol: str) -> None:
        """Fire what the prices have reached."""
        for number, trigger in list(self._waiting.items()):
            if trigger.symbol != symbol or number not in self._waiting:
                continue
            price = self.price(symbol, trigger.source)
            if price is not None and _reached(trigger, price):
                del self._waiting[number]
                trigger.fire()


def _reached(trigger: Trigger, price: Decimal) -> bool:
    if trigger.trail is not None:
        _follow(trigger, price, trigger.trail)
    if trigger.price is None:
        return False
    return price >= trigger.price if trigger.above else price <= trigger.price


def _follow(trigger: Trigger, price: Decimal, trail: Decimal) -> None:
    """A sell (`above` False) trails below the highest price, a buy above the lowest."""
    if trigger.best is None:
        activation = trigger.activation
        if activation is not None and (price < activation if not trigger.above else price > activation):
            return
        trigger.best = price
    trigger.best = min(trigger.best, price) if trigger.above else max(trigger.best, price)
    trigger.price = trigger.best * (ONE + trail if trigger.above else ONE - trail)
