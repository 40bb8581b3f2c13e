"""Streams of a gateway: the feeds that carry them, put together.

Futures have a connection for each family of streams, so a market stream is one feed or two. The user stream is one feed
that signs in anew for each connection, and before it counts as up it asks what happened while none was: nothing is sent
again (FACTS.md 1.6).

    before up    open orders, then each order of ours that is not among them, then executions since the last word
    an event     an order that we do not know may be what one of our conditional orders became: ask, then tell
    listen key   renewed twice in its hour; gone, refused or expired it ends the line as a cut would (hazard H36)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

from msgspec import structs

from kedge.model.errors import WorldError
from kedge.model.facts import Fact, Fill, OrderReport, VenueFact
from kedge.model.instant import NS_PER_S
from kedge.model.market import OrderBook
from kedge.model.order import OrderStatus
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.binance.inquiry import Inquiry
from kedge.venues.binance.memory import Memory
from kedge.venues.binance.protocol import account, calls, streams
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.user_stream import RENEW_S, News, UserStream
from kedge.venues.binance.session import Session
from kedge.venues.binance.talk import FuturesUserTalk, MarketTalk, SpotUserTalk, UserTalk, market_rules, user_rules
from kedge.venues.feed.market import MarketDataFeed
from kedge.venues.feed.talk import USER, Dial, Dialled
from kedge.venues.gateway import OpenOrder, Subscription
from kedge.venues.shell import Recurring
from kedge.venues.wire.websocket import WebSocketTransport

#: Levels of a book's first snapshot.
SNAPSHOT_DEPTH = {Product.SPOT: 5_000, Product.USDM: 1_000}

#: Executions are asked for from so long before the last one that was seen; repeats are harmless.
OVERLAP_NS = 60 * NS_PER_S

FactCallback = Callable[[Fact], None]


class MarketStream:
    """Market data of one gateway: a feed for each family of streams."""

    def __init__(
        self,
        session: Session,
        book: Callable[[str, int], Awaitable[Answer[OrderBook]]],
        subscriptions: Sequence[Subscription],
        on_fact: FactCallback,
        transport: WebSocketTransport,
        dice: Random | None,
    ) -> None:
        self._session = session
        self._book = book
        self._feeds = [self._feed(family, transport, dice) for family in self._families(subscriptions)]
        for feed in self._feeds:
            feed.on_message(on_fact)

    @property
    def feeds(self) -> tuple[MarketDataFeed, ...]:
        """The feeds, one a connection."""
        return tuple(self._feeds)

    async def start(self) -> None:
        """Connect and subscribe; returns when everything is confirmed."""
        for feed in self._feeds:
            await feed.start()

    async def stop(self) -> None:
        """Disconnect for good."""
        for feed in self._feeds:
            await feed.stop()

    def _families(self, subscriptions: Sequence[Subscription]) -> list[list[Subscription]]:
        session = self._session
        families: dict[str, list[Subscription]] = {}
        for each in subscriptions:
            name = streams.stream_name(session.product, each, session.market(each.symbol).raw)
            family = str(streams.path_of(name)) if session.product is Product.USDM else ""
            families.setdefault(family, []).append(each)
        return list(families.values())

    def _feed(
        self, subscriptions: list[Subscription], transport: WebSocketTransport, dice: Random | None
    ) -> MarketDataFeed:
        session = self._session
        names = [streams.stream_name(session.product, one, session.market(one.symbol).raw) for one in subscriptions]
        url = streams.url(session.product, session.site.ws, names)

        async def dial() -> Dialled:
            return Dialled(url, MarketTalk(session.product, session.listing, subscriptions))

        async def snapshot(symbol: str) -> Answer[OrderBook]:
            return await self._book(symbol, SNAPSHOT_DEPTH[session.product])

        return MarketDataFeed(
            url,
            subscriptions,
            dial=dial,
            rules=market_rules(session.product),
            snapshot=snapshot,
            transport=transport,
            clock=session.clock,
            dice=dice,
        )


class UserFeed:
    """Reports on our orders."""

    def __init__(
        self,
        session: Session,
        memory: Memory,
        inquiry: Inquiry,
        on_fact: FactCallback,
        on_warning: Callable[[str], None],
        transport: WebSocketTransport,
        dice: Random | None,
    ) -> None:
        self._session = session
        self._memory = memory
        self._inquiry = inquiry
        self._on_fact = on_fact
        self._on_warning = on_warning
        self._talk: UserTalk | None = None
        self._watermarks: dict[str, int] = {}
        self._began = session.now()
        self._renewing = Recurring(session.clock, RENEW_S, self._renew)
        dial: Dial = self._dial_spot if session.product is Product.SPOT else self._dial_futures
        self._feed = MarketDataFeed(
            session.site.ws,
            [USER],
            dial=dial,
            rules=user_rules(),
            before_up=self._reconcile,
            transport=transport,
            clock=session.clock,
            dice=dice,
        )
        self._feed.on_message(self._deliver)

    @property
    def feed(self) -> MarketDataFeed:
        """The feed that carries it."""
        return self._feed

    async def start(self) -> None:
        """Connect, sign in and reconcile."""
        _ = self._session.signer  # a missing key is said here and not in a loop of reconnections
        await self._feed.start()
        if self._session.product is Product.USDM:
            self._renewing.start()

    async def stop(self) -> None:
        """Disconnect for good. The listen key is left to expire: another stream of the account may use it."""
        await self._renewing.stop()
        await self._feed.stop()

    # sign in

    async def _dial_spot(self) -> Dialled:
        session = self._session
        talk = SpotUserTalk(self._stream(), session.api_key, session.signer, session.venue_clock.venue_ns)
        self._talk = talk
        return Dialled(session.site.ws_api, talk)

    async def _dial_futures(self) -> Dialled:
        session = self._session
        key = await session.ask(calls.listen_key(), account.listen_key)
        if not isinstance(key, Whole):
            raise WorldError(f"no listen key: {key}")
        self._talk = talk = FuturesUserTalk(self._stream())
        return Dialled(f"{session.site.ws}/{streams.Path.PRIVATE}/ws?listenKey={key.value}", talk)

    def _stream(self) -> UserStream:
        stream = UserStream(self._session.listing)
        for sent in self._memory.live():
            stream.remember(sent.order_id, self._memory.client_id(sent.order_id))
            if sent.actual_id:
                stream.remember_triggered(sent.actual_id, sent.order_id)
        return stream

    async def _renew(self) -> None:
        answer = await self._session.ask(calls.listen_key("PUT"), account.listen_key_kept)
        if isinstance(answer, Failed) and answer.kind not in {ErrorClass.UNKNOWN, ErrorClass.RETRY_LATER}:
            if self._talk is not None:
                self._talk.dead = f"listen key was not renewed: {answer.code}: {answer.message}"
            raise WorldError(f"listen key: {answer}")

    # what happened meanwhile

    async def _reconcile(self) -> Sequence[Any]:
        memory, inquiry, session = self._memory, self._inquiry, self._session
        working = await inquiry.open_orders()
        if not isinstance(working, Whole):
            raise WorldError(f"what happened meanwhile is not known: {working}")
        facts: list[VenueFact] = []
        live = memory.live()
        for symbol in dict.fromkeys([*self._watermarks, *(sent.symbol for sent in live)]):
            since = self._watermarks.get(symbol, self._began) - OVERLAP_NS
            fills = await inquiry.fills_since(symbol, since)
            if not isinstance(fills, Whole):
                raise WorldError(f"fills of {symbol} are not known: {fills}")
            facts.extend(fills.value)
        # nothing fails from here on: terms that differ are told once
        facts[:0] = memory.amended(working.value)  # before fills, which do not end an order that was made larger
        facts.extend(_report(order, session.now()) for order in working.value if order.order_id)
        working_ids = {order.order_id for order in working.value}
        for sent in live:
            if sent.order_id not in working_ids:
                facts.extend(await inquiry.query(sent.order_id))
        return [News(tuple(facts))] if facts else []

    # events

    async def _deliver(self, told: Any) -> None:
        if not isinstance(told, News):
            self._on_fact(told)
            return
        if told.warning:
            self._on_warning(told.warning)
        if told.became is not None:
            self._memory.became(told.became[1], told.became[0])
        facts = told.facts
        if told.renamed and facts:
            self._memory.renamed(facts[0].order_id, told.renamed)  # type: ignore[union-attr]
        if facts and told.exchange_id and self._memory.known(facts[0].order_id) is None:  # type: ignore[union-attr]
            facts = await self._ours_after_all(told)
        for fact in facts:
            if self._memory.is_superseded(fact):
                continue
            self._note(told, fact)
            self._on_fact(fact)

    async def _ours_after_all(self, news: News) -> tuple[VenueFact, ...]:
        """The facts under the id of ours that was too long to be read back, or of the conditional order of ours that the
        order was triggered by.
        """
        owner = self._memory.of_client_id(news.client_id)
        if not owner:
            owner = await self._inquiry.triggered_owner(news.symbol, news.exchange_id)
            if not owner:
                return news.facts
            if self._talk is not None:
                self._talk.stream.remember_triggered(news.exchange_id, owner)
        return tuple(structs.replace(fact, order_id=owner) for fact in news.facts)

    def _note(self, news: News, fact: VenueFact) -> None:
        order_id: str = getattr(fact, "order_id", "")
        self._memory.heard(order_id, news.exchange_id, fact)
        if isinstance(fact, Fill):
            self._watermarks[fact.symbol] = max(self._watermarks.get(fact.symbol, 0), fact.ts)


def _report(order: OpenOrder, now: int) -> OrderReport:
    status = order.status
    if order.filled and status is OrderStatus.OPEN:
        status = OrderStatus.PARTIAL
    return OrderReport(order.ts or now, order.order_id, status, order.filled, order.exchange_id, now)
