"""Talks: what is said over one connection to Binance, for the feed to have (`kedge.venues.feed.talk`). No socket, no clock.

`MarketTalk` subscribes to streams of one family and turns pushes into facts. `SpotUserTalk` signs in over the WebSocket
API, `FuturesUserTalk` has signed in by its address, which carries the listen key. Both hand on `News`, because what an
event says of an order may need a question before it is a fact of ours.

Binance answers pings by itself, so a dead channel looks alive (hazard H35). Each talk therefore asks something small
every now and then; an answer proves that the far end still reads, and its absence ends the line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kedge.model.errors import VenueError
from kedge.model.market import MarketEvent
from kedge.model.secret import Secret
from kedge.venues.answers import Failed
from kedge.venues.binance.protocol import wsapi
from kedge.venues.binance.protocol.instruments import Listing
from kedge.venues.binance.protocol.product import SEQUENCE_RULES, Product
from kedge.venues.binance.protocol.signing import Signer
from kedge.venues.binance.protocol.streams import SESSION_S, Notice, Settlements, parse, stream_name, subscribe
from kedge.venues.binance.protocol.user_stream import NOTHING, UserStream, is_answer
from kedge.venues.feed.talk import CHANNEL_OF, SILENT, USER, BookStart, Heard, StreamRules
from kedge.venues.gateway import Subscription

#: The request that opens a talk, and those that only ask whether anybody is there.
OPENING = 1
STILL_THERE = 2

#: How often it is asked whether the far end still reads, and how long its silence is borne.
KEEP_ALIVE_MS = 20_000
IDLE_MS_MAX = 65_000

#: Silence of a channel after which it is not believed any more, by the venue's own pace (FACTS.md 1.7, 2.7). Trades may
#: rest for as long as nobody trades; candles come when they close.
SILENCE_MS_MAX = {"book": 10_000, "quotes": 30_000, "mark": 15_000}


def market_rules(product: Product) -> StreamRules:
    """What holds for a connection of market data."""
    return StreamRules(
        keep_alive_ms=KEEP_ALIVE_MS,
        session_ms=SESSION_S * 1_000,
        idle_ms_max=IDLE_MS_MAX,
        silence_ms_max=SILENCE_MS_MAX,
        book_rule=SEQUENCE_RULES[product],
        book_start=BookStart.ASKED,
    )


def user_rules() -> StreamRules:
    """What holds for a connection that reports on our orders: it may be silent for hours, but must answer."""
    return StreamRules(keep_alive_ms=KEEP_ALIVE_MS, session_ms=SESSION_S * 1_000, idle_ms_max=IDLE_MS_MAX)


class MarketTalk:
    """One connection's streams. Facts of channels that were not asked for (a mark price with its funding) are dropped."""

    def __init__(self, product: Product, listing: Listing, subscriptions: Sequence[Subscription]) -> None:
        self._listing = listing
        self._wanted = tuple(subscriptions)
        self._channels = {(each.channel, each.symbol) for each in subscriptions}
        names = [stream_name(product, each, listing.raw(each.symbol)) for each in subscriptions]
        self._names = tuple(dict.fromkeys(names))
        self._settlements = Settlements()

    def opening(self, now_ns: int) -> Sequence[str]:
        return (subscribe(self._names, OPENING),)

    def hear(self, message: str | bytes, received: int) -> Heard:
        told = parse(message, self._listing, received, self._settlements)
        if isinstance(told, Notice):
            return self._notice(told)
        facts = tuple(fact for fact in told if self._is_wanted(fact))
        return Heard(facts) if facts else SILENT

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        return ('{"method":"LIST_SUBSCRIPTIONS","id":2}',)

    def again(self, subscription: Subscription) -> Sequence[str]:
        return ()  # a snapshot is asked for over REST

    def _is_wanted(self, fact: MarketEvent) -> bool:
        return (CHANNEL_OF[type(fact)], fact.symbol) in self._channels

    def _notice(self, notice: Notice) -> Heard:
        if notice.kind == "ack":
            return Heard(confirmed=self._wanted) if notice.id == OPENING else SILENT
        if notice.kind == "ending":
            return Heard(leaving=notice.text)
        return Heard(refused=notice.text)


class UserTalk:
    """What both user streams share: reading events, and ending when the session does.

    `dead` may be set from outside (a listen key that could not be renewed); the next message then ends the line.
    """

    def __init__(self, stream: UserStream) -> None:
        self.dead = ""
        self.stream = stream

    def hear(self, message: str | bytes, received: int) -> Heard:
        if self.dead:
            return Heard(over=self.dead)
        if is_answer(message):
            return self._answer(message, received)
        news = self.stream.read(message, received)
        if news.ends:
            return Heard(leaving=news.ends) if news.ends == "serverShutdown" else Heard(over=news.ends)
        return Heard((news,)) if news is not NOTHING else SILENT

    def again(self, subscription: Subscription) -> Sequence[str]:
        return ()

    def _answer(self, message: str | bytes, received: int) -> Heard:
        raise NotImplementedError


class SpotUserTalk(UserTalk):
    """Signs in over the WebSocket API. `venue_ns` is asked when it does, because a signature carries the time."""

    def __init__(self, stream: UserStream, api_key: Secret, signer: Signer, venue_ns: Callable[[], int]) -> None:
        super().__init__(stream)
        self._api_key = api_key
        self._signer = signer
        self._venue_ns = venue_ns

    def opening(self, now_ns: int) -> Sequence[str]:
        return (wsapi.subscribe(OPENING, self._api_key, self._signer, self._venue_ns()),)

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        return (wsapi.request(STILL_THERE, "ping"),)

    def _answer(self, message: str | bytes, received: int) -> Heard:
        answer = wsapi.answer(message, received)
        if isinstance(answer, Failed):
            return Heard(refused=f"{answer.code}: {answer.message}")
        if answer.id != OPENING:
            return SILENT
        wsapi.subscription(answer)
        return Heard(confirmed=(USER,))


class FuturesUserTalk(UserTalk):
    """The address has signed in; nothing is confirmed until the far end answers a question."""

    def opening(self, now_ns: int) -> Sequence[str]:
        return ('{"method":"LIST_SUBSCRIPTIONS","id":1}',)

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        return ('{"method":"LIST_SUBSCRIPTIONS","id":2}',)

    def _answer(self, message: str | bytes, received: int) -> Heard:
        notice = parse(message, self.stream.listing, received)
        if not isinstance(notice, Notice):
            raise VenueError("user stream: market data")
        if notice.kind == "error":
            return Heard(refused=notice.text)
        return Heard(confirmed=(USER,)) if notice.id == OPENING else SILENT
