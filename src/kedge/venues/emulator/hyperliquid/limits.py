"""What an address may ask: weights a minute by IP, and requests by what the account has traded.

    IP         1,200 a minute: an action 1 and 1 more for each 40 of its batch; a question 2, 20 or 60, and 1 more for each
               20 things (60 candles) in its answer
    account    10,000 actions and 1 more for each dollar traded; cancels may go on to twice that or 100,000 more, whichever
               is less; then one action every ten seconds

The first is answered with HTTP 429, the second with an error in words. An expired action costs five times its weight.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kedge.model.instant import NS_PER_S
from kedge.model.money import ZERO
from kedge.venues.emulator.hyperliquid.numerals import shown
from kedge.venues.emulator.rates import Window

WEIGHT_A_MINUTE = 1_200
REQUESTS_AT_FIRST = 10_000
CANCELS_MORE = 100_000
_SLOW_NS = 10 * NS_PER_S
_LIGHT = {"l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus"}
_COUNTED = {"recentTrades", "historicalOrders", "userFills", "userFillsByTime", "fundingHistory", "userFunding"}
_COUNTED |= {"userNonFundingLedgerUpdates"}


class Limits:
    """Counts what is used."""

    def __init__(self, requests: int = REQUESTS_AT_FIRST) -> None:
        self.weight = Window("weight", 60, WEIGHT_A_MINUTE)
        self.requests_at_first = requests
        self.requests_used = 0
        self.volume = ZERO
        self._last = 0

    def question(self, kind: str, now: int) -> bool:
        """Pay for a question; False where there is nothing left to pay with."""
        if self.weight.full(now):
            return False
        self.weight.add(2 if kind in _LIGHT else 60 if kind == "userRole" else 20, now)
        return True

    def answered(self, kind: str, answer: Any, now: int) -> None:
        """Pay for the length of the answer."""
        if isinstance(answer, list):
            per = 20 if kind in _COUNTED else 60 if kind == "candleSnapshot" else 0
            if per:
                self.weight.add(len(answer) // per, now)

    def action(self, batch: int, now: int, times: int = 1) -> bool:
        """Pay for an action by weight; False where there is nothing left."""
        if self.weight.full(now):
            return False
        self.weight.add((1 + batch // 40) * times, now)
        return True

    @property
    def cap(self) -> int:
        """The actions that the account has earned."""
        return self.requests_at_first + int(self.volume)

    def request(self, batch: int, cancels: bool, now: int) -> str:
        """Count an action against the account; the venue's words where it has no more."""
        cap = min(self.cap + CANCELS_MORE, 2 * self.cap) if cancels else self.cap
        if self.requests_used + batch > cap and now - self._last < _SLOW_NS:
            return (
                f"Too many cumulative requests sent ({self.requests_used} > {self.cap}) for cumulative volume traded "
                f"${self.volume:.2f}. Place taker orders to free up 1 request per USDC traded."
            )
        self.requests_used += batch
        self._last = now
        return ""

    def traded(self, value: Decimal) -> None:
        """The account traded so many dollars."""
        self.volume += value

    def state(self) -> dict[str, Any]:
        """`userRateLimit`."""
        return {"cumVlm": shown(self.volume, 2), "nRequestsUsed": self.requests_used, "nRequestsCap": self.cap}
