"""Lookahead: does any decision depend on what came after it?

A strategy that is honest decides the same on a history that ends early. So the history is cut at random places, and every
decision up to the cut is compared with the one that was made when the future was there; then the future is put back, but
altered (prices 40% higher, 30% lower, within what the market data handler believes), because a rule that peeks one bar
ahead may well decide the same without it. The first decision that differs is named, with its bar.

Two kinds of strategy are examined, each as it runs. One that decides by columns is asked for its column on each piece of
history, and, on top, on its trailing window alone, as it gets it event by event: a `lookback()` that is too short is
found as well. Any other is run through the backtest engine on each piece, and what it asked for is compared.

That nothing is found proves nothing about other data; what is found is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from kedge.core.strategy.bars import NAMES, Bars
from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.moves import KEEP, SIDES, after
from kedge.core.strategy.registry import HOOKS
from kedge.core.strategy.signals import SignalStrategy, checked
from kedge.model.errors import ConfigError, KedgeError, StrategyError
from kedge.model.market import Candle
from kedge.model.money import canonical
from kedge.model.signal import CancelOrders, Signal
from kedge.research.evaluate import Settings
from kedge.research.market import Market
from kedge.storage.columns import CandleColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The future altered: its prices times so many tenths. Within the 50% from bar to bar that are believed.
FUTURES = (14, 7)

#: Altered bars that follow a cut; a peek further ahead than this is found by the cut alone.
AHEAD_MAX = 500

#: Rows of a column that are decided anew on their window, for each cut.
WINDOWS_PER_CUT = 5

_ENDS, _CHANGED, _WINDOW = "the history ends here", "what follows is altered", "only its window is given"

#: A strategy made for a history: a class that is given data at construction may be handed them by this.
Make = Callable[[Market], BaseStrategy]


class Decision(Struct, frozen=True, order=True):
    """What was decided at the end of a bar: when that was (ns), on which symbol, and what."""

    known: int
    symbol: str
    what: str


class Finding(Struct, frozen=True):
    """A decision that changed: its bar, what it was with the future there and what without, where the cut was, and how."""

    symbol: str
    bar: int
    known: int
    with_future: str
    without: str
    cut: int
    how: str


class Report(Struct, frozen=True):
    """What an examination came to; `finding` is `None` where no decision changed."""

    strategy: str
    kind: str
    bars: int
    decisions: int
    cuts: int
    finding: Finding | None


def examine(make: Make, market: Market, *, cuts: int = 20, seed: int = 1, settings: Settings | None = None) -> Report:
    """Examine the strategy that `make` makes, on `market` cut at `cuts` places drawn from `seed`."""
    if cuts < 1:
        raise ConfigError(f"cuts is {cuts}; it must be 1 or more")
    strategy = make(market)
    places = cuts_of(market, strategy.warmup_bars(), cuts, seed)
    if isinstance(strategy, SignalStrategy):
        return _examine_columns(strategy, market, places, seed)
    return _examine_events(make, market, places, settings or Settings())


def cuts_of(market: Market, warmup: int, count: int, seed: int) -> list[int]:
    """Times (ns) at which bars begin, after the warm-up, in order; the last one is always among them."""
    starts = np.unique(np.concatenate([stream.ts for stream in market.streams]))
    first = min(warmup + 1, len(starts) - 1)
    if first < 1:
        raise ConfigError("there are too few candles to cut; give more data")
    dice = np.random.default_rng(seed)
    drawn = dice.choice(np.arange(first, len(starts)), size=min(count, len(starts) - first), replace=False)
    return [int(starts[at]) for at in sorted({*drawn.tolist(), len(starts) - 1})]


# columns -------------------------------------------------------------------------------------------------------------


def _examine_columns(strategy: SignalStrategy, market: Market, cuts: Sequence[int], seed: int) -> Report:
    found: list[Finding] = []
    decisions = 0
    for symbol in strategy.required_symbols():
        bars = market.bars.get(symbol)
        if bars is None:
            raise StrategyError(f"{strategy.name()} requires {symbol}, the data has {', '.join(market.symbols)}")
        whole = _column(strategy, bars)
        decisions += int((whole != KEEP).sum())
        early = strategy.lookback() - 1
        dice = np.random.default_rng(seed)
        for cut in cuts:
            rows = int(np.searchsorted(bars.ts, cut, "left"))
            if rows <= early:
                continue
            pieces = [(_ENDS, bars[:rows]), *((_CHANGED, _altered(bars, rows, tenths)) for tenths in FUTURES)]
            for how, piece in pieces:
                changed = np.flatnonzero(whole[early:rows] != _column(strategy, piece)[early:rows])
                if len(changed):
                    row = early + int(changed[0])
                    found.append(_moved(bars, row, whole, _column(strategy, piece), cut, how))
            for row in dice.integers(early, rows, WINDOWS_PER_CUT).tolist():
                alone = _column(strategy, bars[row - early : row + 1])
                if alone[-1] != whole[row]:
                    found.append(_moved(bars, row, whole, alone, cut, _WINDOW, -1))
    first = min(found, key=lambda each: (each.how == _WINDOW, each.known), default=None)
    return Report(strategy.name(), "columns", len(market), decisions, len(cuts), first)


def _column(strategy: SignalStrategy, bars: Bars) -> NDArray[np.int8]:
    name = type(strategy).__name__
    try:
        return checked(strategy.signals(bars), bars, name)
    except KedgeError:
        raise
    except Exception as error:
        raise StrategyError(f"{name}.signals failed on {len(bars)} bars: {type(error).__name__}: {error}") from error


def _altered(bars: Bars, rows: int, tenths: int) -> Bars:
    """The same bars with other prices from `rows` on, for a while."""
    end = min(len(bars), rows + AHEAD_MAX)
    columns = []
    for name in NAMES:
        column = getattr(bars, name)[:end].copy()
        if name not in {"ts", "volume"}:
            column[rows:] = np.maximum(column[rows:] * tenths // 10, 1)
        columns.append(column)
    return Bars(bars.symbol, bars.interval, bars.price_scale, bars.size_scale, *columns)


def _moved(
    bars: Bars, row: int, whole: NDArray[np.int8], other: NDArray[np.int8], cut: int, how: str, at: int | None = None
) -> Finding:
    known = int(bars.ts[row]) + bars.interval
    changed = int(other[row if at is None else at])
    return Finding(bars.symbol, row, known, said(int(whole[row])), said(changed), cut, how)


def said(move: int) -> str:
    """A move in words."""
    names = {-1: "short", 0: "flat", 1: "long", KEEP: "keep"}
    if move in names:
        return names[move]
    then = (names[after(move, side)] for side in SIDES)
    return "if short {}, if flat {}, if long {}".format(*then)


# events --------------------------------------------------------------------------------------------------------------


def _examine_events(make: Make, market: Market, cuts: Sequence[int], settings: Settings) -> Report:
    whole = _decisions(make, market, settings)
    found: list[Finding] = []
    for cut in cuts:
        pieces = [(_ENDS, _until(market, cut))]
        pieces += [(_CHANGED, _with_future(market, cut, tenths)) for tenths in FUTURES]
        for how, piece in pieces:
            change = _first_change(
                [each for each in whole if each.known <= cut],
                [each for each in _decisions(make, piece, settings) if each.known <= cut],
            )
            if change is not None:
                was, now = change
                one = was or now
                assert one is not None, "a change has a side"
                bar = _bar_of(market, one)
                nothing = "nothing"
                found.append(
                    Finding(
                        one.symbol, bar, one.known, was.what if was else nothing, now.what if now else nothing, cut, how
                    )
                )
    first = min(found, key=lambda each: each.known, default=None)
    return Report(make(market).name(), "events", len(market), len(whole), len(cuts), first)


def _decisions(make: Make, market: Market, settings: Settings) -> list[Decision]:
    """What the strategy asked for in a run over `market`, in order."""
    strategy = make(market)
    log: list[Decision] = []
    for hook in (*HOOKS.values(), "on_fill", "on_timer"):
        if getattr(type(strategy), hook) is not getattr(BaseStrategy, hook):
            setattr(strategy, hook, partial(_noting, getattr(strategy, hook), log))
    settings.engine().run(strategy, list(market.streams))
    return log


def _noting(hook: Callable[[Any], Any], log: list[Decision], fact: Any) -> Any:
    """Call a hook and note what it asks for."""
    wishes = hook(fact)
    if wishes is None:
        return None
    asked = list(wishes)
    # A fill at the very moment of a cut may be one at the open that follows it, so it counts as after.
    known = fact.ts + fact.interval if type(fact) is Candle else fact.ts + 1
    log.extend(Decision(known, getattr(fact, "symbol", ""), worded(wish)) for wish in asked)
    return asked


def worded(wish: Signal | CancelOrders) -> str:
    """A wish as text: what it asks for, without the reason it gives."""
    if isinstance(wish, CancelOrders):
        return f"cancel {wish.order_id or wish.symbol or 'all'}"
    parts = [str(wish.side or "trade"), wish.symbol]
    for name in ("quantity", "target", "price", "stop_price", "trail", "stop_loss", "take_profit"):
        value = getattr(wish, name)
        if value is not None:
            parts.append(f"{name} {canonical(value)}")
    return " ".join(parts)


def _first_change(
    whole: Iterable[Decision], piece: Iterable[Decision]
) -> tuple[Decision | None, Decision | None] | None:
    one: Iterator[Decision] = iter(whole)
    other: Iterator[Decision] = iter(piece)
    while True:
        was, now = next(one, None), next(other, None)
        if was is None and now is None:
            return None
        if was != now:
            if was is not None and now is not None and was.known != now.known:
                return (was, None) if was.known < now.known else (None, now)
            return was, now


def _bar_of(market: Market, decision: Decision) -> int:
    """The number of the bar that had just ended."""
    for stream in market.streams:
        if stream.symbol == decision.symbol:
            return int(np.searchsorted(stream.ts + stream.interval, decision.known, "right")) - 1
    return -1


def _until(market: Market, cut: int) -> Market:
    """The candles that have ended by `cut`."""
    return Market([stream[: _ended(stream, cut)] for stream in market.streams])


def _with_future(market: Market, cut: int, tenths: int) -> Market:
    """The candles that have ended by `cut`, and an altered future."""
    streams = []
    for stream in market.streams:
        rows = _ended(stream, cut)
        bars = _altered(market.bars[stream.symbol], rows, tenths)
        columns = [getattr(bars, name) for name in NAMES]
        streams.append(CandleColumns(stream.symbol, stream.interval, stream.price_scale, stream.size_scale, *columns))
    return Market(streams)


def _ended(stream: CandleColumns, cut: int) -> int:
    return int(np.searchsorted(stream.ts + stream.interval, cut, "right"))
