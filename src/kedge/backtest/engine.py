"""`BacktestEngine`: history, the simulated venue, and the same `step` that trades live. Nothing else.

    engine = BacktestEngine(initial_capital=Decimal("10000"), fee_rate=Decimal("0.001"),
    slippage_bps=Decimal("5")) result = engine.run(SmaCrossStrategy(fast=10, slow=30), candles)

Without limits and instruments of its own a run trades a generic linear instrument, long and short, bounded by
the account's margin alone. What is assumed is listed in the result and in `docs/guide/fill-rules.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from itertools import chain
from pathlib import Path
from time import perf_counter

from msgspec import structs

from kedge.backtest.curve import CurveRecorder
from kedge.backtest.feed import Data, Feed
from kedge.backtest.heap import settled
from kedge.backtest.log import RunLog
from kedge.backtest.loop import Loop
from kedge.backtest.outcome import result_of
from kedge.backtest.rebalancing import Rebalancing
from kedge.backtest.record import limits_of
from kedge.backtest.recording import Recording
from kedge.backtest.result import BacktestResult
from kedge.backtest.session import desk_for, specs_of, started
from kedge.core.market.rules import Rule
from kedge.core.state import State
from kedge.core.strategy.base import BaseStrategy
from kedge.journal.keys import SigningKey
from kedge.model.decisions import Quarantined
from kedge.model.errors import ConfigError, DataError, StrategyError
from kedge.model.facts import SessionStopped
from kedge.model.instant import NS_PER_MS, to_ns
from kedge.model.instrument import Instrument, generic_instrument
from kedge.model.limits import RiskConfig
from kedge.model.market import MarketEvent
from kedge.model.market_limits import DEFAULT_LIMITS, MarketLimits
from kedge.model.money import EXACT, ONE, TEN_THOUSAND, ZERO, decimal
from kedge.venues.sim.latency import FixedLatency
from kedge.venues.sim.slippage import BpsSlippage
from kedge.venues.sim.venue import SimulatedVenue

#: Points of the equity curve kept whole; older ones are folded into the figures and thinned, so memory stays bounded.
POINTS_MAX = 1 << 20

#: A message that travels for longer than a day has a slip of the pen in it.
LATENCY_MS_MAX = 86_400_000

#: Sees the facts on their way, for a progress bar.
Watch = Callable[[Iterator[MarketEvent]], Iterator[MarketEvent]]

#: Limits that are not set: the account's margin alone bounds a run that names none.
UNLIMITED = RiskConfig()


class BacktestEngine:
    """Runs strategies over history.

    `initial_capital` in the account's currency; `fee_rate` a fraction of notional (0.001 is 0.1%), for makers
    `maker_fee_rate` where given; `slippage_bps` moves every taker fill against us; `latency_ms` delays
    orders, reports and data alike; `leverage` bounds notional over equity of the generic instrument;
    `participation` is the largest share of a bar's or trade's volume that we may take (None: no bound).
    `instruments` and `risk` replace the generic instrument and the absent limits, `market` the bounds of what is
    believed of the market. With `journal_dir` the run writes its journal there, its checkpoints signed by
    `journal_key`. With `rebalancing` the strategies' budgets are set anew on its schedule; without, each keeps an
    equal share.
    """

    def __init__(  # noqa: PLR0913  (the settings of a run, by keyword)
        self,
        initial_capital: Decimal | int | str,
        fee_rate: Decimal | int | str = Decimal("0.001"),
        slippage_bps: Decimal | int | str = Decimal(5),
        *,
        maker_fee_rate: Decimal | None = None,
        latency_ms: int = 0,
        leverage: Decimal | int | str = ONE,
        participation: Decimal | None = None,
        instruments: Iterable[Instrument] = (),
        risk: RiskConfig = UNLIMITED,
        market: MarketLimits = DEFAULT_LIMITS,
        account_currency: str = "",
        journal_dir: str | Path | None = None,
        journal_key: SigningKey | Path | None = None,
        rebalancing: Rebalancing | None = None,
    ) -> None:
        self.initial_capital = _within(
            decimal(initial_capital, "initial_capital"), "initial_capital", low=ZERO, open_low=True
        )
        self.fee_rate = _within(decimal(fee_rate, "fee_rate"), "fee_rate", low=-ONE, high=ONE)
        self.maker_fee_rate = self.fee_rate if maker_fee_rate is None else decimal(maker_fee_rate, "maker_fee_rate")
        self.slippage_bps = _within(decimal(slippage_bps, "slippage_bps"), "slippage_bps", low=ZERO, high=TEN_THOUSAND)
        self.leverage = _within(decimal(leverage, "leverage"), "leverage", low=ZERO, open_low=True)
        if type(latency_ms) is not int:
            raise ConfigError(f"latency_ms is {latency_ms!r}; give an int")
        for what, given, kind in (("risk", risk, RiskConfig), ("market", market, MarketLimits)):
            if not isinstance(given, kind):
                raise ConfigError(f"{what} is {given!r}; give a {kind.__name__}")
        instruments = list(instruments)
        for listed in instruments:
            if not isinstance(listed, Instrument):
                raise ConfigError(f"instruments hold {listed!r}; give Instrument objects")
        if not 0 <= latency_ms <= LATENCY_MS_MAX:
            raise ConfigError(f"latency_ms is {latency_ms}; it must be >= 0 and <= {LATENCY_MS_MAX}, a day")
        if latency_ms > market.age_ms_max:
            raise ConfigError(
                f"latency_ms is {latency_ms}; no fact older than {market.age_ms_max} ms would be believed: "
                "raise age_ms_max of the market limits with it"
            )
        if participation is not None:
            _within(decimal(participation, "participation"), "participation", low=ZERO, high=ONE, open_low=True)
        self.latency_ms = latency_ms
        self.participation = participation
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.risk = risk
        self.market = market
        self.account_currency = account_currency
        self.journal_dir = None if journal_dir is None else Path(journal_dir)
        self.journal_key = journal_key
        self.rebalancing = rebalancing

    def run(
        self,
        strategy: BaseStrategy | Sequence[BaseStrategy],
        candles: Data,
        *,
        sources: Mapping[str, str] | None = None,
        load_seconds: float = 0.0,
        start: datetime | int | None = None,
        end: datetime | int | None = None,
        watch: Watch | None = None,
    ) -> BacktestResult:
        """Run one strategy or several over candles, columns or any streams of market facts, and report.

        `sources` says, by strategy name, how a strategy was named by the user, for the journal. `start` and `end` (an aware
        `datetime`, or ns) bound the history, `watch` may count the facts as they pass.
        """
        strategies = _instances(strategy)
        if not strategies:
            raise StrategyError("there is no strategy to run; give at least one")
        feed = Feed(candles, None if start is None else to_ns(start), None if end is None else to_ns(end))
        if self.journal_dir is not None and self.journal_dir.exists() and not self.journal_dir.is_dir():
            raise ConfigError(f"journal directory {self.journal_dir} is a file; name a new or an empty directory")
        symbols = self._symbols(strategies, feed)
        instruments = self._instruments(symbols)
        currency = self.account_currency or instruments[0].settle or instruments[0].quote
        specs = specs_of(strategies, sources or {})
        desk = desk_for(strategies)
        venue = self._venue(instruments, desk.state)
        recorder = CurveRecorder(self.initial_capital, symbols, POINTS_MAX)
        log = RunLog(recorder, symbols, feed.interval_ns, feed.gaps())
        began = perf_counter()
        with localcontext(EXACT), settled():
            recording = None
            if self.journal_dir is not None:
                recording = Recording(self.journal_dir, desk.state, self.journal_key)
            delays = FixedLatency(self.latency_ms * NS_PER_MS) if self.latency_ms else None
            loop = Loop(desk, venue, delays, None if recording is None else recording.write, feed.coarse)
            facts = feed.facts() if watch is None else watch(feed.facts())
            first = next(facts, None)
            if first is None:
                raise DataError("there is no market data between start and end; give another period")
            journaled = recording is not None
            manifest = (
                first.ts,
                self.initial_capital,
                currency,
                instruments,
                self.risk,
                specs,
                self.settings(),
                journaled,
                self.market,
            )
            loop.take(started(*manifest))
            self._play(loop, desk.state, chain((first,), facts), log)
            loop.finish()
            log.account(desk.state)
            if recording is not None:
                loop.take(SessionStopped(desk.state.now, "the history is over", desk.state.digest()))
                recording.close()
        run_seconds = perf_counter() - began
        _believed(loop, log)
        seconds = (load_seconds, run_seconds)
        result = result_of(desk, loop, log, recorder, specs, self.settings(), currency, seconds)
        result.record = structs.replace(result.record, limits=limits_of(self.risk, self.market))
        return result

    def _venue(self, instruments: Sequence[Instrument], state: State) -> SimulatedVenue:
        """The venue of a run; what the state's market does not believe did not happen there."""
        return SimulatedVenue(
            instruments,
            self.initial_capital,
            slippage=BpsSlippage(self.slippage_bps),
            participation=self.participation,
            believes=state.market.believes,
        )

    def _play(self, loop: Loop, state: State, facts: Iterable[MarketEvent], log: RunLog) -> None:
        """The whole history, at once or day by day."""
        if self.rebalancing is None:
            loop.run(facts, log)
        else:
            self.rebalancing.play(loop, state, facts, log)

    def settings(self) -> dict[str, str]:
        """What the run was set to, as text, for the journal and the report."""
        return {
            "fee_rate": str(self.fee_rate),
            "maker_fee_rate": str(self.maker_fee_rate),
            "slippage_bps": str(self.slippage_bps),
            "latency_ms": str(self.latency_ms),
            "leverage": str(self.leverage),
            "participation": "none" if self.participation is None else str(self.participation),
        }

    def _symbols(self, strategies: Sequence[BaseStrategy], feed: Feed) -> list[str]:
        """Every symbol of the data and of the strategies; a strategy whose symbol has no data would wait for
        ever.
        """
        for strategy in strategies:
            for symbol in strategy.required_symbols():
                if feed.symbols and symbol not in feed.symbols:
                    raise StrategyError(
                        f"{strategy.name()} requires {symbol}, the data has {', '.join(feed.symbols)}; "
                        f"give data for {symbol} or set the strategy's symbol"
                    )
        if not feed.symbols:
            raise DataError("there is no market data: the list of candles is empty")
        return feed.symbols

    def _instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        return [
            self.instruments.get(symbol)
            or generic_instrument(
                symbol, self.fee_rate, self.leverage, self.account_currency or "USD", maker_fee=self.maker_fee_rate
            )
            for symbol in symbols
        ]


def _instances(strategy: BaseStrategy | Sequence[BaseStrategy]) -> list[BaseStrategy]:
    """The strategies of a run as a list; a class is not yet one, and the commonest slip."""
    given = list(strategy) if isinstance(strategy, Sequence) else [strategy]
    for each in given:
        if isinstance(each, type):
            raise StrategyError(f"{each.__name__} is a class; give an instance of it, {each.__name__}()")
        if not isinstance(each, BaseStrategy):
            raise StrategyError(f"{each!r} is no strategy; give an instance of a subclass of BaseStrategy")
    return given


def _believed(loop: Loop, log: RunLog) -> None:
    """Refuse a run in which all but one fact were quarantined: nothing could happen in it, and nothing was tested."""
    refused = Counter(note.rule for note in loop.noted if isinstance(note, Quarantined))
    facts = log.bars + log.ticks
    if refused and facts - refused.total() <= 1:
        broken = ", ".join(f"{rule} {count}" for rule, count in refused.items())
        late = "; sort the rows by time, oldest first" if Rule.OUT_OF_ORDER in refused else ""
        raise DataError(
            f"of {facts} market facts {refused.total()} were not believed ({broken}){late}; kedge data check FILE tells more"
        )


def _within(
    value: Decimal, name: str, low: Decimal | None = None, high: Decimal | None = None, open_low: bool = False
) -> Decimal:
    below = low is not None and (value <= low if open_low else value < low)
    if below or (high is not None and value > high):
        sign = ">" if open_low else ">="
        bounds = " and ".join(
            part
            for part in (f"{sign} {low}" if low is not None else "", f"<= {high}" if high is not None else "")
            if part
        )
        raise ConfigError(f"{name} is {value}; it must be {bounds}")
    return value
