"""CSV read exactly and fast: digits go to integers without ever being a float.

A block of whole lines is read in one of two ways, which give the same result.

- *As an array*, when it is regular (plain digits, every line with the header's number of fields): the places of
  separators and points are found at once, the points are deleted from the text, and what remains is a list of
  integers whose decimals are the distance from the point to the end of the field. About 0.5 us a row.
- *Row by row*, when it is not (quotes, exponents, blanks, odd times, or anything wrong): through the standard `csv`
  module and `Decimal`. About ten times slower; it accepts all that is sound and names line, column and value of
  the first thing that is not.

So all judgement is in the slow way, and the fast one only needs to know when it must not be trusted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kedge.model.errors import DataError
from kedge.model.money import EXACT
from kedge.storage.digits import Grid, at_one_scale, numbers
from kedge.storage.instants import ns_of_matrix, ns_of_text
from kedge.storage.layout import Field, Picked, ValueKind, headerless_names, is_number, pick
from kedge.storage.source import FileKind, text_blocks
from kedge.storage.table import ISO, Block, Table
from kedge.storage.ticks import SCALE_MAX, scale_cut, scale_of, tick_cut, tick_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_COMMA, _NEWLINE = b",\n"
#: Lines before the header that some exporters write.
_PREAMBLE = ("#", "http://", "https://")
_DELIMITERS = b",;\t|"
#: A block that is odd somewhere is halved down to this.
_HALVED_BYTES_MIN = 16_384
#: No value of a market is longer.
_VALUE_CHARS_MAX = 200


def read_csv(
    path: Path, kind: FileKind, fields: Sequence[Field], progress: Callable[[int], None] | None = None
) -> Table:
    """The columns of `fields` of a CSV file. `progress` is told the number of rows read so far."""
    table = Table(str(path), "line")
    reader: LineReader | None = None
    line = 1
    for text in text_blocks(path, kind):
        rest = text
        if reader is None:
            reader, rest, line = _opened(text, fields, table)
        if rest:
            line = reader.read(rest, line)
            if progress is not None:
                progress(len(table))
    if not len(table):
        raise DataError(f"{path} has a header and no rows; give a file with data")
    return table


def _opened(block: bytes, fields: Sequence[Field], table: Table) -> tuple[LineReader, bytes, int]:
    """The reader that the first lines call for, the rest of the block, and the number of its first line."""
    head, line = "", 0
    start = end = 0
    while end < len(block) and (not head.strip() or head.startswith(_PREAMBLE)):
        start, end, line = end, block.index(b"\n", end) + 1, line + 1
        head = _decoded(block[start:end], table.path, line).rstrip("\r\n")
    if not head.strip() or head.startswith(_PREAMBLE):
        raise DataError(f"{table.path} has no header and no rows; give a file with data")
    delimiter = max(_DELIMITERS, key=lambda letter: head.count(chr(letter)))
    names = _split(head, chr(delimiter), table.path, line)
    implied = headerless_names(names, table.path)
    if implied is None:
        start, line = end, line + 1
    else:
        table.notes.append(f"no header line: columns taken as {','.join(implied[:6])}")
        names = list(implied)
    picked = pick(names, fields, table.path)
    time = next(column for column in picked if column.kind is ValueKind.TIME)
    table.time_name, table.time_unit = time.name, time.unit or ""
    return LineReader(table, picked, len(names), delimiter), block[start:], line


def _split(line: str, delimiter: str, path: str, number: int) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise DataError(f"{path}: line {number} is not CSV: {error}") from None


def _decoded(block: bytes, path: str, line: int) -> str:
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        line += block.count(b"\n", 0, error.start)
        raise DataError(
            f"{path}: line {line} is not UTF-8 (byte {block[error.start]:#04x}); save the file as UTF-8"
        ) from None
    if "\0" in text:
        line += block.count(b"\n", 0, block.index(b"\0"))
        raise DataError(f"{path}: line {line} holds binary data; give a text file")
    return text


class LineReader:
    """Reads blocks of lines into a table, each the fast way if it can be."""

    def __init__(self, table: Table, picked: Sequence[Picked], width: int, delimiter: int, quoted: bool = True) -> None:
        self._table = table
        self._picked = picked
        self._width = width
        self._delimiter = delimiter
        self._quoted = quoted
        self._to_comma = bytes.maketrans(bytes((delimiter, _NEWLINE)), b",,")

    def read(self, text: bytes, line: int) -> int:
        """Add the rows of `text`, whose first line is number `line`; returns the number of the line after it."""
        block = self._as_array(text, line)
        if block is None:
            # One odd line should not slow thousands: halve, but never through a quoted field, which may span lines.
            middle = text.find(b"\n", len(text) // 2) + 1
            if len(text) > _HALVED_BYTES_MIN and middle < len(text) and b'"' not in text:
                return self.read(text[middle:], self.read(text[:middle], line))
            block = self._row_by_row(text, line)
        if block is not None:
            self._table.blocks.append(block)
        return line + text.count(b"\n")

    # -- the array way

    def _as_array(self, text: bytes, line: int) -> Block | None:
        """The block, or `None` where it is not regular enough to be trusted to arrays."""
        if b'"' in text or not text.isascii() or (self._delimiter != _COMMA and b"," in text):
            return None  # a comma that separates nothing would be taken for the end of a field
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
            if b"\r" in text:
                return None
        grid = Grid.of(text, self._delimiter, self._width)
        return None if grid is None else self._columns(grid, line)

    def _columns(self, grid: Grid, line: int) -> Block | None:
        numeric: list[Picked] = []
        ts: Ints | None = None
        texts: dict[str, NDArray[Any]] = {}
        for column in self._picked:
            if column.kind is ValueKind.TEXT:
                letters = grid.text(column.index)
                if letters is None:
                    return None
                texts[column.role] = letters
            elif column.kind is ValueKind.TIME and grid.looks_iso(column.index):
                matrix = grid.matrix(column.index)
                ts = None if matrix is None or self._table.time_unit not in ("", ISO) else ns_of_matrix(matrix)
                if ts is None:
                    return None
                self._table.time_unit = ISO
            else:
                numeric.append(column)
        numeric.sort(key=lambda column: column.index)
        read = numbers(grid.kept([column.index for column in numeric]).translate(self._to_comma), len(numeric))
        if read is None:
            return None
        found: dict[str, tuple[Ints, int]] = {}
        for column, mantissas, places in zip(numeric, *read, strict=True):
            scaled = at_one_scale(mantissas, places)
            if scaled is None:
                return None
            if column.kind is ValueKind.TIME:
                ts = self._table.numeric_times(*scaled, line)
            else:
                found[column.role] = scaled
        assert ts is not None, "every layout has a time"
        return Block(line, ts, found, texts)

    # -- row by row

    def _row_by_row(self, text: bytes, line: int) -> Block | None:
        """The block, or an error that names what is wrong in it; `None` if it holds blank lines only."""
        lines: list[int] = []
        values: list[list[str]] = [[] for _ in self._picked]
        for number, row in self._rows(text, line):
            lines.append(number)
            for column, into in zip(self._picked, values, strict=True):
                into.append(row[column.index].strip())
        if not lines:
            return None
        ts: Ints | None = None
        numbers: dict[str, tuple[Ints, int]] = {}
        texts: dict[str, NDArray[Any]] = {}
        for column, found in zip(self._picked, values, strict=True):
            if column.kind is ValueKind.TEXT:
                texts[column.role] = self._texts(column, found, lines)
            elif column.kind is ValueKind.TIME and not is_number(found[0]):
                ts = self._iso_times(column, found, lines)
            else:
                scaled = self._numbers(column, found, lines)
                if column.kind is ValueKind.TIME:
                    ts = self._table.numeric_times(*scaled, lines)
                else:
                    numbers[column.role] = scaled
        assert ts is not None, "every layout has a time"
        return Block(lines, ts, numbers, texts)

    def _rows(self, text: bytes, line: int) -> Iterator[tuple[int, list[str]]]:
        decoded = _decoded(text, self._table.path, line)
        lines = io.StringIO(decoded, newline="\n")
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self._quoted else csv.QUOTE_NONE
        reader = csv.reader(lines, delimiter=chr(self._delimiter), strict=True, quoting=quoting)
        first = line
        try:
            for row in reader:
                if any(value.strip() for value in row):
                    if len(row) != self._width:
                        raise DataError(
                            f"{self._table.path}: {self._table.place} {first} has {len(row)} fields where the header has "
                            f"{self._width}; mend or remove the line"
                        )
                    yield first, row
                first = line + reader.line_num
        except csv.Error as error:
            raise DataError(f"{self._table.path}: {self._table.place} {first} is not CSV: {error}") from None

    def _fault(self, line: int, column: Picked, value: str, why: str) -> DataError:
        shown = value if len(value) <= 40 else value[:37] + "..."
        return DataError(
            f"{self._table.path}: {self._table.place} {line}: {column.name or column.role} is {shown!r}, {why}"
        )

    def _texts(self, column: Picked, values: list[str], lines: list[int]) -> NDArray[Any]:
        import numpy as np

        for value, line in zip(values, lines, strict=True):
            if len(value) > _VALUE_CHARS_MAX:
                raise self._fault(line, column, value, f"longer than {_VALUE_CHARS_MAX} characters; shorten it")
        return np.array([value.encode() for value in values], dtype=np.bytes_)

    def _iso_times(self, column: Picked, values: list[str], lines: list[int]) -> Ints:
        import numpy as np

        if self._table.time_unit not in ("", ISO):
            why = f"not a number of {self._table.time_unit} as the column's name or the rows before say"
            raise self._fault(lines[0], column, values[0], why)
        self._table.time_unit = ISO
        times = np.empty(len(values), dtype=np.int64)
        for row, (value, line) in enumerate(zip(values, lines, strict=True)):
            try:
                times[row] = ns_of_text(value)
            except ValueError as error:
                raise self._fault(line, column, value, f"which {error}") from None
        return times

    def _numbers(self, column: Picked, values: list[str], lines: list[int]) -> tuple[Ints, int]:
        import numpy as np

        decimals: list[Decimal] = []
        scale = 0
        for value, line in zip(values, lines, strict=True):
            if not is_number(value) or len(value) > _VALUE_CHARS_MAX:
                raise self._fault(line, column, value, "not a finite number such as 0.001; mend or remove the line")
            number = Decimal(value)
            needed = _places(value, number)
            if needed > SCALE_MAX and not column.cut:
                raise self._fault(line, column, value, f"more than {SCALE_MAX} decimals; round the column")
            scale = max(scale, needed)
            decimals.append(number)
        if column.cut and (fitting := scale_cut(max(map(abs, decimals)), scale)) < scale and fitting >= 0:
            scale = fitting
            self._table.cut.add(column.role)
            return np.array([tick_cut(number, scale) for number in decimals], dtype=np.int64), scale
        ticks = np.empty(len(decimals), dtype=np.int64)
        for row, number in enumerate(decimals):
            if number.adjusted() + scale < SCALE_MAX:
                ticks[row] = int(EXACT.scaleb(number, scale))  # exact: no value has more decimals than the scale
            else:
                what = f"{self._table.path}: {self._table.place} {lines[row]}: {column.name}"
                ticks[row] = tick_of(number, scale, what)
        return ticks, scale


def _places(text: str, number: Decimal) -> int:
    """Digits after the point that a number needs, trailing zeros not counted; quicker from its text than from itself."""
    if "e" in text or "E" in text:
        return scale_of(number)
    _, _, fraction = text.partition(".")
    return len(fraction.rstrip("0"))
