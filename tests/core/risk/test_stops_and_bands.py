"""C12 for stops and C4 over a window: each beside an oracle that does the slow, obvious thing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from kedge.core.market.band import PriceBand
from kedge.core.risk.manager import RiskManager
from kedge.core.state import State
from kedge.model.decisions import Approved, Refused
from kedge.model.facts import Fill, OrderCancelled, SessionStarted
from kedge.model.limits import RiskConfig
from kedge.model.market import Candle
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from tests.core.risk.worlds import INSTRUMENTS, START, manager

D = Decimal
BTC = "BTC-USD"
SECOND = 1_000_000_000


def state_at(price: Decimal | int, limits: RiskConfig = RiskConfig()) -> State:  # noqa: B008
    state = State()
    state.fold(SessionStarted(START, "t", 1, "USD", D(1_000_000), INSTRUMENTS, limits))
    state.seq = 1
    move(state, price)
    return state


def move(state: State, price: Decimal | int, at: int = START) -> None:
    p = D(price)
    state.fold(Candle(at, p, p, p, p, D(1), BTC, SECOND))


def order(name: str, side: Side, kind: OrderType, **more: Any) -> OrderIntent:
    return OrderIntent(name, BTC, side, kind, D(1), strategy="a", **more)


def failed(verdict: Approved | Refused) -> set[str]:
    return {check.check for check in verdict.checks if not check.passed}


# -- stops ------------------------------------------------------------------------------------------------------------


def meets(stop: Side, trigger: int, reach: int, resting: int, market: int) -> bool:
    """Walk the market tick by tick to the trigger, filling what rests on the way, then the stop to its reach."""
    step = -1 if stop is Side.SELL else 1
    for price in range(market, trigger, step):
        if price == resting:
            return False  # somebody else's order fills ours before the stop is triggered
    return resting in range(trigger, reach + step, step)


@given(
    side=st.sampled_from(list(Side)), away=st.integers(1, 20), slip=st.integers(0, 20), rest=st.integers(-45, 45),
    limited=st.booleans(), stop_first=st.booleans(),
)  # fmt: skip
def test_c12_a_stop_may_meet_exactly_what_rests_between_its_trigger_and_its_reach(
    side: Side, away: int, slip: int, rest: int, limited: bool, stop_first: bool
) -> None:
    """C12: whichever of the two comes first, at prices of whole dollars around 100."""
    sign = 1 if side is Side.BUY else -1
    trigger = 100 + sign * away
    reach, resting = trigger + sign * slip, 100 + rest
    assume(rest * sign > 0)  # else the limit order itself would take, which is another check's
    collar = None if limited else D(slip) * 10_000 / trigger
    stop = order("stop", side, OrderType.STOP_LIMIT if limited else OrderType.STOP, stop_price=D(trigger),
                 price=D(reach) if limited else None)  # fmt: skip
    limit = order("limit", side.opposite, OrderType.LIMIT, price=D(resting))
    state = state_at(100, RiskConfig(price_collar_bps_max=collar))
    first, second = (stop, limit) if stop_first else (limit, stop)
    state.apply(Approved(first, D(100)))
    refused = "stop_trade" in failed(manager(state).judge(second))
    assert refused == meets(side, trigger, reach, resting, 100)


@pytest.mark.parametrize(
    ("stop", "price", "meets_it"),
    [
        ({"order_type": OrderType.TRAILING_STOP, "trail": D(5)}, 97, True),
        ({"order_type": OrderType.TRAILING_STOP, "trail": D(5)}, D("94.5"), True),
        ({"order_type": OrderType.TRAILING_STOP, "trail": D(5)}, 90, False),
        ({"order_type": OrderType.TAKE_PROFIT, "stop_price": D(110)}, 99, False),
        ({"order_type": OrderType.STOP, "stop_price": D(95)}, 95, True),
        ({"order_type": OrderType.STOP, "stop_price": D(95)}, 98, False),
        ({"order_type": OrderType.STOP_LIMIT, "stop_price": D(95), "price": D(97)}, 96, False),
    ],
)
def test_c12_each_kind_of_stop(stop: dict[str, Any], price: int | Decimal, meets_it: bool) -> None:
    """C12: a trailing stop's trigger lies anywhere between here and its trail."""
    state = state_at(100, RiskConfig(price_collar_bps_max=D(100)))
    kind = stop.pop("order_type")
    state.apply(Approved(order("stop", Side.SELL, kind, **stop), D(100)))
    verdict = manager(state).judge(order("bid", Side.BUY, OrderType.LIMIT, price=D(price)))
    assert ("stop_trade" in failed(verdict)) is meets_it
    if meets_it:
        assert isinstance(verdict, Refused)
        assert "stop: a stop triggered at" in verdict.reason


def test_c12_what_cannot_rest_or_has_ended_meets_no_stop_and_an_exit_is_never_refused() -> None:
    """C12, C15: orders that fill at once or not at all, stops that are gone, and protection."""
    state = state_at(100, RiskConfig(price_collar_bps_max=D(500)))
    state.apply(Approved(order("stop", Side.SELL, OrderType.STOP, stop_price=D(98)), D(100)))
    bid = order("bid", Side.BUY, OrderType.LIMIT, price=D(97))
    assert "stop_trade" in failed(manager(state).judge(bid))
    for fleeting in (TimeInForce.IOC, TimeInForce.FOK):
        assert isinstance(manager(state).judge(structs.replace(bid, time_in_force=fleeting)), Approved)
    state.fold(OrderCancelled(START, "stop"))
    assert isinstance(manager(state).judge(bid), Approved)
    held = state_at(100, RiskConfig(price_collar_bps_max=D(500)))
    held.apply(Approved(order("entry", Side.BUY, OrderType.MARKET), D(100)))
    held.fold(Fill(START, "entry", "t", BTC, Side.BUY, D(1), D(100)))
    held.apply(Approved(bid, D(97)))
    exit_ = order("protect", Side.SELL, OrderType.STOP, stop_price=D(98), reduce_only=True)
    verdict = manager(held).judge(exit_)
    assert isinstance(verdict, Approved)
    assert any(check.note.startswith("waived") for check in verdict.checks if check.check == "stop_trade")


# -- the band ---------------------------------------------------------------------------------------------------------

NOTES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 50)), max_size=40)


@given(notes=NOTES, window=st.integers(1, 12), later=st.integers(0, 15))
def test_the_span_is_that_of_all_references_in_the_window(
    notes: list[tuple[int, int]], window: int, later: int
) -> None:
    band, seen, now = PriceBand(), list[tuple[int, Decimal]](), 0
    for step, price in notes:
        now += step
        band.note(now, D(price), window)
        seen.append((now, D(price)))
        known = [each for at, each in seen if at > now - window]
        assert band.span(now, window) == (min(known), max(known))
    now += later
    left = [each for at, each in seen if at > now - window]
    assert band.span(now, window) == ((min(left), max(left)) if left else None)


@given(steps=st.lists(st.integers(-3, 3), min_size=2, max_size=30), bps=st.integers(50, 900), window=st.integers(1, 8))
def test_c4_no_chain_of_small_steps_leads_beyond_the_band(steps: list[int], bps: int, window: int) -> None:
    """C4: every order that passes is within the band of every reference that the window's orders were judged by."""
    limits = RiskConfig(price_band_bps_max=D(bps), price_band_window_ms=window * 1_000)
    state, recovered = state_at(100, limits), state_at(100, limits)
    gate, price, passed = manager(state), D(100), list[tuple[int, Decimal]]()
    for n, step in enumerate(steps, 1):
        price += step
        at = START + n * SECOND
        for each in (state, recovered):
            move(each, price, at)
        now = state.now
        known = [reference for then, reference in passed if then > now - window * SECOND]
        beyond = any(abs(price - each) / each * 10_000 > bps for each in known)
        verdict = gate.judge(order(f"o{n}", Side.BUY, OrderType.MARKET))
        assert ("price_band" in failed(verdict)) == beyond
        if isinstance(verdict, Approved):
            passed.append((now, price))
            for each in (state, recovered):
                each.apply(verdict)
    assert recovered.digest() == state.digest()


def test_c4_a_runaway_inside_every_collar_stops_at_the_band_and_goes_on_after_the_window() -> None:
    """C4: limit and stop prices count as well as the market's, and an exit is never refused."""
    limits = RiskConfig(
        price_collar_bps_max=D(200),
        price_band_bps_max=D(500),
        price_band_window_ms=60_000,
        position_quantity_max=D(100),
    )
    state = state_at(100, limits)
    gate = manager(state)
    for n, price in enumerate((100, 101, 103, 105), 1):
        move(state, price, START + n * SECOND)
        verdict = gate.judge(order(f"o{n}", Side.BUY, OrderType.LIMIT, price=D(price)))
        assert isinstance(verdict, Approved), verdict.reason
        state.apply(verdict)
        state.fold(Fill(START + n * SECOND, f"o{n}", f"t{n}", BTC, Side.BUY, D(1), D(price)))
    away = gate.judge(order("away", Side.BUY, OrderType.LIMIT, price=D("105.5")))
    assert isinstance(away, Refused)
    assert "price_band: 550 against 500 (orders of the window were judged at 100 to 105)" in away.reason
    assert "price_collar" not in away.reason
    assert isinstance(
        gate.judge(order("exit", Side.SELL, OrderType.LIMIT, price=D("105.5"), reduce_only=True)), Approved
    )
    move(state, D("105.5"), START + 70 * SECOND)
    assert isinstance(gate.judge(order("later", Side.BUY, OrderType.LIMIT, price=D("105.5"))), Approved)


def test_without_a_band_nothing_is_kept() -> None:
    state = state_at(100)
    state.apply(Approved(order("o", Side.BUY, OrderType.MARKET), D(100)))
    assert state.bands == {}
    assert "price_band" not in {check.check for check in RiskManager(state.config, state).judge(
        order("p", Side.BUY, OrderType.MARKET)).checks}  # fmt: skip
