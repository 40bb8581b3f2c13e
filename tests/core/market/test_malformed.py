"""What no record can hold: let through is exactly what can be written and read back, and the rest is told of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.backtest.recording import codec
from kedge.core.market.handler import MarketDataHandler
from kedge.core.market.malformed import TEXT_LENGTH_MAX, quarantined, whole, whole_stream
from kedge.core.market.rules import TIME_MAX, Rule
from kedge.journal.record import Record
from kedge.model.errors import DataError
from kedge.model.facts import MalformedFact
from kedge.model.market import BookDelta, MarketEvent, OrderBook, Trade
from kedge.model.order import Side
from tests.core.market import market_facts as made
from tests.core.market.market_facts import MINUTE, START, SYMBOL, D, changed

CODEC = codec()


class Foreign:
    """A value from somewhere else, whose code is not ours to run."""

    def __repr__(self) -> str:
        raise AssertionError("the code of a foreign value was run")


#: Values of every sort, and some that look like the right one.
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([*made.NOT_A_PRICE, *made.NOT_A_TIME, *made.NOT_LEVELS, object(), 2**6_000, "\ud800", "buy"]),
    st.floats(), st.integers(-2, 2**65), st.decimals(), st.text(max_size=5), st.booleans(),
    st.lists(st.tuples(st.decimals(), st.decimals()), max_size=2).map(tuple),
)  # fmt: skip
GOOD: list[MarketEvent] = [
    made.candle(START), made.trade(START), made.quote(START), made.book(START, 7), made.delta(START, 8), made.mark(START),
    made.funding(START),
]  # fmt: skip
PLACES = [(fact, name) for fact in GOOD for name in fact.__struct_fields__]
#: Fields that the market fold does not look at, because nothing it keeps depends on them.
UNJUDGED = {"side", "trade_id", "previous_sequence"}
#: Times the fold takes for what they compare as; here they must be integers, as a record has them.
TIMES = {"ts", "interval", "received", "sequence", "first_sequence"}


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal)


def written_and_read(fact: Any) -> Any:
    kind, schema, body = CODEC.encode(fact)
    return CODEC.decode(Record(START, body, 0, 1, kind, 1, schema, ""))


@given(made.facts)
def test_a_good_fact_is_let_through_as_it_is(fact: MarketEvent) -> None:
    assert whole(fact, 0) is fact


@pytest.mark.parametrize("side", [None, Side.BUY, "sell"])
def test_every_way_to_tell_a_side_is_good(side: Any) -> None:
    fact = changed(made.trade(START), side=side)
    assert whole(fact, 0) is fact
    assert written_and_read(fact) == fact


@given(place=st.sampled_from(PLACES), value=ODD)
def test_what_is_let_through_can_be_written_and_read_back_and_so_can_what_is_said_of_the_rest(
    place: tuple[MarketEvent, str], value: Any
) -> None:
    fact, name = place
    odd = changed(fact, **{name: value})
    told = whole(odd, START)
    again = written_and_read(told)
    if type(told) is MalformedFact:
        assert again == told
        assert told.fact == type(fact).__struct_config__.tag
        assert set(told.values) == set(fact.__struct_fields__)
        assert max(len(text) for text in told.values.values()) <= TEXT_LENGTH_MAX + 3
        assert 0 <= told.ts <= TIME_MAX
    else:
        assert told is odd
        assert again == odd or isinstance(value, list)  # levels in a list are read back as the tuples they are


@given(place=st.sampled_from(PLACES), value=ODD)
def test_h32_no_fact_is_lost_that_would_have_been_believed_and_the_market_is_left_as_it_would_have_been(
    place: tuple[MarketEvent, str], value: Any
) -> None:
    fact, name = place
    odd = changed(fact, **{name: value})
    told = whole(odd, START)
    if type(told) is not MalformedFact or name in UNJUDGED or (name in TIMES and is_number(value)):
        return
    one, other = MarketDataHandler([SYMBOL]), MarketDataHandler([SYMBOL])
    for handler in (one, other):
        handler.fold(made.book(START - MINUTE, 6))
    refused = one.fold(odd)
    assert refused is not None
    said = quarantined(told, other)
    assert said.fact == refused.fact
    # Levels may break several rules: the fold names the first it asks about, here it is the one that no record can hold.
    several = name in {"bids", "asks"} and refused.rule in {Rule.ZERO, Rule.NEGATIVE}
    assert said.rule == refused.rule or several
    one_book, other_book = one.record(SYMBOL), other.record(SYMBOL)
    assert one_book is not None
    assert other_book is not None
    assert bool(one_book.book.invalid) == bool(other_book.book.invalid)
    assert one.distrust(SYMBOL, START).partition(":")[0] == other.distrust(SYMBOL, START).partition(":")[0]


def test_a_book_that_missed_something_is_invalid() -> None:
    nan = ((D("NaN"), D(1)),)
    for kind in (OrderBook, BookDelta):
        fact = next(each for each in GOOD if type(each) is kind)
        handler = MarketDataHandler([SYMBOL])
        handler.fold(made.book(START - MINUTE, 6))
        assert handler.distrust(SYMBOL, START) == ""
        told = whole(changed(fact, bids=nan), START)
        assert isinstance(told, MalformedFact)
        assert (told.rule, told.value) == (Rule.NON_FINITE, "bids[0].price=NaN")
        quarantined(told, handler)
        assert handler.distrust(SYMBOL, START) == "the book is invalid: non_finite: bids[0].price=NaN"


def test_what_is_said_names_the_value_and_runs_no_code_of_it() -> None:
    told = whole(changed(made.candle(START), close=Foreign(), low=D("sNaN")), 0)
    assert isinstance(told, MalformedFact)
    assert (told.rule, told.value) == ("non_finite", "low=sNaN")
    assert told.values["close"] == "<Foreign>"
    assert told.values["open"] == "100"
    assert told.values["symbol"] == "'BTC-USD'"


def test_it_is_known_by_its_own_time_where_that_can_be_used_else_by_that_of_the_fact_before() -> None:
    rows: list[Any] = [
        made.candle(START),
        changed(made.candle(START + MINUTE), close=None),
        changed(made.candle(START + 2 * MINUTE), ts=None),
        changed(made.candle(START + 3 * MINUTE), interval="1m"),
        changed(made.candle(START + 4 * MINUTE), ts=TIME_MAX),
        changed(made.trade(START + 9 * MINUTE), received=float("inf")),
    ]
    told = whole_stream(rows)
    assert told[0] is rows[0]
    known = [START + 2 * MINUTE, START + 2 * MINUTE, START + 3 * MINUTE, START + 3 * MINUTE, START + 9 * MINUTE]
    assert [each.ts for each in told[1:]] == known
    assert {type(each) for each in told[1:]} == {MalformedFact}


@pytest.mark.parametrize("row", [None, "x", 5, {}, Decimal(1), (), Trade])
def test_what_is_no_market_fact_at_all_is_refused_with_its_row(row: Any) -> None:
    with pytest.raises(DataError, match=r"row 1 of the market data is .*; give Candle"):
        whole_stream([made.candle(START), row])
