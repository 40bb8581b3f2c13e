"""Scaled integers: decimals as an int64 column and one number of decimal digits.

    value = ticks / 10 ** scale            0 <= scale <= SCALE_MAX, exact in both directions

A column has one scale, the largest any of its values needs; the smallest such scale is its normal form, so two
columns of equal values are equal arrays. Going in, a value that does not fit 63 bits at the scale is a
`DataError`, never a rounding. Coming out, decimals are canonical (no trailing zeros, no positive exponent), so the
text of a price does not depend on the file it came from.

Building a `Decimal` costs a tenth of a microsecond and a candle needs five. Prices of a stretch of history lie
close together, so where they are dense each distinct tick is built once and looked up in a table spanning the
stretch; where they are sparse (ticks small against the moves) a table would mostly hold air, and each is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from itertools import accumulate, repeat
from operator import mul
from typing import TYPE_CHECKING

from kedge.model.errors import DataError
from kedge.model.money import EXACT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: Digits after the point that a column may have; 10**18 is the largest power of ten in an int64.
SCALE_MAX = 18
INT64_MAX = 2**63 - 1

#: A table of distinct ticks pays while its span is below this many times the values looked up.
_TABLE_SPAN_RATIO_MAX = 8

_UNITS = tuple(Decimal((0, (1,), -scale)) for scale in range(SCALE_MAX + 1))


def decimals(column: Ints, scale: int) -> list[Decimal]:
    """The values of `column`, canonical, in order."""
    return decimal_lists((column,), scale)[0]


def decimal_lists(columns: Sequence[Ints], scale: int) -> list[list[Decimal]]:
    """The values of several columns of one scale; equal ticks share one `Decimal` where ticks are dense."""
    import numpy as np

    flat = columns[0] if len(columns) == 1 else np.concatenate(columns)
    built = _looked_up(flat, scale, len(columns)) if len(flat) else []
    ends = accumulate(map(len, columns))
    return [built[end - len(column) : end] for column, end in zip(columns, ends, strict=True)]


def _looked_up(column: Ints, scale: int, columns: int) -> list[Decimal]:
    """The values by table where that pays, else each built."""
    import numpy as np

    low = int(column.min())
    span = int(column.max()) - low + 1
    if span > _TABLE_SPAN_RATIO_MAX * len(column) // columns:
        return _built(column, scale)
    offsets = column - low
    present = np.zeros(span, dtype=np.bool_)
    present[offsets] = True
    ticks = np.flatnonzero(present)
    table = np.empty(span, dtype=np.object_)
    table[ticks] = _built(ticks + low, scale)
    values: list[Decimal] = table[offsets].tolist()
    return values


def _built(column: Ints, scale: int) -> list[Decimal]:
    """One new `Decimal` a value: the ticks without their trailing zeros, times the unit that is left."""
    import numpy as np

    unit = _UNITS[scale]
    levels: list[tuple[NDArray[np.intp], Ints]] = []  # rows divisible by 10, 100, ... and what is left of them
    ticks = column
    while len(levels) < scale:
        tenth = ticks // 10
        hit = np.flatnonzero(tenth * 10 == ticks)
        if not len(hit):
            break
        ticks = tenth[hit]
        levels.append((levels[-1][0][hit] if levels else hit, ticks))
    with localcontext(EXACT):  # the caller's context may be too narrow; what leaves here is never rounded
        if sum(len(where) for where, _ in levels) * 5 < len(column):
            built = list(map(mul, column.tolist(), repeat(unit)))
            for level, (where, ticks) in enumerate(levels, 1):
                for at, value in zip(
                    where.tolist(), map(mul, ticks.tolist(), repeat(_UNITS[scale - level])), strict=True
                ):
                    built[at] = value
            return built
        left = column.copy()
        units = np.full(len(column), unit, dtype=np.object_)
        for level, (where, ticks) in enumerate(levels, 1):
            left[where] = ticks
            units[where] = _UNITS[scale - level]
        return list(map(mul, left.tolist(), units.tolist()))


def scale_of(value: Decimal) -> int:
    """Digits after the point that a finite `value` needs, trailing zeros not counted."""
    _sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "only finite values have a scale"
    if not value:
        return 0
    trailing = 0
    while trailing < -exponent and digits[-1 - trailing] == 0:
        trailing += 1
    return max(0, -exponent - trailing)


def ticks_of(values: Iterable[Decimal], scale: int, what: str) -> Ints:
    """Finite `values` as int64 at `scale`, exactly; `what` names the column in the error."""
    import numpy as np

    return np.fromiter((tick_of(value, scale, what) for value in values), dtype=np.int64)


def tick_of(value: Decimal, scale: int, what: str) -> int:
    """One finite value at `scale`, exactly."""
    if not value.is_finite():
        raise DataError(f"{what} is {value}; a stored value must be a finite number")
    if scale > SCALE_MAX or (value and value.adjusted() + scale > SCALE_MAX):
        raise DataError(misfit(what, str(value), scale))
    tick = EXACT.scaleb(value, scale)
    if tick != tick.to_integral_value():
        raise DataError(misfit(what, str(value), scale))
    number = int(tick)
    if abs(number) > INT64_MAX:
        raise DataError(misfit(what, str(value), scale))
    return number


def tick_cut(value: Decimal, scale: int) -> int:
    """One finite value at `scale`, digits finer than it cut off (towards zero)."""
    return int(EXACT.scaleb(value, scale).to_integral_value(ROUND_DOWN, EXACT))


def scale_cut(extreme: Decimal, scale: int) -> int:
    """The largest scale up to `scale` at which values up to `extreme` fit; below zero if none does."""
    scale = min(scale, SCALE_MAX)
    if not extreme:
        return scale
    scale = min(scale, SCALE_MAX - extreme.adjusted())
    return scale if scale < 0 or EXACT.scaleb(abs(extreme), scale) <= INT64_MAX else scale - 1


def misfit(what: str, value: str, scale: int) -> str:
    """The error of a value that does not fit its column."""
    shown = value if len(value) <= 40 else value[:37] + "..."
    return (
        f"{what} is {shown}, which does not fit 63 bits with {scale} decimal digits; round the column to fewer decimals"
    )


def normal(columns: Sequence[Ints], scale: int) -> tuple[list[Ints], int]:
    """`columns` of one scale at the smallest scale that holds every value."""
    kept = list(columns)
    while scale and all(_tenfold(column) for column in kept):
        kept = [column // 10 for column in kept]
        scale -= 1
    return kept, scale


def _tenfold(column: Ints) -> bool:
    head = column[:64]  # nearly always enough to say no
    return bool((head % 10 == 0).all() and (column // 10 * 10 == column).all())


def rescaled(column: Ints, scale: int, to: int, what: str) -> Ints:
    """`column` at the finer scale `to`; a value that no longer fits is a `DataError`."""
    if to == scale or not len(column):
        return column
    assert to > scale, "a coarser scale would lose digits"
    extreme = max(int(column.max()), -int(column.min()))
    if to > SCALE_MAX or extreme * 10 ** (to - scale) > INT64_MAX:
        raise DataError(misfit(what, str(EXACT.scaleb(Decimal(extreme), -scale)), to))
    finer: Ints = column * 10 ** (to - scale)
    return finer
