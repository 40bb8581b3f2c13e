"""Which venues there are, and how one is built: a table from a venue's name to the function that makes its dialect."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from importlib import import_module

from msgspec import Struct

from kedge.model.errors import ConfigError
from kedge.model.instrument import Instrument
from kedge.model.market import Candle
from kedge.venues.emulator.course import Course, FileCourse, RandomCourse
from kedge.venues.emulator.front import Dialect
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.timeline import Timeline

#: Venue, and the module whose `build(options)` makes it.
VENUES = {
    "binance": "kedge.venues.emulator.binance.spot",
    "binance-futures": "kedge.venues.emulator.binance.futures",
    "hyperliquid": "kedge.venues.emulator.hyperliquid.dialect",
    "coinbase": "kedge.venues.emulator.coinbase.venue",
}


class Options(Struct, frozen=True):
    """How an emulator was asked for. `candles` drive the market named by `data_name` where it names one, else the first."""

    seed: int
    pace: Pace
    candles: Sequence[Candle] = ()
    data_name: str = ""

    def timeline(self) -> Timeline:
        """A fresh timeline."""
        return Timeline(self.pace.start_ns)

    def courses(self, markets: Sequence[tuple[Instrument, Decimal]]) -> list[tuple[Instrument, Course]]:
        """Instruments and the prices they begin at, each with its course: one from the file, the others seeded."""
        named = [instrument.symbol for instrument, _ in markets if instrument.symbol.lower() in self.data_name.lower()]
        chosen = "" if not self.candles else named[0] if named else markets[0][0].symbol
        return [
            (
                instrument,
                FileCourse(instrument, self.candles, self.pace.start_ns)
                if instrument.symbol == chosen
                else RandomCourse(instrument, price, self.seed, self.pace.start_ns),
            )
            for instrument, price in markets
        ]


def build(venue: str, options: Options) -> Dialect:
    """The dialect of a venue, with its exchange."""
    if venue not in VENUES:
        raise ConfigError(f"venue is {venue!r}; the emulators are {', '.join(VENUES)}")
    dialect: Dialect = import_module(VENUES[venue]).build(options)
    return dialect
