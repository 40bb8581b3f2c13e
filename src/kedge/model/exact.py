"""`check_exact`: the numbers of a value that was built by hand are what its fields are declared to be.

A msgspec struct checks types when it decodes, not when it is called. A float in a limit, a text, a NaN would be taken
then, and found out in the middle of a session by a comparison that raises or, worse, does not.
"""

from __future__ import annotations

from decimal import Decimal
from types import UnionType
from typing import Union, get_args, get_origin

from msgspec import Struct, structs

from kedge.model.errors import ConfigError


def check_exact(value: Struct, what: str = "") -> None:
    """Every field declared `Decimal` holds a finite one or an integer, every `int` an integer; `None` where it may be.

    `what` names the value in the error.
    """
    for field in structs.fields(value):
        united = get_origin(field.type) in (Union, UnionType)
        kinds = get_args(field.type) if united else (field.type,)
        given = getattr(value, field.name)
        if (given is None and type(None) in kinds) or not (Decimal in kinds or int in kinds):
            continue
        name = f"{what}: {field.name}" if what else field.name
        whole = isinstance(given, int) and not isinstance(given, bool)
        if Decimal in kinds and not whole:
            if not isinstance(given, Decimal):
                raise ConfigError(f"{name} is {given!r}; give a Decimal or an int, so that it is exact")
            if not given.is_finite():
                raise ConfigError(f"{name} is {given}; it must be finite")
        elif Decimal not in kinds and not whole:
            raise ConfigError(f"{name} is {given!r}; give an int")
