"""Time, candles, courses and counters: the small parts of an emulator."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import ConfigError
from kedge.model.market import Candle
from kedge.model.money import ZERO
from kedge.venues.emulator.bars import MINUTE, WEEK, Bar, Bars, opening
from kedge.venues.emulator.course import FileCourse, RandomCourse
from kedge.venues.emulator.house import Options, build
from kedge.venues.emulator.ledger import Holding
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.rates import Penalties, Window
from kedge.venues.emulator.timeline import Timeline
from tests.venues.emulator.world import SECOND, SPOT, START, d, spot

HOUR = 60 * MINUTE


def test_what_is_due_is_done_in_the_order_of_its_time_then_of_its_asking() -> None:
    timeline = Timeline(0)
    done: list[tuple[str, int]] = []

    def note(name: str) -> None:
        done.append((name, timeline.now))

    timeline.at(20, lambda: note("late"))
    timeline.at(10, lambda: note("first"))

    def second() -> None:
        note("second")
        timeline.after(5, lambda: note("chained"))

    timeline.at(10, second)
    dropped = timeline.at(12, lambda: note("never"))
    timeline.call_off(dropped)
    timeline.every(8, lambda: note("tick"))
    timeline.advance(17)
    assert done == [("tick", 8), ("first", 10), ("second", 10), ("chained", 15), ("tick", 16)]
    timeline.advance(5)
    assert timeline.now == 17, "time does not run back"


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 90), st.integers(1, 9), st.booleans()), min_size=1))
def test_longer_candles_are_put_together_from_trades(trades: list[tuple[int, int, int, bool]]) -> None:
    bars = Bars()
    ordered = sorted(trades, key=lambda trade: trade[0])
    for n, (second, price, quantity, bought) in enumerate(ordered):
        bars.add(START + second * SECOND, d(price), d(quantity), bought, n)
    for interval in (MINUTE, 5 * MINUTE):
        found = bars.series(interval, 0, 2**62, 1_000, newest=True)
        for bar in found:
            inside = [each for each in ordered if bar.ts <= START + each[0] * SECOND < bar.ts + interval]
            prices = [d(each[1]) for each in inside]
            assert (bar.open, bar.close) == (prices[0], prices[-1])
            assert (bar.high, bar.low) == (max(prices), min(prices))
            assert bar.volume == sum(each[2] for each in inside)
            assert bar.value == sum(each[1] * each[2] for each in inside)
            assert bar.bought == sum(each[2] for each in inside if each[3])
            assert bar.trades == len(inside)
        assert sum(bar.trades for bar in found) == len(ordered)


def test_pages_of_candles_begin_at_either_end() -> None:
    past = [Bar(START - (5 - n) * MINUTE, d(n), d(n), d(n), d(n)) for n in range(5)]
    bars = Bars(past)
    assert [bar.open for bar in bars.series(MINUTE, 0, 2**62, 2, newest=True)] == [3, 4]
    assert [bar.open for bar in bars.series(MINUTE, 0, 2**62, 2, newest=False)] == [0, 1]
    assert [bar.open for bar in bars.series(MINUTE, START - 3 * MINUTE, START - 2 * MINUTE, 9, newest=False)] == [2, 3]
    assert bars.series(SECOND, 0, 2**62, 9, newest=True) == [], "finer than what is known"
    assert opening(START, WEEK) % WEEK == 4 * 86_400 * SECOND, "weeks begin on Monday"


def candles(*closes: int, interval: int = HOUR) -> list[Candle]:
    made, before = [], closes[0]
    for n, close in enumerate(closes):
        high, low = max(before, close) + 20, min(before, close) - 10
        made.append(Candle(n * interval, d(before), d(high), d(low), d(close), d(5), SPOT, interval))
        before = close
    return made


def test_a_file_is_walked_through_every_turning_point() -> None:
    given_candles = candles(1_000, 1_050, 1_010, 1_100, 1_080, 1_090)
    course = FileCourse(spot(), given_candles, START)
    past, interval = course.past()
    assert (len(past), interval) == (3, HOUR)
    assert past[-1].ts + HOUR == START, "the past ends where the present begins"
    visited: list[Decimal] = []
    for step in range(1, 400):
        visited += [ticks * d("0.01") for ticks in course.move(START + step * 36 * SECOND)]
    for candle in given_candles[3:]:
        assert candle.high in visited
        assert candle.low in visited
    assert max(visited) == max(candle.high for candle in given_candles[3:])
    assert visited[-1] == given_candles[-1].close, "after the last candle the price stays"


def test_a_file_of_one_candle_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError, match="give at least two"):
        FileCourse(spot(), candles(1_000), START)


def test_a_seeded_walk_is_the_same_walk_and_another_seed_another() -> None:
    def walk(seed: int) -> list[int]:
        course = RandomCourse(spot(), d(60_000), seed, START)
        return [price for n in range(50) for price in course.move(START + n * SECOND)]

    assert walk(1) == walk(1)
    assert walk(1) != walk(2)


def test_the_market_of_a_file_is_the_one_it_names() -> None:
    pace = Pace.of(0, START)
    for name, symbol in (("binance_spot_ETHUSDT_1h.csv", "ETHUSDT"), ("prices.csv", "BTCUSDT")):
        dialect = build("binance", Options(1, pace, tuple(candles(2_000, 2_010, 2_005, 2_008)), name))
        bid = dialect.exchange.tapes[symbol].best(asks=False)
        assert bid is not None
        assert d(1_990) < bid[0] < d(2_020)
    with pytest.raises(ConfigError, match="the emulators are binance"):
        build("nasdaq", Options(1, pace))


def test_a_file_drives_what_clients_see() -> None:
    bars = tuple(candles(58_000, 58_010, 58_300, 58_008, interval=5 * MINUTE))
    exchange = build("binance", Options(1, Pace.of(0, START), bars, "BTCUSDT.csv")).exchange
    exchange.timeline.advance(exchange.now + 225 * SECOND)
    tape = exchange.tapes["BTCUSDT"]
    prints = [trade.price for trade in tape.trades]
    high, low = bars[2].high, bars[2].low
    assert low - 3 < min(prints) < low + 3, "the crowd's offers stand around the price of the file"
    assert high - 3 < max(prints) < high + 3
    assert tape.bars.series(5 * MINUTE, 0, 2**62, 9, newest=True)[0].close == d(58_000)


@given(st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 100)), min_size=1, max_size=30))
def test_realized_profit_and_entry_by_the_average_cost(fills: list[tuple[int, int]]) -> None:
    holding = Holding()
    quantity, average, realized = ZERO, ZERO, ZERO
    for size, price in fills:
        got = holding.fill(d(size), d(price), 1)
        if quantity * size >= 0:
            average = (average * abs(quantity) + d(price) * abs(size)) / (abs(quantity) + abs(size))
            expected = ZERO
        else:
            closed = min(abs(d(size)), abs(quantity))
            expected = closed * (d(price) - average) * (1 if quantity > 0 else -1)
            if abs(size) > abs(quantity):
                average = d(price)
        quantity += size
        realized += expected
        assert holding.quantity == quantity
        assert abs(got - expected) < d("1e-6")
        assert not quantity or abs(holding.entry - average) < d("1e-6")


def test_windows_begin_anew_and_can_be_given_back() -> None:
    window = Window("1M", 60, 10)
    assert [window.add(6, 0), window.add(6, SECOND)] == [6, 12]
    assert window.full(SECOND)
    assert window.add(-6, 2 * SECOND) == 6
    assert (window.seconds_left(59 * SECOND), window.used(60 * SECOND)) == (1, 0)


def test_bans_follow_patience_and_grow() -> None:
    penalties = Penalties(patience=2, first_ban_s=10, longest_ban_s=15)
    assert [penalties.offend(0) for _ in range(3)] == [False, False, True]
    assert (penalties.banned_until(0), penalties.banned_until(10 * SECOND)) == (10 * SECOND, 0)
    penalties.behave()
    assert [penalties.offend(20 * SECOND) for _ in range(3)] == [False, False, True]
    assert penalties.banned_until(20 * SECOND) == 35 * SECOND
