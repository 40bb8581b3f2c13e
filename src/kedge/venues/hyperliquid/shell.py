"""The gateway: one account at Hyperliquid behind `ExchangeGateway`.

`HyperliquidGateway(base_url, account, private_key)`: `account` is the address that owns the money; `private_key` should be
that of an agent (API) wallet, which may trade and not withdraw. Questions always name the account: an agent's own address
has none, and its pages are empty. What is signed for another address than the main net's counts for the test net.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import WorldError
from kedge.model.facts import ClockReading, Fact, Fill, FundingPayment, OrderReport, VenueFact
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.instrument import Instrument
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Trade
from kedge.model.secret import Secret
from kedge.venues.amending import unsupported as unamendable
from kedge.venues.answers import Answer, Failed, Whole
from kedge.venues.feed.market import MarketDataFeed
from kedge.venues.feed.talk import USER, Dialled
from kedge.venues.gateway import (
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
from kedge.venues.hyperliquid.calls import RULES, Desk
from kedge.venues.hyperliquid.names import Names
from kedge.venues.hyperliquid.protocol import actions
from kedge.venues.hyperliquid.protocol.assets import Asset
from kedge.venues.hyperliquid.protocol.exchange import Sender
from kedge.venues.hyperliquid.protocol.markets import INTERVALS
from kedge.venues.hyperliquid.protocol.orders import ORDER_TYPES, TIMES_IN_FORCE
from kedge.venues.hyperliquid.protocol.signing import Signer, address_bytes
from kedge.venues.hyperliquid.reading import Reading
from kedge.venues.hyperliquid.talk import MARKET_RULES, USER_RULES, MarketTalk, UserTalk
from kedge.venues.hyperliquid.trading import Trading
from kedge.venues.limiter import ExchangeRateLimiter, Urgency
from kedge.venues.shell import Caller, Recurring, by_status, unsupported
from kedge.venues.timing import VenueClock
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.http import HttpTransport
from kedge.venues.wire.websocket import WebSocketTransport

MAINNET: Final = "https://api.hyperliquid.xyz"
CLOCK_EVERY_S: Final = 60
#: The dead man's switch is at least so far ahead: five seconds when it arrives, and one for the way.
SWITCH_MS_MIN: Final = 6_000
#: Fills are asked for again from so long before a stream broke.
OVERLAP_NS: Final = 5 * NS_PER_S

CAPABILITIES: Final = Capabilities(
    venue="hyperliquid",
    order_types=ORDER_TYPES,
    times_in_force=TIMES_IN_FORCE,
    post_only=True,
    reduce_only=True,
    replace=True,
    dead_mans_switch=True,
    leverage=True,
    query_by_client_id=True,
    idempotent_place=False,
    short=True,
    candle_intervals=tuple(INTERVALS),
)


class HyperliquidGateway:
    """See the module. `vault_address` trades for a vault or sub-account of the account's; then that is the account."""

    def __init__(
        self,
        base_url: str,
        account: str,
        private_key: Secret,
        *,
        ws_url: str = "",
        vault_address: str = "",
        http: HttpTransport | None = None,
        sockets: WebSocketTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._owner = "0x" + address_bytes(account, "account").hex()
        self._user = "0x" + address_bytes(vault_address or account, "account").hex()
        self._ws_url = ws_url or f"ws{base_url.removeprefix('http').rstrip('/')}/ws"
        self._wall = _clock() if clock is None else clock
        self._http = _http() if http is None else http
        self._sockets = sockets
        self._clock = VenueClock(self._wall)
        limiter = ExchangeRateLimiter.of_rules(RULES, self._wall)
        self._signer = Signer(private_key)
        sender = Sender(self._signer, base_url.rstrip("/") == MAINNET, vault_address)
        caller = Caller(
            self._http,
            limiter,
            self._clock,
            by_status,
            secrets=[private_key, Secret(private_key.reveal().strip().removeprefix("0x"))],
        )
        self._desk = Desk(base_url, sender, caller)
        self._names = Names()
        self._reading = Reading(self._desk, self._user)
        self._trading = Trading(self._desk, self._user, self._reading.assets, self._names)
        self._watch = Recurring(self._wall, CLOCK_EVERY_S, self.get_clock)

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""
        return CAPABILITIES

    @property
    def rate_limits(self) -> tuple[RateUse, ...]:
        """The limits, and what is used of them."""
        return self._desk.caller.limiter.uses()

    async def open(self) -> None:
        """Measure the clock, read what the account is and load the instruments."""
        for what, step in (
            ("the clock", self.get_clock),
            ("the account", self._reading.account_kind),
            ("the instruments", self.get_instruments),
        ):
            answer: Answer[Any] = await step()
            if isinstance(answer, Failed):
                raise WorldError(f"hyperliquid: {what} could not be read: {answer.code}: {answer.message}")
        self._watch.start()

    async def close(self) -> None:
        """Stop watching the clock, and give the connections back."""
        await self._watch.stop()
        await self._http.close()

    # the market

    async def get_instruments(self) -> Answer[tuple[Instrument, ...]]:
        """Everything listed on the main exchange; builders' exchanges are left out."""
        answer = await self._reading.instruments()
        self._trading.assets = self._reading.assets
        return answer

    async def get_clock(self) -> Answer[ClockReading]:
        """Our clock against the venue's."""
        return await self._clock.measure(self._reading.server_time)

    async def get_order_book(self, symbol: str, depth: int = 100) -> Answer[OrderBook]:
        """A snapshot of at most twenty levels."""
        return await self._reading.order_book(self._asset(symbol), depth)

    async def get_trades(self, symbol: str, limit: int = 100) -> Answer[tuple[Trade, ...]]:
        """The latest trades."""
        return await self._reading.trades(self._asset(symbol), limit)

    async def get_candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        """Closed candles."""
        return await self._reading.candles(self._asset(symbol), interval, start, end)

    async def get_mark_price(self, symbol: str) -> Answer[MarkPrice]:
        """The mark price."""
        return await self._reading.mark_price(self._asset(symbol))

    async def get_funding_rates(self, symbol: str, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        """Hourly rates."""
        asset = self._asset(symbol)
        return Whole(()) if asset.spot else await self._reading.funding_rates(asset, start, end)

    # orders

    async def place_order(self, approved: Approved) -> Sequence[VenueFact]:
        """Send an order."""
        return await self._trading.place(approved)

    async def cancel_order(self, request: CancelRequested) -> Sequence[VenueFact]:
        """Ask for an order's end."""
        return await self._trading.cancel(request)

    async def query_order(self, request: QueryRequested) -> Sequence[VenueFact]:
        """What an order is."""
        return await self._trading.query(request)

    async def replace_order(self, order_id: str, approved: Approved) -> Sequence[VenueFact]:
        """A new order in the place of another: the venue cancels and places in one step."""
        return await self._trading.replace(order_id, approved)

    async def amend_order(self, approved: Approved) -> Sequence[VenueFact]:
        """Whether a modified order may keep its client id is not documented: it is replaced."""
        return unamendable(approved, self._desk.now)

    async def cancel_all(self, symbol: str = "") -> Answer[tuple[str, ...]]:
        """The end of every order of ours."""
        return await self._trading.cancel_all(symbol)

    async def get_open_orders(self, symbol: str = "") -> Answer[tuple[OpenOrder, ...]]:
        """What works, by any hand."""
        return await self._trading.open_orders(symbol)

    async def get_fills_since(self, symbol: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions from `since` on."""
        return await self._trading.fills_since(symbol, since)

    # the account

    async def get_balances(self) -> Answer[dict[str, Balance]]:
        """Every currency held."""
        return await self._reading.balances()

    async def get_positions(self) -> Answer[tuple[VenuePosition, ...]]:
        """Perpetuals held."""
        return await self._reading.positions()

    async def get_funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        """Funding paid or received."""
        return await self._reading.funding_since(symbol, since)

    async def get_margin(self, symbol: str) -> Answer[MarginSettings]:
        """Leverage and mode, as the venue has them."""
        asset = self._asset(symbol)
        return unsupported(f"{symbol} is spot") if asset.spot else await self._reading.margin_settings(asset)

    async def set_margin(self, wanted: MarginSettings) -> Answer[MarginSettings]:
        """Set leverage and mode by one action, and read them back."""
        asset = self._asset(wanted.symbol)
        leverage = int(wanted.leverage)
        if asset.spot or leverage != wanted.leverage or not 1 <= leverage <= asset.max_leverage:
            return unsupported(
                f"leverage {wanted.leverage} of {wanted.symbol}; it is whole, from 1 to {asset.max_leverage}"
            )
        if asset.isolated_only and wanted.mode is MarginMode.CROSS:
            return unsupported(f"{wanted.symbol} has isolated margin only")
        action = actions.update_leverage(asset.index, leverage, wanted.mode is MarginMode.CROSS)
        done = await self._desk.act(action, Urgency.TRUST)
        return done if isinstance(done, Failed) else await self._reading.margin_settings(asset)

    async def get_key_permissions(self) -> Answer[KeyPermissions]:
        """What the key may do."""
        return await self._reading.permissions(self._signer.address, self._owner)

    async def arm_dead_mans_switch(self, symbol: str, delay_ms: int) -> Answer[int]:
        """Cancel everything on the account, not on `symbol` alone, in `delay_ms` (0: off)."""
        if delay_ms and delay_ms < SWITCH_MS_MIN:
            return unsupported(
                f"a dead man's switch in {delay_ms} ms; Hyperliquid's is at least {SWITCH_MS_MIN} ms ahead"
            )
        at_ms = self._desk.venue_ms + delay_ms if delay_ms else None
        done = await self._desk.act(actions.schedule_cancel(at_ms), Urgency.EXIT)
        return done if isinstance(done, Failed) else Whole((at_ms or 0) * NS_PER_MS, done.at)

    # streams

    def market_stream(self, subscriptions: Sequence[Subscription], on_fact: Callable[[Fact], None]) -> Stream:
        """Market data as facts."""
        wanted = tuple(subscriptions)
        MarketTalk(
            wanted, self._reading.assets
        )  # an unknown symbol or channel is said now, not at the first connection

        async def dial() -> Dialled:
            return Dialled(self._ws_url, MarketTalk(wanted, self._reading.assets))

        feed = MarketDataFeed(
            self._ws_url,
            wanted,
            dial=dial,
            rules=MARKET_RULES,
            transport=self._sockets,
            clock=self._wall,
        )
        feed.on_message(on_fact)
        return feed

    def user_stream(self, on_fact: Callable[[Fact], None]) -> Stream:
        """Reports on our orders, from now on."""
        began = self._clock.venue_ns()
        watermark, talk = began, UserTalk(self._user, self._reading.assets, self._names, began)

        async def dial() -> Dialled:
            nonlocal talk
            talk = UserTalk(self._user, self._reading.assets, self._names, began)
            return Dialled(self._ws_url, talk)

        async def before_up() -> Sequence[Fact]:
            nonlocal watermark
            asked_at = self._clock.venue_ns()
            missed = await self._missed(max(began, watermark - OVERLAP_NS), talk)
            watermark = asked_at
            return missed

        feed = MarketDataFeed(
            self._ws_url,
            [USER],
            dial=dial,
            rules=USER_RULES,
            before_up=before_up,
            transport=self._sockets,
            clock=self._wall,
        )
        feed.on_message(on_fact)
        return feed

    async def _missed(self, since: int, talk: UserTalk) -> list[Fact]:
        """What happened to our orders while no stream told: the fills, and what works now."""
        fills = await self._trading.fills_since("", since)
        open_orders = await self._trading.open_orders()
        for answer in (fills, open_orders):
            if isinstance(answer, Failed):
                raise WorldError(f"hyperliquid: what was missed could not be read: {answer.code}: {answer.message}")
        assert not isinstance(fills, Failed), "looked at above"
        assert not isinstance(open_orders, Failed), "looked at above"
        now = self._wall.now_ns()
        talk.is_up = True
        both = sorted([*fills.value, *talk.before], key=lambda fill: fill.ts)
        facts: list[Fact] = [fill for fill in both if self._names.is_new_fill(fill.trade_id)]
        facts += [
            OrderReport(now, order.order_id, order.status, order.filled, order.exchange_id, now)
            for order in open_orders.value
            if order.order_id
        ]
        return facts

    def _asset(self, symbol: str) -> Asset:
        return self._reading.assets.of_symbol(symbol)


def _clock() -> Clock:
    from kedge.venues.wire.system import SystemClock

    return SystemClock()


def _http() -> HttpTransport:
    from kedge.venues.wire.aio import AioHttp

    return AioHttp()
