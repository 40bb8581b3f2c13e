"""`BinanceGateway`: the gateway port for Binance Spot and USD-M Futures, over the shells' toolkit.

Thin on purpose: `protocol` says what to ask and what an answer means, `session` asks, `trading` knows our orders, `feed`
keeps streams up. What is left is which question answers which part of the port.

Futures accounts must net their positions: in hedge mode a symbol has two, an order means something else, and no order of
ours would say which. `open` refuses such an account.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import ConfigError, UserError, WorldError
from kedge.model.facts import ClockReading, Fact, Fill, FundingPayment, VenueFact
from kedge.model.instrument import Instrument
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Trade
from kedge.model.money import CENT_OF_NANO, EXACT, ZERO
from kedge.model.order import OrderType, TimeInForce
from kedge.model.secret import Secret
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.binance.amendments import Amendments
from kedge.venues.binance.inquiry import Inquiry
from kedge.venues.binance.memory import Memory
from kedge.venues.binance.protocol import account, calls, instruments, market
from kedge.venues.binance.protocol.account import Income
from kedge.venues.binance.protocol.errors import NO_NEED_TO_CHANGE
from kedge.venues.binance.protocol.market import Settled
from kedge.venues.binance.protocol.names import INTERVALS
from kedge.venues.binance.protocol.product import SITES, Product, Site
from kedge.venues.binance.session import Session
from kedge.venues.binance.stream import MarketStream, UserFeed
from kedge.venues.binance.trading import Trading
from kedge.venues.gateway import (
    Amending,
    Balance,
    Capabilities,
    KeyPermissions,
    MarginMode,
    MarginSettings,
    OpenOrder,
    RateUse,
    Stream,
    Subscription,
    VenuePosition,
)
from kedge.venues.shell import Recurring, unsupported
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.http import HttpTransport
from kedge.venues.wire.websocket import WebSocketTransport

T = TypeVar("T")

NO_SECRET = Secret("")

#: How often the venue's clock is read.
CLOCK_S = 60

_ORDER_TYPES = frozenset(OrderType)
_AMENDS = {Product.SPOT: Amending.SMALLER, Product.USDM: Amending.PRICE_AND_QUANTITY}
_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})

#: What is kept of warnings that have no fact of their own (margin calls, changed settings).
WARNINGS_MAX = 100


def capabilities(product: Product) -> Capabilities:
    """What Binance does by itself."""
    futures = product is Product.USDM
    return Capabilities(
        venue=product.value,
        order_types=_ORDER_TYPES,
        times_in_force=_TIMES | {TimeInForce.GTD} if futures else _TIMES,
        post_only=True,
        reduce_only=futures,
        replace=not futures,
        amend=_AMENDS[product],
        dead_mans_switch=futures,
        leverage=futures,
        query_by_client_id=True,
        idempotent_place=False,
        short=futures,
        candle_intervals=tuple(seconds * 1_000_000_000 for seconds in INTERVALS),
    )


class BinanceGateway:
    """One account at Binance Spot or USD-M Futures; see `kedge.venues.gateway.ExchangeGateway` for what each method is.

    Without a key everything about the market works. `instance` is the first part of our order ids: with it an order of
    an earlier process is known as ours. `dice` draws the jitter of reconnections.
    """

    def __init__(
        self,
        product: Product,
        *,
        http: HttpTransport,
        websocket: WebSocketTransport,
        clock: Clock,
        api_key: Secret = NO_SECRET,
        api_secret: Secret = NO_SECRET,
        site: Site | None = None,
        instance: str = "",
        dice: Random | None = None,
    ) -> None:
        self.product = product
        self.session = Session(product, site or SITES[product], api_key, api_secret, http, clock)
        self.memory = Memory(self.session, instance)
        self._inquiry = Inquiry(self.session, self.memory)
        self._trading = Trading(self.session, self.memory, self._inquiry)
        self._amendments = Amendments(self.session, self.memory, self._inquiry, _AMENDS[product])
        self.warnings: deque[str] = deque(maxlen=WARNINGS_MAX)
        self._websocket = websocket
        self._dice = dice
        self._reading = Recurring(clock, CLOCK_S, self.get_clock)

    @property
    def capabilities(self) -> Capabilities:
        return capabilities(self.product)

    @property
    def rate_limits(self) -> tuple[RateUse, ...]:
        """The limits, and what is used of them."""
        return self.session.limiter.uses()

    async def open(self) -> None:
        await self._must(await self.get_clock(), "clock")
        await self._must(await self.session.load(), "instruments")
        if self.session.has_key and self.product is Product.USDM:
            mode = await self._must(await self.session.ask(calls.position_mode(), account.config), "position mode")
            if mode.hedged:
                raise ConfigError("the Binance futures account is in hedge mode; switch it to one-way mode first")
        self._reading.start()

    async def close(self) -> None:
        await self._reading.stop()

    # the market

    async def get_instruments(self) -> Answer[tuple[Instrument, ...]]:
        answer = await self.session.load()
        if not isinstance(answer, Whole):
            return _passed_on(answer)
        if self.session.has_key:
            await self._account_figures()
        return Whole(tuple(each.instrument for each in self.session.listing), answer.at)

    async def _account_figures(self) -> None:
        """Fees and leverage of the account, where they come for all markets at once."""
        session = self.session
        if self.product is Product.SPOT:
            fees = await session.ask(calls.account(Product.SPOT), account.account_fees)
            if isinstance(fees, Whole) and fees.value is not None:
                for each in list(session.listing):
                    session.replace_market(instruments.with_fees(each, fees.value.maker, fees.value.taker))
            return
        brackets = await session.ask(calls.leverage_brackets(), account.brackets)
        for raw, steps in brackets.value.items() if isinstance(brackets, Whole) else ():
            listed = session.listing.by_raw.get(raw)
            if listed is not None and steps:
                session.replace_market(instruments.with_margin(listed, steps[0].leverage, steps[0].maintenance))

    async def get_clock(self) -> Answer[ClockReading]:
        return await self.session.venue_clock.measure(self.session.venue_time)

    async def get_order_book(self, symbol: str, depth: int = 100) -> Answer[OrderBook]:
        call = calls.depth(self.product, self._raw(symbol), depth)
        return await self.session.ask(call, lambda body: market.book(body, symbol, self.session.now()))

    async def get_trades(self, symbol: str, limit: int = 100) -> Answer[tuple[Trade, ...]]:
        call = calls.trades(self.product, self._raw(symbol), limit)
        return await self.session.ask(call, lambda body: market.trades(body, symbol, self.session.now()))

    async def get_candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        call = calls.candles(self.product, self._raw(symbol), interval, start, end)
        now = self.session.venue_clock.venue_ns()
        answer = await self.session.ask(call, lambda body: market.candles(body, symbol, interval, now))
        if isinstance(answer, Whole) and len(answer.value) >= calls.CANDLES_MAX[self.product]:
            following = answer.value[-1].ts + interval
            if following < end:
                return Partial(answer.value, f"candles from {following} on", answer.at)
        return answer

    async def get_mark_price(self, symbol: str) -> Answer[MarkPrice]:
        if self.product is Product.SPOT:
            return unsupported("spot has no mark price")
        raw = self._raw(symbol)
        return await self.session.ask(
            calls.premium_index(raw), lambda body: market.mark_price(body, raw, symbol, self.session.now())
        )

    async def get_funding_rates(self, symbol: str, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        settled = await self._settled(symbol, start, end)
        if not isinstance(settled, Whole):
            return _passed_on(settled)
        rates = tuple(each.rate for each in settled.value)
        if len(rates) >= calls.FUNDING_RATES_MAX:
            return Partial(rates, f"funding rates from {rates[-1].ts + 1} on", settled.at)
        return Whole(rates, settled.at)

    async def _settled(self, symbol: str, start: int, end: int) -> Answer[tuple[Settled, ...]]:
        if self.product is Product.SPOT:
            return unsupported("spot has no funding")
        call = calls.funding_rates(self._raw(symbol), start, end)
        return await self.session.ask(call, lambda body: market.funding(body, symbol, self.session.now()))

    # orders

    async def place_order(self, approved: Approved) -> Sequence[VenueFact]:
        return await self._trading.place(approved)

    async def cancel_order(self, request: CancelRequested) -> Sequence[VenueFact]:
        return await self._trading.cancel(request.order_id)

    async def query_order(self, request: QueryRequested) -> Sequence[VenueFact]:
        return await self._inquiry.query(request.order_id)

    async def replace_order(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        return await self._trading.replace(order_id, approved)

    async def amend_order(self, approved: Approved) -> Sequence[VenueFact]:
        return await self._amendments.amend(approved)

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        return await self._trading.cancel_all(symbol)

    async def get_open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        return await self._inquiry.open_orders(symbol)

    async def get_fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        return await self._inquiry.fills_since(symbol, since)

    # the account

    async def get_balances(self) -> Answer[dict[str, Balance]]:
        return await self.session.ask(calls.account(self.product), account.balances)

    async def get_positions(self) -> Answer[tuple[VenuePosition, ...]]:
        if self.product is Product.SPOT:
            return Whole((), self.session.now())
        listing = self.session.listing
        return await self.session.ask(calls.positions(), lambda body: account.positions(body, listing))

    async def get_funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        if self.product is Product.SPOT:
            return unsupported("spot has no funding")
        call = calls.income(self._raw(symbol), "FUNDING_FEE", since)
        paid = await self.session.ask(call, account.incomes)
        if not isinstance(paid, Whole):
            return _passed_on(paid)
        if not paid.value:
            return Whole((), paid.at)
        settled = await self._settled(symbol, paid.value[0].ts - 60 * 10**9, paid.value[-1].ts + 60 * 10**9)
        rates = settled.value if isinstance(settled, Whole) else ()
        payments = tuple(_payment(each, symbol, rates) for each in paid.value)
        if len(payments) >= calls.INCOME_MAX:
            return Partial(payments, f"payments from {payments[-1].ts} on", paid.at)
        return Whole(payments, paid.at)

    async def get_margin(self, symbol: str) -> Answer[MarginSettings]:
        if self.product is Product.SPOT:
            return unsupported("spot has no leverage")
        listing = self.session.listing
        return await self.session.ask(
            calls.symbol_config(self._raw(symbol)), lambda body: account.margin_settings(body, listing, symbol)
        )

    async def set_margin(self, wanted: MarginSettings) -> Answer[MarginSettings]:
        if self.product is Product.SPOT:
            return unsupported("spot has no leverage")
        raw, leverage = self._raw(wanted.symbol), int(wanted.leverage)
        if wanted.leverage != leverage:
            raise UserError(f"leverage of {wanted.symbol} is {wanted.leverage}; Binance takes whole numbers")
        mode = calls.set_margin_mode(raw, wanted.mode is MarginMode.ISOLATED)
        answer = await self.session.ask(mode, account.done)
        if isinstance(answer, Failed) and answer.code not in {str(code) for code in NO_NEED_TO_CHANGE}:
            return answer
        changed = await self.session.ask(calls.set_leverage(raw, leverage), account.leverage_set)
        if isinstance(changed, Failed):
            return changed
        return await self.get_margin(wanted.symbol)

    async def get_key_permissions(self) -> Answer[KeyPermissions]:
        futures = self.product is Product.USDM
        answer = await self.session.ask(
            calls.key_restrictions(), lambda body: account.key_permissions(body, futures), base_url=self._sapi()
        )
        if isinstance(answer, Whole) or (isinstance(answer, Failed) and answer.code in _KEY_FAULTS):
            return answer
        # a testnet has no such page: what the account may do is all that is told, and of the key nothing
        if futures:
            told = await self.session.ask(calls.account_config(), account.config)
            if isinstance(told, Whole):
                return Whole(KeyPermissions(True, told.value.can_trade, None), told.at)
            return _passed_on(told)
        flags = await self.session.ask(calls.account(Product.SPOT), account.spot_permissions)
        if isinstance(flags, Whole):
            return Whole(KeyPermissions(True, flags.value[0], None), flags.at)
        return _passed_on(flags)

    async def arm_dead_mans_switch(self, symbol: str, delay_ms: int) -> Answer[int]:
        if self.product is Product.SPOT:
            return unsupported("Binance spot has no dead man's switch")
        asked = self.session.now()
        answer = await self.session.ask(calls.countdown(self._raw(symbol), delay_ms), account.countdown)
        if not isinstance(answer, Whole):
            return _passed_on(answer)
        told = answer.value[1]
        if told != delay_ms:
            return Failed(ErrorClass.UNKNOWN, "countdown", f"asked for {delay_ms} ms, the venue says {told}")
        return Whole(asked + told * 10**6 if told else 0, answer.at)

    # streams

    def market_stream(self, subscriptions: Sequence[Subscription], on_fact: Callable[[Fact], None]) -> Stream:
        return MarketStream(self.session, self.get_order_book, subscriptions, on_fact, self._websocket, self._dice)

    def user_stream(self, on_fact: Callable[[Fact], None]) -> Stream:
        return UserFeed(
            self.session, self.memory, self._inquiry, on_fact, self.warnings.append, self._websocket, self._dice
        )

    # inside

    def _raw(self, symbol: str) -> str:
        return self.session.market(symbol).raw

    def _sapi(self) -> str:
        """Where the page about keys is: futures have none of their own."""
        is_production = self.session.site.rest == SITES[self.product].rest
        return SITES[Product.SPOT].rest if is_production else self.session.site.rest

    @staticmethod
    async def _must(answer: Answer[T], what: str) -> T:
        if isinstance(answer, Whole):
            return answer.value
        raise WorldError(f"Binance {what}: {answer}")


def _payment(paid: Income, symbol: str, settled: Sequence[Settled]) -> FundingPayment:
    """A payment with the rate it was made at, and the position that follows from both where the mark is told."""
    for each in settled:
        if abs(each.rate.ts - paid.ts) < 60 * 10**9:
            rate = each.rate.rate
            position = ZERO
            if each.mark is not None and rate:
                position = EXACT.divide(-paid.amount, EXACT.multiply(rate, each.mark)).quantize(
                    CENT_OF_NANO, context=EXACT
                )
            return FundingPayment(paid.ts, symbol, paid.amount, rate, position)
    return FundingPayment(paid.ts, symbol, paid.amount, ZERO, ZERO)


def _passed_on(answer: Failed | Partial[Any]) -> Failed:
    assert isinstance(answer, Failed), "the protocol reads whole answers"
    return answer


#: Faults of the key itself: then there is nothing more to ask.
_KEY_FAULTS = frozenset({"-2014", "-2015", "-1022", "-1021"})
