"""Matching against candles: what is known of a bar are four prices and a volume, never the path between them.

The bar `[ts, ts + interval)` is played in this order, which is the pessimistic reading of it:

1. Orders whose time was up before the open expire; late cancels that arrived by the open take effect.
2. At the open: liquidation; resting orders that the open has passed (stops first); orders that have just arrived.
3. Orders whose time is up inside the bar expire: they had the open alone.
4. The range, one leg after the other, the one against our position first. Along a leg the nearest level comes first,
   so a stop short of the liquidation price saves the position, and one beyond it does not. A stop that had nothing to
   reduce is tried again at the end: an entry in this bar may have given it something. So is the liquidation price.
5. Stop-limits triggered in this bar fill only if the close is beyond their limit. Trailing stops ratchet on the
   favourable extreme, and are triggered if the close proves that the market came back.
6. Market orders that arrived inside the bar take the worse of open and close.
7. Cancels that arrived inside the bar take effect.

A report is stamped with the time at which all that it depends on is known: the open for what needs only the open, the
close for everything else.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from kedge.model.facts import VenueFact
from kedge.model.market import Candle
from kedge.model.money import EXACT, ZERO
from kedge.venues.sim.account import watch
from kedge.venues.sim.execution import NOTHING_TO_REDUCE, Execution
from kedge.venues.sim.levels import reached
from kedge.venues.sim.listing import Listing
from kedge.venues.sim.meeting import NOT_FILLED_AT_ONCE, REQUESTED, TIME_UP, Meeting, worse
from kedge.venues.sim.working import DOWN, ENDED, MARKET, TRAILING, UP, Working

_div: Final = EXACT.divide


class BarMatcher:
    """Plays one candle against the working orders of its symbol."""

    __slots__ = ("_execution", "_meeting")

    def __init__(self, execution: Execution, meeting: Meeting) -> None:
        self._execution = execution
        self._meeting = meeting

    def match(self, listing: Listing, bar: Candle, out: list[VenueFact]) -> None:
        """Play a `sound` bar; reports are added to `out` in the order they happened."""
        opened = bar.open
        execution = self._execution
        meeting = self._meeting
        start = known = bar.ts
        end = start + bar.interval
        listing.bar = None
        listing.last = opened
        if execution.volume_bound:
            execution.see_volume(listing, _div(bar.volume, listing.contract_size), start)
            known = end
        account = execution.account
        if account.several and listing.position:
            account.arm(listing)
        if listing.timed:
            meeting.end_due(listing, start, out)
        if opened <= listing.liquidation_below or opened >= listing.liquidation_above:
            execution.liquidate(listing, opened, start, out)
        if listing.down or listing.up:
            meeting.passed(listing, opened, opened, False, known, out)
        if listing.arriving:
            for order in list(listing.arriving.values()):
                if order.at <= start and order.shelf != ENDED:
                    meeting.arrive(listing, order, opened, start, known, out)
        if listing.timed:
            self._expire_inside(listing, end, out)
        listing.last = bar.close
        if listing.triggered or listing.trailing or touches(listing, bar.low, bar.high):
            self._range(listing, bar, end, out)
        if listing.arriving:
            self._inside(listing, bar, end, out)
        if listing.timed:
            self._cancel_late(listing, end, out)
        if execution.volume_bound:
            out.sort(key=_time)
        listing.bar = bar
        if account.several and listing.position:
            watch(listing)

    def arrive_inside(self, listing: Listing, order: Working, bar: Candle, out: list[VenueFact]) -> None:
        """Fill a market order that arrived inside a bar which was already played."""
        if self._execution.volume_bound and listing.room_of != bar.ts:
            self._execution.see_volume(listing, _div(bar.volume, listing.contract_size), bar.ts)
        raw = worse(order.buy, bar.open, bar.close)
        self._meeting.cross(listing, order, raw, None, bar.ts + bar.interval, out)
        if self._execution.account.several and listing.position:
            watch(listing)

    def _expire_inside(self, listing: Listing, end: int, out: list[VenueFact]) -> None:
        due = [order for order in self._execution.working(listing) if order.expires_ns and order.expires_ns < end]
        for order in sorted(due, key=lambda order: order.expires_ns):
            # What was filled of it at the open is known with the bar's volume, at the close: so is the rest.
            at = end if order.filled and self._execution.volume_bound else order.expires_ns
            self._execution.expire(listing, order, at, TIME_UP, out)

    def _cancel_late(self, listing: Listing, end: int, out: list[VenueFact]) -> None:
        for order in self._execution.working(listing):
            if order.cancel_at and order.cancel_at <= end:
                self._execution.cancel(listing, order, end, REQUESTED, out)

    def _range(self, listing: Listing, bar: Candle, end: int, out: list[VenueFact]) -> None:
        low, high, opened = bar.low, bar.high, bar.open
        down = self._touched(listing, DOWN, low) if listing.falls_to(low) else []
        up = self._touched(listing, UP, high) if listing.rises_to(high) else []
        if down or up or low <= listing.liquidation_below or high >= listing.liquidation_above:
            listing.benefit = listing.position.copy_abs()
            listing.held_short = short = listing.position < ZERO
            aside: list[Working] = []
            if short:
                self._leg(listing, up, False, high, opened, aside, end, out)
                self._leg(listing, self._touched(listing, DOWN, low), True, low, opened, aside, end, out)
            else:
                self._leg(listing, down, True, low, opened, aside, end, out)
                self._leg(listing, self._touched(listing, UP, high), False, high, opened, aside, end, out)
            for order in aside:
                if order.shelf != ENDED:
                    self._again(listing, order, opened, end, out)
            listing.benefit = None
            if low <= listing.liquidation_below or high >= listing.liquidation_above:
                self._execution.liquidate(listing, opened, end, out)
        if listing.triggered:
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
            if order.reduce_only and not _may_reduce(listing, order):
                aside.append(order)
            else:
                self._meeting.reach(listing, order, opened, False, end, out)
        if extreme <= listing.liquidation_below if falling else extreme >= listing.liquidation_above:
            self._execution.liquidate(listing, opened, end, out)

    def _again(self, listing: Listing, order: Working, opened: Decimal, end: int, out: list[VenueFact]) -> None:
        """A reduce-only order that was reached with nothing to reduce: a stop closes what was entered since."""
        reducible = listing.position < ZERO if order.buy else listing.position > ZERO
        if not reducible:
            self._execution.cancel(listing, order, end, NOTHING_TO_REDUCE, out)
        elif order.adverse:
            self._meeting.reach(listing, order, opened, False, end, out)

    def _close_proves(self, listing: Listing, bar: Candle, end: int, out: list[VenueFact]) -> None:
        """Orders triggered in this bar are filled in it only if the close lies beyond their limit."""
        for shelf in (listing.down, listing.up):
            for order in [order for order in shelf.values() if order.dormant]:
                order.dormant = False
                listing.triggered -= 1
                if reached(order, bar.close):
                    self._execution.rest(listing, order, None, False, end, out)
                if order.shelf != ENDED and order.at_once:
                    self._execution.expire(listing, order, end, NOT_FILLED_AT_ONCE, out)

    def _ratchet(self, listing: Listing, bar: Candle, end: int, out: list[VenueFact]) -> None:
        """Trailing stops follow the favourable extreme, after the adverse one was tested; the close may prove a hit."""
        self._meeting.ratchet(listing, bar.high, bar.low)
        for shelf in (listing.down, listing.up):
            for order in [order for order in shelf.values() if order.kind == TRAILING]:
                if reached(order, bar.close):
                    self._meeting.reach(listing, order, bar.close, False, end, out)

    def _inside(self, listing: Listing, bar: Candle, end: int, out: list[VenueFact]) -> None:
        """Market orders that arrived inside the bar take the worse of the two prints around them."""
        for order in list(listing.arriving.values()):
            if order.kind == MARKET and bar.ts < order.at < end:
                raw = worse(order.buy, bar.open, bar.close)
                self._meeting.cross(listing, order, raw, None, end, out)


def touches(listing: Listing, low: Decimal, high: Decimal) -> bool:
    """Whether a range may reach a liquidation price or any resting order."""
    return (
        low <= listing.liquidation_below
        or high >= listing.liquidation_above
        or listing.falls_to(low)
        or listing.rises_to(high)
    )


def sound(bar: Candle, price_most: Decimal) -> bool:
    """Whether the four prices are positive, at most `price_most` and consistent."""
    low, high = bar.low, bar.high
    try:
        return ZERO < low <= bar.open <= high <= price_most and low <= bar.close <= high
    except InvalidOperation:
        return False


def _may_reduce(listing: Listing, order: Working) -> bool:
    """Whether a reduce-only order has something to reduce; what was entered in this bar only a stop may close."""
    if not (listing.position < ZERO if order.buy else listing.position > ZERO):
        return False
    return order.adverse or (bool(listing.benefit) and listing.held_short is order.buy)


def _time(report: VenueFact) -> int:
    return report.ts


def _falling(order: Working) -> tuple[Decimal, bool, int]:
    return order.level.copy_negate(), not order.adverse, order.seq


def _rising(order: Working) -> tuple[Decimal, bool, int]:
    return order.level, not order.adverse, order.seq
