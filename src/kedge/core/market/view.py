"""`MarketView`: the questions about the market as it is now; `handler` adds the folds that write the answers."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from kedge.core.market import rules, staleness
from kedge.core.market.record import SymbolMarket
from kedge.core.market.succession import as_expected, candle_order, trade_order
from kedge.model.market import Candle, Trade
from kedge.model.market_limits import DEFAULT_LIMITS, MarketLimits
from kedge.model.order import Side

#: What a comparison or a look-up with a bad value raises.
BAD_VALUE: Final = (KeyError, TypeError, InvalidOperation)


class MarketView:
    """The market of all known symbols. Prices in the instrument's quote currency, times UTC nanoseconds."""

    __slots__ = ("_records", "limits")

    def __init__(self, limits: MarketLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._records: dict[str, SymbolMarket] = {}

    def last_price(self, symbol: str) -> Decimal | None:
        """The freshest valid price of `symbol`, however old; `None` before the first."""
        record = self._records.get(symbol)
        return record.last() if record is not None else None

    def reference(self, symbol: str) -> tuple[Decimal, int] | None:
        """The freshest valid of quote or book mid, mark price, last trade and last close, and since when it
        is known (UTC ns).
        """
        record = self._records.get(symbol)
        price = record.last() if record is not None else None
        return (price, record.price_ns) if record is not None and price is not None else None

    def age_ns(self, symbol: str, now: int) -> int | None:
        """The age of `reference` at `now`; `None` where there is none."""
        known = self.reference(symbol)
        return now - known[1] if known is not None else None

    def best(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Best bid and ask, of quote or book, whichever is fresher; `None` where neither is valid or a jump
        is unresolved.
        """
        record = self._records.get(symbol)
        if record is None or record.doubts:
            return None
        bid, ask, quote = record.book.best_bid, record.book.best_ask, record.quote
        if bid is not None and ask is not None and (quote is None or record.book_ns >= record.quote_ns):
            return bid[0], ask[0]
        return (quote.bid, quote.ask) if quote is not None else None

    def worst_price(self, symbol: str, side: Side, quantity: Decimal) -> Decimal | None:
        """The worst price that a taker of `quantity` (base units or contracts) gets from what is shown;
        `None` if unknown.

        Where there is a book it must be valid and deep enough; where there is none the quote's size must
        suffice. Where both speak the worse of the two counts.
        """
        record = self._records.get(symbol)
        if record is None or record.doubts or not quantity.is_finite():
            return None
        deep = record.book.worst_price(side, quantity) if record.book_ns else None
        quote = record.quote
        if record.book_ns and deep is None:
            return None
        if quote is None:
            return deep
        price, size = (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)
        if deep is None:
            return price if quantity <= size else None
        if record.quote_ns < record.book_ns:
            return deep
        return max(deep, price) if side is Side.BUY else min(deep, price)

    def distrust(self, symbol: str, now: int) -> str:
        """Why no new risk may be taken on `symbol` at `now`; empty where there is no reason."""
        record = self._records.get(symbol)
        if record is None:
            return f"{symbol} is unknown"
        if record.doubts:
            return "a price jump is not confirmed"
        if record.book.invalid and record.book_ns:
            return f"the book is invalid: {record.book.invalid}"
        return staleness.doubt(record, now)

    def believes(self, fact: Candle | Trade) -> bool:
        """Whether a candle or trade would be accepted as things are, whenever it reached us; folds nothing."""
        record = self._records.get(fact.symbol)
        if record is None:
            return False
        if isinstance(fact, Candle):
            try:
                if as_expected(record, fact.ts, fact.interval, fact.open, fact.high, fact.low, fact.close, fact.volume):
                    return True
            except BAD_VALUE:
                return False
            if rules.candle_values(fact) or candle_order(record, fact):
                return False
            low, high, at = fact.low, fact.high, fact.ts + fact.interval
        else:
            if rules.trade_values(fact) or trade_order(record, fact):
                return False
            low, high, at = fact.price, fact.price, fact.ts
        return record.would_accept(low, high, at, self.limits.jump_confirmations_min)

    def record(self, symbol: str) -> SymbolMarket | None:
        """All that is known of `symbol`; to be read, not written."""
        return self._records.get(symbol)

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        return {symbol: self._records[symbol].snapshot() for symbol in sorted(self._records)}
