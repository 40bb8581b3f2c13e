"""Market making: where the quotes stand, when they move, and what stops them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import Instrument, InstrumentKind
from kedge.model.market import Candle, OrderBook, Quote
from kedge.model.order import Side
from kedge.model.signal import CancelOrders, Signal, Wish
from kedge.strategies.market_making import MarketMakingStrategy

from .histories import closes, walks
from .paper import Paper

D = Decimal
TICK = D("0.01")
BTC = Instrument("BTC-USD", "BTC", "USD", kind=InstrumentKind.PERPETUAL, tick_size=TICK, lot_size=D("0.001"))


def making(**more: Any) -> Paper:
    return Paper(MarketMakingStrategy(**{"quantity": 1, **more}), [BTC])


def quote(ms: int, bid: str, ask: str) -> Quote:
    return Quote(ms * NS_PER_MS, D(bid), D(ask), D(1), D(1))


def book(ms: int, bids: Sequence[str], asks: Sequence[str]) -> OrderBook:
    return OrderBook(ms * NS_PER_MS, tuple((D(bid), D(1)) for bid in bids), tuple((D(ask), D(1)) for ask in asks))


def prices(wishes: Sequence[Wish]) -> list[Decimal | None]:
    return [wish.price for wish in wishes if isinstance(wish, Signal)]


def test_it_quotes_both_sides_of_the_mid_post_only() -> None:
    paper = making()
    bid, ask = paper.take(quote(0, "999.99", "1000.01"))
    assert isinstance(bid, Signal)
    assert isinstance(ask, Signal)
    assert (bid.side, bid.price, bid.quantity, bid.post_only) == (Side.BUY, D(999), D(1), True)
    assert (ask.side, ask.price, ask.quantity, ask.post_only) == (Side.SELL, D(1001), D(1), True)


def test_it_leans_against_what_it_holds() -> None:
    paper = making(inventory_max=4, skew_bps=40)
    paper.positions["BTC-USD"] = D(2)
    assert prices(paper.take(quote(0, "999.99", "1000.01"))) == [D("997.00"), D("1000.00")]  # fair is 998
    paper = making(inventory_max=4, skew_bps=40)
    paper.positions["BTC-USD"] = D(-2)
    assert prices(paper.take(quote(0, "999.99", "1000.01"))) == [D("1000.00"), D("1003.01")]  # fair is 1002


def test_prices_are_on_the_tick_away_from_the_mid() -> None:
    paper = making(spread_bps="0.01")
    assert prices(paper.take(quote(0, "100.00", "100.01"))) == [D("100.00"), D("100.01")]


def test_at_full_inventory_only_the_way_out_is_quoted() -> None:
    paper = making(inventory_max=2)
    paper.positions["BTC-USD"] = D("1.5")
    (signal,) = paper.take(quote(0, "999.99", "1000.01"))
    assert isinstance(signal, Signal)
    assert signal.side is Side.SELL
    paper = making(inventory_max=2)
    paper.positions["BTC-USD"] = D(-2)
    (signal,) = paper.take(quote(0, "999.99", "1000.01"))
    assert isinstance(signal, Signal)
    assert signal.side is Side.BUY


def test_without_shorts_it_sells_only_what_it_holds() -> None:
    paper = making(allow_short=False)
    assert [wish.tag for wish in paper.take(quote(0, "9", "10")) if isinstance(wish, Signal)] == ["bid"]
    paper.positions["BTC-USD"] = D(1)
    wishes = paper.take(quote(2_000, "10", "11"))
    assert [wish.tag for wish in wishes if isinstance(wish, Signal)] == ["bid", "ask"]


def test_quotes_stand_until_the_mid_has_moved_and_the_pause_is_over() -> None:
    paper = making(requote_bps=10, pause_ms=1_000)
    paper.take(quote(0, "999", "1001"))
    assert paper.take(quote(5_000, "1000", "1002")) == [], "ten basis points are not exceeded"
    moved = paper.take(quote(5_001, "1000.02", "1002.02"))
    assert moved[0] == CancelOrders("BTC-USD", reason="quotes follow the market")
    assert len(moved) == 3
    assert paper.take(quote(6_000, "1100", "1102")) == [], "the pause is not over"
    assert len(paper.take(quote(6_001, "1100", "1102"))) == 3


def test_a_fill_renews_the_quotes() -> None:
    paper = making()
    paper.take(quote(0, "999", "1001"))
    assert paper.fill(paper.orders[0], D(999)) == []
    wishes = paper.take(quote(1_000, "999", "1001"))
    assert [type(wish) for wish in wishes] == [CancelOrders, Signal, Signal]
    assert prices(wishes) == [D("998.80"), D("1000.80")]  # one of five held: 2 of 10 basis points lower


def test_a_quote_that_was_lost_is_renewed() -> None:
    paper = making()
    paper.take(quote(0, "999", "1001"))
    paper.orders.pop()
    assert len(paper.take(quote(1_000, "999", "1001"))) == 3
    assert len(paper.orders) == 2


def test_while_a_cancel_is_unconfirmed_nothing_is_added() -> None:
    paper = making()
    paper.slow_cancels = True
    paper.take(quote(0, "999", "1001"))
    assert len(paper.take(quote(2_000, "1009", "1011"))) == 3
    assert paper.take(quote(4_000, "1019", "1021")) == []
    assert len(paper.orders) == 4
    paper.confirm_cancels()
    assert len(paper.take(quote(6_000, "1029", "1031"))) == 3


def test_a_book_counts_by_its_best_levels_and_one_side_alone_takes_quotes_back() -> None:
    paper = making()
    assert prices(paper.take(book(0, ["999", "998"], ["1001", "1005"]))) == [D(999), D(1001)]
    assert paper.take(book(1, ["999"], [])) == [CancelOrders("BTC-USD", reason="the book has only one side")]
    assert paper.take(book(2, [], [])) == []
    assert paper.orders == []
    assert len(paper.take(book(1_000, ["999"], ["1001"]))) == 2


def test_candles_serve_where_there_are_no_quotes_and_only_there() -> None:
    paper = making()
    assert prices(paper.play(closes([1000]))[0]) == [D(999), D(1001)]
    paper = making()
    paper.quote = quote(0, "500", "501")
    assert not any(paper.play(closes([1000, 1100])))


def test_without_a_quantity_a_quote_is_its_share_of_equity() -> None:
    paper = Paper(MarketMakingStrategy(equity_pct=1), [BTC])
    paper.take(quote(0, "999", "1001"))
    assert [order.quantity for order in paper.orders] == [D(1), D(1)]
    paper.cash = D(0)
    assert paper.take(quote(2_000, "1999", "2001")) == [CancelOrders("BTC-USD", reason="quotes follow the market")]


@given(history=walks(["BTC-USD"]), most=st.integers(1, 3))
def test_inventory_stays_within_its_limit_and_quotes_never_cross(history: list[Candle], most: int) -> None:
    paper = making(inventory_max=most, spread_bps=30, skew_bps=30)
    for each in history:
        wishes = paper.take(each)
        assert abs(paper.position("BTC-USD")) <= most
        for wish in wishes:
            if isinstance(wish, Signal):
                assert wish.price is not None
                assert (wish.price <= each.close) if wish.side is Side.BUY else (wish.price >= each.close)
        assert len(paper.orders) <= 2
