"""C2-C6, C8: what one order, all orders together, and their number may not exceed."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kedge.model.decisions import Approved, Quarantined, StrategyDisabled
from kedge.model.facts import OperatorAction
from kedge.model.instrument import Instrument
from kedge.model.limits import RiskConfig
from kedge.model.market import Quote
from kedge.model.order import Side
from kedge.model.signal import CancelOrders, Signal
from kedge.venues.sim.faults import Fault
from tests.safety.trading import BTC, ETH, OTHER, PERPETUAL, Session, failed, verdicts

D = Decimal

contract_sizes = st.sampled_from([D("0.0001"), D("0.001"), D("0.1"), D(1), D(10), D(1000), D(1_000_000)])
lots = st.sampled_from([D("0.001"), D("0.1"), D(1), D(5)])


def instrument(contract_size: Decimal, lot: Decimal) -> Instrument:
    return structs.replace(PERPETUAL, contract_size=contract_size, lot_size=lot, max_leverage=D(1000))


@settings(max_examples=40)
@given(contract_sizes, lots, st.integers(1, 40), st.integers(1, 40), st.sampled_from(list(Side)))
def test_c02_no_order_is_larger_than_the_largest(
    size: Decimal, lot: Decimal, most: int, asked: int, side: Side
) -> None:
    """C2: units of the instrument are compared with units, whatever a contract is worth."""
    session = Session(RiskConfig(order_quantity_max=most * lot), instruments=(instrument(size, lot),), cash=D(10) ** 15)
    order = Signal.buy if side is Side.BUY else Signal.sell
    (verdict,) = verdicts(session.trade(order(BTC, asked * lot, price=D(100))))
    assert isinstance(verdict, Approved) == (asked <= most)
    if asked > most:
        assert failed(verdict) == {"order_quantity"}
        assert not session.sent


@settings(max_examples=60)
@given(
    contract_sizes,
    st.integers(1, 400),
    st.integers(-40, 40),
    st.sampled_from(list(Side)),
    st.booleans(),
    st.integers(1, 10**9),
)
def test_c03_no_order_is_worth_more_than_the_most_at_the_worse_of_its_price_and_the_reference(
    size: Decimal, tenths: int, ticks: int, side: Side, market: bool, most: int
) -> None:
    """C3: an oracle in fractions values the order at the worse of limit and reference, a market order at what it takes."""
    limits = RiskConfig(order_notional_max=D(most), price_collar_bps_max=D(500))
    session = Session(limits, instruments=(instrument(size, D("0.1")),), cash=D(10) ** 15)
    quantity, price = D(tenths) / 10, D(100) + D(ticks) / 10
    order = Signal.buy if side is Side.BUY else Signal.sell
    (verdict,) = verdicts(session.trade(order(BTC, quantity, **({} if market else {"price": price}))))
    reference = Fraction(10005, 100)
    touched = Fraction(1001, 10) if side is Side.BUY else reference  # the quote is deep enough for all of these
    worst = touched if market else max(Fraction(price), reference)
    value = Fraction(quantity) * Fraction(size) * worst
    assert isinstance(verdict, Approved) == (value <= most), (value, most)
    assert session.sent == ([verdict] if isinstance(verdict, Approved) else session.sent[:0])


@pytest.mark.parametrize("price", [D(0), D(-1)])
@pytest.mark.parametrize("how", ["price", "stop_price"])
def test_c03_an_order_with_no_value_is_refused(price: Decimal, how: str) -> None:
    """C3, H32: what cannot be valued is not worth zero; it is refused."""
    session = Session(RiskConfig(order_notional_max=D(1_000)))
    (verdict,) = verdicts(session.trade(Signal.buy(BTC, D(1), **{how: price})))
    assert "values" in {check.check for check in verdict.checks if not check.passed}
    assert not session.sent


@pytest.mark.parametrize("number", [D("NaN"), D("Infinity"), D("-Infinity"), D("sNaN")])
@pytest.mark.parametrize("how", ["quantity", "price", "stop_price", "target", "stop_loss", "take_profit"])
def test_c03_what_is_no_number_is_no_order_and_its_strategy_is_disabled(number: Decimal, how: str) -> None:
    """C3, H32: a strategy that computes such a thing is broken; it is disabled, visibly, and nothing is sent."""
    session = Session(RiskConfig(order_notional_max=D(1_000)))
    wish = structs.replace(Signal.buy(BTC, D(1)), **{how: number})
    assert not verdicts(session.trade(wish))
    (disabled,) = session.made(StrategyDisabled)
    assert how in disabled.reason
    assert not session.sent


def test_c03_without_a_price_nothing_has_a_value() -> None:
    """C3, C4: a symbol that has never been quoted takes no order, not even a market order."""
    session = Session(RiskConfig(order_notional_max=D(10)), instruments=(PERPETUAL, OTHER))
    (verdict,) = verdicts(session.trade(Signal.buy(ETH, D(1))))
    assert {"reference_price", "order_notional"} <= failed(verdict)


def test_c04_a_price_far_from_the_reference_is_refused() -> None:
    """C4: the band is around our own fresh reference, on both sides, for limits and stops."""
    limits = RiskConfig(price_collar_bps_max=D(100))
    for price, passes in ((D("101.0"), True), (D("101.1"), False), (D("99.1"), True), (D("99.0"), False)):
        for side in (Signal.buy, Signal.sell):
            for how in ("price", "stop_price"):
                (verdict,) = verdicts(Session(limits).trade(side(BTC, D(1), **{how: price})))
                assert isinstance(verdict, Approved) is passes, (price, how)
                assert passes or failed(verdict) == {"price_collar"}


@pytest.mark.parametrize(
    ("feed", "rule"),
    [
        ((D(1000), D("1000.1")), "jump"),
        ((D(10), D("10.1")), "jump"),
        ((D(0), D("100.1")), "zero"),
        ((D(101), D(100)), "crossed"),
        ((D(-100), D(100)), "negative"),
    ],
)
def test_c04_a_feed_gone_wrong_moves_no_reference(feed: tuple[Decimal, Decimal], rule: str) -> None:
    """C4: ten times the price, zero, crossed, not a number: quarantined; orders are still held against the good price."""
    session = Session(RiskConfig(price_collar_bps_max=D(100), reference_age_ms_max=1_000))
    session.quote(100, "100.1")
    session.now += 100_000_000
    session.tell(Quote(session.now, feed[0], feed[1], D(1), D(1)))
    assert session.made(Quarantined)[-1].rule == rule
    reference = session.state.market.reference(BTC)
    assert reference is not None
    assert reference[0] == D("100.05")
    (verdict,) = verdicts(session.trade(Signal.buy(BTC, D(1), price=D(1000)), bid=100))
    assert "price_collar" in failed(verdict)


@pytest.mark.parametrize("age_ms", [999, 1_000, 1_001, 60_000])
def test_c04_a_stale_reference_counts_as_none(age_ms: int) -> None:
    """C4, H41: at its age limit a price still counts, beyond it every new risk is refused."""
    session = Session(RiskConfig(reference_age_ms_max=1_000), instruments=(PERPETUAL, OTHER))
    session.strategy.symbols = f"{BTC},{ETH}"
    session.desk.strategies.entries()[0].symbols.append(ETH)
    session.desk.strategies._plan()
    session.quote(100, "100.1")
    session.want(Signal.buy(BTC, D(1), price=D(100)))
    session.quote(50, "50.1", symbol=ETH, after_ms=age_ms)
    (verdict,) = verdicts(session.decisions)
    assert isinstance(verdict, Approved) is (age_ms <= 1_000)
    assert isinstance(verdict, Approved) or failed(verdict) == {"reference_price"}


def test_c05_orders_in_flight_count_before_anyone_has_answered() -> None:
    """C5: three orders in one moment, none acknowledged, count as if all had filled; so does the fourth that is refused."""
    session = Session(RiskConfig(position_quantity_max=D(3)), latency_ms=50)
    session.want(*(Signal.buy(BTC, D(1), price=D(100) - n) for n in range(4)))
    session.quote(100, "100.1")
    assert [isinstance(each, Approved) for each in verdicts(session.decisions)] == [True, True, True, False]
    assert failed(session.refusals[0]) == {"position_quantity"}


def test_c05_an_order_of_unknown_outcome_counts_until_the_venue_says() -> None:
    """C5, H1: its request timed out; it holds its room, and nothing new starts on its symbol."""
    session = Session(
        RiskConfig(position_quantity_max=D(3), errors_in_a_row_max=100),
        faults=[(Fault.DROP_BEFORE, n, 0) for n in range(1, 8)],
        latency_ms=5,
    )
    session.trade(Signal.buy(BTC, D(2), price=D(99)))
    assert session.state.orders.unknown
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D("1.5"), price=D(98))))
    assert failed(refused) == {"symbol_trust", "position_quantity"}
    for _ in range(12):
        session.quote(100, "100.1", after_ms=1_000)
    assert not session.state.orders.active
    (approved,) = verdicts(session.trade(Signal.buy(BTC, D(3), price=D(98))))
    assert isinstance(approved, Approved)


@pytest.mark.parametrize(
    ("limits", "check"),
    [
        (RiskConfig(gross_exposure_max=D(600)), "gross_exposure"),
        (RiskConfig(net_exposure_max=D(600)), "net_exposure"),
        (RiskConfig(strategy_exposure_max=D(600)), "strategy_exposure"),
        (RiskConfig(leverage_max=D("0.006")), "leverage"),
    ],
)
def test_c05_the_account_and_the_strategy_count_all_symbols_and_all_open_orders(limits: RiskConfig, check: str) -> None:
    """C5: an order on one symbol is refused for what is held and what works on another."""
    session = Session(limits, instruments=(PERPETUAL, OTHER))
    session.quote(100, "100.1", symbol=ETH)
    assert isinstance(verdicts(session.trade(Signal.buy(ETH, D(2))))[0], Approved)
    session.quote(100, "100.1", symbol=ETH)
    assert session.held(ETH) == 2
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D(2), price=D(99))))[0], Approved)
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D("2.5"), price=D(98))))
    assert failed(refused) == {check}
    session.trade(CancelOrders(BTC))
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D("2.5"), price=D(98))))[0], Approved)


def test_c05_a_stop_does_not_soften_the_orders_beside_it() -> None:
    """C5: long one with a stop below, a sell of eleven can become short eleven, for the stop may fill first."""
    session = Session(RiskConfig(position_quantity_max=D(10)))
    session.trade(Signal.buy(BTC, D(1), stop_loss=D(95)))
    assert [each.intent.tag for each in session.orders] == ["", "stop_loss"]
    (refused,) = verdicts(session.trade(Signal.sell(BTC, D(11), price=D(101))))
    assert failed(refused) == {"position_quantity"}
    (approved,) = verdicts(session.trade(Signal.sell(BTC, D(10), price=D(101))))
    assert isinstance(approved, Approved)


def test_c06_leverage_is_of_the_equity_that_is_left() -> None:
    """C6: what the account has lost, it can no longer trade on; the configured capital counts for nothing."""
    session = Session(RiskConfig(leverage_max=D(2)), cash=D(1_000))
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D(15), price=D(100))))[0], Approved)
    session.quote("99.8", "99.9")
    assert session.held() == 15
    session.quote(70, "70.1", after_ms=200)
    assert session.state.equity() < 600
    session.trade(Signal.close(BTC), bid=70, ask="70.1")
    assert session.held() == 0
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D(20), price=D(70)), bid=70, ask="70.1"))
    assert failed(refused) == {"leverage"}
    again = session.restart(cash=D(1_000_000))
    (refused,) = verdicts(again.trade(Signal.buy(BTC, D(20), price=D(70)), bid=70, ask="70.1"))
    assert failed(refused) == {"leverage"}
    assert again.state.equity() < 600


def test_c06_the_instruments_own_leverage_binds_without_any_limit() -> None:
    """C6: initial margin of the worst case and the fee of the order must be covered by equity."""
    session = Session(instruments=(structs.replace(PERPETUAL, max_leverage=D(2)),), cash=D(1_000))
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D(20), price=D(100))))
    assert failed(refused) == {"margin"}
    (approved,) = verdicts(session.trade(Signal.buy(BTC, D("19.9"), price=D(100))))
    assert isinstance(approved, Approved)


def test_c08_a_flood_is_cut_and_cancels_and_exits_go_on() -> None:
    """C8: orders by second and by day are bounded; cancelling and flattening need nothing of that budget."""
    session = Session(RiskConfig(orders_per_second_max=5, orders_per_day_max=8, orders_open_max=100))
    session.want(*(Signal.buy(BTC, D("0.1"), price=D(100) - D(n) / 10) for n in range(20)))
    session.quote(100, "100.1")
    assert len(session.orders) == 5
    assert all(failed(each) == {"order_rate"} for each in session.refusals)
    session.quote("99.8", "99.9", after_ms=1_000)
    assert session.held() > 0
    session.want(*(Signal.buy(BTC, D("0.1"), price=D(90) - D(n) / 10) for n in range(20)))
    session.quote(100, "100.1", after_ms=1_000)
    assert len(session.orders) == 8
    assert {name for each in session.refusals for name in failed(each)} == {"order_rate", "orders_per_day"}
    session.trade(CancelOrders())
    assert len(session.cancels) == len(session.orders) - len({fill.order_id for fill in session.loop.fills})
    session.command(OperatorAction.FLATTEN)
    session.quote(100, "100.1")
    assert session.held() == session.truth() == 0
    assert not session.venue.open_orders()


def test_c08_the_count_of_the_day_survives_a_restart_and_ends_with_the_day() -> None:
    """C8: a new process is no new day; midnight UTC is."""
    limits = RiskConfig(orders_per_day_max=3)
    session = Session(limits)
    session.trade(*(Signal.buy(BTC, D("0.1"), price=D(90 + n)) for n in range(3)))
    session = session.restart()
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D("0.1"), price=D(80))))
    assert failed(refused) == {"orders_per_day"}
    session.quote(100, "100.1", after_ms=86_400_000)
    (approved,) = verdicts(session.trade(Signal.buy(BTC, D("0.1"), price=D(80))))
    assert isinstance(approved, Approved)


def test_c08_open_orders_are_bounded_unknown_ones_included() -> None:
    """C8: an order that nobody has answered takes a place as one that works does."""
    limits, lost = RiskConfig(orders_open_max=2), [(Fault.DROP_BEFORE, 1, 0)]
    session = Session(limits, instruments=(PERPETUAL, OTHER), faults=lost, latency_ms=50)
    session.quote(100, "100.1", symbol=ETH)
    session.want(
        Signal.buy(ETH, D(1), price=D(90)), Signal.buy(BTC, D(1), price=D(90)), Signal.buy(BTC, D(1), price=D(91))
    )
    session.quote(100, "100.1")
    assert [isinstance(each, Approved) for each in verdicts(session.decisions)] == [True, True, False]
    assert failed(session.refusals[0]) == {"open_orders"}
