"""Replay order: when things were known, lazily, and always the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market.replay import DataReplayEngine, known_ns
from kedge.model.errors import DataError
from kedge.model.market import MarketEvent
from tests.core.market import market_facts as made
from tests.core.market.market_facts import MINUTE, START


@given(st.lists(st.lists(st.integers(0, 20), max_size=10), max_size=4))
def test_streams_are_merged_by_time_and_ties_keep_the_order_given(streams: list[list[int]]) -> None:
    made_streams = [
        [made.trade(START + at, trade_id=f"{number}.{n}") for n, at in enumerate(sorted(times))]
        for number, times in enumerate(streams)
    ]
    expected = sorted((fact for stream in made_streams for fact in stream), key=lambda fact: fact.ts)
    assert list(DataReplayEngine(*made_streams).replay()) == expected
    assert list(DataReplayEngine(*map(iter, made_streams)).replay()) == expected


def test_a_candle_comes_when_it_is_over_and_a_late_fact_when_it_was_received() -> None:
    hour = made.candle(START, interval=60 * MINUTE)
    minutes = [made.candle(START + n * MINUTE) for n in range(61)]
    late = made.trade(START, received=START + 2 * MINUTE)
    replayed = list(DataReplayEngine([hour], minutes, [late]).replay())
    assert replayed[replayed.index(hour) + 1] == minutes[59], "both are over at once; the stream given first goes first"
    assert replayed.index(minutes[1]) + 1 == replayed.index(late)
    known = [known_ns(fact) for fact in replayed]
    assert known == sorted(known)


def test_a_list_is_sorted_and_can_be_replayed_again() -> None:
    facts = [made.candle(START + n * MINUTE) for n in (3, 1, 2)]
    engine = DataReplayEngine(facts)
    assert [fact.ts for fact in engine.replay()] == [START + n * MINUTE for n in (1, 2, 3)]
    assert list(engine) == list(engine.replay())


def test_an_iterator_is_read_lazily() -> None:
    drawn: list[int] = []

    def endless() -> Iterator[MarketEvent]:
        for n in count():
            drawn.append(n)
            yield made.trade(START + n)

    first = list(islice(DataReplayEngine(endless(), endless()).replay(), 3))
    assert [fact.ts for fact in first] == [START, START, START + 1]
    assert len(drawn) <= 6


def test_an_iterator_that_goes_back_in_time_is_an_error_that_names_the_place() -> None:
    stream = iter([made.trade(START), made.trade(START - 1)])
    with pytest.raises(DataError, match=r"item 1 of stream 1 goes back .*; sort the stream or pass a list"):
        list(DataReplayEngine(stream).replay())


def test_no_stream_is_no_fact() -> None:
    assert list(DataReplayEngine().replay()) == []
    assert list(DataReplayEngine([]).replay()) == []
