"""Money moved in and out, and the visible book: what an emulated venue needs to see of the simulated one."""

from __future__ import annotations

from kedge.model.market import Quote
from tests.venues.sim.world import SYMBOL, World, d, spot


def test_a_deposit_reaches_the_wallet_a_spot_holding_or_a_third_currency() -> None:
    world = World(spot(), cash=100)
    for currency, amount in (("USD", 50), ("BTC", 2), ("BNB", 3), ("USD", -20)):
        world.venue.deposit(currency, d(amount))
    assert world.venue.balances() == {"BNB": d(3), "BTC": d(2), "USD": d(130)}
    assert world.venue.position(SYMBOL) == d(2)


def test_a_deposit_moves_the_liquidation_price_away() -> None:
    world = World(cash=1_000)
    world.long(50)
    before = world.venue.liquidation_price(SYMBOL)
    world.venue.deposit("USD", d(500))
    after = world.venue.liquidation_price(SYMBOL)
    assert before is not None
    assert after is not None
    assert after < before
    world.bar(100, 100, before - d("0.01"), 100)
    assert world.venue.position(SYMBOL) == d(50), "what was the liquidation price does not liquidate any more"


def test_the_visible_book_is_what_others_offer_less_what_was_taken() -> None:
    world = World()
    assert world.venue.visible(SYMBOL) is None
    quote = Quote(world.now, d(99), d(101), d(3), d(2), SYMBOL)
    world.venue.on_market(quote)
    world.buy(at=world.now)
    shown = world.venue.visible(SYMBOL)
    assert shown is not None
    assert list(shown.levels(asks=True)) == [(d(101), d(1))]
    assert list(shown.levels(asks=False)) == [(d(99), d(3))]
