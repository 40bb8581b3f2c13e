"""Drawings as SVG: axes, curves, bands and bars, in the colours of the report's style sheet.

A `Frame` maps values to places on a sheet of fixed size, which the page scales to its width. Coordinates are written
with one decimal: a screen shows no more. What is drawn is for the eye; every figure also stands in a table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from kedge.backtest.report.markup import Html, el, join
from kedge.model.instant import NS_PER_S
from kedge.research.statistics.moments import Floats

WIDTH, HEIGHT = 1120.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 76.0, 12.0, 10.0, 24.0
#: Points of a curve that are drawn; of more the lowest and highest of each stretch are.
POINTS_MAX = 1500


class Frame:
    """A sheet with axes: `x` and `y` are the least and greatest value shown.

    On a `logarithmic` sheet equal ratios are equal heights; what is not above zero is drawn at its lower edge.
    """

    def __init__(
        self, x: tuple[float, float], y: tuple[float, float], height: float = HEIGHT, *, logarithmic: bool = False
    ) -> None:
        self.x0, self.x1 = x
        self.height = height
        self._logarithmic = logarithmic and y[1] > 0.0
        self._least = y[0] if y[0] > 0.0 else y[1] / 1000.0
        low, high = self._scaled(y[0]), self._scaled(y[1])
        margin = (high - low) * 0.04 or abs(high) * 0.04 or 1.0
        self.y0, self.y1 = low - margin, high + margin

    def across(self, value: float) -> float:
        """The place of a value on the horizontal axis."""
        return LEFT + (value - self.x0) / ((self.x1 - self.x0) or 1.0) * (WIDTH - LEFT - RIGHT)

    def up(self, value: float) -> float:
        """The place of a value on the vertical axis."""
        part = (self._scaled(value) - self.y0) / (self.y1 - self.y0)
        return self.height - BOTTOM - part * (self.height - TOP - BOTTOM)

    def sheet(self, label: str, *drawn: Html) -> Html:
        """The whole drawing, in the order given, for those who see it and (`label`) those who do not."""
        box = f"0 0 {WIDTH:.0f} {self.height:.0f}"
        return el("svg", *drawn, viewBox=box, role="img", aria_label=label, class_="drawing")

    def values(self, count: int = 5) -> Html:
        """Horizontal grid lines with their values."""
        lines = []
        found = decades(self.y0, self.y1) if self._logarithmic else ticks(self.y0, self.y1, count)
        for value, said in found:
            at = f"{self.up(value):.1f}"
            lines.append(el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_="grid"))
            lines.append(el("text", said, x=LEFT - 8, y=at, dy="0.32em", class_="tick end"))
        return join(*lines)

    def dates(self, count: int = 7) -> Html:
        """Days along the bottom; the horizontal axis is in ns."""
        texts = []
        for at in range(count):
            moment = self.x0 + (self.x1 - self.x0) * at / (count - 1)
            said = f"{datetime.fromtimestamp(moment / NS_PER_S, UTC):%Y-%m-%d}"
            side = "tick start" if at == 0 else "tick end" if at == count - 1 else "tick middle"
            texts.append(el("text", said, x=f"{self.across(moment):.1f}", y=self.height - 6, class_=side))
        return join(*texts)

    def curve(self, xs: Floats, ys: Floats, kind: str) -> Html:
        """A line through points in order of x."""
        return el("path", d="M" + "L".join(self._points(*thinned(xs, ys))), class_=kind)

    def band(self, xs: Floats, low: Floats, high: Floats, kind: str) -> Html:
        """The area between two lines over the same points."""
        step = max(1, -(-len(xs) // POINTS_MAX))
        xs, low, high = (np.append(each[:-1:step], each[-1:]) for each in (xs, low, high))
        there, back = self._points(xs, high), self._points(xs[::-1], low[::-1])
        return el("path", d="M" + "L".join([*there, *back]) + "Z", class_=kind)

    def level(self, value: float, kind: str = "level") -> Html:
        """A horizontal line at a value."""
        at = f"{self.up(value):.1f}"
        return el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_=kind)

    def seam(self, value: float) -> Html:
        """A vertical line at a value."""
        at = f"{self.across(value):.1f}"
        return el("line", x1=at, x2=at, y1=TOP, y2=self.height - BOTTOM, class_="seam")

    def box(self, x: tuple[float, float], y: tuple[float, float], kind: str, title: str = "") -> Html:
        """A rectangle between values; `title` is shown when the pointer rests on it."""
        left, right = sorted(map(self.across, x))
        top, bottom = sorted(map(self.up, y))
        size = {"width": f"{max(right - left, 0.5):.1f}", "height": f"{max(bottom - top, 0.5):.1f}"}
        said = el("title", title) if title else ""
        return el("rect", said, x=f"{left:.1f}", y=f"{top:.1f}", class_=kind, **size)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, self._least)) if self._logarithmic else value

    def _points(self, xs: Floats, ys: Floats) -> list[str]:
        return [f"{self.across(float(x)):.1f} {self.up(float(y)):.1f}" for x, y in zip(xs, ys, strict=True)]


def ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Round values between two, with their text; about `count` of them."""
    wanted = (high - low) / count
    power = 10.0 ** math.floor(math.log10(wanted)) if wanted > 0.0 else 1.0
    step = next(size * power for size in (1.0, 2.0, 2.5, 5.0, 10.0) if size * power >= wanted * 0.999)
    places = max(0, -math.floor(math.log10(step) + 1e-9)) + (
        1 if abs(step / power - 2.5) < 0.01 and power <= 1.0 else 0
    )
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(at * step, f"{at * step + 0.0:,.{places}f}") for at in range(first, last + 1)]


def decades(low: float, high: float) -> list[tuple[float, str]]:
    """1, 2 and 5 times powers of ten between two logarithms, with their text; powers alone where there are many."""
    found = []
    leading = (1, 2, 5) if high - low < 3.0 else (1,)
    for power in range(math.floor(low), math.ceil(high) + 1):
        for first in leading:
            value = first * 10.0**power
            if low <= math.log10(value) <= high:
                found.append((value, f"{value:,.{max(0, -power)}f}"))
    return found


def thinned(xs: Floats, ys: Floats) -> tuple[Floats, Floats]:
    """At most some `POINTS_MAX` points: of each stretch the lowest and the highest, and both ends."""
    count = len(xs)
    size = -(-2 * count // POINTS_MAX)
    if size <= 2:
        return xs, ys
    places = [0, count - 1]
    for first in range(0, count, size):
        part = ys[first : first + size]
        places += [first + int(part.argmin()), first + int(part.argmax())]
    kept = np.unique(places)
    return xs[kept], ys[kept]


def bars(values: Sequence[tuple[float, str]], label: str) -> Html:
    """A histogram: heights with the class of each bar."""
    top = max((height for height, _ in values), default=0.0) or 1.0
    drawn = [el("i", class_=kind or None, style=f"--h:{height / top:.1%}") for height, kind in values]
    return el("div", *drawn, class_="histogram", role="img", aria_label=label)
