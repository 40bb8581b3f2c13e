"""The auditor: an own ledger of what the venue did, held against what we believe and against what was allowed.

It stands at two places. At the door, where every command leaves us: nothing passes that the journal does not hold durably,
no client id passes twice (I1, I2), and our worst case with it is inside the limits (I3). And inside the venue, behind all
faults, where the truth is: after everything that happens there, the position and all it can become lie within what our book
says is possible, and within the limits (I3); no exit opened or turned a position (I10). It computes all of this from orders
and fills by itself and asks none of the functions that it examines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from kedge.core.state import State
from kedge.model.decisions import Approved, CancelRequested, Command, Decision, HaltChanged, HaltState, QueryRequested
from kedge.model.facts import Fact, Fill, FundingPayment, OperatorCommand, VenueFact
from kedge.model.instrument import Instrument
from kedge.model.market import Candle, MarketEvent
from kedge.model.order import Side
from kedge.venues.sim.faults import FaultyVenue
from kedge.venues.sim.venue import SimulatedVenue
from tests.simulation.evidence import Durable

D = Decimal

#: One order that may still move a position: whether it buys, what is left of it, whether the venue holds it to reduce-only.
Live = tuple[bool, Decimal, bool]

#: Cancels asked for one order; more is a storm.
CANCELS_PER_ORDER_MAX = 40


class Violation(AssertionError):
    """An invariant does not hold."""


class Auditor:
    """Holds what was sent and what happened against each other; raises `Violation`."""

    def __init__(self, limit: Decimal, cash: Decimal, instruments: Iterable[Instrument]) -> None:
        self.limit = limit
        self.start = cash
        self.instruments = {each.symbol: each for each in instruments}
        self.state: State | None = None
        self.durable: Durable | None = None
        self.sent: dict[str, Approved] = {}
        self.positions: dict[str, Decimal] = dict.fromkeys(self.instruments, D(0))
        self.paid = D(0)
        self.halt = HaltState.RUNNING
        self.exits: set[str] = set()
        self.fills = 0
        self._signals: set[tuple[int, str]] = set()
        self._cancels: dict[str, int] = {}
        self._stopped = False

    # what we decided -------------------------------------------------------------------------------------------------

    def decided(self, fact: Fact, decisions: Sequence[Decision]) -> None:
        """Note under which halt each order was approved, and that only a named human lifts a halt."""
        for decision in decisions:
            if isinstance(decision, HaltChanged):
                if decision.after is HaltState.RUNNING and not (
                    isinstance(fact, OperatorCommand) and decision.operator
                ):
                    raise Violation(f"I7: {decision} lifts a halt and no operator commanded it")
                self.halt = decision.after
            elif isinstance(decision, Approved) and (self.halt is not HaltState.RUNNING or decision.intent.reduce_only):
                self.exits.add(decision.intent.id)
                self._exit_decided(decision)

    def _exit_decided(self, approved: Approved) -> None:
        """An exit is opposite to what our book holds and no larger, whatever else is going on (C14, C15, I5, I10)."""
        intent = approved.intent
        held = self.believed(intent.symbol)
        if not (held * intent.side.sign < 0 and intent.quantity <= abs(held)):
            raise Violation(f"I10: {intent} was approved as an exit while {held} was held and the system {self.halt}")

    # at the door -----------------------------------------------------------------------------------------------------

    def leaves(self, command: Command) -> None:
        """A command leaves our process."""
        if isinstance(command, Approved):
            self._order_leaves(command)
        elif isinstance(command, CancelRequested):
            self._cancels[command.order_id] = self._cancels.get(command.order_id, 0) + 1
            if self._cancels[command.order_id] > CANCELS_PER_ORDER_MAX:
                raise Violation(
                    f"I14: {command.order_id} was asked to be cancelled {self._cancels[command.order_id]} times"
                )
        elif not isinstance(command, QueryRequested):
            raise Violation(f"I1: {command!r} is no command")

    def _order_leaves(self, approved: Approved) -> None:
        intent = approved.intent
        assert self.durable is not None
        kept = self.durable.approval(intent.id)
        if kept is None:
            raise Violation(f"I1: {intent.id} leaves and the journal holds no durable approval of it")
        price = D(kept["price"]) if "price" in kept else None
        record = (kept["symbol"], kept["side"], kept["order_type"], D(kept["quantity"]), price)
        if record != (intent.symbol, intent.side, intent.order_type, intent.quantity, intent.price):
            raise Violation(f"I1: {intent} leaves, the journal approves {kept}")
        if intent.id in self.sent:
            raise Violation(f"I2: the client id {intent.id} leaves a second time")
        signal = (intent.signal_n, intent.parent)
        if intent.signal_n and signal in self._signals:
            raise Violation(f"C11: signal {intent.signal_n} becomes a second order, {intent.id}")
        self._signals.add(signal)
        self.sent[intent.id] = approved
        long, short = reach(self.believed(intent.symbol), self.our_orders(intent.symbol))
        if not intent.reduce_only and max(long, -short) > self.limit:
            raise Violation(
                f"I3: with {intent.id} {intent.symbol} can become {short}..{long}, the limit is {self.limit}"
            )

    # at the venue ----------------------------------------------------------------------------------------------------

    def happened(self, venue: SimulatedVenue, reports: Iterable[VenueFact]) -> None:
        """Something happened at the venue; `reports` are its own, before any fault."""
        for report in reports:
            if isinstance(report, Fill):
                self._filled(report)
            elif isinstance(report, FundingPayment):
                self.paid -= report.amount
        for symbol in self.instruments:
            self._compare(venue, symbol)

    def _filled(self, fill: Fill) -> None:
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        before = self.positions[fill.symbol]
        after = self.positions[fill.symbol] = before + signed
        self.paid += signed * self.instruments[fill.symbol].contract_size * fill.price + fill.fee
        self.fills += 1
        if fill.order_id in self.exits and (abs(after) > abs(before) or before * after < 0):
            raise Violation(f"I10: the exit {fill.order_id} took {fill.symbol} from {before} to {after}")
        if fill.order_id not in self.sent:
            raise Violation(f"I1: {fill.order_id} filled and never left")

    def _compare(self, venue: SimulatedVenue, symbol: str) -> None:
        truth = venue.position(symbol)
        if truth != self.positions[symbol]:
            raise Violation(f"the auditor counts {self.positions[symbol]} {symbol}, the venue {truth}")
        long, short = reach(truth, venue_orders(venue, symbol))
        if max(long, -short) > self.limit:
            raise Violation(
                f"I3: {symbol} is {truth} at the venue and can become {short}..{long}, the limit is {self.limit}"
            )
        ours, believed = list(self.our_orders(symbol)), self.believed(symbol)
        most = believed + sum((left for buys, left, _ in ours if buys), D(0))
        least = believed - sum((left for buys, left, _ in ours if not buys), D(0))
        if not least <= short <= long <= most:
            raise Violation(f"I3: {symbol} can become {short}..{long} at the venue, our book says {least}..{most}")

    # what we believe -------------------------------------------------------------------------------------------------

    def believed(self, symbol: str) -> Decimal:
        """The position in our book."""
        assert self.state is not None
        held = self.state.portfolio.account.get(symbol)
        return D(0) if held is None else held.quantity

    def our_orders(self, symbol: str) -> Iterator[Live]:
        """The orders in our book that may still move the position."""
        assert self.state is not None
        orders = self.state.orders
        for order in [*orders.active.values(), *orders.owing.values()]:
            if order.symbol == symbol:
                whole = order.venue_quantity if order.status.is_terminal else order.quantity
                yield order.side is Side.BUY, whole - order.filled_quantity, order.reduce_only

    # when all is quiet -----------------------------------------------------------------------------------------------

    def at_rest(self, venue: SimulatedVenue) -> None:
        """Nothing is on its way: our book is the venue's, order by order and to the last digit (I4, I13)."""
        assert self.state is not None
        ours, theirs = set(self.state.orders.active), {report.order_id for report in venue.open_orders()}
        if ours != theirs:
            raise Violation(
                f"I4: orders only in our book {sorted(ours - theirs)}, only at the venue {sorted(theirs - ours)}"
            )
        if self.state.orders.owing or self.state.orders.unknown:
            raise Violation(f"I4: fills are owed {list(self.state.orders.owing)} or outcomes unknown")
        for symbol, position in self.positions.items():
            if self.believed(symbol) != position:
                raise Violation(f"I4: we believe {self.believed(symbol)} {symbol}, it is {position}")
        portfolio = self.state.portfolio
        # Of a position that is held, what is realized depends on the order in which its fills were told.
        if not any(self.positions.values()) and portfolio.cash != venue.wallet:
            raise Violation(f"I13: our cash is {portfolio.cash}, the wallet {venue.wallet}")
        prices = {symbol: self.state.price(symbol) or D(0) for symbol in self.positions}
        worth = sum(
            (held * self.instruments[symbol].contract_size * prices[symbol] for symbol, held in self.positions.items()),
            D(0),
        )
        if portfolio.equity(prices.get) != self.start - self.paid + worth:
            raise Violation(
                f"I13: equity is {portfolio.equity(prices.get)}, fills say {self.start - self.paid + worth}"
            )


class WatchedVenue(SimulatedVenue):
    """The simulated venue; the auditor sees everything that happens in it."""

    auditor: Auditor

    def submit(self, command: Command, at: int) -> Sequence[VenueFact]:
        """A command arrives."""
        reports = super().submit(command, at)
        self.auditor.happened(self, reports)
        return reports

    def on_market(self, fact: MarketEvent) -> Sequence[VenueFact]:
        """The market moves."""
        reports = super().on_market(fact)
        if reports:
            self.auditor.happened(self, reports)
        return reports


class Door:
    """Where commands leave us: the auditor first, then the faults, then the venue."""

    def __init__(self, beyond: FaultyVenue, auditor: Auditor) -> None:
        self.beyond = beyond
        self.busy = True  # every market fact reaches the faults: reports may be held back
        self._auditor = auditor

    def submit(self, command: Command, at: int) -> Sequence[VenueFact]:
        """A command passes."""
        self._auditor.leaves(command)
        return self.beyond.submit(command, at)

    def on_market(self, fact: MarketEvent) -> Sequence[VenueFact]:
        """The market moves."""
        return self.beyond.on_market(fact)

    def forget(self, candle: Candle) -> None:
        """A candle that was not believed did not happen."""
        self.beyond.venue.forget(candle)


def reach(position: Decimal, orders: Iterable[Live]) -> tuple[Decimal, Decimal]:
    """The most positive and most negative position that some of the orders, filling in some order, lead to.

    Reduce-only orders end at flat; but from there the others go on.
    """
    live = list(orders)
    covers = sum((left for buys, left, reduces in live if buys and reduces), D(0))
    sheds = sum((left for buys, left, reduces in live if not buys and reduces), D(0))
    high = position + min(covers, max(-position, D(0)))
    low = position - min(sheds, max(position, D(0)))
    high += sum((left for buys, left, reduces in live if buys and not reduces), D(0))
    low -= sum((left for buys, left, reduces in live if not buys and not reduces), D(0))
    return high, low


def venue_orders(venue: SimulatedVenue, symbol: str) -> Iterator[Live]:
    """The orders that work at the venue."""
    for order in venue._orders.values():
        if order.intent.symbol == symbol:
            yield order.buy, order.left, order.reduce_only
