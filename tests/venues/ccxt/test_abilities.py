"""What ccxt may do where it was proven: leverage, funding, replacing, orders that wait; elsewhere it may not (decision 0050)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from kedge.model.decisions import Approved, CancelRequested, QueryRequested
from kedge.model.errors import ConfigError
from kedge.model.facts import CancelRejected, OrderAccepted, OrderRejected, OrderReport, OutcomeUnknown
from kedge.model.instrument import InstrumentKind
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues import registry
from kedge.venues.answers import Failed
from kedge.venues.ccxt.shell import CcxtGateway
from kedge.venues.gateway import MarginMode, MarginSettings
from tests.venues.ccxt.bench import at_emulator, later
from tests.venues.ccxt.test_gateway import order, whole
from tests.venues.ccxt.test_harms import sell

D = Decimal


# ------------------------------------------------------------------------------------------------------------ futures
async def test_margin_is_set_and_read_back() -> None:
    async with at_emulator("binanceusdm") as bench:
        for mode, leverage in ((MarginMode.ISOLATED, D(5)), (MarginMode.CROSS, D(3)), (MarginMode.CROSS, D(3))):
            wanted = MarginSettings("BTC-USDT", leverage, mode)
            assert whole(await bench.gateway.set_margin(wanted)) == wanted
            assert whole(await bench.gateway.get_margin("BTC-USDT")) == wanted
        part = await bench.gateway.set_margin(MarginSettings("BTC-USDT", D("2.5"), MarginMode.CROSS))
        assert isinstance(part, Failed)


async def test_positions_and_funding() -> None:
    async with at_emulator("binanceusdm") as bench:
        begun = bench.front.timeline.now
        await sell(bench, "binance", "k-1-1")
        (held,) = whole(await bench.gateway.get_positions())
        assert (held.symbol, held.quantity) == ("BTC-USDT", D("-0.01"))
        assert whole(await bench.gateway.get_funding_since("BTC-USDT", begun)) == ()
        assert whole(await bench.gateway.get_mark_price("BTC-USDT")).price > 0


async def test_a_cancel_that_comes_too_late_says_what_the_order_is() -> None:
    async with at_emulator("binance") as bench:
        await sell(bench, "binance", "k-1-1")
        facts = await bench.gateway.cancel_order(CancelRequested("k-1-1", "test"))
        assert isinstance(facts[0], CancelRejected)
        (report,) = [fact for fact in facts if isinstance(fact, OrderReport)]
        assert (report.order_id, report.status) == ("k-1-1", OrderStatus.FILLED)


def test_the_registry_knows_both_kinds_of_market() -> None:
    assert not registry.entry("ccxt:kraken").capabilities().short
    assert registry.entry("ccxt:okx:perpetual").capabilities().short
    assert registry.entry("ccxt:binanceusdm").capabilities().short
    with pytest.raises(ConfigError, match="spot or perpetual"):
        registry.entry("ccxt:okx:inverse")


def test_a_name_stands_for_one_kind_of_market() -> None:
    assert CcxtGateway("binanceusdm").capabilities.short
    assert not CcxtGateway("binance").capabilities.short
    with pytest.raises(ConfigError, match="spot alone"):
        CcxtGateway("binance", kind=InstrumentKind.PERPETUAL)
    with pytest.raises(ConfigError, match="referrer"):
        CcxtGateway("hyperliquid")
    with pytest.raises(ConfigError, match="verbose"):
        CcxtGateway("kraken", options={"verbose": True})


# ---------------------------------------------------------------------------------------------------------- replacing
def replacement(order_id: str, **more: Any) -> Approved:
    made: Approved = order("binance", order_id, **more)
    return made


async def test_a_replaced_order_has_its_own_client_id_and_the_old_one_is_over() -> None:
    async with at_emulator("binance") as bench:
        await bench.gateway.place_order(order("binance", "k-1-1"))
        facts = await bench.gateway.replace_order("k-1-1", replacement("k-1-2", price="49000", quantity="0.02"))
        reports = {fact.order_id: fact for fact in facts if isinstance(fact, OrderReport)}
        assert reports["k-1-1"].status is OrderStatus.CANCELLED
        assert [fact.order_id for fact in facts if isinstance(fact, OrderAccepted)] == ["k-1-2"]
        (listed,) = whole(await bench.gateway.get_open_orders("BTC-USDT"))
        assert (listed.order_id, listed.price, listed.quantity) == ("k-1-2", D(49000), D("0.02"))


async def test_nothing_replaces_an_order_that_is_over() -> None:
    """The cancel fails, so nothing new is sent: no gap and no second order."""
    async with at_emulator("binance") as bench:
        await bench.gateway.place_order(order("binance", "k-1-1"))
        await bench.gateway.cancel_order(CancelRequested("k-1-1", "test"))
        facts = await bench.gateway.replace_order("k-1-1", replacement("k-1-2", price="49000"))
        assert not [fact for fact in facts if isinstance(fact, OrderAccepted)], facts
        assert not bench.front.exchange.open_orders()


async def test_a_replacement_that_cannot_be_paid_ends_the_old_order_and_says_so() -> None:
    async with at_emulator("binance") as bench:
        await bench.gateway.place_order(order("binance", "k-1-1"))
        facts = await bench.gateway.replace_order("k-1-1", replacement("k-1-2", price="49000", quantity="900"))
        (old,) = [fact for fact in facts if isinstance(fact, OrderReport) and fact.order_id == "k-1-1"]
        works = {each.name for each in bench.front.exchange.open_orders()}
        assert (old.status is OrderStatus.OPEN) is ("k-1-1" in works)
        assert "k-1-2" not in works
        assert [fact for fact in facts if isinstance(fact, OutcomeUnknown | OrderRejected) and fact.order_id == "k-1-2"]


async def test_a_replacement_without_an_answer_is_doubt_about_both_and_is_found() -> None:
    async with at_emulator("binance") as bench:
        await bench.gateway.place_order(order("binance", "k-1-1"))
        bench.fault("drop_after", path="/api/v3/order/cancelReplace")
        facts = await bench.gateway.replace_order("k-1-1", replacement("k-1-2", price="49000"))
        assert [fact.order_id for fact in facts if isinstance(fact, OutcomeUnknown)] == ["k-1-2"]
        assert [fact.status for fact in facts if isinstance(fact, OrderReport)] == [OrderStatus.CANCELLED]

        async def ask() -> Any:
            return (await bench.gateway.query_order(QueryRequested("k-1-2", "test")))[-1]

        found = await later(ask, lambda fact: isinstance(fact, OrderReport))
        assert found.status is OrderStatus.OPEN


async def test_replacing_is_not_done_where_it_was_not_proven() -> None:
    """ccxt's own default cancels and then places: between the two there is no order, and after it perhaps none."""
    async with at_emulator("coinbase") as bench:
        await bench.gateway.place_order(order("coinbase", "k-1-1"))
        (fact,) = await bench.gateway.replace_order("k-1-1", order("coinbase", "k-1-2", price="49000"))
        assert isinstance(fact, OrderRejected)
        assert "unsupported" in fact.reason
    for name in ("kraken", "okx", "bybit", "coinbase", "binanceusdm"):
        assert not CcxtGateway(name).capabilities.replace


@pytest.mark.parametrize(
    ("kind", "side", "stop", "price"),
    [
        (OrderType.STOP, Side.SELL, -5, None),
        (OrderType.STOP_LIMIT, Side.SELL, -5, -6),
        (OrderType.TAKE_PROFIT, Side.SELL, 5, None),
        (OrderType.TAKE_PROFIT, Side.SELL, 5, 4),
        (OrderType.STOP, Side.BUY, 5, None),
        (OrderType.TAKE_PROFIT, Side.BUY, -5, None),
    ],
)
async def test_orders_that_wait_wait_for_the_side_they_were_meant_for(
    kind: OrderType, side: Side, stop: int, price: int | None
) -> None:
    async with at_emulator("binance") as bench:
        best = whole(await bench.gateway.get_order_book("BTC-USDT", 5)).bids[0][0]

        def away(percent: int) -> Decimal:
            return D(best * (100 + percent) / 100).quantize(D(1))

        made = order("binance", "k-1-1", kind, side, price=None)
        intent = structs.replace(made.intent, stop_price=away(stop), price=None if price is None else away(price))
        (fact,) = await bench.gateway.place_order(structs.replace(made, intent=intent))
        assert isinstance(fact, OrderAccepted), fact
        (listed,) = whole(await bench.gateway.get_open_orders("BTC-USDT"))
        assert (listed.order_type, listed.side, listed.stop_price) == (None, side, away(stop))
        bench.front.push_price("BTCUSDT", away(stop) + (10 if stop > 0 else -10))

        async def ask() -> Any:
            return (await bench.gateway.query_order(QueryRequested("k-1-1", "test")))[-1]

        done = await later(ask, lambda each: isinstance(each, OrderReport) and each.status is not OrderStatus.OPEN)
        assert done.status in {OrderStatus.FILLED, OrderStatus.PARTIAL} or price is not None
