"""`kedge backtest STRATEGY --data FILE...`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, redirect_stdout, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from kedge.cli import console, loading, options
from kedge.cli.config import FileConfig, TradingConfig, amount, read_config
from kedge.cli.output import Output, write_json
from kedge.cli.registry import digest_of, identity, remember, settings_of
from kedge.model.errors import ConfigError, DataError, StrategyError, UserError, WorldError
from kedge.model.instant import to_ns

if TYPE_CHECKING:
    from kedge.backtest.engine import BacktestEngine
    from kedge.backtest.report.markup import Html
    from kedge.backtest.result import BacktestResult
    from kedge.core.strategy.base import BaseStrategy
    from kedge.journal.keys import SigningKey
    from kedge.research.track_record import TrackRecord

DEFAULT_SYMBOL = "BTC-USD"
_CHUNK = 4096
#: The engine's name for a setting, and the option that a user typed for it.
_TYPED = {
    "initial_capital": "--capital",
    "fee_rate": "--fee",
    "slippage_bps": "--slippage-bps",
    "latency_ms": "--latency-ms",
    "leverage": "--leverage",
    "participation": "[backtest] participation",
}


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
@options.CAPITAL
@options.FEE
@click.option(
    "--slippage-bps",
    metavar="BPS",
    help="What each taker fill is worsened by, in hundredths of a percent.  [default: 5]",
)
@options.LATENCY
@options.LEVERAGE
@click.option(
    "--start", metavar="TIME", help="Only candles from this time on: 2024-01-31 or 2024-01-31T12:00:00Z, UTC."
)
@options.END
@options.CONFIG
@options.REPORT
@click.option("--journal", metavar="DIR", help="Write the journal; the directory must be new or empty.")
@options.RESULT_JSON
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
    from kedge.backtest.report import write_report
    from kedge.storage.columns import CandleColumns

    environment = TradingConfig.from_environment(os.environ)
    output = Output(report, journal, json_target)
    data = [each if Path(each).is_file() else each.partition("=")[2] for each in files]
    output.check([*data, config_file or "", strategy.rpartition(":")[0], environment.journal_key_file])
    config = read_config(Path(config_file)) if config_file is not None else None
    given = loading.parse_parameters(parameters)
    bounds = period(start, end)
    engine = engine_of(config, settings)
    # What a strategy prints must not get between a machine and its JSON.
    with redirect_stdout(sys.stderr) if output.json_on_stdout else nullcontext():
        began = perf_counter()
        streams = [open_stream(each) for each in files]
        symbols = distinct([stream.symbol for stream in streams])
        if config is not None:
            config.check_symbols(symbols)
        chosen = with_symbol(strategy, given, symbols)
        load_seconds = perf_counter() - began
        if output.journal is not None:
            engine.journal_dir, engine.journal_key = output.journal, signing_key(environment.journal_key_file)
        with output.whole():
            result = play(engine, chosen, strategy, streams, bounds, load_seconds)
            record = judged(
                result, environment, engine, (chosen, strategy), digest_of(streams), f"{bounds[0]} to {bounds[1]}"
            )
            if output.report is not None:
                drawn = [stream.between(*bounds) for stream in streams if isinstance(stream, CandleColumns)]
                write_report(result, output.report, drawn or None, panels(result, record))
            facts = {**result.to_json(), "track_record": None if record is None else record.to_json()}
            output.write_json(facts)
    if output.json_on_stdout:
        write_json("-", facts)
        return
    show(result)
    if record is not None:
        console.marked("trials:", "bold", f"{record.trials:,} on these data. {record.verdict}")
    if output.report is not None:
        console.say(f"report: {output.report}")


def judged(
    result: BacktestResult,
    environment: TradingConfig,
    engine: BacktestEngine,
    strategy: tuple[BaseStrategy, str],
    data: str,
    period: str,
) -> TrackRecord | None:
    """Note the run in the registry of trials, and judge it by all that is known there of the same data."""
    from kedge.backtest.session import specs_of
    from kedge.research.statistics.moments import moments
    from kedge.research.track_record import track_record

    returns = result.daily_returns
    sharpe = moments(returns).sharpe if len(returns) > 1 else None
    made, named = strategy
    (spec,) = specs_of([made], {made.name(): named})
    trial = (identity(spec, settings_of(engine), period), sharpe)
    known = remember(environment, "backtest", data, named, len(returns), [trial])
    return track_record(returns, 1 if known is None else known.trials, None if known is None else known.variance)


def panels(result: BacktestResult, record: TrackRecord | None) -> list[Html]:
    """What research adds to the report of a backtest."""
    from kedge.research.report.record import record_panel

    days = result.equity_curve.daily()
    if record is None or not result.fills:
        return []
    return [record_panel(record, days[0][0], float(result.initial_capital), result.daily_returns)]


def engine_of(config: FileConfig | None, options: dict[str, Any]) -> BacktestEngine:
    """The engine that options and configuration describe; an option wins over the file."""
    from kedge.backtest.engine import UNLIMITED, BacktestEngine
    from kedge.model.market_limits import DEFAULT_LIMITS

    file = config.backtest if config is not None else None

    def setting(name: str, default: str) -> Any:
        value = options.get(name)
        if value is None and file is not None:
            value = getattr(file, name)
        return amount(default if value is None else value, f"--{name.replace('_', '-')}")

    latency = options.get("latency_ms")
    if latency is None:
        latency = file.latency_ms if file is not None and file.latency_ms is not None else 0
    try:
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
            market=config.market if config is not None else DEFAULT_LIMITS,
        )
    except ConfigError as error:
        name, is_, rest = str(error).partition(" is ")
        raise ConfigError(f"{_TYPED.get(name, name)}{is_}{rest}") from None


def signing_key(named: str = "") -> SigningKey:
    """The key that signs journals: the file that TRADING_JOURNAL_KEY_FILE names, else one of the user's own.

    It is made on first use, whole or not at all, so that two runs that start together get the same one.
    """
    from kedge.journal.keys import create_key, load_key

    try:
        path = Path(named) if named else _own_key()
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".key-") as place:
                made = Path(place) / "key"
                create_key(made)
                with suppress(FileExistsError):
                    os.link(made, path)
        return load_key(path)
    except (OSError, RuntimeError) as error:
        where = named or "the key in your home directory"
        raise WorldError(
            f"cannot read or make the key that signs journals, {where}: {getattr(error, 'strerror', None) or error}; "
            "set TRADING_JOURNAL_KEY_FILE to a file of your own"
        ) from error


def _own_key() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "kedge" / "journal.key"


def open_stream(named: str) -> Any:
    """The candles of `FILE` or `SYMBOL=FILE`."""
    from kedge.storage.formats import MarketFile, open_candles

    symbol, equals, file = named.partition("=")
    if not equals or Path(named).is_file():
        symbol, file = "", named
    elif not symbol:
        raise ConfigError(f"--data {named!r} has no symbol before =; write --data ETH-USD=FILE or --data FILE")
    opened = open_candles(existing(file), symbol or None)
    return opened.columns if isinstance(opened, MarketFile) else opened


def existing(name: str) -> Path:
    """The path of a file that is there."""
    path = Path(name)
    if not name or not path.exists():
        raise DataError(f"there is no file {name!r}; check the path")
    return path


def distinct(symbols: list[str]) -> list[str]:
    """The symbols, each once; two files of one symbol would be two markets under one name."""
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise ConfigError(
                f"--data gives {symbol} twice; name the symbols, as in --data {symbol}=FILE --data ETH-USD=FILE"
            )
        if not symbol.isprintable() or " " in symbol:
            raise ConfigError(f"--data names the symbol {symbol!r}; write one such as ETH-USD")
    return symbols


def with_symbol(named: str, parameters: dict[str, str], symbols: list[str]) -> BaseStrategy:
    """The strategy, on the symbols of the data where it has a `symbol` parameter that was not given."""
    found = loading.strategy_class(named)
    return loading.make(found, named, {**symbol_for(found, symbols), **parameters})


def symbol_for(found: type[BaseStrategy], symbols: list[str]) -> dict[str, str]:
    """The `symbol` parameter that the data suggest: the one there is, or all of them where it takes several."""
    from kedge.core.strategy.signals import SignalStrategy

    if "symbol" not in found.parameters or (len(symbols) > 1 and not issubclass(found, SignalStrategy)):
        return {}
    return {"symbol": ",".join(symbols)}


def play(
    engine: BacktestEngine,
    strategy: BaseStrategy,
    named: str,
    streams: list[Any],
    bounds: tuple[int | None, int | None],
    load_seconds: float,
) -> BacktestResult:
    """Run with a progress bar, while a terminal watches."""
    total = sum(len(stream) for stream in streams)
    with console.progress("backtest", total) as advance:
        watch = None if advance is None else partial(counted, advance=advance)
        try:
            return engine.run(
                strategy,
                streams,
                sources={strategy.name(): named},
                load_seconds=load_seconds,
                start=bounds[0],
                end=bounds[1],
                watch=watch,
            )
        except SystemExit as error:
            raise StrategyError(
                f"strategy {named} called sys.exit({error.code!r}); raise an exception instead"
            ) from error
        except KeyboardInterrupt:
            raise
        except Exception as error:
            loading.blame(error, type(strategy), named)
            raise
        except BaseException as error:
            raise StrategyError(f"strategy {named} raised {type(error).__name__}; derive it from Exception") from error


def counted(facts: Iterable[Any], advance: Callable[[int], None]) -> Iterator[Any]:
    """The same facts; `advance` is told of each few thousand."""
    facts = iter(facts)
    while batch := list(islice(facts, _CHUNK)):
        yield from batch
        advance(len(batch))


def show(result: BacktestResult) -> None:
    """The figures, the limits that were in force and the warnings, for people."""
    console.console().print(console.table("Backtest", ("", ""), result.summary_table(), right=(1,)))
    for whose, limits in result.limits_table():
        console.marked(f"{whose}:", "dim", limits)
    for warning in result.warnings:
        console.marked("warning:", "yellow", warning)


def period(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """The moments between which to trade; either may be open."""
    first, last = moment(start, "--start"), moment(end, "--end")
    if first is not None and last is not None and first >= last:
        raise ConfigError(f"--start {start} is not before --end {end}; swap them or give another period")
    return first, last


def moment(text: str | None, option: str) -> int | None:
    """`2024-01-31` or an ISO time, UTC where no zone is given, as nanoseconds."""
    if text is None:
        return None
    with suppress(ValueError, OverflowError):
        parsed = datetime.fromisoformat(text)
        at = to_ns(parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC))
        if -(2**63) <= at < 2**63:
            return at
    raise UserError(f"{option} is {text!r}; write 2024-01-31 or 2024-01-31T12:00:00Z")
