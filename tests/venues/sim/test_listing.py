"""A listing knows which of its resting orders the market reaches first, wherever they were moved."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kedge.model.order import OrderIntent, OrderType, Side
from kedge.venues.sim.levels import working
from kedge.venues.sim.listing import Listing
from kedge.venues.sim.working import ARRIVING, DOWN, ENDED, UP, Working
from tests.venues.sim.world import spot

D = Decimal
LEVELS = st.integers(95, 105).map(Decimal)
#: Each step: which order (modulo how many there are), where it goes or the level it gets.
STEPS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["new", "level", ARRIVING, DOWN, UP, ENDED]), LEVELS), max_size=60
)


@given(STEPS)
def test_the_first_level_of_a_shelf_is_that_of_all_its_orders(steps: list[tuple[int, str | int, Decimal]]) -> None:
    listing = Listing(spot())
    orders: list[Working] = []
    for number, (which, what, level) in enumerate(steps):
        if what == "new" or not orders:
            intent = OrderIntent(
                id=f"o{number}",
                symbol="BTC-USD",
                side=Side.BUY,
                order_type=OrderType.LIMIT,
                quantity=D(1),
                price=level,
            )
            order = working(intent, 0, number)
            listing.arriving[order.id] = order
            orders.append(order)
        elif what == "level":
            listing.relevel(orders[which % len(orders)], level)
        else:
            order = orders[which % len(orders)]
            listing.move(order, int(what))
            if what == ENDED:
                orders.remove(order)
        for price in map(Decimal, range(94, 107)):
            assert listing.falls_to(price) == any(price <= order.level for order in listing.down.values())
            assert listing.rises_to(price) == any(price >= order.level for order in listing.up.values())
        assert sum(map(len, listing.shelves)) == len(orders)
        assert all(order.id in listing.shelves[order.shelf] for order in orders)
