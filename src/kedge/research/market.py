"""`Market`: the candles that strategies are evaluated on, as columns, cut by time and named by digest.

It is made once and shared by all runs: what is derived from it (the merged order of bars, running sums) is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

from kedge.backtest.feed import with_intervals
from kedge.core.strategy.bars import Bars
from kedge.model.errors import DataError
from kedge.model.market import Candle
from kedge.storage.columns import CandleColumns
from kedge.storage.digest import sha256_of


class Market:
    """Candles of one symbol or several, one stream each, in the order given."""

    def __init__(self, streams: Sequence[CandleColumns]) -> None:
        if not streams or not any(len(stream) for stream in streams):
            raise DataError("there are no candles to evaluate on; give other data or another period")
        self.streams = tuple(streams)
        self.symbols = tuple(stream.symbol for stream in streams)
        if len(set(self.symbols)) < len(self.symbols):
            twice = next(symbol for symbol in self.symbols if self.symbols.count(symbol) > 1)
            raise DataError(f"{twice} is given twice; give each symbol one stream of candles")

    @classmethod
    def of(cls, data: CandleColumns | Sequence[CandleColumns] | Iterable[Candle]) -> Market:
        """From columns, several columns, or candles as objects (of one symbol or several).

        Candles without an interval get the most common step of their symbol, as in a backtest.
        """
        if isinstance(data, CandleColumns):
            return cls((data,))
        rows: list[Any] = list(data)
        if rows and isinstance(rows[0], CandleColumns):
            return cls(rows)
        rows = with_intervals(rows)
        symbols = dict.fromkeys(row.symbol for row in rows)
        streams = [[row for row in rows if row.symbol == symbol] for symbol in symbols]
        return cls([CandleColumns.from_candles(stream) for stream in streams])

    def __len__(self) -> int:
        return sum(map(len, self.streams))

    def between(self, start: int | None, end: int | None) -> Market:
        """The candles that open in `start <= ts < end` (ns), as views; `DataError` where there are none."""
        return Market([stream.between(start, end) for stream in self.streams])

    @property
    def span(self) -> tuple[int, int]:
        """When the first candle opens and the last one closes, ns."""
        held = [stream for stream in self.streams if len(stream)]
        return min(int(s.ts[0]) for s in held), max(int(s.ts[-1]) + s.interval for s in held)

    @cached_property
    def sha256(self) -> str:
        """The digest of the values, whatever file they came from."""
        return sha256("\n".join(map(sha256_of, self.streams)).encode()).hexdigest()

    @cached_property
    def bars(self) -> dict[str, Bars]:
        """The columns as signal strategies read them, by symbol."""
        return {stream.symbol: bars_of(stream) for stream in self.streams}

    @cached_property
    def memory(self) -> dict[str, Any]:
        """What others derive from these candles and want to find again."""
        return {}

    def __getstate__(self) -> tuple[CandleColumns, ...]:
        return self.streams

    def __setstate__(self, streams: tuple[CandleColumns, ...]) -> None:
        self.__init__(streams)  # type: ignore[misc]


def bars_of(stream: CandleColumns) -> Bars:
    """One stream as `Bars`."""
    columns = [getattr(stream, name) for name in ("ts", "open", "high", "low", "close", "volume")]
    return Bars(stream.symbol, stream.interval, stream.price_scale, stream.size_scale, *columns)
