"""The vocabulary's deciders on their own, as a program that drives them itself uses them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kedge import (
    BaseStrategy,
    Candle,
    CircuitBreaker,
    Instrument,
    Order,
    OrderManager,
    OrderStatus,
    OrderType,
    RiskConfig,
    RiskManager,
    Side,
    Signal,
    StrategyRegistry,
)
from kedge.model.decisions import Approved, CancelRequested, Refused

D = Decimal
CANDLE = Candle(1_700_000_000_000_000_000, D(100), D(101), D(99), D(100), D(5))


def manager(limits: RiskConfig) -> RiskManager:
    risk = RiskManager(limits)
    risk.allow(Instrument("BTC-USD", "BTC", "USD", "USD", shortable=True))
    risk.state.portfolio.cash = D(1_000)
    return risk


def order(quantity: str) -> Order:
    return Order("BTC-USD", Side.BUY, OrderType.LIMIT, D(quantity), D(100))


class Outbox:
    """Keeps what would leave."""

    def __init__(self) -> None:
        self.sent: list[object] = []

    def place_order(self, approved: Approved) -> None:
        self.sent.append(approved)

    def cancel_order(self, request: CancelRequested) -> None:
        self.sent.append(request)


def test_a_risk_manager_alone_judges_by_what_it_was_shown() -> None:
    risk = manager(RiskConfig(order_quantity_max=D(2)))
    unknown = risk.check_order(order("1"))
    assert not unknown.approved
    assert "no price" in unknown.reason
    risk.observe(CANDLE)
    assert risk.check_order(order("1")).approved
    refused = risk.check_order(order("3"))
    assert not refused.approved
    assert "order_quantity: 3 against 2" in refused.reason


def test_an_order_manager_lets_out_what_was_approved_and_cancels_before_any_acknowledgement() -> None:
    risk = manager(RiskConfig(order_quantity_max=D(2)))
    risk.observe(CANDLE)
    outbox = Outbox()
    orders = OrderManager(exchange=outbox, risk_manager=risk, orders=risk.state.orders)
    assert isinstance(orders.submit(order("3")), Refused)
    assert outbox.sent == []
    verdict = orders.submit(order("1"))
    assert outbox.sent == [verdict]
    assert [found.status for found in orders.orders.active.values()] == [OrderStatus.SUBMITTED]
    assert orders.cancel_all("done") == outbox.sent[1:]
    assert orders.cancel_all("again") == []


def test_a_circuit_breaker_trips_after_errors_in_a_row_and_stays_so() -> None:
    breaker = CircuitBreaker(RiskConfig(errors_in_a_row_max=2))
    assert breaker.record_error(TimeoutError("slow")) is None
    breaker.record_success()
    assert breaker.record_error(TimeoutError("slow")) is None
    assert not breaker.is_tripped
    change = breaker.record_error(TimeoutError("slow"))
    assert change is not None
    assert "2 errors in a row, the last: slow" in change.reason
    breaker.record_success()
    assert breaker.is_tripped


class Buys(BaseStrategy):
    """One unit at each candle, until it breaks."""

    breaks: bool = False

    def name(self) -> str:
        return "breaks" if self.breaks else "buys"

    def required_symbols(self) -> list[str]:
        return ["BTC-USD"]

    def on_candle(self, candle: Candle) -> list[Signal]:
        if self.breaks:
            raise RuntimeError("broken")
        return [Signal.buy(candle.symbol, D(1))]


def test_a_registry_alone_names_signals_and_disables_what_raises() -> None:
    registry = StrategyRegistry([Buys(), Buys(breaks=True)])
    assert registry.active_strategies() == ["buys", "breaks"]
    routed = registry.route_candle(CANDLE)
    assert [getattr(signal, "strategy", None) for signal in routed] == ["buys"]
    assert registry.active_strategies() == ["buys"]
    registry.enable("breaks")
    registry.disable("buys")
    assert registry.active_strategies() == ["breaks"]
    with pytest.raises(ValueError, match="no strategy other"):
        registry.enable("other")
