"""Books against a naive one (a dictionary sorted at each question), and against recordings of real venues."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market.books import Book
from kedge.core.market.handler import MarketDataHandler
from kedge.core.market.rules import Rule
from kedge.model.market import BookDelta, Level, OrderBook
from kedge.model.money import canonical
from kedge.model.order import Side
from kedge.model.sequence import Continuity, SequenceRule, by_fields, chained, contiguous, unnumbered
from tests.core.market.market_facts import SYMBOL, D, book_row, delta_row

BIDS = ((D(99), D(1)), (D(98), D(2)))
ASKS = ((D(101), D(1)), (D(102), D(2)))


def change(first: int, last: int, previous: int = -1, bids: Any = (), asks: Any = ()) -> BookDelta:
    return delta_row(0, bids, asks, SYMBOL, first, last, previous)


def book_at(sequence: int, rule: SequenceRule = by_fields, levels_max: int | None = None) -> Book:
    book = Book(rule, levels_max)
    assert book.reset(BIDS, ASKS, sequence) is None
    return book


# sequence rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "last", "from_snapshot", "delta", "expected"),
    [
        # contiguous: the first after a snapshot may overlap it
        (contiguous, 100, True, change(90, 100), Continuity.OLD),
        (contiguous, 100, True, change(90, 101), Continuity.FOLLOWS),
        (contiguous, 100, True, change(101, 105), Continuity.FOLLOWS),
        (contiguous, 100, True, change(102, 105), Continuity.GAP),
        # and later ones may not
        (contiguous, 100, False, change(101, 101), Continuity.FOLLOWS),
        (contiguous, 100, False, change(95, 100), Continuity.OLD),
        (contiguous, 100, False, change(100, 101), Continuity.GAP),
        (contiguous, 100, False, change(102, 103), Continuity.GAP),
        # chained: by the predecessor's number, whatever the first is
        (chained, 100, True, change(80, 99, 79), Continuity.OLD),
        (chained, 100, True, change(90, 110, 89), Continuity.FOLLOWS),
        (chained, 100, True, change(107, 110, 100), Continuity.FOLLOWS),
        (chained, 100, True, change(107, 110, 101), Continuity.GAP),
        (chained, 100, False, change(107, 110, 100), Continuity.FOLLOWS),
        (chained, 100, False, change(101, 110, 99), Continuity.GAP),
        (chained, 100, False, change(101, 110, 101), Continuity.GAP),
        (chained, 100, False, change(90, 100, 89), Continuity.OLD),
        (unnumbered, 0, False, change(0, 0), Continuity.FOLLOWS),
        # by what the change carries
        (by_fields, 100, False, change(107, 110, 100), Continuity.FOLLOWS),
        (by_fields, 100, False, change(107, 110), Continuity.GAP),
        (by_fields, 100, False, change(101, 110), Continuity.FOLLOWS),
        (by_fields, 0, False, change(0, 0), Continuity.FOLLOWS),
        (by_fields, 100, False, change(0, 0), Continuity.GAP),
    ],
)
def test_sequence_rule(
    rule: SequenceRule, last: int, from_snapshot: bool, delta: BookDelta, expected: Continuity
) -> None:
    assert rule(last, from_snapshot, delta) is expected


@given(st.integers(1, 30), st.integers(0, 29), st.booleans())
def test_h33_any_change_that_is_lost_is_noticed_by_the_next(changes: int, lost: int, chain: bool) -> None:
    book = book_at(0 if not chain else 1_000)
    deltas = [
        change(1_000 + 10 * n + 3, 1_000 + 10 * n + 10, 1_000 + 10 * n) if chain else change(n + 1, n + 1)
        for n in range(changes)
    ]
    for n, delta in enumerate(deltas):
        if n == lost:
            continue
        rule = book.apply(delta)
        assert (rule is Rule.SEQUENCE_GAP) == (n == lost + 1)
        assert (rule is None) == (n < lost)
        assert bool(book.invalid) == (n > lost)
    book.reset(BIDS, ASKS, 5_000)
    assert not book.invalid


# levels ---------------------------------------------------------------------------------------------------------------


def test_size_zero_removes_a_level_and_removing_none_is_nothing() -> None:
    book = book_at(1)
    assert book.apply(change(2, 2, bids=((D(99), D(0)), (D(50), D(0))), asks=((D("101.0"), D(7)),))) is None
    assert book.best_bid == (D(98), D(2))
    assert book.best_ask == (D(101), D(7))
    assert book.top(5) == ([(D(98), D(2))], [(D(101), D(7)), (D(102), D(2))])


def test_an_invalid_book_shows_nothing() -> None:
    book = Book()
    assert (book.best_bid, book.best_ask, book.top(3)) == (None, None, ([], []))
    assert book.worst_price(Side.BUY, D(1)) is None
    assert book.apply(change(1, 1)) is Rule.NO_SNAPSHOT


@pytest.mark.parametrize("price", [D(101), D(102), D(500)])
def test_h34_locked_and_crossed_books_are_invalid_until_the_next_snapshot(price: Decimal) -> None:
    book = book_at(1)
    assert book.apply(change(2, 2, bids=((price, D(1)),))) is Rule.CROSSED
    assert book.invalid.startswith("crossed")
    assert book.apply(change(3, 3, bids=((price, D(0)),))) is Rule.NO_SNAPSHOT, "a stale level is not healed by chance"
    assert book.reset(((price, D(1)),), ASKS) is Rule.CROSSED
    assert book.reset(BIDS, ASKS, 9) is None


def test_depth_is_bounded_from_the_far_end() -> None:
    book = book_at(1, levels_max=2)
    book.apply(change(2, 2, bids=((D(100), D(1)), (D(97), D(1))), asks=((D(103), D(1)), (D("100.5"), D(1)))))
    assert book.levels() == ([(D(100), D(1)), (D(99), D(1))], [(D("100.5"), D(1)), (D(101), D(1))])
    book.apply(change(3, 3, bids=((D(98), D(9)), (D(100), D(0)))))
    assert book.levels()[0] == [(D(99), D(1)), (D(98), D(9))]


class Naive:
    """A book as one would explain it."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = dict(BIDS)
        self.asks: dict[Decimal, Decimal] = dict(ASKS)

    def apply(self, delta: BookDelta) -> None:
        for side, levels in ((self.bids, delta.bids), (self.asks, delta.asks)):
            for price, size in levels:
                side.pop(price, None)
                if size:
                    side[price] = size

    def sorted(self) -> tuple[list[Level], list[Level]]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())

    def worst(self, side: Side, quantity: Decimal) -> Decimal | None:
        bids, asks = self.sorted()
        for price, size in asks if side is Side.BUY else bids:
            quantity -= size
            if quantity <= 0:
                return price
        return None


sizes = st.one_of(st.just(D(0)), st.decimals(D("0.1"), D(9), places=1))
bid_levels = st.lists(st.tuples(st.decimals(D(90), D("99.9"), places=1), sizes), max_size=6)
ask_levels = st.lists(st.tuples(st.decimals(D("100.1"), D(110), places=1), sizes), max_size=6)


@given(st.lists(st.tuples(bid_levels, ask_levels), max_size=15), st.decimals(D("0.1"), D(60), places=1))
def test_a_book_agrees_with_a_naive_one(changes: list[tuple[list[Level], list[Level]]], quantity: Decimal) -> None:
    book, naive = book_at(0), Naive()
    for n, (bids, asks) in enumerate(changes, 1):
        delta = change(n, n, bids=tuple(bids), asks=tuple(asks))
        assert book.apply(delta) is None
        naive.apply(delta)
        expected = naive.sorted()
        assert book.levels() == expected
        assert book.top(3) == (expected[0][:3], expected[1][:3])
        assert [book.best_bid, book.best_ask] == [side[0] if side else None for side in expected]
        for side in Side:
            assert book.worst_price(side, quantity) == naive.worst(side, quantity)


# recordings -----------------------------------------------------------------------------------------------------------


def levels(raw: list[list[str]]) -> tuple[Level, ...]:
    return tuple((D(price), D(size)) for price, size in raw)


def snapshot_of(raw: dict[str, Any], ts: int) -> OrderBook:
    return book_row(ts, levels(raw["bids"]), levels(raw["asks"]), SYMBOL, raw["lastUpdateId"], ts)


def delta_of(raw: dict[str, Any], received: int) -> BookDelta:
    ts = raw.get("T", raw["E"]) * 1_000_000
    return delta_row(ts, levels(raw["b"]), levels(raw["a"]), SYMBOL, raw["U"], raw["u"], raw.get("pu", -1), received)


def digest(book: Book) -> str:
    text = "#".join("|".join(f"{canonical(price)}:{canonical(size)}" for price, size in side) for side in book.levels())
    return sha256(text.encode()).hexdigest()


class Replay:
    """Folds a recording through the handler: changes wait for the snapshot, best prices are held against the book."""

    def __init__(self) -> None:
        self.handler = MarketDataHandler([SYMBOL])
        self.waiting: list[BookDelta] = []
        self.synced = False
        self.tickers: dict[int, dict[str, Any]] = {}
        self.matches = self.mismatches = self.passed_over = self.applied = 0

    @property
    def book(self) -> Book:
        record = self.handler.record(SYMBOL)
        assert record is not None
        return record.book

    def snapshot(self, snapshot: OrderBook) -> None:
        assert self.handler.fold(snapshot) is None
        self.synced = True
        for delta in self.waiting:
            self.delta(delta)

    def delta(self, delta: BookDelta) -> None:
        if not self.synced:
            self.waiting.append(delta)
            return
        refused = self.handler.fold(delta)
        if refused is None:
            self.applied += 1
            self.compare(self.tickers.pop(delta.sequence, None))
        else:
            assert refused.rule == Rule.OUT_OF_ORDER, refused
            assert not self.applied, "only what is older than the snapshot is passed over"
            self.passed_over += 1

    def ticker(self, raw: dict[str, Any]) -> None:
        """The venue's own best prices as of one update: they may come before the change that leads there, or after."""
        if self.applied and raw["u"] == self.book.sequence:
            self.compare(raw)
        else:
            self.tickers[raw["u"]] = raw

    def compare(self, raw: dict[str, Any] | None) -> None:
        if raw is not None:
            top = (D(raw["b"]), D(raw["B"])), (D(raw["a"]), D(raw["A"]))
            same = (self.book.best_bid, self.book.best_ask) == top
            assert not same or self.handler.best(SYMBOL) == (top[0][0], top[1][0])
            self.matches += same
            self.mismatches += not same

    def agrees_with(self, expected: dict[str, Any]) -> None:
        bids, asks = self.book.levels()
        assert self.book.sequence == expected["final_update_id"]
        assert (len(bids), len(asks)) == (expected["bid_levels"], expected["ask_levels"])
        assert bids[:10] == list(levels(expected["top10_bids"]))
        assert asks[:10] == list(levels(expected["top10_asks"]))
        assert digest(self.book) == expected["sha256"]
        assert (self.applied, self.passed_over) == (expected["applied_events"], expected["dropped_events"])
        assert (self.matches, self.mismatches) == (expected["bookticker_matches"], 0)


def expected_books(shared: Path, capture: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "data" / "expected_books.json").read_text())["captures"][capture]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_books_of_a_real_venue_are_exact_to_the_last_level(shared: Path, market: str) -> None:
    capture = f"raw_binance_{market}_btcusdt_20240808"
    replay = Replay()
    with gzip.open(shared / "data" / f"{capture}.txt.gz", "rt") as lines:
        for line in lines:
            if "@trade" in line[:60]:
                continue
            stamp, _, text = line.partition(" ")
            raw, received = json.loads(text), int(stamp)
            data = raw.get("data", raw)
            if "lastUpdateId" in data:
                replay.snapshot(snapshot_of(data, received))
            elif data.get("e") == "depthUpdate":
                replay.delta(delta_of(data, received))
            else:
                replay.ticker(data)
    replay.agrees_with(expected_books(shared, capture)[0])


def test_four_books_of_one_connection_are_exact(shared: Path) -> None:
    capture = "raw_cryptofeed_BINANCE"
    replays = {expected["symbol"]: (Replay(), expected) for expected in expected_books(shared, capture)}
    with gzip.open(shared / "data" / f"{capture}.http.0.0.txt.gz", "rt") as lines:
        for line in lines:
            if "/depth?symbol=" in line:
                url, _, rest = line.partition(" -> ")
                symbol = url.split("symbol=")[1].split("&")[0]
                replays[symbol][0].snapshot(snapshot_of(json.loads(rest.partition(": ")[2]), 1))
    for data in _messages(shared / "data" / f"{capture}.ws.1.0.txt.gz"):
        if data["s"] in replays and "u" in data:
            replay = replays[data["s"]][0]
            if data.get("e") == "depthUpdate":
                replay.delta(delta_of(data, 0))
            elif "B" in data:
                replay.ticker(data)
    for replay, expected in replays.values():
        replay.agrees_with(expected)


def _messages(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        for line in lines:
            if ": {" in line:
                yield json.loads(line.partition(": ")[2])["data"]
