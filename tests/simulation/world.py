"""A world to trade in: desk, write-ahead journal, delays, faults and the venue, driven from one seed.

A run trades under faults, is flattened by an operator in the middle of it, and flattened again after a crash; between, the
faults stop for a while so that everything on its way arrives, and the auditor compares the two books. After a crash the
state is folded from what the disk kept and a new epoch goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext

from kedge.backtest.curve import CurveRecorder
from kedge.backtest.log import RunLog
from kedge.backtest.loop import Loop
from kedge.backtest.recording import codec
from kedge.backtest.replay import ReplayReport, _Replay
from kedge.backtest.session import desk_for, specs_of
from kedge.core.desk import Desk
from kedge.core.market.handler import MarketDataHandler
from kedge.core.state import State
from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.registry import StrategyRegistry
from kedge.journal.memory import MemoryDisk
from kedge.journal.read import read
from kedge.journal.verify import verify
from kedge.model.decisions import Decision, HaltState
from kedge.model.facts import Fact, OperatorAction, OperatorCommand, SessionStarted, StrategySpec
from kedge.model.kinds import DECISIONS
from kedge.model.limits import RiskConfig
from kedge.model.market import MarketEvent
from kedge.model.money import EXACT
from kedge.venues.sim.faults import Fault, FaultSource, FaultyVenue, SeededFaults
from kedge.venues.sim.generator import SplitMix64
from kedge.venues.sim.latency import FixedLatency, JitteredLatency
from tests.simulation import chaos
from tests.simulation.auditor import Auditor, Door, Violation, WatchedVenue
from tests.simulation.chaos import INSTRUMENTS, LIMITS, MS, POSITION_MAX, START, SYMBOLS, ChaosStrategy
from tests.simulation.evidence import Durable, WriteAhead

CASH = Decimal(1_000_000)
MOMENTS = 160
QUIET = 60


class Tap:
    """Faults that can be shut off."""

    def __init__(self, source: FaultSource) -> None:
        self._source = source
        self.open = True

    def draw(self, fault: Fault) -> int | None:
        """As the source says, while the tap is open."""
        return self._source.draw(fault) if self.open else None


class World:
    """One seeded run; `trade` drives it, `prove` looks at the journal it leaves."""

    def __init__(
        self, seed: int, doses: Mapping[Fault, int] | None = None, risk: RiskConfig = LIMITS, moments: int = MOMENTS
    ) -> None:
        self.seed, self.moments, self.risk = seed, moments, risk
        self.disk = MemoryDisk()
        self.auditor = Auditor(risk.position_quantity_max or POSITION_MAX, CASH, INSTRUMENTS)
        self.venue = WatchedVenue(INSTRUMENTS, CASH)
        self.venue.auditor = self.auditor
        self.tap = Tap(SeededFaults(seed, chaos.doses(seed) if doses is None else doses, 2_000 * MS))
        self.faulty = FaultyVenue(self.venue, self.tap)
        self.dice = SplitMix64(seed ^ 0xD1CE)
        self.digests: dict[int, str] = {}
        self.now = START
        self.epoch = 0
        self.strategies: list[BaseStrategy] = []
        self.specs: tuple[StrategySpec, ...] = ()
        self.facts = 0
        self.log = RunLog(CurveRecorder(CASH, list(SYMBOLS), 1 << 20), list(SYMBOLS))
        self.begin(State(MarketDataHandler()))

    # a session -------------------------------------------------------------------------------------------------------

    def begin(self, state: State) -> None:
        """Open the journal, start an epoch over `state`, and be ready to trade."""
        until = self.now + self.moments * 100 * MS
        self.strategies = [
            ChaosStrategy(label=label, seed=self.seed * 31 + place + self.epoch, until_ns=until, pace=250)
            for place, label in enumerate("ab")
        ]
        self.specs = specs_of(self.strategies, {})
        desk = self.desk = desk_for(self.strategies) if not self.epoch else self._again(state)
        self.writer = WriteAhead(self.disk, desk.state)
        self.epoch = self.writer.log.epoch
        self.auditor.state, self.auditor.durable = desk.state, Durable(self.disk)
        delays = JitteredLatency(FixedLatency(5 * MS, 5 * MS, 1 * MS), 5 * MS, self.seed)
        self.loop = Loop(desk, Door(self.faulty, self.auditor), delays, self.journal)
        self.loop.take(SessionStarted(self.now, "sim", self.epoch, "USD", CASH, INSTRUMENTS, self.risk, self.specs))

    def _again(self, state: State) -> Desk:
        for strategy in self.strategies:
            strategy.reset()
        return Desk(state, StrategyRegistry(self.strategies))

    def journal(self, fact: Fact, decisions: list[Decision]) -> None:
        """The write-ahead, and beside it the auditor's notes; now and then a digest to hold the journal against."""
        self.writer.write(fact, decisions)
        self.auditor.decided(fact, decisions)
        self.facts += 1
        if self.dice.below(150) == 0:
            self.digests[self.desk.state.seq] = self.desk.state.digest()

    def play(self, facts: Iterable[MarketEvent]) -> None:
        """Let the market move."""
        for fact in facts:
            self.now = max(self.now, fact.ts)
            self.loop.run((fact,), self.log)

    def command(self, action: OperatorAction, target: str = "") -> None:
        """An operator's order."""
        self.now += MS
        self.loop.take(OperatorCommand(self.now, action, "anna", "a test", target))

    def quiet(self) -> None:
        """The faults stop and everything on its way arrives; the market goes on, the strategies do not."""
        self.tap.open = False
        for strategy in self.strategies:
            assert isinstance(strategy, ChaosStrategy)
            strategy.until_ns = min(strategy.until_ns, self.now)
        for report in self.faulty.release_all():
            self.loop._report(report)
        self.now += 500 * MS
        self.play(chaos.market(self.seed + 7, QUIET, start=self.now))
        self.loop._deliver(self.now + 200 * MS)  # what the last fact brought about

    # the run ---------------------------------------------------------------------------------------------------------

    def trade(self) -> None:
        """Trade under faults, flatten, crash, go on, flatten again."""
        with localcontext(EXACT):
            self.play(chaos.market(self.seed, self.moments, start=self.now))
            self.flatten()
            self.crash()
            self.command(OperatorAction.RESUME)
            self.tap.open = True
            self.play(chaos.market(self.seed + 1, self.moments, start=self.now + MS))
            if self.seed % 2:
                self.quiet()
                self.auditor.at_rest(self.venue)
                self.tap.open = True
            self.flatten()

    def flatten(self) -> None:
        """An operator stops everything under faults; once they end there is no order, no position, and the latch (I5)."""
        self.command(OperatorAction.FLATTEN)
        self.play(chaos.market(self.seed + 3, 40, start=self.now + MS))
        self.quiet()
        self.auditor.at_rest(self.venue)
        least = {each.symbol: each.min_quantity for each in INSTRUMENTS}
        left = {symbol: held for symbol, held in self.venue.positions().items() if abs(held) >= least[symbol]}
        if left or self.venue.open_orders():
            raise Violation(f"I5: after a flatten {left} is held and {self.venue.open_orders()} works")
        if self.desk.state.halt is not HaltState.FLAT:
            raise Violation(f"I5: after a flatten the system is {self.desk.state.halt}")

    def crash(self) -> None:
        """The power goes; the next process folds what the disk kept and starts a new epoch from there."""
        live = self.desk.state
        self.writer.log.commit()  # facts that nobody acted on may still be on their way to the disk
        self.disk = self.disk.crash()
        state = folded(self.disk)
        if state.digest() != live.digest():
            raise Violation("I6: the state folded from the journal is not the one that was lost")
        self.now += 1_000 * MS
        self.begin(state)
        if self.desk.state.halt is not HaltState.FLAT:
            raise Violation(f"I7: after a restart the system is {self.desk.state.halt}, it was flat and latched")

    def prove(self) -> None:
        """I6 and I12 on the journal the run leaves: chain, order, and the state at every moment a digest was taken."""
        with localcontext(EXACT):
            self.writer.log.close()
            report = verify(self.disk)
            if not report.ok or report.n != self.desk.state.seq:
                raise Violation(f"I12: {report.problems or report.n}")
            state = folded(self.disk, self.digests)
            if state.digest() != self.desk.state.digest():
                raise Violation("I6: the state folded from the journal is not the live one")

    def decide_again(self) -> ReplayReport:
        """Give the facts of the first epoch to a new desk and compare its decisions with the record."""
        made = iter(self._fresh())
        with localcontext(EXACT):
            return _Replay(codec(), lambda spec: next(made)).run(each for each in read(self.disk) if each.epoch == 1)

    def _fresh(self) -> list[BaseStrategy]:
        until = START + self.moments * 100 * MS
        return [ChaosStrategy(label=x, seed=self.seed * 31 + i, until_ns=until, pace=250) for i, x in enumerate("ab")]


def folded(disk: MemoryDisk, digests: Mapping[int, str] | None = None) -> State:
    """The state that the journal on `disk` tells, folded as a restart does; `digests` are held against it on the way."""
    state, decode = State(MarketDataHandler()), codec().decode
    due = dict(digests or {})
    last = 0
    for record in read(disk):
        if not record.cause and last in due and due.pop(last) != state.digest():
            raise Violation(f"I6: the state folded up to record {last} is not the one that was live then")
        value = decode(record)
        if record.kind in DECISIONS:
            state.apply(value)
        else:
            state.fold(value)
        state.seq = last = record.n
    return state
