"""The venue is a function of its past: the same twice, and untouched by what comes later."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kedge.model.decisions import Approved, CancelRequested
from kedge.model.facts import Fill, Liquidity, VenueFact
from kedge.model.market import Candle, Quote, Trade
from kedge.model.order import OrderIntent, OrderType, Side
from kedge.venues.sim.queue import BackOfQueue
from kedge.venues.sim.slippage import BpsSlippage, LinearImpact
from kedge.venues.sim.venue import SimulatedVenue
from tests.venues.sim.world import MINUTE, SYMBOL, d, perpetual

# A step: which of the actions below, two figures that shape it, and a side.
STEPS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(-300, 300), st.integers(1, 300), st.booleans()), min_size=1, max_size=40
)


def play(
    steps: list[tuple[int, int, int, bool]], candles: bool, **settings: Any
) -> tuple[list[list[VenueFact]], SimulatedVenue]:
    """Run a venue over `steps`; the reports of each, and the venue after them."""
    venue = SimulatedVenue(
        [perpetual(taker_fee=d("0.0005"), maker_fee=d("-0.0001"))], d(1_000), queue=BackOfQueue(), **settings
    )
    now, price, told = MINUTE, d(100), []
    for n, (action, move, width, up) in enumerate(steps):
        side = Side.BUY if up else Side.SELL
        if action >= 5:
            at = price + move * d("0.01")
            spread = width * d("0.01")
            told.append(list(venue.on_market(_fact(action, now, at, spread, up, candles))))
            now += MINUTE
            price = at
        elif action == 4:
            told.append(list(venue.submit(CancelRequested(str(n - width % 7), ""), now)))
        else:
            intent = OrderIntent(str(n), SYMBOL, side, **_terms(action, price, move, width), reduce_only=width % 5 == 0)
            told.append(list(venue.submit(Approved(intent), now)))
    return told, venue


def _terms(action: int, price: Decimal, move: int, width: int) -> dict[str, Any]:
    quantity = d(width) * d("0.1")
    level = price + move * d("0.01")
    if action == 0:
        return {"order_type": OrderType.MARKET, "quantity": quantity}
    if action == 1:
        return {"order_type": OrderType.LIMIT, "quantity": quantity, "price": level}
    if action == 2:
        return {"order_type": OrderType.STOP, "quantity": quantity, "stop_price": level}
    return {"order_type": OrderType.TRAILING_STOP, "quantity": quantity, "trail": width * d("0.01")}


def _fact(action: int, now: int, price: Decimal, spread: Decimal, up: bool, candles: bool) -> Any:
    close = price + spread if up else price - spread / 2
    if candles:
        return Candle(
            now, price, max(price, close) + spread, min(price, close) - spread, close, spread * 100, SYMBOL, MINUTE
        )
    if action == 5:
        return Trade(now, price, spread, SYMBOL, Side.BUY if up else Side.SELL)
    return Quote(now, price, price + spread, spread * 3, spread * 5, SYMBOL)


SETTINGS = st.sampled_from(
    [{}, {"slippage": BpsSlippage(d(3))}, {"participation": d("0.1")}, {"slippage": LinearImpact(d("0.01"))}]
)


@given(steps=STEPS, candles=st.booleans(), settings=SETTINGS)
def test_the_same_history_twice_gives_the_same_reports_and_state(
    steps: list[tuple[int, int, int, bool]], candles: bool, settings: dict[str, Any]
) -> None:
    first, venue = play(steps, candles, **settings)
    second, again = play(steps, candles, **settings)
    assert first == second
    assert json.dumps(venue.snapshot(), sort_keys=True) == json.dumps(again.snapshot(), sort_keys=True)


@given(steps=STEPS, other=STEPS, candles=st.booleans(), settings=SETTINGS, cut=st.integers(0, 40))
def test_what_comes_later_changes_no_earlier_report(
    steps: list[tuple[int, int, int, bool]],
    other: list[tuple[int, int, int, bool]],
    candles: bool,
    settings: dict[str, Any],
    cut: int,
) -> None:
    cut = min(cut, len(steps))
    told, _ = play(steps, candles, **settings)
    differently, _ = play(steps[:cut] + other, candles, **settings)
    assert told[:cut] == differently[:cut]


@given(
    steps=STEPS,
    settings=SETTINGS,
    stretched=st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(-200, 200), st.integers(0, 9)),
)
def test_what_is_reported_at_the_open_depends_on_the_open_alone(
    steps: list[tuple[int, int, int, bool]], settings: dict[str, Any], stretched: tuple[int, int, int, int]
) -> None:
    at_open: list[list[VenueFact]] = []
    for stretch in ((0, 0, 0, 1), stretched):
        _, venue = play(steps, True, **settings)
        now = MINUTE * (1 + sum(1 for step in steps if step[0] >= 5))
        venue.submit(Approved(OrderIntent("last", SYMBOL, Side.BUY, OrderType.MARKET, d(1))), now)
        up, down, move, volume = (d(number) * d("0.01") for number in stretch)
        close = 100 + move
        bar = Candle(now, d(100), max(d(100), close) + up, min(d(100), close) - down, close, volume, SYMBOL, MINUTE)
        at_open.append([report for report in venue.on_market(bar) if report.ts < now + MINUTE])
    assert at_open[0] == at_open[1]


@given(steps=STEPS, candles=st.booleans())
def test_no_taker_gets_a_better_price_with_slippage_than_without(
    steps: list[tuple[int, int, int, bool]], candles: bool
) -> None:
    """The first taker fill of both runs, before the accounts part."""
    taken = []
    for settings in ({}, {"slippage": BpsSlippage(d(20))}):
        told, _ = play(steps, candles, **settings)
        found = [
            report
            for reports in told
            for report in reports
            if isinstance(report, Fill) and report.liquidity is Liquidity.TAKER
        ]
        taken.append(found[0] if found else None)
    plain, slipped = taken
    if plain is not None and slipped is not None and plain.order_id == slipped.order_id:
        assert (slipped.price - plain.price) * plain.side.sign >= 0
