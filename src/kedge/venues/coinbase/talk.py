"""What is said over a stream of this venue: one talk a connection, for market data and for the user's orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kedge.model.errors import ConfigError, VenueError
from kedge.model.instant import NS_PER_S, NS_PER_US
from kedge.model.instrument import Instrument
from kedge.model.sequence import chained
from kedge.venues.coinbase import messages
from kedge.venues.coinbase.messages import Envelope, Numbers, Refusal, Scope
from kedge.venues.coinbase.orders import Standing
from kedge.venues.coinbase.products import Names
from kedge.venues.coinbase.stream import MarketDecoder, Memory
from kedge.venues.coinbase.user import orders_told
from kedge.venues.coinbase.values import Fields
from kedge.venues.exact import decode
from kedge.venues.feed.talk import SILENT, USER, BookStart, Heard, StreamRules
from kedge.venues.gateway import Subscription

#: A channel of ours -> the venue's.
CHANNELS = {
    "trades": messages.TRADES,
    "quotes": messages.TICKER,
    "book": messages.LEVEL2,
    "candles": messages.CANDLES,
}

#: No session ends by itself. A heartbeat comes every second and a book moves more often than that.
RULES = StreamRules(
    idle_ms_max=10_000,
    silence_ms_max={"book": 15_000},
    book_rule=chained,
    book_start=BookStart.STREAM,
)
#: The user's orders may be quiet for hours; the heartbeats may not.
USER_RULES = StreamRules(idle_ms_max=10_000)

#: Makes a token for a subscription at a time (UTC ns); empty where there is no key.
Token = Callable[[int], str]


class Told(Standing, frozen=True, gc=False):
    """Where an order stands, as the user channel tells it, at the venue's time `ts`."""

    ts: int = 0


def served(subscriptions: Sequence[Subscription]) -> None:
    """`ConfigError` where a subscription is for what this venue does not stream."""
    for each in subscriptions:
        if each.channel not in CHANNELS:
            raise ConfigError(f"channel {each.channel!r} on coinbase; it streams {', '.join(CHANNELS)}")
        if each.channel == "candles" and each.interval != messages.CANDLE_SECONDS * NS_PER_S:
            raise ConfigError(
                f"candles of {each.interval // NS_PER_S} s on coinbase; it streams {messages.CANDLE_SECONDS} s alone, "
                f"build others from trades"
            )


class MarketTalk:
    """Market data: the channels asked for, the products' status, and heartbeats."""

    def __init__(
        self,
        names: Names,
        subscriptions: Sequence[Subscription],
        instruments: dict[str, Instrument],
        opened_ns: int,
        memory: Memory,
        token: Token,
        scope: Scope = Scope.CONNECTION,
    ) -> None:
        served(subscriptions)
        self._names = names
        self._token = token
        self._asked = tuple(subscriptions)
        wanted = [
            (messages.COMES_AS.get(CHANNELS[each.channel], CHANNELS[each.channel]), each.symbol)
            for each in subscriptions
        ]
        self.decoder = MarketDecoder(names, wanted, instruments, scope, opened_ns // NS_PER_US, memory)

    def opening(self, now_ns: int) -> Sequence[str]:
        """One text a channel."""
        jwt = self._token(now_ns)
        texts = [messages.subscribe(messages.HEARTBEATS, (), jwt)]
        products: dict[str, list[str]] = {}
        for each in self._asked:
            products.setdefault(CHANNELS[each.channel], []).append(self._names.product(each.symbol))
        texts += [messages.subscribe(channel, named, jwt) for channel, named in products.items()]
        everything = sorted({product for named in products.values() for product in named})
        return [*texts, messages.subscribe(messages.STATUS, everything, jwt)]

    def hear(self, message: str | bytes, received: int) -> Heard:
        """Facts, confirmations, and what is missing."""
        decoder = self.decoder
        before = decoder.subscribed
        facts = decoder.decode(message, received)
        confirmed = self._confirmed() if decoder.subscribed is not before else ()
        refused, decoder.refusal = decoder.refusal, ""
        lost, decoder.lost = decoder.lost, ""
        return Heard(tuple(facts), confirmed, refused=refused, lost=lost)

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        """Heartbeats keep it open."""
        return ()

    def again(self, subscription: Subscription) -> Sequence[str]:
        """Leave and come back: the venue begins with a snapshot."""
        channel, product = CHANNELS[subscription.channel], [self._names.product(subscription.symbol)]
        return [messages.subscribe(channel, product, wanted=wanted) for wanted in (False, True)]

    def _confirmed(self) -> tuple[Subscription, ...]:
        """What the venue says it serves, under the product's own name or the one whose book it is."""
        told = self.decoder.subscribed
        return tuple(
            each
            for each in self._asked
            if any(each.symbol in self._names.sharing(name) for name in told.get(CHANNELS[each.channel], ()))
            or self._names.product(each.symbol) in told.get(CHANNELS[each.channel], ())
        )


class UserTalk:
    """The user's orders, and heartbeats."""

    def __init__(self, token: Token, scope: Scope = Scope.CONNECTION) -> None:
        self._token = token
        self._numbers = Numbers(scope)

    def opening(self, now_ns: int) -> Sequence[str]:
        """Both channels, for the whole account."""
        jwt = self._token(now_ns)
        return [messages.subscribe(messages.HEARTBEATS, (), jwt), messages.subscribe(messages.USER, (), jwt)]

    def hear(self, message: str | bytes, received: int) -> Heard:
        """Where orders stand. Where a message is missing the line is given up: what it said is not told again."""
        said = messages.envelope(message)
        if isinstance(said, Refusal):
            return Heard(refused=said.message or "refused", leaving=said.message or "refused")
        lost = self._numbers.missing(said)
        if said.channel == messages.SUBSCRIPTIONS:
            return Heard(confirmed=(USER,) if _names_user(said) else (), leaving=lost)
        if said.channel == messages.USER:
            return Heard(tuple(_told(each, said.ts) for each in orders_told(said)), leaving=lost)
        if said.channel == messages.HEARTBEATS:
            return Heard(leaving=lost) if lost else SILENT
        raise VenueError(f"channel {said.channel[:40]!r} on the user's stream")

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        """Heartbeats keep it open."""
        return ()

    def again(self, subscription: Subscription) -> Sequence[str]:
        """Only a new connection begins anew."""
        return ()


def _names_user(said: Envelope) -> bool:
    events: Any = decode(bytes(said.events), what=said.channel)
    return isinstance(events, list) and any(
        Fields(event, said.channel).object("subscriptions").has(messages.USER) for event in events
    )


def _told(where: Standing, ts: int) -> Told:
    return Told(
        where.exchange_id,
        where.client_id,
        where.product,
        where.status,
        where.filled,
        where.reason,
        where.word,
        where.quantity,
        where.price,
        ts,
    )
