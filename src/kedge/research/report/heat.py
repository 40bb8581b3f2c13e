"""Heat maps of a figure over parameters: one for each pair of them, each cell the mean over all sets that share it.

A map in sample is never shown alone: its twin out of sample stands before it, in the same colours. Red and green
saturate at the largest value of both. Cells hold the exact mean for those who compute (`data-sort`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from kedge.backtest.curve_fold import ratio
from kedge.backtest.report.markup import Html, el, join
from kedge.backtest.text.readable import percent
from kedge.core.strategy.parameters import text_of
from kedge.model.money import ONE, ZERO, canonical
from kedge.research.walk_forward.search import Places, Space

#: Pairs of parameters that are drawn, and rows or columns of one map.
MAPS_MAX = 6
SIDE_MAX = 40

#: The figure of each set of parameters.
Figures = Mapping[Places, Decimal]


def heat_maps(space: Space, twins: Sequence[tuple[str, Figures]]) -> Html:
    """Maps over each pair of the parameters that were searched; `twins` are titled figures, to stand side by side."""
    searched = [at for at, values in enumerate(space.values()) if len(values) > 1]
    if not searched:
        return Html("")
    pairs: list[tuple[int, int | None]] = [*combinations(searched, 2)] if len(searched) > 1 else [(searched[0], None)]
    drawn = []
    for down, across in pairs[:MAPS_MAX]:
        grids = [(title, means(figures, down, across)) for title, figures in twins]
        full = max((abs(value) for _, grid in grids for value in grid.values()), default=ZERO) or ONE
        maps = [_map(space, title, grid, down, across, full) for title, grid in grids]
        drawn.append(el("div", *maps, class_="twins"))
    if len(pairs) > MAPS_MAX:
        drawn.append(el("p", f"{MAPS_MAX} of {len(pairs)} pairs of parameters are drawn.", class_="note"))
    return join(*drawn)


def means(figures: Figures, down: int, across: int | None) -> dict[tuple[int, int], Decimal]:
    """The mean figure of the sets that share the values of two parameters, by the places of these."""
    found: dict[tuple[int, int], list[Decimal]] = {}
    for places, figure in figures.items():
        found.setdefault((places[down], 0 if across is None else places[across]), []).append(figure)
    return {cell: ratio(sum(values, ZERO), Decimal(len(values))) for cell, values in found.items()}


def _map(
    space: Space, title: str, grid: Mapping[tuple[int, int], Decimal], down: int, across: int | None, full: Decimal
) -> Html:
    names = list(space)
    rows = _shown(space[names[down]])
    columns = [(0, "")] if across is None else _shown(space[names[across]])
    corner = names[down] if across is None else f"{names[down]} \\ {names[across]}"
    head = el("tr", el("th", corner, scope="col"), *(el("th", name, scope="col") for _, name in columns))
    body = [
        el("tr", el("th", name, scope="row"), *(_cell(grid.get((row, column)), full) for column, _ in columns))
        for row, name in rows
    ]
    table = el("table", el("thead", head), el("tbody", *body), class_="heat grid")
    return el("div", el("h3", title), el("div", table, class_="scroll"))


def _shown(values: Sequence[Any]) -> list[tuple[int, str]]:
    step = -(-len(values) // SIDE_MAX)
    return [(at, text_of(values[at])) for at in range(0, len(values), step)]


def _cell(value: Decimal | None, full: Decimal) -> Html:
    if value is None:
        return el("td")
    weight = ratio(abs(value), full) * Decimal("0.62")
    kind = "gain" if value > ZERO else "loss" if value < ZERO else None
    said = percent(value, 1, signed=True)
    return el("td", said, class_=kind, style=f"--w:{percent(weight, 0)}", data_sort=canonical(value))
