"""Questions about the market through ccxt: what is listed, books, trades, candles, mark prices, funding rates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

from kedge.model.errors import ConfigError, UserError
from kedge.model.facts import ClockReading
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import Candle, FundingRate, MarkPrice, OrderBook, Trade
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.frames import timeframe
from kedge.venues.ccxt.inquiry import Inquiry
from kedge.venues.shell import unsupported
from kedge.venues.timing import VenueClock

T = TypeVar("T")

CANDLES_MAX: Final = 300
PAGES_MAX: Final = 6
RATES_MAX: Final = 100


class Market:
    """One venue's market. `inquiry` holds what is listed and what ccxt calls it."""

    def __init__(self, connection: Connection, inquiry: Inquiry, venue_clock: VenueClock) -> None:
        self._connection, self._inquiry, self._venue_clock = connection, inquiry, venue_clock

    async def instruments(self) -> Answer[tuple[Instrument, ...]]:
        """What is listed and can be read; what cannot is named."""
        answer = await self._connection.load()
        if not isinstance(answer, Whole):
            return answer  # type: ignore[return-value]  # Failed, which has no value
        mode = self._connection.trading.precisionMode
        bad: list[str] = []
        names: dict[str, str] = {}
        listed: dict[str, Instrument] = {}
        for name, market in answer.value.items():
            read = self._connection.read("markets", partial(_instrument, market, mode))
            if isinstance(read, Failed):
                bad.append(read.message)
            elif read is not None and read.kind is self._connection.kind and read.symbol not in listed:
                listed[read.symbol], names[read.symbol] = read, name
        self._inquiry.listed, self._inquiry.names = listed, names
        found = tuple(listed.values())
        if bad:
            return Partial(found, f"{len(bad)} markets that cannot be read: {bad[0]}", answer.at)
        return Whole(found, answer.at)

    async def clock(self) -> Answer[ClockReading]:
        """The venue's clock; ccxt signs with it from then on."""
        connection = self._connection
        if not connection.can("fetchTime"):
            return unsupported(f"{connection.venue} does not tell its time")
        answer = await self._venue_clock.measure(
            lambda: connection.ask("time", connection.trading.fetch_time, lambda ms: structures.moment(ms, "time"))
        )
        if isinstance(answer, Whole):
            connection.ours_is_ahead(answer.value.offset_ns)
        return answer

    async def book(self, symbol: str, depth: int) -> Answer[OrderBook]:
        """A snapshot, exact."""
        return await self._of(
            symbol,
            "book",
            lambda market: self._connection.trading.fetch_order_book(market, depth),
            lambda told: structures.book(told, symbol, self._now(), depth),
        )

    async def trades(self, symbol: str, limit: int) -> Answer[tuple[Trade, ...]]:
        """The latest trades; some venues tell more than they were asked for."""
        return await self._of(
            symbol,
            "trades",
            lambda market: self._connection.trading.fetch_trades(market, None, limit),
            lambda told: structures.trades(told, symbol, self._now())[-limit:],
        )

    async def candles(self, symbol: str, interval: int, start: int, end: int) -> Answer[tuple[Candle, ...]]:
        """Closed candles, page by page until their end is reached: a short page is not the last one."""
        try:
            frame = timeframe(interval, self._connection.trading.timeframes)
        except ConfigError as error:
            return unsupported(str(error))
        last, at = min(end, start + CANDLES_MAX * interval), start
        found: dict[int, Candle] = {}
        missing = ""
        for _ in range(PAGES_MAX):
            if at >= last:
                break
            answer = await self._rows(symbol, frame, at)
            if not isinstance(answer, Whole):
                return answer  # type: ignore[return-value]  # Failed: ccxt answers whole or not
            times = [structures.row_time(row) for row in answer.value]
            read = self._connection.read("candles", partial(self._read, answer.value, symbol, interval))
            if isinstance(read, Failed):
                return read
            found.update((each.ts, each) for each in read if start <= each.ts < last)
            missing = missing or self._gap(times, at, start)
            at = self._next(times, at, interval)
        if at < last:
            missing = missing or f"candles from {at} on"
        elif last < end:
            missing = missing or f"candles from {last} on; ask again from there"
        told = tuple(found[ts] for ts in sorted(found))
        return Partial(told, missing, self._now()) if missing else Whole(told, self._now())

    async def _rows(self, symbol: str, frame: str, at: int) -> Answer[list[Any]]:
        trading = self._connection.trading
        answer: Answer[list[Any]] = await self._of(
            symbol, "candles", lambda market: trading.fetch_ohlcv(market, frame, at // NS_PER_MS, CANDLES_MAX), _rows
        )
        return answer

    def _read(self, rows: list[Any], symbol: str, interval: int) -> tuple[Candle, ...]:
        return structures.candles(rows, symbol, interval, self._venue_clock.venue_ns(), self._now())

    def _gap(self, times: list[int], at: int, start: int) -> str:
        """What the first page leaves open: an untried venue may begin where it likes, whatever it was asked."""
        if self._connection.quirk.keeps_since or at != start or (times and min(times) <= start):
            return ""
        return f"candles before {min(times)}" if times else f"candles from {start} on: the venue told none"

    def _next(self, times: list[int], at: int, interval: int) -> int:
        """Where the next page begins: after the last row, or past a page's length in which nobody traded."""
        reached = max(times, default=0) + interval
        return reached if reached > at else at + CANDLES_MAX * interval

    async def mark_price(self, symbol: str) -> Answer[MarkPrice]:
        """The mark, where ccxt has it by itself."""
        if self._connection.kind is InstrumentKind.SPOT or not self._connection.can("fetchMarkPrice"):
            return unsupported(f"mark prices of {self._connection.venue} through ccxt")
        trading = self._connection.trading
        return await self._of(
            symbol,
            "mark price",
            trading.fetch_mark_price,
            lambda told: structures.mark_price(told, symbol, self._now()),
        )

    async def funding_rates(self, symbol: str, start: int, end: int) -> Answer[tuple[FundingRate, ...]]:
        """Rates that were settled."""
        if self._connection.kind is InstrumentKind.SPOT or not self._connection.can("fetchFundingRateHistory"):
            return unsupported(f"funding rates of {self._connection.venue} through ccxt")
        trading, terms = self._connection.trading, {"until": end // NS_PER_MS}
        answer = await self._of(
            symbol,
            "funding rates",
            lambda market: trading.fetch_funding_rate_history(market, start // NS_PER_MS, RATES_MAX, terms),
            lambda told: structures.funding_rates(told, symbol, self._now()),
        )
        if not isinstance(answer, Whole):
            return answer
        rates = tuple(each for each in answer.value if start <= each.ts < end)
        if len(answer.value) >= RATES_MAX:
            return Partial(rates, f"funding rates from {answer.value[-1].ts + 1} on", answer.at)
        return Whole(rates, answer.at)

    def unlisted(self, symbol: str) -> Failed:
        """The answer to a symbol that nobody lists."""
        return Failed(ErrorClass.OURS, "not sent", f"symbol {symbol!r} is not listed by {self._connection.venue}")

    async def _of(
        self, symbol: str, name: str, work: Callable[[str], Awaitable[Any]], read: Callable[[Any], T]
    ) -> Answer[T]:
        market = self._inquiry.names.get(symbol)
        if market is None:
            return self.unlisted(symbol)
        return await self._connection.ask(name, lambda: work(market), read)

    def _now(self) -> int:
        return self._venue_clock.now_ns()


def _rows(told: Any) -> list[Any]:
    if not isinstance(told, list):
        raise TypeError("no list of candles")
    for row in told:
        structures.row_time(row)
    return told


def _instrument(market: Any, mode: int) -> Instrument | None:
    try:
        return structures.instrument(market, mode)
    except UserError as error:
        raise ValueError(str(error)) from None
