"""What a run leaves behind for its result: a point a candle, and the account wherever it changed.

Points are columns (a time, a price, with several symbols which), the account's changes are few, and the
equity curve is computed from both when it is asked for: marking a million bars costs nothing while they run.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from decimal import Decimal

from kedge.backtest.curve import CurveRecorder
from kedge.core.state import State
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import InstrumentKind
from kedge.model.market import MarketEvent

#: Without candles the equity is marked at the first tick of each such span.
TICK_MARK_NS = 60 * NS_PER_S


class RunLog:
    """The engine's side of a `CurveRecorder`."""

    def __init__(self, recorder: CurveRecorder, symbols: list[str], interval_ns: int = 0, gaps: int = 0) -> None:
        self._recorder = recorder
        self._index = {symbol: place for place, symbol in enumerate(symbols)}
        self.times: array[int] = recorder.times
        self.prices: list[Decimal] = recorder.prices
        self.note_symbol: Callable[[str], None] | None = self._note_symbol if len(symbols) > 1 else None
        self.ticks = 0
        self.interval_ns = interval_ns
        self.gaps = gaps
        self._marked_ticks = 0
        self._folded = 0
        self.next_marks: dict[str, int] = {}

    def _note_symbol(self, symbol: str) -> None:
        self._recorder.symbols.append(self._index[symbol])

    @property
    def bars(self) -> int:
        """How many candles were dealt with."""
        return self._folded + len(self.times) - self._marked_ticks

    def account(self, state: State) -> None:
        """The account changed: keep its cash and holdings from the next point on."""
        holdings = tuple(
            (
                self._index[held.symbol],
                held.quantity,
                held.multiplier,
                None if state.instruments[held.symbol].kind is InstrumentKind.SPOT else held.cost,
            )
            for held in state.portfolio.held()
        )
        self.fold()
        self._recorder.changed(len(self.times), state.portfolio.cash, holdings)

    def fold(self) -> None:
        """Let the recorder put away what is over, so that memory stays bounded."""
        points = len(self.times)
        self._recorder.fold()
        self._folded += points - len(self.times)

    def mark(self, fact: MarketEvent, at: int) -> None:
        """Make a point of a tick that has a price; the next one is due in the next span."""
        price = getattr(fact, "price", None)
        if price is None:
            bid, ask = getattr(fact, "bid", None), getattr(fact, "ask", None)
            if bid is None or ask is None:
                return
            price = (bid + ask) / 2
        self._marked_ticks += 1
        self.next_marks[fact.symbol] = at - at % TICK_MARK_NS + TICK_MARK_NS
        self.times.append(at)
        self.prices.append(price)
        if self.note_symbol is not None:
            self.note_symbol(fact.symbol)
