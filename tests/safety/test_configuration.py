"""C29, C32, H61: a key that is misspelt, a limit that is missing, a setting nobody reads: refused before anything starts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from kedge.cli.config import TradingConfig, read_config
from kedge.cli.init import FILES
from kedge.cli.main import run
from kedge.model.errors import ConfigError
from kedge.model.limits import REQUIRED, RiskConfig, SymbolLimits
from kedge.model.market_limits import MarketLimits

D = Decimal

GOOD = """
[backtest]
capital = "10000"
fee = "0.001"
maker_fee = "0.0005"
slippage_bps = "5"
latency_ms = 10
leverage = "2"
participation = "0.1"

[risk]
order_quantity_max = "10"
order_notional_max = "10000"
orders_per_second_max = 5
orders_per_day_max = 100
orders_open_max = 10
duplicate_window_ms_max = 500
price_collar_bps_max = "500"
reference_age_ms_max = 60000
position_quantity_max = "10"
position_notional_max = "10000"
gross_exposure_max = "20000"
net_exposure_max = "20000"
leverage_max = "2"
strategy_exposure_max = "10000"
strategy_loss_max = "500"
daily_loss_max = "500"
drawdown_ratio_max = "0.2"
price_band_bps_max = "1000"
price_band_window_ms = 300000
executions_per_window_max = 50
executions_window_ms = 60000
errors_in_a_row_max = 5
unknown_age_ms_max = 30000
flatten_slippage_bps_max = "200"
clock_offset_ms_max = 1000
loss_action = "flatten"

[risk.symbols.BTC-USD]
order_quantity_max = "1"
order_notional_max = "5000"
position_quantity_max = "2"
position_notional_max = "9000"
price_collar_bps_max = "300"

[market]
jump_bps_max = "2000"
jump_confirmations_min = 2
age_ms_max = 5000
ahead_ms_max = 1000
candle_silence_intervals_max = 2
trade_silence_ms_max = 60000
quote_silence_ms_max = 5000
book_silence_ms_max = 5000
mark_price_silence_ms_max = 10000
funding_rate_silence_ms_max = 36000000
book_levels_max = 1000

[market.symbols_jump_bps_max]
BTC-USD = "1000"

[instruments.BTC-USD]
kind = "perpetual"
tick_size = "0.1"
lot_size = "0.001"
min_quantity = "0.001"
max_quantity = "100"
min_notional = "10"
contract_size = "1"
maker_fee = "0.0002"
taker_fee = "0.0005"
max_leverage = "10"
maintenance_margin = "0.01"
shortable = true
"""


def keys(data: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of the file that is not the name of a symbol."""
    for key, value in data.items():
        if path not in {("instruments",), ("risk", "symbols"), ("market", "symbols_jump_bps_max")}:
            yield (*path, key)
        if isinstance(value, dict):
            yield from keys(value, (*path, key))


def misspelt(key: str) -> Iterator[str]:
    """Every key that one slip of a finger away from `key`: a character lost, doubled, changed, swapped, a space, a case."""
    for at in range(len(key)):
        yield key[:at] + key[at + 1 :]
        yield key[:at] + key[at] + key[at:]
        yield key[:at] + ("x" if key[at] != "x" else "y") + key[at + 1 :]
        yield key[:at] + key[at].swapcase() + key[at + 1 :]
        yield key[: at - 1] + key[at : at + 1] + key[at - 1 : at] + key[at + 1 :] if at else key.title()
    yield from (key + " ", " " + key, key + "s", key.replace("_", "-"), key.upper())


def written(data: object) -> str:
    """Plain data as TOML, inline, every key quoted."""
    if isinstance(data, dict):
        return "{" + ", ".join(f'"{key}" = {written(value)}' for key, value in data.items()) + "}"
    return f'"{data}"' if isinstance(data, str) else str(data).lower()


def renamed(data: dict[str, Any], path: tuple[str, ...], name: str) -> dict[str, Any]:
    """The same data with one key under another name."""
    head, *rest = path
    return {
        (name if key == head and not rest else key): renamed(value, tuple(rest), name)
        if key == head and rest
        else value
        for key, value in data.items()
    }


def refused(path: Path, data: dict[str, Any]) -> str:
    """The one line that refuses the file; empty where it is taken."""
    path.write_text("\n".join(f'"{key}" = {written(value)}' for key, value in data.items()))
    try:
        read_config(path)
    except ConfigError as error:
        return str(error)
    return ""


def test_h61_every_slip_in_every_key_is_refused(tmp_path: Path) -> None:
    """H61: in a file that sets everything there is, every key misspelt in every way by one character: refused, in one line."""
    good, path = tomllib.loads(GOOD), tmp_path / "kedge.toml"
    assert not refused(path, good)
    tried = 0
    for place in keys(good):
        siblings: Any = good
        for part in place[:-1]:
            siblings = siblings[part]
        for wrong in dict.fromkeys(misspelt(place[-1])):
            if wrong in siblings:
                continue
            told = refused(path, renamed(good, place, wrong))
            assert told, f"{'.'.join(place)} written as {wrong!r} is taken"
            assert "\n" not in told
            tried += 1
    assert tried > 2_000


def test_h61_the_file_above_sets_everything_there_is() -> None:
    """H61: a new limit must be added to the file of this test, or its key goes untested."""
    good = tomllib.loads(GOOD)
    assert {*good["risk"], "symbols"} == set(RiskConfig.__struct_fields__)
    assert set(good["risk"]["symbols"]["BTC-USD"]) == set(SymbolLimits.__struct_fields__)
    assert set(good["market"]) == set(MarketLimits.__struct_fields__)


def test_c29_there_is_no_setting_that_nothing_reads(tmp_path: Path) -> None:
    """C29: every limit is read somewhere in the core besides its definition: no dormant switches."""
    root = Path(__file__).resolve().parents[2] / "src" / "kedge"
    source = "\n".join(path.read_text() for path in sorted((root / "core").rglob("*.py")))
    for field in structs.fields(RiskConfig):
        if field.name != "symbols":
            assert field.name in source, f"{field.name} is a limit that nothing holds anything against"
    for field in structs.fields(MarketLimits):
        read = "jump_limit" if field.name.endswith("jump_bps_max") else field.name
        assert f"limits.{read}" in source, f"{field.name} is a bound that nothing holds anything against"


def test_c29_an_unknown_variable_is_refused_with_the_one_that_was_meant() -> None:
    """C29, H61: the environment is as strict as the file."""
    with pytest.raises(ConfigError, match="TRADING_DB_URL"):
        TradingConfig.from_environment({"TRADING_DB_ULR": "sqlite://"})


def test_c29_a_setting_written_twice_is_refused(tmp_path: Path) -> None:
    """C29: which of two values holds is not for chance to say."""
    path = tmp_path / "kedge.toml"
    path.write_text(GOOD.replace('daily_loss_max = "500"', 'daily_loss_max = "500"\ndaily_loss_max = "5000"'))
    with pytest.raises(ConfigError):
        read_config(path)


@pytest.mark.parametrize("limit", REQUIRED)
def test_c32_without_each_required_limit_nothing_starts(limit: str, tmp_path: Path) -> None:
    """C32: the file without this one limit is refused by name, by the reader and by the command, and nothing is written."""
    path = tmp_path / "kedge.toml"
    path.write_text("".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(f"{limit} =")))
    with pytest.raises(ConfigError, match=limit):
        read_config(path)
    (tmp_path / "data.csv").write_text(
        "timestamp,open,high,low,close,volume\n1700000000,1,1,1,1,1\n1700000060,1,1,1,1,1\n"
    )
    data, journal = str(tmp_path / "data.csv"), str(tmp_path / "j")
    assert run(["backtest", "sma_cross", "--data", data, "--config", str(path), "--journal", journal]) != 0
    assert not (tmp_path / "j").exists()


def test_c32_limits_that_are_no_limits_are_refused(tmp_path: Path) -> None:
    """C32: below zero, not a number, empty: such a limit is as good as none."""
    for value in ('"-1"', '"NaN"', '"Infinity"', '""', '"many"', "true", "[]", "nan", "inf"):
        path = tmp_path / "kedge.toml"
        path.write_text(GOOD.replace('\ndaily_loss_max = "500"', f"\ndaily_loss_max = {value}"))
        with pytest.raises(ConfigError, match="daily_loss_max"):
            read_config(path)


def test_c32_the_project_that_init_writes_sets_every_required_limit(tmp_path: Path) -> None:
    """C32: who starts from `kedge init` starts with limits."""
    path = tmp_path / "kedge.toml"
    path.write_text(FILES["kedge.toml"])
    assert not read_config(path).risk.missing()
