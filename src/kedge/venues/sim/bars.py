"""Matching against candles: what is known of a bar are four prices and a volume, never the path between them.

The bar `[ts, ts + interval)` is played in this order, which is the pessimistic reading of it:

1. Orders whose time was up before the open expire; late cancels that arrived by the open take effect.
2. At the open: liquidation; resting orders that the open has passed (stops first); orders that have just arrived.
3. Orders whose time is up inside the bar expire: they had the open alone.
4. The range, one leg after the other, the one against our position first. Along a leg the nearest level comes first, so a
   stop short of the liquidation price saves the position, and one beyond it does not. A stop that had nothing to reduce is
   tried again at the end: an entry in this bar may have given it something. So is the liquidation price.
5. Stop-limits triggered in this bar fill only if the close is beyond their limit. Trailing stops ratchet on the favourable
   extreme, and are triggered if the close proves that the market came back.
6. Market orders that arrived inside the bar take the worse of open and close.
7. Cancels that arrived inside the bar take effect.

A report is stamped with the time at which all that it depends on is known: the open for what needs only the open, the close
for everything else.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from kedge.model.facts import VenueFact
from kedge.model.market import Candle
from kedge.model.money import EXACT, ZERO
from kedge.venues.sim.execution import NOTHING_TO_REDUCE, Execution
from kedge.venues.sim.listing import Listing
from kedge.venues.sim.working import (
    DOWN,
    ENDED,
    LIMIT,
    MARKET,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING,
    UP,
    Working,
    reached,
    resting_shelf,
)

_add: Final = EXACT.add
_sub: Final = EXACT.subtract
_div: Final = EXACT.divide

TIME_UP: Final = "time is up"
NOT_FILLED_AT_ONCE: Final = "not filled at once"
WOULD_TAKE: Final = "post_only would take"
REQUESTED: Final = "requested"


class BarMatcher:
    """Plays one candle against the working orders of its symbol."""

    __slots__ = ("_execution",)

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    def match(self, listing: Listing, bar: Candle, out: list[VenueFact]) -> None:
        """Play `bar`; reports are added to `out` in the order they happened. A bar that contradicts itself is ignored."""
        opened = bar.open
        if not sound(bar):
            return
        execution = self._execution
        start = bar.ts
        end = start + bar.interval
        listing.bar = None
        listing.last = opened
        if execution.volume_bound:
            execution.see_volume(listing, _div(bar.volume, listing.contract_size), start)
            known = end
        else:
            known = start
        several = execution.account.several
        if several:
            execution.account.arm(listing)
        if listing.timed:
            self._end_due(listing, start, out)
        if opened <= listing.liquidation_below or opened >= listing.liquidation_above:
            execution.liquidate(listing, opened, start, out)
        if listing.down or listing.up:
            self._gaps(listing, opened, known, out)
        if listing.arriving:
            self._arrivals(listing, opened, start, known, out)
        if listing.timed:
            self._expire_inside(listing, end, out)
        listing.last = bar.close
        if listing.down or listing.up or listing.position:
            self._range(listing, bar, end, out)
        if listing.arriving:
            self._inside(listing, bar, end, out)
        if listing.timed:
            self._cancel_late(listing, end, out)
        listing.bar = bar
        if execution.account.several and listing.position:
            execution.account.watch(listing)

    def arrive_inside(self, listing: Listing, order: Working, bar: Candle, out: list[VenueFact]) -> None:
        """Fill a market order that arrived inside a bar which was already played."""
        if self._execution.volume_bound and listing.room_of != bar.ts:
            self._execution.see_volume(listing, _div(bar.volume, listing.contract_size), bar.ts)
        self._cross(listing, order, _worse(order.buy, bar.open, bar.close), None, bar.ts + bar.interval, out)

    def _end_due(self, listing: Listing, now: int, out: list[VenueFact]) -> None:
        """End what was due at or before `now`, at its own time."""
        due = [
            (at, order) for order in self._execution.working(listing) if (at := _end_at(order)) and at <= now
        ]
        due.sort(key=lambda pair: pair[0])
        for at, order in due:
            if order.expires_ns == at:
                self._execution.expire(listing, order, at, TIME_UP, out)
            else:
                self._execution.cancel(listing, order, at, REQUESTED, out)

    def _expire_inside(self, listing: Listing, end: int, out: list[VenueFact]) -> None:
        due = [
            order for order in self._execution.working(listing) if order.expires_ns and order.expires_ns < end
        ]
        for order in sorted(due, key=lambda order: order.expires_ns):
            self._execution.expire(listing, order, order.expires_ns, TIME_UP, out)

    def _cancel_late(self, listing: Listing, end: int, out: list[VenueFact]) -> None:
        for order in self._execution.working(listing):
            if order.cancel_at and order.cancel_at < end:
                self._execution.cancel(listing, order, end, REQUESTED, out)

    def _gaps(self, listing: Listing, opened: Decimal, known: int, out: list[VenueFact]) -> None:
        """Resting orders that the open has already passed: stops first, then in the order they arrived."""
        passed = [
            order
            for shelf in (listing.down, listing.up)
            for order in shelf.values()
            if reached(order, opened)
        ]
        if passed:
            passed.sort(key=_stops_first)
            for order in passed:
                if order.shelf != ENDED:
                    self._reach(listing, order, opened, known, out)

    def _arrivals(
        self, listing: Listing, opened: Decimal, start: int, known: int, out: list[VenueFact]
    ) -> None:
        """Orders that have arrived by the open meet it, in the order they arrived."""
        for order in list(listing.arriving.values()):
            if order.at > start or order.shelf == ENDED:
                continue
            kind = order.kind
            if kind == MARKET:
                self._cross(listing, order, opened, None, known, out)
            elif kind == LIMIT:
                level = order.level
                if opened <= level if order.buy else opened >= level:
                    if order.intent.post_only:
                        self._execution.expire(listing, order, start, WOULD_TAKE, out)
                        continue
                    self._cross(listing, order, opened, level, known, out)
                elif order.at_once:
                    self._execution.expire(listing, order, start, NOT_FILLED_AT_ONCE, out)
                if order.shelf != ENDED:
                    self._execution.move(listing, order, DOWN if order.buy else UP)
            else:
                if kind == TRAILING:
                    trail = order.intent.trail
                    assert trail is not None
                    order.level = _add(opened, trail) if order.buy else _sub(opened, trail)
                self._execution.move(listing, order, resting_shelf(order))
                if reached(order, opened):
                    self._reach(listing, order, opened, known, out)

    def _cross(
        self,
        listing: Listing,
        order: Working,
        raw: Decimal,
        bound: Decimal | None,
        ts: int,
        out: list[VenueFact],
    ) -> None:
        """Take at `raw`; what an immediate order cannot have at once expires."""
        self._execution.take(listing, order, raw, bound, ts, out)
        if order.at_once and order.shelf != ENDED:
            self._execution.expire(listing, order, ts, NOT_FILLED_AT_ONCE, out)

    def _reach(
        self, listing: Listing, order: Working, opened: Decimal, ts: int, out: list[VenueFact]
    ) -> None:
        """A resting order's level was reached: a limit fills at it, a stop or take-profit is triggered."""
        kind = order.kind
        execution = self._execution
        if kind == LIMIT:
            execution.rest(listing, order, order.level, None, True, ts, out)
            return
        if kind == STOP_LIMIT or kind == TAKE_PROFIT_LIMIT:
            order.kind = LIMIT
            order.level = order.limit
            order.adverse = False
            order.dormant = True
            execution.move(listing, order, DOWN if order.buy else UP)
            return
        raw = order.level if kind == TAKE_PROFIT else _worse(order.buy, order.level, opened)
        self._cross(listing, order, raw, None, ts, out)
        if order.shelf != ENDED:
            execution.into_market(listing, order, ts)

    def _range(self, listing: Listing, bar: Candle, end: int, out: list[VenueFact]) -> None:
        low, high, opened = bar.low, bar.high, bar.open
        down = self._touched(listing, DOWN, low)
        up = self._touched(listing, UP, high)
        if down or up or low <= listing.liquidation_below or high >= listing.liquidation_above:
            held = listing.position
            aside: list[Working] = []
            if held < ZERO:
                self._leg(listing, up, False, high, opened, held, aside, end, out)
                self._leg(
                    listing, self._touched(listing, DOWN, low), True, low, opened, held, aside, end, out
                )
            else:
                self._leg(listing, down, True, low, opened, held, aside, end, out)
                self._leg(
                    listing, self._touched(listing, UP, high), False, high, opened, held, aside, end, out
                )
            for order in aside:
                if order.shelf != ENDED:
                    self._again(listing, order, opened, end, out)
            if low <= listing.liquidation_below or high >= listing.liquidation_above:
                self._execution.liquidate(listing, opened, end, out)
        self._close_proves(listing, bar, end, out)
        if listing.trailing:
            self._ratchet(listing, bar, end, out)

    def _touched(self, listing: Listing, shelf: int, extreme: Decimal) -> list[Working]:
        """Resting orders that the range reached, nearest to the open first, stops before others at the same level."""
        if shelf == DOWN:
            hits = [
                order
                for order in listing.down.values()
                if extreme <= order.level and not order.dormant and (order.adverse or extreme < order.level)
            ]
        else:
            hits = [
                order
                for order in listing.up.values()
                if extreme >= order.level and not order.dormant and (order.adverse or extreme > order.level)
            ]
        if len(hits) > 1:
            hits.sort(key=_falling if shelf == DOWN else _rising)
        return hits

    def _leg(
        self,
        listing: Listing,
        hits: list[Working],
        falling: bool,
        extreme: Decimal,
        opened: Decimal,
        held: Decimal,
        aside: list[Working],
        end: int,
        out: list[VenueFact],
    ) -> None:
        """Walk from the open to one extreme."""
        for order in hits:
            if order.shelf == ENDED:
                continue
            if falling and listing.liquidation_below >= order.level:
                break
            if not falling and listing.liquidation_above <= order.level:
                break
            if order.reduce_only and not _may_reduce(listing, order, held):
                aside.append(order)
            elif order.reduce_only and order.kind == LIMIT:
                most = min(abs(held), abs(listing.position))
                self._execution.rest(listing, order, order.level, most, True, end, out)
            else:
                self._reach(listing, order, opened, end, out)
        if extreme <= listing.liquidation_below if falling else extreme >= listing.liquidation_above:
            self._execution.liquidate(listing, opened, end, out)

    def _again(
        self, listing: Listing, order: Working, opened: Decimal, end: int, out: list[VenueFact]
    ) -> None:
        """A reduce-only order that was reached with nothing to reduce: a stop takes what was entered since, the rest wait."""
        reducible = listing.position < ZERO if order.buy else listing.position > ZERO
        if not reducible:
            self._execution.cancel(listing, order, end, NOTHING_TO_REDUCE, out)
        elif order.adverse:
            self._reach(listing, order, opened, end, out)

    def _close_proves(self, listing: Listing, bar: Candle, end: int, out: list[VenueFact]) -> None:
        """Orders triggered in this bar are filled in it only if the close lies beyond their limit."""
        for shelf in (listing.down, listing.up):
            for order in [order for order in shelf.values() if order.dormant]:
                order.dormant = False
                if reached(order, bar.close):
                    self._execution.rest(listing, order, order.level, None, False, end, out)
                if order.shelf != ENDED and order.at_once:
                    self._execution.expire(listing, order, end, NOT_FILLED_AT_ONCE, out)

    def _ratchet(self, listing: Listing, bar: Candle, end: int, out: list[VenueFact]) -> None:
        """Trailing stops follow the favourable extreme, after the adverse one was tested."""
        for shelf in (listing.down, listing.up):
            for order in [order for order in shelf.values() if order.kind == TRAILING]:
                trail = order.intent.trail
                assert trail is not None
                if order.buy:
                    order.level = min(order.level, _add(bar.low, trail))
                else:
                    order.level = max(order.level, _sub(bar.high, trail))
                if reached(order, bar.close):
                    self._reach(listing, order, bar.close, end, out)

    def _inside(self, listing: Listing, bar: Candle, end: int, out: list[VenueFact]) -> None:
        """Market orders that arrived inside the bar take the worse of the two prints around them."""
        for order in list(listing.arriving.values()):
            if order.kind == MARKET and bar.ts < order.at < end:
                self._cross(listing, order, _worse(order.buy, bar.open, bar.close), None, end, out)


def sound(bar: Candle) -> bool:
    """Whether the four prices are finite, positive and consistent."""
    try:
        return (
            ZERO < bar.low <= bar.open <= bar.high
            and bar.low <= bar.close <= bar.high
            and bar.high.is_finite()
        )
    except InvalidOperation:
        return False


def _worse(buy: bool, one: Decimal, other: Decimal) -> Decimal:
    return max(one, other) if buy else min(one, other)


def _may_reduce(listing: Listing, order: Working, held: Decimal) -> bool:
    """Whether a reduce-only order has something to reduce; what was entered in this bar only a stop may close."""
    if order.buy:
        return listing.position < ZERO and (order.adverse or held < ZERO)
    return listing.position > ZERO and (order.adverse or held > ZERO)


def _end_at(order: Working) -> int:
    if order.expires_ns and order.cancel_at:
        return min(order.expires_ns, order.cancel_at)
    return order.expires_ns or order.cancel_at


def _stops_first(order: Working) -> tuple[bool, int]:
    return not order.adverse, order.seq


def _falling(order: Working) -> tuple[Decimal, bool, int]:
    return -order.level, not order.adverse, order.seq


def _rising(order: Working) -> tuple[Decimal, bool, int]:
    return order.level, not order.adverse, order.seq
