"""What a `FillLog` gives back is what was put in, to the last zero of a decimal."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kedge.backtest.fills import BLOCK, FillLog
from kedge.model.facts import Fill, Liquidity
from kedge.model.order import Side

amounts = st.decimals(min_value=-(10**20), max_value=10**20, places=12, allow_nan=False, allow_infinity=False)
fills = st.builds(
    Fill,
    ts=st.integers(0, 2**62),
    order_id=st.text(max_size=8),
    trade_id=st.text(max_size=8),
    symbol=st.sampled_from(["BTC-USD", "ETH-USD"]),
    side=st.sampled_from(Side),
    quantity=amounts,
    price=amounts,
    fee=amounts,
    fee_currency=st.sampled_from(["", "USD", "BTC"]),
    liquidity=st.sampled_from(Liquidity),
    slippage=amounts,
    received=st.integers(0, 2**62),
)


@given(st.lists(st.tuples(fills, st.sampled_from(["", "a", "b"]), amounts), max_size=20), st.integers(0, 3))
def test_what_goes_in_comes_out(booked: list[tuple[Fill, str, Decimal]], blocks: int) -> None:
    log, kept = FillLog(), []
    for at in range(blocks * BLOCK // 2 + len(booked) if booked else 0):
        row = booked[at % len(booked)]
        log.append(*row)
        kept.append(row)
    assert len(log) == len(kept)
    told = list(log.bookings())
    assert told == kept
    assert [str(fill.price) for fill, _, _ in told] == [str(fill.price) for fill, _, _ in kept]
    assert list(log) == [fill for fill, _, _ in kept]
