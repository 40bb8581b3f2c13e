"""`kedge sweep STRATEGY --data FILE --grid fast=5:50:5 ...`."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, redirect_stdout
from functools import partial
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from kedge.cli import console, loading, options
from kedge.cli.backtest import distinct, engine_of, open_stream, period, symbol_for
from kedge.cli.config import TradingConfig, read_config
from kedge.cli.grid import parse_grid
from kedge.cli.output import Output, writable, write_json
from kedge.cli.registry import remember_sweep
from kedge.model.errors import ConfigError, StrategyError

if TYPE_CHECKING:
    from rich.table import Table

    from kedge.core.strategy.base import BaseStrategy
    from kedge.research.crew import Row
    from kedge.research.market import Market
    from kedge.research.sweep import SweepResult

#: Rows of the table that people are shown, and columns of the heat map.
TOP = 10
MAP_COLUMNS_MAX = 24

#: Background colours of the heat map, from the worst to the best: those that every terminal has.
_SHADES = ("red", "bright_red", "yellow", "bright_yellow", "bright_green", "green")


@click.command(name="sweep")
@click.argument("strategy")
@options.DATA
@click.option(
    "--grid",
    "-g",
    "grids",
    multiple=True,
    required=True,
    metavar="NAME=BEGIN:END:STEP",
    help="Values of a parameter, the end included; or NAME=VALUE,VALUE. Several make a grid.",
)
@click.option(
    "--param", "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter that stays the same."
)
@click.option(
    "--objective",
    type=click.Choice(("sharpe", "sortino", "return", "final_equity")),
    default="sharpe",
    show_default=True,
    help="What runs are ranked by.",
)
@options.CAPITAL
@options.FEE
@options.SLIPPAGE
@options.LEVERAGE
@click.option("--start", metavar="TIME", help="Only candles from this time on, UTC.")
@options.END
@options.CONFIG
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that share the work."
)
@options.DASK
@click.option(
    "--out", metavar="FILE.parquet", help="Write the rows; a sweep that was interrupted goes on from what it kept."
)
@options.RESULT_JSON
def command(  # noqa: PLR0913  (the options of the command)
    strategy: str,
    files: tuple[str, ...],
    grids: tuple[str, ...],
    parameters: tuple[str, ...],
    start: str | None,
    end: str | None,
    config_file: str | None,
    jobs: int,
    dask: str,
    out: str | None,
    json_target: str | None,
    objective: str,
    **settings: Any,
) -> None:
    """Run STRATEGY with every combination of parameters, over the same candles and costs.

    Strategies that decide by columns run compiled (extra fast), any other through the backtest engine; the figures are
    those of kedge backtest to the last digit, either way.
    """
    from kedge.research.evaluate import Settings
    from kedge.research.sweep import grid_of, sweep

    environment = TradingConfig.from_environment(os.environ)
    output = Output(json_target=json_target)
    output.check()
    place = None if out is None else Path(out)
    writable(place, "--out")
    if dask and jobs > 1:
        raise ConfigError("--jobs and --dask are two ways to share the work; give one")
    config = read_config(Path(config_file)) if config_file else None
    fixed, grid = loading.parse_parameters(parameters), parse_grid(grids)
    bounds = period(start, end)
    engine = engine_of(config, {**settings, "latency_ms": None})
    with redirect_stdout(sys.stderr) if output.json_on_stdout else nullcontext():
        began = perf_counter()
        market = market_of(files, bounds)
        if config is not None:
            config.check_symbols(list(market.symbols))
        found = loading.strategy_class(strategy)
        fixed = {**symbol_for(found, list(market.symbols)), **fixed}
        sets = [{**fixed, **each} for each in grid_of(checked_grid(found, grid, fixed))]
        load_seconds = perf_counter() - began
        with console.progress("sweep", len(sets)) as advance:
            result = sweep(
                partial(loading.strategy_class, strategy),
                market,
                sets,
                Settings.of_engine(engine),
                objective=objective,
                jobs=jobs,
                dask=dask,
                out=place,
                advance=advance,
            )
        data = market.sha256 if bounds == (None, None) else market_of(files, (None, None)).sha256
        period_told = f"{bounds[0]} to {bounds[1]}"
        record = remember_sweep(environment, (strategy, found), engine, data, period_told, market, result)
    plain = plain_of(result, grid, load_seconds) | {"best_track_record": None if record is None else record.to_json()}
    if output.json_on_stdout:
        write_json("-", plain)
        return
    output.write_json(plain)
    show(result, grid, place)
    if record is not None:
        console.marked("trials:", "bold", f"{record.trials:,} on these data. Of the best run: {record.verdict}")


def market_of(files: tuple[str, ...], bounds: tuple[int | None, int | None]) -> Market:
    """The candles of the files, whole, within the bounds."""
    from kedge.research.market import Market
    from kedge.storage.columns import CandleColumns

    streams = [open_stream(each) for each in files]
    distinct([stream.symbol for stream in streams])
    whole = [stream if isinstance(stream, CandleColumns) else stream.columns() for stream in streams]
    return Market([stream.between(*bounds) for stream in whole])


def checked_grid(found: type[BaseStrategy], grid: dict[str, list[str]], fixed: dict[str, str]) -> dict[str, list[str]]:
    """The grid, if its names are the strategy's and each value by itself is one of its parameter."""
    for name, values in grid.items():
        if name in fixed and name != "symbol":
            raise StrategyError(f"{name} is given by --param and by --grid; give it once")
        declared = found.parameters.get(name)
        if declared is None:
            found(**{name: values[0]})  # says which names there are
            continue
        for value in values:
            declared.parse(value, found.__name__)
    for name, value in fixed.items():
        if name not in found.parameters:
            found(**{name: value})
    return grid


def plain_of(result: SweepResult, grid: dict[str, list[str]], load_seconds: float) -> dict[str, Any]:
    """The result as plain data: decimals as strings, statistics as numbers or null."""
    return {
        "runs": len(result.evaluations),
        "bars": result.bars,
        "run_seconds": round(result.run_seconds, 6),
        "load_seconds": round(load_seconds, 6),
        "skipped": result.skipped,
        "resumed": result.resumed,
        "objective": result.objective,
        "initial_capital": result.initial_capital,
        "grid": grid,
        "best": plain_row(result.best),
        "rows": [plain_row(row) for row in result.evaluations],
    }


def plain_row(row: Row) -> dict[str, Any]:
    """A run as plain data."""
    return {
        "parameters": row.parameters,
        "trades": row.trades,
        "fees": row.fees,
        "final_equity": row.final_equity,
        "total_return": row.total_return,
        "sharpe_ratio": row.sharpe_ratio,
        "sortino_ratio": row.sortino_ratio,
        "engine": row.engine,
        "note": row.note,
    }


def show(result: SweepResult, grid: dict[str, list[str]], out: Path | None) -> None:
    """The best runs, the heat map of two parameters, and where the rows are."""
    names = list(grid)
    head = (*names, "trades", "fees", "final equity", "return", "Sharpe", "Sortino")
    rows = [
        (
            *(row.parameters[name] for name in names),
            row.trades,
            f"{row.fees:,.2f}",
            f"{row.final_equity:,.2f}",
            f"{row.total_return:.2%}",
            _figure(row.sharpe_ratio),
            _figure(row.sortino_ratio),
        )
        for row in result.ranked()[:TOP]
    ]
    runs = len(result.evaluations)
    title = f"{runs} runs over {result.bars} candles in {result.run_seconds:.1f} s, the best by {result.objective}"
    console.console().print(console.table(title, head, rows, right=range(len(head))))
    if result.skipped:
        console.say(f"{result.skipped} combinations do not fit the strategy and were left out")
    slow = [row for row in result.evaluations if row.engine != "kernel"]
    if slow:
        console.say(f"{len(slow)} runs went through the backtest engine: {slow[0].note}")
    if len(grid) == 2:
        console.console().print(heat_map(result, grid))
    console.marked("warning:", "yellow", f"the best of {runs} runs is the luckiest of them; see kedge walk-forward")
    if out is not None:
        console.say(f"rows: {out}")


def heat_map(result: SweepResult, grid: dict[str, list[str]]) -> Table:
    """The objective over two parameters: the first down, the second across; as numbers, shaded from worst to best."""
    from rich.text import Text

    from kedge.research.sweep import score

    down, across = grid
    scores = {
        (row.parameters[down], row.parameters[across]): score(row, result.objective) for row in result.evaluations
    }
    known = [value for value in scores.values() if isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    step = -(-len(grid[across]) // MAP_COLUMNS_MAX)
    columns = grid[across][::step]
    said = f", every {step}th" if step > 1 else ""
    table = console.table(
        f"{result.objective}: {down} down, {across} across{said}", (down, *columns), (), right=range(len(columns) + 1)
    )
    for value in grid[down]:
        cells: list[Any] = [value]
        for other in columns:
            found = scores.get((_same(value, result, down), _same(other, result, across)))
            if found is None or not isfinite(found):
                cells.append("")
                continue
            shade = int((found - low) / (high - low) * (len(_SHADES) - 1)) if high > low else 0
            cells.append(Text(f"{found:.2f}", style=f"black on {_SHADES[shade]}"))
        table.add_row(*cells)
    return table


def _same(text: str, result: SweepResult, name: str) -> str:
    """A value as the runs' parameters write it."""
    known = {row.parameters[name] for row in result.evaluations}
    if text in known:
        return text
    lowered = text.lower()
    return {"yes": "true", "no": "false", "on": "true", "off": "false"}.get(lowered, lowered)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
