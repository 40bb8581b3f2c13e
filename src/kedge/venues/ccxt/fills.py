"""Executions of ours since a moment, and none left out: venues cut pages, and some answer for a day or a week alone.

The time from the moment asked for until now is asked for in windows of the venue's length. A window that came back full may have
been cut, at whichever end the venue cuts, so it is halved and asked for again. What could not be told whole is `Partial`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from kedge.model.errors import VenueError
from kedge.model.facts import Fill
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument
from kedge.venues.answers import Answer, Failed, Partial, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.exact import shown

#: Rows asked for at once, and up to which a page of an untried venue is believed to be whole.
ROWS_MAX: Final = 500
ROWS_SURE: Final = 20
CALLS_MAX: Final = 20
_DAY_MS: Final = 86_400_000
#: The venue's clock may be ahead of ours.
_AHEAD_MS: Final = 5_000

#: The client id of an order of the venue's, on a market.
Owner = Callable[[str, str], Awaitable[str | Failed]]


def listing(value: Any) -> list[Mapping[str, Any]]:
    """A list of ccxt's; anything else is none."""
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


class Fills:
    """Asks for executions on one venue. `now` is our time, UTC ns."""

    def __init__(self, connection: Connection, now: Callable[[], int], owner: Owner) -> None:
        self._connection, self._now, self._owner = connection, now, owner
        said = connection.feature("fetchMyTrades") or {}
        self._rows = min(connection.quirk.page or ROWS_MAX, said.get("limit") or ROWS_MAX)
        self._sure = self._rows if connection.quirk.page else min(ROWS_SURE, self._rows)
        self._span_ms = (said.get("untilDays") or 0) * _DAY_MS

    async def since(self, listed: Instrument, market: str, since: int) -> Answer[tuple[Fill, ...]]:
        """Executions from `since` (UTC ns) on, oldest first; 0 is the latest page, which is a part."""
        begin, now_ms = since // NS_PER_MS, self._now() // NS_PER_MS
        waiting = self._windows(begin, now_ms) if since else [(0, 0)]
        found: dict[str, Fill] = {}
        missing = "" if since else "fills before the latest page; ask with a time"
        for _ in range(CALLS_MAX):
            if not waiting:
                break
            start, end = waiting.pop()
            answer = await self._page(market, start, end)
            if not isinstance(answer, Whole):
                return answer  # type: ignore[return-value]  # Failed, which has no value
            read = await self._read(answer.value, listed, market)
            if isinstance(read, Failed):
                return read
            found.update((each.trade_id, each) for each in read if each.ts >= begin * NS_PER_MS)
            if since and len(answer.value) >= self._sure:
                halves = self._halved(start, end or now_ms + _AHEAD_MS)
                missing = missing if halves else f"more fills than a page holds from {start} ms on"
                waiting += halves
        if waiting:
            missing = f"fills from {waiting[-1][0]} ms on; ask again from there"
        told = tuple(sorted(found.values(), key=lambda each: each.ts))
        return Partial(told, missing, self._now()) if missing else Whole(told, self._now())

    def _windows(self, begin: int, now_ms: int) -> list[tuple[int, int]]:
        """What is asked for, the earliest last. The latest window is open: nothing is cut off by a clock."""
        if not self._span_ms:
            return [(begin, 0)]
        starts = range(begin, max(now_ms, begin + 1), self._span_ms)[: CALLS_MAX + 1]
        return [(start, start + self._span_ms if start + self._span_ms <= now_ms else 0) for start in starts[::-1]]

    def _halved(self, start: int, end: int) -> list[tuple[int, int]]:
        """Both halves of a window, the earlier last; none where ccxt cannot end one, or it is a moment long."""
        middle = start + (end - start) // 2
        return [(middle, end), (start, middle)] if self._span_ms and start < middle < end else []

    async def _page(self, market: str, start: int, end: int) -> Answer[list[Mapping[str, Any]]]:
        trading, terms = self._connection.trading, {"until": end} if end else {}
        return await self._connection.ask(
            "fills", lambda: trading.fetch_my_trades(market, start or None, self._rows, terms), listing
        )

    async def _read(self, rows: list[Mapping[str, Any]], listed: Instrument, market: str) -> list[Fill] | Failed:
        facts = []
        for trade in rows:
            owner = await self._owner(str(trade.get("order") or ""), market)
            if isinstance(owner, Failed):
                return owner
            read = self._connection.read("fills", partial(_fill, trade, owner, listed, market, self._now()))
            if isinstance(read, Failed):
                return read
            facts.append(read)
        return facts


def _fill(trade: Mapping[str, Any], owner: str, listed: Instrument, market: str, received: int) -> Fill:
    if trade.get("symbol") not in {None, market}:
        raise VenueError(f"a fill on {shown(trade.get('symbol'))} came for {market}")
    return structures.fill(trade, owner, listed, received)
