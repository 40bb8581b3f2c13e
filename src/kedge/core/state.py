"""The whole state of the core, composed of folds, and the view of it that strategies get.

`fold(fact)` changes the state and returns what follows from the fact by itself: a quarantine, a booking, a stop on a
symbol. `apply(decision)` folds what was decided. Deciding does both, recovery calls both from the journal, and nothing
else writes here. So `state after step == state after folding the records of that step`, which `kedge audit replay` checks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from kedge.core.clock import Timers
from kedge.core.market.band import PriceBand, note
from kedge.core.market.handler import MarketDataHandler
from kedge.core.market.malformed import quarantined
from kedge.core.market.rules import TIME_MAX
from kedge.core.orders.inflight import REPEAT, OrdersInFlight
from kedge.core.orders.reports import Notice, Report, reports
from kedge.core.portfolio.performance import Performance
from kedge.core.portfolio.tracker import PositionTracker
from kedge.model import decisions as d
from kedge.model import facts as f
from kedge.model.errors import OurBug
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig
from kedge.model.market import BookDelta, Candle, FundingRate, MarkPrice, OrderBook, Quote, Trade
from kedge.model.money import ONE, ZERO
from kedge.model.plain import digest_of

NOTHING: Final[tuple[d.Decision, ...]] = ()
_RUNNING: Final = d.HaltState.RUNNING
Consequences = Sequence[d.Decision]

#: Funding payments remembered, so that an exact repeat is known (it carries no id); the oldest is forgotten first.
FUNDINGS_KEPT_MAX = 10_000


class State:
    """Everything the core knows. `seq` is the number of the last record, `now` the time of the last fact."""

    def __init__(self, market: MarketDataHandler | None = None) -> None:
        self.seq = self.now = 0
        self.instance = "kedge"
        self.epoch = 0
        self.config = RiskConfig()
        self.instruments: dict[str, Instrument] = {}
        self.budgets, self._named_budgets = dict[str, Decimal](), dict[str, Decimal]()
        self.market = MarketDataHandler() if market is None else market
        self.orders = OrdersInFlight()
        self.portfolio = PositionTracker()
        self.performance = Performance()
        self.timers = Timers()
        self.halt = _RUNNING
        self.disabled: dict[str, str] = {}
        self.blocked: dict[str, dict[str, str]] = {}
        self.bands: dict[str, PriceBand] = {}
        self.errors_in_a_row = 0
        self.executions: dict[str, list[int]] = {}
        self.clock_offset_ns = 0
        self._fundings: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self.stopped = False
        self.watches_equity = False
        self._marked = False
        self._floor: Decimal | None = None
        self.attention = False
        self.folds: dict[type, Callable[[Any], Consequences]] = self._folds()
        self._applies = self._apply_table()

    # facts -----------------------------------------------------------------------------------------------------------

    def fold(self, fact: f.Fact) -> Consequences:
        """Fold one fact; returns the decisions that it forces."""
        return self.folds[type(fact)](fact)

    def _folds(self) -> dict[type, Callable[[Any], Consequences]]:
        return {
            Candle: self._candle,
            Trade: self._trade,
            Quote: self._market,
            OrderBook: self._market,
            BookDelta: self._market,
            MarkPrice: self._market,
            FundingRate: self._market,
            f.MalformedFact: lambda fact: self._doubted(fact, quarantined(fact, self.market)),
            f.Fill: self._fill,
            **{kind: self._reporter(report) for kind, report in reports(self.orders).items()},
            f.FundingPayment: self._funding,
            f.SessionStarted: self._started,
            f.SessionStopped: self._session_stopped,
            f.TimerFired: self._timer,
            f.ClockReading: self._clock,
            f.OperatorCommand: self._operator,
            f.RebalanceRequested: self._operator,
            f.StreamStatus: self._stream,
            f.InstrumentChanged: self._instrument,
            f.JournalRepaired: self._noted,
        }

    def _candle(self, candle: Candle) -> Consequences:
        bad = self.market.candle(candle)
        if bad is not None:
            return self._doubted(candle, bad)
        now = self.market.known_ns
        if now > self.now:
            self.now = now
        if self.watches_equity:
            self._mark()
        return NOTHING

    def _trade(self, trade: Trade) -> Consequences:
        bad = self.market.trade(trade)
        if bad is not None:
            return self._doubted(trade, bad)
        now = self.market.known_ns
        if now > self.now:
            self.now = now
        if self.watches_equity:
            self._mark()
        return NOTHING

    def _market(self, fact: f.MarketFact) -> Consequences:
        bad = self.market.fold(fact)
        if bad is not None:
            return self._doubted(fact, bad)
        self._advance(fact)
        if self.watches_equity:
            self._mark()
        return NOTHING

    def _doubted(self, fact: f.MarketFact | f.MalformedFact, bad: d.Quarantined) -> Consequences:
        """What is not believed moves no clock (H39): only when it reached us tells the time, for that is ours."""
        received = fact.received
        self._marked = False
        if type(received) is int and self.now < received <= TIME_MAX:
            self.now = received
        return (bad,)

    def _advance(self, fact: Any) -> None:
        now = fact.received or fact.ts
        if now > self.now:
            self.now = now

    def _reporter(self, kind: Report) -> Callable[[Any], Consequences]:
        """The fold of a venue report; what is odd about it stops the symbol."""
        book, notice = kind
        success, error = notice is Notice.SUCCESS, notice is Notice.ERROR
        attend = error or notice is Notice.ATTEND

        def report(fact: Any) -> Consequences:
            now = fact.received or fact.ts
            if now > self.now:
                self.now = now
            odd = book(fact, self.now)
            if success:
                self.errors_in_a_row = 0
            elif error:
                self.errors_in_a_row += 1
            if attend:
                self.attention = True
            if not odd:
                return NOTHING
            order = self.orders.find(fact.order_id)
            return self._incident(order.symbol if order is not None else "", odd)

        return report

    def _fill(self, fill: f.Fill) -> Consequences:
        self._advance(fill)
        order, odd = self.orders.filled(fill, self.now)
        if odd == REPEAT:
            return NOTHING
        strategy = order.strategy if order is not None else self.portfolio.sole_holder(fill.symbol)
        profit = self.portfolio.book(fill, strategy)
        held = self.portfolio.account[fill.symbol]
        self.look()
        bound = self.config.executions_per_window_max
        if strategy and bound is not None:
            since = self.now - self.config.executions_window_ms * NS_PER_MS
            times = self.executions.get(strategy, [])
            times = self.executions[strategy] = [*(time for time in times if time > since), self.now]
            if len(times) > bound:
                self.attention = True
        booked = d.Booked(
            fill.order_id,
            fill.trade_id,
            fill.symbol,
            strategy,
            held.quantity,
            held.average_price or ZERO,
            profit,
            fill.fee,
            self.portfolio.cash,
            self.portfolio.strategy_position(strategy, fill.symbol),
        )
        if self.watches_equity:
            self._mark()
        return (booked, *self._incident(fill.symbol, odd)) if odd else (booked,)

    def _funding(self, payment: f.FundingPayment) -> Consequences:
        self._advance(payment)
        key = (payment.symbol, payment.ts, payment.amount, payment.rate, payment.position)
        if key in self._fundings:
            return NOTHING
        self._fundings[key] = None
        if len(self._fundings) > FUNDINGS_KEPT_MAX:
            self._fundings.popitem(last=False)
        self.portfolio.book_funding(payment)
        if self.watches_equity:
            self._mark()
        return NOTHING

    def _started(self, fact: f.SessionStarted) -> Consequences:
        self._advance(fact)
        if fact.epoch <= self.epoch and self.seq:
            raise OurBug(f"epoch {fact.epoch} does not follow {self.epoch}; client ids would repeat")
        fact.check()
        self.market.limit(fact.market)
        for instrument in fact.instruments:
            self.know(instrument)
        self.instance, self.epoch, self.config, self.stopped = fact.instance, fact.epoch, fact.risk, False
        if not self.portfolio.account and not self.portfolio.start:
            self.portfolio.start = self.portfolio.cash = fact.cash
        named = {spec.name: spec.budget for spec in fact.strategies}
        if named != self._named_budgets:  # the same manifest again keeps what rebalancing has decided since
            self._named_budgets, self.budgets = named, dict(named)
        self.portfolio.account_currency = fact.account_currency
        limits, watched = fact.risk, self.watches_equity
        self.watches_equity = any(
            limit is not None for limit in (limits.daily_loss_max, limits.drawdown_ratio_max, limits.strategy_loss_max)
        )
        self._marked = False
        if not watched:  # what was earned before anyone watched is no cushion
            self.performance = Performance(self.equity())
        self._floor = self.performance.floor(limits.daily_loss_max, limits.drawdown_ratio_max)
        self.look()
        return NOTHING

    def _session_stopped(self, fact: f.SessionStopped) -> Consequences:
        self._advance(fact)
        self.stopped = True
        return NOTHING

    def _timer(self, fact: f.TimerFired) -> Consequences:
        self._advance(fact)
        self.timers.fired(fact.name)
        self.attention = True
        return NOTHING

    def _clock(self, fact: f.ClockReading) -> Consequences:
        self._advance(fact)
        self.clock_offset_ns = fact.offset_ns
        return NOTHING

    def _operator(self, fact: f.OperatorCommand | f.RebalanceRequested) -> Consequences:
        self._advance(fact)
        self.attention = True
        return NOTHING

    def _stream(self, fact: f.StreamStatus) -> Consequences:
        self._advance(fact)
        bad = self.market.stream(fact)
        self._marked = False
        return NOTHING if bad is None else (bad,)

    def _instrument(self, fact: f.InstrumentChanged) -> Consequences:
        self._advance(fact)
        self._marked = False
        self.know(fact.instrument)
        return NOTHING

    def _noted(self, fact: f.JournalRepaired) -> Consequences:
        self._advance(fact)
        return (d.Alert(d.Severity.WARNING, f"the journal's torn tail of {fact.bytes_cut} bytes was cut off"),)

    # decisions -------------------------------------------------------------------------------------------------------

    def apply(self, decision: d.Decision) -> None:
        """Fold one decision."""
        fold = self._applies.get(type(decision))
        if fold is not None:
            fold(decision)

    def _apply_table(self) -> dict[type, Callable[[Any], None]]:
        return {
            d.Approved: self.approve,
            d.CancelRequested: lambda x: self.orders.request_cancel(x.order_id, self.now),
            d.TimerSet: lambda x: self.timers.set(x.name, x.due_ns),
            d.HaltChanged: self._halted,
            d.StrategyDisabled: lambda x: self.disabled.__setitem__(x.strategy, x.reason),
            d.StrategyEnabled: self._enabled,
            d.SymbolBlocked: lambda x: self.blocked.setdefault(x.symbol, {}).__setitem__(x.cause, x.reason),
            d.SymbolUnblocked: self._unblocked,
            d.Rebalanced: lambda x: self.budgets.update(x.after),
        }

    def approve(self, decision: d.Approved) -> None:
        """Fold an approval: its order counts from now on."""
        self.orders.send(decision.intent, self.now, self.config.duplicate_window_ms_max, decision.worst_price)
        if self.config.price_band_bps_max is not None:
            note(self.bands, decision.intent.symbol, self.now, self.price(decision.intent.symbol), self.config)

    def _halted(self, change: d.HaltChanged) -> None:
        self.halt = change.after
        if change.after is _RUNNING:
            self.errors_in_a_row = 0
        self.look()

    def _enabled(self, decision: d.StrategyEnabled) -> None:
        self.disabled.pop(decision.strategy, None)
        self.executions.pop(decision.strategy, None)

    def _unblocked(self, decision: d.SymbolUnblocked) -> None:
        causes = self.blocked.get(decision.symbol, {})
        causes.pop(decision.cause, None)
        if not causes:
            self.blocked.pop(decision.symbol, None)

    # questions -------------------------------------------------------------------------------------------------------

    def price(self, symbol: str) -> Decimal | None:
        """The freshest valid price of `symbol`."""
        return self.market.last_price(symbol)

    def equity(self) -> Decimal:
        """Cash and positions at the freshest prices: the last mark, where every fact that moves it makes one."""
        return self.performance.last if self._marked else self.portfolio.equity(self.market.last_price)

    def budget(self, strategy: str) -> Decimal:
        """A strategy's share of the equity, in the account's currency; all of it where the manifest names none."""
        return self.equity() * self.budgets.get(strategy, ONE)

    def next_record(self, decided: int) -> int:
        """The number of the next record, `decided` decisions into the step that is being taken."""
        return self.seq + 2 + decided

    def snapshot(self) -> dict[str, object]:
        """The state as plain data."""
        return {
            "seq": self.seq,
            "now": self.now,
            "epoch": self.epoch,
            "halt": str(self.halt),
            "disabled": self.disabled,
            "blocked": self.blocked,
            "errors_in_a_row": self.errors_in_a_row,
            "executions": self.executions,
            "budgets": self.budgets,
            "clock_offset_ns": self.clock_offset_ns,
            "market": self.market.snapshot(),
            "orders": self.orders.snapshot(),
            "portfolio": self.portfolio.snapshot(),
            "performance": self.performance.snapshot(),
            "timers": self.timers.snapshot(),
            **({"bands": {name: band.snapshot() for name, band in self.bands.items()}} if self.bands else {}),
        }

    def digest(self) -> str:
        """SHA-256 of the snapshot's canonical text: two folds of the same records agree on it."""
        return digest_of(self.snapshot())

    # inside ----------------------------------------------------------------------------------------------------------

    def know(self, instrument: Instrument) -> None:
        """Put an instrument, or its new rules, on the list of what may be traded."""
        self.instruments[instrument.symbol] = instrument
        self.portfolio.add_instrument(instrument)
        self.market.add_symbol(instrument.symbol)

    def _mark(self) -> None:
        """Mark the account; the guard looks when a loss limit is reached."""
        equity = self.portfolio.equity(self.market.last_price)
        self._marked = True
        if self.performance.mark(self.now, equity):
            limits = self.config
            self._floor = self.performance.floor(limits.daily_loss_max, limits.drawdown_ratio_max)
        if self._floor is not None and equity <= self._floor:
            self.attention = True
        bound = self.config.strategy_loss_max
        losers = () if bound is None else self.portfolio.losers(bound, self.market.last_price)
        if any(owner not in self.disabled for owner in losers):
            self.attention = True

    def look(self) -> None:
        """Whether the guard must look at the next fact too, whatever it is."""
        self.attention = self.halt is not _RUNNING or bool(self.orders.unknown) or self.errors_in_a_row > 0

    @staticmethod
    def _incident(symbol: str, what: str) -> Consequences:
        """Trading on the symbol stops and the operator is called; nothing the venue said is dropped."""
        return d.SymbolBlocked(symbol, "incident", what), d.Alert(d.Severity.CRITICAL, what, symbol)
