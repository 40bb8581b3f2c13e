"""Donchian channels: with a close outside the range of the last candles, until it falls back through a nearer one.

    close > highest high of the last `window` candles:       be long
    close < lowest low of the last `window` candles:         be short
    long  and close < lowest low of the last `exit_window`:  be flat; short, mirrored

"Last" means before this candle: a close cannot be above its own high. After Richard Donchian; with 20 and 10 these are
the entries and exits of the first of the Turtles' two systems.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from kedge.core.strategy.base import Wishes
from kedge.core.strategy.parameters import Bounds
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.errors import StrategyError
from kedge.model.market import Candle
from kedge.model.money import ZERO, canonical
from kedge.strategies.directional import DirectionalStrategy
from kedge.strategies.indicators.channel import Channel, DonchianChannel
from kedge.strategies.signals.breakout import BreakoutSignals


class BreakoutStrategy(DirectionalStrategy):
    """Follows a close that leaves the range of the last candles."""

    #: The same decisions as a column, while no order is turned down: what a sweep runs.
    column_form: ClassVar[type[SignalStrategy]] = BreakoutSignals

    window: Annotated[int, Bounds(1, 10_000), "candles of the range to break out of"] = 20
    exit_window: Annotated[int, Bounds(1, 10_000), "candles of the range whose other end is the exit"] = 10

    def check(self) -> None:
        if self.exit_window > self.window:
            raise StrategyError(
                f"exit_window is {self.exit_window} and window is {self.window}; exit_window must not be above window"
            )

    def warmup_bars(self) -> int:
        return self.window + 1

    def reset(self) -> None:
        super().reset()
        self._entry = DonchianChannel(self.window)
        self._exit = DonchianChannel(self.exit_window)

    def on_candle(self, candle: Candle) -> Wishes:
        entry, near = self._entry.value, self._exit.value
        self._entry.update(candle.high, candle.low)
        self._exit.update(candle.high, candle.low)
        if entry is None or near is None:
            return None
        if self.turning is not None and (unsettled := self.settle()) is not None:
            return unsettled
        # The nearer range lies within the wider one: a close within it decides nothing.
        if near.lower <= candle.close <= near.upper:
            return None
        return self._outside(candle.close, entry, near)

    def _outside(self, close: Decimal, entry: Channel, near: Channel) -> Wishes:
        held = self.held
        if self.waiting:
            return None
        if close > entry.upper and held <= ZERO:
            return self.go_long(_above(close, entry, self.window))
        if close < entry.lower and (held >= ZERO if self.allow_short else held > ZERO):
            return self.go_short(_below(close, entry, self.window))
        if held > ZERO and close < near.lower:
            return self.leave(_below(close, near, self.exit_window))
        if held < ZERO and close > near.upper:
            return self.leave(_above(close, near, self.exit_window))
        return None


def _above(close: Decimal, channel: Channel, window: int) -> str:
    return f"close {canonical(close)} is above {canonical(channel.upper)}, the highest of {window} candles"


def _below(close: Decimal, channel: Channel, window: int) -> str:
    return f"close {canonical(close)} is below {canonical(channel.lower)}, the lowest of {window} candles"
