"""The gateway of any venue through ccxt.

    CcxtGateway("kraken", api_key, api_secret)

One gateway is one kind of market, spot or linear swaps: canonical names are BASE-QUOTE with the venue's own currencies. What
ccxt cannot do safely is not in `capabilities`: stops (each venue means another thing by them), replacing, leverage, a dead
man's switch; and market buys where the venue sizes them in money, because what they buy is known afterwards only.

An order whose answer was lost is looked for (`inquiry`). It is never sent again: hardly a venue refuses duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import ConfigError, UserError, WorldError
from kedge.model.facts import (
    CancelRejected,
    ClockReading,
    Fact,
    Fill,
    FundingPayment,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    VenueFact,
)
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Trade
from kedge.model.money import canonical
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.model.secret import Secret
from kedge.venues.amending import unsupported as unamendable
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.errors import DUPLICATE
from kedge.venues.ccxt.inquiry import Inquiry, ours
from kedge.venues.ccxt.streams import MarketWatch, ReportWatch, seconds_of, timeframe
from kedge.venues.gateway import (
    Balance,
    Capabilities,
    KeyPermissions,
    MarginSettings,
    OpenOrder,
    RateUse,
    Stream,
    Subscription,
    VenuePosition,
)
from kedge.venues.shell import Recurring, cancelling, placing, unsupported
from kedge.venues.timing import VenueClock
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.system import SystemClock

CLOCK_SECONDS: Final = 60
_CANDLES_MAX: Final = 300
_MONEY_SIZED: Final = "createMarketBuyOrderRequiresPrice"


class CcxtGateway:
    """`ExchangeGateway` through ccxt. `options` go to ccxt as they are; `urls` in them replace its addresses."""

    def __init__(
        self,
        venue: str,
        api_key: str = "",
        api_secret: str | Secret = "",
        *,
        kind: InstrumentKind = InstrumentKind.SPOT,
        options: dict[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock: Clock = SystemClock() if clock is None else clock
        secret = api_secret if isinstance(api_secret, Secret) else Secret(api_secret)
        self._connection = Connection(venue, api_key, secret, dict(options or {}), self._clock)
        self._inquiry = Inquiry(self._connection, self._clock.now_ns)
        self._venue_clock = VenueClock(self._clock)
        self._timing = Recurring(self._clock, CLOCK_SECONDS, self.get_clock)
        self._kind = kind

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do, as far as ccxt can do it safely."""
        frames = sorted(filter(None, map(seconds_of, self._connection.trading.timeframes or {})))
        return Capabilities(
            venue=f"ccxt:{self._connection.venue}",
            order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
            times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
            post_only=True,
            reduce_only=self._kind is InstrumentKind.PERPETUAL,
            replace=False,
            dead_mans_switch=False,
            leverage=False,
            query_by_client_id=bool(self._connection.quirk.query),
            idempotent_place=False,
            short=self._kind is InstrumentKind.PERPETUAL,
            candle_intervals=tuple(seconds * NS_PER_S for seconds in frames),
        )

    @property
    def breaches(self) -> dict[str, int]:
        """Answers that could not be read, by question."""
        return self._connection.breaches

    @property
    def rate_limits(self) -> tuple[RateUse, ...]:
        """ccxt keeps to them by itself, and does not say what is used."""
        return ()

    async def open(self) -> None:
        """Load the instruments and measure the clock; `WorldError` where that fails."""
        for what, answer in (("instruments", await self.get_instruments()), ("clock", await self._first_clock())):
            if isinstance(answer, Failed):
                raise WorldError(f"{self._connection.venue}: no {what}: {answer}")
        self._timing.start()

    async def _first_clock(self) -> Answer[ClockReading]:
        return (
            await self.get_clock()
            if self._connection.can("fetchTime")
            else Whole(ClockReading(self._clock.now_ns(), 0))
        )

    async def close(self) -> None:
        """Stop everything that runs."""
        await self._timing.stop()
        await self._connection.close()

    # the market

    async def get_instruments(self) -> Answer[tuple[Instrument, ...]]:
        answer = await self._connection.load()
        if not isinstance(answer, Whole):
            return answer  # type: ignore[return-value]  # Failed, which has no value
        mode = self._connection.trading.precisionMode
        bad: list[str] = []
        names: dict[str, str] = {}
        listed: dict[str, Instrument] = {}
        for name, market in answer.value.items():
            read = self._connection.read("markets", partial(_instrument, market, mode))
            if isinstance(read, Failed):
                bad.append(read.message)
            elif read is not None and read.kind is self._kind and read.symbol not in listed:
                listed[read.symbol], names[read.symbol] = read, name
        self._inquiry.listed, self._inquiry.names = listed, names
        found = tuple(listed.values())
        return (
            Partial(found, f"{len(bad)} markets that cannot be read: {bad[0]}", answer.at)
            if bad
            else Whole(found, answer.at)
        )

    async def get_clock(self) -> Answer[ClockReading]:
        if not self._connection.can("fetchTime"):
            return unsupported(f"{self._connection.venue} does not tell its time")
        trading = self._connection.trading
        return await self._venue_clock.measure(
            lambda: self._connection.ask("time", trading.fetch_time, lambda ms: structures.moment(ms, "time"))
        )

    async def get_order_book(self, symbol: str, depth: int = 100) -> Answer[OrderBook]:
        return await self._of(
            symbol,
            "book",
            lambda market: self._connection.trading.fetch_order_book(market, depth),
            lambda told: structures.book(told, symbol, self._clock.now_ns(), depth),
        )

    async def get_trades(self, symbol: str, limit: int = 100) -> Answer[tuple[Trade, ...]]:
        return await self._of(
            symbol,
            "trades",
            lambda market: self._connection.trading.fetch_trades(market, None, limit),
            lambda told: structures.trades(told, symbol, self._clock.now_ns()),
        )

    async def get_candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        try:
            frame = timeframe(interval, self._connection.trading.timeframes)
        except ConfigError as error:
            return unsupported(str(error))
        last = min(end, start + _CANDLES_MAX * interval)
        answer = await self._of(
            symbol,
            "candles",
            lambda market: self._connection.trading.fetch_ohlcv(market, frame, start // NS_PER_MS, _CANDLES_MAX),
            lambda told: structures.candles(told, symbol, interval, self._venue_clock.venue_ns(), self._clock.now_ns()),
        )
        if not isinstance(answer, Whole):
            return answer
        asked = tuple(each for each in answer.value if start <= each.ts < last)
        return (
            Partial(asked, f"candles from {last} on; ask again from there", answer.at)
            if last < end
            else Whole(asked, answer.at)
        )

    async def get_mark_price(self, symbol: str) -> Answer[MarkPrice]:
        return unsupported("mark prices through ccxt")

    async def get_funding_rates(self, symbol: str, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        return unsupported("funding rates through ccxt")

    async def _of(self, symbol: str, name: str, work: Callable[[str], Any], read: Callable[[Any], Any]) -> Answer[Any]:
        market = self._inquiry.names.get(symbol)
        if market is None:
            return self._unlisted(symbol)
        return await self._connection.ask(name, lambda: work(market), read)

    def _unlisted(self, symbol: str) -> Failed:
        return Failed(ErrorClass.OURS, "not sent", f"symbol {symbol!r} is not listed by {self._connection.venue}")

    # orders

    async def place_order(self, approved: Approved) -> Sequence[VenueFact]:
        intent = approved.intent
        reason = self._refusal(intent)
        if reason:
            return [OrderRejected(self._clock.now_ns(), intent.id, f"not sent: {reason}")]
        market, terms = self._inquiry.names[intent.symbol], self._terms(intent)
        price = None if intent.price is None else canonical(intent.price)
        self._inquiry.sending(intent.id, intent.symbol)
        answer = await self._connection.ask(
            "place",
            lambda: self._connection.trading.create_order(
                market, intent.order_type.value, intent.side.value, canonical(intent.quantity), price, terms
            ),
            lambda told: str(told["id"]),
        )
        now = self._clock.now_ns()
        if isinstance(answer, Whole):
            self._inquiry.learn(intent.id, answer.value, intent.symbol)
            return [OrderAccepted(now, intent.id, answer.value)]
        assert isinstance(answer, Failed), "an order is answered whole or not"
        if answer.code == DUPLICATE:  # it is there already: what was sent before had its effect (H8)
            return await self._inquiry.query(intent.id)
        return [placing(answer, intent.id, now)]

    def _refusal(self, intent: OrderIntent) -> str:
        """Why an order is not sent."""
        able, trading = self.capabilities, self._connection.trading
        if intent.symbol not in self._inquiry.names:
            return self._unlisted(intent.symbol).message
        if intent.order_type not in able.order_types or intent.time_in_force not in able.times_in_force:
            return f"{intent.order_type} {intent.time_in_force} orders through ccxt"
        if intent.reduce_only and not able.reduce_only:
            return "reduce-only orders on spot"
        buys_for_money = intent.order_type is OrderType.MARKET and intent.side is Side.BUY
        if buys_for_money and trading.options.get(_MONEY_SIZED, trading.id == "coinbase"):
            return f"market buys at {trading.id} are sized in money; send a limit order that fills at once"
        off = structures.off_the_grid(intent, self._inquiry.listed[intent.symbol])
        if off:
            return off
        if intent.reduce_only or not self._connection.can("fetchTime"):
            return ""
        return self._venue_clock.refusal()

    def _terms(self, intent: OrderIntent) -> dict[str, Any]:
        terms: dict[str, Any] = {self._connection.quirk.client_id: intent.id}
        if intent.post_only:
            terms["postOnly"] = True
        elif intent.order_type is OrderType.LIMIT and intent.time_in_force is not TimeInForce.GTC:
            terms["timeInForce"] = intent.time_in_force.value.upper()
        if intent.reduce_only:
            terms["reduceOnly"] = True
        return terms

    async def cancel_order(self, request: CancelRequested) -> Sequence[VenueFact]:
        order_id = request.order_id
        found, now = await self._known(order_id), self._clock.now_ns()
        if isinstance(found, Failed):
            return [cancelling(found, order_id, now)]
        if not found:
            return [CancelRejected(now, order_id, "the venue does not have it")]
        market = self._inquiry.names.get(self._inquiry.orders[order_id].symbol)
        exits = self._connection.exits
        answer = await self._connection.ask("cancel", lambda: exits.cancel_order(found, market), lambda _: None)
        return [] if not isinstance(answer, Failed) else [cancelling(answer, order_id, self._clock.now_ns())]

    async def _known(self, order_id: str) -> str | Failed:
        """The venue's id of an order of ours; empty where it has none."""
        sent = self._inquiry.orders.get(order_id)
        if sent is not None and sent.exchange_id:
            return sent.exchange_id
        found = await self._inquiry.find(order_id)
        if isinstance(found, Failed):
            return found
        return str(found["id"]) if found is not None else ""

    async def query_order(self, request: QueryRequested) -> Sequence[VenueFact]:
        return await self._inquiry.query(request.order_id)

    async def replace_order(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        return [OrderRejected(self._clock.now_ns(), approved.intent.id, "not sent: unsupported: cancel and place")]

    async def amend_order(self, approved: Approved) -> Sequence[VenueFact]:
        return unamendable(approved, self._clock.now_ns())

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        listed = await self.get_open_orders(symbol)
        if not isinstance(listed, Whole):
            return listed if isinstance(listed, Failed) else Partial((), listed.missing)
        heard: list[str] = []
        lost: list[str] = []
        for order in listed.value:
            if order.order_id:
                self._inquiry.learn(order.order_id, order.exchange_id, order.symbol)
                facts = await self.cancel_order(CancelRequested(order.order_id, "cancel all"))
                (lost if any(isinstance(each, OutcomeUnknown | CancelRejected) for each in facts) else heard).append(
                    order.order_id
                )
        return Partial(tuple(heard), f"not heard: {', '.join(lost)}") if lost else Whole(tuple(heard), listed.at)

    async def get_open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        if symbol and symbol not in self._inquiry.names:
            return self._unlisted(symbol)
        exits, market = self._connection.exits, self._inquiry.names.get(symbol)
        answer = await self._connection.ask("open orders", lambda: exits.fetch_open_orders(market), self._open_orders)
        if isinstance(answer, Whole):
            for each in answer.value:
                self._inquiry.learn(each.order_id or each.client_id or each.exchange_id, each.exchange_id, each.symbol)
        return answer

    def _open_orders(self, told: Any) -> tuple[OpenOrder, ...]:
        return tuple(
            structures.open_order(each, self._inquiry.symbol_of(each), ours(each.get("clientOrderId"))) for each in told
        )

    async def get_fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        if symbol:
            return await self._inquiry.fills(symbol, since)
        symbols = sorted({sent.symbol for sent in self._inquiry.orders.values() if sent.symbol in self._inquiry.names})
        found: list[Fill] = []
        for each in symbols:
            answer = await self._inquiry.fills(each, since)
            if not isinstance(answer, Whole):
                return answer
            found += answer.value
        return Partial(tuple(found), f"fills of markets other than {', '.join(symbols) or 'none'}: ask by symbol")

    # the account

    async def get_balances(self) -> Answer[dict[str, Balance]]:
        terms = dict(self._connection.quirk.balance)
        return await self._connection.ask(
            "balances", lambda: self._connection.trading.fetch_balance(terms), structures.balances
        )

    async def get_positions(self) -> Answer[tuple[VenuePosition, ...]]:
        if self._kind is InstrumentKind.SPOT:
            return Whole((), self._clock.now_ns())
        if not self._connection.can("fetchPositions"):
            return unsupported(f"positions of {self._connection.venue} through ccxt")
        return await self._connection.ask("positions", self._connection.trading.fetch_positions, self._positions)

    def _positions(self, told: Any) -> tuple[VenuePosition, ...]:
        read = (structures.position(each, self._inquiry.symbol_of(each)) for each in told)
        return tuple(each for each in read if each.quantity)

    async def get_funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        return unsupported("funding payments through ccxt")

    async def get_margin(self, symbol: str) -> Answer[MarginSettings]:
        return unsupported("margin settings through ccxt")

    async def set_margin(self, wanted: MarginSettings) -> Answer[MarginSettings]:
        return unsupported("margin settings through ccxt")

    async def get_key_permissions(self) -> Answer[KeyPermissions]:
        """ccxt does not know: nothing is said of anything."""
        return Whole(KeyPermissions(None, None, None), self._clock.now_ns())

    async def arm_dead_mans_switch(self, symbol: str, delay_ms: int) -> Answer[int]:
        return unsupported("a dead man's switch through ccxt")

    # streams

    def market_stream(self, subscriptions: Sequence[Subscription], on_fact: Callable[[Fact], None]) -> Stream:
        """What ccxt.pro has for the venue; `ConfigError` names what it has not."""
        return MarketWatch(self._connection, self._inquiry, subscriptions, on_fact, self._clock)

    def user_stream(self, on_fact: Callable[[Fact], None]) -> Stream:
        """Reports by asking, woken by ccxt.pro where it can watch orders."""

        def listing() -> Coroutine[Any, Any, Answer[tuple[OpenOrder, ...]]]:
            return self.get_open_orders()

        return ReportWatch(self._connection, self._inquiry, listing, on_fact, self._clock)


def _instrument(market: Any, mode: int) -> Instrument | None:
    try:
        return structures.instrument(market, mode)
    except UserError as error:
        raise ValueError(str(error)) from None
