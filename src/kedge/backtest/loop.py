"""The two worlds of a backtest, joined by a delay: ours, which takes steps, and the venue's, which matches.

Everything that travels between them (an order out, a report back, a timer) is a message with the time of its
arrival. A market fact happens at the venue first: commands that have arrived by then meet it, what it fills
is reported, and reports that reach us before the fact is known to us (a candle is known when it closes) are
handled before it. Then we see the fact and decide. With no latency the messages of a moment are delivered
within it.

This is the whole difference between a backtest and live trading: where facts come from. Deciding is `step`,
the same one.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from heapq import heappop, heappush
from itertools import chain, islice
from typing import Any, Final, Protocol

from msgspec import structs

from kedge.backtest.fills import FillLog
from kedge.core.desk import Desk
from kedge.core.state import State
from kedge.core.step import step
from kedge.model.decisions import (
    Approved,
    Booked,
    CancelRequested,
    Command,
    Decision,
    HaltChanged,
    Quarantined,
    QueryRequested,
    Refused,
    StrategyDisabled,
    TimerSet,
)
from kedge.model.errors import StrategyError
from kedge.model.facts import Fact, Fill, FundingPayment, MalformedFact, TimerFired, VenueFact
from kedge.model.market import Candle, MarketEvent, Trade
from kedge.model.money import ZERO

# A class of another module is looked up by its name each time, even compiled, unless it is ours and final.
_CANDLE: Final = Candle
_TRADE: Final = Trade

#: What is shown of a fact that was not believed and is no candle: it has no price.
_UNSEEN: Final = MalformedFact(0, "", "", "", "")

#: After so many facts the log may put away what is over.
FACTS_A_FOLD = 1 << 15

#: A strategy that answers its own fills for ever within one moment is stopped here.
MESSAGES_PER_MOMENT_MAX = 100_000


class Venue(Protocol):
    """The venue's world, as the loop needs it."""

    busy: bool

    def submit(self, command: Command, at: int) -> Iterable[VenueFact]:
        """A command arrives."""

    def on_market(self, fact: MarketEvent) -> Sequence[VenueFact]:
        """The market moves."""

    def forget(self, candle: Candle) -> None:
        """A candle that was not believed did not happen."""


class Delays(Protocol):
    """How long messages travel, in nanoseconds; each call is one message."""

    def order_ns(self) -> int:
        """From us to the venue."""

    def report_ns(self) -> int:
        """From the venue to us."""

    def feed_ns(self) -> int:
        """Market data from the venue to us."""


class Log(Protocol):
    """What is kept of a run: for each candle the time it closed, the price and (with several) the symbol.

    Other facts are counted in `ticks`, and a symbol's next one after `next_marks` is a point too.
    """

    times: array[int]
    prices: list[Decimal]
    note_symbol: Callable[[str], None] | None
    next_marks: dict[str, int]
    ticks: int

    def account(self, state: State) -> None:
        """The account changed before the next point."""

    def fold(self) -> None:
        """Put away what is over."""

    def mark(self, fact: MarketEvent, at: int) -> None:
        """A market fact that is no candle, and the first of its symbol since the time in `next_marks`."""


Journal = Callable[[Fact, list[Decision]], None]


class Loop:
    """Drives one desk over one history; `journal`, where given, gets each fact with its decisions before
    anything leaves.

    `coarse` names the (symbol, interval) candles that only strategies see: the venue matches against the
    finest stream.
    """

    def __init__(
        self,
        desk: Desk,
        venue: Venue,
        delays: Delays | None = None,
        journal: Journal | None = None,
        coarse: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        self._desk = desk
        self._venue = venue
        self._delays = delays
        self._journal = journal
        self._coarse = coarse
        self._messages: list[tuple[int, int, Any]] = []
        self._count = 0
        self.fills = FillLog()
        self._booking: Booked | None = None
        self.funding: list[FundingPayment] = []
        self.counts: defaultdict[type, int] = defaultdict(int)
        #: Decisions that a result tells of, one by one.
        self.noted: list[Decision] = []
        self._note = self.noted.append
        #: What is done with a decision of a kind; others are only counted.
        self._handlers: dict[type, Callable[[Any], None]] = {
            **dict.fromkeys((Approved, CancelRequested, QueryRequested), self._leave),
            **dict.fromkeys((Refused, Quarantined, StrategyDisabled, HaltChanged), self._note),
            TimerSet: self._set_timer,
            Booked: self._booked,
        }
        #: What is done with a message of a kind when it arrives; others are facts to be taken.
        self._arrivals: dict[type, Callable[[Any, int], None]] = {
            **dict.fromkeys((Approved, CancelRequested, QueryRequested), self._reach_venue),
            TimerFired: self._take_timer,
            Fill: self._take_fill,
            FundingPayment: self._take_funding,
        }
        self.participation = ZERO
        self.account_changed = True

    def take(self, fact: Fact) -> None:
        """Take one step and send what it decided on its way."""
        decisions = step(self._desk, fact)
        if self._journal is not None:
            self._journal(fact, decisions)
        if decisions:
            self._send(decisions)

    def run(self, history: Iterable[MarketEvent], log: Log) -> None:
        """Play the history to its end; `log` keeps what a result needs of each moment."""
        facts = iter(history)
        for first in facts:
            self._play(chain((first,), islice(facts, FACTS_A_FOLD)), log)
            log.fold()

    def _play(self, facts: Iterable[MarketEvent], log: Log) -> None:
        desk, venue, messages, delays = self._desk, self._venue, self._messages, self._delays
        journal, coarse = self._journal, self._coarse
        note_time, note_price, note_symbol = log.times.append, log.prices.append, log.note_symbol
        marks, ticks, on_market = log.next_marks, 0, venue.on_market
        fact: Any
        for fact in facts:
            kind = type(fact)
            known = over = fact.ts + fact.interval if kind is _CANDLE else fact.ts
            if delays is not None:
                known += delays.feed_ns()
                if known != over:
                    fact = structs.replace(fact, received=known)  # noqa: PLW2901  (the same fact as we get to see it)
            if messages:
                self._deliver(over)
            if (venue.busy or (kind is not _CANDLE and kind is not _TRADE)) and not (
                coarse and kind is _CANDLE and (fact.symbol, fact.interval) in coarse
            ):
                reports = on_market(fact)
                if reports:
                    for report in reports:
                        self._report(report)
                        if kind is _CANDLE and type(report) is Fill and fact.volume:
                            self.participation = max(self.participation, report.quantity / fact.volume)
                if messages:
                    self._deliver(known)
            decisions = step(desk, fact)
            if journal is not None:
                journal(fact, decisions)
            if decisions:
                if type(decisions[0]) is Quarantined:
                    fact = self._unbelieved(fact)  # noqa: PLW2901  (what is shown in its place)
                self._send(decisions)
                self._deliver(known)
            if self.account_changed:
                self.account_changed = False
                log.account(desk.state)
            if kind is _CANDLE:
                note_time(over)
                note_price(fact.close)
                if note_symbol is not None:
                    note_symbol(fact.symbol)
            else:
                ticks += 1
                if over >= marks.get(fact.symbol, 0):
                    log.mark(fact, over)
        log.ticks += ticks

    def _unbelieved(self, fact: Any) -> Any:
        """What the curve shows where a fact was not believed: that the price, where one is known, did not move."""
        price = self._desk.state.price(fact.symbol)
        if type(fact) is Candle:
            self._venue.forget(fact)
            return fact if price is None else structs.replace(fact, close=price)
        return _UNSEEN

    def finish(self) -> None:
        """Deliver what is still on its way once the history is over, timers aside."""
        self._messages = [entry for entry in self._messages if type(entry[2]) is not TimerFired]
        self._deliver(max((entry[0] for entry in self._messages), default=0) + 1)

    def _send(self, decisions: list[Decision]) -> None:
        counts, handlers = self.counts, self._handlers
        for decision in decisions:
            kind = type(decision)
            counts[kind] += 1
            if kind in handlers:
                handlers[kind](decision)

    def _leave(self, command: Command) -> None:
        """A command goes on its way to the venue."""
        at = self._desk.state.now
        if self._delays is not None:
            at += self._delays.order_ns()
        self._post(at, command)

    def _set_timer(self, timer: TimerSet) -> None:
        if timer.due_ns:
            self._post(timer.due_ns, TimerFired(timer.due_ns, timer.name))

    def _booked(self, booked: Booked) -> None:
        self._booking = booked

    def _report(self, report: Any) -> None:
        """A report goes on its way to us."""
        at = report.ts
        if self._delays is not None:
            delay = self._delays.report_ns()
            if delay:
                at += delay
                report = structs.replace(report, received=at)
        self._count = count = self._count + 1
        heappush(self._messages, (at, count, report))

    def _post(self, at: int, message: object) -> None:
        self._count = count = self._count + 1
        heappush(self._messages, (at, count, message))

    def _deliver(self, until: int) -> None:
        """Deliver every message that arrives by `until`, in the order of arrival, those that this causes included."""
        messages, arrivals = self._messages, self._arrivals
        delivered = 0
        while messages and messages[0][0] <= until:
            at, _, message = heappop(messages)
            arrive = arrivals.get(type(message))
            if arrive is None:
                self.take(message)
            else:
                arrive(message, at)
            delivered += 1
            if delivered > MESSAGES_PER_MOMENT_MAX:
                raise StrategyError(
                    f"more than {MESSAGES_PER_MOMENT_MAX} messages without time passing; "
                    "a strategy answers its own fills for ever"
                )

    def _reach_venue(self, command: Command, at: int) -> None:
        for report in self._venue.submit(command, at):
            self._report(report)

    def _take_timer(self, timer: TimerFired, at: int) -> None:
        if self._desk.state.timers.due.get(timer.name) == at:  # else it was set anew or dropped
            self.take(timer)

    def _take_fill(self, fill: Fill, at: int) -> None:
        self.take(fill)
        self.account_changed = True
        booking, self._booking = self._booking, None
        if booking is not None:  # else it was an exact repeat
            self.fills.append(fill, booking.strategy, booking.realized)

    def _take_funding(self, payment: FundingPayment, at: int) -> None:
        self.take(payment)
        self.funding.append(payment)
        self.account_changed = True
