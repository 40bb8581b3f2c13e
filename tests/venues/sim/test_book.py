"""The visible book against a plain model: a dictionary for each side, sorted when asked."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kedge.model.market import BookDelta, Level, OrderBook
from kedge.venues.sim.book import VisibleBook

Levels = tuple[Level, ...]
Change = tuple[Levels, Levels]


def levels(lowest: int) -> st.SearchStrategy[Levels]:
    level = st.tuples(st.integers(lowest, lowest + 15).map(Decimal), st.integers(0, 5).map(Decimal))
    return st.lists(level, max_size=8).map(tuple)


CHANGES = st.tuples(levels(1), levels(14))  # bids and asks that seldom cross


@given(st.lists(CHANGES, min_size=1, max_size=6))
def test_deltas_agree_with_a_plain_model(changes: list[Change]) -> None:
    book = VisibleBook()
    model: list[dict[Decimal, Decimal]] = [{}, {}]
    for bids, asks in changes:
        book.show_delta(BookDelta(0, bids, asks))
        for side, changed in zip(model, (bids, asks), strict=True):
            side.update(changed)
    bids_left, asks_left = ({price: size for price, size in side.items() if size} for side in model)
    crossed = bool(bids_left and asks_left) and max(bids_left) >= min(asks_left)
    assert list(book.levels(asks=False)) == ([] if crossed else sorted(bids_left.items(), reverse=True))
    assert list(book.levels(asks=True)) == ([] if crossed else sorted(asks_left.items()))
    assert book.best(asks=False) == (None if crossed else max(bids_left, default=None))
    assert book.best(asks=True) == (None if crossed else min(asks_left, default=None))


@given(CHANGES, CHANGES)
def test_a_snapshot_replaces_everything(one: Change, two: Change) -> None:
    book, fresh = VisibleBook(), VisibleBook()
    book.show_snapshot(OrderBook(0, *one))
    book.show_snapshot(OrderBook(1, *two))
    fresh.show_snapshot(OrderBook(1, *two))
    assert book.snapshot() == fresh.snapshot()
    shown = {price for price, size in two[1] if size}
    assert [Decimal(price) for price, _ in book.snapshot()["asks"]] == sorted(shown)


def test_what_was_taken_stays_taken() -> None:
    book = VisibleBook()
    book.show_snapshot(OrderBook(0, (), ((Decimal(10), Decimal(3)),)))
    book.take(asks=True, price=Decimal(10), quantity=Decimal(2))
    assert book.size_at(asks=True, price=Decimal(10)) == 1
    assert book.best(asks=True) == 10
