"""The two properties that carry the gate, and each limit by itself.

No check refuses an order that strictly reduces exposure. No order passes that makes a limit breakable by what is already
in flight: an oracle enumerates what every working order may still do and looks for the worst.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kedge.core.orders.terms import outstanding
from kedge.core.state import State
from kedge.model.decisions import Approved, HaltState, Refused
from kedge.model.limits import RiskConfig
from kedge.model.market import Candle
from kedge.model.order import OrderIntent, OrderType, Side
from tests.core.risk.worlds import (
    INSTRUMENTS,
    MINUTE,
    PRICES,
    START,
    SYMBOLS,
    intents,
    manager,
    worlds,
)

D = Decimal


@given(worlds(holding=True), st.data())
def test_no_check_refuses_an_order_that_strictly_reduces(state: State, data: st.DataObject) -> None:
    """C15, H48: whatever is halted, blocked, disabled, stale or over its limit, the exit is open."""
    ways_out: dict[str, tuple[Side, Decimal]] = {}
    for symbol in SYMBOLS:
        held = state.portfolio.position(symbol)
        side = Side.SELL if held > 0 else Side.BUY
        same_side = sum((outstanding(o) for o in state.orders.on(symbol) if o.side is side), D(0))
        if abs(held) > same_side:
            ways_out[symbol] = side, abs(held) - same_side
    symbol = data.draw(st.sampled_from(sorted(ways_out)))
    side, room = ways_out[symbol]
    intent = data.draw(intents(symbol, side))
    share = D(data.draw(st.integers(1, 10))) / 10
    intent = structs.replace(intent, quantity=room * share)
    verdict = manager(state).judge(intent)
    assert isinstance(verdict, Approved), verdict.reason
    assert all(check.passed for check in verdict.checks)


@settings(max_examples=300)
@given(worlds(calm=True), intents())
def test_what_passes_cannot_break_a_limit_with_what_is_in_flight(state: State, intent: OrderIntent) -> None:
    """C5, I3: for an order that may increase, every way the working orders can fill stays within the limits."""
    verdict = manager(state).judge(intent)
    if isinstance(verdict, Refused) or any(check.note.startswith("waived") for check in verdict.checks):
        return
    limits = state.config
    worst = {symbol: worst_positions(state, intent, symbol) for symbol in SYMBOLS}
    before = worst_positions(state, None, intent.symbol)
    if max(map(abs, worst[intent.symbol])) <= max(map(abs, before)):
        return  # it makes nothing breakable that was not so before
    if limits.position_quantity_max is not None and not intent.reduce_only:
        assert max(map(abs, worst[intent.symbol])) <= limits.position_quantity_max
    gross = sum(
        max(map(abs, worst[symbol])) * state.instruments[symbol].contract_size * PRICES[symbol] for symbol in SYMBOLS
    )
    if limits.gross_exposure_max is not None:
        assert gross <= limits.gross_exposure_max
    if limits.leverage_max is not None:
        assert gross <= limits.leverage_max * state.equity()
    if limits.order_quantity_max is not None:
        assert intent.quantity <= limits.order_quantity_max
    if limits.orders_open_max is not None:
        assert len(state.orders.active) + 1 <= limits.orders_open_max
    assert state.halt is HaltState.RUNNING
    assert intent.strategy not in state.disabled
    assert intent.symbol not in state.blocked


def worst_positions(state: State, intent: OrderIntent | None, symbol: str) -> list[Decimal]:
    """Every position that `symbol` can reach when each order fills not at all or whole, reduce-only ones aside."""
    moves = [outstanding(order) * order.side.sign for order in state.orders.on(symbol) if not order.reduce_only]
    if intent is not None and intent.symbol == symbol and not intent.reduce_only:
        moves.append(intent.quantity * intent.side.sign)
    held = state.portfolio.position(symbol)
    return [held + sum((m for m, taken in zip(moves, choice, strict=True) if taken), D(0))
            for choice in product((False, True), repeat=len(moves))]  # fmt: skip


@given(worlds(), intents())
def test_every_check_is_in_the_record_with_its_figures(state: State, intent: OrderIntent) -> None:
    verdict = manager(state).judge(intent)
    names = [check.check for check in verdict.checks]
    assert len(names) == len(set(names))
    for limit, check in SET_LIMITS.items():
        assert (getattr(state.config, limit) is not None) <= (check in names), limit
    if isinstance(verdict, Refused):
        failed = [check for check in verdict.checks if not check.passed]
        assert failed
        assert all(check.check in verdict.reason for check in failed)


@given(worlds(), intents())
def test_judging_changes_nothing(state: State, intent: OrderIntent) -> None:
    before = state.digest()
    first = manager(state).judge(intent)
    assert state.digest() == before
    assert manager(state).judge(intent) == first


SET_LIMITS = {
    "order_quantity_max": "order_quantity",
    "order_notional_max": "order_notional",
    "orders_per_second_max": "order_rate",
    "orders_per_day_max": "orders_per_day",
    "orders_open_max": "open_orders",
    "price_collar_bps_max": "price_collar",
    "position_quantity_max": "position_quantity",
    "position_notional_max": "position_notional",
    "gross_exposure_max": "gross_exposure",
    "net_exposure_max": "net_exposure",
    "leverage_max": "leverage",
    "strategy_exposure_max": "strategy_exposure",
    "daily_loss_max": "daily_loss",
    "drawdown_ratio_max": "drawdown",
    "price_band_bps_max": "price_band",
}

ORDER = OrderIntent("new", "BTC-USD", Side.BUY, OrderType.LIMIT, D(2), D(100), strategy="a")


def fresh(limits: RiskConfig = RiskConfig(), price: int | None = 100, cash: int = 100_000) -> State:  # noqa: B008
    from kedge.model.facts import SessionStarted

    state = State()
    state.fold(SessionStarted(START, "t", 1, "USD", D(cash), INSTRUMENTS, limits))
    state.seq = 1
    if price is not None:
        p = D(price)
        state.fold(Candle(START, p, p, p, p, D(1), "BTC-USD", MINUTE))
    return state


@pytest.mark.parametrize(
    ("limits", "order", "check"),
    [
        (RiskConfig(order_quantity_max=D("1.9")), ORDER, "order_quantity"),
        (RiskConfig(order_notional_max=D("199.9")), ORDER, "order_notional"),
        (RiskConfig(orders_per_second_max=0), ORDER, "order_rate"),
        (RiskConfig(orders_per_day_max=0), ORDER, "orders_per_day"),
        (RiskConfig(orders_open_max=0), ORDER, "open_orders"),
        (RiskConfig(price_collar_bps_max=D(100)), structs.replace(ORDER, price=D("101.5")), "price_collar"),
        (RiskConfig(price_collar_bps_max=D(100)), structs.replace(ORDER, price=D("98.5")), "price_collar"),
        (RiskConfig(position_quantity_max=D("1.9")), ORDER, "position_quantity"),
        (RiskConfig(position_notional_max=D(199)), ORDER, "position_notional"),
        (RiskConfig(gross_exposure_max=D(199)), ORDER, "gross_exposure"),
        (RiskConfig(net_exposure_max=D(199)), ORDER, "net_exposure"),
        (RiskConfig(leverage_max=D("0.001")), ORDER, "leverage"),
        (RiskConfig(strategy_exposure_max=D(199)), ORDER, "strategy_exposure"),
        (RiskConfig(), structs.replace(ORDER, quantity=D(6000)), "margin"),
        (RiskConfig(), structs.replace(ORDER, price=D("100.1")), "tick"),
        (RiskConfig(), structs.replace(ORDER, quantity=D("2.05")), "lot"),
        (RiskConfig(), structs.replace(ORDER, quantity=D("0.1"), price=D(99)), "min_notional"),
        (RiskConfig(), structs.replace(ORDER, symbol="DOGE-USD"), "instrument"),
        (RiskConfig(), structs.replace(ORDER, symbol="ETH-USD"), "reference_price"),
        (RiskConfig(), structs.replace(ORDER, reduce_only=True), "reduce_only"),
        (RiskConfig(), structs.replace(ORDER, price=None), "values"),
    ],
)
def test_each_limit_refuses_by_its_name(limits: RiskConfig, order: OrderIntent, check: str) -> None:
    verdict = manager(fresh(limits)).judge(order)
    assert isinstance(verdict, Refused)
    assert check in {result.check for result in verdict.checks if not result.passed}
    assert check in verdict.reason
    assert isinstance(manager(fresh()).judge(ORDER), Approved)


@pytest.mark.parametrize("quantity", [D("NaN"), D("Infinity"), D("-Infinity"), D("sNaN"), D(0), D(-1)])
def test_a_quantity_that_is_no_quantity_is_refused(quantity: Decimal) -> None:
    """H32."""
    verdict = manager(fresh()).judge(structs.replace(ORDER, quantity=quantity))
    assert isinstance(verdict, Refused)
    assert "values: quantity" in verdict.reason


@pytest.mark.parametrize("price", [D("NaN"), D("Infinity"), D(0), D(-1)])
@pytest.mark.parametrize("field", ["price", "stop_price", "trail"])
def test_a_price_that_is_no_price_is_refused(field: str, price: Decimal) -> None:
    verdict = manager(fresh()).judge(structs.replace(ORDER, **{field: price}))
    assert isinstance(verdict, Refused)
    assert f"values: {field}" in verdict.reason


def test_a_market_order_is_valued_at_the_worst_price_it_can_reach() -> None:
    """Not at zero: the usual sketch's hole."""
    order = structs.replace(ORDER, order_type=OrderType.MARKET, price=None)
    state = fresh(RiskConfig(price_collar_bps_max=D(500), order_notional_max=D(209)))
    verdict = manager(state).judge(order)
    assert isinstance(verdict, Refused)
    assert "order_notional: 210 against 209" in verdict.reason
    without = manager(fresh(price=None)).judge(order)
    assert isinstance(without, Refused)
    assert "no price" in without.reason


def test_a_stale_reference_counts_as_none() -> None:
    state = fresh(RiskConfig(reference_age_ms_max=1_000))
    assert isinstance(manager(state).judge(ORDER), Approved)
    state.now += 2_000_000_000
    verdict = manager(state).judge(ORDER)
    assert isinstance(verdict, Refused)
    assert "2000 against 1000" in verdict.reason


def test_own_orders_never_meet() -> None:
    """C12."""
    state = fresh()
    state.apply(Approved(OrderIntent("sell", "BTC-USD", Side.SELL, OrderType.LIMIT, D(1), D(101)), D(101)))
    crossing = manager(state).judge(structs.replace(ORDER, price=D(101)))
    assert isinstance(crossing, Refused)
    assert "self_trade" in crossing.reason
    assert isinstance(manager(state).judge(structs.replace(ORDER, price=D("100.5"))), Approved)


def test_the_same_wish_within_the_window_is_a_duplicate() -> None:
    """C10."""
    state = fresh(RiskConfig(duplicate_window_ms_max=1_000))
    gate = manager(state)
    first = gate.judge(ORDER)
    assert isinstance(first, Approved)
    state.apply(first)
    again = gate.judge(structs.replace(ORDER, id="other"))
    assert isinstance(again, Refused)
    assert "duplicate" in again.reason
    state.now += 1_000_000_000
    assert isinstance(gate.judge(structs.replace(ORDER, id="third")), Approved)
