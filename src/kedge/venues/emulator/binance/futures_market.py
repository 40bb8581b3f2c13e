"""USD-M Futures' public data: the REST endpoints, and the words of the routed market streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kedge.model.instant import NS_PER_MS
from kedge.model.money import ZERO
from kedge.venues.emulator.bars import Bar, opening
from kedge.venues.emulator.binance import futures_pages as pages
from kedge.venues.emulator.binance.fields import Fields, fixed, ms, plain
from kedge.venues.emulator.binance.gate import Gate, Route
from kedge.venues.emulator.binance.intervals import INTERVALS, interval_of
from kedge.venues.emulator.binance.listing import Listed
from kedge.venues.emulator.binance.refused import invalid_symbol
from kedge.venues.emulator.binance.spot_pages import day, signed
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.faults import Phase
from kedge.venues.emulator.tape import BookUpdate, PublicTrade, Tape

_DEPTHS = ((50, 2), (100, 5), (500, 10), (1_000, 20))
_KLINE_WEIGHTS = ((99, 1), (499, 2), (1_000, 5), (1_500, 10))
_FAR = 2**62
_INTEREST = "0.00010000"


class FuturesMarket:
    """Answers public requests."""

    def __init__(self, exchange: Exchange, listed: dict[str, Listed], gate: Gate) -> None:
        self._exchange = exchange
        self._listed = listed
        self._gate = gate

    def routes(self) -> dict[tuple[str, str], Route]:
        """Every public endpoint: path, WebSocket method (empty: none)."""
        return {
            ("/v1/ping", ""): Route(lambda fields: {}, 1, during_pause=True),
            ("/v1/time", ""): Route(lambda fields: {"serverTime": ms(self._gate.now)}, 1, during_pause=True),
            ("/v1/exchangeInfo", ""): Route(self.exchange_info, 1, during_pause=True),
            ("/v1/depth", "depth"): Route(self.depth, _stepped(_DEPTHS, 500, 1_000)),
            ("/v1/trades", ""): Route(self.trades, 5),
            ("/v1/aggTrades", ""): Route(self.aggregates, 20),
            ("/v1/klines", ""): Route(self.klines, _stepped(_KLINE_WEIGHTS, 500, 1_500)),
            ("/v1/continuousKlines", ""): Route(self.klines, _stepped(_KLINE_WEIGHTS, 500, 1_500)),
            ("/v1/markPriceKlines", ""): Route(self.price_klines, _stepped(_KLINE_WEIGHTS, 500, 1_500)),
            ("/v1/indexPriceKlines", ""): Route(self.price_klines, _stepped(_KLINE_WEIGHTS, 500, 1_500)),
            ("/v1/premiumIndex", ""): Route(self._each(self.premium), _one_or_all(1, 10)),
            ("/v1/fundingRate", ""): Route(self.funding, 1),
            ("/v1/fundingInfo", ""): Route(lambda fields: [], 1),
            ("/v1/ticker/24hr", ""): Route(self._each(self.ticker), _one_or_all(1, 40)),
            ("/v1/ticker/price", "ticker.price"): Route(self._each(self.price), _one_or_all(1, 2)),
            ("/v2/ticker/price", ""): Route(self._each(self.price), _one_or_all(1, 2)),
            ("/v1/ticker/bookTicker", "ticker.book"): Route(self._each(self.book_ticker), _one_or_all(2, 5)),
            ("/v1/openInterest", ""): Route(self.open_interest, 1),
        }

    def exchange_info(self, fields: Fields) -> dict[str, Any]:
        """Rules and limits."""
        words = {"10S": ("SECOND", 10), "1M": ("MINUTE", 1)}
        status = {Phase.OPEN: "TRADING", Phase.CANCEL_ONLY: "PENDING_TRADING", Phase.CLOSED: "PENDING_TRADING"}
        limits = [
            {
                "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
                "limit": self._gate.limits.weight,
            },
            *(
                {
                    "rateLimitType": "ORDERS", "interval": words[each.name][0], "intervalNum": words[each.name][1],
                    "limit": each.limit,
                }
                for each in self._gate.orders
            ),
        ]  # fmt: skip
        return {
            "timezone": "UTC",
            "serverTime": ms(self._gate.now),
            "futuresType": "U_MARGINED",
            "rateLimits": limits,
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": [pages.symbol_info(each, status[self._gate.faults.phase]) for each in self._listed.values()],
        }

    def depth(self, fields: Fields) -> dict[str, Any]:
        """The book; with times here."""
        tape = self._tape(fields)
        limit = fields.limit(500, 1_000)
        return {
            "lastUpdateId": tape.update_id, "E": ms(self._exchange.now), "T": ms(tape.updated),
            "bids": levels(tape.levels(asks=False, limit=limit)), "asks": levels(tape.levels(asks=True, limit=limit)),
        }  # fmt: skip

    def trades(self, fields: Fields) -> list[dict[str, Any]]:
        """The latest prints."""
        limit = fields.limit(500, 1_000)
        return [
            {
                "id": each.id, "price": plain(each.price), "qty": plain(each.quantity),
                "quoteQty": plain(each.price * each.quantity), "time": ms(each.ts), "isBuyerMaker": each.buyer_is_maker,
            }
            for each in list(self._tape(fields).trades)[-limit:]
        ]  # fmt: skip

    def aggregates(self, fields: Fields) -> list[dict[str, Any]]:
        """Aggregate trades."""
        first, start, end = (fields.maybe_whole(name) for name in ("fromId", "startTime", "endTime"))
        limit = fields.limit(500, 1_000)
        found = [
            each
            for each in self._tape(fields).trades
            if (first is None or each.id >= first) and (start or 0) <= ms(each.ts) <= (_FAR if end is None else end)
        ]
        return [
            {
                "a": each.id, "p": plain(each.price), "q": plain(each.quantity), "nq": plain(each.quantity),
                "f": each.id, "l": each.id, "T": ms(each.ts), "m": each.buyer_is_maker,
            }
            for each in (found[-limit:] if first is start is None else found[:limit])
        ]  # fmt: skip

    def klines(self, fields: Fields) -> list[list[Any]]:
        """Candles of trades."""
        interval, bars = self._bars(fields)
        return [
            [
                ms(bar.ts), plain(bar.open), plain(bar.high), plain(bar.low), plain(bar.close), plain(bar.volume),
                ms(bar.ts + interval) - 1, fixed(bar.value), bar.trades, plain(bar.bought), fixed(bar.bought_value), "0",
            ]
            for bar in bars
        ]  # fmt: skip

    def price_klines(self, fields: Fields) -> list[list[Any]]:
        """Candles of mark and index price: those of the trades, without volume (see the guide)."""
        interval, bars = self._bars(fields)
        return [
            [
                ms(bar.ts), fixed(bar.open), fixed(bar.high), fixed(bar.low), fixed(bar.close), "0",
                ms(bar.ts + interval) - 1, "0", bar.trades, "0", "0", "0",
            ]
            for bar in bars
        ]  # fmt: skip

    def premium(self, tape: Tape) -> dict[str, Any]:
        """Mark price, index price and funding."""
        mark = self._exchange.mark(tape.symbol)
        middle = tape.middle or mark
        return {
            "symbol": tape.symbol, "markPrice": fixed(mark), "indexPrice": fixed(middle),
            "estimatedSettlePrice": fixed(middle), "lastFundingRate": signed(self._exchange.funding_rates[tape.symbol]),
            "interestRate": _INTEREST, "nextFundingTime": ms(self._exchange.next_funding()),
            "time": ms(self._exchange.now),
        }  # fmt: skip

    def funding(self, fields: Fields) -> list[dict[str, Any]]:
        """Rates that were settled."""
        symbol = fields.maybe("symbol")
        start, end = fields.maybe_whole("startTime") or 0, fields.maybe_whole("endTime")
        chosen = [self._tape(fields)] if symbol is not None else list(self._exchange.tapes.values())
        found = [
            each for tape in chosen for each in tape.funding if start <= ms(each.ts) <= (_FAR if end is None else end)
        ]
        limit = fields.limit(100, 1_000)
        return [
            {
                "symbol": each.symbol, "fundingTime": ms(each.ts), "fundingRate": signed(each.rate),
                "markPrice": fixed(each.mark),
            }
            for each in (found[:limit] if start else found[-limit:])
        ]  # fmt: skip

    def ticker(self, tape: Tape) -> dict[str, Any]:
        """The 24-hour ticker."""
        told = day(tape, self._exchange.now)
        return {
            "symbol": tape.symbol, "priceChange": signed(told["change"], 2),
            "priceChangePercent": signed(told["percent"], 3), "weightedAvgPrice": fixed(told["average"], 2),
            "lastPrice": plain(told["last"]), "lastQty": plain(told["last_quantity"]),
            "openPrice": plain(told["open"]), "highPrice": plain(told["high"]), "lowPrice": plain(told["low"]),
            "volume": plain(told["volume"]), "quoteVolume": fixed(told["value"], 2),
            "openTime": ms(self._exchange.now) - 86_400_000, "closeTime": ms(self._exchange.now),
            "firstId": told["first_id"], "lastId": told["last_id"], "count": told["trades"],
        }  # fmt: skip

    def price(self, tape: Tape) -> dict[str, Any]:
        """The last price."""
        return {"symbol": tape.symbol, "price": plain(tape.last or ZERO), "time": ms(self._exchange.now)}

    def book_ticker(self, tape: Tape) -> dict[str, Any]:
        """The best of both sides."""
        bid, ask = tape.best(asks=False) or (ZERO, ZERO), tape.best(asks=True) or (ZERO, ZERO)
        return {
            "symbol": tape.symbol, "bidPrice": plain(bid[0]), "bidQty": plain(bid[1]), "askPrice": plain(ask[0]),
            "askQty": plain(ask[1]), "time": ms(self._exchange.now), "lastUpdateId": tape.update_id,
        }  # fmt: skip

    def open_interest(self, fields: Fields) -> dict[str, Any]:
        """A figure, for clients that ask: the account's own."""
        symbol = self._tape(fields).symbol
        held = abs(self._exchange.holdings[symbol].quantity)
        return {"symbol": symbol, "openInterest": plain(held), "time": ms(self._exchange.now)}

    def _bars(self, fields: Fields) -> tuple[int, list[Bar]]:
        name = "pair" if fields.has("pair") else "symbol"
        symbol = fields.text(name)
        if symbol not in self._listed:
            raise invalid_symbol()
        _, interval = interval_of(fields, seconds=False)
        start, end = fields.maybe_whole("startTime"), fields.maybe_whole("endTime")
        bars = self._exchange.tapes[symbol].bars.series(
            interval, (start or 0) * NS_PER_MS, _FAR if end is None else end * NS_PER_MS, fields.limit(500, 1_500),
            newest=start is None,
        )  # fmt: skip
        return interval, bars

    def _tape(self, fields: Fields) -> Tape:
        symbol = fields.text("symbol")
        if symbol not in self._listed:
            raise invalid_symbol()
        return self._exchange.tapes[symbol]

    def _each(self, page: Callable[[Tape], dict[str, Any]]) -> Callable[[Fields], Any]:
        def answer(fields: Fields) -> Any:
            if fields.maybe("symbol") is not None:
                return page(self._tape(fields))
            return [page(tape) for tape in self._exchange.tapes.values()]

        return answer


class FuturesWords:
    """What the market streams say (`Words`), and which path serves what."""

    kinds = (
        r"trade", r"aggTrade", r"bookTicker", r"(rpiDepth|depth)(@(100|250|500)ms)?", r"depth(5|10|20)(@(100|250|500)ms)?",
        r"markPrice(@1s)?", rf"kline_({'|'.join(name for name in INTERVALS if name != '1s')})", r"ticker", r"miniTicker",
        r"forceOrder",
    )  # fmt: skip
    all_market = (
        "!markPrice@arr",
        "!markPrice@arr@1s",
        "!miniTicker@arr",
        "!ticker@arr",
        "!bookTicker",
        "!forceOrder@arr",
    )

    def __init__(self, exchange: Exchange, market: FuturesMarket) -> None:
        self._exchange = exchange
        self._market = market

    def serves(self, path: str, kind: str) -> bool:
        """`/public` has books and trades, `/market` the rest; the retired root still has what is public."""
        public = kind in {"trade", "bookTicker", "!bookTicker"} or kind.startswith(("depth", "rpiDepth"))
        if path.startswith("/market"):
            return not public
        return public and not path.startswith("/private")

    def in_microseconds(self, query: str) -> bool:
        """Futures have milliseconds alone."""
        return False

    def period_ms(self, kind: str) -> int:
        """As documented: depth 250 ms unless told, candles 250 ms, mark price 3 s or 1 s, tickers 2 s."""
        if kind.startswith(("depth", "rpiDepth")):
            _, _, told = kind.partition("@")
            return int(told.removesuffix("ms")) if told else 250
        if "markPrice" in kind:
            return 1_000 if kind.endswith("@1s") else 3_000
        if kind.startswith("kline_"):
            return 250
        return (
            0 if kind in {"trade", "aggTrade", "bookTicker", "forceOrder", "!bookTicker", "!forceOrder@arr"} else 2_000
        )

    def trade(self, kind: str, trade: PublicTrade) -> dict[str, Any]:
        """One print."""
        told: dict[str, Any] = {"e": kind, "E": ms(self._exchange.now), "s": trade.symbol}
        told |= {"t": trade.id} if kind == "trade" else {"a": trade.id}
        told |= {"p": plain(trade.price), "q": plain(trade.quantity)}
        told |= {"X": "MARKET"} if kind == "trade" else {"nq": plain(trade.quantity), "f": trade.id, "l": trade.id}
        return told | {"T": ms(trade.ts), "m": trade.buyer_is_maker}

    def best(self, symbol: str, update: BookUpdate) -> dict[str, Any]:
        """Best bid and ask: with times on Futures."""
        told = self._market.book_ticker(self._exchange.tapes[symbol])
        return {
            "e": "bookTicker", "u": update.last, "E": ms(self._exchange.now), "T": ms(update.ts), "s": symbol,
            "b": told["bidPrice"], "B": told["bidQty"], "a": told["askPrice"], "A": told["askQty"],
        }  # fmt: skip

    def depth(self, symbol: str, gathered: BookUpdate) -> dict[str, Any]:
        """What changed in the book; `pu` is the `u` of the event before, `U` is not `pu + 1`."""
        return {
            "e": "depthUpdate", "E": ms(self._exchange.now), "T": ms(gathered.ts), "s": symbol, "U": gathered.first,
            "u": gathered.last, "pu": gathered.previous, "b": levels(gathered.bids), "a": levels(gathered.asks),
        }  # fmt: skip

    def periodic(self, symbol: str, kind: str) -> Any:
        """Partial books, candles, mark prices and tickers."""
        if kind.startswith("!markPrice"):
            return [self._mark(each) for each in self._exchange.tapes]
        if kind.startswith("!"):
            page = self._mini if kind.startswith("!mini") else self._ticker
            return [page(tape) for tape in self._exchange.tapes.values()]
        tape = self._exchange.tapes[symbol]
        if kind.startswith("depth"):
            limit = int(kind.removeprefix("depth").partition("@")[0])
            return {
                "e": "depthUpdate", "E": ms(self._exchange.now), "T": ms(tape.updated), "s": symbol,
                "U": tape.update_id, "u": tape.update_id, "pu": tape.update_id - 1,
                "b": levels(tape.levels(asks=False, limit=limit)), "a": levels(tape.levels(asks=True, limit=limit)),
            }  # fmt: skip
        if kind.startswith("markPrice"):
            return self._mark(symbol)
        if kind.startswith("kline_"):
            return self._kline(tape, kind.removeprefix("kline_"))
        return self._mini(tape) if kind == "miniTicker" else self._ticker(tape)

    def _mark(self, symbol: str) -> dict[str, Any]:
        told = self._market.premium(self._exchange.tapes[symbol])
        return {
            "e": "markPriceUpdate", "E": ms(self._exchange.now), "s": symbol, "p": told["markPrice"],
            "i": told["indexPrice"], "P": told["estimatedSettlePrice"], "r": told["lastFundingRate"],
            "T": told["nextFundingTime"],
        }  # fmt: skip

    def _kline(self, tape: Tape, name: str) -> Any:
        now, interval = self._exchange.now, INTERVALS[name]
        closed = now - opening(now, interval) < 250 * NS_PER_MS
        at = opening(now, interval) - interval if closed else opening(now, interval)
        bars = tape.bars.series(interval, at, at, 1, newest=True)
        if not bars:
            return None
        bar = bars[0]
        return {
            "e": "kline", "E": ms(now), "s": tape.symbol,
            "k": {
                "t": ms(bar.ts), "T": ms(bar.ts + interval) - 1, "s": tape.symbol, "i": name, "f": bar.first_id,
                "L": bar.last_id, "o": plain(bar.open), "c": plain(bar.close), "h": plain(bar.high),
                "l": plain(bar.low), "v": plain(bar.volume), "n": bar.trades, "x": closed, "q": fixed(bar.value),
                "V": plain(bar.bought), "Q": fixed(bar.bought_value), "B": "0",
            },
        }  # fmt: skip

    def _mini(self, tape: Tape) -> dict[str, Any]:
        told = self._market.ticker(tape)
        return {
            "e": "24hrMiniTicker", "E": ms(self._exchange.now), "s": tape.symbol, "c": told["lastPrice"],
            "o": told["openPrice"], "h": told["highPrice"], "l": told["lowPrice"], "v": told["volume"],
            "q": told["quoteVolume"],
        }  # fmt: skip

    def _ticker(self, tape: Tape) -> dict[str, Any]:
        told = self._market.ticker(tape)
        return {
            "e": "24hrTicker", "E": ms(self._exchange.now), "s": tape.symbol, "p": told["priceChange"],
            "P": told["priceChangePercent"], "w": told["weightedAvgPrice"], "c": told["lastPrice"],
            "Q": told["lastQty"], "o": told["openPrice"], "h": told["highPrice"], "l": told["lowPrice"],
            "v": told["volume"], "q": told["quoteVolume"], "O": told["openTime"], "C": told["closeTime"],
            "F": told["firstId"], "L": told["lastId"], "n": told["count"],
        }  # fmt: skip


def levels(side: Any) -> list[list[str]]:
    """Price levels as pairs of text."""
    return [[plain(price), plain(size)] for price, size in side]


def _stepped(steps: tuple[tuple[int, int], ...], default: int, most: int) -> Callable[[Fields], int]:
    def weight(fields: Fields) -> int:
        limit = fields.limit(default, most)
        return next(weight for upper, weight in steps if limit <= upper)

    return weight


def _one_or_all(one: int, every: int) -> Callable[[Fields], int]:
    return lambda fields: one if fields.has("symbol") else every
