"""`PriceBand`: between which reference prices the orders of a symbol were approved, in a sliding window of time.

A collar holds each order to the reference of its moment. An algorithm that moves the market and follows it stays inside
every collar and still ends far away; so orders are also held to the references that those before them were judged by.

The lowest and the highest of a window are the heads of two monotonic queues (the "sliding window minimum"): what comes
drops what it makes irrelevant, so noting costs one step on average and asking none.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from kedge.model.instant import NS_PER_MS
from kedge.model.limits import RiskConfig

Noted = tuple[int, Decimal]


class PriceBand:
    """The references of one symbol's approved orders; times in UTC ns, prices in the quote currency."""

    __slots__ = ("_highs", "_lows")

    def __init__(self) -> None:
        self._lows: deque[Noted] = deque()
        self._highs: deque[Noted] = deque()

    def note(self, now: int, price: Decimal, window_ns: int) -> None:
        """An order was approved at `now` against the reference `price`."""
        for queue in (self._lows, self._highs):
            while queue and queue[0][0] <= now - window_ns:
                queue.popleft()
        while self._lows and self._lows[-1][1] >= price:
            self._lows.pop()
        while self._highs and self._highs[-1][1] <= price:
            self._highs.pop()
        self._lows.append((now, price))
        self._highs.append((now, price))

    def span(self, now: int, window_ns: int) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest reference noted after `now - window_ns`; `None` where there is none."""
        since = now - window_ns
        low = next((price for at, price in self._lows if at > since), None)
        high = next((price for at, price in self._highs if at > since), None)
        return None if low is None or high is None else (low, high)

    def snapshot(self) -> list[object]:
        """Plain data that two equal folds agree on."""
        return [[list(each) for each in queue] for queue in (self._lows, self._highs)]


def note(bands: dict[str, PriceBand], symbol: str, now: int, reference: Decimal | None, limits: RiskConfig) -> None:
    """Keep the reference that an order on `symbol` was judged by."""
    if reference is not None:
        bands.setdefault(symbol, PriceBand()).note(now, reference, limits.price_band_window_ms * NS_PER_MS)
