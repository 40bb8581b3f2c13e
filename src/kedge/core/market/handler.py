"""`MarketDataHandler`: every market fact passes here before anyone may use it.

A fact is *accepted*, and folded into the `SymbolMarket` of its symbol, or *quarantined* with the name of the
rule it broke (`kedge.core.market.rules.Rule`) and the value that broke it; then it changes nothing, except
that a book which missed it, and a quote which crossed, are no longer valid. No value makes a fold raise.

Each kind has two paths. The hot one is a chain of comparisons, each written as "must be inside" so that NaN
fails it, and a handful of assignments. Whatever does not pass (a bad value, but also the first fact of a
stream or a price that leaves the band) takes the other, which asks one rule after the other and may still
accept.

Order and time. A stream is (symbol, kind), for candles also by interval. Candles of one interval may not
overlap. Of trades and quotes several may carry the same time; a trade is then known by its id, and without
one an exact repeat of the trade before it counts as a duplicate. A fact without time of receipt is history:
only its order is judged, not its age.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from msgspec.structs import astuple

from kedge.core.market import rules
from kedge.core.market.record import SymbolMarket, mid
from kedge.core.market.rules import SIZE_MAX, TIME_MAX, Broken, Rule, quarantine, unknown
from kedge.core.market.succession import (
    as_expected,
    book_order,
    candle_order,
    earlier,
    is_repeat,
    keep_id,
    mistimed,
    order,
    trade_order,
)
from kedge.core.market.view import BAD_VALUE, MarketView
from kedge.model.decisions import Quarantined
from kedge.model.facts import MarketFact, StreamStatus
from kedge.model.instant import NS_PER_MS
from kedge.model.market import BookDelta, Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.market_limits import DEFAULT_LIMITS, MarketLimits
from kedge.model.money import ZERO
from kedge.model.sequence import SequenceRule, by_fields

#: The fields of a candle and of a trade, their values not yet judged.
_CandleFields = tuple[int, Any, Any, Any, Any, Any, str, int, int]
_TradeFields = tuple[int, Any, Any, str, Any, Any, int]


class MarketDataHandler(MarketView):
    """Validates market facts and folds them; answers what the market is now.

    Only symbols that were added are known. Prices are in the instrument's quote currency, times UTC
    nanoseconds.
    """

    __slots__ = ("_age_ns", "_ahead_ns", "known_ns")

    def __init__(self, symbols: Iterable[str] = (), limits: MarketLimits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        #: When the candle or trade that was accepted last was known to us, UTC ns.
        self.known_ns = 0
        self.limit(limits)
        for symbol in symbols:
            self.add_symbol(symbol)

    def limit(self, limits: MarketLimits) -> None:
        """Believe within `limits` from now on. What is known stays; the next price is measured anew."""
        self.limits = limits
        self._age_ns = limits.age_ms_max * NS_PER_MS
        self._ahead_ns = limits.ahead_ms_max * NS_PER_MS
        for record in self._records.values():
            record.limit(limits)

    def add_symbol(self, symbol: str, sequence_rule: SequenceRule = by_fields) -> None:
        """Believe facts about `symbol` from now on; what is known of it already stays."""
        if symbol not in self._records:
            record = self._records[symbol] = SymbolMarket(symbol, self.limits)
            record.book.rule = sequence_rule

    def fold(self, fact: MarketFact) -> Quarantined | None:
        """Fold one market fact; `None` when it was accepted."""
        return FOLDS[type(fact)](self, fact)

    # candles ---------------------------------------------------------------------------------------------------------

    def candle(self, candle: Candle) -> Quarantined | None:
        """Fold a candle; it is known once its interval is over."""
        try:
            # One call for all fields: compiled, reading them one by one costs more than judging them.
            fields: _CandleFields = astuple(candle)
            ts, opened, high, low, close, volume, symbol, interval, received = fields
            record = self._records[symbol]
            if as_expected(record, ts, interval, opened, high, low, close, volume):
                at = known = ts + interval
                if received != 0:
                    if not -self._ahead_ns <= received - known <= self._age_ns:
                        return self._judge_candle(candle)
                    if received < known:
                        at = received
                self.known_ns = received or known
                record.candle = candle
                record.candle_ts = known if interval else ts + 1
                record.candle_ns = at
                if at >= record.price_ns:
                    record.price = close
                    record.price_ns = at
                return None
        except BAD_VALUE:
            return self._judge_candle(candle)
        return self._judge_candle(candle)

    def _judge_candle(self, candle: Candle) -> Quarantined | None:
        record = self._record(candle)
        if record is None:
            return unknown(candle)
        broken = rules.candle_values(candle) or candle_order(record, candle)
        known = candle.ts + candle.interval if not broken else 0
        broken = broken or self._time(known, candle.received)
        if broken:
            return quarantine(candle, broken)
        at = earlier(known, candle.received)
        if not record.band_low <= candle.low <= candle.high <= record.band_high:
            jump = record.measure(candle.low, candle.high, candle.close, at, self.limits.jump_confirmations_min)
            if jump:
                return quarantine(candle, (Rule.JUMP, jump))
        self.known_ns = candle.received or known
        self._select_interval(record, candle.interval)
        record.candle = candle
        record.candle_ts = candle.ts + (candle.interval or 1)
        record.candle_ns = at
        record.set_price(candle.close, at)
        return None

    def _select_interval(self, record: SymbolMarket, interval: int) -> None:
        """Make `interval` the one that the hot path expects."""
        if interval == record.interval:
            return
        if record.candle is not None:
            record.candles[record.interval] = record.candle
        record.candles.pop(interval, None)
        record.interval = interval
        record.bound_candles(self.limits.candle_silence_intervals_max)

    # trades and quotes -----------------------------------------------------------------------------------------------

    def trade(self, trade: Trade) -> Quarantined | None:
        """Fold a trade between others."""
        try:
            fields: _TradeFields = astuple(trade)
            at, price, quantity, symbol, _, _, received = fields
            record = self._records[symbol]
            if (
                record.band_low <= price <= record.band_high
                and ZERO < quantity <= SIZE_MAX
                and record.trade_ts <= at <= TIME_MAX
                and type(price) is type(quantity) is Decimal
            ):
                if received != 0 and not -self._ahead_ns <= received - at <= self._age_ns:
                    return self._judge_trade(trade)
                if at > record.trade_ts:
                    record.trade_ids = None
                elif is_repeat(record, trade):
                    return self._judge_trade(trade)
                else:
                    keep_id(record, trade)
                record.trade = trade
                record.trade_ts = at
                self.known_ns = received or at
                if 0 < received < at:
                    at = received
                record.trade_ns = at
                if at >= record.price_ns:
                    record.price = price
                    record.price_ns = at
                return None
        except BAD_VALUE:
            return self._judge_trade(trade)
        return self._judge_trade(trade)

    def _judge_trade(self, trade: Trade) -> Quarantined | None:
        record = self._record(trade)
        if record is None:
            return unknown(trade)
        broken = rules.trade_values(trade) or trade_order(record, trade) or self._time(trade.ts, trade.received)
        if broken:
            return quarantine(trade, broken)
        price, at = trade.price, earlier(trade.ts, trade.received)
        if not record.band_low <= price <= record.band_high:
            jump = record.measure(price, price, price, at, self.limits.jump_confirmations_min)
            if jump:
                return quarantine(trade, (Rule.JUMP, jump))
        self.known_ns = trade.received or trade.ts
        keep_id(record, trade)
        record.trade = trade
        record.trade_ts = trade.ts
        record.trade_ns = at
        record.set_price(price, at)
        return None

    def quote(self, quote: Quote) -> Quarantined | None:
        """Fold the best bid and ask."""
        try:
            record = self._records[quote.symbol]
            bid, ask, at = quote.bid, quote.ask, quote.ts
            bid_size, ask_size = quote.bid_size, quote.ask_size
            if (
                record.band_low <= bid < ask <= record.band_high
                and ZERO < bid_size <= SIZE_MAX
                and ZERO < ask_size <= SIZE_MAX
                and record.quote_ts < at <= TIME_MAX
                and type(bid) is type(ask) is type(bid_size) is type(ask_size) is Decimal
            ):
                received = quote.received
                if received != 0 and not -self._ahead_ns <= received - at <= self._age_ns:
                    return self._judge_quote(quote)
                record.quote_ts = at
                if 0 < received < at:
                    at = received
                if at >= record.price_ns:
                    record.price = None
                    record.price_ns = at
                elif record.price is None:
                    record.last()
                record.quote = quote
                record.quote_ns = at
                return None
        except BAD_VALUE:
            return self._judge_quote(quote)
        return self._judge_quote(quote)

    def _judge_quote(self, quote: Quote) -> Quarantined | None:
        record = self._record(quote)
        if record is None:
            return unknown(quote)
        broken = rules.quote_values(quote)
        if broken:
            if broken[0] is Rule.CROSSED:
                record.drop_quote()
            return quarantine(quote, broken)
        broken = order(quote, record.quote, record.quote_ts) or self._time(quote.ts, quote.received)
        if broken:
            return quarantine(quote, broken)
        at = earlier(quote.ts, quote.received)
        if not record.band_low <= quote.bid < quote.ask <= record.band_high:
            middle = mid(quote.bid, quote.ask)
            jump = record.measure(quote.bid, quote.ask, middle, at, self.limits.jump_confirmations_min)
            if jump:
                return quarantine(quote, (Rule.JUMP, jump))
        record.last()
        record.quote = quote
        record.quote_ts = quote.ts
        record.quote_ns = at
        record.set_price(None, at)
        return None

    # books -----------------------------------------------------------------------------------------------------------

    def book(self, book: OrderBook) -> Quarantined | None:
        """Fold a whole book."""
        record = self._record(book)
        if record is None:
            return unknown(book)
        broken = rules.book_values(book)
        if not broken:
            broken = book_order(record, book)
            if broken:
                return quarantine(book, broken)
            broken = self._time(book.ts, book.received)
        at = earlier(book.ts, book.received) if not broken else 0
        if not broken and book.bids and book.asks:
            broken = self._measure_top(record, book.bids[0][0], book.asks[0][0], at)
        if not broken:
            crossed = record.book.reset(book.bids, book.asks, book.sequence)
            broken = (crossed, record.book.invalid) if crossed else None
        if broken:
            record.book.invalidate(f"{broken[0]}: {broken[1]}")
            return quarantine(book, broken)
        self._take_top(record, book.ts, at)
        return None

    def book_delta(self, delta: BookDelta) -> Quarantined | None:
        """Fold a change of a book. A change that cannot be believed leaves a hole, so the book is invalid
        from then on.
        """
        record = self._record(delta)
        if record is None:
            return unknown(delta)
        book = record.book
        broken = rules.delta_values(delta) or self._time(delta.ts, delta.received)
        if not broken and not delta.sequence and delta.ts < record.book_ts and not book.invalid:
            broken = Rule.OUT_OF_ORDER, f"ts={delta.ts} after {record.book_ts}"
        if broken:
            book.invalidate(f"{broken[0]}: {broken[1]}")
            return quarantine(delta, broken)
        rule = book.apply(delta)
        if rule is not None:
            return quarantine(delta, (rule, book.invalid or f"sequence={delta.sequence} after {book.sequence}"))
        at = earlier(delta.ts, delta.received)
        bid, ask = book.best_bid, book.best_ask
        if bid is not None and ask is not None:
            broken = self._measure_top(record, bid[0], ask[0], at)
            if broken:
                return quarantine(delta, broken)
        self._take_top(record, delta.ts, at)
        return None

    def _measure_top(self, record: SymbolMarket, bid: Decimal, ask: Decimal, at: int) -> Broken | None:
        if record.band_low <= bid <= ask <= record.band_high:
            return None
        jump = record.measure(bid, ask, mid(bid, ask), at, self.limits.jump_confirmations_min)
        return (Rule.JUMP, jump) if jump else None

    def _take_top(self, record: SymbolMarket, ts: int, at: int) -> None:
        record.book_ts = max(ts, record.book_ts)
        record.book_ns = max(at, record.book_ns)
        bid, ask = record.book.best_bid, record.book.best_ask
        if bid is not None and ask is not None:
            record.set_price(mid(bid[0], ask[0]), at)

    # mark price and funding ------------------------------------------------------------------------------------------

    def mark_price(self, mark: MarkPrice) -> Quarantined | None:
        """Fold the venue's mark price."""
        record = self._record(mark)
        if record is None:
            return unknown(mark)
        last = record.mark
        broken = rules.mark_values(mark) or order(mark, last, last.ts if last else -1)
        broken = broken or self._time(mark.ts, mark.received)
        if broken:
            return quarantine(mark, broken)
        price, at = mark.price, earlier(mark.ts, mark.received)
        if not record.band_low <= price <= record.band_high:
            jump = record.measure(price, price, price, at, self.limits.jump_confirmations_min)
            if jump:
                return quarantine(mark, (Rule.JUMP, jump))
        record.mark = mark
        record.mark_price_ns = at
        record.set_price(price, at)
        return None

    def funding_rate(self, funding: FundingRate) -> Quarantined | None:
        """Fold a funding rate."""
        record = self._record(funding)
        if record is None:
            return unknown(funding)
        last = record.funding
        broken = rules.funding_values(funding) or order(funding, last, last.ts if last else -1)
        broken = broken or self._time(funding.ts, funding.received)
        if broken:
            return quarantine(funding, broken)
        record.funding = funding
        record.funding_rate_ns = earlier(funding.ts, funding.received)
        return None

    # streams ---------------------------------------------------------------------------------------------------------

    def stream(self, status: StreamStatus) -> Quarantined | None:
        """Fold the word that a stream came up or went down; without symbol it holds for all."""
        now = status.received or status.ts
        if status.symbol and status.symbol not in self._records:
            return unknown(status)
        for record in [self._records[status.symbol]] if status.symbol else self._records.values():
            record.stream(status.channel, status.up, status.reason, now)
        return None

    # inside ----------------------------------------------------------------------------------------------------------

    def _record(self, fact: Any) -> SymbolMarket | None:
        return self._records.get(fact.symbol) if isinstance(fact.symbol, str) else None

    def _time(self, known: int, received: int) -> Broken | None:
        late = received and not -self._ahead_ns <= received - known <= self._age_ns
        return mistimed(known, received) if late else None


#: One fold for each kind of market fact.
FOLDS: dict[type, Callable[[MarketDataHandler, Any], Quarantined | None]] = {
    Candle: MarketDataHandler.candle,
    Trade: MarketDataHandler.trade,
    Quote: MarketDataHandler.quote,
    OrderBook: MarketDataHandler.book,
    BookDelta: MarketDataHandler.book_delta,
    MarkPrice: MarketDataHandler.mark_price,
    FundingRate: MarketDataHandler.funding_rate,
}
