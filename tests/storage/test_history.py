from __future__ import annotations

import itertools
import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.model.errors import DataError
from kedge.model.facts import MarketFact
from kedge.model.market import Candle, FundingRate, Trade
from kedge.storage import history
from kedge.storage.columns import CandleColumns, TradeColumns
from kedge.storage.formats import MarketFile
from kedge.storage.history import History
from kedge.storage.parquet import open_stored, write_stored
from kedge.storage.source import FileKind

ONE = Decimal(1)


def candle(ts: int, interval: int, symbol: str = "BTC-USD") -> Candle:
    return Candle(ts, ONE, ONE, ONE, ONE, Decimal(ts), symbol, interval)


def trade(ts: int, name: int = 0) -> Trade:
    return Trade(ts, ONE, ONE, "BTC-USD", None, str(name))


def known(fact: MarketFact) -> int:
    return fact.ts + fact.interval if isinstance(fact, Candle) else fact.ts


def slow_merge(streams: list[list[MarketFact]]) -> list[MarketFact]:
    """By the time known, with late rows at the time of the row before them; ties by stream, then by row."""
    keyed = []
    for number, stream in enumerate(streams):
        latest = -(2**63)
        for row, fact in enumerate(stream):
            latest = max(latest, known(fact))
            keyed.append((latest, number, row, fact))
    return [fact for *_, fact in sorted(keyed, key=lambda entry: entry[:3])]


times = st.lists(st.integers(0, 60), max_size=40)


@given(
    st.lists(
        st.tuples(st.sampled_from(["candles", "trades", "list", "iterator"]), times, st.integers(1, 9)),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([1, 2, 5, 4096]),
    st.booleans(),
)
def test_streams_are_merged_by_the_time_they_are_known(
    kinds: list[tuple[str, list[int], int]], chunk: int, ordered: bool
) -> None:
    sources, lists = [], []
    for number, (kind, drawn, interval) in enumerate(kinds):
        stamps = sorted(drawn) if ordered else drawn
        if kind == "candles" and stamps:
            facts: list[MarketFact] = [candle(ts, interval, f"S-{number}") for ts in stamps]
            sources.append(CandleColumns.from_candles(facts))  # type: ignore[arg-type]
        else:
            facts = [trade(ts, at) for at, ts in enumerate(stamps)]
            if kind == "trades" and stamps:
                sources.append(TradeColumns.from_trades(facts))  # type: ignore[arg-type]
            else:
                sources.append(iter(facts) if kind == "iterator" else facts)  # type: ignore[arg-type]
        lists.append(facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "CHUNK", chunk)
        assert list(History(*sources)) == slow_merge(lists)


def test_a_candle_is_told_when_it_ends_not_when_it_begins() -> None:
    hour, minutes = [candle(0, 60)], [candle(at, 1, "M-1") for at in range(120)]
    merged = list(History(hour, minutes))
    assert merged[:59] == minutes[:59]
    assert merged[59:61] == [hour[0], minutes[59]], "both end at 60: the stream given first comes first"


def test_one_stream_is_passed_through_late_rows_and_all() -> None:
    facts = [candle(ts, 5) for ts in (10, 5, 30, 30, 20)]
    assert list(History(facts)) == facts
    assert list(History(CandleColumns.from_candles(facts))) == facts


def test_bounds_keep_what_lies_between_by_the_venues_time(tmp_path: Path) -> None:
    facts = [candle(ts, 10) for ts in range(0, 1000, 10)]
    columns = CandleColumns.from_candles(facts)
    write_stored(tmp_path / "x.parquet", columns)
    stored = open_stored(tmp_path / "x.parquet")
    assert stored is not None
    file = MarketFile("x", FileKind.TEXT, columns, "ts", "ns")
    for source in (facts, iter(facts), columns, stored, file):
        assert list(History(source, start=95, end=310)) == facts[10:31]
    for source in (facts, columns, stored):
        bounded = History(source, [trade(100)], start=95, end=310)
        assert list(bounded) == slow_merge([[*facts[10:31]], [trade(100)]])


def test_no_stream_and_no_room_between_the_bounds_are_refused() -> None:
    with pytest.raises(DataError, match="at least one stream"):
        History()
    with pytest.raises(DataError, match="start 5 is not before end 5"):
        History([trade(1)], start=5, end=5)
    with pytest.raises(DataError, match=r"not of the path 'candles\.csv'; read it with open_candles"):
        History("candles.csv")  # type: ignore[arg-type]
    assert list(History([])) == []
    assert list(History([], [])) == []


def test_the_digest_is_of_the_values_not_of_the_storage(tmp_path: Path) -> None:
    columns = CandleColumns.from_candles([candle(ts, 10) for ts in range(0, 1000, 10)])
    write_stored(tmp_path / "x.parquet", columns)
    stored = open_stored(tmp_path / "x.parquet")
    assert stored is not None
    digest = History(columns).content_sha256()
    assert History(stored).content_sha256() == digest
    assert History(stored, start=0, end=990).content_sha256() == History(columns[:99]).content_sha256() != digest
    assert History(columns, start=0, end=990).content_sha256() == History(columns[:99]).content_sha256()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_any_change_changes_the_digest(stamps: list[int], seed: random.Random) -> None:
    facts = [candle(ts, 5) for ts in stamps]
    at = seed.randrange(len(facts))
    changed = [*facts]
    changed[at] = candle(stamps[at] + 1, 5)
    for form in (list, CandleColumns.from_candles):
        assert History(form(facts)).content_sha256() != History(form(changed)).content_sha256()
        assert History(form(facts)).content_sha256() == History(form(facts)).content_sha256()
    one, other = [trade(1)], [FundingRate(1, ONE)]
    assert History(one, other).content_sha256() != History(other, one).content_sha256()


def test_an_iterator_is_hashed_while_it_is_read_and_read_once() -> None:
    facts = [trade(ts) for ts in range(10)]
    once = History(iter(facts))
    with pytest.raises(DataError, match="has no digest before it was read"):
        once.content_sha256()
    assert list(once) == facts
    assert once.content_sha256() == History(facts).content_sha256()
    with pytest.raises(DataError, match="was read already"):
        list(once)


def test_merging_holds_little_of_an_endless_stream() -> None:
    endless = (trade(ts, ts) for ts in itertools.count())
    other = (candle(ts * 1000, 10) for ts in itertools.count())
    first = list(itertools.islice(History(endless, other), 5_000))
    assert [known(fact) for fact in first] == sorted(known(fact) for fact in first)
