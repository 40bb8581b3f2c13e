"""The exchange: what clients see agrees with what the engine did, whatever happens."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.model.instrument import Instrument
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.orders import Change
from kedge.venues.emulator.triggers import LAST, MARK, Trigger
from tests.venues.emulator.world import MS, PERP, SECOND, SPOT, START, Ear, d, exchange, perpetual, place, spot


def play(made: Exchange, symbol: str, seed: int, steps: int) -> None:
    """Random orders, cancels, replacements, pushes and time."""
    dice = Random(seed)
    for _ in range(steps):
        what = dice.randrange(8)
        tape = made.tapes[symbol]
        middle = tape.middle or d(60_000)
        side = dice.choice((Side.BUY, Side.SELL))
        quantity = d(dice.randint(1, 900)) / 1000
        away = d(dice.randint(-30, 200)) * (-1 if side is Side.BUY else 1)
        price = ((middle + away) // d("0.1")) * d("0.1")
        against = made.own_against(symbol, side, None)
        if what < 3 and not made.own_against(symbol, side, price):
            place(made, symbol, side, OrderType.LIMIT, quantity, price)
        elif what == 3 and (not against or side is Side.BUY):
            for each in against:
                made.cancel(each)
            place(made, symbol, side, OrderType.MARKET, quantity, force=TimeInForce.IOC)
        elif what == 4 and made.open_orders():
            made.cancel(dice.choice(made.open_orders()))
        elif what == 5 and made.open_orders():
            order = dice.choice(made.open_orders())
            if order.price is not None and not made.own_against(symbol, order.side, order.price):
                made.replace(order, order.filled + quantity, order.price)
        elif what == 6:
            made.markets[symbol].push(middle + dice.randint(-150, 150))
        else:
            made.timeline.advance(made.now + dice.randint(1, 3_000) * MS)


@pytest.mark.parametrize("listed", [spot(), perpetual()], ids=["spot", "perpetual"])
@settings(max_examples=12)
@given(seed=st.integers(0, 10**6))
def test_what_is_shown_agrees_with_what_happened(listed: Instrument, seed: int) -> None:
    made, ear = exchange(listed, seed=seed)
    symbol = listed.symbol
    start = dict(made.venue.balances())
    bids, asks = dict(made.tapes[symbol].bids), dict(made.tapes[symbol].asks)
    last = made.tapes[symbol].update_id
    play(made, symbol, seed, 40)
    for update in ear.books:  # the updates, applied to the first book, give the last one
        assert update.previous == last
        assert update.previous < update.first <= update.last
        last = update.last
        for side, changes in ((bids, update.bids), (asks, update.asks)):
            for price, size in changes:
                side[price] = size
                if not size:
                    del side[price]
        assert not bids or not asks or max(bids) < min(asks), "the book is crossed"
    assert (bids, asks) == (made.tapes[symbol].bids, made.tapes[symbol].asks)
    fills = [execution for change, _, execution in ear.orders if change is Change.FILL and execution]
    prints = {trade.id: trade for trade in ear.trades if trade.ours}
    assert [fill.trade_id for fill in fills] == sorted(prints), "each fill of ours is on the tape, once"
    for fill in fills:
        trade = prints[fill.trade_id]
        assert (trade.price, trade.quantity) == (fill.price, fill.quantity)
        assert trade.buyer_is_maker is ((fill.side is Side.BUY) is fill.maker)
    for order in made.orders.values():
        assert order.filled == sum((fill.quantity for fill in order.fills), ZERO) <= order.quantity
        shown = made.tapes[symbol].bids if order.side is Side.BUY else made.tapes[symbol].asks
        if order.rests and order.price is not None:
            assert shown[order.price] >= order.left
    ledger(made, start, symbol)


def ledger(made: Exchange, start: dict[str, Decimal], symbol: str) -> None:
    """The money by hand."""
    quote = start["USDT"]
    base = start.get("BTC", ZERO)
    held = cost = ZERO
    for fill in made.executions:
        signed = fill.quantity * fill.side.sign
        if symbol == SPOT:
            base += signed
            quote -= signed * fill.price
        else:
            held += signed
            cost += signed * fill.price
        quote -= fill.fee
    if symbol == SPOT:
        assert made.balance("USDT") == quote
        assert made.balance("BTC") == base
    else:
        realized = sum((fill.realized for fill in made.executions), ZERO)
        holding = made.holdings[symbol]
        assert holding.quantity == held == made.venue.position(symbol)
        assert abs(holding.cost - cost - realized) < d("1e-6")
        funding = sum((each.amount for each in made.incomes if each.kind == "FUNDING_FEE"), ZERO)
        assert abs(made.balance("USDT") - (quote + realized + funding)) < d("1e-6")


def test_equal_seeds_and_calls_are_equal() -> None:
    told = []
    for _ in range(2):
        made, ear = exchange(spot(), perpetual(), seed=9)
        play(made, SPOT, 3, 40)
        play(made, PERP, 4, 40)
        told.append((ear.orders, ear.trades, ear.books, made.venue.snapshot()))
    assert told[0] == told[1]


def test_a_push_trades_through_every_order_in_its_way() -> None:
    made, _ = exchange()
    tape = made.tapes[SPOT]
    middle = (tape.middle or d(0)) // 1
    low = place(made, SPOT, Side.BUY, OrderType.LIMIT, d("0.5"), middle - 100)
    lower = place(made, SPOT, Side.BUY, OrderType.LIMIT, d("0.25"), middle - 200)
    made.markets[SPOT].push(middle - 150)
    assert (low.status, low.average) == (OrderStatus.FILLED, middle - 100)
    assert low.fills[0].maker
    assert lower.filled == ZERO
    made.markets[SPOT].push(middle - 201)
    assert lower.left == ZERO


def test_a_large_order_holds_the_price_up_until_it_is_eaten() -> None:
    made, _ = exchange()
    wall = ((made.tapes[SPOT].middle or d(0)) // 1) + 30
    order = place(made, SPOT, Side.SELL, OrderType.LIMIT, d("1.2"), wall)
    while order.is_open and made.now < START + 3_600 * SECOND:
        made.timeline.advance(made.now + 500 * MS)
        best = made.tapes[SPOT].best(asks=False)
        assert best is not None
        if order.is_open:
            assert best[0] < wall
    assert order.status is OrderStatus.FILLED


def test_a_resting_order_is_filled_at_its_own_price_after_those_before_it() -> None:
    made, _ = exchange()
    best = made.tapes[SPOT].best(asks=False)
    assert best is not None
    made.markets[SPOT].frozen = True
    order = place(made, SPOT, Side.BUY, OrderType.LIMIT, d("0.1"), best[0])
    made.markets[SPOT]._take(int(best[0] / d("0.01")), best[1], best[1], asks=False)
    assert order.filled == ZERO, "the crowd was there first"
    made.markets[SPOT]._take(int(best[0] / d("0.01")), ZERO, d("0.04"), asks=False)
    assert (order.status, order.filled) == (OrderStatus.PARTIAL, d("0.04"))


def test_a_taker_takes_what_is_shown_and_the_book_shows_that_it_is_gone() -> None:
    made, _ = exchange()
    asks = made.tapes[SPOT].levels(asks=True, limit=2)
    quantity = asks[0][1] + asks[1][1] / 2 // d("0.00001") * d("0.00001")
    order = place(made, SPOT, Side.BUY, OrderType.MARKET, quantity, force=TimeInForce.IOC)
    assert [fill.price for fill in order.fills] == [asks[0][0], asks[1][0]]
    assert made.tapes[SPOT].best(asks=True) == (asks[1][0], asks[1][1] - order.fills[1].quantity)
    assert made.cost(SPOT, Side.BUY, d("0.001")) == (d("0.001"), asks[1][0] * d("0.001"))


def test_funding_is_paid_at_its_hour_on_the_mark_price() -> None:
    made, ear = exchange(perpetual(), start=START + (8 * 3_600 - 5) * SECOND)
    made.markets[PERP].frozen = True
    place(made, PERP, Side.BUY, OrderType.MARKET, d(1), force=TimeInForce.IOC)
    made.pinned_marks[PERP] = d(60_000)
    due = made.next_funding()
    assert due % (8 * 3_600 * SECOND) == 0
    made.timeline.advance(due)
    assert [payment.amount for payment in ear.funding] == [d("-6")]
    assert made.incomes[-1].kind == "FUNDING_FEE"


def test_the_mark_price_liquidates_and_ends_the_orders_of_the_symbol() -> None:
    made, ear = exchange(perpetual(leverage=100))
    made.markets[PERP].frozen = True
    bought = place(made, PERP, Side.BUY, OrderType.MARKET, d(3), force=TimeInForce.IOC)
    held = bought.filled
    resting = place(made, PERP, Side.BUY, OrderType.LIMIT, d(1), d(30_000))
    made.set_mark(PERP, d(20_000))
    assert made.venue.position(PERP) == ZERO
    assert resting.status is OrderStatus.CANCELLED
    last = made.orders[max(made.orders)]
    assert (last.liquidation, last.filled, last.side) == (True, held, Side.SELL)
    assert made.holdings[PERP].quantity == ZERO
    assert ear.orders[-1][0] is Change.FILL


def trigger(made: Exchange, fired: list[Decimal], **rules: object) -> None:
    def fire() -> None:
        fired.append(made.tapes[SPOT].last or ZERO)

    given_rules: dict[str, object] = {"symbol": SPOT, "price": None, "above": False, "source": LAST, "fire": fire}
    made.triggers.add(Trigger(**(given_rules | rules)))  # type: ignore[arg-type]


def test_a_trigger_fires_once_when_its_price_is_reached() -> None:
    made, _ = exchange()
    made.markets[SPOT].frozen = True
    fired: list[Decimal] = []
    trigger(made, fired, price=d(59_900))
    made.markets[SPOT].push(d(59_950))
    assert not fired
    made.markets[SPOT].push(d(59_880))
    made.markets[SPOT].push(d(59_700))
    assert len(fired) == 1


def test_a_trailing_trigger_follows_the_best_price_once_activated() -> None:
    made, _ = exchange()
    made.markets[SPOT].frozen = True
    fired: list[Decimal] = []
    trigger(made, fired, trail=d("0.01"), activation=d(60_500))
    for price in (59_000, 60_600, 61_500, 61_000):
        made.markets[SPOT].push(d(price))
        assert not fired, price
    made.markets[SPOT].push(d(60_880))
    assert len(fired) == 1


def test_a_trigger_by_mark_price_ignores_trades() -> None:
    made, _ = exchange(perpetual())
    fired: list[str] = []
    made.triggers.add(Trigger(PERP, d(59_000), False, MARK, lambda: fired.append("mark")))
    made.pinned_marks[PERP] = d(60_000)
    made.markets[PERP].push(d(58_000))
    assert not fired
    made.set_mark(PERP, d(59_000))
    assert fired == ["mark"]


def test_candles_are_those_of_the_tape() -> None:
    made, ear = exchange()
    minute = 60 * SECOND
    before = made.tapes[SPOT].bars.series(minute, 0, made.now, 2_000, newest=True)
    made.timeline.advance(made.now + 6 * minute)
    bars = made.tapes[SPOT].bars.series(minute, 0, made.now, 2_000, newest=True)
    assert bars[: len(before) - 1] == before[:-1], "the past does not change"
    inside = bars[-4]
    prints = [trade for trade in ear.trades if inside.ts <= trade.ts < inside.ts + minute]
    assert (inside.open, inside.close) == (prints[0].price, prints[-1].price)
    assert inside.high == max(trade.price for trade in prints)
    assert inside.volume == sum((trade.quantity for trade in prints), ZERO)
    assert inside.bought == sum((trade.quantity for trade in prints if not trade.buyer_is_maker), ZERO)
    five = made.tapes[SPOT].bars.series(5 * minute, 0, made.now, 10, newest=True)
    assert five[-2].volume == sum((bar.volume for bar in bars if five[-2].ts <= bar.ts < five[-1].ts), ZERO)


def test_the_ear_hears_an_order_before_its_fills() -> None:
    made, ear = exchange()
    place(made, SPOT, Side.BUY, OrderType.MARKET, d("0.01"), force=TimeInForce.IOC)
    assert [change for change, _, _ in ear.orders][:2] == [Change.NEW, Change.FILL]
    assert isinstance(ear, Ear)


def test_levels_that_were_emptied_do_not_cross_a_market_that_moved_on() -> None:
    made, _ = exchange()
    made.markets[SPOT].frozen = True
    for side, by in ((Side.BUY, 15), (Side.SELL, -15)):
        best = made.tapes[SPOT].best(asks=side is Side.BUY)
        assert best is not None
        place(made, SPOT, side, OrderType.MARKET, best[1], force=TimeInForce.IOC)
        made.markets[SPOT].push(best[0] + by)
        assert made.tapes[SPOT].bids
        assert made.tapes[SPOT].asks


def test_a_post_only_order_may_stand_where_a_level_was_emptied() -> None:
    made, _ = exchange()
    made.markets[SPOT].frozen = True
    best = made.tapes[SPOT].best(asks=True)
    assert best is not None
    place(made, SPOT, Side.BUY, OrderType.MARKET, best[1], force=TimeInForce.IOC)
    order = place(made, SPOT, Side.BUY, OrderType.LIMIT, d("0.01"), best[0], post_only=True)
    assert order.rests
    assert made.tapes[SPOT].best(asks=False) == (best[0], d("0.01"))
