"""Commands: admission, repeats, cancels, queries; and that the venue is a function of what it is told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from kedge.model.errors import ConfigError
from kedge.model.facts import CancelRejected, OrderAccepted, OrderRejected, OrderReport
from kedge.model.instrument import InstrumentStatus
from kedge.model.market import Candle
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.sim.levels import working
from kedge.venues.sim.memory import OrderMemory
from kedge.venues.sim.venue import NOTHING, SimulatedVenue
from tests.venues.sim.world import MINUTE, SYMBOL, World, d, kinds, perpetual, reason, spot


def test_ids_are_counters() -> None:
    world = World()
    assert world.buy("limit", price=95) == [OrderAccepted(MINUTE, "1", "x1")]
    assert world.buy() == [OrderAccepted(MINUTE, "2", "x2")]
    world.sell("limit", price=101)
    assert [fill.trade_id for fill in world.bar(100, 102, 94, 100)] == ["t1", "t2", "t3"]  # type: ignore[union-attr]


def test_when_nothing_happens_nothing_is_allocated() -> None:
    world = World()
    world.long()
    flat = d(100)
    for n in range(3):
        told = world.venue.on_market(Candle(world.now + n * MINUTE, flat, flat, flat, flat, flat, SYMBOL, MINUTE))
        assert told is NOTHING


# ------------------------------------------------------------------------------------------------------------ repeats
def test_a_client_id_works_once() -> None:
    world = World()
    world.buy("limit", price=95, id="a")
    assert world.buy("limit", price=95, id="a") == [OrderRejected(MINUTE, "a", "duplicate order id")]
    world.cancel("a")
    assert kinds(world.buy(id="a")) == ["OrderRejected a"]


def test_an_identical_retry_is_answered_like_the_first_time() -> None:
    world = World(idempotent_retry=True)
    first = world.buy("limit", price=95, id="a")
    assert world.buy("limit", price=95, id="a") == first
    assert kinds(world.buy("limit", price=94, id="a")) == ["OrderRejected a"]
    world.cancel("a")
    assert world.buy("limit", price=95, id="a") == [OrderReport(MINUTE, "a", OrderStatus.CANCELLED, d(0), "x1")]
    assert len(world.venue.open_orders()) == 0


def test_a_rejected_id_was_never_used() -> None:
    world = World()
    assert kinds(world.buy("limit", price="0.001", id="a")) == ["OrderRejected a"]
    assert kinds(world.buy("limit", price="1", id="a")) == ["OrderAccepted a"]


def test_the_memory_of_ended_orders_is_bounded() -> None:
    memory = OrderMemory(size=3)
    names = [f"order-{n}" for n in range(10)]
    for n, name in enumerate(names):
        if len(memory.younger) >= memory.size:
            memory.turn()
        memory.younger[name] = working(OrderIntent(name, SYMBOL, Side.BUY, OrderType.MARKET, d(1)), 0, n)
    assert [name for name in names if memory.find(name)] == names[-4:]


def test_an_order_long_ended_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr(world.venue._memory, "size", 2)
    for _ in range(5):
        world.buy()
        world.bar(100)
    assert kinds(world.query("1")) == ["OrderReport 1"]
    known = [world.query(str(n))[0].status for n in range(1, 6)]  # type: ignore[union-attr]
    assert known == [OrderStatus.REJECTED, OrderStatus.REJECTED, *[OrderStatus.FILLED] * 3]


# ------------------------------------------------------------------------------------------------- cancels and queries
def test_cancelling_what_is_unknown_or_ended_is_refused() -> None:
    world = World()
    assert world.cancel("nope") == [CancelRejected(MINUTE, "nope", "unknown order")]
    world.buy()
    world.bar(100)
    assert reason(world.cancel("1")) == "order is filled"


def test_cancelling_what_has_expired_meanwhile_says_so() -> None:
    world = World()
    world.buy("limit", price=90, time_in_force=TimeInForce.GTD, expires_ns=world.now + 5)
    assert kinds(world.cancel("1", at=world.now + 5)) == ["OrderExpired 1", "CancelRejected 1"]
    assert not world.venue.busy


def test_a_cancelled_order_tells_what_was_filled() -> None:
    world = World(participation=d("0.01"))
    world.buy("market", 3)
    world.bar(100, volume=100)
    (report,) = world.cancel("1")
    assert report.filled == 1  # type: ignore[union-attr]


def test_a_query_tells_how_an_order_stands() -> None:
    world = World(participation=d("0.01"))
    assert world.query("a") == [OrderReport(MINUTE, "a", OrderStatus.REJECTED)]
    world.buy("market", 2, id="a")
    assert world.query("a") == [OrderReport(MINUTE, "a", OrderStatus.OPEN, d(0), "x1")]
    world.bar(100, volume=100)
    assert world.query("a") == [OrderReport(2 * MINUTE, "a", OrderStatus.PARTIAL, d(1), "x1")]
    world.bar(100, volume=100)
    assert world.query("a") == [OrderReport(3 * MINUTE, "a", OrderStatus.FILLED, d(2), "x1")]


def test_open_orders_lists_what_works() -> None:
    world = World(perpetual(), perpetual("ETH-USD"))
    world.buy("limit", price=95)
    world.buy("limit", price=95, symbol="ETH-USD")
    assert [report.order_id for report in world.venue.open_orders()] == ["1", "2"]
    assert [report.order_id for report in world.venue.open_orders(SYMBOL)] == ["1"]


def test_a_second_cancel_of_a_pending_one_is_the_same_cancel() -> None:
    world = World()
    world.buy("limit", price=95)
    world.bar(100)
    assert world.cancel("1", at=world.now + 1) == world.cancel("1", at=world.now + 2) == []
    assert kinds(world.bar(100)) == ["OrderCancelled 1"]
    assert kinds(world.bar(100)) == []


def test_what_is_not_listed_is_nobodys_business() -> None:
    world = World()
    assert reason(world.buy(symbol="XRP-USD")) == "unknown symbol XRP-USD"
    for happens in (world.bar(100, symbol="XRP-USD"), world.funding(1, "XRP-USD")):
        assert happens == []


# -------------------------------------------------------------------------------------------------------- construction
@pytest.mark.parametrize(
    ("instruments", "message"),
    [
        ((), "lists no instrument"),
        ((perpetual(), perpetual()), "BTC-USD is listed twice"),
        ((perpetual(), spot("ETH-EUR")), "ETH-EUR settles in EUR"),
        ((perpetual(maintenance_margin=d("0.1")),), "must be below the initial margin"),
    ],
)
def test_a_venue_that_cannot_be_is_refused(instruments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SimulatedVenue(instruments, d(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("participation", ["0", "-1", "1.01"])
def test_participation_is_a_fraction(participation: str) -> None:
    with pytest.raises(ConfigError, match="participation"):
        World(participation=d(participation))


# --------------------------------------------------------------------------------------------------- changing the rules
def test_changed_rules_hold_from_then_on() -> None:
    world = World(cash=100)
    world.long(5)
    world.buy("limit", price=90, id="resting")
    world.venue.relist(perpetual(status=InstrumentStatus.CANCEL_ONLY, maintenance_margin=d("0.09")))
    assert reason(world.buy("limit", price=90)) == "instrument is cancel_only"
    assert kinds(world.cancel("resting")) == ["OrderCancelled resting"]
    # 100 + 5 (P - 100) = 0.45 P at P = 400 / 4.55 = 87.91...
    assert world.venue.liquidation_price(SYMBOL) == d("87.91208791208791208791208792")


@pytest.mark.parametrize("change", [{"contract_size": d(2)}, {"symbol": "XRP-USD"}, {"quote": "EUR"}])
def test_what_a_contract_is_cannot_change(change: dict[str, Any]) -> None:
    world = World()
    with pytest.raises(ConfigError, match="relist"):
        world.venue.relist(structs.replace(perpetual(), **change))
