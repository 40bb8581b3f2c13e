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
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedge.model.errors import DataError
from kedge.storage.instants import ns_of_matrix, ns_of_text, unit_of
from kedge.storage.layout import Field, Picked, ValueKind, headerless_names, is_number, pick
from kedge.storage.source import FileKind, text_blocks
from kedge.storage.table import Block, Table
from kedge.storage.ticks import INT64_MAX, SCALE_MAX, misfit, scale_cut, scale_of, tick_cut, tick_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]

_COMMA, _POINT, _MINUS, _NEWLINE = b",.-\n"
_DELIMITERS = b",;\t|"
_NOT_NUMERIC = bytes(set(range(256)) - set(b"0123456789,.-"))
#: Fields of the array way: at most 19 digits and a point, at most so many letters of text.
_NUMBER_BYTES_MAX = 20
_TEXT_BYTES_MAX = 64
_VALUE_CHARS_MAX = 200


def read_csv(path: Path, kind: FileKind, fields: Sequence[Field], progress: Callable[[int], None] | None = None) -> Table:
    """The columns of `fields` of a CSV file. `progress` is told the number of rows read so far."""
    table = Table(str(path), "line")
    reader: _Reader | None = None
    line = 1
    for block in text_blocks(path, kind):
        if reader is None:
            reader, block, line = _opened(block, fields, table)
        if block:
            line = reader.read(block, line)
            if progress is not None:
                progress(len(table))
    if not len(table):
        raise DataError(f"{path} has a header and no rows; give a file with data")
    return table


def _opened(block: bytes, fields: Sequence[Field], table: Table) -> tuple[_Reader, bytes, int]:
    """The reader that the first lines call for, the rest of the block, and the number of its first line."""
    line = 1
    while block:
        end = block.index(b"\n") + 1
        head = _decoded(block[:end], table.path, line).rstrip("\r\n")
        if head.strip() and not head.startswith(("#", "http://", "https://")):
            break
        block, line = block[end:], line + 1
    else:
        raise DataError(f"{table.path} has no header and no rows; give a file with data")
    delimiter = max(_DELIMITERS, key=lambda letter: head.count(chr(letter)))
    names = _split(head, chr(delimiter), table.path, line)
    implied = headerless_names(names, table.path)
    if implied is None:
        block, line = block[end:], line + 1
    else:
        table.notes.append(f"no header line: columns taken as {','.join(implied[:6])}")
        names = list(implied)
    picked = pick(names, fields, table.path)
    time = next(column for column in picked if column.kind is ValueKind.TIME)
    table.time_name, table.time_unit = time.name, time.unit or ""
    return _Reader(table, picked, len(names), delimiter), block, line


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
        raise DataError(f"{path}: line {line} is not UTF-8 (byte {block[error.start]:#04x}); save the file as UTF-8") from None
    if "\0" in text:
        line += block.count(b"\n", 0, block.index(b"\0"))
        raise DataError(f"{path}: line {line} holds binary data; give a text file")
    return text


class _Reader:
    """Reads blocks of lines into a table, each the fast way if it can be."""

    def __init__(self, table: Table, picked: Sequence[Picked], width: int, delimiter: int) -> None:
        self._table = table
        self._picked = picked
        self._width = width
        self._delimiter = delimiter
        self._to_comma = bytes.maketrans(bytes((delimiter, _NEWLINE)), b",,")

    def read(self, text: bytes, line: int) -> int:
        """Add the rows of `text`, whose first line is number `line`; returns the number of the line after it."""
        lines = text.count(b"\n")
        block = self._as_array(text, line) or self._row_by_row(text, line)
        if block is not None:
            self._table.blocks.append(block)
        return line + lines

    # -- the array way

    def _as_array(self, text: bytes, line: int) -> Block | None:
        """The block, or `None` where it is not regular enough to be trusted to arrays."""
        import numpy as np

        if b'"' in text or not text.isascii():
            return None
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
            if b"\r" in text:
                return None
        letters = np.frombuffer(text, dtype=np.uint8)
        line_ends = letters == _NEWLINE
        ends = np.flatnonzero((letters == self._delimiter) | line_ends)
        rows, odd = divmod(len(ends), self._width)
        if odd or int(line_ends.sum()) != rows or not line_ends[ends[self._width - 1 :: self._width]].all():
            return None
        starts = np.empty_like(ends)
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
        grid = _Grid(letters, starts.reshape(rows, self._width), ends.reshape(rows, self._width))
        return self._columns(grid, line)

    def _columns(self, grid: _Grid, line: int) -> Block | None:
        numeric: list[Picked] = []
        ts: Ints | None = None
        texts: dict[str, NDArray[Any]] = {}
        for column in self._picked:
            if column.kind is ValueKind.TEXT:
                found = grid.text(column.index)
                if found is None:
                    return None
                texts[column.role] = found
            elif column.kind is ValueKind.TIME and grid.looks_iso(column.index):
                matrix = grid.matrix(column.index)
                ts = None if matrix is None else ns_of_matrix(matrix)
                if ts is None:
                    return None
            else:
                numeric.append(column)
        numeric.sort(key=lambda column: column.index)
        read = _numbers(grid.kept([column.index for column in numeric]).translate(self._to_comma), len(numeric))
        if read is None:
            return None
        numbers: dict[str, tuple[Ints, int]] = {}
        for column, mantissas, places in zip(numeric, *read, strict=True):
            scaled = _at_one_scale(mantissas, places)
            if scaled is None:
                return None
            if column.kind is ValueKind.TIME:
                ts = self._table.numeric_times(*scaled, line)
            else:
                numbers[column.role] = scaled
        assert ts is not None, "every layout has a time"
        return Block(line, ts, numbers, texts)

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
        reader = csv.reader(decoded.splitlines(keepends=True), delimiter=chr(self._delimiter), strict=True)
        first = line
        try:
            for row in reader:
                if any(value.strip() for value in row):
                    if len(row) != self._width:
                        raise DataError(
                            f"{self._table.path}: line {first} has {len(row)} fields where the header has "
                            f"{self._width}; mend or remove the line"
                        )
                    yield first, row
                first = line + reader.line_num
        except csv.Error as error:
            raise DataError(f"{self._table.path}: line {first} is not CSV: {error}") from None

    def _fault(self, line: int, column: Picked, value: str, why: str) -> DataError:
        shown = value if len(value) <= 40 else value[:37] + "..."
        return DataError(f"{self._table.path}: line {line}: {column.name or column.role} is {shown!r}, {why}")

    def _texts(self, column: Picked, values: list[str], lines: list[int]) -> NDArray[Any]:
        import numpy as np

        for value, line in zip(values, lines, strict=True):
            if len(value) > _VALUE_CHARS_MAX:
                raise self._fault(line, column, value, f"longer than {_VALUE_CHARS_MAX} characters; shorten it")
        return np.array([value.encode() for value in values], dtype=np.bytes_)

    def _iso_times(self, column: Picked, values: list[str], lines: list[int]) -> Ints:
        import numpy as np

        if self._table.time_unit not in ("", "iso"):
            raise self._fault(lines[0], column, values[0], f"not a time in {self._table.time_unit} as before it")
        self._table.time_unit = "iso"
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
            needed = scale_of(number)
            if needed > SCALE_MAX and not column.cut:
                raise self._fault(line, column, value, f"more than {SCALE_MAX} decimals; round the column")
            scale = max(scale, needed)
            decimals.append(number)
        if column.cut and (fitting := scale_cut(max(map(abs, decimals)), scale)) < scale and fitting >= 0:
            scale = fitting
            self._table.cut[column.role] += sum(scale_of(number) > scale for number in decimals)
            return np.array([tick_cut(number, scale) for number in decimals], dtype=np.int64), scale
        ticks = np.empty(len(decimals), dtype=np.int64)
        for row, (number, line) in enumerate(zip(decimals, lines, strict=True)):
            ticks[row] = tick_of(number, scale, f"{self._table.path}: line {line}: {column.name}")
        return ticks, scale


class _Grid:
    """Where each field of a regular block begins and ends."""

    def __init__(self, letters: Bytes, starts: Ints, ends: Ints) -> None:
        self._letters = letters
        self._starts = starts
        self._ends = ends

    def looks_iso(self, index: int) -> bool:
        """Whether the first field of a column has the form of ISO text: a mark after four digits."""
        at = int(self._starts[0, index])
        return self._ends[0, index] - at >= 10 and self._letters[at + 4] in b"-/"

    def matrix(self, index: int) -> Bytes | None:
        """The letters of a column whose fields are all as long as the first, a row each."""
        import numpy as np

        starts = self._starts[:, index]
        widths = self._ends[:, index] - starts
        width = int(widths[0])
        if width > _TEXT_BYTES_MAX or (widths != width).any():
            return None
        return self._letters[starts[:, None] + np.arange(width)]

    def text(self, index: int) -> NDArray[Any] | None:
        """The fields of a column as bytes; `None` where one is long or has blanks at its ends."""
        import numpy as np

        starts = self._starts[:, index]
        widths = self._ends[:, index] - starts
        width = max(1, int(widths.max()))
        if width > _TEXT_BYTES_MAX:
            return None
        offsets = np.arange(width)
        inside = offsets < widths[:, None]
        letters = np.where(inside, self._letters[np.minimum(starts[:, None] + offsets, len(self._letters) - 1)], 0)
        if ((letters <= 32) & inside).any():
            return None
        return np.ascontiguousarray(letters.astype(np.uint8)).view(f"S{width}").ravel()

    def kept(self, indexes: list[int]) -> bytes:
        """The text of some columns only, each field with the separator after it."""
        import numpy as np

        if len(indexes) == self._starts.shape[1]:
            return self._letters.tobytes()
        change = np.zeros(len(self._letters) + 1, dtype=np.int8)
        for index in indexes:
            change[self._starts[:, index]] += 1
            change[self._ends[:, index] + 1] -= 1
        return self._letters[np.cumsum(change[:-1], dtype=np.int8).view(np.bool_)].tobytes()


def _numbers(text: bytes, columns: int) -> tuple[list[Ints], list[Ints]] | None:
    """Digits (as integers, points left out) and decimals of each column; `None` if a field is not a plain number.

    `text` is the fields one after the other, each ended by a comma.
    """
    import numpy as np

    if text.translate(None, b"0123456789,.-"):
        return None
    letters = np.frombuffer(text, dtype=np.uint8)
    marks = np.flatnonzero((letters == _COMMA) | (letters == _POINT))
    is_point = letters[marks] == _POINT
    if (is_point[1:] & is_point[:-1]).any():
        return None  # two points in one field
    points = np.flatnonzero(is_point)
    point_fields = points - np.arange(len(points))
    ends = marks[~is_point]
    widths = np.diff(ends, prepend=-1) - 1
    digits = widths.copy()
    digits[point_fields] -= 1
    places = np.zeros(len(ends), dtype=np.int64)
    places[point_fields] = marks[points + 1] - marks[points] - 1
    if b"-" in text:
        minus = np.flatnonzero(letters == _MINUS)
        at_start = (minus == 0) | (letters[minus - 1] == _COMMA)
        before_digit = letters[minus + 1] >= 48
        if not (at_start & before_digit).all():
            return None
    if digits.min() < 1 or widths.max() > _NUMBER_BYTES_MAX:
        return None
    values = np.fromstring(text.translate(None, b".").decode("ascii"), dtype=np.int64, sep=",")
    if len(values) != len(ends):
        return None
    if digits.max() > 18 and (np.abs(values) >= INT64_MAX).any():
        return None  # the conversion stops at the largest int64 instead of failing
    grid, places = values.reshape(-1, columns), places.reshape(-1, columns)
    return [grid[:, at] for at in range(columns)], [places[:, at] for at in range(columns)]


def _at_one_scale(mantissas: Ints, places: Ints) -> tuple[Ints, int] | None:
    """Values with decimals of their own, as ticks of the largest number of decimals; `None` if one does not fit."""
    import numpy as np

    scale = int(places.max())
    if scale > SCALE_MAX:
        return None
    if int(places.min()) == scale:
        return np.ascontiguousarray(mantissas), scale
    factors = np.array([10 ** (scale - place) for place in range(scale + 1)], dtype=np.int64)[places]
    if (np.abs(mantissas) > INT64_MAX // factors).any():
        return None
    return mantissas * factors, scale
