"""Faults: a venue that misbehaves on purpose, as real ones have (the hazards of the safety case).

`FaultyVenue` wraps a simulated venue and has its interface. At every opportunity for a fault it asks a source, which is
either seeded (rates per mille) or scripted (exactly these). Every fault that happened is noted on a tape, and the
tape is a script: a failing run is replayed, and shortened, from it.

    DROP_BEFORE     the command never arrives; its outcome is unknown (H1)
    DROP_REPLY      the command works, the answer is lost; its outcome is unknown (H1)
    REFUSE_CANCEL   the cancel is refused although the order lives on (H13)
    DUPLICATE       a report comes twice (H11)
    DELAY           a report comes later, and others overtake it (H12)
    OVERTAKE        a fill is held back until its order's end has been reported (H14)
    STRIP           the answer to a query carries no status (H5)

The ground truth is always the wrapped venue's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import structs

from kedge.model.decisions import Approved, CancelRequested, Command
from kedge.model.facts import (
    CancelRejected,
    Fill,
    MarketFact,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
    VenueFact,
)
from kedge.model.money import ZERO
from kedge.venues.sim.generator import SplitMix64
from kedge.venues.sim.venue import SimulatedVenue


class Fault(StrEnum):
    """What can go wrong; the table is at the top of this module."""

    DROP_BEFORE = "drop_before"
    DROP_REPLY = "drop_reply"
    REFUSE_CANCEL = "refuse_cancel"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    OVERTAKE = "overtake"
    STRIP = "strip"


#: A fault that happened: which, at which opportunity for it (from 1), and for how long (0: no time in it).
Mishap = tuple[Fault, int, int]


class FaultSource(Protocol):
    """Decides at each opportunity."""

    def draw(self, fault: Fault) -> int | None:
        """Whether `fault` happens now: the nanoseconds it lasts, or None."""


class SeededFaults:
    """Each fault happens with its rate per mille; delays are up to `delay_ns_max`."""

    __slots__ = ("_delay_ns_max", "_dice", "_rates")

    def __init__(self, seed: int, rates: Mapping[Fault, int], delay_ns_max: int) -> None:
        self._dice = SplitMix64(seed)
        self._rates = dict(rates)
        self._delay_ns_max = delay_ns_max

    def draw(self, fault: Fault) -> int | None:
        """Roll the dice for one opportunity."""
        rolled, lasts = self._dice.below(1000), self._dice.below(self._delay_ns_max) + 1
        return lasts if rolled < self._rates.get(fault, 0) else None


class ScriptedFaults:
    """Exactly the faults of a tape."""

    __slots__ = ("_seen", "_tape")

    def __init__(self, tape: Iterable[Mishap]) -> None:
        self._tape = {(fault, opportunity): lasts for fault, opportunity, lasts in tape}
        self._seen: dict[Fault, int] = {}

    def draw(self, fault: Fault) -> int | None:
        """Whether the tape has this opportunity."""
        self._seen[fault] = n = self._seen.get(fault, 0) + 1
        return self._tape.get((fault, n))


class FaultyVenue:
    """A simulated venue behind faults.

    Reports held back are handed out by the next call whose time has passed them, or by `release`. `tape` is what
    happened.
    """

    def __init__(self, venue: SimulatedVenue, source: FaultSource) -> None:
        self.venue = venue
        self.tape: list[Mishap] = []
        self._source = source
        self._opportunities: dict[Fault, int] = {}
        self._held: list[tuple[int, int, VenueFact]] = []
        self._overtaken: dict[str, list[VenueFact]] = {}
        self._n = 0

    @property
    def busy(self) -> bool:
        """Whether market facts could do anything, or reports are held back."""
        return self.venue.busy or bool(self._held) or bool(self._overtaken)

    def submit(self, command: Command, at: int) -> Sequence[VenueFact]:
        """Like the venue's, with faults on the way there and back."""
        out = self.release(at)
        order_id = command.intent.id if type(command) is Approved else _id_of(command)
        if self._happens(Fault.DROP_BEFORE):
            out.append(OutcomeUnknown(at, order_id, "request timed out"))
            return out
        if type(command) is CancelRequested and self._happens(Fault.REFUSE_CANCEL):
            out.append(CancelRejected(at, order_id, "venue is busy"))
            return out
        reports = list(self.venue.submit(command, at))
        if reports and self._happens(Fault.DROP_REPLY):
            reports = [report for report in reports if not _answers(report, order_id)]
            out.append(OutcomeUnknown(at, order_id, "no answer in time"))
        self._pass_on(reports, out)
        return out

    def on_market(self, fact: MarketFact) -> Sequence[VenueFact]:
        """Like the venue's, with faults on the way back."""
        out = self.release(fact.ts)
        self._pass_on(self.venue.on_market(fact), out)
        return out

    def release(self, now: int) -> list[VenueFact]:
        """Hand out the reports held back until `now`."""
        due = sorted(entry for entry in self._held if entry[0] <= now)
        if due:
            self._held = [entry for entry in self._held if entry[0] > now]
        return [report for _, _, report in due]

    def release_all(self) -> list[VenueFact]:
        """Hand out everything held back: the faults are over."""
        out = [report for _, _, report in sorted(self._held)]
        for fills in self._overtaken.values():
            out += fills
        self._held = []
        self._overtaken = {}
        return out

    def _pass_on(self, reports: Sequence[VenueFact], out: list[VenueFact]) -> None:
        for report in reports:
            if type(report) is OrderReport and self._happens(Fault.STRIP):
                self._send(structs.replace(report, status=None, filled=ZERO), out)
            elif type(report) is Fill and self._happens(Fault.OVERTAKE):
                self._overtaken.setdefault(report.order_id, []).append(report)
            else:
                self._send(report, out)
                if type(report) is OrderCancelled or type(report) is OrderExpired:
                    for fill in self._overtaken.pop(report.order_id, ()):
                        self._send(fill, out)

    def _send(self, report: VenueFact, out: list[VenueFact]) -> None:
        lasts = self._lasts(Fault.DELAY)
        if lasts is None:
            out.append(report)
        else:
            self._hold(report, report.ts + lasts)
        again = self._lasts(Fault.DUPLICATE)
        if again is not None:
            self._hold(report, report.ts + again)

    def _hold(self, report: VenueFact, until: int) -> None:
        self._n += 1
        self._held.append((until, self._n, report))

    def _happens(self, fault: Fault) -> bool:
        return self._lasts(fault) is not None

    def _lasts(self, fault: Fault) -> int | None:
        self._opportunities[fault] = n = self._opportunities.get(fault, 0) + 1
        lasts = self._source.draw(fault)
        if lasts is not None:
            self.tape.append((fault, n, lasts))
        return lasts


def _id_of(command: Command) -> str:
    assert not isinstance(command, Approved), "an approved order carries its id in the intent"
    return command.order_id


def _answers(report: VenueFact, order_id: str) -> bool:
    """Whether `report` is the answer to a request; fills come by their own way and are not lost with it."""
    answer = OrderAccepted | OrderRejected | OrderCancelled | OrderExpired | CancelRejected | OrderReport
    return isinstance(report, answer) and report.order_id == order_id
