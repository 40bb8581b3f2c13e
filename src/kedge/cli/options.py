"""Options that several commands have: the same name, the same meaning, one text."""

from __future__ import annotations

import click

DATA = click.option(
    "--data",
    "-d",
    "files",
    multiple=True,
    required=True,
    metavar="[SYMBOL=]FILE",
    help="Candles, as for kedge backtest.",
)
CAPITAL = click.option("--capital", metavar="AMOUNT", help="Money at the start.  [default: 10000]")
FEE = click.option("--fee", metavar="FRACTION", help="Fee as a fraction of notional.  [default: 0.001]")
SLIPPAGE = click.option("--slippage-bps", metavar="BPS", help="What each taker fill is worsened by.  [default: 5]")
LATENCY = click.option(
    "--latency-ms", type=click.IntRange(min=0), help="How long orders, reports and data travel, each.  [default: 0]"
)
LEVERAGE = click.option("--leverage", metavar="RATIO", help="Bound of notional over equity.  [default: 1]")
END = click.option("--end", metavar="TIME", help="Only candles before this time.")
CONFIG = click.option("--config", "config_file", metavar="FILE", help="A kedge.toml: limits, instruments, settings.")
DASK = click.option(
    "--dask", default="", metavar="URL", help="A dask scheduler whose workers do it, as tcp://host:8786."
)
REPORT = click.option("--report", metavar="FILE.html", help="Write the report, one file that opens offline.")
RESULT_JSON = click.option(
    "--json", "json_target", metavar="FILE|-", help="Write the result as JSON; - is standard output."
)
