"""Candles to drive strategies with: flat ones from a list of prices, and random walks of one symbol or two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from hypothesis import strategies as st

from kedge.model.instant import NS_PER_S
from kedge.model.market import Candle

MINUTE = 60 * NS_PER_S


def candle(at: int, prices: Sequence[Decimal | int], symbol: str = "BTC-USD") -> Candle:
    """The candle of minute `at` from open, high, low and close."""
    opened, high, low, close = (Decimal(price) for price in prices)
    return Candle(at * MINUTE, opened, high, low, close, Decimal(1), symbol, MINUTE)


def closes(prices: Iterable[Decimal | int | str], symbol: str = "BTC-USD", start: int = 0) -> list[Candle]:
    """Candles that open and close at `prices` and reach one further on both sides."""
    exact = [Decimal(price) for price in prices]
    return [candle(start + at, (price, price + 1, price - 1, price), symbol) for at, price in enumerate(exact)]


@st.composite
def walks(draw: st.DrawFn, symbols: Sequence[str], least: int = 30, most: int = 60) -> list[Candle]:
    """Candles of a random walk around 100 for each symbol, one a minute, in the order of time."""
    size = draw(st.integers(least, most))
    cents = st.integers(-150, 150)
    wick = st.integers(0, 80)
    step = st.tuples(cents, cents, wick, wick)
    history: list[Candle] = []
    last = dict.fromkeys(symbols, 10_000)
    for at in range(size):
        for symbol in symbols:
            gap, move, up, down = draw(step)
            opened = max(1_000, last[symbol] + gap // 3)
            close = max(1_000, opened + move)
            prices = (opened, max(opened, close) + up, min(opened, close) - down, close)
            history.append(candle(at, [Decimal(price).scaleb(-2) for price in prices], symbol))
            last[symbol] = close
    return history
