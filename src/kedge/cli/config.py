"""Configuration: `kedge.toml` for what a run is, `TRADING_*` variables for where its backing services are.

Both are strict. An unknown key is refused with the nearest known one, because a misspelt limit is a limit that is not
there (hazard H61); a file with a `[risk]` section must set every limit that live trading requires (control C32).
Numbers become `Decimal` from their text, whether written 0.001 or "0.001".
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from kedge.model.errors import ConfigError, UserError
from kedge.model.instrument import Instrument
from kedge.model.limits import REQUIRED, RiskConfig
from kedge.model.money import decimal
from kedge.model.secret import Secret

T = TypeVar("T")
PREFIX = "TRADING_"


class BacktestSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[backtest]`: what the command line's options of the same name say otherwise."""

    capital: Decimal | None = None
    fee: Decimal | None = None
    maker_fee: Decimal | None = None
    slippage_bps: Decimal | None = None
    latency_ms: int | None = None
    leverage: Decimal | None = None
    participation: Decimal | None = None


class FileConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A `kedge.toml`: `[backtest]`, `[risk]`, `[instruments.SYMBOL]`."""

    risk: RiskConfig
    backtest: BacktestSettings = BacktestSettings()
    instruments: dict[str, dict[str, Any]] = {}

    def listed(self) -> list[Instrument]:
        """The instruments of the file."""
        return [_instrument(symbol, rules) for symbol, rules in self.instruments.items()]


class TradingConfig(Struct, frozen=True):
    """What the environment says: addresses of backing services, and secrets that never print."""

    exchange_ws_url: str = ""
    exchange_rest_url: str = ""
    exchange_api_key: Secret = Secret("")
    exchange_api_secret: Secret = Secret("")
    db_url: str = ""
    mq_url: str = ""
    market_data_url: str = ""
    journal_key_file: str = ""
    data_dir: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> TradingConfig:
        """The configuration in `TRADING_*`; an unknown variable of that prefix is refused."""
        found: dict[str, Any] = {}
        for name, value in environment.items():
            if not name.startswith(PREFIX):
                continue
            field = name.removeprefix(PREFIX).lower()
            if field not in cls.__struct_fields__:
                known = [PREFIX + each.upper() for each in cls.__struct_fields__]
                raise ConfigError(f"environment variable {name} is not known; {_near(name, known)}")
            found[field] = Secret(value) if field.startswith("exchange_api") else value
        return cls(**found)


def read_config(path: Path) -> FileConfig:
    """The configuration in a TOML file; every mistake names the file, the key and the remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration file {path}; kedge init DIR writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"configuration file {path} cannot be read: {error}") from None
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"configuration file {path} is not TOML: {error}") from None
    if "risk" not in data:
        raise ConfigError(f"{path} has no [risk] section; set at least {', '.join(REQUIRED)}")
    try:
        config = convert(data, FileConfig)
        config.listed()
    except UserError as error:
        raise ConfigError(f"{path}: {error}") from None
    missing = config.risk.missing()
    if missing:
        raise ConfigError(f"{path}: [risk] does not set {', '.join(missing)}; every required limit must be set")
    return config


def convert(data: object, kind: type[T]) -> T:
    """Plain data as a typed value; an unknown key or a value of the wrong type is a `ConfigError`."""
    try:
        return msgspec.convert(_exact(data), kind, strict=False)
    except msgspec.ValidationError as error:
        cause = error.__cause__
        if isinstance(cause, UserError):
            raise ConfigError(str(cause)) from None
        raise ConfigError(_mended(str(error), kind)) from None


def _exact(value: object) -> object:
    """Numbers with a fraction as text, which becomes a Decimal without passing through a float; NaN is refused."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, Decimal):
        return format(decimal(value, "a number"), "f")
    if isinstance(value, str) and value.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise ConfigError(f"a value is {value!r}; it must be a finite number")
    return value


def _mended(message: str, kind: type) -> str:
    """A validation message with the nearest known key."""
    if "unknown field" not in message:
        return message
    unknown = message.split("`")[1]
    known = _all_fields(kind)
    return f"{message}; {_near(unknown, known)}"


def _all_fields(kind: type) -> list[str]:
    fields = list(getattr(kind, "__struct_fields__", ()))
    for part in (RiskConfig, BacktestSettings, Instrument):
        fields += part.__struct_fields__
    return fields


def _near(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known)[:12])}"


def _instrument(symbol: str, rules: dict[str, Any]) -> Instrument:
    base, dash, quote = symbol.partition("-")
    if not dash:
        raise ConfigError(f"[instruments.{symbol}] is not a canonical symbol such as BTC-USD")
    unknown = [name for name in rules if name not in Instrument.__struct_fields__]
    if unknown:
        raise ConfigError(
            f"[instruments.{symbol}] has {unknown[0]}; {_near(unknown[0], list(Instrument.__struct_fields__))}"
        )
    filled = {"symbol": symbol, "base": base, "quote": quote, "settle": quote, **rules}
    try:
        return convert(filled, Instrument)
    except ConfigError as error:
        raise ConfigError(f"[instruments.{symbol}]: {error}") from None
