"""Replay: take the facts of a journal, decide again, and compare byte for byte.

Two things are proved in one pass. *Deciding again*: a fresh desk is given every fact and must make the
recorded decisions, in the same order, in the same bytes. *Recovery*: a second state folds the recorded facts
and decisions without asking any strategy, as a restart does, and must end as the first, which must be what
the session wrote down when it stopped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from decimal import localcontext
from pathlib import Path

from msgspec import Struct

from kedge.backtest.recording import codec
from kedge.backtest.session import desk_for
from kedge.core.desk import Desk
from kedge.core.state import State
from kedge.core.step import step
from kedge.core.strategy.base import BaseStrategy
from kedge.journal.codec import Codec
from kedge.journal.read import read
from kedge.journal.record import START, STOP, Record
from kedge.model.decisions import Decision
from kedge.model.errors import DataError
from kedge.model.facts import SessionStarted, SessionStopped, StrategySpec
from kedge.model.kinds import DECISIONS
from kedge.model.money import EXACT

#: Makes a strategy again from how the session named it.
Loader = Callable[[StrategySpec], BaseStrategy]

DIFFERENCES_MAX = 20


class Difference(Struct, frozen=True):
    """Record `n` is not what deciding again gives."""

    n: int
    recorded: str
    decided: str


class ReplayReport(Struct, frozen=True):
    """What a replay found. `folded` is the digest of the recovered state, `decided` of the one that decided
    again.
    """

    records: int
    facts: int
    decisions: int
    differences: tuple[Difference, ...]
    folded: str
    decided: str
    recorded: str

    @property
    def ok(self) -> bool:
        """Every decision was made again, and all states agree."""
        states_agree = self.folded == self.decided and self.recorded in ("", self.decided)
        return not self.differences and states_agree


def replay(directory: str | os.PathLike[str], load: Loader) -> ReplayReport:
    """Decide again over the journal in `directory`; `load` makes the strategies that its manifest names."""
    with localcontext(EXACT):
        return _Replay(codec(), load).run(read(Path(directory)))


class _Replay:
    def __init__(self, codec: Codec, load: Loader) -> None:
        self._codec = codec
        self._load = load
        self._folded = State()
        self._desk: Desk | None = None
        self._due: list[Decision] = []
        self._records = self._facts = 0
        self._recorded = ""
        self._differences: list[Difference] = []

    def run(self, records: Iterator[Record]) -> ReplayReport:
        for record in records:
            self._records += 1
            value = self._codec.decode(record)
            if record.kind in DECISIONS:
                self._compare(record)
                self._folded.apply(value)
            else:
                self._missing(record.n)
                self._take(record, value)
            self._folded.seq = record.n
        self._missing(self._records + 1)
        if self._desk is None:
            raise DataError("the journal is empty; there is nothing to replay")
        return ReplayReport(
            records=self._records,
            facts=self._facts,
            decisions=self._records - self._facts,
            differences=tuple(self._differences),
            folded=self._folded.digest(),
            decided=self._desk.state.digest(),
            recorded=self._recorded,
        )

    def _take(self, record: Record, fact: object) -> None:
        self._facts += 1
        if isinstance(fact, SessionStarted) and self._desk is None:
            strategies = [self._load(spec) for spec in fact.strategies]
            self._desk = desk_for(strategies)
        if self._desk is None:
            raise DataError(f"record {record.n} is a {record.kind}; a journal begins with {START!r}")
        if isinstance(fact, SessionStopped):
            self._check_stop(fact)
        self._due = list(step(self._desk, fact))  # type: ignore[arg-type]
        self._due.reverse()
        self._folded.fold(fact)  # type: ignore[arg-type]

    def _check_stop(self, fact: SessionStopped) -> None:
        """The digest was taken before the stop was folded; so it is here."""
        assert self._desk is not None
        self._recorded = fact.state_sha256
        if fact.state_sha256 and fact.state_sha256 != self._desk.state.digest():
            self._differ(self._records, f"{STOP} state {fact.state_sha256}", f"state {self._desk.state.digest()}")
        elif fact.state_sha256:
            self._recorded = ""

    def _compare(self, record: Record) -> None:
        if not self._due:
            self._differ(record.n, f"{record.kind} {record.body.decode()}", "nothing")
            return
        kind, _, body = self._codec.encode(self._due.pop())
        if kind != record.kind or body != record.body:
            self._differ(record.n, f"{record.kind} {record.body.decode()}", f"{kind} {body.decode()}")

    def _missing(self, n: int) -> None:
        """Decisions that were made again but are not in the journal."""
        while self._due:
            kind, _, body = self._codec.encode(self._due.pop())
            self._differ(n, "nothing", f"{kind} {body.decode()}")

    def _differ(self, n: int, recorded: str, decided: str) -> None:
        if len(self._differences) < DIFFERENCES_MAX:
            self._differences.append(Difference(n, recorded[:500], decided[:500]))
