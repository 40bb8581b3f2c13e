"""Fees: fractions, currencies, rebates, rounding; each figure worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import ConfigError
from kedge.venues.sim.fees import BaseFeesOnBuys, TokenFees, against_us
from tests.venues.sim.world import World, d, fills, kinds, perpetual, spot


def test_takers_and_makers_pay_their_own_fraction_of_notional() -> None:
    world = World(perpetual(contract_size=d("0.1"), taker_fee=d("0.001"), maker_fee=d("0.0002")))
    world.buy("market", 3)
    world.buy("limit", 3, price=90)
    taker, maker = fills(world.bar(100, 100, 89, 100))
    assert (taker.fee, maker.fee) == (d("0.03"), d("0.0054"))
    assert taker.fee_currency == maker.fee_currency == ""
    assert world.venue.wallet == 100_000 - d("0.0354")


def test_a_rebate_is_a_negative_fee() -> None:
    world = World(perpetual(maker_fee=d("-0.0001")))
    world.buy("limit", price=90)
    (fill,) = fills(world.bar(100, 100, 89, 100))
    assert fill.fee == d("-0.009")
    assert world.venue.wallet == d("100000.009")


@pytest.mark.parametrize(
    ("exact", "charged"),
    [("0.0000000000001", "0.000000000001"), ("-0.0000000000019", "-0.000000000001"), ("0.5", "0.5"), ("-0.5", "-0.5")],
)
def test_fees_are_cut_against_us(exact: str, charged: str) -> None:
    assert against_us(d(exact)) == d(charged)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=20))
def test_no_cut_fee_is_smaller_than_the_exact_one(exact: object) -> None:
    fee = d(exact)
    assert 0 <= against_us(fee) - fee < d("1E-12")


def test_a_spot_buy_may_pay_in_what_it_bought() -> None:
    world = World(spot(taker_fee=d("0.001")), fees=BaseFeesOnBuys(), cash=100)
    world.buy("market", 1)
    (fill,) = fills(world.bar(100))
    assert (fill.fee, fill.fee_currency) == (d("0.001"), "BTC")
    assert world.venue.balances() == {"BTC": d("0.999"), "USD": 0}
    world.sell("market", 1)
    assert kinds(world.bar(100)) == ["OrderExpired 2"]  # what the fee took is not there to sell
    world.sell("market", "0.999")
    (fill,) = fills(world.bar(100))
    assert (fill.fee, fill.fee_currency) == (d("0.0999"), "")


def test_fees_in_a_third_currency_leave_the_cash_alone() -> None:
    world = World(perpetual(taker_fee=d("0.001")), fees=TokenFees("TKN", d(250), d("0.75")))
    world.buy("market", 10)
    (fill,) = fills(world.bar(100))
    assert (fill.fee, fill.fee_currency) == (d("0.003"), "TKN")
    assert world.venue.balances() == {"TKN": d("-0.003"), "USD": d(100_000)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [(("", 1, 1), "name the currency"), (("TKN", 0, 1), "price of TKN is 0"), (("TKN", 1, -1), "factor of TKN is -1")],
)
def test_token_fees_that_make_no_sense_are_refused(settings: tuple[str, int, int], message: str) -> None:
    currency, price, factor = settings
    with pytest.raises(ConfigError, match=message):
        TokenFees(currency, d(price), d(factor))
