"""`kedge walk-forward STRATEGY --data FILE... --grid NAME=VALUES...`."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from kedge.cli import console, loading, options
from kedge.cli.backtest import distinct, engine_of, open_stream, period, symbol_for
from kedge.cli.config import TradingConfig, read_config
from kedge.cli.grid import parse_grid
from kedge.cli.output import Output, write_json
from kedge.cli.registry import digest_of, identity, remember, settings_of
from kedge.cli.sweep import checked_grid
from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import StrategyError

if TYPE_CHECKING:
    from kedge.backtest.engine import BacktestEngine
    from kedge.research.walk_forward.evidence import Evidence
    from kedge.research.walk_forward.result import WalkForwardResult


class Named(Struct, frozen=True):
    """Makes the strategy that a user named, in this process or another; `fixed` parameters are the same in every set."""

    named: str
    fixed: dict[str, str]

    @property
    def strategy_class(self) -> type[BaseStrategy]:
        """Its class, loaded once a process."""
        found = _CLASSES.get(self.named)
        if found is None:
            found = _CLASSES[self.named] = loading.strategy_class(self.named)
        return found

    def __call__(self, **parameters: str) -> BaseStrategy:
        """The strategy with these parameters."""
        return loading.make(self.strategy_class, self.named, {**self.fixed, **parameters})


_CLASSES: dict[str, type[BaseStrategy]] = {}


@click.command(name="walk-forward")
@click.argument("strategy")
@options.DATA
@click.option(
    "--grid",
    "-g",
    "grid",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="Values to try: fast=5:50:5 or fast=5,10,20.",
)
@click.option(
    "--param",
    "-p",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter that is the same in every set.",
)
@click.option("--in-sample-days", type=int, default=90, show_default=True, help="Days that choose, in each window.")
@click.option("--out-of-sample-days", type=int, default=30, show_default=True, help="Days that judge, in each window.")
@click.option("--embargo-days", type=int, default=0, show_default=True, help="Days left out between the two.")
@click.option("--anchored", is_flag=True, help="Let every window begin with the first day, instead of moving on.")
@click.option(
    "--search", type=click.Choice(["grid", "optuna"]), default="grid", show_default=True, help="How sets are tried."
)
@click.option("--trials", type=int, default=50, show_default=True, help="Sets that Optuna tries in each window.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of Optuna's sampler.")
@click.option(
    "--objective",
    default="sharpe",
    show_default=True,
    help="What the best is best at: sharpe, sortino, return, final_equity.",
)
@click.option("--jobs", "-j", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes.")
@options.DASK
@options.CAPITAL
@options.FEE
@options.SLIPPAGE
@options.LATENCY
@options.LEVERAGE
@click.option("--start", metavar="TIME", help="Only candles from this time on: 2024-01-31, UTC.")
@options.END
@options.CONFIG
@options.REPORT
@options.RESULT_JSON
def command(
    strategy: str,
    files: tuple[str, ...],
    grid: tuple[str, ...],
    parameters: tuple[str, ...],
    start: str | None,
    end: str | None,
    config_file: str | None,
    report: str | None,
    json_target: str | None,
    **settings: Any,
) -> None:
    """Choose the parameters of STRATEGY on one stretch of candles, judge them on the next, and move on.

    What is reported first is what was earned on days that had no part in the choice.
    """
    from kedge.research.report.page import write_walk_forward
    from kedge.research.walk_forward.evidence import evidence_of

    environment = TradingConfig.from_environment(os.environ)
    output = Output(report, None, json_target)
    output.check()
    config = read_config(Path(config_file)) if config_file else None
    space, fixed = parse_grid(grid), loading.parse_parameters(parameters)
    both = next((name for name in space if name in fixed), None)
    if both is not None:
        raise StrategyError(f"{both} is given by --param and by --grid; give it once")
    bounds = period(start, end)
    engine = engine_of(config, settings)
    with redirect_stdout(sys.stderr) if output.json_on_stdout else nullcontext():
        streams = [whole(open_stream(each)) for each in files]
        symbols = distinct([stream.symbol for stream in streams])
        if config is not None:
            config.check_symbols(symbols)
        found = loading.strategy_class(strategy)
        fixed = {**symbol_for(found, symbols), **fixed}
        if "symbol" in space:
            fixed = {name: value for name, value in fixed.items() if name != "symbol"}
        checked_grid(found, space, fixed)
        factory = Named(strategy, fixed)
        with output.whole():
            result = walk(factory, space, [stream.between(*bounds) for stream in streams], engine, settings)
            known = note(result, environment, engine, factory, digest_of(streams), f"{bounds[0]} to {bounds[1]}")
            evidence = evidence_of(result, *known)
            if output.report is not None:
                write_walk_forward(result, evidence, output.report)
            facts = {**result.to_json(), "evidence": evidence.to_json()}
            output.write_json(facts)
    if output.json_on_stdout:
        write_json("-", facts)
        return
    show(result, evidence)
    if output.report is not None:
        console.say(f"report: {output.report}")


def whole(stream: Any) -> Any:
    """The columns of a stream; what is kept in files is read."""
    return stream.columns() if callable(getattr(stream, "columns", None)) else stream


def walk(
    factory: Named, space: dict[str, list[str]], streams: list[Any], engine: BacktestEngine, settings: dict[str, Any]
) -> WalkForwardResult:
    """The walk itself, with a progress bar while a terminal watches."""
    from kedge.research.evaluate import Settings
    from kedge.research.market import Market
    from kedge.research.walk_forward.optimizer import WalkForwardOptimizer
    from kedge.research.walk_forward.search import Search

    optimizer = WalkForwardOptimizer(
        Market(streams),
        settings["in_sample_days"],
        settings["out_of_sample_days"],
        embargo_days=settings["embargo_days"],
        anchored=settings["anchored"],
        settings=Settings.of_engine(engine),
        objective=settings["objective"],
        search=Search(settings["search"], settings["trials"], settings["seed"]),
        jobs=settings["jobs"],
        dask=settings["dask"],
    )
    windows = optimizer.schedule.windows(*optimizer.market.span)
    with console.progress("walk-forward", 2 * len(windows)) as advance:
        try:
            return optimizer.run(factory, space, watch=advance)
        except SystemExit as error:
            raise StrategyError(
                f"strategy {factory.named} called sys.exit({error.code!r}); raise an exception instead"
            ) from error


def note(
    result: WalkForwardResult, environment: TradingConfig, engine: BacktestEngine, factory: Named, data: str, days: str
) -> tuple[int, float | None]:
    """Note every set that was tried; how many trials are known on these data, and the variance of their Sharpe ratios."""
    from kedge.backtest.session import specs_of
    from kedge.research.statistics.moments import sharpes
    from kedge.research.walk_forward.evidence import returns_of

    schedule = result.plan.schedule
    lengths = (schedule.in_sample_days, schedule.embargo_days, schedule.out_of_sample_days, int(schedule.anchored))
    run = f"{days}, walk-forward {' '.join(map(str, lengths))}"
    matrix = returns_of(result)
    of_sets = dict(zip(result.compared, map(float, sharpes(matrix)), strict=True))
    tried = dict.fromkeys(candidate.places for each in result for candidate in each.candidates)
    trials = []
    for places in tried:
        strategy = factory(**result.parameters_at(places))
        (spec,) = specs_of([strategy], {strategy.name(): factory.named})
        trials.append((identity(spec, settings_of(engine), run), of_sets.get(places)))
    known = remember(environment, "walk-forward", data, factory.named, len(matrix), trials)
    return (0, None) if known is None else (known.trials, known.variance)


def show(result: WalkForwardResult, evidence: Evidence) -> None:
    """The windows and what they make together, for people; out of sample first."""
    from kedge.backtest.text.readable import NONE, money, number, percent, places_for
    from kedge.core.strategy.parameters import text_of
    from kedge.research.report.sections import warnings_of

    account, record, pbo = result.account, evidence.record, evidence.overfitting
    places = places_for(account.initial_capital)
    searched = [name for name, values in result.plan.space.items() if len(values) > 1]
    rows = [
        (
            each.window.number, f"{each.out_of_sample[0]:%Y-%m-%d}", *(text_of(each.params[name]) for name in searched),
            percent(each.out_of_sample_return, signed=True), percent(each.in_sample_return, signed=True),
            number(each.out_of_sample_sharpe), number(each.in_sample_sharpe), each.out_of_sample_trades,
            money(each.final_equity, places),
        )
        for each in result
    ]  # fmt: skip
    columns = ("#", "out of sample", *searched, "return out", "in", "Sharpe out", "in", "fills", "equity")
    console.console().print(console.table("Windows", columns, rows, right=tuple(range(2, len(columns)))))
    efficiency = NONE if result.efficiency is None else percent(result.efficiency, 0)
    figures = [
        ("Return out of sample", percent(account.total_return, signed=True)),
        ("Final equity", money(account.final_equity, places)),
        ("Sharpe ratio out of sample", number(account.sharpe_ratio)),
        ("Max drawdown out of sample", percent(account.max_drawdown)),
        ("Efficiency, out over in sample", efficiency),
        ("Probability of overfitting", NONE if pbo is None else percent(pbo.probability, 1)),
        ("Deflated Sharpe ratio", NONE if record is None else percent(record.deflated, 1)),
        ("Trials on these data", NONE if record is None else f"{record.trials:,}"),
    ]
    console.console().print(console.table("Out of sample", ("", ""), figures, right=(1,)))
    for warning in warnings_of(result, evidence):
        console.marked("warning:", "yellow", warning)
