"""Money at the venue: spot balances, margin, liquidation, funding; each figure worked by hand."""

from __future__ import annotations

import pytest

from kedge.model.facts import FundingPayment, Liquidity
from kedge.venues.sim.slippage import TickSlippage
from tests.venues.sim.world import MINUTE, SYMBOL, World, d, fills, kinds, perpetual, prices, reason, spot

ETH = "ETH-USD"


# --------------------------------------------------------------------------------------------------------------- spot
def test_spot_moves_cash_into_the_base_currency_and_back() -> None:
    world = World(spot(taker_fee=d("0.001")), cash=1000)
    world.buy("market", 2)
    world.bar(100)
    assert world.venue.balances() == {"BTC": d(2), "USD": d("799.8")}
    assert world.venue.equity() == d("999.8")
    world.sell("market", 2)
    world.bar(110)
    assert world.venue.balances() == {"USD": d("1019.58")}
    assert not world.venue.busy


def test_spot_sells_nothing_that_is_not_held() -> None:
    world = World(spot())
    world.sell()
    reports = world.bar(100)
    assert (kinds(reports), reason(reports)) == (["OrderExpired 1"], "insufficient balance")


@pytest.mark.parametrize(("cash", "result"), [("100.1", "Fill 1"), ("100.09", "OrderExpired 1")])
def test_spot_buys_no_more_than_cash_and_fee_allow(cash: str, result: str) -> None:
    world = World(spot(taker_fee=d("0.001")), cash=cash)
    world.buy()
    assert kinds(world.bar(100)) == [result]


def test_spot_leaves_alone_what_a_perpetual_needs_as_margin() -> None:
    world = World(perpetual(), spot(ETH), cash=100)
    world.long(5, 100)  # needs 50 as margin
    world.buy("market", 1, symbol=ETH)
    assert kinds(world.bar(51, symbol=ETH)) == ["OrderExpired 1"]
    world.buy("market", 1, symbol=ETH)
    assert kinds(world.bar(50, symbol=ETH)) == ["Fill 2"]


def test_spot_does_not_spend_an_open_profit() -> None:
    world = World(perpetual(), spot(ETH), cash=100)
    world.long(5, 100)
    world.bar(120)  # 100 gained, 60 of margin
    world.buy("market", 1, symbol=ETH)
    assert reason(world.bar(41, symbol=ETH)) == "insufficient balance"
    world.buy("market", 1, symbol=ETH)
    assert kinds(world.bar(40, symbol=ETH)) == ["Fill 2"]


# ------------------------------------------------------------------------------------------------------------- margin
@pytest.mark.parametrize(("quantity", "result"), [("9.9", "Fill 1"), ("9.91", "OrderExpired 1")])
def test_a_fill_must_leave_the_initial_margin_after_its_fee(quantity: str, result: str) -> None:
    # 9.9 at 100 is 990: margin 99, fee 0.99; 100 - 0.99 = 99.01
    world = World(perpetual(taker_fee=d("0.001")), cash=100)
    world.buy("market", quantity)
    reports = world.bar(100)
    assert kinds(reports) == [result]
    if result != "Fill 1":
        assert reason(reports) == "insufficient margin"


def test_what_reduces_needs_no_margin() -> None:
    world = World(perpetual(max_leverage=d(2), maintenance_margin=d("0.1")), cash=100)
    world.long(2, 100)
    world.sell("market", 1)
    assert kinds(world.bar(60)) == ["Fill 1"]  # equity 20 is far below the initial margin of 60


def test_a_flip_needs_margin_for_what_it_opens() -> None:
    world = World(cash=100)
    world.long(1)
    world.sell("market", 12)
    assert reason(world.bar(100)) == "insufficient margin"
    world.sell("market", 11)
    assert kinds(world.bar(100)) == ["Fill 2"]
    assert world.venue.position(SYMBOL) == -10


def test_margin_counts_all_symbols_together() -> None:
    world = World(perpetual(), perpetual(ETH), cash=100)
    world.long(5, 100)  # 50 of margin
    world.buy("market", 6, symbol=ETH)
    assert reason(world.bar(100, symbol=ETH)) == "insufficient margin"
    world.buy("market", 5, symbol=ETH)
    assert kinds(world.bar(100, symbol=ETH)) == ["Fill 2"]


def test_margin_counts_the_open_profit_and_loss_of_other_symbols() -> None:
    world = World(perpetual(), perpetual(ETH), cash=100)
    world.long(5, 100)
    world.bar(95)  # 25 lost: equity 75, margin of 47.5
    world.buy("market", "2.76", symbol=ETH)
    assert reason(world.bar(100, symbol=ETH)) == "insufficient margin"
    world.buy("market", "2.75", symbol=ETH)
    assert kinds(world.bar(100, symbol=ETH)) == ["Fill 2"]


def test_what_may_not_be_shorted_is_not() -> None:
    world = World(perpetual(shortable=False))
    world.sell()
    assert reason(world.bar(100)) == "not shortable"


def test_the_wallet_holds_realized_profit_and_fees_equity_open_profit_too() -> None:
    world = World(perpetual(taker_fee=d("0.001"), contract_size=d("0.1")), cash=1000)
    world.buy("market", 30)
    world.bar(100)  # 300 notional, fee 0.3
    world.sell("market", 10)
    world.bar(120)  # 120 notional, fee 0.12, profit 20
    assert world.venue.wallet == d("1019.58")
    assert world.venue.equity({SYMBOL: d(130)}) == d("1079.58")


# -------------------------------------------------------------------------------------------------------- liquidation
# Cash 100, 5 long at 100, maintenance 5%: equity 100 + 5 (P - 100) = 25 P / 100 at P = 400 / 4.75 = 84.2105...
def test_liquidation_at_the_solved_price_rounded_against_us_plus_slippage_and_fee() -> None:
    world = World(perpetual(taker_fee=d("0")), cash=100, slippage=TickSlippage(2))
    world.buy("market", 5)
    world.bar("99.98")  # fills at 100.00
    world.sell("limit", price=120, id="target")
    assert world.bar(100, 100, "84.22", 100) == []
    reports = world.bar(100, 101, "84.21", 100)
    assert kinds(reports) == ["OrderCancelled target", f"Fill liquidation-{SYMBOL}-1"]
    (fill,) = fills(reports)
    assert (fill.price, fill.quantity, fill.liquidity) == (d("84.19"), d(5), Liquidity.TAKER)
    assert world.venue.wallet == 100 - 5 * (100 - d("84.19"))
    assert not world.venue.busy


def test_liquidation_of_a_short() -> None:
    # 100 + 5 (100 - P) = 25 P / 100 at P = 600 / 5.25 = 114.2857...
    world = World(cash=100)
    world.short(5)
    assert world.venue.liquidation_price(SYMBOL) == d("114.2857142857142857142857142")
    assert world.bar(100, "114.28", 100, 100) == []
    assert prices(world.bar(100, "114.29", 100, 100)) == [d("114.29")]


def test_a_gap_liquidates_at_the_open_and_may_leave_a_debt() -> None:
    world = World(cash=100)
    world.long(5)
    opens = world.now
    (fill,) = fills(world.bar(70))
    assert (fill.price, fill.ts) == (d(70), opens)
    assert world.venue.wallet == -50


def test_a_stop_short_of_the_liquidation_price_saves_the_position() -> None:
    world = World(cash=100)
    world.long(5)
    world.sell("stop", 5, stop_price=85, reduce_only=True)
    assert kinds(world.bar(100, 100, 70, 100)) == ["Fill 1"]


def test_a_stop_beyond_the_liquidation_price_comes_too_late() -> None:
    world = World(cash=100)
    world.long(5)
    world.sell("stop", 5, stop_price=84, reduce_only=True)
    assert kinds(world.bar(100, 100, 70, 100)) == ["OrderCancelled 1", f"Fill liquidation-{SYMBOL}-1"]


def test_a_position_opened_at_the_open_may_be_liquidated_in_its_bar() -> None:
    world = World(cash=100)
    world.buy("market", 5)
    assert kinds(world.bar(100, 100, 80, 100)) == ["Fill 1", f"Fill liquidation-{SYMBOL}-1"]


def test_fully_backed_positions_are_liquidated_at_nothing() -> None:
    world = World(perpetual(max_leverage=d(1), maintenance_margin=d(0)), cash=1000)
    world.long(5)
    assert world.venue.liquidation_price(SYMBOL) is None
    assert world.bar(100, 100, "0.01", "0.01") == []


def test_liquidation_with_several_symbols_counts_the_others_loss() -> None:
    world = World(perpetual(), perpetual(ETH), cash=100)
    world.long(4, 100)
    world.buy("market", 4, symbol=ETH)
    world.bar(100, symbol=ETH)
    assert world.bar(90, symbol=ETH) == []  # 40 lost: equity 60, maintenance 38
    # then 60 - 4 x = (4 x 0.05)(100 - x) + 18 at x = 22 / 3.8 = 5.789...
    assert world.bar(100, 100, "94.22", 100) == []
    assert prices(world.bar(100, 100, "94.21", 100)) == [d("94.21")]
    assert world.venue.positions() == {ETH: d(4)}


def test_what_fills_between_bars_is_watched_with_the_others() -> None:
    world = World(perpetual(), perpetual(ETH), cash=100)
    world.long(4, 100)
    world.bar(100)
    world.buy("market", 4, symbol=ETH)
    world.bar(100, symbol=ETH)
    world.now -= MINUTE
    world.buy("market", 1, at=world.now - 1)  # inside the bar that was played: 5 and 4 held
    world.bar(90, symbol=ETH)  # equity 60
    world.now -= MINUTE
    # 60 - 5 x = (5 x 0.05)(100 - x) + 18 at x = 17 / 4.75 = 3.578...
    assert world.bar(100, 100, "96.43", 100) == []
    assert prices(world.bar(100, 100, "96.42", 100)) == [d("96.42")]


def test_the_survivor_of_two_is_watched_alone_again() -> None:
    world = World(perpetual(), perpetual(ETH), cash=100)
    world.long(4, 100)
    world.buy("market", 4, symbol=ETH)
    world.bar(100, symbol=ETH)
    world.sell("market", 4, symbol=ETH)
    world.bar(90, symbol=ETH)  # wallet 60
    # 60 + 4 (P - 100) = 0.2 P at P = 340 / 3.8 = 89.47...
    assert world.bar(100, 100, "89.48", 100) == []
    assert prices(world.bar(100, 100, "89.47", 100)) == [d("89.47")]


def test_marks_decide_liquidation_where_they_are_streamed() -> None:
    world = World(cash=100)
    world.long(5)
    assert world.mark(95) == []
    assert world.bar(100, 100, 70, 90) == []  # what trades no longer counts
    assert prices(world.mark(84)) == [d(84)]


def test_marks_of_several_symbols_count_together() -> None:
    world = World(perpetual(), perpetual(ETH), cash=100)
    world.long(4, 100)
    world.buy("market", 4, symbol=ETH)
    world.bar(100, symbol=ETH)
    assert world.mark(100) == world.mark(90, ETH) == []
    assert world.mark("94.22") == []  # as for candles: 22 / 3.8 below 100
    assert prices(world.mark("94.21")) == [d("94.21")]


def test_a_quote_liquidates_a_long_on_its_bid() -> None:
    world = World(cash=100)
    world.quote(99, 100)
    world.buy("market", 5)
    assert world.quote("84.22", 100) == []
    assert prices(world.quote("84.21", 100)) == [d("84.21")]


def test_a_print_liquidates() -> None:
    world = World(cash=100)
    world.long(5)
    assert world.trade("84.22") == []
    assert prices(world.trade(80)) == [d(80)]


# ------------------------------------------------------------------------------------------------------------ funding
@pytest.mark.parametrize(("side", "amount"), [("long", "-0.11"), ("short", "0.11")])
def test_longs_pay_shorts_when_the_rate_is_positive(side: str, amount: str) -> None:
    world = World(perpetual(contract_size=d("0.1")))
    getattr(world, side)(10, 100)
    world.bar(110)
    (payment,) = world.funding("0.001")
    assert isinstance(payment, FundingPayment)
    assert (payment.amount, payment.rate, abs(payment.position)) == (d(amount), d("0.001"), d(10))
    assert world.venue.wallet == 100_000 + d(amount)


def test_funding_is_settled_at_the_mark_price_where_there_is_one() -> None:
    world = World()
    world.long(1, 100)
    world.mark(120)
    (payment,) = world.funding("0.01")
    assert isinstance(payment, FundingPayment)
    assert payment.amount == d("-1.2")


def test_funding_is_cut_against_us() -> None:
    world = World()
    world.long(1, 100)
    assert world.funding("0.000000000000015")[0].amount == d("-0.000000000002")  # type: ignore[union-attr]
    world.sell("market", 2)
    world.bar(100)
    assert world.funding("0.000000000000015")[0].amount == d("0.000000000001")  # type: ignore[union-attr]


def test_nothing_is_funded_without_a_perpetual_position() -> None:
    world = World(spot())
    world.buy()
    world.bar(100)
    assert world.funding("0.01") == []
    assert World().funding("0.01") == []


def test_funding_may_liquidate() -> None:
    world = World(cash=100)
    world.long(5)
    reports = world.funding("0.2")  # pays all 100
    assert kinds(reports) == ["FundingPayment", f"Fill liquidation-{SYMBOL}-1"]
    assert prices(reports) == [d(100)]


def test_the_venue_is_busy_only_while_a_fact_could_do_something() -> None:
    world = World()
    told = [world.venue.busy]
    world.buy("limit", price=90)
    told.append(world.venue.busy)
    world.cancel("1")
    told.append(world.venue.busy)
    world.long()
    told.append(world.venue.busy)
    world.sell()
    world.bar(100)
    told.append(world.venue.busy)
    assert told == [False, True, False, True, False]
