"""Parameters of a strategy, declared as annotated class attributes.

    class Cross(BaseStrategy): fast: Annotated[int, Bounds(1, 500), "bars of the fast average"] = 10

The annotation is the type, `Bounds` the range, a string the help text, the assignment the default. `int`,
`Decimal`, `bool`, `str` and their `| None` are understood; a `Decimal` parameter takes a float by its
shortest text, since a parameter such as a number of standard deviations is no money.
"""

from __future__ import annotations

import inspect
import typing
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin

from msgspec import Struct

from kedge.model.errors import StrategyError, UserError
from kedge.model.money import canonical, decimal

TYPES = (int, Decimal, bool, str)
ParameterValue = int | Decimal | bool | str | None


class Bounds(Struct, frozen=True):
    """The least and greatest value a parameter may have; `None` is open."""

    low: Decimal | int | None = None
    high: Decimal | int | None = None

    def __str__(self) -> str:
        low = "" if self.low is None else f">= {self.low}"
        high = "" if self.high is None else f"<= {self.high}"
        return " and ".join(part for part in (low, high) if part)


class Parameter(Struct, frozen=True):
    """One declared parameter."""

    name: str
    type: type
    default: ParameterValue
    bounds: Bounds = Bounds()
    optional: bool = False
    doc: str = ""

    def parse(self, value: object, owner: str) -> ParameterValue:
        """`value`, given as text or as itself, in the declared type and range; else a `StrategyError`."""
        if value is None or (self.optional and value in ("", "none", "None")):
            if self.optional:
                return None
            raise self._error(owner, value, "it needs a value")
        parsed = self._typed(value, owner)
        if not isinstance(parsed, bool | str):
            low, high = self.bounds.low, self.bounds.high
            if (low is not None and parsed < low) or (high is not None and parsed > high):
                raise self._error(owner, value, f"it must be {self.bounds}")
        return parsed

    def _typed(self, value: object, owner: str) -> int | Decimal | bool | str:
        if self.type is str:
            return str(value)
        if self.type is bool:
            if isinstance(value, bool):
                return value
            if str(value).lower() in ("true", "yes", "on", "1"):
                return True
            if str(value).lower() in ("false", "no", "off", "0"):
                return False
            raise self._error(owner, value, "give true or false")
        if isinstance(value, bool):
            raise self._error(owner, value, "give a number")
        try:
            number = decimal(repr(value) if isinstance(value, float) else value, self.name)
        except UserError:
            raise self._error(owner, value, "give a number") from None
        if self.type is Decimal:
            return Decimal(canonical(number))  # as `text_of` writes it, so that a replay computes with the same digits
        if number != number.to_integral_value():
            raise self._error(owner, value, "give a whole number")
        return int(number)

    def _error(self, owner: str, value: object, remedy: str) -> StrategyError:
        return StrategyError(f"parameter {self.name} of {owner} is {value!r}; {remedy}")


def text_of(value: ParameterValue) -> str:
    """A parameter as text that `Parameter.parse` reads back to the same value."""
    if isinstance(value, Decimal):
        return canonical(value)
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def declared(owner: type) -> dict[str, Parameter]:
    """The parameters that the class body of `owner` declares itself, in the order of writing."""
    names = [name for name in inspect.get_annotations(owner) if not name.startswith("_")]
    found: dict[str, Parameter] = {}
    if not names:
        return found
    hints = typing.get_type_hints(owner, include_extras=True)
    for name in names:
        if get_origin(hints[name]) is typing.ClassVar or name not in owner.__dict__:
            continue
        found[name] = _parameter(owner, name, hints[name], owner.__dict__[name])
    return found


def _parameter(owner: type, name: str, hint: Any, default: Any) -> Parameter:
    extras: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        extras = tuple(rest)
    optional = get_origin(hint) in (typing.Union, UnionType) and NoneType in get_args(hint)
    if optional:
        (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
    if hint is float:
        raise StrategyError(f"parameter {name} of {owner.__name__} is a float; declare it Decimal, which takes 2.0 too")
    if hint not in TYPES:
        raise StrategyError(f"parameter {name} of {owner.__name__} has type {hint}; use int, Decimal, bool or str")
    bounds = next((extra for extra in extras if isinstance(extra, Bounds)), Bounds())
    doc = next((extra for extra in extras if isinstance(extra, str)), "")
    bare = Parameter(name=name, type=hint, default=None, bounds=bounds, optional=optional, doc=doc)
    return Parameter(name, hint, bare.parse(default, owner.__name__), bounds, optional, doc)
