"""Spot's public data: the REST endpoints and the words of the market streams."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from kedge.model.instant import NS_PER_MS
from kedge.model.money import ZERO
from kedge.venues.emulator.bars import Bar, opening
from kedge.venues.emulator.binance import spot_pages as pages
from kedge.venues.emulator.binance.fields import Fields, fixed, ms, wants_microseconds
from kedge.venues.emulator.binance.gate import Gate, Route
from kedge.venues.emulator.binance.intervals import INTERVALS, interval_of
from kedge.venues.emulator.binance.listing import Listed
from kedge.venues.emulator.binance.refused import Refused, invalid_symbol
from kedge.venues.emulator.binance.spot_orders import SpotOrders
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.faults import Phase
from kedge.venues.emulator.tape import BookUpdate, PublicTrade, Tape

_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1_000, 50), (5_000, 250))
_FAR = 2**62


class SpotMarket:
    """Answers public requests. `closed` and `status` say how symbols stand."""

    def __init__(self, exchange: Exchange, listed: dict[str, Listed], orders: SpotOrders, gate: Gate) -> None:
        self._exchange = exchange
        self._listed = listed
        self._orders = orders
        self._gate = gate

    def routes(self) -> dict[tuple[str, str], Route]:
        """Every public endpoint by REST path and by WebSocket method."""
        return {
            ("/ping", "ping"): Route(lambda fields: {}, 1, during_pause=True),
            ("/time", "time"): Route(lambda fields: {"serverTime": ms(self._gate.now)}, 1, during_pause=True),
            ("/exchangeInfo", "exchangeInfo"): Route(self.exchange_info, 20, during_pause=True),
            ("/depth", "depth"): Route(self.depth, _depth_weight),
            ("/trades", "trades.recent"): Route(self.trades, 25),
            ("/historicalTrades", "trades.historical"): Route(self.old_trades, 25),
            ("/aggTrades", "trades.aggregate"): Route(self.aggregates, 4),
            ("/klines", "klines"): Route(self.klines, 2),
            ("/uiKlines", "uiKlines"): Route(self.klines, 2),
            ("/avgPrice", "avgPrice"): Route(self.average, 2),
            ("/ticker/24hr", "ticker.24hr"): Route(self._each(self._day), _ticker_weight(2, 80)),
            ("/ticker/price", "ticker.price"): Route(self._each(_last), _ticker_weight(2, 4)),
            ("/ticker/bookTicker", "ticker.book"): Route(self._each(pages.book_ticker), _ticker_weight(2, 4)),
        }

    def status(self) -> str:
        """How every symbol stands."""
        phases = {Phase.OPEN: "TRADING", Phase.CANCEL_ONLY: "CANCEL_ONLY", Phase.CLOSED: "BREAK"}
        return phases[self._gate.faults.phase]

    def exchange_info(self, fields: Fields) -> dict[str, Any]:
        """Rules and limits."""
        wanted = self._wanted(fields) or list(self._listed)
        words = {"10S": ("SECOND", 10), "1D": ("DAY", 1)}
        orders = [
            {
                "rateLimitType": "ORDERS", "interval": words[each.name][0], "intervalNum": words[each.name][1],
                "limit": each.limit,
            }
            for each in self._gate.orders
        ]  # fmt: skip
        weight = {
            "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self._gate.limits.weight
        }  # fmt: skip
        return {
            "timezone": "UTC",
            "serverTime": ms(self._gate.now),
            "rateLimits": [weight, *orders],
            "exchangeFilters": [],
            "symbols": [pages.symbol_info(self._listed[symbol], self.status()) for symbol in wanted],
        }

    def depth(self, fields: Fields) -> dict[str, Any]:
        """The book."""
        tape = self._tape(fields)
        limit = fields.limit(100, 5_000)
        return {
            "lastUpdateId": tape.update_id,
            "bids": pages.levels(tape.levels(asks=False, limit=limit)),
            "asks": pages.levels(tape.levels(asks=True, limit=limit)),
        }

    def trades(self, fields: Fields) -> list[dict[str, Any]]:
        """The latest prints."""
        limit = fields.limit(500, 1_000)
        return [pages.public_trade(each) for each in list(self._tape(fields).trades)[-limit:]]

    def old_trades(self, fields: Fields) -> list[dict[str, Any]]:
        """Prints from an id on."""
        first = fields.maybe_whole("fromId")
        found = [each for each in self._tape(fields).trades if first is None or each.id >= first]
        limit = fields.limit(500, 1_000)
        return [pages.public_trade(each) for each in (found[-limit:] if first is None else found[:limit])]

    def aggregates(self, fields: Fields) -> list[dict[str, Any]]:
        """Aggregate trades: latest, from an id, or of a period."""
        first = fields.maybe_whole("fromId")
        start, end = fields.maybe_whole("startTime"), fields.maybe_whole("endTime")
        limit = fields.limit(500, 1_000)
        found = [
            each
            for each in self._tape(fields).trades
            if (first is None or each.id >= first) and (start or 0) <= ms(each.ts) <= (_FAR if end is None else end)
        ]
        return [pages.aggregate(each) for each in (found[-limit:] if first is start is None else found[:limit])]

    def klines(self, fields: Fields) -> list[list[Any]]:
        """Candles."""
        tape = self._tape(fields)
        _, interval = interval_of(fields, seconds=True)
        start, end = fields.maybe_whole("startTime"), fields.maybe_whole("endTime")
        bars = tape.bars.series(
            interval, (start or 0) * NS_PER_MS, _FAR if end is None else end * NS_PER_MS, fields.limit(500, 1_000),
            newest=start is None,
        )  # fmt: skip
        return [pages.kline(bar, interval) for bar in bars]

    def average(self, fields: Fields) -> dict[str, Any]:
        """The mean price of five minutes."""
        tape = self._tape(fields)
        return {"mins": 5, "price": fixed(self._orders.average(tape.symbol)), "closeTime": ms(self._exchange.now)}

    def _day(self, tape: Tape) -> dict[str, Any]:
        return pages.day_ticker(tape, self._exchange.now)

    def _each(self, page: Callable[[Tape], dict[str, Any]]) -> Callable[[Fields], Any]:
        """A ticker of one symbol as an object, of several or all as a list."""

        def answer(fields: Fields) -> Any:
            if fields.maybe("symbol") is not None:
                return page(self._tape(fields))
            return [page(self._exchange.tapes[each]) for each in self._wanted(fields) or list(self._listed)]

        return answer

    def _tape(self, fields: Fields) -> Tape:
        symbol = fields.text("symbol")
        if symbol not in self._listed:
            raise invalid_symbol()
        return self._exchange.tapes[symbol]

    def _wanted(self, fields: Fields) -> list[str]:
        """The symbols asked for; none: not said."""
        one, several = fields.maybe("symbol"), fields.maybe("symbols")
        if one is not None and several is not None:
            raise Refused(-1128, "Combination of optional parameters invalid. Recommendation: 'symbol'")
        if several is not None:
            try:
                wanted = msgspec.json.decode(several, type=list[str])
            except msgspec.DecodeError:
                raise Refused(
                    -1100, "Illegal characters found in parameter 'symbols'; legal range is '^\\[...\\]$'."
                ) from None
        else:
            wanted = [] if one is None else [one]
        if any(each not in self._listed for each in wanted):
            raise invalid_symbol()
        return wanted


class SpotWords:
    """What Spot's market streams say (`Words`)."""

    kinds = (
        r"trade", r"aggTrade", r"bookTicker", r"depth(@(100|1000)ms)?", r"depth(5|10|20)(@(100|1000)ms)?",
        rf"kline_({'|'.join(INTERVALS)})(@\+08:00)?", r"ticker", r"miniTicker", r"avgPrice",
    )  # fmt: skip
    all_market = ("!miniTicker@arr",)

    def __init__(self, exchange: Exchange, orders: SpotOrders) -> None:
        self._exchange = exchange
        self._orders = orders

    def serves(self, path: str, kind: str) -> bool:
        """Every path serves everything."""
        return True

    def in_microseconds(self, query: str) -> bool:
        """Spot has both units."""
        return wants_microseconds(query)

    def period_ms(self, kind: str) -> int:
        """As documented: depth 1 s or 100 ms, candles 2 s (1 s for seconds), tickers 1 s."""
        if kind.startswith("depth"):
            return 100 if kind.endswith("@100ms") else 1_000
        if kind.startswith("kline_"):
            return 1_000 if kind.startswith("kline_1s") else 2_000
        return 0 if kind in {"trade", "aggTrade", "bookTicker"} else 1_000

    def trade(self, kind: str, trade: PublicTrade) -> dict[str, Any]:
        """One print."""
        told = {"e": kind, "E": ms(self._exchange.now), "s": trade.symbol}
        told |= {"t": trade.id} if kind == "trade" else {"a": trade.id}
        told |= {"p": fixed(trade.price), "q": fixed(trade.quantity)}
        told |= {} if kind == "trade" else {"f": trade.id, "l": trade.id}
        return told | {"T": ms(trade.ts), "m": trade.buyer_is_maker, "M": True}

    def best(self, symbol: str, update: BookUpdate) -> dict[str, Any]:
        """Best bid and ask: no event type and no time on Spot."""
        told = pages.book_ticker(self._exchange.tapes[symbol])
        return {
            "u": update.last, "s": symbol, "b": told["bidPrice"], "B": told["bidQty"], "a": told["askPrice"],
            "A": told["askQty"],
        }  # fmt: skip

    def depth(self, symbol: str, gathered: BookUpdate) -> dict[str, Any]:
        """What changed in the book."""
        return {
            "e": "depthUpdate", "E": ms(self._exchange.now), "s": symbol, "U": gathered.first, "u": gathered.last,
            "b": pages.levels(gathered.bids), "a": pages.levels(gathered.asks),
        }  # fmt: skip

    def periodic(self, symbol: str, kind: str) -> Any:
        """Partial books, candles and tickers."""
        now = self._exchange.now
        if kind.startswith("!miniTicker"):
            return [self._mini(tape) for tape in self._exchange.tapes.values()]
        tape = self._exchange.tapes[symbol]
        if kind.startswith("depth"):
            limit = int(kind.removeprefix("depth").partition("@")[0])
            return {
                "lastUpdateId": tape.update_id,
                "bids": pages.levels(tape.levels(asks=False, limit=limit)),
                "asks": pages.levels(tape.levels(asks=True, limit=limit)),
            }
        if kind.startswith("kline_"):
            return self._kline(tape, kind.removeprefix("kline_").partition("@")[0])
        if kind == "miniTicker":
            return self._mini(tape)
        if kind == "avgPrice":
            price = self._orders.average(symbol)
            return {"e": "avgPrice", "E": ms(now), "s": symbol, "i": "5m", "w": fixed(price), "T": ms(now)}
        return self._ticker(tape)

    def _kline(self, tape: Tape, name: str) -> Any:
        """The candle that is open; just after it closed, the one before as final (`x`)."""
        now, interval = self._exchange.now, INTERVALS[name]
        closed = now - opening(now, interval) < self.period_ms(f"kline_{name}") * NS_PER_MS
        at = opening(now, interval) - interval if closed else opening(now, interval)
        bars = tape.bars.series(interval, at, at, 1, newest=True)
        if not bars:
            return None
        return {
            "e": "kline", "E": ms(now), "s": tape.symbol, "k": kline_event(tape.symbol, name, bars[0], closed)
        }  # fmt: skip

    def _mini(self, tape: Tape) -> dict[str, Any]:
        told = pages.day(tape, self._exchange.now)
        return {
            "e": "24hrMiniTicker", "E": ms(self._exchange.now), "s": tape.symbol, "c": fixed(told["last"]),
            "o": fixed(told["open"]), "h": fixed(told["high"]), "l": fixed(told["low"]), "v": fixed(told["volume"]),
            "q": fixed(told["value"]),
        }  # fmt: skip

    def _ticker(self, tape: Tape) -> dict[str, Any]:
        told = pages.day_ticker(tape, self._exchange.now)
        return {
            "e": "24hrTicker", "E": ms(self._exchange.now), "s": tape.symbol, "p": told["priceChange"],
            "P": told["priceChangePercent"], "w": told["weightedAvgPrice"], "x": told["prevClosePrice"],
            "c": told["lastPrice"], "Q": told["lastQty"], "b": told["bidPrice"], "B": told["bidQty"],
            "a": told["askPrice"], "A": told["askQty"], "o": told["openPrice"], "h": told["highPrice"],
            "l": told["lowPrice"], "v": told["volume"], "q": told["quoteVolume"], "O": told["openTime"],
            "C": told["closeTime"], "F": told["firstId"], "L": told["lastId"], "n": told["count"],
        }  # fmt: skip


def kline_event(symbol: str, name: str, bar: Bar, closed: bool) -> dict[str, Any]:
    """The `k` of a kline event."""
    return {
        "t": ms(bar.ts), "T": ms(bar.ts + INTERVALS[name]) - 1, "s": symbol, "i": name, "f": bar.first_id,
        "L": bar.last_id, "o": fixed(bar.open), "c": fixed(bar.close), "h": fixed(bar.high), "l": fixed(bar.low),
        "v": fixed(bar.volume), "n": bar.trades, "x": closed, "q": fixed(bar.value), "V": fixed(bar.bought),
        "Q": fixed(bar.bought_value), "B": "0",
    }  # fmt: skip


def _last(tape: Tape) -> dict[str, Any]:
    return {"symbol": tape.symbol, "price": fixed(tape.last or ZERO)}


def _depth_weight(fields: Fields) -> int:
    limit = fields.limit(100, 5_000)
    return next(weight for most, weight in _DEPTH_WEIGHTS if limit <= most)


def _ticker_weight(one: int, every: int) -> Callable[[Fields], int]:
    return lambda fields: one if fields.has("symbol") else every


def percent(rate: Decimal) -> int:
    """A fee rate in hundredths of a percent, as the account page has it."""
    return int(rate * 10_000)
