"""`kedge backtest STRATEGY --data FILE...`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from kedge.cli import console, loading
from kedge.cli.config import FileConfig, TradingConfig, read_config
from kedge.model.errors import ConfigError, DataError, UserError
from kedge.model.instant import to_ns
from kedge.model.money import decimal

if TYPE_CHECKING:
    from kedge.backtest.engine import BacktestEngine
    from kedge.backtest.result import BacktestResult
    from kedge.core.strategy.base import BaseStrategy

DEFAULT_SYMBOL = "BTC-USD"
_CHUNK = 4096


@click.command(name="backtest")
@click.argument("strategy")
@click.option(
    "--data",
    "-d",
    "files",
    multiple=True,
    required=True,
    metavar="[SYMBOL=]FILE",
    help="Candles, CSV (also gzipped) or Parquet; several make several symbols. A bare file is BTC-USD.",
)
@click.option(
    "--param",
    "-p",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the strategy; see kedge strategies NAME.",
)
@click.option("--capital", metavar="AMOUNT", help="Money at the start.  [default: 10000]")
@click.option("--fee", metavar="FRACTION", help="Fee as a fraction of notional.  [default: 0.001]")
@click.option(
    "--slippage-bps",
    metavar="BPS",
    help="What each taker fill is worsened by, in hundredths of a percent.  [default: 5]",
)
@click.option(
    "--latency-ms", type=click.IntRange(min=0), help="How long orders, reports and data travel, each.  [default: 0]"
)
@click.option("--leverage", metavar="RATIO", help="Bound of notional over equity.  [default: 1]")
@click.option(
    "--start", metavar="TIME", help="Only candles from this time on: 2024-01-31 or 2024-01-31T12:00:00Z, UTC."
)
@click.option("--end", metavar="TIME", help="Only candles before this time.")
@click.option("--config", "config_file", metavar="FILE", help="A kedge.toml: limits, instruments, settings.")
@click.option("--report", metavar="FILE.html", help="Write the report, one file that opens offline.")
@click.option("--journal", metavar="DIR", help="Write the journal; the directory must be new or empty.")
@click.option("--json", "json_target", metavar="FILE|-", help="Write the result as JSON; - is standard output.")
def command(
    strategy: str,
    files: tuple[str, ...],
    parameters: tuple[str, ...],
    start: str | None,
    end: str | None,
    config_file: str | None,
    report: str | None,
    journal: str | None,
    json_target: str | None,
    **settings: Any,
) -> None:
    """Run STRATEGY (a shipped name, file.py:Class or module:Class) over candles.

    Without --config it trades a generic linear instrument, long and short, bounded by the account's margin alone.
    """
    console.writable(report, "--report")
    console.writable(json_target, "--json")
    config = read_config(Path(config_file)) if config_file else None
    given = loading.parse_parameters(parameters)
    bounds = (moment(start, "--start"), moment(end, "--end"))
    engine = engine_of(config, settings, journal)
    began = perf_counter()
    streams = [open_stream(each) for each in files]
    chosen = with_symbol(strategy, given, [stream.symbol for stream in streams])
    load_seconds = perf_counter() - began
    result = play(engine, chosen, strategy, streams, bounds, load_seconds)
    finish(result, streams, report, json_target, bounds)


def engine_of(config: FileConfig | None, options: dict[str, Any], journal: str | None) -> BacktestEngine:
    """The engine that options and configuration describe; an option wins over the file."""
    from kedge.backtest.engine import UNLIMITED, BacktestEngine

    file = config.backtest if config is not None else None

    def setting(name: str, default: str) -> Any:
        value = options.get(name)
        if value is None and file is not None:
            value = getattr(file, name)
        return decimal(default if value is None else value, f"--{name.replace('_', '-')}")

    latency = options.get("latency_ms")
    if latency is None:
        latency = file.latency_ms if file is not None and file.latency_ms is not None else 0
    return BacktestEngine(
        setting("capital", "10000"),
        setting("fee", "0.001"),
        setting("slippage_bps", "5"),
        maker_fee_rate=file.maker_fee if file is not None else None,
        latency_ms=latency,
        leverage=setting("leverage", "1"),
        participation=file.participation if file is not None else None,
        instruments=config.listed() if config is not None else (),
        risk=config.risk if config is not None else UNLIMITED,
        journal_dir=journal,
        journal_key=signing_key_file() if journal else None,
    )


def signing_key_file() -> Path:
    """The key that signs journals: TRADING_JOURNAL_KEY_FILE, else one of the user's own, made on first use."""
    from kedge.journal.keys import load_or_create_key

    named = TradingConfig.from_environment(os.environ).journal_key_file
    if named:
        path = Path(named)
    else:
        state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        path = Path(state) / "kedge" / "journal.key"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    load_or_create_key(path)
    return path


def open_stream(named: str) -> Any:
    """The candles of `FILE` or `SYMBOL=FILE`."""
    from kedge.storage.formats import MarketFile, open_candles

    symbol, equals, file = named.partition("=")
    if not equals or Path(named).is_file():
        symbol, file = "", named
    elif not symbol:
        raise ConfigError(f"--data {named!r} has no symbol before =; write --data ETH-USD=FILE or --data FILE")
    path = Path(file)
    if not path.exists():
        raise DataError(f"there is no file {file}; check the path given to --data")
    opened = open_candles(path, symbol or None)
    return opened.columns if isinstance(opened, MarketFile) else opened


def with_symbol(named: str, parameters: dict[str, str], symbols: list[str]) -> BaseStrategy:
    """The strategy; where there is one symbol of data and the strategy has a `symbol` parameter, that one."""
    repeated = [symbol for symbol in symbols if symbols.count(symbol) > 1]
    if repeated:
        raise ConfigError(
            f"--data gives {repeated[0]} twice; name the symbols, as in --data {repeated[0]}=FILE --data ETH-USD=FILE"
        )
    found = loading.strategy_class(named)
    if len(symbols) == 1 and "symbol" in found.parameters and "symbol" not in parameters:
        parameters = {**parameters, "symbol": symbols[0]}
    return loading.make(named, parameters)


def play(
    engine: BacktestEngine,
    strategy: BaseStrategy,
    named: str,
    streams: list[Any],
    bounds: tuple[int | None, int | None],
    load_seconds: float,
) -> BacktestResult:
    """Run with a progress bar."""
    total = sum(len(stream) for stream in streams)
    with console.progress("backtest", total) as advance:
        return engine.run(
            strategy,
            streams,
            sources={strategy.name(): named},
            load_seconds=load_seconds,
            start=bounds[0],
            end=bounds[1],
            watch=lambda facts: counted(facts, advance),
        )


def counted(facts: Iterable[Any], advance: Callable[[int], None]) -> Iterator[Any]:
    """The same facts; `advance` is told of each few thousand."""
    facts = iter(facts)
    while batch := list(islice(facts, _CHUNK)):
        yield from batch
        advance(len(batch))


def finish(
    result: BacktestResult,
    streams: list[Any],
    report: str | None,
    json_target: str | None,
    bounds: tuple[int | None, int | None],
) -> None:
    """Write what was asked for; people get the summary unless the JSON goes to standard output."""
    if report:
        from kedge.backtest.report import write_report

        write_report(
            Path(report),
            result,
            [stream.between(*bounds) if hasattr(stream, "between") else stream for stream in streams],
        )
    if json_target:
        console.write_json(json_target, result.to_json())
    if json_target != "-":
        show(result)
        if report:
            console.console().print(f"report: {report}")


def show(result: BacktestResult) -> None:
    """The figures and the warnings, for people."""
    out = console.console()
    out.print(console.table("Backtest", ("", ""), result.summary_table(), right=(1,)))
    for warning in result.warnings:
        out.print(f"[yellow]warning:[/yellow] {warning}", highlight=False)


def moment(text: str | None, option: str) -> int | None:
    """`2024-01-31` or an ISO time, UTC where no zone is given, as nanoseconds."""
    if text is None:
        return None
    with suppress(ValueError):
        parsed = datetime.fromisoformat(text)
        return to_ns(parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC))
    raise UserError(f"{option} is {text!r}; write 2024-01-31 or 2024-01-31T12:00:00Z")
