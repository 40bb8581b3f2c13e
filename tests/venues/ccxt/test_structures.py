"""ccxt's structures, read: what is missing is never nothing, and a word that nobody knows is no status."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kedge.model.errors import VenueError
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues.ccxt import structures

D = Decimal
LISTED = Instrument("BTC-USDT", "BTC", "USDT")
TICK_SIZE, DECIMAL_PLACES, SIGNIFICANT_DIGITS = 4, 2, 3


def order(**given: Any) -> dict[str, Any]:
    return {"id": "1", "side": "buy", "type": "limit", "amount": "2", "filled": "0", "status": "open", **given}


def trade(**given: Any) -> dict[str, Any]:
    fee = {"cost": "0.1", "currency": "USDT"}
    told = {"id": "7", "order": "1", "side": "buy", "amount": "2", "price": "10", "timestamp": 1_767_225_600_123}
    return {**told, "fee": fee, **given}


def market(**given: Any) -> dict[str, Any]:
    told = {
        "symbol": "BTC/USDT:USDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "spot": False,
        "swap": True,
        "linear": True,
        "contractSize": "0.01",
        "precision": {"price": "0.1", "amount": "1"},
        "limits": {"amount": {"min": "1", "max": "1000"}, "cost": {"min": None}, "leverage": {"max": "50"}},
    }
    return {**told, **given}


# ------------------------------------------------------------------------------------------------------------ orders
def test_an_order_without_its_executed_quantity_is_not_unfilled() -> None:
    for status in ("open", "closed", "canceled", "expired"):
        with pytest.raises(VenueError, match="filled is missing"):
            structures.standing(order(filled=None, status=status))


def test_without_a_status_nothing_is_known() -> None:
    assert structures.standing(order(status=None, filled=None)) == (None, D(0))


def test_a_status_that_nobody_knows_is_none() -> None:
    with pytest.raises(VenueError, match="CANCEL_QUEUED"):
        structures.standing(order(status="CANCEL_QUEUED"))


@pytest.mark.parametrize(
    ("status", "filled", "meant"),
    [
        ("open", "0", OrderStatus.OPEN),
        ("open", "1", OrderStatus.PARTIAL),
        ("closed", "2", OrderStatus.FILLED),
        ("closed", "1.5", OrderStatus.CANCELLED),  # some venues' word for every end
        ("closed", "0", OrderStatus.CANCELLED),
        ("canceled", "1", OrderStatus.CANCELLED),
        ("expired", "0", OrderStatus.EXPIRED),
        ("rejected", "0", OrderStatus.REJECTED),
    ],
)
def test_where_an_order_stands(status: str, filled: str, meant: OrderStatus) -> None:
    assert structures.standing(order(status=status, filled=filled)) == (meant, D(filled))


def test_an_end_of_which_nobody_says_whether_it_was_filled_is_an_error() -> None:
    with pytest.raises(VenueError, match="amount is missing"):
        structures.standing(order(status="closed", filled="1", amount=None))


def test_a_rejected_order_has_no_fills() -> None:
    with pytest.raises(VenueError, match="rejected"):
        structures.standing(order(status="rejected", filled="1"))


def test_what_works_is_read_whole() -> None:
    told = order(price="9", triggerPrice="8", reduceOnly=True)
    read = structures.open_order(told, "BTC-USDT", "k-1-1")
    assert (read.quantity, read.price, read.stop_price, read.reduce_only) == (D(2), D(9), D(8), True)
    assert read.order_type is None, "it may be a stop or a profit to take"
    assert structures.order_type(order()) is OrderType.LIMIT
    with pytest.raises(VenueError):
        structures.open_order(order(id=None), "BTC-USDT", "k-1-1")


# ------------------------------------------------------------------------------------------------------------- fills
def test_a_fill_is_read_to_the_last_digit() -> None:
    read = structures.fill(trade(amount="0.123456789012345678"), "k-1-1", LISTED, 5)
    assert (read.quantity, read.fee, read.fee_currency) == (D("0.123456789012345678"), D("0.1"), "")
    assert (read.ts, read.side) == (1_767_225_600_123_000_000, Side.BUY)


@pytest.mark.parametrize(
    "fee",
    [
        {"fee": None},
        {"fee": {"cost": None, "currency": "USDT"}},
        {"fee": {"cost": "0.1", "currency": None}},
        {"fee": None, "fees": [{"cost": "1", "currency": "BNB"}, {"cost": "1", "currency": "USDT"}]},
    ],
)
def test_a_fee_that_is_not_told_is_not_zero(fee: dict[str, Any]) -> None:
    with pytest.raises(VenueError, match="fee"):
        structures.fill(trade(**fee), "k-1-1", LISTED, 5)


def test_fees_in_parts_are_one_fee() -> None:
    parts = [{"cost": "0.1", "currency": "BNB"}, {"cost": "0.2", "currency": "BNB"}]
    read = structures.fill(trade(fee=None, fees=parts), "k-1-1", LISTED, 5)
    assert (read.fee, read.fee_currency) == (D("0.3"), "BNB")
    free = structures.fill(trade(fee={"cost": "0", "currency": None}), "k-1-1", LISTED, 5)
    assert free.fee == 0


@pytest.mark.parametrize("lack", ["id", "side", "amount", "price", "timestamp"])
def test_a_fill_that_lacks_something_is_an_error(lack: str) -> None:
    with pytest.raises(VenueError):
        structures.fill(trade(**{lack: None}), "k-1-1", LISTED, 5)


# ------------------------------------------------------------------------------------------------------- instruments
def test_a_contract_keeps_its_size_and_quantities_count_contracts() -> None:
    read = structures.instrument(market(), TICK_SIZE)
    assert read is not None
    assert (read.kind, read.contract_size, read.lot_size) == (InstrumentKind.PERPETUAL, D("0.01"), D(1))
    assert read.notional(D(3), D(100)) == D(3)
    assert (read.min_quantity, read.max_quantity, read.max_leverage) == (D(1), D(1000), D(50))


@pytest.mark.parametrize(
    "other",
    [
        {"linear": False, "inverse": True, "settle": "BTC"},  # inverse
        {"settle": "BTC"},  # quanto
        {"swap": False, "future": True},
        {"swap": False, "option": True},
    ],
)
def test_what_is_not_linear_and_settled_in_its_quote_is_not_listed(other: dict[str, Any]) -> None:
    assert structures.instrument(market(**other), TICK_SIZE) is None


def test_grids_in_each_of_ccxts_ways() -> None:
    places = structures.instrument(market(precision={"price": "2", "amount": "-1"}), DECIMAL_PLACES)
    assert places is not None
    assert (places.tick_size, places.lot_size) == (D("0.01"), D(10))
    with pytest.raises(VenueError, match="significant"):
        structures.instrument(market(), SIGNIFICANT_DIGITS)


@pytest.mark.parametrize(
    "lack", [{"contractSize": None}, {"precision": {"price": None, "amount": "1"}}, {"precision": None}]
)
def test_a_market_without_grid_or_size_is_an_error(lack: dict[str, Any]) -> None:
    with pytest.raises(VenueError):
        structures.instrument(market(**lack), TICK_SIZE)


# ----------------------------------------------------------------------------------------------------------- account
def position(**given: Any) -> dict[str, Any]:
    return {"contracts": "3", "side": "short", "entryPrice": "10", **given}


def test_a_position_counts_contracts_and_has_a_sign() -> None:
    assert structures.position(position(), "BTC-USDT").quantity == D(-3)
    assert structures.position(position(side="long"), "BTC-USDT").quantity == D(3)


def test_no_side_is_no_position() -> None:
    with pytest.raises(VenueError, match="side"):
        structures.position(position(side=None), "BTC-USDT")
    with pytest.raises(VenueError, match="contracts is missing"):
        structures.position(position(contracts=None), "BTC-USDT")


def test_two_positions_on_one_symbol_are_an_error() -> None:
    """In hedge mode an order means something else, and no sum of both is what either is."""
    told = [position(), position(side="long")]
    with pytest.raises(VenueError, match="hedge"):
        structures.positions(told, lambda _: "BTC-USDT")
    with pytest.raises(VenueError, match="hedge"):
        structures.positions([position(hedged=True)], lambda _: "BTC-USDT")
    assert (
        structures.positions([position(), position(contracts="0", side=None)], lambda _: "BTC-USDT")[0].quantity == -3
    )


def test_a_total_that_is_not_told_is_not_zero() -> None:
    told: dict[str, dict[str, Any]] = {"total": {"BTC": None, "ETH": "2", "USDT": "0"}}
    told["free"] = {"BTC": "1", "ETH": "1", "USDT": "0"}
    with pytest.raises(VenueError, match="BTC"):
        structures.balances(told)
    told["total"]["BTC"] = "1"
    assert {name: each.total for name, each in structures.balances(told).items()} == {"BTC": D(1), "ETH": D(2)}
    with pytest.raises(VenueError, match="no balances"):
        structures.balances({"info": "maintenance"})
