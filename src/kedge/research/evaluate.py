"""Evaluate: one strategy class with one set of parameters over one history. What sweeps and walk-forwards are made of.

    market = Market.of(columns)                      # once; `market.between(start, end)` cuts it
    evaluation = evaluate(SmaCrossStrategy, market, {"fast": 10, "slow": 30}, Settings(initial_capital=Decimal(10_000)))
    evaluation.trades, evaluation.fees, evaluation.final_equity, evaluation.returns, evaluation.sharpe_ratio

**The same run, whichever engine.** A strategy with a column form (`kedge.core.strategy.signals`, or an event strategy
that names one) runs in the compiled kernel, everything else through `BacktestEngine`. Both give the same trades, fees
and equity to the last digit, so an `Evaluation` does not depend on the engine; `engine` says which it was, and
`"event"` or `"kernel"` asks for one. What the kernel cannot hold it says, and the run goes through the event engine.

Equity is kept at the close of each UTC day, exactly, as whole numbers of `10**-scale`: a column that thousands of runs
can be compared by. `points=True` keeps it at every bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, structs

from kedge.backtest import metrics
from kedge.backtest.curve_fold import ratio
from kedge.backtest.engine import UNLIMITED, BacktestEngine
from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import ConfigError
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig
from kedge.model.market_limits import DEFAULT_LIMITS, MarketLimits
from kedge.model.money import EXACT, ONE
from kedge.research.market import Market
from kedge.research.outcome import read, run_kernel
from kedge.research.plan import Unsupported

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ENGINES = ("auto", "kernel", "event")

#: Parameters by name, as text or as themselves.
Parameters = Mapping[str, Any]


class Settings(Struct, frozen=True):
    """What every run of a sweep shares: the constructor of `BacktestEngine`, without what only a single run has."""

    initial_capital: Decimal = Decimal(10_000)
    fee_rate: Decimal = Decimal("0.001")
    slippage_bps: Decimal = Decimal(5)
    maker_fee_rate: Decimal | None = None
    latency_ms: int = 0
    leverage: Decimal = ONE
    participation: Decimal | None = None
    instruments: tuple[Instrument, ...] = ()
    risk: RiskConfig = UNLIMITED
    market: MarketLimits = DEFAULT_LIMITS
    account_currency: str = ""

    def engine(self) -> BacktestEngine:
        """The event engine with these settings."""
        given = structs.asdict(self)
        return BacktestEngine(given.pop("initial_capital"), given.pop("fee_rate"), given.pop("slippage_bps"), **given)

    @classmethod
    def of_engine(cls, engine: BacktestEngine) -> Settings:
        """The settings of an engine."""
        return cls(
            engine.initial_capital,
            engine.fee_rate,
            engine.slippage_bps,
            engine.maker_fee_rate,
            engine.latency_ms,
            engine.leverage,
            engine.participation,
            tuple(engine.instruments.values()),
            engine.risk,
            engine.market,
            engine.account_currency,
        )


class Evaluation(Struct, frozen=True, dict=True):
    """What one run came to.

    `parameters` as text, every one of the strategy's; `bars` how many candles were played. `days` are UTC days since
    1970 that have a bar, `day_equity` the equity at the last bar of each. `points` (where asked for) are the equity
    after every bar, in the order the bars were played. `engine` is `kernel` or `event`, `note` why not the kernel.
    """

    parameters: dict[str, str]
    bars: int
    trades: int
    fees: Decimal
    initial_capital: Decimal
    final_equity: Decimal
    days: list[int]
    day_equity: list[Decimal]
    engine: str = "event"
    note: str = ""
    points: list[Decimal] | None = None

    @property
    def total_return(self) -> Decimal:
        """Profit as a fraction of the initial capital."""
        return ratio(EXACT.subtract(self.final_equity, self.initial_capital), self.initial_capital)

    @cached_property
    def returns(self) -> Floats:
        """Returns of every UTC day from the first to the last, the first from the initial capital."""
        return metrics.daily_returns(list(zip(self.days, self.day_equity, strict=True)), self.initial_capital)

    @property
    def sharpe_ratio(self) -> float | None:
        """Annualized Sharpe ratio of the daily returns; `None` where it is not defined."""
        return metrics.sharpe_ratio(self.returns)

    @property
    def sortino_ratio(self) -> float | None:
        """Annualized Sortino ratio of the daily returns."""
        return metrics.sortino_ratio(self.returns)

    @property
    def volatility(self) -> float | None:
        """Annualized standard deviation of the daily returns."""
        return metrics.volatility(self.returns)


def evaluate(
    strategy: type[BaseStrategy],
    market: Market,
    parameters: Parameters,
    settings: Settings = Settings(),  # noqa: B008  (frozen)
    *,
    engine: str = "auto",
    points: bool = False,
) -> Evaluation:
    """Run `strategy(**parameters)` over `market`; see the module's text.

    `engine="kernel"` refuses to fall back: what is not for the kernel is a `ConfigError` that says why.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine is {engine!r}; it is one of {', '.join(ENGINES)}")
    made = strategy(**parameters)
    note = ""
    if engine != "event":
        try:
            return by_kernel(made, market, settings, points=points)
        except Unsupported as reason:
            note = str(reason)
        if engine == "kernel":
            raise ConfigError(f"{strategy.__name__} cannot run in the kernel: {note}; use engine='auto'")
    return by_events(made, market, settings, points=points, note=note)


def by_kernel(
    strategy: BaseStrategy, market: Market, settings: Settings, *, points: bool = False, mode: str = "best"
) -> Evaluation:
    """The run in the kernel; raises `Unsupported` where it is not the kernel's."""
    return read(strategy, run_kernel(strategy, market, settings, points=points, mode=mode), settings)


def by_events(
    strategy: BaseStrategy, market: Market, settings: Settings, *, points: bool = False, note: str = ""
) -> Evaluation:
    """The same through `BacktestEngine`."""
    result = settings.engine().run(strategy, list(market.streams))
    curve = result.equity_curve
    daily = curve.daily()
    return Evaluation(
        strategy.values_as_text(),
        result.bars,
        result.fills,
        result.total_fees,
        settings.initial_capital,
        result.final_equity,
        [day for day, _ in daily],
        [equity for _, equity in daily],
        "event",
        note,
        [curve.equity_at(at) for at in range(len(curve))] if points else None,
    )
