"""A trading session in a test's hand: the real step, loop, gate, journal and simulated venue, with scripted faults.

The test plays the market, the operator and the strategy's wishes; everything between is what trades. `restart` cuts the
power: the next session folds what the disk kept, under the next epoch, and the venue is as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from typing import TypeVar

from msgspec import structs

from kedge.backtest.curve import CurveRecorder
from kedge.backtest.log import RunLog
from kedge.backtest.loop import Loop
from kedge.core.desk import Desk
from kedge.core.market.handler import MarketDataHandler
from kedge.core.state import State
from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.core.strategy.registry import StrategyRegistry
from kedge.journal.memory import MemoryDisk
from kedge.model.decisions import Approved, CancelRequested, Command, Decision, HaltChanged, HaltState, Refused
from kedge.model.facts import Fact, Fill, OperatorAction, OperatorCommand, SessionStarted, VenueFact
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.limits import RiskConfig
from kedge.model.market import Candle, MarketEvent, Quote
from kedge.model.money import EXACT
from kedge.model.signal import Wish
from kedge.venues.sim.faults import FaultyVenue, Mishap, ScriptedFaults
from kedge.venues.sim.fees import FeeModel
from kedge.venues.sim.latency import FixedLatency
from kedge.venues.sim.venue import SimulatedVenue
from tests.simulation.evidence import WriteAhead
from tests.simulation.world import folded

D = Decimal
CASH = D(100_000)
MS = 1_000_000
SECOND = 1_000 * MS
DAY = 86_400 * SECOND
#: Midnight UTC, so that a test knows how far the day's end is.
START = 1_700_006_400_000_000_000
BTC = "BTC-USD"
ETH = "ETH-USD"

PERPETUAL = Instrument(
    BTC, "BTC", "USD", "USD", InstrumentKind.PERPETUAL, tick_size=D("0.1"), lot_size=D("0.1"), taker_fee=D("0.001"),
    max_leverage=D(20), shortable=True,
)  # fmt: skip
OTHER = structs.replace(PERPETUAL, symbol=ETH, base="ETH")
SPOT = Instrument(BTC, "BTC", "USD", tick_size=D("0.1"), lot_size=D("0.001"), taker_fee=D("0.001"))

T = TypeVar("T")


class ScriptedStrategy(BaseStrategy):
    """Wants at the next quote or candle what the test told it to."""

    label: str = "s"
    symbols: str = BTC

    def name(self) -> str:
        return self.label

    def required_symbols(self) -> Sequence[str]:
        return self.symbols.split(",")

    def reset(self) -> None:
        self.next: list[Wish] = []
        self.always: list[Wish] = []
        self.seen: list[MarketEvent] = []
        self.fills: list[Fill] = []
        self.on_fill_wants: list[Wish] = []

    def on_quote(self, quote: Quote) -> Wishes:
        return self._want(quote)

    def on_candle(self, candle: Candle) -> Wishes:
        return self._want(candle)

    def on_fill(self, fill: Fill) -> Wishes:
        self.fills.append(fill)
        wants, self.on_fill_wants = self.on_fill_wants, []
        return wants

    def _want(self, fact: MarketEvent) -> Wishes:
        self.seen.append(fact)
        wants, self.next = self.next, []
        return [*wants, *self.always]


class Session:
    """One session; `decisions` are all that was decided, `sent` the commands as they arrived at the venue."""

    def __init__(
        self,
        risk: RiskConfig = RiskConfig(),  # noqa: B008  (frozen)
        *,
        strategies: Sequence[BaseStrategy] = (),
        instruments: Sequence[Instrument] = (PERPETUAL,),
        cash: Decimal = CASH,
        faults: Iterable[Mishap] = (),
        latency_ms: int = 0,
        fees: FeeModel | None = None,
        state: State | None = None,
        venue: SimulatedVenue | None = None,
        disk: MemoryDisk | None = None,
        now: int = START,
    ) -> None:
        self.risk, self.instruments, self.cash, self.now = risk, tuple(instruments), cash, now
        self.latency_ms = latency_ms
        self.strategy = ScriptedStrategy()
        self.strategies = list(strategies) or [self.strategy]
        self.venue = SimulatedVenue(self.instruments, cash, fees=fees) if venue is None else venue
        self.faulty = FaultyVenue(self.venue, ScriptedFaults(faults))
        self.busy = True
        self.sent: list[Command] = []
        self.reports: list[VenueFact] = []
        self.facts: list[Fact] = []
        self.decisions: list[Decision] = []
        self.desk = Desk(State(MarketDataHandler()) if state is None else state, StrategyRegistry(self.strategies))
        self.state = self.desk.state
        self.disk = MemoryDisk() if disk is None else disk
        self.writer = WriteAhead(self.disk, self.state)
        symbols = [each.symbol for each in self.instruments]
        self._log = RunLog(CurveRecorder(cash, symbols, 1 << 16), symbols)
        delays = FixedLatency(latency_ms * MS) if latency_ms else None
        self.loop = Loop(self.desk, self, delays, self._journal)
        self.tell(SessionStarted(now, "t", self.writer.log.epoch, "USD", cash, self.instruments, risk, operator="anna"))

    # what the loop needs of a venue: what passes is noted --------------------------------------------------------------

    def submit(self, command: Command, at: int) -> Sequence[VenueFact]:
        """A command reaches the venue."""
        self.sent.append(command)
        reports = self.faulty.submit(command, at)
        self.reports += reports
        return reports

    def on_market(self, fact: MarketEvent) -> Sequence[VenueFact]:
        """The market moves at the venue."""
        reports = self.faulty.on_market(fact)
        self.reports += reports
        return reports

    def forget(self, candle: Candle) -> None:
        """A candle that was not believed did not happen."""
        self.venue.forget(candle)

    def _journal(self, fact: Fact, decisions: list[Decision]) -> None:
        self.writer.write(fact, decisions)
        self.facts.append(fact)
        self.decisions += decisions

    # what a test does --------------------------------------------------------------------------------------------------

    def want(self, *wishes: Wish) -> None:
        """The strategy will want these at the next market fact of its symbol."""
        self.strategy.next += wishes

    def tell(self, *facts: Fact) -> None:
        """Facts that come from nowhere in particular."""
        with localcontext(EXACT):
            for fact in facts:
                self.loop.take(fact)

    def play(self, *facts: MarketEvent) -> None:
        """Market facts, through the venue and to us."""
        with localcontext(EXACT):
            for fact in facts:
                self.now = max(self.now, fact.ts)
                self.loop.run((fact,), self._log)

    def deliver(self) -> None:
        """Deliver all that is on its way and arrives soon."""
        with localcontext(EXACT):
            self.loop._deliver(self.now + 4 * self.latency_ms * MS)

    def quote(
        self,
        bid: Decimal | int | str,
        ask: Decimal | int | str,
        *,
        size: int = 1_000,
        symbol: str = BTC,
        after_ms: int = 100,
    ) -> None:
        """A quote some time later, and delivery of all that is on its way until then and shortly after."""
        self.now += after_ms * MS
        self.play(Quote(self.now, D(bid), D(ask), D(size), D(size), symbol))
        self.deliver()

    def trade(
        self, *wishes: Wish, bid: Decimal | int | str = 100, ask: Decimal | int | str = "100.1"
    ) -> list[Decision]:
        """What is decided when the strategy wants this at a quote and the next quote has passed."""
        before = len(self.decisions)
        self.want(*wishes)
        self.quote(bid, ask)
        self.quote(bid, ask)
        return self.decisions[before:]

    def command(self, action: OperatorAction, target: str = "") -> None:
        """An operator's order."""
        self.now += MS
        self.tell(OperatorCommand(self.now, action, "anna", "a test", target))
        self.deliver()

    def restart(self, risk: RiskConfig | None = None, cash: Decimal | None = None, after_ms: int = 1_000) -> Session:
        """The power goes; the session that the next process begins from what the disk kept."""
        self.writer.log.commit()
        disk = self.disk.crash()
        return Session(
            self.risk if risk is None else risk, instruments=self.instruments, cash=self.cash if cash is None else cash,
            latency_ms=self.latency_ms, state=folded(disk), venue=self.venue, disk=disk, now=self.now + after_ms * MS,
        )  # fmt: skip

    # what a test looks at ----------------------------------------------------------------------------------------------

    def made(self, kind: type[T]) -> list[T]:
        """The decisions of one kind."""
        return [each for each in self.decisions if isinstance(each, kind)]

    @property
    def orders(self) -> list[Approved]:
        """The orders that reached the venue."""
        return [each for each in self.sent if isinstance(each, Approved)]

    @property
    def cancels(self) -> list[CancelRequested]:
        """The cancels that reached the venue."""
        return [each for each in self.sent if isinstance(each, CancelRequested)]

    @property
    def refusals(self) -> list[Refused]:
        """The refusals, in order."""
        return self.made(Refused)

    @property
    def halts(self) -> list[HaltState]:
        """The halt states gone through."""
        return [each.after for each in self.made(HaltChanged)]

    def halt(self) -> HaltState:
        """The halt state now."""
        return self.state.halt

    def held(self, symbol: str = BTC) -> Decimal:
        """The position in our book."""
        return self.state.portfolio.position(symbol)

    def truth(self, symbol: str = BTC) -> Decimal:
        """The position at the venue."""
        return self.venue.position(symbol)


def failed(refusal: Refused | Approved) -> set[str]:
    """The checks that an order did not pass."""
    return {check.check for check in refusal.checks if not check.passed}


def waived(approval: Approved) -> set[str]:
    """The checks that were waived for an exit."""
    return {check.check for check in approval.checks if check.note.startswith("waived")}


def verdicts(decisions: Iterable[Decision]) -> list[Approved | Refused]:
    """The verdicts of the gate among `decisions`."""
    return [each for each in decisions if isinstance(each, Approved | Refused)]
