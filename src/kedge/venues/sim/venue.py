"""The venue itself: commands in, market facts in, reports out.

Nothing here knows our side of the delay: `submit` is the moment a command reaches the venue, and a report's `ts` is the
moment the venue made it. The state is folded in place and depends on nothing but the calls made.

When a symbol has only candles, they are matched (`bars`). Once a trade, quote or book was seen for it, candles of that
symbol are ignored: they would tell the same events a second time.

How to drive it: submit every command that arrives before a fact, then hand over the fact. A candle is best handed
over when it closes, together with or just before it is told to our side; commands in reaction to its reports come
after it, with their own arrival time inside or after the bar, and are treated as the fill rules say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kedge.model.decisions import Approved, CancelRequested, Command, QueryRequested
from kedge.model.errors import ConfigError
from kedge.model.facts import (
    CancelRejected,
    FundingPayment,
    MalformedFact,
    MarketFact,
    OrderAccepted,
    OrderRejected,
    OrderReport,
    VenueFact,
)
from kedge.model.instrument import Instrument
from kedge.model.market import BookDelta, Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.money import ONE, ZERO, canonical
from kedge.model.order import OrderIntent, OrderStatus, Side
from kedge.venues.sim.account import Account, disarm
from kedge.venues.sim.bars import BarMatcher, sound, touches
from kedge.venues.sim.book import VisibleBook, shows_sound
from kedge.venues.sim.execution import Execution
from kedge.venues.sim.feed import FeedMatcher
from kedge.venues.sim.fees import FeeModel, InstrumentFees
from kedge.venues.sim.filters import refusal
from kedge.venues.sim.levels import working
from kedge.venues.sim.listing import CLOSELY, LONG, NEVER_ABOVE, NOTHING_HELD, SHORT, Listing, check_margin, settlement
from kedge.venues.sim.meeting import REQUESTED, TIME_UP, WOULD_TAKE, Meeting
from kedge.venues.sim.memory import OrderMemory
from kedge.venues.sim.queue import QueueModel
from kedge.venues.sim.slippage import NO_SLIPPAGE, SlippageModel
from kedge.venues.sim.working import MARKET, TRAILING

#: What a call returns when nothing happened: always this one.
NOTHING: Final[tuple[VenueFact, ...]] = ()

_PARTIAL: Final = OrderStatus.PARTIAL
_OPEN: Final = OrderStatus.OPEN


class SimulatedVenue:
    """An exchange with one account of ours.

    `instruments` are what it lists, all settled in one currency; `cash` is the wallet at the start, in that currency.
    `slippage` worsens what takers get, `participation` is the largest fraction of a bar's or print's volume that we may
    take (None: no bound), `fees` says what a fill costs. With `idempotent_retry` an order sent twice is answered like
    the first time instead of rejected. `believes` says of a candle or trade whether it happened at all: recorded data has
    holes that no market had (None: all of it did). `busy` is False when no market fact could do anything: no order works and no
    perpetual is held.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        cash: Decimal,
        *,
        slippage: SlippageModel = NO_SLIPPAGE,
        participation: Decimal | None = None,
        fees: FeeModel | None = None,
        queue: QueueModel | None = None,
        idempotent_retry: bool = False,
        believes: Callable[[Any], bool] | None = None,
    ) -> None:
        if participation is not None and not ZERO < participation <= ONE:
            raise ConfigError(f"participation is {participation}; it must be above 0 and at most 1")
        self.busy = False
        self._account = Account(settlement(instruments), cash)
        self._listings = {instrument.symbol: Listing(instrument) for instrument in instruments}
        self._memory = OrderMemory()
        self._execution = Execution(self._account, slippage, participation, fees or InstrumentFees(), self._memory)
        self._orders = self._execution.orders
        meeting = Meeting(self._execution, queue)
        self._meeting = meeting
        self._bars = BarMatcher(self._execution, meeting)
        self._feed = FeedMatcher(self._execution, meeting)
        self._arrived = 0
        self._retry = idempotent_retry
        self._believes = believes
        self._commands: dict[type, Callable[[Any, int], Sequence[VenueFact]]] = {
            Approved: self._on_order,
            CancelRequested: self._on_cancel,
            QueryRequested: self._on_query,
        }
        self._facts: dict[type, Callable[[Any], Sequence[VenueFact]]] = {
            Trade: self._on_trade,
            Quote: self._on_shown,
            OrderBook: self._on_shown,
            BookDelta: self._on_shown,
            MarkPrice: self._on_mark,
            FundingRate: self._on_funding,
            MalformedFact: lambda _: NOTHING,  # we were told nothing: the venue's own market is not in our hands
        }

    def submit(self, command: Command, at: int) -> Sequence[VenueFact]:
        """A command reaches the venue at `at` (ns); what it answers at once."""
        return self._commands[type(command)](command, at)

    def on_market(self, fact: MarketFact) -> Sequence[VenueFact]:
        """The market moves; what that does to our orders and positions, in the order it happened."""
        if type(fact) is not Candle:
            return self._facts[type(fact)](fact)
        listing = self._listings.get(fact.symbol)
        if listing is None:
            return NOTHING
        try:
            look = listing.look
            if look == LONG:
                if fact.low > listing.liquidation_below:
                    listing.see(fact)
                    return NOTHING
            elif look == SHORT:
                if fact.high < listing.liquidation_above:
                    listing.see(fact)
                    return NOTHING
            elif look == NOTHING_HELD:
                listing.see(fact)
                return NOTHING
        except InvalidOperation:  # a price is not a number: such a bar does nothing
            return NOTHING
        return self._on_candle(listing, fact)

    def forget(self, candle: Candle) -> None:
        """A candle that nothing was matched against did not happen after all."""
        listing = self._listings.get(candle.symbol)
        if listing is not None and listing.bar is candle:
            listing.bar = listing.before

    def relist(self, instrument: Instrument) -> None:
        """The venue changes an instrument's rules or status; working orders stay as they are."""
        before = self._listings[instrument.symbol].instrument if instrument.symbol in self._listings else None
        fixed = ("base", "quote", "settle", "kind", "contract_size")
        if before is None or any(getattr(instrument, name) != getattr(before, name) for name in fixed):
            raise ConfigError(f"cannot relist {instrument.symbol}: only its rules, fees, margins and status may change")
        check_margin(instrument)
        listing = self._listings[instrument.symbol]
        listing.bind(instrument)
        self._account.rearm(listing)

    # commands

    def _on_order(self, command: Approved, at: int) -> Sequence[VenueFact]:
        intent = command.intent
        order_id = intent.id
        if order_id in self._orders or order_id in self._memory.younger or order_id in self._memory.older:
            return self._repeated(intent, at)
        listing = self._listings.get(intent.symbol)
        if listing is None:
            return [OrderRejected(at, order_id, f"unknown symbol {intent.symbol}")]
        reason = refusal(intent, listing, at)
        if reason:
            return [OrderRejected(at, order_id, reason)]
        if intent.post_only and _would_take(listing, intent):
            return [OrderRejected(at, order_id, WOULD_TAKE)]
        self._arrived = n = self._arrived + 1
        order = working(intent, at, n)
        self._orders[order_id] = order
        listing.arriving[order_id] = order
        if order.expires_ns:
            listing.timed += 1
        if order.kind == TRAILING:
            listing.trailing += 1
        listing.look = CLOSELY
        self.busy = True
        out: list[VenueFact] = [OrderAccepted(at, order_id, f"x{n}")]
        bar = listing.bar
        if listing.book is not None:
            self._meeting.arrive(listing, order, listing.book.best(asks=order.buy), at, at, out)
            self._settle(listing)
        elif bar is not None and order.kind == MARKET and at < bar.ts + bar.interval:
            self._bars.arrive_inside(listing, order, bar, out)
            self._settle(listing)
        return out

    def _repeated(self, intent: OrderIntent, at: int) -> Sequence[VenueFact]:
        order = self._orders.get(intent.id) or self._memory.find(intent.id)
        if not self._retry or order is None or order.intent != intent:
            return [OrderRejected(at, intent.id, "duplicate order id")]
        if intent.id in self._orders:
            return [OrderAccepted(at, intent.id, order.exchange_id)]
        return [OrderReport(at, intent.id, order.status, order.filled, order.exchange_id)]

    def _on_cancel(self, command: CancelRequested, at: int) -> Sequence[VenueFact]:
        order = self._orders.get(command.order_id)
        if order is None:
            ended = self._memory.find(command.order_id)
            return [CancelRejected(at, command.order_id, f"order is {ended.status}" if ended else "unknown order")]
        listing = self._listings[order.intent.symbol]
        out: list[VenueFact] = []
        bar = listing.bar
        if bar is not None and at > bar.ts + bar.interval:
            # Inside a bar that was not played yet: only playing it tells whether the cancel came in time.
            if not order.cancel_at:
                if not order.expires_ns:
                    listing.timed += 1
                order.cancel_at = at
            return NOTHING
        if order.expires_ns and order.expires_ns <= at:
            self._execution.expire(listing, order, order.expires_ns, TIME_UP, out)
            out.append(CancelRejected(at, command.order_id, f"order is {order.status}"))
        else:
            self._execution.cancel(listing, order, at, REQUESTED, out)
        self._settle(listing)
        return out

    def _on_query(self, command: QueryRequested, at: int) -> Sequence[VenueFact]:
        order_id = command.order_id
        order = self._orders.get(order_id)
        if order is not None:
            status = _PARTIAL if order.filled else _OPEN
            return [OrderReport(at, order_id, status, order.filled, order.exchange_id)]
        order = self._memory.find(order_id)
        if order is not None:
            return [OrderReport(at, order_id, order.status, order.filled, order.exchange_id)]
        return [OrderReport(at, order_id, OrderStatus.REJECTED)]

    # market facts

    def _on_candle(self, listing: Listing, bar: Candle) -> Sequence[VenueFact]:
        if listing.finer or not sound(bar, listing.price_most):
            return NOTHING
        if not (listing.arriving or listing.timed or listing.trailing or touches(listing, bar.low, bar.high)):
            listing.see(bar)
            return NOTHING
        if self._believes is not None and not self._believes(bar):
            return NOTHING
        out: list[VenueFact] = []
        self._bars.match(listing, bar, out)
        if out:
            self._settle(listing)
        return out

    def _on_trade(self, fact: Trade) -> Sequence[VenueFact]:
        listing = self._listings.get(fact.symbol)
        if (
            listing is None
            or not _is_sound(fact.price, listing.price_most)
            or not _is_sound(fact.quantity, NEVER_ABOVE)
            or (self._believes is not None and not self._believes(fact))
        ):
            return NOTHING
        out: list[VenueFact] = []
        self._feed.trade(listing, fact, out)
        if out:
            self._settle(listing)
        return out

    def _on_shown(self, fact: Quote | OrderBook | BookDelta) -> Sequence[VenueFact]:
        listing = self._listings.get(fact.symbol)
        if listing is None or not shows_sound(fact, listing.price_most):
            return NOTHING
        out: list[VenueFact] = []
        self._feed.show(listing, fact, out)
        if out:
            self._settle(listing)
        return out

    def _on_mark(self, fact: MarkPrice) -> Sequence[VenueFact]:
        listing = self._listings.get(fact.symbol)
        if listing is None or not _is_sound(fact.price, listing.price_most):
            return NOTHING
        first = listing.mark is None
        listing.mark = fact.price
        if first:
            disarm(listing)
            listing.settle_look()
        if not listing.position or listing.is_spot:
            return NOTHING
        if first or self._account.several:
            self._account.arm(listing)
        out: list[VenueFact] = []
        self._test_mark(listing, fact.price, fact.ts, out)
        return out or NOTHING

    def _on_funding(self, fact: FundingRate) -> Sequence[VenueFact]:
        listing = self._listings.get(fact.symbol)
        if listing is None or listing.is_spot or not listing.position or not fact.rate.is_finite():
            return NOTHING
        price = listing.price()
        assert price is not None, f"{fact.symbol} is held but no price was ever seen"
        position = listing.position
        amount = self._account.fund(listing, fact.rate, price)
        self._account.arm(listing)
        out: list[VenueFact] = [FundingPayment(fact.ts, fact.symbol, amount, fact.rate, position)]
        self._test_mark(listing, price, fact.ts, out)
        if listing.position:
            self._account.rearm(listing)
        return out

    def _test_mark(self, listing: Listing, price: Decimal, ts: int, out: list[VenueFact]) -> None:
        """Liquidate if `price` is at or beyond the liquidation price."""
        if listing.mark is None:
            below, above = listing.liquidation_below, listing.liquidation_above
        else:
            below, above = listing.mark_below, listing.mark_above
        if price <= below or price >= above:
            self._execution.liquidate(listing, price, ts, out)
            self._settle(listing)

    def _settle(self, listing: Listing) -> None:
        """After anything happened to a symbol: what its next candle must be held against, and whether we are busy."""
        listing.settle_look()
        self.busy = bool(self._orders) or bool(self._account.held)

    def deposit(self, currency: str, amount: Decimal) -> None:
        """Move money in (or out, where negative): the wallet, the holding of a spot base, or a third currency."""
        spots = [each for each in self._listings.values() if each.is_spot and each.instrument.base == currency]
        if currency == self._account.currency:
            self._account.wallet += amount
            for listing in list(self._account.held.values()):
                self._account.rearm(listing)
        elif spots:
            spots[0].position += amount
        else:
            self._account.balances[currency] = self._account.balances.get(currency, ZERO) + amount

    # the truth, for invariant tests and for reading the account as a venue shows it

    def visible(self, symbol: str) -> VisibleBook | None:
        """What others offer, less what we took of it; None before the first quote or book."""
        return self._listings[symbol].book

    @property
    def wallet(self) -> Decimal:
        """Cash in the settlement currency: realized profit, fees and funding are in it, open profit is not."""
        return self._account.wallet

    def balances(self) -> dict[str, Decimal]:
        """Every currency's balance: the wallet, spot holdings, and what fees took of third currencies."""
        held = {
            listing.instrument.base: listing.position
            for listing in self._listings.values()
            if listing.is_spot and listing.position
        }
        return {**self._account.balances, **held, self._account.currency: self._account.wallet}

    def position(self, symbol: str) -> Decimal:
        """Signed quantity held of one symbol."""
        return self._listings[symbol].position

    def positions(self) -> dict[str, Decimal]:
        """Signed quantities of everything held."""
        return {symbol: listing.position for symbol, listing in self._listings.items() if listing.position}

    def equity(self, prices: Mapping[str, Decimal] | None = None) -> Decimal:
        """Wallet plus the value of what is held, at `prices` or else at the last prices the venue saw."""
        return self._account.equity(self._listings, prices)

    def liquidation_price(self, symbol: str) -> Decimal | None:
        """The price at which the position in `symbol` would be liquidated now; None where there is none."""
        return self._account.liquidation_price(self._listings[symbol])

    def open_orders(self, symbol: str = "") -> list[OrderReport]:
        """What works now, as the venue would list it; `ts` is when each order arrived."""
        return [
            OrderReport(order.at, order.id, _PARTIAL if order.filled else _OPEN, order.filled, order.exchange_id)
            for order in self._orders.values()
            if not symbol or order.intent.symbol == symbol
        ]

    def snapshot(self) -> dict[str, Any]:
        """Everything the venue knows, as plain data that two equal histories agree on."""
        return {
            "wallet": canonical(self._account.wallet),
            "balances": {name: canonical(amount) for name, amount in sorted(self._account.balances.items())},
            "orders_arrived": self._arrived,
            "trades": self._execution.trades,
            "listings": {symbol: listing.snapshot() for symbol, listing in sorted(self._listings.items())},
        }


def _would_take(listing: Listing, intent: OrderIntent) -> bool:
    """Whether the visible book would be crossed."""
    if listing.book is None or intent.price is None:
        return False
    best = listing.book.best(asks=intent.side is Side.BUY)
    if best is None:
        return False
    return intent.price >= best if intent.side is Side.BUY else intent.price <= best


def _is_sound(number: Decimal, most: Decimal) -> bool:
    return number.is_finite() and ZERO < number <= most
