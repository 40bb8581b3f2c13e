"""Quotes on both sides of the mid price, leaning against what is held.

    r   = position / (inventory_max · quantity), from −1 to 1
    fair = mid · (1 − r · skew)
    bid  = fair · (1 − spread / 2)        ask = fair · (1 + spread / 2)

Holding too much, both quotes move down, so that selling becomes likelier than buying; the shape of the reservation
price in Avellaneda and Stoikov (High-frequency trading in a limit order book, 2008) with the coefficients given
outright. Neither quote crosses the mid and both are post-only: this strategy never takes. On the side where one more
quote would exceed `inventory_max` it shows none.

The mid is that of quotes or books; where a symbol has neither, the close of its candles. Quotes are replaced when the
mid has moved by `requote_bps`, after a fill, or when one is missing, and never within `pause_ms` of the last time nor
while a cancel is unconfirmed. A book without two sides takes both quotes back. A cancel that loses its race can fill
beyond `inventory_max` by one quote: the hard limit is risk's.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.core.strategy.parameters import Bounds
from kedge.model.facts import Fill
from kedge.model.instant import NS_PER_MS
from kedge.model.market import DEFAULT_SYMBOL, Candle, OrderBook, Quote
from kedge.model.money import ONE, TEN_THOUSAND, ZERO, canonical, round_price_down, round_price_up
from kedge.model.signal import CancelOrders, Signal, Wish
from kedge.strategies.directional import QUANTITY_MIN

_HUNDRED = Decimal(100)
_TWO = Decimal(2)


class MarketMakingStrategy(BaseStrategy):
    """Earns the spread between its two quotes while keeping its inventory near zero."""

    symbol: Annotated[str, "what to trade, by its canonical name"] = DEFAULT_SYMBOL
    quantity: Annotated[
        Decimal | None, Bounds(QUANTITY_MIN), "units or contracts a quote; none: equity_pct of equity"
    ] = None
    spread_bps: Annotated[Decimal, Bounds(Decimal("0.01"), 2_000), "basis points from bid to ask"] = Decimal(20)
    skew_bps: Annotated[Decimal, Bounds(0, 1_000), "basis points both quotes shift at full inventory"] = Decimal(10)
    inventory_max: Annotated[Decimal, Bounds(1, 1_000), "quotes that may be held, long or short"] = Decimal(5)
    requote_bps: Annotated[Decimal, Bounds(0, 1_000), "basis points the mid moves until quotes follow"] = Decimal(2)
    pause_ms: Annotated[int, Bounds(0, 3_600_000), "milliseconds between two changes of quotes"] = 1_000
    equity_pct: Annotated[Decimal, Bounds(Decimal("0.01"), 100), "percent of equity a quote"] = Decimal(5)
    allow_short: Annotated[bool, "whether to sell what is not held"] = True

    def required_symbols(self) -> Sequence[str]:
        return [self.symbol]

    def reset(self) -> None:
        #: The mid that the quotes are for; none: they must be renewed.
        self._quoted: Decimal | None = None
        self._quoted_ns = 0
        self._sides = 0

    def on_quote(self, quote: Quote) -> Wishes:
        return self._follow((quote.bid + quote.ask) / _TWO)

    def on_book(self, book: OrderBook) -> Wishes:
        if book.bids and book.asks:
            return self._follow((book.bids[0][0] + book.asks[0][0]) / _TWO)
        self._quoted = None
        return self._take_back("the book has only one side")

    def on_candle(self, candle: Candle) -> Wishes:
        if self.view.best(self.symbol) is not None:
            return None
        return self._follow(candle.close)

    def on_fill(self, fill: Fill) -> Wishes:
        self._quoted = None
        return None

    def _follow(self, mid: Decimal) -> Wishes:
        """Renew the quotes if they are due."""
        quoted = self._quoted
        now = self.view.now
        orders = self.view.open_orders(self.symbol)
        near = quoted is not None and abs(mid - quoted) * TEN_THOUSAND <= self.requote_bps * quoted
        if near and len(orders) >= self._sides:
            return None
        if any(order.cancel_requested for order in orders):
            return None
        if self._quoted_ns and now - self._quoted_ns < self.pause_ms * NS_PER_MS:
            return None
        quotes = self._quotes(mid)
        self._quoted, self._quoted_ns, self._sides = mid, now, len(quotes)
        return [*self._take_back("quotes follow the market"), *quotes]

    def _quotes(self, mid: Decimal) -> list[Signal]:
        """The bid and the ask for `mid`, as far as the inventory allows them."""
        quantity = self._quantity(mid)
        if not quantity > ZERO:
            return []
        most = quantity * self.inventory_max
        held = self.view.position(self.symbol)
        lean = min(max(held / most, -ONE), ONE)
        fair = mid * (ONE - lean * self.skew_bps / TEN_THOUSAND)
        half = self.spread_bps / TEN_THOUSAND / _TWO
        instrument = self.view.instrument(self.symbol)
        reason = f"mid {canonical(mid)}, inventory {canonical(held)}"
        quotes = []
        if held + quantity <= most:
            bid = round_price_down(min(fair * (ONE - half), mid), instrument.tick_size)
            quotes.append(Signal.buy(self.symbol, quantity, price=bid, post_only=True, tag="bid", reason=reason))
        if held - quantity >= (-most if self.allow_short else ZERO):
            ask = round_price_up(max(fair * (ONE + half), mid), instrument.tick_size)
            quotes.append(Signal.sell(self.symbol, quantity, price=ask, post_only=True, tag="ask", reason=reason))
        return quotes

    def _quantity(self, mid: Decimal) -> Decimal:
        instrument = self.view.instrument(self.symbol)
        wanted = self.quantity
        if wanted is None:
            wanted = self.view.equity() * self.equity_pct / _HUNDRED / instrument.notional(ONE, mid)
        return instrument.round_quantity(wanted)

    def _take_back(self, reason: str) -> list[Wish]:
        if any(not order.cancel_requested for order in self.view.open_orders(self.symbol)):
            return [CancelOrders(self.symbol, reason=reason)]
        return []
