"""`Bars`: the past of one symbol as columns, as signal strategies read it; and the window that keeps it live.

Prices and volumes are whole numbers, `value x 10**scale`: sums and comparisons of them are exact, in any order
and over any length. The scale may be finer in one run than in another, so a rule must not depend on it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kedge.model.errors import StrategyError
from kedge.model.market import Candle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: Digits after the point that a window keeps, and the largest number of units.
SCALE_MAX = 18
UNITS_MAX = 2**63 - 1

NAMES = ("ts", "open", "high", "low", "close", "volume")


class Bars(Struct, frozen=True, eq=False):
    """Candles of one symbol, oldest first: int64 arrays of one length, not to be written to.

    `ts` is when each opened (UTC ns), `interval` its length (ns); prices are `x / 10**price_scale`, volumes
    `x / 10**size_scale`.
    """

    symbol: str
    interval: int
    price_scale: int
    size_scale: int
    ts: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    memory: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.ts)

    def __getitem__(self, rows: slice) -> Bars:
        """The rows of a slice, as views."""
        columns = [getattr(self, name)[rows] for name in NAMES]
        return Bars(self.symbol, self.interval, self.price_scale, self.size_scale, *columns)

    def sums(self, name: str, window: int) -> Ints:
        """The sum of column `name` over the last `window` rows; wrong, and to be left aside, in the first `window - 1`.

        Running totals may wrap round 64 bits; their differences are exact as long as the sum of a window fits.
        """
        import numpy as np

        totals = self.memory.get(name)
        if totals is None:
            totals = self.memory[name] = np.concatenate((np.zeros(1, np.int64), np.cumsum(getattr(self, name))))
        sums: Ints = np.empty(len(self), np.int64)
        sums[: window - 1] = 0
        if len(self) >= window:
            np.subtract(totals[window:], totals[:-window], out=sums[window - 1 :])
        return sums

    def range_of(self, window: int, of: tuple[str, str] = ("high", "low")) -> tuple[Ints, Ints]:
        """The highest and the lowest of two columns over the last `window` rows; of fewer rows at the beginning."""
        import numpy as np

        return rolling(getattr(self, of[0]), window, np.maximum), rolling(getattr(self, of[1]), window, np.minimum)


def rolling(values: Ints, window: int, extreme: Any) -> Ints:
    """The extreme of the last `window` values at each place, in time that does not grow with the window.

    Blocks of `window` values; each window ends in one block and begins in the one before, so it is the extreme of a
    running one from the left and a running one from the right (van Herk, 1992; Gil and Werman, 1993).
    """
    import numpy as np

    rows = len(values)
    if not rows or window == 1:
        return values
    padded = np.concatenate(
        (np.full(window - 1, values[0]), values, np.full(-(rows + window - 1) % window, values[-1]))
    )
    blocks = padded.reshape(-1, window)
    left = extreme.accumulate(blocks, axis=1).reshape(-1)
    right = extreme.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].reshape(-1)
    found: Ints = extreme(right[:rows], left[window - 1 : window - 1 + rows])
    return found


class BarWindow:
    """The last `size` candles of a symbol as they come, given as `Bars`."""

    __slots__ = ("_columns", "_end", "_scales", "_size", "interval", "symbol")

    def __init__(self, symbol: str, size: int) -> None:
        import numpy as np

        self.symbol = symbol
        self.interval = 0
        self._size = size
        self._end = 0
        self._scales = [0, 0]
        self._columns = np.zeros((len(NAMES), 2 * size), np.int64)

    def push(self, candle: Candle) -> None:
        """Take the next candle; a value that needs more digits than were seen makes the scale of all finer."""
        columns, size = self._columns, self._size
        if self._end == 2 * size:
            columns[:, :size] = columns[:, size:]
            self._end = size
        self.interval = candle.interval
        prices = (candle.open, candle.high, candle.low, candle.close)
        for kind, values in enumerate((prices, (candle.volume,))):
            needed = max(scale_of(value) for value in values)
            if needed > self._scales[kind]:
                self._refine(needed, kind)
        price_scale, size_scale = self._scales
        ticks = [int(value.scaleb(price_scale)) for value in prices]
        columns[:, self._end] = (candle.ts, *ticks, int(candle.volume.scaleb(size_scale)))
        self._end += 1

    def bars(self) -> Bars | None:
        """The window as columns; `None` before it is full."""
        if self._end < self._size:
            return None
        rows = self._columns[:, self._end - self._size : self._end]
        rows.flags.writeable = False
        return Bars(self.symbol, self.interval, self._scales[0], self._scales[1], *list(rows))

    def _refine(self, scale: int, kind: int) -> None:
        if scale > SCALE_MAX:
            raise StrategyError(f"a value of {self.symbol} has {scale} digits after the point; {SCALE_MAX} are kept")
        rows = slice(1, 5) if kind == 0 else slice(5, 6)
        factor = 10 ** (scale - self._scales[kind])
        if int(abs(self._columns[rows]).max()) * factor > UNITS_MAX:
            raise StrategyError(f"values of {self.symbol} do not fit 63 bits at {scale} digits after the point")
        self._columns[rows] *= factor
        self._scales[kind] = scale


def scale_of(value: Decimal) -> int:
    """Digits after the point of a finite number, as it is written."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "the market data handler lets only finite numbers pass"
    return max(0, -exponent)
