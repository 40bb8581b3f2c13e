"""The WebSocket: what is sent to subscribe and to stay connected, and what each message tells.

    {"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}  →  subscriptionResponse, then the data
    {"method":"ping"}                                                      →  {"channel":"pong"}

The venue closes a connection that it had nothing to send on for a minute, so a ping is due before that. The first text
may be no JSON (`Websocket connection established.`). After each connect the account's streams begin with a snapshot of
what was told before; a fill in it is the same fill, known by its `tid`.

`read` turns one message into what it tells; what is folded over several messages (which candle has closed, which fill
is new) is in `CandleCloser` and in the shell.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from kedge.model.errors import VenueError
from kedge.model.facts import FundingPayment, MarketFact
from kedge.model.instant import NS_PER_S
from kedge.model.market import Candle
from kedge.venues.gateway import Subscription
from kedge.venues.hyperliquid.protocol import account, markets
from kedge.venues.hyperliquid.protocol.account import NameOf, OrderState, OwnFill
from kedge.venues.hyperliquid.protocol.assets import AssetTable
from kedge.venues.hyperliquid.protocol.figures import flag, mapping, text
from kedge.venues.hyperliquid.protocol.markets import INTERVALS

PING: Final = '{"method":"ping"}'
#: The venue's patience is 60 s.
PING_EVERY_S: Final = 30
GREETING: Final = "Websocket connection established."

#: How long after its end a candle without a successor is taken as closed.
CLOSED_AFTER_NS: Final = 5 * NS_PER_S

#: Our channels and the venue's.
CHANNELS: Final = {
    "book": "l2Book",
    "quotes": "bbo",
    "trades": "trades",
    "candles": "candle",
    "mark": "activeAssetCtx",
    "funding": "activeAssetCtx",
}
_OUR_CHANNELS = {"l2Book": "book", "bbo": "quotes", "trades": "trades", "candle": "candles"}


class Acknowledged(Struct, frozen=True, gc=False):
    """The venue confirms a subscription (or its end); `key` as in `key_of`."""

    method: str
    key: str


class Pong(Struct, frozen=True, gc=False):
    """The connection lives."""


class StreamError(Struct, frozen=True, gc=False):
    """The venue refused something that was sent on the stream."""

    message: str


class MarketNews(Struct, frozen=True):
    """Facts of the market, of one channel (ours) and symbol; open candles are facts too, `CandleCloser` sorts them."""

    channel: str
    symbol: str
    facts: tuple[MarketFact, ...]


class OrderNews(Struct, frozen=True):
    """States of our orders."""

    states: tuple[OrderState, ...]


class FillNews(Struct, frozen=True):
    """Fills of ours; with `snapshot` those of before the subscription."""

    fills: tuple[OwnFill, ...]
    snapshot: bool


class FundingNews(Struct, frozen=True):
    """Funding paid or received; with `snapshot` what was before the subscription."""

    payments: tuple[FundingPayment, ...]
    snapshot: bool


class PostAnswer(Struct, frozen=True):
    """The answer to a request that was posted over the stream."""

    id: int
    kind: str
    payload: Any


class Ignored(Struct, frozen=True, gc=False):
    """A channel that Kedge does not use."""

    channel: str


News = Acknowledged | Pong | StreamError | MarketNews | OrderNews | FillNews | FundingNews | PostAnswer | Ignored

_UNUSED = frozenset({"allMids", "notification", "webData2", "webData3", "activeAssetData", "userHistoricalOrders"})
_UNUSED |= {"userNonFundingLedgerUpdates", "userTwapSliceFills", "userTwapHistory", "twapStates"}
_UNUSED |= {"clearinghouseState", "openOrders", "spotState", "allDexsClearinghouseState", "allDexsAssetCtxs"}


def subscription_of(wanted: Subscription, assets: AssetTable) -> dict[str, str]:
    """The venue's name of one of our market streams; `UserError` for an unknown symbol, channel or interval."""
    kind = CHANNELS.get(wanted.channel)
    if kind is None:
        raise VenueError(f"channel {wanted.channel!r} is unknown; it is one of {', '.join(CHANNELS)}")
    named = {"type": kind, "coin": assets.of_symbol(wanted.symbol).coin}
    if kind == "candle":
        if wanted.interval not in INTERVALS:
            raise VenueError(f"hyperliquid streams no candles of {wanted.interval} ns")
        named["interval"] = INTERVALS[wanted.interval]
    return named


def user_subscriptions(user: str) -> list[dict[str, str]]:
    """The streams of an account."""
    return [{"type": kind, "user": user} for kind in ("orderUpdates", "userFills", "userFundings")]


def subscribe(subscription: dict[str, str]) -> str:
    """The message that asks for a stream."""
    return msgspec.json.encode({"method": "subscribe", "subscription": subscription}).decode()


def unsubscribe(subscription: dict[str, str]) -> str:
    """The message that ends one."""
    return msgspec.json.encode({"method": "unsubscribe", "subscription": subscription}).decode()


def post(number: int, kind: str, payload: Any) -> str:
    """A request (`info` or `action`) sent over the stream; at most 100 may be unanswered."""
    request = {"type": kind, "payload": payload}
    return msgspec.json.encode({"method": "post", "id": number, "request": request}).decode()


def key_of(subscription: dict[str, Any]) -> str:
    """A stream's name for comparing: type, coin, interval and user; an echo may carry more fields than were asked."""
    parts = (subscription.get(name) for name in ("type", "coin", "interval", "user"))
    return "/".join(str(part).lower() if part is not None else "" for part in parts)


def read(message: Any, assets: AssetTable, name_of: NameOf, received: int) -> News:
    """What one decoded message tells; `VenueError` where it breaks the protocol or has a channel nobody knows."""
    given = mapping(message, "message")
    channel = text(given.get("channel"), "channel")
    data = given.get("data")
    if channel in _MARKET:
        return _market(channel, data, assets, received)
    if channel == "pong":
        return Pong()
    if channel == "orderUpdates":
        return OrderNews(account.order_updates(data, assets))
    if channel == "userFills":
        told = mapping(data, "userFills")
        return FillNews(account.own_fills(told.get("fills"), assets, name_of, received), _is_snapshot(told))
    if channel == "userFundings":
        told = mapping(data, "userFundings")
        return FundingNews(account.funding_payments(told.get("fundings"), assets, received), _is_snapshot(told))
    if channel == "user":
        return _user_event(mapping(data, "user"), assets, name_of, received)
    if channel == "subscriptionResponse":
        told = mapping(data, "subscriptionResponse")
        subscription = mapping(told.get("subscription"), "subscription")
        return Acknowledged(text(told.get("method"), "method"), key_of(subscription))
    if channel == "error":
        return StreamError(data[:300] if type(data) is str else f"{data!r:.200}")
    if channel == "post":
        return _post(mapping(data, "post"))
    if channel in _UNUSED:
        return Ignored(channel)
    raise VenueError(f"channel {channel!r:.60} is unknown")


class CandleCloser:
    """Tells closed candles from the one that is still open: a candle is over when its successor has begun, or some
    seconds after its end where nothing was traded since. `received` is when that was known.
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Candle] = {}

    def take(self, candle: Candle) -> Candle | None:
        """Note the latest state of a candle; the one before it, if this shows it to be over."""
        key = candle.symbol, candle.interval
        before = self._open.get(key)
        if before is not None and candle.ts < before.ts:
            return None
        self._open[key] = candle
        if before is None or candle.ts == before.ts:
            return None
        return structs.replace(before, received=candle.received)

    def due(self, now: int) -> list[Candle]:
        """The candles that are over by the time alone; each is given out once."""
        over = [key for key, candle in self._open.items() if candle.ts + candle.interval + CLOSED_AFTER_NS <= now]
        return [structs.replace(self._open.pop(key), received=now) for key in over]


def _market(channel: str, data: Any, assets: AssetTable, received: int) -> MarketNews:
    facts: tuple[MarketFact, ...]
    if channel == "l2Book":
        facts = (markets.book(data, assets, received),)
    elif channel == "bbo":
        quote = markets.quote(data, assets, received)
        facts = () if quote is None else (quote,)
    elif channel == "trades":
        facts = markets.trades(data, assets, received)
    elif channel == "candle":
        several = data if type(data) is list else [data]  # documented as a list, pushed one by one
        facts = tuple(markets.candle(each, assets, received) for each in markets.rows(several, "candles"))
    else:
        return _context(data, assets, received)
    symbol = facts[0].symbol if facts else ""
    return MarketNews(_OUR_CHANNELS[channel], symbol, facts)


def _context(data: Any, assets: AssetTable, received: int) -> MarketNews:
    mark = markets.mark_price(data, assets, received)
    rate = markets.funding_rate(data, assets, received)
    facts = tuple(fact for fact in (mark, rate) if fact is not None)
    return MarketNews("mark", facts[0].symbol if facts else "", facts)


def _user_event(data: dict[str, Any], assets: AssetTable, name_of: NameOf, received: int) -> News:
    """`userEvents` arrive on the channel `user`: fills, a funding, a liquidation, or orders the venue cancelled."""
    if "fills" in data:
        return FillNews(account.own_fills(data["fills"], assets, name_of, received), snapshot=False)
    if "funding" in data:
        return FundingNews(account.funding_payments([data["funding"]], assets, received), snapshot=False)
    if data.keys() & {"liquidation", "nonUserCancel", "twapHistory", "twapSliceFills"}:
        return Ignored("user")
    raise VenueError(f"a user event of {sorted(data)!r:.80} is unknown")


def _post(data: dict[str, Any]) -> PostAnswer:
    response = mapping(data.get("response"), "response")
    number = data.get("id")
    if type(number) is not int:
        raise VenueError(f"post id is {number!r:.40}, not a number")
    return PostAnswer(number, text(response.get("type"), "response type"), response.get("payload"))


def _is_snapshot(data: dict[str, Any]) -> bool:
    return flag(data.get("isSnapshot"), "isSnapshot")


_MARKET = frozenset({"l2Book", "bbo", "trades", "candle", "activeAssetCtx", "activeSpotAssetCtx"})
