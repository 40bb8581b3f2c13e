"""A regular block of text as arrays: where its fields are, and their digits as integers.

    "1514764800000,13715.65,443.356199"  →  places of commas and points
    "1514764800000 1371565 443356199"    →  integers, once the points are deleted
     0             2       6             →  their decimals: from the point to the end of the field

All of it is array arithmetic over the bytes, a few operations a byte. Whatever is not the plain form (anything but
digits, a point and a leading minus; too many digits) makes the answer `None`, and the caller reads the block in the
careful way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedge.storage.ticks import INT64_MAX, SCALE_MAX

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]

_COMMA, _POINT, _MINUS, _NEWLINE, _ZERO = b",.-\n0"
#: A field has at most 19 digits and a point, or so many letters of text.
_NUMBER_BYTES_MAX = 20
_TEXT_BYTES_MAX = 64


class Grid:
    """Where each field of a regular block begins and ends: a row a line, a column a field."""

    def __init__(self, letters: Bytes, starts: Ints, ends: Ints) -> None:
        self._letters = letters
        self._starts = starts
        self._ends = ends

    @classmethod
    def of(cls, text: bytes, delimiter: int, width: int) -> Grid | None:
        """The fields of whole lines; `None` unless every line has `width` of them."""
        import numpy as np

        letters = np.frombuffer(text, dtype=np.uint8)
        line_ends = letters == _NEWLINE
        ends = np.flatnonzero((letters == delimiter) | line_ends)
        rows, odd = divmod(len(ends), width)
        if odd or int(line_ends.sum()) != rows or not line_ends[ends[width - 1 :: width]].all():
            return None
        starts = np.empty_like(ends)
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
        return cls(letters, starts.reshape(rows, width), ends.reshape(rows, width))

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
        letters: Bytes = self._letters[starts[:, None] + np.arange(width)]
        return letters

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


def numbers(text: bytes, columns: int) -> tuple[list[Ints], list[Ints]] | None:
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
        before_digit = letters[minus + 1] >= _ZERO
        if not (at_start & before_digit).all():
            return None
    if digits.min() < 1 or widths.max() > _NUMBER_BYTES_MAX:
        return None
    values = np.fromstring(text.translate(None, b".").decode("ascii"), dtype=np.int64, sep=",")
    if len(values) != len(ends):
        return None
    if digits.max() > 18 and (np.abs(values) >= INT64_MAX).any():
        return None  # the conversion stops at the largest int64 instead of failing
    value_rows, place_rows = values.reshape(-1, columns), places.reshape(-1, columns)
    return [value_rows[:, at] for at in range(columns)], [place_rows[:, at] for at in range(columns)]


def at_one_scale(mantissas: Ints, places: Ints) -> tuple[Ints, int] | None:
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
