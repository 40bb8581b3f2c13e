"""`kedge demo`: the main job in one command, offline, on a synthetic market that says it is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import click

from kedge.cli import console
from kedge.cli.backtest import show, signing_key_file
from kedge.model.errors import ConfigError
from kedge.model.instant import NS_PER_MS
from kedge.model.limits import RiskConfig
from kedge.model.market import Candle

CAPITAL = Decimal(10_000)

#: What the demonstration may do: risk is on, every limit set.
LIMITS = RiskConfig(
    order_quantity_max=Decimal(2),
    order_notional_max=Decimal(12_000),
    orders_per_second_max=5,
    orders_per_day_max=200,
    orders_open_max=5,
    duplicate_window_ms_max=1_000,
    price_collar_bps_max=Decimal(500),
    reference_age_ms_max=600_000,
    position_quantity_max=Decimal(2),
    position_notional_max=Decimal(12_000),
    gross_exposure_max=Decimal(12_000),
    net_exposure_max=Decimal(12_000),
    leverage_max=Decimal(1),
    daily_loss_max=Decimal(800),
    drawdown_ratio_max=Decimal("0.30"),
)


@click.command(name="demo")
@click.option("--out", default="kedge-demo", show_default=True, metavar="DIR", help="Where report and journal go.")
@click.option("--seed", default=7, show_default=True, help="Another market; equal seeds give equal files.")
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

    console.writable(json_target, "--json")
    console.writable(csv, "--csv")
    place = Path(out)
    journal = fresh(place) / "journal"
    market = synthetic_candles(seed, bars)
    if csv:
        console.write_whole(Path(csv), csv_of(market.candles()))
    engine = BacktestEngine(
        CAPITAL, Decimal("0.001"), Decimal(5), risk=LIMITS, journal_dir=journal, journal_key=signing_key_file()
    )
    strategy = SmaCrossStrategy(fast=20, slow=100)
    with console.progress("backtest", bars):
        result = engine.run(strategy, market, sources={strategy.name(): "sma_cross"})
    report = place / "report.html"
    write_report(report, result, [market], title=f"Kedge demo: synthetic market, seed {seed}")
    checked = verify(journal)
    if json_target:
        console.write_json(
            json_target, {**result.to_json(), "synthetic": True, "seed": seed, "journal_intact": checked.ok}
        )
    if json_target == "-":
        return
    say = console.console()
    say.print(f"[bold]A synthetic market[/bold] (seed {seed}, {bars} hourly candles): no real prices, no real money.\n")
    show(result)
    state = "intact" if checked.ok else "NOT INTACT"
    say.print(f"\njournal: {journal} ({checked.records} records, {state})\nreport:  {report} (open it in a browser)\n")
    first = result.trades[0].order_id if result.trades else "ORDER_ID"
    say.print("What next:", style="bold")
    for line in (
        f"kedge audit explain {journal} {first}      why the first order was sent",
        f"kedge audit replay {journal}               decide again, compare every byte",
        "kedge strategies                                 what is shipped, and its parameters",
        "kedge init my-strategy                           a strategy of your own, with its test",
    ):
        say.print(f"  {line}", markup=False)


def csv_of(candles: Iterable[Candle]) -> str:
    """Candles as the text of a CSV file."""
    lines = ["open_time_ms,open,high,low,close,volume"]
    lines += [f"{c.ts // NS_PER_MS},{c.open},{c.high},{c.low},{c.close},{c.volume}" for c in candles]
    return "\n".join(lines) + "\n"


def fresh(place: Path) -> Path:
    """The output directory; one that an earlier demo made is replaced, anything else is left alone."""
    marker = place / ".kedge-demo"
    if place.exists() and not place.is_dir():
        raise ConfigError(f"--out {place} is a file; name a directory")
    if place.exists() and any(place.iterdir()):
        if not marker.exists():
            raise ConfigError(f"--out {place} holds files that no demo made; name another directory")
        shutil.rmtree(place)
    place.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return place
