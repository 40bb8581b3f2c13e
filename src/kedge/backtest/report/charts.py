"""What the page draws: curves and candles thinned to what a screen can show, with nothing that matters left out.

A run may have millions of points, a screen has some two thousand columns. So points are taken in buckets of equal
count: of an equity curve each bucket gives its lowest, its highest and its deepest drawdown; candles of a bucket are
merged into one (first open, highest high, lowest low, last close). Fills are drawn one by one up to a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from kedge.backtest.curve_block import Floats, Integers, floats
from kedge.model.instant import NS_PER_MS
from kedge.model.market import Candle
from kedge.model.money import ZERO, canonical
from kedge.model.order import Side
from kedge.storage.columns import CandleColumns

if TYPE_CHECKING:
    from kedge.backtest.curve import EquityCurve
    from kedge.backtest.result import BacktestResult

#: Buckets of a curve and of a candle chart.
BUCKETS_MAX = 2000
#: Fills drawn one by one in one chart; of more, evenly spaced ones are drawn and the page says so.
FILLS_MAX = 5000
#: Charts of prices; of more symbols the most traded are drawn.
CHARTS_MAX = 6
#: The market held instead is shown at first unless its way is this many times as wide as that of equity.
MARKET_SPREAD_MAX = 4
#: Significant digits in a drawing.
DIGITS = 8

#: Candles to draw: columns, or facts in any order of symbols, or either by symbol.
Candles = CandleColumns | Iterable[Candle] | Iterable[CandleColumns] | Mapping[str, Any]


class Bars(Struct, frozen=True):
    """Candles as drawn: opening times (ns) and prices."""

    times: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    of_closes: bool = False


def equity_chart(result: BacktestResult) -> dict[str, Any]:
    """Equity, drawdown and, with one symbol, the market held from the start, at the points worth drawing."""
    curve = result.equity_curve
    times, equity = curve.vectors()
    if not len(times):
        return {"t": [], "v": [], "d": [], "m": None, "shown": False}
    start = floats([result.initial_capital])[0]
    peaks = np.maximum(np.maximum.accumulate(equity), start)
    fallen = equity / peaks - 1
    places = extremes(equity, fallen)
    market, shown = None, False
    if result.market_return is not None and not curve.is_thinned:
        moments, closes = curve.closes(curve.names[0])
        if len(moments):
            at = np.maximum(np.searchsorted(moments, times[places], "right") - 1, 0)
            held = closes[at] / closes[0] * start
            market = _numbers(held)
            shown = bool(np.ptp(held) <= MARKET_SPREAD_MAX * np.ptp(equity))
    return {
        "t": _times(times[places]),
        "v": _numbers(equity[places]),
        "d": _numbers(fallen[places]),
        "m": market,
        "shown": shown,
    }


def price_charts(result: BacktestResult, candles: Candles | None) -> list[dict[str, Any]]:
    """A chart for each symbol, the most traded first: bars, fills, and the way of each round trip."""
    known = bars_by_symbol(candles) if candles is not None else {}
    for symbol in result.equity_curve.names:
        if symbol not in known:
            found = bars_of_closes(result.equity_curve, symbol)
            if found is not None:
                known[symbol] = found
    count: dict[str, int] = dict.fromkeys(known, 0)
    for trade in result.trades:
        if trade.symbol in count:
            count[trade.symbol] += 1
    chosen = sorted(known, key=lambda symbol: -count[symbol])[:CHARTS_MAX]
    return [_price_chart(result, symbol, known[symbol]) for symbol in chosen]


def extremes(*series: Floats) -> Integers:
    """Places of the lowest and highest of each series in each bucket, and both ends."""
    count = len(series[0])
    size = max(1, -(-count // BUCKETS_MAX))
    if size == 1:
        return np.arange(count)
    whole = count // size * size
    first = np.arange(0, whole, size)
    found = [np.array([0, count - 1])]
    for values in series:
        buckets = values[:whole].reshape(-1, size)
        found += [first + buckets.argmin(axis=1), first + buckets.argmax(axis=1)]
        if whole < count:
            rest = values[whole:]
            found.append(whole + np.array([rest.argmin(), rest.argmax()]))
    return np.unique(np.concatenate(found))


def merged(bars: Bars) -> Bars:
    """At most `BUCKETS_MAX` bars, each of equally many."""
    count = len(bars.times)
    size = max(1, -(-count // BUCKETS_MAX))
    if size == 1:
        return bars
    first = np.arange(0, count, size)
    last = np.minimum(first + size, count) - 1
    return Bars(
        bars.times[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        bars.of_closes,
    )


def bars_by_symbol(candles: Candles) -> dict[str, Bars]:
    """Whatever candles were given, by symbol; of several intervals the shortest."""
    finest: dict[str, tuple[int, Bars]] = {}
    for symbol, interval, bars in _bars(candles):
        if len(bars.times) and (symbol not in finest or interval < finest[symbol][0]):
            finest[symbol] = (interval, bars)
    return {symbol: bars for symbol, (_, bars) in finest.items()}


def bars_of_closes(curve: EquityCurve, symbol: str) -> Bars | None:
    """Bars of the prices the run recorded, where its candles are not at hand: closes only, said on the page."""
    times, closes = curve.closes(symbol)
    return Bars(times, closes, closes, closes, closes, of_closes=True) if len(times) else None


def _bars(candles: Candles) -> Iterable[tuple[str, int, Bars]]:
    if isinstance(candles, CandleColumns):
        scale = 10**candles.price_scale
        columns = (candles.open, candles.high, candles.low, candles.close)
        opened, high, low, close = (column / scale for column in columns)
        yield candles.symbol, candles.interval, Bars(candles.ts, opened, high, low, close)
        return
    if isinstance(candles, Mapping):
        for part in candles.values():
            yield from _bars(part)
        return
    rows: dict[tuple[str, int], list[Candle]] = {}
    for part in candles:
        if isinstance(part, Candle):
            rows.setdefault((part.symbol, part.interval), []).append(part)
        elif isinstance(part, CandleColumns):
            yield from _bars(part)
    for (symbol, interval), found in rows.items():
        times = np.array([row.ts for row in found], np.int64)
        names = ("open", "high", "low", "close")
        opened, high, low, close = (floats([getattr(row, name) for row in found]) for name in names)
        yield symbol, interval, Bars(times, opened, high, low, close)


def _price_chart(result: BacktestResult, symbol: str, bars: Bars) -> dict[str, Any]:
    drawn = merged(bars)
    fills = [trade for trade in result.trades if trade.symbol == symbol]
    step = max(1, -(-len(fills) // FILLS_MAX))
    shown = fills[::step]
    trips = [trip for trip in result.all_round_trips if trip.symbol == symbol]
    every = max(1, -(-len(trips) // FILLS_MAX))
    return {
        "symbol": symbol,
        "ofCloses": bars.of_closes,
        "bars": len(bars.times),
        "merged": -(-len(bars.times) // max(1, len(drawn.times))),
        "t": _times(drawn.times),
        "o": _numbers(drawn.open),
        "h": _numbers(drawn.high),
        "l": _numbers(drawn.low),
        "c": _numbers(drawn.close),
        "fills": len(fills),
        "ft": [trade.ts // NS_PER_MS for trade in shown],
        "fp": _numbers(floats([trade.price for trade in shown])),
        "fs": [1 if trade.side is Side.BUY else 0 for trade in shown],
        "fq": [canonical(trade.quantity) for trade in shown],
        "trips": [
            [
                trip.entry_ns // NS_PER_MS,
                plain_number(trip.entry_price),
                trip.exit_ns // NS_PER_MS,
                plain_number(trip.exit_price),
                int(trip.net > ZERO),
            ]
            for trip in trips[::every]
        ],
    }


def _times(times: Integers) -> list[int]:
    found: list[int] = (times // NS_PER_MS).tolist()
    return found


def _numbers(values: Floats) -> list[Any]:
    """Rounded to what a drawing can show, so that the page stays small."""
    if not len(values):
        return []
    size = np.abs(values).max()
    places = DIGITS - 1 - int(np.floor(np.log10(size))) if size > 0 else 0
    found: list[Any] = np.round(values, places).tolist()
    return found


def plain_number(value: Decimal) -> Any:
    """An amount as a drawing takes it."""
    return _numbers(floats([value]))[0]
