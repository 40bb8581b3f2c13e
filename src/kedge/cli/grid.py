"""Grids of parameters as a user types them: `fast=5:50:5`, `fast=5,10,20`, `num_std=1:3:0.5`, `allow_short=true,false`.

A range is written begin:end:step and holds its end where a step meets it; without a step it is 1. Values are text, as
`--param` has them: the strategy's declaration says what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import prod

from kedge.model.errors import ConfigError, StrategyError, UserError
from kedge.model.money import EXACT, ZERO, canonical, decimal

#: More runs than anyone waits for; a typing error is more likely.
RUNS_MAX = 1_000_000


def parse_grid(given: Sequence[str]) -> dict[str, list[str]]:
    """The values of each parameter, in the order typed."""
    grid: dict[str, list[str]] = {}
    for each in given:
        name, equals, text = (part.strip() for part in each.partition("="))
        if not equals or not name or not text:
            raise StrategyError(f"--grid {each!r} is not name=begin:end:step or name=value,value")
        if name in grid:
            raise StrategyError(f"--grid gives {name} twice; give it once")
        grid[name] = _range(each, text) if ":" in text else _values(each, text)
    runs = prod(map(len, grid.values()))
    if runs > RUNS_MAX:
        raise ConfigError(f"the grid has {runs} runs; {RUNS_MAX} at most, make a step wider")
    return grid


def _values(each: str, text: str) -> list[str]:
    values = [value.strip() for value in text.split(",")]
    if not all(values):
        raise StrategyError(f"--grid {each!r} has an empty value; write name=value,value")
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise StrategyError(f"--grid {each!r} gives {twice} twice; give it once")
    return values


def _range(each: str, text: str) -> list[str]:
    parts = text.split(":")
    if len(parts) not in {2, 3}:
        raise StrategyError(f"--grid {each!r} is not name=begin:end:step")
    try:
        begin, end, step = (decimal(part.strip(), "--grid") for part in (*parts, "1")[:3])
    except UserError:
        raise StrategyError(f"--grid {each!r} is not name=begin:end:step in numbers, as in fast=5:50:5") from None
    if not step > ZERO or end < begin:
        raise StrategyError(f"--grid {each!r} never ends: begin must not be above end, and the step above zero")
    for number in (begin, end, step):
        if number and abs(number.adjusted()) > 18:
            raise StrategyError(f"--grid {each!r} has a number beyond 1e18 or 1e-18; no parameter is meant")
    count = int(EXACT.divide_int(EXACT.subtract(end, begin), step)) + 1
    if count > RUNS_MAX:
        raise ConfigError(f"--grid {each!r} has {count} values; {RUNS_MAX} at most, make the step wider")
    return [canonical(EXACT.fma(Decimal(place), step, begin)) for place in range(count)]
