"""`WalkForwardOptimizer`: choose on one stretch of history, judge on the next, move on.

    for each window of the schedule:
        try sets of parameters in sample            (several windows at a time, on worker processes)
        choose the best of them by the objective
    for each window, in order, with one account:
        run the chosen set out of sample through `BacktestEngine`, begin the next with what is left
    for every set (of Optuna: every set that some window chose):
        see what it did in all windows out of sample, to tell luck from skill

    optimizer = WalkForwardOptimizer(candles, in_sample_days=90, out_of_sample_days=30)
    windows = optimizer.run(SmaCrossStrategy, {"fast": [5, 10, 20], "slow": [40, 80]})

The choice sees nothing of what comes after its own stretch, and it is judged by the engine that trades live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from kedge.backtest import metrics
from kedge.backtest.curve import EquityCurve
from kedge.backtest.curve_fold import ratio
from kedge.backtest.result import BacktestResult
from kedge.backtest.trade import BacktestTrade
from kedge.model.errors import ConfigError, StrategyError
from kedge.model.market import Candle
from kedge.model.money import EXACT, TEN_THOUSAND, ZERO, round_fee
from kedge.research.evaluate import Settings
from kedge.research.market import Market
from kedge.research.sweep import OBJECTIVES
from kedge.research.walk_forward.pool import Hands
from kedge.research.walk_forward.result import Plan, WalkForwardResult, WalkForwardWindow
from kedge.research.walk_forward.schedule import Schedule, Window
from kedge.research.walk_forward.search import Places, Search, space_of
from kedge.research.walk_forward.window import (
    Candidate,
    Cut,
    Factory,
    Outcome,
    Task,
    best_of,
    every_day,
    see_out_of_sample,
    try_in_sample,
)
from kedge.storage.columns import CandleColumns

#: Sets compared out of sample; of more, evenly spaced ones are.
COMPARED_MAX = 1000

#: Told of each piece of work that is done.
Watch = Callable[[int], None]


class WalkForwardOptimizer:
    """Walks forward over candles (objects, columns, or a `Market` of several symbols).

    Lengths are in UTC days. `settings` are those of every run, the initial capital the account's; `objective` is one of
    `kedge.research.sweep.OBJECTIVES`; `jobs` worker processes share the work, or those of the cluster that `dask` names.
    """

    def __init__(  # noqa: PLR0913  (the settings of a walk, by keyword)
        self,
        candles: Market | CandleColumns | Sequence[CandleColumns] | Iterable[Candle],
        in_sample_days: int = 90,
        out_of_sample_days: int = 30,
        *,
        embargo_days: int = 0,
        anchored: bool = False,
        settings: Settings = Settings(),  # noqa: B008  (frozen)
        objective: str = "sharpe",
        search: Search = Search(),  # noqa: B008  (frozen)
        jobs: int = 1,
        dask: str = "",
    ) -> None:
        if objective not in OBJECTIVES:
            raise ConfigError(f"objective is {objective!r}; it is one of {', '.join(OBJECTIVES)}")
        self.market = candles if isinstance(candles, Market) else Market.of(candles)
        self.schedule = Schedule(in_sample_days, out_of_sample_days, embargo_days, anchored)
        self.settings, self.objective, self.search = settings, objective, search
        self.hands = Hands(jobs, dask)

    def run(
        self,
        strategy_factory: Factory,
        param_grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]],
        *,
        watch: Watch | None = None,
    ) -> WalkForwardResult:
        """Every window of `strategy_factory(**parameters)`.

        `param_grid` are the values of each parameter to try in every combination, or the sets of parameters themselves.
        """
        space, sets = space_of(param_grid)
        if self.search.method != "grid" and not isinstance(param_grid, Mapping):
            raise ConfigError(
                "search optuna chooses among the values of each parameter; give these, or use search grid"
            )
        done = watch or (lambda _: None)
        task = Task(strategy_factory, space, sets, self.settings, self.objective, self.search)
        windows = self.schedule.windows(*self.market.span)
        tried: list[list[Candidate]] = []
        with self.hands.hire(task, self.market) as crew:
            for found in crew.in_windows(try_in_sample, windows):
                tried.append(found)
                done(1)
            if not all(tried):
                strategy_factory(**task.parameters(sets[0]))  # says what does not fit
                raise StrategyError("no combination of the parameters fits the strategy; give other values")
            rows, curve, trades = self._account(task, windows, tried)
            compared = self._compared(tried[: len(rows)])
            outcomes: dict[Places, list[Outcome]] = {places: [] for places in compared}
            for seen in crew.in_windows(see_out_of_sample, windows[: len(rows)], compared):
                for outcome in seen:
                    outcomes[outcome.places].append(outcome)
                done(1)
        plan = Plan(
            strategy=strategy_factory(**rows[0].params).name(),
            symbols=self.market.symbols,
            data_sha256=self.market.sha256,
            schedule=self.schedule,
            settings=self.settings,
            search=self.search,
            space=space,
            objective=self.objective,
            unused_days=self.schedule.unused_days(*self.market.span),
        )
        return WalkForwardResult(rows, curve, trades, outcomes, plan)

    def _account(
        self, task: Task, windows: Sequence[Window], tried: Sequence[Sequence[Candidate]]
    ) -> tuple[list[WalkForwardWindow], EquityCurve, list[BacktestTrade]]:
        """One account through all windows out of sample, until they end or nothing is left."""
        cut = Cut(self.market)
        capital = self.settings.initial_capital
        rows: list[WalkForwardWindow] = []
        points: list[tuple[int, Decimal]] = []
        trades: list[BacktestTrade] = []
        for window, candidates in zip(windows, tried, strict=True):
            if not capital > ZERO:
                break
            row, run = self._judge(task, cut, window, candidates, capital)
            curve = run.equity_curve
            own = [(curve.time_at(at), curve.equity_at(at)) for at in range(len(curve))]
            points += [(time, equity) for time, equity in own[:-1] if time > window.out_start]
            points.append((max(own[-1][0], window.out_start + 1), row.final_equity))  # the seam: all is closed
            rows.append(row)
            trades += run.trades
            capital = row.final_equity
        return rows, EquityCurve.of_points(self.settings.initial_capital, points), trades

    def _judge(
        self, task: Task, cut: Cut, window: Window, candidates: Sequence[Candidate], capital: Decimal
    ) -> tuple[WalkForwardWindow, BacktestResult]:
        """The set chosen in sample, out of sample, with the account as it is."""
        best = best_of(candidates)
        parameters = task.parameters(best.places)
        strategy = task.factory(**parameters)
        market = cut.market(window.out_start, window.out_end, strategy.warmup_bars())
        engine = self.settings.engine()
        engine.initial_capital = capital
        run = engine.run(strategy, list(market.streams))
        cost = closing_cost(run, self.settings)
        final = EXACT.subtract(run.final_equity, cost)
        days = every_day(run.equity_curve.daily(), window.out_start, window.out_end, capital)
        days[-1] = (days[-1][0], final)
        row = WalkForwardWindow(
            window=window,
            params=parameters,
            in_sample_return=best.in_return,
            out_of_sample_return=ratio(EXACT.subtract(final, capital), capital),
            in_sample_sharpe=best.in_sharpe,
            out_of_sample_sharpe=metrics.sharpe_ratio(metrics.daily_returns(days, capital)),
            in_sample_trades=best.in_trades,
            out_of_sample_trades=run.fills,
            score=best.score,
            initial_capital=capital,
            final_equity=final,
            fees=run.total_fees,
            closing_cost=cost,
            candidates=tuple(candidates),
            disabled=", ".join(run.record.disabled.values()),
        )
        return row, run

    def _compared(self, tried: Sequence[Sequence[Candidate]]) -> tuple[Places, ...]:
        """The sets to compare out of sample, chosen or not: of a grid all, of Optuna those that some window chose."""
        chosen = [best_of(found).places for found in tried]
        found = [each.places for each in tried[0]] if self.search.method == "grid" else list(dict.fromkeys(chosen))
        step = -(-len(found) // COMPARED_MAX)
        return tuple(dict.fromkeys([*found[::step], *chosen]))


def closing_cost(run: BacktestResult, settings: Settings) -> Decimal:
    """What it costs to close all that is open at the end of a run: taker fee and slippage at the last price."""
    fees = {instrument.symbol: instrument.taker_fee for instrument in settings.instruments}
    open_units: dict[str, Decimal] = {}
    for trade in run.trades:
        units = EXACT.multiply(trade.signed, trade.multiplier)
        open_units[trade.symbol] = EXACT.add(open_units.get(trade.symbol, ZERO), units)
    slippage = EXACT.divide(settings.slippage_bps, TEN_THOUSAND)
    prices = run.equity_curve.last_prices()
    total = ZERO
    for symbol, units in open_units.items():
        share = max(EXACT.add(fees.get(symbol, settings.fee_rate), slippage), ZERO)
        total = EXACT.add(total, EXACT.multiply(EXACT.multiply(abs(units), prices[symbol]), share))
    return round_fee(total)
