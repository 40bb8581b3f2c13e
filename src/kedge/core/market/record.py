"""`SymbolMarket`: what is known of one symbol, and the band that its next price must be in.

**The band.** A price may not be further than a limit L from the last accepted price. To ask that of each fact
exactly costs a multiplication each. Instead a band of ±L/(2+L) is laid round an anchor; any two prices inside
it are within L of each other, so what lies inside needs no arithmetic, two comparisons are enough. What falls
outside is measured exactly, and accepted, it becomes the next anchor.

**A jump.** A price beyond the limit is quarantined and remembered. While it is unresolved the symbol is in
`doubt` and every fact is measured exactly: one within the limit of the old price ends the doubt; enough later
ones in a row that agree with the jump move the price there, so that a real move is not refused for ever.

**The price** is that of the freshest valid source (quote or book mid, mark price, trade, candle close), told
by venue time but never later than the time of receipt, so that an age is never understated. A quote's mid is
computed when asked for.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from msgspec import structs

from kedge.core.market import staleness
from kedge.core.market.books import Book
from kedge.core.market.rules import PRICE_MAX, PRICE_MIN
from kedge.model.market import Candle, FundingRate, MarkPrice, Quote, Trade
from kedge.model.market_limits import MarketLimits
from kedge.model.money import EXACT, ONE, ZERO

HALF = Decimal("0.5")
_FINE = Decimal("1E-12")


class SymbolMarket(staleness.Streams):
    """The market of one symbol. Times end in `_ns` (our notion of when it was known) or `_ts` (the
    venue's).
    """

    __slots__ = (
        "_jump_at",
        "_jump_price",
        "_reach",
        "band_high",
        "band_low",
        "book",
        "book_ts",
        "candle",
        "candle_ts",
        "candles",
        "doubts",
        "funding",
        "interval",
        "jump_limit",
        "mark",
        "price",
        "price_ns",
        "quote",
        "quote_ts",
        "symbol",
        "trade",
        "trade_ids",
        "trade_ts",
    )

    def __init__(self, symbol: str, limits: MarketLimits) -> None:
        super().__init__()
        self.symbol = symbol
        self.price: Decimal | None = None
        self.price_ns = 0
        self.candle: Candle | None = None
        #: The earliest open time of the next candle of `interval`, and the last candles of other intervals.
        self.candle_ts = 0
        self.interval = -1
        self.candles: dict[int, Candle] = {}
        self.trade: Trade | None = None
        self.trade_ts = -1
        self.trade_ids: dict[str, None] | None = None
        self.quote: Quote | None = None
        self.quote_ts = -1
        self.book = Book()
        self.book_ts = -1
        self.mark: MarkPrice | None = None
        self.funding: FundingRate | None = None
        self.jump_limit: Decimal | None = None
        self._reach = ZERO
        self.band_low = PRICE_MAX
        self.band_high = PRICE_MIN
        self.doubts = 0
        self._jump_price = ZERO
        self._jump_at = 0
        self.limit(limits)

    # limits ----------------------------------------------------------------------------------------------------------

    def limit(self, limits: MarketLimits) -> None:
        """Judge by `limits` from now on."""
        self.bound(limits)
        self.bound_candles(limits.candle_silence_intervals_max)
        self.book.levels_max = limits.book_levels_max
        jump = self.jump_limit = limits.jump_limit(self.symbol)
        self._reach = ZERO if jump is None else EXACT.divide(jump, 2 + jump).quantize(_FINE, ROUND_DOWN)
        #: Nothing is inside, so that the next price is measured.
        self.band_low, self.band_high = PRICE_MAX, PRICE_MIN

    def bound_candles(self, silence_intervals: int | None) -> None:
        """A candle stream may be silent for so many of its shortest intervals."""
        intervals = [known for known in (self.interval, *self.candles) if known > 0]
        if silence_intervals is None:
            self.bounds.pop(staleness.Channel.CANDLE, None)
        elif intervals:
            self.bounds[staleness.Channel.CANDLE] = silence_intervals * min(intervals)

    # streams ---------------------------------------------------------------------------------------------------------

    def stream(self, channel: str, up: bool, reason: str, now: int) -> None:
        """A stream came up or went down. One of books or quotes that went down has missed something: both need a
        fresh start.
        """
        staleness.set_status(self, channel, up, reason, now)
        if not up:
            if channel in ("", staleness.Channel.BOOK):
                self.book.invalidate("stream is down")
            if channel in ("", staleness.Channel.QUOTE):
                self.drop_quote()

    # price -----------------------------------------------------------------------------------------------------------

    def last(self) -> Decimal | None:
        """The freshest valid price; `None` before the first."""
        price = self.price
        if price is None and (quote := self.quote) is not None and self.price_ns:
            price = self.price = mid(quote.bid, quote.ask)
        return price

    def drop_quote(self) -> None:
        """The quote is no longer the top of the market; its mid stays as a price that ages."""
        self.last()
        self.quote = None

    def set_price(self, price: Decimal | None, at: int) -> None:
        """Take a price (`None`: the quote's mid, later) unless a fresher one is known."""
        if at >= self.price_ns:
            self.price, self.price_ns = price, at

    # jumps -----------------------------------------------------------------------------------------------------------

    def measure(self, low: Decimal, high: Decimal, price: Decimal, at: int, confirmations_min: int) -> str:
        """Measure `low..high` against the last price; empty if it may be accepted, else what is wrong.

        Lays the band anew on acceptance. `price` is what the fact would make the price, `at` its time.
        """
        limit = self.jump_limit
        last = self.last()
        if limit is None or last is None:
            self._lay_band(price)
            return ""
        if _within(low, high, last, limit):
            self.doubts = 0
            self._lay_band(price if at >= self.price_ns else last)
            return ""
        agrees = self._agrees(low, high, limit)
        if agrees and at <= self._jump_at:
            self._jump_at = at
            return f"{price} after {last}, and no later than the jump it confirms"
        self.doubts = self.doubts + 1 if agrees else 1
        self._jump_at = at
        if not agrees:
            self._jump_price = price
        if self.doubts < confirmations_min:
            self.band_low, self.band_high = PRICE_MAX, PRICE_MIN
            return f"{price} after {last}"
        self.doubts = 0
        self.quote = None
        self.price, self.price_ns = price, at
        self._lay_band(price)
        return ""

    def would_accept(self, low: Decimal, high: Decimal, at: int, confirmations_min: int) -> bool:
        """Whether `measure` would accept; changes nothing."""
        limit, last = self.jump_limit, self.last()
        if limit is None or last is None or _within(low, high, last, limit):
            return True
        if not self._agrees(low, high, limit):
            return confirmations_min <= 1
        return at > self._jump_at and self.doubts + 1 >= confirmations_min

    def _agrees(self, low: Decimal, high: Decimal, limit: Decimal) -> bool:
        """Whether a price speaks for the jump that is in doubt."""
        return self.doubts > 0 and _within(low, high, self._jump_price, limit)

    def _lay_band(self, anchor: Decimal) -> None:
        if self.jump_limit is None:
            self.band_low, self.band_high = PRICE_MIN, PRICE_MAX
            return
        self.band_low = max(PRICE_MIN, EXACT.multiply(anchor, ONE - self._reach))
        self.band_high = min(PRICE_MAX, EXACT.multiply(anchor, ONE + self._reach))

    # plain data ------------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        return {
            "price": self.last() or ZERO,
            "price_ns": self.price_ns,
            "candle": _plain(self.candle),
            "candle_ts": self.candle_ts,
            "interval": self.interval,
            "candles": {str(interval): _plain(candle) for interval, candle in self.candles.items()},
            "trade": _plain(self.trade),
            "trade_ids": list(self.trade_ids or ()),
            "trade_ts": self.trade_ts,
            "quote": _plain(self.quote),
            "quote_ts": self.quote_ts,
            "book": self.book.snapshot(),
            "book_ts": self.book_ts,
            "mark": _plain(self.mark),
            "funding": _plain(self.funding),
            "band": [self.band_low, self.band_high],
            "doubts": [self.doubts, self._jump_price, self._jump_at],
            "streams": staleness.snapshot(self),
        }


def mid(bid: Decimal, ask: Decimal) -> Decimal:
    """Half way between, exactly."""
    return EXACT.multiply(EXACT.add(bid, ask), HALF)


def _within(low: Decimal, high: Decimal, last: Decimal, limit: Decimal) -> bool:
    reach = EXACT.multiply(last, limit)
    return last - reach <= low and high <= last + reach


def _plain(fact: Candle | Trade | Quote | MarkPrice | FundingRate | None) -> list[object]:
    if fact is None:
        return []
    return ["" if value is None else str(value) if isinstance(value, str) else value for value in structs.astuple(fact)]
