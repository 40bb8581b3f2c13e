"""Round trips against the account: what they say must add up to what the account has, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.backtest.result import BacktestTrade
from kedge.backtest.roundtrips import round_trips
from kedge.model.instrument import InstrumentKind
from kedge.model.order import Side
from tests.backtest.ledgers import HOUR, START, Desk, instrument

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def trade(side: Side, quantity: str, price: str, fee: str = "0", at: int = 0, **more: object) -> BacktestTrade:
    return BacktestTrade(at, "A-USD", side, D(quantity), D(price), D(fee), D(0), **more)  # type: ignore[arg-type]


def test_in_and_out() -> None:
    trip, *others = round_trips([trade(BUY, "2", "100", "0.2", 5), trade(SELL, "2", "110", "0.22", 9)], {})
    assert not others
    assert (trip.side, trip.entry_ns, trip.exit_ns, trip.quantity) == (BUY, 5, 9, D(2))
    assert (trip.entry_price, trip.exit_price) == (D(100), D(110))
    assert (trip.gross, trip.fees, trip.net) == (D(20), D("0.42"), D("19.58"))
    assert (trip.fills, trip.is_open, trip.return_ratio) == (2, False, D("0.0979"))


def test_scaling_in_and_out_is_one_trip_at_mean_prices() -> None:
    trades = [trade(SELL, "1", "100"), trade(SELL, "3", "104"), trade(BUY, "2", "90"), trade(BUY, "2", "95")]
    (trip,) = round_trips(trades, {})
    assert (trip.side, trip.quantity, trip.entry_price, trip.exit_price) == (SELL, D(4), D(103), D("92.5"))
    assert trip.gross == D(412) - D(370)


def test_a_flip_ends_one_trip_and_begins_the_next_and_splits_the_fee() -> None:
    first, second = round_trips([trade(BUY, "1", "100", "1"), trade(SELL, "3", "90", "0.3", 7)], {"A-USD": D(80)}, 11)
    assert (first.gross, first.fees, first.fills, first.is_open) == (D(-10), D("1.1"), 2, False)
    assert (second.side, second.entry_ns, second.exit_ns, second.is_open) == (SELL, 7, 11, True)
    assert (second.quantity, second.gross, second.fees, second.exit_price) == (D(2), D(20), D("0.2"), D(80))


def test_contracts_count_their_size() -> None:
    size = D("0.01")
    trades = [trade(BUY, "50", "1000", multiplier=size), trade(SELL, "50", "1010", multiplier=size)]
    (trip,) = round_trips(trades, {})
    assert (trip.gross, trip.quantity, trip.entry_price, trip.entry_value) == (D(5), D(50), D(1000), D(500))


def test_strategies_and_symbols_do_not_mix() -> None:
    trades = [trade(BUY, "1", "100", strategy="x"), trade(SELL, "1", "105", strategy="y")]
    trips = round_trips(trades, {"A-USD": D(101)})
    assert [(trip.strategy, trip.side, trip.gross) for trip in trips] == [("x", BUY, D(1)), ("y", SELL, D(4))]


def test_an_open_trip_without_a_price_is_worth_its_cost() -> None:
    (trip,) = round_trips([trade(BUY, "3", "7")], {})
    assert (trip.gross, trip.exit_price) == (D(0), D(7))


amounts = st.integers(1, 10**6)


@settings(max_examples=150)
@given(
    kind=st.sampled_from(list(InstrumentKind)),
    size=st.sampled_from(["1", "0.001", "10"]),
    fills=st.lists(
        st.tuples(
            st.sampled_from(["A-USD", "B-USD"]),
            st.sampled_from(["x", "y"]),
            st.sampled_from([BUY, SELL]),
            amounts,
            amounts,
            st.integers(-1000, 10**5),
            st.booleans(),
            st.none() | st.integers(-(10**6), 10**6),
        ),
        max_size=25,
    ),
)
def test_trips_and_funding_are_the_profit_of_the_account_to_the_last_digit(
    kind: InstrumentKind,
    size: str,
    fills: list[tuple[str, str, Side, int, int, int, bool, int | None]],
) -> None:
    size = "1" if kind is InstrumentKind.SPOT else size
    desk = Desk(D("1234.5678"), [instrument(symbol, kind, size) for symbol in ("A-USD", "B-USD")])
    desk.candle("A-USD", D("10.01"), START)
    desk.candle("B-USD", D("20.02"), START)
    for number, (symbol, strategy, side, quantity, price, fee, in_base, funding) in enumerate(fills):
        base = symbol[0] if in_base and kind is InstrumentKind.SPOT and fee > 0 else ""
        desk.now = START + number * HOUR
        desk.fill(
            symbol,
            side,
            D(quantity).scaleb(-4),
            D(price).scaleb(-2),
            D(fee).scaleb(-9 if base else -7),
            base,
            strategy=strategy,
        )
        if funding is not None and desk.tracker.position(symbol):
            desk.pay(symbol, D(funding).scaleb(-6))
        desk.candle(symbol, D(price + 3).scaleb(-2), desk.now)
    result = desk.result()
    net = sum((Fraction(trip.net) for trip in result.all_round_trips), Fraction(0))
    assert net + Fraction(result.total_funding) == Fraction(result.final_equity) - Fraction(D("1234.5678"))
    assert result.final_equity == desk.tracker.equity(desk.prices.get)
    assert sum((trip.fees for trip in result.all_round_trips), D(0)) == result.total_fees == desk.tracker.fees
    assert sum((part.net for part in result.by_strategy), D(0)) + result.total_funding == result.net_profit
    assert sum((part.traded for part in result.by_strategy), D(0)) == result.traded
    for trip in result.round_trips:
        assert trip.entry_ns <= trip.exit_ns
        assert trip.fills >= 1
        assert not trip.is_open


def test_holding_and_json() -> None:
    first = trade(BUY, "1", "100", "0.1", START, strategy="x")
    (trip,) = round_trips([first, trade(SELL, "1", "101", "0.1", START + HOUR, strategy="x")], {})
    assert trip.holding.total_seconds() == pytest.approx(3600)
    assert trip.to_json() == {
        "strategy": "x",
        "symbol": "A-USD",
        "side": "long",
        "entry": "2022-01-01T00:00:00Z",
        "exit": "2022-01-01T01:00:00Z",
        "quantity": "1",
        "entry_price": "100",
        "exit_price": "101",
        "gross": "1",
        "fees": "0.2",
        "net": "0.8",
        "fills": 2,
    }
