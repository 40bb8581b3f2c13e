"""From what a user types to a strategy: a shipped name, `file.py:Class` or `module:Class`, with `k=v` parameters.

The same way back is used by `kedge audit replay`: a journal's manifest keeps how the strategy was named, its parameters as
text and the hash of its code.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from hashlib import sha256
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from kedge.cli.config import EXPONENT_MAX
from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import StrategyError
from kedge.model.facts import StrategySpec
from kedge.strategies.library import SHIPPED, shipped

NAME_LENGTH_MAX = 100


def strategy_class(named: str) -> type[BaseStrategy]:
    """The class that `named` means."""
    if ":" not in named:
        if named.endswith(".py"):
            raise StrategyError(f"strategy {named} names a file; add the class, as in {named}:MyStrategy")
        return shipped(named)
    where, _, name = named.rpartition(":")
    if not where or not name:
        raise StrategyError(f"strategy {named!r} is not NAME, file.py:Class or module:Class; write one of these")
    module = _file(Path(where), named) if where.endswith(".py") else _module(where, named)
    found = getattr(module, name, None)
    if found is None:
        classes = [each for each, value in vars(module).items() if _is_strategy(value, module)]
        near = get_close_matches(name, classes, n=1) or classes[:3]
        hint = f"it has {', '.join(near)}" if near else "it has no strategy class"
        raise StrategyError(f"strategy {named}: {where} has no {name}; {hint}")
    if not (inspect.isclass(found) and issubclass(found, BaseStrategy)):
        raise StrategyError(
            f"strategy {named}: {name} is not a subclass of kedge.BaseStrategy; derive it, as in class {name}(BaseStrategy)"
        )
    return found


def parse_parameters(given: Sequence[str]) -> dict[str, str]:
    """`("fast=10", "slow=30")` as a mapping."""
    parsed: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key.strip():
            raise StrategyError(f"parameter {each!r} is not name=value, as in fast=10")
        if key.strip() in parsed:
            raise StrategyError(f"parameter {key.strip()} is given twice; give it once")
        parsed[key.strip()] = value.strip()
    return parsed


def of_spec(spec: StrategySpec) -> BaseStrategy:
    """The strategy of a journal's manifest; code that is not the code that ran is refused, and a file not even loaded."""
    where = spec.source.rpartition(":")[0]
    if where.endswith(".py"):
        path = Path(where)
        if not path.is_file():
            raise StrategyError(
                f"strategy {spec.source}: there is no file {path}; replay in the folder of the backtest"
            )
        _same_code(spec, path)
    found = strategy_class(spec.source)
    _same_code(spec, _source_of(found))
    return make(found, spec.source, spec.parameters)


def _same_code(spec: StrategySpec, path: Path | None) -> None:
    now = sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else ""
    if spec.code_sha256 and spec.code_sha256 != now:
        raise StrategyError(f"strategy {spec.source} has changed since the session ran; replay with the code of then")


def _source_of(found: type) -> Path | None:
    """The file that defines a class, where there is one."""
    try:
        name = inspect.getsourcefile(found)
    except (TypeError, OSError):
        return None
    return Path(name) if name else None


def make(found: type[BaseStrategy], named: str, parameters: dict[str, str]) -> BaseStrategy:
    """A strategy that has answered every question a run asks before the first candle."""
    for name, value in parameters.items():
        declared = found.parameters.get(name)
        if declared is not None and declared.type in (int, Decimal):
            _bounded(name, value)
    try:
        strategy = found(**parameters)
        called: Any = strategy.name()
        symbols: Any = strategy.required_symbols()
        strategy.reset()
        warmup: Any = strategy.warmup_bars()
        history: Any = strategy.history
    except StrategyError:
        raise
    except (Exception, SystemExit) as error:
        place = _source_of(found) or Path(named)
        raise StrategyError(
            f"strategy {named} cannot be made: {_where(error, place)}; mend it and try again"
        ) from error
    if (
        not isinstance(called, str)
        or not called.isprintable()
        or not 0 < len(called) <= NAME_LENGTH_MAX
        or ":" in called
    ):
        raise StrategyError(f"strategy {named} is named {called!r}; name() must return a short text without a colon")
    if isinstance(symbols, str) or not isinstance(symbols, Sequence) or not symbols:
        raise StrategyError(f"strategy {named} requires {symbols!r}; return a list of symbols such as ['BTC-USD']")
    if not all(isinstance(symbol, str) and symbol for symbol in symbols):
        raise StrategyError(f"strategy {named} requires {symbols!r}; return symbols such as ['BTC-USD']")
    for what, value in (("warmup_bars()", warmup), ("history", history)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise StrategyError(f"strategy {named} has {what} {value!r}; it must be a whole number from 0 on")
    return strategy


def blame(error: Exception, strategy: type[BaseStrategy], named: str) -> None:
    """A `StrategyError` where what was raised comes from the strategy's own file, not from Kedge."""
    path, trace = _source_of(strategy), error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    foreign = path is not None and trace is not None and trace.tb_frame.f_code.co_filename == str(path)
    if foreign and path is not None and not isinstance(error, StrategyError):
        raise StrategyError(f"strategy {named} failed: {_where(error, path)}; mend it and try again") from error


def _bounded(name: str, value: str) -> None:
    """Refuse a number whose digits alone would fill the memory."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return  # the parameter says it better
    if number.is_finite() and number and abs(number.adjusted()) > EXPONENT_MAX:
        raise StrategyError(
            f"parameter {name} is {value[:40]}; it must lie between 1e-{EXPONENT_MAX} and 1e{EXPONENT_MAX}"
        )


class _Uncached(SourceFileLoader):
    """Runs a file as it is now: a compiled copy may be older than an edit of the same second, and leaves a folder behind."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _file(path: Path, named: str) -> ModuleType:
    if not path.is_file():
        raise StrategyError(f"strategy {named}: there is no file {path}; check the path")
    name = f"kedge_user_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    loader = _Uncached(name, str(path))
    module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=str(path)))
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise StrategyError(
            f"strategy {named}: {path} does not load: {_where(error, path)}; mend it and try again"
        ) from error
    return module


def _module(where: str, named: str) -> ModuleType:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # as `python -m kedge` has it
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        raise StrategyError(
            f"strategy {named}: no module {where} ({error}); install it, or name a file as in file.py:Class"
        ) from error
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}"
        raise StrategyError(f"strategy {named}: {where} does not load: {what}; mend it and try again") from error


def _where(error: BaseException, path: Path) -> str:
    """What was raised and in which line of the user's file."""
    line = getattr(error, "lineno", None)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    at = f" (line {line})" if line else ""
    said = error.msg if isinstance(error, SyntaxError) else error
    return f"{type(error).__name__}: {said}{at}"


def _is_strategy(value: Any, module: ModuleType) -> bool:
    if not inspect.isclass(value) or not issubclass(value, BaseStrategy):
        return False
    return value is not BaseStrategy and value.__module__ == module.__name__


__all__ = ["SHIPPED", "make", "of_spec", "parse_parameters", "strategy_class"]
