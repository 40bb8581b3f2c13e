"""Slippage models against their formulas, and that none of them ever helps us."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import ConfigError
from kedge.venues.sim.slippage import (
    NO_SLIPPAGE,
    BpsSlippage,
    LinearImpact,
    SlippageModel,
    SquareRootImpact,
    TickSlippage,
)
from tests.venues.sim.world import World, d, fills

TICK = d("0.01")
MODELS: list[SlippageModel] = [
    NO_SLIPPAGE,
    BpsSlippage(d("2.5")),
    TickSlippage(3),
    LinearImpact(d("0.1")),
    SquareRootImpact(d("0.1")),
]


@pytest.mark.parametrize(
    ("model", "amount"),
    [
        (NO_SLIPPAGE, "0"),
        (BpsSlippage(d("2.5")), "0.05"),  # 200 x 0.00025
        (TickSlippage(3), "0.03"),
        (LinearImpact(d("0.1")), "0.8"),  # 200 x 0.1 x 4 / 100
        (SquareRootImpact(d("0.1")), "4"),  # 200 x 0.1 x sqrt(4 / 100)
    ],
)
def test_each_model_follows_its_formula(model: SlippageModel, amount: str) -> None:
    assert model.amount(d(200), d(4), d(100), TICK) == d(amount)


@pytest.mark.parametrize("model", [LinearImpact(d("0.1")), SquareRootImpact(d("0.1"))])
@pytest.mark.parametrize("volume", [0, 3, 4])
def test_our_share_is_at_most_the_whole_volume(model: SlippageModel, volume: int) -> None:
    assert model.amount(d(200), d(4), d(volume), TICK) == 20


@given(
    model=st.sampled_from(MODELS),
    price=st.decimals("0.01", 10**6, places=2),
    quantity=st.decimals("0.001", 10**4, places=3),
    volume=st.decimals(0, 10**6, places=3),
)
def test_no_model_ever_helps(model: SlippageModel, price: Decimal, quantity: Decimal, volume: Decimal) -> None:
    assert model.amount(price, quantity, volume, TICK) >= 0


@pytest.mark.parametrize("kind", [BpsSlippage, LinearImpact, SquareRootImpact])
def test_slippage_below_zero_is_refused(kind: type[BpsSlippage]) -> None:
    with pytest.raises(ConfigError, match="gives nothing away"):
        kind(d(-1))


def test_a_sell_never_gets_less_than_one_tick() -> None:
    world = World(slippage=TickSlippage(10_000))
    world.sell()
    (fill,) = fills(world.bar(50))
    assert fill.price == TICK
