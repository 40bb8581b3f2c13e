"""Random cases for the kernel against the event engine: a strategy, its parameters, candles, costs, rules and limits.

    .venv/bin/python -m tests.research.cases --cases 10000 --seed 1

plays so many and prints the first difference of each that has one, as bar, field and both values. A case is a function
of its number: `case_of(n)` is the same everywhere.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from decimal import Decimal
from random import Random
from time import perf_counter
from typing import Annotated, Any

import numpy as np
from msgspec import Struct

from kedge.core.strategy.bars import Bars
from kedge.core.strategy.moves import FLAT, KEEP, LONG, MOVE_MAX, SHORT
from kedge.core.strategy.parameters import Bounds
from kedge.core.strategy.signals import SignalStrategy
from kedge.model.facts import Liquidity
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.limits import RiskConfig
from kedge.model.money import ONE, ZERO, canonical
from kedge.research.evaluate import Settings
from kedge.research.market import Market
from kedge.research.outcome import fills_of, run_kernel
from kedge.research.plan import Unsupported
from kedge.storage.columns import CandleColumns

SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")
#: Midnight comes during most cases: the daily loss begins anew.
START = 1_700_000_000 // 86_400 * 86_400 * NS_PER_S - 20 * 60 * NS_PER_S


class Dice(SignalStrategy):
    """Moves drawn from the time of the bar and a seed: any sequence of moves there can be."""

    seed: Annotated[int, Bounds(0), "which sequence"] = 0
    calm: Annotated[int, Bounds(0), "how many bars in ten keep what is held"] = 7
    plain: Annotated[bool, "sides alone, or every move there is"] = True
    window: Annotated[int, Bounds(1, 50), "bars of lookback"] = 1

    def lookback(self) -> int:
        return self.window

    def signals(self, bars: Bars) -> Any:
        mixed = (bars.ts // 1_000_000_007 + self.seed * 7_919) * 6_364_136_223_846_793_005
        mixed = (mixed >> 20) ^ (mixed >> 41)
        sides = np.array((LONG, SHORT, FLAT, LONG, SHORT), np.int8)
        drawn = sides[mixed % 5] if self.plain else (3 + mixed % (MOVE_MAX - 2)).astype(np.int8)
        return np.where((mixed >> 7) % 10 < self.calm, np.int8(KEEP), drawn)


class Case(Struct, frozen=True):
    """One run, for both engines."""

    number: int
    strategy: Dice
    market: Market
    settings: Settings


def case_of(number: int) -> Case:
    """The case of that number."""
    dice = Random(number)
    symbols = SYMBOLS[: dice.choice((1, 1, 1, 2, 3))]
    count = dice.randrange(30, 140)
    streams, instruments = [], []
    custom = dice.random() < 0.6
    leverage = Decimal(dice.choice(("1", "1", "2", "3", "1.5", "10")))
    for symbol in symbols:
        price = Decimal(dice.choice(("0.0521", "1.37", "97", "2143.7", "61250.25")))
        scale = dice.randrange(2, 5)
        streams.append(candles(symbol, dice, price, scale, count))
        if custom:
            instruments.append(instrument(symbol, dice, price, scale, leverage))
    capital = Decimal(dice.choice(("10000", "1000000", "250.5", "57")))
    settings = Settings(
        initial_capital=capital,
        fee_rate=Decimal(dice.choice(("0", "0.001", "0.00075", "0.00055", "0.01"))),
        slippage_bps=Decimal(dice.choice(("0", "5", "2.5", "0.1", "37"))),
        maker_fee_rate=None if dice.random() < 0.5 else Decimal(dice.choice(("0", "0.0002"))),
        leverage=leverage,
        instruments=tuple(instruments),
        risk=limits(dice, capital, streams[0]),
    )
    return Case(number, strategy(dice, symbols, capital, streams[0]), Market.of(streams), settings)


def candles(symbol: str, dice: Random, price: Decimal, scale: int, count: int) -> CandleColumns:
    """A random walk with gaps between bars and bars that are missing."""
    unit = 10**scale
    last = int(price * unit)
    rough = dice.choice((0.0005, 0.004, 0.02))
    interval = 60 * NS_PER_S
    rows = []
    for bar in range(count):
        if bar and dice.random() < 0.01:
            continue
        opened = max(unit // 100 + 1, last + int(last * dice.gauss(0, rough) * dice.choice((0, 0.1, 1))))
        close = max(unit // 100 + 1, opened + int(opened * dice.gauss(0, rough)))
        high = max(opened, close) + int(abs(dice.gauss(0, rough)) * opened * dice.choice((0, 1)))
        low = max(1, min(opened, close) - int(abs(dice.gauss(0, rough)) * opened * dice.choice((0, 1))))
        rows.append((START + bar * interval, opened, high, low, close, dice.randrange(1, 1000)))
        last = close
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    return CandleColumns(symbol, interval, scale, 0, *columns)


def instrument(symbol: str, dice: Random, price: Decimal, scale: int, leverage: Decimal) -> Instrument:
    """A perpetual with grids and least sizes of its own."""
    tick = Decimal(1).scaleb(-max(scale - dice.choice((0, 0, 1)), 0)) * dice.choice((1, 1, 5))
    lot = Decimal(dice.choice(("0.001", "0.00001", "1", "0.1", "0.025")))
    return Instrument(
        symbol=symbol,
        base=symbol[:3],
        quote="USD",
        settle="USD",
        kind=InstrumentKind.PERPETUAL,
        tick_size=min(tick, price / 2),
        lot_size=lot,
        min_quantity=dice.choice((ZERO, lot, lot * 7)),
        max_quantity=dice.choice((None, None, lot * 100_000)),
        min_notional=Decimal(dice.choice(("0", "5", "100"))),
        contract_size=Decimal(dice.choice(("1", "1", "0.01", "10"))),
        maker_fee=Decimal(dice.choice(("0", "0.0002"))),
        taker_fee=Decimal(dice.choice(("0.0005", "0.001"))),
        max_leverage=leverage,
        maintenance_margin=Decimal(dice.choice(("0", "0", "0.005"))),
        shortable=dice.random() < 0.9,
    )


def limits(dice: Random, capital: Decimal, stream: CandleColumns) -> RiskConfig:
    """Limits that bind now and then; often none."""
    given: dict[str, Any] = {}
    price = Decimal(int(stream.close[0])).scaleb(-stream.price_scale)
    if dice.random() < 0.35:
        given["daily_loss_max"] = (capital * Decimal(dice.choice(("0.002", "0.02", "0.1")))).quantize(ONE / 1000)
    if dice.random() < 0.2:
        given["drawdown_ratio_max"] = Decimal(dice.choice(("0.01", "0.05", "0.333")))
    if dice.random() < 0.5:
        given["loss_action"] = "halt"
    for name, figure in (
        ("order_quantity_max", capital / price),
        ("position_quantity_max", capital / price),
        ("order_notional_max", capital),
        ("position_notional_max", capital),
        ("gross_exposure_max", capital),
    ):
        if dice.random() < 0.12:
            given[name] = figure * Decimal(dice.choice(("0.5", "0.93", "1.2", "1.9")))
    return RiskConfig(**given)


def strategy(dice: Random, symbols: tuple[str, ...], capital: Decimal, stream: CandleColumns) -> Dice:
    """Parameters of all kinds: sizes, sides, exits."""
    price = Decimal(int(stream.close[0])).scaleb(-stream.price_scale)
    given: dict[str, Any] = {
        "symbol": ",".join(symbols),
        "seed": dice.randrange(1_000_000),
        "calm": dice.choice((2, 6, 8, 9)),
        "plain": dice.random() < 0.6,
        "window": dice.choice((1, 1, 2, 7)),
        "allow_short": dice.random() < 0.8,
    }
    if dice.random() < 0.5:
        share = Decimal(dice.choice(("0.1", "0.4", "0.9", "1.3")))
        given["quantity"] = max((capital * share / price).quantize(Decimal("0.00000001")), Decimal("0.00000001"))
    if dice.random() < 0.5:
        for name in ("stop_loss_bps", "take_profit_bps", "trail_bps"):
            if dice.random() < 0.6:
                given[name] = Decimal(dice.choice(("5", "20", "73.5", "150", "600")))
    return Dice(**given)


def difference(case: Case, mode: str = "best", *, known: Any = None) -> str:
    """The first difference between the engines, as bar, field and both values; empty where there is none.

    Raises `Unsupported` where the kernel leaves the case to the event engine.
    """
    rows = len(case.market)
    done = run_kernel(case.strategy, case.market, case.settings, points=True, fills_max=2 * rows, mode=mode)
    result = known or case.settings.engine().run(case.strategy, list(case.market.streams))
    ours = fills_of(done, case.market.symbols)
    for at, (mine, theirs) in enumerate(zip(ours, result.trades, strict=False)):
        fields = {
            "symbol": (mine.symbol, theirs.symbol),
            "time": (mine.ts, theirs.ts),
            "quantity": (mine.quantity, theirs.signed),
            "price": (mine.price, theirs.price),
            "fee": (mine.fee, theirs.fee),
            "slippage": (mine.slippage, theirs.slippage),
            "maker": (mine.is_maker, theirs.liquidity is Liquidity.MAKER),
        }
        for name, (one, other) in fields.items():
            if one != other:
                return f"fill {at} at {theirs.ts}, {name}: kernel {one}, engine {other}"
    if len(ours) != len(result.trades):
        more = result.trades[len(ours)] if len(ours) < len(result.trades) else ours[len(result.trades)]
        return f"fills: kernel {len(ours)}, engine {len(result.trades)}; the next is {more}"
    curve = result.equity_curve
    points = done.amounts(done.points, len(curve))
    for at, equity in enumerate(points):
        if equity != curve.equity_at(at):
            return f"bar {at}, equity: kernel {canonical(equity)}, engine {canonical(curve.equity_at(at))}"
    days = done.amounts(done.days, len(done.plan.merged.days))
    if list(zip(done.plan.merged.days, days, strict=True)) != curve.daily():
        return "the equities of the days differ"
    return ""


def main() -> int:
    """Play many cases and say what came of them."""
    parser = argparse.ArgumentParser(description="The kernel against the event engine, on random cases.")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first case's number")
    parser.add_argument("--mode", default="best")
    given = parser.parse_args()
    began, counts, wrong = perf_counter(), Counter[str](), 0
    for number in range(given.seed, given.seed + given.cases):
        try:
            found = difference(case_of(number), given.mode)
        except Unsupported as reason:
            counts[str(reason)] += 1
            continue
        counts["equal" if not found else "different"] += 1
        if found:
            wrong += 1
            print(f"case {number}: {found}", flush=True)
    print(f"{given.cases} cases in {perf_counter() - began:.0f} s")
    for what, count in counts.most_common():
        print(f"{count:7d}  {what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
