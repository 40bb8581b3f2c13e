"""The visible book against a plain model: a dictionary for each side, sorted when asked."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kedge.model.market import BookDelta, OrderBook
from kedge.venues.sim.book import VisibleBook

LEVELS = st.lists(st.tuples(st.integers(1, 20).map(Decimal), st.integers(0, 5).map(Decimal)), max_size=8).map(tuple)


@given(first=st.tuples(LEVELS, LEVELS), changes=st.lists(st.tuples(LEVELS, LEVELS), max_size=6))
def test_snapshots_and_deltas_agree_with_a_plain_model(
    first: tuple[tuple[tuple[Decimal, Decimal], ...], ...],
    changes: list[tuple[tuple[tuple[Decimal, Decimal], ...], ...]],
) -> None:
    book = VisibleBook()
    book.show_snapshot(OrderBook(0, (), ()))
    model: list[dict[Decimal, Decimal]] = [{}, {}]
    for bids, asks in [first, *changes]:
        book.show_delta(BookDelta(0, bids, asks))
        for side, levels in zip(model, (bids, asks), strict=True):
            for price, size in levels:
                side[price] = size
    for asks_side in (False, True):
        expected = sorted(((price, size) for price, size in model[asks_side].items() if size), reverse=not asks_side)
        assert list(book.levels(asks_side)) == expected
        assert book.best(asks_side) == (expected[0][0] if expected else None)


@given(LEVELS, LEVELS)
def test_a_snapshot_replaces_everything(
    one: tuple[tuple[Decimal, Decimal], ...], two: tuple[tuple[Decimal, Decimal], ...]
) -> None:
    book, fresh = VisibleBook(), VisibleBook()
    book.show_snapshot(OrderBook(0, one, two))
    book.show_snapshot(OrderBook(1, two, one))
    fresh.show_snapshot(OrderBook(1, two, one))
    assert book.snapshot() == fresh.snapshot()
    assert [price for price, _ in book.levels(True)] == sorted({price for price, size in one if size})


def test_what_was_taken_stays_taken() -> None:
    book = VisibleBook()
    book.show_snapshot(OrderBook(0, (), ((Decimal(10), Decimal(3)),)))
    book.take(asks=True, price=Decimal(10), quantity=Decimal(2))
    assert book.size_at(asks=True, price=Decimal(10)) == 1
    assert book.best(asks=True) == 10
