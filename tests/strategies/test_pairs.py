"""The pair: against a naive trader of numpy's z-scores, and what becomes of a leg alone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from kedge.model.errors import StrategyError
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import Candle
from kedge.model.order import Side
from kedge.model.signal import Signal
from kedge.strategies.pairs import PairsStrategy

from .conftest import BTC_1H, ETH_1H, RealCandles
from .histories import closes
from .paper import Paper

BTC, ETH = "BTC-USD", "ETH-USD"


def merged(btc: Sequence[Candle], eth: Sequence[Candle]) -> list[Candle]:
    return sorted([*btc, *eth], key=lambda each: (each.ts, each.symbol))


def pair(btc: Sequence[int | str], eth: Sequence[int | str]) -> list[Candle]:
    return merged(closes(btc, BTC), closes(eth, ETH))


def small(**more: Any) -> PairsStrategy:
    return PairsStrategy(**{"window": 5, "entry_z": "1.5", "exit_z": "0.5", "hedge_ratio": 2, "quantity": 1, **more})


@pytest.mark.parametrize("hedge", [None, "20"])
def test_it_trades_the_z_score_of_the_spread(hedge: str | None, real_candles: RealCandles) -> None:
    count, window = 1_500, 100
    btc, eth = real_candles(BTC_1H, BTC, count), real_candles(ETH_1H, ETH, count)
    paper = Paper(PairsStrategy(quantity=1, hedge_ratio=hedge))
    y, x = np.array([float(each.close) for each in btc]), np.array([float(each.close) for each in eth])
    wanted = 0
    for at, (first, second) in enumerate(zip(btc, eth, strict=True)):
        assert first.ts == second.ts
        paper.take(first)
        paper.take(second)
        assert np.sign(float(paper.position(BTC))) == wanted, f"at candle {at}"
        assert np.sign(float(paper.position(ETH))) == -wanted, f"at candle {at}"
        if at < window - 1:
            continue
        inside = slice(at - window + 1, at + 1)
        slope = np.polyfit(x[inside] - x[at], y[inside] - y[at], 1)[0] if hedge is None else float(hedge)
        spread = y[inside] - slope * x[inside]
        z = (spread[-1] - spread.mean()) / spread.std()
        if not wanted:
            wanted = int(z < -2) - int(z > 2) if slope > 0 else 0
        elif z >= -0.5 if wanted > 0 else z <= 0.5:
            wanted = 0
    assert len(paper.fills) >= 20


def test_both_legs_are_asked_for_at_once_in_the_ratio() -> None:
    paper = Paper(small())
    made = paper.play(pair([100, 101, 100, 99, 110], [20, 20, 20, 20, 20]))
    assert made[-2] == []
    short, bought = made[-1]
    assert isinstance(short, Signal)
    assert isinstance(bought, Signal)
    assert (short.symbol, short.side, short.quantity) == (BTC, Side.SELL, Decimal(1))
    assert (bought.symbol, bought.side, bought.quantity) == (ETH, Side.BUY, Decimal(2))
    assert short.reason == bought.reason == "z-score 1.98 is beyond 1.5 at hedge ratio 2"


def test_contracts_of_different_size_still_balance() -> None:
    legs = [
        Instrument(BTC, "BTC", "USD", kind=InstrumentKind.PERPETUAL, contract_size=Decimal("0.01")),
        Instrument(ETH, "ETH", "USD", kind=InstrumentKind.PERPETUAL, contract_size=Decimal("0.1")),
    ]
    paper = Paper(small(quantity=100), legs)
    paper.play(pair([100, 101, 100, 99, 110], [20, 20, 20, 20, 20]))
    assert [order.quantity for order in paper.orders] == [100, 20]  # 1 BTC against 2 ETH


def test_without_a_quantity_both_legs_share_their_part_of_equity() -> None:
    paper = Paper(small(quantity=None, equity_pct=30))
    paper.play(pair([100, 101, 100, 99, 110], [20, 20, 20, 20, 20]))
    first, second = paper.orders
    assert first.quantity == Decimal(200)  # 30,000 / (110 + 2 x 20)
    assert second.quantity == 2 * first.quantity


def test_it_closes_both_when_the_spread_has_closed() -> None:
    paper = Paper(small())
    made = paper.play(pair([100, 101, 100, 99, 110, 110, 100], [20] * 7))
    assert made[-1] == [
        Signal.close(symbol, reason=wish.reason) for symbol, wish in zip((BTC, ETH), made[-1], strict=True)
    ]
    assert "is back within 0.5" in made[-1][0].reason
    paper.play(merged(closes([100], BTC, 7), closes([20], ETH, 7)))
    assert paper.position(BTC) == paper.position(ETH) == 0


def test_a_leg_alone_is_closed_and_it_stands_aside_until_the_spread_has_closed() -> None:
    paper = Paper(small())
    paper.refused = {ETH}
    prices = [100, 101, 100, 99, 110, 111, 130, 131, 112, 112, 112, 160]
    made = paper.play(pair(prices, [20] * len(prices)))
    asked = {at // 2: wishes for at, wishes in enumerate(made) if wishes}
    assert list(asked) == [4, 5, 11], "still wide at 6, closed at 8, wide again at 11"
    assert asked[5] == [Signal.close(BTC, reason="the other leg of the pair is missing")]


def test_it_waits_while_an_order_of_either_leg_is_on_its_way() -> None:
    paper = Paper(small())
    paper.play(pair([100, 101, 100, 99, 110], [20, 20, 20, 20, 20]))
    paper.fill(paper.orders[0], Decimal(110))
    late = [*closes([140], BTC, 5), *closes([20], ETH, 5)]
    assert not any(list(paper.strategy.on_candle(each) or ()) for each in late)


def test_beyond_the_stop_it_gives_up_and_does_not_come_back_at_once() -> None:
    paper = Paper(small(window=20, stop_z=3))
    prices = [100 + at % 2 for at in range(20)] + [102, 103, 170, 171, 172, 172, 172]
    made = paper.play(pair(prices, [20] * len(prices)))
    asked = {at // 2: wishes for at, wishes in enumerate(made) if wishes}
    assert list(asked) == [20, 22]
    assert all("is beyond the stop at 3" in wish.reason for wish in asked[22])


def test_candles_without_a_partner_of_the_same_time_are_left_out() -> None:
    paper = Paper(small())
    whole = pair([100, 101, 100, 99, 110], [20] * 5)
    holed = merged(
        [*closes([100, 101], BTC), *closes([500], BTC, 2), *closes([100, 99, 110], BTC, 3)],
        [*closes([20, 20], ETH), *closes([20] * 3, ETH, 3)],
    )
    assert [len(wishes) for wishes in paper.play(holed) if wishes] == [2]
    assert [len(wishes) for wishes in Paper(small()).play(whole) if wishes] == [2]


@pytest.mark.parametrize("quantity", [1, None])
def test_what_falls_when_the_other_rises_is_no_hedge(quantity: int | None) -> None:
    paper = Paper(small(hedge_ratio=None, quantity=quantity))
    assert not any(paper.play(pair([100, 102, 104, 106, 120], [20, 18, 16, 14, 15])))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hedge_symbol": BTC}, "symbol and hedge_symbol are both BTC-USD"),
        ({"entry_z": 1, "exit_z": 1}, "exit_z is 1 and entry_z is 1; exit_z must be below entry_z"),
        ({"stop_z": 2}, "stop_z is 2 and entry_z is 2; stop_z must be above entry_z"),
    ],
)
def test_parameters_that_do_not_fit_each_other_are_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(StrategyError, match=said):
        PairsStrategy(**given)
