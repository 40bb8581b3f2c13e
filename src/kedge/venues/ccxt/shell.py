"""The gateway of any venue through ccxt.

    CcxtGateway("kraken", api_key, api_secret)

One gateway is one kind of market, spot or linear swaps: canonical names are BASE-QUOTE with the venue's own currencies. What
ccxt cannot do safely is not in `capabilities`: conditional orders, replacing, leverage where they were not proven (`quirks`), a
dead man's switch; and market buys where the venue sizes them in money, because what they buy is known afterwards only.

An order whose answer was lost is looked for (`inquiry`). It is never sent again: hardly a venue refuses duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import ConfigError, WorldError
from kedge.model.facts import ClockReading, Fact, Fill, FundingPayment, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Trade
from kedge.model.secret import Secret
from kedge.venues.amending import unsupported as unamendable
from kedge.venues.answers import Answer, Failed, Partial, Whole
from kedge.venues.ccxt.account import Account
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.frames import seconds_of
from kedge.venues.ccxt.inquiry import Inquiry
from kedge.venues.ccxt.market import Market
from kedge.venues.ccxt.reports import ReportWatch
from kedge.venues.ccxt.streams import MarketWatch
from kedge.venues.ccxt.trading import Trading
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
from kedge.venues.shell import Recurring, unsupported
from kedge.venues.timing import VenueClock
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.system import SystemClock

CLOCK_SECONDS: Final = 60


class CcxtGateway:
    """`ExchangeGateway` through ccxt. `options` go to ccxt as they are; `urls` in them replace its addresses.

    Parts of a credential beside key and secret (`password`, `uid`, …) come in `options` under ccxt's names.
    """

    def __init__(
        self,
        venue: str,
        api_key: str = "",
        api_secret: str | Secret = "",
        *,
        kind: InstrumentKind | None = None,
        options: dict[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock: Clock = SystemClock() if clock is None else clock
        secret = api_secret if isinstance(api_secret, Secret) else Secret(api_secret)
        self._connection = Connection(venue, api_key, secret, dict(options or {}), self._clock, kind)
        self._has_key = bool(secret)
        self._inquiry = Inquiry(self._connection, self._clock.now_ns)
        self._venue_clock = VenueClock(self._clock)
        self._market = Market(self._connection, self._inquiry, self._venue_clock)
        self._trading = Trading(self._connection, self._inquiry, self._venue_clock)
        self._account = Account(self._connection, self._inquiry, self._clock.now_ns)
        self._timing = Recurring(self._clock, CLOCK_SECONDS, self.get_clock)

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do, as far as ccxt can do it safely."""
        quirk, perpetual = self._connection.quirk, self._connection.kind is InstrumentKind.PERPETUAL
        frames = sorted(filter(None, map(seconds_of, self._connection.trading.timeframes or {})))
        return Capabilities(
            venue=f"ccxt:{self._connection.venue}",
            order_types=self._trading.types,
            times_in_force=self._trading.times,
            post_only=self._trading.post_only,
            reduce_only=perpetual,
            replace=quirk.replaces,
            dead_mans_switch=False,
            leverage=quirk.sets_margin,
            query_by_client_id=bool(
                quirk.query or quirk.doubt_seconds
            ),  # else lists are searched, and never end a doubt
            idempotent_place=False,
            short=perpetual,
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
        """Load the instruments and measure the clock; `WorldError` where that fails, `ConfigError` in hedge mode."""
        for what, answer in (("instruments", await self.get_instruments()), ("clock", await self._first_clock())):
            if isinstance(answer, Failed):
                raise WorldError(f"{self._connection.venue}: no {what}: {answer}")
        nets = await self._account.nets_positions() if self._has_key else Whole(True)
        if not isinstance(nets, Whole):
            raise WorldError(f"{self._connection.venue}: no position mode: {nets}")
        if not nets.value:
            raise ConfigError(f"the {self._connection.venue} account is in hedge mode; switch it to one-way mode first")
        self._timing.start()

    async def _first_clock(self) -> Answer[ClockReading]:
        told = self._connection.can("fetchTime")
        return await self.get_clock() if told else Whole(ClockReading(self._clock.now_ns(), 0))

    async def close(self) -> None:
        """Stop everything that runs."""
        await self._timing.stop()
        await self._connection.close()

    # the market

    async def get_instruments(self) -> Answer[tuple[Instrument, ...]]:
        return await self._market.instruments()

    async def get_clock(self) -> Answer[ClockReading]:
        return await self._market.clock()

    async def get_order_book(self, symbol: str, depth: int = 100) -> Answer[OrderBook]:
        return await self._market.book(symbol, depth)

    async def get_trades(self, symbol: str, limit: int = 100) -> Answer[tuple[Trade, ...]]:
        return await self._market.trades(symbol, limit)

    async def get_candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        return await self._market.candles(symbol, interval, start, end)

    async def get_mark_price(self, symbol: str) -> Answer[MarkPrice]:
        return await self._market.mark_price(symbol)

    async def get_funding_rates(self, symbol: str, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        return await self._market.funding_rates(symbol, start, end)

    # orders

    async def place_order(self, approved: Approved) -> Sequence[VenueFact]:
        return await self._trading.place(approved)

    async def cancel_order(self, request: CancelRequested) -> Sequence[VenueFact]:
        return await self._trading.cancel(request)

    async def query_order(self, request: QueryRequested) -> Sequence[VenueFact]:
        return await self._inquiry.query(request.order_id)

    async def replace_order(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        return await self._trading.replace(order_id, approved)

    async def amend_order(self, approved: Approved) -> Sequence[VenueFact]:
        return unamendable(approved, self._clock.now_ns())

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        return await self._trading.cancel_all(symbol)

    async def get_open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        return await self._trading.open_orders(symbol)

    async def get_fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        if symbol:
            return await self._inquiry.fills(symbol, since)
        symbols = sorted({sent.symbol for sent in self._inquiry.orders.values() if sent.symbol in self._inquiry.names})
        found: list[Fill] = []
        missing = [f"fills of markets other than {', '.join(symbols) or 'none'}: ask by symbol"]
        for each in symbols:
            answer = await self._inquiry.fills(each, since)
            if isinstance(answer, Failed):
                return answer
            found += answer.value
            missing += [f"{each}: {answer.missing}"] if isinstance(answer, Partial) else []
        return Partial(tuple(sorted(found, key=lambda fill: fill.ts)), "; ".join(missing))

    # the account

    async def get_balances(self) -> Answer[dict[str, Balance]]:
        return await self._account.balances()

    async def get_positions(self) -> Answer[tuple[VenuePosition, ...]]:
        return await self._account.positions()

    async def get_funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        return await self._account.funding_since(symbol, since)

    async def get_margin(self, symbol: str) -> Answer[MarginSettings]:
        return await self._account.margin(symbol)

    async def set_margin(self, wanted: MarginSettings) -> Answer[MarginSettings]:
        return await self._account.set_margin(wanted)

    async def get_key_permissions(self) -> Answer[KeyPermissions]:
        """ccxt does not know: nothing is said of anything."""
        return Whole(KeyPermissions(None, None, None), self._clock.now_ns())

    async def arm_dead_mans_switch(self, symbol: str, delay_ms: int) -> Answer[int]:
        return unsupported("a dead man's switch through ccxt")

    # streams

    def market_stream(self, subscriptions: Sequence[Subscription], on_fact: Callable[[Fact], None]) -> Stream:
        """What ccxt.pro has for the venue; `ConfigError` names what it has not."""
        return MarketWatch(
            self._connection, self._inquiry, subscriptions, on_fact, self._clock, self._venue_clock.venue_ns
        )

    def user_stream(self, on_fact: Callable[[Fact], None]) -> Stream:
        """Reports by asking, woken by ccxt.pro where it can watch orders."""

        def listing() -> Coroutine[Any, Any, Answer[tuple[OpenOrder, ...]]]:
            return self.get_open_orders()

        return ReportWatch(self._connection, self._inquiry, listing, on_fact, self._clock)
