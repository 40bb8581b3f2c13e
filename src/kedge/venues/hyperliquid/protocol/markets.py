"""What the market tells: books, trades, candles, mark prices and funding, from `/info` and from the streams alike.

A book is always whole: at most twenty levels a side, without a number. So nothing has to be put together, and a lost
message shows in nothing but the age of the last one. The aggressor of a trade is `side`: `B` bought, `A` sold.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from kedge.model.errors import VenueError
from kedge.model.instant import NS_PER_S
from kedge.model.market import Candle, FundingRate, Level, MarkPrice, OrderBook, Quote, Trade
from kedge.model.order import Side
from kedge.venues.exact import Learned
from kedge.venues.hyperliquid.protocol.assets import Asset, AssetTable
from kedge.venues.hyperliquid.protocol.figures import mapping, moment, number, price, sequence, size, text, whole

_MINUTE = 60 * NS_PER_S

#: Candle lengths in nanoseconds and their names. Months are left out: they have no length.
INTERVALS: Final[dict[int, str]] = {
    minutes * _MINUTE: name
    for minutes, name in (
        (1, "1m"),
        (3, "3m"),
        (5, "5m"),
        (15, "15m"),
        (30, "30m"),
        (60, "1h"),
        (120, "2h"),
        (240, "4h"),
        (480, "8h"),
        (720, "12h"),
        (1_440, "1d"),
        (4_320, "3d"),
        (10_080, "1w"),
    )
}
_LENGTHS = {name: length for length, name in INTERVALS.items()}
_SIDES = {"B": Side.BUY, "A": Side.SELL}

#: Levels of a side, orders at a level, and rows of an answer that are still believed.
LEVELS_MAX = 1_000
ROWS_MAX = 20_000


#: Prices and sizes of levels.
_PRICES = Learned(lambda text: price(text, "px"))
_SIZES = Learned(lambda text: price(text, "sz"))


def side_of(given: Any) -> Side:
    """`B` is a bid or a buy, `A` an ask or a sell."""
    found = _SIDES.get(given) if type(given) is str else None
    if found is None:
        raise VenueError(f"side is {given!r:.40}, neither B nor A")
    return found


def rows(given: Any, what: str) -> list[Any]:
    """A list of sane length."""
    listed = sequence(given, what)
    if len(listed) > ROWS_MAX:
        raise VenueError(f"{what} has {len(listed)} entries, {ROWS_MAX} at most")
    return listed


def book(answer: Any, assets: AssetTable, received: int = 0) -> OrderBook:
    """A whole book."""
    given = mapping(answer, "book")
    sides = sequence(given.get("levels"), "levels")
    if len(sides) != 2:
        raise VenueError(f"levels has {len(sides)} sides, not two")
    asset = assets.of_coin(given.get("coin"))
    bids, asks = _levels(sides[0], rising=False), _levels(sides[1], rising=True)
    return OrderBook(moment(given.get("time")), bids, asks, asset.symbol, 0, received)


def quote(answer: Any, assets: AssetTable, received: int = 0) -> Quote | None:
    """The best bid and ask; None where a side is empty."""
    given = mapping(answer, "bbo")
    sides = sequence(given.get("bbo"), "bbo")
    if len(sides) != 2:
        raise VenueError(f"bbo has {len(sides)} sides, not two")
    asset = assets.of_coin(given.get("coin"))
    at = moment(given.get("time"))
    if sides[0] is None or sides[1] is None:
        return None
    (bid, bid_size), (ask, ask_size) = _level(sides[0]), _level(sides[1])
    return Quote(at, bid, ask, bid_size, ask_size, asset.symbol, received)


def trades(answer: Any, assets: AssetTable, received: int = 0) -> tuple[Trade, ...]:
    """Trades between others, oldest first."""
    told = [_trade(mapping(entry, "trade"), assets, received) for entry in rows(answer, "trades")]
    told.sort(key=lambda trade: trade.ts)
    return tuple(told)


def candle(answer: Any, assets: AssetTable, received: int = 0) -> Candle:
    """One candle, closed or not: the venue does not say which."""
    given = mapping(answer, "candle")
    length = _LENGTHS.get(text(given.get("i"), "interval"))
    if length is None:
        raise VenueError(f"candle interval {given.get('i')!r} is unknown")
    opened, closes = moment(given.get("t"), "t"), moment(given.get("T"), "T")
    if not opened < closes <= opened + length:
        raise VenueError(f"a candle of {given['i']} from {given.get('t')!r:.40} to {given.get('T')!r:.40}")
    first, high, low, last = (price(given.get(name), name) for name in "ohlc")
    if not low <= min(first, last) <= max(first, last) <= high:
        raise VenueError(f"a candle with open {first}, high {high}, low {low} and close {last}")
    symbol = assets.of_coin(given.get("s")).symbol
    return Candle(opened, first, high, low, last, size(given.get("v"), "v"), symbol, length, received)


def candles(answer: Any, assets: AssetTable) -> tuple[Candle, ...]:
    """Candles, oldest first; the last may not be closed."""
    told = [candle(entry, assets) for entry in rows(answer, "candles")]
    told.sort(key=lambda bar: bar.ts)
    return tuple(told)


def funding_rates(answer: Any, assets: AssetTable) -> tuple[FundingRate, ...]:
    """Rates settled, oldest first. Funding is hourly: the rate is for one hour."""
    told = []
    for entry in rows(answer, "fundingHistory"):
        given = mapping(entry, "funding")
        symbol = assets.of_coin(given.get("coin")).symbol
        told.append(FundingRate(moment(given.get("time")), _rate(given.get("fundingRate")), symbol))
    told.sort(key=lambda rate: rate.ts)
    return tuple(told)


def contexts(answer: Any, listed: list[Asset], spot: bool = False) -> dict[str, Mapping[str, Any]]:
    """The contexts (mark price, funding, ...) of a `metaAndAssetCtxs` or `spotMetaAndAssetCtxs` answer by coin.

    A perpetual's stands in the place of the perpetual, a spot pair's names its coin.
    """
    parts = sequence(answer, "contexts")
    if len(parts) != 2:
        raise VenueError(f"an answer of {len(parts)} parts, not a list of what is listed and its contexts")
    given = [mapping(entry, "context") for entry in rows(parts[1], "contexts")]
    if spot:
        return {text(context.get("coin"), "coin"): context for context in given}
    if len(given) != len(listed):
        raise VenueError(f"{len(given)} contexts for {len(listed)} perpetuals")
    return {asset.coin: context for asset, context in zip(listed, given, strict=True)}


def mark(context: Mapping[str, Any]) -> Decimal | None:
    """The mark price of a context; None where it has none."""
    given = context.get("markPx")
    return None if given is None else price(given, "markPx")


def mark_price(answer: Any, assets: AssetTable, now: int) -> MarkPrice | None:
    """The mark price of an `activeAssetCtx` message, which has no time: `now` is when it came."""
    symbol, context = _active(answer, assets)
    found = mark(context)
    return None if found is None else MarkPrice(now, found, symbol, now)


def funding_rate(answer: Any, assets: AssetTable, now: int) -> FundingRate | None:
    """The hourly rate of an `activeAssetCtx` message as it stands now; None on spot."""
    symbol, context = _active(answer, assets)
    given = context.get("funding")
    return None if given is None else FundingRate(now, _rate(given), symbol, now)


def mids(answer: Any) -> dict[str, Decimal]:
    """Mid prices by coin."""
    given = mapping(answer, "allMids")
    return {text(coin, "coin"): price(mid, "mid") for coin, mid in given.items()}


def server_time(answer: Any) -> int:
    """The venue's time from `exchangeStatus`, UTC ns."""
    return moment(mapping(answer, "exchangeStatus").get("time"))


def _active(answer: Any, assets: AssetTable) -> tuple[str, dict[str, Any]]:
    given = mapping(answer, "activeAssetCtx")
    return assets.of_coin(given.get("coin")).symbol, mapping(given.get("ctx"), "ctx")


def _trade(given: dict[str, Any], assets: AssetTable, received: int) -> Trade:
    return Trade(
        moment(given.get("time")),
        price(given.get("px"), "px"),
        price(given.get("sz"), "sz"),
        assets.of_coin(given.get("coin")).symbol,
        side_of(given.get("side")),
        str(whole(given.get("tid"), "tid")),
        received,
    )


def _levels(side: Any, rising: bool) -> tuple[Level, ...]:
    given = sequence(side, "levels")
    if len(given) > LEVELS_MAX:
        raise VenueError(f"{len(given)} levels on a side, {LEVELS_MAX} at most")
    levels = tuple([_level(level) for level in given])
    for (before, _), (after, _) in pairwise(levels):
        if not (before < after if rising else before > after):
            raise VenueError(f"levels are out of order: {after} after {before}")
    return levels


def _level(level: Any) -> Level:
    given = mapping(level, "level")
    px, sz = given.get("px"), given.get("sz")
    if type(px) is type(sz) is str:
        return _PRICES[px], _SIZES[sz]
    return price(px, "px"), price(sz, "sz")


def _rate(given: Any) -> Decimal:
    """A funding rate; more than the whole value an hour is none."""
    rate = number(given, "fundingRate")
    if not -1 <= rate <= 1:
        raise VenueError(f"fundingRate is {given!r:.60}; no hour costs more than the position")
    return rate
