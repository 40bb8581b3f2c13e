"""The gateway of Coinbase Advanced Trade (spot): one account, one key.

    CoinbaseGateway(base_url, api_key, api_secret)

`api_key` is the key's name (`organizations/{org}/apiKeys/{key}`), `api_secret` the PEM or base64 that came with it. Without
them only the market can be asked. The venue has no dead man's switch (an order till a date is the nearest), no leverage, no
shorts, no stop that becomes a market order, and no replacing under a new client id: its edit keeps the old one, and amends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import ConfigError, UserError, WorldError
from kedge.model.facts import ClockReading, Fact, Fill, FundingPayment, OrderRejected, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import Instrument
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Trade
from kedge.model.order import OrderType, TimeInForce
from kedge.model.secret import Secret
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.coinbase import account, market, products, requests
from kedge.venues.coinbase.amendments import Amendments
from kedge.venues.coinbase.asking import RATE_RULES, Asker, Nonces, classify, usage
from kedge.venues.coinbase.messages import Scope
from kedge.venues.coinbase.products import Fees, Listing, Names
from kedge.venues.coinbase.reports import UserReports, UserStream
from kedge.venues.coinbase.signing import ApiKey
from kedge.venues.coinbase.stream import Memory
from kedge.venues.coinbase.talk import RULES, USER_RULES, MarketTalk, UserTalk, served
from kedge.venues.coinbase.trading import Trading
from kedge.venues.coinbase.values import Fields
from kedge.venues.feed.market import MarketDataFeed
from kedge.venues.feed.talk import USER, Dialled
from kedge.venues.gateway import (
    Amending,
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
from kedge.venues.limiter import ExchangeRateLimiter, Urgency
from kedge.venues.shell import Caller, Instruments, Recurring, unsupported
from kedge.venues.timing import VenueClock
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.http import HttpTransport
from kedge.venues.wire.system import SystemClock
from kedge.venues.wire.websocket import WebSocketTransport

T = TypeVar("T")

REST_URL: Final = "https://api.coinbase.com"
MARKET_WS_URL: Final = "wss://advanced-trade-ws.coinbase.com"
USER_WS_URL: Final = "wss://advanced-trade-ws-user.coinbase.com"

CLOCK_SECONDS: Final = 60

CAPABILITIES: Final = Capabilities(
    venue="coinbase",
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT}),
    times_in_force=frozenset(TimeInForce),
    post_only=True,
    reduce_only=False,
    replace=False,
    amend=Amending.PRICE_AND_QUANTITY,
    dead_mans_switch=False,
    leverage=False,
    query_by_client_id=False,
    idempotent_place=True,
    short=False,
    candle_intervals=tuple(seconds * NS_PER_S for seconds in requests.GRANULARITIES),
)


class CoinbaseGateway:
    """`ExchangeGateway` for Coinbase. `ws_url` serves both streams where it is given, as an emulator does; `instance` begins
    the ids of our orders (empty: those of any Kedge are ours).
    """

    def __init__(
        self,
        base_url: str = REST_URL,
        api_key: str = "",
        api_secret: str | Secret = "",
        *,
        ws_url: str = "",
        http: HttpTransport | None = None,
        sockets: WebSocketTransport | None = None,
        clock: Clock | None = None,
        scope: Scope = Scope.CONNECTION,
        instance: str = "",
    ) -> None:
        self._network = None
        if http is None or sockets is None:
            from kedge.venues.wire.aio import AioHttp, AioNetwork, AioWebSockets

            self._network = AioNetwork()
            http, sockets = http or AioHttp(self._network), sockets or AioWebSockets(self._network)
        secret = api_secret if isinstance(api_secret, Secret) else Secret(api_secret)
        self._key = ApiKey(api_key, secret) if secret else None
        if api_key and self._key is None:
            raise ConfigError("the Coinbase API key has no secret; set TRADING_EXCHANGE_API_SECRET")
        self._clock: Clock = SystemClock() if clock is None else clock
        self._http, self._sockets, self._scope = http, sockets, scope
        self._market_ws, self._user_ws = ws_url or MARKET_WS_URL, ws_url or USER_WS_URL
        self._venue_clock = VenueClock(self._clock)
        limiter = ExchangeRateLimiter.of_rules(RATE_RULES, self._clock)
        caller = Caller(http, limiter, self._venue_clock, classify, usage, (secret,))
        self._asker = Asker(caller, base_url, self._key, Nonces(self._clock.now_ns()))
        self._trading = Trading(self._asker, self._venue_clock, self._clock, instance)
        self._amendments = Amendments(self._asker, self._venue_clock, self._trading)
        self._instruments = Instruments()
        self._timing = Recurring(self._clock, CLOCK_SECONDS, self.get_clock)

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""
        return CAPABILITIES

    @property
    def breaches(self) -> dict[str, int]:
        """Answers that broke the venue's contract, by question."""
        return self._asker.breaches

    @property
    def rate_limits(self) -> tuple[RateUse, ...]:
        """The limits, and what is used of them."""
        return self._asker.rate_limits

    async def open(self) -> None:
        """Measure the clock and load the instruments; `WorldError` where that fails."""
        clock, listed = await self.get_clock(), await self.get_instruments()
        for what, answer in (("clock", clock), ("instruments", listed)):
            if isinstance(answer, Failed):  # products that cannot be read are not listed; the others are
                raise WorldError(f"coinbase: no {what}: {answer}")
        self._timing.start()

    async def close(self) -> None:
        """Stop everything that runs."""
        await self._timing.stop()
        await self._http.close()
        if self._network is not None:
            await self._network.close()

    # the market

    async def get_instruments(self) -> Answer[tuple[Instrument, ...]]:
        fees = await self._fees()
        if isinstance(fees, Failed):
            return fees
        signed = self._asker.has_key
        answer = await self._asker.ask(
            requests.products(signed), "products", lambda told: products.listings(told, fees), Urgency.MARKET
        )
        if not isinstance(answer, Whole):
            return answer if isinstance(answer, Failed) else Partial((), answer.missing)
        good, bad = answer.value
        self._list(good)
        listed = tuple(each.instrument for each in good)
        return (
            Partial(listed, f"{len(bad)} products that cannot be read: {bad[0]}", answer.at)
            if bad
            else Whole(listed, answer.at)
        )

    def _list(self, good: list[Listing]) -> None:
        self._trading.names = Names({each.product: each.alias for each in good})
        self._instruments.load((each.instrument for each in good), self._clock.now_ns())

    async def _fees(self) -> Fees | Failed:
        if not self._asker.has_key:
            return Fees()
        answer = await self._asker.ask(requests.fees(), "fees", products.fee_tier)
        if isinstance(answer, Whole):
            return answer.value
        return answer if isinstance(answer, Failed) else Failed(ErrorClass.UNKNOWN, "partial", answer.missing)

    async def get_clock(self) -> Answer[ClockReading]:
        return await self._venue_clock.measure(
            lambda: self._asker.ask(requests.server_time(), "time", market.server_time)
        )

    async def get_order_book(self, symbol: str, depth: int = 100) -> Answer[OrderBook]:
        return await self._ask_market(
            symbol,
            "book",
            lambda product: requests.book(product, depth, self._asker.has_key),
            lambda told: market.book(told, symbol, self._clock.now_ns()),
        )

    async def get_trades(self, symbol: str, limit: int = 100) -> Answer[tuple[Trade, ...]]:
        return await self._ask_market(
            symbol,
            "trades",
            lambda product: requests.trades(product, limit, signed=self._asker.has_key),
            lambda told: market.trades(told, symbol, self._clock.now_ns()),
        )

    async def get_candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        if interval not in CAPABILITIES.candle_intervals:
            return unsupported(
                f"candles of {interval // NS_PER_S} s; there are {', '.join(map(str, requests.GRANULARITIES))}"
            )
        last = min(end, start + requests.CANDLES_MAX * interval) - 1
        answer = await self._ask_market(
            symbol,
            "candles",
            lambda product: requests.candles(product, interval, start, last, self._asker.has_key),
            lambda told: market.candles(told, symbol, interval, self._venue_clock.venue_ns(), self._clock.now_ns()),
        )
        if not isinstance(answer, Whole):
            return answer
        asked = tuple(each for each in answer.value if start <= each.ts < end)
        if last + 1 < end:
            return Partial(asked, f"candles from {last + 1} on; ask again from there", answer.at)
        return Whole(asked, answer.at)

    async def get_mark_price(self, symbol: str) -> Answer[MarkPrice]:
        return unsupported("mark price: Kedge trades Coinbase spot")

    async def get_funding_rates(self, symbol: str, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        return unsupported("funding: Kedge trades Coinbase spot")

    async def _ask_market(
        self, symbol: str, name: str, call: Callable[[str], requests.Call], read: Callable[[Fields], T]
    ) -> Answer[T]:
        try:
            asked = call(self._trading.names.product(symbol))
        except UserError as error:
            return Failed(ErrorClass.OURS, "not sent", str(error))
        return await self._asker.ask(asked, name, read, Urgency.MARKET)

    # orders

    async def place_order(self, approved: Approved) -> Sequence[VenueFact]:
        return await self._trading.place(approved)

    async def cancel_order(self, request: CancelRequested) -> Sequence[VenueFact]:
        return await self._trading.cancel(request)

    async def query_order(self, request: QueryRequested) -> Sequence[VenueFact]:
        return await self._trading.query(request)

    async def replace_order(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        reason = "not sent: unsupported: an edit at Coinbase keeps the old client id; cancel and place"
        return [OrderRejected(self._clock.now_ns(), approved.intent.id, reason)]

    async def amend_order(self, approved: Approved) -> Sequence[VenueFact]:
        return await self._amendments.amend(approved)

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        return self._unlisted(symbol) or await self._trading.cancel_all(symbol)

    async def get_open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        return self._unlisted(symbol) or await self._trading.open_orders(symbol)

    async def get_fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        return self._unlisted(symbol) or await self._trading.fills_since(symbol, since)

    def _unlisted(self, symbol: str) -> Failed | None:
        if not symbol or symbol in self._instruments:
            return None
        return Failed(ErrorClass.OURS, "not sent", f"symbol {symbol!r} is not listed by coinbase")

    # the account

    async def get_balances(self) -> Answer[dict[str, Balance]]:
        answer = await self._asker.every(requests.accounts, "accounts", account.balance)
        if isinstance(answer, Failed):
            return answer
        held = {name: each for name, each in account.merged(answer.value).items() if each.total}
        return Partial(held, answer.missing) if isinstance(answer, Partial) else Whole(held, answer.at)

    async def get_positions(self) -> Answer[tuple[VenuePosition, ...]]:
        return await self._asker.ask(
            requests.derivative_positions(),
            "positions",
            lambda told: tuple(map(account.derivative_position, told.items("positions"))),
        )

    async def get_funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        return unsupported("funding: Kedge trades Coinbase spot")

    async def get_margin(self, symbol: str) -> Answer[MarginSettings]:
        return unsupported("margin: Kedge trades Coinbase spot")

    async def set_margin(self, wanted: MarginSettings) -> Answer[MarginSettings]:
        return unsupported("margin: Kedge trades Coinbase spot")

    async def get_key_permissions(self) -> Answer[KeyPermissions]:
        return await self._asker.ask(requests.key_permissions(), "key permissions", account.permissions)

    async def arm_dead_mans_switch(self, symbol: str, delay_ms: int) -> Answer[int]:
        return unsupported("a dead man's switch: Coinbase has none; send orders till a date")

    # streams

    def market_stream(self, subscriptions: Sequence[Subscription], on_fact: Callable[[Fact], None]) -> Stream:
        """Trades, quotes, books, and candles of five minutes; the products' status comes with them."""
        served(subscriptions)
        talks: list[MarketTalk] = []

        async def dial() -> Dialled:
            memory = talks[-1].decoder.memory.copy() if talks else Memory()
            known = {each.symbol: each for each in self._instruments.all()}
            names, opened = self._trading.names, self._clock.now_ns()
            talks[:] = [MarketTalk(names, subscriptions, known, opened, memory, self._asker.stream_token, self._scope)]
            return Dialled(self._market_ws, talks[0])

        feed = MarketDataFeed(
            self._market_ws, subscriptions, dial=dial, rules=RULES, transport=self._sockets, clock=self._clock
        )
        feed.on_message(on_fact)
        return feed

    def user_stream(self, on_fact: Callable[[Fact], None]) -> Stream:
        """Reports on our orders; a key is needed."""
        if self._key is None:
            raise ConfigError("the user stream of coinbase needs an API key; set TRADING_EXCHANGE_API_KEY and _SECRET")
        reports = UserReports(self._trading, self._clock, on_fact)

        async def dial() -> Dialled:
            return Dialled(self._user_ws, UserTalk(self._asker.stream_token, self._scope))

        feed = MarketDataFeed(
            self._user_ws,
            [USER],
            dial=dial,
            rules=USER_RULES,
            before_up=reports.missed,
            transport=self._sockets,
            clock=self._clock,
        )
        return UserStream(feed, reports, self._clock)
