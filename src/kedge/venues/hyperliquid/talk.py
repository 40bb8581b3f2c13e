"""The two conversations with the venue's stream: one about the market, one about the account. Both pure.

A market's talk tells which candles have closed and leaves out what nobody asked for (mark price and funding come in one
message). The account's talk tells orders and fills under our own ids, each fill once. What was before the stream began
(`since`) is not its business: a snapshot begins with fills of any age. What a snapshot tells of later is kept in `before`
until the line is up, because what was missed is told before it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kedge.model.facts import Fill, OrderRejected
from kedge.model.market import Candle, FundingRate, MarkPrice
from kedge.venues.exact import decode
from kedge.venues.feed.talk import SILENT, USER, Heard, StreamRules
from kedge.venues.gateway import Subscription
from kedge.venues.hyperliquid.names import Names
from kedge.venues.hyperliquid.protocol import streams
from kedge.venues.hyperliquid.protocol.assets import AssetTable
from kedge.venues.hyperliquid.protocol.reports import foreign, named, news

MARKET_RULES = StreamRules(
    keep_alive_ms=streams.PING_EVERY_S * 1_000,
    idle_ms_max=70_000,
    silence_ms_max={"book": 15_000, "mark": 60_000},
)
USER_RULES = StreamRules(keep_alive_ms=streams.PING_EVERY_S * 1_000, idle_ms_max=70_000)


class MarketTalk:
    """What the market says, of the subscriptions wanted."""

    def __init__(self, wanted: Sequence[Subscription], assets: AssetTable) -> None:
        self._assets = assets
        self._names = {each: streams.subscription_of(each, assets) for each in wanted}
        self._by_key: dict[str, list[Subscription]] = {}
        for each, theirs in self._names.items():
            self._by_key.setdefault(streams.key_of(theirs), []).append(each)
        self._wanted = {(each.channel, each.symbol) for each in wanted}
        self._closer = streams.CandleCloser()

    def opening(self, now_ns: int) -> Sequence[str]:
        """One subscription for each stream of the venue's."""
        return [streams.subscribe(self._names[given[0]]) for given in self._by_key.values()]

    def hear(self, message: str | bytes, received: int) -> Heard:
        """Facts of what is wanted; a candle once it has closed."""
        due = tuple(self._closer.due(received))
        if message == streams.GREETING:
            return Heard(due)
        told = streams.read(decode(message), self._assets, _nobody, received)
        if isinstance(told, streams.Acknowledged):
            return Heard(due, confirmed=tuple(self._by_key.get(told.key, ())))
        if isinstance(told, streams.StreamError):
            return Heard(due, refused=told.message)
        if not isinstance(told, streams.MarketNews):
            return Heard(due)
        return Heard((*due, *(fact for fact in map(self._wants, told.facts) if fact is not None)))

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        """A ping."""
        return [streams.PING]

    def again(self, subscription: Subscription) -> Sequence[str]:
        """Each message is a whole book: nothing need be done."""
        return []

    def _wants(self, fact: Any) -> Any:
        if isinstance(fact, Candle):
            return self._closer.take(fact)
        if isinstance(fact, MarkPrice):
            return fact if ("mark", fact.symbol) in self._wanted else None
        if isinstance(fact, FundingRate):
            return fact if ("funding", fact.symbol) in self._wanted else None
        return fact


class UserTalk:
    """What the account's streams say, from `since` (UTC ns, the venue's time) on."""

    def __init__(self, user: str, assets: AssetTable, names: Names, since: int) -> None:
        self._assets = assets
        self._known = names
        self._since = since
        self._subscriptions = streams.user_subscriptions(user)
        self._missing = {streams.key_of(each) for each in self._subscriptions}
        self.before: list[Fill] = []
        self.is_up = False

    def opening(self, now_ns: int) -> Sequence[str]:
        """Orders, fills and funding."""
        return [streams.subscribe(each) for each in self._subscriptions]

    def hear(self, message: str | bytes, received: int) -> Heard:
        """Reports under our ids."""
        if message == streams.GREETING:
            return SILENT
        told = streams.read(decode(message), self._assets, self._known.of, received)
        if isinstance(told, streams.Acknowledged):
            self._missing.discard(told.key)
            return SILENT if self._missing else Heard(confirmed=(USER,))
        if isinstance(told, streams.StreamError):
            return Heard(refused=told.message)
        if isinstance(told, streams.OrderNews):
            return Heard(self._orders(told, received))
        if isinstance(told, streams.FillNews):
            return self._fills(told)
        if isinstance(told, streams.FundingNews):
            return Heard(tuple(paid for paid in told.payments if paid.ts >= self._since))
        return SILENT

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        """A ping."""
        return [streams.PING]

    def again(self, subscription: Subscription) -> Sequence[str]:
        """There is no book."""
        return []

    def _orders(self, told: streams.OrderNews, received: int) -> tuple[Any, ...]:
        facts = []
        for state in told.states:
            order_id = self._known.of(state.oid, state.cloid) or foreign(state.oid)
            fact = news(state, order_id, received)
            if not isinstance(fact, OrderRejected) or self._known.is_first_refusal(order_id):
                facts.append(fact)
        return tuple(facts)

    def _fills(self, told: streams.FillNews) -> Heard:
        fills = [named(own) for own in told.fills if own.fill.ts >= self._since]
        if told.snapshot and not self.is_up:
            self.before += fills
            return SILENT
        return Heard(tuple(fill for fill in fills if self._known.is_new_fill(fill.trade_id)))


def _nobody(oid: int, cloid: str) -> str:
    return ""
