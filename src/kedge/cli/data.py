"""`kedge data check|import|list`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import msgspec

from kedge.cli import console
from kedge.cli.backtest import existing
from kedge.cli.config import TradingConfig, amount
from kedge.cli.group import NamedGroup
from kedge.cli.main import NO
from kedge.cli.output import Output, write_json
from kedge.model.errors import DataError
from kedge.model.instant import NS_PER_S, iso

JSON = click.option("--json", "json_target", metavar="FILE|-", help="Write the findings as JSON; - is standard output.")
CATALOGUE = click.option(
    "--catalogue", metavar="DIR", help="The catalogue's directory.  [default: TRADING_DATA_DIR or ./data]"
)


@click.group(name="data", cls=NamedGroup)
def command() -> None:
    """Check market data, import it into the catalogue, list what is there."""


@command.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--max-gap-seconds", type=click.IntRange(min=1), help="A longer silence is a gap.  [default: 1.5 intervals]"
)
@click.option("--outlier-std", default="5", show_default=True, help="How many robust deviations make an outlier.")
@JSON
def check(files: tuple[str, ...], max_gap_seconds: int | None, outlier_std: str, json_target: str | None) -> None:
    """Gaps, outliers, duplicates, order, impossible values. Exit code 1 where anything is found."""
    from kedge.core.market.quality import DataQualityChecker
    from kedge.storage.formats import read_candles

    Output(json_target=json_target).check(files)
    deviations = amount(outlier_std, "--outlier-std")
    if deviations <= 0:
        raise DataError(f"--outlier-std is {outlier_std}; it must be above zero, such as 5")
    reports = {}
    for name in files:
        opened = read_candles(existing(name))
        columns = opened.columns
        gap = max_gap_seconds or max(columns.interval * 3 // (2 * NS_PER_S), 1)
        report = DataQualityChecker(max_gap_seconds=gap, outlier_std=float(deviations)).check(columns.candles())
        span = (iso(int(columns.ts[0])), iso(int(columns.ts[-1]))) if len(columns) else ("", "")
        reports[name] = (report, span, opened)
    if json_target:
        write_json(json_target, {name: _plain(*found) for name, found in reports.items()})
    if json_target != "-":
        for name, (report, span, opened) in reports.items():
            rows: list[tuple[str, object]] = [("candles", report.total_candles), ("from", span[0]), ("to", span[1])]
            rows += [
                ("interval", f"{opened.columns.interval // NS_PER_S} s"),
                ("missing", f"{report.missing_pct:.4f} %"),
            ]
            rows += list(report.summary().items())
            console.console().print(console.table(name, ("", ""), rows, right=(1,)))
            for note in opened.notes:
                console.say(f"note: {note}")
    if not all(report.is_clean for report, _, _ in reports.values()):
        raise click.exceptions.Exit(NO)


@command.command(name="import")
@click.argument("file")
@click.option("--venue", default="local", show_default=True, help="Where the candles come from.")
@click.option("--symbol", help="Canonical symbol, such as ETH-USD.  [default: the file's own, else BTC-USD]")
@CATALOGUE
@JSON
def import_(file: str, venue: str, symbol: str | None, catalogue: str | None, json_target: str | None) -> None:
    """Add the candles of FILE to the catalogue: all of them, or none and the reason."""
    from kedge.storage.catalogue import Catalogue

    Output(json_target=json_target).check([file])
    done = Catalogue(_root(catalogue)).import_file(existing(file), venue, symbol)
    if json_target:
        write_json(json_target, msgspec.to_builtins(done))
    if json_target != "-":
        console.say(f"{done.added} candles added, {done.known} were there: {done.rows} of {done.symbol} now")
        for note in done.notes:
            console.say(f"note: {note}")


@command.command(name="list")
@CATALOGUE
@JSON
def list_(catalogue: str | None, json_target: str | None) -> None:
    """What the catalogue holds."""
    from kedge.storage.catalogue import Catalogue, interval_name

    Output(json_target=json_target).check()
    found = Catalogue(_root(catalogue)).list()
    if json_target:
        write_json(json_target, [{**msgspec.to_builtins(each), "missing": each.missing} for each in found])
    if json_target != "-":
        rows = [
            (
                each.venue,
                each.symbol,
                interval_name(each.interval),
                each.rows,
                each.missing,
                iso(each.first),
                iso(each.last),
            )
            for each in found
        ]
        columns = ("venue", "symbol", "interval", "candles", "missing", "from", "to")
        console.console().print(console.table(f"{len(rows)} data sets", columns, rows, right=(3, 4)))


def _root(named: str | None) -> Path:
    return Path(named or TradingConfig.from_environment(os.environ).data_dir or "data")


def _plain(report: Any, span: tuple[str, str], opened: Any) -> dict[str, Any]:
    return {
        "total_candles": report.total_candles,
        "missing_pct": report.missing_pct,
        "from": span[0],
        "to": span[1],
        "interval_seconds": opened.columns.interval // NS_PER_S,
        "clean": report.is_clean,
        "notes": list(opened.notes),
        **report.summary(),
    }
