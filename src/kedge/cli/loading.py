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
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import StrategyError
from kedge.model.facts import StrategySpec
from kedge.strategies.library import SHIPPED, shipped


def strategy_class(named: str) -> type[BaseStrategy]:
    """The class that `named` means."""
    if ":" not in named:
        if named.endswith(".py"):
            raise StrategyError(f"strategy {named} names a file; add the class, as in {named}:MyStrategy")
        return shipped(named)
    where, _, name = named.rpartition(":")
    if not where or not name:
        raise StrategyError(f"strategy {named!r} is not NAME, file.py:Class or module:Class")
    module = _file(Path(where), named) if where.endswith(".py") else _module(where, named)
    found = getattr(module, name, None)
    if found is None:
        classes = [each for each, value in vars(module).items() if _is_strategy(value, module)]
        near = get_close_matches(name, classes, n=1) or classes[:3]
        hint = f"it has {', '.join(near)}" if near else "it has no strategy class"
        raise StrategyError(f"strategy {named}: {where} has no {name}; {hint}")
    if not (inspect.isclass(found) and issubclass(found, BaseStrategy)):
        raise StrategyError(f"strategy {named}: {name} is not a subclass of kedge.BaseStrategy")
    return found


def make(named: str, parameters: dict[str, str]) -> BaseStrategy:
    """The strategy that `named` means, with its parameters."""
    return _constructed(strategy_class(named), named, parameters)


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
    """The strategy of a journal's manifest; refuses code that is not the code that ran."""
    found = strategy_class(spec.source)
    code = inspect.getsourcefile(found)
    if spec.code_sha256 and code and sha256(Path(code).read_bytes()).hexdigest() != spec.code_sha256:
        raise StrategyError(f"strategy {spec.source} has changed since the session ran; replay with the code of then")
    return _constructed(found, spec.source, spec.parameters)


def _constructed(found: type[BaseStrategy], named: str, parameters: dict[str, str]) -> BaseStrategy:
    try:
        strategy = found(**parameters)
        strategy.name()
        symbols: list[Any] = list(strategy.required_symbols())
    except StrategyError:
        raise
    except Exception as error:
        raise StrategyError(f"strategy {named} cannot be made: {type(error).__name__}: {error}") from error
    if not symbols or not all(isinstance(symbol, str) and symbol for symbol in symbols):
        raise StrategyError(f"strategy {named} requires {symbols!r}; return symbols such as ['BTC-USD']")
    return strategy


def _file(path: Path, named: str) -> ModuleType:
    if not path.is_file():
        raise StrategyError(f"strategy {named}: there is no file {path}; check the path")
    name = f"kedge_user_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StrategyError(f"strategy {named}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise StrategyError(f"strategy {named}: {path} does not load: {_where(error, path)}") from error
    return module


def _module(where: str, named: str) -> ModuleType:
    try:
        return importlib.import_module(where)
    except ImportError as error:
        raise StrategyError(
            f"strategy {named}: no module {where} ({error}); is it installed, or meant as a .py file?"
        ) from error
    except Exception as error:
        raise StrategyError(f"strategy {named}: {where} does not load: {type(error).__name__}: {error}") from error


def _where(error: BaseException, path: Path) -> str:
    """What was raised and in which line of the user's file."""
    line = getattr(error, "lineno", None)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    at = f" (line {line})" if line else ""
    return f"{type(error).__name__}: {error}{at}"


def _is_strategy(value: Any, module: ModuleType) -> bool:
    if not inspect.isclass(value) or not issubclass(value, BaseStrategy):
        return False
    return value is not BaseStrategy and value.__module__ == module.__name__


__all__ = ["SHIPPED", "make", "of_spec", "parse_parameters", "strategy_class"]
