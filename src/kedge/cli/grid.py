"""`--grid NAME=VALUES`: the values of a parameter that are to be tried.

fast=5:50:5       from 5 to 50 in steps of 5, both ends in (the last where a step meets it)
num_std=1.5:3:0.5 the same in decimals, exactly
side=long,short   these, in this order
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from kedge.cli.config import amount
from kedge.model.errors import ConfigError
from kedge.model.money import EXACT, ZERO, canonical

#: Values of one parameter.
VALUES_MAX = 10_000


def parse_grid(given: Sequence[str]) -> dict[str, list[str]]:
    """The values of each parameter, as text."""
    grid: dict[str, list[str]] = {}
    for each in given:
        name, equals, values = (part.strip() for part in each.partition("="))
        if not equals or not name or not values:
            raise ConfigError(f"--grid {each!r} is not NAME=VALUES; write fast=5:50:5 or fast=5,10,20")
        if name in grid:
            raise ConfigError(f"--grid gives {name} twice; give all its values at once")
        found = _range(name, values) if ":" in values else [value.strip() for value in values.split(",")]
        if "" in found:
            raise ConfigError(f"--grid {name} has an empty value in {values!r}; write {name}=5,10,20")
        twice = next((value for value in found if found.count(value) > 1), None) if len(found) <= VALUES_MAX else None
        if twice is not None:
            raise ConfigError(f"--grid {name} gives {twice} twice; give it once")
        if len(found) > VALUES_MAX:
            raise ConfigError(f"--grid {name} has {len(found)} values; {VALUES_MAX} at most, take larger steps")
        grid[name] = found
    return grid


def _range(name: str, values: str) -> list[str]:
    parts = values.split(":")
    if len(parts) not in (2, 3):
        raise ConfigError(f"--grid {name} is {values!r}; write FROM:TO:STEP, as in 5:50:5")
    first, last, step = (amount(part, f"--grid {name}") for part in (*parts, "1")[:3])
    if not step > ZERO or last < first:
        raise ConfigError(f"--grid {name} is {values!r}; FROM must not be above TO, and STEP above zero")
    count = int(EXACT.divide(EXACT.subtract(last, first), step)) + 1
    if count > VALUES_MAX:
        raise ConfigError(f"--grid {name} has {count} values; {VALUES_MAX} at most, take larger steps")
    return [canonical(EXACT.add(first, EXACT.multiply(step, Decimal(at)))) for at in range(count)]
