"""`kedge download VENUE SYMBOL INTERVAL`: candles from a venue into the catalogue.

What is there already is not asked for again: a download that was interrupted goes on where it stopped, and one of a longer
time fetches what lies before and after. Candles are kept as they come, some ten thousand at a time, and what came before an
error or Ctrl-C stays.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path

import click
from msgspec import Struct

from kedge.cli import console
from kedge.cli.access import access
from kedge.cli.config import TradingConfig
from kedge.cli.output import Output, write_json
from kedge.model.errors import ConfigError, DataError, WorldError
from kedge.model.instant import NS_PER_S, iso
from kedge.model.market import Candle
from kedge.storage.catalogue import Catalogue, DataSet, interval_name
from kedge.storage.columns import CandleColumns
from kedge.storage.instants import ns_of_text
from kedge.venues import registry
from kedge.venues.answers import Failed
from kedge.venues.gateway import ExchangeGateway
from kedge.venues.history import pages
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.system import SystemClock

#: Candles that are kept in memory before they are written.
CHUNK = 20_000

_INTERVAL = re.compile(r"([1-9][0-9]{0,4})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class Downloaded(Struct, frozen=True):
    """What came: candles added and known before, and what the venue does not give."""

    added: int
    known: int
    missing: tuple[str, ...]


class Download:
    """One download: what is asked for, and the catalogue it goes into, under `kept_as`."""

    def __init__(self, catalogue: Catalogue, venue: str, symbol: str, interval: int) -> None:
        self.catalogue = catalogue
        self.venue = venue
        self.kept_as = venue.replace(":", "-")
        self.symbol = symbol
        self.interval = interval
        self._waiting: list[Candle] = []
        self._added = self._known = 0

    def gaps(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of `[start, end)` that the catalogue does not reach; holes inside it are the venue's."""
        kept = self.kept()
        if kept is None:
            return [(start, end)]
        before, after = (start, min(end, kept.first)), (max(start, kept.last + self.interval), end)
        return [(begin, until) for begin, until in (before, after) if begin < until]

    async def run(
        self, gateway: ExchangeGateway, clock: Clock, start: int, end: int, advance: Callable[[int], None] | None
    ) -> Downloaded:
        """Fetch what is not there; what came is kept whatever happens."""
        missing: list[str] = []
        try:
            for begin, until in self.gaps(start, end):
                async for page in pages(gateway, clock, self.symbol, self.interval, begin, until):
                    self._waiting += page.candles
                    missing += [page.missing] if page.missing else []
                    if len(self._waiting) >= CHUNK:
                        self._keep()
                    if advance is not None:
                        advance((page.end - page.start) // self.interval)
                self._keep()
        finally:
            self._keep()
        return Downloaded(self._added, self._known, tuple(dict.fromkeys(missing)))

    def _keep(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            done = self.catalogue.add(self.kept_as, CandleColumns.from_candles(waiting), source=self.venue)
            self._added += done.added
            self._known += done.known

    def kept(self) -> DataSet | None:
        """What the catalogue has of it."""
        asked = (self.kept_as, self.symbol, self.interval)
        return next((each for each in self.catalogue.list() if (each.venue, each.symbol, each.interval) == asked), None)


@click.command(name="download")
@click.argument("venue")
@click.argument("symbol")
@click.argument("interval")
@click.option("--start", required=True, metavar="TIME", help="The first candle's time, such as 2024-01-01; UTC.")
@click.option("--end", metavar="TIME", help="The time before which the last candle opens.  [default: now]")
@click.option("--catalogue", metavar="DIR", help="The catalogue's directory.  [default: TRADING_DATA_DIR or ./data]")
@click.option("--json", "json_target", metavar="FILE|-", help="Write the outcome as JSON; - is standard output.")
def command(
    venue: str, symbol: str, interval: str, start: str, end: str | None, catalogue: str | None, json_target: str | None
) -> None:
    """Fetch closed candles of SYMBOL (BTC-USD) and INTERVAL (1m, 1h) from VENUE into the catalogue, without a key."""
    Output(json_target=json_target).check()
    registry.entry(venue)
    length = _interval(interval)
    now = SystemClock().now_ns()
    begin = -(-_time(start, "--start") // length) * length
    until = min(now if end is None else _time(end, "--end"), now) // length * length
    if begin >= until:
        raise ConfigError(f"--start {iso(begin)} is not before --end {iso(until)}; give an earlier start")
    root = Path(catalogue or TradingConfig.from_environment(os.environ).data_dir or "data")
    download = Download(Catalogue(root), venue, symbol, length)
    done = asyncio.run(_download(download, begin, until))
    _report(download, done, begin, until, json_target)


async def _download(download: Download, start: int, end: int) -> Downloaded:
    clock = SystemClock()
    total = sum(until - begin for begin, until in download.gaps(start, end)) // download.interval
    if not total:
        return Downloaded(0, 0, ())
    async with registry.connected(download.venue, access(with_key=False)) as gateway:
        listed = await gateway.get_instruments()
        if isinstance(listed, Failed):
            raise WorldError(f"{download.venue} does not say what it lists: {listed.code}: {listed.message}")
        _check(gateway, download, [each.symbol for each in listed.value])
        with console.progress(f"{download.symbol} {interval_name(download.interval)}", total) as advance:
            return await download.run(gateway, clock, start, end, advance)


def _check(gateway: ExchangeGateway, download: Download, symbols: list[str]) -> None:
    from difflib import get_close_matches

    if download.symbol not in symbols:
        near = get_close_matches(download.symbol, symbols, 1)
        hint = f"did you mean {near[0]}?" if near else f"it lists {len(symbols)} symbols, such as {symbols[0]}"
        raise ConfigError(f"{download.venue} does not list {download.symbol!r}; {hint}")
    known = sorted(gateway.capabilities.candle_intervals)
    if download.interval not in known:
        raise ConfigError(
            f"{download.venue} has no candles of {interval_name(download.interval)}; "
            f"it has {', '.join(map(interval_name, known))}"
        )


def _report(download: Download, done: Downloaded, start: int, end: int, json_target: str | None) -> None:
    from kedge.core.market.quality import DataQualityChecker

    catalogue, interval, kept = download.catalogue, download.interval, download.kept()
    gap = max(interval * 3 // (2 * NS_PER_S), 1)
    found = catalogue.open(download.kept_as, download.symbol, interval, start, end).facts() if kept else ()
    quality = DataQualityChecker(max_gap_seconds=gap).check(found)
    rows, findings = quality.total_candles, quality.summary()
    if kept is None or not rows:
        raise DataError(
            f"{download.venue} has no candles of {download.symbol} from {iso(start)} to {iso(end)}; choose another time"
        )
    notes = list(done.missing)
    if kept.first > start:
        notes.insert(0, f"candles before {iso(kept.first)}")
    if json_target:
        outcome = {
            "venue": download.venue,
            "symbol": download.symbol,
            "interval_seconds": interval // NS_PER_S,
            "from": iso(start),
            "to": iso(end),
            "added": done.added,
            "candles": rows,
            "missing": notes,
            "quality": findings,
        }
        write_json(json_target, outcome)
    if json_target != "-":
        where = f"{download.venue} {download.symbol} {interval_name(interval)}"
        console.say(f"{done.added} candles added; {rows} of {where} from {iso(start)} to {iso(end)}")
        console.say("quality: " + ", ".join(f"{name} {count}" for name, count in findings.items()))
        for note in notes:
            console.say(f"note: the venue does not give {note}")


def _interval(text: str) -> int:
    found = _INTERVAL.fullmatch(text)
    if found is None:
        raise ConfigError(f"interval is {text!r}; give a number and a unit, such as 1m, 1h or 1d")
    return int(found[1]) * _SECONDS[found[2]] * NS_PER_S


def _time(text: str, option: str) -> int:
    try:
        return ns_of_text(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} {error}") from None
