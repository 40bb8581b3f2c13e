"""`kedge lookahead STRATEGY --data FILE`."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from typing import Any

import click

from kedge.cli import console, loading, options
from kedge.cli.backtest import period, symbol_for
from kedge.cli.output import Output, write_json
from kedge.cli.sweep import market_of
from kedge.model.instant import iso


@click.command(name="lookahead")
@click.argument("strategy")
@options.DATA
@click.option("--param", "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the strategy.")
@click.option("--cuts", type=click.IntRange(min=1), default=20, show_default=True, help="At how many places to cut.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Which places.")
@click.option("--start", metavar="TIME", help="Only candles from this time on, UTC.")
@options.END
@click.option("--json", "json_target", metavar="FILE|-", help="Write what was found as JSON; - is standard output.")
def command(
    strategy: str,
    files: tuple[str, ...],
    parameters: tuple[str, ...],
    cuts: int,
    seed: int,
    start: str | None,
    end: str | None,
    json_target: str | None,
) -> None:
    """Cut the history at random places, and show that no earlier decision of STRATEGY changes.

    The exit code is 1 where one does; the first bar and decision that do are named.
    """
    from kedge.research.lookahead import examine

    output = Output(json_target=json_target)
    output.check()
    given, bounds = loading.parse_parameters(parameters), period(start, end)
    with redirect_stdout(sys.stderr) if output.json_on_stdout else nullcontext():
        market = market_of(files, bounds)
        found = loading.strategy_class(strategy)
        wanted = {**symbol_for(found, list(market.symbols)), **given}
        report = examine(lambda _: loading.make(found, strategy, wanted), market, cuts=cuts, seed=seed)
    plain: dict[str, Any] = {
        "strategy": report.strategy,
        "kind": report.kind,
        "bars": report.bars,
        "decisions": report.decisions,
        "cuts": report.cuts,
        "seed": seed,
        "honest": report.finding is None,
        "finding": None,
    }
    finding = report.finding
    if finding is not None:
        plain["finding"] = {
            "symbol": finding.symbol,
            "bar": finding.bar,
            "decided_at": iso(finding.known),
            "with_future": finding.with_future,
            "without": finding.without,
            "cut_at": iso(finding.cut),
            "how": finding.how,
        }
    if output.json_on_stdout:
        write_json("-", plain)
    else:
        output.write_json(plain)
        said = f"{report.strategy} decides by {report.kind}: {report.decisions} decisions on {report.bars} candles"
        console.say(f"{said}, history cut at {report.cuts} places")
        if finding is None:
            console.marked("ok:", "green", "no decision depends on what came after it")
        else:
            console.marked(
                "lookahead:",
                "red",
                f"bar {finding.bar} of {finding.symbol}, decided {iso(finding.known)}: {finding.with_future} in the whole "
                f"history, {finding.without} where it is cut at {iso(finding.cut)} and {finding.how}",
            )
    if finding is not None:
        raise click.exceptions.Exit(1)
