"""The grid: which lines want orders, what a step earns, and how it mends itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import StrategyError
from kedge.model.instrument import Instrument
from kedge.model.market import Candle
from kedge.model.order import Side
from kedge.strategies.grid import RETRY_CANDLES, GridStrategy

from .histories import candle, closes, walks
from .paper import Paper


def grid(**more: object) -> Paper:
    """Five lines around 100, a tenth apart: 82.6.., 90.9.., 100, 110, 121."""
    return Paper(GridStrategy(**{"levels": 2, "step_pct": 10, "quantity": 1, **more}))


def standing(paper: Paper) -> list[tuple[str, str]]:
    return sorted((order.tag, str(order.side)) for order in paper.orders)


def test_lines_below_want_buys_and_lines_above_sells() -> None:
    paper = grid()
    paper.play(closes([100]))
    assert [(order.side, order.price) for order in paper.orders] == [
        (Side.BUY, Decimal("90.90909091")),
        (Side.BUY, Decimal("82.64462810")),
        (Side.SELL, Decimal(110)),
        (Side.SELL, Decimal(121)),
    ]
    assert not any(paper.play(closes([100, 101, 99]))), "what stands is not asked for again"


def test_a_line_down_and_up_again_earns_its_step() -> None:
    paper = grid()
    paper.play(closes([100]))
    paper.take(candle(1, (100, 100, 90, 91)))
    assert paper.position("BTC-USD") == 1
    assert standing(paper) == [("line -2", "buy"), ("line 0", "sell"), ("line 1", "sell"), ("line 2", "sell")]
    paper.take(candle(2, (91, 105, 91, 101)))
    assert paper.position("BTC-USD") == 0
    assert standing(paper) == [("line -1", "buy"), ("line -2", "buy"), ("line 1", "sell"), ("line 2", "sell")]
    bought, sold = paper.fills
    assert sold.price - bought.price == Decimal("9.09090909")


def test_without_shorts_nothing_is_sold_that_is_not_held() -> None:
    paper = grid(allow_short=False)
    paper.play(closes([100]))
    assert standing(paper) == [("line -1", "buy"), ("line -2", "buy")]
    paper.take(candle(1, (100, 100, 80, 81)))
    assert paper.position("BTC-USD") == 2
    assert standing(paper) == [("line -1", "sell"), ("line 0", "sell")]


def test_a_line_filled_in_part_counts_on_neither_side() -> None:
    paper = grid()
    paper.play(closes([100]))
    order = next(each for each in paper.orders if each.tag == "line -1")
    assert paper.fill(order, Decimal(90), Decimal("0.4")) == []
    assert paper.fill(order, Decimal(90), Decimal("0.2")) == []
    (wish,) = paper.fill(order, Decimal(90))
    assert wish.reason == "grid: sell at line 0"


def test_a_little_taken_as_a_fee_is_still_a_whole_line() -> None:
    paper = grid()
    paper.play(closes([100]))
    paper.positions["BTC-USD"] = Decimal("-0.001")
    paper.take(candle(1, (100, 100, 90, 91)))
    assert paper.position("BTC-USD") == Decimal("0.999")
    assert standing(paper) == [("line -2", "buy"), ("line 0", "sell"), ("line 1", "sell"), ("line 2", "sell")]


def test_fills_reported_in_the_wrong_order_do_not_overfill_the_grid() -> None:
    paper = grid(allow_short=False)
    paper.play(closes([100]))
    near, far = paper.orders
    made = [wish for order in (far, near) for wish in paper.fill(order, Decimal(80))]
    assert [wish.reason for wish in made] == ["grid: sell at line 0", "grid: sell at line -1"]


def test_no_more_is_sold_than_a_fee_has_left() -> None:
    paper = grid(allow_short=False)
    paper.positions["BTC-USD"] = Decimal("0.999")
    paper.play(closes([100]))
    (order,) = (each for each in paper.orders if each.side is Side.SELL)
    assert (order.tag, order.quantity) == ("line 0", Decimal("0.999"))


def test_an_order_that_was_lost_is_asked_for_again_but_not_on_every_candle() -> None:
    paper = grid()
    paper.play(closes([100]))
    paper.orders = [order for order in paper.orders if order.tag != "line 1"]
    made = paper.play(closes([100] * RETRY_CANDLES, start=1))
    assert [at for at, wishes in enumerate(made) if wishes] == [RETRY_CANDLES - 1]
    assert ("line 1", "sell") in standing(paper)


def test_a_restart_with_a_position_goes_on_where_it_stands() -> None:
    paper = grid()
    paper.positions["BTC-USD"] = Decimal(1)
    paper.play(closes([100]))
    assert standing(paper) == [("line -2", "buy"), ("line 0", "sell"), ("line 1", "sell"), ("line 2", "sell")]
    prices = {order.tag: order.price for order in paper.orders}
    assert prices == {
        "line -2": Decimal("90.90909091"),
        "line 0": Decimal("110.00000000"),
        "line 1": Decimal("121.00000000"),
        "line 2": Decimal("133.10000000"),
    }


def test_a_given_centre_is_kept() -> None:
    paper = grid(centre=200)
    paper.play(closes([190]))
    assert {order.tag: order.price for order in paper.orders}["line 1"] == 220


def test_without_a_quantity_a_side_is_its_share_of_equity() -> None:
    paper = Paper(GridStrategy(levels=4, equity_pct=40))
    paper.play(closes([100]))
    assert {order.quantity for order in paper.orders} == {Decimal(100)}  # 40% of 100,000 over 4 lines at 100


def test_a_quantity_below_the_lot_is_an_error_that_says_so() -> None:
    coarse = Instrument("BTC-USD", "BTC", "USD", lot_size=Decimal(1))
    paper = Paper(GridStrategy(quantity="0.5"), [coarse])
    with pytest.raises(StrategyError, match=r"a line of the grid comes to 0\.5000000000 BTC-USD, below the lot 1"):
        paper.play(closes([100]))


@given(history=walks(["BTC-USD"]), levels=st.integers(1, 4), allow_short=st.booleans())
def test_never_more_than_its_levels_can_be_held_and_no_line_has_two_orders(
    history: list[Candle], levels: int, allow_short: bool
) -> None:
    paper = Paper(GridStrategy(levels=levels, step_pct="0.4", quantity=2, allow_short=allow_short))
    for each in history:
        paper.take(each)
        held = paper.position("BTC-USD")
        assert (-2 * levels if allow_short else 0) <= held <= 2 * levels
        tags = [order.tag for order in paper.orders]
        assert len(tags) == len(set(tags))
        buys = sum(order.quantity for order in paper.orders if order.side is Side.BUY)
        sells = sum(order.quantity for order in paper.orders if order.side is Side.SELL)
        assert held + buys <= 2 * levels
        assert held - sells >= (-2 * levels if allow_short else 0)
        assert paper.orders, "some line always stands"


@given(steps=st.lists(st.sampled_from([-1, 1]), min_size=5, max_size=40))
def test_line_by_line_every_unit_of_room_is_offered(steps: list[int]) -> None:
    """The price visits one line after another: the standing orders are those of the definition, each time."""
    levels = 3
    paper = Paper(GridStrategy(levels=levels, step_pct=1, quantity=1))
    paper.play(closes([100]))
    price = {line: Decimal(100) * Decimal("1.01") ** line for line in range(-levels - 2, levels + 3)}
    at = stands = 0
    for minute, step in enumerate(steps, 1):
        was, at = at, max(-levels - 1, min(levels + 1, at + step))
        # Half a line beyond the one that is visited, coming from the one before.
        low, high = sorted((price[was], price[at] + (price[at] - price[was]) / 2))
        paper.take(candle(minute, (price[was], high, low, price[at])))
        if at != was and abs(at) <= levels and (at < stands or at > stands):
            stands = at
        assert paper.position("BTC-USD") == -stands
        assert sorted((int(order.tag.split()[1]), order.side.sign) for order in paper.orders) == [
            (line, 1 if line < stands else -1) for line in range(-levels, levels + 1) if line != stands
        ]
