"""What the venue refuses at the door: one example a rule, and that nothing else is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.instrument import InstrumentStatus
from kedge.model.order import TimeInForce
from kedge.venues.sim.filters import below_notional
from kedge.venues.sim.listing import Listing
from tests.venues.sim.world import World, d, kinds, perpetual, reason

RULES: dict[str, Any] = {"min_quantity": d("0.01"), "max_quantity": d(50), "min_notional": d(10)}

REFUSED = [
    ({"quantity": 0}, "quantity 0 is not above zero"),
    ({"quantity": -1}, "quantity -1 is not above zero"),
    ({"quantity": "NaN"}, "not a number"),
    ({"quantity": "Infinity"}, "above the maximum 50"),
    ({"quantity": "1E+50"}, "above the maximum"),
    ({"quantity": "1.0005"}, "not a multiple of lot 0.001"),
    ({"quantity": "0.009"}, "below the minimum 0.01"),
    ({"quantity": "50.001"}, "above the maximum 50"),
    ({"price": 100}, "market order takes no price"),
    ({"kind": "limit"}, "price is missing"),
    ({"kind": "limit", "price": 0}, "price 0 is not above zero"),
    ({"kind": "limit", "price": -5}, "price -5 is not above zero"),
    ({"kind": "limit", "price": "NaN"}, "not a number"),
    ({"kind": "limit", "price": "100.005"}, "not a multiple of tick 0.01"),
    ({"kind": "limit", "price": "9.99"}, "notional 9.99 is below the minimum 10"),
    ({"kind": "limit", "price": 100, "stop_price": 100}, "limit order takes no stop_price"),
    ({"kind": "stop"}, "stop_price is missing"),
    ({"kind": "stop", "stop_price": "100.001"}, "stop_price 100.001 is not a multiple"),
    ({"kind": "stop", "stop_price": 100, "price": 100}, "stop order takes no price"),
    ({"kind": "stop", "stop_price": 9}, "below the minimum 10"),
    ({"kind": "stop", "stop_price": 100, "trail": 1}, "takes no trail"),
    ({"kind": "stop_limit", "stop_price": 100}, "price is missing"),
    ({"kind": "stop_limit", "stop_price": 100, "price": 9}, "below the minimum 10"),
    ({"kind": "take_profit", "price": 100}, "stop_price is missing"),
    ({"kind": "trailing_stop"}, "trail is missing"),
    ({"kind": "trailing_stop", "trail": "0.005"}, "trail 0.005 is not a multiple"),
    ({"kind": "trailing_stop", "trail": 1, "stop_price": 5}, "takes trail alone"),
    ({"post_only": True}, "post_only is for limit orders"),
    ({"kind": "limit", "price": 100, "post_only": True, "time_in_force": TimeInForce.IOC}, "post_only is for limit"),
    ({"time_in_force": TimeInForce.GTD, "expires_ns": 60_000_000_000}, "is not after arrival"),
]


@pytest.mark.parametrize(("order", "message"), REFUSED)
def test_an_order_that_breaks_a_rule_is_rejected_with_the_rule(order: dict[str, Any], message: str) -> None:
    world = World(perpetual(**RULES))
    reports = world.buy(**order)
    assert kinds(reports) == ["OrderRejected 1"]
    assert message in reason(reports)
    assert not world.venue.busy


@pytest.mark.parametrize("status", [InstrumentStatus.CANCEL_ONLY, InstrumentStatus.CLOSED])
def test_a_halted_instrument_takes_no_orders(status: InstrumentStatus) -> None:
    assert reason(World(perpetual(status=status)).buy()) == f"instrument is {status}"


def test_exits_are_not_held_to_the_minimum_notional() -> None:
    world = World(perpetual(**RULES))
    world.long("0.1")
    assert kinds(world.sell("limit", "0.1", price=99, reduce_only=True)) == ["OrderAccepted 1"]
    world.cancel("1")
    world.sell("market", "0.1", reduce_only=True)
    assert kinds(world.bar(50)) == ["Fill 2"]


def test_a_market_order_is_held_to_the_minimum_notional_when_it_fills() -> None:
    world = World(perpetual(**RULES))
    world.buy("market", "0.1")
    reports = world.bar("99.99")
    assert (kinds(reports), reason(reports)) == (["OrderExpired 1"], "notional 9.999 is below the minimum 10")


def test_notional_counts_the_contract_size() -> None:
    assert below_notional(d(100), d(10), Listing(perpetual(contract_size=d("0.01"), min_notional=d(10)))) == ""
    assert below_notional(d(100), d(10), Listing(perpetual(contract_size=d("0.001"), min_notional=d(10))))


@given(lots=st.integers(10, 50_000), ticks=st.integers(100_000, 10**9))
def test_every_order_on_the_grids_and_within_the_bounds_is_admitted(lots: int, ticks: int) -> None:
    world = World(perpetual(**RULES))
    assert kinds(world.buy("limit", lots * d("0.001"), price=ticks * d("0.01"))) == ["OrderAccepted 1"]


@given(lots=st.integers(10, 50_000), ticks=st.integers(100_000, 10**9), off=st.integers(1, 9))
def test_no_price_off_the_grid_is_admitted(lots: int, ticks: int, off: int) -> None:
    world = World(perpetual(**RULES))
    price = ticks * d("0.01") + off * d("0.001")
    assert kinds(world.buy("limit", lots * d("0.001"), price=price)) == ["OrderRejected 1"]
