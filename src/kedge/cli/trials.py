"""`kedge trials [--data FILE...]`."""

from __future__ import annotations

import os
from typing import Any

import click

from kedge.cli import console
from kedge.cli.backtest import open_stream
from kedge.cli.config import TradingConfig
from kedge.cli.output import Output, write_json
from kedge.cli.registry import digest_of, registry_of
from kedge.storage.trials import Tally


@click.command(name="trials")
@click.option(
    "--data",
    "-d",
    "files",
    multiple=True,
    metavar="[SYMBOL=]FILE",
    help="Only the trials on these data, as given to a backtest.",
)
@click.option("--json", "json_target", metavar="FILE|-", help="Write the tallies as JSON; - is standard output.")
def command(files: tuple[str, ...], json_target: str | None) -> None:
    """How often each set of data was tried, and what the best of so many tries would show by luck alone."""
    Output(json_target=json_target).check()
    registry = registry_of(TradingConfig.from_environment(os.environ))
    one = digest_of([open_stream(each) for each in files]) if files else ""
    tallies = [registry.tally(one)] if one else registry.tallies()
    damaged = registry.runs()[1]
    if json_target:
        write_json(json_target, {"damaged_lines": damaged, "data": [plain(tally) for tally in tallies]})
    if json_target != "-":
        rows = [row(tally) for tally in tallies]
        columns = ("data", "runs", "trials", "strategies", "best Sharpe", "by luck", "first", "last")
        console.console().print(console.table(f"{len(rows)} sets of data", columns, rows, right=(1, 2, 4, 5)))
        if damaged:
            console.warn(f"{damaged} damaged lines of {registry.path} are left out: the counts are too low")


def plain(tally: Tally) -> dict[str, Any]:
    """A tally as JSON holds it; Sharpe ratios are annual."""
    best, luck = best_and_luck(tally)
    return {
        "data_sha256": tally.data,
        "runs": tally.runs,
        "trials": tally.trials,
        "strategies": list(tally.strategies),
        "best_sharpe_ratio_annual": best,
        "expected_best_sharpe_ratio_annual": luck,
        "first": tally.first,
        "last": tally.last,
    }


def row(tally: Tally) -> tuple[object, ...]:
    """A tally as a row."""
    best, luck = ("" if each is None else f"{each:.2f}" for each in best_and_luck(tally))
    named = ", ".join(tally.strategies)
    return tally.data[:12], tally.runs, tally.trials, named, best, luck, tally.first, tally.last


def best_and_luck(tally: Tally) -> tuple[float | None, float | None]:
    """The best annual Sharpe ratio there was, and the one that so many trials without skill are expected to show."""
    from kedge.research.statistics.deflated_sharpe import expected_maximum_sharpe
    from kedge.research.track_record import annual

    best = annual(max(tally.sharpes)) if tally.sharpes else None
    variance = tally.variance
    return best, None if variance is None else annual(expected_maximum_sharpe(tally.trials, variance))
