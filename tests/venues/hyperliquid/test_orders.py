"""What goes out: numbers, grids, client ids and every kind of order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import UserError, VenueError
from kedge.model.order import OrderType, Side, TimeInForce
from kedge.venues.hyperliquid.protocol import actions
from kedge.venues.hyperliquid.protocol.assets import Asset, AssetTable, builders_perpetuals, perpetuals, spot_pairs
from kedge.venues.hyperliquid.protocol.cloid import ALPHABET, CHARACTERS_MAX, cloid_of, is_ours, order_id_of
from kedge.venues.hyperliquid.protocol.figures import moment, number, wire
from kedge.venues.hyperliquid.protocol.orders import Unsendable, wire_order
from tests.venues.hyperliquid.world import d, order

BTC = Asset(0, "BTC", "BTC-USD", "BTC", "USDC", 5, spot=False, max_leverage=40)
PURR = Asset(10_000, "PURR/USDC", "PURR-USDC", "PURR", "USDC", 0, spot=True)
PRICES = st.decimals("0.000001", "9999999", allow_nan=False, allow_infinity=False, places=10)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("60000", "60000"),
        ("60000.0", "60000"),
        ("1E+3", "1000"),
        ("0.00000001", "0.00000001"),
        ("-0.50", "-0.5"),
        ("0E-9", "0"),
    ],
)
def test_a_number_has_one_text(value: str, text: str) -> None:
    assert wire(Decimal(value)) == text


@pytest.mark.parametrize("value", ["0.000000001", "NaN", "Infinity"])
def test_what_cannot_be_sent_is_not_rounded(value: str) -> None:
    with pytest.raises(UserError):
        wire(Decimal(value))


@pytest.mark.parametrize(
    "given_", [None, True, "", " 1", "1e5", "NaN", "Infinity", "0x1", "1_0", "١", [], {}, "1.", ".1"]
)
def test_what_is_no_number_is_not_read_as_one(given_: Any) -> None:
    with pytest.raises(VenueError):
        number(given_, "x")


@pytest.mark.parametrize("given_", [0, 1_700_000_000, 1_700_000_000_000_000, -1, "soon", True, None])
def test_h39_a_time_in_another_unit_is_none(given_: Any) -> None:
    with pytest.raises(VenueError):
        moment(given_)


@pytest.mark.parametrize(
    ("at", "tick"), [("97000", "1"), ("123456", "1"), ("9700", "0.1"), ("970", "0.1"), ("1", "0.1"), (None, "0.1")]
)
def test_the_tick_of_btc(at: str | None, tick: str) -> None:
    assert BTC.tick_size(None if at is None else d(at)) == d(tick)


@given(PRICES, st.integers(0, 6), st.booleans())
def test_a_price_is_moved_to_one_that_the_venue_takes(price: Decimal, decimals: int, spot: bool) -> None:
    asset = Asset(0, "X", "X-USD", "X", "USDC", decimals, spot)
    up = asset.price_up(price)
    assert up >= price
    prices = [up]
    try:
        down = asset.price_down(price)
    except UserError:
        assert price < asset.tick_size()
    else:
        assert down <= price
        assert up - down <= max(asset.tick_size(up), asset.tick_size(down))
        prices.append(down)
    for found in prices:
        text = wire(found)
        digits = text.replace(".", "").strip("0")
        assert "." not in text or len(digits) <= 5
        assert len(text.partition(".")[2]) <= (8 if spot else 6) - decimals
        assert asset.is_price(found)


@given(st.text(ALPHABET, min_size=1, max_size=CHARACTERS_MAX))
def test_a_client_id_spells_ours(order_id: str) -> None:
    cloid = cloid_of(order_id)
    assert len(cloid) == 34
    assert order_id_of(cloid) == order_id
    assert order_id_of(cloid.upper().replace("0X", "0x")) == order_id
    assert is_ours(cloid)


@given(st.text(min_size=1, max_size=60))
def test_any_order_id_has_a_client_id_of_its_own(order_id: str) -> None:
    cloid = cloid_of(order_id)
    assert is_ours(cloid)
    assert order_id_of(cloid) in {order_id, ""}
    assert cloid_of(order_id + "x") != cloid


@given(st.integers(0, 2**128 - 1))
def test_another_ones_client_id_is_not_read_as_ours_by_halves(number_: int) -> None:
    cloid = f"0x{number_:032x}"
    spelled = order_id_of(cloid)
    assert not spelled or cloid_of(spelled) == cloid


def test_a_foreign_client_id_is_nobodys() -> None:
    for cloid in ("0x1234567890abcdef1234567890abcdef", "", "kedge-1-1", "0x4b", "0x4b" + "0" * 30):
        assert order_id_of(cloid) == ""
        assert not is_ours(cloid)


def sent(approved: Any, asset: Asset = BTC) -> Any:
    return wire_order(asset, approved, None)


@pytest.mark.parametrize(
    ("approved", "wired"),
    [
        (order("i", Side.BUY, "0.001", 60000), ("60000", {"limit": {"tif": "Gtc"}})),
        (order("i", Side.BUY, "0.001", "60000.9", reduce_only=True), ("60000", {"limit": {"tif": "Gtc"}})),
        (order("i", Side.SELL, "0.001", "60000.1", reduce_only=True), ("60001", {"limit": {"tif": "Gtc"}})),
        (order("i", Side.BUY, "0.001", 60000, post_only=True), ("60000", {"limit": {"tif": "Alo"}})),
        (order("i", Side.BUY, "0.001", 60000, time_in_force=TimeInForce.IOC), ("60000", {"limit": {"tif": "Ioc"}})),
        (order("i", Side.BUY, "0.001", worst=60001), ("63001", {"limit": {"tif": "Ioc"}})),
        (order("i", Side.SELL, "0.001", worst=60001), ("57001", {"limit": {"tif": "Ioc"}})),
        (
            order("i", Side.SELL, "0.001", order_type=OrderType.STOP, stop_price=d("55000.5"), reduce_only=True),
            ("52251", {"trigger": {"isMarket": True, "triggerPx": "55001", "tpsl": "sl"}}),
        ),
        (
            order(
                "i",
                Side.BUY,
                "0.001",
                "65000",
                order_type=OrderType.STOP_LIMIT,
                stop_price=d("64000.5"),
                reduce_only=True,
            ),
            ("65000", {"trigger": {"isMarket": False, "triggerPx": "64000", "tpsl": "sl"}}),
        ),
        (
            order(
                "i",
                Side.SELL,
                "0.001",
                "70000",
                order_type=OrderType.TAKE_PROFIT,
                stop_price=d("69000.5"),
                reduce_only=True,
            ),
            ("70000", {"trigger": {"isMarket": False, "triggerPx": "69000", "tpsl": "tp"}}),
        ),
        (
            order("i", Side.BUY, "0.001", order_type=OrderType.TAKE_PROFIT, stop_price=d("50000.5"), reduce_only=True),
            ("52500", {"trigger": {"isMarket": True, "triggerPx": "50001", "tpsl": "tp"}}),
        ),
    ],
)
def test_every_kind_of_order(approved: Any, wired: tuple[str, Any]) -> None:
    made = sent(approved)
    assert (made["p"], made["t"]) == wired
    assert list(made) == ["a", "b", "p", "s", "r", "t"]
    assert list(wire_order(BTC, approved, "0x1")) == ["a", "b", "p", "s", "r", "t", "c"]


@pytest.mark.parametrize(
    "approved",
    [
        order("i", Side.BUY, "0.001", 60000, time_in_force=TimeInForce.FOK),
        order("i", Side.BUY, "0.001", 60000, time_in_force=TimeInForce.GTD, expires_ns=1),
        order("i", Side.BUY, "0.001", 60000, time_in_force=TimeInForce.IOC, post_only=True),
        order("i", Side.BUY, "0.000001", 60000),
        order("i", Side.BUY, "0.001"),
        order("i", Side.BUY, "0.001", "0.01", reduce_only=True),
        order("i", Side.BUY, "0.001", "60000.5"),
        order("i", Side.SELL, "0.001", order_type=OrderType.STOP, stop_price=d("60000.5")),
        order("i", Side.SELL, "0.001", order_type=OrderType.TRAILING_STOP, trail=d(5)),
        order("i", Side.SELL, "0.001", order_type=OrderType.STOP),
        order("i", Side.SELL, "0.001", order_type=OrderType.STOP, stop_price=d(5), time_in_force=TimeInForce.IOC),
    ],
)
def test_what_the_venue_does_not_have_is_refused_here(approved: Any) -> None:
    with pytest.raises((Unsendable, UserError)):
        sent(approved)


def test_a_spot_sell_that_reduces_needs_no_flag_and_a_buy_reduces_nothing() -> None:
    selling = order("i", Side.SELL, "5", "0.2", symbol="PURR-USDC", reduce_only=True)
    assert sent(selling, PURR)["r"] is False
    assert sent(order("i", Side.SELL, "0.001", 60000, reduce_only=True))["r"] is True
    with pytest.raises(Unsendable):
        sent(order("i", Side.BUY, "5", "0.2", symbol="PURR-USDC", reduce_only=True), PURR)


def test_margin_is_counted_in_millionths() -> None:
    assert actions.update_isolated_margin(3, d("-10.5")) == {
        "type": "updateIsolatedMargin", "asset": 3, "isBuy": True, "ntli": -10_500_000,
    }  # fmt: skip
    with pytest.raises(UserError):
        actions.update_isolated_margin(3, d("0.0000001"))


def test_numbers_of_what_is_listed() -> None:
    meta = {"universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 40}, {"name": "ETH", "szDecimals": 4}]}
    assert [(asset.index, asset.symbol) for asset in perpetuals(meta)] == [(0, "BTC-USD"), (1, "ETH-USD")]
    builders = builders_perpetuals([meta, {"universe": [{"name": "xyz:TSLA", "szDecimals": 3}]}], {})
    assert [asset.index for asset in builders] == [0, 1, 110_000]
    assert builders[-1].base == "TSLA"
    spot = {
        "universe": [{"name": "@107", "tokens": [150, 0], "index": 107}],
        "tokens": [{"name": "USDC", "index": 0, "szDecimals": 8}, {"name": "HYPE", "index": 150, "szDecimals": 2}],
    }
    (hype,) = spot_pairs(spot)
    assert (hype.index, hype.coin, hype.symbol, hype.price_decimals) == (10_107, "@107", "HYPE-USDC", 6)


def test_two_markets_of_one_name_are_not_confused() -> None:
    table = AssetTable([PURR, Asset(10_001, "@1", "PURR-USDC", "PURR", "USDC", 2, spot=True)])
    assert table.of_symbol("PURR-USDC").index == 10_000
    assert [asset.index for asset in table.ambiguous] == [10_001]
    with pytest.raises(VenueError):
        table.of_coin("@1")
