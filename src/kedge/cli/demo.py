"""`kedge demo`: the main job in one command, offline, on a synthetic market that says it is one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from kedge.cli import console, typed
from kedge.cli.backtest import play, show, signing_key
from kedge.cli.config import TradingConfig
from kedge.cli.output import Output, empty_directory, foreign_files, remove_journal, writable, write_json, write_whole
from kedge.model.errors import ConfigError, OurBug
from kedge.model.instant import NS_PER_MS
from kedge.model.limits import RiskConfig
from kedge.model.market import Candle

if TYPE_CHECKING:
    from kedge.backtest.result import BacktestResult
    from kedge.journal.verify import VerifyReport

CAPITAL = Decimal(10_000)
MARKER = ".kedge-demo"
#: Everything a demo writes.
WRITTEN = (MARKER, "report.html", "journal")

#: What the demonstration may do: risk is on, every limit set.
LIMITS = RiskConfig(
    order_quantity_max=Decimal(5),
    order_notional_max=Decimal(40_000),
    orders_per_second_max=5,
    orders_per_day_max=200,
    orders_open_max=5,
    duplicate_window_ms_max=1_000,
    price_collar_bps_max=Decimal(300),
    reference_age_ms_max=600_000,
    position_quantity_max=Decimal(3),
    position_notional_max=Decimal(20_000),
    gross_exposure_max=Decimal(20_000),
    net_exposure_max=Decimal(20_000),
    leverage_max=Decimal(1),
    daily_loss_max=Decimal(1_500),
    drawdown_ratio_max=Decimal("0.30"),
)


@click.command(name="demo")
@click.option("--out", default="kedge-demo", show_default=True, metavar="DIR", help="Where report and journal go.")
@click.option("--seed", default=15, show_default=True, help="Another market; equal seeds give equal files.")
@click.option("--bars", default=5_000, show_default=True, type=click.IntRange(100, 1_000_000), help="Hourly candles.")
@click.option("--csv", metavar="FILE", help="Write the market itself too, to try the other commands on.")
@click.option("--json", "json_target", metavar="FILE|-", help="Write the result as JSON; - is standard output.")
def command(out: str, seed: int, bars: int, csv: str | None, json_target: str | None) -> None:
    """Make a synthetic market, trade it with risk on, write report and journal, verify the journal."""
    from kedge.backtest.engine import BacktestEngine
    from kedge.backtest.report import write_report
    from kedge.journal.verify import verify
    from kedge.storage.synthetic import synthetic_candles
    from kedge.strategies.sma_cross import SmaCrossStrategy

    environment = TradingConfig.from_environment(os.environ)
    place = Path(out)
    report, journal = place / "report.html", place / "journal"
    output = Output(json_target=json_target)
    output.check()
    writable(None if csv is None else Path(csv), "--csv")
    if csv is not None and json_target is not None and Path(csv).absolute() == Path(json_target).absolute():
        raise ConfigError(f"--csv and --json both name {csv}; name two files")
    check_place(place)
    key = signing_key(environment.journal_key_file)
    market = synthetic_candles(seed, bars)
    fresh(place)
    engine = BacktestEngine(CAPITAL, Decimal("0.001"), Decimal(5), risk=LIMITS, journal_dir=journal, journal_key=key)
    try:
        result = play(engine, SmaCrossStrategy(fast=20, slow=100), "sma_cross", [market], (None, None), 0.0)
        result.record = structs.replace(result.record, title=f"Kedge demo: synthetic market, seed {seed}")
        write_report(result, report, [market])
        if csv:
            write_whole(Path(csv), csv_of(market.candles()))
        checked = verify(journal)
        facts = {**result.to_json(), "synthetic": True, "seed": seed, "journal_intact": checked.ok}
        output.write_json(facts)
    except BaseException:
        clear(place)
        raise
    if output.json_on_stdout:
        write_json("-", facts)
    else:
        tell(result, place, seed, bars, checked)
    if not checked.ok:
        raise OurBug(f"the journal {journal} that was just written does not verify; run kedge audit verify {journal}")


def tell(result: BacktestResult, place: Path, seed: int, bars: int, checked: VerifyReport) -> None:
    """What was done, and what to do next."""
    journal = place / "journal"
    console.marked(
        "A synthetic market", "bold", f"(seed {seed}, {bars} hourly candles): no real prices, no real money.\n"
    )
    show(result)
    state = "intact" if checked.ok else "NOT INTACT"
    console.say(f"\njournal: {journal} ({checked.records} records, {state})")
    console.say(f"report:  {place / 'report.html'} (open it in a browser)\n")
    first = result.trades[0].order_id if result.trades else "ORDER_ID"
    console.say("What next:", style="bold")
    kedge = typed.command()
    steps = (
        (f"{kedge} audit explain {shlex.quote(str(journal))} {first}", "why the first order was sent"),
        (f"{kedge} audit replay {shlex.quote(str(journal))}", "decide again, compare every byte"),
        (f"{kedge} strategies", "what is shipped, and its parameters"),
        (f"{kedge} init my-strategy", "a strategy of your own, with its test"),
    )
    width = max(len(line) for line, _ in steps)
    for line, why in steps:
        console.say(f"  {line:<{width}}  {why}")


def csv_of(candles: Iterable[Candle]) -> str:
    """Candles as the text of a CSV file."""
    lines = ["open_time_ms,open,high,low,close,volume"]
    lines += [f"{c.ts // NS_PER_MS},{c.open},{c.high},{c.low},{c.close},{c.volume}" for c in candles]
    return "\n".join(lines) + "\n"


def check_place(place: Path) -> None:
    """Refuse a directory that holds anything no demo wrote."""
    if place.is_dir():
        foreign = sorted({each.name for each in place.iterdir()} - set(WRITTEN))
        if (place / "journal").is_dir():
            foreign += foreign_files(place / "journal")
        if foreign or (any(place.iterdir()) and not (place / MARKER).is_file()):
            name = foreign[0] if foreign else "files"
            raise ConfigError(f"--out {place} holds {name}, which no demo wrote; name another directory")
    else:
        empty_directory(place, "--out")


def fresh(place: Path) -> None:
    """An empty output directory, marked as a demo's: what an earlier demo wrote there is removed."""
    clear(place)
    place.mkdir(parents=True, exist_ok=True)
    (place / MARKER).touch()


def clear(place: Path) -> None:
    """Remove what a demo wrote, and the directory where nothing else is in it."""
    if not place.is_dir():
        return
    remove_journal(place / "journal")
    with suppress(OSError):
        (place / "journal").rmdir()
    for name in ("report.html", MARKER):
        (place / name).unlink(missing_ok=True)
    with suppress(OSError):
        place.rmdir()
