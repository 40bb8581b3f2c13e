"""The fill rules for trades, quotes and books, each as an example worked by hand."""

from __future__ import annotations

import pytest

from kedge.model.facts import Liquidity
from kedge.model.order import Side, TimeInForce
from kedge.venues.sim.queue import BackOfQueue
from kedge.venues.sim.slippage import TickSlippage
from tests.venues.sim.world import World, d, fills, kinds, prices, reason, spot

IOC, FOK = TimeInForce.IOC, TimeInForce.FOK


# ------------------------------------------------------------------------------------------------------------- trades
@pytest.mark.parametrize(("side", "price"), [("buy", "100.01"), ("sell", "99.99")])
def test_a_market_order_fills_at_the_next_print_worsened(side: str, price: str) -> None:
    world = World(slippage=TickSlippage(1))
    world.trade(90)
    assert len(getattr(world, side)()) == 1
    (fill,) = fills(world.trade(100))
    assert (fill.price, fill.liquidity) == (d(price), Liquidity.TAKER)


def test_a_limit_fills_when_a_trade_prints_through_it() -> None:
    world = World()
    world.buy("limit", price=95)
    assert world.trade(100) == world.trade(95) == []
    (fill,) = fills(world.trade("94.99"))
    assert (fill.price, fill.liquidity) == (d(95), Liquidity.MAKER)


def test_a_limit_that_is_marketable_takes_the_next_print() -> None:
    world = World(slippage=TickSlippage(1))
    world.buy("limit", price=101)
    (fill,) = fills(world.trade(100))
    assert (fill.price, fill.liquidity) == (d("100.01"), Liquidity.TAKER)


def test_a_stop_fills_at_the_worse_of_its_level_and_the_print_that_triggers_it() -> None:
    world = World()
    world.long()
    world.trade(100)
    world.sell("stop", stop_price=95, reduce_only=True)
    assert world.trade(96) == []
    assert prices(world.trade(94)) == [d(94)]


def test_a_take_profit_fills_at_its_level_when_a_trade_prints_through_it() -> None:
    world = World()
    world.sell("take_profit", stop_price=105)
    assert world.trade(100) == world.trade(105) == []
    assert prices(world.trade(106)) == [d(105)]


def test_a_trailing_stop_follows_every_print() -> None:
    world = World()
    world.sell("trailing_stop", trail=5)
    for price in (100, 104, 102, 103):
        assert world.trade(price) == []
    assert prices(world.trade(99)) == [d(99)]


def test_a_stop_limit_triggered_by_a_print_needs_a_later_one() -> None:
    world = World()
    world.sell("stop_limit", stop_price=95, price=94)
    assert world.trade(100) == world.trade("94.5") == []
    assert prices(world.trade("94.1")) == [d(94)]


def test_an_ioc_stop_limit_has_one_print_after_its_trigger() -> None:
    world = World()
    world.sell("stop_limit", stop_price=95, price=94, time_in_force=IOC)
    assert world.trade(100) == world.trade(95) == []
    assert kinds(world.trade(93)) == ["OrderExpired 1"]


def test_participation_bounds_what_one_print_gives() -> None:
    world = World(participation=d("0.5"))
    world.buy("market", 3)
    assert [fill.quantity for _ in range(3) for fill in fills(world.trade(100, 3))] == [d("1.5"), d("1.5")]


def test_once_finer_data_was_seen_candles_match_nothing() -> None:
    world = World()
    world.trade(100)
    world.buy()
    assert world.bar(90) == []
    assert prices(world.trade(101)) == [d(101)]


@pytest.mark.parametrize("bad", ["NaN", 0, -1, "Infinity"])
def test_a_trade_without_a_price_or_size_is_ignored(bad: object) -> None:
    world = World()
    world.buy()
    assert world.trade(bad) == world.trade(100, bad) == []


# -------------------------------------------------------------------------------------------------------------- queue
def test_without_a_queue_model_a_trade_at_the_limit_fills_nothing() -> None:
    world = World()
    world.quote(99, 101)
    world.buy("limit", price=99)
    assert world.trade(99, 1_000, Side.SELL) == []


def test_with_a_queue_model_the_volume_ahead_trades_first() -> None:
    world = World(queue=BackOfQueue())
    world.quote(99, 101, bid_size=10)
    world.buy("limit", 2, price=99)
    assert world.trade(99, 7, Side.SELL) == []
    assert world.trade(99, 50, Side.BUY) == []  # buyers do not consume bids
    (fill,) = fills(world.trade(99, 4, Side.SELL))
    assert (fill.price, fill.quantity, fill.liquidity) == (d(99), d(1), Liquidity.MAKER)
    assert [fill.quantity for fill in fills(world.trade(99, 5, Side.SELL))] == [1]


def test_no_more_is_ahead_than_the_level_shows() -> None:
    world = World(queue=BackOfQueue())
    world.quote(99, 101, bid_size=10)
    world.buy("limit", 2, price=99)
    world.quote(99, 101, bid_size=1)
    assert [fill.quantity for fill in fills(world.trade(99, 2, Side.SELL))] == [1]


def test_hidden_volume_is_ahead_too() -> None:
    world = World(queue=BackOfQueue(hidden=d("0.5")))
    world.quote(99, 101, bid_size=10)
    world.buy("limit", 2, price=99)
    assert world.trade(99, 15, Side.SELL) == []


def test_one_trade_passes_our_own_orders_in_turn() -> None:
    world = World(queue=BackOfQueue())
    world.quote(98, 101)
    world.buy("limit", 2, price=99, id="first")
    world.buy("limit", 2, price=99, id="second")
    filled = [(fill.order_id, fill.quantity) for fill in fills(world.trade(99, 3, Side.SELL))]
    assert filled == [("first", d(2)), ("second", d(1))]


# ------------------------------------------------------------------------------------------------- quotes and books
ASKS = [(101, 2), (102, 3), (104, 5)]
BIDS = [(99, 2), (98, 3), (96, 5)]


def test_a_market_order_walks_the_book_at_arrival() -> None:
    world = World()
    world.book(BIDS, ASKS)
    reports = world.buy("market", 4)
    assert kinds(reports) == ["OrderAccepted 1", "Fill 1", "Fill 1"]
    assert [(fill.price, fill.quantity, fill.slippage) for fill in fills(reports)] == [
        (d(101), d(2), d(0)),
        (d(102), d(2), d(1)),
    ]


def test_a_market_order_larger_than_the_book_waits_for_new_liquidity() -> None:
    world = World()
    world.quote(99, 101, ask_size=2)
    assert [fill.quantity for fill in fills(world.buy("market", 5))] == [2]
    assert world.quote(98, 100, ask_size=0) == []
    assert [(fill.price, fill.quantity) for fill in fills(world.quote(98, 103, ask_size=9))] == [(d(103), d(3))]


def test_an_ioc_larger_than_the_book_expires_with_the_rest() -> None:
    world = World()
    world.quote(99, 101, ask_size=2)
    assert kinds(world.buy("market", 5, time_in_force=IOC)) == ["OrderAccepted 1", "Fill 1", "OrderExpired 1"]


def test_a_fok_larger_than_the_book_fills_nothing() -> None:
    world = World()
    world.book(BIDS, ASKS)
    assert kinds(world.buy("limit", 6, price=102, time_in_force=FOK)) == ["OrderAccepted 1", "OrderExpired 1"]
    assert len(fills(world.buy("limit", 5, price=102, time_in_force=FOK))) == 2


def test_an_empty_side_gives_nothing() -> None:
    world = World()
    world.book(BIDS, [])
    assert kinds(world.buy("market", time_in_force=IOC)) == ["OrderAccepted 1", "OrderExpired 1"]
    assert kinds(world.buy()) == ["OrderAccepted 2"]
    assert prices(world.book(BIDS, ASKS)) == [d(101)]


def test_the_same_liquidity_is_not_taken_twice() -> None:
    world = World()
    world.book(BIDS, ASKS)
    world.buy("market", 2)
    assert prices(world.buy("market", 1)) == [d(102)]
    assert prices(world.book(BIDS, ASKS)) == []
    assert prices(world.buy("market", 1)) == [d(101)]


def test_a_delta_renews_only_the_levels_it_names() -> None:
    world = World()
    world.book(BIDS, ASKS)
    world.buy("market", 5)
    world.delta([], [(102, 1), (103, 1)])
    assert prices(world.buy("market", 3)) == [d(102), d(103), d(104)]


def test_a_delta_of_size_zero_removes_a_level() -> None:
    world = World()
    world.book(BIDS, ASKS)
    world.delta([(99, 0)], [(101, 0)])
    assert prices(world.buy()) == [d(102)]
    assert prices(world.sell()) == [d(98)]


def test_participation_does_not_bound_what_a_book_shows() -> None:
    world = World(participation=d("0.1"))
    world.book(BIDS, ASKS)
    world.sell("stop", 4, stop_price=97)
    reports = world.trade(97, 1)
    assert [fill.quantity for fill in fills(reports)] == [2, 2]


def test_a_crossed_book_shows_nothing() -> None:
    world = World()
    world.book(BIDS, ASKS)
    world.delta([(102, 5)], [])
    assert kinds(world.buy()) == ["OrderAccepted 1"]
    assert kinds(world.sell("market", time_in_force=IOC)) == ["OrderAccepted 2", "OrderExpired 2"]
    assert prices(world.delta([(102, 0)], [])) == [d(101)]


@pytest.mark.parametrize("bad", [("NaN", 101), (0, 101), (-1, 101), (99, "Infinity")])
def test_a_quote_that_makes_no_sense_is_ignored(bad: tuple[object, object]) -> None:
    world = World()
    world.buy()
    assert world.quote(*bad) == world.quote(99, 101, ask_size="NaN") == world.book([bad], [(101, -1)]) == []
    assert prices(world.quote(99, 101)) == [d(101)]


def test_a_marketable_limit_takes_up_to_its_price_and_rests() -> None:
    world = World()
    world.book(BIDS, ASKS)
    reports = world.buy("limit", 9, price=102)
    assert [(fill.price, fill.quantity) for fill in fills(reports)] == [(d(101), d(2)), (d(102), d(3))]
    assert world.book(BIDS, [(102, 9)]) == []
    (fill,) = fills(world.book(BIDS, [(101, 9)]))
    assert (fill.price, fill.quantity, fill.liquidity) == (d(102), d(4), Liquidity.MAKER)


def test_a_resting_limit_fills_with_what_is_shown_beyond_it() -> None:
    world = World()
    world.book(BIDS, ASKS)
    world.sell("limit", 6, price=100)
    assert world.book([(100, 9)], ASKS) == []  # touched is not through
    (one, two) = fills(world.book([(102, 1), (101, 2), (100, 9)], [(103, 1)]))
    assert [(one.price, one.quantity), (two.price, two.quantity)] == [(d(100), d(1)), (d(100), d(2))]


def test_post_only_that_would_cross_the_book_is_rejected() -> None:
    world = World()
    world.quote(99, 101)
    reports = world.buy("limit", price=101, post_only=True)
    assert (kinds(reports), reason(reports)) == (["OrderRejected 1"], "post_only would take")
    assert kinds(world.buy("limit", price=100, post_only=True)) == ["OrderAccepted 2"]


def test_stops_are_triggered_by_the_side_they_would_trade_with() -> None:
    world = World()
    world.quote(99, 101)
    world.sell("stop", stop_price=97, id="sell")
    world.buy("stop", stop_price=103, id="buy")
    assert prices(world.quote(97, 102)) == [d(97)]
    assert prices(world.quote(98, 103)) == [d(103)]


def test_a_stop_walks_the_book_when_triggered_and_waits_for_the_rest() -> None:
    world = World()
    world.book(BIDS, ASKS)
    world.sell("stop", 3, stop_price=97)
    assert [(fill.price, fill.quantity) for fill in fills(world.book([(96, 2)], ASKS))] == [(d(96), d(2))]
    assert prices(world.book([(95, 2)], ASKS)) == [d(95)]


def test_a_stop_limit_takes_from_the_book_up_to_its_limit() -> None:
    world = World()
    world.book(BIDS, ASKS)
    world.sell("stop_limit", 5, stop_price=97, price=96)
    reports = world.book([(97, 1), (96, 1), (95, 9)], ASKS)
    assert prices(reports) == [d(97), d(96)]
    assert prices(world.book([(98, 1)], ASKS)) == [d(96)]


def test_slippage_worsens_each_level_but_never_past_the_limit() -> None:
    world = World(slippage=TickSlippage(50))
    world.book(BIDS, ASKS)
    reports = world.buy("limit", 5, price=102)
    assert [(fill.price, fill.slippage) for fill in fills(reports)] == [(d("101.5"), d("0.5")), (d(102), d(1))]


def test_a_market_order_waiting_for_its_first_print_takes_from_the_first_book() -> None:
    world = World()
    world.buy()
    assert prices(world.quote(99, 101)) == [d(101)]


def test_a_trade_through_a_limit_fills_it_whatever_the_book_shows() -> None:
    world = World()
    world.quote(99, 101)
    world.buy("limit", 50, price=99)
    assert [fill.quantity for fill in fills(world.trade(98))] == [50]


def test_a_spot_account_walks_the_book_no_further_than_its_cash() -> None:
    world = World(spot(), cash=250)
    world.book(BIDS, ASKS)
    reports = world.buy("market", 4)
    assert kinds(reports) == ["OrderAccepted 1", "Fill 1", "OrderExpired 1"]
    assert reason(reports) == "insufficient balance"
