"""A table being read: columns by role, gathered block by block, from whichever format.

A block is a stretch of rows with every column already as integers (or bytes): times in ns, numbers with a scale of
their own. Blocks differ in scale because each uses what its digits need; the finished column has the largest.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from kedge.model.errors import DataError
from kedge.model.money import EXACT
from kedge.storage.instants import Implausible, ns_of_numbers, unit_of
from kedge.storage.ticks import normal, rescaled, scale_cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


#: The unit of a column of ISO texts.
ISO = "iso"


class Block(Struct):
    """Some rows. `lines` tells where each is in the file: the first line if they follow each other, else all."""

    lines: int | list[int]
    ts: Ints
    numbers: dict[str, tuple[Ints, int]]
    texts: dict[str, NDArray[Any]]

    def line(self, row: int) -> int:
        """The line of the file (or row, in Parquet) that holds row `row` of the block."""
        return self.lines + row if isinstance(self.lines, int) else self.lines[row]


class Table(Struct):
    """All rows of a file. `place` is what its rows are called: `line` in text, `row` in Parquet."""

    path: str
    place: str
    blocks: list[Block] = []
    notes: list[str] = []
    cut: set[str] = field(default_factory=set)
    time_name: str = ""
    time_unit: str = ""

    def __len__(self) -> int:
        return sum(len(block.ts) for block in self.blocks)

    def where(self, row: int) -> str:
        """`FILE: line 17`, of row `row` of the whole table."""
        for block in self.blocks:
            if row < len(block.ts):
                return f"{self.path}: {self.place} {block.line(row)}"
            row -= len(block.ts)
        raise IndexError(row)

    def times(self) -> Ints:
        """The times of all rows, ns."""
        import numpy as np

        return np.concatenate([block.ts for block in self.blocks])

    def numbers(self, *roles: str) -> tuple[list[Ints], int]:
        """The columns of `roles` at one scale, the smallest that holds them all, and that scale."""
        import numpy as np

        scale = max(block.numbers[role][1] for block in self.blocks for role in roles)
        columns: list[Ints] = []
        for role in roles:
            what = f"{self.path}: column {role}"
            parts = [rescaled(*block.numbers.pop(role), scale, what) for block in self.blocks]
            columns.append(np.concatenate(parts))
        return normal(columns, scale)

    def cut_numbers(self, role: str) -> tuple[Ints, int]:
        """The column of a role whose finest digits may be cut off where they do not fit, and its scale.

        Volumes summed in floats end in residue such as 218102.59507500002. Cut, never rounded up: a volume must not
        be more than was traded. What was cut is in the notes.
        """
        scale = max(block.numbers[role][1] for block in self.blocks)
        extremes = [_extreme(*block.numbers[role]) for block in self.blocks]
        fitting = scale_cut(max(extremes), scale)
        if 0 <= fitting < scale:
            for block in self.blocks:
                block.numbers[role] = self._coarser(role, *block.numbers[role], fitting)
        (column,), scale = self.numbers(role)
        if role in self.cut:
            self.notes.append(
                f"{role}: digits too fine to fit beside the largest value are cut off after {max(fitting, 0)} decimals"
            )
        return column, scale

    def _coarser(self, role: str, column: Ints, scale: int, to: int) -> tuple[Ints, int]:
        import numpy as np

        if scale <= to:
            return column, scale
        factor = 10 ** (scale - to)
        if (column % factor != 0).any():
            self.cut.add(role)
        return np.sign(column) * (np.abs(column) // factor), to

    def texts(self, role: str) -> NDArray[Any] | None:
        """The column of a text role as bytes; `None` where the file has none."""
        import numpy as np

        if role not in self.blocks[0].texts:
            return None
        return np.concatenate([block.texts[role] for block in self.blocks])

    def numeric_times(self, ticks: Ints, scale: int, lines: int | Sequence[int]) -> Ints:
        """Times of a numeric column, as ns; the first row of the file tells the unit where the name did not."""
        first = int(ticks[0])
        try:
            if self.time_unit == ISO:
                raise Implausible(0, "is a number where the rows before have ISO text; give one form a file")
            if not self.time_unit:
                unit = unit_of(first // 10**scale)
                if unit is None:
                    raise Implausible(0, "is no time between 1990 and 2100 in s, ms, us or ns since 1970")
                self.time_unit = unit
            return ns_of_numbers(ticks, scale, self.time_unit)
        except Implausible as error:
            line = lines + error.row if isinstance(lines, int) else lines[error.row]
            value = _shown(int(ticks[error.row]), scale)
            raise DataError(
                f"{self.path}: {self.place} {line}: {self.time_name} is {value}, which {error.why}"
            ) from None


def _extreme(column: Ints, scale: int) -> Decimal:
    extreme = max(int(column.max()), -int(column.min()))
    return EXACT.scaleb(Decimal(extreme), -scale)


def _shown(tick: int, scale: int) -> str:
    if not scale:
        return str(tick)
    whole, rest = divmod(abs(tick), 10**scale)
    return f"{'-' if tick < 0 else ''}{whole}.{rest:0{scale}d}"
