"""`kedge init DIR`: a project to start from, a strategy, its test and its kedge.toml, all of which work as written."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path

import click

from kedge.cli import console, typed
from kedge.cli.output import empty_directory, write_whole
from kedge.model.errors import ConfigError

STRATEGY = '''"""My first strategy: buy when the close rises above its average, leave when it falls below."""

from decimal import Decimal
from typing import Annotated

from kedge import BaseStrategy, Bounds, Candle, Signal


class MyStrategy(BaseStrategy):
    """Long while the close is above the average of the last `window` closes."""

    symbol: str = "BTC-USD"
    window: Annotated[int, Bounds(2, 1000), "closes in the average"] = 20

    def required_symbols(self) -> list[str]:
        return [self.symbol]

    def reset(self) -> None:
        self.closes: list[Decimal] = []

    def on_candle(self, candle: Candle) -> list[Signal] | None:
        self.closes = [*self.closes[-(self.window - 1) :], candle.close]
        if len(self.closes) < self.window:
            return None
        average = sum(self.closes) / self.window
        held = self.view.position(self.symbol)
        if candle.close > average and held == 0:
            return [Signal.buy(self.symbol)]  # no quantity: the strategy's budget
        if candle.close < average and held > 0:
            return [Signal.close(self.symbol)]
        return None
'''

TEST = '''"""The strategy does what it says, and cannot see the future."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from kedge import BacktestEngine, Candle
from strategy import MyStrategy


def candles(closes: list[int]) -> list[Candle]:
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    return [
        Candle(start + timedelta(hours=i), Decimal(p), Decimal(p + 1), Decimal(p - 1), Decimal(p), Decimal(10))
        for i, p in enumerate(closes)
    ]


def run(closes: list[int]):
    engine = BacktestEngine(initial_capital=Decimal("10000"), fee_rate=Decimal("0.001"), slippage_bps=Decimal("5"))
    return engine.run(MyStrategy(window=5), candles(closes))


def test_it_buys_a_rise_and_leaves_a_fall() -> None:
    result = run([100] * 5 + [105, 106, 107, 100, 95, 94])
    assert [trade.side for trade in result.trades] == ["buy", "sell"]


def test_what_comes_later_changes_nothing_before() -> None:
    one = run([100] * 5 + [105, 106, 107, 108, 109])
    other = run([100] * 5 + [105, 106, 107, 90, 80])
    assert one.trades[0] == other.trades[0]
'''

CONFIG = """# The limits of this strategy. Every key is checked: a misspelt one is refused, a required one may not be missing.

[backtest]
capital = "10000"
fee = "0.001"
slippage_bps = "5"

[risk]
order_quantity_max = "1000"         # of one order, in units of the symbol
order_notional_max = "50000"        # of one order, in the account's currency
orders_per_second_max = 5
orders_open_max = 10
price_collar_bps_max = "300"        # a market order is valued this far from the last price: 3%
reference_age_ms_max = 172800000    # a price older than two days is no price
position_quantity_max = "1000"
gross_exposure_max = "50000"
daily_loss_max = "2000"             # losing more in a UTC day closes everything and stops
drawdown_ratio_max = "0.5"          # and so does falling by half from the highest equity
"""

CONFTEST = '''"""Lets the tests import what lies beside them, wherever pytest is called from."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
'''

FILES = {"strategy.py": STRATEGY, "test_strategy.py": TEST, "kedge.toml": CONFIG, "conftest.py": CONFTEST}


@click.command(name="init")
@click.argument("directory", metavar="DIR")
def command(directory: str) -> None:
    """Write a working strategy, its test and its kedge.toml into DIR, which must be new or empty."""
    place = Path(directory)
    if place.is_dir() and any(place.iterdir()):
        raise ConfigError(f"{place} is not empty; name a new directory, nothing is overwritten")
    empty_directory(place, "DIR")
    made = [each for each in (place, *place.parents) if not each.exists()]
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in FILES.items():
            write_whole(place / name, text)
    except OSError:
        for name in FILES:
            (place / name).unlink(missing_ok=True)
        for each in made:
            with suppress(OSError):
                each.rmdir()
        raise
    console.say(f"{place}: {', '.join(FILES)}\n")
    console.say("What next:", style="bold")
    spec = shlex.quote(f"{place / 'strategy.py'}:MyStrategy")
    kedge = typed.command()
    for line in (
        f"{kedge} backtest {spec} --data YOUR.csv --config {shlex.quote(str(place / 'kedge.toml'))} --report report.html",
        typed.run_tests(place),
        f"{kedge} strategies {spec}",
    ):
        console.say(f"  {line}")
