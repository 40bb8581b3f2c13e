"""The fill rules for candles, each as an example worked by hand."""

from __future__ import annotations

import pytest

from kedge.model.facts import Liquidity, OrderAccepted
from kedge.model.market import Candle
from kedge.model.order import TimeInForce
from kedge.venues.sim.slippage import BpsSlippage, LinearImpact, TickSlippage
from tests.venues.sim.world import MINUTE, SYMBOL, World, d, fills, kinds, perpetual, prices, reason, spot

IOC, FOK, GTD = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD


# ------------------------------------------------------------------------------------------------------ market orders
def test_market_order_fills_at_the_open_as_taker() -> None:
    world = World()
    assert kinds(world.buy()) == ["OrderAccepted 1"]
    (fill,) = fills(world.bar(100, 110, 90, 105))
    assert (fill.price, fill.quantity, fill.ts, fill.liquidity) == (d(100), d(1), MINUTE, Liquidity.TAKER)


@pytest.mark.parametrize(("side", "price", "slip"), [("buy", "100.05", "0.05"), ("sell", "99.95", "0.05")])
def test_slippage_worsens_a_market_order(side: str, price: str, slip: str) -> None:
    world = World(slippage=BpsSlippage(d(5)))
    getattr(world, side)()
    (fill,) = fills(world.bar(100))
    assert (fill.price, fill.slippage) == (d(price), d(slip))


@pytest.mark.parametrize(("side", "price"), [("buy", "100.04"), ("sell", "99.96")])
def test_a_worsened_price_is_rounded_to_the_tick_against_us(side: str, price: str) -> None:
    world = World(slippage=BpsSlippage(d("3.1")))  # 0.031 a unit
    getattr(world, side)()
    assert prices(world.bar(100)) == [d(price)]


@pytest.mark.parametrize(("side", "price"), [("buy", "100.01"), ("sell", "100.00")])
def test_an_open_off_the_grid_is_rounded_against_us(side: str, price: str) -> None:
    world = World()
    getattr(world, side)()
    (fill,) = fills(world.bar("100.0042"))
    assert fill.price == d(price)
    assert fill.slippage == abs(d(price) - d("100.0042"))


def test_an_order_that_arrives_at_the_close_waits_for_the_next_open() -> None:
    world = World()
    world.long()
    world.sell(at=world.now + MINUTE)
    assert prices(world.bar(90)) == []
    assert prices(world.bar(80)) == [d(80)]


@pytest.mark.parametrize(("side", "price"), [("buy", 104), ("sell", 100)])
@pytest.mark.parametrize("played_before", [True, False])
def test_a_market_order_inside_a_bar_takes_the_worse_of_open_and_close(
    side: str, price: int, played_before: bool
) -> None:
    world = World()
    inside = world.now + MINUTE // 2
    if played_before:  # in reaction to something that happened at the open
        world.sell(id="other")
        world.bar(100, 109, 91, 104)
        reports = getattr(world, side)(at=inside)
    else:
        getattr(world, side)(at=inside)
        reports = world.bar(100, 109, 91, 104)
    (fill,) = fills(reports)
    assert (fill.price, fill.ts) == (d(price), 2 * MINUTE)


def test_a_resting_order_that_arrives_inside_a_bar_works_from_the_next_one() -> None:
    world = World()
    world.buy("limit", price=95, at=world.now + 1)
    assert world.bar(100, 101, 90, 100) == []
    assert prices(world.bar(100, 101, 94, 100)) == [d(95)]


def test_a_bar_or_trade_that_is_not_believed_did_not_happen() -> None:
    world = World(believes=lambda fact: (fact.low if type(fact) is Candle else fact.price) > 50)
    world.long()
    world.sell("stop", stop_price=90)
    world.buy("limit", price=60)
    assert world.bar(100, 100, 20, 100) == []
    assert [fill.side for fill in fills(world.bar(100, 100, 85, 100))] == ["sell"]


def test_a_quiet_bar_that_is_not_believed_after_all_leaves_the_price_of_the_one_before() -> None:
    world = World()
    world.long()
    world.bar(100)
    bar = Candle(world.now, d(300), d(300), d(300), d(300), d(1), SYMBOL, MINUTE)
    assert world.venue.on_market(bar) == ()
    world.venue.forget(bar)
    assert world.venue.snapshot()["listings"][SYMBOL]["price"] == "100"


def test_a_bar_that_contradicts_itself_does_nothing() -> None:
    world = World()
    world.long()
    world.sell()
    for bad in (
        (100, 90, 110, 100),
        (100, 101, 99, 105),
        ("NaN", 101, 99, 100),
        (100, "Infinity", 99, 100),
        (0, 1, 0, 1),
    ):
        assert world.bar(*bad) == []
    assert prices(world.bar(70)) == [d(70)]


def test_a_bar_that_is_no_number_does_nothing_to_a_quiet_position() -> None:
    world = World()
    world.long()
    assert world.bar("NaN", "NaN", "NaN", "NaN") == []
    world.short(2)
    assert world.bar("NaN", "NaN", "NaN", "NaN") == []


# ------------------------------------------------------------------------------------------------------- limit orders
def test_a_marketable_limit_takes_at_the_open() -> None:
    world = World(slippage=TickSlippage(3))
    world.buy("limit", price=102)
    (fill,) = fills(world.bar(100))
    assert (fill.price, fill.liquidity, fill.slippage) == (d("100.03"), Liquidity.TAKER, d("0.03"))


@pytest.mark.parametrize(("side", "limit"), [("buy", "100.02"), ("sell", "99.98")])
def test_slippage_never_passes_a_limit(side: str, limit: str) -> None:
    world = World(slippage=TickSlippage(3))
    getattr(world, side)("limit", price=limit)
    (fill,) = fills(world.bar(100))
    assert (fill.price, fill.slippage) == (d(limit), d("0.02"))


@pytest.mark.parametrize(("side", "limit", "extreme"), [("buy", 95, 95), ("sell", 105, 105)])
def test_a_limit_that_is_only_touched_does_not_fill(side: str, limit: int, extreme: int) -> None:
    world = World()
    getattr(world, side)("limit", price=limit)
    assert world.bar(100, max(100, extreme), min(100, extreme), 100) == []


@pytest.mark.parametrize(("side", "limit", "extreme"), [("buy", 95, "94.99"), ("sell", 105, "105.01")])
def test_a_limit_traded_through_fills_at_its_limit_as_maker(side: str, limit: int, extreme: str) -> None:
    world = World(slippage=BpsSlippage(d(50)))
    getattr(world, side)("limit", price=limit)
    (fill,) = fills(world.bar(100, max(d(100), d(extreme)), min(d(100), d(extreme)), 100))
    assert (fill.price, fill.liquidity, fill.slippage, fill.ts) == (d(limit), Liquidity.MAKER, d(0), 2 * MINUTE)


def test_a_resting_limit_gains_nothing_from_a_gap_beyond_it() -> None:
    world = World()
    world.buy("limit", price=95)
    world.bar(100)
    (fill,) = fills(world.bar(90, 91, 89, 90))
    assert (fill.price, fill.liquidity, fill.ts) == (d(95), Liquidity.MAKER, 2 * MINUTE)


@pytest.mark.parametrize("opened", [99, 100])
def test_post_only_that_would_take_at_its_first_open_ends(opened: int) -> None:
    world = World()
    world.buy("limit", price=100, post_only=True)
    reports = world.bar(opened)
    assert kinds(reports) == ["OrderExpired 1"]
    assert reason(reports) == "post_only would take"


def test_post_only_that_would_not_take_rests() -> None:
    world = World()
    world.buy("limit", price=99, post_only=True)
    assert world.bar(100, 101, 99, 100) == []
    (fill,) = fills(world.bar(98))
    assert (fill.price, fill.liquidity) == (d(99), Liquidity.MAKER)


# -------------------------------------------------------------------------------------------------------------- stops
@pytest.mark.parametrize(("side", "stop", "extreme"), [("sell", 95, 95), ("buy", 105, 105)])
def test_a_stop_triggers_on_a_touch_and_fills_at_the_stop_worsened(side: str, stop: int, extreme: int) -> None:
    world = World(slippage=TickSlippage(1))
    getattr(world, side)("stop", stop_price=stop)
    (fill,) = fills(world.bar(100, max(100, extreme), min(100, extreme), 100))
    assert fill.price == (d("94.99") if side == "sell" else d("105.01"))
    assert (fill.liquidity, fill.slippage, fill.ts) == (Liquidity.TAKER, d("0.01"), 2 * MINUTE)


@pytest.mark.parametrize(("side", "stop", "opened"), [("sell", 95, 90), ("buy", 105, 110)])
@pytest.mark.parametrize("rested", [True, False])
def test_a_stop_beyond_which_the_market_opens_fills_at_the_open(
    side: str, stop: int, opened: int, rested: bool
) -> None:
    world = World()
    getattr(world, side)("stop", stop_price=stop)
    if rested:
        world.bar(100)
    at = world.now
    (fill,) = fills(world.bar(opened, 120, 80, 100))
    assert (fill.price, fill.ts) == (d(opened), at)


def test_a_stop_is_taken_before_a_take_profit_of_the_same_bar() -> None:
    world = World()
    world.long()
    world.sell("limit", price=105, reduce_only=True, id="profit")
    world.sell("stop", stop_price=95, reduce_only=True, id="loss")
    reports = world.bar(100, 106, 94, 105)
    assert kinds(reports) == ["Fill loss", "OrderCancelled profit"]
    assert prices(reports) == [d(95)]
    assert reason(reports) == "nothing left to reduce"


def test_a_stop_is_taken_before_a_take_profit_of_a_short_too() -> None:
    world = World()
    world.short()
    world.buy("take_profit", stop_price=95, reduce_only=True, id="profit")
    world.buy("stop", stop_price=105, reduce_only=True, id="loss")
    assert kinds(world.bar(100, 106, 94, 95)) == ["Fill loss", "OrderCancelled profit"]


def test_the_open_tells_that_a_take_profit_came_first() -> None:
    world = World()
    world.long()
    world.sell("stop", stop_price=95, reduce_only=True, id="loss")
    world.sell("limit", price=105, reduce_only=True, id="profit")
    world.bar(100)
    assert kinds(world.bar(106, 106, 94, 95)) == ["Fill profit", "OrderCancelled loss"]


def test_stops_that_the_open_has_passed_come_before_limits() -> None:
    world = World()
    world.sell("limit", price=103, id="limit")
    world.buy("stop", stop_price=105, id="stop")
    world.bar(100)
    assert kinds(world.bar(110)) == ["Fill stop", "Fill limit"]


def test_a_stop_and_a_limit_that_protect_nothing_of_each_other_both_fill() -> None:
    world = World()
    world.sell("stop", stop_price=95, id="down")
    world.buy("stop", stop_price=105, id="up")
    assert kinds(world.bar(100, 106, 94, 100)) == ["Fill down", "Fill up"]


def test_what_is_entered_in_a_bar_may_be_stopped_in_it() -> None:
    world = World()
    world.buy("limit", price=98, id="entry")
    world.sell("stop", stop_price=95, reduce_only=True, id="loss")
    assert kinds(world.bar(100, 101, 94, 100)) == ["Fill entry", "Fill loss"]


def test_a_stop_touched_before_the_entry_is_tried_again_after_it() -> None:
    world = World()
    world.buy("stop", stop_price=103, id="entry")
    world.sell("stop", stop_price=97, reduce_only=True, id="loss")
    reports = world.bar(100, 104, 96, 100)
    assert kinds(reports) == ["Fill entry", "Fill loss"]
    assert world.venue.position("BTC-USD") == 0


@pytest.mark.parametrize("profit", [{"kind": "limit", "price": 103}, {"kind": "take_profit", "stop_price": 103}])
def test_what_is_entered_in_a_bar_takes_no_profit_in_it(profit: dict[str, object]) -> None:
    world = World()
    world.buy("limit", price=98, id="entry")
    world.sell(**profit, reduce_only=True, id="profit")  # type: ignore[arg-type]
    assert kinds(world.bar(100, 104, 97, 100)) == ["Fill entry"]
    assert kinds(world.bar(100, 104, 97, 100)) == ["Fill profit"]


def test_only_what_was_held_before_the_bar_takes_profit_in_it() -> None:
    world = World()
    world.long(1)
    world.buy("limit", 1, price=98, id="more")
    world.sell("limit", 1, price=103, reduce_only=True, id="p1")
    world.sell("limit", 1, price=104, reduce_only=True, id="p2")
    assert kinds(world.bar(100, 105, 97, 100)) == ["Fill more", "Fill p1"]
    assert kinds(world.bar(100, 105, 97, 100)) == ["Fill p2"]


def test_orders_on_one_side_are_reached_nearest_first() -> None:
    world = World()
    world.sell("stop", stop_price=93, id="far")
    world.sell("stop", stop_price=97, id="near")
    world.buy("limit", price=95, id="between")
    assert kinds(world.bar(100, 100, 90, 92)) == ["Fill near", "Fill between", "Fill far"]


# --------------------------------------------------------------------------------------------------------- stop-limits
def test_a_stop_limit_fills_in_its_bar_only_if_the_close_proves_it() -> None:
    world = World()
    world.sell("stop_limit", stop_price=95, price=94)
    (fill,) = fills(world.bar(100, 101, 93, "94.01"))
    assert (fill.price, fill.liquidity, fill.ts) == (d(94), Liquidity.TAKER, 2 * MINUTE)


@pytest.mark.parametrize("close", [94, 93])
def test_a_triggered_stop_limit_waits_when_the_close_proves_nothing(close: int) -> None:
    world = World()
    world.sell("stop_limit", stop_price=95, price=94)
    assert world.bar(100, 101, 93, close) == []
    assert world.bar(93, 94, 92, 93) == []  # touched is not through
    (fill,) = fills(world.bar(93, "94.01", 92, 93))
    assert (fill.price, fill.liquidity) == (d(94), Liquidity.MAKER)


def test_a_stop_limit_gapped_over_waits_at_its_limit() -> None:
    world = World()
    world.buy("stop_limit", stop_price=105, price=106)
    world.bar(100)
    assert world.bar(110, 111, 105, 110) == []  # triggered at the open; the close is not below 106
    assert prices(world.bar(110, 111, 105, 110)) == [d(106)]


# --------------------------------------------------------------------------------------------------------- take-profit
@pytest.mark.parametrize(("side", "level", "extreme"), [("sell", 105, 105), ("buy", 95, 95)])
def test_a_take_profit_only_touched_does_not_trigger(side: str, level: int, extreme: int) -> None:
    world = World()
    getattr(world, side)("take_profit", stop_price=level)
    assert world.bar(100, max(100, extreme), min(100, extreme), 100) == []


@pytest.mark.parametrize(("side", "level", "price"), [("sell", 105, "104.99"), ("buy", 95, "95.01")])
def test_a_take_profit_traded_through_is_a_market_order_at_its_level(side: str, level: int, price: str) -> None:
    world = World(slippage=TickSlippage(1))
    getattr(world, side)("take_profit", stop_price=level)
    (fill,) = fills(world.bar(100, 106, 94, 100))
    assert (fill.price, fill.liquidity) == (d(price), Liquidity.TAKER)


def test_a_take_profit_gains_nothing_from_a_gap() -> None:
    world = World()
    world.sell("take_profit", stop_price=105)
    world.bar(100)
    assert prices(world.bar(110)) == [d(105)]


def test_a_take_profit_with_a_price_becomes_a_limit_order() -> None:
    world = World()
    world.sell("take_profit", stop_price=105, price=106)
    assert world.bar(100, 107, 99, 106) == []  # triggered; the close does not lie beyond 106
    assert prices(world.bar(100, 107, 99, 100)) == [d(106)]


# ------------------------------------------------------------------------------------------------------- trailing stop
def test_a_trailing_stop_ratchets_after_the_adverse_extreme_was_tested() -> None:
    world = World()
    world.long()
    world.sell("trailing_stop", trail=5, reduce_only=True)
    assert world.bar(100, 110, 96, 106) == []  # stop at 95 until the bar is over, then 105
    (fill,) = fills(world.bar(106, 107, 104, 106))
    assert fill.price == d(105)


def test_a_trailing_stop_of_a_short_follows_the_low() -> None:
    world = World()
    world.short()
    world.buy("trailing_stop", trail=5, reduce_only=True)
    assert world.bar(100, 104, 90, 94) == []
    assert prices(world.bar(94, 96, 93, 94)) == [d(95)]


def test_a_trailing_stop_never_loosens() -> None:
    world = World()
    world.long()
    world.sell("trailing_stop", trail=5, reduce_only=True)
    world.bar(100, 108, 100, 108)
    assert world.bar(104, 104, "103.01", 104) == []
    assert prices(world.bar(104, 104, 103, 104)) == [d(103)]


def test_a_trailing_stop_of_a_short_never_loosens() -> None:
    world = World()
    world.short()
    world.buy("trailing_stop", trail=5, reduce_only=True)
    world.bar(100, 100, 92, 92)
    assert world.bar(96, "96.99", 96, 96) == []
    assert prices(world.bar(96, 97, 96, 96)) == [d(97)]


def test_the_close_proves_that_a_ratcheted_stop_was_hit() -> None:
    world = World()
    world.long()
    world.sell("trailing_stop", trail=5, reduce_only=True)
    assert prices(world.bar(100, 110, 99, 101)) == [d(101)]  # 110 - 5 = 105 lies between the high and the close


# -------------------------------------------------------------------------------------------------- times in force
def test_an_ioc_that_is_not_marketable_expires_at_the_open() -> None:
    world = World()
    world.buy("limit", price=99, time_in_force=IOC)
    reports = world.bar(100, 101, 90, 100)
    assert kinds(reports) == ["OrderExpired 1"]
    assert reports[0].ts == MINUTE


def test_an_ioc_takes_what_there_is_and_the_rest_expires() -> None:
    world = World(participation=d("0.1"))
    world.buy("limit", 5, price=101, time_in_force=IOC)
    reports = world.bar(100, volume=20)
    assert kinds(reports) == ["Fill 1", "OrderExpired 1"]
    assert fills(reports)[0].quantity == 2
    assert reports[-1].filled == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(("volume", "expected"), [(50, "Fill 1"), (49, "OrderExpired 1")])
def test_a_fok_fills_whole_or_expires(volume: int, expected: str) -> None:
    world = World(participation=d("0.1"))
    world.buy("market", 5, time_in_force=FOK)
    assert kinds(world.bar(100, volume=volume)) == [expected]


def test_a_gtd_order_expires_at_its_time() -> None:
    world = World()
    world.buy("limit", price=95, time_in_force=GTD, expires_ns=world.now + MINUTE)
    assert world.bar(100) == []
    reports = world.bar(90)
    assert kinds(reports) == ["OrderExpired 1"]
    assert (reports[0].ts, reason(reports)) == (2 * MINUTE, "time is up")


def test_a_gtd_order_that_expires_inside_a_bar_has_only_its_open() -> None:
    world = World()
    ends = world.now + MINUTE // 2
    world.buy("limit", price=95, time_in_force=GTD, expires_ns=ends)
    world.buy("limit", price=101, time_in_force=GTD, expires_ns=ends)
    reports = world.bar(100, 101, 90, 95)
    assert kinds(reports) == ["Fill 2", "OrderExpired 1"]
    assert reports[1].ts == ends


def test_a_gtd_order_filled_in_part_expires_after_that_fill_is_known() -> None:
    """A stateful test found the expiry told before the fill that it counts, which is known at the close only."""
    world = World(participation=d("0.1"))
    ends = world.now + 1
    world.buy("market", 5, time_in_force=GTD, expires_ns=ends)
    close = world.now + MINUTE
    reports = world.bar(100, volume=10)
    assert [(type(report).__name__, report.ts) for report in reports] == [("Fill", close), ("OrderExpired", close)]
    assert getattr(reports[1], "filled", None) == fills(reports)[0].quantity == 1


# -------------------------------------------------------------------------------------------------------- reduce-only
def test_a_reduce_only_order_is_cut_down_to_the_position() -> None:
    world = World()
    world.long(2)
    world.sell("market", 5, reduce_only=True)
    reports = world.bar(100)
    assert kinds(reports) == ["Fill 1", "OrderCancelled 1"]
    assert fills(reports)[0].quantity == 2
    assert world.venue.position("BTC-USD") == 0


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_reduce_only_order_with_nothing_to_reduce_is_cancelled(side: str) -> None:
    world = World()
    if side == "buy":
        world.long()
    getattr(world, side)(reduce_only=True)
    reports = world.bar(100)
    assert kinds(reports) == ["OrderCancelled 1"]
    assert reason(reports) == "nothing left to reduce"


# ------------------------------------------------------------------------------------------- participation, impact
def test_participation_fills_in_parts_and_the_rest_keeps_working() -> None:
    world = World(participation=d("0.1"))
    world.buy("market", 5)
    quantities = [fill.quantity for _ in range(4) for fill in fills(world.bar(100, volume=20))]
    assert quantities == [2, 2, 1]


def test_participation_is_shared_by_all_orders_of_a_bar() -> None:
    world = World(participation=d("0.1"))
    world.buy("market", 3, id="a")
    world.buy("limit", 3, price=99, id="b")
    reports = world.bar(100, 101, 98, 100, volume=40)
    assert [(fill.order_id, fill.quantity) for fill in fills(reports)] == [("a", d(3)), ("b", d(1))]


def test_participation_holds_for_what_arrives_inside_a_bar_too() -> None:
    world = World(participation=d("0.1"))
    world.long()
    world.bar(100, volume=30)
    (fill,) = fills(world.sell("market", 5, at=world.now - 1))
    assert fill.quantity == 3


def test_participation_counts_contracts_not_base_units() -> None:
    world = World(perpetual(contract_size=d("0.01")), participation=d("0.1"))
    world.buy("market", 10_000)
    assert [fill.quantity for fill in fills(world.bar(100, volume=10))] == [100]  # 10 base are 1,000 contracts


def test_a_stop_cut_by_participation_goes_on_as_a_market_order() -> None:
    world = World(participation=d("0.1"))
    world.sell("stop", 3, stop_price=95)
    assert [fill.quantity for fill in fills(world.bar(100, 100, 94, 99, volume=20))] == [2]
    (rest,) = fills(world.bar(99, volume=20))
    assert (rest.price, rest.quantity) == (d(99), d(1))


def test_impact_grows_with_our_share_of_the_volume() -> None:
    world = World(slippage=LinearImpact(d("0.1")))
    world.buy("market", 10)
    (fill,) = fills(world.bar(100, volume=100))
    assert fill.price == d(101)


def test_what_depends_on_the_volume_is_reported_at_the_close() -> None:
    world = World(participation=d("0.1"))
    world.buy("market", 1)
    assert [report.ts for report in world.bar(100)] == [2 * MINUTE]


# ---------------------------------------------------------------------------------------------------------- cancels
def test_a_cancel_between_bars_takes_effect_at_once() -> None:
    world = World()
    world.buy("limit", price=95)
    world.bar(100)
    assert kinds(world.cancel("1")) == ["OrderCancelled 1"]
    assert world.bar(90) == []


def test_a_cancel_inside_a_bar_is_too_late_for_it() -> None:
    world = World()
    world.buy("limit", price=95, id="hit")
    world.buy("limit", price=85, id="missed")
    world.bar(100)
    inside = world.now + 1
    assert world.cancel("hit", at=inside) == world.cancel("missed", at=inside) == []
    reports = world.bar(100, 100, 90, 100)
    assert kinds(reports) == ["Fill hit", "CancelRejected hit", "OrderCancelled missed"]
    assert {report.ts for report in reports} == {3 * MINUTE}


def test_a_cancel_at_the_very_close_takes_effect_there() -> None:
    world = World()
    world.buy("limit", price=95)
    world.bar(100)
    closes = world.now + MINUTE
    assert world.cancel("1", at=closes) == []
    reports = world.bar(100)
    assert kinds(reports) == ["OrderCancelled 1"]
    assert reports[0].ts == closes


def test_a_cancel_from_after_the_bar_leaves_its_order_working_in_it() -> None:
    world = World()
    world.buy("limit", price=95)
    world.bar(100)
    assert world.cancel("1", at=world.now + MINUTE + 1) == world.bar(100) == []
    assert prices(world.bar(100, 100, 90, 100)) == [d(95)]


def test_a_cancel_that_comes_too_late_is_refused_when_its_order_has_ended() -> None:
    world = World()
    world.buy("limit", price=95, id="filled")
    world.buy("limit", price=85, time_in_force=GTD, expires_ns=world.now + MINUTE + 5, id="expired")
    world.bar(100)
    for order_id in ("filled", "expired"):
        assert world.cancel(order_id, at=world.now + 9) == []
    reports = world.bar(100, 100, 90, 100)
    assert kinds(reports) == [
        "OrderExpired expired",
        "CancelRejected expired",
        "Fill filled",
        "CancelRejected filled",
    ]


def test_a_cancel_that_arrives_by_the_open_is_in_time() -> None:
    world = World()
    world.buy("limit", price=95)
    world.bar(100)
    world.now += MINUTE  # a bar is missing
    assert world.cancel("1") == []
    reports = world.bar(90)
    assert kinds(reports) == ["OrderCancelled 1"]
    assert reports[0].ts == 3 * MINUTE


def test_an_order_accepted_inside_an_idle_venue_reports_its_arrival() -> None:
    assert World(spot()).buy(at=7) == [OrderAccepted(7, "1", "x1")]
