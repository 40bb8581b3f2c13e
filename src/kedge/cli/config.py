"""Configuration: `kedge.toml` for what a run is, `TRADING_*` variables for where its backing services are.

Both are strict. An unknown key is refused with the nearest known one, because a misspelt limit is a limit that is not
there (hazard H61); a file with a `[risk]` section must set every limit that live trading requires (control C32).
Numbers become `Decimal` from their text, whether written 0.001 or "0.001".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Struct, structs

from kedge.model.errors import ConfigError, UserError
from kedge.model.instrument import Instrument
from kedge.model.limits import REQUIRED, RiskConfig, SymbolLimits
from kedge.model.market_limits import DEFAULT_LIMITS, MarketLimits
from kedge.model.money import ONE, ZERO, decimal
from kedge.model.secret import Secret

T = TypeVar("T")
PREFIX = "TRADING_"

#: Amounts lie between 1e-30 and 1e30: what is beyond is a slip of the pen, and would cost memory by its digits.
EXPONENT_MAX = 30


class BacktestSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[backtest]`: what the command line's options of the same name say otherwise."""

    capital: Decimal | None = None
    fee: Decimal | None = None
    maker_fee: Decimal | None = None
    slippage_bps: Decimal | None = None
    latency_ms: int | None = None
    leverage: Decimal | None = None
    participation: Decimal | None = None

    def __post_init__(self) -> None:
        if self.maker_fee is not None and not -ONE <= self.maker_fee <= ONE:
            raise ConfigError(f"maker_fee is {self.maker_fee}; it must be >= -1 and <= 1")


class FileConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A `kedge.toml`: `[backtest]`, `[risk]`, `[market]`, `[instruments.SYMBOL]`."""

    risk: RiskConfig
    backtest: BacktestSettings = BacktestSettings()
    instruments: dict[str, dict[str, Any]] = {}
    market: MarketLimits = DEFAULT_LIMITS

    def listed(self) -> list[Instrument]:
        """The instruments of the file."""
        return [_instrument(symbol, rules) for symbol, rules in self.instruments.items()]

    def check_symbols(self, traded: list[str]) -> None:
        """Refuse limits of a symbol that is not traded, and rules for one that looks like one traded without any."""
        named = list(self.instruments)
        for symbol in traded:
            near = [] if symbol in named else [each for each in named if _alike(symbol, each)]
            if near:
                raise ConfigError(
                    f"[instruments.{near[0]}] is for another symbol than the data's {symbol}; "
                    f"rename it, or name the data --data {near[0]}=FILE"
                )
        self.risk.check_symbols(traded)
        self.market.check_symbols(traded)


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
                near = get_close_matches(field, cls.__struct_fields__, n=1)
                known = [PREFIX + each.upper() for each in near or cls.__struct_fields__]
                hint = f"did you mean {known[0]}?" if near else f"known are {', '.join(known)}"
                raise ConfigError(f"environment variable {name} is not known; {hint}")
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
    except RecursionError:
        raise ConfigError(f"configuration file {path} is nested too deeply; write it as kedge init does") from None
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


def amount(value: Decimal | int | str, what: str) -> Decimal:
    """`value` as a finite decimal of a size that an amount can have; `what` names it in the error."""
    number = decimal(value, what)
    if number and abs(number.adjusted()) > EXPONENT_MAX:
        raise ConfigError(f"{what} is {str(value)[:40]}; it must lie between 1e-{EXPONENT_MAX} and 1e{EXPONENT_MAX}")
    return number


def convert(data: Any, kind: type[T], where: str = "") -> T:
    """Plain data as a typed value; an unknown key or a value of the wrong type is a `ConfigError` that names it."""
    exact = _exact(data, where)
    if kind is FileConfig:
        _check_symbol_limits(exact)
        exact = _unbounded(exact)
    try:
        return msgspec.convert(exact, kind, strict=False)
    except msgspec.ValidationError as error:
        cause = error.__cause__
        raise ConfigError(str(cause) if isinstance(cause, UserError) else _mended(str(error), data, where)) from None


def _exact(value: Any, where: str) -> Any:
    """Numbers with a fraction as text, which becomes a Decimal without passing through a float; NaN is refused."""
    if isinstance(value, dict):
        return {key: _exact(item, f"{where}.{key}" if where else key) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item, where) for item in value]
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        number = amount(value, where)
        return format(number, "f") if isinstance(value, Decimal) else value
    if isinstance(value, str):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return value
        if not number.is_finite():
            raise ConfigError(f"{where} is {value!r}; it must be finite")
        amount(number, where)
    return value


#: The text that says of a market limit with a default that there is none: TOML has no word for nothing.
NONE = "none"


def _unbounded(data: Any) -> Any:
    """`[market]` with `None` where `"none"` is written for a bound that may be left away."""
    market = data.get("market")
    if not isinstance(market, dict):
        return data
    jumps = market.get("symbols_jump_bps_max")
    for symbol, value in jumps.items() if isinstance(jumps, dict) else ():
        convert({"jump_bps_max": value}, MarketLimits, f"market.symbols_jump_bps_max.{symbol}")
    may = {field.name for field in structs.fields(MarketLimits) if NoneType in get_args(field.type)}
    return {
        **data,
        "market": {name: None if value == NONE and name in may else value for name, value in market.items()},
    }


def _check_symbol_limits(data: Any) -> None:
    """`[risk.symbols.SYMBOL]`, each by itself so that an error names the symbol."""
    risk = data.get("risk")
    symbols = risk.get("symbols") if isinstance(risk, dict) else None
    for symbol, limits in symbols.items() if isinstance(symbols, dict) else ():
        where = f"risk.symbols.{symbol}"
        given = convert(limits, SymbolLimits, where)
        for name in SymbolLimits.__struct_fields__:
            value = getattr(given, name)
            if value is not None and value < ZERO:
                raise ConfigError(f"{where}.{name} is {value}; a limit must not be below zero")


_PATH = re.compile(r" - at `\$\.?(.*)`$")
_EXPECTED = re.compile(r"Expected `([^`]*)`")
_KNOWN: dict[str, type[Struct]] = {
    "": FileConfig, "risk": RiskConfig, "backtest": BacktestSettings, "market": MarketLimits,
}  # fmt: skip
_WORDS = {
    "decimal": 'a number such as "0.001"', "int": "a whole number", "str": "a text", "object": "a table of keys",
}  # fmt: skip


def _mended(message: str, data: Any, where: str) -> str:
    """A validation message with the key, the value and what to write instead."""
    found = _PATH.search(message)
    inner = found[1] if found else ""
    path = ".".join(part for part in (where, inner) if part)
    if "unknown field" in message:
        unknown = message.split("`")[1]
        known: type[Struct] = _KNOWN.get(path, SymbolLimits if path.startswith("risk.symbols") else Instrument)
        key = f"{path}.{unknown}" if path else unknown
        return f"unknown key {key!r}; {_near(unknown, list(known.__struct_fields__))}"
    value = data
    for part in inner.split(".") if inner else []:
        value = value.get(part) if isinstance(value, dict) else value
    wanted = _EXPECTED.search(message)
    kind_name = wanted[1].split(" | ")[0] if wanted else "decimal"
    shown = "a table" if isinstance(value, dict) else repr(str(value) if isinstance(value, Decimal) else value)
    return f"{path or 'the file'} is {shown}; write {_WORDS.get(kind_name, kind_name)}"


def _near(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"


def _alike(one: str, other: str) -> bool:
    return bool(get_close_matches(one.casefold(), [other.casefold()]))


def _instrument(symbol: str, rules: dict[str, Any]) -> Instrument:
    where = f"instruments.{symbol}"
    base, _, quote = symbol.partition("-")
    if not base or not quote:
        raise ConfigError(f"[{where}] is not a canonical symbol; write one such as [instruments.BTC-USD]")
    unknown = [name for name in rules if name not in Instrument.__struct_fields__ or name == "symbol"]
    if unknown:
        known = [name for name in Instrument.__struct_fields__ if name != "symbol"]
        raise ConfigError(f"unknown key {f'{where}.{unknown[0]}'!r}; {_near(unknown[0], known)}")
    made = convert({"symbol": symbol, "base": base, "quote": quote, "settle": quote, **rules}, Instrument, where)
    if made.max_quantity is not None and made.max_quantity < made.min_quantity:
        raise ConfigError(
            f"{where}: max_quantity is {made.max_quantity} and min_quantity {made.min_quantity}; no order would fit between"
        )
    for name in ("maker_fee", "taker_fee"):
        if not -ONE <= getattr(made, name) <= ONE:
            raise ConfigError(f"{where}.{name} is {getattr(made, name)}; a fee is a fraction, >= -1 and <= 1")
    return made
